# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find and repair, through the Kubernetes API, where the cluster differs from the objects that were declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Protocol, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.helm_drift import (
    Difference,
    differences,
    merge_patch,
    normalise,
    object_name,
)
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeError


class Api(Protocol):
    """What this needs of a Kubernetes client."""

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]: ...

    def list(self, path: str, params: Mapping[str, Any] | None = None) -> Sequence[Mapping[str, Any]]: ...

    def create(self, path: str, body: Any) -> dict[str, Any]: ...

    def patch(self, path: str, body: Any, content_type: str = "application/merge-patch+json") -> dict[str, Any]: ...


@dataclass(frozen=True)
class Drift:
    """One object of the release that is gone or differs."""

    name: str
    path: str
    declared: Mapping[str, Any]
    found: tuple[Difference, ...]
    missing: bool

    @property
    def hidden(self) -> bool:
        return self.declared.get("kind") == "Secret"

    def as_dict(self) -> dict[str, Any]:
        return {
            "object": self.name,
            "action": "create" if self.missing else "patch",
            "fields": [difference.as_text(self.hidden) for difference in self.found],
        }

    def text(self, side: str) -> str:
        """One side of the diff, a line a field."""
        if self.missing:
            return "" if side == "found" else f"{self.name}\n"
        lines = []
        for difference in self.found:
            value = difference.live if side == "found" else difference.declared
            lines.append(f"{self.name} {'.'.join(difference.path)}: {'(hidden)' if self.hidden else value}\n")
        return "".join(lines)


def incomplete(definitions: Sequence[Mapping[str, Any]]) -> str:
    """What the first unusable definition lacks; empty when all can be used."""
    for index, item in enumerate(definitions):
        metadata = item.get("metadata")
        for name, value in (
            ("apiVersion", item.get("apiVersion")),
            ("kind", item.get("kind")),
            ("metadata.name", metadata.get("name") if isinstance(metadata, dict) else None),
        ):
            if not isinstance(value, str) or not value:
                return f"definitions[{index}] has no {name}; expected apiVersion, kind and metadata.name in each."
    return ""


class UnknownKindError(DefiniteError):
    """The cluster does not serve a kind."""


class DeclaredObjects:
    """Compares objects with the cluster: one list call for each kind and namespace.

    :param namespace: for objects that name none.
    :param tolerant: take what cannot be looked at, because its kind, its namespace or the whole cluster is not there
        yet, for missing, and say so in C(uncertain). For check mode, where it would have been made before.
    """

    def __init__(
        self, client: Api, objects: Sequence[Mapping[str, Any]], namespace: str, tolerant: bool = False
    ) -> None:
        self._client = client
        self._objects = objects
        self._namespace = namespace
        self._tolerant = tolerant
        self.uncertain = False
        self._resources: dict[str, dict[str, tuple[str, bool]]] = {}
        self._lists: dict[str, dict[str, Mapping[str, Any]]] = {}

    @property
    def compared(self) -> int:
        return len(self._objects)

    def _resource(self, api_version: str, kind: str) -> tuple[str, bool]:
        """Plural name of a kind, and whether it lives in a namespace."""
        if api_version not in self._resources:
            prefix = "/api/" if "/" not in api_version else "/apis/"
            try:
                answer = self._client.get(prefix + api_version)
            except KubeError as error:
                if error.status != 404:
                    raise
                answer = {}
            self._resources[api_version] = {
                entry["kind"]: (entry["name"], bool(entry["namespaced"]))
                for entry in answer.get("resources", [])
                if "/" not in entry["name"]
            }
        try:
            return self._resources[api_version][kind]
        except KeyError as exc:
            raise UnknownKindError(
                f"the cluster does not know kind {kind} of {api_version}: are its CRDs installed?"
            ) from exc

    def _collection(self, item: Mapping[str, Any]) -> str:
        api_version = str(item["apiVersion"])
        plural, namespaced = self._resource(api_version, str(item["kind"]))
        prefix = "/api/" if "/" not in api_version else "/apis/"
        if not namespaced:
            return f"{prefix}{api_version}/{plural}"
        namespace = (item.get("metadata") or {}).get("namespace") or self._namespace
        return f"{prefix}{api_version}/namespaces/{namespace}/{plural}"

    def _live(self, collection: str, name: str) -> Mapping[str, Any] | None:
        if collection not in self._lists:
            self._lists[collection] = {entry["metadata"]["name"]: entry for entry in self._client.list(collection)}
        return self._lists[collection].get(name)

    def find(self) -> Sequence[Drift]:
        """Every object of the release that is gone or differs, in the manifest's order."""
        result = []
        for item in self._objects:
            name = item["metadata"]["name"]
            title = object_name(item, self._namespace)
            collection, live = "", None
            try:
                collection = self._collection(item)
                live = self._live(collection, name)
            except (KubeError, UnknownKindError) as error:
                if not self._tolerant or getattr(error, "status", 0) not in (0, 404):
                    raise
                self.uncertain = True
            if live is None:
                result.append(Drift(title, collection, item, (), True))
                continue
            found = differences(normalise(item), live)
            if found:
                result.append(Drift(title, f"{collection}/{name}", item, tuple(found), False))
        return result

    def repair(self, drift: Sequence[Drift]) -> None:
        """Create what is gone and set back what differs."""
        for item in drift:
            if item.missing:
                self._client.create(item.path, item.declared)
            else:
                self._client.patch(item.path, merge_patch(normalise(item.declared), item.found))


def have(
    client: Api, definitions: Sequence[Mapping[str, Any]], namespace: str, check_mode: bool
) -> tuple[Sequence[Drift], bool]:
    """Have objects as they are declared: what differed, and whether something could not be looked at.

    :param check_mode: change nothing, and cope with what would have been made before.
    :raises DefiniteError: before anything is asked, where a definition cannot be used.
    """
    problem = incomplete(definitions)
    if problem:
        raise DefiniteError(problem)
    objects = DeclaredObjects(client, definitions, namespace, tolerant=check_mode)
    drift = objects.find()
    if not check_mode:
        objects.repair(drift)
    return drift, objects.uncertain


def diff_of(drift: Sequence[Drift]) -> dict[str, str]:
    """Both sides, for diff mode."""
    return {
        "before": "".join(item.text("found") for item in drift),
        "after": "".join(item.text("declared") for item in drift),
    }
