# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""grafana_dashboards_info against a real Grafana that reads a real folder; only the API server is one of our own.

The sidecar itself is tried in the lab (molecule/lab/tasks/grafana.yml). Here the tests write its files, as it would.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.tests.unit.plugins.fake_cluster import FakeCluster, serve
from conftest import CACHE, PASSWORD, built_prometheus, free_port, running, serving

Run = Callable[..., dict[str, Any]]

CONFIG = """
[server]
http_addr = 127.0.0.1
http_port = {port}
[paths]
data = {folder}/data
logs = {folder}/data/log
plugins = {folder}/data/plugins
provisioning = {folder}/provisioning
[analytics]
reporting_enabled = false
check_for_updates = false
check_for_plugin_updates = false
[plugins]
public_key_retrieval_disabled = true
plugin_admin_enabled = false
[alerting]
enabled = false
[unified_alerting]
enabled = false
[log]
mode = console
"""
PROVIDER = """
apiVersion: 1
providers:
  - name: sidecarProvider
    type: file
    updateIntervalSeconds: 1
    options: {{path: {folder}/dashboards, foldersFromFilesStructure: true}}
"""
SOURCES = """
apiVersion: 1
datasources:
  - {{name: Prometheus, type: prometheus, uid: prometheus, url: "http://{address}/", access: proxy, isDefault: true}}
  - {{name: Gone, type: prometheus, uid: gone, url: "http://127.0.0.1:1/", access: proxy}}
"""


class Cluster(FakeCluster):
    """With the log of the sidecar."""

    log = "POST http://localhost:3000/api/admin/provisioning/dashboards/reload: 200 OK"
    refused: tuple[str, ...] = ()

    def answer(
        self, method: str, path: str, query: dict[str, list[str]], body: Any, accept: str = ""
    ) -> tuple[int, Any]:
        if path.endswith(self.refused or ("nothing",)):
            return 403, {"kind": "Status", "message": f"{path} is forbidden"}
        return (200, self.log) if path.endswith("/log") else super().answer(method, path, query, body, accept)


class Gateway(ThreadingHTTPServer):
    """The API server with its proxy to Grafana, which keeps C(Authorization) for itself as the real one does."""

    daemon_threads = True
    prefix = "/api/v1/namespaces/monitoring/services/http:kube-stack-prometheus-grafana:80/proxy"

    def __init__(self, grafana: Grafana) -> None:
        super().__init__(("127.0.0.1", 0), GatewayHandler)
        self.grafana = grafana


