# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metric contract of Argo CD: what is due, and what an answer of Prometheus says about it."""

from __future__ import annotations

import json
import urllib.parse
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.argocd_contract import (
    CONTRACT,
    DEFAULT_COMPONENTS,
    EVENTS,
    JOBS,
    NEWEST,
    OLDEST,
)
from ansible_collections.argolab.observability.plugins.module_utils.argocd_metrics import (
    check_picture,
    component_of,
    contract_queries,
    has_happened,
    parse_version,
    picture_of,
    text_of,
    version_from_options,
    watch_contract,
)
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import QueryResult, Sample
from hypothesis import given
from hypothesis import strategies as st

RECORDED = Path(__file__).parent / "argocd_metrics_recorded.json"


def recorded() -> list[Sample]:
    """The answer of a real Prometheus about Argo CD 3.5.7 with one Application that was synced once."""
    return [Sample(labels, value, 0.0) for labels, value in json.loads(RECORDED.read_text(encoding="utf-8"))]


class Answers:
    def __init__(self, samples: list[Sample]) -> None:
        self.samples = samples
        self.asked: list[str] = []

    def query(self, expr: str, at: float | None = None) -> QueryResult:
        self.asked.append(expr)
        return QueryResult("vector", self.samples if len(self.asked) == 1 else [], [])


def looked(samples: list[Sample], version: str | None = None, **more: Any) -> Any:
    client: Any = Answers(samples)
    components = more.get("components", DEFAULT_COMPONENTS)
    given_version = version_from_options(version)
    poll = watch_contract(client, "argocd", components, given_version, more.get("happened", ()))()
    assert len(client.asked) <= 3, "all of it is a few requests"
    return poll


def without(samples: list[Sample], **labels: str) -> list[Sample]:
    return [s for s in samples if any(s.labels.get(name) != value for name, value in labels.items())]


def failed(poll: Any) -> dict[str, str]:
    return {check.name: check.cause for check in poll.checks if check.ok is False}


def test_a_real_answer_passes_and_tells_the_version() -> None:
    poll = looked(recorded())
    assert poll.ok and failed(poll) == {}
    assert poll.value == {"version": "3.5", "version_from": "argocd_info", "reported_version": "v3.5.7+unknown"}
    passed = {check.name for check in poll.checks if check.ok}
    assert "metric argocd_app_sync_total of argocd-application-controller 3.5" in passed
    due_later = {check.name.split()[1] for check in poll.checks if check.ok is None}
    assert {"argocd_appset_info", "argocd_oci_request_total", "argocd_login_request_total"} == due_later & {
        "argocd_appset_info", "argocd_oci_request_total", "argocd_login_request_total", "argocd_app_info",
    }  # fmt: skip


REAL = sorted(
    (component, metric.series)
    for component in DEFAULT_COMPONENTS
    for metric in CONTRACT[component]
    if metric.after in ("", "reconciliation", "successful_sync", "fetch")
    and metric.series not in ("argocd_info", "process_start_time_seconds")
)


@pytest.mark.parametrize(("component", "series"), REAL, ids=str)
def test_each_metric_that_is_taken_away_is_named(component: str, series: str) -> None:
    samples = [
        s for s in recorded() if not (component_of(s.labels["job"]) == component and s.labels.get("metric") == series)
    ]
    assert len(samples) < len(recorded())
    poll = looked(samples)
    metric = next(item for item in CONTRACT[component] if item.series == series)
    assert failed(poll) == {f"metric {metric.name} of argocd-{component} 3.5": "metric_absent"}
    (check,) = [check for check in poll.checks if check.ok is False]
    assert metric.source in check.detail and "kubectl get --raw" in check.next and metric.name in check.next


def test_a_label_that_is_missing_is_named() -> None:
    job = "argocd-application-controller-metrics"
    lacking = Sample({"metric": "argocd_app_info", "job": job, "lacks": "project"}, "1", 0.0)
    poll = looked([*recorded(), lacking])
    assert failed(poll) == {"metric argocd_app_info of argocd-application-controller 3.5": "label_absent"}
    other = Sample({"metric": "argocd_app_info", "job": job, "lacks": "server"}, "1", 0.0)
    assert failed(looked([*recorded(), other])) == {}, "a label that this metric does not have is no fault"


