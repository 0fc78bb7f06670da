# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from answers that a test against a real Prometheus cannot have at will."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_panels import Answer, Query
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_reasons import (
    Reason,
    Reasons,
    reason_or_nothing,
)
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_templating import Value
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_time import window
from ansible_collections.argolab.observability.plugins.module_utils.errors import TransientError
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import (
    PrometheusClient,
    QueryResult,
    Sample,
)

LOOK = window(1000.0, 900, 15)


class Answers:
    """A Prometheus that has the series whose counts are given, by selector."""

    def __init__(self, counts: dict[str, int], rules: Sequence[dict[str, Any]] = (), names: Sequence[str] = ()) -> None:
        self.counts = counts
        self.groups = [{"name": "g", "rules": list(rules)}]
        self.names = list(names)
        self.asked: list[str] = []

    def query(self, expr: str, limit: int = 0) -> QueryResult:
        self.asked.append(expr)
        for selector, count in self.counts.items():
            if expr in (f"count({selector})", f"count(last_over_time({selector}[15m]))") and count:
                return QueryResult("vector", [Sample({}, str(count), 1.0)])
        if expr.startswith("group by (job)"):
            return QueryResult("vector", [Sample({"job": "a"}, "1", 1.0), Sample({}, "1", 1.0)])
        return QueryResult("vector", [])

    def rules(self, kind: str, names: Sequence[str]) -> list[dict[str, Any]]:
        return self.groups

    def label_values(self, *_arguments: Any) -> list[str]:
        return self.names


def why(expr: str, prometheus: Answers, raw: str = "", mode: str = "range", **more: Any) -> Reason:
    answer = Answer("empty", "No series.", total=more.pop("total", 0))
    query = Query("A", expr, raw or expr, mode, "", answer=answer, **more)
    return Reasons(cast(PrometheusClient, prometheus), LOOK).why(query)


RECORDED = [
    (
        {"name": "a:b", "type": "recording", "query": "sum(c)"},
        "the rule of group g that records it gives nothing",
        "sum(c)",
    ),
    (
        {"name": "a:b", "type": "recording", "query": "x", "lastError": "many-to-many."},
        "cannot be evaluated: many-to-many.",
        "x",
    ),
    ({"name": "a:b", "type": "alerting", "query": "x"}, "none that does is loaded", "a:b"),
    ({"name": "other:b", "type": "recording", "query": "x"}, "none that does is loaded", "a:b"),
]


@pytest.mark.parametrize(("rule", "words", "look_at"), RECORDED)
def test_what_a_rule_should_record(rule: dict[str, Any], words: str, look_at: str) -> None:
    found = why("a:b", Answers({}, [rule]))
    assert found.cause == "metric_absent"
    assert words in found.text
    assert found.look_at == look_at


def test_what_nothing_of_its_family_exports_is_not_scraped() -> None:
    assert "not scraped" in why("node_x", Answers({}, names=["up"])).text
    assert "though 1 other of node does" in why("node_x", Answers({}, names=["node_y"])).text


def test_the_first_label_at_which_nothing_is_left() -> None:
    counts = {"a": 5, 'a{x="1"}': 3, 'a{x="1", job="2"}': 0, 'a{x="1", job="2", z="3"}': 0}
    found = why('a{x="1", job="2", z="3"}', Answers(counts))
    assert found.cause == "labels_match_nothing"
    assert found.text == 'job="2" matches nothing: a{x="1"} has 3 series, where job is a.'
    assert found.look_at == 'count by (job) (a{x="1"})'


def test_a_variable_is_to_blame_only_where_its_own_label_leads_nowhere() -> None:
    values = {"v": Value(("",), missing="variable v has no value"), "w": Value(("1",))}
    counts = {"a": 5, 'a{x=""}': 5}
    raw = 'a{x="$v", job="$w"}'
    found = why('a{x="", job="1"}', Answers(counts), raw, values=values)
    assert found.cause == "labels_match_nothing"
    assert "(from variable w)" in found.text
    found = why('a{x="", job="1"}', Answers({"a": 5}), raw, values=values)
    assert (found.cause, found.text) == ("variable_empty", "variable v has no value.")


def test_of_two_ways_to_the_same_number_the_one_that_exists_counts() -> None:
    found = why('rate(new{job="x"}[5m]) or rate(old{job="x"}[5m])', Answers({"old": 2}))
    assert found.cause == "labels_match_nothing"
    assert "old has 2 series" in found.text
    assert why("new or old", Answers({})).cause == "metric_absent"
    assert why("new or (old > 1)", Answers({"old": 2})).cause == "nothing_left"


def test_series_of_the_past_do_not_explain_what_there_is_now() -> None:
    prometheus = Answers({"a": 1})
    why("a > 1", prometheus, mode="instant")
    assert prometheus.asked == ["count(a)"]
    prometheus = Answers({"a": 1})
    why("a > 1", prometheus)
    assert prometheus.asked == ["count(last_over_time(a[15m]))"]


def test_nan_needs_no_question() -> None:
    prometheus = Answers({})
    assert why("a / b", prometheus, total=2).cause == "no_traffic"
    assert prometheus.asked == []


def test_without_an_answer_there_is_no_reason() -> None:
    class Silent(Answers):
        def query(self, expr: str, limit: int = 0) -> QueryResult:
            raise TransientError("refused")

    query = Query("A", "a", "a", "range", "", answer=Answer("empty"))
    found = reason_or_nothing(Reasons(cast(PrometheusClient, Silent({})), LOOK), query)
    assert found.cause == "unknown"
    assert "refused" in found.text
