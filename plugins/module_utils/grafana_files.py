# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sidecar of Grafana's chart makes of ConfigMaps, and what Grafana's file provider makes of that.

Both are silent where something is wrong: the sidecar looks at no content and lets the last of two equal files win, and
the provider only logs what it cannot load. So it is predicted here from the objects alone.
Sources: the environment of k8s-sidecar 2.10, and Grafana's C(pkg/services/provisioning/dashboards).
"""

from __future__ import annotations

import base64
import binascii
import json
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.quick_yaml import load_yaml

FOLDER_ANNOTATION = "k8s-sidecar-target-directory"
PROVISIONING = "/etc/grafana/provisioning/dashboards"
_UID = re.compile(r"[a-zA-Z0-9_-]{1,40}\Z")


@dataclass(frozen=True)
class Sidecar:
    """How the container is set that writes dashboards.

    :param value: V("") takes any value of the label.
    :param namespaces: those that are searched; V(None) for all of them.
    :param kinds: V(ConfigMap) and V(Secret), as far as they are watched.
    :param container: name of the container, for its log.
    """

    label: str
    value: str
    folder: str
    annotation: str = FOLDER_ANNOTATION
    namespaces: tuple[str, ...] | None = None
    kinds: tuple[str, ...] = ("ConfigMap",)
    unique: bool = False
    container: str = "grafana-sc-dashboard"


@dataclass(frozen=True)
class Provider:
    """How Grafana reads the sidecar's folder.

    :param folder: title of the folder in Grafana where files do not decide; empty for none.
    :param from_files: whether a file's folder on disk decides its folder in Grafana.
    """

    path: str
    folder: str = ""
    from_files: bool = False


@dataclass(frozen=True)
class DashboardFile:
    """One key of an object with dashboards, and the file that it becomes.

    :param path: where the sidecar writes it; empty where it does not.
    :param problem: cause and reason why Grafana does not load the file as it is, both empty where it does.
    """

    kind: str
    namespace: str
    name: str
    key: str
    path: str = ""
    problem: tuple[str, str] = ("", "")
    model: Mapping[str, Any] = field(default_factory=dict)
    folder: str = ""

    @property
    def source(self) -> str:
        prefix = "" if self.kind == "ConfigMap" else "secret "
        return f"{prefix}{self.namespace}/{self.name} {self.key}"

    @property
    def uid(self) -> str:
        return str(self.model.get("uid") or "")

    @property
    def title(self) -> str:
        return str(self.model.get("title") or "")


def sidecar_from_pod(spec: Mapping[str, Any], namespace: str) -> Sidecar | None:
    """The dashboards' sidecar among the containers of a pod; V(None) where there is none."""
    for container in spec.get("containers") or []:
        env = {item.get("name"): item.get("value") for item in container.get("env") or [] if isinstance(item, Mapping)}
        about = f"{container.get('name')} {env.get('REQ_URL') or ''}"
        if not (env.get("LABEL") and env.get("FOLDER")) or "dashboard" not in about:
            continue
        searched = [part.strip() for part in str(env.get("NAMESPACE") or namespace).split(",") if part.strip()]
        kinds = {"secret": ("Secret",), "both": ("ConfigMap", "Secret")}
        return Sidecar(
            label=str(env["LABEL"]),
            value=str(env.get("LABEL_VALUE") or ""),
            folder=str(env["FOLDER"]),
            annotation=str(env.get("FOLDER_ANNOTATION") or FOLDER_ANNOTATION),
            namespaces=None if "ALL" in searched else tuple(searched),
            kinds=kinds.get(str(env.get("RESOURCE") or "").lower(), ("ConfigMap",)),
            unique=str(env.get("UNIQUE_FILENAMES") or "").lower() == "true",
            container=str(container.get("name")),
        )
    return None


def provider_map(spec: Mapping[str, Any]) -> str:
    """Name of the ConfigMap that a pod mounts among Grafana's dashboard providers; empty where it mounts none."""
    volumes = {
        volume.get("name"): (volume.get("configMap") or {}).get("name") or "" for volume in spec.get("volumes") or []
    }
    for container in spec.get("containers") or []:
        for mount in container.get("volumeMounts") or []:
            name = volumes.get(mount.get("name"))
            if name and str(mount.get("mountPath") or "").startswith(PROVISIONING):
                return str(name)
    return ""


