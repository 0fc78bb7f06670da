# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""rule_coverage: a PrometheusRule that the operator leaves out is found, and the wrong expression in it is named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.rule_chain import loaded_groups
from ansible_collections.argolab.observability.plugins.modules import rule_coverage
from ansible_collections.argolab.observability.tests.unit.plugins.fake_cluster import (
    FakeCluster,
    healthy,
    run_module,
    serve,
)

UID = "c67658b7-9b13-41f9-a7bb-73e20b6fd49f"
WRONG = "rate(up)"
COMPLAINT = '1:6: parse error: expected type range vector in call to function "rate", got instant vector'


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    cluster = healthy()
    cluster.add(
        "PrometheusRule",
        "argocd-application-controller",
        "monitoring",
        metadata={"uid": UID, "creationTimestamp": "2026-11-22T10:00:00Z"},
        spec={
            "groups": [
                {
                    "name": "argocd",
                    "rules": [
                        {"alert": "ArgoAppMissing", "expr": "absent(argocd_app_info) == 1"},
                        {"record": "r", "expr": "up"},
                    ],
                }
            ]
        },
    )
    file = f"/etc/prometheus/rules/x-rulefiles-0/monitoring-argocd-application-controller-{UID}.yaml"
    cluster.groups = [
        {"name": "argocd", "file": file, "interval": 30, "rules": [{"name": "ArgoAppMissing"}, {"name": "r"}]}
    ]
    with serve(cluster) as running:
        yield running


def look(cluster: FakeCluster, **params: Any) -> dict[str, Any]:
    return run_module(rule_coverage, kubeconfig=cluster.kubeconfig, **{"wait_timeout": 0, **params})


def rule(cluster: FakeCluster) -> dict[str, Any]:
    return cluster.find("PrometheusRule", "argocd-application-controller")


def break_expression(cluster: FakeCluster) -> None:
    rule(cluster)["spec"]["groups"][0]["rules"][0]["expr"] = WRONG
    rule(cluster)["metadata"]["managedFields"] = [{"time": "2026-11-22T12:00:00Z"}]
    cluster.parse_errors[WRONG] = COMPLAINT


def event(cluster: FakeCluster, when: str, **body: Any) -> None:
    about = {"kind": "PrometheusRule", "name": "argocd-application-controller", "namespace": "monitoring", "uid": UID}
    text = "PrometheusRule argocd-application-controller was rejected due to invalid configuration"
    cluster.add(
        "Event",
        f"e{len(cluster.objects)}",
        "monitoring",
        involvedObject=about,
        type="Warning",
        message=text,
        lastTimestamp=when,
        **body,
    )


def test_loaded_as_it_is(cluster: FakeCluster) -> None:
    result = look(cluster, required=["monitoring/argocd-application-controller"])
    assert not result.get("failed"), result["msg"]
    assert [check["ok"] for check in result["checks"]] == [True]


def test_a_type_error_is_named_with_rule_group_and_the_parsers_words(cluster: FakeCluster) -> None:
    break_expression(cluster)
    cluster.groups = []
    event(cluster, "2026-11-22T12:00:01Z")
    check = look(cluster)["checks"][0]
    assert (check["ok"], check["cause"]) == (False, "rule_expression_invalid")
    assert check["observed"] == "group argocd not loaded"
    for word in ("rule ArgoAppMissing of group argocd", WRONG, COMPLAINT, "was rejected due to invalid configuration"):
        assert word in check["detail"]


def test_a_fresh_type_error_is_found_while_the_old_version_is_still_loaded(cluster: FakeCluster) -> None:
    break_expression(cluster)
    event(cluster, "2026-11-22T12:00:01Z")
    check = look(cluster)["checks"][0]
    assert (check["cause"], check["observed"]) == ("rule_expression_invalid", "an older version loaded")


