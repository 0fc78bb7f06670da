# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module k3d_cluster does, apart from Ansible: bring a cluster to what was declared, or remove it."""

from __future__ import annotations

import os
import shutil
import time
from typing import Any, Callable, Dict, List, Mapping, NoReturn, Optional, Tuple

from ansible_collections.argolab.observability.plugins.module_utils import k3d_description, k3d_state
from ansible_collections.argolab.observability.plugins.module_utils.docker_engine import socket_path
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.k3d_cli import Answer, K3d, without_tokens
from ansible_collections.argolab.observability.plugins.module_utils.k3d_facts import cluster_facts
from ansible_collections.argolab.observability.plugins.module_utils.k3d_kubeconfig import (
    api_ready,
    forget_node,
    rewritten,
    server_url,
    usable,
    write_private,
)
from ansible_collections.argolab.observability.plugins.module_utils.k3d_nodes import Place
from ansible_collections.argolab.observability.plugins.module_utils.k3d_preflight import Preflight
from ansible_collections.argolab.observability.plugins.module_utils.k3d_reader import (
    Leftovers,
    Reader,
    engine_from_params,
)
from ansible_collections.argolab.observability.plugins.module_utils.k3d_spec import Spec, spec_from_params
from ansible_collections.argolab.observability.plugins.module_utils.k3d_state import Cluster, Node

