# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of Grafana against answers recorded from a Grafana 10.1, served by a real HTTP server."""

from __future__ import annotations

import base64
import importlib
import json
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_sources import (
    Found,
    read_config_maps,
    read_grafana,
)
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError, TransientError
from ansible_collections.argolab.observability.plugins.module_utils.grafana_api import (
    GRAFANA_OPTIONS,
    GrafanaStatusError,
    grafana_from_options,
)
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient
from ansible_collections.argolab.observability.tests.unit.plugins import fake_cluster

PASSWORD = "canary-password"
HEALTH = {"commit": "NA", "database": "ok", "version": "10.1.0-pre"}
SEARCH = [
    {"id": 1, "uid": "LCAgc9rWz", "title": "ArgoCD", "uri": "db/argocd", "url": "/d/LCAgc9rWz/argocd", "slug": "",
     "type": "dash-db", "tags": [], "isStarred": False, "sortMeta": 0},
    {"id": 2, "uid": "other", "title": "Other", "url": "/d/other/other", "type": "dash-db", "folderTitle": "Team",
     "folderUid": "f1"},
]  # fmt: skip
SOURCES = [
    {"id": 2, "uid": "alertmanager", "name": "Alertmanager", "type": "alertmanager", "isDefault": False,
     "jsonData": {"handleGrafanaManagedAlerts": False, "implementation": "prometheus"}},
    {"id": 1, "uid": "prometheus", "name": "Prometheus", "type": "prometheus", "isDefault": True,
     "jsonData": {"httpMethod": "POST", "timeInterval": "20s"}},
]  # fmt: skip
PANEL = {"id": 1, "type": "stat", "title": "P", "targets": [{"refId": "A", "expr": "up"}]}
BOARD = {
    "meta": {"url": "/d/LCAgc9rWz/argocd"},
    "dashboard": {"uid": "LCAgc9rWz", "title": "ArgoCD", "panels": [PANEL]},
}
OTHER = {"meta": {"url": "/d/other/other"}, "dashboard": {"uid": "other", "title": "Other", "panels": [PANEL]}}
ANSWERS: dict[str, tuple[int, Any]] = {
    "/api/health": (200, HEALTH),
    "/api/org": (200, {"id": 1, "name": "Main Org."}),
    "/api/datasources": (200, SOURCES),
    "/api/datasources/uid/prometheus": (200, SOURCES[1]),
    "/api/datasources/uid/prometheus/health": (
        200, {"message": "Successfully queried the Prometheus API.", "status": "OK"}),
    "/api/datasources/uid/broken/health": (400, {"message": "connection refused", "status": "ERROR"}),
    "/api/datasources/uid/none/health": (500, {"message": "Unable to load datasource metadata", "traceID": ""}),
    "/api/datasources/uid/none": (404, {"message": "Data source not found"}),
    "/api/folders": (200, []),
    "/api/dashboards/uid/LCAgc9rWz": (200, BOARD),
    "/api/dashboards/uid/other": (200, OTHER),
    "/api/dashboards/uid/none": (404, {"message": "Dashboard not found", "traceID": ""}),
}  # fmt: skip


