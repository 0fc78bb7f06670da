# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_model import (
    Dashboard,
    Panel,
    parse_dashboard,
    read_dashboard,
)
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_panels import show
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_plots import legends, plots
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_templating import Value
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_time import window
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_variables import Resolved
from hypothesis import given, settings
from hypothesis import strategies as st

PROMETHEUS = {"type": "prometheus", "uid": "p"}
LOOK = window(1000.0, 900, 15)


def panel(title: str, *exprs: str, **more: Any) -> dict[str, Any]:
    targets = [{"refId": chr(65 + index), "expr": expr} for index, expr in enumerate(exprs)]
    return {"id": 1, "type": "timeseries", "title": title, "datasource": PROMETHEUS, "targets": targets, **more}


def board(*panels: Any, **more: Any) -> Dashboard:
    return read_dashboard({"uid": "u", "title": "T", "panels": list(panels), **more}, "test")


def only(dashboard: Dashboard) -> Panel:
    (found,) = dashboard.panels
    return found


def test_rows_open_collapsed_and_of_the_old_schema() -> None:
    found = board(
        panel("before", "a"),
        {"type": "row", "title": "open", "panels": []},
        panel("in open", "b"),
        {"type": "row", "title": "closed", "collapsed": True, "panels": [panel("in closed", "c")]},
        panel("after", "d"),
        rows=[
            {"title": "old", "panels": [panel("in old", "e")]},
            {"title": "quiet", "showTitle": False, "panels": [panel("x")]},
        ],
    )
    assert [(item.title, item.row) for item in found.panels] == [
        ("before", ""), ("in open", "open"), ("in closed", "closed"), ("after", "closed"), ("in old", "old"), ("x", ""),
    ]  # fmt: skip


def test_panels_with_the_same_id_stay_apart() -> None:
    shown = show(board(panel("a", "x"), panel("b", "y"), panel("c", "z", id=2)), {}, LOOK)
    assert [(item.key, item.title) for item in shown] == [("1", "a"), ("1~2", "b"), ("2", "c")]


SKIPPED = [
    (panel("x", type="text"), "a panel of type text has no queries"),
    (panel("x", type="news"), "a panel of type news has no queries"),
    (panel("x"), "it has no queries"),
    (panel("x", "", type="stat"), "it has no expression"),
    ({"id": 1, "type": "x", "libraryPanel": {"uid": "l", "name": "Shared"}}, "it is the library panel 'Shared'"),
    (panel("x", "a", datasource={"type": "loki", "uid": "l"}), "its data source is loki"),
    (panel("x", "a", datasource={"uid": "-- Grafana --"}), "Grafana itself"),
    (panel("x", "a", datasource={"type": "datasource", "uid": "-- Dashboard --"}), "another panel"),
    (panel("x", "a", datasource="-- Dashboard --"), "another panel"),
    (
        panel("x", "a", targets=[{"datasource": {"type": "__expr__", "uid": "__expr__"}, "expression": "$A"}]),
        "expression",
    ),
    (panel("x", targets=[{"refId": "A", "expr": "a", "hide": True}]), "it is hidden"),
    (panel("x", targets=[{"refId": "A", "query": "SELECT 1"}], datasource=None), "no query for Prometheus"),
    (panel("x", datasource={"uid": "$logs"}, targets=[{"expr": "{}"}]), "its data source is loki"),
    (panel("x", "a", datasource="${DS_L}"), "its data source is loki"),
]


@pytest.mark.parametrize(("raw", "why"), SKIPPED)
def test_what_is_not_checked_says_why(raw: dict[str, Any], why: str) -> None:
    found = board(
        raw,
        templating={"list": [{"name": "logs", "type": "datasource", "query": "loki"}]},
        __inputs=[{"name": "DS_L", "type": "datasource", "pluginId": "loki"}],
    )
    assert why in only(found).skipped
    (shown,) = show(found, {}, LOOK)
    assert shown.outcome == "skipped"


