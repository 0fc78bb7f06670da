# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cluster_diagnosis, on a fake cluster: healthy, broken, built by half, and with few rights."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.modules import cluster_diagnosis
from ansible_collections.argolab.observability.tests.unit.plugins.fake_cluster import (
    FakeCluster,
    healthy,
    run_module,
    serve,
)

RELEASES = {"monitoring": "kube-stack-prometheus", "argocd": "argocd"}
MONITORING = {"ServiceMonitor", "PodMonitor", "Prometheus", "PrometheusRule"}
CANARY = "c4n4ryc4n4ryc4n4ryc4n4ryc4n4ryc4n4ry"


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    cluster = healthy()
    for namespace, name in RELEASES.items():
        labels = {"owner": "helm", "name": name, "version": "1", "status": "deployed"}
        cluster.add(
            "Secret", f"sh.helm.release.v1.{name}.v1", namespace, metadata={"labels": labels}, data={"x": CANARY}
        )
    for item in cluster.objects:
        if item["kind"] == "Deployment":
            item["status"] = {"readyReplicas": 1, "replicas": 1, "updatedReplicas": 1}
    with serve(cluster) as running:
        yield running


def look(cluster: FakeCluster, **params: Any) -> dict[str, Any]:
    releases = [f"{namespace}/{name}" for namespace, name in RELEASES.items()]
    return run_module(cluster_diagnosis, **{"kubeconfig": cluster.kubeconfig, "releases": releases, **params})


def causes(result: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["cause"] for check in result["checks"] if check["ok"] is False}


def test_all_well(cluster: FakeCluster) -> None:
    result = look(cluster, parts=[{"module": "scrape_coverage"}])
    assert not result.get("failed"), result
    assert causes(result) == {} and result["likeliest"] == {} and result["looked"] is True
    assert result["report"][1] == "Nothing is broken that could be looked at."
    assert [group["kind"] for group in result["groups"]] == ["diagnosis", "scrape_coverage"]
    assert CANARY not in str(result) and "canary-token" not in str(result)


def test_a_pod_that_crashes_is_explained_and_the_report_does_not_fail(cluster: FakeCluster) -> None:
    terminated = {"exitCode": 3, "reason": "Error"}
    state = {"waiting": {"reason": "CrashLoopBackOff"}}
    crashed = {"name": "server", "ready": False, "state": state, "lastState": {"terminated": terminated}}
    cluster.find("Pod", "argocd-server-abc12")["status"] = {"phase": "Running", "containerStatuses": [crashed]}
    cluster.logs["argocd-server-abc12"] = f"starting\n\npassword={CANARY}\npanic: no database\n"
    cluster.add(
        "Event", "e", "argocd", type="Warning", reason="BackOff", message="Back-off restarting failed container",
        involvedObject={"kind": "Pod", "name": "argocd-server-abc12"},
        lastTimestamp=f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
    )  # fmt: skip
    result = look(cluster)
    assert not result.get("failed")
    assert causes(result) == {"pod argocd/argocd-server-abc12": "crash_loop"}
    check = result["checks"][0]
    assert "Its log ends with: starting | password=*** | panic: no database" in check["detail"]
    assert "Event: Pod argocd-server-abc12: BackOff" in check["detail"] and CANARY not in str(result)
    assert result["report"][-1] == "Next: kubectl logs argocd-server-abc12 -n argocd -c server --previous"
    silent = look(cluster, log_lines=0)
    assert "log ends" not in silent["checks"][0]["detail"]


