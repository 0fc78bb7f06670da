# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables against what Grafana documents and its own tests expect."""

from __future__ import annotations

import string
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_templating import (
    Used,
    Value,
    formatted,
    names_in,
    prometheus_text,
    replace,
)
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_time import (
    builtin_values,
    duration_text,
    interval_of,
    rounded_interval,
    seconds_of,
    window,
)
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_variables import (
    Context,
    Option,
    Resolved,
    apply_regex,
    custom_options,
    find,
    query_text,
    resolve,
    sort_options,
)
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from hypothesis import given, settings
from hypothesis import strategies as st

TWO = Value(("test1", "test2"), several=True, regex=True)
DOTS = Value(("test1.", "test2"), several=True, regex=True)

# https://grafana.com/docs/grafana/latest/visualizations/dashboards/variables/variable-syntax/#advanced-variable-format-options
DOCUMENTED = [
    ("csv", TWO, "test1,test2"),
    ("distributed", TWO, "test1,servers=test2"),
    ("doublequote", TWO, '"test1","test2"'),
    ("glob", TWO, "{test1,test2}"),
    ("json", TWO, '["test1","test2"]'),
    ("lucene", TWO, '("test1" OR "test2")'),
    ("percentencode", Value(("foo()bar BAZ", "test2"), several=True), "foo%28%29bar%20BAZ%2Ctest2"),
    ("pipe", DOTS, "test1.|test2"),
    ("queryparam", TWO, "var-servers=test1&var-servers=test2"),
    ("raw", DOTS, "test1.,test2"),
    ("regex", DOTS, r"(test1\.|test2)"),
    ("singlequote", TWO, "'test1','test2'"),
    ("sqlstring", Value(("test'1", "test2"), several=True), "'test''1','test2'"),
    ("text", Value(("1", "2"), ("test1", "test2"), several=True), "test1 + test2"),
    ("join:&", TWO, "test1&test2"),
    ("no-such-format", TWO, "{test1,test2}"),
]


@pytest.mark.parametrize(("form", "value", "expected"), DOCUMENTED, ids=[case[0] for case in DOCUMENTED])
def test_formats_as_documented(form: str, value: Value, expected: str) -> None:
    assert replace(f"${{servers:{form}}}", {"servers": value}) == expected


# the expectations of prometheusRegularEscape, prometheusSpecialRegexEscape and interpolateQueryExpr in Grafana's tests
ESCAPED = [
    (Value(("looking'glass",)), r"looking\\'glass"),
    (Value(("looking\\glass",)), r"looking\\glass"),
    (Value(("a.b|c",)), "a.b|c"),
    (Value(("looking{glass",), regex=True), r"looking\\{glass"),
    (Value(("looking\\glass",), regex=True), r"looking\\\\glass"),
    (Value(("+looking$glass?",), regex=True), r"\\+looking\\$glass\\?"),
    (Value(("a|b",), several=True, regex=True), r"a\\|b"),
    (Value(("a|bc", "de|f"), several=True, regex=True), r"(a\\|bc|de\\|f)"),
    (Value((), several=True, regex=True), "()"),
    (Value(("",)), ""),
]


@pytest.mark.parametrize(("value", "expected"), ESCAPED)
def test_values_in_promql(value: Value, expected: str) -> None:
    assert replace("$x", {"x": value}, prometheus_text) == expected


SYNTAX = [
    ("$x", "1"),
    ("${x}", "1"),
    ("[[x]]", "1"),
    ("[[x:csv]]", "1"),
    ("${x:raw}y", "1y"),
    ("$xy $x.y $x_", "$xy 1.y $x_"),
    (
        "${__field.labels.x} ${x.field} $unknown ${unknown:csv}",
        "${__field.labels.x} ${x.field} $unknown ${unknown:csv}",
    ),
    ("a[$__interval]", "a[30s]"),
    ("$__interval_ms", "30000"),
    ("$", "$"),
    ("${", "${"),
    ("$$x", "$1"),
]


@pytest.mark.parametrize(("text", "expected"), SYNTAX)
def test_syntax(text: str, expected: str) -> None:
    values = {"x": Value(("1",)), "__interval": Value(("30s",)), "__interval_ms": Value(("30000",))}
    assert replace(text, values) == expected


