#!/usr/bin/env python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checking modules on a real Prometheus with 10,000 targets and 2,000 rules, against bare Python in the same run.

Both servers run on the loopback and are ended again. Every measurement is a process of its own, so that the memory is
its own too; module and floor take turns, and the median counts. Ansible's start-up and the imports are left out.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "ansible_collections.argolab.observability.plugins.modules"
POOLS = [f"watched-{number}" for number in range(4)]
TARGETS, OTHER_POOLS, RULES = 10_000, 99, 2_000
# Few milliseconds each: on a machine that does other things too, the median of seven moved by a third.
ROUNDS = 21
RECOVERIES = 7
INTERVAL = 60
# A target that answers at once; Prometheus opens a connection for each scrape.
EXPORTER = """
import asyncio, os, sys
async def answer(reader, writer):
    request = await reader.readuntil(b"\\r\\n\\r\\n")
    off = request.startswith(b"GET /switch ") and not os.path.exists(sys.argv[2])
    lines = [
        b"HTTP/1.1 503 Service Unavailable" if off else b"HTTP/1.1 200 OK",
        b"Content-Type: text/plain", b"Connection: close", b"Content-Length: 14", b"", b"up_for_real 1\\n",
    ]
    writer.write(b"\\r\\n".join(lines))
    await writer.drain()
    writer.close()
async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", int(sys.argv[1]), backlog=1024)
    await server.serve_forever()
asyncio.run(main())
"""


class Unmeasured(Exception):
    """This machine cannot measure it; the message says why."""


def program() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "argolab.observability"
    found = sorted(cache.glob("programs/prometheus-v*/prometheus"), reverse=True)
    if not found:
        raise Unmeasured("the lab's Prometheus has not been built here (make lab)")
    return found[0]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def scrape_config(job: str, exporter: int, number: int, interval: str = "") -> dict[str, Any]:
    static = [{"targets": [f"127.0.0.1:{exporter}"], "labels": {"pod": f"{job}-{index}"}} for index in range(number)]
    return {"job_name": job, "static_configs": static, **({"scrape_interval": interval} if interval else {})}


