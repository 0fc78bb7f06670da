# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a cluster is fit for the rest of the collection, and where its ingress can be reached from this host."""

from __future__ import annotations

import http.client
import socket
from typing import Any, Dict, List, Mapping, Optional, Protocol, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.checks import Check

DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
PROBE_SECONDS = 2.0
PROBE_HOST = "argolab-probe.invalid"


class Client(Protocol):
    """What is needed of an API client."""

    def get(self, path: str, params: Optional[Mapping[str, Any]] = None) -> Dict[str, Any]: ...


def _name(item: Mapping[str, Any]) -> str:
    return str((item.get("metadata") or {}).get("name") or "")


def node_checks(nodes: Sequence[Mapping[str, Any]]) -> List[Check]:
    """One check for each node, and one that fails where there is none."""
    if not nodes:
        return [Check("nodes", False, "at least one node", "none", "no kubelet has registered with the API server yet")]
    found: List[Check] = []
    for node in nodes:
        conditions = {item.get("type"): item for item in (node.get("status") or {}).get("conditions") or []}
        ready = conditions.get("Ready") or {}
        good = ready.get("status") == "True"
        found.append(
            Check(
                f"node {_name(node)}",
                good,
                "Ready",
                "Ready" if good else f"not Ready ({ready.get('reason') or 'it has not reported yet'})",
                "" if good else str(ready.get("message") or ""),
            )
        )
    return found


def deployment_check(label: str, items: Sequence[Mapping[str, Any]], required: bool) -> Check:
    """Whether a part of the cluster, found by its label, has all of its pods available."""
    if not items:
        if required:
            return Check(
                label, False, "a Deployment with ready pods", "none in kube-system", "it may still be on its way"
            )
        return Check(
            label, None, "a Deployment with ready pods", "none in kube-system", f"{label} is not part of this cluster"
        )
    item = items[0]
    wanted = (item.get("spec") or {}).get("replicas")
    wanted = 1 if wanted is None else int(wanted)
    available = int((item.get("status") or {}).get("availableReplicas") or 0)
    good = available >= wanted > 0
    return Check(label, good, f"{max(wanted, 1)} pods available", f"{available} of {wanted}")


def internal_address(nodes: Sequence[Mapping[str, Any]]) -> str:
    """Return the address of the first node that is ready, else of the first one."""
    ordered = sorted(nodes, key=lambda node: not all(check.ok for check in node_checks([node])))
    for node in ordered:
        for address in (node.get("status") or {}).get("addresses") or []:
            if address.get("type") == "InternalIP":
                return str(address.get("address") or "")
    return ""


def chosen_class(items: Sequence[Mapping[str, Any]], wanted: str = "") -> str:
    """Return the ingress class to use: the wanted one, the default one, or the only one."""
    if wanted:
        return wanted
    for item in items:
        if ((item.get("metadata") or {}).get("annotations") or {}).get(DEFAULT_CLASS) == "true":
            return _name(item)
    names = [_name(item) for item in items]
    if "traefik" in names:
        return "traefik"
    return names[0] if len(names) == 1 else ""


def balanced_addresses(services: Sequence[Mapping[str, Any]]) -> List[Dict[str, Any]]:
    """Return an endpoint for each Service of type LoadBalancer that serves HTTP on port 80."""
    found: List[Dict[str, Any]] = []
    for service in services:
        spec = service.get("spec") or {}
        ports = {int(port.get("port") or 0) for port in spec.get("ports") or []}
        if spec.get("type") != "LoadBalancer" or 80 not in ports:
            continue
        for entry in ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []:
            address = str(entry.get("ip") or entry.get("hostname") or "")
            if address:
                found.append(
                    {
                        "strategy": "ingress",
                        "address": address,
                        "http_port": 80,
                        "https_port": 443 if 443 in ports else 0,
                    }
                )
                break
    return found


def probe(address: str, port: int) -> Dict[str, Any]:
    """Ask for any HTTP answer: a port that is only accepted by a proxy without a server behind it does not count."""
    if not address or not port:
        return {"reachable": False, "detail": "no address to probe is known yet"}
    where = f"http://{address}:{port}/"
    connection = http.client.HTTPConnection(address, port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", "/", headers={"Host": PROBE_HOST, "Connection": "close"})
        status = connection.getresponse().status
        return {"reachable": True, "detail": f"{where} answered {status}"}
    except socket.timeout:
        return {"reachable": False, "detail": f"{where} gave no answer within {PROBE_SECONDS:g} s"}
    except (OSError, http.client.HTTPException) as error:
        return {"reachable": False, "detail": f"{where} gave no answer: {error}"}
    finally:
        connection.close()


def endpoints(
    candidates: Sequence[Mapping[str, Any]], nodes: Sequence[Mapping[str, Any]], services: Sequence[Mapping[str, Any]]
) -> List[Dict[str, Any]]:
    """Return the candidates, or the cluster's own load balancers where there are none, each with what a probe said."""
    chosen: List[Dict[str, Any]] = [dict(item) for item in candidates] or balanced_addresses(services)
    found: List[Dict[str, Any]] = []
    for item in chosen:
        address = item.get("address") or internal_address(nodes)
        port = int(item.get("http_port") or 0)
        found.append(
            {
                "strategy": item["strategy"],
                "address": address,
                "http_port": port,
                "https_port": int(item.get("https_port") or 0),
                **probe(address, port),
            }
        )
    return found


def observe(client: Client, params: Mapping[str, Any]) -> Dict[str, Any]:
    """Look at the cluster once."""
    version = client.get("/version")
    nodes = client.get("/api/v1/nodes").get("items") or []
    checks = [
        Check("API server", True, "answers", f"Kubernetes {version.get('gitVersion', 'unknown')}"),
    ]
    if params["check_parts"]:
        checks += node_checks(nodes)
        deployments = client.get("/apis/apps/v1/namespaces/kube-system/deployments").get("items") or []
        for label, app, required in (("CoreDNS", "kube-dns", True), ("metrics-server", "metrics-server", False)):
            matching = [
                item
                for item in deployments
                if ((item.get("metadata") or {}).get("labels") or {}).get("k8s-app") == app or _name(item) == app
            ]
            checks.append(deployment_check(label, matching, required and params["require_dns"]))
    classes = client.get("/apis/networking.k8s.io/v1/ingressclasses").get("items") or []
    candidates = params["ingress_candidates"]
    services = [] if candidates else client.get("/api/v1/services").get("items") or []
    found = endpoints(candidates, nodes, services)
    if params["require_ingress"]:
        reachable = [item for item in found if item["reachable"]]
        checks.append(
            Check(
                "ingress",
                bool(reachable),
                "an HTTP answer at one address or more",
                "; ".join(item["detail"] for item in reachable or found) or "no address is known",
                "" if reachable else "the ingress controller may still be starting: kubectl get pods -A",
            )
        )
    return {
        "checks": checks,
        "version": str(version.get("gitVersion", "")),
        "nodes": [_name(node) for node in nodes],
        "ingress_class": chosen_class(classes, params["ingress_class"]),
        "ingress_endpoints": found,
    }


def unreachable(params: Mapping[str, Any]) -> Dict[str, Any]:
    """Describe a cluster that is not there yet."""
    return {
        "checks": [],
        "version": "",
        "nodes": [],
        "ingress_class": params["ingress_class"],
        "ingress_endpoints": endpoints(params["ingress_candidates"], [], []),
    }