def test_a_custom_value_of_all_is_used_as_it_is() -> None:
    every = Value(("a.b", "c"), ("All",), True, True, ".*-$other")
    values = {"x": every, "other": Value(("o",))}
    assert replace('{n=~"$x"}', values, prometheus_text) == '{n=~".*-o"}'
    assert replace("${x:text}", values) == "All"
    assert replace("${x:regex}", values) == ".*-o"


def test_one_that_names_itself_ends() -> None:
    assert replace("$x", {"x": Value((), verbatim="$x")}) == "$x"


def test_what_was_used_is_told() -> None:
    used = Used()
    replace("$x $y $x", {"x": Value(("1",))}, prometheus_text, used)
    assert (used.known, used.unknown) == (["x", "x"], ["y"])
    assert names_in("$a ${b:csv} [[c]] $a") == ["a", "b", "c"]


def test_dates() -> None:
    moment = {"__from": Value(("1594671549254",))}
    assert replace("${__from:date}", moment) == "2020-07-13T20:19:09.254Z"
    assert replace("${__from:date:iso}", moment) == "2020-07-13T20:19:09.254Z"
    assert replace("${__from:date:seconds}", moment) == "1594671549"
    assert formatted("x", Value(("no date",)), "date") == "no date"


# --- time ---

RATES = [
    # (span, scrape interval, minimum, panel's minimum, factor) -> (interval, rate interval); the intervals are those
    # that a real Grafana computed for 119 points
    ((900, 15, "", "", 1), (15, 60)),
    ((300, 10, "", "", 1), (10, 40)),
    ((7140, 15, "", "", 1), (60, 75)),
    ((900, 15, "1m", "", 1), (60, 240)),
    ((900, 15, "", "2m", 1), (120, 135)),
    ((900, 15, ">30s", "", 1), (30, 120)),
    ((900, 15, "5s", "", 1), (10, 20)),
    ((900, 15, "", "", 2), (30, 60)),
    ((900, 15, "1m", "", 3), (180, 240)),
    ((900, 15, "20s", "", 2), (40, 80)),
    ((900, 15, "$__rate_interval", "", 1), (60, 60)),
    ((7140, 15, "${__rate_interval}", "", 1), (75, 75)),
    ((900, 15, "$unknown", "", 1), (15, 60)),
]


@pytest.mark.parametrize(("given_", "expected"), RATES)
def test_the_rate_interval(given_: Any, expected: tuple[float, float]) -> None:
    span, scrape, minimum, of_panel, factor = given_
    assert interval_of(window(10_000.0, span, scrape), minimum, of_panel, factor) == expected


def test_builtin_variables() -> None:
    values = {name: value.text for name, value in builtin_values(window(1000.0, 900, 15), "Title").items()}
    assert values == {
        "__range": "900s", "__range_s": "900", "__range_ms": "900000", "__from": "100000", "__to": "1000000",
        "__dashboard": "Title", "__interval": "15s", "__interval_ms": "15000", "__rate_interval": "1m",
        "__rate_interval_ms": "60000",
    }  # fmt: skip