def configuration(exporter: int, folder: Path, targets: int) -> dict[str, Any]:
    """The four pools have the same targets on both servers; the others make up the rest."""
    own = 100 // len(POOLS)
    jobs = [scrape_config(pool, exporter, own) for pool in POOLS]
    rest = targets - own * len(POOLS)
    if rest:
        jobs += [scrape_config(f"other-{number}", exporter, rest // OTHER_POOLS) for number in range(OTHER_POOLS)]
    switch = scrape_config("switched", exporter, 1, "1s")
    jobs.append({**switch, "metrics_path": "/switch"})
    return {
        "global": {"scrape_interval": f"{INTERVAL}s", "scrape_timeout": "1s", "evaluation_interval": f"{INTERVAL}s"},
        "rule_files": [f"{folder}/rules.yml"],
        "scrape_configs": jobs,
    }


def rules(number: int) -> dict[str, Any]:
    per_group = 20
    return {
        "groups": [
            {
                "name": f"group-{group}",
                "rules": [
                    {"alert": f"Alert{group}x{rule}", "expr": f"vector({rule}) < 0", "labels": {"severity": "none"},
                     "annotations": {"summary": "a sentence of about the length that summaries of alerts have"}}
                    for rule in range(per_group)
                ],
            }
            for group in range(number // per_group)
        ]
    }  # fmt: skip


def ask(url: str, path: str, **params: str) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    query = f"?{urllib.parse.urlencode(params)}" if params else ""
    with opener.open(url + path + query, timeout=30) as answer:
        return json.loads(answer.read())


@contextlib.contextmanager
def process(argv: list[str], log: Path) -> Iterator[None]:
    with log.open("wb") as stream:
        started = subprocess.Popen(argv, stdout=stream, stderr=stream, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        started.kill()
        started.wait()


@contextlib.contextmanager
def prometheus(folder: Path, exporter: int, targets: int) -> Iterator[str]:
    """A real Prometheus whose targets all have been scraped and whose rules all have been evaluated."""
    folder.mkdir()
    port = free_port()
    number = RULES if targets > 100 else 20
    # JSON is YAML
    (folder / "rules.yml").write_text(json.dumps(rules(number)), encoding="utf-8")
    (folder / "prometheus.yml").write_text(json.dumps(configuration(exporter, folder, targets)), encoding="utf-8")
    argv = [str(program()), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}"]  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    with process(argv, folder / "log"):
        deadline = time.monotonic() + 3 * INTERVAL + 60
        while not settled(url, targets, number):
            if time.monotonic() > deadline:
                raise Unmeasured(f"Prometheus with {targets} targets was not ready in time")
            time.sleep(1)
        yield url


def settled(url: str, targets: int, number: int) -> bool:
    try:
        up = ask(url, "/api/v1/query", query="count(up == 1)")["data"]["result"]
        groups = ask(url, "/api/v1/rules")["data"]["groups"]
    except OSError:
        return False
    healthy = sum(rule["health"] == "ok" for group in groups for rule in group["rules"])
    return bool(up) and int(up[0]["value"][1]) >= targets and healthy == number


# --- what is measured, each in a process of its own -----------------------------------------------------------------


def floor_pools(url: str) -> None:
    for pool in POOLS:
        assert ask(url, "/api/v1/targets", state="active", scrapePool=pool)["data"]["activeTargets"]


def floor_everything(url: str) -> None:
    assert ask(url, "/api/v1/targets", state="active")["data"]["activeTargets"]
    assert ask(url, "/api/v1/rules")["data"]["groups"]


def run_module(name: str, **options: Any) -> dict[str, Any]:
    import importlib

    from ansible.module_utils.testing import patch_module_args

    module = importlib.import_module(f"{PACKAGE}.{name}")
    output = io.StringIO()
    with contextlib.suppress(SystemExit), patch_module_args(options), contextlib.redirect_stdout(output):
        module.main()
    return dict(json.loads(output.getvalue().strip().splitlines()[-1]))


def look_once(name: str, **options: Any) -> dict[str, Any]:
    """What the module does between the start that Ansible gives it and the result that Ansible writes."""
    import importlib

    utils = PACKAGE.replace(".modules", ".module_utils")
    part = importlib.import_module(f"{utils}.parts.{name}").PART
    params = {key: option.get("default") for key, option in part.spec.items()}
    look = part.look({**params, **options})
    outcome = importlib.import_module(f"{utils}.waiter").wait_until(look.poll, 0)
    return dict(importlib.import_module(f"{utils}.part").result_of(part, look, outcome))


def module_pools(url: str) -> None:
    expected = [{"scrape_pool": pool, "count": 25} for pool in POOLS]
    result = look_once("prometheus_targets", url=url, expected=expected)
    assert not result.get("failed"), result["msg"]


def module_everything(url: str) -> None:
    for name, option in (("prometheus_targets", "all_up"), ("prometheus_rules", "all_healthy")):
        result = look_once(name, url=url, **{option: True})
        # the one target that is switched off is down, which is no reason not to look at everything
        assert not result.get("failed") or "switched" in result["msg"], result["msg"][:500]


WORK: dict[str, Callable[[str], None]] = {
    "floor_pools": floor_pools,
    "module_pools": module_pools,
    "floor_everything": floor_everything,
    "module_everything": module_everything,
}


def worker(name: str, url: str) -> None:
    sys.path.insert(0, str(ROOT / ".collections"))
    if name.startswith("module"):
        # imports are start-up
        import importlib

        for one in ("prometheus_targets", "prometheus_rules"):
            importlib.import_module(f"{PACKAGE}.{one}")
    start = time.perf_counter()
    WORK[name](url)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def take_turns(work: dict[str, tuple[str, str]]) -> dict[str, tuple[float, float]]:
    """Median seconds and MiB of each, from rounds in which all had their turn."""
    seen: dict[str, list[dict[str, float]]] = {key: [] for key in work}
    for _round in range(ROUNDS):
        for key, (name, url) in work.items():
            argv = [sys.executable, __file__, "--worker", name, url]
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
            if done.returncode:
                raise Unmeasured(f"{name} failed: {done.stderr.strip().splitlines()[-1:]}")
            seen[key].append(json.loads(done.stdout))
    return {
        key: tuple(statistics.median(one[unit] for one in found) for unit in ("seconds", "mib"))  # type: ignore[misc]
        for key, found in seen.items()
    }


def recovery(url: str, switch: Path) -> tuple[float, float]:
    """Seconds from a target's recovery to the module's return, and its bound: a scrape interval and a poll."""
    poll, bound = 0.5, 1 + 0.5
    worst = 0.0
    for _round in range(RECOVERIES):
        switch.unlink(missing_ok=True)
        while ask(url, "/api/v1/query", query='up{job="switched"} == 0')["data"]["result"] == []:
            time.sleep(0.1)
        options = {"url": url, "expected": [{"scrape_pool": "switched"}], "wait_timeout": 30, "poll_interval": poll}
        code = (
            "import sys, json, time; sys.path.insert(0, sys.argv[1]); sys.path.insert(0, sys.argv[2]); import scale; "
            "result = scale.run_module('prometheus_targets', **json.loads(sys.argv[3])); "
            "assert not result.get('failed'), result; print(time.time())"
        )
        argv = [sys.executable, "-c", code, str(ROOT / ".collections"), str(ROOT / "benchmarks"), json.dumps(options)]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as waiting:
            time.sleep(3)
            recovered = time.time()
            switch.touch()
            output, _errors = waiting.communicate(timeout=60)
        worst = max(worst, float(output.split()[-1]) - recovered)
    return worst, bound


def measure() -> Iterator[dict[str, Any]]:
    """Each figure as name, value, unit, floor, goal and note."""
    with tempfile.TemporaryDirectory(prefix="argolab-scale-") as temporary:
        folder, port = Path(temporary), free_port()
        switch = folder / "switched-on"
        switch.touch()
        with contextlib.ExitStack() as stack:
            argv = [sys.executable, "-c", EXPORTER, str(port), str(switch)]
            stack.enter_context(process(argv, folder / "exporter.log"))
            small = stack.enter_context(prometheus(folder / "small", port, 100))
            large = stack.enter_context(prometheus(folder / "large", port, TARGETS))
            seen = take_turns(
                {
                    "floor_pools": ("floor_pools", large),
                    "module_pools": ("module_pools", large),
                    "small_pools": ("module_pools", small),
                    "small_floor": ("floor_pools", small),
                    "floor_everything": ("floor_everything", large),
                    "module_everything": ("module_everything", large),
                }
            )
            worst, bound = recovery(large, switch)
    ms = {key: round(value[0] * 1000, 1) for key, value in seen.items()}
    mib = {key: round(value[1], 1) for key, value in seen.items()}
    yield {"name": "four scrape pools out of 10,000 targets", "value": ms["module_pools"], "unit": "ms",
           "floor": ms["floor_pools"], "goal": round(1.3 * ms["floor_pools"], 1),
           "note": "floor: the same four answers by a bare Python"}  # fmt: skip
    yield {"name": "the same four pools, 10,000 targets against 100", "value": ms["module_pools"], "unit": "ms",
           "floor": ms["small_pools"], "goal": round(1.2 * ms["small_pools"], 1),
           "note": "floor: the module on a Prometheus with 100 targets; of the difference, Prometheus itself takes "
                   f"{ms['floor_pools'] - ms['small_floor']:.1f} ms: a bare Python needs {ms['floor_pools']} ms "
                   f"against {ms['small_floor']} ms"}  # fmt: skip
    yield {"name": "all 10,000 targets and 2,000 rules, time", "value": ms["module_everything"], "unit": "ms",
           "floor": ms["floor_everything"], "goal": round(1.5 * ms["floor_everything"], 1),
           "note": "floor: both answers by a bare Python"}  # fmt: skip
    yield {"name": "all 10,000 targets and 2,000 rules, memory", "value": mib["module_everything"], "unit": "MiB",
           "floor": mib["floor_everything"], "goal": round(1.5 * mib["floor_everything"], 1),
           "note": "largest resident set of the process"}  # fmt: skip
    yield {"name": "from a target's recovery to the module's return", "value": round(worst, 2), "unit": "s",
           "floor": bound, "goal": bound,
           "note": f"worst of {RECOVERIES}; floor: scrape interval 1 s and one poll of 0.5 s"}  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        worker(sys.argv[2], sys.argv[3])
    else:
        try:
            for one in measure():
                print(json.dumps(one))
        except Unmeasured as error:
            sys.exit(f"bench: {error}")
