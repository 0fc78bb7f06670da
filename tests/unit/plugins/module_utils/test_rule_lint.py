# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules looked at before they matter: templates, syntax trees (recorded from Prometheus 3.16), comparison, promtool."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils import promql_tree, promtool, rule_compare
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.promql_tree import Selector
from ansible_collections.argolab.observability.plugins.module_utils.rule_lint import Place, label_remarks
from ansible_collections.argolab.observability.plugins.module_utils.rule_templates import read_template
from hypothesis import given
from hypothesis import strategies as st

TREES: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[1] / "files" / "promql_trees.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize(
    ("text", "cause", "words"),
    [
        ('{{ "{{" }} $labels.name {{ "}}" }}', "raw_template_text", "prints braces"),
        ("{{ `{{ $labels.name }}` }}", "raw_template_text", "prints braces"),
        ("{% raw %}{{ $labels.name }}{% endraw %}", "raw_template_text", "no Jinja"),
        ("Application $labels.name is out of sync", "raw_template_text", "$labels stands outside"),
        ("Value: $value", "raw_template_text", "$value stands outside"),
        ("{{ $labels.name }}}}", "raw_template_text", "without a beginning"),
        ("{{ $labels.name", "annotation_invalid", "never closed"),
        ("{{ nosuch $value }}", "annotation_invalid", "no function nosuch"),
        ("{{ $value | nosuch }}", "annotation_invalid", "no function nosuch"),
        ("{{ labels.name }}", "annotation_invalid", "no function labels"),
        ("{{ $label.name }}", "annotation_invalid", "no variable $label"),
        ("{{ if $value }}x", "annotation_invalid", "without an end"),
        ("x{{ end }}", "annotation_invalid", "ends more"),
        ("{{ }}", "annotation_invalid", "is empty"),
    ],
)
def test_what_a_template_would_print_wrongly(text: str, cause: str, words: str) -> None:
    assert [said for found, said in read_template(text).problems if found == cause and words in said]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain text, 100% of {it}",
        "{{ $labels.name }} is {{ $value | humanizePercentage }}",
        "{{- /* $labels.name {{ */ -}}",
        '{{ printf "%.2f" $value }}',
        "{{ with $labels.name }}{{ . }}{{ else }}none{{ end }}",
        '{{ range query `up{job="x"}` }}{{ .Labels.instance }}{{ end }}',
        "{{ $x := $labels.name }}{{ $x }}",
        '{{ range $i, $e := query "up" }}{{ $i }}{{ end }}',
        '{"a": {"b": 1}} {{ $value }}',
        '{{ if and (gt $value 1.0) (ne $labels.a "b") }}x{{ end }}',
        "costs $5 and $labelsomething",
    ],
)
def test_good_templates_are_left_alone(text: str) -> None:
    assert read_template(text).problems == ()


def test_labels_in_conditions_may_be_absent() -> None:
    assert read_template("{{ $labels.a }}{{ if $labels.b }}{{ $labels.b }}{{ end }}").labels == ("a",)
    assert read_template('{{ index $labels "a-b" }}').labels == ("a-b",)


@given(st.text(alphabet='{}$labels.value "`%|-x()/*\n\\', max_size=80))
def test_no_template_is_too_strange(text: str) -> None:
    read_template(text)


@pytest.mark.parametrize(
    ("expression", "kept", "lost"),
    [
        ('up{job="a",namespace!="x"}', ["anything"], []),
        ("sum by (job) (rate(a[5m])) > 0.1", ["job"], ["pod"]),
        ("max without (pod) (a)", ["job"], ["pod"]),
        ('count_values by (ns) ("hash", a)', ["ns", "hash"], ["pod"]),
        ("topk(3, a)", ["anything"], []),
        ("a * on (x) group_left (y) b", ["x", "y", "anything"], []),
        ("a * on (x) group_right (y) b", ["x", "y", "anything"], []),
        ("a / on (x) b", ["x"], ["y"]),
        ("a / ignoring (z) b", ["x"], ["z"]),
        ("a and on (x) b", ["anything"], []),
        ("a unless b", ["anything"], []),
        ("sum by (j) (a) or b", ["anything"], []),
        ('absent(up{job="a",x=~"y"})', ["job"], ["x", "instance"]),
        ('label_replace(sum by (job) (a), "dst", "$1", "job", "(.*)")', ["job", "dst"], ["pod"]),
        ("histogram_quantile(0.9, sum by (le, job) (rate(b_bucket[5m])))", ["job"], ["le", "pod"]),
        ("predict_linear(a[1h], 60 * 30)", ["anything"], []),
        ("(a + 1) == 2", ["anything"], []),
        ("time() - a > 5", ["anything"], []),
        ("max_over_time(sum by (j) (a)[1h:5m])", ["j"], ["pod"]),
        ("vector(1)", [], ["anything"]),
        ("1 + 2", [], ["anything"]),
    ],
)
def test_which_labels_an_expression_keeps(expression: str, kept: list[str], lost: list[str]) -> None:
    labels = promql_tree.labels_of(TREES[expression])
    assert [label for label in kept if not labels.may_have(label)] == []
    assert [label for label in lost if labels.may_have(label)] == []


A, B = Selector("a"), Selector("b")


@pytest.mark.parametrize(
    ("expression", "empty", "expected"),
    [
        ("a and on (x) b", [A, B], [A, B]),
        ("a unless b", [B], []),
        ("a unless b", [A], [A]),
        ("a or vector(0)", [A], []),
        ("sum by (j) (a) or b", [A], []),
        ("sum by (j) (a) or b", [A, B], [A, B]),
        ('absent(up{job="a",x=~"y"})', [Selector("up", (("job", "=", "a"), ("x", "=~", "y")))], []),
    ],
)
def test_which_selectors_have_to_match(expression: str, empty: list[Selector], expected: list[Selector]) -> None:
    assert promql_tree.missing(promql_tree.need_of(TREES[expression]), empty) == expected


