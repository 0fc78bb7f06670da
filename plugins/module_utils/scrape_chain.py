# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way from a ServiceMonitor to a target that is up, and where it breaks.

A target appears only when every link holds: the ServiceMonitor exists and a Prometheus selects it, its selector finds
a Service, the Service has the port by that name, an EndpointSlice has addresses for it, Prometheus has loaded the
scrape pool, and the scrape succeeds. Prometheus shows the end of the chain only. These functions look at the objects of
each link, on plain data that somebody else has read, and name the first one that is broken.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.selectors import (
    full_name,
    labels_of,
    matches,
    mismatches,
    name_of,
    namespace_of,
    plain_matches,
    selector_text,
)
from ansible_collections.argolab.observability.plugins.module_utils.target_checks import likeliest_cause

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Pool:
    """A scrape pool's name, taken apart: KIND/NAMESPACE/NAME/INDEX."""

    kind: str
    namespace: str
    name: str
    index: int

    @classmethod
    def parse(cls, text: str) -> Pool | None:
        """None for pools that the operator did not make from a monitor (static jobs, for example)."""
        parts = text.split("/")
        if len(parts) != 4 or parts[0] not in ("serviceMonitor", "podMonitor") or not parts[3].isdigit():
            return None
        return cls(parts[0], parts[1], parts[2], int(parts[3]))


@dataclass(frozen=True)
class Cluster:
    """What was read from the API server, as lists of objects."""

    monitors: Sequence[Object] = ()
    services: Sequence[Object] = ()
    slices: Sequence[Object] = ()
    prometheuses: Sequence[Object] = ()
    namespaces: Sequence[Object] = ()
    workloads: Sequence[Object] = ()
    network_policies: Sequence[Object] = ()
    pods: Sequence[Object] = ()


@dataclass(frozen=True)
class Finding:
    """The state of one pool. cause is empty when nothing is wrong."""

    cause: str = ""
    text: str = ""
    next: str = ""
    expected: int = 0
    services: tuple[str, ...] = field(default=())

    @property
    def ok(self) -> bool:
        return not self.cause


def examine(
    pool_name: str,
    cluster: Cluster,
    targets: Iterable[Object] = (),
    loaded_pools: Iterable[str] | None = None,
    prometheus: str = "",
) -> Finding:
    """Follow the chain of one scrape pool and return the first link that is broken.

    targets are the active targets of Prometheus (of this pool or of all); loaded_pools the names of its scrape pools,
    or None when they are not known; prometheus NAMESPACE/NAME of the one that should scrape, any if empty.
    """
    pool = Pool.parse(pool_name)
    active = [target for target in targets if target.get("scrapePool") == pool_name]
    if pool is None or pool.kind != "serviceMonitor":
        return _without_chain(pool_name, active, loaded_pools)
    monitor = _find(cluster.monitors, pool.namespace, pool.name)
    if monitor is None:
        return _monitor_absent(pool, cluster)
    endpoints = (monitor.get("spec") or {}).get("endpoints") or []
    if pool.index >= len(endpoints):
        return Finding(
            "endpoint_absent",
            f"ServiceMonitor {pool.namespace}/{pool.name} has {_count(len(endpoints), 'endpoint')}, "
            f"so there is no number {pool.index}",
            _get("servicemonitor", pool.namespace, pool.name, "-o yaml"),
        )
    return (
        _not_selected(monitor, cluster, prometheus)
        or _service_links(monitor, endpoints[pool.index], cluster, active)
        or _prometheus_links(pool_name, monitor, endpoints[pool.index], cluster, active, loaded_pools)
    )


# --- links in the cluster ---------------------------------------------------------------------------------------------


def _monitor_absent(pool: Pool, cluster: Cluster) -> Finding:
    text = f"there is no ServiceMonitor {pool.namespace}/{pool.name}"
    elsewhere = [full_name(item) for item in cluster.monitors if name_of(item) == pool.name]
    names = [name_of(item) for item in cluster.monitors if namespace_of(item) == pool.namespace]
    close = difflib.get_close_matches(pool.name, names, n=1)
    if elsewhere:
        text += f"; one of that name is {elsewhere[0]}"
    elif close:
        text += f"; the nearest name is {pool.namespace}/{close[0]}"
    elif not names:
        text += (
            f"; namespace {pool.namespace} has none at all: a chart that was rendered before the monitoring CRDs "
            "existed leaves its ServiceMonitors out without a word, installing it again brings them"
        )
    return Finding("monitor_absent", text, _get("servicemonitors", pool.namespace))


