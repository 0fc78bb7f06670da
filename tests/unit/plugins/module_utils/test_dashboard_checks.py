# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_checks import (
    allowances,
    dashboard_check,
    identity_of,
    names_of,
    panel_check,
    summary,
    unused,
    variable_checks,
)
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_model import Dashboard, Panel
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_panels import (
    Answer,
    Query,
    Shown,
    instant_answer,
    range_answer,
)
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_plots import (
    aligned,
    legends,
    plots,
    write_plots,
)
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_reasons import Reason
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_templating import Value
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_time import window
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_variables import Resolved
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import QueryResult, Sample
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_series import (
    RangeResult,
    Series,
    instant_value,
    range_series,
)
from hypothesis import given
from hypothesis import strategies as st

NAN = math.nan
BOARD = Dashboard("file x", "uid", "Title")
DATA, EMPTY = Answer("data", found=3, total=3), Answer("empty", "No series.")
BAD = Answer("error", "bad_data: parse error", cause="query_error")
LATE = Answer("error", "no time left", cause="could_not_check")


def shown(*answers: Answer | None, title: str = "Panel", key: str = "1", **more: Any) -> Shown:
    queries = [
        Query(chr(65 + index), f"expr{index}", f"expr{index}", "range", "", answer=answer)
        for index, answer in enumerate(answers)
    ]
    panel = Panel(0, int(key.partition("~")[0]), title, "Row", "stat", "", "", ())
    return Shown(BOARD, panel, key, title, "Row", queries, **more)


def check(item: Shown, allowed: Any = (), reasons: Any = None) -> Any:
    return panel_check(item, "name", allowances(allowed), reasons or {}, lambda expr: f"ask {expr}")


OUTCOMES = [
    ([DATA], "data", True),
    ([EMPTY], "empty", False),
    ([BAD], "error", False),
    ([EMPTY, DATA], "data", True),
    ([DATA, BAD], "error", False),
    ([EMPTY, LATE], "error", False),
    ([None], "skipped", None),
    ([None, EMPTY], "empty", False),
    ([], "skipped", None),
]


@pytest.mark.parametrize(("answers", "outcome", "ok"), OUTCOMES)
def test_outcomes(answers: list[Answer | None], outcome: str, ok: bool | None) -> None:
    item = shown(*answers)
    assert item.outcome == outcome
    assert check(item).ok is ok


@given(st.lists(st.sampled_from([EMPTY, BAD, LATE, None]), max_size=5))
def test_nothing_without_a_number_passes(answers: list[Answer | None]) -> None:
    assert check(shown(*answers)).ok is not True
    assert check(shown(*answers), [{"panel": "*"}]).ok is not True


def test_an_error_names_the_query_and_its_expression_and_counts_alike_ones_once() -> None:
    found = check(shown(BAD, BAD, LATE))
    assert "Queries A, B (expr0): bad_data: parse error" in found.detail
    assert "Query C (expr2): no time left" in found.detail
    assert (found.cause, found.next, found.subject) == ("query_error", "ask expr0", "uid/1")
    assert check(shown(LATE)).cause == "could_not_check"


def test_an_error_in_an_expression_with_an_unknown_variable_names_it() -> None:
    item = Shown(BOARD, shown().panel, "1", "x", "", [Query("A", "$y", "$y", "range", "", unknown=["y"], answer=BAD)])
    assert "no variable y" in check(item).detail


def test_an_empty_one_says_why_and_what_to_look_at() -> None:
    found = check(
        shown(EMPTY, EMPTY), reasons={0: Reason("metric_absent", "not there.", "x"), 1: Reason("b", "no.", "y")}
    )
    assert found.detail == "Query A (expr0): not there. Query B (expr1): no."
    assert (found.cause, found.next) == ("metric_absent", "ask x")


def test_a_query_without_data_beside_one_with_data_is_named() -> None:
    assert check(shown(DATA, EMPTY)).detail == "Without data: 1 query B."


ALLOWED = [
    {"panel": "Panel"},
    {"panel": "1"},
    {"panel": "Pan*", "dashboard": "uid"},
    {"panel": "*", "dashboard": "Title"},
    {"panel": "Panel", "dashboard": "T*"},
]


