# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which NetworkPolicies keep Prometheus out; one that admits it is never blamed."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.network_policies import (
    Peer,
    blocking,
    direction_of,
    names,
)
from hypothesis import given
from hypothesis import strategies as st

OWN = {"kubernetes.io/metadata.name": "monitoring", "team": "ops"}


def pod(name: str, namespace: str, ip: str, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "labels": {"app": name}}
    return {"metadata": metadata, "spec": spec, "status": {"podIP": ip, "podIPs": [{"ip": ip}, {"ip": "fd00::7"}]}}


SOURCE = Peer(pod("prometheus", "monitoring", "10.42.0.9"), OWN)
PORTS = [{"ports": [{"name": "metrics", "containerPort": 8084}, {"name": "http", "containerPort": 8080}]}]
TARGET = Peer(pod("server", "argocd", "10.42.0.7", containers=PORTS), {"kubernetes.io/metadata.name": "argocd"})


def policy(namespace: str = "argocd", name: str = "p", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"podSelector": {}, **spec}}


def ingress(*rules: dict[str, Any]) -> dict[str, Any]:
    return policy(ingress=list(rules))


def peers(*items: dict[str, Any]) -> dict[str, Any]:
    return ingress({"from": list(items)})


def ports(*items: dict[str, Any]) -> dict[str, Any]:
    return ingress({"ports": list(items)})


ADMIT = [
    ingress({}),
    peers(),
    peers({"namespaceSelector": {}}),
    peers({"namespaceSelector": {"matchLabels": {"team": "ops"}}}),
    peers({"namespaceSelector": {"matchLabels": OWN}, "podSelector": {"matchLabels": {"app": "prometheus"}}}),
    peers({"podSelector": {}}, {"ipBlock": {"cidr": "10.42.0.0/16"}}),
    peers({"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.42.1.0/24"]}}),
    peers({"ipBlock": {"cidr": "fd00::/8"}}),
    peers({"ipBlock": {"cidr": "what is this"}}),
    ports({"port": 8084}),
    ports({"port": "metrics"}),
    ports({"port": 8000, "endPort": 9000}),
    ports({"protocol": "TCP"}),
    ports({"port": 8080}, {"port": 8084, "protocol": "TCP"}),
    policy(podSelector={"matchLabels": {"app": "other"}}),
    policy(namespace="elsewhere"),
    policy(policyTypes=["Egress"]),
]
REFUSE = [
    policy(),
    policy(ingress=[]),
    policy(policyTypes=["Ingress"]),
    policy(podSelector={"matchLabels": {"app": "server"}}),
    peers({"podSelector": {}}),
    peers({"podSelector": {"matchLabels": {"app": "prometheus"}}}),
    peers({"namespaceSelector": {"matchLabels": {"team": "dev"}}}),
    peers({"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "grafana"}}}),
    peers({"ipBlock": {"cidr": "10.42.0.0/16", "except": ["10.42.0.0/28", "fd00::/8"]}}),
    peers({"ipBlock": {"cidr": "192.0.2.0/24"}}),
    ports({"port": 8080}),
    ports({"port": "http"}),
    ports({"port": 8084, "protocol": "UDP"}),
    ports({"port": 8085, "endPort": 9000}),
    ingress({"from": [{"namespaceSelector": {}}], "ports": [{"port": 1}]}, {"from": [{"podSelector": {}}]}),
]


@pytest.mark.parametrize("item", ADMIT, ids=range(len(ADMIT)))
def test_a_policy_that_admits_is_not_blamed(item: dict[str, Any]) -> None:
    assert blocking([item], SOURCE, TARGET, 8084) == []


@pytest.mark.parametrize("item", REFUSE, ids=range(len(REFUSE)))
def test_a_policy_that_admits_others_only_is_blamed(item: dict[str, Any]) -> None:
    assert blocking([item], SOURCE, TARGET, 8084) == [item]
    assert direction_of(item, TARGET) == "ingress"
    # Another one that admits is enough.
    assert blocking([item, ingress({})], SOURCE, TARGET, 8084) == []


def test_the_way_out_counts_too() -> None:
    deny = policy("monitoring", "out", policyTypes=["Egress"], egress=[{"to": [{"podSelector": {}}]}])
    assert blocking([deny], SOURCE, TARGET, 8084) == [deny]
    assert direction_of(deny, TARGET) == "egress"
    admit = policy("monitoring", egress=[{"to": [{"namespaceSelector": {}}], "ports": [{"port": "metrics"}]}])
    assert blocking([admit], SOURCE, TARGET, 8084) == []
    # Rules for the way out make a policy about it, without types as well.
    silent = policy("monitoring", egress=[{"to": [{"podSelector": {}}]}])
    assert blocking([silent], SOURCE, TARGET, 8084) == [silent]
    # Without rules and without types a policy is about the way in only.
    assert blocking([policy("monitoring")], SOURCE, TARGET, 8084) == []


def test_nobody_is_blamed_without_proof() -> None:
    unknown = Peer(SOURCE.pod, None)
    assert blocking([peers({"namespaceSelector": {"matchLabels": {"team": "x"}}})], unknown, TARGET, 8084) == []
    on_host = Peer({**SOURCE.pod, "spec": {"hostNetwork": True}}, OWN)
    assert blocking([policy()], on_host, TARGET, 8084) == []
    assert blocking([policy()], SOURCE, Peer({**TARGET.pod, "spec": {"hostNetwork": True}}, {}), 8084) == []
    assert names([policy(name="b"), policy(name="a")]) == "a, b"


@given(st.permutations(ADMIT[:14] + REFUSE))
def test_the_order_of_policies_does_not_matter(items: list[dict[str, Any]]) -> None:
    assert blocking(items, SOURCE, TARGET, 8084) == []


@given(st.lists(st.sampled_from(REFUSE), min_size=1))
def test_more_refusals_admit_nobody(items: list[dict[str, Any]]) -> None:
    assert blocking(items, SOURCE, TARGET, 8084) == items