def _not_selected(monitor: Object, cluster: Cluster, prometheus: str) -> Finding | None:
    """Whether any Prometheus (or the one that is meant) selects the monitor; unknown is not held against it."""
    candidates = [item for item in cluster.prometheuses if not prometheus or full_name(item) == prometheus]
    if not candidates:
        return None
    problems = [_why_not_selected(item, monitor, cluster) for item in candidates]
    if any(not problem for problem in problems):
        return None
    return Finding(
        "prometheus_does_not_select",
        f"Prometheus {full_name(candidates[0])} does not select ServiceMonitor {full_name(monitor)}: {problems[0]}",
        _get("prometheus", namespace_of(candidates[0]), name_of(candidates[0]), "-o yaml"),
    )


def _why_not_selected(prometheus: Object, monitor: Object, cluster: Cluster) -> str:
    spec = prometheus.get("spec") or {}
    selector = spec.get("serviceMonitorSelector")
    if selector is None:
        return "its serviceMonitorSelector is null, which selects nothing"
    problems = mismatches(selector, labels_of(monitor))
    if problems:
        return f"its serviceMonitorSelector is not met: {'; '.join(problems)}"
    where = spec.get("serviceMonitorNamespaceSelector")
    if where is None:
        if namespace_of(monitor) == namespace_of(prometheus):
            return ""
        return f"without serviceMonitorNamespaceSelector it looks in its own namespace {namespace_of(prometheus)} only"
    namespace = _find(cluster.namespaces, "", namespace_of(monitor))
    problems = mismatches(where, labels_of(namespace)) if namespace is not None else []
    return (
        f"its serviceMonitorNamespaceSelector is not met by namespace {namespace_of(monitor)}: {'; '.join(problems)}"
        if problems
        else ""
    )


def _service_links(monitor: Object, endpoint: Object, cluster: Cluster, active: Sequence[Object]) -> Finding | None:
    spec = monitor.get("spec") or {}
    selector = spec.get("selector") or {}
    where = _monitor_namespaces(monitor)
    reachable = [item for item in cluster.services if where is None or namespace_of(item) in where]
    selected = [item for item in reachable if matches(selector, labels_of(item))]
    if not selected:
        return _no_service(monitor, selector, where, reachable, cluster)
    with_port = [item for item in selected if _has_port(item, endpoint)]
    if not with_port:
        return _no_port(monitor, endpoint, selected)
    if any(_addresses(item, endpoint, cluster) for item in with_port):
        return None
    if any(_addresses(item, endpoint, cluster, ready_only=False) for item in with_port) and active:
        # Prometheus scrapes pods that are not ready, too: what it sees of them says more.
        return None
    return _no_endpoints(monitor, endpoint, with_port, cluster)


def _no_service(
    monitor: Object, selector: Object, where: set[str] | None, reachable: Sequence[Object], cluster: Cluster
) -> Finding:
    place = "any namespace" if where is None else f"namespace {', '.join(sorted(where))}"
    outside = [item for item in cluster.services if where is not None and namespace_of(item) not in where]
    elsewhere = [full_name(item) for item in outside if matches(selector, labels_of(item))]
    if elsewhere:
        return Finding(
            "namespace_not_selected",
            f"the namespaceSelector of ServiceMonitor {full_name(monitor)} looks in {place} only; "
            f"Service {', '.join(elsewhere)} matches its selector elsewhere",
            _get("servicemonitor", namespace_of(monitor), name_of(monitor), "-o yaml"),
        )
    text = (
        f"the selector of ServiceMonitor {full_name(monitor)} ({selector_text(selector)}) matches no Service in {place}"
    )
    nearest = _nearest_service(monitor, selector, reachable)
    if nearest is not None:
        text += (
            f"; nearest is Service {full_name(nearest)}, whose {'; '.join(mismatches(selector, labels_of(nearest)))}"
        )
    namespace = sorted(where)[0] if where else namespace_of(monitor)
    return Finding("selector_matches_no_service", text, _get("services", namespace, "--show-labels"))


