# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each node of a k3d cluster is given: k3d's node filters, and the settings that come of them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError

_FILTER = re.compile(
    r"^(?P<group>servers?|agents?|loadbalancer|all)(?::(?:(?P<numbers>\d+(?:,\d+)*)|(?P<range>\d*-\d*)|(?P<every>\*)))?$"
)
_MEMORY_UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
# k3d's names for folders of k3s, as targets of a volume.
_VOLUME_TARGETS = {
    "k3s-storage": "/var/lib/rancher/k3s/storage",
    "k3s-manifests": "/var/lib/rancher/k3s/server/manifests",
    "k3s-manifests-custom": "/var/lib/rancher/k3s/server/manifests/custom",
    "k3s-containerd": "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
    "k3s-containerd-tmpl": "/var/lib/rancher/k3s/agent/etc/containerd/config.toml.tmpl",
    "k3s-registry-config": "/etc/rancher/k3s/registries.yaml",
}
# What k3d mounts, sets and labels by itself.
_OWN_MOUNTS = ("/k3d/images", "/proc/meminfo", "/sys/devices/system/edac")
_OWN_VARIABLES = ("K3S_TOKEN", "K3S_URL", "K3S_KUBECONFIG_OUTPUT", "K3S_CLUSTER_INIT")
_OWN_OPTIONS = ("--tls-san", "--node-label")


class Place(NamedTuple):
    """A node by its role and number, as C(server-0)."""

    role: str
    number: int

    def __str__(self) -> str:
        return self.role if self.role == "loadbalancer" else f"{self.role}-{self.number}"


LOADBALANCER = Place("loadbalancer", 0)


class Entry(NamedTuple):
    """A text for the nodes that its filters name."""

    text: str
    filters: Tuple[str, ...]
    places: Tuple[Place, ...]


@dataclass(frozen=True)
class Settings:
    """What one node is given at its creation, and can be given at no other time."""

    env: FrozenSet[str] = frozenset()
    volumes: FrozenSet[str] = frozenset()
    k3s_args: FrozenSet[str] = frozenset()
    node_labels: FrozenSet[str] = frozenset()
    runtime_labels: FrozenSet[str] = frozenset()
    ulimits: FrozenSet[str] = frozenset()
    memory: int = 0

    def lines(self) -> List[str]:
        """One line for each thing that is set, for a diff."""
        found = [f"{title} {text}" for key, title in FIELDS.items() for text in sorted(getattr(self, key))]
        return found + ([f"memory {shown_memory(self.memory)}"] if self.memory else [])


FIELDS: Dict[str, str] = {
    "env": "variable",
    "volumes": "volume",
    "k3s_args": "argument",
    "node_labels": "node label",
    "runtime_labels": "container label",
    "ulimits": "ulimit",
}


# --- declared ---------------------------------------------------------------------------------------------------


def split_filters(text: str) -> Tuple[str, Tuple[str, ...]]:
    """Take C(@FILTER;FILTER) from the end of a text; an @ before what is no filter belongs to the text."""
    head, at, tail = text.rpartition("@")
    filters = tuple(part for part in tail.split(";") if part)
    if at and filters and all(_FILTER.match(part) for part in filters):
        return head, filters
    return text, ()


def _numbers(filter_text: str, match: re.Match[str], count: int) -> List[int]:
    if match["numbers"]:
        numbers = [int(part) for part in match["numbers"].split(",")]
    elif match["range"]:
        first, _dash, last = match["range"].partition("-")
        numbers = list(range(int(first or 0), (int(last) if last else count - 1) + 1))
    else:
        return list(range(count))
    beyond = [number for number in numbers if number >= count]
    if beyond or not numbers:
        raise DefiniteError(
            f"the node filter {filter_text} names a node that there is not: "
            f"{match['group'].rstrip('s')}s are {count}, counted from 0"
        )
    return numbers


