# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Grafana dashboards as labelled ConfigMaps: what a list of them comes down to, and what is wrong with it.

Everything is read and checked before anything is applied.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Protocol, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeError

Object = Dict[str, Any]
Items = List[Object]

# What the API server accepts as the sum of a ConfigMap's values.
MAX_BYTES = 1048576
MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "argolab.observability"
SET_LABEL = "argolab.observability/dashboards"
APPLICATIONS = "/apis/argoproj.io/v1alpha1"

_UID = re.compile(r"[a-zA-Z0-9_-]{1,40}\Z")
_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?\Z")
_DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
_DNS_SUBDOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\Z")


class DashboardError(DefiniteError):
    """A dashboard is not as it should be; nothing was applied."""


class Cluster(Protocol):
    """What is asked of the API server; C(KubeClient) answers it."""

    def get(self, path: str, params: Mapping[str, Any] | None) -> Object: ...

    def list(self, path: str, params: Mapping[str, Any] | None) -> Items: ...


@dataclass(frozen=True)
class Settings:
    """What all dashboards of one set have in common."""

    label: str
    label_value: str
    namespace: str
    folder_annotation: str
    set_name: str
    base_dir: str = "."


@dataclass(frozen=True)
class Dashboard:
    """A dashboard that passed every check, and the ConfigMap that carries it."""

    source: str
    uid: str
    title: str
    name: str
    key: str
    namespace: str
    folder: str
    text: str

    def config_map(self, settings: Settings) -> Object:
        metadata: Object = {
            "name": self.name,
            "namespace": self.namespace,
            "labels": {
                settings.label: settings.label_value,
                MANAGED_BY: MANAGER,
                SET_LABEL: settings.set_name,
            },
        }
        if self.folder:
            metadata["annotations"] = {settings.folder_annotation: self.folder}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {self.key: self.text}}


def check_settings(settings: Settings) -> None:
    """Refuse labels and names that the API server would refuse later, one object at a time."""
    for what, key in (("label", settings.label), ("folder_annotation", settings.folder_annotation)):
        prefix, slash, name = key.rpartition("/")
        if not _LABEL_VALUE.match(name) or (slash and not _DNS_SUBDOMAIN.match(prefix)):
            raise DashboardError(f"{what} {key!r} is not valid; expected a name such as grafana_dashboard.")
    for what, value in (("label_value", settings.label_value), ("set_name", settings.set_name)):
        if value and not _LABEL_VALUE.match(value) or (what == "set_name" and not value):
            raise DashboardError(
                f"{what} {value!r} cannot be the value of a label; use letters, digits, '-', '_', '.'."
            )
    if not _DNS_LABEL.match(settings.namespace):
        raise DashboardError(f"namespace {settings.namespace!r} cannot be the name of a namespace.")


def load(items: Sequence[Mapping[str, Any]], settings: Settings, fetch: Callable[[str], bytes]) -> list[Dashboard]:
    """Read and check every item; the first problem ends it with a message that names the item.

    :param fetch: the bytes behind a URL, or an exception whose message says why there are none.
    """
    dashboards = [_load_one(number, item, settings, fetch) for number, item in enumerate(items, 1)]
    _refuse_doubles(dashboards)
    return dashboards


def describe(number: int, item: Mapping[str, Any]) -> str:
    """How messages call an item: where it stands in the list and what it is made from."""
    inline = "inline definition" if item.get("definition") not in (None, "") else "without a source"
    label = next((str(item[key]) for key in ("name", "file", "url") if item.get(key)), inline)
    return f"dashboard {number} ({_without_credentials(label)})"


