# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read-only client of Prometheus's HTTP API."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError, TransientError
from ansible_collections.argolab.observability.plugins.module_utils.http_client import (
    Answer,
    decode_json,
)
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import status_message
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_series import (
    RangeResult,
    instant_value,
    range_series,
)
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_transport import Transport

# a server that hands out ever new page tokens is not followed for ever
MAX_PAGES = 10_000
# Answers that wait to be read; more would only fill buffers.
MAX_AHEAD = 3


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

    @contextlib.contextmanager
    def connections(self, number: int, threads: int = 1) -> Iterator[None]:
        """Leave that many connections open between requests, which so many threads send at the same time."""
        self._transport.keep(number, threads)
        try:
            yield
        finally:
            self._transport.keep(0, 1)

    def command(self, expr: str) -> str:
        """What to type to ask for an expression by hand; it holds no credentials."""
        return self._transport.command("/api/v1/query", [("query", expr)])

    def targets(self, state: str = "active", scrape_pool: str | None = None) -> dict[str, list[dict[str, Any]]]:
        """Lists C(active) and C(dropped). A server that knows no C(scrapePool) answers all pools: filter again."""
        data = self._data("/api/v1/targets", _targets(state, scrape_pool))
        return {
            "active": _mappings(data, "activeTargets", self.name),
            "dropped": _mappings(data, "droppedTargets", self.name),
        }

    def targets_of_pools(self, pools: Sequence[str]) -> Generator[list[dict[str, Any]], None, None]:
        """The active targets of one pool after the other, the next ones asked for while the first are read.

        The second pool is asked for when somebody wants it: a server that ignores the filter gave all with the first.
        """
        with self.connections(MAX_AHEAD):
            for index, pool in enumerate(pools):
                for ahead in pools[index : index + MAX_AHEAD] if index else ():
                    self._transport.ask_ahead("/api/v1/targets", _targets("active", ahead))
                yield self.targets(scrape_pool=pool)["active"]

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

    def query(self, expr: str, at: float | None = None, limit: int = 0) -> QueryResult:
        """An instant query; a scalar becomes one sample without labels, a histogram the number of its observations.

        :param limit: most series to be given, V(0) for all; Prometheus before 3.0 gives all.
        """
        params = [("query", expr)] + ([("time", f"{at:.3f}")] if at is not None else []) + _limit(limit)
        answer = self._answer("/api/v1/query", params)
        data, warnings = answer.get("data"), answer.get("warnings") or []
        if not isinstance(data, dict):
            raise _wrong_shape(self.name, "/api/v1/query", "resultType and result")
        kind = data.get("resultType")
        try:
            if kind == "scalar":
                samples = [_sample({}, data["result"])]
            elif kind == "vector":
                samples = [_sample(series["metric"], instant_value(series)) for series in data["result"] or []]
            elif kind in ("matrix", "string"):
                raise DefiniteError(
                    f"the expression {expr!r} gives a {kind}; it has to give an instant vector or a scalar."
                )
            else:
                raise KeyError("resultType")
        except (KeyError, TypeError, ValueError, AttributeError):
            raise _wrong_shape(self.name, "/api/v1/query", "resultType and result") from None
        return QueryResult(str(kind), samples, [str(item) for item in warnings] if isinstance(warnings, list) else [])

    def query_range(self, expr: str, start: float, end: float, step: float, limit: int = 0) -> RangeResult:
        """A range query.

        :param limit: most series to be given, V(0) for all; Prometheus before 3.0 gives all.
        """
        params = [("query", expr), *_window(start, end), ("step", f"{step:g}"), *_limit(limit)]
        answer = self._answer("/api/v1/query_range", params)
        data, warnings = answer.get("data"), answer.get("warnings")
        try:
            if not isinstance(data, dict) or data.get("resultType") != "matrix":
                raise KeyError("resultType")
            series = range_series(data["result"] or [])
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            raise _wrong_shape(self.name, "/api/v1/query_range", "resultType and result") from None
        return RangeResult(series, [str(item) for item in warnings] if isinstance(warnings, list) else [])

    def label_names(self, match: str = "", start: float | None = None, end: float | None = None) -> list[str]:
        """Names of labels, of the series that C(match) selects where it is given."""
        return self._strings("/api/v1/labels", _matching(match) + _window(start, end))

    def label_values(
        self, label: str, match: str = "", start: float | None = None, end: float | None = None, limit: int = 0
    ) -> list[str]:
        """Values of a label, of the series that C(match) selects where it is given; sorted by Prometheus."""
        path = f"/api/v1/label/{quote(label, safe='')}/values"
        return self._strings(path, _matching(match) + _window(start, end) + _limit(limit))

    def series(
        self, match: str, start: float | None = None, end: float | None = None, limit: int = 0
    ) -> list[dict[str, str]]:
        """Labels, with C(__name__), of the series that a selector selects."""
        found = self._data("/api/v1/series", _matching(match) + _window(start, end) + _limit(limit))
        if not _is_mappings([] if found is None else found):
            raise _wrong_shape(self.name, "/api/v1/series", "data")
        return [{str(key): str(value) for key, value in item.items()} for item in found or []]

    def configuration(self) -> str:
        """The configuration that is in force, as YAML; Prometheus itself leaves the secrets out."""
        text = self._mapping("/api/v1/status/config").get("yaml")
        if not isinstance(text, str):
            raise _wrong_shape(self.name, "/api/v1/status/config", "yaml")
        return text

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

    def is_described(self, metric: str) -> bool:
        """Whether a target that is scraped describes this metric, with series or without."""
        data = self._data("/api/v1/metadata", [("metric", metric), ("limit", "1")])
        return isinstance(data, dict) and bool(data.get(metric))

    def alertmanagers(self) -> list[str]:
        """Addresses that alerts are sent to."""
        active = _mappings(self._data("/api/v1/alertmanagers"), "activeAlertmanagers", self.name)
        return [str(item.get("url")) for item in active]

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

    def _strings(self, path: str, params: Sequence[tuple[str, str]]) -> list[str]:
        found = self._data(path, params)
        if found is not None and not (isinstance(found, list) and all(isinstance(item, str) for item in found)):
            raise _wrong_shape(self.name, path, "data")
        return list(found or [])

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


def _matching(match: str) -> list[tuple[str, str]]:
    return [("match[]", match)] if match else []


def _window(start: float | None, end: float | None) -> list[tuple[str, str]]:
    return [(key, f"{value:.3f}") for key, value in (("start", start), ("end", end)) if value is not None]


def _targets(state: str, scrape_pool: str | None) -> list[tuple[str, str]]:
    return [("state", state)] + ([("scrapePool", scrape_pool)] if scrape_pool is not None else [])


def _limit(limit: int) -> list[tuple[str, str]]:
    return [("limit", str(limit))] if limit else []


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
