# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Prometheus modules against real Prometheus servers."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import eventually

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., dict[str, Any]]
FAST = {"poll_interval": 0.1}
ONCE = {"wait_timeout": 0}
PATIENT = {"wait_timeout": 60, **FAST}


def checks_of(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in result["checks"]}


def settle(run_module: Run, prometheus: Any) -> None:
    """Wait for the first scrapes and evaluations, which tests that look once rely on."""
    jobs = ("healthy", "switched")
    result = run_module("prometheus_targets", url=prometheus.url, expected=[{"job": job} for job in jobs], **PATIENT)
    assert not result.get("failed"), result["msg"]
    seen = [{"name": "down", "expr": "up == 0", "min_series": 4}, {"name": "recorded", "expr": "job:up:sum"}]
    result = run_module("prometheus_query", url=prometheus.url, queries=seen, **PATIENT)
    assert not result.get("failed"), result["msg"]


@pytest.fixture(autouse=True)
def settled(run_module: Run, prometheus: Any) -> None:
    settle(run_module, prometheus)


def test_a_healthy_pool_passes_and_nothing_is_changed(run_module: Run, prometheus: Any) -> None:
    for check_mode in (False, True):
        expected = [{"scrape_pool": "healthy", "count": 1, "labels": {"pod": "a"}}]
        result = run_module("prometheus_targets", check_mode, url=prometheus.url, expected=expected)
        assert result["changed"] is False and not result.get("failed")
        assert result["checks"] == [
            {
                "name": 'target healthy {pod="a"}',
                "ok": True,
                "expected": "exactly 1 target, all up",
                "observed": "1 up of 1 target",
                "detail": "",
            }
        ]
        assert [item["health"] for item in result["targets"]] == ["up"]
        assert result["targets"][0]["last_scrape"]


@pytest.mark.parametrize(
    ("pool", "seen", "said"),
    [
        ("refused", "1 down", "nothing listens on that port"),
        ("forbidden", "1 down", "RBAC"),
        ("html", "1 down", "not in the metrics format"),
        ("tls", "1 down", "plain HTTP"),
        ("unscraped", "1 unknown", "Not scraped yet"),
        ("empty", "0 targets", "no candidate either"),
        ("dropped", "0 targets", "found 2 candidates and relabeling dropped all of them"),
        ("helthy", "no such scrape pool", "Did you mean healthy?"),
    ],
)
def test_each_fault_is_named(run_module: Run, prometheus: Any, pool: str, seen: str, said: str) -> None:
    result = run_module("prometheus_targets", url=prometheus.url, expected=[{"scrape_pool": pool}], **ONCE)
    assert result["failed"] and result["attempts"] == 1
    check = checks_of(result)[f"target {pool}"]
    assert check["ok"] is False
    assert seen in check["observed"]
    assert said in check["detail"] and said in result["msg"]


def test_a_down_target_does_not_hide_behind_another_pool(run_module: Run, prometheus: Any) -> None:
    expected = [{"scrape_pool": "healthy"}, {"scrape_pool": "refused"}]
    result = run_module("prometheus_targets", url=prometheus.url, expected=expected, **ONCE)
    assert [check["ok"] for check in result["checks"]] == [True, False]


def test_a_recovery_is_waited_for(run_module: Run, prometheus: Any, exporter: Any) -> None:
    exporter.status = 503
    down = [{"name": "down", "expr": 'up{job="switched"}', "value": "== 0"}]
    assert not run_module("prometheus_query", url=prometheus.url, queries=down, **PATIENT).get("failed")
    failed = run_module("prometheus_targets", url=prometheus.url, expected=[{"job": "switched"}], **ONCE)
    assert "the exporter itself fails" in failed["msg"]
    exporter.status = 200
    result = run_module("prometheus_targets", url=prometheus.url, expected=[{"job": "switched"}], **PATIENT)
    assert not result.get("failed"), result["msg"]


def test_flapping_does_not_pass_stable_polls(run_module: Run, prometheus: Any, exporter: Any) -> None:
    exporter.flapping = True
    expected = [{"scrape_pool": "switched"}]
    options = {"wait_timeout": 3, "poll_interval": 0.1, "stable_polls": 15}
    result = run_module("prometheus_targets", url=prometheus.url, expected=expected, **options)
    assert result["failed"]
    assert "lapsed" in result["msg"]
    assert not all(check["ok"] for check in result["checks"])


