# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""release_inputs: each thing that a release can miss is named, with real certificates and a fake cluster."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.certificates import pair_fault
from ansible_collections.argolab.observability.plugins.modules import release_inputs
from ansible_collections.argolab.observability.tests.unit.plugins.fake_cluster import (
    FakeCluster,
    healthy,
    run_module,
    serve,
)
from ansible_collections.argolab.observability.tests.unit.plugins.tls_files import Authority
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = ["prometheus.example.it", "grafana.example.it"]
CERT_MANAGER = "/apis/cert-manager.io/v1"


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    with serve(healthy()) as running:
        yield running


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def look(cluster: FakeCluster, check_mode: bool = False, **params: Any) -> dict[str, Any]:
    return run_module(release_inputs, check_mode=check_mode, **{"kubeconfig": cluster.kubeconfig, **params})


def causes(result: dict[str, Any]) -> list[str]:
    return [check["cause"] for check in result["checks"] if check["ok"] is False]


def encoded(**values: str) -> dict[str, str]:
    return {key.replace("_", "."): base64.b64encode(text.encode()).decode() for key, text in values.items()}


def test_a_secret_its_keys_and_its_labels(cluster: FakeCluster) -> None:
    wanted = {
        "namespace": "argocd", "name": "argocd-secret", "keys": ["admin.password"], "labels": {"part-of": "argocd"},
        "why": "argo_cd_secret_create is false",
    }  # fmt: skip
    cluster.add("Secret", "argocd-secert", "argocd", data={})
    result = look(cluster, secrets=[wanted])
    assert causes(result) == ["secret_absent"]
    assert "argo_cd_secret_create is false; it does not exist; did you mean argocd-secert?" in result["msg"]
    assert "kubectl -n argocd create secret generic argocd-secret --from-literal=admin.password=..." in result["msg"]
    secret = cluster.add("Secret", "argocd-secret", "argocd", data={"password": "eA==", "admin.password": ""})
    result = look(cluster, secrets=[wanted])
    assert causes(result) == ["secret_key_absent"]
    assert "it has no admin.password; its keys are admin.password, password" in result["msg"]
    secret["data"] = encoded(admin_password="hash-of-a-password")
    result = look(cluster, secrets=[wanted])
    assert causes(result) == ["secret_label_absent"]
    assert "kubectl -n argocd label secret argocd-secret --overwrite part-of=argocd" in result["msg"]
    secret["metadata"]["labels"] = {"part-of": "argocd"}
    result = look(cluster, secrets=[wanted])
    assert not result.get("failed")
    assert "hash-of-a-password" not in str(result)
    assert encoded(admin_password="hash-of-a-password")["admin.password"] not in str(result)


