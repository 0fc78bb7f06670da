# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every alert of role argo_cd fires where it should and is quiet where it should, as promtool evaluates the rules.

The rules are what the role writes: for a release as the tutorial names it, and for another name in another namespace.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from argo_cd_alert_cases import CASES, HEALTHY, OTHER, PARTS, Case, Release, series_of

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "argocd-alerts.md").read_text(encoding="utf-8")
RUNBOOK = "https://docs.example.com/argocd-alerts.html"
RELEASES = {"tutorial": Release("argocd", "argocd"), "another": Release("prod", "gitops")}
TUTORIAL = {"ArgoAppMissing", "ArgoAppNotSynced"}


@dataclass(frozen=True)
class Written:
    """The rules of one release, as a file that promtool reads and as data."""

    release: Release
    path: Path
    rules: Mapping[str, dict[str, Any]]


@pytest.fixture(scope="session")
def promtool() -> str:
    cache = Path.home() / ".cache" / "argolab.observability"
    built = sorted(cache.glob("programs/prometheus-v*/promtool"))
    found = shutil.which("promtool") or next((str(path) for path in reversed(built)), "")
    if not found:
        pytest.skip("promtool is neither on the search path nor among the built programs")
    return found


def write_values(folder: Path, release: Release, **variables: Any) -> subprocess.CompletedProcess[str]:
    """Have the role write what it gives the chart; needs no cluster."""
    program = Path(sys.executable).with_name("ansible-playbook")
    names = {"argo_cd_release_name": release.name, "argo_cd_namespace": release.namespace}
    return subprocess.run(
        [
            str(program if program.exists() else "ansible-playbook"), "playbooks/values.yml",
            "-e", "artifact_source_effective=upstream", "-e", f"lab_build_dir={folder}",
            "-e", json.dumps({**names, **variables}),
        ],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def values_of(folder: Path, release: Release, **variables: Any) -> dict[str, Any]:
    done = write_values(folder, release, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    values = yaml.safe_load((folder / "values" / f"{release.name}.yaml").read_text(encoding="utf-8"))
    assert isinstance(values, dict)
    return values


def rules_of(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(values["controller"]["metrics"]["rules"]["spec"])


@pytest.fixture(scope="session", params=sorted(RELEASES))
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp(request.param)
    rules = rules_of(values_of(folder, RELEASES[request.param]))
    path = folder / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "argocd", "rules": rules}]}), encoding="utf-8")
    return Written(RELEASES[request.param], path, {rule["alert"]: rule for rule in rules})


def run(promtool: str, *arguments: str) -> str:
    done = subprocess.run([promtool, *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def evaluate(promtool: str, written: Written, tests: list[dict[str, Any]], folder: Path, only: str = "") -> None:
    """Run promtool's unit tests; the series of an Argo CD elsewhere in the cluster are always there as well."""
    path = written.path
    if only:
        # one rule of 36 is evaluated so much faster, and the others have no say
        path = folder / "rule.yml"
        rules = {"groups": [{"name": "argocd", "rules": [written.rules[only]]}]}
        path.write_text(yaml.safe_dump(rules), encoding="utf-8")
    content = {"rule_files": [str(path)], "evaluation_interval": "1m", "tests": tests}
    path = folder / "tests.yml"
    path.write_text(yaml.safe_dump(content, width=1000), encoding="utf-8")
    run(promtool, "test", "rules", str(path))


def scenario(
    name: str, release: Release, case: Mapping[str, str | None], at: str, count: int, *expressions: str, of: str = ""
) -> Any:
    """One of promtool's tests: how many series expressions over ALERTS give at a time.

    of is an expression; series of metrics that it does not name are left out.
    """
    series = {**series_of(OTHER, HEALTHY), **series_of(release, {**HEALTHY, **case})}
    expected = [{"labels": "{}", "value": count}] if count else []
    return {
        "name": name,
        "interval": "1m",
        "input_series": [
            {"series": key, "values": values}
            for key, values in series.items()
            if values and (not of or key.partition("{")[0] in of)
        ],
        "promql_expr_test": [
            {"expr": f"count({expression})", "eval_time": at, "exp_samples": expected} for expression in expressions
        ],
    }


def used_labels(rule: Mapping[str, Any]) -> set[str]:
    return set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))