def test_a_part_that_is_not_scraped_or_down_is_one_failure() -> None:
    job = "argocd-repo-server-metrics"
    assert failed(looked(without(recorded(), job=job))) == {"metrics of argocd-repo-server": "component_not_scraped"}
    down = [s for s in recorded() if s.labels["job"] != job]
    down.append(Sample({"metric": "up", "job": job}, "0", 0.0))
    assert failed(looked(down)) == {"metrics of argocd-repo-server": "component_not_scraped"}
    assert set(failed(looked([]))) == {f"metrics of argocd-{component}" for component in DEFAULT_COMPONENTS}


def test_versions_decide_what_is_due() -> None:
    samples = [s for s in recorded() if s.labels.get("metric") != "argocd_repo_parallelism_wait_duration_seconds_count"]
    name = "metric argocd_repo_parallelism_wait_duration_seconds of argocd-repo-server {}"
    assert failed(looked(samples)) == {name.format("3.5"): "metric_absent"}
    poll = looked(samples, "v3.4.2")
    assert failed(poll) == {}
    (check,) = [check for check in poll.checks if check.name == name.format("3.4")]
    assert check.ok is None and "Not in 3.4. Argo CD has it since 3.5" in check.detail
    assert set(failed(looked(samples, "3.9"))) == {name.format("3.5")}, "held against the newest that is known"


def test_an_unknown_version_owes_what_all_have() -> None:
    samples = [s for s in recorded() if s.labels.get("metric") != "argocd_info"]
    samples = [s for s in samples if s.labels.get("metric") != "argocd_repo_parallelism_wait_duration_seconds_count"]
    poll = looked(samples)
    assert poll.value["version_from"] == "unknown" and poll.value["version"] == "3.0"
    assert failed(poll) == {"metric argocd_info of argocd-server 3.0": "metric_absent"}


def test_an_old_argo_cd_is_neither_passed_nor_failed() -> None:
    old = [Sample({**s.labels, "version": "v2.14.3"}, s.value, 0.0) if "version" in s.labels else s for s in recorded()]
    poll = looked(old)
    assert [check.ok for check in poll.checks] == [None]
    assert "older than 3.0" in poll.checks[0].detail


def test_what_is_known_to_have_happened_is_due() -> None:
    assert failed(looked(recorded(), happened=["login"])) == {
        "metric argocd_login_request_total of argocd-server 3.5": "metric_absent"
    }


def test_a_fresh_controller_owes_no_reconciliation() -> None:
    traffic = ("argocd_app_reconcile", "argocd_app_sync", "argocd_redis", "argocd_cluster", "argocd_kubectl_exec")
    fresh = [
        s for s in recorded()
        if "application-controller" not in s.labels["job"]
        or not s.labels["metric"].startswith((*traffic, "argocd_app_k8s", "argocd_app_orphaned", "age"))
    ]  # fmt: skip
    job = "argocd-application-controller-metrics"
    assert failed(looked([*fresh, Sample({"metric": "age", "job": job}, "30", 0.0)])) == {}
    late = failed(looked([*fresh, Sample({"metric": "age", "job": job}, "300", 0.0)]))
    assert "metric argocd_app_reconcile of argocd-application-controller 3.5" in late
    assert "metric argocd_app_sync_total of argocd-application-controller 3.5" not in late


@pytest.mark.parametrize(
    ("job", "component"),
    [
        ("argocd-application-controller-metrics", "application-controller"),
        ("prod-argocd-application-controller-metrics", "application-controller"),
        ("argocd-metrics", "application-controller"),
        ("argocd-repo-server-metrics", "repo-server"),
        ("argocd-repo-server", "repo-server"),
        ("argocd-server-metrics", "server"),
        ("x-argocd-server-metrics", "server"),
        ("argocd-applicationset-controller-metrics", "applicationset-controller"),
        ("argocd-notifications-controller-metrics", "notifications-controller"),
        ("argocd-redis-metrics", "redis"),
        ("argocd-dex-server", "dex-server"),
        ("argocd-commit-server-metrics", ""),
        ("node-exporter", ""),
        ("", ""),
    ],
)
def test_jobs_of_any_release_are_known(job: str, component: str) -> None:
    assert component_of(job) == component


