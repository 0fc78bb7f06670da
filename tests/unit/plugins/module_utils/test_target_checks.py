# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.http_client import Answer
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import PrometheusClient
from ansible_collections.argolab.observability.plugins.module_utils.target_checks import (
    TargetExpectation,
    check_all_up,
    check_targets,
    explain_empty_pools,
    likeliest_cause,
    normalized,
    target_expectations,
    watch_targets,
)
from hypothesis import given, settings
from hypothesis import strategies as st

RECORDED = Path(__file__).resolve().parents[5] / "shared" / "upstream" / "prometheus-api"
needs_recorded = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="needs the recorded answers in ../shared/upstream/prometheus-api"
)
SERVER = "serviceMonitor/argocd/argocd-server/0"
REPO = "serviceMonitor/argocd/argocd-repo-server/0"


def target(pool: str = SERVER, health: str = "up", error: str = "", **labels: str) -> dict[str, Any]:
    return {
        "discoveredLabels": {"job": pool},
        "labels": {"job": pool.split("/")[-2] if "/" in pool else pool, **labels},
        "scrapePool": pool,
        "scrapeUrl": f"http://10.42.0.9:8083/metrics?pool={pool}",
        "lastError": error,
        "lastScrape": "0001-01-01T00:00:00Z" if health == "unknown" else "2026-11-22T17:45:11.145055574Z",
        "health": health,
    }


class FakeTransport:
    """Answers as Prometheus does; V(filters) off is how 2.42 behaves."""

    name = description = "Prometheus at fake"
    through_api_server = False

    def __init__(self, active: list[Any], dropped: list[Any] | None = None, pools: Any = None, filters: bool = True):
        self.active, self.dropped, self.filters = active, dropped or [], filters
        self.pools = pools if pools is not None else sorted({t["scrapePool"] for t in active})
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.ahead: list[str] = []
        self.kept: list[int] = []

    def keep(self, connections: int, threads: int) -> None:
        self.kept.append(connections)

    def ask_ahead(self, path: str, params: Any) -> None:
        self.ahead.append(dict(params)["scrapePool"])

    def get(self, path: str, params: Any) -> Answer:
        query = dict(params)
        self.asked.append((path, query))
        if path.endswith("/scrape_pools"):
            return self.answer({"scrapePools": self.pools})
        pool = query.get("scrapePool") if self.filters else None
        chosen = [t for t in self.active if pool is None or t["scrapePool"] == pool]
        dropped = [t for t in self.dropped if pool is None or t["discoveredLabels"]["job"] == pool]
        state = query.get("state", "any")
        return self.answer(
            {
                "activeTargets": chosen if state != "dropped" else [],
                "droppedTargets": dropped if state != "active" else [],
            }
        )

    def answer(self, data: Any) -> Answer:
        return Answer(
            200, {"content-type": "application/json"}, json.dumps({"status": "success", "data": data}).encode()
        )

    def redact(self, text: str) -> str:
        return text

    def set_end(self, end: float | None) -> None: ...


def look(expectation: TargetExpectation, *targets: dict[str, Any], pools: list[str] | None = None) -> Any:
    return check_targets(expectation, normalized(targets), pools)


def test_an_up_target_is_enough() -> None:
    check = look(TargetExpectation(SERVER), target())
    assert (check.ok, check.detail) == (True, "")
    assert check.name == "target serviceMonitor/argocd/argocd-server/0"


@pytest.mark.parametrize("health", ["down", "unknown", "UP", "", None, 1])
def test_anything_but_up_is_not_up(health: Any) -> None:
    assert look(TargetExpectation(SERVER), {**target(), "health": health}).ok is False


def test_the_targets_of_another_pool_do_not_count() -> None:
    check = look(TargetExpectation(SERVER), target(REPO), pools=[REPO, SERVER])
    assert check.ok is False
    assert "selector matches no Service" in check.detail


