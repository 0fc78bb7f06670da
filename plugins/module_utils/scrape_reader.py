# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what the chain of a scrape pool consists of, no more than needed, and judge it."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.cluster_reader import ClusterReader
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.explained import (
    PROMETHEUS_SILENT,
    ExplainedCheck,
    poll_of,
)
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import PrometheusClient
from ansible_collections.argolab.observability.plugins.module_utils.scrape_chain import examine
from ansible_collections.argolab.observability.plugins.module_utils.scrape_objects import (
    DROPPED,
    EXPRESSIONS,
    LOADED,
    OTHER_PROMETHEUSES,
    POD_MONITORS,
    PROMETHEUSES,
    RUNTIME,
    SERVICE_MONITORS,
    SERVICES,
    SLICES,
    Answers,
    Cluster,
    Finding,
    Need,
    Object,
    Pool,
    count,
    listed,
    mapping,
    up_of,
)
from ansible_collections.argolab.observability.plugins.module_utils.selectors import (
    name_of,
    namespace_of,
    plain_matches,
)
from ansible_collections.argolab.observability.plugins.module_utils.waiter import Poll

# From this many pools on, one answer with all targets is cheaper than one answer each.
ALL_AT_ONCE = 25
# No chain asks for more rounds than it has links.
ROUNDS = 8
OF_PROMETHEUS = (LOADED, DROPPED, RUNTIME, EXPRESSIONS)
KINDS = {SERVICE_MONITORS: "serviceMonitor", POD_MONITORS: "podMonitor"}
ENDPOINTS = {SERVICE_MONITORS: "endpoints", POD_MONITORS: "podMetricsEndpoints"}


class ScrapeReader:
    """Looks at the pools again each time poll() is called.

    :param at: namespace of the Prometheus that is asked, and its Service as V(name:port).
    """

    def __init__(
        self,
        kube: KubeClient,
        prometheus: PrometheusClient,
        pools: Iterable[str] = (),
        ignored: Iterable[str] = (),
        at: tuple[str, str] = ("monitoring", "prometheus-operated:9090"),
    ) -> None:
        self._reader = ClusterReader(kube)
        self._prometheus = prometheus
        self._pools = list(dict.fromkeys(pools))
        self._ignored = set(ignored)
        self._at = at
        self._complaints: dict[str, str] = {}

    def poll(self) -> Poll:
        """One look: a check per pool, and as value a row per pool."""
        cluster = self._base()
        answers = Answers()
        pools = self._pools or all_pools(cluster)
        unlisted = [] if self._pools else [what for what in KINDS if not cluster.knows(what)]
        if unlisted:
            # Which monitors there are may not be read: what Prometheus has loaded of them is judged all the same.
            answers = self._ask((LOADED, ""), answers)
            known = [f"{KINDS[what]}/" for what in unlisted]
            pools += [pool for pool in sorted(answers.loaded or ()) if pool.startswith(tuple(known))]
        pools = [pool for pool in dict.fromkeys(pools) if pool not in self._ignored]
        answers = self._targets(pools, answers)
        found = self._examined(pools, cluster, answers)
        if not self._pools:
            # Monitors that are another Prometheus's are none of this one's.
            found.findings = {pool: item for pool, item in found.findings.items() if not item.elsewhere}
        checks = [_unlisted(what) for what in unlisted]
        checks += [_check(pool, item, found.answers.active(pool)) for pool, item in found.findings.items()]
        rows = [_row(pool, item, found.answers.active(pool)) for pool, item in found.findings.items()]
        return poll_of(checks, rows, found.answers.silent)

    def _examined(self, pools: Sequence[str], cluster: Cluster, answers: Answers) -> _Examined:
        """Judge, read what the judgement needs, and judge again, until nothing is needed."""
        findings = {pool: examine(pool, cluster, answers) for pool in pools}
        for _round in range(ROUNDS):
            needs = dict.fromkeys(need for item in findings.values() for need in item.needs)
            if not needs:
                break
            was_silent = answers.silent
            for need in needs:
                if need[0] not in OF_PROMETHEUS:
                    cluster = self._reader.read(need, cluster)
                elif not answers.silent:
                    answers = self._ask(need, answers)
            everything = answers.silent != was_silent
            findings.update(
                {pool: examine(pool, cluster, answers) for pool, item in findings.items() if item.needs or everything}
            )
        return _Examined(findings, answers)

    def _base(self) -> Cluster:
        """What every chain needs."""
        named = [pool for pool in map(Pool.parse, self._pools) if pool is not None]
        kinds = dict.fromkeys(pool.monitors for pool in named) if self._pools else KINDS
        cluster = Cluster()
        if not kinds:
            return cluster
        places = {pool.namespace for pool in named}
        for what in kinds:
            cluster = self._reader.everywhere(what, cluster, places)
        if SERVICE_MONITORS in kinds and (cluster.of(SERVICE_MONITORS) or places):
            for monitor in cluster.of(SERVICE_MONITORS):
                names = listed(mapping(mapping(monitor.get("spec")).get("namespaceSelector")).get("matchNames"))
                places |= {namespace_of(monitor), *map(str, names)}
            for what in (SERVICES, SLICES):
                cluster = self._reader.everywhere(what, cluster, places)
        cluster = self._reader.everywhere(PROMETHEUSES, cluster, {self._at[0]})
        asked = self._behind(cluster)
        others = [item for item in cluster.of(PROMETHEUSES) if item not in asked]
        return replace(cluster, objects={**cluster.objects, PROMETHEUSES: asked, OTHER_PROMETHEUSES: others})

    def _behind(self, cluster: Cluster) -> list[Object]:
        """The Prometheus objects that the Service leads to; all where that cannot be told."""
        everyone = list(cluster.of(PROMETHEUSES))
        namespace, service = self._at
        near = [item for item in everyone if namespace_of(item) == namespace]
        name = re.sub(r"^https?:", "", service).partition(":")[0]
        found = cluster.find(SERVICES, namespace, name)
        wanted = mapping(mapping((found or {}).get("spec")).get("selector"))
        # Labels that the operator gives the pods of one Prometheus.
        own = ("operator.prometheus.io/name", "prometheus")
        told = {key: value for key, value in wanted.items() if key in own}
        if told:
            exact = [item for item in near if plain_matches(told, {key: name_of(item) for key in own})]
            near = exact or near
        return near or everyone

    def _targets(self, pools: Sequence[str], answers: Answers) -> Answers:
        if answers.silent:
            return answers
        found: dict[str, list[dict[str, Any]]] = {}
        try:
            if len(pools) > ALL_AT_ONCE:
                everything = self._prometheus.targets()["active"]
            else:
                everything = [
                    item
                    for pool in pools
                    for item in self._prometheus.targets(scrape_pool=pool)["active"]
                    if item.get("scrapePool") == pool
                ]
        except ArgolabError as failure:
            return replace(answers, silent=str(failure))
        for item in everything:
            found.setdefault(str(item.get("scrapePool")), []).append(item)
        return replace(answers, targets=found)

    def _ask(self, need: Need, answers: Answers) -> Answers:
        """One more answer of Prometheus."""
        what, where = need
        answers = replace(answers, asked=answers.asked | {need})
        try:
            if what == LOADED:
                pools = self._prometheus.scrape_pools()
                return replace(answers, loaded=None if pools is None else frozenset(pools))
            if what == DROPPED:
                dropped = self._prometheus.targets("dropped", where)["dropped"]
                own = [item for item in dropped if item.get("scrapePool", where) == where]
                return replace(answers, dropped={**answers.dropped, where: own})
            if what == RUNTIME:
                return replace(answers, runtime=self._prometheus.runtimeinfo())
            return replace(answers, complaints={**answers.complaints, where: self._complaint(where)})
        except ArgolabError as failure:
            return replace(answers, silent=str(failure))

    def _complaint(self, regex: str) -> str:
        """What is wrong with a regular expression. Prometheus is the one that has to understand it, so it is asked."""
        if regex not in self._complaints:
            try:
                # Parsed as it stands, evaluated at the epoch, where there is nothing to compute.
                self._prometheus.query(f"up{{x=~{json.dumps(regex)}}}", at=0.0)
                self._complaints[regex] = ""
            except DefiniteError as error:
                said = re.search(r"error parsing regexp: .*", str(error))
                self._complaints[regex] = f"invalid regex {regex}: {said[0].rstrip('.')}" if said else ""
        return self._complaints[regex]