class GatewayHandler(BaseHTTPRequestHandler):
    server: Gateway

    def handle_one(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urllib.parse.urlsplit(self.path)
        headers: list[tuple[str, str]] = []
        if parts.path.startswith(self.server.prefix):
            kept = {key: self.headers[key] for key in ("Cookie", "Content-Type") if self.headers[key]}
            target = http.client.HTTPConnection(urllib.parse.urlsplit(self.server.grafana.url).netloc, timeout=20)
            target.request(self.command, self.path[len(self.server.prefix) :], body, kept)
            answer = target.getresponse()
            status, content = answer.status, answer.read()
            headers = [pair for pair in answer.getheaders() if pair[0] in ("Set-Cookie", "Content-Type")]
        else:
            query = urllib.parse.parse_qs(parts.query)
            status, found = self.server.grafana.cluster.answer(self.command, parts.path, query, None)
            content = json.dumps(found).encode()
        self.send_response(status)
        for key, value in [*headers, ("Content-Length", str(len(content)))]:
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = handle_one

    def log_message(self, format: str, *args: Any) -> None: ...


class Grafana:
    """A running Grafana, and the cluster that it would be in."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.cluster = Cluster()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        login = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
        headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        with urllib.request.urlopen(
            urllib.request.Request(self.url + path, data, headers, method=method), timeout=20
        ) as answer:
            return json.load(answer)

    def put(self, name: str, key: str, content: Any, folder: str = "", namespace: str = "team", **labels: str) -> Path:
        """A ConfigMap, and the file that the sidecar writes for it."""
        text = content if isinstance(content, str) else json.dumps(content)
        self.cluster.add(
            "ConfigMap", name, namespace,
            metadata={
                "labels": labels or {"grafana_dashboard": "1"},
                "annotations": {"k8s-sidecar-target-directory": folder} if folder else {},
            },
            data={key: text},
        )  # fmt: skip
        path = self.folder / "dashboards" / folder / key
        if not labels and path.resolve().is_relative_to(self.folder):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return path

    def reload(self) -> None:
        self.call("POST", "/api/admin/provisioning/dashboards/reload")

    def uids(self) -> set[str]:
        return {item["uid"] for item in self.call("GET", "/api/search?type=dash-db")}

    def empty(self) -> None:
        """Nothing in the folder, and nothing in Grafana."""
        for path in sorted((self.folder / "dashboards").rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        self.reload()
        for uid in self.uids():
            self.call("DELETE", f"/api/dashboards/uid/{uid}")

    def install(self, **env: str) -> None:
        """The chart's Service, Deployment, pod and provider in the cluster."""
        labels = {"app.kubernetes.io/name": "grafana"}
        settings = {
            "LABEL": "grafana_dashboard", "LABEL_VALUE": "1", "NAMESPACE": "ALL",
            "FOLDER": f"{self.folder}/dashboards", "REQ_URL": "http://localhost:3000/api/admin/provisioning/dashboards/reload",
            **env,
        }  # fmt: skip
        sidecar = {
            "name": "grafana-sc-dashboard",
            "env": [{"name": key, "value": value} for key, value in settings.items()],
        }
        mount = {"name": "p", "mountPath": "/etc/grafana/provisioning/dashboards/sc-dashboardproviders.yaml"}
        pod = {
            "containers": [sidecar, {"name": "grafana", "volumeMounts": [mount]}],
            "volumes": [{"name": "p", "configMap": {"name": "providers"}}],
        }
        add = self.cluster.add
        add("Service", "kube-stack-prometheus-grafana", "monitoring", spec={"selector": labels})
        add("Deployment", "grafana", "monitoring", spec={"template": {"metadata": {"labels": labels}, "spec": pod}})
        add("Pod", "grafana-1", "monitoring", metadata={"labels": labels})
        add("ConfigMap", "providers", "monitoring", data={"provider.yaml": PROVIDER.format(folder=self.folder)})
        login = {
            "admin-user": base64.b64encode(b"admin").decode(),
            "admin-password": base64.b64encode(PASSWORD.encode()).decode(),
        }
        add("Secret", "login", "monitoring", data=login)


@pytest.fixture(scope="module")
def program() -> Path:
    for found in sorted((CACHE / "programs").glob("grafana-v*/grafana"), reverse=True):
        return found
    pytest.skip("the lab's own Grafana has not been built here (make lab)")


@pytest.fixture(scope="module")
def started(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grafana]:
    folder = tmp_path_factory.mktemp("grafana")
    for name in ("home", "dashboards", "provisioning/dashboards", "provisioning/datasources"):
        (folder / name).mkdir(parents=True)
    for name in ("conf", "public"):
        (folder / "home" / name).symlink_to(program.parent / "data" / name)
    (folder / "provisioning" / "dashboards" / "p.yaml").write_text(PROVIDER.format(folder=folder))
    port = free_port()
    (folder / "grafana.ini").write_text(CONFIG.format(folder=folder, port=port))
    prometheus_folder = tmp_path_factory.mktemp("grafana-prometheus")
    with running(built_prometheus(), prometheus_folder, "scrape_configs: []\n") as address, (folder / "log").open(
        "wb"
    ) as log:
        (folder / "provisioning" / "datasources" / "s.yaml").write_text(SOURCES.format(address=address))
        process = subprocess.Popen(
            [program, "server", f"--homepath={folder}/home", f"--config={folder}/grafana.ini"],
            stdout=log, stderr=log, env={**os.environ, "GF_SECURITY_ADMIN_PASSWORD": PASSWORD, "GOMAXPROCS": "1"},
        )  # fmt: skip
        try:
            deadline = time.monotonic() + 120
            while not answers(f"http://127.0.0.1:{port}/api/health"):
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"Grafana did not start:\n{(folder / 'log').read_text()[-2000:]}")
                time.sleep(0.2)
            yield Grafana(f"http://127.0.0.1:{port}", folder)
        finally:
            process.kill()
            process.wait()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


