# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a k3d cluster is, and how that differs from what was declared. Pure: no program is started here."""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.argolab.observability.plugins.module_utils.k3d_nodes import (
    Place,
    Settings,
    can_be_added,
    real_settings,
    settings_differences,
)
from ansible_collections.argolab.observability.plugins.module_utils.k3d_registries import registry_differences
from ansible_collections.argolab.observability.plugins.module_utils.k3d_spec import (
    ANY_ADDRESS,
    API_PORT,
    DeclaredPort,
    HostAlias,
    PortMapping,
    Registry,
    Spec,
)

RUNNING = "running"
_ROLES = ("server", "agent", "loadbalancer")

Containers = Mapping[str, Mapping[str, Any]]
Images = Mapping[str, Mapping[str, Any]]


def order_of(name: str) -> Tuple[int, ...]:
    """The place of a node among those of its role: agent-2 comes before agent-10."""
    return tuple(int(number) for number in re.findall(r"-(\d+)(?=-|$)", name))


@dataclass(frozen=True)
class Node:
    """A node container."""

    name: str
    role: str
    state: str
    ip: str
    image_id: str
    settings: Settings = Settings()

    def as_dict(self) -> Dict[str, str]:
        return {"name": self.name, "role": self.role, "state": self.state, "ip": self.ip, "image_id": self.image_id}


@dataclass(frozen=True)
class Cluster:
    """A cluster as it is."""

    name: str
    network: str
    subnet: str
    nodes: Tuple[Node, ...]
    api_address: str
    api_port: Optional[int]
    ports: FrozenSet[PortMapping]
    api_host: str = ""
    host_aliases: FrozenSet[HostAlias] = frozenset()
    registry: Optional[Registry] = None
    registries_config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    token: str = field(default="", repr=False)

    def of_role(self, role: str) -> List[Node]:
        return sorted((node for node in self.nodes if node.role == role), key=lambda node: order_of(node.name))

    @property
    def not_running(self) -> List[Node]:
        return [node for node in self.nodes if node.state != RUNNING]

    @property
    def stopped(self) -> bool:
        """Whether nothing of it runs."""
        return all(node.state not in (RUNNING, "restarting", "paused") for node in self.nodes)


class Difference(NamedTuple):
    """One way in which a cluster is not what was declared; C(repair) names what can be done in place."""

    field: str
    declared: str
    real: str
    repair: str = ""

    def __str__(self) -> str:
        return f"{self.field}: declared {self.declared}, found {self.real}"


# --- the real -------------------------------------------------------------------------------------------------


def _mappings(node: Mapping[str, Any]) -> List[PortMapping]:
    found: List[PortMapping] = []
    for key, bindings in (node.get("portMappings") or {}).items():
        inside, _slash, protocol = str(key).partition("/")
        for binding in bindings or []:
            if str(binding.get("HostPort", "")).isdigit() and inside.isdigit():
                found.append(
                    PortMapping(
                        binding.get("HostIp") or ANY_ADDRESS, int(binding["HostPort"]), int(inside), protocol or "tcp"
                    )
                )
    return found


def _aliases(text: str) -> FrozenSet[HostAlias]:
    try:
        return frozenset(HostAlias(item["ip"], tuple(item["hostnames"])) for item in json.loads(text or "[]"))
    except (ValueError, KeyError, TypeError):
        return frozenset()


def parse_registry_container(container: Mapping[str, Any]) -> Tuple[Registry, Node]:
    """Read a registry that was made with a cluster from what Docker says; k3d does not list it with the others."""
    config, host = container.get("Config") or {}, container.get("HostConfig") or {}
    variables = dict(text.partition("=")[::2] for text in config.get("Env") or [])
    port = next(iter(_mappings({"portMappings": host.get("PortBindings")})), None)
    if port is None:
        # Any free port was asked for; which one it is now says nothing.
        port = PortMapping(ANY_ADDRESS, 0, 0, "tcp")
    name = str(container.get("Name", "")).lstrip("/")
    registry = Registry(
        name=name,
        address=port.address,
        port=port.published or None,
        remote_url=variables.get("REGISTRY_PROXY_REMOTEURL", ""),
        username=variables.get("REGISTRY_PROXY_USERNAME", ""),
        password=variables.get("REGISTRY_PROXY_PASSWORD", ""),
    )
    networks = ((container.get("NetworkSettings") or {}).get("Networks") or {}).values()
    address = next((str(network["IPAddress"]) for network in networks if network.get("IPAddress")), "")
    state = str((container.get("State") or {}).get("Status") or "unknown")
    return registry, Node(name, "registry", state, address, str(container.get("Image") or ""))


