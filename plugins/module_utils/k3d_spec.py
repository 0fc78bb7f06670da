# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a k3d cluster is declared to be. Pure: no program is started here."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.k3d_nodes import (
    Declaration,
    Place,
    Settings,
    parse_entries,
)

ANY_ADDRESS = "0.0.0.0"
API_PORT = 6443
MAX_NAME = 32
_NAME = re.compile(r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")
_PORT = re.compile(
    r"^(?:(?P<host>\[[0-9a-fA-F:]+\]|[^:@]+):)?(?P<published>\d+):(?P<inside>\d+)(?:/(?P<protocol>tcp|udp))?(?:@(?P<filters>[^@]+))?$"
)
_HOST_ALIAS = re.compile(r"^(?P<address>\[?[0-9a-fA-F.:]+\]?):(?P<names>[^:]+)$")


class PortMapping(NamedTuple):
    """One published port."""

    address: str
    published: int
    inside: int
    protocol: str

    def __str__(self) -> str:
        return f"{self.address}:{self.published}->{self.inside}/{self.protocol}"


class DeclaredPort(NamedTuple):
    """A published port as declared, with the node filters that k3d is given."""

    mapping: PortMapping
    filters: Tuple[str, ...]
    direct: bool

    @property
    def published(self) -> str:
        mapping = self.mapping
        host = f"[{mapping.address}]" if ":" in mapping.address else mapping.address
        return f"{host}:{mapping.published}:{mapping.inside}/{mapping.protocol}"

    @property
    def argument(self) -> str:
        return f"{self.published}@{';'.join(self.filters)}"


class HostAlias(NamedTuple):
    """Names for an address."""

    address: str
    names: Tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.address} {' '.join(self.names)}"


@dataclass(frozen=True)
class Registry:
    """A registry of the cluster's own, with what it passes requests on to, if anything."""

    name: str
    address: str = ANY_ADDRESS
    port: Optional[int] = None
    image: Optional[str] = None
    remote_url: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    volumes: Tuple[str, ...] = ()

    def __str__(self) -> str:
        port = f" on {self.address}:{self.port}" if self.port else ""
        return f"{self.name}{port}" + (f" for {self.remote_url}" if self.remote_url else "")


@dataclass(frozen=True)
class Spec:
    """A cluster as declared."""

    name: str
    servers: int = 1
    agents: int = 0
    image: Optional[str] = None
    api_host: str = ""
    api_address: str = "127.0.0.1"
    api_port: Optional[int] = None
    ports: Tuple[DeclaredPort, ...] = ()
    network: Optional[str] = None
    subnet: Optional[str] = None
    loadbalancer: bool = True
    nodes: Declaration = Declaration()
    host_aliases: FrozenSet[HostAlias] = frozenset()
    registry: Optional[Registry] = None
    registries_used: Tuple[str, ...] = ()
    registries_config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    token: str = field(default="", repr=False)

    @property
    def network_name(self) -> str:
        return self.network or f"k3d-{self.name}"

    @property
    def context(self) -> str:
        return f"k3d-{self.name}"

    @property
    def published(self) -> List[PortMapping]:
        api = [PortMapping(self.api_address, self.api_port, API_PORT, "tcp")] if self.api_port else []
        own = self.registry
        registry = [PortMapping(own.address, own.port, 5000, "tcp")] if own and own.port else []
        return api + registry + [port.mapping for port in self.ports]

    @property
    def places(self) -> List[Place]:
        return [Place("server", number) for number in range(self.servers)] + [
            Place("agent", number) for number in range(self.agents)
        ]

    def container(self, place: Place) -> str:
        return f"k3d-{self.name}-{'serverlb' if place.role == 'loadbalancer' else place}"

    def settings(self, place: Place) -> Settings:
        return self.nodes.settings(place)


