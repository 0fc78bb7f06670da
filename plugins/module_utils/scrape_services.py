# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The links between a ServiceMonitor and the addresses that Prometheus has to find: Services, ports, EndpointSlices."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.argolab.observability.plugins.module_utils.pod_states import (
    container_ports,
    pod_states,
    ready_pods,
    replicas_of,
    template_labels,
)
from ansible_collections.argolab.observability.plugins.module_utils.scrape_objects import (
    PODS,
    SERVICES,
    SLICES,
    WORKLOADS,
    Cluster,
    Finding,
    Link,
    Object,
    describe,
    get,
    pairs,
    place_text,
    up_of,
)
from ansible_collections.argolab.observability.plugins.module_utils.selectors import (
    full_name,
    labels_of,
    likeness,
    matches,
    mismatches,
    name_of,
    namespace_of,
    plain_matches,
    selector_text,
)


def service_links(link: Link, cluster: Cluster, active: Sequence[Object]) -> Finding:
    """The first broken link, or how many targets there have to be."""
    where = link.namespaces
    notes = cluster.unseen(SERVICES, where)
    reachable = cluster.within(SERVICES, where)
    selected = [item for item in reachable if matches(link.selector, labels_of(item))]
    names = tuple(full_name(item) for item in selected)
    if not selected:
        # Services that may not be seen cannot be said to be missing.
        return Finding(notes=notes) if notes else _no_service(link, reachable, cluster)
    with_port = [item for item in selected if _has_port(item, link.endpoint)]
    if not with_port:
        return replace(_no_port(link, selected), services=names)
    # Where others may not be seen, these are not all of them.
    notes += cluster.unseen(SLICES, {namespace_of(item) for item in with_port})
    if notes:
        return Finding(services=names, notes=notes)
    ready = {address for item in with_port for address in _addresses(item, link.endpoint, cluster)}
    if ready:
        return replace(_behind_ready(link, with_port, ready, cluster, active), services=names)
    if up_of(active):
        # Prometheus scrapes pods that are not ready, too: what it sees of them says more.
        return Finding(expected=0, services=names)
    return replace(_no_endpoints(link, with_port[0], cluster, active), services=names)


def _behind_ready(
    link: Link, services: Sequence[Object], ready: set[tuple[str, str, int]], cluster: Cluster, active: Sequence[Object]
) -> Finding:
    wanted = link.endpoint.get("targetPort")
    if link.endpoint.get("port") or not wanted:
        return Finding(expected=len(ready))
    # A port of the container, which the Service need not list: only the pods say whether there is one.
    if up_of(active):
        return Finding()
    where = {namespace_of(item) for item in services}
    needs = cluster.untried(PODS, where)
    if needs:
        return Finding(needs=needs)
    pods = [pod for item in services for pod in _pods_of(item, cluster)]
    ports = {port for pod in pods for port in container_ports(pod)}
    if not pods or any(str(wanted) in (name, str(number)) for name, number in ports):
        return Finding(notes=cluster.unseen(PODS, where))
    have = ", ".join(sorted(f"{name or 'unnamed'} ({number})" for name, number in ports))
    return Finding(
        "target_port_absent",
        f"{link.title} scrapes target port {wanted}, which is no port of the containers of pod {full_name(pods[0])}; "
        f"their ports are {have or 'none'}",
        get("pod", namespace_of(pods[0]), name_of(pods[0]), "-o yaml"),
    )


def _no_service(link: Link, reachable: Sequence[Object], cluster: Cluster) -> Finding:
    where = link.namespaces
    outside = [item for item in cluster.of(SERVICES) if where is not None and namespace_of(item) not in where]
    elsewhere = [full_name(item) for item in outside if matches(link.selector, labels_of(item))]
    if elsewhere:
        return Finding(
            "namespace_not_selected",
            f"the namespaceSelector of {link.title} looks in {place_text(where)} only; "
            f"Service {', '.join(sorted(elsewhere)[:3])} matches its selector elsewhere",
            link.yaml,
        )
    text = f"the selector of {link.title} ({selector_text(link.selector)}) matches no Service in {place_text(where)}"
    nearest = _nearest_service(link, reachable)
    if nearest is not None:
        problems = "; ".join(mismatches(link.selector, labels_of(nearest)))
        text += f"; nearest is Service {full_name(nearest)}, whose {problems}"
    namespace = sorted(where)[0] if where else link.pool.namespace
    return Finding("selector_matches_no_service", text, get("services", namespace, "--show-labels"))


def _nearest_service(link: Link, services: Sequence[Object]) -> Object | None:
    """The Service that lacks least; between equals decide the ports that are wanted, then values and name."""
    wanted = {str(item.get("port")) for item in link.spec.get("endpoints") or []}

    def rank(service: Object) -> tuple[int, int, float, str]:
        ports = {str(port.get("name")) for port in (service.get("spec") or {}).get("ports") or []}
        near = likeness(link.selector, labels_of(service))
        near += difflib.SequenceMatcher(None, link.pool.name, name_of(service)).ratio()
        return len(mismatches(link.selector, labels_of(service))), -len(wanted & ports), -near, name_of(service)

    demands = len(link.selector.get("matchLabels") or {}) + len(link.selector.get("matchExpressions") or [])
    best = min(services, key=rank, default=None)
    # One that meets none of the demands and has not even the port is no neighbour, only another Service.
    if best is None or (rank(best)[0] >= demands and rank(best)[1] == 0):
        return None
    return best


