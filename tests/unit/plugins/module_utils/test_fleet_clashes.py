# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleet_clashes: what two clusters of one inventory would take from each other, and nothing that they would not."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.fleet_clashes import (
    OPTIONS,
    claims_of,
    clashes,
    fleet_folder_problems,
)
from hypothesis import example, given
from hypothesis import strategies as st


def k3d(number: int, **changes: Any) -> dict[str, Any]:
    """Lab number N of a machine, with everything of its own."""
    return {
        "ansible_connection": "local",
        "argo_cd_namespace": "argocd",
        "cluster_provider": "k3d",
        "hosts_entries_marker": f"lab-{number}",
        "hosts_entries_names": [f"grafana.lab{number}.example.it", f"argocd.lab{number}.example.it"],
        "hosts_entries_path": "/etc/hosts",
        "k3d_cluster_api_port": 6550 + number,
        "k3d_cluster_bind_address": "127.0.0.1",
        "k3d_cluster_extra_ports": [],
        "k3d_cluster_http_port": 8080 + number,
        "k3d_cluster_https_port": 8440 + number,
        "k3d_cluster_kubeconfig": f"/build/{number}/kubeconfig",
        "k3d_cluster_name": f"lab-{number}",
        "k3d_cluster_subnet": f"10.213.{number}.0/24",
        "kube_prometheus_stack_namespace": "monitoring",
        "verification_evidence_dir": f"/build/{number}/evidence",
        "verification_fleet_dir": "/build/evidence",
        **changes,
    }


def existing(number: int, **changes: Any) -> dict[str, Any]:
    return {
        **{key: value for key, value in k3d(number).items() if not key.startswith("k3d_")},
        "cluster_provider": "existing",
        "existing_cluster_kubeconfig": f"/kube/{number}",
        "existing_cluster_context": f"prod-{number}",
        **changes,
    }


def found(*hosts: dict[str, Any], build: bool = True, names: bool = True) -> dict[str, list[str]]:
    claims = {chr(97 + place): claims_of(values, build, names) for place, values in enumerate(hosts)}
    return clashes(claims)


def test_clusters_with_everything_of_their_own_do_not_clash() -> None:
    assert found(*(k3d(number) for number in range(6)), *(existing(number) for number in range(10, 16))) == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"k3d_cluster_name": "lab-0"}, "k3d_cluster_name lab-0"),
        ({"k3d_cluster_http_port": 8080}, "port 8080 of 127.0.0.1 (k3d_cluster_http_port)"),
        ({"k3d_cluster_https_port": 6550}, "port 6550 of 127.0.0.1 (k3d_cluster_api_port)"),
        ({"k3d_cluster_http_port": "8080", "k3d_cluster_bind_address": "0.0.0.0"}, "port 8080"),
        ({"k3d_cluster_extra_ports": ["127.0.0.1:8440:30000@loadbalancer"]}, "port 8440"),
        ({"k3d_cluster_extra_ports": ["8440:30000"]}, "port 8440"),
        ({"k3d_cluster_subnet": "10.213.0.128/25"}, "k3d_cluster_subnet 10.213.0.0/24, or one that overlaps"),
        ({"hosts_entries_marker": "lab-0"}, "hosts_entries_marker lab-0 in /etc/hosts"),
        ({"hosts_entries_names": ["Grafana.lab0.example.it"]}, "name grafana.lab0.example.it for /etc/hosts"),
        ({"verification_evidence_dir": "/build/./0/evidence/"}, "folder for evidence, /build/0/evidence"),
    ],
)
def test_labs_of_one_machine_that_share_something_are_both_named(change: dict[str, Any], said: str) -> None:
    seen = found(k3d(0), k3d(1, **change), k3d(2))
    assert set(seen) == {"a", "b"}
    assert seen["a"] == seen["b"]
    (text,) = seen["a"]
    assert text.startswith(f"a and b have the same {said}")
    assert "expected one of its own for each. " in text and "Set " in text


@pytest.mark.parametrize(
    "change",
    [
        {"k3d_cluster_http_port": 8080, "k3d_cluster_bind_address": "127.0.0.2"},
        {"hosts_entries_marker": "lab-0", "hosts_entries_path": "/tmp/hosts"},
    ],
)
def test_what_is_not_the_same_does_not_clash(change: dict[str, Any]) -> None:
    assert found(k3d(0), k3d(1, **change)) == {}


