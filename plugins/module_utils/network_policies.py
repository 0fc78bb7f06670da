# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether NetworkPolicies let one pod reach another, evaluated on objects that were already read.

Only what networking.k8s.io/v1 says is evaluated. Whether the cluster's network enforces it cannot be read anywhere, and
what other kinds (of Cilium, Calico, AdminNetworkPolicy) say is not looked at.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Mapping

from ansible_collections.argolab.observability.plugins.module_utils.pod_states import container_ports
from ansible_collections.argolab.observability.plugins.module_utils.selectors import (
    labels_of,
    matches,
    name_of,
    namespace_of,
)

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Peer:
    """A pod at one end of a connection.

    :param namespace_labels: labels of its namespace, None where they are not known.
    """

    pod: Object
    namespace_labels: Mapping[str, str] | None = None

    @property
    def on_host_network(self) -> bool:
        return bool((self.pod.get("spec") or {}).get("hostNetwork"))

    @property
    def addresses(self) -> list[str]:
        status = self.pod.get("status") or {}
        found = [status.get("podIP"), *(item.get("ip") for item in status.get("podIPs") or [])]
        return [str(address) for address in dict.fromkeys(found) if address]


def blocking(policies: Iterable[Object], source: Peer, target: Peer, port: int) -> list[Object]:
    """The policies that keep source from this port of target; empty where it is let in, or where that is not certain.

    A pod that no policy selects takes and sends everything; one that some select needs one of them to admit it.
    """
    if source.on_host_network or target.on_host_network:
        # Policies are not about the network of nodes.
        return []
    listed = list(policies)
    incoming = _selecting(listed, target, "Ingress")
    if incoming and not _admitted(incoming, "ingress", "from", source, target, port):
        return incoming
    outgoing = _selecting(listed, source, "Egress")
    if outgoing and not _admitted(outgoing, "egress", "to", target, target, port):
        return outgoing
    return []


def direction_of(policy: Object, target: Peer) -> str:
    """Whether the policy is at the target's end or at the source's."""
    return "ingress" if policy in _selecting([policy], target, "Ingress") else "egress"


def _selecting(policies: Sequence[Object], peer: Peer, direction: str) -> list[Object]:
    return [
        policy
        for policy in policies
        if namespace_of(policy) == namespace_of(peer.pod)
        and direction in _types(policy)
        and matches((policy.get("spec") or {}).get("podSelector"), labels_of(peer.pod))
    ]


def _types(policy: Object) -> list[str]:
    spec = policy.get("spec") or {}
    if spec.get("policyTypes"):
        return list(spec["policyTypes"])
    return ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]


def _admitted(policies: Sequence[Object], rules: str, peers: str, other: Peer, target: Peer, port: int) -> bool:
    return any(
        _port_fits(rule.get("ports"), target, port) and _peer_fits(rule.get(peers), policy, other)
        for policy in policies
        for rule in (policy.get("spec") or {}).get(rules) or []
    )


def _port_fits(ports: Sequence[Object] | None, target: Peer, port: int) -> bool:
    if not ports:
        return True
    for item in ports:
        if str(item.get("protocol") or "TCP") != "TCP":
            continue
        wanted = item.get("port")
        if wanted is None:
            return True
        if isinstance(wanted, str):
            if (wanted, port) in container_ports(target.pod):
                return True
        elif wanted <= port <= (item.get("endPort") or wanted):
            return True
    return False


def _peer_fits(peers: Sequence[Object] | None, policy: Object, other: Peer) -> bool:
    # No list and an empty list both mean everybody.
    return not peers or any(_one_fits(peer, policy, other) for peer in peers)


def _one_fits(peer: Object, policy: Object, other: Peer) -> bool:
    if peer.get("ipBlock"):
        return any(_in_block(peer["ipBlock"], address) for address in other.addresses)
    namespaces = peer.get("namespaceSelector")
    if namespaces is None:
        if namespace_of(other.pod) != namespace_of(policy):
            return False
    elif other.namespace_labels is not None and not matches(namespaces, other.namespace_labels):
        return False
    # A namespace whose labels are not known may be the one that is let in: nobody is blamed without proof.
    return matches(peer.get("podSelector"), labels_of(other.pod))


def _in_block(block: Object, address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address)
        if ip not in ipaddress.ip_network(str(block.get("cidr")), strict=False):
            return False
        return not any(ip in ipaddress.ip_network(str(item), strict=False) for item in block.get("except") or [])
    except ValueError:
        # What cannot be read is not held against anybody.
        return True


def names(policies: Iterable[Object]) -> str:
    return ", ".join(sorted(name_of(policy) for policy in policies))
