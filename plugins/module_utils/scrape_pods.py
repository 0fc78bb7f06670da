# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The links between a PodMonitor and the addresses that Prometheus has to find: pods and their containers' ports."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.argolab.observability.plugins.module_utils.pod_states import (
    container_ports,
    is_finished,
    is_ready,
    pod_states,
    replicas_of,
    template_labels,
)
from ansible_collections.argolab.observability.plugins.module_utils.scrape_objects import (
    PODS,
    WORKLOADS,
    Cluster,
    Finding,
    Link,
    Object,
    count,
    describe,
    get,
    place_text,
    up_of,
)
from ansible_collections.argolab.observability.plugins.module_utils.scrape_services import scale_up, scaled_to_zero
from ansible_collections.argolab.observability.plugins.module_utils.selectors import (
    full_name,
    labels_of,
    likeness,
    matches,
    mismatches,
    name_of,
    namespace_of,
    selector_text,
)

# A pod that runs twice over is named once.
SHOWN = 20


def pod_links(link: Link, cluster: Cluster, active: Sequence[Object]) -> Finding:
    """The first broken link, or how many targets there have to be."""
    where = link.namespaces
    needs = cluster.untried(PODS, where)
    if needs:
        return Finding(needs=needs)
    notes = cluster.unseen(PODS, where)
    reachable = cluster.within(PODS, where)
    matching = [pod for pod in reachable if matches(link.selector, labels_of(pod))]
    selected = [pod for pod in matching if not (_running_only(link.endpoint) and is_finished(pod))]
    names = tuple(sorted(full_name(pod) for pod in selected)[:SHOWN])
    if not selected:
        if notes:
            return Finding(notes=notes)
        return _finished(link, matching) if matching else _no_pod(link, reachable, cluster)
    with_port = [pod for pod in selected if _ports(pod, link.endpoint)]
    if not with_port:
        return replace(_no_port(link, selected), pods=names, notes=notes)
    if notes:
        return Finding(pods=names, notes=notes)
    ready = [pod for pod in with_port if is_ready(pod) and (pod.get("status") or {}).get("podIP")]
    if ready or up_of(active):
        # Prometheus scrapes pods that are not ready, too: what it sees of them says more.
        return Finding(expected=sum(len(_ports(pod, link.endpoint)) for pod in ready), pods=names)
    errors = sorted({str(target.get("lastError")) for target in active if target.get("lastError")})
    said = f"; Prometheus says of them: {errors[0]}" if errors else ""
    return Finding(
        "no_ready_endpoints",
        f"{link.title} selects {count(len(with_port), 'pod')} with {_port_text(link.endpoint)}, but none is ready"
        f"{pod_states(with_port)}{said}",
        describe("pod", namespace_of(with_port[0]), name_of(with_port[0])),
        pods=names,
    )


def _running_only(endpoint: Object) -> bool:
    return endpoint.get("filterRunning") is not False


def _ports(pod: Object, endpoint: Object) -> list[tuple[str, int]]:
    """The ports of the pod that this endpoint scrapes; a container without any counts where no port is asked for."""
    ports = container_ports(pod)
    wanted = endpoint.get("targetPort")
    if endpoint.get("port"):
        return [port for port in ports if port[0] == endpoint["port"]]
    if endpoint.get("portNumber"):
        return [port for port in ports if port[1] == endpoint["portNumber"]]
    if wanted:
        return [port for port in ports if str(wanted) in (port[0], str(port[1]))]
    return ports or [("", 0)]


def _port_text(endpoint: Object) -> str:
    if endpoint.get("port"):
        return f"port {endpoint['port']}"
    if endpoint.get("portNumber"):
        return f"port number {endpoint['portNumber']}"
    return f"target port {endpoint['targetPort']}" if endpoint.get("targetPort") else "any port"