def test_all_up_checks_each_pool(run_module: Run, prometheus: Any) -> None:
    result = run_module("prometheus_targets", url=prometheus.url, all_up=True, **ONCE)
    verdict = {name.partition(" ")[2]: check["ok"] for name, check in checks_of(result).items()}
    assert verdict.pop("switched") is True
    assert verdict == {
        "healthy": True, "refused": False, "forbidden": False, "html": False, "tls": False, "unscraped": False
    }  # fmt: skip


def test_healthy_rules_pass_by_group_rule_type_and_file(run_module: Run, prometheus: Any) -> None:
    expected = [
        {"group": "good"},
        {"group": "good", "rule": "SomethingDown", "type": "alerting"},
        {"rule": "job:up:sum", "type": "recording", "file": "*/rules-1.yml"},
        {"group": "broken", "rule": "StillFine"},
    ]
    result = run_module("prometheus_rules", url=prometheus.url, expected=expected, expected_groups=["good"], **PATIENT)
    assert not result.get("failed"), result["msg"]
    assert [check["ok"] for check in result["checks"]] == [True] * 4
    assert {item["group"] for item in result["groups"]} >= {"good"}


@pytest.mark.parametrize(
    ("query", "passes", "said"),
    [
        ({"expr": "up_for_real", "max_age": 30, "labels": ["pod", "job"]}, True, ""),
        ({"expr": "up_for_real", "labels": ["pod", "team"]}, False, "1 of them without team"),
        ({"expr": 'minute_old{unit="a"}', "max_age": 300}, True, ""),
        ({"expr": 'minute_old{unit="a"}', "max_age": 30}, False, "1 of them older, the oldest 6"),
        ({"expr": "not_there", "max_age": 30, "labels": ["job"]}, False, "0 series"),
        ({"expr": "not_there", "max_age": 30, "min_series": 0}, True, ""),
    ],
)
def test_age_and_labels_of_series(run_module: Run, prometheus: Any, query: Any, passes: bool, said: str) -> None:
    result = run_module("prometheus_query", url=prometheus.url, queries=[{"name": "it", **query}], **ONCE)
    assert result.get("failed") is not passes, result["msg"]
    assert said in checks_of(result)["query it"]["observed"]


def test_an_age_of_what_has_none_is_refused(run_module: Run, prometheus: Any) -> None:
    result = run_module("prometheus_query", url=prometheus.url, queries=[{"expr": "sum(up)", "max_age": 30}], **ONCE)
    assert result["failed"] and "max_age needs an expr that is one metric" in result["msg"]
    assert [check["ok"] for check in result["checks"]] == [False]


def test_a_rule_in_error_is_named(run_module: Run, prometheus: Any) -> None:
    result = run_module("prometheus_rules", url=prometheus.url, expected=[{"group": "broken"}], wait_timeout=1, **FAST)
    assert result["failed"]
    assert "ManyToMany in group broken" in result["msg"] and "many-to-many" in result["msg"]


def test_a_rule_that_heals_is_waited_for(run_module: Run, prometheus: Any, exporter: Any) -> None:
    healthy = {"expected": [{"rule": "switched:ratio"}], "require_evaluated": True}
    exporter.series = 2
    broken = [{"name": "two", "expr": "switched_info", "min_series": 2}]
    assert not run_module("prometheus_query", url=prometheus.url, queries=broken, **PATIENT).get("failed")
    rules = functools.partial(run_module, "prometheus_rules", url=prometheus.url, **healthy)
    failed = eventually(lambda: rules(**ONCE), lambda result: result.get("failed"))
    assert "two series match" in failed["msg"]
    exporter.series = 1
    result = rules(**PATIENT)
    assert not result.get("failed"), result["msg"]


def test_a_rule_that_is_not_due_is_pending_or_waited_for(run_module: Run, prometheus: Any) -> None:
    result = run_module("prometheus_rules", url=prometheus.url, expected_groups=["lazy"])
    assert not result.get("failed")
    assert result["checks"][0]["ok"] is None
    assert "1 pending" in result["msg"]
    result = run_module(
        "prometheus_rules", url=prometheus.url, expected_groups=["lazy"], require_evaluated=True, wait_timeout=1, **FAST
    )
    assert result["failed"]
    assert "Not due yet: lazy" in result["msg"]


