# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the workloads, pods, nodes and Ingresses of a cluster are as they should be, and why not."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.checks import count_text, listing
from ansible_collections.argolab.observability.plugins.module_utils.explained import ExplainedCheck
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient
from ansible_collections.argolab.observability.plugins.module_utils.selectors import (
    full_name,
    labels_of,
    matches,
    name_of,
    namespace_of,
)

Object = Mapping[str, Any]

WORKLOADS = (("Deployment", "deployments"), ("StatefulSet", "statefulsets"), ("DaemonSet", "daemonsets"))


def read_workloads(kube: KubeClient, namespace: str) -> list[dict[str, Any]]:
    """Deployments, StatefulSets and DaemonSets of a namespace, with their kind, which the items of a list lack."""
    return [
        {**item, "kind": kind}
        for kind, plural in WORKLOADS
        for item in kube.list(f"/apis/apps/v1/namespaces/{namespace}/{plural}")
    ]


def node_checks(nodes: Iterable[Object]) -> list[ExplainedCheck]:
    """Each node is Ready."""
    checks = []
    for node in nodes:
        conditions = {item.get("type"): item for item in (node.get("status") or {}).get("conditions") or []}
        ready = conditions.get("Ready") or {}
        good = ready.get("status") == "True"
        detail = "" if good else str(ready.get("message") or "the kubelet has not reported")
        command = "" if good else f"kubectl describe node {name_of(node)}"
        observed = "Ready" if good else "not Ready"
        checks.append(
            ExplainedCheck(
                f"node {name_of(node)}", good, "Ready", observed, detail, "node_not_ready" if not good else "", command
            )
        )
    return checks


def namespace_checks(
    namespace: str, workloads: Sequence[Object], pods: Sequence[Object], zero_allowed: Iterable[str] = ()
) -> list[ExplainedCheck]:
    """Each workload has all its pods ready, and so is every pod that belongs to none of them."""
    allowed = set(zero_allowed)
    if not workloads and not pods:
        return [
            ExplainedCheck(
                f"pods in namespace {namespace}", False, "running and ready", "none",
                f"namespace {namespace} has no workload and no pod", "namespace_empty",
                f"kubectl get all -n {namespace}",
            )
        ]  # fmt: skip
    checks = [_workload_check(item, pods, allowed) for item in workloads]
    covered = {id(pod) for item in workloads for pod in _pods_of(item, pods)}
    others = [pod for pod in pods if id(pod) not in covered and not _superseded(pod)]
    waiting = [pod for pod in others if not _pod_fine(pod)]
    total = [pod for pod in pods if not _superseded(pod)]
    if waiting:
        reasons = "; ".join(f"{name_of(pod)}: {pod_problem(pod)}" for pod in waiting[:3])
        checks.append(
            ExplainedCheck(
                f"pods in namespace {namespace}", False, "running and ready",
                f"{len(waiting)} of {count_text(len(total), 'pod')} not", reasons,
                "pod_not_ready", f"kubectl describe pod {name_of(waiting[0])} -n {namespace}",
            )
        )  # fmt: skip
    elif all(check.ok for check in checks):
        # Pods of a workload that is not ready are explained there.
        observed = f"{count_text(len(total), 'pod')} running and ready"
        checks.append(ExplainedCheck(f"pods in namespace {namespace}", True, "running and ready", observed))
    return checks


def ingress_checks(
    ingresses: Sequence[Object],
    hosts: Iterable[str],
    ingress_class: str = "",
    skipped: Mapping[str, Any] | None = None,
) -> list[ExplainedCheck]:
    """Each host is served by an Ingress that has an address; skipped says of some why they are not looked at."""
    reasons = skipped or {}
    return [_ingress_check(ingresses, host, str(reasons.get(host) or ""), ingress_class) for host in hosts]