def _nearest_service(monitor: Object, selector: Object, services: Sequence[Object]) -> Object | None:
    """The Service that lacks least; the ports that the monitor wants and then the name decide between equals."""
    wanted = {str(item.get("port")) for item in (monitor.get("spec") or {}).get("endpoints") or []}

    def rank(service: Object) -> tuple[int, int, float, str]:
        ports = {str(port.get("name")) for port in (service.get("spec") or {}).get("ports") or []}
        likeness = difflib.SequenceMatcher(None, name_of(monitor), name_of(service)).ratio()
        return len(mismatches(selector, labels_of(service))), -len(wanted & ports), -likeness, name_of(service)

    demands = len(selector.get("matchLabels") or {}) + len(selector.get("matchExpressions") or [])
    ranked = sorted(services, key=rank)
    # One that meets none of the demands and has not even the port is no neighbour, only another Service.
    if not ranked or (rank(ranked[0])[0] >= demands and rank(ranked[0])[1] == 0):
        return None
    return ranked[0]


def _no_port(monitor: Object, endpoint: Object, selected: Sequence[Object]) -> Finding:
    service = selected[0]
    ports = [
        f"{port.get('name') or 'unnamed'} ({port.get('port')})"
        for port in (service.get("spec") or {}).get("ports") or []
    ]
    wanted = _port_text(endpoint)
    names = [str(port.get("name")) for port in (service.get("spec") or {}).get("ports") or []]
    close = difflib.get_close_matches(str(endpoint.get("port") or ""), names, n=1, cutoff=0.5)
    hint = f"; it was probably renamed to {close[0]}" if close else ""
    return Finding(
        "port_name_absent",
        f"ServiceMonitor {full_name(monitor)} scrapes {wanted}, which Service {full_name(service)} does not have; "
        f"its ports are {', '.join(ports) or 'none'}{hint}",
        _get("service", namespace_of(service), name_of(service), "-o yaml"),
        services=tuple(full_name(item) for item in selected),
    )


def _no_endpoints(monitor: Object, endpoint: Object, services: Sequence[Object], cluster: Cluster) -> Finding:
    service = services[0]
    names = tuple(full_name(item) for item in services)
    selector = (service.get("spec") or {}).get("selector") or {}
    if _addresses(service, endpoint, cluster, ready_only=False):
        who = _unready_text(service, cluster)
        return Finding(
            "no_ready_endpoints",
            f"Service {full_name(service)} has endpoints for {_port_text(endpoint)}, but none is ready{who}",
            _get("pods", namespace_of(service), f"-l {_pairs(selector)}"),
            services=names,
        )
    text = f"Service {full_name(service)} has no endpoints for {_port_text(endpoint)}"
    owners = [item for item in cluster.workloads if _selected_by(service, item)]
    idle = [item for item in owners if (item.get("spec") or {}).get("replicas") == 0]
    if idle:
        owner = f"{idle[0].get('kind', 'workload')} {full_name(idle[0])}"
        kind = str(idle[0].get("kind", "")).lower()
        command = f"kubectl -n {namespace_of(idle[0])} scale {kind} {name_of(idle[0])} --replicas=1"
        return Finding("scaled_to_zero", f"{text}: {owner} is scaled to zero", command, services=names)
    if owners:
        status = owners[0].get("status") or {}
        ready = status.get("readyReplicas") or status.get("numberReady") or 0
        absent = _absent_target_port(service, endpoint, owners[0]) if ready else ""
        if absent:
            who = f"{owners[0].get('kind')} {full_name(owners[0])}"
            text += f": its target port {absent} is no port of the containers of {who}"
            command = _get("service", namespace_of(service), name_of(service), "-o yaml")
            return Finding("target_port_absent", text, command, services=names)
        text += f": {owners[0].get('kind', 'workload')} {full_name(owners[0])} has {ready} ready pods"
        text += _unready_text(service, cluster)
        command = (
            f"kubectl -n {namespace_of(service)} describe {str(owners[0].get('kind', '')).lower()} {name_of(owners[0])}"
        )
        return Finding("no_ready_endpoints", text, command, services=names)
    if not selector:
        text += "; the Service has no selector, so somebody else has to write its endpoints"
    elif cluster.workloads:
        text += f": no workload's pods have its labels ({_pairs(selector)})"
    return Finding("no_endpoints", text, _get("pods", namespace_of(service), "--show-labels"), services=names)


# --- links in Prometheus ----------------------------------------------------------------------------------------------


