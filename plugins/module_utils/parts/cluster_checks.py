# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes, workloads and Ingresses, as M(cluster_checks) sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.closed_ports import closed_port_check
from ansible_collections.argolab.observability.plugins.module_utils.cluster_access import (
    CLUSTER_ARGUMENT_SPEC,
    kube_from_params,
)
from ansible_collections.argolab.observability.plugins.module_utils.cluster_checks import (
    ingress_addresses,
    ingress_checks,
    namespace_checks,
    node_checks,
    read_workloads,
)
from ansible_collections.argolab.observability.plugins.module_utils.explained import ExplainedCheck, poll_of
from ansible_collections.argolab.observability.plugins.module_utils.issued_certificates import issued_checks
from ansible_collections.argolab.observability.plugins.module_utils.limits import PORT
from ansible_collections.argolab.observability.plugins.module_utils.part import Look, Params, Part
from ansible_collections.argolab.observability.plugins.module_utils.promised_workloads import promised_check
from ansible_collections.argolab.observability.plugins.module_utils.selectors import name_of
from ansible_collections.argolab.observability.plugins.module_utils.waiter import Poll


def look(params: Params) -> Look:
    kube = kube_from_params(params)

    def poll() -> Poll:
        version = kube.get("/version")
        nodes = kube.list("/api/v1/nodes")
        label = f"API server of {kube.context or 'this cluster'}"
        checks = [ExplainedCheck(label, True, "answers", str(version.get("gitVersion")))] + node_checks(nodes)
        workloads = {}
        for namespace in params["namespaces"]:
            pods = kube.list(f"/api/v1/namespaces/{namespace}/pods")
            workloads[namespace] = read_workloads(kube, namespace)
            checks += namespace_checks(namespace, workloads[namespace], pods, params["zero_replicas_allowed"])
        for item in params["workloads"]:
            if item["namespace"] not in workloads:
                workloads[item["namespace"]] = read_workloads(kube, item["namespace"])
            checks.append(promised_check(item, workloads[item["namespace"]]))
        checks += issued_checks(kube, params["certificates"])
        for namespace in dict.fromkeys(item["namespace"] for item in params["closed_ports"]):
            pods = kube.list(f"/api/v1/namespaces/{namespace}/pods")
            policies = kube.list(f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies")
            wanted = [item for item in params["closed_ports"] if item["namespace"] == namespace]
            checks += [closed_port_check(item, pods, policies) for item in wanted]
        ingresses: Sequence[Any] = ()
        if params["ingress_hosts"]:
            ingresses = kube.list("/apis/networking.k8s.io/v1/ingresses")
            checks += ingress_checks(
                ingresses, params["ingress_hosts"], params["ingress_class"], params["skipped_hosts"]
            )
        addresses = ingress_addresses(ingresses, params["ingress_hosts"])
        return poll_of(checks, {"version": version, "nodes": nodes, "addresses": addresses})

    def extra(value: Any) -> dict[str, Any]:
        if not value:
            return {}
        kubelet = [
            f"{name_of(node)} {((node.get('status') or {}).get('nodeInfo') or {}).get('kubeletVersion', '')}"
            for node in value["nodes"]
        ]
        version = str(value["version"].get("gitVersion"))
        return {
            "cluster": {"context": kube.context, "server": kube.server, "version": version, "nodes": kubelet},
            "ingress_addresses": value["addresses"],
        }

    return Look(poll, extra, limit=kube.limit)


CLOSED_PORT_SPEC = {
    "namespace": {"type": "str", "required": True},
    "labels": {"type": "dict", "required": True},
    "port": {"type": "int", "required": True},
    "from": {"type": "str", "required": True},
}

WORKLOAD_SPEC = {
    "kind": {"type": "str", "choices": ["Deployment", "StatefulSet"], "required": True},
    "namespace": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "replicas": {"type": "int", "default": 1},
    "skip": {"type": "str", "default": ""},
}
CERTIFICATE_SPEC = {"namespace": {"type": "str", "required": True}, "name": {"type": "str", "required": True}}
OBJECT = {"namespace": {"form": "namespace"}, "name": {"form": "kube_name"}}

PART = Part(
    title="The cluster is not as it should be",
    what="nodes, workloads and Ingresses",
    spec={
        **CLUSTER_ARGUMENT_SPEC,
        "namespaces": {"type": "list", "elements": "str", "default": []},
        "zero_replicas_allowed": {"type": "list", "elements": "str", "default": []},
        "ingress_hosts": {"type": "list", "elements": "str", "default": []},
        "skipped_hosts": {"type": "dict", "default": {}},
        "ingress_class": {"type": "str", "default": ""},
        "closed_ports": {"type": "list", "elements": "dict", "default": [], "options": CLOSED_PORT_SPEC},
        "workloads": {"type": "list", "elements": "dict", "default": [], "options": WORKLOAD_SPEC},
        "certificates": {"type": "list", "elements": "dict", "default": [], "options": CERTIFICATE_SPEC},
    },
    limits={
        "namespaces": {"form": "namespace"},
        "zero_replicas_allowed": {"form": "word"},
        "ingress_hosts": {"form": "host_name"},
        "ingress_class": {"form": "kube_name"},
        "closed_ports": {
            "options": {"namespace": {"form": "namespace"}, "port": PORT, "from": {"form": "namespace"}}
        },
        "workloads": {"options": {**OBJECT, "replicas": {"minimum": 1}}},
        "certificates": {"options": OBJECT},
    },
    look=look,
)