def test_the_rules_are_valid(promtool: str, written: Written) -> None:
    assert f"{len(written.rules)} rules found" in run(promtool, "check", "rules", "--lint=all", str(written.path))


def test_every_alert_has_its_cases(written: Written) -> None:
    assert set(CASES) == set(written.rules) - {"ArgoAppNotSynced"}


@pytest.mark.parametrize("alert", sorted(CASES))
def test_it_fires_and_is_quiet(promtool: str, written: Written, tmp_path: Path, alert: str) -> None:
    case: Case = CASES[alert]
    rule = written.rules[alert]
    firing = f'ALERTS{{alertname="{alert}",alertstate="firing"}}'
    # every label that an annotation prints is one that the alert has
    labels = "".join(f',{label}!=""' for label in sorted(used_labels(rule)))
    shown = f'ALERTS{{alertname="{alert}",alertstate="firing",namespace="{written.release.namespace}"{labels}}}'
    # and it fires for nothing else
    tests = [scenario("fires", written.release, case.fires, case.at, case.count, shown, firing, of=rule["expr"])]
    tests += [
        scenario(f"quiet: {why}", written.release, series, case.at, 0, firing, of=rule["expr"])
        for why, series in case.quiet.items()
    ]
    assert case.quiet
    evaluate(promtool, written, tests, tmp_path, alert)


@pytest.mark.parametrize("at", ["5m", "3h"])
def test_a_healthy_argo_cd_is_quiet_and_nothing_is_pending(
    promtool: str, written: Written, tmp_path: Path, at: str
) -> None:
    evaluate(promtool, written, [scenario("healthy", written.release, {}, at, 0, "ALERTS")], tmp_path)


def test_without_any_metric_only_what_is_missing_is_said(promtool: str, written: Written, tmp_path: Path) -> None:
    """A namespace in which nothing is scraped, as after the monitors were lost."""
    gone = dict.fromkeys(HEALTHY)
    down = 'ALERTS{alertname="ArgoCdComponentDown",alertstate="firing"}'
    tests = [
        scenario("all alerts", written.release, gone, "1h", len(PARTS) + 1, "ALERTS"),
        scenario("each part", written.release, gone, "1h", len(PARTS), down),
    ]
    evaluate(promtool, written, tests, tmp_path)


def test_annotations_are_filled_in(promtool: str, written: Written, tmp_path: Path) -> None:
    release = written.release
    failed = CASES["ArgoCdAppSyncFailed"]
    labels = {
        "severity": "warning", "namespace": release.namespace, "exported_namespace": "apps", "project": "default",
        "name": "guestbook", "dest_server": "https://kubernetes.default.svc", "phase": "Failed",
    }  # fmt: skip
    annotations = {
        "summary": "Sync of Application apps/guestbook failed",
        "description": (
            "A sync of Application apps/guestbook to https://kubernetes.default.svc ended as Failed within the last "
            "15 minutes. Next: kubectl -n apps get application guestbook -o "
            "jsonpath='{.status.operationState.message}'"
        ),
    }
    test = scenario("annotations", release, failed.fires, failed.at, 1, "vector(1)")
    test["alert_rule_test"] = [
        {
            "alertname": "ArgoCdAppSyncFailed",
            "eval_time": failed.at,
            "exp_alerts": [{"exp_labels": labels, "exp_annotations": annotations}],
        }
    ]
    evaluate(promtool, written, [test], tmp_path, "ArgoCdAppSyncFailed")


