# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""argocd_sync and argocd_applications against a controller that behaves as Argo CD's does, with its delays."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils import kube_outage
from ansible_collections.argolab.observability.plugins.modules import argocd_applications, argocd_sync
from ansible_collections.argolab.observability.tests.unit.plugins.fake_cluster import (
    FakeCluster,
    healthy,
    run_module,
    serve,
)

REVISION = "0d521c6e049889134f3122eb32d7ed342f43ca0d"
SOURCE = {"repoURL": "https://git.example.it/a.git", "path": "guestbook", "targetRevision": REVISION}
RESOURCES = [{"kind": "Deployment", "namespace": "default", "name": "guestbook-ui", "status": "OutOfSync"}]


class Controller:
    """Does one step each time the Application is read."""

    def __init__(self, cluster: FakeCluster) -> None:
        self.cluster = cluster
        self.steps: list[dict[str, Any]] = []
        self.patches: list[dict[str, Any]] = []
        self.after_refresh: list[dict[str, Any]] = []
        self.outcome: dict[str, Any] = {"phase": "Succeeded", "message": "successfully synced"}
        cluster.on_patch = self.on_patch
        cluster.on_read = self.on_read

    @property
    def app(self) -> dict[str, Any]:
        return self.cluster.find("Application", "guestbook")

    def on_patch(self, app: dict[str, Any], patch: dict[str, Any]) -> None:
        self.patches.append(patch)
        if "metadata" in patch and self.after_refresh:
            self.steps, self.after_refresh = self.after_refresh, []
        if "operation" in patch:
            before = dict(app["status"])
            self.steps = [
                # What was asked for is taken away before the new operation shows.
                dict(before),
                {**before, "operationState": {"phase": "Running", "startedAt": "2026-11-22T12:00:00Z"}},
                # The operation has ended, but the status still is the old one, as with the real one.
                {**before, "operationState": {**self.outcome, "startedAt": "2026-11-22T12:00:00Z"}},
            ]
            if self.outcome["phase"] == "Succeeded":
                self.steps += [compared("Synced", "Progressing"), compared("Synced", "Healthy")]

    def on_read(self, path: str) -> None:
        if not path.endswith("/applications/guestbook") or not self.steps:
            return
        operation = self.app["status"].get("operationState")
        step = self.steps.pop(0)
        self.app["status"] = {**({"operationState": operation} if operation else {}), **step}
        self.app.pop("operation", None)
        self.app["metadata"].pop("annotations", None)


def compared(sync: str, health: str, **more: Any) -> dict[str, Any]:
    status = {"status": sync, "revision": REVISION, "comparedTo": {"source": dict(SOURCE)}}
    return {"sync": status, "health": {"status": health}, "resources": RESOURCES if sync == "OutOfSync" else [], **more}


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    cluster = healthy()
    cluster.add("Application", "guestbook", "argocd", spec={"source": dict(SOURCE)}, status={})
    with serve(cluster) as running:
        yield running


@pytest.fixture
def controller(cluster: FakeCluster) -> Controller:
    return Controller(cluster)


def sync(cluster: FakeCluster, **params: Any) -> dict[str, Any]:
    defaults = {"kubeconfig": cluster.kubeconfig, "name": "guestbook", "wait_timeout": 30, "poll_interval": 0.01}
    return run_module(argocd_sync, **{**defaults, **params})


def operations(controller: Controller) -> list[dict[str, Any]]:
    return [patch["operation"] for patch in controller.patches if "operation" in patch]


def test_a_new_application_is_seen_out_of_sync_first_then_synced(cluster: FakeCluster, controller: Controller) -> None:
    controller.steps = [{}, compared("OutOfSync", "Missing")]
    result = sync(cluster, revision=REVISION, diff=True)
    assert not result.get("failed"), result["msg"]
    assert result["changed"]
    assert (result["before"]["sync_status"], result["before"]["health_status"]) == ("OutOfSync", "Missing")
    assert (result["after"]["sync_status"], result["after"]["health_status"]) == ("Synced", "Healthy")
    assert result["diff"][0]["before"] != result["diff"][0]["after"]
    wanted = {"initiatedBy": {"username": "ansible"}, "sync": {"syncStrategy": {"hook": {}}, "revision": REVISION}}
    assert operations(controller) == [wanted]


