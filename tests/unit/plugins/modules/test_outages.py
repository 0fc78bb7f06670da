# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules that look once, or change something, survive a short outage of the API server, at whichever request it is.

Over real HTTP: the server closes the connection, sends half of its answer, or answers that it cannot. What waiting
cannot mend fails at the first request.
"""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils import kube_outage
from ansible_collections.argolab.observability.plugins.modules import (
    cluster_rights,
    declared_objects,
    grafana_dashboards_plan,
    helm_drift,
    helm_release_plan,
    release_inputs,
)
from ansible_collections.argolab.observability.tests.unit.plugins.fake_cluster import FakeCluster, run_module, serve

RELEASE = {"release_name": "argocd", "release_namespace": "argocd"}
CONFIG_MAP = {
    "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "argocd"},
    "data": {"mode": "fast"},
}  # fmt: skip
GONE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "argocd"}, "spec": {"x": 1}}
RIGHT = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
ROLE = {"kind": "Role", "metadata": {"name": "a", "namespace": "argocd"}, "rules": [RIGHT]}

Case = tuple[ModuleType, dict[str, Any]]
CASES: dict[str, Case] = {
    "helm_drift": (helm_drift, RELEASE),
    "declared_objects": (declared_objects, {"definitions": [CONFIG_MAP, GONE], "namespace": "argocd"}),
    "release_inputs": (
        release_inputs,
        {"secrets": [{"namespace": "argocd", "name": "login"}], "nodes": [{"what": "it", "minimum": 1}]},
    ),
    "cluster_rights": (cluster_rights, {"manifests": [{"content": {"items": [ROLE]}, "roles": ["a"]}]}),
    "helm_release_plan": (
        helm_release_plan,
        {
            **RELEASE, "chart_ref": "oci://charts.example.it/argo-cd", "chart_version": "1.0.0", "values": {"a": 1},
            "required_apis": ["monitoring.coreos.com/v1/ServiceMonitor"],
        },
    ),
    "grafana_dashboards_plan": (
        grafana_dashboards_plan, {"dashboards": [{"definition": {"uid": "a", "title": "A", "panels": []}}]},
    ),
}  # fmt: skip
TROUBLE = ("closed", "cut", "503", "500", "429", "408")


def release_secret(manifest: str) -> dict[str, Any]:
    release = {
        "version": 3, "manifest": manifest, "config": {"a": 1}, "info": {"last_deployed": "2026-11-26T10:00:00Z"},
        "chart": {"metadata": {"name": "argo-cd", "version": "1.0.0"}},
    }  # fmt: skip
    packed = base64.b64encode(base64.b64encode(json.dumps(release).encode())).decode()
    return {"data": {"release": packed}}


def cluster() -> FakeCluster:
    """A release of which one object was changed and one removed, and what the other modules look for."""
    made = FakeCluster()
    labels = {"owner": "helm", "name": "argocd", "status": "deployed", "version": "3"}
    manifest = "\n---\n".join(json.dumps(item) for item in (CONFIG_MAP, GONE))
    made.add(
        "Secret", "sh.helm.release.v1.argocd.v3", "argocd", metadata={"labels": labels}, **release_secret(manifest)
    )
    made.add("Namespace", "monitoring")
    made.add("ConfigMap", "settings", "argocd", data={"mode": "slow", "kept": "yes"})
    made.add("Secret", "login", "argocd", data={})
    made.add("Node", "node-0", status={"conditions": [{"type": "Ready", "status": "True"}]})
    made.review = {"resourceRules": [RIGHT], "allowed": True}
    return made


@contextmanager
def running(outages: list[str]) -> Iterator[FakeCluster]:
    with serve(cluster()) as served:
        served.outages = list(outages)
        yield served


def look(served: FakeCluster, case: Case, **more: Any) -> dict[str, Any]:
    module, params = case
    return run_module(module, **{"kubeconfig": served.kubeconfig, **params, **more})


def left(served: FakeCluster) -> list[dict[str, Any]]:
    return sorted(served.objects, key=lambda item: (item["kind"], item["metadata"]["name"]))


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube_outage, "INTERVAL", 0.01)


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("name", CASES)
def test_an_outage_at_any_request_changes_nothing(name: str, trouble: str) -> None:
    with running([]) as served:
        wanted, objects, count = look(served, CASES[name]), left(served), len(served.requests)
    assert "failed" not in wanted, wanted
    assert count > 0
    for index in range(count):
        with running([*[""] * index, trouble, trouble]) as served:
            result = look(served, CASES[name])
            assert {**result, "invocation": {}} == {**wanted, "invocation": {}}
            assert left(served) == objects
            assert not served.outages


def test_drift_is_put_back_once() -> None:
    """The check above is about something: an object is made and another is set back, although answers are lost."""
    with running(["503", *[""] * 4, "cut", "cut"]) as served:
        result = look(served, CASES["helm_drift"])
        assert [(item["object"], item["action"]) for item in result["drift"]] == [
            ("ConfigMap argocd/settings", "patch"), ("Service argocd/web", "create"),
        ]  # fmt: skip
        assert served.find("ConfigMap", "settings")["data"] == {"mode": "fast", "kept": "yes"}
        assert served.find("Service", "web")["spec"] == {"x": 1}
        again = look(served, CASES["helm_drift"])
        assert (again["changed"], again["drift"]) == (False, [])


@pytest.mark.parametrize("name", CASES)
def test_it_ends_and_says_for_how_long_it_was_asked(name: str) -> None:
    with running(["503"] * 10000) as served:
        began = time.monotonic()
        result = look(served, CASES[name], outage_timeout=1)
        assert 0.9 < time.monotonic() - began < 5
        assert result["failed"]
        assert "answered 503" in result["msg"]
        assert "It was asked again for 1 s." in result["msg"]
        assert len(served.requests) > 5


@pytest.mark.parametrize("name", CASES)
def test_without_patience_it_fails_at_once(name: str) -> None:
    with running(["closed"]) as served:
        result = look(served, CASES[name], outage_timeout=0)
        assert result["failed"]
        assert len(served.requests) == 1
        assert "asked again" not in result["msg"]


def without_login(served: FakeCluster) -> dict[str, Any]:
    served.outages = ["401"] * 100
    return {}


def wrong_context(served: FakeCluster) -> dict[str, Any]:
    return {"context": "another"}


def no_right(served: FakeCluster) -> dict[str, Any]:
    served.outages = ["403"] * 100
    return {}


@pytest.mark.parametrize(
    ("wrong", "said", "requests"),
    [(without_login, "(401)", 1), (wrong_context, "has no context another", 0), (no_right, "answered 403", 1)],
)
@pytest.mark.parametrize("name", CASES)
def test_what_waiting_cannot_mend_fails_at_once(
    name: str, wrong: Callable[[FakeCluster], dict[str, Any]], said: str, requests: int
) -> None:
    with running([]) as served:
        result = look(served, CASES[name], **wrong(served))
        assert result["failed"]
        assert said in result["msg"]
        assert len(served.requests) == requests


@pytest.mark.parametrize("name", sorted(set(CASES) - {"helm_drift", "cluster_rights"}))
def test_in_check_mode_a_cluster_that_is_not_there_is_asked_once(name: str) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        served = cluster()
        served.port = reserved.getsockname()[1]
        began = time.monotonic()
        module, params = CASES[name]
        result = run_module(module, check_mode=True, kubeconfig=served.kubeconfig, **params)
        assert "failed" not in result, result
        assert time.monotonic() - began < 5


def test_a_server_that_comes_back_on_its_port() -> None:
    """Refused connections, as while an API server starts again."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    outcome: dict[str, Any] = {}
    served = cluster()
    served.port = port

    def ask() -> None:
        outcome.update(look(served, CASES["release_inputs"]))

    with serve(cluster()) as behind:
        gate = Gate(port, behind.port)
        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(0.3)
        assert asking.is_alive()
        with gate:
            asking.join(20)
        assert not asking.is_alive()
    assert "failed" not in outcome, outcome


class Gate:
    """Passes connections on, once it is opened."""

    def __init__(self, port: int, target: int) -> None:
        self._port = port
        self._target = target
        self._listener = socket.socket()

    def __enter__(self) -> Gate:
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", self._port))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=_copy, args=(source, sink), daemon=True).start()

    def __exit__(self, *_error: object) -> None:
        self._listener.close()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