def test_a_selector_is_asked_for_as_it_stands() -> None:
    (found,) = promql_tree.selectors(promql_tree.need_of(TREES['rate(http_requests_total{code=~"5.."}[10m])']))
    assert found.count == 'count(present_over_time(http_requests_total{code=~"5.."}[600000ms]))'
    (found,) = promql_tree.selectors(promql_tree.need_of(TREES['up{job="a",namespace!="x"}']))
    assert found.count == 'count(up{job="a",namespace!="x"})'
    assert found.lasting.text == 'up{job="a"}'
    (found,) = promql_tree.selectors(promql_tree.need_of(TREES['{__name__=~"x.*"}']))
    assert found.text == '{__name__=~"x.*"}'


def places(node: Any) -> list[tuple[Any, Any]]:
    """Every place in a tree that holds something: the node and the key or index."""
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    return [place for key in keys for place in ((node, key), *places(node[key]))]


@pytest.mark.parametrize("expression", sorted(TREES))
def test_no_tree_is_too_strange(expression: str) -> None:
    """Whatever a later version of the endpoint leaves out or gives another type, in any place."""
    for index in range(len(places(TREES[expression]))):
        for other in (None, [], {}, {"type": "new"}, "text", 3, True, ["x"], [None]):
            tree = copy.deepcopy(TREES[expression])
            node, key = places(tree)[index]
            node[key] = other
            promql_tree.labels_of(tree)
            assert all(item.count for item in promql_tree.selectors(promql_tree.need_of(tree)))


def test_labels_that_print_as_nothing_are_named_with_the_reason() -> None:
    rule = {
        "alert": "A",
        "labels": {"severity": "warning"},
        "annotations": {"summary": "{{ $labels.job }} {{ $labels.pod }} {{ $labels.severity }}"},
    }
    found = list(label_remarks(Place("a/b", "g", rule), TREES["sum by (job) (rate(a[5m])) > 0.1"]))
    assert [remark.cause for remark in found] == ["label_not_kept", "label_not_kept"]
    assert "label pod" in found[0].text
    assert "too late" in found[1].text


RULE = {
    "alert": "A", "expr": "up  ==\n 0 # why", "for": "15m", "labels": {"severity": "x"},
    "annotations": {"summary": "s"},
}  # fmt: skip
LOADED: dict[str, Any] = {
    "name": "A", "query": "up == 0", "duration": 900, "labels": {"severity": "x"}, "annotations": {"summary": "s"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, ""),
        ({"query": "up == 1"}, "expr is loaded as 'up == 1'"),
        ({"duration": 60}, "for is loaded as 60 s instead of 15m"),
        ({"keepFiringFor": 60}, "keep_firing_for is loaded as 60 s instead of none"),
        ({"labels": {"severity": "y"}}, "label severity is loaded as 'y' instead of 'x'"),
        ({"labels": {}}, "label severity is not loaded"),
        ({"labels": {"severity": "x", "more": "1"}}, "label more is loaded, and not declared"),
        ({"annotations": {"summary": "t"}}, "annotation summary is loaded as 't' instead of 's'"),
    ],
)
def test_what_differs_from_the_object(change: dict[str, Any], words: str) -> None:
    found = rule_compare.rule_differences(RULE, {**LOADED, **change}, lambda one, other: False)
    assert len(found) == bool(words)
    assert words in "".join(found)


def test_expressions_that_prometheus_takes_for_the_same_do_not_differ() -> None:
    loaded = {**LOADED, "query": "0 == up"}
    for verdict, count in ((True, 0), (None, 0), (False, 1)):
        assert len(rule_compare.rule_differences(RULE, loaded, lambda one, other, said=verdict: said)) == count


def test_spaces_in_texts_matter() -> None:
    assert rule_compare.plain('up{a="x  y"} # c') == 'up{a="x  y"}'
    assert rule_compare.plain('a{b="#1"}') == 'a{b="#1"}'


@pytest.mark.parametrize(
    ("text", "seconds"), [("15m", 900.0), ("1h30m", 5400.0), ("500ms", 0.5), (None, 0.0), ("0", 0.0), ("90", 90.0)]
)
def test_durations(text: str | None, seconds: float) -> None:
    assert rule_compare.seconds_of(text) == seconds


OUTPUT = """Checking a_b.yaml
Checking c_d.yaml
  SUCCESS: 1 rules found

  FAILED:
a_b.yaml: 1:53: group "g", rule 1, "A": could not parse expression: 1:6: parse error: unexpected end of input
a_b.yaml: group "g", rule 2, "B": annotation "x": template: __alert_B:1: function "foo" not defined
"""


def test_what_promtool_says_is_sorted_by_file() -> None:
    found = promtool.read_output(OUTPUT, ["a_b", "c_d"], 1, "promtool")
    assert list(found) == ["a_b"]
    assert found["a_b"][0].startswith('group "g", rule 1, "A": could not parse')
    assert len(found["a_b"]) == 2
    assert promtool.read_output("  SUCCESS: 1 rules found", ["a_b"], 0, "promtool") == {}


def test_a_promtool_that_fails_without_a_reason_is_no_verdict() -> None:
    with pytest.raises(DefiniteError, match="ended with 2"):
        promtool.read_output("panic", ["a_b"], 2, "promtool")
