# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Grafana of a cluster: by its own address, or through the API server's proxy to its Service.

The API server removes the C(Authorization) header of every request that it has authenticated, so that neither basic
authentication nor a token reaches Grafana through its proxy. Cookies do: one logs in for a session, as a browser does.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.cluster_access import CLUSTER_ARGUMENT_SPEC
from ansible_collections.argolab.observability.plugins.module_utils.errors import (
    ArgolabError,
    DefiniteError,
    TransientError,
)
from ansible_collections.argolab.observability.plugins.module_utils.grafana_api import (
    GRAFANA_OPTIONS,
    GrafanaClient,
    GrafanaStatusError,
    grafana_from_options,
)
from ansible_collections.argolab.observability.plugins.module_utils.http_client import Answer
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import (
    KubeClient,
    KubeError,
    status_message,
)
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_transport import service_proxy_path

GRAFANA_ACCESS_ARGUMENT_SPEC: dict[str, Any] = {
    **CLUSTER_ARGUMENT_SPEC,
    "grafana": {"type": "dict", "options": GRAFANA_OPTIONS},
    "grafana_namespace": {"type": "str", "default": "monitoring"},
    "grafana_service": {"type": "str", "default": "kube-stack-prometheus-grafana:80"},
    "admin_secret": {"type": "str", "no_log": False},
    "admin_user_key": {"type": "str", "default": "admin-user", "no_log": False},
    "admin_password_key": {"type": "str", "default": "admin-password", "no_log": False},
}


class ProxiedGrafana:
    """Grafana behind the API server's proxy.

    :param login: user and password; V(None) asks as a stranger, who sees what Grafana shows to strangers.
    """

    def __init__(self, kube: KubeClient, namespace: str, service: str, login: tuple[str, str] | None = None) -> None:
        self._http = kube.http
        self._proxy = service_proxy_path(namespace, service)
        self._login = login
        self._cookie = ""
        self.base = kube.http.base
        self.end: float | None = None
        self.name = f"Grafana at service {namespace}/{service} through the proxy of {kube.http.base}"

    def request(self, method: str, path: str, params: Sequence[tuple[str, str]] = ()) -> Answer:
        """One request, in the session of the login where there is one; it is begun anew when it has ended."""
        if self._login and not self._cookie:
            self._begin(*self._login)
        answer = self._send(method, path, params)
        if answer.status == 401 and self._cookie and self._login:
            self._begin(*self._login)
            answer = self._send(method, path, params)
        return answer

    def close(self) -> None:
        """End the session; a login that is left behind lasts for a month."""
        if self._cookie:
            with contextlib.suppress(ArgolabError):
                self._send("GET", "/logout")
            self._cookie = ""

    def redact(self, text: str) -> str:
        text = self._http.redact(text)
        for secret in [self._cookie.partition("=")[2], *(self._login or ())[1:]]:
            text = text.replace(secret, "********") if secret else text
        return text

    def _begin(self, username: str, password: str) -> None:
        self._cookie = ""
        answer = self._send("POST", "/login", body=json.dumps({"user": username, "password": password}).encode())
        if answer.status != 200:
            text = f"{self.name} answered {answer.status} to the login of {username}."
            if answer.status == 401:
                raise GrafanaStatusError(
                    401,
                    f"{text} Grafana's database has another password than the login that was given, or more than four "
                    "wrong ones in five minutes have locked it.",
                )
            raise TransientError(text) if answer.status >= 500 else GrafanaStatusError(answer.status, text)
        cookies = answer.headers.get("set-cookie", "")
        session = next((part for part in cookies.replace(",", ";").split(";") if "grafana_session=" in part), "")
        if not session:
            raise DefiniteError(f"{self.name} logged {username} in without giving a session; is it Grafana?")
        self._cookie = session.strip()

    def _send(
        self, method: str, path: str, params: Sequence[tuple[str, str]] = (), body: bytes | None = None
    ) -> Answer:
        headers = {"Cookie": self._cookie} if self._cookie else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        self._http.end = self.end
        answer = self._http.request(method, self._proxy + path, params, body, headers)
        said = status_message(answer)
        if said and answer.status >= 400:
            self._refuse(answer.status, self._http.redact(said))
        return answer

    def _refuse(self, status: int, said: str) -> None:
        """What the API server itself says about its proxy."""
        text = f"{self.name} answered {status}: {said.rstrip('.')}."
        if status == 403:
            raise DefiniteError(
                f"{text} The proxy needs RBAC on services/proxy in this namespace: verb get, and create for the login."
            )
        if status == 401:
            raise DefiniteError(f"{text} The kubeconfig's credentials were refused.")
        if status == 404:
            raise TransientError(f"{text} The Service is not there: Grafana is off, or its name is misspelt.")
        raise TransientError(f"{text} The Service has no ready endpoint, or nothing listens on this port.")


def login_from_secret(kube: KubeClient, namespace: str, name: str, user_key: str, password_key: str) -> tuple[str, str]:
    """User and password in a Secret."""
    try:
        data = kube.get(f"/api/v1/namespaces/{namespace}/secrets/{name}").get("data") or {}
    except KubeError as error:
        if error.status == 404:
            raise DefiniteError(
                f"there is no Secret {name} in namespace {namespace}, named in admin_secret: "
                f"kubectl get secrets -n {namespace}"
            ) from None
        raise
    found = []
    for key in (user_key, password_key):
        try:
            found.append(base64.b64decode(str(data[key]), validate=True).decode())
        except KeyError:
            known = ", ".join(sorted(data)) or "none"
            raise DefiniteError(f"Secret {name} has no key {key}; its keys are: {known}.") from None
        except (binascii.Error, ValueError):
            raise DefiniteError(f"key {key} of Secret {name} is not base64 of a text.") from None
    return found[0], found[1]


def grafana_from_params(kube: KubeClient, params: Mapping[str, Any]) -> GrafanaClient:
    """A client for the options of V(GRAFANA_ACCESS_ARGUMENT_SPEC)."""
    options = dict(params.get("grafana") or {})
    login: tuple[str, str] | None = None
    if params.get("admin_secret") and not (options.get("username") or options.get("token")):
        login = login_from_secret(
            kube,
            params["grafana_namespace"],
            params["admin_secret"],
            params["admin_user_key"],
            params["admin_password_key"],
        )
    if options:
        if login:
            options["username"], options["password"] = login
        return grafana_from_options(options, params["request_timeout"])
    return GrafanaClient(ProxiedGrafana(kube, params["grafana_namespace"], params["grafana_service"], login))
