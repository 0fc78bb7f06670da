# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.http_client import Answer
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import PrometheusClient
from ansible_collections.argolab.observability.plugins.module_utils.rule_checks import (
    GRACE_SECONDS,
    Ages,
    RuleExpectation,
    check_all_healthy,
    check_rules,
    explain_missing,
    normalized,
    rule_expectations,
    watch_rules,
)
from hypothesis import given, settings
from hypothesis import strategies as st

RECORDED = Path(__file__).resolve().parents[5] / "shared" / "upstream" / "prometheus-api" / "rules.json"
needs_recorded = pytest.mark.skipif(
    not RECORDED.is_file(), reason="needs the recorded answers in ../shared/upstream/prometheus-api"
)
NEVER = "0001-01-01T00:00:00Z"


def rule(name: str, health: Any = "ok", error: str = "", kind: str = "alerting") -> dict[str, Any]:
    moment = NEVER if health == "unknown" else "2026-11-22T17:45:11.145055574Z"
    found = {"name": name, "query": "up", "health": health, "lastEvaluation": moment, "type": kind, "alerts": None}
    return {**found, "lastError": error} if error else found


def group(name: str, *rules: dict[str, Any], interval: float = 30, file: str = "/etc/rules/a.yaml") -> dict[str, Any]:
    return {"name": name, "file": file, "interval": interval, "rules": list(rules)}


class FakeTransport:
    """Answers as Prometheus does; V(filters) off is how 2.42 behaves."""

    name = description = "Prometheus at fake"
    through_api_server = False

    def __init__(self, groups: list[dict[str, Any]], filters: bool = True, config_age: int | None = None):
        self.groups, self.filters, self.config_age = groups, filters, config_age
        self.asked: list[tuple[str, list[tuple[str, str]]]] = []

    def get(self, path: str, params: Any) -> Answer:
        self.asked.append((path, list(params)))
        if path.endswith("/runtimeinfo"):
            return self.runtimeinfo()
        names = [value for key, value in params if key == "rule_name[]"] if self.filters else []
        groups = [value for key, value in params if key == "rule_group[]"] if self.filters else []
        chosen = []
        for item in self.groups:
            rules = [r for r in item["rules"] if not names or r["name"] in names]
            if rules and (not groups or item["name"] in groups):
                chosen.append({**item, "rules": rules})
        return self.answer({"groups": chosen})

    def runtimeinfo(self) -> Answer:
        if self.config_age is None:
            return Answer(404, {}, b"404 page not found")
        answer = self.answer({"lastConfigTime": "2026-01-01T00:00:00Z"})
        minutes, seconds = divmod(self.config_age, 60)
        date = f"Thu, 01 Jan 2026 00:{minutes:02}:{seconds:02} GMT"
        return Answer(200, {"date": date}, answer.body)

    def answer(self, data: Any) -> Answer:
        return Answer(200, {}, json.dumps({"status": "success", "data": data}).encode())

    def redact(self, text: str) -> str:
        return text

    def set_end(self, end: float | None) -> None: ...


GROUPS = [
    group("argocd", rule("ArgoAppMissing"), rule("ArgoAppNotSynced")),
    group("node.rules", rule("node:load", kind="recording"), file="/etc/rules/monitoring-node.yaml"),
]


def look(expectation: RuleExpectation, *groups: dict[str, Any], evaluated: bool = False, ages: Any = None) -> Any:
    return check_rules(expectation, normalized(groups), ages or {}, evaluated)


def test_loaded_and_healthy() -> None:
    check = look(RuleExpectation("argocd", "ArgoAppMissing", "alerting"), *GROUPS)
    assert check.ok is True
    assert check.name == "rule ArgoAppMissing in group argocd (alerting)"
    assert look(RuleExpectation("argocd"), *GROUPS).observed == "2 healthy of 2 rules"
    assert look(RuleExpectation(rule="node:load", file="*/monitoring-*.yaml"), *GROUPS).ok


@pytest.mark.parametrize("health", ["err", "OK", "", None, True])
def test_anything_but_ok_is_not_healthy(health: Any) -> None:
    assert look(RuleExpectation("g"), group("g", rule("a"), rule("b", health)), evaluated=True).ok is False
    assert look(RuleExpectation("g"), group("g", rule("a"), rule("b", health))).ok is not True


def test_a_rule_in_error_says_why() -> None:
    broken = group("g", rule("a", "err", "found duplicate series; many-to-many matching not allowed"), rule("b"))
    check = look(RuleExpectation("g"), broken)
    assert check.ok is False
    assert "many-to-many" in check.detail and "two series match" in check.detail
    assert look(RuleExpectation("g", "b"), broken).ok


def test_a_rule_that_is_not_due_yet_is_pending() -> None:
    young = group("g", rule("a"), rule("b", "unknown"), interval=180)
    check = look(RuleExpectation("g"), young)
    assert check.ok is None
    assert "1 not evaluated yet" in check.observed and "180 s" in check.detail
    assert look(RuleExpectation("g"), young, evaluated=True).ok is False
    assert look(RuleExpectation("g", "a"), young).ok is True


def test_a_rule_that_is_overdue_has_failed() -> None:
    key = ("/etc/rules/a.yaml", "g")
    late = group("g", rule("a", "unknown"), interval=30)
    assert look(RuleExpectation("g"), late, ages={key: 30 + GRACE_SECONDS}).ok is None
    check = look(RuleExpectation("g"), late, ages={key: 31 + GRACE_SECONDS})
    assert check.ok is False
    assert "stuck" in check.detail


