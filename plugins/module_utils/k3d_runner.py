# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module k3d_cluster does, apart from Ansible: bring a cluster to what was declared, or remove it."""

from __future__ import annotations

import os
import shutil
import time
from typing import Any, Callable, Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.argolab.observability.plugins.module_utils import k3d_state
from ansible_collections.argolab.observability.plugins.module_utils.docker_engine import (
    DockerEngine,
    candidates,
    first_that_answers,
    socket_path,
)
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.host_resources import port_conflict, shortages
from ansible_collections.argolab.observability.plugins.module_utils.k3d_cli import K3d, without_tokens
from ansible_collections.argolab.observability.plugins.module_utils.k3d_kubeconfig import (
    api_ready,
    rewritten,
    server_url,
    usable,
    write_private,
)
from ansible_collections.argolab.observability.plugins.module_utils.k3d_state import Cluster, Spec

POLL_SECONDS = 0.5


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


def spec_from_params(params: Mapping[str, Any]) -> Spec:
    address, port = k3d_state.parse_api_port(params["api_port"])
    spec = Spec(
        name=params["name"],
        servers=params["servers"],
        agents=params["agents"],
        image=params["image"] or None,
        api_address=address,
        api_port=port,
        ports=k3d_state.parse_ports(params["ports"]),
        network=params["network"] or None,
        subnet=params["subnet"] or None,
    )
    k3d_state.check_spec(spec)
    return spec


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


def program_exists(binary: str) -> bool:
    return shutil.which(binary) is not None


def predicted_without_asking(params: Mapping[str, Any]) -> Optional[Dict[str, Any]]:
    """In check mode on a machine where k3d or Docker would only be set up now: what a run would do.

    None where both are there to be asked.
    """
    path = socket_path(params["docker_host"] or "")
    lacking = [] if program_exists(params["k3d_binary"]) else [f"k3d is not yet at {params['k3d_binary']}"]
    if path is not None and not os.path.exists(path):
        lacking.append(f"Docker does not yet listen on {path}")
    if not lacking or params["state"] != "present":
        return None
    spec = spec_from_params(params)
    return {
        "changed": True,
        "actions": [f"create {spec.name}"],
        "cluster": {},
        "diff": {"before": "absent\n", "after": k3d_state.described_spec(spec)},
        "note": f"Predicted without asking k3d: {' and '.join(lacking)}.",
    }