POLL_SECONDS = 0.5
_EXITED = "exited"


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
        "diff": {"before": "absent\n", "after": k3d_description.described_spec(spec)},
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
        self.spec: Spec = spec_from_params(params)
        self.name = self.spec.name
        self.actions: List[str] = []
        self.made = False
        self.engine = engine_from_params(params)
        self.k3d = K3d(
            params["k3d_binary"], self.engine.docker_host, params["loadbalancer_image"], params["tools_image"]
        )
        self.reader = Reader(self.k3d, self.engine)
        self.preflight = Preflight(self.engine, self.k3d, self.spec, params, check_mode)

    def run(self) -> Dict[str, Any]:
        state = self.params["state"]
        # Without k3d a cluster can still be removed: all that it is made of carries its label.
        blind = state == "absent" and not program_exists(self.k3d.binary)
        before = None if blind else self.reader.cluster(self.name)
        if before is not None and not before.nodes:
            # Only a tools container is left: nothing that can be started or compared.
            before = None
        steps: Dict[str, Callable[[Optional[Cluster]], Optional[Cluster]]] = {
            "present": self._present,
            "absent": self._absent,
            "started": self._started,
            "stopped": self._stopped,
        }
        after = steps[state](before)
        result: Dict[str, Any] = {
            "changed": bool(self.actions),
            "actions": self.actions,
            "cluster": {**cluster_facts(after), "kubeconfig": self.params["kubeconfig"] or ""} if after else {},
        }
        if self.actions:
            image_id = self.engine.image_id(self.spec.image) if self.spec.image else None
            predicted = k3d_description.described_spec(self.spec, image_id) if state == "present" else "absent\n"
            result["diff"] = {
                "before": k3d_description.described(before),
                "after": k3d_description.described(after) if after else predicted,
            }
        return result

    def _do(self, what: str, action: Callable[[], Any]) -> None:
        """Note an action, and carry it out unless this is check mode."""
        self.actions.append(what)
        if not self.check_mode:
            action()

    def _required(self) -> Cluster:
        cluster = self.reader.cluster(self.name)
        if cluster is None or not cluster.nodes:
            raise ArgolabError(f"k3d reported success, but there is no cluster {self.name}")
        return cluster

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
            return None if self.check_mode else self._reached()
        self._kubeconfig(cluster)
        return cluster

    def _reached(self) -> Cluster:
        """Write the kubeconfig of a cluster that was made just now; one whose API never gets ready is not kept."""
        cluster, self.made = self._required(), True
        try:
            self._kubeconfig(cluster)
        except ArgolabError as error:
            self._give_up(error)
        return cluster

    def _repaired(self, cluster: Cluster) -> Optional[Cluster]:
        """Bring an existing cluster to what was declared; None means that it was removed to be made anew."""
        found = k3d_state.differences(
            self.spec, cluster, self.engine.image_id(self.spec.image) if self.spec.image else None
        )
        hopeless = "; ".join(str(difference) for difference in found if not difference.repair)
        if hopeless:
            self._refuse_or_remove(cluster, hopeless)
            return None
        before = len(self.actions)
        repairs = {difference.repair for difference in found}
        ports = k3d_state.missing_ports(self.spec, cluster)
        self.preflight.refuse_taken_ports(port.mapping for port in ports)
        if cluster.not_running:
            self._heal(cluster)
        if "delete agents" in repairs:
            for node in k3d_state.superfluous_agents(self.spec, cluster):
                self._do(f"delete {node.name}", lambda name=node.name: self._delete_agent(name))  # type: ignore[misc]
        if "add agents" in repairs:
            self._add_agents(cluster)
        if ports:
            self._do(
                "add " + ", ".join(f"port {port.mapping}" for port in ports),
                lambda: self.k3d.add_ports(self.name, ports, self.timeout),
            )
        if len(self.actions) == before:
            return cluster
        return k3d_description.repaired(self.spec, cluster) if self.check_mode else self._required()

    def _refuse_or_remove(self, cluster: Cluster, text: str) -> None:
        """Fail on what cannot be repaired in place, or remove the cluster where it may be made anew."""
        if self.params["recreate"] != "on_drift":
            tools = f"k3d-{self.name}-tools"
            interrupted = (
                f" The container {tools} is still there: k3d was interrupted, perhaps while it made this cluster."
                if self.engine.container(tools)
                else ""
            )
            raise DefiniteError(
                f"cluster {self.name} is not what was declared, and this cannot be repaired in place: {text}."
                f"{interrupted} Change the declaration, or have the cluster made anew, with the loss of all that is in "
                "it, by recreate: on_drift"
            )
        # What would keep the new one from being made is found out while the old one is still there.
        own = {(port.address, port.published) for port in cluster.ports}
        own.add((cluster.api_address, cluster.api_port or 0))
        registry = cluster.registry
        if registry and registry.port:
            own.add((registry.address, registry.port))
        self.preflight.creation(frozenset(own), registry.name if registry else "")
        self._do(f"delete {self.name} ({text})", self._delete)

    def _add_agents(self, cluster: Cluster) -> None:
        agents = cluster.of_role("agent")
        for number, (first, (name, count)) in enumerate(k3d_state.additions(self.spec, cluster).items(), len(agents)):
            settings = self.spec.settings(Place("agent", number))
            made = [f"{first[:-1]}{index}" for index in range(count)]
            self._do(
                f"add {', '.join(made)}",
                lambda name=name, count=count, settings=settings: self.k3d.add_agents(  # type: ignore[misc]
                    self.name, name, count, settings, bool(agents), self.timeout
                ),
            )

    def _delete_agent(self, name: str) -> None:
        self.k3d.delete_node(name, self.timeout)
        if self.engine.container(name) is not None:
            self.engine.remove_container(name)
        if self.params["api_check"]:
            # k3d removes the container only; Kubernetes would go on counting the node as one that is not ready.
            cluster = self._required()
            config = rewritten(self.k3d.kubeconfig(self.name), server_url(cluster))
            self._wait_for_api(config)
            forget_node(config, self.spec.context, name)

    def _heal(self, cluster: Cluster) -> None:
        for node in cluster.not_running:
            self.actions.append(f"start {node.name} ({node.state})")
        if self.check_mode:
            return
        for node in cluster.not_running:
            if node.state == "paused":
                self.engine.act(node.name, "unpause")
        answer = None
        still: List[Node] = []
        if any(node.state != "paused" for node in cluster.not_running):
            answer, still = self._start()
            if still:
                # Servers have addresses of their own, the others take what is free: when Docker was started again, one
                # of those can have taken the address of a server, which then cannot start. k3d starts servers first.
                self.k3d.stop(self.name, self.timeout)
                answer, still = self._start()
        still = still or self._settled()
        if still or (answer is not None and answer.code != 0 and not self.params["api_check"]):
            states = ", ".join(f"{node.name} is {node.state}" for node in still) or "its nodes run"
            reason = f"; k3d said: {answer.problems}" if answer is not None and answer.code != 0 else ""
            raise ArgolabError(
                f"cluster {self.name} could not be started: {states}{reason}. See docker logs of that container"
            )

    def _start(self) -> Tuple[Answer, List[Node]]:
        """Start what is down; return what k3d said, and the nodes that Docker does not start."""
        answer = self.k3d.start(self.name, self.timeout)
        failed = []
        for node in self._required().not_running:
            if node.state == "restarting":
                continue
            # k3d leaves alone what it does not count as a server, an agent or a helper that is down.
            try:
                self.engine.act(node.name, "start")
            except ArgolabError:
                failed.append(node)
        return answer, failed

    def _settled(self) -> List[Node]:
        """Return the nodes that do not run, after giving those that restart a moment."""
        for _attempt in range(10):
            still = self._required().not_running
            if not any(node.state == "restarting" for node in still):
                break
            time.sleep(POLL_SECONDS)
        return still

    def _create(self, checked: bool) -> None:
        leftovers = self.reader.leftovers(self.name)
        if not checked:
            self.preflight.creation()
        # In check mode those of a cluster that would be deleted are still there, and no leftovers.
        if leftovers and not self.actions:
            self._do(f"remove leftovers ({leftovers})", lambda: self._remove(leftovers))
        self._do(f"create {self.name}", self._create_now)

    def _create_now(self) -> None:
        try:
            self.k3d.create(self.spec, self.timeout)
            broken = self._required().not_running
            if broken:
                raise ArgolabError("after its creation " + ", ".join(f"{node.name} is {node.state}" for node in broken))
        except ArgolabError as error:
            self._give_up(error)

    def _give_up(self, error: ArgolabError) -> NoReturn:
        """Remove what was made of a cluster, and say why, with the last words of its first server."""
        said = self._said_by_nodes()
        try:
            self._delete()
            path = self.params["kubeconfig"]
            if path and os.path.lexists(path):
                os.unlink(path)
        except ArgolabError as rest:
            raise ArgolabError(f"cluster {self.name} was not created: {error}{said}. {rest}") from error
        raise ArgolabError(f"cluster {self.name} was not created, and nothing of it is left: {error}{said}") from error

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

    def _kubeconfig(self, cluster: Cluster) -> None:
        path: Optional[str] = self.params["kubeconfig"]
        url = server_url(cluster)
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
                hint = (
                    ""
                    if self.made
                    else f". See docker logs k3d-{self.name}-server-0; if it stays so, remove the cluster with "
                    "state: absent and have it made anew"
                )
                raise ArgolabError(
                    f"the containers of cluster {self.name} run, but its API server does not get ready within "
                    f"{self.timeout} s: {reason}{hint}"
                )
            time.sleep(POLL_SECONDS)

    # --- started and stopped ---------------------------------------------------------------------------------

    def _existing(self, cluster: Optional[Cluster]) -> Cluster:
        if cluster is None:
            raise DefiniteError(
                f"there is no cluster {self.name} that could be {self.params['state']}: create it first, with "
                "state: present"
            )
        if not cluster.of_role("server"):
            raise DefiniteError(
                f"cluster {self.name} has no server left: have it made anew, with state: present and "
                "recreate: on_drift, or remove what is left of it with state: absent"
            )
        return cluster

    def _started(self, cluster: Optional[Cluster]) -> Cluster:
        cluster = self._existing(cluster)
        if cluster.not_running:
            self._heal(cluster)
            cluster = k3d_description.with_state(cluster, k3d_state.RUNNING) if self.check_mode else self._required()
        self._kubeconfig(cluster)
        return cluster

    def _stopped(self, cluster: Optional[Cluster]) -> Cluster:
        cluster = self._existing(cluster)
        running = [node for node in cluster.nodes if node.state not in (_EXITED, "created", "dead")]
        if not running:
            return cluster
        self._do("stop " + ", ".join(node.name for node in running), lambda: self._stop(running))
        return k3d_description.with_state(cluster, _EXITED) if self.check_mode else self._required()

    def _stop(self, running: List[Node]) -> None:
        for node in running:
            if node.state == "paused":
                # Docker does not stop what is frozen.
                self.engine.act(node.name, "unpause")
        answer = self.k3d.stop(self.name, self.timeout)
        for node in self._required().nodes:
            if node.state in (k3d_state.RUNNING, "restarting", "paused"):
                self.engine.act(node.name, "stop", timeout=self.timeout)
        still = [node for node in self._required().nodes if node.state in (k3d_state.RUNNING, "restarting", "paused")]
        if still:
            states = ", ".join(f"{node.name} is {node.state}" for node in still)
            raise ArgolabError(f"cluster {self.name} could not be stopped: {states}; k3d said: {answer.problems}")

    # --- absent ----------------------------------------------------------------------------------------------

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
        try:
            self._remove(self.reader.leftovers(self.name))
            left = self.reader.leftovers(self.name)
        except ArgolabError as error:
            said = f"; k3d said: {problems}" if problems else ""
            raise ArgolabError(
                f"whether something of cluster {self.name} is left is not known: {error}{said}"
            ) from error
        if left:
            raise ArgolabError(f"cluster {self.name} was deleted, but {left} is left: {problems}")

    def _absent(self, cluster: Optional[Cluster]) -> None:
        path = self.params["kubeconfig"]
        leftovers = self.reader.leftovers(self.name)
        if cluster is not None or leftovers:
            self._do(f"delete {self.name}" if cluster else f"remove leftovers ({leftovers})", self._delete)
        if path and os.path.lexists(path):
            self._do(f"remove {path}", lambda: os.unlink(path))
