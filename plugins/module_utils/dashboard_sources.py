# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where dashboards are read from: files, ConfigMaps of a cluster, Grafana's HTTP API."""

from __future__ import annotations

import fnmatch
import glob
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.dashboard_model import (
    Dashboard,
    parse_dashboard,
    read_dashboard,
)
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_time import seconds_of
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_variables import Option
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.grafana_api import (
    GrafanaClient,
    GrafanaStatusError,
)
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient
from ansible_collections.argolab.observability.plugins.module_utils.selectors import full_name

# Far more than any dashboard; Grafana itself takes no more than 16 MiB.
MAX_FILE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Missing:
    """A source that holds no dashboard: what was looked for there, and how to look for it by hand."""

    text: str
    command: str


@dataclass(frozen=True)
class Found:
    """What the sources hold.

    :param datasources: Grafana's data sources; V(None) where it was not asked or did not say.
    """

    dashboards: Sequence[Dashboard] = ()
    datasources: Sequence[Mapping[str, Any]] | None = None
    missing: Sequence[Missing] = ()

    @property
    def complete(self) -> bool:
        """Whether looking again cannot find more that was asked for."""
        return bool(self.dashboards) and not self.missing and not any(item.problem for item in self.dashboards)

    @property
    def scrape_interval(self) -> float | None:
        """What Grafana's data source for Prometheus says about it, the default one before others."""
        sources = [item for item in self.datasources or () if item.get("type") == "prometheus"]
        for item in sorted(sources, key=lambda item: item.get("isDefault") is not True):
            settings = item.get("jsonData")
            seconds = seconds_of(str(settings.get("timeInterval") or "")) if isinstance(settings, Mapping) else None
            if seconds:
                return seconds
        return None

    def options(self, plugin: str) -> list[Option] | None:
        """Data sources of a type as options of a variable."""
        if self.datasources is None:
            return None
        return [
            Option(str(item.get("name")), str(item.get("uid") or item.get("name")))
            for item in self.datasources
            if item.get("type") == plugin
        ]


def read_files(patterns: Sequence[str]) -> list[Dashboard]:
    """The dashboards in files; each pattern has to match one at least."""
    found: dict[str, Dashboard] = {}
    for index, pattern in enumerate(patterns):
        path = os.path.abspath(os.path.expanduser(pattern))
        if os.path.isdir(path):
            raise DefiniteError(f"files[{index}] {pattern} is a folder; name its files, such as {pattern}/*.json.")
        names = [path] if os.path.exists(path) else sorted(glob.glob(path, recursive=True))
        names = [name for name in names if not os.path.isdir(name)]
        if not names:
            raise DefiniteError(f"files[{index}] {pattern} matches no file; give the path of a dashboard's JSON.")
        for name in names:
            found.setdefault(name, _read_file(name))
    return list(found.values())


def _read_file(path: str) -> Dashboard:
    try:
        with open(path, "rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        return Dashboard(f"file {path}", problem=f"it cannot be read: {(error.strerror or str(error)).lower()}")
    if len(content) > MAX_FILE_BYTES:
        return Dashboard(f"file {path}", problem=f"it is larger than {MAX_FILE_BYTES // 2**20} MiB")
    return parse_dashboard(content, f"file {path}")


def read_config_maps(kube: KubeClient, options: Mapping[str, Any]) -> Found:
    """The dashboards in labelled ConfigMaps: every key is one, whatever its name, as the chart's sidecar has it."""
    value = options.get("label_value")
    selector = f"{options['label']}={value}" if value else str(options["label"])
    namespaces = options.get("namespaces") or []
    paths = [f"/api/v1/namespaces/{name}/configmaps" for name in namespaces] or ["/api/v1/configmaps"]
    found: list[Dashboard] = []
    for item in [item for path in paths for item in kube.list(path, {"labelSelector": selector})]:
        for key, text in sorted((item.get("data") or {}).items()):
            source = f"ConfigMap {full_name(item)} key {key}"
            if key.endswith(".url"):
                found.append(Dashboard(source, skipped="the sidecar fetches it from an address; it is not read here"))
            else:
                found.append(parse_dashboard(str(text), source))
    where = f"namespace {', '.join(namespaces)}" if namespaces else "any namespace"
    command = f"kubectl get configmaps {'-n ' + namespaces[0] if namespaces else '-A'} -l {selector}"
    missing = Missing(f"no ConfigMap in {where} has the label {selector} and a key", command)
    return Found(found, missing=[] if found else [missing])


def read_grafana(client: GrafanaClient, options: Mapping[str, Any]) -> Found:
    """The dashboards that Grafana itself has, of the folders and with the uids that are asked for."""
    folders, uids = options.get("folders") or [], options.get("uids") or []
    listed = [
        item
        for item in client.search()
        if (not uids or item.get("uid") in uids) and (not folders or _in_folder(item, folders))
    ]
    there = [str(item.get("uid")) for item in listed]
    try:
        sources: list[dict[str, Any]] | None = client.datasources()
    except GrafanaStatusError as error:
        # only those may list them who may also change them
        if error.status != 403:
            raise
        sources = None
    known = _plugins(sources or [])
    found: list[Dashboard] = [
        Dashboard(f"{client.name} dashboard {uid}", uid, problem="it is not there", cause="dashboard_absent")
        for uid in uids
        if uid not in there
    ]
    for uid in there:
        answer = client.dashboard(uid)
        if answer is None:
            found.append(
                Dashboard(f"{client.name} dashboard {uid}", uid, problem="it is not there", cause="dashboard_absent")
            )
            continue
        path = str(answer["meta"].get("url") or f"/d/{uid}")
        found.append(read_dashboard(answer["dashboard"], client.name, client.url + path, known))
    where = f" in folder {', '.join(folders)}" if folders else ""
    missing = Missing(f"{client.name} has no dashboard{where}", f"curl -s {client.url}/api/search?type=dash-db")
    return Found(found, sources, [] if found else [missing])


def _in_folder(item: Mapping[str, Any], folders: Sequence[str]) -> bool:
    names = [str(item.get("folderTitle") or "General"), str(item.get("folderUid") or "")]
    return any(name == wanted or fnmatch.fnmatchcase(name, wanted) for name in names for wanted in folders)


def _plugins(sources: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Types of data sources by uid and name; that of the default one at the empty name."""
    found: dict[str, str] = {}
    for item in sources:
        kind = str(item.get("type") or "")
        found.update({str(item.get(key)): kind for key in ("uid", "name") if item.get(key)})
        if item.get("isDefault") is True:
            found.update({"": kind, "default": kind})
    return found
