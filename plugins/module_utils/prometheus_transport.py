# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two ways to a Prometheus: by its URL, and through the Kubernetes API server's proxy."""

from __future__ import annotations

import re
import shlex
from typing import Protocol, Sequence
from urllib.parse import quote, urlencode

from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.http_client import Answer, HttpClient
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient


class Transport(Protocol):
    """A way to a Prometheus: a path below its root in, a whole answer out."""

    name: str
    description: str
    through_api_server: bool

    def get(self, path: str, params: Sequence[tuple[str, str]]) -> Answer: ...

    def redact(self, text: str) -> str: ...

    def set_end(self, end: float | None) -> None: ...

    def keep(self, connections: int, threads: int) -> None: ...

    def ask_ahead(self, path: str, params: Sequence[tuple[str, str]]) -> None: ...

    def command(self, path: str, params: Sequence[tuple[str, str]]) -> str: ...


class UrlTransport:
    """Straight to a URL."""

    through_api_server = False

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self.name = client.name
        self.description = client.name

    def get(self, path: str, params: Sequence[tuple[str, str]]) -> Answer:
        return self._client.request("GET", path, params)

    def redact(self, text: str) -> str:
        return self._client.redact(text)

    def set_end(self, end: float | None) -> None:
        self._client.end = end

    def keep(self, connections: int, threads: int) -> None:
        self._client.keep_open(connections, threads)

    def ask_ahead(self, path: str, params: Sequence[tuple[str, str]]) -> None:
        self._client.ask_ahead(path, params)

    def command(self, path: str, params: Sequence[tuple[str, str]]) -> str:
        host = f" -H {shlex.quote('Host: ' + self._client.host_header)}" if self._client.host_header else ""
        data = "".join(f" --data-urlencode {shlex.quote(f'{key}={value}')}" for key, value in params)
        return f"curl -sG{host} {shlex.quote(str(self._client.base) + path)}{data}"


class ApiServerTransport:
    """Through the API server's proxy to a Service."""

    through_api_server = True

    def __init__(self, kube: KubeClient, namespace: str, service: str, path_prefix: str = "") -> None:
        self._kube = kube
        self._base = service_proxy_path(namespace, service) + path_prefix
        self.name = f"Prometheus at service {namespace}/{service} through {kube.http.name}"
        self.description = f"{self.name} ({kube.description})"

    def get(self, path: str, params: Sequence[tuple[str, str]]) -> Answer:
        return self._kube.request("GET", self._base + path, params)

    def redact(self, text: str) -> str:
        return self._kube.http.redact(text)

    def set_end(self, end: float | None) -> None:
        self._kube.http.end = end

    def keep(self, connections: int, threads: int) -> None:
        self._kube.http.keep_open(connections, threads)

    def ask_ahead(self, path: str, params: Sequence[tuple[str, str]]) -> None:
        self._kube.http.ask_ahead(self._base + path, params)

    def command(self, path: str, params: Sequence[tuple[str, str]]) -> str:
        context = f" --context {shlex.quote(self._kube.context)}" if self._kube.context else ""
        query = f"?{urlencode(params, quote_via=quote)}" if params else ""
        return f"kubectl{context} get --raw {shlex.quote(self._base + path + query)}"


def service_proxy_path(namespace: str, service: str) -> str:
    """API path of a Service given as V(name:port) or V(scheme:name:port)."""
    name = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
    match = re.fullmatch(rf"(?:(https?):)?({name}):({name})", service)
    if not match:
        raise DefiniteError(
            f"service {service!r} is not of the form name:port or https:name:port, such as prometheus-operated:9090."
        )
    if not re.fullmatch(name, namespace):
        raise DefiniteError(f"namespace {namespace!r} is not a valid name of a namespace.")
    return f"/api/v1/namespaces/{namespace}/services/{match[1] or 'http'}:{match[2]}:{match[3]}/proxy"
