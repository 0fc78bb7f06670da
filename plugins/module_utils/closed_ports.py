# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether NetworkPolicies keep everybody but one namespace from a port, on objects that were already read.

Whether the cluster's network enforces them can not be read anywhere.
"""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.explained import ExplainedCheck
from ansible_collections.argolab.observability.plugins.module_utils.network_policies import Peer, blocking, names
from ansible_collections.argolab.observability.plugins.module_utils.selectors import labels_of, name_of, namespace_of

Object = Mapping[str, Any]

# A namespace that nobody has, for a pod that nobody knows.
STRANGER = "argolab-stranger"


def _somebody(namespace: str) -> Peer:
    return Peer({"metadata": {"namespace": namespace}}, {"kubernetes.io/metadata.name": namespace})


def closed_port_check(wanted: Mapping[str, Any], pods: Sequence[Object], policies: Sequence[Object]) -> ExplainedCheck:
    """A port of some pods is reached from one namespace, and from no other.

    :param wanted: C(namespace) and C(labels) of the pods, C(port), and C(from), the namespace that may.
    :param pods: those of the namespace.
    :param policies: the NetworkPolicies of the namespace.
    """
    namespace, labels, port, friend = wanted["namespace"], wanted["labels"], int(wanted["port"]), wanted["from"]
    selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    label, expected = f"port {port} of {namespace}/{selector}", f"only from namespace {friend}, by NetworkPolicy"
    selected = [
        pod
        for pod in pods
        if namespace_of(pod) == namespace
        and labels.items() <= labels_of(pod).items()
        and not (pod.get("metadata") or {}).get("deletionTimestamp")
    ]
    show = f"kubectl get networkpolicies -n {namespace}"
    if not selected:
        detail = "no pod has these labels, so nothing can be said of the port"
        return ExplainedCheck(label, False, expected, "no pod", detail, "no_pod", f"kubectl get pods -n {namespace}")
    for pod in selected:
        target = Peer(pod)
        shut = blocking(policies, _somebody(friend), target, port)
        if shut:
            detail = f"{names(shut)} keeps namespace {friend} from it as well"
            return ExplainedCheck(label, False, expected, "closed", detail, "port_closed", show)
        if not blocking(policies, _somebody(STRANGER), target, port):
            why = "it is in the network of its node" if target.on_host_network else "no NetworkPolicy keeps others out"
            detail = f"{name_of(pod)} can be reached from every namespace: {why}"
            return ExplainedCheck(label, False, expected, "open", detail, "port_open", show)
    return ExplainedCheck(label, True, expected, "closed for others")