def _prometheus_links(
    pool_name: str,
    monitor: Object,
    endpoint: Object,
    cluster: Cluster,
    active: Sequence[Object],
    loaded_pools: Iterable[str] | None,
) -> Finding:
    selector = (monitor.get("spec") or {}).get("selector") or {}
    where = _monitor_namespaces(monitor)
    services = [
        item
        for item in cluster.services
        if (where is None or namespace_of(item) in where)
        and matches(selector, labels_of(item))
        and _has_port(item, endpoint)
    ]
    names = tuple(full_name(item) for item in services)
    expected = len({address for item in services for address in _addresses(item, endpoint, cluster)})
    up = [target for target in active if target.get("health") == "up"]
    if loaded_pools is not None and pool_name not in set(loaded_pools):
        rejected = _rejection(monitor)
        if rejected:
            text = f"the operator rejected ServiceMonitor {full_name(monitor)}: {rejected}"
            return Finding("operator_rejected", text, _describe("servicemonitor", monitor), expected, names)
        return Finding(
            "pool_not_loaded",
            f"Prometheus has not loaded scrape pool {pool_name}, although monitor, Service and endpoints are right: "
            "its configuration takes one to two minutes to arrive after a change, or the operator does not run",
            _get("pods", "", "-A -l app.kubernetes.io/name=kube-prometheus-stack-prometheus-operator"),
            expected,
            names,
        )
    if not active:
        return Finding(
            "no_targets",
            f"Prometheus has loaded the pool and finds no target in it, although {', '.join(names)} has "
            f"{_count(expected, 'ready endpoint')}: not discovered yet, or relabeling drops them",
            _get("servicemonitor", namespace_of(monitor), name_of(monitor), "-o yaml"),
            expected,
            names,
        )
    failing = [target for target in active if target.get("health") == "down"]
    if failing:
        return _scrape_failed(failing, len(active), expected, names, cluster)
    if len(up) < len(active):
        text = f"{len(active) - len(up)} of {_count(len(active), 'target')} not scraped yet"
        return Finding("not_scraped_yet", text, "", expected, names)
    if len(up) < expected:
        return Finding(
            "targets_missing",
            f"{', '.join(names)} has {_count(expected, 'ready endpoint')}, Prometheus has "
            f"{_count(len(up), 'target')} for them: not discovered yet, or relabeling drops some",
            _get("servicemonitor", namespace_of(monitor), name_of(monitor), "-o yaml"),
            expected,
            names,
        )
    return Finding(expected=expected, services=names)


def _scrape_failed(
    failing: Sequence[Object], total: int, expected: int, names: tuple[str, ...], cluster: Cluster
) -> Finding:
    target = failing[0]
    labels = target.get("labels") or {}
    error = str(target.get("lastError") or "no reason given")
    text = f"{len(failing)} of {_count(total, 'target')} down; {target.get('scrapeUrl', '')}: {error}"
    pod, namespace = str(labels.get("pod") or ""), str(labels.get("namespace") or "")
    command = f"kubectl -n {namespace} describe pod {pod}" if pod and namespace else ""
    policies = _policies_for(namespace, pod, cluster)
    hint = likeliest_cause(error)
    if policies and ("deadline" in error or "timeout" in error):
        hint = f"NetworkPolicy {', '.join(policies)} selects the pod and may keep Prometheus out"
        command = f"kubectl -n {namespace} describe networkpolicy {policies[0]}"
    return Finding("scrape_failed", f"{text}{f' ({hint})' if hint else ''}", command, expected, names)


def _without_chain(pool_name: str, active: Sequence[Object], loaded_pools: Iterable[str] | None) -> Finding:
    if loaded_pools is not None and pool_name not in set(loaded_pools):
        close = difflib.get_close_matches(pool_name, list(loaded_pools), n=1)
        hint = f"; the nearest is {close[0]}" if close else ""
        return Finding("pool_not_loaded", f"Prometheus has no scrape pool {pool_name}{hint}")
    if not active:
        return Finding("no_targets", f"scrape pool {pool_name} has no target")
    down = [target for target in active if target.get("health") == "down"]
    if down:
        error = str(down[0].get("lastError") or "no reason given")
        return Finding(
            "scrape_failed",
            f"{len(down)} of {_count(len(active), 'target')} down; {down[0].get('scrapeUrl', '')}: {error}",
        )
    return Finding(expected=len(active))


# --- small things -----------------------------------------------------------------------------------------------------


