# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules are judged as the real Prometheus and its promtool judge them, and alerts are routed as Alertmanager does."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, cast

import pytest
from ansible_collections.argolab.observability.plugins.module_utils import alert_routes, promtool
from ansible_collections.argolab.observability.plugins.module_utils.expression_reader import ExpressionReader
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_access import (
    ACCESS_ARGUMENT_SPEC,
    client_from_params,
)
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import PrometheusClient
from ansible_collections.argolab.observability.plugins.module_utils.promql_tree import Selector
from ansible_collections.argolab.observability.plugins.module_utils.rule_lint import PARTS, RuleLinter
from ansible_collections.argolab.observability.plugins.module_utils.rule_templates import FUNCTIONS, read_template
from conftest import CACHE, Prometheus, eventually
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

DEFAULTS = {name: option.get("default") for name, option in ACCESS_ARGUMENT_SPEC.items()}


# 2.42 gives no syntax trees, which a test of its own is about.
new = pytest.mark.parametrize("prometheus", ["built"], indirect=True)
old = pytest.mark.parametrize("prometheus", ["debian"], indirect=True)


def program(name: str, pattern: str) -> str:
    for path in sorted((CACHE / "programs").glob(f"{pattern}/{name}"), reverse=True):
        return str(path)
    pytest.skip(f"the lab's own {name} has not been built here (make lab)")


@pytest.fixture(scope="module")
def tool() -> str:
    return program("promtool", "prometheus-v*")


@pytest.fixture(scope="module")
def amtool() -> str:
    return program("amtool", "alertmanager-v*")


def client_of(prometheus: Prometheus) -> PrometheusClient:
    return client_from_params({**DEFAULTS, "url": prometheus.url})


def scraped(prometheus: Prometheus) -> PrometheusClient:
    """A client, once there are series to ask for."""
    client = client_of(prometheus)
    eventually(lambda: client.query('up{job=~"healthy|refused"}').samples, lambda samples: len(samples) == 2)
    return client


@new
def test_many_expressions_are_read_in_one_request(prometheus: Prometheus) -> None:
    reader = ExpressionReader(scraped(prometheus))
    texts = ["up == 0 # why", "sum by (job) (up)", "a or b", "up and on () (vector(1) == 1)", "(up)"]
    asked: list[str] = []
    parse = reader._prometheus.parse

    def counted(expr: str) -> Any:
        asked.append(expr)
        return parse(expr)

    reader._prometheus.parse = counted
    reader.read(texts)
    assert len(asked) == 1
    alone = ExpressionReader(client_of(prometheus))
    for text in texts:
        assert reader.tree(text) == alone._prometheus.parse(text), text


@new
def test_a_wrong_expression_does_not_spoil_its_neighbours(prometheus: Prometheus) -> None:
    reader = ExpressionReader(scraped(prometheus))
    reader.read(["up", "rate(up)", "1 + 1", "sum(up) by"])
    assert reader.tree("up") is not None
    assert reader.tree("1 + 1") is not None
    assert "range vector" in reader.complaint("rate(up)")
    assert "parse error" in reader.complaint("sum(up) by")


@new
def test_expressions_that_are_written_differently(prometheus: Prometheus) -> None:
    reader = ExpressionReader(scraped(prometheus))
    assert reader.same('sum(up{job="a",x="b"}) by (job)', "(sum by (job) (up{x='b', job='a'}))")
    assert reader.same("up == 0", "up == 1") is False
    assert reader.same("up == 0", "up ==") is None


@old
def test_an_old_prometheus_gives_no_trees_and_that_is_said(prometheus: Prometheus) -> None:
    reader = ExpressionReader(client_of(prometheus))
    assert reader.tree("up") is None
    assert not reader.supported
    rule = {"alert": "A", "expr": "up", "annotations": {"a": "{% raw %}"}}
    checks = lint(prometheus, [rule], parts=["expressions", "labels", "series", "templates"]).checks
    assert [check.ok for check in checks] == [False, None, None, None]
    assert "3.0" in checks[1].detail