APPLICATION = {
    "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
    "metadata": {"name": "guestbook", "namespace": "argocd"}, "spec": {"source": SOURCE},
}  # fmt: skip
SETTINGS = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "1"}}


def test_what_the_application_needs_is_made_before_it_is_synced(cluster: FakeCluster, controller: Controller) -> None:
    controller.steps = [compared("OutOfSync", "Missing")]
    result = sync(cluster, definitions=[SETTINGS, APPLICATION], diff=True)
    assert not result.get("failed"), result["msg"]
    assert [item["object"] for item in result["drift"]] == ["ConfigMap argocd/settings"]
    assert cluster.find("ConfigMap", "settings")["data"] == {"a": "1"}
    assert len(operations(controller)) == len(result["diff"]) - 1 == 1
    again = sync(cluster, definitions=[SETTINGS, APPLICATION], diff=True)
    assert (again["changed"], again["drift"], "diff" in again) == (False, [], False)


def test_an_application_that_was_changed_is_set_back_and_synced(cluster: FakeCluster, controller: Controller) -> None:
    controller.app["status"] = compared("Synced", "Healthy")
    wanted = {**APPLICATION, "spec": {"source": {**SOURCE, "path": "other"}}}
    predicted = sync(cluster, definitions=[wanted], check_mode=True)
    assert (predicted["changed"], predicted["drift"][0]["action"], controller.patches) == (True, "patch", [])
    result = sync(cluster, definitions=[wanted], wait_timeout=0)
    # Nobody compares here, so what is there is about the old path and never counts as synced.
    assert result["failed"], result
    assert (result["changed"], controller.app["spec"]["source"]["path"]) == (True, "other")


def test_check_mode_predicts_where_argo_cd_is_not_there_yet(cluster: FakeCluster) -> None:
    cluster.objects = [item for item in cluster.objects if item["kind"] != "Application"]
    result = sync(cluster, definitions=[{**APPLICATION, "apiVersion": "argoproj.io/v9"}], check_mode=True)
    assert (result["changed"], result["uncertain"], result["after"]["sync_status"]) == (True, True, "Synced")
    unreachable = copy.deepcopy(cluster.kubeconfig)
    unreachable["clusters"][0]["cluster"]["server"] = "http://127.0.0.1:1"
    assert sync(cluster, kubeconfig=unreachable, definitions=[APPLICATION], check_mode=True)["uncertain"]


def test_an_unusable_definition_is_named_before_anything_is_changed(cluster: FakeCluster) -> None:
    result = sync(cluster, definitions=[SETTINGS, {"kind": "ConfigMap"}])
    assert "definitions[1] has no apiVersion" in result["msg"]
    assert not [item for item in cluster.objects if item["kind"] == "ConfigMap"]


def test_a_second_run_asks_for_nothing(cluster: FakeCluster, controller: Controller) -> None:
    controller.app["status"] = compared("Synced", "Healthy")
    result = sync(cluster, revision=REVISION, diff=True)
    assert (result["changed"], "diff" in result, controller.patches) == (False, False, [])
    assert [item for item in cluster.requests if not item.startswith("GET")] == []


@pytest.mark.parametrize("trouble", ["503", "closed"])
@pytest.mark.parametrize("refresh", ["none", "normal"])
def test_an_outage_while_it_is_asked_for_is_waited_out(
    cluster: FakeCluster, controller: Controller, monkeypatch: pytest.MonkeyPatch, trouble: str, refresh: str
) -> None:
    monkeypatch.setattr(kube_outage, "INTERVAL", 0.01)
    controller.app["status"] = compared("OutOfSync", "Missing")
    # it compares again at each request, until the one after a refresh that arrived
    controller.steps = [compared("OutOfSync", "Missing")] * (5 if refresh == "normal" else 0)
    # reading is patient anyway; what is to be met is the first request that asks for something
    cluster.outages = ["", *([""] if refresh == "none" else []), trouble, trouble]
    result = sync(cluster, refresh=refresh)
    assert not result.get("failed"), result["msg"]
    assert not cluster.outages
    assert [item.partition(" ")[0] for item in cluster.requests if not item.startswith("GET")][:2] == ["PATCH"] * 2
    assert len(operations(controller)) == 1


