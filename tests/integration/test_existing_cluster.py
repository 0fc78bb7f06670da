# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role existing_cluster with kubeconfigs that cannot work: one clear message each, against a TLS server of our own."""

from __future__ import annotations

import base64
import json
import os
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
NODE = {"metadata": {"name": "n"}, "status": {"conditions": [{"type": "Ready", "status": "True"}], "addresses": []}}


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


class Api:
    """An API server that knows one bearer token."""

    def __init__(self, folder: Path) -> None:
        openssl(
            folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.crt",
            "-days", "2", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1",
        )  # fmt: skip
        openssl(
            folder,
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            "other.key",
            "-out",
            "other.crt",
            "-days",
            "2",
            "-subj",
            "/CN=other",
        )
        openssl(
            folder, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "old.key", "-out", "old.csr", "-subj", "/CN=old"
        )
        openssl(folder, "x509", "-req", "-in", "old.csr", "-signkey", "old.key", "-out", "old.crt", "-days", "-1")

        # Verb, resource and namespace, and a name where it is about one object.
        self.lacking: set[tuple[str, ...]] = set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer({"gitVersion": "v1.30.0", "items": [NODE] if self.path.startswith("/api/v1/nodes") else []})

            def do_POST(self) -> None:
                """Reviews of the account's own rights, of which it has all but those of outer.lacking."""
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if asked["kind"] == "SelfSubjectRulesReview":
                    # an authorizer that tells nobody what it allows
                    return self.answer({"status": {"incomplete": True, "resourceRules": []}}, 201)
                wanted = asked["spec"]["resourceAttributes"]
                right = (wanted["verb"], wanted["resource"], wanted["namespace"])
                lacking = right in outer.lacking or (*right, wanted["name"]) in outer.lacking
                return self.answer({"status": {"allowed": not lacking}}, 201)

            def answer(self, body: dict[str, Any], status: int = 200) -> None:
                allowed = self.headers.get("Authorization") == "Bearer right"
                if not allowed:
                    body = {"kind": "Status", "message": "Unauthorized"}
                data = json.dumps(body).encode()
                self.send_response(status if allowed else 401)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_arguments: Any) -> None:
                pass

        self.folder = folder
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.crt", folder / "server.key")
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def data(self, name: str) -> str:
        return base64.b64encode((self.folder / name).read_bytes()).decode()

    def kubeconfig(self, ca: str = "server.crt", user: dict[str, str] | None = None, url: str = "") -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "c", "cluster": {"server": url or self.url, "certificate-authority-data": self.data(ca)}}
            ],
            "contexts": [{"name": "right", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": user or {"token": "right"}}],
        }


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    if shutil.which("openssl") is None:
        pytest.skip("certificates are made with openssl, which is not here")
    made = Api(tmp_path_factory.mktemp("api"))
    yield made
    made.http.shutdown()
    made.http.server_close()


def play(tmp_path: Path, kubeconfig: Any, context: str = "right", **options: Any) -> str:
    path = tmp_path / "kubeconfig"
    if isinstance(kubeconfig, dict):
        path.write_text(yaml.safe_dump(kubeconfig))
    elif isinstance(kubeconfig, str):
        path.write_text(kubeconfig)
    play_file = tmp_path / "play.yml"
    tasks = [
        {"ansible.builtin.include_role": {"name": "argolab.observability.existing_cluster"}},
        {
            "ansible.builtin.debug": {
                "msg": "SEEN {{ cluster_kubeconfig }} {{ cluster_context }} {{ cluster_ingress_endpoints }}"
            }
        },
    ]
    variables = {
        "existing_cluster_kubeconfig": str(path),
        "existing_cluster_context": context,
        "existing_cluster_wait_timeout": 1,
        **options,
    }
    play_file.write_text(
        yaml.safe_dump(
            [{"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": variables, "tasks": tasks}]
        )
    )
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", str(play_file)],
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_NOCOLOR": "1",
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return " ".join((done.stdout + done.stderr).split())


def test_a_cluster_that_answers(api: Api, tmp_path: Path) -> None:
    output = play(tmp_path, api.kubeconfig())
    assert f"SEEN {tmp_path}/kubeconfig right []" in output and "failed=0" in output


def test_kubeconfigs_that_cannot_work(api: Api, tmp_path: Path) -> None:
    old = {"client-certificate-data": api.data("old.crt"), "client-key-data": api.data("old.key")}
    for kubeconfig, context, words in (
        (None, "right", ["does not exist"]),
        ("{", "right", ["is not valid YAML"]),
        ("", "right", ["is empty or no kubeconfig"]),
        (api.kubeconfig(), "wrong", ["has no context wrong", "right"]),
        (api.kubeconfig(ca="other.crt"), "right", ["certificate"]),
        (api.kubeconfig(user={"token": "wrong"}), "right", ["401"]),
        (api.kubeconfig(user=old), "right", ["expired on"]),
        (api.kubeconfig(url="https://127.0.0.1:1"), "right", ["refused"]),
    ):
        for path in tmp_path.iterdir():
            path.unlink()
        output = play(tmp_path, kubeconfig, context)
        assert "failed=1" in output and "SEEN" not in output, (words, output)
        assert all(word.lower() in output.lower() for word in words), (words, output)


def test_options_that_the_role_does_not_have(api: Api, tmp_path: Path) -> None:
    output = play(tmp_path, api.kubeconfig(), existing_cluster_contxt="x")
    assert "existing_cluster_contxt (did you mean existing_cluster_context?)" in output


def test_rights_that_a_build_lacks_are_named_before_it_begins(api: Api, tmp_path: Path) -> None:
    api.lacking = {("create", "customresourcedefinitions", ""), ("patch", "deployments", "monitoring")}
    try:
        output = play(tmp_path, api.kubeconfig())
    finally:
        api.lacking = set()
    assert "failed=1" in output and "SEEN" not in output
    assert "lacks 2 rights" in output and "Nothing was changed" in output
    assert "create customresourcedefinitions.apiextensions.k8s.io" in output
    assert "rights in namespace monitoring: expected" in output and "missing: patch deployments.apps" in output
    assert "kubectl apply -f docs/manifests/build-rbac.yaml" in output


# A right of each option of the profiles, by verb, resource, namespace and name, and how it is named.
PROFILES: dict[tuple[str, ...], str] = {
    ("create", "networkpolicies", "monitoring"): "create networkpolicies.networking.k8s.io",
    ("list", "poddisruptionbudgets", "monitoring"): "list poddisruptionbudgets.policy",
    ("patch", "poddisruptionbudgets", "argocd"): "patch poddisruptionbudgets.policy",
    ("patch", "namespaces", "", "argocd"): "patch namespaces argocd",
    ("get", "endpoints", "argocd"): "get endpoints",
    ("create", "certificates", "argocd"): "create certificates.cert-manager.io",
    ("list", "clusterissuers", ""): "list clusterissuers.cert-manager.io",
}


def test_rights_of_a_profile_are_asked_for_where_its_options_are_chosen(api: Api, tmp_path: Path) -> None:
    """And the manifest that grants them is named. tests/contract/test_profile_rbac.py has the options one by one."""
    chosen = {
        "kube_prometheus_stack_network_policies_enabled": True, "kube_prometheus_stack_alertmanager_replicas": 3,
        "argo_cd_server_replicas": 2, "argo_cd_pod_security": "restricted", "argo_cd_redis_ha_enabled": True,
        "lab_tls_mode": "cert_manager",
    }  # fmt: skip
    api.lacking = {*PROFILES, ("list", "issuers", "monitoring")}
    try:
        without = play(tmp_path, api.kubeconfig())
        output = play(tmp_path, api.kubeconfig(), **chosen)
    finally:
        api.lacking = set()
    assert "failed=0" in without, without
    assert "failed=1" in output and "SEEN" not in output, output
    assert f"lacks {len(PROFILES)} rights of" in output, output
    for words in PROFILES.values():
        assert words in output, (words, output)
    assert "Grant what is missing: kubectl apply -f docs/manifests/build-rbac-profiles.yaml" in output, output


def test_a_role_that_the_manifest_does_not_have_is_refused(api: Api, tmp_path: Path) -> None:
    output = play(tmp_path, api.kubeconfig(), existing_cluster_rights_profiles_roles=["argolab-build-polices"])
    assert "failed=1" in output
    assert "no Role or ClusterRole called argolab-build-polices; did you mean argolab-build-policies?" in output


def test_a_build_elsewhere_is_not_asked_for_rights_in_the_default_namespaces(api: Api, tmp_path: Path) -> None:
    api.lacking = {("patch", "deployments", "monitoring")}
    try:
        assert "failed=0" in play(tmp_path, api.kubeconfig(), argo_cd_namespace="gitops")
        assert "failed=0" in play(tmp_path, api.kubeconfig(), existing_cluster_rights_manifest="")
        gone = play(tmp_path, api.kubeconfig(), existing_cluster_rights_manifest="/no/such.yaml")
    finally:
        api.lacking = set()
    assert "/no/such.yaml is no file" in gone and "docs/manifests/build-rbac.yaml" in gone