@new
def test_selectors_that_lead_nowhere(prometheus: Prometheus) -> None:
    reader = ExpressionReader(scraped(prometheus))
    there = Selector("up", (("job", "=", "healthy"),))
    wrong_value = Selector("up", (("job", "=", "nosuch"), ("pod", "=~", ".*")))
    no_label = Selector("up", (("nosuch", "=", "x"),))
    no_metric = Selector("upp")
    apart = Selector("up", (("job", "=", "refused"), ("pod", "=", "a")))
    empty = reader.without_series([there, wrong_value, no_label, no_metric, apart])
    assert empty == [wrong_value, no_label, no_metric, apart]
    reasons = reader.reasons(empty)
    assert reasons[wrong_value].certain
    assert "job='nosuch'" in reasons[wrong_value].text
    assert "healthy" in reasons[wrong_value].text
    assert reasons[no_label].certain
    assert "no series of it has label nosuch" in reasons[no_label].text
    assert "nearest name is up" in reasons[no_metric].text or reasons[no_metric].text.endswith("upp")
    assert not reasons[apart].certain


class Listing:
    """As much of an API server as the linter needs: one PrometheusRule."""

    def __init__(self, rules: list[Any]) -> None:
        spec = {"groups": [{"name": "g", "partial_response_strategy": "abort", "rules": rules}]}
        self._items = [{"metadata": {"name": "own", "namespace": "ns"}, "spec": spec}]

    def list(self, path: str, params: Any = None) -> list[Any]:
        return self._items


def lint(prometheus: Prometheus, rules: list[Any], **options: Any) -> Any:
    return RuleLinter(cast(KubeClient, Listing(rules)), client_of(prometheus), **options).poll()


@pytest.mark.parametrize(
    ("rule", "causes"),
    [
        ({"alert": "A", "expr": "up == 0", "annotations": {"s": "{{ $labels.job }}"}}, set()),
        ({"alert": "A", "expr": "rate(up)"}, {"expression_invalid"}),
        ({"alert": "A", "expr": "up", "annotations": {"s": "{{ nosuch $value }}"}}, {"annotation_invalid"}),
        ({"alert": "A", "expr": "up", "annotations": {"s": '{{ "{{" }} $value'}}, {"raw_template_text"}),
        ({"alert": "A", "expr": "sum(up)", "annotations": {"s": "{{ $labels.job }}"}}, {"label_not_kept"}),
        ({"alert": "A", "expr": 'up{job="nosuch"} == 0'}, {"no_series"}),
        ({"alert": "A", "expr": 'absent(up{job="nosuch"})'}, set()),
        ({"alert": "A", "expr": 'up unless up{job="nosuch"}'}, set()),
        ({"alert": "A", "expr": 'up{job!~".+"}'}, set()),
        ({"record": "a:b", "expr": "nosuch or vector(0)"}, set()),
    ],
)
@new
def test_each_mistake_is_named_and_no_other(
    prometheus: Prometheus, tool: str, rule: dict[str, Any], causes: set[str]
) -> None:
    scraped(prometheus)
    poll = lint(prometheus, [{"alert": "Fine", "expr": "up == 0"}, rule], promtool_path=tool)
    assert {check.cause for check in poll.checks if check.ok is False} == causes
    assert poll.ok == (not causes)
    assert {remark.place.title for remark in poll.value["remarks"]} <= {rule.get("alert") or rule.get("record")}