def _load_one(number: int, item: Mapping[str, Any], settings: Settings, fetch: Callable[[str], bytes]) -> Dashboard:
    who = describe(number, item)
    given = [key for key in ("file", "url", "definition") if item.get(key) not in (None, "")]
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        raise DashboardError(f"{who}: give exactly one of file, url and definition; found {found}.")
    if given[0] == "definition":
        model, text = _inline(who, item["definition"])
    else:
        content = _file(who, str(item["file"]), settings) if given[0] == "file" else _url(who, str(item["url"]), fetch)
        model, text = parse(who, content)
    uid, title = check_model(who, model)
    size = len(text.encode())
    if size > MAX_BYTES:
        raise DashboardError(
            f"{who}: {size} bytes are more than a ConfigMap holds ({MAX_BYTES}). "
            "Split the dashboard, or take the indentation out of its JSON."
        )
    name = str(item.get("name") or f"dashboard-{re.sub('[^a-z0-9]+', '-', uid.lower()).strip('-')}")
    if not _DNS_SUBDOMAIN.match(name):
        raise DashboardError(
            f"{who}: {name!r} cannot be the name of a ConfigMap; set name to lower-case letters, digits, '-' and '.', "
            "for example cm-my-dashboard."
        )
    namespace = str(item.get("namespace") or settings.namespace)
    if not _DNS_LABEL.match(namespace):
        raise DashboardError(f"{who}: {namespace!r} cannot be the name of a namespace.")
    folder = str(item.get("folder") or "")
    if ".." in folder.split("/") or folder != folder.strip():
        raise DashboardError(f"{who}: folder {folder!r} must be a plain path such as Argo CD or team/api.")
    return Dashboard(who, uid, title, name, f"{name}.json", namespace, folder, text)