def checked_name(name: str) -> str:
    if len(name) > MAX_NAME or not _NAME.match(name):
        raise DefiniteError(
            f"{name!r} cannot be the name of a cluster: expected at most {MAX_NAME} lower-case letters, digits and "
            "hyphens, beginning and ending with a letter or digit, such as 'argolab'"
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


def parse_host_alias(text: str) -> HostAlias:
    """Parse k3d's C(ADDRESS:NAME,NAME)."""
    match = _HOST_ALIAS.match(text)
    if match is None:
        raise DefiniteError(f"host alias {text!r} is not understood: expected ADDRESS:NAME, such as 10.0.0.1:a.it,b.it")
    names = tuple(name for name in match["names"].split(",") if name)
    return HostAlias(checked_address(match["address"], f"the address of host alias {text!r}"), names)


def parse_registry(options: Optional[Mapping[str, Any]], cluster: str) -> Optional[Registry]:
    if not options:
        return None
    proxy = options.get("proxy") or {}
    return Registry(
        name=options.get("name") or f"k3d-{cluster}-registry",
        address=checked_address(options.get("host") or ANY_ADDRESS, "the host of registries.create"),
        port=options.get("port"),
        image=options.get("image") or None,
        remote_url=proxy.get("remote_url") or "",
        username=proxy.get("username") or "",
        password=proxy.get("password") or "",
        volumes=tuple(options.get("volumes") or ()),
    )


def _nodes(params: Mapping[str, Any]) -> Declaration:
    def entries(option: str) -> Any:
        try:
            return parse_entries(
                params.get(option) or (), params["servers"], params["agents"], params.get("loadbalancer", True)
            )
        except DefiniteError as error:
            raise DefiniteError(f"{option}: {error}") from error

    return Declaration(
        env=entries("env"),
        volumes=entries("volumes"),
        k3s_args=entries("k3s_args"),
        node_labels=entries("node_labels"),
        runtime_labels=entries("runtime_labels"),
        ulimits=tuple(params.get("runtime_ulimits") or ()),
        tls_sans=tuple(params.get("tls_sans") or ()),
        servers_memory=params.get("servers_memory") or "",
        agents_memory=params.get("agents_memory") or "",
    )


def spec_from_params(params: Mapping[str, Any]) -> Spec:
    """Parse the options of the module, and refuse what k3d would refuse late, or accept and never get to work."""
    address, port = parse_api_port(params["api_port"])
    registries = params.get("registries") or {}
    spec = Spec(
        name=params["name"],
        servers=params["servers"],
        agents=params["agents"],
        image=params["image"] or None,
        api_host=params.get("api_host") or "",
        api_address=address,
        api_port=port,
        ports=parse_ports(params["ports"]),
        network=params["network"] or None,
        subnet=params["subnet"] or None,
        loadbalancer=params.get("loadbalancer", True),
        nodes=_nodes(params),
        host_aliases=frozenset(map(parse_host_alias, params.get("host_aliases") or ())),
        registry=parse_registry(registries.get("create"), params["name"]),
        registries_used=tuple(registries.get("use") or ()),
        registries_config=registries.get("config") or {},
        token=params.get("token") or "",
    )
    check_spec(spec)
    return spec


def check_spec(spec: Spec) -> None:
    """Refuse what cannot be."""
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
    proxied = [str(port.mapping) for port in spec.ports if not port.direct]
    if proxied and not spec.loadbalancer:
        raise DefiniteError(
            f"port {', '.join(proxied)} goes through the load balancer, which loadbalancer: false leaves out; "
            "expected ports with the node filter of one node, such as 127.0.0.1:8080:80@server:0:direct"
        )
    if spec.subnet:
        try:
            network = ipaddress.ip_network(spec.subnet)
        except ValueError as error:
            raise DefiniteError(
                f"subnet is {spec.subnet!r}: expected a network such as 172.29.0.0/16 ({error})"
            ) from None
        if network.num_addresses < spec.servers + spec.agents + 5:
            raise DefiniteError(f"subnet {spec.subnet} has too few addresses for {spec.servers + spec.agents} nodes")
    unknown = set(spec.registries_config) - {"mirrors", "configs", "auths"}
    if unknown:
        raise DefiniteError(
            f"registries.config has {', '.join(sorted(map(str, unknown)))}; expected mirrors and configs, as in the "
            "registries.yaml of k3s"
        )
