# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cluster_checks, on a fake cluster, with each reason why something does not run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.cluster_checks import pod_problem
from ansible_collections.argolab.observability.plugins.modules import cluster_checks
from ansible_collections.argolab.observability.tests.unit.plugins.fake_cluster import (
    FakeCluster,
    healthy,
    run_module,
    serve,
)

HOST = "argocd.example.it"


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    cluster = healthy()
    cluster.add(
        "Ingress",
        "argocd-server",
        "argocd",
        spec={"ingressClassName": "traefik", "rules": [{"host": HOST}]},
        status={"loadBalancer": {"ingress": [{"ip": "172.29.0.3"}]}},
    )
    with serve(cluster) as running:
        yield running


def look(cluster: FakeCluster, **params: Any) -> dict[str, Any]:
    defaults = {"kubeconfig": cluster.kubeconfig, "wait_timeout": 0, "namespaces": ["argocd"], "ingress_hosts": [HOST]}
    return run_module(cluster_checks, **{**defaults, **params})


def failed(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(check["name"], check["cause"]) for check in result["checks"] if check["ok"] is False]


def test_ports_that_only_prometheus_may_reach(cluster: FakeCluster) -> None:
    wanted = {"namespace": "argocd", "labels": {"app": "metered"}, "port": 8082, "from": "monitoring"}
    pod = cluster.add("Pod", "metered-0", "argocd", spec={"containers": [{"ports": [{"containerPort": 8082}]}]})

    def seen() -> tuple[bool | None, str, str]:
        (check,) = look(cluster, namespaces=[], ingress_hosts=[], closed_ports=[wanted])["checks"][2:]
        return check["ok"], check["observed"], check["cause"]

    assert seen() == (False, "no pod", "no_pod")
    pod["metadata"]["labels"] = {"app": "metered"}
    assert seen() == (False, "open", "port_open")
    rule: dict[str, Any] = {"from": [{"namespaceSelector": {}}], "ports": [{"port": 8082}]}
    spec = {"podSelector": {"matchLabels": {"app": "metered"}}, "policyTypes": ["Ingress"], "ingress": [rule]}
    policy = cluster.add("NetworkPolicy", "metered", "argocd", spec=spec)
    # As argo-cd's chart has it: every namespace.
    assert seen() == (False, "open", "port_open")
    rule["from"] = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    assert seen() == (True, "closed for others", "")
    policy["spec"]["ingress"] = []
    assert seen() == (False, "closed", "port_closed")
    cluster.objects.remove(policy)
    pod["spec"]["hostNetwork"] = True
    assert seen() == (False, "open", "port_open")


def test_workloads_that_were_promised(cluster: FakeCluster) -> None:
    wanted = {"kind": "Deployment", "namespace": "argocd", "name": "argocd-server", "replicas": 2}

    def seen(**changes: Any) -> dict[str, Any]:
        checks = look(cluster, workloads=[{**wanted, **changes}])["checks"]
        (check,) = (item for item in checks if item["name"].startswith("replicas of "))
        return dict(check)

    server = cluster.find("Deployment", "argocd-server")
    check = seen()
    assert (check["ok"], check["observed"], check["cause"]) == (False, "1 of 1 ready", "too_few_replicas")
    assert check["detail"] == "it is to have 1 pod"
    server["spec"]["replicas"] = 2
    check = seen()
    assert (check["observed"], check["detail"]) == ("1 of 2 ready", "its pods are not ready")
    server["status"]["readyReplicas"] = 2
    assert seen()["ok"] is True
    # what is promised in a namespace that is not looked at is looked for there
    check = seen(namespace="monitoring")
    assert (check["ok"], check["cause"]) == (False, "workload_absent")
    check = seen(name="argocd-sever")
    assert (check["cause"], check["observed"]) == ("workload_absent", "absent")
    assert check["detail"].endswith("did you mean argocd-server?")
    assert check["next"] == "kubectl get deployments -n argocd"
    # a Deployment is no StatefulSet
    assert seen(kind="StatefulSet")["cause"] == "workload_absent"
    left_out = "left out, so Argo CD has one Redis"
    check = seen(kind="StatefulSet", name="argocd-redis-ha-server", skip=left_out)
    assert (check["ok"], check["observed"], check["detail"]) == (None, "skipped", left_out)
    # the reason is for its absence: what is there is looked at
    assert seen(skip=left_out)["ok"] is True
    server["status"]["readyReplicas"] = 0
    assert seen(skip=left_out)["ok"] is False