def test_a_missing_pool_names_the_nearest_and_the_monitor() -> None:
    check = look(TargetExpectation("serviceMonitor/argocd/argocd-serverr/0"), target(), pools=[SERVER, REPO])
    assert check.observed == "no such scrape pool"
    assert f"Did you mean {SERVER}?" in check.detail
    assert "ServiceMonitor argocd-serverr in namespace argocd" in check.detail
    assert REPO in check.detail


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (
            'Get "http://10.42.0.9:8083/metrics": dial tcp 10.42.0.9:8083: connect: connection refused',
            "nothing listens",
        ),
        ('Get "http://a/metrics": context deadline exceeded', "NetworkPolicy"),
        ('Get "http://a/metrics": dial tcp 10.0.0.1:1: i/o timeout', "NetworkPolicy"),
        ("server returned HTTP status 403 Forbidden", "RBAC"),
        ("server returned HTTP status 401 Unauthorized", "credentials"),
        ("server returned HTTP status 404 Not Found", "path"),
        ("server returned HTTP status 503 Service Unavailable", "exporter itself"),
        ('Get "https://a": http: server gave HTTP response to HTTPS client', "scheme http "),
        ("server returned HTTP status 400 Bad Request", "scheme https"),
        (
            'Get "https://a": tls: failed to verify certificate: x509: certificate signed by unknown authority',
            "tlsConfig",
        ),
        ("sample limit exceeded", "limit"),
        ('Get "http://a": EOF', "closes the connection"),
        ('"INVALID" is not a valid start token', "metrics format"),
        ('expected a valid start token, got "<" ("INVALID") while parsing: "<"', "metrics format"),
        ('received unsupported Content-Type "text/html" and no fallback_scrape_protocol specified', "metrics format"),
        ("something nobody has seen", ""),
    ],
)
def test_the_likeliest_cause_of_a_scrape_error(error: str, cause: str) -> None:
    assert cause in likeliest_cause(error)
    assert bool(cause) == bool(likeliest_cause(error))


def test_equal_errors_of_many_targets_are_one_sentence() -> None:
    targets = [{**target(health="down", error="EOF"), "scrapeUrl": f"http://{n}"} for n in range(50)]
    detail = look(TargetExpectation(SERVER, min_up=1), *targets).detail
    assert detail.count("EOF") == 1
    assert "47 more" in detail


def test_min_up_count_and_labels() -> None:
    pair = [target(pod="a"), target(pod="b", health="down", error="EOF")]
    assert look(TargetExpectation(SERVER, min_up=1), *pair).ok
    assert look(TargetExpectation(SERVER, min_up=2), *pair).ok is False
    assert look(TargetExpectation(SERVER, min_up=1, count=2), *pair).ok
    too_many = look(TargetExpectation(SERVER, min_up=1, count=1), *pair)
    assert too_many.ok is False
    assert "exactly 1 target" in too_many.expected
    assert look(TargetExpectation(SERVER, labels={"pod": "b"}), *pair).ok is False
    other = look(TargetExpectation(SERVER, labels={"pod": "c"}), *pair)
    assert 'pod="a"' in other.detail
    assert look(TargetExpectation(SERVER, min_up=0, count=0), pools=[]).ok


def test_a_job_without_targets_names_the_nearest_job() -> None:
    check = look(TargetExpectation(job="argocd-serve"), target())
    assert "Did you mean argocd-server?" in check.detail


def test_all_up_gives_one_check_for_each_pool_and_never_passes_on_nothing() -> None:
    checks = check_all_up(normalized([target(), target(REPO, "down", "EOF")]))
    assert [(check.name, check.ok) for check in checks] == [(f"target {REPO}", False), (f"target {SERVER}", True)]
    assert [check.ok for check in check_all_up([])] == [False]


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([], "nothing would be checked"),
        (None, "nothing would be checked"),
        ([{"min_up": 1}], "neither scrape_pool nor job"),
        ([{"scrape_pool": ""}], "neither scrape_pool nor job"),
        ([{"job": "a", "min_up": -1}], "0 or more"),
        ([{"job": "a", "count": -1}], "0 or more"),
        ([{"job": "a", "min_up": 3, "count": 2}], "more targets cannot be up"),
        ([{"job": "a"}, {"job": "a", "min_up": 2}], "expected twice"),
    ],
)
def test_expectations_that_cannot_hold_or_check_nothing_are_refused(items: Any, message: str) -> None:
    with pytest.raises(DefiniteError, match=message):
        target_expectations(items, False)


