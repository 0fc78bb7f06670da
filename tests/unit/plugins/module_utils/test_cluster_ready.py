# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils import cluster_ready


def node(name: str = "n", ready: str | None = "True", address: str = "10.0.0.1") -> dict[str, Any]:
    conditions = (
        [] if ready is None else [{"type": "Ready", "status": ready, "reason": "KubeletNotReady", "message": "no CNI"}]
    )
    return {
        "metadata": {"name": name},
        "status": {"conditions": conditions, "addresses": [{"type": "InternalIP", "address": address}]},
    }


def deployment(app: str, wanted: int | None = 1, available: int = 1) -> dict[str, Any]:
    return {
        "metadata": {"name": app, "labels": {"k8s-app": app}},
        "spec": {} if wanted is None else {"replicas": wanted},
        "status": {"availableReplicas": available},
    }


def ingress_class(name: str, default: bool = False) -> dict[str, Any]:
    return {"metadata": {"name": name, "annotations": {cluster_ready.DEFAULT_CLASS: "true"} if default else {}}}


class Api:
    """An API server that answers from a table."""

    def __init__(self, **lists: list[dict[str, Any]]) -> None:
        self.lists = lists

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        if path == "/version":
            return {"gitVersion": "v1.37.2"}
        return {"items": self.lists.get(path.rsplit("/", 1)[-1], [])}


OPTIONS: dict[str, Any] = {
    "check_parts": True,
    "require_dns": True,
    "require_ingress": False,
    "ingress_class": "",
    "ingress_candidates": [],
}


def outcome(api: Api, **options: Any) -> dict[str, bool | None]:
    return {check.name: check.ok for check in cluster_ready.observe(api, {**OPTIONS, **options})["checks"]}


def test_ready_without_metrics_server() -> None:
    api = Api(nodes=[node()], deployments=[deployment("kube-dns")])
    assert outcome(api) == {"API server": True, "node n": True, "CoreDNS": True, "metrics-server": None}
    detail = [check.detail for check in cluster_ready.observe(api, OPTIONS)["checks"]][-1]
    assert detail == "metrics-server is not part of this cluster"


@pytest.mark.parametrize(
    ("lists", "bad"),
    [
        ({}, {"nodes", "CoreDNS"}),
        ({"nodes": [node(ready="False")], "deployments": [deployment("kube-dns")]}, {"node n"}),
        ({"nodes": [node(ready=None)], "deployments": [deployment("kube-dns")]}, {"node n"}),
        ({"nodes": [node()], "deployments": [deployment("kube-dns", 2, 1)]}, {"CoreDNS"}),
        ({"nodes": [node()], "deployments": [deployment("kube-dns", 0, 0)]}, {"CoreDNS"}),
        ({"nodes": [node()], "deployments": [deployment("kube-dns", None, 0)]}, {"CoreDNS"}),
        (
            {"nodes": [node()], "deployments": [deployment("kube-dns"), deployment("metrics-server", 1, 0)]},
            {"metrics-server"},
        ),
    ],
)
def test_not_ready(lists: dict[str, Any], bad: set[str]) -> None:
    assert {name for name, ok in outcome(Api(**lists)).items() if ok is False} == bad


def test_another_dns_server_is_allowed_where_it_was_said() -> None:
    assert outcome(Api(nodes=[node()]), require_dns=False)["CoreDNS"] is None


@pytest.mark.parametrize(
    ("classes", "wanted", "expected"),
    [
        ([], "", ""),
        ([], "nginx", "nginx"),
        ([ingress_class("a")], "", "a"),
        ([ingress_class("a"), ingress_class("b")], "", ""),
        ([ingress_class("a"), ingress_class("traefik")], "", "traefik"),
        ([ingress_class("traefik"), ingress_class("b", default=True)], "", "b"),
    ],
)
def test_ingress_class(classes: list[dict[str, Any]], wanted: str, expected: str) -> None:
    assert cluster_ready.chosen_class(classes, wanted) == expected


@pytest.fixture
def http_port() -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port that is accepted and closed without an answer, as by a proxy with no server behind it."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def serve() -> None:
            while True:
                try:
                    listening.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def test_probing(http_port: int, deaf_port: int) -> None:
    candidates = [
        {"strategy": "loadbalancer", "address": "127.0.0.1", "http_port": http_port, "https_port": 8443},
        {"strategy": "loadbalancer", "address": "127.0.0.1", "http_port": deaf_port, "https_port": 0},
        {"strategy": "ingress", "address": "", "http_port": http_port, "https_port": 443},
    ]
    api = Api(
        nodes=[node("bad", "False", "192.0.2.1"), node("good", address="127.0.0.1")],
        deployments=[deployment("kube-dns")],
    )
    seen = cluster_ready.observe(api, {**OPTIONS, "ingress_candidates": candidates, "require_ingress": True})
    assert [item["reachable"] for item in seen["ingress_endpoints"]] == [True, False, True]
    assert seen["ingress_endpoints"][0] == {
        "strategy": "loadbalancer",
        "address": "127.0.0.1",
        "http_port": http_port,
        "https_port": 8443,
        "reachable": True,
        "detail": f"http://127.0.0.1:{http_port}/ answered 404",
    }
    assert seen["ingress_endpoints"][2]["address"] == "127.0.0.1"
    assert {check.name: check.ok for check in seen["checks"]}["ingress"] is True
    unserved = cluster_ready.observe(api, {**OPTIONS, "ingress_candidates": candidates[1:2], "require_ingress": True})
    assert {check.name: check.ok for check in unserved["checks"]}["ingress"] is False
    assert (
        cluster_ready.unreachable({**OPTIONS, "ingress_candidates": candidates})["ingress_endpoints"][2]["reachable"]
        is False
    )


def test_load_balancers_of_the_cluster() -> None:
    def service(kind: str, port: int, entries: list[dict[str, str]]) -> dict[str, Any]:
        return {"spec": {"type": kind, "ports": [{"port": port}]}, "status": {"loadBalancer": {"ingress": entries}}}

    services = [
        service("ClusterIP", 80, []),
        service("LoadBalancer", 5432, [{"ip": "10.1.1.1"}]),
        service("LoadBalancer", 80, []),
        service("LoadBalancer", 80, [{"hostname": "lb.example.org"}, {"ip": "10.1.1.2"}]),
    ]
    assert cluster_ready.balanced_addresses(services) == [
        {"strategy": "ingress", "address": "lb.example.org", "http_port": 80, "https_port": 0}
    ]
