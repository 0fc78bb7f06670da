# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""scripts/forward.py with a kubectl that really listens, but has no cluster behind it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "forward.py"

# Answers `get services` from a file, serves HTTP as `port-forward` does, and breaks on request.
KUBECTL = """#!{python}
import http.server, json, os, pathlib, sys
here = pathlib.Path(__file__).parent
words = sys.argv[1:]
assert words[:4] == ["--kubeconfig", str(here / "kubeconfig.yaml"), "--context", "k3d-test"], words
namespace = words[words.index("--namespace") + 1]
if "get" in words:
    if (here / "broken").exists():
        sys.exit("Unable to connect to the server: dial tcp: connection refused")
    names = json.loads((here / "services.json").read_text())[namespace]
    print(json.dumps({{"items": [{{"metadata": {{"name": name}}}} for name in names]}}))
    sys.exit(0)
service = words[-2].split("/")[1]
if (here / ("mute-" + service)).exists():
    sys.exit("error: unable to forward port because pod is not running")
with (here / "started").open("a") as log:
    log.write(f"{{os.getpid()}} {{service}} {{words[-1]}}\\n")

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if service == "prometheus-operated" else 200)
        self.end_headers()
    def log_message(self, *words):
        pass

http.server.HTTPServer((words[words.index("--address") + 1], int(words[-1].split(":")[0])), Handler).serve_forever()
"""
ALL = {
    "monitoring": ["prometheus-operated", "alertmanager-operated", "kube-stack-prometheus-grafana"],
    "argocd": ["argocd-server"],
}


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _each in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Fixture:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = free_ports(4)
        kubectl = folder / "kubectl"
        kubectl.write_text(KUBECTL.format(python=sys.executable))
        kubectl.chmod(0o755)
        (folder / "kubeconfig.yaml").write_text("{}")
        self.services(ALL)
        self.lab = folder / "lab.json"
        self.lab.write_text(
            json.dumps(
                {
                    "cluster": "test",
                    "kubeconfig": str(folder / "kubeconfig.yaml"),
                    "context": "k3d-test",
                    "kubectl": str(kubectl),
                }
            )
        )

    def services(self, services: dict[str, list[str]]) -> None:
        (self.folder / "services.json").write_text(json.dumps(services))

    def command(self, *words: str) -> list[str]:
        names = ("prometheus", "alertmanager", "grafana", "argocd")
        ports = [word for name, port in zip(names, self.ports) for word in (f"--{name}-port", str(port))]
        return [sys.executable, str(SCRIPT), "--lab", str(self.lab), *ports, *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=60, check=False)

    def started(self) -> list[list[str]]:
        return [line.split() for line in (self.folder / "started").read_text().splitlines()]

    def all_free(self) -> bool:
        for port in self.ports:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return False
        return True


@pytest.fixture
def lab(tmp_path: Path) -> Fixture:
    return Fixture(tmp_path)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(condition, what: str) -> None:
    for _attempt in range(200):
        if condition():
            return
        time.sleep(0.1)
    pytest.fail(f"did not happen: {what}")


def test_once_starts_probes_and_ends(lab: Fixture) -> None:
    result = lab.run("--once")
    assert result.returncode == 0, result.stderr
    for port in lab.ports:
        assert f"http://127.0.0.1:{port}/" in result.stdout
    targets = {service: ports.split(":")[1] for _pid, service, ports in lab.started()}
    assert targets == {
        "prometheus-operated": "9090",
        "alertmanager-operated": "9093",
        "kube-stack-prometheus-grafana": "80",
        "argocd-server": "80",
    }
    assert lab.all_free()
    assert not any(alive(int(pid)) for pid, *_rest in lab.started())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ends_with_its_children(lab: Fixture, number: signal.Signals) -> None:
    with subprocess.Popen(lab.command(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("Ctrl-C"):
                break
        process.send_signal(number)
        rest = process.stdout.read()
        assert process.wait(timeout=30) == 0
    assert "All forwards have ended." in rest
    assert lab.all_free()
    assert not any(alive(int(pid)) for pid, *_rest in lab.started())


def test_a_broken_forward_is_started_again(lab: Fixture) -> None:
    with subprocess.Popen(lab.command(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("Ctrl-C"):
                break
        victim = next(int(pid) for pid, service, _ports in lab.started() if service == "argocd-server")
        os.kill(victim, signal.SIGKILL)
        try:
            wait_for(lambda: sum(one[1] == "argocd-server" for one in lab.started()) == 2, "a second forward")
        finally:
            process.terminate()
        assert "the forward of Argo CD ended" in process.stdout.read()
    assert lab.all_free()


def test_what_is_not_installed_is_said(lab: Fixture) -> None:
    lab.services({**ALL, "monitoring": ["prometheus-operated", "alertmanager-operated"]})
    result = lab.run("--once")
    assert result.returncode == 0, result.stderr
    assert "Grafana       not forwarded: there is no Service kube-stack-prometheus-grafana" in result.stdout
    assert str(lab.ports[2]) not in result.stdout


def test_nothing_installed(lab: Fixture) -> None:
    lab.services({"monitoring": [], "argocd": []})
    result = lab.run("--once")
    assert result.returncode == 1
    assert "nothing to forward" in result.stderr


def test_taken_port_is_named_before_anything_starts(lab: Fixture) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", lab.ports[3]))
        other.listen()
        result = lab.run("--once")
    assert result.returncode == 1
    assert f"127.0.0.1:{lab.ports[3]}, wanted for Argo CD, is not free" in result.stderr
    assert "--argocd-port PORT" in result.stderr
    assert not (lab.folder / "started").exists()


def test_forward_that_never_answers(lab: Fixture) -> None:
    (lab.folder / "mute-argocd-server").touch()
    result = lab.run("--once", "--timeout", "3")
    assert result.returncode == 1
    assert "Argo CD (argocd-server): error: unable to forward port because pod is not running" in result.stderr
    assert lab.all_free()
    assert not any(alive(int(pid)) for pid, *_rest in lab.started())


def test_cluster_that_does_not_answer(lab: Fixture) -> None:
    (lab.folder / "broken").touch()
    result = lab.run("--once")
    assert result.returncode == 1
    assert "Unable to connect to the server" in result.stderr


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda lab: lab.lab.unlink(), "no lab was built from this checkout. Build one: make lab"),
        (lambda lab: lab.lab.write_text("[]"), "cannot be read as the description of a lab"),
        (lambda lab: lab.lab.write_text('{"cluster": "test"}'), "cannot be read as the description of a lab"),
        (lambda lab: (lab.folder / "kubeconfig.yaml").unlink(), "kubeconfig.yaml, named in"),
        (lambda lab: (lab.folder / "kubectl").unlink(), "kubectl is not there"),
    ],
)
def test_no_usable_lab(lab: Fixture, damage, expected: str) -> None:
    damage(lab)
    result = lab.run("--once")
    assert result.returncode == 1
    assert expected in result.stderr
    assert "Traceback" not in result.stderr


def test_impossible_port(lab: Fixture) -> None:
    result = lab.run("--grafana-port", "70000")
    assert result.returncode == 2
    assert "--grafana-port must be from 1 to 65535" in result.stderr
