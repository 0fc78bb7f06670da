# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration file that k3d is given to create a cluster: its SimpleConfig, version k3d.io/v1alpha5. Pure."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterable, List

from ansible_collections.argolab.observability.plugins.module_utils.k3d_nodes import Entry, filters_for, whole_ulimit
from ansible_collections.argolab.observability.plugins.module_utils.k3d_spec import Registry, Spec

# k3d expands variables in the file, and has no way to write a dollar: it comes from a variable.
DOLLAR = "ARGOLAB_DOLLAR"


def _entries(entries: Iterable[Entry], key: str) -> List[Dict[str, Any]]:
    # A filter that matches no node, as agent:* of a cluster without agents does, leaves nothing to say.
    return [{key: entry.text, "nodeFilters": filters_for(entry.places)} for entry in entries if entry.places]


def _ulimit(text: str) -> Dict[str, Any]:
    name, _equals, limits = whole_ulimit(text).partition("=")
    soft, _colon, hard = limits.partition(":")
    return {"name": name, "soft": int(soft), "hard": int(hard)}


def _registry(registry: Registry) -> Dict[str, Any]:
    created: Dict[str, Any] = {"name": registry.name, "host": registry.address}
    if registry.port:
        created["hostPort"] = str(registry.port)
    if registry.image:
        created["image"] = registry.image
    if registry.volumes:
        created["volumes"] = list(registry.volumes)
    if registry.remote_url:
        proxy = {"remoteURL": registry.remote_url, "username": registry.username, "password": registry.password}
        created["proxy"] = {key: value for key, value in proxy.items() if value}
    return created


def _registries(spec: Spec) -> Dict[str, Any]:
    found: Dict[str, Any] = {}
    if spec.registry:
        found["create"] = _registry(spec.registry)
    if spec.registries_used:
        found["use"] = list(spec.registries_used)
    if spec.registries_config:
        # Text of one line would be taken for the path of a file.
        found["config"] = json.dumps(spec.registries_config, indent=1)
    return found


def simple_config(spec: Spec, timeout: int) -> Dict[str, Any]:
    """Return the configuration of a cluster. It holds the token and passwords.

    The caller rolls back: k3d's own way takes the nodes' logs along, and forgets the network and the volume at times.
    """
    nodes = spec.nodes
    args = _entries(nodes.k3s_args, "arg")
    args += [{"arg": f"--tls-san={name}", "nodeFilters": ["server:*"]} for name in nodes.tls_sans]
    runtime: Dict[str, Any] = {
        "labels": _entries(nodes.runtime_labels, "label"),
        "ulimits": [_ulimit(text) for text in nodes.ulimits],
    }
    if nodes.servers_memory:
        runtime["serversMemory"] = nodes.servers_memory
    if nodes.agents_memory:
        runtime["agentsMemory"] = nodes.agents_memory
    config: Dict[str, Any] = {
        "apiVersion": "k3d.io/v1alpha5",
        "kind": "Simple",
        "metadata": {"name": spec.name},
        "servers": spec.servers,
        "agents": spec.agents,
        "kubeAPI": {"hostIP": spec.api_address, "hostPort": str(spec.api_port)},
        "ports": [{"port": port.published, "nodeFilters": list(port.filters)} for port in spec.ports],
        "env": _entries(nodes.env, "envVar"),
        "volumes": _entries(nodes.volumes, "volume"),
        "hostAliases": [{"ip": alias.address, "hostnames": list(alias.names)} for alias in sorted(spec.host_aliases)],
        "options": {
            "k3d": {
                "wait": True,
                "timeout": f"{timeout}s",
                "disableLoadbalancer": not spec.loadbalancer,
                "disableRollback": True,
            },
            "k3s": {"extraArgs": args, "nodeLabels": _entries(nodes.node_labels, "label")},
            "kubeconfig": {"updateDefaultKubeconfig": False, "switchCurrentContext": False},
            "runtime": runtime,
        },
    }
    if spec.api_host:
        config["kubeAPI"]["host"] = spec.api_host
    for key, value in (
        ("image", spec.image),
        ("network", spec.network),
        ("subnet", spec.subnet),
        ("token", spec.token),
        ("registries", _registries(spec)),
    ):
        if value:
            config[key] = value
    return config


def config_text(spec: Spec, timeout: int) -> str:
    """Return the configuration as JSON, which is YAML, with each dollar as a variable (C(DOLLAR))."""
    return json.dumps(simple_config(spec, timeout), indent=1).replace("$", "${" + DOLLAR + "}")