@pytest.mark.parametrize("item", ALLOWED)
def test_allowed_by_name(item: dict[str, str]) -> None:
    found = check(shown(EMPTY), [{**item, "reason": "so it is."}])
    assert found.ok is None
    assert found.detail.startswith("Allowed to be empty: so it is. ")


@pytest.mark.parametrize("item", [{"panel": "Other"}, {"panel": "Panel", "dashboard": "Other"}, {"panel": "2"}])
def test_not_allowed(item: dict[str, str]) -> None:
    assert check(shown(EMPTY), [item]).ok is False


def test_only_emptiness_can_be_allowed() -> None:
    assert check(shown(BAD), [{"panel": "*"}]).ok is False


def test_brackets_in_a_title_are_taken_as_they_are() -> None:
    assert check(shown(EMPTY, title="Rate [5m]"), [{"panel": "Rate [5m]"}]).ok is None


def test_an_allowance_about_no_panel_is_named_and_one_about_a_panel_with_data_is_not() -> None:
    allowed = allowances([{"panel": "Panel"}, {"panel": "Gone", "dashboard": "D"}])
    (hint,) = unused(allowed, [shown(DATA)])
    assert "'Gone' of dashboard 'D'" in hint


def test_names_differ() -> None:
    panels = [shown(key="1"), shown(key="1~2"), shown(title="Other", key="2"), shown(title="", key="3")]
    panels.append(Shown(Dashboard("file y", "uid", "Title"), panels[0].panel, "1", "Panel", "Row"))
    names = names_of(panels)
    assert len(set(names.values())) == len(panels)
    assert names[identity_of(panels[2])] == "panel Row / Other of Title"
    assert "without a title, id 3" in names[identity_of(panels[3])]
    assert names[identity_of(panels[1])] == "panel Row / Panel of Title (id 1~2)"


def test_broken_dashboards_and_variables() -> None:
    broken = dashboard_check(Dashboard("file x", problem="it is not valid JSON"), [])
    assert broken is not None
    assert (broken.ok, broken.cause) == (False, "dashboard_unreadable")
    empty = dashboard_check(BOARD, [])
    assert empty is not None
    assert (empty.ok, empty.cause) == (False, "no_panels")
    assert dashboard_check(BOARD, [shown(EMPTY)]) is None
    resolved = {
        "v": Resolved("v", "query", Value((), missing="m"), problem="variable v: bad", failed=True),
        "w": Resolved("w", "query", Value((), missing="m"), problem="no value"),
    }
    (failed,) = variable_checks(BOARD, resolved)
    assert (failed.ok, failed.cause, failed.detail) == (False, "variable_error", "variable v: bad.")


def test_the_counts_of_a_dashboard() -> None:
    panels = [
        shown(DATA),
        shown(EMPTY, key="2"),
        shown(EMPTY, title="May", key="3"),
        shown(BAD, key="4"),
        shown(key="5"),
    ]
    found = summary(BOARD, panels, {}, allowances([{"panel": "May"}]))
    assert {key: found[key] for key in ("panels", "data", "empty", "allowed", "error", "skipped", "queries")} == {
        "panels": 5, "data": 1, "empty": 1, "allowed": 1, "error": 1, "skipped": 1, "queries": 4,
    }  # fmt: skip


# --- answers ---


def series(*values: float, **labels: str) -> Series:
    return Series(labels, [(100.0 + index * 15, value) for index, value in enumerate(values)])


def test_nan_is_no_data() -> None:
    found = range_answer(RangeResult([series(NAN, NAN, a="1"), series(NAN, a="2")]))
    assert (found.outcome, found.found, found.total) == ("empty", 0, 2)
    assert range_answer(RangeResult([series(NAN, 1.0)])).outcome == "data"
    assert range_answer(RangeResult([series(math.inf)])).outcome == "data"
    assert range_answer(RangeResult([])).outcome == "empty"
    assert instant_answer(QueryResult("vector", [Sample({}, "NaN", 1.0)])).outcome == "empty"
    assert instant_answer(QueryResult("scalar", [Sample({}, "0", 1.0)])).outcome == "data"