@pytest.fixture
def grafana(started: Grafana) -> Iterator[Grafana]:
    """The running Grafana without dashboards, in a new cluster."""
    started.empty()
    started.cluster = Cluster()
    started.install()
    with serve(started.cluster):
        yield started


@pytest.fixture
def look(grafana: Grafana, run_module: Run) -> Run:
    def run(**options: Any) -> dict[str, Any]:
        access = {"url": grafana.url, "username": "admin", "password": PASSWORD}
        return run_module(
            "grafana_dashboards_info",
            **{"kubeconfig": grafana.cluster.kubeconfig, "grafana": access, "wait_timeout": 0, **options},
        )

    return run


def causes(result: dict[str, Any]) -> dict[str, str]:
    """Name of the ConfigMap to the cause."""
    checks = [check for check in result["checks"] if check["name"].startswith("dashboard team/")]
    return {check["name"].split("/")[1].split()[0]: check["cause"] for check in checks}


def failed(result: dict[str, Any]) -> list[str]:
    return [check["cause"] for check in result["checks"] if check["ok"] is False]


def model(uid: str, title: str = "", **more: Any) -> dict[str, Any]:
    return {"uid": uid, "title": title or uid.upper(), "schemaVersion": 38, "panels": [], "tags": ["x"], **more}


def test_dashboards_that_are_there_pass_with_folder_source_and_version(grafana: Grafana, look: Run) -> None:
    grafana.put("top", "top.json", model("top", id=55, version=9))
    grafana.put("deep", "deep.json", model("deep"), folder="Team")
    grafana.reload()
    result = look(required=["team/top"])
    assert not result.get("failed"), result["msg"]
    assert result["version"].startswith("10.")
    assert causes(result) == {"top": "", "deep": ""}
    assert {item["uid"]: item["folder"] for item in result["dashboards"]} == {"top": "General", "deep": "Team"}
    assert [item["healthy"] for item in result["datasources"]] == [True]


def test_no_dashboard_at_all_is_no_pass_of_one_that_is_required(look: Run) -> None:
    result = look(required=["team/top"])
    assert failed(result) == ["config_map_absent"]


BROKEN: dict[str, tuple[str, Any, str, str]] = {
    "json": ("json.json", "{", "", "invalid_json"),
    "untitled": ("untitled.json", {"uid": "untitled"}, "", "no_title"),
    "illegal": ("illegal.json", model("a b/c"), "", "illegal_uid"),
    "text": ("text.txt", model("text"), "", "not_json_name"),
    "hidden": ("hidden.json", model("hidden"), ".hidden", "folder_hidden"),
    "outside": ("outside.json", model("outside"), "../outside", "folder_outside"),
}


def test_what_grafana_really_does_not_load_is_named(grafana: Grafana, look: Run) -> None:
    for name, (key, content, folder, _cause) in BROKEN.items():
        grafana.put(name, key, content, folder)
    grafana.put("random", "random.json", {"title": "Random"})
    grafana.put("good", "good.json", model("good"))
    grafana.reload()
    uids = grafana.uids()
    assert "good" in uids
    assert len(uids) == 2  # and the one whose uid is random
    expected = {name: cause for name, (_key, _content, _folder, cause) in BROKEN.items()}
    assert causes(look()) == {**expected, "random": "no_uid", "good": ""}


def test_a_label_or_namespace_that_the_sidecar_does_not_look_at_is_named(grafana: Grafana, look: Run) -> None:
    grafana.put("value", "v.json", model("v"), grafana_dashboard="true")
    grafana.put("key", "k.json", model("k"), dashboard="1")
    assert causes(look(required=["team/key"])) == {"value": "wrong_label_value", "key": "wrong_label_key"}
    assert causes(look(ignored=["team/value"])) == {}
    grafana.cluster.objects.clear()
    grafana.install(NAMESPACE="monitoring")
    grafana.put("far", "far.json", model("far"))
    assert causes(look()) == {"far": "namespace_not_searched"}