def _inline(who: str, definition: Any) -> tuple[dict[str, Any], str]:
    if isinstance(definition, str):
        return parse(who, definition.encode())
    if not isinstance(definition, Mapping):
        raise DashboardError(f"{who}: definition is no object but {_kind(definition)}; give one dashboard.")
    try:
        text = json.dumps(definition, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    except (TypeError, ValueError) as exc:
        raise DashboardError(f"{who}: definition cannot be written as JSON: {exc}.") from None
    return dict(definition), text


def _file(who: str, path: str, settings: Settings) -> bytes:
    real = os.path.join(settings.base_dir, os.path.expanduser(path))
    try:
        with open(real, "rb") as file:
            # One byte more than fits is enough to know, also where the path is a device without an end.
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise DashboardError(f"{who}: file {real} does not exist.") from None
    except OSError as exc:
        raise DashboardError(f"{who}: file {real} cannot be read: {exc.strerror}.") from None


def _url(who: str, url: str, fetch: Callable[[str], bytes]) -> bytes:
    if not re.match(r"https?://[^/\s]", url):
        raise DashboardError(f"{who}: the url must begin with https:// or http://.")
    try:
        return fetch(url)
    except ArgolabError as exc:
        raise DashboardError(f"{who}: {_without_credentials(url)} {exc}") from None


def parse(who: str, content: bytes) -> tuple[dict[str, Any], str]:
    """The object in the content and its text, without a byte order mark (Grafana does not skip one)."""
    if len(content) > MAX_BYTES:
        raise DashboardError(f"{who}: more than {MAX_BYTES} bytes, which is all that a ConfigMap holds.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise DashboardError(f"{who}: byte {exc.start + 1} is not UTF-8; a dashboard is JSON in UTF-8.") from None
    if not text.strip():
        raise DashboardError(f"{who}: it is empty; expected the JSON of one dashboard.")
    if text.lstrip().startswith("<"):
        raise DashboardError(f"{who}: it is an HTML page, not JSON; give the address of the raw file.")
    try:
        model = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as exc:
        raise DashboardError(f"{who}: invalid JSON in line {exc.lineno}, column {exc.colno}: {exc.msg}.") from None
    except RecursionError:
        raise DashboardError(f"{who}: its JSON is nested too deeply.") from None
    except ValueError as exc:
        raise DashboardError(f"{who}: invalid JSON: {exc}.") from None
    if not isinstance(model, dict):
        raise DashboardError(f"{who}: its JSON is no object but {_kind(model)}; expected one dashboard.")
    return model, text


def check_model(who: str, model: Mapping[str, Any]) -> tuple[str, str]:
    """The uid and the title, or what keeps Grafana from loading this dashboard."""
    if "uid" not in model and isinstance(model.get("dashboard"), Mapping):
        raise DashboardError(f"{who}: this is the answer of Grafana's API; take the object below its key dashboard.")
    if "uid" not in model and "apiVersion" in model and "spec" in model:
        raise DashboardError(f"{who}: this is a Kubernetes-style resource; export the dashboard as classic JSON.")
    uid = model.get("uid")
    if uid is None or uid == "":
        raise DashboardError(f"{who}: it has no uid; set one, or links to the dashboard break whenever it is loaded.")
    if not isinstance(uid, str) or not _UID.match(uid):
        raise DashboardError(f"{who}: uid {uid!r} is not valid; Grafana takes at most 40 letters, digits, '-' and '_'.")
    title = model.get("title")
    if not isinstance(title, str) or not title.strip():
        raise DashboardError(f"{who}: it has no title, without which Grafana does not load it.")
    return uid, title


def hints(dashboards: Sequence[Dashboard]) -> list[str]:
    """What loads but will not work as hoped."""
    return [
        f"{one.source}: it was exported for sharing (it has __inputs), and Grafana fills those in only by hand. "
        "Panels will not find their data source; replace ${...} in its JSON by a variable or the data source's uid."
        for one in dashboards
        if json.loads(one.text).get("__inputs")
    ]


def _refuse_doubles(dashboards: Sequence[Dashboard]) -> None:
    uids: dict[str, Dashboard] = {}
    names: dict[tuple[str, str], Dashboard] = {}
    files: dict[tuple[str, str], Dashboard] = {}
    for one in dashboards:
        other = uids.setdefault(one.uid, one)
        if other is not one:
            raise DashboardError(
                f"{one.source} has the uid {one.uid!r} of {other.source}; Grafana would keep only one."
            )
        other = names.setdefault((one.namespace, one.name), one)
        if other is not one:
            raise DashboardError(
                f"{one.source} and {other.source} both become ConfigMap {one.name} in namespace {one.namespace}; "
                "set name on one of them."
            )
        # The sidecar writes the files of all namespaces into one folder.
        other = files.setdefault((one.folder, one.key), one)
        if other is not one:
            raise DashboardError(
                f"{one.source} and {other.source} both become file {one.key} in Grafana's dashboard folder "
                f"{one.folder or 'General'!r}; set name on one of them."
            )


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number", type(None): "null"}
    return names.get(type(value), type(value).__name__)


def _without_credentials(url: str) -> str:
    return re.sub(r"(?<=://)[^/@\s]*@", "", url)


@dataclass(frozen=True)
class Application:
    """The Argo CD Application that delivers the dashboards from git instead."""

    name: str
    namespace: str
    project: str
    repo_url: str
    path: str
    revision: str
    destination_namespace: str
    destination_server: str

    def manifest(self, settings: Settings) -> Object:
        empty = [
            key for key in ("name", "namespace", "project", "repo_url", "path", "revision") if not getattr(self, key)
        ]
        if empty:
            raise DashboardError(f"The dashboards' Application needs {', '.join(empty)}; set what is empty.")
        if self.path.startswith("/") or ".." in self.path.split("/"):
            raise DashboardError(f"path {self.path!r} must be a folder inside the repository, such as dashboards.")
        return {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {
                "name": self.name,
                "namespace": self.namespace,
                "labels": {MANAGED_BY: MANAGER, SET_LABEL: settings.set_name},
                # Without it the ConfigMaps would outlive the Application.
                "finalizers": ["resources-finalizer.argocd.argoproj.io"],
            },
            "spec": {
                "project": self.project,
                "source": {"repoURL": self.repo_url, "path": self.path, "targetRevision": self.revision},
                "destination": {
                    "server": self.destination_server,
                    "namespace": self.destination_namespace or settings.namespace,
                },
                "syncPolicy": {
                    "automated": {"prune": True, "selfHeal": True},
                    # A dashboard may be larger than the annotation of a client-side apply can be.
                    "syncOptions": ["ServerSideApply=true"],
                },
            },
        }


@dataclass(frozen=True)
class Plan:
    """What to apply now, what cannot be applied yet, what is as it should be, and what to remove."""

    apply: list[Object]
    pending: list[Object]
    current: list[Object]
    stale: list[Object]


def plan(wanted: Sequence[Object], settings: Settings, cluster: Cluster | None, check_mode: bool) -> Plan:
    """Compare with the cluster. Without one (check mode before there is any) everything is pending."""
    if cluster is None:
        return Plan([], list(wanted), [], [])
    namespaces = sorted({item["metadata"]["namespace"] for item in wanted})
    missing = [name for name in namespaces if not _exists(cluster, f"/api/v1/namespaces/{name}")]
    if missing and not check_mode:
        raise DashboardError(
            f"Namespace {', '.join(missing)} does not exist; nothing was applied. "
            "Install what belongs there first, or name another namespace."
        )
    needs_argocd = any(item["kind"] == "Application" for item in wanted)
    no_argocd = needs_argocd and not missing and not _exists(cluster, APPLICATIONS)
    if no_argocd and not check_mode:
        raise DashboardError("The cluster knows no Applications; nothing was applied. Install Argo CD first.")
    pending = [item for item in wanted if no_argocd or item["metadata"]["namespace"] in missing]
    existing = _existing(cluster, "/api/v1", "ConfigMap", settings, {settings.namespace, *namespaces})
    existing += _existing(cluster, APPLICATIONS, "Application", settings, set(namespaces))
    there = {_identity(item): item for item in existing}
    current = [item for item in wanted if _holds(there.get(_identity(item)), item)]
    to_apply = [item for item in wanted if item not in pending and item not in current]
    return Plan(to_apply, pending, current, stale(existing, wanted))


def _identity(item: Object) -> tuple[str, str, str]:
    return item["kind"], item["metadata"]["namespace"], item["metadata"]["name"]


def _holds(existing: Any, wanted: Any) -> bool:
    """Whether applying would change nothing. What others added stays theirs, as with server-side apply."""
    if isinstance(existing, Mapping) and isinstance(wanted, Mapping):
        return all(key in existing and _holds(existing[key], value) for key, value in wanted.items())
    return bool(existing == wanted)


def _exists(cluster: Cluster, path: str) -> bool:
    try:
        cluster.get(path, None)
    except KubeError as exc:
        if exc.status == 404:
            return False
        # Who may write a ConfigMap in a namespace need not be allowed to look at the namespace itself.
        if exc.status != 403:
            raise
    return True


def _existing(cluster: Cluster, api: str, kind: str, settings: Settings, namespaces: set[str]) -> list[Object]:
    """What carries the set's labels: in the whole cluster, or in the namespaces where that may not be asked."""
    plural, query = f"{kind.lower()}s", {"labelSelector": f"{MANAGED_BY}={MANAGER},{SET_LABEL}={settings.set_name}"}
    try:
        found = cluster.list(f"{api}/{plural}", query)
    except KubeError as exc:
        if exc.status == 404:
            return []  # Argo CD is not installed.
        if exc.status != 403:
            raise
        found = []
        for namespace in sorted(namespaces):
            try:
                found += cluster.list(f"{api}/namespaces/{namespace}/{plural}", query)
            except KubeError as inner:
                if inner.status not in (403, 404):
                    raise
    version = api.replace("/apis/", "").replace("/api/", "")
    return [{**item, "apiVersion": version, "kind": kind} for item in found]


def stale(existing: Sequence[Object], wanted: Sequence[Object]) -> list[Object]:
    """Of the objects that carry the set's labels, those that are no longer wanted, as identities to be removed."""
    keep = {_identity(item) for item in wanted}
    return [
        {
            "apiVersion": item["apiVersion"],
            "kind": item["kind"],
            "metadata": {"name": item["metadata"]["name"], "namespace": item["metadata"]["namespace"]},
        }
        for item in sorted(existing, key=_identity)
        if _identity(item) not in keep
    ]