def provider_from_texts(texts: Iterable[str], folder: str) -> Provider | None:
    """The provider that reads the sidecar's folder; V(None) where none does."""
    import yaml

    for text in texts:
        try:
            content = load_yaml(text)
        except yaml.YAMLError:
            continue
        for item in (content.get("providers") or []) if isinstance(content, Mapping) else []:
            options = (item.get("options") or {}) if isinstance(item, Mapping) else {}
            path = posixpath.normpath(str(options.get("path") or "/nowhere"))
            if path == posixpath.normpath(folder) or posixpath.normpath(folder).startswith(f"{path}/"):
                return Provider(path, str(item.get("folder") or ""), bool(options.get("foldersFromFilesStructure")))
    return None


def label_problem(obj: Mapping[str, Any], sidecar: Sidecar) -> tuple[str, str]:
    """Cause and reason why the sidecar does not take an object; both empty where it does."""
    metadata = obj.get("metadata") or {}
    labels, namespace = metadata.get("labels") or {}, str(metadata.get("namespace") or "")
    kind = str(obj.get("kind") or "ConfigMap")
    if kind not in sidecar.kinds:
        return "kind_not_watched", f"the sidecar watches {' and '.join(sidecar.kinds)} only"
    if sidecar.label not in labels:
        have = ", ".join(sorted(labels)) or "none"
        return "wrong_label_key", f"the sidecar looks for the label {sidecar.label}; the labels are: {have}"
    if sidecar.value and str(labels[sidecar.label]) != sidecar.value:
        return "wrong_label_value", (
            f"the label {sidecar.label} is {labels[sidecar.label]!r}, and the sidecar looks for {sidecar.value!r}"
        )
    if sidecar.namespaces is not None and namespace not in sidecar.namespaces:
        return "namespace_not_searched", f"the sidecar searches {', '.join(sidecar.namespaces)} only"
    return "", ""


def files_of(obj: Mapping[str, Any], sidecar: Sidecar, provider: Provider) -> list[DashboardFile]:
    """The files that an object becomes, one for each key; where it is not taken, each with that problem."""
    metadata = obj.get("metadata") or {}
    kind = str(obj.get("kind") or "ConfigMap")
    namespace, name = str(metadata.get("namespace") or ""), str(metadata.get("name") or "")
    refused = label_problem(obj, sidecar)
    annotation = str((metadata.get("annotations") or {}).get(sidecar.annotation) or "")
    found = []
    for key, content in sorted(contents(obj).items()):
        if refused[0]:
            found.append(DashboardFile(kind, namespace, name, key, problem=refused))
            continue
        file = key[: -len(".url")] if key.endswith(".url") else key
        if sidecar.unique:
            file = f"namespace_{namespace}.{kind.lower()}_{name}.{file}"
        path = posixpath.normpath(posixpath.join(sidecar.folder, annotation, file))
        model, problem = ({}, _fetched(key)) if key.endswith(".url") else read_model(content)
        problem = path_problem(path, annotation, provider) if not problem[0] else problem
        folder = folder_of(path, provider)
        found.append(DashboardFile(kind, namespace, name, key, path, problem, model, folder))
    return found


def _fetched(key: str) -> tuple[str, str]:
    return "url_key", (
        f"the key {key} makes the sidecar fetch the address in it; when that fails it only logs it, "
        "and what it got is not known here"
    )


def contents(obj: Mapping[str, Any]) -> dict[str, bytes]:
    """What each key of a ConfigMap or Secret holds."""
    secret = obj.get("kind") == "Secret"
    found: dict[str, bytes] = {}
    for values, encoded in ((obj.get("data"), secret), (obj.get("binaryData"), True)):
        for key, value in (values or {}).items() if isinstance(values, Mapping) else ():
            try:
                found[str(key)] = base64.b64decode(str(value), validate=True) if encoded else str(value).encode()
            except (binascii.Error, ValueError):
                found[str(key)] = b""
    return found