CHECKED = [
    panel("x", "a"),
    panel("x", "a", datasource=None),
    panel("x", "a", datasource="Prometheus"),
    panel("x", "a", datasource={"uid": "$datasource"}),
    panel("x", "a", datasource={"uid": "${DS_P}"}),
    panel("x", "a", datasource={"type": "datasource", "uid": "-- Mixed --"}),
    panel("x", "a", datasource="-- Mixed --"),
    panel(
        "x", targets=[{"expr": "a", "datasource": PROMETHEUS}], datasource={"type": "datasource", "uid": "-- Mixed --"}
    ),
    {"id": 1, "type": "library-panel-ref", "libraryPanel": {"name": "L", "model": panel("x", "a")}},
]


@pytest.mark.parametrize("raw", CHECKED)
def test_what_is_checked(raw: dict[str, Any]) -> None:
    found = board(
        raw,
        templating={"list": [{"name": "datasource", "type": "datasource", "query": "prometheus"}]},
        __inputs=[{"name": "DS_P", "type": "datasource", "pluginId": "prometheus"}],
    )
    assert not only(found).skipped
    assert [query.expr for item in show(found, {}, LOOK) for query in item.queries] == ["a"]


def test_a_default_data_source_and_names_that_grafana_knows() -> None:
    known = {"": "loki", "My Prometheus": "prometheus", "x": "elasticsearch"}
    panels = [
        panel("a", "q", datasource=None),
        panel("b", "q", datasource="My Prometheus"),
        panel("c", "q", datasource="x"),
    ]
    found = read_dashboard({"title": "T", "panels": panels}, "test", "", known)
    assert [bool(item.skipped) for item in found.panels] == [True, False, True]


def test_one_hidden_query_beside_one_that_is_shown() -> None:
    found = only(board(panel("x", targets=[{"refId": "A", "expr": "a", "hide": True}, {"refId": "B", "expr": "b"}])))
    assert [(target.ref, target.skipped) for target in found.targets] == [("A", "it is hidden"), ("B", "")]
    assert not found.skipped


def test_how_a_query_is_asked() -> None:
    modes = [{}, {"instant": True}, {"range": True}, {"instant": True, "range": True}, {"instant": False}]
    targets = [{"expr": "a", **mode} for mode in modes]
    assert [target.modes for target in only(board(panel("x", targets=targets))).targets] == [
        ("range",), ("instant",), ("range",), ("range", "instant"), ("range",),
    ]  # fmt: skip


def test_types_and_units_of_old_panels() -> None:
    found = board(
        panel("a", "x", type="graph", yaxes=[{"format": "bytes"}, {"format": "short"}]),
        panel("b", "x", type="singlestat", format="percent"),
        panel("c", "x", type="gauge", fieldConfig={"defaults": {"unit": "s"}}),
    )
    assert [(item.type, item.unit) for item in found.panels] == [
        ("timeseries", "bytes"), ("stat", "percent"), ("gauge", "s"),
    ]  # fmt: skip


def several(*values: str, missing: str = "") -> Resolved:
    return Resolved("v", "query", Value(values, several=True, regex=True, missing=missing))


def test_a_repeated_panel_is_there_once_for_each_value() -> None:
    shown = show(board(panel("CPU of $v", 'a{n=~"$v"}', repeat="v")), {"v": several("x.y", "z")}, LOOK)
    assert [(item.key, item.title, item.queries[0].expr) for item in shown] == [
        ("1[v=x.y]", "CPU of x.y", 'a{n=~"x\\\\.y"}'), ("1[v=z]", "CPU of z", 'a{n=~"z"}'),
    ]  # fmt: skip


def test_a_repeated_row_repeats_its_panels() -> None:
    row = {"type": "row", "title": "Row $v", "repeat": "v", "panels": [panel("a", "x$v"), panel("b", "y", id=2)]}
    shown = show(board(row), {"v": several("1", "2")}, LOOK)
    assert [(item.row, item.key) for item in shown] == [
        ("Row 1", "1[v=1]"), ("Row 2", "1[v=2]"), ("Row 1", "2[v=1]"), ("Row 2", "2[v=2]"),
    ]  # fmt: skip


def test_copies_that_were_saved_are_made_anew_and_too_many_are_named() -> None:
    raw = [panel("x", "a", repeat="v"), panel("x", "a", id=9, repeatPanelId=1)]
    shown = show(board(*raw), {"v": several(*map(str, range(100)))}, LOOK)
    assert len(shown) == 31
    assert "only the first 30" in shown[-1].skipped
    assert shown[-1].outcome == "skipped"


