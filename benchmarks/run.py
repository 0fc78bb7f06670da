#!/usr/bin/env python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the lab against what raw commands need; prints a table and writes build/benchmarks.json.

By default the lab is torn down and built again from the programs and images in the cache.
Durations are shown, never asserted.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "benchmarks")]

import scale
from lab import Lab, LabError, read_lab

BUILD = ROOT / "build"
# Raw k3d and kubeadm until the node was ready, recorded once on 2 quiet cores.
CLUSTER_SECONDS = 9
FLOOR_DEADLINE = 300
RECAP = re.compile(r"^\S+\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=\d+\s+failed=\d+\s+skipped=(\d+)", re.MULTILINE)


@dataclass
class Figure:
    name: str
    value: float | None
    unit: str
    floor: float | None
    ratio: float | None
    goal: float | None
    command: str
    note: str = ""


def figure(
    name: str, value: float | None, unit: str, command: str,
    floor: float | None = None, goal: float | None = None, note: str = "",
) -> Figure:  # fmt: skip
    ratio = round(value / floor, 2) if value is not None and floor else None
    value, floor = (None if number is None else round(number, 2) for number in (value, floor))
    return Figure(name, value, unit, floor, ratio, goal, command, note)


def timed(argv: list[str], log: Path, env: dict[str, str] | None = None) -> tuple[float, str]:
    """Wall time and output of a command that must succeed."""
    print(f"$ {shlex.join(argv)}", file=sys.stderr, flush=True)
    start = time.monotonic()
    result = subprocess.run(
        argv, cwd=ROOT, env=env, text=True, errors="replace", check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    seconds = time.monotonic() - start
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(result.stdout, encoding="utf-8")
    if result.returncode:
        tail = "\n".join(result.stdout.splitlines()[-20:])
        raise LabError(f"{shlex.join(argv)} ended with exit code {result.returncode}; all of it is in {log}:\n{tail}")
    return seconds, result.stdout


def cpu_time(stat: Path = Path("/proc/stat")) -> tuple[int, int]:
    """CPU time since the start that the host gave to others although this machine wanted it, and all of it."""
    try:
        first = stat.read_text(encoding="ascii").splitlines()[0].split()
    except OSError:
        return 0, 0
    # user, nice, system, idle, iowait, irq, softirq, steal; what follows is in the first two already
    times = [int(number) for number in first[1:9]]
    return times[7], sum(times)


def stolen(before: tuple[int, int], after: tuple[int, int]) -> str:
    """For a note: durations of a virtual machine only compare where their hosts took the same from them."""
    total = after[1] - before[1]
    return f"{100 * (after[0] - before[0]) / total:.0f} % of CPU time stolen by the host" if total else "no /proc/stat"


def watched(argv: list[str], log: Path, env: dict[str, str] | None = None) -> tuple[float, str, str]:
    """As timed(), and what the host took meanwhile."""
    before = cpu_time()
    return (*timed(argv, log, env), stolen(before, cpu_time()))


def recap(output: str) -> dict[str, int]:
    """Totals of PLAY RECAP over all hosts."""
    totals = {"ok": 0, "changed": 0, "skipped": 0}
    for ok, changed, skipped in RECAP.findall(output):
        totals["ok"] += int(ok)
        totals["changed"] += int(changed)
        totals["skipped"] += int(skipped)
    return totals


def measure_cold() -> Figure:
    """A cache of its own makes it cold without throwing away the one in use."""
    command = "make down; make lab, with an empty cache"
    with tempfile.TemporaryDirectory(prefix="argolab-cold-") as cold:
        env = {**os.environ, "XDG_CACHE_HOME": cold}
        for name in ("VIRTUAL_ENV", "ANSIBLE_CONFIG", "ANSIBLE_COLLECTIONS_PATH"):
            env.pop(name, None)
        timed(["scripts/play", "teardown.yml"], BUILD / "benchmarks" / "cold-down.log")
        try:
            seconds, _output, taken = watched(["scripts/play", "site.yml"], BUILD / "benchmarks" / "cold.log", env)
        finally:
            timed(["scripts/clean"], BUILD / "benchmarks" / "cold-clean.log", env)
    return figure("cold make lab", seconds / 60, "min", command, goal=25, note=f"nothing cached; {taken}")


def measure_warm(extra: list[str]) -> Figure:
    """A lab from what is built, against raw Helm installing the same two charts on that lab in this run."""
    timed(["ansible-playbook", "teardown.yml", *extra], BUILD / "benchmarks" / "down.log")
    seconds, _output, taken = watched(["ansible-playbook", "site.yml", *extra], BUILD / "benchmarks" / "warm.log")
    try:
        charts = raw_installation(read_lab())
        floor, note = CLUSTER_SECONDS + charts, f"both charts and their targets {charts:.1f} s in this run"
    except LabError as error:
        floor, note = None, str(error).splitlines()[0]
    finally:
        timed(["ansible-playbook", "site.yml", *extra], BUILD / "benchmarks" / "healed.log")
    return figure(
        "warm site.yml, verified", seconds, "s", "ansible-playbook teardown.yml; time ansible-playbook site.yml",
        floor=floor, goal=90, note=f"floor: a raw cluster {CLUSTER_SECONDS} s, recorded once; {note}; {taken}",
    )  # fmt: skip


def raw_installation(lab: Lab) -> float:
    """Seconds from the first `helm install` of both releases, one after the other, until their targets are up."""
    if not lab.charts:
        raise LabError("build/lab.json names no charts")
    wanted = targets_up(lab)
    with tempfile.TemporaryDirectory() as folder:
        values = {name: values_of(lab, name, Path(folder)) for name in lab.charts}
        for name, chart in reversed(lab.charts.items()):
            argv = [lab.helm, "uninstall", chart["release"], *helm_access(lab, chart), "--wait"]
            timed(argv, BUILD / "benchmarks" / f"helm-{name}-removed.log")
        start = time.monotonic()
        for name, chart in lab.charts.items():
            timed(helm_command("install", lab, chart, values[name]), BUILD / "benchmarks" / f"helm-{name}-new.log")
        while targets_up(lab) < wanted:
            if time.monotonic() - start > FLOOR_DEADLINE:
                raise LabError(f"after {FLOOR_DEADLINE} s less than {wanted} targets were up")
            time.sleep(0.5)
        return time.monotonic() - start


def targets_up(lab: Lab) -> int:
    """How many targets Prometheus finds up, as kubectl tells; 0 before it answers."""
    path = (
        f"/api/v1/namespaces/{lab.namespaces['monitoring']}/services/http:prometheus-operated:9090/proxy"
        "/api/v1/targets?state=active"
    )
    argv = [*lab.kubectl_command(), "get", "--raw", path]
    answer = subprocess.run(argv, capture_output=True, text=True, check=False)
    if answer.returncode:
        return 0
    return sum(target["health"] == "up" for target in json.loads(answer.stdout)["data"]["activeTargets"])


def values_of(lab: Lab, name: str, folder: Path) -> Path:
    """A file with the values that a release was installed with."""
    chart, path = lab.charts[name], folder / f"{name}.yaml"
    argv = [lab.helm, "get", "values", chart["release"], *helm_access(lab, chart), "--output", "yaml"]
    path.write_text(timed(argv, BUILD / "benchmarks" / f"values-{name}.log")[1], encoding="utf-8")
    return path


def helm_command(verb: str, lab: Lab, chart: dict[str, str], values: Path) -> list[str]:
    argv = [lab.helm, verb, chart["release"], chart["ref"]]
    for option, key in (("--version", "version"), ("--repo", "repo_url")):
        if chart.get(key):
            argv += [option, chart[key]]
    return [*argv, *helm_access(lab, chart), "--values", str(values), "--wait"]


def helm_access(lab: Lab, chart: dict[str, str]) -> list[str]:
    return ["--namespace", chart["namespace"], "--kubeconfig", str(lab.kubeconfig), "--kube-context", lab.context]


def measure_floor_of_second(lab: Lab) -> tuple[float | None, str]:
    """Raw `helm upgrade` of both releases, with the charts and values that they were installed with."""
    if not lab.charts:
        return None, "build/lab.json names no charts"
    total = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for name, chart in lab.charts.items():
            argv = helm_command("upgrade", lab, chart, values_of(lab, name, Path(folder)))
            total += timed(argv, BUILD / "benchmarks" / f"helm-{name}.log")[0]
    return round(total, 2), "floor: raw helm upgrade of both releases, measured in this run"


def measure_second(extra: list[str]) -> list[Figure]:
    seconds, output, taken = watched(["ansible-playbook", "site.yml", *extra], BUILD / "benchmarks" / "second.log")
    totals = recap(output)
    try:
        floor, note = measure_floor_of_second(read_lab())
    except LabError as error:
        floor, note = None, str(error).splitlines()[0]
    command = "time ansible-playbook site.yml"
    return [
        figure("second site.yml", seconds, "s", command, floor=floor, goal=20, note=f"{note}; {taken}"),
        figure("tasks that ran in it", totals["ok"], "tasks", command, note=f"{totals['skipped']} skipped"),
        figure("of those, tasks that changed something", totals["changed"], "tasks", command, goal=0),
    ]


def measure_proof(extra: list[str]) -> list[Figure]:
    """The whole verification of a converged lab, as a user starts it."""
    command = "time ansible-playbook playbooks/verify.yml"
    log = BUILD / "benchmarks" / "verify.log"
    seconds, output = timed(["ansible-playbook", "playbooks/verify.yml", *extra], log)
    totals = recap(output)
    return [
        figure("the full proof on a converged lab", seconds, "s", command, goal=20, note="the drill excluded"),
        figure("tasks in it", totals["ok"] + totals["skipped"], "tasks", command, goal=12),
    ]


def measure_scale() -> list[Figure]:
    """Targets and rules by the thousand, on Prometheus servers of their own."""
    command = "benchmarks/scale.py"
    try:
        return [Figure(one["name"], one["value"], one["unit"], one["floor"],
                       round(one["value"] / one["floor"], 2), one["goal"], command, one["note"])
                for one in scale.measure()]  # fmt: skip
    except scale.Unmeasured as error:
        return [figure("targets and rules by the thousand", None, "ms", command, note=str(error))]


ROUNDS = 10
SEVERAL = ["--inventory", "inventory/several"]


def measure_converged(lab: Lab) -> Figure:
    """One task on a converged cluster against `k3d cluster list` and a task that does nothing, all of it repeated."""
    goal = 1.5
    command = "task k3d_cluster on a converged cluster; floor: k3d cluster list -o json, and a task ping"
    if lab.provider != "k3d" or not lab.k3d:
        return figure("converged cluster", None, "s", command, note="only measured on k3d")
    env = {**os.environ, **({"DOCKER_HOST": lab.docker_host} if lab.docker_host else {})}
    log = BUILD / "benchmarks" / "converged.log"

    def play(what: str, rounds: int) -> float:
        settings = json.dumps({"what": what, "rounds": rounds, "k3d": lab.k3d, "docker_host": lab.docker_host})
        return timed(["ansible-playbook", "benchmarks/converged.yml", "--extra-vars", settings], log)[0]

    # What a playbook costs beyond its tasks goes away with the difference.
    task, ping = ((play(what, ROUNDS + 1) - play(what, 1)) / ROUNDS for what in ("k3d_cluster", "ping"))
    listing = sum(timed([lab.k3d, "cluster", "list", "-o", "json"], log, env)[0] for _round in range(ROUNDS)) / ROUNDS
    note = f"floor: list {listing:.2f} s, ping {ping:.2f} s; each the mean of {ROUNDS}, in this run"
    floor = ping + listing
    return figure("converged cluster", task, "s", command, floor=floor, goal=round(goal * floor, 2), note=note)


def measure_several() -> Figure:
    """Two clusters at once against one of them; both are made anew and removed."""
    name, folder = "two clusters at once", BUILD / "benchmarks"

    def build(*options: str) -> float:
        try:
            return timed(["ansible-playbook", "playbooks/cluster.yml", *SEVERAL, *options], folder / "several.log")[0]
        finally:
            timed(["ansible-playbook", "playbooks/teardown.yml", *SEVERAL], folder / "several-down.log")

    one, both = build("--limit", "argolab-blue"), build()
    command = "time ansible-playbook playbooks/cluster.yml -i inventory/several; floor: with --limit argolab-blue"
    return figure(name, both, "s", command, floor=one, goal=round(1.3 * one, 2), note="cluster checks included")


def descendants(root: int, parents: dict[int, int]) -> set[int]:
    found = {root}
    grown = True
    while grown:
        grown = False
        for pid, parent in parents.items():
            if parent in found and pid not in found:
                found.add(pid)
                grown = True
    return found


def memory_of(pid: int) -> int:
    """Proportional share of a process in KiB; its resident set where the kernel does not tell the share."""
    for name, key in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        try:
            for line in Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8").splitlines():
                if line.startswith(key):
                    return int(line.split()[1])
        except OSError:
            continue
    return 0


def measure_memory(lab: Lab) -> Figure:
    command = "sum of Pss in /proc/PID/smaps_rollup over all processes of the cluster's containers"
    docker = shutil.which("docker")
    if lab.provider != "k3d" or not docker:
        note = "only measured on k3d with Docker"
        return figure("memory of the whole lab", None, "GiB", command, goal=2.5, note=note)
    env = {**os.environ, **({"DOCKER_HOST": lab.docker_host} if lab.docker_host else {})}

    def ask(*words: str) -> list[str]:
        answer = subprocess.run([docker, *words], env=env, capture_output=True, text=True, check=True)
        return answer.stdout.split()

    containers = ask("ps", "--quiet", "--filter", f"label=k3d.cluster={lab.cluster}")
    roots = [int(pid) for pid in ask("inspect", "--format", "{{.State.Pid}}", *containers)] if containers else []
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        parents[int(stat.parent.name)] = int(text.rpartition(")")[2].split()[1])
    pids = set().union(*(descendants(root, parents) for root in roots))
    gib = sum(memory_of(pid) for pid in pids) / 1024**2
    note = f"{len(pids)} processes in {len(roots)} containers; floor: recorded once with raw commands"
    return figure("memory of the whole lab", gib or None, "GiB", command, floor=1.8, goal=2.5, note=note)


def table(figures: list[Figure]) -> str:
    def show(value: float | None, unit: str = "") -> str:
        return "-" if value is None else f"{value:g} {unit}".strip()

    rows = [("measure", "value", "floor", "ratio", "goal")]
    for f in figures:
        rows.append((f.name, show(f.value, f.unit), show(f.floor, f.unit), show(f.ratio), show(f.goal, f.unit)))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    lines += [""] + [f"{f.name}: {f.command}" + (f" ({f.note})" if f.note else "") for f in figures]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks/run.py", description=__doc__)
    parser.add_argument("--cold", action="store_true", help="also build from nothing, in a cache of its own")
    parser.add_argument("--keep", action="store_true", help="no teardown: only what can be measured beside the lab")
    parser.add_argument("ansible", nargs="*", metavar="OPTION", help="after --, options for ansible-playbook")
    options = parser.parse_args(argv)
    figures: list[Figure] = []
    try:
        if options.cold:
            figures.append(measure_cold())
        if not options.keep:
            figures.append(measure_warm(options.ansible))
        figures += measure_second(options.ansible)
        figures += measure_proof(options.ansible)
        figures.append(measure_memory(read_lab()))
        figures.append(measure_converged(read_lab()))
        if read_lab().provider == "k3d":
            figures.append(measure_several())
        figures += measure_scale()
    except (LabError, subprocess.CalledProcessError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        if figures:
            BUILD.mkdir(exist_ok=True)
            listed = json.dumps([asdict(one) for one in figures], indent=2)
            (BUILD / "benchmarks.json").write_text(listed + "\n", encoding="utf-8")
            print(table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