def test_twins_are_named_and_what_they_keep_out_too(grafana: Grafana, look: Run) -> None:
    grafana.put("one", "one.json", model("twin", "One"))
    grafana.put("two", "two.json", model("twin", "Two"))
    grafana.put("left", "left.json", model("left", "Same"))
    grafana.put("right", "right.json", model("right", "Same"))
    grafana.reload()
    found = {"one": "duplicate_uid", "two": "duplicate_uid", "left": "duplicate_title", "right": "duplicate_title"}
    assert causes(look()) == found
    # Grafana looks every second here; with the twins it takes nothing up, until a reload starts over.
    grafana.put("late", "late.json", model("late"))
    time.sleep(4)
    assert "late" not in grafana.uids()
    assert causes(look()) == {**found, "late": "provider_stopped"}
    grafana.reload()
    assert "late" in grafana.uids()
    assert causes(look()) == {**found, "late": ""}


def test_without_twins_grafana_takes_up_by_itself_what_comes_late(grafana: Grafana, look: Run) -> None:
    grafana.reload()
    grafana.put("late", "late.json", model("late"))
    result = look(wait_timeout=15, poll_interval=0.5)
    assert causes(result) == {"late": ""}
    assert result["attempts"] > 1


def test_two_config_maps_that_become_one_file_are_named(grafana: Grafana, look: Run) -> None:
    grafana.put("one", "same.json", model("one"))
    grafana.put("two", "same.json", model("two"))
    grafana.reload()
    assert grafana.uids() == {"two"}
    assert causes(look()) == {"one": "same_file", "two": "same_file"}


def test_other_content_and_another_folder_are_named(grafana: Grafana, look: Run) -> None:
    grafana.put("a", "a.json", model("a"), folder="Team")
    grafana.put("b", "b.json", model("b"))
    grafana.reload()
    assert causes(look()) == {"a": "", "b": ""}
    grafana.cluster.find("ConfigMap", "a")["metadata"]["annotations"] = {}
    grafana.cluster.find("ConfigMap", "b")["data"]["b.json"] = json.dumps(model("b", tags=["y"]))
    result = look()
    assert causes(result) == {"a": "wrong_folder", "b": "content_differs"}
    assert "tags" in next(check["observed"] for check in result["checks"] if check["cause"] == "content_differs")


def test_a_dashboard_whose_uid_somebody_took_by_hand_is_named(grafana: Grafana, look: Run) -> None:
    grafana.call("POST", "/api/dashboards/db", {"dashboard": {"uid": "taken", "title": "By hand"}})
    grafana.cluster.add(
        "ConfigMap",
        "taken",
        "team",
        metadata={"labels": {"grafana_dashboard": "1"}},
        data={"t.json": json.dumps(model("taken"))},
    )
    result = look()
    assert causes(result) == {"taken": "content_differs"}
    assert "not made from a file" in result["msg"]


def test_data_sources_are_there_and_healthy_or_named(look: Run) -> None:
    result = look(datasources=["prometheus", "gone", "promethius"])
    assert failed(result) == ["datasource_unhealthy", "datasource_absent"]
    assert "connection refused" in result["msg"]
    assert "did you mean prometheus?" in result["msg"]


def test_a_refused_reload_is_named(grafana: Grafana, look: Run) -> None:
    grafana.cluster.log += "\nPOST http://localhost:3000/api/admin/provisioning/dashboards/reload: 401 Unauthorized"
    assert failed(look()) == ["reload_refused"]


def test_a_login_that_grafana_refuses_is_named_and_stays_secret(grafana: Grafana, look: Run) -> None:
    for access in ({"username": "admin", "password": "canary-wrong"}, {"token": "canary-token"}, {}):
        result = look(grafana={"url": grafana.url, **access})
        assert failed(result) == ["login_refused"], access
        assert "canary" not in json.dumps(result)


def test_the_login_of_the_secret_and_a_token_work(grafana: Grafana, look: Run) -> None:
    assert not look(grafana={"url": grafana.url}, admin_secret="login").get("failed")
    missing = look(grafana={"url": grafana.url}, admin_secret="none")
    assert "there is no Secret none" in missing["msg"]
    account = grafana.call("POST", "/api/serviceaccounts", {"name": f"look-{time.time()}", "role": "Viewer"})
    key = grafana.call("POST", f"/api/serviceaccounts/{account['id']}/tokens", {"name": "look"})["key"]
    result = look(grafana={"url": grafana.url, "token": key})
    assert not result.get("failed"), result["msg"]
    assert key not in json.dumps(result)


