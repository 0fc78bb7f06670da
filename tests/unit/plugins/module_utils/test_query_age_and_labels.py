# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Freshness and labels of the series that a query gives."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import QueryResult, Sample
from ansible_collections.argolab.observability.plugins.module_utils.query_checks import (
    SELECTOR,
    check_query,
    query_expectations,
    watch_queries,
)
from hypothesis import given
from hypothesis import strategies as st

NAMED = Sample({"__name__": "m", "name": "a", "team": "x"}, "1", 100.0)
BARE = Sample({"__name__": "m", "name": "b"}, "1", 100.0)


def checked(samples: list[Sample], ages: list[str], **options: Any) -> Any:
    (expectation,) = query_expectations([{"name": "q", "expr": "m", **options}])
    aged = [Sample({}, age, 100.0) for age in ages]
    return check_query(expectation, QueryResult("vector", samples, []), aged)


def test_labels_are_on_every_series() -> None:
    assert checked([NAMED], [], labels=["name", "team"]).ok
    check = checked([NAMED, BARE], [], labels=["name", "team"])
    assert not check.ok
    assert check.expected == "at least 1 series, each with name, team"
    assert check.observed == "2 series, 1 of them without team"
    assert 'name="b"' in check.detail and 'name="a"' not in check.detail


def test_an_empty_label_is_none() -> None:
    assert not checked([Sample({"name": ""}, "1", 1.0)], [], labels=["name"]).ok


@pytest.mark.parametrize(
    ("ages", "ok", "observed"),
    [
        (["0.5", "29"], True, "2 series"),
        (["0.5", "31"], False, "2 series, 1 of them older, the oldest 31 s"),
        (["NaN", "1"], False, "2 series, 1 of them older, the oldest nan s"),
        (["1"], False, "2 series, of unknown age"),
        ([], False, "2 series, of unknown age"),
    ],
)
def test_no_series_is_older_than_max_age(ages: list[str], ok: bool, observed: str) -> None:
    check = checked([NAMED, BARE], ages, max_age=30)
    assert (check.ok, check.observed) == (ok, observed)
    assert check.expected == "at least 1 series, none older than 30 s"


@pytest.mark.parametrize(
    "expr",
    [
        "up",
        "up{}",
        'up{job="a"}',
        "node:cpu:sum",
        '{__name__="up"}',
        'up{a="}"}',
        "up{a='\"'}",
        'up { a=~"b|c", d!="" }',
    ],
)
def test_one_metric_has_an_age(expr: str) -> None:
    (expectation,) = query_expectations([{"expr": expr, "max_age": 1}])
    assert expectation.age_expr == f"time() - timestamp({expr})"


@pytest.mark.parametrize(
    "expr", ["sum(up)", "up == 1", "up[5m]", "up offset 5m", "1", "up and down", "rate(up[1m])", "{}"]
)
def test_what_is_calculated_has_none(expr: str) -> None:
    with pytest.raises(DefiniteError, match="max_age needs an expr that is one metric"):
        query_expectations([{"expr": expr, "max_age": 1}])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"max_age": 0}, "greater than 0"),
        ({"max_age": -1}, "greater than 0"),
        ({"max_age": float("nan")}, "greater than 0"),
        ({"max_age": float("inf")}, "greater than 0"),
        ({"labels": ["a-b"]}, "not the name of a label"),
        ({"labels": [""]}, "not the name of a label"),
        ({"labels": ["a"], "max_series": 0}, "nothing to check"),
        ({"max_age": 1, "max_series": 0}, "nothing to check"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(DefiniteError, match=said):
        query_expectations([{"expr": "up", **options}])


def test_min_series_0_checks_something_with_labels_or_age() -> None:
    assert query_expectations([{"expr": "up", "min_series": 0, "labels": ["job"]}])
    assert query_expectations([{"expr": "up", "min_series": 0, "max_age": 5}])
    with pytest.raises(DefiniteError, match="check nothing"):
        query_expectations([{"expr": "up", "min_series": 0}])


@given(st.text(max_size=40))
def test_reading_an_expression_never_raises(text: str) -> None:
    SELECTOR.fullmatch(text)


@given(st.lists(st.sampled_from(["0", "1", "31", "NaN", "+Inf", "-Inf"]), max_size=4))
def test_an_age_that_is_missing_or_too_great_never_passes(ages: list[str]) -> None:
    good = len(ages) >= 2 and all(age in ("0", "1", "-Inf") for age in ages)
    assert checked([NAMED, BARE], ages, max_age=30).ok is good


class Clock:
    """A Prometheus that remembers when it was asked for what."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, float | None]] = []

    def query(self, expr: str, at: float | None = None) -> QueryResult:
        self.asked.append((expr, at))
        return QueryResult("vector", [Sample({"job": "a"}, "5", 100.0)], [])


def test_the_age_is_asked_for_the_time_of_the_answer_and_only_when_wanted() -> None:
    client: Any = Clock()
    watch_queries(client, query_expectations([{"expr": "up"}, {"name": "b", "expr": "up", "max_age": 9}]))()
    assert client.asked == [("up", None), ("up", None), ("time() - timestamp(up)", 100.0)]
