# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drill reads from, makes in and removes from the cluster, and what its receiver has kept."""

from __future__ import annotations

import json
import time
from datetime import datetime, timezone
from typing import Any, Dict, Mapping

from ansible_collections.argolab.observability.plugins.module_utils.drill_objects import (
    DEFAULT_IMAGE,
    EXPIRES,
    KINDS,
    OBJECT_LABEL,
    Drill,
    collection,
)
from ansible_collections.argolab.observability.plugins.module_utils.drill_receiver import PORT
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient, KubeError
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_transport import service_proxy_path
from ansible_collections.argolab.observability.plugins.module_utils.selectors import name_of, namespace_of

Object = Dict[str, Any]

ARGOCD_PODS = "app.kubernetes.io/part-of=argocd"


class DrillCluster:
    """The API server of the cluster that is drilled."""

    def __init__(self, kube: KubeClient) -> None:
        self.kube = kube

    def readable(self, path: str, params: Mapping[str, Any] | None = None) -> list[Object]:
        """A list that only explains: without the right to read it, or without the kind, it is empty."""
        try:
            return self.kube.list(path, params)
        except KubeError as error:
            if error.status in (403, 404):
                return []
            raise

    def receiver_image(self) -> str:
        """Argo CD's image, which holds perl and is on the nodes already; else a small one that everybody can pull."""
        for pod in self.readable("/api/v1/pods", {"labelSelector": ARGOCD_PODS}):
            name = str((pod.get("metadata") or {}).get("labels", {}).get("app.kubernetes.io/name") or "")
            containers = (pod.get("spec") or {}).get("containers") or []
            if name != "argocd-redis" and containers and (pod.get("status") or {}).get("phase") == "Running":
                return str(containers[0].get("image"))
        return DEFAULT_IMAGE

    def create(self, obj: Object) -> Object:
        return self.kube.create(collection(obj["kind"], obj["metadata"]["namespace"]), obj)

    def left(self, namespace: str, identifier: str = "") -> list[Object]:
        """Objects of drills in a namespace, of all or of one, in the order of their removal; each with its kind."""
        selector = f"{OBJECT_LABEL}={identifier}" if identifier else OBJECT_LABEL
        found = []
        for kind in KINDS:
            try:
                items = self.kube.list(collection(kind, namespace), {"labelSelector": selector})
            except KubeError as error:
                if error.status != 404:
                    raise
                items = []
            # The server has filtered already; what is removed is looked at once more.
            own = [item for item in items if _drill_of(item) and identifier in ("", _drill_of(item))]
            found += [{**item, "kind": kind} for item in own]
        return found

    def remove(self, objects: list[Object]) -> None:
        """Remove these objects; one that is gone already is fine."""
        for obj in objects:
            path = f"{collection(obj['kind'], namespace_of(obj))}/{name_of(obj)}"
            try:
                self.kube.delete(path, {"propagationPolicy": "Background"})
            except KubeError as error:
                if error.status != 404:
                    raise

    def pods(self, drill: Drill) -> list[Object]:
        selector = f"{OBJECT_LABEL}={drill.identifier}"
        return self.readable(f"/api/v1/namespaces/{drill.namespace}/pods", {"labelSelector": selector})

    def events(self, drill: Drill) -> list[Object]:
        """Events about the drill's objects."""
        params = {"fieldSelector": f"involvedObject.name={drill.name}"}
        return self.readable(f"/api/v1/namespaces/{drill.namespace}/events", params)

    def received(self, drill: Drill) -> list[Any] | None:
        """What the receiver has kept; V(None) while it does not answer."""
        path = service_proxy_path(drill.namespace, f"{drill.name}:{PORT}") + "/received"
        answer = self.kube.request("GET", path, accept="*/*")
        if answer.status == 403:
            raise KubeError(
                403,
                f"{self.kube.http.name} answered 403 to GET {path}: reading the receiver needs RBAC, verb get on "
                f"services/proxy in namespace {drill.namespace}.",
                definite=True,
            )
        if answer.status != 200:
            return None
        try:
            content = json.loads(answer.body)
        except ValueError:
            return None
        return content if isinstance(content, list) else None


def _drill_of(item: Mapping[str, Any]) -> str:
    return str(((item.get("metadata") or {}).get("labels") or {}).get(OBJECT_LABEL) or "")


def is_expired(obj: Mapping[str, Any], now: float | None = None) -> bool:
    """Whether an object's drill should have ended; one that does not say so is taken for a running one."""
    text = str(((obj.get("metadata") or {}).get("annotations") or {}).get(EXPIRES) or "")
    try:
        end = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return False
    return end.timestamp() < (time.time() if now is None else now)


def titles(objects: list[Object]) -> list[str]:
    """Each object as kubectl takes it."""
    return [f"{item['kind']} {namespace_of(item)}/{name_of(item)}" for item in objects]