@pytest.mark.parametrize(
    ("text", "version"),
    [("v3.5.7+unknown", (3, 5)), ("3.0", (3, 0)), ("v3.10.1", (3, 10)), ("latest", None), ("", None), ("v3", None)],
)
def test_versions_are_read(text: str, version: Any) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize("text", ["2.14", "v1.0.0", "three"])
def test_versions_that_the_contract_does_not_know_are_refused(text: str) -> None:
    with pytest.raises(DefiniteError):
        version_from_options(text)


def test_the_contract_is_sound() -> None:
    assert set(JOBS) == set(CONTRACT)
    for component, metrics in CONTRACT.items():
        names = [metric.name for metric in metrics]
        assert len(names) == len(set(names)), component
        for metric in metrics:
            assert OLDEST <= metric.since <= NEWEST and metric.source
            assert not metric.after or metric.after in EVENTS
    for evidence in EVENTS.values():
        assert isinstance(evidence, tuple)
        for name in evidence:
            series = {metric.series for metrics in CONTRACT.values() for metric in metrics}
            assert name.partition(":")[0] in series


def test_an_event_without_evidence_has_not_happened() -> None:
    picture = picture_of([])
    assert picture.parts == {} and picture.version == ""
    seen = picture_of(recorded()).parts["server"]
    assert not has_happened("login", seen, ())
    assert has_happened("", seen, ()) and has_happened("login", seen, ("login",))


LABELS = st.dictionaries(
    st.sampled_from(["job", "metric", "lacks", "version", "phase", "x"]),
    st.one_of(
        st.text(max_size=5), st.sampled_from(["argocd-server-metrics", "argocd_info", "up", "age", "argocd-metrics"])
    ),
)


@given(st.lists(st.builds(Sample, LABELS, st.sampled_from(["1", "0", "NaN", "+Inf"]), st.just(0.0)), max_size=8))
def test_no_answer_raises_or_passes_without_its_metrics(samples: list[Sample]) -> None:
    checks = check_picture(picture_of(samples), "argocd", DEFAULT_COMPONENTS, NEWEST, ())
    assert any(check.ok is False for check in checks)


@given(st.data())
def test_what_is_lost_on_the_way_never_passes(data: Any) -> None:
    samples = recorded()
    lost = data.draw(st.sampled_from([s for s in samples if s.labels.get("metric") in ("go_goroutines", "up")]))
    assert not looked([s for s in samples if s is not lost]).ok


def test_the_expressions_name_the_namespace_everywhere_and_fit_into_an_address() -> None:
    for expr in contract_queries("gitops", tuple(CONTRACT)):
        assert expr.count('namespace="gitops"') == expr.count("{namespace=")
        assert len(urllib.parse.quote_plus(expr)) < 7000
    assert "redis_up" not in " ".join(contract_queries("gitops", DEFAULT_COMPONENTS))
    assert "redis_up" in " ".join(contract_queries("gitops", ("redis",)))


def test_the_document_is_the_contract() -> None:
    text = (Path(__file__).resolve().parents[4] / "docs" / "argocd-metrics.md").read_text(encoding="utf-8")
    for component, metrics in CONTRACT.items():
        table = text.split(f"\n### {component}\n")[1].split("\n### ")[0]
        rows = [line for line in table.splitlines() if line.startswith("| `")]
        assert rows == [
            f"| `{m.name}`{' (histogram)' if m.histogram else ''} | {text_of(m.since)} | "
            f"{m.after.replace('_', ' ') or 'the start'} | "
            f"{', '.join(f'`{label}`' for label in m.labels)} | {m.source} |"
            for m in metrics
        ]
    for event, evidence in EVENTS.items():
        assert f"| {event.replace('_', ' ')} | {', '.join(f'`{name}`' for name in evidence)} |" in text