def test_check_mode_predicts_and_asks_for_nothing(cluster: FakeCluster, controller: Controller) -> None:
    controller.app["status"] = compared("OutOfSync", "Missing")
    result = sync(cluster, check_mode=True, diff=True)
    assert (result["changed"], result["diff"][0]["after"]["sync_status"], controller.patches) == (True, "Synced", [])
    controller.app["status"] = compared("Synced", "Healthy")
    assert not sync(cluster, check_mode=True)["changed"]
    cluster.remove("Application", "guestbook")
    assert sync(cluster, check_mode=True)["changed"]


def test_an_old_end_of_another_operation_is_not_taken_for_ours(cluster: FakeCluster, controller: Controller) -> None:
    old = {"phase": "Failed", "message": "old failure", "startedAt": "2026-11-01T00:00:00Z"}
    controller.app["status"] = compared("OutOfSync", "Missing", operationState=old)
    result = sync(cluster)
    assert not result.get("failed"), result["msg"]
    assert result["after"]["operation_started_at"] == "2026-11-22T12:00:00Z"


def test_a_running_operation_is_waited_for(cluster: FakeCluster, controller: Controller) -> None:
    running = {"phase": "Running", "startedAt": "2026-11-21T00:00:00Z"}
    controller.app["status"] = compared("OutOfSync", "Missing", operationState=running)
    done = {"phase": "Succeeded", "startedAt": "2026-11-21T00:00:00Z"}
    controller.steps = [{}, {}, compared("Synced", "Healthy", operationState=done)]
    result = sync(cluster)
    assert (result["changed"], operations(controller)) == (False, [])


def test_a_failed_sync_names_the_resource(cluster: FakeCluster, controller: Controller) -> None:
    controller.app["status"] = compared("OutOfSync", "Missing")
    broken = {
        "kind": "Deployment",
        "namespace": "default",
        "name": "guestbook-ui",
        "status": "SyncFailed",
        "message": "denied by webhook",
    }
    controller.outcome = {
        "phase": "Failed",
        "message": "one or more objects failed to apply",
        "syncResult": {"resources": [broken]},
    }
    result = sync(cluster)
    assert result["failed"]
    assert result["changed"]
    for word in (
        "ended as Failed",
        "one or more objects failed to apply",
        "Deployment default/guestbook-ui: denied by webhook",
    ):
        assert word in result["msg"]


def test_a_status_of_an_earlier_revision_is_not_believed(cluster: FakeCluster, controller: Controller) -> None:
    stale = compared("Synced", "Healthy")
    stale["sync"]["comparedTo"]["source"]["targetRevision"] = "f" * 40
    controller.app["status"] = stale
    controller.steps = [stale, compared("OutOfSync", "Healthy")]
    result = sync(cluster)
    assert (result["changed"], result["before"]["sync_status"]) == (True, "OutOfSync")


def test_another_commit_than_wanted_is_synced(cluster: FakeCluster, controller: Controller) -> None:
    old = compared("Synced", "Healthy")
    old["sync"]["revision"] = "e" * 40
    controller.app["status"] = old
    assert sync(cluster, revision=REVISION)["changed"]