def test_through_the_api_server_a_session_is_the_login_and_none_is_left_behind(
    grafana: Grafana, run_module: Run
) -> None:
    grafana.put("top", "top.json", model("top"))
    grafana.reload()
    with serving(Gateway(grafana)) as gateway:
        grafana.cluster.port = gateway.server_address[1]
        access = {"kubeconfig": grafana.cluster.kubeconfig, "wait_timeout": 0}
        result = run_module("grafana_dashboards_info", **access, admin_secret="login", required=["team/top"])
        assert not result.get("failed"), result["msg"]
        assert causes(result) == {"top": ""}
        assert grafana.call("GET", "/api/user/auth-tokens") == []
        # A login in a header does not arrive, and this Grafana shows strangers nothing.
        assert failed(run_module("grafana_dashboards_info", **access)) == ["login_refused"]
        secret = grafana.cluster.find("Secret", "login")
        secret["data"]["admin-password"] = base64.b64encode(b"canary-password").decode()
        refused = run_module("grafana_dashboards_info", **access, admin_secret="login")
        assert failed(refused) == ["login_refused"]
        assert "canary-password" not in json.dumps(refused)
        del secret["data"]["admin-password"]
        missing = run_module("grafana_dashboards_info", **access, admin_secret="login")
        assert "Secret login has no key admin-password; its keys are: admin-user" in missing["msg"]
        elsewhere = run_module("grafana_dashboards_info", **access, grafana_service="nothing:80")
        assert failed(elsewhere) == ["grafana_silent"]


def test_a_grafana_that_is_not_there_is_no_pass(grafana: Grafana, look: Run) -> None:
    result = look(grafana={"url": f"http://127.0.0.1:{free_port()}"})
    assert failed(result) == ["grafana_silent"]
    assert result["dashboards"] == []


def test_what_may_not_be_read_is_skipped_by_name_and_the_rest_is_judged(grafana: Grafana, look: Run) -> None:
    grafana.cluster.objects.clear()
    grafana.install(RESOURCE="both")
    grafana.put("top", "top.json", model("top"), namespace="monitoring")
    grafana.put("far", "far.json", model("far"))
    grafana.reload()
    grafana.cluster.refused = ("/api/v1/configmaps", "/secrets", "/log")
    result = look(required=["monitoring/top"])
    assert not result.get("failed"), result["msg"]
    assert [item["uid"] for item in result["dashboards"]] == ["top"]
    why = {check["name"]: check["detail"] for check in result["checks"] if check["ok"] is None}
    assert set(why) == {"dashboards in ConfigMaps", "dashboards in Secrets", "reload by grafana-sc-dashboard"}
    assert "in monitoring only" in why["dashboards in ConfigMaps"]
    assert "may not list secrets in monitoring" in why["dashboards in Secrets"]
    grafana.cluster.refused = ("/configmaps/providers",)
    assert "is forbidden" in look()["msg"]


@pytest.mark.parametrize(
    ("kind", "cause"), [("Deployment", "no_workload"), ("sidecar", "no_sidecar"), ("provider", "no_provider")]
)
def test_a_way_that_is_not_there_is_named(grafana: Grafana, look: Run, kind: str, cause: str) -> None:
    if kind == "Deployment":
        grafana.cluster.remove("Deployment", "grafana")
    elif kind == "sidecar":
        del grafana.cluster.find("Deployment", "grafana")["spec"]["template"]["spec"]["containers"][0]
    else:
        grafana.cluster.find("ConfigMap", "providers")["data"] = {"provider.yaml": "providers: []"}
    assert failed(look()) == [cause]


def test_where_grafana_is_off_nothing_passes(run_module: Run) -> None:
    result = run_module("grafana_dashboards_info", skip="Grafana is off", kubeconfig="/nonexistent")
    assert [check["ok"] for check in result["checks"]] == [None]
    assert result["checks"][0]["detail"] == "Grafana is off"
