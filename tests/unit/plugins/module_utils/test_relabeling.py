# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Relabelings as Prometheus follows them, and the rule that drops a target."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.relabeling import (
    Unclear,
    apply,
    chosen,
    dropping_rule,
    rule_text,
)
from ansible_collections.argolab.observability.plugins.module_utils.scrape_objects import Link, Pool
from hypothesis import given
from hypothesis import strategies as st

LABELS = {"job": "a/b", "pod": "server-1", "__address__": "10.0.0.1:80", "__meta_x": "X"}


@pytest.mark.parametrize(
    ("rule", "kept", "changes"),
    [
        ({"action": "keep", "sourceLabels": ["job"], "regex": "a/b"}, True, {}),
        ({"action": "keep", "sourceLabels": ["job"], "regex": "a"}, False, {}),
        ({"action": "Keep", "sourceLabels": ["job", "pod"], "regex": "a/b;server-.*"}, True, {}),
        ({"action": "keep", "sourceLabels": ["job", "pod"], "regex": "a/b@server-1", "separator": "@"}, True, {}),
        ({"action": "keep", "sourceLabels": ["job", "pod"], "regex": "a/bserver-1", "separator": ""}, True, {}),
        ({"action": "drop", "sourceLabels": ["pod"], "regex": "server-1"}, False, {}),
        ({"action": "drop", "sourceLabels": ["absent"], "regex": ""}, False, {}),
        ({"action": "drop", "sourceLabels": ["absent"], "regex": ".+"}, True, {}),
        ({"action": "keepequal", "sourceLabels": ["job"], "targetLabel": "job"}, True, {}),
        ({"action": "dropequal", "sourceLabels": ["job"], "targetLabel": "pod"}, True, {}),
        ({"action": "dropEqual", "sourceLabels": ["absent"], "targetLabel": "none"}, False, {}),
        ({"sourceLabels": ["pod"], "targetLabel": "copy"}, True, {"copy": "server-1"}),
        ({"sourceLabels": ["pod"], "regex": "(.*)-(.*)", "targetLabel": "n", "replacement": "$2"}, True, {"n": "1"}),
        ({"sourceLabels": ["pod"], "regex": "(?P<x>.*)-.*", "targetLabel": "n", "replacement": "${x}!"}, True,
         {"n": "server!"}),
        ({"targetLabel": "n", "replacement": "$$1"}, True, {"n": "$1"}),
        ({"targetLabel": "pod", "replacement": ""}, True, {"pod": None}),
        ({"sourceLabels": ["pod"], "regex": "no", "targetLabel": "n"}, True, {}),
        ({"action": "lowercase", "sourceLabels": ["__meta_x"], "targetLabel": "n"}, True, {"n": "x"}),
        ({"action": "uppercase", "sourceLabels": ["pod"], "targetLabel": "n"}, True, {"n": "SERVER-1"}),
        ({"action": "labelmap", "regex": "__meta_(.+)"}, True, {"x": "X"}),
        ({"action": "labeldrop", "regex": "pod|job"}, True, {"pod": None, "job": None}),
        ({"action": "labelkeep", "regex": "pod"}, True, {"job": None, "__address__": None, "__meta_x": None}),
    ],
)  # fmt: skip
def test_each_action(rule: dict[str, Any], kept: bool, changes: dict[str, str | None]) -> None:
    labels = dict(LABELS)
    assert apply(rule, labels) is kept
    expected = {**LABELS, **changes}
    assert labels == {name: value for name, value in expected.items() if value is not None}


def test_hashmod_is_prometheuss() -> None:
    # The last eight bytes of the MD5 sum, as Prometheus's own test of this action expects.
    labels = {"c": "baz"}
    assert apply({"action": "hashmod", "sourceLabels": ["c"], "targetLabel": "d", "modulus": 1000}, labels)
    assert labels["d"] == "976"


@pytest.mark.parametrize("regex", ["[[:alpha:]]+", r"\pL", r"a\z", "(unclosed", "a{99999999999999}", "[[a]", "(a+)+b"])
def test_what_python_reads_differently_is_unclear(regex: str) -> None:
    with pytest.raises(Unclear):
        apply({"action": "keep", "sourceLabels": ["job"], "regex": regex}, dict(LABELS))


def test_unknown_actions_are_unclear() -> None:
    with pytest.raises(Unclear):
        apply({"action": "explode"}, dict(LABELS))


def link(pods: bool = False, endpoint: dict[str, Any] | None = None, prometheus: Any = None, **spec: Any) -> Link:
    kind = "podMonitor" if pods else "serviceMonitor"
    monitor = {
        "metadata": {"name": "m", "namespace": "n"},
        "spec": {"selector": {"matchLabels": {"a.b/c": "x"}}, **spec},
    }
    own = [{"metadata": {"name": "p", "namespace": "n"}, "spec": prometheus}] if prometheus else []
    return Link(f"{kind}/n/m/0", Pool(kind, "n", "m", 0), monitor, endpoint or {"port": "metrics"}, own)


SERVICE = {
    "__meta_kubernetes_namespace": "n",
    "__meta_kubernetes_service_name": "s",
    "__meta_kubernetes_service_label_a_b_c": "x",
    "__meta_kubernetes_service_labelpresent_a_b_c": "true",
    "__meta_kubernetes_endpoint_port_name": "metrics",
    "__meta_kubernetes_pod_name": "p-1",
    "__meta_kubernetes_pod_phase": "Running",
    "__meta_kubernetes_pod_container_port_name": "web",
    "__meta_kubernetes_pod_container_port_number": "8080",
}
POD = {
    "__meta_kubernetes_namespace": "n",
    "__meta_kubernetes_pod_name": "p-1",
    "__meta_kubernetes_pod_label_a_b_c": "x",
    "__meta_kubernetes_pod_labelpresent_a_b_c": "true",
    "__meta_kubernetes_pod_container_port_name": "metrics",
    "__meta_kubernetes_pod_container_port_number": "8080",
}