def read_model(content: bytes) -> tuple[dict[str, Any], tuple[str, str]]:
    """The dashboard in a file, and the cause and reason why Grafana does not load it."""
    try:
        model = json.loads(content.decode())
    except UnicodeDecodeError:
        return {}, ("invalid_json", "it is not text in UTF-8")
    except json.JSONDecodeError as error:
        return {}, ("invalid_json", f"its JSON is broken in line {error.lineno}, column {error.colno}: {error.msg}")
    except (ValueError, RecursionError):
        return {}, ("invalid_json", "its JSON is nested too deeply")
    if not isinstance(model, dict):
        return {}, ("invalid_json", f"its JSON is no object but a {type(model).__name__}")
    title, uid = model.get("title"), model.get("uid")
    if not isinstance(title, str) or not title.strip():
        return model, ("no_title", "it has no title, without which Grafana does not load it")
    if uid in (None, ""):
        return model, ("no_uid", "it has no uid, so Grafana gives it another one each time, and no link to it lasts")
    if not isinstance(uid, str) or not _UID.match(uid):
        return model, ("illegal_uid", f"its uid {uid!r} is none: at most 40 letters, digits, '-' and '_'")
    return model, ("", "")


def path_problem(path: str, annotation: str, provider: Provider) -> tuple[str, str]:
    """Cause and reason why Grafana does not read a file where it is, or not into the folder that was asked for."""
    if not path.startswith(f"{provider.path.rstrip('/')}/"):
        return "folder_outside", f"its folder annotation leads to {path}, outside of {provider.path}"
    if not path.endswith(".json"):
        return "not_json_name", f"Grafana reads only files that end in .json, not {posixpath.basename(path)}"
    inside = posixpath.dirname(path)[len(provider.path) :]
    if any(part.startswith(".") for part in inside.split("/")):
        return "folder_hidden", f"Grafana skips folders that begin with a dot, and the file is {path}"
    if annotation and not provider.from_files:
        return "folder_ignored", (
            f"its folder annotation says {annotation!r}, and Grafana takes folders from files only with "
            "foldersFromFilesStructure"
        )
    return "", ""


def folder_of(path: str, provider: Provider) -> str:
    """Title of the folder in Grafana of a file; empty for the one that has no name."""
    if not provider.from_files:
        return provider.folder
    parent = posixpath.dirname(path)
    return "" if parent == provider.path else posixpath.basename(parent)


def collisions(files: Sequence[DashboardFile]) -> dict[str, tuple[str, str]]:
    """Cause and reason for each source that another one gets in the way of.

    Of equal files the sidecar keeps the last. Equal uids, or equal titles in one folder, make Grafana take away the
    provider's right to write after it has looked, until a reload starts over; then the last of them wins.
    """
    found: dict[str, tuple[str, str]] = {}
    kept: dict[str, DashboardFile] = {}
    for file in files:
        if not file.path:
            continue
        other = kept.setdefault(file.path, file)
        if other is not file:
            for one, two in ((file, other), (other, file)):
                found.setdefault(one.source, (
                    "same_file",
                    f"it becomes the same file {file.path} as {two.source}; the one that was written last wins",
                ))  # fmt: skip
    loaded = [file for file in kept.values() if file.title and file.problem[0] in ("", "no_uid", "folder_ignored")]
    uids: dict[str, DashboardFile] = {}
    titles: dict[tuple[str, str], DashboardFile] = {}
    for file in loaded:
        same_uid = uids.setdefault(file.uid, file) if file.uid else file
        same_title = titles.setdefault((file.folder, file.title), file)
        for cause, what, other in (
            ("duplicate_uid", f"uid {file.uid}", same_uid),
            ("duplicate_title", f"title {file.title!r} in the same folder", same_title),
        ):
            if other is not file:
                for one, two in ((file, other), (other, file)):
                    found.setdefault(one.source, (
                        cause,
                        f"it has the {what} of {two.source}: one hides the other, and no change is loaded any more",
                    ))  # fmt: skip
    return found