@pytest.mark.parametrize("when", ["2026-11-22T11:59:59Z", "2026-11-22T12:00:05Z"])
def test_an_event_of_a_healed_rule_is_history(cluster: FakeCluster, when: str) -> None:
    rule(cluster)["metadata"]["managedFields"] = [{"time": "2026-11-22T12:00:00Z"}]
    event(cluster, when)
    assert not look(cluster).get("failed")


def test_an_event_about_an_earlier_version_explains_nothing(cluster: FakeCluster) -> None:
    rule(cluster)["metadata"]["managedFields"] = [{"time": "2026-11-22T12:00:00Z"}]
    event(cluster, "2026-11-22T11:59:59Z")
    cluster.groups = []
    assert look(cluster)["checks"][0]["cause"] == "not_loaded_yet"


def test_the_operators_status_condition_is_shown(cluster: FakeCluster) -> None:
    condition = {"type": "Accepted", "status": "False", "message": "invalid label name"}
    rule(cluster)["status"] = {"bindings": [{"conditions": [condition]}]}
    cluster.groups = []
    check = look(cluster)["checks"][0]
    assert (check["cause"], "invalid label name" in check["detail"]) == ("operator_rejected", True)


def test_not_selected(cluster: FakeCluster) -> None:
    cluster.groups = []
    cluster.find("Prometheus", "kube")["spec"]["ruleSelector"] = {"matchLabels": {"prometheus": "kube-prometheus"}}
    check = look(cluster)["checks"][0]
    assert check["cause"] == "prometheus_does_not_select"
    assert "label prometheus is missing" in check["detail"]


def test_not_loaded_yet(cluster: FakeCluster) -> None:
    cluster.groups = []
    assert look(cluster)["checks"][0]["cause"] == "not_loaded_yet"


def test_fewer_rules_than_the_object_has(cluster: FakeCluster) -> None:
    cluster.groups[0]["rules"].pop()
    assert look(cluster)["checks"][0]["observed"] == "group argocd differs"


def test_a_required_object_that_is_absent(cluster: FakeCluster) -> None:
    result = look(cluster, required=["monitoring/argocd-aplication-controller"])
    check = result["checks"][-1]
    assert check["cause"] == "rule_absent"
    assert "nearest name is monitoring/argocd-application-controller" in check["detail"]


def test_without_prometheus_nothing_passes(cluster: FakeCluster) -> None:
    cluster.prometheus_up = False
    assert [check["ok"] for check in look(cluster)["checks"]] == [False]


def test_files_of_objects_with_like_names_are_told_apart() -> None:
    short = {"metadata": {"namespace": "monitoring", "name": "node", "uid": UID}}
    groups = [
        {"name": "a", "file": f"/rules/monitoring-node-{UID}.yaml"},
        {"name": "b", "file": f"/rules/other-monitoring-node-{UID}.yaml"},
    ]
    assert [group["name"] for group in loaded_groups(short, groups)] == ["a"]
    assert loaded_groups({"metadata": {"namespace": "monitoring", "name": "no", "uid": UID}}, groups) == []


def test_a_rule_that_is_loaded_otherwise_than_declared_is_named(cluster: FakeCluster) -> None:
    loaded = cluster.groups[0]["rules"][0]
    loaded.update(query="absent(argocd_app_info) == 1", duration=60, labels={}, annotations={})
    result = look(cluster)
    assert result["failed"]
    assert result["checks"][0]["cause"] == "rule_differs"
    assert "ArgoAppMissing: for is loaded as 60 s instead of none" in result["checks"][0]["detail"]
    loaded["duration"] = 0
    assert not look(cluster).get("failed")


def test_the_label_that_the_operator_enforces_is_no_difference(cluster: FakeCluster) -> None:
    cluster.groups[0]["rules"][0]["labels"] = {"namespace": "monitoring"}
    assert look(cluster)["checks"][0]["cause"] == "rule_differs"
    for item in cluster.objects:
        if item["kind"] == "Prometheus":
            item["spec"]["enforcedNamespaceLabel"] = "namespace"
    assert not look(cluster).get("failed")