def test_each_alert_says_what_to_do(written: Written) -> None:
    for name, rule in written.rules.items():
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}
        if name == "ArgoAppNotSynced":
            continue
        annotations = rule["annotations"]
        assert set(annotations) == {"summary", "description"}
        assert re.search(r"\b(kubectl|argocd|git) ", annotations["description"]), name
        assert f"\n### {name}\n" in DOCUMENT
        assert f'namespace="{written.release.namespace}"' in rule["expr"]
        assert "argocd-" not in rule["expr"], "a job's name would be right for one release only"


def test_the_document_has_no_alert_that_is_not_there(written: Written) -> None:
    assert set(re.findall(r"(?m)^### (Argo\w+)$", DOCUMENT)) == set(CASES)


@pytest.fixture(scope="module")
def switched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    release = RELEASES["tutorial"]
    return {
        name: values_of(tmp_path_factory.mktemp(name), release, **variables)
        for name, variables in {
            "off": {"argo_cd_alerts_enabled": False},
            "none": {"argo_cd_alerts_enabled": False, "argo_cd_rules": []},
            "own": {
                "argo_cd_rules": [{"alert": "ArgoAppMissing", "expr": "vector(1)"}, {"record": "a:b", "expr": "up"}],
                "argo_cd_alerts_excluded": ["ArgoAppMissing", "ArgoCdGrpcSlow"],
                "argo_cd_alerts_labels": {"team": "platform"},
                "argo_cd_alerts_runbook_url": RUNBOOK,
                "argo_cd_alerts_reconcile_seconds": 3,
                "argo_cd_notifications_enabled": False,
            },
        }.items()
    }


def test_switched_off_the_tutorials_two_are_left_as_they_are(switched: dict[str, dict[str, Any]]) -> None:
    rules = {rule["alert"]: rule for rule in rules_of(switched["off"])}
    assert set(rules) == TUTORIAL
    assert rules["ArgoAppMissing"]["expr"].strip() == "absent(argocd_app_info) == 1"
    assert "metrics" not in switched["off"]["notifications"]
    assert switched["none"]["controller"]["metrics"]["rules"]["enabled"] is False


def test_excluded_alerts_own_rules_labels_and_thresholds(switched: dict[str, dict[str, Any]]) -> None:
    rules = rules_of(switched["own"])
    names = [rule.get("alert", rule.get("record")) for rule in rules]
    assert sorted(names) == sorted((set(CASES) - {"ArgoCdGrpcSlow"}) | {"a:b"})
    by_name = {rule.get("alert"): rule for rule in rules}
    assert by_name["ArgoAppMissing"]["expr"] == "vector(1)" and "labels" not in by_name["ArgoAppMissing"]
    for name in set(CASES) - {"ArgoAppMissing", "ArgoCdGrpcSlow"}:
        # as the documentation makes anchors of its headings
        assert by_name[name]["annotations"]["runbook_url"] == f"{RUNBOOK}#{name.lower()}"
    assert by_name["ArgoCdReconcileSlow"]["labels"] == {"severity": "warning", "team": "platform"}
    assert by_name["ArgoCdReconcileSlow"]["expr"].strip().endswith("> 3")
    assert "notifications-controller" not in by_name["ArgoCdComponentDown"]["expr"]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"argo_cd_alerts_excluded": ["ArgoCdAppSyncFaild"]},
            "ArgoCdAppSyncFaild, which the set of alerts does not have",
        ),
        ({"argo_cd_alerts_runbook_url": "docs/x.md"}, "argo_cd_alerts_runbook_url is 'docs/x.md'"),
        ({"argo_cd_alerts_auto_sync_for": "30h"}, "has to be less than 24h"),
        ({"argo_cd_alerts_reconcile_seconds": 16}, "argo_cd_alerts_reconcile_seconds is 16"),
    ],
)
def test_what_could_never_fire_is_refused(tmp_path: Path, variables: dict[str, Any], said: str) -> None:
    done = write_values(tmp_path, RELEASES["tutorial"], **variables)
    assert done.returncode != 0 and said in " ".join(done.stdout.split()), done.stdout
