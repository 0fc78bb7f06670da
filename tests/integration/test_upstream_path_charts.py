# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The upstream way of the chart roles, against a local chart repository and an API server that refuses every change.

The repository holds the lab charts, packed. A run that is to succeed runs in check mode, which asks the repository and
the API server for everything that a real run asks for beforehand. A run that is to be refused runs for real.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent))
from registry import Registry

CHECKOUT = Path(__file__).resolve().parents[2]
CHARTS = CHECKOUT / "roles" / "package_artifacts" / "files" / "charts"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "argolab.observability"
PLAY = """
- hosts: localhost
  gather_facts: false
  connection: local
  tasks:
    - ansible.builtin.import_role: {name: argolab.observability.ROLE}
"""


@pytest.fixture(scope="module")
def helm() -> str:
    built = sorted(CACHE.glob("programs/helm-*[0-9a-f]/helm")) + sorted(CACHE.glob("bin/*/helm"))
    found = shutil.which("helm") or next((str(path) for path in built if path.is_file()), "")
    if not found:
        pytest.skip("helm is neither on the search path nor among the built programs")
    return found


class Server(ThreadingHTTPServer):
    """A server that remembers what it was asked."""

    daemon_threads = True

    def __init__(self, handler: Any) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.asked: list[str] = []
        # whether the operator's kinds are unknown
        self.bare = False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Files(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        self.server.asked.append(self.path)


class Api(BaseHTTPRequestHandler):
    """Knows the operator's kinds, and has no object of any."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        body: dict[str, Any] = {"kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": []}
        if path == "/apis/monitoring.coreos.com/v1":
            if self.server.bare:
                self.answer(
                    404, {"kind": "Status", "message": "the server could not find the requested resource", "code": 404}
                )
                return
            names = ("ServiceMonitor", "PrometheusRule")
            body = {
                "kind": "APIResourceList",
                "resources": [{"kind": kind, "name": kind, "namespaced": True} for kind in names],
            }
        if "/secrets/" in path:
            self.answer(404, {"kind": "Status", "message": "not found", "code": 404})
            return
        self.answer(200, body)

    def do_POST(self) -> None:
        self.answer(403, {"kind": "Status", "message": "nothing may be changed", "code": 403})

    do_PUT = do_PATCH = do_DELETE = do_POST

    def answer(self, status: int, body: dict[str, Any]) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def packed(helm: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packed charts and their index."""
    folder = tmp_path_factory.mktemp("repository")
    for chart in ("kube-prometheus-stack", "argo-cd"):
        subprocess.run([helm, "package", str(CHARTS / chart), "-d", str(folder)], check=True, capture_output=True)
    subprocess.run([helm, "repo", "index", str(folder)], check=True, capture_output=True)
    return folder


@pytest.fixture
def repository(packed: Path) -> Iterator[Server]:
    server = Server(partial(Files, directory=str(packed)))
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def api() -> Iterator[Server]:
    server = Server(Api)
    yield server
    server.shutdown()
    server.server_close()


class Lab:
    """Runs one role."""

    def __init__(self, folder: Path, helm: str, api: Server) -> None:
        self.folder, self.api = folder, api
        kubeconfig = {
            "apiVersion": "v1", "kind": "Config", "current-context": "lab",
            "clusters": [{"name": "lab", "cluster": {"server": api.url}}],
            "users": [{"name": "lab", "user": {}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}],
        }  # fmt: skip
        (folder / "kubeconfig").write_text(json.dumps(kubeconfig), encoding="utf-8")
        self.variables = {
            "ansible_python_interpreter": sys.executable,
            "artifact_source_effective": "upstream",
            "cluster_kubeconfig": str(folder / "kubeconfig"),
            "cli_tools_helm": helm,
            "lab_domain": "example.it",
            "kube_prometheus_stack_grafana_enabled": False,
        }

    def run(self, role: str, *arguments: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        play = self.folder / "play.yml"
        play.write_text(PLAY.replace("ROLE", role), encoding="utf-8")
        (self.folder / "vars.json").write_text(json.dumps({**self.variables, **variables}), encoding="utf-8")
        program = Path(sys.executable).with_name("ansible-playbook")
        environment = {
            **os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0",
            "COLUMNS": "1000",
            "HELM_CACHE_HOME": str(self.folder / "helm"), "HELM_CONFIG_HOME": str(self.folder / "helm"),
        }  # fmt: skip
        return subprocess.run(
            [
                str(program if program.exists() else "ansible-playbook"), "-i", "localhost,", str(play),
                "-e", f"@{self.folder}/vars.json", *arguments,
            ],
            cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False, timeout=180,
        )  # fmt: skip

    def refused(self, role: str, **variables: Any) -> str:
        """The message of a run that has to fail before it changes anything, on one line."""
        done = self.run(role, **variables)
        assert done.returncode != 0, done.stdout
        assert "Traceback" not in done.stdout + done.stderr
        assert not [line for line in self.api.asked if not line.startswith("GET ")]
        return " ".join((done.stdout + done.stderr).split())


@pytest.fixture
def lab(tmp_path: Path, helm: str, api: Server) -> Lab:
    return Lab(tmp_path, helm, api)


@pytest.mark.parametrize(
    ("role", "archive"), [("kube_prometheus_stack", "kube-prometheus-stack-88.5.3"), ("argo_cd", "argo-cd-10.1.1")]
)
def test_a_repository_is_asked_for_the_pinned_version(lab: Lab, repository: Server, role: str, archive: str) -> None:
    done = lab.run(role, "--check", "--diff", **{f"{role}_chart_repo_url": repository.url})
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{archive}+lab" in " ".join(repository.asked).replace("%2B", "+")
    assert "/index.yaml" in repository.asked
    assert f"/api/v1/namespaces/{'argocd' if role == 'argo_cd' else 'monitoring'}/secrets" in " ".join(lab.api.asked)
    # --diff shows the values that a real run would set
    assert "+ enabled: true" in " ".join(done.stdout.split())


def test_values_of_the_roles_render_from_the_repository(helm: str, repository: Server, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("ansible-playbook")
    subprocess.run(
        [
            str(program if program.exists() else "ansible-playbook"), "playbooks/values.yml",
            "-e", "artifact_source_effective=packages", "-e", f"lab_build_dir={tmp_path}",
        ],
        cwd=CHECKOUT, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    for release, chart, version in (
        ("kube-stack-prometheus", "kube-prometheus-stack", "88.5.3"),
        ("argocd", "argo-cd", "10.1.1"),
    ):
        done = subprocess.run(
            [
                helm, "template", release, chart, "--repo", repository.url, "--version", version,
                "--kube-version", "1.37.0",
                "--values", str(tmp_path / "values" / f"{release}.yaml"),
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "kind: ServiceMonitor" in done.stdout


def test_an_archive_and_a_folder_are_charts_too(lab: Lab, packed: Path) -> None:
    archive = next(packed.glob("argo-cd-*.tgz"))
    for chart in (archive, CHARTS / "argo-cd"):
        done = lab.run("argo_cd", "--check", argo_cd_chart_ref=str(chart))
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def registry(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """A registry with TLS, whose certificate helm trusts through Go's own variable."""
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("needs openssl")
    subprocess.run(
        [
            openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", "/CN=registry", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", "key.pem", "-out", "cert.pem",
        ],
        cwd=tmp_path, check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    server = Registry(tmp_path / "cert.pem", tmp_path / "key.pem")
    for chart in ("kube-prometheus-stack", "argo-cd"):
        described = yaml.safe_load((CHARTS / chart / "Chart.yaml").read_text(encoding="utf-8"))
        server.add_chart("charts", sorted(packed.glob(f"{chart}-*.tgz"))[0], described)
    yield server
    server.close()


@pytest.mark.parametrize(("role", "chart", "version"), [
    ("kube_prometheus_stack", "kube-prometheus-stack", "88.5.3+lab"),
    ("argo_cd", "argo-cd", "10.1.1+lab"),
    ("argo_cd", "argo-cd", ""),
])  # fmt: skip
def test_a_chart_in_a_registry(lab: Lab, registry: Registry, role: str, chart: str, version: str) -> None:
    reference = f"oci://{registry.host}/charts/{chart}"
    done = lab.run(role, "--check", **{f"{role}_chart_ref": reference, f"{role}_chart_version": version})
    assert done.returncode == 0, done.stdout + done.stderr
    tag = version.replace("+", "_") or "10.1.1_lab"
    assert f"/v2/charts/{chart}/manifests/{tag}" in registry.asked
    assert [path for path in registry.asked if path.startswith(f"/v2/charts/{chart}/blobs/sha256:")]


def test_a_chart_that_the_registry_does_not_have(lab: Lab, registry: Registry) -> None:
    text = lab.refused(
        "argo_cd", argo_cd_chart_ref=f"oci://{registry.host}/charts/argo", argo_cd_chart_version="1.0.0"
    )
    assert f"chart oci://{registry.host}/charts/argo version 1.0.0: it does not have" in text


def test_a_registry_with_a_certificate_of_nobody(
    lab: Lab, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    reference = f"oci://{registry.host}/charts/argo-cd"
    text = lab.refused("argo_cd", argo_cd_chart_ref=reference, argo_cd_chart_version="10.1.1")
    assert "its certificate is not trusted here" in text


def test_a_version_that_is_not_there(lab: Lab, repository: Server) -> None:
    text = lab.refused("argo_cd", argo_cd_chart_repo_url=repository.url, argo_cd_chart_version="9.9.9")
    assert "chart argo-cd version 9.9.9 in the repository http://127.0.0.1" in text
    assert "it does not hold this chart in this version" in text


def test_a_repository_that_does_not_answer(lab: Lab) -> None:
    text = lab.refused("kube_prometheus_stack", kube_prometheus_stack_chart_repo_url="http://127.0.0.1:1")
    assert (
        "chart kube-prometheus-stack version 88.5.3 in the repository http://127.0.0.1:1: "
        "it can not be reached from here"
        in text
    )


def test_a_folder_that_is_no_chart(lab: Lab, tmp_path: Path) -> None:
    assert "there is no chart at this place" in lab.refused("argo_cd", argo_cd_chart_ref=str(tmp_path / "nothing"))
    assert "there is no chart at this place" in lab.refused("argo_cd", argo_cd_chart_ref=str(tmp_path))


def test_a_reference_and_a_repository_at_once(lab: Lab) -> None:
    text = lab.refused(
        "argo_cd", argo_cd_chart_ref="oci://registry.example.it/argo-cd", argo_cd_chart_repo_url="http://127.0.0.1:1"
    )
    assert "with a repository, give only the chart's name" in text


def test_a_mistyped_option(lab: Lab) -> None:
    text = lab.refused("kube_prometheus_stack", kube_prometheus_stack_chart_versoin="88.5.3")
    assert "kube_prometheus_stack_chart_versoin (did you mean kube_prometheus_stack_chart_version?)" in text
    assert lab.api.asked == []


def test_an_option_of_the_wrong_type(lab: Lab) -> None:
    text = lab.refused("argo_cd", argo_cd_values_extra=["not", "a", "mapping"])
    assert "argo_cd_values_extra" in text
    assert lab.api.asked == []


def test_a_mistyped_value(lab: Lab) -> None:
    text = lab.refused(
        "argo_cd", argo_cd_chart_ref=str(CHARTS / "argo-cd"), argo_cd_values_extra={"reposerver": {"replicas": 2}}
    )
    assert "the values hold reposerver, which chart argo-cd-10.1.1+lab does not know; did you mean repoServer?" in text


def test_argo_cd_needs_the_operators_kinds(lab: Lab) -> None:
    lab.api.bare = True
    text = lab.refused("argo_cd", argo_cd_chart_ref=str(CHARTS / "argo-cd"))
    assert (
        "the cluster does not know monitoring.coreos.com/v1/ServiceMonitor, monitoring.coreos.com/v1/PrometheusRule"
        in text
    )
    assert "Run role kube_prometheus_stack first" in text


def test_no_cluster_yet(lab: Lab, tmp_path: Path) -> None:
    done = lab.run("argo_cd", "--check", cluster_kubeconfig=str(tmp_path / "absent"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "changed=1" in done.stdout
    assert lab.api.asked == []


@pytest.mark.parametrize(
    ("role", "options", "message"),
    [
        (
            "kube_prometheus_stack",
            {"lab_tls_mode": "files"},
            "kube_prometheus_stack_tls_mode is files, which needs kube_prometheus_stack_tls_certificate and",
        ),
        (
            "kube_prometheus_stack",
            {"kube_prometheus_stack_resources": {"promethues": {"limits": {"memory": "1Gi"}}}},
            "names promethues, which is no part of the stack; the parts are prometheus, alertmanager",
        ),
        (
            "kube_prometheus_stack",
            {"kube_prometheus_stack_remote_write": [{"url": f"http://{host}", "name": "x"} for host in ("a", "b")]},
            "names a receiver twice (x, x)",
        ),
        (
            "kube_prometheus_stack",
            {"kube_prometheus_stack_remote_write": [{"url": "mimir.example.com/push"}]},
            "kube_prometheus_stack_remote_write[0].url is 'mimir.example.com/push'; expected an http:// or https://",
        ),
        (
            "argo_cd",
            {"argo_cd_secret_create": False, "argo_cd_server_replicas": 2, "argo_cd_anti_affinity": "hard"},
            "Secret argocd/argocd-secret: expected with admin.password, seen absent. argo_cd_secret_create is false",
        ),
        ("argo_cd", {"argo_cd_tls_mode": "cert_manager", "argo_cd_tls_issuer": "lab"}, "cert-manager is not installed"),
        ("argo_cd", {"argo_cd_repo_server_replicas": 0}, "argo_cd_repo_server_replicas is 0; expected a whole number"),
    ],
)
def test_what_a_profile_is_told_to_use_is_looked_at_first(
    lab: Lab, role: str, options: dict[str, Any], message: str
) -> None:
    assert message in lab.refused(role, **options)