def test_a_count_means_all_of_them_up_unless_said_otherwise() -> None:
    assert target_expectations([{"job": "a", "count": 3}], False)[0].min_up == 3
    assert target_expectations([{"job": "a", "count": 3, "min_up": 1}], False)[0].min_up == 1


def test_only_the_named_pools_are_asked_for() -> None:
    transport = FakeTransport([target(), target(REPO), target("other")])
    poll = watch_targets(PrometheusClient(transport), [TargetExpectation(SERVER), TargetExpectation(REPO)], False)()
    assert poll.ok
    assert [query.get("scrapePool") for _path, query in transport.asked] == [SERVER, REPO]


def test_a_server_that_ignores_the_filter_is_asked_once() -> None:
    transport = FakeTransport([target(), target(REPO, "down"), target("other")], filters=False)
    poll = watch_targets(PrometheusClient(transport), [TargetExpectation(SERVER), TargetExpectation(REPO)], False)()
    assert [check.ok for check in poll.checks] == [True, False]
    assert len(transport.asked) == 1
    assert transport.ahead == []
    assert {item["scrapePool"] for item in poll.value} == {SERVER, REPO}


def test_the_next_pools_are_asked_for_while_one_is_read() -> None:
    transport = FakeTransport([target(pool) for pool in "abcdefg"])
    expectations = [TargetExpectation(pool) for pool in "abcdefg"]
    assert watch_targets(PrometheusClient(transport), expectations, False)().ok
    # never the second before the first has shown that the server filters
    assert transport.ahead[0] == "b"
    assert list(dict.fromkeys(transport.ahead)) == list("bcdefg")
    assert transport.kept[-1] == 0


def test_all_up_adds_to_named_pools_without_repeating_them() -> None:
    transport = FakeTransport([target(), target(REPO)])
    poll = watch_targets(PrometheusClient(transport), [TargetExpectation(SERVER, min_up=1, count=1)], True)()
    assert [check.name for check in poll.checks] == [f"target {SERVER}", f"target {REPO}"]


@pytest.mark.parametrize(("number", "said"), [(2, "dropped all of them"), (0, "no candidate either")])
def test_an_empty_pool_is_explained_by_what_was_dropped(number: int, said: str) -> None:
    transport = FakeTransport([], [{"discoveredLabels": {"job": SERVER}}] * number, pools=[SERVER])
    expectations = [TargetExpectation(SERVER)]
    client = PrometheusClient(transport)
    checks = explain_empty_pools(client, expectations, watch_targets(client, expectations, False)().checks)
    assert said in checks[0].detail


@needs_recorded
def test_every_pool_of_a_real_stack_is_up() -> None:
    active = json.loads((RECORDED / "targets.json").read_text())["data"]["activeTargets"]
    pools = json.loads((RECORDED / "scrape_pools.json").read_text())["data"]["scrapePools"]
    targets = normalized(active)
    assert all(check_targets(TargetExpectation(pool), targets, pools).ok for pool in pools)
    assert {check.name for check in check_all_up(targets)} == {f"target {pool}" for pool in pools}
    assert all(item["lastScrape"] for item in targets)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from([k for k in target() if k not in ("health",)]), JSON), JSON)
def test_mutated_targets_never_pass_without_health_up_and_never_break(changes: dict[str, Any], health: Any) -> None:
    check = look(TargetExpectation(SERVER), {**target(), **changes, "health": health})
    assert check.ok is False or health == "up"


@settings(max_examples=60, deadline=None)
@given(JSON)
def test_any_json_is_an_error_or_a_failed_check(data: Any) -> None:
    transport = FakeTransport([])
    transport.answer = lambda _data: Answer(200, {}, json.dumps(data).encode())
    try:
        poll = watch_targets(PrometheusClient(transport), [TargetExpectation(SERVER)], False)()
    except ArgolabError:
        return
    assert not poll.ok