class Grafana(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = dict(ANSWERS)
        self.found: list[dict[str, Any]] = list(SEARCH)
        self.asked: list[str] = []


class Handler(BaseHTTPRequestHandler):
    server: Grafana

    def do_GET(self) -> None:
        parts = urllib.parse.urlsplit(self.path)
        self.server.asked.append(self.path)
        query = urllib.parse.parse_qs(parts.query)
        allowed = ["Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode(), "Bearer token"]
        if parts.path == "/api/search":
            limit, page = int(query["limit"][0]), int(query["page"][0])
            status, content = 200, self.server.found[(page - 1) * limit : page * limit]
        else:
            status, content = self.server.answers.get(parts.path, (404, {"message": "Not found"}))
        if parts.path != "/api/health" and self.headers.get("Authorization") not in allowed:
            status, content = 401, {"message": f"invalid username or password {PASSWORD}", "traceID": ""}
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    server = Grafana()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def client(server: Grafana, **options: Any) -> Any:
    login = {} if {"token", "username"} & set(options) else {"username": "admin", "password": PASSWORD}
    given = {name: option.get("default") for name, option in GRAFANA_OPTIONS.items()}
    return grafana_from_options(
        {**given, "url": f"http://127.0.0.1:{server.server_address[1]}", **login, **options}, 5.0
    )


def test_what_it_says(grafana: Grafana) -> None:
    found = client(grafana)
    assert found.health() == HEALTH
    assert found.datasources() == SOURCES
    assert found.datasource("prometheus") == SOURCES[1]
    assert found.datasource("none") is None
    assert found.datasource_health("prometheus") == (True, "Successfully queried the Prometheus API.")
    assert found.datasource_health("broken") == (False, "connection refused")
    assert found.datasource_health("none") == (False, "Unable to load datasource metadata")
    assert found.folders() == []
    assert found.dashboard("LCAgc9rWz") == BOARD
    assert found.dashboard("none") is None
    assert client(grafana, token="token").datasources() == SOURCES


def test_all_pages_of_a_search(grafana: Grafana) -> None:
    grafana.found = [{"uid": str(number)} for number in range(2500)]
    assert len(client(grafana).search()) == 2500
    assert len(grafana.asked) == 3
    client(grafana).search(folder_uids=["a"], dashboard_uids=["b", "c"])
    assert "folderUIDs=a" in grafana.asked[-1]
    assert "dashboardUIDs=b&dashboardUIDs=c" in grafana.asked[-1]


def test_wrong_credentials_fail_at_once_and_are_not_repeated(grafana: Grafana) -> None:
    with pytest.raises(GrafanaStatusError, match="credentials are missing or wrong") as failure:
        client(grafana, token="wrong").datasources()
    assert failure.value.status == 401
    with pytest.raises(GrafanaStatusError) as failure:
        client(grafana, username="someone", password=PASSWORD).search()
    assert PASSWORD not in str(failure.value)


@pytest.mark.parametrize(
    ("status", "content", "error"),
    [
        (500, "oops", TransientError),
        (503, {"message": "starting"}, TransientError),
        (404, "404 page not found", TransientError),
        (404, {"message": "Not found"}, DefiniteError),
        (403, {"message": "no"}, DefiniteError),
        (200, "<html>Log in</html>", DefiniteError),
        (200, {"not": "a list"}, DefiniteError),
        (200, [1], DefiniteError),
        (200, "[", TransientError),
    ],
)
def test_answers_that_are_not_what_was_asked_for(grafana: Grafana, status: int, content: Any, error: type) -> None:
    grafana.answers["/api/datasources"] = (status, content)
    with pytest.raises(error, match="Grafana at http://127.0.0.1"):
        client(grafana).datasources()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"username": "a"}, "belong together"),
        ({"username": "a", "password": "b", "token": "c"}, "two ways to log in"),
        ({"token": "a b"}, "grafana.token"),
        ({"url": "example.it"}, "grafana.url"),
        ({"ca_path": "/x"}, "needs an https"),
    ],
)
def test_options_that_cannot_be(grafana: Grafana, options: dict[str, Any], words: str) -> None:
    with pytest.raises(DefiniteError, match=words):
        client(grafana, **options)


def test_dashboards_with_the_data_sources_that_are_there(grafana: Grafana) -> None:
    found = read_grafana(client(grafana), {"folders": [], "uids": []})
    assert [(item.uid, item.title, item.url.rpartition("/d/")[2]) for item in found.dashboards] == [
        ("LCAgc9rWz", "ArgoCD", "LCAgc9rWz/argocd"), ("other", "Other", "other/other"),
    ]  # fmt: skip
    assert found.scrape_interval == 20.0
    assert [item.value for item in found.options("prometheus") or []] == ["prometheus"]
    assert found.options("loki") == []
    assert Found().options("prometheus") is None