@given(st.floats(1, 10_000_000), st.floats(0.1, 3600), st.floats(0, 2e9))
def test_there_are_never_more_points_than_allowed(span: float, scrape: float, now: float) -> None:
    look = window(now, span, scrape)
    assert 1 <= look.points <= 120
    assert look.start < look.end <= now + 1e-6
    later = look.later(now + 77.7)
    assert later.end >= now + 77.6
    assert later.end - (now + 77.7) <= look.step
    assert abs((later.start - look.start) / look.step - round((later.start - look.start) / look.step)) < 1e-3


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("1h30m", 5400), ("500ms", 0.5), (">1m", 60), ("1d", 86400), ("10", 10), ("", None), ("x", None),
     ("1 m", None), ("$x", None), ("1m!", None)],
)  # fmt: skip
def test_durations(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds


@given(st.integers(1, 10**9))
def test_a_duration_is_read_as_it_was_written(milliseconds: int) -> None:
    assert seconds_of(duration_text(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)


@pytest.mark.parametrize(("seconds", "expected"), [(30, 30), (7.5, 10), (0.3, 0.2), (100, 120), (3e7, 31536000)])
def test_rounded_intervals(seconds: float, expected: float) -> None:
    assert rounded_interval(seconds) == expected


# --- options ---


def options(*names: str) -> list[Option]:
    return [Option(name, name) for name in names]


REGEXES = [
    ("", ["a", "b", "a"], options("a", "b")),
    (".*argo.*", ["argocd", "default"], options("argocd")),
    ("argo", ["argocd"], []),
    ("/argo/", ["argocd"], options("argocd")),
    ("/ARGO/i", ["argocd"], options("argocd")),
    (".*-(\\d+)", ["a-1", "b-2", "c"], options("1", "2")),
    ("/(a)|(b)/", ["b"], options("")),
    ('/.*instance="([^"]*).*/', ['up{instance="x:1"} 1 0'], options("x:1")),
    ("/(?<text>[^;]+);(?<value>.+)/", ["one;1", "two;2"], [Option("one", "1"), Option("two", "2")]),
    ("/(?<value>\\d+)/", ["a1"], options("1")),
    ("/(?<text>[a-z])/", ["a1"], options("a")),
    ("/(\\d)/g", ["1-2-3"], options("1", "2", "3")),
    ("/(?<=x)y/", ["xy", "zy"], options("xy")),
]


@pytest.mark.parametrize(("pattern", "found", "expected"), REGEXES)
def test_regular_expressions(pattern: str, found: list[str], expected: list[Option]) -> None:
    assert apply_regex(found, pattern) == expected


SORTS = [
    (0, ["b", "a10", "A", "a9"]),
    (1, ["A", "a10", "a9", "b"]),
    (2, ["b", "a9", "a10", "A"]),
    (3, ["b", "A", "a9", "a10"]),
    (4, ["a10", "a9", "A", "b"]),
    (5, ["A", "a10", "a9", "b"]),
    (6, ["b", "a9", "a10", "A"]),
    (7, ["A", "a9", "a10", "b"]),
    (8, ["b", "a10", "a9", "A"]),
    (None, ["b", "a10", "A", "a9"]),
    ("x", ["b", "a10", "A", "a9"]),
]


@pytest.mark.parametrize(("sort", "expected"), SORTS)
def test_orders(sort: Any, expected: list[str]) -> None:
    assert [item.text for item in sort_options(options("b", "a10", "A", "a9"), sort)] == expected


def test_custom_options() -> None:
    assert custom_options("a, b ,c\\,d,shown : value,") == [
        *options("a", "b", "c,d"),
        Option("shown", "value"),
    ]
    assert custom_options("") == []


class Answers:
    """Answers by question, and what was asked."""

    def __init__(self, **answers: list[str]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, ...]] = []

    def label_names(self, match: str) -> list[str]:
        self.asked.append(("label_names", match))
        return self.answers.get("names", [])

    def label_values(self, label: str, match: str) -> list[str]:
        self.asked.append(("label_values", label, match))
        return self.answers.get(label, [])

    def result(self, expr: str) -> list[str]:
        self.asked.append(("result", expr))
        return self.answers.get("result", [])

    def series(self, match: str) -> list[str]:
        self.asked.append(("series", match))
        if match == "wrong{":
            raise DefiniteError("bad_data: parse error")
        return self.answers.get("series", [])


QUERIES = [
    ("label_names()", ("label_names", "")),
    ("label_names(up.*)", ("label_names", "up.*")),
    ("label_values(job)", ("label_values", "job", "")),
    ("label_values(up, job)", ("label_values", "job", "up")),
    ('label_values(up{a="b", c=~"d,e"},job)', ("label_values", "job", 'up{a="b", c=~"d,e"}')),
    ('label_values({__name__="x"}, job) ', ("label_values", "job", '{__name__="x"}')),
    ("metrics(.*_total)", ("label_values", "__name__", "")),
    ("query_result(topk(1, up))", ("result", "topk(1, up)")),
    ('up{job="x"}', ("series", 'up{job="x"}')),
]


@pytest.mark.parametrize(("query", "asked"), QUERIES)
def test_what_a_query_asks(query: str, asked: tuple[str, ...]) -> None:
    lookup = Answers()
    find(query, lookup)
    assert lookup.asked == [asked]


def test_metrics_are_found_by_a_part_of_their_name() -> None:
    assert find("metrics(node_)", Answers(__name__=["a_node_x", "up"])) == ["a_node_x"]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("label_values(a)", "label_values(a)"),
        ({"query": "label_values(a, b)", "refId": "x"}, "label_values(a, b)"),
        ({"qryType": 1, "metric": "up", "label": "job"}, "label_values(up, job)"),
        ({"qryType": 1, "label": "job"}, "label_values(job)"),
        ({"qryType": 0}, "label_names()"),
        ({"qryType": 2, "metric": "up"}, "metrics(up)"),
        ({"qryType": 3, "varQuery": "up"}, "query_result(up)"),
        ({"qryType": 4, "seriesQuery": "up{}"}, "up{}"),
        (None, ""),
        (["x"], ""),
    ],
)
def test_the_forms_of_a_query(query: Any, text: str) -> None:
    assert query_text(query) == text