def _no_port(link: Link, selected: Sequence[Object]) -> Finding:
    service = selected[0]
    ports = (service.get("spec") or {}).get("ports") or []
    texts = [f"{port.get('name') or 'unnamed'} ({port.get('port')})" for port in ports]
    names = [str(port.get("name")) for port in ports]
    wanted = str(link.endpoint.get("port") or "")
    close = difflib.get_close_matches(wanted, names, n=1, cutoff=0.5)
    hint = f"; it was probably renamed to {close[0]}" if close else ""
    if any(wanted == str(port.get("port")) for port in ports):
        hint = "; port takes the name of a port, not its number"
    return Finding(
        "port_name_absent",
        f"{link.title} scrapes {_port_text(link.endpoint)}, which Service {full_name(service)} does not have; "
        f"its ports are {', '.join(texts) or 'none'}{hint}",
        get("service", namespace_of(service), name_of(service), "-o yaml"),
    )


def _no_endpoints(link: Link, service: Object, cluster: Cluster, active: Sequence[Object]) -> Finding:
    namespace = namespace_of(service)
    needs = cluster.untried(PODS, {namespace}) + cluster.untried(WORKLOADS, {namespace})
    notes = cluster.unseen(PODS, {namespace}) + cluster.unseen(WORKLOADS, {namespace})
    selector = (service.get("spec") or {}).get("selector") or {}
    states = pod_states(_pods_of(service, cluster))
    port = _port_text(link.endpoint)
    if _addresses(service, link.endpoint, cluster, ready_only=False):
        text = f"Service {full_name(service)} has endpoints for {port}, but none is ready{states}"
        errors = sorted({str(target.get("lastError")) for target in active if target.get("lastError")})
        text += f"; Prometheus says of them: {errors[0]}" if errors else ""
        command = get("pods", namespace, f"-l {pairs(selector)}")
        return Finding("no_ready_endpoints", text, command, needs=needs, notes=notes)
    text = f"Service {full_name(service)} has no endpoints for {port}"
    if needs:
        return Finding("no_endpoints", text, needs=needs)
    owners = [
        item
        for item in cluster.within(WORKLOADS, {namespace})
        if selector and plain_matches(selector, template_labels(item))
    ]
    idle = [item for item in owners if replicas_of(item) == 0]
    if idle and len(idle) == len(owners):
        return Finding("scaled_to_zero", f"{text}: {scaled_to_zero(idle[0])}", scale_up(idle[0]))
    if owners:
        owner = f"{owners[0].get('kind', 'workload')} {full_name(owners[0])}"
        ready = ready_pods(owners[0])
        absent = _absent_target_port(service, link.endpoint, owners[0]) if ready else ""
        if absent:
            text += f": its target port {absent} is no port of the containers of {owner}"
            return Finding("target_port_absent", text, get("service", namespace, name_of(service), "-o yaml"))
        text += f": {owner} has {ready} ready pods{states}"
        return Finding(
            "no_ready_endpoints", text, describe(str(owners[0].get("kind", "")).lower(), namespace, name_of(owners[0]))
        )
    if not selector:
        text += "; the Service has no selector, so somebody else has to write its endpoints"
    elif cluster.within(WORKLOADS, {namespace}):
        text += f": no workload's pods have its labels ({pairs(selector)})"
    return Finding("no_endpoints", text, get("pods", namespace, "--show-labels"), notes=notes)


def scaled_to_zero(workload: Object) -> str:
    return f"{workload.get('kind', 'workload')} {full_name(workload)} is scaled to zero"


def scale_up(workload: Object) -> str:
    kind = str(workload.get("kind", "")).lower()
    return f"kubectl -n {namespace_of(workload)} scale {kind} {name_of(workload)} --replicas=1"


def _has_port(service: Object, endpoint: Object) -> bool:
    if endpoint.get("port"):
        return any(port.get("name") == endpoint["port"] for port in (service.get("spec") or {}).get("ports") or [])
    # A targetPort names a port of the container, which the Service need not list: the Service says nothing about it.
    return True


def _port_text(endpoint: Object) -> str:
    if endpoint.get("port"):
        return f"port {endpoint['port']}"
    return f"target port {endpoint.get('targetPort')}" if endpoint.get("targetPort") else "every port"


def _addresses(
    service: Object, endpoint: Object, cluster: Cluster, ready_only: bool = True
) -> set[tuple[str, str, int]]:
    """Service, address and port for each target that the monitor has to get from this Service."""
    found: set[tuple[str, str, int]] = set()
    for piece in cluster.slices_of.get((namespace_of(service), name_of(service)), ()):
        ports = piece.get("ports") or []
        if endpoint.get("port"):
            ports = [port for port in ports if str(port.get("name") or "") == endpoint["port"]]
        elif endpoint.get("targetPort"):
            # The port is the container's, so each address counts once whatever the Service lists.
            ports = [{}]
        for item in piece.get("endpoints") or []:
            # A missing condition means ready, by the API's own definition.
            if ready_only and (item.get("conditions") or {}).get("ready") is False:
                continue
            for address in item.get("addresses") or []:
                found.update((full_name(service), str(address), port.get("port") or 0) for port in ports)
    return found


def _pods_of(service: Object, cluster: Cluster) -> list[Object]:
    selector = (service.get("spec") or {}).get("selector") or {}
    return [pod for pod in cluster.within(PODS, {namespace_of(service)}) if plain_matches(selector, labels_of(pod))]


def _absent_target_port(service: Object, endpoint: Object, workload: Object) -> str:
    """The named target port that no container has; empty when there is nothing to say."""
    ports = (service.get("spec") or {}).get("ports") or []
    wanted = next((port.get("targetPort") for port in ports if port.get("name") == endpoint.get("port")), None)
    if not isinstance(wanted, str):
        return ""
    template = (workload.get("spec") or {}).get("template") or {}
    return "" if wanted in {name for name, _number in container_ports(template)} else wanted
