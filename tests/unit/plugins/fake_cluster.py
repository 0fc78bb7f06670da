# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server and the Prometheus behind its proxy, small enough to be understood, spoken to over real HTTP."""

from __future__ import annotations

import copy
import io
import json
import re
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType
from typing import Any

from ansible.module_utils.testing import patch_module_args

Object = dict[str, Any]

ROOTS = {
    "Namespace": ("/api/v1", "namespaces"),
    "Node": ("/api/v1", "nodes"),
    "Pod": ("/api/v1", "pods"),
    "Service": ("/api/v1", "services"),
    "ConfigMap": ("/api/v1", "configmaps"),
    "Secret": ("/api/v1", "secrets"),
    "Event": ("/api/v1", "events"),
    "PersistentVolumeClaim": ("/api/v1", "persistentvolumeclaims"),
    "EndpointSlice": ("/apis/discovery.k8s.io/v1", "endpointslices"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "StatefulSet": ("/apis/apps/v1", "statefulsets"),
    "DaemonSet": ("/apis/apps/v1", "daemonsets"),
    "Ingress": ("/apis/networking.k8s.io/v1", "ingresses"),
    "NetworkPolicy": ("/apis/networking.k8s.io/v1", "networkpolicies"),
    "ServiceMonitor": ("/apis/monitoring.coreos.com/v1", "servicemonitors"),
    "PodMonitor": ("/apis/monitoring.coreos.com/v1", "podmonitors"),
    "Prometheus": ("/apis/monitoring.coreos.com/v1", "prometheuses"),
    "PrometheusRule": ("/apis/monitoring.coreos.com/v1", "prometheusrules"),
    "Application": ("/apis/argoproj.io/v1alpha1", "applications"),
    "ClusterIssuer": ("/apis/cert-manager.io/v1", "clusterissuers"),
    "Issuer": ("/apis/cert-manager.io/v1", "issuers"),
    "Certificate": ("/apis/cert-manager.io/v1", "certificates"),
    "CertificateRequest": ("/apis/cert-manager.io/v1", "certificaterequests"),
}
NOT_NAMESPACED = ("Namespace", "Node", "ClusterIssuer")
PROXY = "/api/v1/namespaces/monitoring/services/http:prometheus-operated:9090/proxy"


def merge(old: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


class FakeCluster:
    """State of the cluster; tests change it directly, also while a module polls."""

    def __init__(self) -> None:
        self.objects: list[Object] = []
        self.absent_kinds: set[str] = set()
        # The status of every review of rights.
        self.review: Object = {}
        # Kinds by group and version, as discovery lists them.
        self.discovery: dict[str, list[str]] = {}
        self.targets: list[Object] = []
        self.dropped: list[Object] = []
        self.runtime: Object = {"reloadConfigSuccess": True, "lastConfigTime": "2026-11-26T14:35:03Z"}
        # Regular expressions of paths that the account may not read.
        self.forbidden: list[str] = []
        self.pools: list[str] = []
        self.groups: list[Object] = []
        self.answers: dict[str, list[dict[str, str]]] = {}
        self.parse_errors: dict[str, str] = {}
        self.prometheus_up = True
        # What pods have written, by name.
        self.logs: dict[str, str] = {}
        self.requests: list[str] = []
        # What happens to the next requests instead of an answer, or to the answer: a status, closed, cut.
        self.outages: list[str] = []
        self.on_read: Callable[[str], None] = lambda path: None
        self.on_patch: Callable[[Object, Object], None] = lambda obj, patch: None
        self.port = 0
        # Where the Prometheus is reached behind this API server.
        self.proxy = PROXY

    def add(self, kind: str, name: str, namespace: str = "", **body: Any) -> Object:
        metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **body.pop("metadata", {})}
        obj = {"kind": kind, "metadata": metadata, **body}
        self.objects.append(obj)
        return obj

    def find(self, kind: str, name: str) -> Object:
        return next(item for item in self.objects if item["kind"] == kind and item["metadata"]["name"] == name)

    def remove(self, kind: str, name: str) -> None:
        self.objects.remove(self.find(kind, name))

    @property
    def kubeconfig(self) -> Object:
        return {
            "clusters": [{"name": "fake", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
            "users": [{"name": "me", "user": {"token": "canary-token"}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "me"}}],
            "current-context": "fake",
        }

    def answer(
        self, method: str, path: str, query: dict[str, list[str]], body: Any, accept: str = ""
    ) -> tuple[int, Any]:
        if any(re.fullmatch(pattern, path) for pattern in self.forbidden):
            return 403, status("is forbidden: User cannot list this resource")
        if path.startswith(self.proxy):
            return self.prometheus(path[len(self.proxy) :], query)
        if path == "/version":
            return 200, {"gitVersion": "v1.37.2"}
        if path in self.discovery:
            return 200, {"kind": "APIResourceList", "resources": [{"kind": kind} for kind in self.discovery[path]]}
        served = {kind: plural for kind, (root, plural) in ROOTS.items() if path == root}
        if served.keys() - self.absent_kinds:
            resources = [
                {"kind": kind, "name": plural, "namespaced": kind not in NOT_NAMESPACED}
                for kind, plural in served.items()
                if kind not in self.absent_kinds
            ]
            return 200, {"kind": "APIResourceList", "resources": resources}
        if path.startswith("/apis/authorization.k8s.io/v1/"):
            return 201, {"status": self.review}
        for kind, (root, plural) in ROOTS.items():
            if not path.startswith(root + "/"):
                continue
            parts = path[len(root) + 1 :].split("/")
            namespace = ""
            if parts[0] == "namespaces" and len(parts) > 2:
                namespace, parts = parts[1], parts[2:]
            if parts[0] != plural or kind in self.absent_kinds:
                continue
            found = [
                item
                for item in self.objects
                if item["kind"] == kind and (not namespace or item["metadata"].get("namespace") == namespace)
            ]
            if len(parts) == 1 and method == "POST":
                if any(item["metadata"]["name"] == body["metadata"]["name"] for item in found):
                    return 409, status(f'{plural} "{body["metadata"]["name"]}" already exists')
                self.objects.append({**merge(body, {"metadata": {"namespace": namespace or None}}), "kind": kind})
                return 201, self.objects[-1]
            if len(parts) == 1:
                found = [item for item in found if selected(item, query)]
                return 200, {"kind": f"{kind}List", "metadata": {}, "items": [without_kind(item) for item in found]}
            one = next((item for item in found if item["metadata"]["name"] == parts[1]), None)
            if one is None:
                return 404, status(f'{plural} "{parts[1]}" not found')
            if parts[2:] == ["log"]:
                return 200, self.logs.get(parts[1], "")
            if method == "PATCH":
                changed = merge(one, body)
                one.clear()
                one.update(changed)
                self.on_patch(one, body)
            if "as=PartialObjectMetadata" in accept:
                return 200, {"kind": "PartialObjectMetadata", "metadata": one["metadata"]}
            return 200, one
        return 404, status("the server could not find the requested resource")

    def prometheus(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        if not self.prometheus_up:
            return 503, status("no endpoints available for service prometheus-operated")
        data: Any
        if path == "/api/v1/scrape_pools":
            data = {"scrapePools": self.pools}
        elif path == "/api/v1/targets":
            pool = query.get("scrapePool", [""])[0]
            state = query.get("state", ["any"])[0]
            active = [item for item in self.targets if pool in ("", item["scrapePool"])]
            dropped = [item for item in self.dropped if pool in ("", item["scrapePool"])]
            data = {
                "activeTargets": active if state in ("any", "active") else [],
                "droppedTargets": dropped if state in ("any", "dropped") else [],
            }
        elif path == "/api/v1/status/runtimeinfo":
            data = self.runtime
        elif path == "/api/v1/rules":
            data = {"groups": self.groups}
        elif path == "/api/v1/query":
            expression = query["query"][0]
            if expression in self.parse_errors:
                said = f'invalid parameter "query": {self.parse_errors[expression]}'
                return 400, {"status": "error", "errorType": "bad_data", "error": said}
            series = [{"metric": labels, "value": [1.0, "1"]} for labels in self.answers.get(expression, [])]
            data = {"resultType": "vector", "result": series}
        else:
            return 404, {}
        return 200, {"status": "success", "data": data}


def selected(item: Object, query: dict[str, list[str]]) -> bool:
    """The forms of selectors that modules ask with: FIELD=VALUE, KEY in (VALUES), and plain KEY or KEY=VALUE."""
    for term in query.get("fieldSelector", []):
        for part in term.split(","):
            path, _equals, wanted = part.partition("=")
            found: Any = item
            for name in path.split("."):
                found = (found or {}).get(name)
            if found != wanted:
                return False
    for term in query.get("labelSelector", []):
        match = re.fullmatch(r"(\S+) in \((.*)\)", term)
        labels = item["metadata"].get("labels") or {}
        if match and labels.get(match[1]) not in match[2].split(", "):
            return False
        plain = [] if match else [part.partition("=") for part in term.split(",") if part]
        if not all(key in labels and (not equals or labels[key] == value) for key, equals, value in plain):
            return False
    return True


def without_kind(item: Object) -> Object:
    """Items of a list do not say their kind."""
    return {key: value for key, value in item.items() if key != "kind"}


def status(message: str) -> Object:
    return {"kind": "Status", "status": "Failure", "message": message}


@contextmanager
def serve(cluster: FakeCluster) -> Iterator[FakeCluster]:
    """Serve the cluster on a free port of the loopback."""

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            parts = urllib.parse.urlsplit(self.path)
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            cluster.requests.append(f"{self.command} {parts.path}")
            cluster.on_read(parts.path)
            outage = cluster.outages.pop(0) if cluster.outages else ""
            if outage.isdigit():
                self.send(int(outage), json.dumps(status("the server is currently unable")).encode())
                return
            if outage == "closed":
                self.close_connection = True
                return
            code, content = cluster.answer(
                self.command, parts.path, urllib.parse.parse_qs(parts.query), body, self.headers["Accept"] or ""
            )
            text = (content if isinstance(content, str) else json.dumps(copy.deepcopy(content))).encode()
            # what was asked for has been done, and nobody learns of it
            self.send(code, text, len(text) // 2 if outage == "cut" else len(text))

        def send(self, code: int, text: bytes, sent: int | None = None) -> None:
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text[:sent])

        do_GET = do_PATCH = do_POST = handle_one

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    cluster.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield cluster
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run_module(module: ModuleType, check_mode: bool = False, diff: bool = False, **params: Any) -> dict[str, Any]:
    """Run a module in this process, as Ansible would, and return its result."""
    output = io.StringIO()
    args = {**params, "_ansible_check_mode": check_mode, "_ansible_diff": diff}
    try:
        with patch_module_args(args), redirect_stdout(output):
            module.main()
    except SystemExit:
        pass
    result: dict[str, Any] = json.loads(output.getvalue().strip().splitlines()[-1])
    return result


def component(cluster: FakeCluster, name: str, namespace: str = "argocd", port: str = "http-metrics") -> str:
    """A component with Deployment, pod, metrics Service, endpoints, ServiceMonitor and a target that is up."""
    pod_labels = {"app.kubernetes.io/name": name}
    labels = {"app.kubernetes.io/name": f"{name}-metrics", "app.kubernetes.io/instance": "argocd"}
    container = {"name": name, "ports": [{"name": "metrics", "containerPort": 8084}]}
    cluster.add(
        "Deployment",
        name,
        namespace,
        spec={
            "replicas": 1,
            "selector": {"matchLabels": pod_labels},
            "template": {"metadata": {"labels": pod_labels}, "spec": {"containers": [container]}},
        },
        status={"readyReplicas": 1},
    )
    cluster.add(
        "Pod",
        f"{name}-abc12",
        namespace,
        metadata={"labels": pod_labels},
        status={"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    )
    cluster.add(
        "Service",
        f"{name}-metrics",
        namespace,
        metadata={"labels": labels},
        spec={"selector": pod_labels, "ports": [{"name": port, "port": 8084, "targetPort": "metrics"}]},
    )
    cluster.add(
        "EndpointSlice",
        f"{name}-metrics-x",
        namespace,
        metadata={"labels": {"kubernetes.io/service-name": f"{name}-metrics"}},
        ports=[{"name": port, "port": 8084}],
        endpoints=[{"addresses": ["10.42.0.7"], "conditions": {"ready": True}}],
    )
    cluster.add(
        "ServiceMonitor",
        name,
        namespace,
        spec={
            "endpoints": [{"port": port}],
            "selector": {"matchLabels": dict(labels)},
            "namespaceSelector": {"matchNames": [namespace]},
        },
    )
    pool = f"serviceMonitor/{namespace}/{name}/0"
    cluster.pools.append(pool)
    cluster.targets.append(
        {
            "scrapePool": pool,
            "health": "up",
            "lastError": "",
            "scrapeUrl": "http://10.42.0.7:8084/metrics",
            "labels": {"pod": f"{name}-abc12", "namespace": namespace},
        }
    )
    return pool


def healthy() -> FakeCluster:
    """A cluster in which everything is as it should be."""
    cluster = FakeCluster()
    for namespace in ("argocd", "monitoring", "default"):
        cluster.add("Namespace", namespace, metadata={"labels": {"kubernetes.io/metadata.name": namespace}})
    cluster.add("Node", "node-0", status={"conditions": [{"type": "Ready", "status": "True"}]})
    cluster.add(
        "Prometheus",
        "kube",
        "monitoring",
        spec={
            "serviceAccountName": "prom",
            "serviceMonitorSelector": {},
            "serviceMonitorNamespaceSelector": {},
            "ruleSelector": {},
            "ruleNamespaceSelector": {},
        },
    )
    component(cluster, "argocd-repo-server")
    component(cluster, "argocd-server")
    return cluster
