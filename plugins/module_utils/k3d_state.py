# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a k3d cluster is declared to be, what it is, and how the two differ. Pure: no program is started here."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError

ANY_ADDRESS = "0.0.0.0"
MAX_NAME = 32
_NAME = re.compile(r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")
_PORT = re.compile(
    r"^(?:(?P<host>\[[0-9a-fA-F:]+\]|[^:@]+):)?(?P<published>\d+):(?P<inside>\d+)(?:/(?P<protocol>tcp|udp))?(?:@(?P<filters>[^@]+))?$"
)
RUNNING = "running"


class PortMapping(NamedTuple):
    """One published port."""

    address: str
    published: int
    inside: int
    protocol: str

    def __str__(self) -> str:
        return f"{self.address}:{self.published}->{self.inside}/{self.protocol}"


class DeclaredPort(NamedTuple):
    """A published port as declared, with the text that k3d is given."""

    mapping: PortMapping
    filters: Tuple[str, ...]
    direct: bool

    @property
    def argument(self) -> str:
        mapping = self.mapping
        host = f"[{mapping.address}]" if ":" in mapping.address else mapping.address
        return f"{host}:{mapping.published}:{mapping.inside}/{mapping.protocol}@{';'.join(self.filters)}"


@dataclass(frozen=True)
class Spec:
    """A cluster as declared."""

    name: str
    servers: int = 1
    agents: int = 0
    image: Optional[str] = None
    api_address: str = "127.0.0.1"
    api_port: Optional[int] = None
    ports: Tuple[DeclaredPort, ...] = ()
    network: Optional[str] = None
    subnet: Optional[str] = None

    @property
    def network_name(self) -> str:
        return self.network or f"k3d-{self.name}"

    @property
    def context(self) -> str:
        return f"k3d-{self.name}"

    @property
    def published(self) -> List[PortMapping]:
        api = [PortMapping(self.api_address, self.api_port, 6443, "tcp")] if self.api_port else []
        return api + [port.mapping for port in self.ports]


@dataclass(frozen=True)
class Node:
    """A node container."""

    name: str
    role: str
    state: str
    ip: str
    image_id: str

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
    has_loadbalancer: bool

    def of_role(self, role: str) -> List[Node]:
        return [node for node in self.nodes if node.role == role]

    @property
    def not_running(self) -> List[Node]:
        return [node for node in self.nodes if node.state != RUNNING]


class Difference(NamedTuple):
    """One way in which a cluster is not what was declared; C(repair) names what can be done in place."""

    field: str
    declared: str
    real: str
    repair: str = ""

    def __str__(self) -> str:
        return f"{self.field}: declared {self.declared}, found {self.real}"


# --- the declared ---------------------------------------------------------------------------------------------


def checked_name(name: str) -> str:
    if len(name) > MAX_NAME or not _NAME.match(name):
        raise DefiniteError(
            f"{name!r} cannot be the name of a cluster: expected at most {MAX_NAME} lower-case letters, digits and "
            f"hyphens, "
            "beginning and ending with a letter or digit, such as 'argolab'"
        )
    return name


def checked_port(number: int, what: str) -> int:
    if not 1 <= number <= 65535:
        raise DefiniteError(f"{what} is {number}: a port is a number from 1 to 65535")
    return number


def checked_address(text: str, what: str) -> str:
    if text == "localhost":
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        raise DefiniteError(
            f"{what} is {text!r}: expected an IP address of this host, such as 127.0.0.1 or {ANY_ADDRESS}"
        ) from None


def parse_api_port(text: str) -> Tuple[str, int]:
    """Parse C(6443) or C(127.0.0.1:6443); the address is the loopback one where none is given."""
    host, _colon, port = text.rpartition(":")
    if not port.isdigit():
        raise DefiniteError(f"api_port is {text!r}: expected a port or address:port, such as 127.0.0.1:6443")
    return (
        checked_address(host, "the address of api_port") if host else "127.0.0.1",
        checked_port(int(port), "api_port"),
    )


def parse_port(text: str, filters: Sequence[str] = (), default_address: str = ANY_ADDRESS) -> DeclaredPort:
    """Parse k3d's C([HOST:]HOSTPORT:CONTAINERPORT[/PROTOCOL][@FILTERS])."""
    match = _PORT.match(text)
    if match is None:
        raise DefiniteError(
            f"port {text!r} is not understood: expected [ADDRESS:]HOSTPORT:CONTAINERPORT[/tcp|udp][@NODEFILTER], "
            "such as 127.0.0.1:8080:80@loadbalancer"
        )
    given = tuple(filters) or tuple(filter(None, (match["filters"] or "loadbalancer").split(";")))
    mapping = PortMapping(
        checked_address(match["host"], f"the address of port {text!r}") if match["host"] else default_address,
        checked_port(int(match["published"]), f"the host's port of {text!r}"),
        checked_port(int(match["inside"]), f"the container's port of {text!r}"),
        match["protocol"] or "tcp",
    )
    return DeclaredPort(mapping, given, all(name.endswith(":direct") for name in given))


def parse_ports(items: Iterable[Any]) -> Tuple[DeclaredPort, ...]:
    """Parse a list of texts and of C({port, node_filters})."""
    found: List[DeclaredPort] = []
    for item in items:
        if isinstance(item, Mapping):
            unknown = set(item) - {"port", "node_filters"}
            if unknown or "port" not in item:
                raise DefiniteError(f"port {dict(item)!r} is not understood: expected the keys port and node_filters")
            filters = item.get("node_filters") or []
            if isinstance(filters, str):
                filters = [filters]
            found.append(parse_port(str(item["port"]), [str(name) for name in filters]))
        else:
            found.append(parse_port(str(item)))
    return tuple(found)


def check_spec(spec: Spec) -> None:
    """Refuse what k3d would refuse late, or accept and never get to work."""
    checked_name(spec.name)
    if spec.servers < 1:
        raise DefiniteError(f"servers is {spec.servers}: a cluster needs at least one server")
    if spec.agents < 0:
        raise DefiniteError(f"agents is {spec.agents}: expected 0 or more")
    seen: Dict[Tuple[int, str], PortMapping] = {}
    for mapping in spec.published:
        other = seen.get((mapping.published, mapping.protocol))
        if other is not None and (ANY_ADDRESS in (other.address, mapping.address) or other.address == mapping.address):
            raise DefiniteError(f"port {mapping.published} of the host is declared twice: {other} and {mapping}")
        seen[(mapping.published, mapping.protocol)] = mapping
    if spec.subnet:
        try:
            network = ipaddress.ip_network(spec.subnet)
        except ValueError as error:
            raise DefiniteError(
                f"subnet is {spec.subnet!r}: expected a network such as 172.29.0.0/16 ({error})"
            ) from None
        if network.num_addresses < spec.servers + spec.agents + 5:
            raise DefiniteError(f"subnet {spec.subnet} has too few addresses for {spec.servers + spec.agents} nodes")


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


def parse_cluster(entry: Mapping[str, Any]) -> Cluster:
    """Read one entry of C(k3d cluster list -o json)."""
    nodes: List[Node] = []
    ports: List[PortMapping] = []
    api_address, api_port, subnet = "", None, ""
    for item in entry.get("nodes") or []:
        labels = item.get("runtimeLabels") or {}
        if item.get("role") not in ("server", "agent", "loadbalancer"):
            continue
        nodes.append(
            Node(
                name=str(item.get("name", "")),
                role=str(item["role"]),
                state=str((item.get("State") or {}).get("Status") or "unknown"),
                ip=str((item.get("IP") or {}).get("IP") or ""),
                image_id=str(item.get("image") or ""),
            )
        )
        ports += _mappings(item)
        subnet = subnet or str(labels.get("k3d.cluster.network.iprange") or "")
        if str(labels.get("k3d.server.api.port", "")).isdigit():
            api_port = int(labels["k3d.server.api.port"])
            api_address = labels.get("k3d.server.api.hostIP") or ANY_ADDRESS
    api = PortMapping(api_address, api_port or 0, 6443, "tcp")
    return Cluster(
        name=str(entry.get("name", "")),
        network=str((entry.get("network") or {}).get("name") or ""),
        subnet=subnet,
        nodes=tuple(sorted(nodes, key=lambda node: (node.role, node.name))),
        api_address=api_address,
        api_port=api_port,
        ports=frozenset(port for port in ports if port != api),
        has_loadbalancer=bool(entry.get("hasLoadbalancer")),
    )


def find_cluster(listing: Any, name: str) -> Optional[Cluster]:
    for entry in listing or []:
        if entry.get("name") == name:
            return parse_cluster(entry)
    return None


# --- the two compared -----------------------------------------------------------------------------------------


def _texts(ports: Iterable[PortMapping]) -> str:
    return ", ".join(str(port) for port in sorted(ports)) or "none"


def differences(spec: Spec, cluster: Cluster, image_id: Optional[str] = None) -> List[Difference]:
    """Compare; C(image_id) is the id that the declared image has now, None where that cannot be told."""
    found: List[Difference] = []
    servers, agents = cluster.of_role("server"), cluster.of_role("agent")
    if len(servers) != spec.servers:
        found.append(Difference("servers", str(spec.servers), str(len(servers))))
    if len(agents) != spec.agents:
        found.append(Difference("agents", str(spec.agents), str(len(agents))))
    if not cluster.of_role("loadbalancer"):
        found.append(Difference("load balancer", "one", "none"))
    if image_id:
        others = sorted({node.image_id for node in servers + agents if node.image_id != image_id})
        if others:
            found.append(Difference("image", f"{spec.image} ({_short(image_id)})", ", ".join(map(_short, others))))
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
    if cluster.network != spec.network_name:
        found.append(Difference("network", spec.network_name, cluster.network))
    elif spec.subnet and cluster.subnet and ipaddress.ip_network(spec.subnet) != ipaddress.ip_network(cluster.subnet):
        found.append(Difference("subnet", spec.subnet, cluster.subnet))
    found += _port_differences(spec, cluster)
    return found


def _port_differences(spec: Spec, cluster: Cluster) -> List[Difference]:
    declared = {port.mapping for port in spec.ports}
    missing, extra = declared - cluster.ports, cluster.ports - declared
    if not missing and not extra:
        return []
    # k3d can add a port of the load balancer to a cluster, and take none away.
    direct = {port.mapping for port in spec.ports if port.direct}
    repair = "" if extra or missing & direct else "add ports"
    return [Difference("ports", _texts(declared), _texts(cluster.ports), repair)]


def _short(image_id: str) -> str:
    return image_id.replace("sha256:", "")[:12]


def missing_ports(spec: Spec, cluster: Cluster) -> List[DeclaredPort]:
    return [port for port in spec.ports if port.mapping not in cluster.ports]


def described(cluster: Optional[Cluster]) -> str:
    """Describe a cluster for a diff, one line for each thing that is compared."""
    if cluster is None:
        return "absent\n"
    lines = [
        f"cluster: {cluster.name}",
        f"API: {cluster.api_address}:{cluster.api_port}",
        f"network: {cluster.network} {cluster.subnet}".rstrip(),
        *(f"port: {port}" for port in sorted(cluster.ports)),
        *(f"node: {node.name} {node.role} {node.state}" for node in cluster.nodes),
    ]
    return "\n".join(lines) + "\n"


def described_spec(spec: Spec) -> str:
    """Describe the cluster that a declaration leads to, in the form of C(described)."""
    nodes = [f"k3d-{spec.name}-agent-{number} agent" for number in range(spec.agents)]
    nodes += [f"k3d-{spec.name}-serverlb loadbalancer"]
    nodes += [f"k3d-{spec.name}-server-{number} server" for number in range(spec.servers)]
    lines = [
        f"cluster: {spec.name}",
        f"API: {spec.api_address}:{spec.api_port or 'any free port'}",
        f"network: {spec.network_name} {spec.subnet or ''}".rstrip(),
        *(f"port: {port.mapping}" for port in sorted(spec.ports)),
        *(f"node: {node} {RUNNING}" for node in nodes),
    ]
    return "\n".join(lines) + "\n"


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