def places_of(filters: Sequence[str], servers: int, agents: int, loadbalancer: bool) -> Tuple[Place, ...]:
    """Return the nodes that filters name; without filters all servers and agents, not the load balancer."""
    found: List[Place] = []
    for text in filters or ("server:*", "agent:*"):
        match = _FILTER.match(text)
        if match is None:
            raise DefiniteError(
                f"{text!r} is no node filter: expected server, agent or loadbalancer, with numbers as in server:0, "
                "agent:0,1, agent:0-2 or server:*"
            )
        group = match["group"].rstrip("s")
        if group in ("loadbalancer", "all") and loadbalancer:
            found.append(LOADBALANCER)
        elif group == "loadbalancer":
            raise DefiniteError("the node filter loadbalancer names what this cluster is declared not to have")
        if group in ("server", "all"):
            found += [Place("server", number) for number in _numbers(text, match, servers)]
        if group in ("agent", "all"):
            found += [Place("agent", number) for number in _numbers(text, match, agents)]
    return tuple(sorted(set(found)))


def parse_entries(texts: Iterable[str], servers: int, agents: int, loadbalancer: bool) -> Tuple[Entry, ...]:
    """Parse texts with filters at their end, as k3d's command line takes them."""
    found: List[Entry] = []
    for whole in texts:
        text, filters = split_filters(str(whole))
        found.append(Entry(text, filters, places_of(filters, servers, agents, loadbalancer)))
    return tuple(found)


def filters_for(places: Iterable[Place]) -> List[str]:
    """Return the filters that name just these nodes. k3d ignores what comes after the load balancer."""
    numbers: Dict[str, List[str]] = {}
    for place in sorted(places):
        numbers.setdefault(place.role, []).append(str(place.number))
    found = [f"{role}:{','.join(numbers[role])}" for role in ("server", "agent") if role in numbers]
    return found + (["loadbalancer"] if "loadbalancer" in numbers else [])


def bytes_of_memory(text: str) -> int:
    """C(512m) in bytes; units are binary, as Docker's are."""
    match = re.match(r"^(\d+)\s*([bkmgBKMG]?)[iI]?[bB]?$", text.strip())
    if match is None:
        raise DefiniteError(f"{text!r} is no amount of memory: expected one such as 512m or 4g")
    return int(match[1]) * _MEMORY_UNITS[match[2].lower()]


def shown_memory(number: int) -> str:
    for unit in ("g", "m", "k"):
        if number and number % _MEMORY_UNITS[unit] == 0:
            return f"{number // _MEMORY_UNITS[unit]}{unit}"
    return f"{number}b"


def whole_ulimit(text: str) -> str:
    """C(nofile=1024) as C(nofile=1024:1024)."""
    name, _equals, limits = text.partition("=")
    soft, _colon, hard = limits.partition(":")
    return f"{name}={soft}:{hard or soft}"


def whole_volume(text: str) -> str:
    """A mount as k3d hands it to Docker: with its names for folders of k3s replaced."""
    parts = text.split(":")
    if len(parts) == 1:
        return f"{parts[0]}:{parts[0]}"
    return ":".join([parts[0], _VOLUME_TARGETS.get(parts[1], parts[1]), *parts[2:]])


class Declaration(NamedTuple):
    """The options that settle what nodes are given, parsed."""

    env: Tuple[Entry, ...] = ()
    volumes: Tuple[Entry, ...] = ()
    k3s_args: Tuple[Entry, ...] = ()
    node_labels: Tuple[Entry, ...] = ()
    runtime_labels: Tuple[Entry, ...] = ()
    ulimits: Tuple[str, ...] = ()
    tls_sans: Tuple[str, ...] = ()
    servers_memory: str = ""
    agents_memory: str = ""

    def settings(self, place: Place) -> Settings:
        def of(entries: Iterable[Entry]) -> FrozenSet[str]:
            return frozenset(entry.text for entry in entries if place in entry.places)

        memory = {"server": self.servers_memory, "agent": self.agents_memory}.get(place.role, "")
        names = [f"--tls-san={name}" for name in self.tls_sans] if place.role == "server" else []
        return Settings(
            env=of(self.env),
            volumes=frozenset(map(whole_volume, of(self.volumes))),
            k3s_args=of(self.k3s_args) | frozenset(names),
            node_labels=of(self.node_labels),
            runtime_labels=of(self.runtime_labels),
            ulimits=frozenset(map(whole_ulimit, self.ulimits)),
            memory=bytes_of_memory(memory) if memory else 0,
        )


