# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.promql import (
    Matcher,
    alternatives,
    filters,
    over_time,
    selector_text,
    selectors,
    with_matchers,
)
from hypothesis import given, settings
from hypothesis import strategies as st

SELECTORS = [
    ("up", ["up"]),
    ('sum by (job) (rate(x_total{job="a"}[5m]))', ['x_total{job="a"}']),
    ("sum(x) by (job)", ["x"]),
    ("sum without (a, b) (x{c=~'d|e'})", ['x{c=~"d|e"}']),
    ("a / on (pod) group_left (node) b", ["a", "b"]),
    ('a{x!=""} or b unless ignoring (z) c', ['a{x!=""}', "b", "c"]),
    ("topk(3, a) offset 5m", ["a"]),
    ("max_over_time(a[5m:1m])", ["a"]),
    ("histogram_quantile(0.9, sum(rate(a_bucket[$__rate_interval])) by (le))", ["a_bucket"]),
    ('{__name__="a", b!~"c"}', ['a{b!~"c"}']),
    ('{"a.b", c="d"}', ['{"a.b", c="d"}']),
    ('{"with.dot"="x"}', ['{with.dot="x"}']),
    ("namespace:cpu:sum{a=`b\\`}", ['namespace:cpu:sum{a="b\\\\"}']),
    ("a > bool 1", ["a"]),
    ("1e3 + 0x1F + Inf + NaN", []),
    ('label_replace(a, "x", "$1", "y", "(.*)")', ["a"]),
    ('a{x="}"} # b\n+ c', ['a{x="}"}', "c"]),
    ("time() - a", ["a"]),
    ("avg by(x)(a)+count(b)by(x)", ["a", "b"]),
    ("", []),
]


@pytest.mark.parametrize(("expr", "expected"), SELECTORS)
def test_the_selectors_of_an_expression(expr: str, expected: list[str]) -> None:
    assert [str(item) for item in selectors(expr)] == expected


def test_a_string_is_read_as_go_writes_it() -> None:
    (found,) = selectors(r"""a{b="\"\\\n\u00e9\x41", c='it\'s'}""")
    assert [matcher.value for matcher in found.matchers] == ['"\\\n\u00e9A', "it's"]


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("a", 'a{n="v"}'),
        ("a{}", 'a{n="v"}'),
        ('a{b="c"}', 'a{b="c", n="v"}'),
        ('a{b="c",}', 'a{b="c",n="v"}'),
        ("rate(a[5m]) / sum(b)", 'rate(a{n="v"}[5m]) / sum(b{n="v"})'),
        ('{__name__="a"}', '{__name__="a", n="v"}'),
        ("1 + 1", "1 + 1"),
    ],
)
def test_matchers_go_into_every_selector(expr: str, expected: str) -> None:
    assert with_matchers(expr, [Matcher("n", "=", "v")]) == expected


def test_what_may_leave_nothing_of_series_that_exist() -> None:
    assert over_time("rate(a[1m])")
    assert not over_time('a{b="rate(x)"}')
    assert filters("a > 1")
    assert filters("a and b")
    assert filters("a * on (x) b")
    assert not filters('a{b!="c", d=~"e"} + 1')
    assert alternatives("a or b")
    assert not alternatives('a{b="x or y"}')


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="abrate_:{}()[]=~!\"'`\\,.0159mby or>#\n$é", max_size=60))
def test_no_text_is_too_odd(text: str) -> None:
    for item in selectors(text):
        assert 0 <= item.end <= len(text)
    with_matchers(text, [Matcher("n", "=", "v")])
    over_time(text), filters(text), alternatives(text)


@settings(max_examples=200, deadline=None)
@given(
    st.from_regex(r"[a-z_]{1,8}:[a-z_]{1,8}", fullmatch=True),
    st.lists(
        st.builds(
            Matcher,
            st.from_regex(r"[a-z_]{1,8}x", fullmatch=True),
            st.sampled_from(["=", "!=", "=~", "!~"]),
            st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12),
        ),
        max_size=4,
    ),
)
def test_what_is_written_is_read_again(metric: str, matchers: list[Matcher]) -> None:
    (found,) = selectors(f"sum(rate({selector_text(metric, matchers)}[5m]))")
    assert found.metric == metric
    assert list(found.matchers) == matchers