def test_a_build_that_ended_half_way(cluster: FakeCluster) -> None:
    cluster.remove("Namespace", "argocd")
    cluster.absent_kinds |= {"Application", *MONITORING}
    cluster.find("Secret", "sh.helm.release.v1.kube-stack-prometheus.v1")["metadata"]["labels"]["status"] = "failed"
    result = look(
        cluster, parts=[{"module": "scrape_coverage"}, {"module": "prometheus_rules", "options": {"all_healthy": True}}]
    )
    assert not result.get("failed")
    assert causes(result) == {
        "namespace argocd": "namespace_absent",
        "Helm release monitoring/kube-stack-prometheus": "release_failed",
        "kinds of monitoring.coreos.com": "crds_absent",
        "kinds of argoproj.io": "crds_absent",
    }
    assert result["likeliest"]["name"] == "namespace argocd"


def test_nothing_was_built_at_all(cluster: FakeCluster) -> None:
    cluster.objects = []
    result = look(cluster, parts=[{"module": "cluster_checks", "options": {"namespaces": ["monitoring"]}}])
    assert not result.get("failed")
    assert set(causes(result).values()) == {"namespace_absent"}


def test_what_may_not_be_read_is_skipped_with_the_right_that_is_missing(cluster: FakeCluster) -> None:
    cluster.forbidden = [".*/secrets", ".*/persistentvolumeclaims", ".*/log", ".*/events", "/api/v1/namespaces/argocd"]
    waiting = {"name": "server", "ready": False, "state": {"running": {}}}
    cluster.find("Pod", "argocd-server-abc12")["status"] = {"phase": "Running", "containerStatuses": [waiting]}
    result = look(cluster)
    assert not result.get("failed")
    skipped = {check["name"]: check["detail"] for check in result["checks"] if check["observed"] == "skipped"}
    assert "Helm releases in namespace argocd" in skipped and "volume claims in namespace monitoring" in skipped
    assert all("forbidden" in detail for detail in skipped.values())
    assert "takes the right get on pods/log" in result["checks"][0]["detail"]


def test_only_five_logs_are_read(cluster: FakeCluster) -> None:
    for number in range(7):
        bad = {"name": "c", "ready": False, "state": {"running": {}}}
        cluster.add("Pod", f"bad-{number}", "argocd", status={"phase": "Running", "containerStatuses": [bad]})
    result = look(cluster)
    assert len([path for path in cluster.requests if path.endswith("/log")]) == 5
    assert len(causes(result)) == 7


@pytest.mark.parametrize(
    ("change", "cause", "words"),
    [
        ({"kubeconfig": "/no/such/file"}, "kubeconfig_unusable", "does not exist"),
        ({"context": "other"}, "kubeconfig_unusable", "has no context other"),
        ({"gone": True}, "cluster_unreachable", "refused"),
        ({"status": 401}, "credentials_refused", "(401)"),
        ({"status": 403}, "right_missing", "403"),
        ({"status": 503}, "cluster_unreachable", "503"),
    ],
)
def test_what_keeps_it_from_looking_has_a_name(
    cluster: FakeCluster, change: dict[str, Any], cause: str, words: str
) -> None:
    params = {key: value for key, value in change.items() if key in ("kubeconfig", "context")}
    if "status" in change:
        cluster.answer = lambda *_arguments: (change["status"], {"kind": "Status", "message": "no"})  # type: ignore[method-assign]
    if "gone" in change:
        content = cluster.kubeconfig
        content["clusters"][0]["cluster"]["server"] = "http://127.0.0.1:1"
        params["kubeconfig"] = content
    result = look(cluster, parts=[{"module": "scrape_coverage"}], **params)
    assert result["failed"] and result["looked"] is False
    assert [check["cause"] for check in result["checks"]] == [cause]
    assert words in result["msg"] and "Likeliest cause" in result["msg"]
    assert [group["kind"] for group in result["groups"]] == ["diagnosis"]


def test_impossible_options_are_refused(cluster: FakeCluster) -> None:
    assert "did you mean scrape_coverage?" in look(cluster, parts=[{"module": "scrape_covrage"}])["msg"]
    assert "log_lines is 51" in look(cluster, log_lines=51)["msg"]
    assert "NAMESPACE/NAME" in look(cluster, releases=["argocd"])["msg"]
