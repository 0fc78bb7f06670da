# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what the chain of a scrape pool consists of, no more than needed, and judge it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.checks import count_text
from ansible_collections.argolab.observability.plugins.module_utils.cluster_checks import read_workloads
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.explained import (
    PROMETHEUS_SILENT,
    ExplainedCheck,
    poll_of,
)
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient, KubeError
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import PrometheusClient
from ansible_collections.argolab.observability.plugins.module_utils.scrape_chain import (
    Cluster,
    Finding,
    Pool,
    examine,
)
from ansible_collections.argolab.observability.plugins.module_utils.selectors import name_of, namespace_of
from ansible_collections.argolab.observability.plugins.module_utils.waiter import Poll

MONITORING = "/apis/monitoring.coreos.com/v1"
# From this many pools on, one answer with all targets is cheaper than one answer each.
ALL_AT_ONCE = 25
# Causes behind which more objects explain the reason.
NEED_PODS = ("no_endpoints", "no_ready_endpoints", "scaled_to_zero", "scrape_failed", "target_port_absent")


class ScrapeReader:
    """Looks at the pools again each time poll() is called."""

    def __init__(
        self, kube: KubeClient, prometheus: PrometheusClient, pools: Iterable[str] = (), ignored: Iterable[str] = ()
    ) -> None:
        self._kube = kube
        self._prometheus = prometheus
        self._pools = list(pools)
        self._ignored = set(ignored)

    def poll(self) -> Poll:
        """One look: a check per pool."""
        cluster = self._read()
        pools = [pool for pool in self._pools or _all_pools(cluster) if pool not in self._ignored]
        error = ""
        targets: list[dict[str, Any]] = []
        loaded: list[str] | None = None
        try:
            loaded = self._prometheus.scrape_pools()
            targets = self._targets(pools)
        except ArgolabError as failure:
            error = str(failure)
        if error:
            # The links in the cluster can be judged without Prometheus; the others are unknown, never passed.
            found = {pool: _without_prometheus(examine(pool, cluster), error) for pool in pools}
        else:
            found = {pool: examine(pool, cluster, targets, loaded) for pool in pools}
            deeper = [pool for pool, item in found.items() if item.cause in NEED_PODS]
            if deeper:
                cluster = self._with_pods(
                    cluster, {namespace for pool in deeper for namespace in _namespaces(found[pool], pool)}
                )
                found.update({pool: examine(pool, cluster, targets, loaded) for pool in deeper})
        return poll_of([_check(pool, item, targets) for pool, item in found.items()], None, error)

    def _targets(self, pools: list[str]) -> list[dict[str, Any]]:
        if len(pools) > ALL_AT_ONCE:
            return self._prometheus.targets()["active"]
        found: list[dict[str, Any]] = []
        for pool in pools:
            found += [
                item for item in self._prometheus.targets(scrape_pool=pool)["active"] if item.get("scrapePool") == pool
            ]
        return found

    def _read(self) -> Cluster:
        return Cluster(
            monitors=self._list(f"{MONITORING}/servicemonitors"),
            services=self._list("/api/v1/services"),
            slices=self._list("/apis/discovery.k8s.io/v1/endpointslices"),
            prometheuses=self._list(f"{MONITORING}/prometheuses"),
            namespaces=self._list("/api/v1/namespaces"),
        )

    def _with_pods(self, cluster: Cluster, namespaces: set[str]) -> Cluster:
        workloads, pods, policies = [], [], []
        for namespace in sorted(namespaces):
            workloads += read_workloads(self._kube, namespace)
            pods += self._list(f"/api/v1/namespaces/{namespace}/pods")
            policies += self._list(f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies")
        return Cluster(
            cluster.monitors,
            cluster.services,
            cluster.slices,
            cluster.prometheuses,
            cluster.namespaces,
            workloads,
            policies,
            pods,
        )

    def _list(self, path: str) -> list[dict[str, Any]]:
        try:
            return self._kube.list(path)
        except KubeError as error:
            if error.status == 404:  # the kind is not known here, so there is none of it
                return []
            raise


def _all_pools(cluster: Cluster) -> list[str]:
    return [
        f"serviceMonitor/{namespace_of(item)}/{name_of(item)}/{index}"
        for item in cluster.monitors
        for index in range(len((item.get("spec") or {}).get("endpoints") or []))
    ]


def _namespaces(finding: Finding, pool: str) -> set[str]:
    parsed = Pool.parse(pool)
    return {name.partition("/")[0] for name in finding.services} | ({parsed.namespace} if parsed else set())


def _without_prometheus(finding: Finding, error: str) -> Finding:
    if finding.cause in ("", "no_targets", "pool_not_loaded"):
        return Finding("prometheus_silent", error, "kubectl get pods -A -l app.kubernetes.io/name=prometheus")
    return finding


def _check(pool: str, finding: Finding, targets: list[dict[str, Any]]) -> ExplainedCheck:
    own = [item for item in targets if item.get("scrapePool") == pool]
    up = sum(1 for item in own if item.get("health") == "up")
    expected = f"{count_text(finding.expected, 'target')} up" if finding.expected else "at least 1 target, all up"
    observed = f"{up} of {count_text(len(own), 'target')} up" if own else "no target"
    if finding.cause == "prometheus_silent":
        observed = PROMETHEUS_SILENT
    label = f"scrape chain {pool}"
    return ExplainedCheck(label, finding.ok, expected, observed, finding.text, finding.cause, finding.next, pool)