class _Examined:
    def __init__(self, findings: dict[str, Finding], answers: Answers) -> None:
        self.findings = findings
        self.answers = answers


def all_pools(cluster: Cluster) -> list[str]:
    """Every endpoint of every monitor that may be read."""
    found = []
    for what, kind in KINDS.items():
        for item in cluster.of(what):
            endpoints = listed(mapping(item.get("spec")).get(ENDPOINTS[what]))
            found += [f"{kind}/{namespace_of(item)}/{name_of(item)}/{index}" for index in range(len(endpoints))]
    return found


def _unlisted(what: str) -> ExplainedCheck:
    """Without the list nobody can say that every one was looked at."""
    return ExplainedCheck(
        f"list of {what}",
        False,
        "which there are",
        "may not be read",
        f"{what} of the whole cluster may not be listed, so those that Prometheus has not loaded are not known; "
        "grant the right, or name the pools",
        "forbidden",
        f"kubectl auth can-i list {what.lower()}.monitoring.coreos.com -A",
    )


def _check(pool: str, finding: Finding, active: Collection[Object]) -> ExplainedCheck:
    expected = f"{count(finding.expected, 'target')} up" if finding.expected else "at least 1 target, all up"
    observed = f"{up_of(active)} of {count(len(active), 'target')} up" if active else "no target"
    if finding.cause == "prometheus_silent":
        observed = PROMETHEUS_SILENT
    detail = finding.text
    if finding.notes:
        seen = "; ".join(dict.fromkeys(finding.notes))
        detail = f"{detail}. Not looked at: {seen}" if detail else f"Not looked at: {seen}"
    cause = finding.cause or ("could_not_check" if finding.needs else "")
    ok = None if finding.pending else finding.ok
    return ExplainedCheck(f"scrape chain {pool}", ok, expected, observed, detail, cause, finding.next, pool)


def _row(pool: str, finding: Finding, active: Collection[Object]) -> dict[str, Any]:
    parsed = Pool.parse(pool)
    return {
        "pool": pool,
        "monitor": f"{parsed.title} {parsed.namespace}/{parsed.name}" if parsed else "",
        "services": list(finding.services),
        "pods": list(finding.pods),
        "expected": finding.expected,
        "active": len(active),
        "up": up_of(active),
        "dropped": finding.dropped,
        "cause": finding.cause,
    }