def resolved(*variables: dict[str, Any], lookup: Answers | None = None, sources: Any = None) -> dict[str, Resolved]:
    look = window(1000.0, 900, 15)
    return resolve(
        variables, Context(builtin_values(look, "T"), look.span, lambda plugin: sources, lookup or Answers())
    )


def query(name: str, query_: Any = "label_values(x)", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "query", "query": query_, **more}


CHOICES = [
    ({}, ("a",)),
    ({"current": {"value": "b", "text": "b"}}, ("b",)),
    ({"current": {"value": "gone"}}, ("a",)),
    ({"current": {"value": ["b", "c", "gone"]}, "multi": True}, ("b", "c")),
    ({"current": {"value": ["gone"]}, "multi": True}, ("a",)),
    ({"current": {"value": ["c", "b"]}}, ("c",)),
    ({"current": {"value": "$__all"}, "includeAll": True}, ("a", "b", "c")),
    ({"current": {"value": ["$__all"]}, "includeAll": True, "multi": True}, ("a", "b", "c")),
    ({"current": {"value": "$__all"}}, ("a",)),
    ({"includeAll": True}, ("a", "b", "c")),
    ({"current": {"value": "b"}, "includeAll": True}, ("b",)),
    ({"current": "broken"}, ("a",)),
    ({"current": {"value": None, "text": "c"}}, ("c",)),
]