def test_repeated_for_a_variable_without_values_there_is_one() -> None:
    assert len(show(board(panel("x", "a", repeat="v")), {"v": several("", missing="why")}, LOOK)) == 1
    assert len(show(board(panel("x", "a", repeat="gone")), {}, LOOK)) == 1


def test_intervals_follow_the_query() -> None:
    targets = [
        {"expr": "rate(a[$__rate_interval])"},
        {"expr": "rate(a[$__rate_interval])", "interval": "1m"},
        {"expr": "rate(a[$__rate_interval]) + $__interval_ms", "interval": "$v"},
        {"expr": "a[$__interval]", "intervalFactor": 2},
    ]
    (shown,) = show(board(panel("x", targets=targets)), {"v": several("2m")}, LOOK)
    assert [query.expr for query in shown.queries] == [
        "rate(a[1m])", "rate(a[4m])", "rate(a[8m]) + 120000", "a[30s]",
    ]  # fmt: skip


def test_ad_hoc_filters_and_variables_that_are_not_there() -> None:
    adhoc = {"type": "adhoc", "name": "f", "filters": [{"key": "job", "operator": "=", "value": "x"}, {"key": "a b"}]}
    (shown,) = show(board(panel("x", "a{b='$none'}"), templating={"list": [adhoc]}), {}, LOOK)
    assert shown.queries[0].expr == "a{b='$none', job=\"x\"}"
    assert shown.queries[0].unknown == ("none",)


BROKEN = [
    ("", "not valid JSON"),
    ("{", "not valid JSON"),
    ("[]", "no JSON object"),
    ("{}", "no list of panels"),
    ('{"title": "x", "panels": {}}', "no list of panels"),
    ('{"elements": {}, "layout": {}}', "schema v2"),
    ('{"apiVersion": "dashboard.grafana.app/v2", "spec": {}}', "schema v2"),
    ("[" * 100_000, "not valid JSON"),
    (b"\xff{}", "not UTF-8"),
]


@pytest.mark.parametrize(("text", "why"), BROKEN, ids=[str(n) for n in range(len(BROKEN))])
def test_what_is_no_dashboard_says_why(text: str | bytes, why: str) -> None:
    found = parse_dashboard(text, "test")
    assert why in found.problem
    assert not found.panels


def test_the_answer_of_grafanas_api() -> None:
    found = parse_dashboard(json.dumps({"dashboard": {"title": "T", "panels": [panel("x", "a")]}, "meta": {}}), "test")
    assert (found.title, len(found.panels)) == ("T", 1)


def test_a_dashboard_without_panels_is_one() -> None:
    assert not read_dashboard({"title": "T"}, "test").problem


WHOLE = {
    "uid": "u",
    "title": "T",
    "templating": {"list": [{"name": "v", "type": "query", "query": "label_values(a, b)"}]},
    "panels": [
        {"type": "row", "title": "r", "panels": [panel("x", "a", repeat="v")], "collapsed": True},
        panel("y", "b{c='$v'}", datasource={"type": "datasource", "uid": "-- Mixed --"}),
    ],
}
ODD = st.sampled_from([None, True, 0, -1, 1.5, "", "x", "$v", [], {}, [None], {"a": 1}, [[]], ["$v"], "-- Mixed --"])


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [here] if here else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += paths(inner, (*here, key))
    return found


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(paths(WHOLE)), ODD, st.sampled_from(paths(WHOLE)), ODD)
def test_no_dashboard_is_too_odd_and_none_has_data_before_it_was_asked(
    path: tuple[Any, ...], new: Any, path2: tuple[Any, ...], new2: Any
) -> None:
    model = changed(WHOLE, path, new)
    if path2 in paths(model):
        model = changed(model, path2, new2)
    found = read_dashboard(model, "test")
    shown = show(found, {"v": several("1", "2")}, LOOK)
    assert all(item.outcome == "skipped" for item in shown)
    content = plots(LOOK, [(found, shown)], {})
    json.dumps(content, allow_nan=False)
    assert [legends(query) for item in shown for query in item.queries] == [
        [] for item in shown for _query in item.queries
    ]
