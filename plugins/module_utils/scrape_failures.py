# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why scrapes fail: a limit, a NetworkPolicy that does not admit Prometheus, or what the target itself says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from ansible_collections.argolab.observability.plugins.module_utils import network_policies, scrape_limits
from ansible_collections.argolab.observability.plugins.module_utils.pod_states import is_ready, pod_states
from ansible_collections.argolab.observability.plugins.module_utils.scrape_objects import (
    NAMESPACES,
    PODS,
    POLICIES,
    Cluster,
    Finding,
    Link,
    Object,
    count,
    describe,
)
from ansible_collections.argolab.observability.plugins.module_utils.selectors import (
    labels_of,
    matches,
    name_of,
    namespace_of,
)
from ansible_collections.argolab.observability.plugins.module_utils.target_checks import likeliest_cause

NETWORK = re.compile(
    r"context deadline exceeded|i/o timeout|timed out|no route to host|network is unreachable|connection refused"
)


SLOW = re.compile(r"context deadline exceeded|i/o timeout|timed out")


def failed(link: Link, down: Sequence[Object], total: int, cluster: Cluster) -> Finding:
    target = down[0]
    error = str(target.get("lastError") or "no reason given")
    text = down_text(down, total)
    limit = scrape_limits.limit_of(error)
    if limit:
        said = f"{text}; {scrape_limits.limit_text(limit, link)}"
        return Finding("limit_exceeded", said, scrape_limits.limit_command(limit, link))
    namespace, name = _pod_of(target)
    if not name:
        return Finding("scrape_failed", text + _hint(error), link.yaml)
    needs = cluster.untried(PODS, {namespace})
    if NETWORK.search(error):
        needs += _policy_needs(link, namespace, cluster)
    if needs:
        return Finding("scrape_failed", text, needs=needs)
    pod = cluster.find(PODS, namespace, name)
    command = describe("pod", namespace, name)
    notes = cluster.unseen(PODS, {namespace})
    if NETWORK.search(error):
        notes += cluster.unseen(POLICIES, {namespace})
        blocked = _blocked(link, target, pod, error, cluster) if pod is not None else None
        if blocked is not None:
            return replace(blocked, text=f"{text}; {blocked.text}", notes=notes)
    state = pod_states([pod]) if pod is not None and not is_ready(pod) else ""
    hint = _hint(error)
    if SLOW.search(error) and pod is not None and _policies_are_known(link, pod, cluster):
        hint = " (no NetworkPolicy keeps Prometheus out: the target answers later than scrapeTimeout, or never)"
    return Finding("scrape_failed", f"{text}{state}{hint}", command, notes=notes)


def _policy_needs(link: Link, namespace: str, cluster: Cluster) -> tuple[tuple[str, str], ...]:
    needs = cluster.untried(POLICIES, {namespace}) + cluster.untried(NAMESPACES, None)
    if link.prometheus is not None:
        own = {namespace_of(link.prometheus)}
        needs += cluster.untried(PODS, own) + cluster.untried(POLICIES, own)
    return tuple(dict.fromkeys(needs))


def _blocked(link: Link, target: Object, pod: Object, error: str, cluster: Cluster) -> Finding | None:
    """The policies that keep Prometheus out, where that is certain; a closed port may also refuse by itself."""
    if link.prometheus is None or ("refused" in error and not is_ready(pod)):
        return None
    peer = _peer(pod, cluster)
    port = urlsplit(str(target.get("scrapeUrl") or "")).port or 80
    namespaces = {namespace_of(pod), namespace_of(link.prometheus)}
    policies = cluster.within(POLICIES, namespaces)
    for source in _prometheus_pods(link.prometheus, cluster):
        found = network_policies.blocking(policies, _peer(source, cluster), peer, port)
        if not found:
            continue
        way = network_policies.direction_of(found[0], peer)
        what = (
            f"select{'s' if len(found) == 1 else ''} pod {name_of(pod)} and admit{'s' if len(found) == 1 else ''} "
            if way == "ingress"
            else f"select{'s' if len(found) == 1 else ''} Prometheus and let{'s' if len(found) == 1 else ''} out "
        )
        end = (
            f"no traffic of Prometheus pod {namespace_of(source)}/{name_of(source)} to port {port}"
            if way == "ingress"
            else f"nothing to port {port} of pod {namespace_of(pod)}/{name_of(pod)}"
        )
        text = f"NetworkPolicy {network_policies.names(found)} {what}{end}"
        return Finding("network_policy", text, describe("networkpolicy", namespace_of(found[0]), name_of(found[0])))
    return None


def _policies_are_known(link: Link, pod: Object, cluster: Cluster) -> bool:
    """Whether everything was seen that could keep Prometheus from the pod."""
    if link.prometheus is None or not _prometheus_pods(link.prometheus, cluster):
        return False
    where = {namespace_of(pod), namespace_of(link.prometheus)}
    return all(cluster.knows(POLICIES, place) for place in where) and cluster.knows(NAMESPACES)


def _prometheus_pods(prometheus: Object, cluster: Cluster) -> list[Object]:
    selector = str((prometheus.get("status") or {}).get("selector") or "")
    labels = dict(part.split("=", 1) for part in selector.split(",") if "=" in part)
    wanted = {"matchLabels": labels or {"operator.prometheus.io/name": name_of(prometheus)}}
    return [pod for pod in cluster.within(PODS, {namespace_of(prometheus)}) if matches(wanted, labels_of(pod))]


def _peer(pod: Object, cluster: Cluster) -> network_policies.Peer:
    namespace = cluster.find(NAMESPACES, "", namespace_of(pod))
    return network_policies.Peer(pod, None if namespace is None else labels_of(namespace))


def _pod_of(target: Object) -> tuple[str, str]:
    """Namespace and name of the pod behind a target; what was discovered says it even where relabelings do not."""
    discovered, labels = target.get("discoveredLabels") or {}, target.get("labels") or {}
    namespace = discovered.get("__meta_kubernetes_namespace") or labels.get("namespace") or ""
    name = discovered.get("__meta_kubernetes_pod_name") or labels.get("pod") or ""
    return (str(namespace), str(name)) if namespace and name else ("", "")


def down_of(active: Sequence[Object]) -> list[Object]:
    """Targets that are down, those with the most frequent error first."""
    down = [target for target in active if target.get("health") == "down"]
    kinds = Counter(_kind_of_error(target) for target in down)
    return sorted(down, key=lambda target: (-kinds[_kind_of_error(target)], str(target.get("scrapeUrl"))))


def _kind_of_error(target: Object) -> str:
    # Addresses and counts differ between targets that fail for the same reason.
    return re.sub(r"[0-9]+", "", str(target.get("lastError") or ""))


def down_text(down: Sequence[Object], total: int) -> str:
    error = str(down[0].get("lastError") or "no reason given")
    return f"{len(down)} of {count(total, 'target')} down; {down[0].get('scrapeUrl', '')}: {error}"


def _hint(error: str) -> str:
    hint = likeliest_cause(error)
    return f" ({hint})" if hint else ""
