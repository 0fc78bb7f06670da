# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.release_ready import operated_check, release_checks

RELEASE = {"meta.helm.sh/release-name": "stack"}
PROMETHEUS: dict[str, Any] = {
    "metadata": {"name": "prom", "namespace": "monitoring", "generation": 3, "uid": "u1", "annotations": RELEASE},
    "status": {
        "conditions": [
            {"type": "Available", "status": "True", "observedGeneration": 3},
            {"type": "Reconciled", "status": "True", "observedGeneration": 3},
        ]
    },
}
STATEFUL_SET: dict[str, Any] = {
    "kind": "StatefulSet",
    "metadata": {
        "name": "prometheus-prom",
        "namespace": "monitoring",
        "generation": 1,
        "ownerReferences": [{"uid": "u1"}],
    },
    "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "prom"}}},
    "status": {"readyReplicas": 1, "updatedReplicas": 1, "replicas": 1, "observedGeneration": 1},
}
POD: dict[str, Any] = {
    "metadata": {"name": "prometheus-prom-0", "namespace": "monitoring", "labels": {"app": "prom"}},
    "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
}
STRANGER: dict[str, Any] = {
    "kind": "Deployment",
    "metadata": {"name": "other", "namespace": "monitoring", "generation": 1},
    "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "other"}}},
    "status": {},
}


def checks(prometheus: Any = None, workloads: Any = (STATEFUL_SET, STRANGER), pods: Any = (POD,)) -> Any:
    operated = {"Prometheus": [prometheus or PROMETHEUS]}
    return release_checks("stack", "monitoring", operated, list(workloads), list(pods))


def test_all_ready_and_nobody_elses_trouble() -> None:
    found = checks()
    assert [check.ok for check in found] == [True] * len(found)
    names = " ".join(check.name for check in found)
    assert "Prometheus monitoring/prom" in names and "StatefulSet monitoring/prometheus-prom" in names
    assert "other" not in names


@pytest.mark.parametrize(
    ("change", "observed"),
    [
        ({"status": {}}, "no condition"),
        ({"generation": 4}, "Reconciled of an older generation"),
        ({"Available": "False"}, "Available is False"),
        ({"Available": "Degraded"}, "Available is Degraded"),
        ({"Reconciled": "False"}, "Reconciled is False"),
    ],
)
def test_the_operator_has_to_say_so_itself(change: dict[str, Any], observed: str) -> None:
    item = copy.deepcopy(PROMETHEUS)
    if "status" in change:
        item["status"] = change["status"]
    if "generation" in change:
        item["metadata"]["generation"] = change["generation"]
    for condition in (item["status"].get("conditions")) or []:
        condition["status"] = change.get(condition["type"], condition["status"])
        condition["reason"], condition["message"] = "NoPodReady", "shard 0:\n  pod not ready"
    check = operated_check("Prometheus", item, "monitoring")
    assert (check.ok, check.observed) == (False, observed)
    if change.get("Available"):
        assert check.detail == "NoPodReady: shard 0: pod not ready"


def test_a_crashing_pod_of_the_operator_is_named() -> None:
    pod = copy.deepcopy(POD)
    pod["status"] = {
        "phase": "Running",
        "containerStatuses": [
            {
                "name": "prometheus", "ready": False,
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
                "lastState": {"terminated": {"exitCode": 2, "reason": "Error"}},
            }
        ],
    }  # fmt: skip
    workload = copy.deepcopy(STATEFUL_SET)
    workload["status"]["readyReplicas"] = 0
    details = " ".join(check.detail for check in checks(workloads=[workload], pods=[pod]) if check.ok is False)
    assert (
        "prometheus-prom-0: container prometheus is in CrashLoopBackOff (it ended with 2, Error): back-off 10s"
        in details
    )


def test_old_pods_do_not_stand_in_for_new_ones() -> None:
    workload = copy.deepcopy(STATEFUL_SET)
    workload["status"]["updatedReplicas"] = 0
    assert [check.name for check in checks(workloads=[workload]) if check.ok is False] == [
        "rollout of StatefulSet monitoring/prometheus-prom"
    ]
    deployment = copy.deepcopy(STATEFUL_SET)
    deployment["kind"] = "Deployment"
    deployment["status"]["replicas"] = 2
    assert any("rollout" in check.name for check in checks(workloads=[deployment]))


def test_a_release_without_workloads_is_not_ready() -> None:
    found = release_checks("stack", "monitoring", {}, [STRANGER], [])
    assert [check.ok for check in found] == [False]
    assert "no workload in namespace monitoring belongs to it" in found[0].detail


def labelled_checks(labels: dict[str, str]) -> Any:
    web = {**copy.deepcopy(STATEFUL_SET), "kind": "Deployment"}
    web["metadata"] = {
        "name": "operator", "namespace": "monitoring", "annotations": RELEASE,
        "labels": {"component": "operator", "tier": "x"},
    }  # fmt: skip
    prometheus = copy.deepcopy(PROMETHEUS)
    prometheus["metadata"]["labels"] = {"component": "prometheus"}
    return release_checks("stack", "monitoring", {"Prometheus": [prometheus]}, [web, STATEFUL_SET], [POD], labels)


@pytest.mark.parametrize(
    ("labels", "there", "not_there"),
    [
        ({"component": "operator"}, "Deployment monitoring/operator", "prom"),
        ({"component": "operator", "tier": "x"}, "Deployment monitoring/operator", "prom"),
        ({"component": "prometheus"}, "StatefulSet monitoring/prometheus-prom", "operator"),
    ],
)
def test_only_what_has_the_labels(labels: dict[str, str], there: str, not_there: str) -> None:
    names = [check.name for check in labelled_checks(labels)]
    assert there in names
    assert not any(not_there in name for name in names if not name.startswith("pods"))


def test_labels_that_nothing_has_are_a_failure_that_names_them() -> None:
    (check,) = labelled_checks({"component": "web"})
    assert (check.ok, check.cause) == (False, "release_empty")
    assert "no workload with component=web" in check.detail