@new
def test_without_a_promtool_the_rest_is_still_checked(
    prometheus: Prometheus, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    scraped(prometheus)
    monkeypatch.setattr(promtool, "find_promtool", lambda path, cache=None: "")
    poll = lint(prometheus, [{"alert": "A", "expr": "rate(up)"}], parts=list(PARTS))
    assert {check.cause for check in poll.checks if check.ok is False} == {"expression_invalid"}
    (skip,) = [check for check in poll.checks if check.name == "promtool"]
    assert skip.ok is None
    assert "promtool_path" in skip.detail


def test_promtool_knows_every_function_that_templates_may_use(tool: str) -> None:
    """Otherwise a wrong one would pass where there is no promtool."""
    keywords = {"if", "else", "end", "range", "with", "define", "template", "block", "break", "continue", "nil"}
    # tmpl is there in Prometheus's pages only
    words = sorted(FUNCTIONS - keywords - {"tmpl"})
    rules = [{"alert": f"A_{word}", "expr": "up", "annotations": {"a": f"{{{{ {word} }}}}"}} for word in words]
    said = promtool.check_rules(tool, {"f": [{"name": "g", "rules": rules}]})
    assert [message for message in said.get("f", []) if "not defined" in message] == []


TEMPLATES = st.lists(
    st.sampled_from(
        ["text ", "{{ $value }}", "{{ $labels.a }}", "{{ if $value }}", "{{ end }}", "{{", "}}", '"', "{{ nosuch 1 }}",
         "{{ $x }}", "{{ with $y := $value }}", "{{ else }}", "{{ /* c */ }}", "{{- $value -}}", "{{ }}", "`"]
    ),
    max_size=5,
).map("".join)  # fmt: skip


@settings(max_examples=1, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TEMPLATES, min_size=150, max_size=150, unique=True))
def test_what_is_refused_here_is_refused_by_promtool(tool: str, texts: list[str]) -> None:
    """No false alarm: a template that promtool takes is never called invalid."""
    rules = [
        {"alert": f"A{index}", "expr": "up", "annotations": {"a": text}, "labels": {"n": str(index)}}
        for index, text in enumerate(texts)
    ]
    said = " ".join(promtool.check_rules(tool, {"f": [{"name": "g", "rules": rules}]}).get("f", []))
    for index, text in enumerate(texts):
        ours = [phrase for cause, phrase in read_template(text).problems if cause == "annotation_invalid"]
        assert not ours or f'"A{index}":' in said, (text, ours)


LABELS = st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["x", "y", "xy"]), max_size=2)
MATCHERS = st.lists(
    st.builds(
        lambda name, operator, value: f'{name}{operator}"{value}"',
        st.sampled_from(["a", "b"]),
        st.sampled_from(["=", "!=", "=~", "!~"]),
        st.sampled_from(["", "x", "x|y", ".+", ".*y"]),
    ),
    max_size=2,
)
ROUTES = st.recursive(
    st.fixed_dictionaries({"matchers": MATCHERS, "continue": st.booleans()}, optional={"receiver": st.just("r1")}),
    lambda children: st.fixed_dictionaries(
        {"matchers": MATCHERS, "continue": st.booleans(), "routes": st.lists(children, max_size=3)},
        optional={"receiver": st.sampled_from(["r1", "r2"])},
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROUTES, max_size=4), LABELS)
def test_alerts_are_routed_as_alertmanager_does(
    amtool: str, tmp_path_factory: pytest.TempPathFactory, routes: list[Any], labels: dict[str, str]
) -> None:
    config = {
        "route": {"receiver": "root", "routes": routes},
        "receivers": [{"name": name} for name in ("root", "r1", "r2")],
    }
    path = Path(tmp_path_factory.getbasetemp()) / "alertmanager.json"
    path.write_text(json.dumps(config))
    arguments = [f"{name}={value}" for name, value in labels.items()]
    done = subprocess.run(
        [amtool, "config", "routes", "test", f"--config.file={path}", *arguments],
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    expected = done.stdout.strip().split(",")
    assert alert_routes.receivers_for(alert_routes.parse_config(json.dumps(config)), labels) == list(
        dict.fromkeys(expected)
    )