def parse_cluster(
    entry: Mapping[str, Any],
    containers: Optional[Containers] = None,
    images: Optional[Images] = None,
    registries_config: Optional[Mapping[str, Any]] = None,
    registry: Optional[Mapping[str, Any]] = None,
) -> Cluster:
    """Read one entry of C(k3d cluster list -o json), with what Docker says of its containers and images."""
    nodes: List[Node] = []
    ports: List[PortMapping] = []
    servers: Dict[str, str] = {}
    aliases = subnet = token = ""
    for item in entry.get("nodes") or []:
        labels = item.get("runtimeLabels") or {}
        role, name, image_id = str(item.get("role")), str(item.get("name", "")), str(item.get("image") or "")
        if role not in _ROLES:
            continue
        container = (containers or {}).get(name) or {}
        nodes.append(
            Node(
                name=name,
                role=role,
                state=str((item.get("State") or {}).get("Status") or "unknown"),
                ip=str((item.get("IP") or {}).get("IP") or ""),
                image_id=image_id,
                settings=real_settings(container, (images or {}).get(image_id)) if container else Settings(),
            )
        )
        ports += _mappings(item)
        subnet = subnet or str(labels.get("k3d.cluster.network.iprange") or "")
        token = token or str(labels.get("k3d.cluster.token") or "")
        aliases = aliases or str(labels.get("k3d.cluster.start.hostaliases") or "")
        # An agent that was added carries a copy of these labels.
        if role == "server" and str(labels.get("k3d.server.api.port", "")).isdigit():
            servers = dict(labels)
    own = None
    if registry:
        own, node = parse_registry_container(registry)
        nodes.append(node)
    api_port = int(servers["k3d.server.api.port"]) if servers else None
    api_address = (servers.get("k3d.server.api.hostIP") or ANY_ADDRESS) if servers else ""
    api = PortMapping(api_address, api_port or 0, API_PORT, "tcp")
    api_host = servers.get("k3d.server.api.host", "")
    return Cluster(
        name=str(entry.get("name", "")),
        network=str((entry.get("network") or {}).get("name") or ""),
        subnet=subnet,
        nodes=tuple(sorted(nodes, key=lambda node: (node.role, order_of(node.name), node.name))),
        api_address=api_address,
        api_port=api_port,
        ports=frozenset(port for port in ports if port != api),
        # k3d fills in the address where no name was given.
        api_host="" if api_host == api_address else api_host,
        host_aliases=_aliases(aliases),
        registry=own,
        registries_config=registries_config or {},
        token=token,
    )


# --- the two compared -----------------------------------------------------------------------------------------


def _texts(values: Iterable[Any]) -> str:
    return ", ".join(str(value) for value in sorted(values)) or "none"


def differences(spec: Spec, cluster: Cluster, image_id: Optional[str] = None) -> List[Difference]:
    """Compare; C(image_id) is the id that the declared image has now, None where that cannot be told."""
    found: List[Difference] = []
    servers, agents = cluster.of_role("server"), cluster.of_role("agent")
    if len(servers) != spec.servers:
        found.append(Difference("servers", str(spec.servers), str(len(servers))))
    if len(agents) != spec.agents:
        found.append(_agents(spec, cluster))
    if bool(cluster.of_role("loadbalancer")) != spec.loadbalancer:
        sides = ("one", "none") if spec.loadbalancer else ("none", "one")
        found.append(Difference("load balancer", *sides))
    if image_id:
        others = sorted({node.image_id for node in servers + agents if node.image_id != image_id})
        if others:
            found.append(Difference("image", f"{spec.image} ({short(image_id)})", ", ".join(map(short, others))))
    if (
        spec.api_port
        and cluster.api_port
        and (spec.api_address, spec.api_port) != (cluster.api_address, cluster.api_port)
    ):
        found.append(
            Difference(
                "API address", f"{spec.api_address}:{spec.api_port}", f"{cluster.api_address}:{cluster.api_port}"
            )
        )
    if servers and spec.api_host != cluster.api_host:
        found.append(Difference("API host", spec.api_host or "none", cluster.api_host or "none"))
    if cluster.network != spec.network_name:
        found.append(Difference("network", spec.network_name, cluster.network))
    elif spec.subnet and cluster.subnet and ipaddress.ip_network(spec.subnet) != ipaddress.ip_network(cluster.subnet):
        found.append(Difference("subnet", spec.subnet, cluster.subnet))
    if servers and spec.token and cluster.token and spec.token != cluster.token:
        found.append(Difference("token", "another", "the one of its creation"))
    if servers and spec.host_aliases != cluster.host_aliases:
        found.append(
            Difference(
                "host_aliases",
                _texts(spec.host_aliases - cluster.host_aliases),
                _texts(cluster.host_aliases - spec.host_aliases),
            )
        )
    found += [Difference(*one) for one in settings_differences(_settings_pairs(spec, cluster))]
    config = cluster.registries_config if servers else None
    found += [Difference(*one) for one in registry_differences(spec, cluster.registry, config)]
    return found + _port_differences(spec, cluster)


