# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would make k3d fail half way through the creation of a cluster, found out before anything is made."""

from __future__ import annotations

from typing import Any, FrozenSet, Iterable, List, Mapping, Tuple

from ansible_collections.argolab.observability.plugins.module_utils.docker_engine import DockerEngine, socket_path
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.host_resources import (
    inotify_shortage,
    port_conflict,
    shortages,
)
from ansible_collections.argolab.observability.plugins.module_utils.k3d_cli import K3d
from ansible_collections.argolab.observability.plugins.module_utils.k3d_spec import PortMapping, Spec
from ansible_collections.argolab.observability.plugins.module_utils.k3d_state import overlapping

# Counted on running nodes: containerd 1, kubelet 7, kube-proxy 1; on a server kube-apiserver 6 and
# kube-controller-manager 7 as well.
_INOTIFY_OF_SERVER = 22
_INOTIFY_OF_AGENT = 9
# k3d asks k3s for the newest image of these channels.
_CHANNELS = ("latest", "stable")


class Preflight:
    """The checks for one cluster on one engine."""

    def __init__(self, engine: DockerEngine, k3d: K3d, spec: Spec, params: Mapping[str, Any], check_mode: bool) -> None:
        self._engine = engine
        self._k3d = k3d
        self._spec = spec
        self._params = params
        self._check_mode = check_mode

    @property
    def _local(self) -> bool:
        """Whether the engine's host is this one, so that its ports and its kernel can be looked at."""
        return socket_path(self._engine.docker_host) is not None

    def creation(self, own: FrozenSet[Tuple[str, int]] = frozenset(), own_registry: str = "") -> None:
        """Refuse what cannot work, all of it in one message.

        :param own: addresses and ports that an existing cluster, which is to be made anew, has now.
        """
        spec = self._spec
        problems: List[str] = []
        if self._local:
            folder = str(self._engine.info().get("DockerRootDir") or "/")
            problems += shortages(folder, self._params["minimum_disk_gib"], self._params["minimum_memory_gib"])
            wanted = self._params.get("minimum_inotify_instances")
            needed = spec.servers * _INOTIFY_OF_SERVER + spec.agents * _INOTIFY_OF_AGENT
            problems += inotify_shortage(needed if wanted is None else wanted)
        problems += self._network_problems() + self._registry_problems(own_registry)
        ports = [port for port in spec.published if (port.address, port.published) not in own]
        problems += self.taken_ports(ports)
        problems += self._image_problems()
        if problems:
            raise DefiniteError(f"cluster {spec.name} cannot be created: {'; '.join(problems)}")

    def _network_problems(self) -> List[str]:
        spec = self._spec
        if spec.subnet and not spec.network:
            other = overlapping(spec.subnet, self._engine.networks(), spec.network_name)
            if other:
                return [f"subnet {spec.subnet} overlaps with the Docker network {other}: choose another"]
        if spec.network and self._engine.network(spec.network) is None and not spec.subnet:
            return [f"there is no Docker network {spec.network}: create it, or leave network out"]
        return []

    def _registry_problems(self, own: str) -> List[str]:
        problems = []
        for text in self._spec.registries_used:
            name = text.rpartition("//")[2].partition(":")[0]
            container = self._engine.container(name)
            if container is None:
                problems.append(f"registries.use names {name}, and there is no such container: create that registry")
            elif not container["State"].get("Running"):
                problems.append(f"the registry {name} of registries.use does not run: start it")
        registry = self._spec.registry
        if registry and registry.name != own and self._engine.container(registry.name) is not None:
            problems.append(
                f"registries.create names {registry.name}, and there is such a container: remove it, or share it as "
                "registries.use"
            )
        return problems

    def taken_ports(self, mappings: Iterable[PortMapping]) -> List[str]:
        """One sentence for each port of this host that another process has."""
        if not self._local:
            return []
        problems: List[str] = []
        for port in mappings:
            text = port_conflict(port.address, port.published, port.protocol)
            if text:
                container = self._publisher(port.published)
                whose = f", for container {container}" if container else ""
                problems.append(f"{text}{whose}: end it, or declare another port")
        return problems

    def refuse_taken_ports(self, mappings: Iterable[PortMapping]) -> None:
        problems = self.taken_ports(mappings)
        if problems:
            raise DefiniteError(f"cluster {self._spec.name} cannot have its ports: {'; '.join(problems)}")

    def _publisher(self, number: int) -> str:
        for container in self._engine.containers():
            if any(port.get("PublicPort") == number for port in container.get("Ports") or []):
                return str(container["Names"][0]).lstrip("/")
        return ""

    def _images(self) -> List[Tuple[str, str]]:
        """Return the images that are needed by option, those that k3d would choose included."""
        named = {option: self._params[option] for option in ("image", "loadbalancer_image", "tools_image")}
        if not self._spec.loadbalancer:
            del named["loadbalancer_image"]
        if not all(named.values()):
            chosen = self._k3d.default_images()
            named = {option: name or chosen[option] for option, name in named.items()}
        registry = self._spec.registry
        if registry and registry.image:
            named["registries.create.image"] = registry.image
        return [(option, name) for option, name in named.items() if option != "image" or name not in _CHANNELS]

    def _image_problems(self) -> List[str]:
        problems: List[str] = []
        for option, name in self._images():
            # In check mode nothing is pulled; whether it could be is found out by doing it.
            if self._engine.image_id(name) is not None or self._check_mode:
                continue
            try:
                self._engine.pull(name, self._params["timeout"])
            except ArgolabError as error:
                problems.append(
                    f"{option} {name} is not on the Docker engine and cannot be pulled ({error}): load or build it, "
                    "or name another"
                )
        return problems
