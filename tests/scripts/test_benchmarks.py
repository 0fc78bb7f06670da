# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is computed around the measurements; no test asserts a duration."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import run as benchmarks
from lab import Lab

OUTPUT = """
PLAY RECAP *********************************************************************
argolab                    : ok=120  changed=2    unreachable=0    failed=0    skipped=31   rescued=0    ignored=0
other                      : ok=3    changed=0    unreachable=0    failed=0    skipped=1    rescued=0    ignored=0
"""
CHART = {"release": "argocd", "namespace": "argocd", "ref": "argo-cd", "version": "10.1.1", "repo_url": "https://charts"}


def lab(**changes) -> Lab:
    fields = {
        "cluster": "c", "provider": "k3d", "kubeconfig": Path("/k"), "context": "x", "kubectl": "kubectl",
        "helm": "/bin/helm", "docker_host": "", "namespaces": {}, "releases": {}, "charts": {"argocd": CHART},
    }  # fmt: skip
    return Lab(**{**fields, **changes})


def test_recap_sums_over_hosts() -> None:
    assert benchmarks.recap(OUTPUT) == {"ok": 123, "changed": 2, "skipped": 32}
    assert benchmarks.recap("") == {"ok": 0, "changed": 0, "skipped": 0}


def test_what_the_host_took_is_told(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu  10 1 5 80 2 0 2 40 7 7\ncpu0 1 1 1 1 1 1 1 1 1 1\n", encoding="ascii")
    assert benchmarks.cpu_time(stat) == (40, 140)
    assert benchmarks.stolen((40, 140), (90, 340)) == "25 % of CPU time stolen by the host"
    assert benchmarks.stolen((0, 0), benchmarks.cpu_time(tmp_path / "none")) == "no /proc/stat"


def test_ratio_needs_value_and_floor() -> None:
    assert benchmarks.figure("a", 90.0, "s", "c", floor=60).ratio == 1.5
    assert benchmarks.figure("a", None, "s", "c", floor=60).ratio is None
    assert benchmarks.figure("a", 90.0, "s", "c").ratio is None


def test_helm_command_names_chart_cluster_and_values() -> None:
    assert " ".join(benchmarks.helm_command("upgrade", lab(), CHART, Path("/v.yaml"))) == (
        "/bin/helm upgrade argocd argo-cd --version 10.1.1 --repo https://charts "
        "--namespace argocd --kubeconfig /k --kube-context x --values /v.yaml --wait"
    )
    local = {**CHART, "ref": "/charts/argo-cd", "version": "", "repo_url": ""}
    assert "--version" not in benchmarks.helm_command("upgrade", lab(), local, Path("/v.yaml"))


def test_descendants() -> None:
    assert benchmarks.descendants(10, {11: 10, 12: 11, 13: 1, 10: 1}) == {10, 11, 12}


def test_memory_of_a_process_and_of_none() -> None:
    assert benchmarks.memory_of(os.getpid()) > 1000
    assert benchmarks.memory_of(2**30) == 0


def test_memory_is_not_measured_elsewhere() -> None:
    found = benchmarks.measure_memory(lab(provider="existing"))
    assert found.value is None
    assert "only measured on k3d" in found.note


@pytest.mark.parametrize("good", [True, False])
def test_writes_what_was_measured(
    good: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def memory(_lab: Lab) -> benchmarks.Figure:
        if not good:
            raise benchmarks.LabError("no lab")
        return benchmarks.figure("memory of the whole lab", 1.9, "GiB", "sum", floor=1.8, goal=2.5)

    monkeypatch.setattr(benchmarks, "BUILD", tmp_path)
    monkeypatch.setattr(benchmarks, "timed", lambda argv, log, env=None: (18.0, OUTPUT))
    monkeypatch.setattr(benchmarks, "read_lab", lab)
    monkeypatch.setattr(benchmarks, "measure_memory", memory)
    monkeypatch.setattr(benchmarks, "measure_scale", list)
    assert benchmarks.main(["--keep"]) == (0 if good else 1)
    written = json.loads((tmp_path / "benchmarks.json").read_text())
    assert {"name", "value", "unit", "floor", "ratio", "goal"} <= set(written[0])
    assert written[0] | {"note": ""} == {
        "name": "second site.yml", "value": 18.0, "unit": "s", "floor": 18.0, "ratio": 1.0, "goal": 20,
        "command": "time ansible-playbook site.yml", "note": "",
    }  # fmt: skip
    assert [one["value"] for one in written][1:3] == [123, 2]
    assert "second site.yml" in capsys.readouterr().out
