# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the k3d clusters of a Docker engine: from k3d, and from Docker what k3d does not tell."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from ansible_collections.argolab.observability.plugins.module_utils.docker_engine import (
    DockerEngine,
    candidates,
    first_that_answers,
)
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.k3d_cli import K3d
from ansible_collections.argolab.observability.plugins.module_utils.k3d_state import Cluster, parse_cluster
from ansible_collections.argolab.observability.plugins.module_utils.quick_yaml import load_yaml

REGISTRIES_FILE = "/etc/rancher/k3s/registries.yaml"


class Leftovers(NamedTuple):
    """What a cluster that is not there left behind."""

    containers: List[str]
    network: Optional[str]
    volume: Optional[str]

    def __bool__(self) -> bool:
        return bool(self.containers or self.network or self.volume)

    def __str__(self) -> str:
        parts = [f"container {name}" for name in self.containers]
        parts += [f"network {self.network}"] if self.network else []
        parts += [f"volume {self.volume}"] if self.volume else []
        return ", ".join(parts)


def engine_from_params(params: Mapping[str, Any]) -> DockerEngine:
    hosts, explicit = candidates(params["docker_host"], None, os.environ, os.path.expanduser("~"))
    cert_path = os.environ.get("DOCKER_CERT_PATH") if os.environ.get("DOCKER_TLS_VERIFY") else None
    found = first_that_answers(hosts, explicit, cert_path)
    if found.docker_host is None:
        raise ArgolabError(
            f"Docker is not reachable: {'; '.join(found.tried)}. Start it, or give its address as docker_host "
            "(role container_engine finds or starts one)"
        )
    return DockerEngine(found.docker_host, timeout=30, cert_path=cert_path)


class Reader:
    """One k3d with one engine."""

    def __init__(self, k3d: K3d, engine: DockerEngine) -> None:
        self._k3d = k3d
        self._engine = engine
        self._images: Dict[str, Mapping[str, Any]] = {}

    def cluster(self, name: str) -> Optional[Cluster]:
        """Return a cluster, None where there is none."""
        return next(iter(self.clusters(name)), None)

    def clusters(self, name: Optional[str] = None) -> List[Cluster]:
        """Return all clusters, or those of a name."""
        return [self._parsed(entry) for entry in self._k3d.listing() if name in (None, entry.get("name"))]

    def _parsed(self, entry: Mapping[str, Any]) -> Cluster:
        containers: Dict[str, Mapping[str, Any]] = {}
        registries: Mapping[str, Any] = {}
        for node in entry.get("nodes") or []:
            name, role, image_id = str(node.get("name")), node.get("role"), str(node.get("image"))
            if role not in ("server", "agent"):
                continue
            container = self._engine.container(name)
            if container is None:
                continue  # removed between the two questions
            containers[name] = container
            if image_id not in self._images:
                self._images[image_id] = self._engine.image(image_id) or {}
            if role == "server" and not registries:
                registries = self._registries(name)
        return parse_cluster(entry, containers, self._images, registries, self._registry(str(entry.get("name"))))

    def _registry(self, cluster: str) -> Optional[Mapping[str, Any]]:
        for item in self._engine.containers(f"k3d.cluster={cluster}"):
            if (item.get("Labels") or {}).get("k3d.role") == "registry":
                return self._engine.container(str(item["Id"]))
        return None

    def _registries(self, container: str) -> Mapping[str, Any]:
        import yaml

        text = self._engine.file(container, REGISTRIES_FILE)
        if text is None:
            return {}
        try:
            content = load_yaml(text)
        except yaml.YAMLError:
            return {}
        return content if isinstance(content, dict) else {}

    def leftovers(self, name: str) -> Leftovers:
        """Return everything on the engine that carries the name of a cluster."""
        containers = [str(item["Names"][0]).lstrip("/") for item in self._engine.containers(f"k3d.cluster={name}")]
        network = self._engine.network(f"k3d-{name}")
        ours = network is not None and (network.get("Labels") or {}).get("app") == "k3d"
        volume = f"k3d-{name}-images"
        return Leftovers(
            containers, f"k3d-{name}" if ours else None, volume if self._engine.volume_exists(volume) else None
        )
