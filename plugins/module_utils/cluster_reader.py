# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read lists of objects for somebody who may not read everything: what is refused is noted, and the rest goes on."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient, KubeError
from ansible_collections.argolab.observability.plugins.module_utils.scrape_objects import (
    CONFIG_MAPS,
    EVENTS,
    NAMESPACES,
    OPERATORS,
    POD_MONITORS,
    PODS,
    POLICIES,
    PROMETHEUSES,
    SECRETS,
    SERVICE_MONITORS,
    SERVICES,
    SLICES,
    WORKLOADS,
    Cluster,
    Need,
)

MONITORING = "/apis/monitoring.coreos.com/v1"
ROOTS = {
    SERVICE_MONITORS: (MONITORING, "servicemonitors"),
    POD_MONITORS: (MONITORING, "podmonitors"),
    PROMETHEUSES: (MONITORING, "prometheuses"),
    SERVICES: ("/api/v1", "services"),
    SLICES: ("/apis/discovery.k8s.io/v1", "endpointslices"),
    NAMESPACES: ("/api/v1", "namespaces"),
    PODS: ("/api/v1", "pods"),
    POLICIES: ("/apis/networking.k8s.io/v1", "networkpolicies"),
    EVENTS: ("/api/v1", "events"),
    OPERATORS: ("/apis/apps/v1", "deployments"),
    SECRETS: ("/api/v1", "secrets"),
    CONFIG_MAPS: ("/api/v1", "configmaps"),
}
APPS = {"Deployment": "deployments", "StatefulSet": "statefulsets", "DaemonSet": "daemonsets"}
FILTERS = {
    EVENTS: {"fieldSelector": "reason=InvalidConfiguration"},
    OPERATORS: {
        "labelSelector": "app.kubernetes.io/name in (prometheus-operator, kube-prometheus-stack-prometheus-operator)"
    },
}


class ClusterReader:
    """Reads into a C(Cluster); what was refused once is not asked for again."""

    def __init__(self, kube: KubeClient) -> None:
        self._kube = kube
        self._denied: set[Need] = set()

    def everywhere(self, what: str, cluster: Cluster, places: Collection[str] = ()) -> Cluster:
        """A list of the whole cluster; where that is refused, of these namespaces."""
        cluster = self.read((what, ""), cluster)
        if not cluster.knows(what):
            for place in sorted(places):
                cluster = self.read((what, place), cluster)
        return cluster

    def read(self, need: Need, cluster: Cluster) -> Cluster:
        """The same cluster with what is needed, or with the note that it may not be read."""
        what, where = need
        if need in self._denied:
            return cluster.without(what, where)
        try:
            if what in (SECRETS, CONFIG_MAPS):
                return cluster.having(what, where, self._metadata(what, where))
            if what == WORKLOADS:
                return cluster.having(what, where, self._workloads(where))
            return cluster.having(what, where, self._list(*ROOTS[what], where, FILTERS.get(what)))
        except KubeError as error:
            if error.status != 403:
                raise
            self._denied.add(need)
            return cluster.without(what, where)

    def _workloads(self, namespace: str) -> list[dict[str, Any]]:
        """Deployments, StatefulSets and DaemonSets with their kind, which the items of a list lack."""
        return [
            {**item, "kind": kind}
            for kind, plural in APPS.items()
            for item in self._list("/apis/apps/v1", plural, namespace)
        ]

    def _metadata(self, what: str, where: str) -> list[dict[str, Any]]:
        namespace, _slash, name = where.partition("/")
        root, plural = ROOTS[what]
        try:
            return [self._kube.metadata(f"{root}/namespaces/{namespace}/{plural}/{name}")]
        except KubeError as error:
            if error.status == 404:
                return []
            raise

    def _list(
        self, root: str, plural: str, namespace: str, params: dict[str, str] | None = None
    ) -> list[dict[str, Any]]:
        place = f"/namespaces/{namespace}" if namespace else ""
        try:
            items = self._kube.list(f"{root}{place}/{plural}", params)
        except KubeError as error:
            if error.status == 404:  # the kind is not known here, so there is none of it
                return []
            raise
        # What has no metadata has no name to be spoken of by.
        return [item for item in items if isinstance(item, dict) and isinstance(item.get("metadata"), dict)]