REASON = 'Referenced "ClusterIssuer" not found: clusterissuer.cert-manager.io "lab-ca" not found'


def condition(kind: str, status: str, reason: str, message: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason, "message": message, **more}


def test_certificates_of_cert_manager(cluster: FakeCluster) -> None:
    """With conditions as cert-manager writes them."""

    def seen(name: str = "lab-tls") -> dict[str, Any]:
        checks = look(cluster, certificates=[{"namespace": "argocd", "name": name}])["checks"]
        (check,) = (item for item in checks if item["name"].startswith("Certificate "))
        return dict(check)

    cluster.absent_kinds = {"Certificate"}
    assert (seen()["cause"], seen()["observed"]) == ("cert_manager_absent", "no cert-manager")
    cluster.absent_kinds = set()
    assert seen()["cause"] == "certificate_absent"
    certificate = cluster.add("Certificate", "lab-tls", "argocd", metadata={"generation": 1})
    # one of the same name elsewhere is another
    cluster.add("Certificate", "lab-tsl", "monitoring")
    check = seen()
    assert (check["ok"], check["cause"], check["observed"]) == (False, "certificate_not_ready", "not Ready")
    assert check["detail"] == "cert-manager has not looked at it yet; is its controller running?"
    assert check["next"] == "kubectl describe certificate lab-tls -n argocd"
    assert "did you mean lab-tls?" in seen("lab-tls2")["detail"]
    absent = ("DoesNotExist", "Issuing certificate as Secret does not exist")
    certificate["status"] = {
        "conditions": [
            condition("Ready", "False", *absent, observedGeneration=1),
            condition("Issuing", "True", *absent, observedGeneration=1),
        ]
    }
    assert seen()["detail"] == ": ".join(absent)
    for name, revision, message in (("lab-tls-9", "9", "older"), ("lab-tls-10", "10", REASON), ("other", "11", "no")):
        own = {
            "cert-manager.io/certificate-name": "other" if name == "other" else "lab-tls",
            "cert-manager.io/certificate-revision": revision,
        }
        cluster.add(
            "CertificateRequest", name, "argocd", metadata={"annotations": own},
            status={"conditions": [condition("Ready", "False", "Pending", message)]},
        )  # fmt: skip
    assert seen()["detail"] == f"{': '.join(absent)}; lab-tls-10: Pending: {REASON}"
    cluster.find("CertificateRequest", "lab-tls-10")["status"]["conditions"].append(
        condition("Denied", "True", "Denied", "by policy")
    )
    assert seen()["detail"].endswith("; lab-tls-10: Denied: by policy")
    certificate["status"]["conditions"][0] = condition("Ready", "True", "Ready", "up to date", observedGeneration=1)
    assert seen()["ok"] is True
    # it was changed, and cert-manager has not judged it since
    certificate["metadata"]["generation"] = 2
    assert seen()["ok"] is False
    # conditions of old releases have no generation
    del certificate["status"]["conditions"][0]["observedGeneration"]
    assert seen()["ok"] is True


def test_certificates_that_may_not_be_read_are_no_pass(cluster: FakeCluster) -> None:
    cluster.forbidden = [".*/certificates"]
    result = look(cluster, certificates=[{"namespace": "argocd", "name": "lab-tls"}])
    assert result["failed"] and "403" in result["msg"]


def test_all_well(cluster: FakeCluster) -> None:
    result = look(cluster)
    assert not result.get("failed"), result["msg"]
    assert [check["name"] for check in result["checks"]] == [
        "API server of fake",
        "node node-0",
        "Deployment argocd/argocd-repo-server",
        "Deployment argocd/argocd-server",
        "pods in namespace argocd",
        f"Ingress for {HOST}",
    ]
    assert result["cluster"]["version"] == "v1.37.2"
    assert result["ingress_addresses"] == ["172.29.0.3"]
    assert look(cluster, ingress_hosts=[])["ingress_addresses"] == []


def test_scaled_to_zero(cluster: FakeCluster) -> None:
    deployment = cluster.find("Deployment", "argocd-repo-server")
    deployment["spec"]["replicas"], deployment["status"] = 0, {}
    cluster.remove("Pod", "argocd-repo-server-abc12")
    result = look(cluster)
    assert failed(result) == [("Deployment argocd/argocd-repo-server", "scaled_to_zero")]
    assert "kubectl scale deployment argocd-repo-server -n argocd --replicas=1" in str(result["checks"])
    assert not look(cluster, zero_replicas_allowed=["argocd-repo-server"]).get("failed")


