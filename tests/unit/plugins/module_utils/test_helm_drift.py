# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
from typing import Any, Mapping

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.helm_drift import (
    differences,
    merge_patch,
    normalise,
    same_scalar,
)
from ansible_collections.argolab.observability.plugins.module_utils.helm_release import ReleaseDrift, parse_manifest

SERVICE = {
    "spec": {
        "selector": {"app": "argocd-server"},
        "ports": [{"name": "http-metrics", "port": 8083, "targetPort": "metrics"}],
    }
}


def test_what_only_the_cluster_has_is_no_drift() -> None:
    live = copy.deepcopy(SERVICE)
    live["spec"]["clusterIP"] = "10.43.0.7"
    live["spec"]["ports"][0]["protocol"] = "TCP"
    assert differences(SERVICE, live) == []


def test_a_renamed_port_is_found_and_the_whole_list_is_set_back() -> None:
    live = copy.deepcopy(SERVICE)
    live["spec"]["ports"][0]["name"] = "metrics"
    found = differences(SERVICE, live)
    assert found
    assert merge_patch(SERVICE, found) == {"spec": {"ports": SERVICE["spec"]["ports"]}}


def test_a_label_added_to_a_selector_is_drift_and_is_taken_out() -> None:
    live = {"spec": {"selector": {"app": "argocd-server", "team": "x"}, "ports": SERVICE["spec"]["ports"]}}
    found = differences(SERVICE, live)
    assert merge_patch(SERVICE, found) == {"spec": {"selector": {"team": None}}}


def test_a_scaled_deployment_is_patched_in_one_field() -> None:
    declared = {"spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "a", "image": "x"}]}}}}
    live = copy.deepcopy(declared)
    live["spec"]["replicas"] = 0
    found = differences(declared, live)
    assert [item.as_text(False) for item in found] == ["spec.replicas: declared 1, found 0"]
    assert merge_patch(declared, found) == {"spec": {"replicas": 1}}


def test_a_difference_inside_a_list_of_a_template_sets_that_list() -> None:
    containers = [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]
    declared = {"spec": {"template": {"spec": {"containers": containers}}}}
    live = {"spec": {"template": {"spec": {"containers": [{"name": "b", "image": "z"}, {"name": "a", "image": "x"}]}}}}
    found = differences(declared, live)
    assert [item.path for item in found] == [("spec", "template", "spec", "containers", "b", "image")]
    assert merge_patch(declared, found) == declared


@pytest.mark.parametrize(
    ("declared", "live", "same"),
    [
        ("1000m", "1", True),
        ("0.5", "500m", True),
        ("1Gi", "1024Mi", True),
        (8080, "8080", True),
        ("64Mi", "64M", False),
        ("web", "metrics", False),
        (True, 1, True),
        (True, "1", False),
    ],
)
def test_a_quantity_may_be_written_in_another_way(declared: Any, live: Any, same: bool) -> None:
    assert same_scalar(declared, live) is same


def test_empty_and_absent_are_the_same() -> None:
    assert differences({"metadata": {"labels": {}}, "spec": {"x": None}}, {"metadata": {}}) == []


def test_secrets_are_compared_and_not_shown() -> None:
    declared = normalise({"kind": "Secret", "stringData": {"password": "prom-operator"}})
    found = differences(declared, {"data": {"password": "eA=="}})
    assert found and "prom-operator" not in found[0].as_text(True) and "cHJvb" not in found[0].as_text(True)


class FakeApi:
    """Answers like an API server that has one Service and knows two kinds."""

    def __init__(self, services: list[dict[str, Any]]) -> None:
        self.services = services
        self.written: list[tuple[str, str, Any]] = []

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        if path == "/api/v1":
            names = {"Service": "services", "Secret": "secrets"}
            return {"resources": [{"kind": k, "name": n, "namespaced": True} for k, n in names.items()]}
        if path == "/apis/apps/v1":
            return {"resources": []}
        raise AssertionError(path)

    def list(self, path: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        return self.services if path.endswith("/argocd/services") else []

    def create(self, path: str, body: Any) -> dict[str, Any]:
        self.written.append(("create", path, body))
        return {}

    def patch(self, path: str, body: Any, content_type: str = "application/merge-patch+json") -> dict[str, Any]:
        self.written.append(("patch", path, body))
        return {}


MANIFEST = """---
# Source: argo-cd/templates/x.yaml
apiVersion: v1
kind: Service
metadata: {name: argocd-server-metrics, namespace: argocd}
spec: {ports: [{name: http-metrics, port: 8083}]}
---
apiVersion: v1
kind: Secret
metadata: {name: made-by-a-hook, annotations: {helm.sh/hook: pre-install}}
---
kind: CustomResourceDefinition
apiVersion: apiextensions.k8s.io/v1
default: =
"""


def test_hooks_and_crds_are_left_out() -> None:
    assert [item["kind"] for item in parse_manifest(MANIFEST)] == ["Service"]


def test_a_deleted_object_is_created_again() -> None:
    api = FakeApi([])
    release = ReleaseDrift(api, MANIFEST, "argocd")
    drift = release.find()
    assert [item.as_dict()["action"] for item in drift] == ["create"]
    release.repair(drift)
    assert api.written[0][:2] == ("create", "/api/v1/namespaces/argocd/services")


def test_a_changed_object_is_set_back() -> None:
    metadata = {"name": "argocd-server-metrics", "namespace": "argocd"}
    api = FakeApi([{"metadata": metadata, "spec": {"ports": [{"name": "x", "port": 8083}]}}])
    release = ReleaseDrift(api, MANIFEST, "argocd")
    release.repair(release.find())
    path = "/api/v1/namespaces/argocd/services/argocd-server-metrics"
    assert api.written == [("patch", path, {"spec": {"ports": [{"name": "http-metrics", "port": 8083}]}})]


def test_no_drift_writes_nothing() -> None:
    metadata = {"name": "argocd-server-metrics", "namespace": "argocd"}
    api = FakeApi([{"metadata": metadata, "spec": {"ports": [{"name": "http-metrics", "port": 8083}]}}])
    release = ReleaseDrift(api, MANIFEST, "argocd")
    assert release.find() == [] and api.written == []


def test_an_unknown_kind_is_named() -> None:
    manifest = "apiVersion: apps/v1\nkind: Rollout\nmetadata: {name: x}\n"
    with pytest.raises(DefiniteError, match="does not know kind Rollout"):
        ReleaseDrift(FakeApi([]), manifest, "argocd").find()


def test_a_zero_that_the_cluster_leaves_out_is_no_drift() -> None:
    assert differences({"hostIPC": False, "initialDelaySeconds": 0}, {}) == []
    assert differences({"replicas": 0}, {"replicas": 1})
    assert differences({"paused": False}, {"paused": True})