def _no_port(link: Link, selected: Sequence[Object]) -> Finding:
    pod = selected[0]
    ports = container_ports(pod)
    texts = [f"{name or 'unnamed'} ({number})" for name, number in ports]
    wanted = str(link.endpoint.get("port") or "")
    close = difflib.get_close_matches(wanted, [name for name, _number in ports], n=1, cutoff=0.5)
    hint = f"; it was probably renamed to {close[0]}" if wanted and close else ""
    if wanted in {str(number) for _name, number in ports}:
        hint = "; port takes the name of a port, portNumber its number"
    return Finding(
        "port_name_absent" if wanted else "target_port_absent",
        f"{link.title} scrapes {_port_text(link.endpoint)}, which no container of pod {full_name(pod)} has; "
        f"their ports are {', '.join(texts) or 'none'}{hint}",
        get("pod", namespace_of(pod), name_of(pod), "-o yaml"),
    )


def _finished(link: Link, pods: Sequence[Object]) -> Finding:
    return Finding(
        "no_ready_endpoints",
        f"{link.title} selects {count(len(pods), 'pod')}, and Prometheus leaves out pods that have ended"
        f"{pod_states(pods)}",
        get("pods", namespace_of(pods[0])),
        pods=tuple(sorted(full_name(pod) for pod in pods)[:SHOWN]),
    )


def _no_pod(link: Link, reachable: Sequence[Object], cluster: Cluster) -> Finding:
    where = link.namespaces
    text = f"the selector of {link.title} ({selector_text(link.selector)}) matches no pod in {place_text(where)}"
    # Pods elsewhere are looked for only now that there are none here.
    needs = cluster.untried(WORKLOADS, where) + cluster.untried(PODS, None)
    if needs:
        return Finding("selector_matches_no_pod", text, needs=needs)
    workloads = cluster.within(WORKLOADS, where)
    owners = [item for item in workloads if matches(link.selector, template_labels(item))]
    idle = [item for item in owners if replicas_of(item) == 0]
    if idle and len(idle) == len(owners):
        return Finding("scaled_to_zero", f"{text}: {scaled_to_zero(idle[0])}", scale_up(idle[0]))
    if owners:
        kind = str(owners[0].get("kind", "workload"))
        return Finding(
            "no_ready_endpoints",
            f"{text}, although {kind} {full_name(owners[0])} would make such pods: it has none",
            describe(kind.lower(), namespace_of(owners[0]), name_of(owners[0])),
        )
    outside = [pod for pod in cluster.of(PODS) if where is not None and namespace_of(pod) not in where]
    elsewhere = sorted(full_name(pod) for pod in outside if matches(link.selector, labels_of(pod)))
    if elsewhere:
        return Finding(
            "namespace_not_selected",
            f"the namespaceSelector of {link.title} looks in {place_text(where)} only; "
            f"pod {', '.join(elsewhere[:3])} matches its selector elsewhere",
            link.yaml,
        )
    nearest = _nearest(link, reachable)
    if nearest is not None:
        text += f"; nearest is pod {full_name(nearest)}, whose "
        text += "; ".join(mismatches(link.selector, labels_of(nearest)))
    namespace = sorted(where)[0] if where else link.pool.namespace
    notes = cluster.unseen(WORKLOADS, where) + cluster.unseen(PODS, None)
    return Finding("selector_matches_no_pod", text, get("pods", namespace, "--show-labels"), notes=notes)


def _nearest(link: Link, pods: Sequence[Object]) -> Object | None:
    """The pod that lacks least; having the port and then the values and the name decide between equals."""

    def rank(pod: Object) -> tuple[int, int, float, str]:
        near = likeness(link.selector, labels_of(pod))
        near += difflib.SequenceMatcher(None, link.pool.name, name_of(pod)).ratio()
        has_port = bool(_ports(pod, link.endpoint))
        return len(mismatches(link.selector, labels_of(pod))), -has_port, -near, name_of(pod)

    demands = len(link.selector.get("matchLabels") or {}) + len(link.selector.get("matchExpressions") or [])
    best = min(pods, key=rank, default=None)
    if best is None or (rank(best)[0] >= demands and rank(best)[1] == 0):
        return None
    return best