@pytest.mark.parametrize(
    ("of", "change", "expected"),
    [
        (link(), {}, True),
        (link(), {"__meta_kubernetes_service_label_a_b_c": "y"}, False),
        (link(), {"__meta_kubernetes_endpoint_port_name": "http"}, False),
        (
            link(),
            {"__meta_kubernetes_endpoint_port_name": "", "__meta_kubernetes_endpointslice_port_name": "metrics"},
            True,
        ),
        (link(), {"__meta_kubernetes_pod_phase": "Succeeded"}, False),
        (link(endpoint={"port": "metrics", "filterRunning": False}), {"__meta_kubernetes_pod_phase": "Failed"}, True),
        (link(endpoint={"targetPort": 8080}), {}, True),
        (link(endpoint={"targetPort": "web"}), {}, True),
        (link(endpoint={"targetPort": "other"}), {}, False),
        (link(selector={"matchExpressions": [{"key": "a.b/c", "operator": "In", "values": ["x"]}]}), {}, True),
        (link(selector={"matchExpressions": [{"key": "a.b/c", "operator": "DoesNotExist"}]}), {}, False),
        (link(selector={}), {}, True),
    ],
)
def test_services_that_the_monitor_selects(of: Link, change: dict[str, str], expected: bool) -> None:
    assert chosen(of, {**SERVICE, **change}) is expected


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [({"port": "metrics"}, True), ({"port": "web"}, False), ({"portNumber": 8080}, True), ({"portNumber": 1}, False),
     ({"targetPort": "8080"}, True), ({"path": "/"}, True)],
)  # fmt: skip
def test_pods_that_the_monitor_selects(endpoint: dict[str, Any], expected: bool) -> None:
    assert chosen(link(True, endpoint), POD) is expected
    assert not chosen(link(True, endpoint), {})


def test_the_rule_that_drops_is_named() -> None:
    rules = [{"targetLabel": "team", "replacement": "a"}, {"action": "keep", "sourceLabels": ["service"], "regex": "t"}]
    assert dropping_rule(link(endpoint={"port": "metrics", "relabelings": rules}), SERVICE) == (
        "relabelings[1] (keep sourceLabels service regex t)"
    )
    rules[1]["regex"] = "s"
    assert dropping_rule(link(endpoint={"port": "metrics", "relabelings": rules}), SERVICE) == ""


def test_labels_that_the_operator_gives_are_there() -> None:
    def kept(of: Link, name: str, value: str, labels: dict[str, str]) -> bool:
        rules = [{"action": "keep", "sourceLabels": [name], "regex": value}]
        return (
            dropping_rule(
                Link(of.pool_name, of.pool, of.monitor, {**of.endpoint, "relabelings": rules}, of.prometheuses), labels
            )
            == ""
        )

    assert kept(link(), "job", "s", SERVICE)
    assert kept(link(jobLabel="a.b/c"), "job", "x", SERVICE)
    assert kept(link(targetLabels=["a.b/c"]), "a_b_c", "x", SERVICE)
    assert kept(link(), "endpoint", "metrics", SERVICE)
    assert kept(link(), "pod", "p-1", SERVICE)
    assert kept(link(True), "job", "n/m", POD)
    assert kept(link(True, podTargetLabels=["a.b/c"]), "a_b_c", "x", POD)
    assert kept(link(True, prometheus={"podTargetLabels": ["a.b/c"]}), "a_b_c", "x", POD)
    node = {
        "__meta_kubernetes_endpoint_address_target_kind": "Node",
        "__meta_kubernetes_endpoint_address_target_name": "k",
    }
    assert kept(link(), "node", "k", {**SERVICE, **node})


def test_a_scrape_class_has_rules_too() -> None:
    classes = [{"name": "c", "relabelings": [{"action": "drop", "sourceLabels": ["pod"], "regex": "p-1"}]}]
    assert dropping_rule(link(prometheus={"scrapeClasses": classes}, scrapeClass="c"), SERVICE).startswith(
        "relabelings of scrape class c[0]"
    )
    assert dropping_rule(link(prometheus={"scrapeClasses": classes}), SERVICE) == ""
    classes[0]["default"] = True
    assert dropping_rule(link(prometheus={"scrapeClasses": classes}), SERVICE) != ""


def test_a_rule_in_one_line() -> None:
    assert rule_text({}) == "replace"
    assert rule_text({"action": "drop", "sourceLabels": ["a", "b"], "targetLabel": "t"}) == (
        "drop sourceLabels a, b targetLabel t"
    )


WORDS = st.text(alphabet="ab.*()$1{}|[]\\x", max_size=8)


@given(
    rule=st.fixed_dictionaries(
        {"action": st.sampled_from(["keep", "drop", "replace", "labelmap", "labeldrop", "labelkeep", "hashmod", "x"])},
        optional={
            "regex": WORDS,
            "replacement": WORDS,
            "targetLabel": WORDS,
            "modulus": st.integers(0, 9),
            "sourceLabels": st.lists(st.sampled_from(sorted(LABELS))),
        },
    )
)
def test_no_rule_ends_in_a_traceback(rule: dict[str, Any]) -> None:
    with contextlib.suppress(Unclear):
        assert apply(rule, dict(LABELS)) in (True, False)