def test_dashboards_of_folders_and_by_uid(grafana: Grafana) -> None:
    def titles(**options: Any) -> list[str]:
        return [item.name for item in read_grafana(client(grafana), options).dashboards]

    assert titles(folders=["Team"]) == ["Other"]
    assert titles(folders=["f1"]) == ["Other"]
    assert titles(folders=["T*"]) == ["Other"]
    assert titles(folders=["General"]) == ["ArgoCD"]
    assert titles(uids=["other"]) == ["Other"]
    missing = read_grafana(client(grafana), {"uids": ["gone"]})
    assert [(item.problem, item.cause) for item in missing.dashboards] == [("it is not there", "dashboard_absent")]
    nothing = read_grafana(client(grafana), {"folders": ["Gone"]})
    assert not nothing.complete
    assert "no dashboard in folder Gone" in nothing.missing[0].text


def test_data_sources_that_one_may_not_list_are_unknown(grafana: Grafana) -> None:
    grafana.answers["/api/datasources"] = (403, {"message": "You'll need additional permissions"})
    found = read_grafana(client(grafana), {})
    assert found.datasources is None
    assert len(found.dashboards) == 2
    grafana.answers["/api/datasources"] = (400, {"message": "no"})
    with pytest.raises(GrafanaStatusError):
        read_grafana(client(grafana), {})
    grafana.answers["/api/datasources"] = (500, "oops")
    with pytest.raises(TransientError):
        read_grafana(client(grafana), {})


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[fake_cluster.FakeCluster]:
    monkeypatch.setitem(fake_cluster.ROOTS, "ConfigMap", ("/api/v1", "configmaps"))
    with fake_cluster.serve(fake_cluster.FakeCluster()) as served:
        yield served


def test_every_key_of_a_config_map_is_a_dashboard(cluster: fake_cluster.FakeCluster) -> None:
    text = json.dumps(BOARD["dashboard"])
    labels = {"labels": {"grafana_dashboard": "1"}}
    data = {"b.json": text, "no-ending": text, "bad.json": "{", "x.url": "http://x"}
    cluster.add("ConfigMap", "a", "monitoring", metadata=labels, data=data)
    cluster.add("ConfigMap", "empty", "argocd", metadata=labels)
    cluster.add("ConfigMap", "other", "monitoring", data={"c.json": text})
    kube = KubeClient(cluster.kubeconfig, None, 5.0)
    found = read_config_maps(kube, {"label": "grafana_dashboard", "label_value": "1", "namespaces": []})
    assert [(item.source.rpartition(" ")[2], (item.problem or item.skipped)[:20]) for item in found.dashboards] == [
        ("b.json", ""), ("bad.json", "it is not valid JSON"), ("no-ending", ""), ("x.url", "the sidecar fetches "),
    ]  # fmt: skip
    assert found.dashboards[0].source == "ConfigMap monitoring/a key b.json"
    assert not found.missing
    assert not found.complete
    nothing = read_config_maps(kube, {"label": "x", "label_value": "", "namespaces": ["argocd"]})
    assert cluster.requests[-1] == "GET /api/v1/namespaces/argocd/configmaps"
    (missing,) = nothing.missing
    assert missing.text == "no ConfigMap in namespace argocd has the label x and a key"
    assert missing.command == "kubectl get configmaps -n argocd -l x"


@pytest.mark.parametrize("through", ["module", "verify"])
def test_no_secret_in_any_result(grafana: Grafana, through: str) -> None:
    """Also where Grafana sends the password back, as this one does."""
    login = {"url": f"http://127.0.0.1:{grafana.server_address[1]}", "username": "nobody", "password": PASSWORD}
    options: dict[str, Any] = {"grafana": login}
    with fake_cluster.serve(fake_cluster.FakeCluster()) as cluster:
        cluster.answers["time()"] = [{}]
        options["kubeconfig"] = cluster.kubeconfig
        if through == "verify":
            options = {"kubeconfig": cluster.kubeconfig, "parts": [{"module": "dashboard_panels", "options": options}]}
        name = "dashboard_panels" if through == "module" else "verify"
        module = importlib.import_module(f"ansible_collections.argolab.observability.plugins.modules.{name}")
        result = fake_cluster.run_module(module, wait_timeout=0, **options)
    assert result["failed"]
    assert "credentials are missing or wrong" in result["msg"]
    assert PASSWORD not in json.dumps(result)
    assert "canary-token" not in json.dumps(result)