def _monitor_namespaces(monitor: Object) -> set[str] | None:
    """The namespaces that a monitor looks in, None for all."""
    selector = (monitor.get("spec") or {}).get("namespaceSelector") or {}
    if selector.get("any"):
        return None
    return {str(name) for name in selector.get("matchNames") or []} or {namespace_of(monitor)}


def _has_port(service: Object, endpoint: Object) -> bool:
    ports = (service.get("spec") or {}).get("ports") or []
    if endpoint.get("port"):
        return any(port.get("name") == endpoint["port"] for port in ports)
    # A targetPort names a port of the container, which the Service need not list: the Service says nothing about it.
    return True


def _port_text(endpoint: Object) -> str:
    if endpoint.get("port"):
        return f"port {endpoint['port']}"
    return f"target port {endpoint.get('targetPort')}" if endpoint.get("targetPort") else "every port"


def _addresses(service: Object, endpoint: Object, cluster: Cluster, ready_only: bool = True) -> set[str]:
    """Addresses behind a Service for the port that the monitor scrapes."""
    found: set[str] = set()
    for piece in cluster.slices:
        if namespace_of(piece) != namespace_of(service):
            continue
        if labels_of(piece).get("kubernetes.io/service-name") != name_of(service):
            continue
        names = {str(port.get("name") or "") for port in piece.get("ports") or []}
        if endpoint.get("port") and endpoint["port"] not in names:
            continue
        for item in piece.get("endpoints") or []:
            # A missing condition means ready, by the API's own definition.
            ready = (item.get("conditions") or {}).get("ready")
            if ready is False and ready_only:
                continue
            found.update(str(address) for address in item.get("addresses") or [])
    return found


def _selected_by(service: Object, workload: Object) -> bool:
    template = ((workload.get("spec") or {}).get("template") or {}).get("metadata") or {}
    labels = {str(key): str(value) for key, value in (template.get("labels") or {}).items()}
    selector = (service.get("spec") or {}).get("selector") or {}
    return namespace_of(workload) == namespace_of(service) and plain_matches(selector, labels)


def _absent_target_port(service: Object, endpoint: Object, workload: Object) -> str:
    """The named target port that no container has; empty when there is nothing to say."""
    ports = (service.get("spec") or {}).get("ports") or []
    wanted = next((port.get("targetPort") for port in ports if port.get("name") == endpoint.get("port")), None)
    if not isinstance(wanted, str):
        return ""
    pod = ((workload.get("spec") or {}).get("template") or {}).get("spec") or {}
    have = {str(port.get("name")) for item in pod.get("containers") or [] for port in item.get("ports") or []}
    return "" if wanted in have else wanted


def _unready_text(service: Object, cluster: Cluster) -> str:
    selector = (service.get("spec") or {}).get("selector") or {}
    pods = [
        name_of(pod)
        for pod in cluster.pods
        if namespace_of(pod) == namespace_of(service) and plain_matches(selector, labels_of(pod))
    ]
    return f" (pods: {', '.join(sorted(pods)[:3])})" if pods else ""


def _policies_for(namespace: str, pod_name: str, cluster: Cluster) -> list[str]:
    pod = _find(cluster.pods, namespace, pod_name)
    return [
        name_of(policy)
        for policy in cluster.network_policies
        if namespace_of(policy) == namespace
        and (pod is None or matches((policy.get("spec") or {}).get("podSelector"), labels_of(pod)))
        and "Ingress" in ((policy.get("spec") or {}).get("policyTypes") or ["Ingress"])
    ]


def _rejection(monitor: Object) -> str:
    """The operator's word on a monitor, where it writes one (feature gate StatusForConfigurationResources)."""
    for binding in (monitor.get("status") or {}).get("bindings") or []:
        for condition in binding.get("conditions") or []:
            if condition.get("type") == "Accepted" and condition.get("status") == "False":
                return str(condition.get("message") or condition.get("reason") or "no reason given")
    return ""


def _find(items: Iterable[Object], namespace: str, name: str) -> Object | None:
    return next((item for item in items if name_of(item) == name and namespace_of(item) == namespace), None)


def _pairs(selector: Mapping[str, Any]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items()))


def _get(kind: str, namespace: str, *rest: str) -> str:
    scope = f"-n {namespace} " if namespace else ""
    return f"kubectl {scope}get {kind} {' '.join(rest)}".strip()


def _describe(kind: str, obj: Object) -> str:
    return f"kubectl -n {namespace_of(obj)} describe {kind} {name_of(obj)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