def pod_problem(pod: Object) -> str:
    """Why a pod is not running and ready, in a few words."""
    status = pod.get("status") or {}
    for state in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        waiting = (state.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") and waiting["reason"] not in ("PodInitializing", "ContainerCreating"):
            ended = (state.get("lastState") or {}).get("terminated") or {}
            before = f" (it ended with {ended.get('exitCode')}, {ended.get('reason')})" if ended else ""
            message = str(waiting.get("message") or "").strip()
            return f"container {state.get('name')} is in {waiting['reason']}{before}{f': {message}' if message else ''}"
        ended = (state.get("state") or {}).get("terminated") or {}
        if ended and ended.get("exitCode"):
            return f"container {state.get('name')} ended with {ended.get('exitCode')} ({ended.get('reason')})"
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"cannot be scheduled: {condition.get('message')}"
    unready = [str(item.get("name")) for item in status.get("containerStatuses") or [] if not item.get("ready")]
    phase = str(status.get("phase") or "Unknown")
    if phase == "Running" and unready:
        return f"running, but {listing(unready)} not ready: the readiness probe fails or has not run yet"
    return f"phase {phase}{': ' + str(status['message']) if status.get('message') else ''}"


def _workload_check(workload: Object, pods: Sequence[Object], allowed: set[str]) -> ExplainedCheck:
    kind, namespace, name = str(workload.get("kind")), namespace_of(workload), name_of(workload)
    spec, status = workload.get("spec") or {}, workload.get("status") or {}
    if kind == "DaemonSet":
        desired, ready = int(status.get("desiredNumberScheduled") or 0), int(status.get("numberReady") or 0)
    else:
        replicas = spec.get("replicas")
        desired, ready = 1 if replicas is None else int(replicas), int(status.get("readyReplicas") or 0)
    label = f"{kind} {namespace}/{name}"
    describe = f"kubectl describe {kind.lower()} {name} -n {namespace}"
    if desired == 0:
        if name in allowed or f"{namespace}/{name}" in allowed:
            return ExplainedCheck(label, True, "0 pods (allowed)", "0 pods")
        if kind == "DaemonSet":
            return ExplainedCheck(
                label, False, "at least 1 pod ready", "0 pods", "no node is eligible for it", "no_node", describe
            )
        return ExplainedCheck(
            label, False, "at least 1 pod ready", "0 pods", f"{kind} {namespace}/{name} is scaled to zero",
            "scaled_to_zero", f"kubectl scale {kind.lower()} {name} -n {namespace} --replicas=1",
        )  # fmt: skip
    expected = f"{count_text(desired, 'pod')} ready"
    stale = int(status.get("observedGeneration") or 0) < int((workload.get("metadata") or {}).get("generation") or 0)
    if ready >= desired and not stale:
        return ExplainedCheck(label, True, expected, f"{ready} of {desired} ready")
    detail = "its controller has not seen the latest change" if stale else ""
    broken = [pod for pod in _pods_of(workload, pods) if not _pod_fine(pod)]
    if broken:
        detail = f"{name_of(broken[0])}: {pod_problem(broken[0])}"
        describe = f"kubectl describe pod {name_of(broken[0])} -n {namespace}"
    elif not stale:
        detail = _condition_message(status) or "its pods have not been created"
    return ExplainedCheck(label, False, expected, f"{ready} of {desired} ready", detail, "pod_not_ready", describe)


def _condition_message(status: Mapping[str, Any]) -> str:
    for condition in status.get("conditions") or []:
        bad = "True" if condition.get("type") == "ReplicaFailure" else "False"
        if condition.get("status") == bad and condition.get("message"):
            return str(condition["message"])
    return ""


def _pods_of(workload: Object, pods: Sequence[Object]) -> list[Object]:
    selector = (workload.get("spec") or {}).get("selector")
    if not selector:
        return []
    return [
        pod
        for pod in pods
        if namespace_of(pod) == namespace_of(workload) and matches(selector, labels_of(pod)) and not _superseded(pod)
    ]


def _superseded(pod: Object) -> bool:
    """A pod that is on its way out, or was evicted: its owner has made another."""
    evicted = (pod.get("status") or {}).get("reason") == "Evicted"
    return evicted or bool((pod.get("metadata") or {}).get("deletionTimestamp"))


def _pod_fine(pod: Object) -> bool:
    status = pod.get("status") or {}
    if status.get("phase") == "Succeeded":
        return True
    ready = any(item.get("type") == "Ready" and item.get("status") == "True" for item in status.get("conditions") or [])
    return status.get("phase") == "Running" and ready


def ingress_addresses(ingresses: Sequence[Object], hosts: Sequence[str]) -> list[str]:
    """What the controller wrote into the Ingresses that serve these hosts: addresses or names, each once."""
    found: list[str] = []
    for item in ingresses:
        if not {rule.get("host") for rule in (item.get("spec") or {}).get("rules") or []} & set(hosts):
            continue
        for entry in ((item.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []:
            address = str(entry.get("ip") or entry.get("hostname") or "")
            if address and address not in found:
                found.append(address)
    return found


def _ingress_check(ingresses: Sequence[Object], host: str, skip: str, ingress_class: str) -> ExplainedCheck:
    label, expected = f"Ingress for {host}", "an Ingress with an address"
    if skip:
        return ExplainedCheck(label, None, expected, "skipped", skip)
    serving = [
        item for item in ingresses if host in {rule.get("host") for rule in (item.get("spec") or {}).get("rules") or []}
    ]
    if not serving:
        hosts = [str(rule.get("host")) for item in ingresses for rule in (item.get("spec") or {}).get("rules") or []]
        return ExplainedCheck(
            label, False, expected, "no Ingress has this host", f"hosts that an Ingress has: {listing(hosts)}",
            "ingress_absent", "kubectl get ingress -A",
        )  # fmt: skip
    for item in serving:
        status = ((item.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
        addresses = [
            str(entry.get("ip") or entry.get("hostname"))
            for entry in status
            if entry.get("ip") or entry.get("hostname")
        ]
        if addresses:
            return ExplainedCheck(label, True, expected, f"{full_name(item)} at {', '.join(addresses)}")
    given = str((serving[0].get("spec") or {}).get("ingressClassName") or "none")
    detail = "the ingress controller does not run, or has not written the address yet"
    if ingress_class and given != ingress_class:
        detail = f"its ingress class is {given}, the cluster's controller serves {ingress_class}"
    return ExplainedCheck(
        label, False, expected, f"{full_name(serving[0])} without an address", detail, "ingress_without_address",
        f"kubectl describe ingress {name_of(serving[0])} -n {namespace_of(serving[0])}",
    )  # fmt: skip
