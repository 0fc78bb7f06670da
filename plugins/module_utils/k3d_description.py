# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k3d clusters described for a diff, as they are, as declared, and as they will be. Pure; no secrets."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterable, List, Mapping, Optional, Tuple

from ansible_collections.argolab.observability.plugins.module_utils.k3d_nodes import Place, Settings
from ansible_collections.argolab.observability.plugins.module_utils.k3d_registries import (
    declared_as_used,
    mirrors_of,
    used_and_mirrors,
)
from ansible_collections.argolab.observability.plugins.module_utils.k3d_spec import (
    HostAlias,
    PortMapping,
    Registry,
    Spec,
)
from ansible_collections.argolab.observability.plugins.module_utils.k3d_state import (
    RUNNING,
    Cluster,
    Node,
    additions,
    order_of,
    short,
    superfluous_agents,
)


def _node_lines(name: str, role: str, state: str, settings: Settings) -> List[str]:
    return [f"node: {name} {role} {state}", *(f"  {line}" for line in settings.lines())]


def _lines(
    name: str, images: Iterable[str], api: str, host: str, network: str, ports: Iterable[PortMapping],
    aliases: Iterable[HostAlias], registry: Optional[Registry], used: Iterable[str], mirrors: Mapping[str, str],
    nodes: Iterable[Tuple[str, str, str, Settings]],
) -> str:  # fmt: skip
    lines = [f"cluster: {name}", *(f"image: {image}" for image in sorted(images))]
    lines += [f"API: {api}" + (f" as {host}" if host else ""), f"network: {network}".rstrip()]
    lines += [f"port: {port}" for port in sorted(ports)]
    lines += [f"host alias: {alias}" for alias in sorted(aliases)]
    lines += [f"registry: {registry}"] if registry else []
    lines += [f"uses registry: {name}" for name in sorted(used)]
    lines += [f"mirror: {name} at {text}" for name, text in sorted(mirrors.items())]
    for node in nodes:
        lines += _node_lines(*node)
    return "\n".join(lines) + "\n"


def described(cluster: Optional[Cluster]) -> str:
    """Describe a cluster for a diff, one line for each thing that is compared; no secrets."""
    if cluster is None:
        return "absent\n"
    used, mirrors = used_and_mirrors(cluster.registry, cluster.registries_config)
    return _lines(
        cluster.name,
        {short(node.image_id) for node in cluster.of_role("server") + cluster.of_role("agent") if node.image_id},
        f"{cluster.api_address}:{cluster.api_port}",
        cluster.api_host,
        f"{cluster.network} {cluster.subnet}",
        cluster.ports,
        cluster.host_aliases,
        cluster.registry,
        used,
        mirrors,
        ((node.name, node.role, node.state, node.settings) for node in cluster.nodes),
    )


def described_spec(spec: Spec, image_id: Optional[str] = None) -> str:
    """Describe the cluster that a declaration leads to, in the form of C(described).

    :param image_id: the id that the declared image has; None where the engine does not have it yet.
    """
    nodes = [(spec.container(place), place.role, RUNNING, spec.settings(place)) for place in spec.places]
    if spec.loadbalancer:
        nodes.append((spec.container(Place("loadbalancer", 0)), "loadbalancer", RUNNING, Settings()))
    if spec.registry:
        nodes.append((spec.registry.name, "registry", RUNNING, Settings()))
    return _lines(
        spec.name,
        [short(image_id)] if image_id else [],
        f"{spec.api_address}:{spec.api_port or 'any free port'}",
        spec.api_host,
        f"{spec.network_name} {spec.subnet or ''}",
        (port.mapping for port in spec.ports),
        spec.host_aliases,
        spec.registry,
        declared_as_used(spec),
        mirrors_of(spec.registries_config),
        sorted(nodes, key=lambda node: (node[1], order_of(node[0]))),
    )


def with_state(cluster: Cluster, state: str) -> Cluster:
    """The cluster as it will be when all its nodes are in a state."""
    return replace(cluster, nodes=tuple(replace(node, state=state) for node in cluster.nodes))


def repaired(spec: Spec, cluster: Cluster) -> Cluster:
    """The cluster as it will be when it was repaired in place."""
    gone = {node.name for node in superfluous_agents(spec, cluster)}
    nodes = [replace(node, state=RUNNING) for node in cluster.nodes if node.name not in gone]
    number = len(cluster.of_role("agent"))
    for first, (_name, count) in additions(spec, cluster).items():
        for index in range(count):
            name = f"{first[:-1]}{index}"
            nodes.append(Node(name, "agent", RUNNING, "", "", spec.settings(Place("agent", number))))
            number += 1
    return replace(
        cluster,
        nodes=tuple(sorted(nodes, key=lambda node: (node.role, order_of(node.name), node.name))),
        ports=cluster.ports | {port.mapping for port in spec.ports},
    )
