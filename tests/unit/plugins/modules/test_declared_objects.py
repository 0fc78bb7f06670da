# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""declared_objects against an API server that keeps what it is told, over real HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.modules import declared_objects
from ansible_collections.argolab.observability.tests.unit.plugins.fake_cluster import merge, run_module

CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "greeting"}, "data": {"text": "hello"}}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"word": "canary"}}
APPLICATION = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "a"}, "spec": {"x": 1}}
KINDS = {"ConfigMap": "configmaps", "Secret": "secrets"}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/api/v1":
            resources = [{"kind": kind, "name": name, "namespaced": True} for kind, name in KINDS.items()]
            self.answer(200, {"kind": "APIResourceList", "resources": resources})
        elif path.startswith("/api/v1/namespaces/"):
            store = self.server.store
            items = [obj for key, obj in store.items() if key.startswith(f"{path}/")]
            self.answer(200, {"kind": "List", "metadata": {}, "items": items})
        else:
            self.answer(404, {"kind": "Status", "message": "the server could not find the requested resource"})

    def do_POST(self) -> None:
        body = self.read()
        self.server.store[f"{self.path}/{body['metadata']['name']}"] = body
        self.answer(201, body)

    def do_PATCH(self) -> None:
        store = self.server.store
        store[self.path] = merge(store[self.path], self.read())
        self.answer(200, store[self.path])

    def read(self) -> dict[str, Any]:
        self.server.writes += 1
        return dict(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def api() -> Iterator[Any]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.store, server.writes = {}, 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def run(api: Any, *definitions: Any, check: bool = False, port: int = 0) -> dict[str, Any]:
    kubeconfig = {
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port or api.server_address[1]}"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "lab", "context": {"cluster": "c", "user": "u"}}],
    }
    options = {"kubeconfig": kubeconfig, "context": "lab", "definitions": list(definitions), "namespace": "demo"}
    return run_module(declared_objects, check_mode=check, diff=True, outage_timeout=0, **options)


def test_created_once_and_set_back_once(api: Any) -> None:
    predicted = run(api, CONFIG, check=True)
    assert (predicted["changed"], api.writes, predicted["uncertain"]) == (True, 0, False)
    made = run(api, CONFIG)
    assert made["drift"] == predicted["drift"]
    assert made["drift"] == [{"object": "ConfigMap demo/greeting", "action": "create", "fields": []}]
    assert not run(api, CONFIG)["changed"]
    api.store["/api/v1/namespaces/demo/configmaps/greeting"]["data"]["text"] = "changed by hand"
    back = run(api, CONFIG)
    assert back["drift"][0]["fields"] == ["data.text: declared 'hello', found 'changed by hand'"]
    assert back["diff"]["before"] == "ConfigMap demo/greeting data.text: changed by hand\n"
    assert back["diff"]["after"] == "ConfigMap demo/greeting data.text: hello\n"
    assert (run(api, CONFIG)["changed"], api.writes) == (False, 2)


def test_what_others_added_stays(api: Any) -> None:
    run(api, CONFIG)
    api.store["/api/v1/namespaces/demo/configmaps/greeting"]["data"]["more"] = "of others"
    assert not run(api, CONFIG)["changed"]


def test_values_of_secrets_are_hidden(api: Any) -> None:
    run(api, SECRET)
    api.store["/api/v1/namespaces/demo/secrets/s"]["data"] = {"word": "b3RoZXI="}
    result = run(api, SECRET)
    assert result["changed"]
    assert "canary" not in json.dumps({key: result[key] for key in ("drift", "diff")})


def test_a_kind_that_is_not_there(api: Any) -> None:
    failed = run(api, CONFIG, APPLICATION)
    assert "does not know kind Application of argoproj.io/v1alpha1: are its CRDs installed?" in failed["msg"]
    assert api.store == {}
    predicted = run(api, CONFIG, APPLICATION, check=True)
    assert [item["action"] for item in predicted["drift"]] == ["create", "create"]
    assert predicted["uncertain"]


def test_a_cluster_that_is_not_there(api: Any) -> None:
    assert "refused" in run(api, CONFIG, port=1)["msg"]
    predicted = run(api, CONFIG, port=1, check=True)
    assert (predicted["changed"], predicted["uncertain"]) == (True, True)


@pytest.mark.parametrize(
    ("broken", "lacks"),
    [({"kind": "ConfigMap", "metadata": {"name": "x"}}, "apiVersion"), ({**CONFIG, "kind": ""}, "kind"),
     ({**CONFIG, "metadata": {}}, "metadata.name"), ({**CONFIG, "metadata": None}, "metadata.name")],
)  # fmt: skip
def test_a_definition_that_lacks_something(api: Any, broken: Any, lacks: str) -> None:
    failed = run(api, CONFIG, broken)
    assert f"definitions[1] has no {lacks}" in failed["msg"]
    assert api.store == {}