class Runner:
    """One run on one cluster."""

    def __init__(self, params: Mapping[str, Any], check_mode: bool) -> None:
        self.params = params
        self.check_mode = check_mode
        self.timeout: int = params["timeout"]
        if self.timeout < 1:
            raise DefiniteError(f"timeout is {self.timeout}: expected at least one second")
        self.name = k3d_state.checked_name(params["name"])
        self.spec = spec_from_params(params)
        self.actions: List[str] = []
        self.engine = engine_from_params(params)
        self.k3d = K3d(
            params["k3d_binary"], self.engine.docker_host, params["loadbalancer_image"], params["tools_image"]
        )

    # --- both states -----------------------------------------------------------------------------------------

    def run(self) -> Dict[str, Any]:
        absent = self.params["state"] == "absent"
        # Without k3d a cluster can still be removed: all that it is made of carries its label.
        before = None if absent and not program_exists(self.k3d.binary) else self.k3d.cluster(self.name)
        if before is not None and not before.nodes:
            # Only a tools container or a registry is left: nothing that can be started or compared.
            before = None
        after: Optional[Cluster] = None
        if absent:
            self._absent(before)
        else:
            after = self._present(before)
        predicted = "absent\n" if absent else k3d_state.described_spec(self.spec)
        result: Dict[str, Any] = {"changed": bool(self.actions), "actions": self.actions, **self._facts(after)}
        if self.actions:
            result["diff"] = {
                "before": k3d_state.described(before),
                "after": predicted if self.check_mode else k3d_state.described(after),
            }
        return result

    def _facts(self, cluster: Optional[Cluster]) -> Dict[str, Any]:
        if cluster is None:
            return {"cluster": {}}
        return {
            "cluster": {
                "name": cluster.name,
                "kubeconfig": self.params["kubeconfig"] or "",
                "context": self.spec.context,
                "api_server": server_url(self.spec),
                "network": cluster.network,
                "subnet": cluster.subnet,
                "ports": [str(port) for port in sorted(cluster.ports)],
                "nodes": [node.as_dict() for node in cluster.nodes],
            }
        }

    def _do(self, what: str, action: Callable[[], Any]) -> None:
        """Note an action, and carry it out unless this is check mode."""
        self.actions.append(what)
        if not self.check_mode:
            action()

    # --- present ---------------------------------------------------------------------------------------------

    def _present(self, cluster: Optional[Cluster]) -> Optional[Cluster]:
        if cluster is not None and all(node.state == "created" for node in cluster.nodes):
            # A creation that was interrupted before anything ran: there is nothing to lose in it.
            self._do(f"remove the remains of an interrupted creation of {self.name}", self._delete)
            cluster = None
        existed = cluster is not None
        if cluster is not None:
            cluster = self._repaired(cluster)
        if cluster is None:
            self._create(checked=existed)
            cluster = None if self.check_mode else self._required()
        if cluster is not None:
            self._kubeconfig()
        return cluster

    def _required(self) -> Cluster:
        cluster = self.k3d.cluster(self.name)
        if cluster is None or not cluster.nodes:
            raise ArgolabError(f"k3d reported success, but there is no cluster {self.name}")
        return cluster

    def _repaired(self, cluster: Cluster) -> Optional[Cluster]:
        """Bring an existing cluster to what was declared; None means that it was removed to be made anew."""
        found = k3d_state.differences(
            self.spec, cluster, self.engine.image_id(self.spec.image) if self.spec.image else None
        )
        hopeless = [difference for difference in found if not difference.repair]
        if hopeless:
            text = "; ".join(map(str, hopeless))
            if self.params["recreate"] != "on_drift":
                raise DefiniteError(
                    f"cluster {self.name} is not what was declared, and this cannot be repaired in place: {text}. "
                    "Change the declaration, or have the cluster made anew, with the loss of all that is in it, by "
                    "recreate: on_drift"
                )
            # What would keep the new one from being made is found out while the old one is still there.
            own = {(port.address, port.published) for port in cluster.ports} | {
                (cluster.api_address, cluster.api_port or 0)
            }
            self._before_creation(f"k3d-{self.name}", frozenset(own))
            self._do(f"delete {self.name} ({text})", self._delete)
            return None
        changed = False
        if cluster.not_running:
            self._heal(cluster)
            changed = True
        if found:
            ports = k3d_state.missing_ports(self.spec, cluster)
            self._refuse_taken_ports([port.mapping for port in ports])
            self._do(
                "add " + ", ".join(f"port {port.mapping}" for port in ports),
                lambda: self.k3d.add_ports(self.name, ports, self.timeout),
            )
            changed = True
        return self._required() if changed and not self.check_mode else cluster

    def _heal(self, cluster: Cluster) -> None:
        for node in cluster.not_running:
            self.actions.append(f"start {node.name} ({node.state})")
        if self.check_mode:
            return
        for node in cluster.not_running:
            if node.state == "paused":
                self.engine.act(node.name, "unpause")
        answer = None
        if any(node.state != "paused" for node in cluster.not_running):
            answer = self.k3d.start(self.name, self.timeout)
            # k3d leaves alone what it does not count as a server, an agent or a helper that is down.
            for node in self._required().not_running:
                self.engine.act(node.name, "start")
        still = self._settled()
        if still or (answer is not None and answer.code != 0 and not self.params["api_check"]):
            states = ", ".join(f"{node.name} is {node.state}" for node in still) or "its nodes run"
            reason = f"; k3d said: {answer.problems}" if answer is not None and answer.code != 0 else ""
            raise ArgolabError(
                f"cluster {self.name} could not be started: {states}{reason}. See docker logs of that container"
            )

    def _settled(self) -> List[k3d_state.Node]:
        """Return the nodes that do not run, after giving those that restart a moment."""
        for _attempt in range(10):
            still = self._required().not_running
            if not any(node.state == "restarting" for node in still):
                break
            time.sleep(POLL_SECONDS)
        return still

    def _refuse_taken_ports(self, mappings: Iterable[k3d_state.PortMapping]) -> None:
        if socket_path(self.engine.docker_host) is None:
            return  # the ports are those of another machine
        conflicts: List[str] = []
        for port in mappings:
            text = port_conflict(port.address, port.published) if port.protocol == "tcp" else None
            if text:
                container = self._publisher(port.published)
                conflicts.append(f"{text}, for container {container}" if container else text)
        if conflicts:
            raise DefiniteError(
                f"cluster {self.name} cannot have its ports: {'; '.join(conflicts)}. End that process, or declare "
                f"other ports"
            )

    def _publisher(self, number: int) -> str:
        for container in self.engine.containers():
            if any(port.get("PublicPort") == number for port in container.get("Ports") or []):
                return str(container["Names"][0]).lstrip("/")
        return ""

    def _before_creation(self, network: str = "", own: FrozenSet[Tuple[str, int]] = frozenset()) -> None:
        """Refuse, in one message and before anything is made, what k3d would fail on half way."""
        problems: List[str] = []
        if socket_path(self.engine.docker_host):
            folder = str(self.engine.info().get("DockerRootDir") or "/")
            problems += shortages(folder, self.params["minimum_disk_gib"], self.params["minimum_memory_gib"])
        if self.spec.subnet and not self.spec.network:
            other = k3d_state.overlapping(self.spec.subnet, self.engine.networks(), network)
            if other:
                problems.append(f"subnet {self.spec.subnet} overlaps with the Docker network {other}: choose another")
        if self.spec.network and self.engine.network(self.spec.network) is None and not self.spec.subnet:
            problems.append(f"there is no Docker network {self.spec.network}: create it, or leave network out")
        if problems:
            raise DefiniteError(f"cluster {self.name} cannot be created: {'; '.join(problems)}")
        self._refuse_taken_ports(port for port in self.spec.published if (port.address, port.published) not in own)
        for option in ("image", "loadbalancer_image", "tools_image"):
            name = self.params[option]
            if name and self.engine.image_id(name) is None and not self.check_mode:
                try:
                    self.engine.pull(name, self.timeout)
                except ArgolabError as error:
                    raise DefiniteError(
                        f"cluster {self.name} cannot be created: {option} {name} is not on the Docker engine and "
                        f"cannot be pulled "
                        f"({error}). Load or build it, or name another"
                    ) from error

    def _create(self, checked: bool) -> None:
        leftovers = self._leftovers()
        if not checked:
            self._before_creation(f"k3d-{self.name}")
        # In check mode those of a cluster that would be deleted are still there, and no leftovers.
        if leftovers and not self.actions:
            self._do(f"remove leftovers ({leftovers})", lambda: self._remove(leftovers))
        self._do(f"create {self.name}", self._create_now)

    def _create_now(self) -> None:
        try:
            self.k3d.create(self.spec, self.params, self.timeout)
            broken = self._required().not_running
            if broken:
                raise ArgolabError("after its creation " + ", ".join(f"{node.name} is {node.state}" for node in broken))
        except ArgolabError as error:
            said = self._said_by_nodes()
            self._delete()
            raise ArgolabError(
                f"cluster {self.name} was not created, and nothing of it is left: {error}{said}"
            ) from error

    def _said_by_nodes(self) -> str:
        """Return the state and last words of the first server, before it is removed."""
        name = f"k3d-{self.name}-server-0"
        try:
            container = self.engine.container(name)
        except ArgolabError:
            return ""
        if container is None:
            return ""
        lines = without_tokens(" | ".join(self.engine.last_log_lines(name)))
        return f". {name} was {container['State']['Status']} and last said: {lines or 'nothing'}"

    # --- kubeconfig and API ----------------------------------------------------------------------------------

    def _kubeconfig(self) -> None:
        path: Optional[str] = self.params["kubeconfig"]
        url = server_url(self.spec)
        config = usable(path, self.spec.context, url) if path else None
        check_api = self.params["api_check"]
        if config is not None and check_api and api_ready(config, self.spec.context) is None:
            return
        if self.check_mode:
            if path and config is None:
                self.actions.append(f"write {path}")
            return
        fresh = rewritten(self.k3d.kubeconfig(self.name), url)
        if path and config != fresh:
            self.actions.append(f"write {path}")
            write_private(path, fresh)
        if check_api:
            self._wait_for_api(fresh)

    def _wait_for_api(self, config: Mapping[str, Any]) -> None:
        deadline = time.monotonic() + self.timeout
        while True:
            reason = api_ready(config, self.spec.context)
            if reason is None:
                return
            if time.monotonic() > deadline:
                raise ArgolabError(
                    f"the containers of cluster {self.name} run, but its API server does not get ready within "
                    f"{self.timeout} s: {reason}. "
                    f"See docker logs k3d-{self.name}-server-0"
                )
            time.sleep(POLL_SECONDS)

    # --- absent ----------------------------------------------------------------------------------------------

    def _leftovers(self) -> Leftovers:
        containers = [str(item["Names"][0]).lstrip("/") for item in self.engine.containers(f"k3d.cluster={self.name}")]
        network = self.engine.network(f"k3d-{self.name}")
        ours = network is not None and (network.get("Labels") or {}).get("app") == "k3d"
        volume = f"k3d-{self.name}-images"
        return Leftovers(
            containers, f"k3d-{self.name}" if ours else None, volume if self.engine.volume_exists(volume) else None
        )

    def _remove(self, leftovers: Leftovers) -> None:
        for name in leftovers.containers:
            self.engine.remove_container(name)
        if leftovers.network:
            self.engine.remove_network(leftovers.network)
        if leftovers.volume:
            self.engine.remove_volume(leftovers.volume)

    def _delete(self) -> None:
        problems = self.k3d.delete(self.name, self.timeout).problems if program_exists(self.k3d.binary) else ""
        # k3d says success even where it could not reach Docker at all: Docker itself is asked what is left.
        self._remove(self._leftovers())
        left = self._leftovers()
        if left:
            raise ArgolabError(f"cluster {self.name} was deleted, but {left} is left: {problems}")

    def _absent(self, cluster: Optional[Cluster]) -> None:
        path = self.params["kubeconfig"]
        leftovers = self._leftovers()
        if cluster is not None or leftovers:
            self._do(f"delete {self.name}" if cluster else f"remove leftovers ({leftovers})", self._delete)
        if path and os.path.lexists(path):
            self._do(f"remove {path}", lambda: os.unlink(path))