@pytest.mark.parametrize(("more", "expected"), CHOICES)
def test_the_value_that_grafana_chooses(more: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert resolved(query("v", **more), lookup=Answers(x=["a", "b", "c"]))["v"].value.values == expected


def test_all_with_a_custom_value() -> None:
    found = resolved(query("v", includeAll=True, allValue=".*"), lookup=Answers(x=["a"]))["v"].value
    assert (found.verbatim, found.regex) == (".*", True)


def test_chained_variables_wait_for_each_other_in_any_order() -> None:
    lookup = Answers(cluster=["c1"], namespace=["n1", "n2"], pod=["p"])
    found = resolved(
        query("pod", 'label_values(kube_pod_info{cluster="$cluster", namespace=~"$namespace"}, pod)'),
        query("namespace", 'label_values(kube_pod_info{cluster="$cluster"}, namespace)', includeAll=True),
        query("cluster", "label_values(up, cluster)"),
        lookup=lookup,
    )
    assert list(found) == ["cluster", "namespace", "pod"]
    assert lookup.asked[-1] == ("label_values", "pod", 'kube_pod_info{cluster="c1", namespace=~"(n1|n2)"}')


def test_variables_that_wait_for_each_other_in_a_circle_end() -> None:
    found = resolved(query("a", "label_values($b, x)"), query("b", "label_values($a, x)"), query("c", "$c"))
    assert set(found) == {"a", "b", "c"}


def test_a_long_chain_ends() -> None:
    many = [query(f"v{n}", f"label_values(v$v{n + 1}, x)") for n in range(3000)]
    assert len(resolved(*many, lookup=Answers(x=["a"]))) == 3000


def test_a_variable_without_a_value_says_why() -> None:
    found = resolved(query("namespace", regex=".*argocd.*"), lookup=Answers(x=["default", "kube-system"]))["namespace"]
    assert found.value.missing == found.problem
    assert "none of the 2 results" in found.problem
    assert "default, kube-system" in found.problem
    assert not found.failed
    nothing = resolved(query("a"), query("b", 'label_values(x{a="$a"}, y)'))
    assert "variable b has no value" in nothing["b"].problem
    assert "variable a has no value" in nothing["b"].problem


def test_a_custom_value_of_all_is_no_missing_value() -> None:
    found = resolved(query("v", includeAll=True, allValue=".*"))["v"]
    assert found.problem
    assert not found.value.missing


@pytest.mark.parametrize(
    "more", [{"query": "wrong{"}, {"regex": "("}, {"query": "metrics([)"}, {"regex": "a{99999999999}"}]
)
def test_a_query_that_fails_is_told(more: dict[str, Any]) -> None:
    asked = more.get("query", "label_values(x)")
    found = resolved(query("v", asked, regex=more.get("regex", "")), lookup=Answers(x=["a"]))["v"]
    assert found.failed
    assert found.value.missing
    assert "variable v" in found.problem


OTHERS = [
    ({"type": "custom", "query": "1m,5m", "current": {"value": "5m"}}, ("5m",)),
    ({"type": "constant", "query": "x"}, ("x",)),
    ({"type": "constant", "query": "x", "current": {"value": "y"}}, ("x",)),
    ({"type": "constant", "current": {"value": "y"}}, ("y",)),
    ({"type": "textbox", "query": "x", "current": {"value": "typed"}}, ("typed",)),
    ({"type": "textbox", "query": "x"}, ("x",)),
    ({"type": "textbox"}, ("",)),
    ({"type": "interval", "query": "1m,10m"}, ("1m",)),
    ({"type": "interval", "query": "'1m',\"10m\"", "current": {"value": "10m"}}, ("10m",)),
    ({"type": "interval", "query": "1m", "auto": True, "auto_count": 30, "auto_min": "10s"}, ("30s",)),
    ({"type": "interval", "query": "1m", "auto": True, "auto_count": 30, "auto_min": "1m",
      "current": {"value": "$__auto_interval_v"}}, ("1m",)),
    ({"type": "interval", "query": "1m", "auto": True, "auto_count": "wrong", "current": {"value": "1m"}}, ("1m",)),
    ({"type": "adhoc", "filters": []}, ()),
    ({"type": "switch", "current": {"value": "on"}}, ("on",)),
    ({"type": "datasource", "query": "prometheus", "current": {"value": "uid1"}}, ("uid1",)),
    ({"type": "datasource", "query": "prometheus", "current": {"value": "default"}}, ("prometheus",)),
    ({"type": "datasource", "query": "prometheus"}, ("prometheus",)),
]  # fmt: skip


@pytest.mark.parametrize(("model", "expected"), OTHERS)
def test_other_types(model: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert resolved({"name": "v", **model})["v"].value.values == expected


def test_data_sources_of_grafana() -> None:
    sources = [Option("Prometheus", "p"), Option("Other", "o")]
    variable = {"name": "v", "type": "datasource", "query": "prometheus"}
    assert resolved(variable, sources=sources)["v"].value.values == ("p",)
    assert resolved({**variable, "regex": "/Oth/"}, sources=sources)["v"].value.values == ("o",)
    assert "no data source of type prometheus" in resolved(variable, sources=[])["v"].value.missing


def test_a_variable_of_another_data_source_keeps_what_was_saved() -> None:
    found = resolved(query("v", datasource={"type": "loki"}, current={"value": "x"}))["v"]
    assert found.value.values == ("x",)
    assert "loki" in found.problem


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(string.printable, max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
KEYS = ["name", "type", "query", "regex", "current", "multi", "includeAll", "allValue", "sort", "auto", "auto_count",
        "auto_min", "filters", "datasource", "definition"]  # fmt: skip
TYPES = ["query", "custom", "interval", "datasource", "constant", "textbox", "adhoc", "switch"]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TYPES), st.dictionaries(st.sampled_from(KEYS), JSON), st.lists(st.text(max_size=6), max_size=4))
def test_no_variable_is_too_odd(kind: str, model: dict[str, Any], values: list[str]) -> None:
    found = resolved(
        {"name": "v", "type": kind, **model}, query("w", 'label_values(a{b="$v"}, x)'), lookup=Answers(x=values)
    )
    for item in found.values():
        item.as_dict()
        prometheus_text(item.name, item.value)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="$[]{}:.ab_\\|'", max_size=30), st.lists(st.text(max_size=5), max_size=3), st.booleans())
def test_no_text_is_too_odd(text: str, values: list[str], several: bool) -> None:
    value = Value(tuple(values), several=several, regex=several)
    replace(text, {"a": value, "b": value, "ab": value}, prometheus_text)
    for form, *_rest in DOCUMENTED:
        formatted("a", value, form)