def test_what_is_kept_has_the_numbers_first() -> None:
    found = range_answer(RangeResult([*(series(NAN, n=str(n)) for n in range(30)), series(1.0, n="last")]))
    assert (found.found, found.total, len(found.series)) == (1, 31, 20)
    assert found.series[0].labels == {"n": "last"}


@given(st.lists(st.lists(st.sampled_from([NAN, 0.0, 1.0]), max_size=3), max_size=4))
def test_data_is_at_least_one_number(values: list[list[float]]) -> None:
    found = range_answer(RangeResult([series(*item) for item in values]))
    assert (found.outcome == "data") == any(not math.isnan(value) for item in values for value in item)


def test_native_histograms_count_as_numbers() -> None:
    point = [1.0, {"count": "7", "sum": "3", "buckets": []}]
    (found,) = range_series([{"metric": {"a": "b"}, "histograms": [point]}])
    assert found.points == [(1.0, 7.0)]
    assert instant_value({"histogram": point}) == [1.0, "7"]


# --- plots ---


def test_values_stand_where_their_time_is() -> None:
    look = window(1000.0, 60, 15)
    assert (look.start, look.points) == (940.0, 5)
    assert aligned(Series({}, [(940.0, 1.0), (970.0, NAN), (1000.0, math.inf)]), look) == [1.0, None, None, None, None]
    assert aligned(Series({}, [(955.0, 2.0), (985.0, 4.0)]), look.later(1010.0)) == [2.0, None, 4.0, None, None]
    assert aligned(Series({}, [(1001.7, 2.0)]), look) == [None, None, None, None, 2.0]


LEGENDS = [
    ("{{ job }}: {{x}}", [{"job": "a", "x": "1"}], ["a: 1"]),
    ("total", [{"job": "a"}], ["total"]),
    ("{{gone}}", [{"job": "a"}], ["gone"]),
    ("", [{"job": "a", "i": "1"}, {"job": "a", "i": "2"}], ["1", "2"]),
    ("__auto", [{"job": "a", "i": "1"}], ['{i="1", job="a"}']),
    ("", [{"__name__": "up", "job": "a"}], ['up{job="a"}']),
    ("", [{}], ["the expression"]),
    ("", [{"a": "1", "b": "1"}, {"a": "2", "b": "2"}], ['{a="1", b="1"}', '{a="2", b="2"}']),
]


@pytest.mark.parametrize(("legend", "labels", "expected"), LEGENDS)
def test_legends(legend: str, labels: list[dict[str, str]], expected: list[str]) -> None:
    answer = Answer("data", series=[Series(item, [(1.0, 1.0)]) for item in labels])
    assert legends(Query("A", "the expression", "", "range", legend, answer=answer)) == expected


def test_the_plot_file(tmp_path: Path) -> None:
    look = window(1000.0, 60, 15)
    many = range_answer(RangeResult([series(1.0, n=str(n)) for n in range(30)]))
    item = shown(many, EMPTY, None)
    content = plots(look, [(BOARD, [item])], {identity_of(item): "detail"})
    path = tmp_path / "new" / "plots.json"
    write_plots(str(path), content)
    assert os.stat(path).st_mode & 0o777 == 0o644
    assert [name.name for name in path.parent.iterdir()] == ["plots.json"]
    read = json.loads(path.read_text())
    assert (read["schema"], read["start"], read["end"], read["step"]) == (1, 940.0, 1000.0, 15.0)
    (board,) = read["dashboards"]
    (panel,) = board.pop("panels")
    assert board == {"uid": "uid", "title": "Title", "source": "file x", "url": ""}
    assert len(panel["series"]) == 20
    assert panel["more_series"] == 10
    assert all(len(one["values"]) == 5 for one in panel["series"])
    assert {key: panel[key] for key in ("id", "title", "row", "type", "unit", "outcome", "detail")} == {
        "id": 1, "title": "Panel", "row": "Row", "type": "stat", "unit": "", "outcome": "data", "detail": "detail",
    }  # fmt: skip
    assert [query["outcome"] for query in panel["queries"]] == ["data", "empty", "skipped"]


def test_a_plot_file_that_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(DefiniteError, match="plots_path .* cannot be written"):
        write_plots(str(tmp_path / "folder"), {})
    assert [item.name for item in tmp_path.iterdir()] == ["folder"]
