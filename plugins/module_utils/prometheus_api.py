# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read-only client of Prometheus's HTTP API, by URL or through the Kubernetes API server's proxy."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError, TransientError
from ansible_collections.argolab.observability.plugins.module_utils.http_client import (
    Answer,
    HttpClient,
    basic_authorization,
    decode_json,
    parse_url,
    tls_context,
)
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import (
    KUBE_ARGUMENT_SPEC,
    KubeClient,
    status_message,
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

# a server that hands out ever new page tokens is not followed for ever
MAX_PAGES = 10_000


class Transport(Protocol):
    """A way to a Prometheus: a path below its root in, a whole answer out."""

    name: str
    description: str
    through_api_server: bool

    def get(self, path: str, params: Sequence[tuple[str, str]]) -> Answer: ...

    def redact(self, text: str) -> str: ...

    def set_end(self, end: float | None) -> None: ...


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


@dataclass(frozen=True)
class Sample:
    """One series of an instant query; the value keeps Prometheus's own text, since floats do not survive JSON."""

    labels: Mapping[str, str]
    value: str
    time: float

    @property
    def number(self) -> float:
        return float(self.value)


@dataclass(frozen=True)
class QueryResult:
    kind: str
    samples: Sequence[Sample] = ()
    warnings: Sequence[str] = field(default_factory=tuple)


class PrometheusClient:
    """Asks one Prometheus; every method returns plain data of the expected shape or raises.

    :raises TransientError: refused, cut short, 5xx, not routed yet: worth another try.
    :raises DefiniteError: refused credentials, bad requests, answers that are not Prometheus's.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.name = transport.name
        self.description = transport.description

    def limit(self, seconds: float | None) -> None:
        """No request runs past this many seconds from now, whatever its own timeout."""
        self._transport.set_end(None if seconds is None else time.monotonic() + seconds)

    def targets(self, state: str = "active", scrape_pool: str | None = None) -> dict[str, list[dict[str, Any]]]:
        """Lists C(active) and C(dropped). A server that knows no C(scrapePool) answers all pools: filter again."""
        params = [("state", state)] + ([("scrapePool", scrape_pool)] if scrape_pool is not None else [])
        data = self._data("/api/v1/targets", params)
        return {
            "active": _mappings(data, "activeTargets", self.name),
            "dropped": _mappings(data, "droppedTargets", self.name),
        }

    def scrape_pools(self) -> list[str] | None:
        """All names of scrape pools; V(None) where the server is too old to say."""
        try:
            data = self._data("/api/v1/scrape_pools")
        except DefiniteError as error:
            if getattr(error, "status", 0) == 404:
                return None
            raise
        pools = data.get("scrapePools") if isinstance(data, dict) else None
        if not isinstance(pools, list) or not all(isinstance(pool, str) for pool in pools):
            raise _wrong_shape(self.name, "/api/v1/scrape_pools", "scrapePools")
        return pools

    def rules(
        self,
        rule_type: str | None = None,
        rule_names: Iterable[str] = (),
        groups: Iterable[str] = (),
        files: Iterable[str] = (),
        *,
        exclude_alerts: bool = True,
        group_limit: int | None = None,
    ) -> list[dict[str, Any]]:
        """Rule groups, each with a list C(rules). Old servers ignore all filters but the type: filter again."""
        params = [("type", rule_type)] if rule_type else []
        params += [("rule_name[]", name) for name in rule_names] + [("rule_group[]", name) for name in groups]
        params += [("file[]", name) for name in files]
        params += [("exclude_alerts", "true")] if exclude_alerts else []
        params += [("group_limit", str(group_limit))] if group_limit else []
        found: list[dict[str, Any]] = []
        seen: set[str] = set()
        token = ""
        while len(seen) < MAX_PAGES:
            data = self._data("/api/v1/rules", params + ([("group_next_token", token)] if token else []))
            page = _mappings(data, "groups", self.name, required=True)
            for group in page:
                rules = group.get("rules")
                if not isinstance(group.get("name"), str) or not _is_mappings([] if rules is None else rules):
                    raise _wrong_shape(self.name, "/api/v1/rules", "groups")
                found.append({**group, "rules": rules or []})
            token = data.get("groupNextToken") or ""
            if not token or not group_limit:
                return found
            if token in seen:
                break
            seen.add(token)
        raise DefiniteError(f"{self.name} repeats the pages of /api/v1/rules without an end.")

    def query(self, expr: str, at: float | None = None) -> QueryResult:
        """An instant query; a scalar becomes one sample without labels."""
        params = [("query", expr)] + ([("time", f"{at:.3f}")] if at is not None else [])
        answer = self._answer("/api/v1/query", params)
        data, warnings = answer.get("data"), answer.get("warnings") or []
        if not isinstance(data, dict):
            raise _wrong_shape(self.name, "/api/v1/query", "resultType and result")
        kind = data.get("resultType")
        try:
            if kind == "scalar":
                samples = [_sample({}, data["result"])]
            elif kind == "vector":
                samples = [_sample(series["metric"], series["value"]) for series in data["result"] or []]
            elif kind in ("matrix", "string"):
                raise DefiniteError(
                    f"the expression {expr!r} gives a {kind}; it has to give an instant vector or a scalar."
                )
            else:
                raise KeyError("resultType")
        except (KeyError, TypeError, ValueError, AttributeError):
            raise _wrong_shape(self.name, "/api/v1/query", "resultType and result") from None
        return QueryResult(str(kind), samples, [str(item) for item in warnings] if isinstance(warnings, list) else [])

    def parse(self, expr: str) -> dict[str, Any] | None:
        """The syntax tree of an expression; V(None) where the server is too old to give it (before 3.0).

        :raises DefiniteError: the parser's complaint.
        """
        path = "/api/v1/parse_query"
        answer = self._transport.get(path, [("query", expr)])
        if answer.status == 404 and not (self._transport.through_api_server and status_message(answer)):
            return None
        if answer.status != 200:
            raise self._failure(answer, path)
        content = decode_json(answer, self.name)
        data = content.get("data") if isinstance(content, dict) else None
        if not isinstance(data, dict) or not isinstance(data.get("type"), str):
            raise _wrong_shape(self.name, path, "data and type")
        return data

    def label_values(self, label: str, match: str = "") -> list[str]:
        """Values of a label among the series that a selector matches, or among all."""
        data = self._data(f"/api/v1/label/{label}/values", [("match[]", match)] if match else [])
        return [str(item) for item in data] if isinstance(data, list) else []

    def is_described(self, metric: str) -> bool:
        """Whether a target that is scraped describes this metric, with series or without."""
        data = self._data("/api/v1/metadata", [("metric", metric), ("limit", "1")])
        return isinstance(data, dict) and bool(data.get(metric))

    def alertmanagers(self) -> list[str]:
        """Addresses that alerts are sent to."""
        active = _mappings(self._data("/api/v1/alertmanagers"), "activeAlertmanagers", self.name)
        return [str(item.get("url")) for item in active]

    def buildinfo(self) -> dict[str, Any]:
        return self._mapping("/api/v1/status/buildinfo")

    def runtimeinfo(self) -> dict[str, Any]:
        """Start time and the time of the last configuration reload, among others."""
        return self._mapping("/api/v1/status/runtimeinfo")

    def seconds_since_reload(self) -> float | None:
        """Age of the configuration by the server's own clock; V(None) where it does not say."""
        answer = self._transport.get("/api/v1/status/runtimeinfo", [])
        if answer.status != 200:
            return None
        data = decode_json(answer, self.name)
        info = data.get("data") if isinstance(data, dict) else None
        reloaded = parse_time(info.get("lastConfigTime")) if isinstance(info, dict) else None
        try:
            now = parsedate_to_datetime(answer.headers.get("date", ""))
        except (TypeError, ValueError):
            return None
        return max(0.0, (now - reloaded).total_seconds()) if reloaded else None

    def ready(self) -> bool:
        """V(True) once Prometheus serves queries; V(False) while it starts."""
        answer = self._transport.get("/-/ready", [])
        if answer.status == 200:
            return True
        if answer.status == 503:
            return False
        raise self._failure(answer, "/-/ready")

    def _mapping(self, path: str) -> dict[str, Any]:
        data = self._data(path)
        if not isinstance(data, dict):
            raise _wrong_shape(self.name, path, "data")
        return data

    def _data(self, path: str, params: Sequence[tuple[str, str]] = ()) -> Any:
        return self._answer(path, params)["data"]

    def _answer(self, path: str, params: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
        answer = self._transport.get(path, params)
        if answer.status != 200:
            raise self._failure(answer, path)
        content = decode_json(answer, self.name)
        if not isinstance(content, dict) or content.get("status") != "success" or "data" not in content:
            raise _wrong_shape(self.name, path, "status and data")
        return content

    def _failure(self, answer: Answer, path: str) -> TransientError | DefiniteError:
        """The exception for an answer that is not 200."""
        status = answer.status
        said = self._transport.redact(_api_error(answer) or status_message(answer) or answer.excerpt())
        text = f"{self.name} answered {status}" + (f": {said.rstrip('.')}." if said else ".")
        if self._transport.through_api_server and status_message(answer):
            return _proxy_failure(status, text)
        if status in (401, 407):
            return StatusError(
                status, f"{text} The credentials are missing or wrong: check username and password, or bearer_token."
            )
        if status == 403:
            return StatusError(status, f"{text} The credentials are known but may not do this.")
        if status == 404 and not _api_error(answer):
            hint = "nothing routes this name and path to Prometheus yet, or url (path_prefix) lacks its path prefix"
            return TransientError(f"{text} {path}: {hint}.")
        if status in (408, 422, 425, 429) or status >= 500:
            return TransientError(text)
        return StatusError(status, text)


class StatusError(DefiniteError):
    """A definite refusal, with its HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def _proxy_failure(status: int, text: str) -> TransientError | DefiniteError:
    """What the API server itself says about its proxy."""
    if status == 403:
        return StatusError(status, f"{text} The proxy needs RBAC: verb get on services/proxy in this namespace.")
    if status == 404:
        return TransientError(
            f"{text} The operator creates the Service with Prometheus: not there yet, or namespace or service misspelt."
        )
    if status == 503:
        return TransientError(f"{text} The Service has no ready endpoint, or nothing listens on this port.")
    if status >= 500 or status in (408, 429):
        return TransientError(text)
    return StatusError(status, text)


def _api_error(answer: Answer) -> str:
    """C(errorType: error) of Prometheus's own error answers; empty for anything else."""
    try:
        content = json.loads(answer.body)
    except ValueError:
        return ""
    if not isinstance(content, dict) or content.get("status") != "error":
        return ""
    return f"{content.get('errorType')}: {content.get('error')}"


def _wrong_shape(name: str, path: str, field_name: str) -> DefiniteError:
    return DefiniteError(
        f"{name} answered {path} with JSON that is not Prometheus's ({field_name} missing or of another type); "
        "check the address and path."
    )


def _is_mappings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _mappings(data: Any, key: str, name: str, required: bool = False) -> list[dict[str, Any]]:
    value: Any = data.get(key) if isinstance(data, dict) else "wrong"
    if value is None and not required:
        return []
    if not _is_mappings(value):
        raise _wrong_shape(name, "the request", key)
    return list(value)


def _sample(labels: Any, value: Any) -> Sample:
    moment, text = value
    float(text)
    if not isinstance(labels, dict):
        raise TypeError("metric")
    return Sample({str(key): str(item) for key, item in labels.items()}, str(text), float(moment))


def parse_time(text: Any) -> datetime | None:
    """A time of Go's JSON, with nanoseconds; V(None) for its zero time, which means never."""
    match = (
        re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", text)
        if isinstance(text, str)
        else None
    )
    if not match or match[1].startswith("0001-"):
        return None
    zone = "+00:00" if match[3] == "Z" else match[3]
    try:
        return datetime.fromisoformat(f"{match[1]}.{(match[2] or '0')[:6]:<06}{zone}").astimezone(timezone.utc)
    except ValueError:
        return None


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
    if (username is None) != (password is None):
        raise DefiniteError("username and password belong together; only one of them is given.")
    if token is not None and username is not None:
        raise DefiniteError("bearer_token and username are two ways to log in; give only one of them.")
    if params.get("client_key") and not params.get("client_cert"):
        raise DefiniteError("client_key is given without client_cert.")
    authorization = ""
    if username is not None and password is not None:
        authorization = basic_authorization(username, password)
    elif token is not None:
        if not re.fullmatch(r"[\x21-\x7e]+", token):
            raise DefiniteError(
                "bearer_token is empty or holds spaces, line breaks or other characters that no header carries."
            )
        authorization = f"Bearer {token}"
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


def quote_label(value: str) -> str:
    """A label's value as a PromQL string."""
    return json.dumps(value, ensure_ascii=False)