def test_missing_rules_name_what_is_there(run_module: Run, prometheus: Any) -> None:
    expected = [{"group": "goood"}, {"rule": "SomethingDwn"}, {"group": "good", "rule": "lazy"}]
    result = run_module("prometheus_rules", url=prometheus.url, expected=expected, **ONCE)
    details = [check["detail"] for check in result["checks"]]
    assert "Did you mean good?" in details[0]
    assert "Did you mean SomethingDown?" in details[1]
    assert "in another group: lazy" in details[2]


def test_all_healthy_checks_each_group(run_module: Run, prometheus: Any) -> None:
    result = run_module("prometheus_rules", url=prometheus.url, all_healthy=True, **ONCE)
    verdict = {name: check["ok"] for name, check in checks_of(result).items()}
    assert verdict.pop("rules group healing") in (True, None)
    assert verdict == {"rules group good": True, "rules group broken": False, "rules group lazy": None}


def test_a_reloaded_rule_is_waited_for(run_module: Run, prometheus: Any) -> None:
    late = prometheus.folder / "rules-2.yml"
    request = urllib.request.Request(f"{prometheus.url}/-/reload", method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        late.write_text("groups: [{name: late, rules: [{record: late, expr: vector(1)}]}]\n")
        opener.open(request, timeout=60).close()
        options = {"expected_groups": ["late"], "require_evaluated": True, **PATIENT}
        result = run_module("prometheus_rules", url=prometheus.url, **options)
        assert not result.get("failed"), result["msg"]
    finally:
        late.unlink()
        opener.open(request, timeout=60).close()


def test_queries(run_module: Run, prometheus: Any) -> None:
    queries = [
        {"name": "up", "expr": 'up{job="healthy"}', "value": "== 1"},
        {"name": "scalar", "expr": "scalar(vector(2))", "value": "> 1.5"},
        {"name": "nothing", "expr": "no_such_metric", "max_series": 0},
        {"name": "wrong value", "expr": 'up{job="refused"}', "value": "== 1"},
        {"name": "missing", "expr": "no_such_metric"},
        {"name": "not a number", "expr": "vector(NaN)", "value": ">= 0"},
    ]
    result = run_module("prometheus_query", url=prometheus.url, queries=queries, **ONCE)
    assert [check["ok"] for check in result["checks"]] == [True, True, True, False, False, False]
    assert 'job="refused"' in checks_of(result)["query wrong value"]["detail"]
    scalar = result["results"][1]
    assert (scalar["name"], scalar["series"], scalar["warnings"]) == ("scalar", 1, [])
    assert scalar["samples"] == [{"labels": {}, "value": "2"}]


@pytest.mark.parametrize("expr", ["up{", "up[5m]", '"text"'])
def test_an_expression_that_cannot_work_fails_at_once(run_module: Run, prometheus: Any, expr: str) -> None:
    result = run_module("prometheus_query", url=prometheus.url, queries=[{"name": "bad", "expr": expr}])
    assert result["failed"] and "query bad" in result["msg"]
    assert result["attempts"] == 0


# once is enough: Ansible does not know which Prometheus answers
@pytest.mark.parametrize("prometheus", ["debian"], indirect=True)
def test_through_ansible_in_a_playbook_and_in_check_mode(prometheus: Any, tmp_path: Path) -> None:
    """Ansible ships the modules with all that they import, and refuses nothing that the documentation promises."""
    program = Path(sys.executable).with_name("ansible-playbook")
    if not program.exists():
        pytest.skip("needs ansible-playbook beside the Python that runs pytest")
    access = {"url": prometheus.url, "wait_timeout": 30, "poll_interval": 0.2}
    tasks = [
        {"argolab.observability.prometheus_targets": {"expected": [{"scrape_pool": "healthy"}]}, "register": "first"},
        {"argolab.observability.prometheus_rules": {"expected_groups": ["good"]}},
        {"argolab.observability.prometheus_query": {"queries": [{"expr": "up"}]}},
        {
            "argolab.observability.prometheus_targets": {"expected": [{"scrape_pool": "refused"}], "wait_timeout": 0},
            "register": "broken",
            "failed_when": "broken is not failed or 'connection refused' not in broken.msg or first is changed",
        },
    ]
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": sys.executable},
        "module_defaults": {"group/argolab.observability.verification": access},
        "tasks": tasks,
    }
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    done = subprocess.run(
        [program, "-i", "localhost,", "--check", "--diff", tmp_path / "play.yml"],
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "true"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "changed=0" in done.stdout
