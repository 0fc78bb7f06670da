# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read-only client of Grafana's HTTP API.

Data sources are asked for by uid only: Grafana 13 turned the interfaces by number off.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote

from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError, TransientError
from ansible_collections.argolab.observability.plugins.module_utils.http_client import (
    Answer,
    HttpClient,
    Url,
    decode_json,
    login,
    parse_url,
    tls_context,
)

# The suboptions of an option O(grafana).
GRAFANA_OPTIONS: dict[str, Any] = {
    "url": {"type": "str", "required": True},
    "host_header": {"type": "str"},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "token": {"type": "str", "no_log": True},
    "ca_path": {"type": "path"},
    "validate_certs": {"type": "bool", "default": True},
}

# Grafana gives at most 5000 results of a search at once, and 1000 unless asked for more.
PAGE = 1000
MAX_PAGES = 100


class GrafanaStatusError(DefiniteError):
    """A definite refusal, with its HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class GrafanaTransport(Protocol):
    """A way to a Grafana: a path below its root in, a whole answer out; C(HttpClient) is one."""

    base: Url
    name: str
    end: float | None

    def request(self, method: str, path: str, params: Sequence[tuple[str, str]] = ()) -> Answer: ...

    def redact(self, text: str) -> str: ...


class GrafanaClient:
    """Asks one Grafana; every method returns plain data of the expected shape or raises.

    :raises TransientError: refused, cut short, 5xx: worth another try.
    :raises DefiniteError: refused credentials, answers that are not Grafana's.
    """

    def __init__(self, http: GrafanaTransport) -> None:
        self._http = http
        self.name = http.name
        self.url = str(http.base)

    def limit(self, end: float | None) -> None:
        """No request runs past this point of monotonic time, whatever its own timeout."""
        self._http.end = end

    def close(self) -> None:
        """End the session where the way to Grafana has one."""
        end = getattr(self._http, "close", None)
        if end:
            end()

    def health(self) -> dict[str, Any]:
        """C(database), and C(version) where Grafana shows it to strangers; needs no login."""
        return self._object("/api/health")

    def search(
        self, kind: str = "dash-db", folder_uids: Sequence[str] = (), dashboard_uids: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """Dashboards (V(dash-db)) or folders (V(dash-folder)), each with C(uid), C(title) and C(folderTitle)."""
        found: list[dict[str, Any]] = []
        for page in range(1, MAX_PAGES + 1):
            params = [("type", kind), ("limit", str(PAGE)), ("page", str(page))]
            params += [("folderUIDs", uid) for uid in folder_uids]
            params += [("dashboardUIDs", uid) for uid in dashboard_uids]
            items = self._objects("/api/search", params)
            found += items
            if len(items) < PAGE:
                return found
        raise DefiniteError(f"{self.name} repeats the pages of /api/search without an end.")

    def dashboard(self, uid: str) -> dict[str, Any] | None:
        """C(dashboard), its model, and C(meta) with C(folderTitle), C(url), C(provisioned); V(None) if unknown."""
        found = self._object_or_none(f"/api/dashboards/uid/{quote(uid, safe='')}")
        if found is not None and not (isinstance(found.get("dashboard"), dict) and isinstance(found.get("meta"), dict)):
            raise self._wrong_shape("/api/dashboards/uid", "dashboard and meta")
        return found

    def folders(self) -> list[dict[str, Any]]:
        """Folders at the top, each with C(uid) and C(title)."""
        return self._objects("/api/folders", [("limit", str(PAGE))])

    def datasources(self) -> list[dict[str, Any]]:
        """Data sources, each with C(uid), C(name), C(type), C(isDefault) and C(jsonData); needs the role Admin."""
        return self._objects("/api/datasources")

    def datasource(self, uid: str) -> dict[str, Any] | None:
        """One data source; V(None) if unknown."""
        return self._object_or_none(f"/api/datasources/uid/{quote(uid, safe='')}")

    def datasource_health(self, uid: str) -> tuple[bool, str]:
        """Whether Grafana itself reaches what is behind the data source, and what it says about it."""
        path = f"/api/datasources/uid/{quote(uid, safe='')}/health"
        answer = self._http.request("GET", path)
        if answer.status not in (200, 400, 500, 502):
            raise self._failure(answer, path)
        content = decode_json(answer, self.name)
        if not isinstance(content, dict):
            raise self._wrong_shape(path, "status and message")
        text = self._http.redact(str(content.get("message") or content.get("status") or answer.status))
        return answer.status == 200 and content.get("status") == "OK", text

    def _object(self, path: str) -> dict[str, Any]:
        content = self._get(path)
        if not isinstance(content, dict):
            raise self._wrong_shape(path, "an object")
        return content

    def _object_or_none(self, path: str) -> dict[str, Any] | None:
        try:
            return self._object(path)
        except GrafanaStatusError as error:
            if error.status == 404:
                return None
            raise

    def _objects(self, path: str, params: Sequence[tuple[str, str]] = ()) -> list[dict[str, Any]]:
        content = self._get(path, params)
        if not isinstance(content, list) or not all(isinstance(item, dict) for item in content):
            raise self._wrong_shape(path, "a list of objects")
        return content

    def _get(self, path: str, params: Sequence[tuple[str, str]] = ()) -> Any:
        answer = self._http.request("GET", path, params)
        if answer.status != 200:
            raise self._failure(answer, path)
        return decode_json(answer, self.name)

    def _failure(self, answer: Answer, path: str) -> TransientError | DefiniteError:
        status, said = answer.status, _message(answer)
        reason = f": {self._http.redact(said).rstrip('.')}." if said else "."
        text = f"{self.name} answered {status} to {path}{reason}"
        if status == 401:
            return GrafanaStatusError(
                status, f"{text} The credentials are missing or wrong: check username and password, or token."
            )
        if status == 403:
            return GrafanaStatusError(status, f"{text} The user or the token lacks the permission for this.")
        if status == 404 and not said:
            return TransientError(f"{text} Nothing routes this name and path to Grafana yet, or url lacks its prefix.")
        if status in (408, 425, 429) or status >= 500:
            return TransientError(text)
        return GrafanaStatusError(status, text)

    def _wrong_shape(self, path: str, what: str) -> DefiniteError:
        return DefiniteError(
            f"{self.name} answered {path} with JSON that is not Grafana's ({what} expected); check address and path."
        )


def _message(answer: Answer) -> str:
    """What Grafana says in its own errors; empty where another server answers."""
    try:
        content = json.loads(answer.body)
    except ValueError:
        return ""
    return str(content.get("message") or "") if isinstance(content, dict) else ""


def grafana_from_options(options: Mapping[str, Any], request_timeout: float) -> GrafanaClient:
    """A client from the suboptions V(GRAFANA_OPTIONS); contradicting or incomplete ones are refused."""
    base = parse_url(str(options["url"]), "grafana.url")
    username, password, token = options.get("username"), options.get("password"), options.get("token")
    authorization = login(username, password, token, ("grafana.username", "grafana.password", "grafana.token"))
    if base.scheme == "http" and options.get("ca_path"):
        raise DefiniteError("grafana.ca_path needs an https:// url.")
    tls = None
    if base.scheme == "https":
        tls = tls_context(verify=bool(options.get("validate_certs", True)), ca_path=options.get("ca_path"))
    host = options.get("host_header")
    return GrafanaClient(
        HttpClient(
            base,
            name=f"Grafana at {base}" + (f" (Host {host})" if host else ""),
            host_header=host,
            tls=tls,
            headers=lambda: {"Authorization": authorization} if authorization else {},
            secrets=[password or "", token or "", authorization.partition(" ")[2]],
            request_timeout=request_timeout,
        )
    )