# --- real -------------------------------------------------------------------------------------------------------


def _options(words: Sequence[str]) -> Tuple[FrozenSet[str], FrozenSet[str]]:
    """Split the words after C(server) or C(agent) into arguments that were declared, and node labels."""
    arguments: List[str] = []
    labels: List[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in _OWN_OPTIONS and rest:
            value = rest.pop(0)
            if word == "--node-label":
                labels.append(value)
        elif word != "--cluster-init":
            arguments.append(word)
    return frozenset(arguments), frozenset(labels)


def real_settings(container: Mapping[str, Any], image: Optional[Mapping[str, Any]]) -> Settings:
    """Read the settings from what Docker says about a container and its image (None where the image is gone)."""
    config, host = container.get("Config") or {}, container.get("HostConfig") or {}
    given = (image or {}).get("Config") or {}
    env = [
        text
        for text in config.get("Env") or []
        if text not in (given.get("Env") or [])
        and text.partition("=")[0] not in _OWN_VARIABLES
        and not text.startswith("K3D_")
    ]
    labels = [
        f"{key}={value}"
        for key, value in (config.get("Labels") or {}).items()
        if key != "app" and not key.startswith("k3d.") and (given.get("Labels") or {}).get(key) != value
    ]
    volumes = [
        text for text in host.get("Binds") or [] if text.split(":")[1:2] and text.split(":")[1] not in _OWN_MOUNTS
    ]
    arguments, node_labels = _options([str(word) for word in config.get("Cmd") or []][1:])
    return Settings(
        env=frozenset(env),
        volumes=frozenset(volumes),
        k3s_args=arguments,
        node_labels=node_labels,
        runtime_labels=frozenset(labels),
        ulimits=frozenset(f"{item['Name']}={item['Soft']}:{item['Hard']}" for item in host.get("Ulimits") or []),
        memory=int(host.get("Memory") or 0),
    )


# --- the two compared -------------------------------------------------------------------------------------------


class SettingsDifference(NamedTuple):
    """One kind of setting in which nodes differ from what was declared."""

    field: str
    declared: str
    real: str


def _texts(values: Iterable[str]) -> str:
    return ", ".join(sorted(values)) or "none"


def settings_differences(pairs: Mapping[str, Tuple[Settings, Settings]]) -> List[SettingsDifference]:
    """Compare declared and real settings by node name; nodes that differ in the same way are named together."""
    found: Dict[Tuple[str, str, str], List[str]] = {}
    for node, (declared, real) in pairs.items():
        for key in FIELDS:
            wanted, there = getattr(declared, key), getattr(real, key)
            if wanted != there:
                # What both sides have says nothing.
                found.setdefault((key, _texts(wanted - there), _texts(there - wanted)), []).append(node)
        if declared.memory != real.memory:
            sides = [shown_memory(side.memory) if side.memory else "no limit" for side in (declared, real)]
            found.setdefault(("memory", *sides), []).append(node)  # type: ignore[arg-type]
    return [
        SettingsDifference(f"{key} of {', '.join(nodes)}", declared, real)
        for (key, declared, real), nodes in found.items()
    ]


def can_be_added(declared: Settings, source: Settings, same_role: bool) -> bool:
    """Whether k3d can give a node that it adds just these settings.

    It copies variables, mounts and container labels from a node of the same role, or else from a server, and has no
    option that takes one away; from the same role it copies arguments, node labels and the memory limit as well.
    """
    same = declared.env == source.env and declared.volumes == source.volumes
    copied = (declared.k3s_args, declared.node_labels, declared.memory) == (
        source.k3s_args,
        source.node_labels,
        source.memory,
    )
    return same and source.runtime_labels <= declared.runtime_labels and (copied or not same_role)
