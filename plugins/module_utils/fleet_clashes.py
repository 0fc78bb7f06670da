# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts of one inventory, which are clusters, would take from each other."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import re
from itertools import combinations
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Sequence, Tuple

PORTS = ("k3d_cluster_api_port", "k3d_cluster_http_port", "k3d_cluster_https_port")
# What is looked at of each host; the defaults are those of the roles.
OPTIONS = (
    "ansible_connection",
    "ansible_host",
    "argo_cd_namespace",
    "cluster_provider",
    "container_engine_docker_host",
    "existing_cluster_context",
    "existing_cluster_kubeconfig",
    "hosts_entries_marker",
    "hosts_entries_names",
    "hosts_entries_path",
    "k3d_cluster_bind_address",
    "k3d_cluster_extra_ports",
    "k3d_cluster_kubeconfig",
    "k3d_cluster_name",
    "k3d_cluster_subnet",
    "kube_prometheus_stack_namespace",
    "verification_evidence_dir",
    "verification_fleet_dir",
    *PORTS,
)
_ANY_ADDRESS = ("0.0.0.0", "::", "")
_SHOWN = 4


class Claim(NamedTuple):
    """Something that only one host may have.

    :param kind: Claims of different kinds never clash.
    :param key: Claims of one kind with the same key clash, where their details do.
    :param detail: For a port the address that it is bound to; for a subnet the subnet.
    :param said: What they would share, for people.
    :param repair: What to set.
    """

    kind: str
    key: Tuple[str, ...]
    detail: str
    said: str
    repair: str


def claims_of(values: Mapping[str, Any], build: bool, names: bool) -> List[Claim]:
    """What one host claims.

    :param values: The options that are known of it; those that are absent claim nothing.
    :param build: Whether the cluster is to be made or changed, and not only looked at.
    :param names: Whether names are written into the hosts file.
    """
    machine = _machine(values)
    found = _folder_claims(values, machine)
    if not build:
        return found
    found += _cluster_claims(values)
    if values.get("cluster_provider") == "k3d":
        found += _k3d_claims(values, machine)
    if names:
        found += _name_claims(values, machine)
    return found


def clashes(hosts: Mapping[str, Sequence[Claim]]) -> Dict[str, List[str]]:
    """One sentence or two for each clash, by each host that has part in it."""
    grouped: Dict[Tuple[str, Tuple[str, ...]], List[Tuple[str, Claim]]] = {}
    for host, claims in hosts.items():
        for claim in claims:
            grouped.setdefault((claim.kind, claim.key), []).append((host, claim))
    found: Dict[str, List[str]] = {}
    for (kind, _key), members in grouped.items():
        names = _clashing(kind, members)
        if len(names) < 2:
            continue
        claim = next(claim for host, claim in members if host == names[0])
        text = f"{_listed(names)} have the same {claim.said}; expected one of its own for each. {claim.repair}"
        for name in names:
            if text not in found.setdefault(name, []):
                found[name].append(text)
    return found


def _clashing(kind: str, members: Sequence[Tuple[str, Claim]]) -> List[str]:
    """The hosts among these whose claims cannot be had together, in their order."""
    meet = {"port": _same_address, "subnet": _overlap}.get(kind, lambda _one, _other: True)
    names = {
        name
        for (one, first), (other, second) in combinations(members, 2)
        if one != other and meet(first.detail, second.detail)
        for name in (one, other)
    }
    return [name for name in dict.fromkeys(host for host, _claim in members) if name in names]


def _same_address(one: str, other: str) -> bool:
    return one == other or one in _ANY_ADDRESS or other in _ANY_ADDRESS


def _overlap(one: str, other: str) -> bool:
    try:
        first, second = (ipaddress.ip_network(text, strict=False) for text in (one, other))
    except ValueError:
        return False
    if isinstance(first, ipaddress.IPv4Network) and isinstance(second, ipaddress.IPv4Network):
        return first.overlaps(second)
    if isinstance(first, ipaddress.IPv6Network) and isinstance(second, ipaddress.IPv6Network):
        return first.overlaps(second)
    return False


def _listed(names: Sequence[str]) -> str:
    if len(names) > _SHOWN:
        return f"{', '.join(names[:_SHOWN])} and {len(names) - _SHOWN} more hosts"
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _machine(values: Mapping[str, Any]) -> str:
    """Where the tasks of the host run; ports, folders and the hosts file are of that machine."""
    if values.get("ansible_connection") == "local":
        return "the machine of the playbook"
    return str(values.get("ansible_host") or values.get("inventory_hostname") or "")