def test_a_crashing_container_is_named_once(cluster: FakeCluster) -> None:
    pod = cluster.find("Pod", "argocd-repo-server-abc12")
    pod["status"] = {
        "phase": "Running",
        "containerStatuses": [
            {
                "name": "repo-server",
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
                "lastState": {"terminated": {"exitCode": 20, "reason": "Error"}},
            }
        ],
    }
    cluster.find("Deployment", "argocd-repo-server")["status"] = {"readyReplicas": 0}
    result = look(cluster)
    assert failed(result) == [("Deployment argocd/argocd-repo-server", "pod_not_ready")]
    assert "container repo-server is in CrashLoopBackOff (it ended with 20, Error)" in result["msg"]


def test_a_pod_of_nobody_counts(cluster: FakeCluster) -> None:
    cluster.add("Pod", "debug", "argocd", status={"phase": "Pending"})
    cluster.add("Pod", "done", "argocd", status={"phase": "Succeeded"})
    cluster.add(
        "Pod", "leaving", "argocd", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}, status={"phase": "Pending"}
    )
    assert failed(look(cluster)) == [("pods in namespace argocd", "pod_not_ready")]


def test_an_empty_namespace_is_no_pass(cluster: FakeCluster) -> None:
    assert failed(look(cluster, namespaces=["nowhere"])) == [("pods in namespace nowhere", "namespace_empty")]


def test_a_change_that_no_controller_has_seen_is_waited_for(cluster: FakeCluster) -> None:
    deployment = cluster.find("Deployment", "argocd-server")
    deployment["metadata"]["generation"] = 2
    deployment["status"]["observedGeneration"] = 1
    assert failed(look(cluster)) == [("Deployment argocd/argocd-server", "pod_not_ready")]


def test_a_node_that_is_not_ready(cluster: FakeCluster) -> None:
    cluster.find("Node", "node-0")["status"]["conditions"][0].update(
        status="Unknown", message="Kubelet stopped posting node status."
    )
    assert failed(look(cluster)) == [("node node-0", "node_not_ready")]


@pytest.mark.parametrize(
    ("change", "cause", "word"),
    [
        ({"status": {}}, "ingress_without_address", "has not written the address yet"),
        (
            {"status": {}, "spec": {"ingressClassName": "nginx", "rules": [{"host": HOST}]}},
            "ingress_without_address",
            "class is nginx",
        ),
        ({"spec": {"rules": [{"host": "other.example.it"}]}}, "ingress_absent", "other.example.it"),
    ],
)
def test_ingress(cluster: FakeCluster, change: dict[str, Any], cause: str, word: str) -> None:
    cluster.find("Ingress", "argocd-server").update(change)
    result = look(cluster, ingress_class="traefik")
    assert failed(result) == [(f"Ingress for {HOST}", cause)]
    assert word in result["msg"]


def test_a_skipped_host_is_neither_passed_nor_failed(cluster: FakeCluster) -> None:
    result = look(cluster, ingress_hosts=["grafana.example.it"], skipped_hosts={"grafana.example.it": "Grafana is off"})
    assert (result["checks"][-1]["ok"], result["checks"][-1]["observed"]) == (None, "skipped")


UNSCHEDULED = [{"type": "PodScheduled", "status": "False", "message": "0/1 nodes"}]
INIT_ENDED = [{"name": "i", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]
NO_IMAGE = [{"name": "a", "state": {"waiting": {"reason": "ErrImagePull"}}}]


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ({"phase": "Pending", "conditions": UNSCHEDULED}, "cannot be scheduled: 0/1 nodes"),
        ({"phase": "Running", "containerStatuses": [{"name": "a", "ready": False}]}, "running, but a not ready"),
        ({"phase": "Failed", "message": "evicted"}, "phase Failed: evicted"),
        ({"phase": "Pending", "initContainerStatuses": INIT_ENDED}, "container i ended with 1"),
        ({"phase": "Pending", "containerStatuses": NO_IMAGE}, "container a is in ErrImagePull"),
        ({}, "phase Unknown"),
    ],
)
def test_pod_problem(status: dict[str, Any], text: str) -> None:
    assert text in pod_problem({"status": status})
