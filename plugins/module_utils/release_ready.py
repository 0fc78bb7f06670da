# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether everything that a Helm release runs is ready, what an operator runs on its behalf included.

Helm waits for the workloads in its manifest. A Prometheus object is no workload to it, so it reports success while the
StatefulSet that the operator makes from that object is crash-looping.
"""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.cluster_checks import (
    namespace_checks,
    read_workloads,
)
from ansible_collections.argolab.observability.plugins.module_utils.explained import ExplainedCheck
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient, KubeError
from ansible_collections.argolab.observability.plugins.module_utils.selectors import (
    labels_of,
    matches,
    name_of,
    selector_text,
)

Object = Mapping[str, Any]

OPERATED_API = "/apis/monitoring.coreos.com/v1"
OPERATED = (("Prometheus", "prometheuses"), ("Alertmanager", "alertmanagers"))
RELEASE = "meta.helm.sh/release-name"


def belongs(item: Object, release: str) -> bool:
    """Whether an object was made by a release; helm writes that into each."""
    return ((item.get("metadata") or {}).get("annotations") or {}).get(RELEASE) == release


def owned_by(item: Object, owners: Sequence[Object]) -> bool:
    """Whether an object was made by the operator for one of these."""
    uids = {(owner.get("metadata") or {}).get("uid") for owner in owners}
    references = (item.get("metadata") or {}).get("ownerReferences") or []
    return any(reference.get("uid") in uids for reference in references)


def operated_check(kind: str, item: Object, namespace: str) -> ExplainedCheck:
    """The operator has seen the object as it is now, and what it runs for it is available."""
    name = name_of(item)
    generation = int((item.get("metadata") or {}).get("generation") or 0)
    conditions = {entry.get("type"): entry for entry in (item.get("status") or {}).get("conditions") or []}
    label, expected = f"{kind} {namespace}/{name}", "reconciled and available"
    command = f"kubectl describe {kind.lower()} {name} -n {namespace}"
    if not conditions:
        return ExplainedCheck(
            label, False, expected, "no condition", "the operator has not looked at it yet", "not_reconciled",
            f"kubectl logs -n {namespace} -l app=kube-prometheus-stack-operator",
        )  # fmt: skip
    for wanted in ("Reconciled", "Available"):
        found = conditions.get(wanted) or {}
        if int(found.get("observedGeneration") or 0) < generation:
            return ExplainedCheck(
                label, False, expected, f"{wanted} of an older generation",
                "the operator has not seen the latest change", "not_reconciled", command,
            )  # fmt: skip
        if found.get("status") != "True":
            words = [str(found.get("reason") or ""), " ".join(str(found.get("message") or "").split())]
            return ExplainedCheck(
                label, False, expected, f"{wanted} is {found.get('status') or 'not said'}",
                ": ".join(word for word in words if word), "not_available", command,
            )  # fmt: skip
    return ExplainedCheck(label, True, expected, expected)


def rollout_check(workload: Object, namespace: str) -> ExplainedCheck | None:
    """A check that fails while pods of an older template still stand in for new ones; None when all are new."""
    kind, name = str(workload.get("kind")), name_of(workload)
    spec, status = workload.get("spec") or {}, workload.get("status") or {}
    if kind == "DaemonSet":
        wanted, updated = int(status.get("desiredNumberScheduled") or 0), int(status.get("updatedNumberScheduled") or 0)
    else:
        wanted = 1 if spec.get("replicas") is None else int(spec["replicas"])
        updated = int(status.get("updatedReplicas") or 0)
        if kind == "StatefulSet" and status.get("currentRevision") == status.get("updateRevision"):
            updated = max(updated, int(status.get("currentReplicas") or 0))
    if updated >= wanted and (kind != "Deployment" or int(status.get("replicas") or 0) <= wanted):
        return None
    return ExplainedCheck(
        f"rollout of {kind} {namespace}/{name}", False, f"{wanted} pods of the new template", f"{updated} of them",
        "pods of the older template still run", "rollout",
        f"kubectl rollout status {kind.lower()}/{name} -n {namespace}",
    )  # fmt: skip


def release_checks(
    release: str,
    namespace: str,
    operated: Mapping[str, Sequence[Object]],
    workloads: Sequence[Object],
    pods: Sequence[Object],
    labels: Mapping[str, str] | None = None,
) -> list[ExplainedCheck]:
    """One check for each object of the release that runs something.

    :param labels: only for those that have these labels.
    """
    wanted = {"matchLabels": {key: str(value) for key, value in (labels or {}).items()}}

    def asked_for(item: Object) -> bool:
        return belongs(item, release) and matches(wanted, labels_of(item))

    own = {kind: [item for item in items if asked_for(item)] for kind, items in operated.items()}
    owners = [item for items in own.values() for item in items]
    mine = [item for item in workloads if asked_for(item) or owned_by(item, owners)]
    checks = [operated_check(kind, item, namespace) for kind, items in own.items() for item in items]
    if not mine:
        with_labels = f" with {selector_text(wanted)}" if labels else ""
        return [
            *checks,
            ExplainedCheck(
                f"release {release}", False, "workloads", "none",
                f"no workload{with_labels} in namespace {namespace} belongs to it", "release_empty",
                f"helm status {release} -n {namespace}",
            ),
        ]  # fmt: skip
    selectors = [(item.get("spec") or {}).get("selector") or {} for item in mine]
    theirs = [pod for pod in pods if any(matches(selector, labels_of(pod)) for selector in selectors)]
    rollouts = [check for check in (rollout_check(item, namespace) for item in mine) if check]
    return [*checks, *namespace_checks(namespace, mine, theirs), *rollouts]


def read_release(
    client: KubeClient, release: str, namespace: str, labels: Mapping[str, str] | None = None
) -> list[ExplainedCheck]:
    """Look at the cluster once."""
    operated: dict[str, Sequence[Object]] = {}
    for kind, plural in OPERATED:
        try:
            operated[kind] = client.list(f"{OPERATED_API}/namespaces/{namespace}/{plural}")
        except KubeError as error:
            if error.status != 404:
                raise
    workloads = read_workloads(client, namespace)
    pods = client.list(f"/api/v1/namespaces/{namespace}/pods")
    return release_checks(release, namespace, operated, workloads, pods, labels)
