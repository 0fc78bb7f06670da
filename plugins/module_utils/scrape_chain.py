# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way from a ServiceMonitor or PodMonitor to targets that are up, and where it breaks.

A target appears only when every link holds: the monitor exists and a Prometheus selects it, its selector finds a
Service (or pods) in the namespaces that it looks in, the port has that name, something is ready behind it, the operator
accepts the monitor, Prometheus has loaded the scrape pool, relabeling keeps what was discovered, and the scrape
succeeds. Prometheus shows the end of the chain only. This follows the links in order, on plain data that somebody else
has read, and names the first one that is broken.
"""

from __future__ import annotations

import difflib
from dataclasses import replace

from ansible_collections.argolab.observability.plugins.module_utils.scrape_objects import (
    NAMESPACES,
    OTHER_PROMETHEUSES,
    PROMETHEUSES,
    Answers,
    Cluster,
    Finding,
    Link,
    Object,
    Pool,
    count,
    get,
)
from ansible_collections.argolab.observability.plugins.module_utils.scrape_pods import pod_links
from ansible_collections.argolab.observability.plugins.module_utils.scrape_services import service_links
from ansible_collections.argolab.observability.plugins.module_utils.scrape_targets import target_links, without_chain
from ansible_collections.argolab.observability.plugins.module_utils.selectors import (
    full_name,
    labels_of,
    mismatches,
    name_of,
    namespace_of,
)

# Causes that only Prometheus can tell, and which say nothing where it does not answer.
OF_PROMETHEUS = ("", "no_targets", "not_reloaded", "pool_not_loaded")
PROMETHEUS_COMMAND = "kubectl get pods -A -l app.kubernetes.io/name=prometheus"


def examine(pool_name: str, cluster: Cluster, answers: Answers) -> Finding:
    """Follow the chain of one scrape pool and return the first link that is broken."""
    try:
        finding = _followed(pool_name, cluster, answers)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # Objects come as the API server has them; a custom resource without a schema may hold anything.
        said = f"{type(error).__name__}: {error}"
        return Finding("could_not_check", f"what was read about this pool is not of the known form ({said})")
    if answers.silent and not finding.needs and finding.cause in OF_PROMETHEUS:
        # The links in the cluster can be judged without Prometheus; the others are unknown, never passed.
        return Finding("prometheus_silent", answers.silent, PROMETHEUS_COMMAND, finding.expected, finding.services)
    if finding.ok and finding.notes and finding.expected is None:
        # Everything that Prometheus has is up; whether that is everything there should be cannot be said.
        return replace(finding, text="how many targets there should be is not known", pending=True)
    return finding


def _followed(pool_name: str, cluster: Cluster, answers: Answers) -> Finding:
    pool = Pool.parse(pool_name)
    if pool is None:
        return without_chain(pool_name, answers)
    if not cluster.knows(pool.monitors, pool.namespace):
        finding = without_chain(pool_name, answers)
        notes = cluster.unseen(pool.monitors, {pool.namespace})
        return replace(finding, notes=notes)
    monitor = cluster.find(pool.monitors, pool.namespace, pool.name)
    if monitor is None:
        return _monitor_absent(pool, cluster)
    endpoints = endpoints_of(monitor, pool)
    if pool.index >= len(endpoints):
        return Finding(
            "endpoint_absent",
            f"{pool.title} {pool.namespace}/{pool.name} has {count(len(endpoints), 'endpoint')}, "
            f"so there is no number {pool.index}",
            get(pool.resource, pool.namespace, pool.name, "-o yaml"),
        )
    selecting, refused = _selection(pool, monitor, cluster)
    if refused is not None:
        return refused
    link = Link(pool_name, pool, monitor, endpoints[pool.index], selecting)
    active = answers.active(pool_name)
    found = pod_links(link, cluster, active) if pool.of_pods else service_links(link, cluster, active)
    if found.cause or found.needs:
        return found
    if answers.silent:
        return found
    finding = target_links(link, found, cluster, answers)
    unseen = () if cluster.of(PROMETHEUSES) else cluster.unseen(PROMETHEUSES, None)
    return replace(finding, notes=finding.notes + unseen)


def endpoints_of(monitor: Object, pool: Pool) -> list[Object]:
    return (monitor.get("spec") or {}).get("podMetricsEndpoints" if pool.of_pods else "endpoints") or []


def _monitor_absent(pool: Pool, cluster: Cluster) -> Finding:
    text = f"there is no {pool.title} {pool.namespace}/{pool.name}"
    monitors = cluster.of(pool.monitors)
    elsewhere = [full_name(item) for item in monitors if name_of(item) == pool.name]
    names = [name_of(item) for item in monitors if namespace_of(item) == pool.namespace]
    close = difflib.get_close_matches(pool.name, names, n=1)
    if elsewhere:
        text += f"; one of that name is {elsewhere[0]}"
    elif close:
        text += f"; the nearest name is {pool.namespace}/{close[0]}"
    elif not names:
        text += (
            f"; namespace {pool.namespace} has none at all: a chart that was rendered before the monitoring CRDs "
            f"existed leaves its {pool.title}s out without a word, installing it again brings them"
        )
    return Finding("monitor_absent", text, get(f"{pool.resource}s", pool.namespace))


def _selection(pool: Pool, monitor: Object, cluster: Cluster) -> tuple[list[Object], Finding | None]:
    """The Prometheus objects that select the monitor, or that none does; unknown is not held against it."""
    candidates = cluster.of(PROMETHEUSES)
    selecting, problems = [], []
    for item in candidates:
        problem, needs = _why_not_selected(item, pool, monitor, cluster)
        if needs:
            return [], Finding("prometheus_does_not_select", needs=needs)
        if problem:
            problems.append(problem)
        else:
            selecting.append(item)
    if selecting:
        return selecting, None
    others = []
    for item in cluster.of(OTHER_PROMETHEUSES) if problems else ():
        problem, needs = _why_not_selected(item, pool, monitor, cluster)
        if needs:
            return [], Finding("prometheus_does_not_select", needs=needs)
        others += [] if problem else [full_name(item)]
    if not problems:
        return [], None
    text = f"Prometheus {full_name(candidates[0])} does not select {pool.title} {full_name(monitor)}: {problems[0]}"
    text += f"; Prometheus {', '.join(sorted(others))} does" if others else ""
    command = get("prometheus", namespace_of(candidates[0]), name_of(candidates[0]), "-o yaml")
    return [], Finding("prometheus_does_not_select", text, command, elsewhere=bool(others))


def _why_not_selected(
    prometheus: Object, pool: Pool, monitor: Object, cluster: Cluster
) -> tuple[str, tuple[tuple[str, str], ...]]:
    spec = prometheus.get("spec") or {}
    prefix = "podMonitor" if pool.of_pods else "serviceMonitor"
    selector = spec.get(f"{prefix}Selector")
    if selector is None:
        return f"its {prefix}Selector is null, which selects nothing", ()
    problems = mismatches(selector, labels_of(monitor))
    if problems:
        return f"its {prefix}Selector is not met: {'; '.join(problems)}", ()
    where = spec.get(f"{prefix}NamespaceSelector")
    own = namespace_of(prometheus)
    if where is None:
        elsewhere = f"without {prefix}NamespaceSelector it looks in its own namespace {own} only"
        return (elsewhere if pool.namespace != own else ""), ()
    if not (where.get("matchLabels") or where.get("matchExpressions")):
        return "", ()
    needs = cluster.untried(NAMESPACES, None)
    if needs:
        return "", needs
    namespace = cluster.find(NAMESPACES, "", pool.namespace)
    problems = mismatches(where, labels_of(namespace)) if namespace is not None else []
    text = f"its {prefix}NamespaceSelector is not met by namespace {pool.namespace}: {'; '.join(problems)}"
    return (text if problems else ""), ()