def _settings_pairs(spec: Spec, cluster: Cluster) -> Dict[str, Tuple[Settings, Settings]]:
    return {
        node.name: (spec.settings(Place(role, number)), node.settings)
        for role, count in (("server", spec.servers), ("agent", spec.agents))
        for number, node in enumerate(cluster.of_role(role)[:count])
    }


def _agents(spec: Spec, cluster: Cluster) -> Difference:
    """Say how the number of agents differs, and whether k3d can mend that in place."""
    agents = cluster.of_role("agent")
    missing = range(len(agents), spec.agents)
    sources = agents or cluster.of_role("server")
    if not missing:
        return Difference("agents", str(spec.agents), str(len(agents)), "delete agents")
    fitting = bool(sources) and all(
        can_be_added(spec.settings(Place("agent", number)), source.settings, bool(agents))
        for number in missing
        for source in sources
    )
    if fitting:
        return Difference("agents", str(spec.agents), str(len(agents)), "add agents")
    return Difference(
        "agents",
        f"{spec.agents}, the new ones with variables, volumes or arguments that k3d cannot give to a node that it adds",
        str(len(agents)),
    )


def _port_differences(spec: Spec, cluster: Cluster) -> List[Difference]:
    declared = {port.mapping for port in spec.ports}
    missing, extra = declared - cluster.ports, cluster.ports - declared
    if not missing and not extra:
        return []
    # k3d can add a port of the load balancer to a cluster, and take none away.
    direct = {port.mapping for port in spec.ports if port.direct}
    repair = "" if extra or missing & direct else "add ports"
    return [Difference("ports", _texts(declared), _texts(cluster.ports), repair)]


def short(image_id: str) -> str:
    return image_id.replace("sha256:", "")[:12]


def missing_ports(spec: Spec, cluster: Cluster) -> List[DeclaredPort]:
    return [port for port in spec.ports if port.mapping not in cluster.ports]


def superfluous_agents(spec: Spec, cluster: Cluster) -> List[Node]:
    """Return the agents beyond the declared number, the last first."""
    return list(reversed(cluster.of_role("agent")[spec.agents :]))


def additions(spec: Spec, cluster: Cluster) -> Dict[str, Tuple[str, int]]:
    """Return the name to give k3d, and how many to make of it, by the name of the first container that comes of it.

    k3d appends a number of its own to the name, beginning with 0: the first agents get the names that they would have
    had at the cluster's creation, later ones a name with one number more.
    """
    agents = cluster.of_role("agent")
    missing = spec.agents - len(agents)
    base = f"k3d-{spec.name}-agent"
    if not agents:
        return {f"{base}-0": (f"{spec.name}-agent", missing)} if missing > 0 else {}
    taken = {node.name for node in agents}
    found: Dict[str, Tuple[str, int]] = {}
    number = 0
    while len(found) < missing:
        name = f"{base}-{number}" if number == 0 else f"{base}-{number}-0"
        if name not in taken and f"{base}-{number}" not in taken:
            found[name] = (f"{spec.name}-agent" if number == 0 else f"{spec.name}-agent-{number}", 1)
        number += 1
    return found


def health(cluster: Cluster) -> Tuple[str, List[str]]:
    """Tell V(running), V(stopped) or V(degraded), and one sentence for each thing that is wrong.

    k3d counts a server that is paused, or that ends again and again, as running.
    """
    problems = []
    if not cluster.of_role("server"):
        problems.append("it has no server left: have it made anew, or remove it")
    elif cluster.stopped and not any(node.state == "created" for node in cluster.nodes):
        return "stopped", []
    for node in cluster.not_running:
        never = node.state == "created"
        problems.append(f"{node.name} {'was never started' if never else f'is {node.state}'}: start the cluster")
    return ("degraded" if problems else RUNNING), problems


def overlapping(subnet: str, networks: Iterable[Mapping[str, Any]], own: str) -> Optional[str]:
    """Return the name and range of another Docker network that shares addresses with a subnet."""
    wanted = ipaddress.ip_network(subnet)
    for network in networks:
        if network.get("Name") == own:
            continue
        for config in (network.get("IPAM") or {}).get("Config") or []:
            try:
                other = ipaddress.ip_network(config.get("Subnet", ""))
            except ValueError:
                continue
            if other.version == wanted.version and other.overlaps(wanted):
                return f"{network['Name']} ({other})"
    return None
