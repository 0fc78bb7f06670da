# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The links inside Prometheus: the pool is loaded, discovery finds the targets, relabeling keeps them, scrapes succeed."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from ansible_collections.argolab.observability.plugins.module_utils import network_policies, scrape_limits
from ansible_collections.argolab.observability.plugins.module_utils.operator_verdict import rejection
from ansible_collections.argolab.observability.plugins.module_utils.pod_states import is_ready, pod_states
from ansible_collections.argolab.observability.plugins.module_utils.relabeling import Unclear, chosen, dropping_rule
from ansible_collections.argolab.observability.plugins.module_utils.scrape_objects import (
    DROPPED,
    LOADED,
    NAMESPACES,
    PODS,
    POLICIES,
    RUNTIME,
    Answers,
    Cluster,
    Finding,
    Link,
    Object,
    count,
    describe,
    up_of,
)
from ansible_collections.argolab.observability.plugins.module_utils.scrape_reload import (
    loaded_before_change,
    not_reloaded,
    reload_failed,
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


def without_chain(pool_name: str, answers: Answers) -> Finding:
    """A pool whose monitor is not known: only what Prometheus says."""
    active = answers.active(pool_name)
    if not active:
        needs = answers.untried(LOADED)
        if needs:
            return Finding("no_targets", needs=needs)
        if answers.loaded is not None and pool_name not in answers.loaded:
            close = difflib.get_close_matches(pool_name, sorted(answers.loaded), n=1)
            hint = f"; the nearest is {close[0]}" if close else ""
            return Finding("pool_not_loaded", f"Prometheus has no scrape pool {pool_name}{hint}")
        return Finding("no_targets", f"scrape pool {pool_name} has no target")
    down = _down(active)
    if down:
        return Finding("scrape_failed", _down_text(down, len(active)))
    unknown = _unknown(active)
    return unknown or Finding()


def target_links(link: Link, found: Finding, cluster: Cluster, answers: Answers) -> Finding:
    """Judge what Prometheus has made of a monitor whose links in the cluster are whole.

    :param found: how many targets there have to be, and behind which Services or pods.
    """
    finding = _judged(link, found, cluster, answers)
    return replace(
        finding,
        expected=found.expected if finding.expected is None else finding.expected,
        services=found.services,
        pods=found.pods,
        notes=found.notes + finding.notes,
    )


def _judged(link: Link, found: Finding, cluster: Cluster, answers: Answers) -> Finding:
    active = answers.active(link.pool_name)
    if not active:
        needs = answers.untried(LOADED)
        if needs:
            return Finding("no_targets", needs=needs)
        if answers.loaded is not None and link.pool_name not in answers.loaded:
            return rejection(link, cluster, answers) or not_reloaded(
                link, cluster, answers, f"Prometheus has not loaded scrape pool {link.pool_name}, although {link.title} is right"
            )
        return _empty(link, found, cluster, answers)
    down = _down(active)
    if down:
        return _failed(link, down, len(active), cluster)
    unknown = _unknown(active)
    if unknown:
        return unknown
    if found.expected is not None and len(active) < found.expected and not _sharded(link):
        return _missing(link, found.expected, active, answers)
    return Finding()


def _empty(link: Link, found: Finding, cluster: Cluster, answers: Answers) -> Finding:
    """The pool is loaded and has no target."""
    needs = answers.untried(DROPPED, link.pool_name) + answers.untried(RUNTIME)
    if needs:
        return Finding("no_targets", needs=needs)
    candidates = [item for item in _dropped(link, answers) if chosen(link, item)]
    if loaded_before_change(link, answers) or reload_failed(answers):
        return not_reloaded(link, cluster, answers, f"scrape pool {link.pool_name} has no target yet")
    if candidates:
        return _relabeled(link, candidates)
    behind = ", ".join([*found.services, *found.pods][:3])
    text = f"Prometheus has loaded scrape pool {link.pool_name} and discovers nothing for it"
    text += f", although {behind} has {count(found.expected, 'ready endpoint')}" if behind and found.expected else ""
    namespace = sorted(link.namespaces or {link.pool.namespace})[0]
    resource = "pods" if link.pool.of_pods else "endpoints"
    prometheus = link.prometheus
    who = ((prometheus or {}).get("spec") or {}).get("serviceAccountName") or "default"
    account = f"system:serviceaccount:{namespace_of(prometheus or {})}:{who}"
    return Finding(
        "no_targets",
        f"{text}: discovered within seconds where Prometheus may list {resource} there (RBAC of {account})",
        f"kubectl auth can-i list {resource} -n {namespace} --as {account}",
    )


def _relabeled(link: Link, candidates: Sequence[Object]) -> Finding:
    rule, certain = _rule(link, candidates)
    if _sharded(link) and certain and not rule:
        text = f"its {count(len(candidates), 'target')} are scraped by another shard than the one that was asked"
        return Finding(text=text, pending=True)
    own = len(link.endpoint.get("relabelings") or [])
    text = f"service discovery finds {count(len(candidates), 'target')} for {link.title}, and "
    if rule:
        text += f"{rule} of endpoint {link.pool.index} drops {'it' if len(candidates) == 1 else 'them'}"
    elif own:
        text += f"one of its {count(own, 'relabeling')} drops them"
    else:
        text += "relabeling drops them, by no rule of the monitor"
    text += "" if certain else " (a regular expression of them is not understood here)"
    return Finding("relabeling_dropped", text, link.yaml, dropped=len(candidates))


def _rule(link: Link, candidates: Sequence[Object]) -> tuple[str, bool]:
    """The rule that drops most of them, and whether all rules could be followed."""
    rules: Counter[str] = Counter()
    try:
        rules.update(dropping_rule(link, {str(k): str(v) for k, v in item.items()}) for item in candidates)
    except Unclear:
        return "", False
    rules.pop("", None)
    return (rules.most_common(1)[0][0] if rules else ""), True


def _missing(link: Link, expected: int, active: Sequence[Object], answers: Answers) -> Finding:
    """Everything in the pool is up, and it is less than there should be."""
    needs = answers.untried(DROPPED, link.pool_name)
    if needs:
        return Finding("targets_missing", needs=needs)
    candidates = [item for item in _dropped(link, answers) if chosen(link, item)]
    rule, _certain = _rule(link, candidates)
    if rule and len(active) + len(candidates) >= expected:
        # A rule of the monitor that keeps some and drops others is there to choose.
        text = f"{rule} of endpoint {link.pool.index} leaves out {count(len(candidates), 'other')}"
        return Finding(text=text, expected=len(active), dropped=len(candidates))
    behind = "pods" if link.pool.of_pods else "Services"
    return Finding(
        "targets_missing",
        f"its {behind} have {count(expected, 'ready endpoint')}, Prometheus has {count(len(active), 'target')} for them: "
        "not discovered yet, or two become one because relabelings give them the same labels",
        link.yaml,
    )


def _failed(link: Link, down: Sequence[Object], total: int, cluster: Cluster) -> Finding:
    target = down[0]
    error = str(target.get("lastError") or "no reason given")
    text = _down_text(down, total)
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
    # That policies were looked at is said by their not being named.
    return Finding("scrape_failed", f"{text}{state}{_hint(error)}", command, notes=notes)


def _policy_needs(link: Link, namespace: str, cluster: Cluster) -> tuple[tuple[str, str], ...]:
    needs = cluster.untried(POLICIES, {namespace}) + cluster.untried(NAMESPACES, None)
    if link.prometheus is not None:
        own = {namespace_of(link.prometheus)}
        needs += cluster.untried(PODS, own) + cluster.untried(POLICIES, own)
    return tuple(dict.fromkeys(needs))


def _blocked(link: Link, target: Object, pod: Object, error: str, cluster: Cluster) -> Finding | None:
    """The policies that keep Prometheus out, where that is certain."""
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


def _dropped(link: Link, answers: Answers) -> list[Object]:
    return [item.get("discoveredLabels") or {} for item in answers.dropped.get(link.pool_name, ())]


def _down(active: Sequence[Object]) -> list[Object]:
    """Targets that are down, those with the most frequent error first."""
    down = [target for target in active if target.get("health") == "down"]
    kinds = Counter(_kind_of_error(target) for target in down)
    return sorted(down, key=lambda target: (-kinds[_kind_of_error(target)], str(target.get("scrapeUrl"))))


def _kind_of_error(target: Object) -> str:
    # Addresses and counts differ between targets that fail for the same reason.
    return re.sub(r"[0-9]+", "", str(target.get("lastError") or ""))


def _down_text(down: Sequence[Object], total: int) -> str:
    error = str(down[0].get("lastError") or "no reason given")
    return f"{len(down)} of {count(total, 'target')} down; {down[0].get('scrapeUrl', '')}: {error}"


def _hint(error: str) -> str:
    hint = likeliest_cause(error)
    return f" ({hint})" if hint else ""


def _unknown(active: Sequence[Object]) -> Finding | None:
    waiting = len(active) - up_of(active)
    if not waiting:
        return None
    return Finding("not_scraped_yet", f"{waiting} of {count(len(active), 'target')} not scraped yet")


def _sharded(link: Link) -> bool:
    """Whether other Prometheus pods scrape a part of the targets, so that one of them cannot show all."""
    return any(((item.get("spec") or {}).get("shards") or 1) > 1 for item in link.prometheuses)