def test_other_machines_have_ports_and_folders_of_their_own() -> None:
    far = {"ansible_connection": "ssh"}
    same = k3d(0, **far, ansible_host="one.example.it"), k3d(0, **far, ansible_host="two.example.it")
    # The kubeconfig is a path on each of them, which cannot be told apart from here.
    seen = found(*same)
    assert all("cluster (kubeconfig" in text for text in seen["a"])
    assert found(same[0], k3d(0, **far, ansible_host="two.example.it", k3d_cluster_kubeconfig="/other")) == {}


def test_names_clash_only_where_they_are_written() -> None:
    hosts = existing(0), existing(1, hosts_entries_names=["grafana.lab0.example.it"], hosts_entries_marker="lab-0")
    assert set(found(*hosts)) == {"a", "b"}
    assert found(*hosts, names=False) == {}


def test_the_same_cluster_twice_clashes_unless_the_namespaces_differ() -> None:
    twice = {"existing_cluster_kubeconfig": "/kube/../kube/0", "existing_cluster_context": "prod-0"}
    seen = found(existing(0), existing(1, **twice))
    assert len(seen["b"]) == 2
    assert "cluster (kubeconfig /kube/0, context prod-0) and argo_cd_namespace argocd" in seen["b"][0]
    other = {"argo_cd_namespace": "argocd-2", "kube_prometheus_stack_namespace": "monitoring-2"}
    assert found(existing(0), existing(1, **twice, **other)) == {}
    assert found(existing(0), existing(1, existing_cluster_kubeconfig="/kube/0")) == {}
    # To look at one cluster twice changes nothing.
    assert found(existing(0), existing(1, **twice), build=False) == {}


def test_a_k3d_lab_that_is_also_named_as_existing_is_the_same_cluster() -> None:
    lab = {"existing_cluster_kubeconfig": "/build/0/kubeconfig", "existing_cluster_context": "k3d-lab-0"}
    assert set(found(k3d(0), existing(1, **lab))) == {"a", "b"}


def test_a_kubeconfig_that_is_text_is_not_shown() -> None:
    secret = {"users": [{"name": "u", "user": {"token": "canary-token"}}]}
    for value in (secret, "users:\n- canary-token\n"):
        pair = existing(0, existing_cluster_kubeconfig=value), existing(1, existing_cluster_kubeconfig=value)
        seen = found(pair[0], {**pair[1], "existing_cluster_context": "prod-0"})
        assert "given as text" in seen["a"][0] and "canary" not in str(seen)


def test_many_hosts_with_the_same_are_told_together() -> None:
    seen = found(*(k3d(number, k3d_cluster_http_port=8000) for number in range(7)))
    assert len(seen) == 7
    assert seen["g"][0].startswith("a, b, c, d and 3 more hosts have the same port 8000")


def test_the_page_of_all_clusters_has_a_folder_of_its_own() -> None:
    hosts = {"a": k3d(0), "evidence": k3d(1, verification_evidence_dir="/build/evidence/")}
    assert list(fleet_folder_problems(hosts)) == ["evidence"]
    assert "evidence would write its evidence into /build/evidence" in fleet_folder_problems(hosts)["evidence"][0]


VALUES = st.dictionaries(
    st.sampled_from(OPTIONS),
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["k3d", "local", "10.0.0.0/8"])
    | st.lists(st.text(max_size=8) | st.just("80:80"), max_size=2) | st.dictionaries(st.text(max_size=3), st.none()),
)  # fmt: skip


@given(hosts=st.lists(VALUES, max_size=4), build=st.booleans(), names=st.booleans())
def test_whatever_the_variables_are_each_clash_names_at_least_two(
    hosts: list[dict[str, Any]], build: bool, names: bool
) -> None:
    seen = found(*hosts, build=build, names=names)
    assert len(seen) != 1
    fleet_folder_problems({str(place): values for place, values in enumerate(hosts)})


@given(values=VALUES)
@example(values={"existing_cluster_kubeconfig": "\0", "argo_cd_namespace": "argocd"})
def test_a_host_does_not_clash_with_itself(values: dict[str, Any]) -> None:
    assert found(values) == {}