def test_a_comparison_that_fails_is_asked_for_again_and_then_explained(
    cluster: FakeCluster, controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ansible_collections.argolab.observability.plugins.module_utils.argocd_sync.REFRESH_EVERY", 0.0)
    error = [{"type": "ComparisonError", "message": "failed to list refs: connection refused"}]
    controller.app["status"] = compared("Unknown", "Missing", conditions=error)
    result = sync(cluster, wait_timeout=0)
    assert "failed to list refs: connection refused" in result["msg"]
    assert {"metadata": {"annotations": {"argocd.argoproj.io/refresh": "hard"}}} in controller.patches
    controller.steps = [compared("OutOfSync", "Missing")]
    assert not sync(cluster).get("failed")


def test_a_refresh_that_was_asked_for_is_waited_for(cluster: FakeCluster, controller: Controller) -> None:
    controller.app["status"] = compared("Synced", "Healthy")
    controller.after_refresh = [compared("OutOfSync", "Healthy")]
    result = sync(cluster, refresh="normal")
    assert controller.patches[0] == {"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}}
    assert result["changed"]


def test_health_that_never_comes_is_explained(cluster: FakeCluster, controller: Controller) -> None:
    unhealthy = [
        {
            "kind": "Deployment",
            "namespace": "default",
            "name": "guestbook-ui",
            "status": "Synced",
            "health": {"status": "Degraded", "message": "no image"},
        }
    ]
    controller.app["status"] = {**compared("Synced", "Degraded"), "resources": unhealthy}
    result = sync(cluster, wait_timeout=0)
    assert "it is Synced/Degraded" in result["msg"]
    assert "Deployment default/guestbook-ui is Degraded: no image" in result["msg"]
    assert not sync(cluster, wait_timeout=0, wait_health=False).get("failed")


def test_a_name_that_does_not_exist_fails_at_once(cluster: FakeCluster) -> None:
    assert "did you mean guestbook?" in sync(cluster, name="guestbok")["msg"]


def test_a_cluster_without_argo_cd(cluster: FakeCluster) -> None:
    cluster.absent_kinds.add("Application")
    assert "install Argo CD first" in sync(cluster)["msg"]


# --- argocd_applications ----------------------------------------------------------------------------------------------


def look(cluster: FakeCluster, **params: Any) -> dict[str, Any]:
    defaults = {"kubeconfig": cluster.kubeconfig, "applications": [{"name": "guestbook"}], "wait_timeout": 0}
    return run_module(argocd_applications, **{**defaults, **params})


def series(cluster: FakeCluster, sync_status: str, health: str, **labels: str) -> None:
    own = {
        "name": "guestbook",
        "exported_namespace": "argocd",
        "namespace": "argocd",
        "sync_status": sync_status,
        "health_status": health,
    }
    cluster.answers["argocd_app_info{}"] = [{**own, **labels}]


def causes(result: dict[str, Any]) -> list[str]:
    return [check["cause"] for check in result["checks"]]


def test_status_and_metric_agree(cluster: FakeCluster) -> None:
    cluster.find("Application", "guestbook")["status"] = compared("Synced", "Healthy")
    series(cluster, "Synced", "Healthy", namespace="monitoring")
    result = look(cluster)
    assert not result.get("failed"), result["msg"]
    assert result["applications"][0]["revision"] == REVISION


def test_out_of_sync_names_the_resources(cluster: FakeCluster) -> None:
    cluster.find("Application", "guestbook")["status"] = compared("OutOfSync", "Missing")
    series(cluster, "OutOfSync", "Missing")
    result = look(cluster)
    assert causes(result) == ["application_out_of_sync", ""]
    assert "out of sync: Deployment default/guestbook-ui" in result["msg"]


def test_metric_that_disagrees_lacks_or_is_left_over(cluster: FakeCluster) -> None:
    cluster.find("Application", "guestbook")["status"] = compared("Synced", "Healthy")
    series(cluster, "OutOfSync", "Missing")
    assert causes(look(cluster)) == ["", "metric_disagrees"]
    series(cluster, "Synced", "Healthy", name="gone")
    assert causes(look(cluster)) == ["", "metric_absent", "metric_stale"]


def test_an_absent_application(cluster: FakeCluster) -> None:
    cluster.find("Application", "guestbook")["metadata"]["name"] = "guestbok"
    assert causes(look(cluster, metric=False)) == ["application_absent"]


def test_without_prometheus_the_status_is_still_judged(cluster: FakeCluster) -> None:
    cluster.find("Application", "guestbook")["status"] = compared("OutOfSync", "Missing")
    cluster.prometheus_up = False
    assert causes(look(cluster)) == ["application_out_of_sync", "prometheus_silent"]
