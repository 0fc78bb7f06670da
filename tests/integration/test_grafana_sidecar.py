# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for Grafana's sidecar does what k8s-sidecar 2.10 does, as silently. Watching is tried in the lab."""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import time
import urllib.parse
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.tests.unit.plugins.fake_cluster import FakeCluster
from conftest import CACHE, Pki, serving


class Api(ThreadingHTTPServer):
    """An API server over TLS whose objects the tests change, and the address that is called for a reload."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ApiHandler)
        self.cluster = FakeCluster()
        self.reloads: list[str] = []
        self.status = 200

    def put(self, name: str, kind: str = "ConfigMap", folder: str = "", namespace: str = "team", **data: str) -> None:
        metadata: dict[str, Any] = {"uid": f"{kind}-{namespace}-{name}", "labels": {"dashboard": "1"}}
        if folder:
            metadata["annotations"] = {"k8s-sidecar-target-directory": folder}
        self.cluster.add(
            kind, name, namespace, metadata=metadata, data={k.replace("_", "."): v for k, v in data.items()}
        )


class ApiHandler(BaseHTTPRequestHandler):
    server: Api

    def do_GET(self) -> None:
        parts = urllib.parse.urlsplit(self.path)
        status, content = self.server.cluster.answer("GET", parts.path, urllib.parse.parse_qs(parts.query), None)
        self.answer(status if self.headers["Authorization"] == "Bearer canary" else 401, content)

    def answer(self, status: int, content: Any) -> None:
        text = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None: ...


class ReloadHandler(BaseHTTPRequestHandler):
    server: Api

    def do_POST(self) -> None:
        self.server.reloads.append(self.headers["Authorization"] or "")
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def api(pki: Pki) -> Iterator[Api]:
    api = Api()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.server_cert, pki.server_key)
    api.socket = context.wrap_socket(api.socket, server_side=True)
    with serving(api):
        yield api


@pytest.fixture
def reload(api: Api) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), ReloadHandler)
    server.reloads, server.status = api.reloads, 200
    with serving(server):
        yield f"http://127.0.0.1:{server.server_address[1]}/reload"


@pytest.fixture
def start(api: Api, reload: str, pki: Pki, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    built = sorted((CACHE / "programs").glob("k8s-sidecar-*/sidecar"), key=lambda path: path.stat().st_mtime)
    if not built:
        pytest.skip("the stand-in for Grafana's sidecar has not been built here (make lab)")
    account = tmp_path / "account"
    account.mkdir()
    (account / "token").write_text("canary")
    (account / "namespace").write_text("monitoring")
    (account / "ca.crt").write_text(Path(pki.ca_cert).read_text())
    processes: list[subprocess.Popen[str]] = []

    def run(**env: str) -> subprocess.Popen[str]:
        settings = {
            "ACCOUNT_FOLDER": str(account), "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(api.server_address[1]), "LABEL": "dashboard", "LABEL_VALUE": "1",
            "FOLDER": str(tmp_path / "out"), "NAMESPACE": "ALL", "RESOURCE": "both", "METHOD": "LIST",
            "REQ_URL": reload, "REQ_METHOD": "POST", "REQ_USERNAME": "admin", "REQ_PASSWORD": "canary-password", **env,
        }  # fmt: skip
        process = subprocess.Popen(
            [built[-1]], env={**os.environ, **settings}, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.wait()


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_every_key_becomes_a_file_unchecked_and_one_reload_follows(
    api: Api, start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    api.put("a", a_json="{}", b_txt="anything")
    api.put("b", kind="Secret", c_json=base64.b64encode(b"secret").decode())
    api.put("c", folder="Team", d_json="{")
    api.put("d", folder="../beside", e_json="{}")
    api.cluster.add("ConfigMap", "e", "team", metadata={"uid": "e", "labels": {"dashboard": "0"}}, data={"f.json": ""})
    process = start()
    log, _nothing = process.communicate(timeout=60)
    assert process.returncode == 0, log
    assert files(tmp_path / "out") == {"a.json": "{}", "b.txt": "anything", "c.json": "secret", "Team/d.json": "{"}
    assert files(tmp_path / "beside") == {"e.json": "{}"}
    assert api.reloads == ["Basic " + base64.b64encode(b"admin:canary-password").decode()]
    assert "/reload: 200 OK" in log
    assert "canary" not in log


def test_of_equal_names_the_last_wins_unless_they_are_made_unique(
    api: Api, start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    api.put("one", same_json="1")
    api.put("two", same_json="2")
    start().communicate(timeout=60)
    assert files(tmp_path / "out") == {"same.json": "2"}
    start(UNIQUE_FILENAMES="true", FOLDER=str(tmp_path / "unique")).communicate(timeout=60)
    assert files(tmp_path / "unique") == {
        "namespace_team.configmap_one.same.json": "1",
        "namespace_team.configmap_two.same.json": "2",
    }


def test_only_the_named_namespaces_and_kinds_are_searched(
    api: Api, start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    api.put("a", namespace="monitoring", a_json="1")
    api.put("b", namespace="team", b_json="2")
    api.put("c", namespace="far", c_json="3")
    api.put("d", kind="Secret", namespace="monitoring", d_json="NA==")
    start(NAMESPACE="", RESOURCE="configmap").communicate(timeout=60)
    assert set(files(tmp_path / "out")) == {"a.json"}
    start(NAMESPACE="team,far", RESOURCE="configmap", FOLDER=str(tmp_path / "two")).communicate(timeout=60)
    assert set(files(tmp_path / "two")) == {"b.json", "c.json"}


def test_what_is_gone_or_no_longer_labelled_is_removed_and_nothing_new_means_no_reload(
    api: Api, start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    api.put("a", a_json="1", b_json="2")
    api.put("c", c_json="3")
    api.put("d", d_json="4")
    start(METHOD="SLEEP", SLEEP_TIME="0.2")
    out = tmp_path / "out"
    seen_until(out, {"a.json", "b.json", "c.json", "d.json"})
    time.sleep(1)
    assert len(api.reloads) == 1
    del api.cluster.find("ConfigMap", "a")["data"]["b.json"]
    api.cluster.find("ConfigMap", "c")["metadata"]["labels"] = {}
    api.cluster.remove("ConfigMap", "d")
    seen_until(out, {"a.json"})
    time.sleep(1)
    assert 2 <= len(api.reloads) <= 4


def seen_until(folder: Path, names: set[str]) -> None:
    deadline = time.monotonic() + 20
    while set(files(folder)) != names:
        assert time.monotonic() < deadline, files(folder)
        time.sleep(0.05)


def test_an_address_in_a_key_is_fetched_and_a_failure_only_logged(
    api: Api, start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    api.put("a", a_json_url="http://127.0.0.1:1/a.json")
    process = start()
    log, _nothing = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "a.json.url of team/a" in log
    assert not (tmp_path / "out").exists()
