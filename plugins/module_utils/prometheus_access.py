# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options that name a way to Prometheus to a client of it."""

from __future__ import annotations

import os
import re
from typing import Any, Mapping

from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.http_client import (
    HttpClient,
    login,
    parse_url,
    tls_context,
)
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KUBE_ARGUMENT_SPEC, KubeClient
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import PrometheusClient
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_transport import (
    ApiServerTransport,
    UrlTransport,
    service_proxy_path,
)

ACCESS_ARGUMENT_SPEC: dict[str, Any] = {
    "url": {"type": "str"},
    "host_header": {"type": "str"},
    "tls_server_name": {"type": "str"},
    "ca_path": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path", "no_log": False},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "bearer_token": {"type": "str", "no_log": True},
    "validate_certs": {"type": "bool", "default": True},
    "request_timeout": {"type": "float", "default": 10.0},
    **KUBE_ARGUMENT_SPEC,
    "namespace": {"type": "str", "default": "monitoring"},
    "service": {"type": "str", "default": "prometheus-operated:9090"},
    "path_prefix": {"type": "str", "default": ""},
}
URL_ONLY = (
    "host_header",
    "tls_server_name",
    "ca_path",
    "client_cert",
    "client_key",
    "username",
    "password",
    "bearer_token",
)
ENVIRONMENT_PREFIX = "ARGOLAB_PROMETHEUS_"


def with_environment(params: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """The options, and where they name no way to Prometheus, the one that a credential of AWX put into variables."""
    if params.get("url") is not None or params.get("kubeconfig") is not None:
        return dict(params)
    found = {name: environment.get(f"{ENVIRONMENT_PREFIX}{name.upper()}") for name in ("url", *URL_ONLY)}
    if not found["url"]:
        return dict(params)
    return {**params, **{name: value for name, value in found.items() if value and params.get(name) is None}}


def client_from_params(params: Mapping[str, Any]) -> PrometheusClient:
    """A client from the options of V(ACCESS_ARGUMENT_SPEC); contradicting or incomplete ones are refused."""
    params = with_environment(params, os.environ)
    timeout = params["request_timeout"]
    if not 0 < timeout < float("inf"):
        raise DefiniteError(f"request_timeout is {timeout}; it is a number of seconds greater than 0.")
    url, kubeconfig = params.get("url"), params.get("kubeconfig")
    if url is not None and kubeconfig is not None:
        raise DefiniteError("url and kubeconfig are two ways to the same Prometheus; give only one of them.")
    if url is None and kubeconfig is None:
        raise DefiniteError(
            "Nothing says where Prometheus is: give url, or kubeconfig and context for the API server's proxy "
            f"({ENVIRONMENT_PREFIX}URL is not set either)."
        )
    if url is None:
        given = [name for name in URL_ONLY if params.get(name) is not None]
        if given:
            raise DefiniteError(
                f"{', '.join(given)} belongs to url; the API server's proxy logs in with the kubeconfig "
                "and passes nothing on to Prometheus."
            )
        prefix = params.get("path_prefix") or ""
        if prefix and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+/?", prefix):
            raise DefiniteError(f"path_prefix {prefix!r} has to begin with a slash, such as /prometheus.")
        service_proxy_path(params["namespace"], params["service"])
        kube = KubeClient(kubeconfig, params.get("context"), timeout)
        return PrometheusClient(ApiServerTransport(kube, params["namespace"], params["service"], prefix.rstrip("/")))
    if params.get("context"):
        raise DefiniteError("context belongs to kubeconfig; with url there is none.")
    return PrometheusClient(UrlTransport(_url_client(params, timeout)))


def _url_client(params: Mapping[str, Any], timeout: float) -> HttpClient:
    base = parse_url(params["url"], "url")
    username, password, token = params.get("username"), params.get("password"), params.get("bearer_token")
    authorization = login(username, password, token, ("username", "password", "bearer_token"))
    if params.get("client_key") and not params.get("client_cert"):
        raise DefiniteError("client_key is given without client_cert.")
    if base.scheme == "http" and any(params.get(name) for name in ("client_cert", "ca_path", "tls_server_name")):
        raise DefiniteError("ca_path, client_cert and tls_server_name need an https:// url.")
    tls = None
    if base.scheme == "https":
        tls = tls_context(
            verify=params["validate_certs"],
            ca_path=params.get("ca_path"),
            client_cert=params.get("client_cert"),
            client_key=params.get("client_key"),
        )
    host = params.get("host_header")
    return HttpClient(
        base,
        name=f"Prometheus at {base}" + (f" (Host {host})" if host else ""),
        host_header=host,
        tls=tls,
        server_name=params.get("tls_server_name"),
        headers=lambda: {"Authorization": authorization} if authorization else {},
        secrets=[password or "", token or "", authorization.partition(" ")[2]],
        request_timeout=timeout,
    )