def _folder_claims(values: Mapping[str, Any], machine: str) -> List[Claim]:
    folder = values.get("verification_evidence_dir")
    if not folder:
        return []
    repair = "Set lab_build_dir to a folder that has the host's name in it, such as build/{{ inventory_hostname }}."
    return [_same("folder", f"folder for evidence, {folder}", repair, machine, os.path.normpath(str(folder)))]


def fleet_folder_problems(hosts: Mapping[str, Mapping[str, Any]]) -> Dict[str, List[str]]:
    """Hosts whose own evidence would be where that of all clusters is."""
    found = {}
    fleets = {os.path.normpath(str(values["verification_fleet_dir"])) for values in hosts.values()
              if values.get("verification_fleet_dir")}  # fmt: skip
    for host, values in hosts.items():
        folder = os.path.normpath(str(values.get("verification_evidence_dir") or "."))
        if folder in fleets:
            found[host] = [
                f"{host} would write its evidence into {folder}, where the page of all clusters is to be; expected "
                "another folder. Set lab_build_dir of the host, or verification_fleet_dir of all."
            ]
    return found


def _cluster_claims(values: Mapping[str, Any]) -> List[Claim]:
    """The same cluster, and in it the same namespaces."""
    k3d = values.get("cluster_provider") == "k3d"
    kubeconfig = values.get("k3d_cluster_kubeconfig" if k3d else "existing_cluster_kubeconfig")
    context = f"k3d-{values.get('k3d_cluster_name')}" if k3d else values.get("existing_cluster_context")
    if not kubeconfig:
        return []
    shown, key = _kubeconfig(kubeconfig)
    found = []
    for option in ("argo_cd_namespace", "kube_prometheus_stack_namespace"):
        if values.get(option):
            said = f"cluster (kubeconfig {shown}, context {context}) and {option} {values[option]}"
            repair = f"Name each cluster once, or set another {option} for one of them."
            found.append(_same("cluster", said, repair, key, str(context), option, str(values[option])))
    return found


def _kubeconfig(value: Any) -> Tuple[str, str]:
    """How it is called, and what it is known by. Its content is a secret."""
    # No path holds a NUL: the host is told so by what reads its kubeconfig.
    if isinstance(value, str) and not {"\n", "\0"}.intersection(value):
        return value, os.path.realpath(os.path.expanduser(value))
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return "given as text", hashlib.sha256(text.encode("utf-8")).hexdigest()


def _k3d_claims(values: Mapping[str, Any], machine: str) -> List[Claim]:
    engine = str(values.get("container_engine_docker_host") or "")
    found = []
    if name := values.get("k3d_cluster_name"):
        found.append(_same("k3d", f"k3d_cluster_name {name}", "Set it for one of them.", machine, engine, str(name)))
    for option, address, port in _ports(values):
        said = f"port {port} of {address or 'every address'} ({option})"
        found.append(Claim("port", (machine, port), address, said, "Set it for one of them."))
    if subnet := values.get("k3d_cluster_subnet"):
        said = f"k3d_cluster_subnet {subnet}, or one that overlaps with it"
        found.append(Claim("subnet", (machine, engine), str(subnet), said, "Set it for one of them."))
    return found


def _ports(values: Mapping[str, Any]) -> Iterable[Tuple[str, str, str]]:
    address = str(values.get("k3d_cluster_bind_address") or "")
    for option in PORTS:
        if values.get(option):
            yield option, address, str(values[option])
    extra = values.get("k3d_cluster_extra_ports")
    for text in extra if isinstance(extra, (list, tuple)) else []:
        # [ADDRESS:]PORT:PORT[@FILTER]
        found = re.match(r"(?:(.*):)?(\d+):\d+(?:/\w+)?(?:@|$)", str(text))
        if found:
            yield "k3d_cluster_extra_ports", found[1] or "", found[2]


def _name_claims(values: Mapping[str, Any], machine: str) -> List[Claim]:
    path = str(values.get("hosts_entries_path") or "")
    found = []
    if marker := values.get("hosts_entries_marker"):
        said = f"hosts_entries_marker {marker} in {path}"
        found.append(_same("marker", said, "Set it for one of them.", machine, path, str(marker)))
    names = values.get("hosts_entries_names")
    names = [str(name) for name in names] if isinstance(names, (list, tuple)) else []
    repair = "Set another lab_domain for one of them, or leave the names out with --skip-tags names."
    for name in names:
        found.append(_same("name", f"name {name} for {path}", repair, machine, path, name.lower()))
    return found


def _same(kind: str, said: str, repair: str, *key: str) -> Claim:
    return Claim(kind, key, "", said, repair)
