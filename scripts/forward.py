#!/usr/bin/env python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Port-forwards Prometheus, Alertmanager, Grafana and Argo CD until Ctrl-C: the way in without names and ingress.

Argo CD is at 8081, not at the tutorial's 8080, because 8080 is k3d's load balancer here.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from lab import DEFAULT_FILE, Lab, LabError, read_lab


@dataclass(frozen=True)
class Way:
    """One way in: a Service and the local port that leads to it."""

    name: str
    namespace: str
    service: str
    service_port: int
    local_port: int
    path: str = "/"


@dataclass
class Forward:
    """One kubectl port-forward, started again when it breaks."""

    way: Way
    address: str
    process: subprocess.Popen[bytes] | None = None
    output: IO[bytes] = field(default_factory=tempfile.TemporaryFile)

    def start(self, lab: Lab) -> None:
        way = self.way
        self.process = subprocess.Popen(
            [
                *lab.kubectl_command(), "--namespace", way.namespace, "port-forward", "--address", self.address,
                f"service/{way.service}", f"{way.local_port}:{way.service_port}",
            ],
            stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT,
            # Ctrl-C reaches only this program, which then ends its children in order.
            start_new_session=True,
        )  # fmt: skip

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def last_words(self) -> str:
        self.output.seek(0)
        lines = self.output.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def stop(self) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.output.close()


def ways(lab: Lab, ports: dict[str, int]) -> list[Way]:
    monitoring, argocd = lab.namespaces["monitoring"], lab.namespaces["argocd"]
    grafana = f"{lab.releases['monitoring']}-grafana"
    # The operator's own Services have the same name for every release.
    return [
        Way("Prometheus", monitoring, "prometheus-operated", 9090, ports["prometheus"], "/-/ready"),
        Way("Alertmanager", monitoring, "alertmanager-operated", 9093, ports["alertmanager"], "/-/ready"),
        Way("Grafana", monitoring, grafana, 80, ports["grafana"], "/api/health"),
        Way("Argo CD", argocd, f"{lab.releases['argocd']}-server", 80, ports["argocd"], "/healthz"),
    ]


def existing_services(lab: Lab, namespace: str) -> set[str]:
    command = [*lab.kubectl_command(), "--namespace", namespace, "get", "services", "--output", "json"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except FileNotFoundError:
        raise LabError(f"the program {lab.kubectl} is not there. Build the lab anew: make lab") from None
    except subprocess.TimeoutExpired:
        raise LabError("the cluster did not answer within 30 s. Is it running? make lab starts it again.") from None
    if answer.returncode:
        reason = answer.stderr.strip().splitlines() or ["kubectl said nothing"]
        raise LabError(f"the cluster cannot be asked for its Services: {reason[-1]}")
    return {item["metadata"]["name"] for item in json.loads(answer.stdout)["items"]}


def taken_ports(wanted: list[Way], address: str) -> list[str]:
    """What keeps a forward from listening, found before any is started."""
    found = []
    for way in wanted:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, way.local_port))
            except OSError as error:
                option = "--" + way.name.lower().replace(" ", "") + "-port"
                found.append(
                    f"{address}:{way.local_port}, wanted for {way.name}, is not free ({error.strerror}); "
                    f"choose another: make forward ARGS='{option} PORT'"
                )
    return found


def answers(way: Way, address: str) -> bool:
    """Any HTTP answer counts, also a refusal: then the way in works."""
    host = f"[{address}]" if ":" in address else address
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{host}:{way.local_port}{way.path}", timeout=3):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False


def wait_for_all(forwards: list[Forward], lab: Lab, timeout: float, ended: threading.Event) -> None:
    deadline = time.monotonic() + timeout
    missing = list(forwards)
    while missing and not ended.is_set():
        missing = [one for one in missing if not (one.running() and answers(one.way, one.address))]
        if missing and time.monotonic() > deadline:
            said = "; ".join(f"{one.way.name} ({one.way.service}): {one.last_words()}" for one in missing)
            raise LabError(f"no answer within {timeout:.0f} s through the forward of {said}")
        for one in missing:
            if not one.running():
                one.start(lab)
        if missing:
            ended.wait(0.5)


def keep_alive(forwards: list[Forward], lab: Lab, ended: threading.Event, say: Callable[[str], None]) -> None:
    """kubectl ends a forward when its pod goes away; a new one finds the new pod."""
    while not ended.wait(2):
        for one in forwards:
            if not one.running():
                say(f"the forward of {one.way.name} ended ({one.last_words()}); starting it again")
                one.start(lab)


def say(text: str) -> None:
    print(text, flush=True)


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/forward.py", description=__doc__)
    parser.add_argument("--prometheus-port", type=int, default=9090, metavar="PORT", help="local port (default 9090)")
    parser.add_argument("--alertmanager-port", type=int, default=9093, metavar="PORT", help="local port (default 9093)")
    parser.add_argument("--grafana-port", type=int, default=3000, metavar="PORT", help="local port (default 3000)")
    parser.add_argument("--argocd-port", type=int, default=8081, metavar="PORT", help="local port (default 8081)")
    parser.add_argument("--address", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--timeout", type=float, default=60, metavar="SECONDS", help="wait for the first answers (60)")
    parser.add_argument("--once", action="store_true", help="end as soon as every forward has answered")
    parser.add_argument("--lab", type=Path, default=DEFAULT_FILE, metavar="FILE", help="what site.yml wrote")
    options = parser.parse_args(argv)
    for name in ("prometheus", "alertmanager", "grafana", "argocd"):
        port = getattr(options, f"{name}_port")
        if not 1 <= port <= 65535:
            parser.error(f"--{name}-port must be from 1 to 65535, not {port}")
    return options


def run(options: argparse.Namespace, ended: threading.Event) -> None:
    lab = read_lab(options.lab)
    ports = {name: getattr(options, f"{name}_port") for name in ("prometheus", "alertmanager", "grafana", "argocd")}
    every = ways(lab, ports)
    services = {namespace: existing_services(lab, namespace) for namespace in {way.namespace for way in every}}
    wanted = [way for way in every if way.service in services[way.namespace]]
    for way in every:
        if way not in wanted:
            say(f"{way.name:<13} not forwarded: there is no Service {way.service} in namespace {way.namespace}")
    if not wanted:
        raise LabError("nothing to forward. Install it: make lab")
    if taken := taken_ports(wanted, options.address):
        raise LabError("\n".join(taken))

    forwards = [Forward(way, options.address) for way in wanted]
    try:
        for one in forwards:
            one.start(lab)
        wait_for_all(forwards, lab, options.timeout, ended)
        if ended.is_set():
            return
        for way in wanted:
            say(f"{way.name:<13} http://{options.address}:{way.local_port}/")
        if not options.once:
            say("Ctrl-C ends all of them.")
            keep_alive(forwards, lab, ended, say)
    finally:
        for one in forwards:
            one.stop()
    say("All forwards have ended.")


def main(argv: list[str] | None = None) -> int:
    options = parse(argv)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: ended.set())
    try:
        run(options, ended)
    except LabError as error:
        print(f"forward: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main())
    os._exit(0)