def test_an_error_is_worse_than_pending() -> None:
    assert look(RuleExpectation("g"), group("g", rule("a", "err", "x"), rule("b", "unknown"))).ok is False


def test_ages_count_from_the_first_look_or_the_last_reload() -> None:
    now = [0.0]
    ages = Ages(lambda: now[0])
    waiting = normalized([group("g", rule("a", "unknown"))])
    key = ("/etc/rules/a.yaml", "g")
    assert ages.update(waiting, None) == {key: 0}
    now[0] = 7
    assert ages.update(waiting, None) == {key: 7}
    assert ages.update(waiting, 100) == {key: 100}
    assert ages.update(normalized([group("g", rule("a"))]), 100) == {}
    now[0] = 9
    assert ages.update(waiting, None) == {key: 0}


@pytest.mark.parametrize(
    ("expectation", "said"),
    [
        (RuleExpectation("argocdd"), "Did you mean argocd?"),
        (RuleExpectation("argocd", "ArgoAppMising"), "Did you mean ArgoAppMissing?"),
        (RuleExpectation("node.rules", "ArgoAppMissing"), "in another group: argocd"),
        (RuleExpectation("argocd", "ArgoAppMissing", "recording"), "type alerting"),
        (RuleExpectation("argocd", file="*/other.yaml"), "file /etc/rules/a.yaml"),
        (RuleExpectation("empty"), "has no rules"),
        (RuleExpectation(rule="Nothing"), "Loaded groups: argocd, empty, node.rules"),
    ],
)
def test_what_is_not_loaded_is_explained(expectation: RuleExpectation, said: str) -> None:
    transport = FakeTransport([*GROUPS, group("empty")])
    transport.filters = False
    client = PrometheusClient(transport)
    checks = watch_rules(client, [expectation], False, False)().checks
    assert checks[0].ok is False
    transport.groups = [*GROUPS, group("empty")]
    transport.get = lambda path, params: transport.answer({"groups": transport.groups})
    assert said in explain_missing(client, [expectation], checks)[0].detail


def test_all_healthy_is_one_check_for_each_name_and_never_passes_on_nothing() -> None:
    twice = [group("g", rule("a")), group("g", rule("b", "err", "x"), file="/b"), group("h", rule("c"))]
    assert [(c.name, c.ok) for c in check_all_healthy(normalized(twice), {}, False)] == [
        ("rules group g", False),
        ("rules group h", True),
    ]
    assert [c.ok for c in check_all_healthy([], {}, False)] == [False]


@pytest.mark.parametrize("filters", [True, False])
def test_only_what_is_named_is_asked_for(filters: bool) -> None:
    transport = FakeTransport(GROUPS, filters)
    wanted = [RuleExpectation("node.rules"), RuleExpectation("argocd", "ArgoAppMissing")]
    poll = watch_rules(PrometheusClient(transport), wanted, False, False)()
    assert [check.ok for check in poll.checks] == [True, True]
    assert len(transport.asked) == (2 if filters else 1)
    assert ("exclude_alerts", "true") in transport.asked[0][1]


def test_a_group_and_one_of_its_rules_are_both_seen_whole() -> None:
    transport = FakeTransport([group("g", rule("a"), rule("b", "err", "x"))])
    poll = watch_rules(PrometheusClient(transport), [RuleExpectation("g"), RuleExpectation("g", "a")], False, False)()
    assert [check.ok for check in poll.checks] == [False, True]


@pytest.mark.parametrize(("age", "ok"), [(None, None), (20, None), (41, False)])
def test_the_age_of_the_configuration_tells_late_from_young(age: int | None, ok: bool | None) -> None:
    transport = FakeTransport([group("g", rule("a", "unknown"), interval=30)], config_age=age)
    poll = watch_rules(PrometheusClient(transport), [RuleExpectation("g")], False, False)()
    assert [check.ok for check in poll.checks] == [ok]
    assert poll.ok is (ok is None)


@pytest.mark.parametrize(
    ("items", "groups", "message"),
    [
        ([], [], "nothing would be checked"),
        (None, None, "nothing would be checked"),
        ([{"type": "alerting"}], [], "neither group nor rule"),
        ([{"group": "a"}, {"group": "a"}], [], "expected twice"),
        ([], [""], "is empty"),
    ],
)
def test_expectations_that_check_nothing_are_refused(items: Any, groups: Any, message: str) -> None:
    with pytest.raises(DefiniteError, match=message):
        rule_expectations(items, groups, False)


def test_expected_groups_are_the_short_form() -> None:
    assert rule_expectations([{"group": "a"}], ["a", "b"], False) == [RuleExpectation("a"), RuleExpectation("b")]
    assert rule_expectations(None, None, True) == []


@needs_recorded
def test_a_real_stack_is_healthy() -> None:
    groups = normalized(json.loads(RECORDED.read_text())["data"]["groups"])
    assert len(groups) == 31 and sum(len(item["rules"]) for item in groups) == 221
    assert all(check.ok for check in check_all_healthy(groups, {}, True))
    for name in ("ArgoAppMissing", "ArgoAppNotSynced"):
        assert check_rules(RuleExpectation("argocd", name, "alerting"), groups, {}, True).ok


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["query", "lastEvaluation", "type", "alerts", "lastError"]), JSON), JSON, JSON)
def test_mutated_rules_never_pass_without_health_ok_and_never_break(changes: Any, health: Any, interval: Any) -> None:
    mutated = {**group("g", {**rule("a"), **changes, "health": health}), "interval": interval}
    assert look(RuleExpectation("g"), mutated, evaluated=True).ok is False or health == "ok"