def test_a_certificate_of_files(cluster: FakeCluster, authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue(*NAMES)
    _other, other_key = authority.issue(*NAMES)
    (tmp_path / "strange").mkdir()
    stranger = Authority(tmp_path / "strange", "Another CA")

    def seen(**changes: Any) -> tuple[list[str], str]:
        item = {"names": NAMES, "certificate": certificate, "key": key, "ca": authority.path, **changes}
        result = look(cluster, certificates=[item])
        return causes(result), result.get("msg", "")

    assert seen() == ([], "")
    assert seen(key=other_key)[0] == ["key_mismatch"]
    assert seen(ca=stranger.path)[0] == ["certificate_untrusted"]
    # Without a CA the system's authorities are asked, which do not know this one.
    assert seen(ca=None)[0] == ["certificate_untrusted"]
    found, text = seen(names=[*NAMES, "argocd.example.it"])
    assert found == ["certificate_wrong_name"]
    assert "it does not cover argocd.example.it; it covers prometheus.example.it, grafana.example.it" in text
    for changes, cause in (
        ({"days": -2}, "certificate_expired"),
        ({"begins": 3}, "certificate_not_yet_valid"),
        ({"password": b"secret"}, "key_encrypted"),
    ):
        path, its_key = authority.issue(*NAMES, **changes)
        assert seen(certificate=path, key=its_key)[0] == [cause]
    found, text = seen(minimum_days=120)
    assert found == ["certificate_expires"]
    assert "120 days are asked for" in text
    assert seen(certificate=key)[0] == ["no_certificate"]
    assert seen(key=certificate)[0] == ["no_key"]
    found, text = seen(ca=str(tmp_path / "nothing.crt"))
    assert found == ["unreadable"]
    assert f"the CA {tmp_path}/nothing.crt can not be read: no such file or directory" in text
    # A wildcard covers one label.
    path, its_key = authority.issue("*.example.it")
    assert seen(certificate=path, key=its_key)[0] == []
    assert seen(certificate=path, key=its_key, names=["a.b.example.it"])[0] == ["certificate_wrong_name"]


def test_a_certificate_in_a_secret(cluster: FakeCluster, authority: Authority) -> None:
    item = {"names": NAMES, "secret": "lab-tls", "namespace": "monitoring"}
    assert causes(look(cluster, certificates=[item])) == ["secret_absent"]
    certificate, key = (Path(path).read_text(encoding="ascii") for path in authority.issue(*NAMES))
    ca = Path(authority.path).read_text(encoding="ascii")
    secret = cluster.add("Secret", "lab-tls", "monitoring", data=encoded(tls_crt=certificate))
    assert causes(look(cluster, certificates=[item])) == ["secret_key_absent"]
    secret["data"] = encoded(tls_crt=certificate, tls_key=key)
    assert causes(look(cluster, certificates=[item])) == ["certificate_untrusted"]
    assert causes(look(cluster, certificates=[{**item, "ca": authority.path}])) == []
    secret["data"] = encoded(tls_crt=certificate, tls_key=key, ca_crt=ca)
    result = look(cluster, certificates=[item])
    assert causes(result) == []
    assert "PRIVATE KEY" not in str(result)
    secret["data"]["tls.crt"] = base64.b64encode(b"\xff\x00").decode()
    assert causes(look(cluster, certificates=[item])) == ["no_certificate"]


def test_an_issuer(cluster: FakeCluster) -> None:
    item = {"kind": "ClusterIssuer", "name": "lab-ca"}
    cluster.absent_kinds = {"Certificate", "CertificateRequest", "ClusterIssuer", "Issuer"}
    result = look(cluster, issuers=[item])
    assert causes(result) == ["cert_manager_absent"]
    assert "does not know certificates.cert-manager.io, clusterissuers.cert-manager.io" in result["msg"]
    cluster.absent_kinds = set()
    cluster.discovery[CERT_MANAGER] = ["ClusterIssuer", "Issuer"]
    result = look(cluster, issuers=[item])
    assert causes(result) == ["cert_manager_absent"]
    assert "does not know certificates.cert-manager.io: cert-manager is not installed" in result["msg"]
    cluster.discovery[CERT_MANAGER] = ["Certificate", "ClusterIssuer", "Issuer"]
    issuer = cluster.add("ClusterIssuer", "lab-ac")
    result = look(cluster, issuers=[item])
    assert causes(result) == ["issuer_absent"]
    assert "did you mean lab-ac?" in result["msg"]
    issuer["metadata"]["name"] = "lab-ca"
    assert causes(look(cluster, issuers=[item])) == ["issuer_not_ready"]
    issuer["status"] = {"conditions": [{"type": "Ready", "status": "False", "message": "no Secret lab-ca-key"}]}
    assert "no Secret lab-ca-key" in look(cluster, issuers=[item])["msg"]
    issuer["status"]["conditions"][0]["status"] = "True"
    assert causes(look(cluster, issuers=[item])) == []
    # One of another namespace is none.
    cluster.add("Issuer", "own", "elsewhere", status=issuer["status"])
    own = {"kind": "Issuer", "name": "own", "namespace": "monitoring"}
    result = look(cluster, issuers=[own])
    assert causes(result) == ["issuer_absent"]
    assert "Issuer monitoring/own: expected Ready, seen absent. there is none of this name in namespace monitoring" in (
        result["msg"]
    )


def test_nodes(cluster: FakeCluster) -> None:
    item = {"what": "replicas", "minimum": 2, "why": "anti-affinity is hard"}
    result = look(cluster, nodes=[item])
    assert causes(result) == ["too_few_nodes"]
    assert "nodes for replicas: expected 2 nodes or more, seen 1 node. anti-affinity is hard." in result["msg"]
    result = look(cluster, nodes=[{**item, "required": False}])
    assert not result.get("failed")
    assert result["notes"] == ["nodes for replicas: 1 node: anti-affinity is hard"]
    node = cluster.add("Node", "node-1", spec={"taints": [{"key": "x", "effect": "NoSchedule"}]})
    assert causes(look(cluster, nodes=[item])) == ["too_few_nodes"]
    node["spec"] = {"unschedulable": True}
    assert causes(look(cluster, nodes=[item])) == ["too_few_nodes"]
    node["spec"] = {}
    assert causes(look(cluster, nodes=[item])) == []


def test_options_that_contradict_each_other(cluster: FakeCluster) -> None:
    for item in ({}, {"certificate": "/a"}, {"certificate": "/a", "key": "/b", "secret": "x", "namespace": "y"}):
        result = look(cluster, certificates=[{"names": NAMES, **item}])
        assert "certificates[0] needs either certificate and key" in result["msg"]


def test_a_cluster_that_is_not_there_yet(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("other.example.it")
    wanted = {
        "kubeconfig": str(tmp_path / "none"), "secrets": [{"namespace": "a", "name": "b"}],
        "nodes": [{"what": "x", "minimum": 2, "required": False}], "issuers": [{"name": "x"}],
    }  # fmt: skip
    result = run_module(release_inputs, check_mode=True, **wanted)
    assert {check["ok"] for check in result["checks"]} == {None}
    assert result["notes"] == []
    assert run_module(release_inputs, **wanted)["failed"]
    # Files are there or not, with or without a cluster.
    wanted["certificates"] = [{"names": NAMES, "certificate": certificate, "key": key, "ca": authority.path}]
    assert causes(run_module(release_inputs, check_mode=True, **wanted)) == ["certificate_wrong_name"]


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet=st.characters(max_codepoint=0x2FF)), st.text(alphabet=st.characters(max_codepoint=0x2FF)))
def test_no_text_is_taken_for_a_certificate(certificate: str, key: str) -> None:
    head = "-----BEGIN CERTIFICATE-----\n"
    for text in (certificate, head + certificate):
        assert pair_fault(text, key, ["a.example.it"]) is not None
