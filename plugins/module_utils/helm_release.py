# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Helm release declared, compared with the cluster."""

from __future__ import annotations

import base64
import re
from typing import Any, Mapping, Sequence

from ansible_collections.argolab.observability.plugins.module_utils import helm_state
from ansible_collections.argolab.observability.plugins.module_utils.declared_objects import Api, DeclaredObjects
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeError
from ansible_collections.argolab.observability.plugins.module_utils.quick_yaml import load_yaml

_HOOK = "helm.sh/hook"
_DOCUMENT_END = re.compile(r"^---.*$", re.MULTILINE)
# A CRD's schema is megabytes that the API server rewrites, and PyYAML can not parse those of the operator.
_CRD = re.compile(r"^kind: *CustomResourceDefinition *$", re.MULTILINE)


def parse_manifest(manifest: str) -> list[dict[str, Any]]:
    """The objects of a manifest, without hooks and CRDs."""
    try:
        import yaml
    except ImportError as exc:
        raise DefiniteError("the manifest of a release can only be read with PyYAML, which this Python lacks") from exc
    try:
        loaded = [load_yaml(text) for text in _DOCUMENT_END.split(manifest) if not _CRD.search(text)]
    except yaml.YAMLError as exc:
        raise DefiniteError(f"the manifest of the release is not valid YAML: {exc}") from exc
    return [
        item
        for item in loaded
        if isinstance(item, dict) and _HOOK not in ((item.get("metadata") or {}).get("annotations") or {})
    ]


def release_secrets(client: Api, name: str, namespace: str, status: str = "") -> Sequence[Mapping[str, Any]]:
    """The Secrets in which Helm keeps the revisions of a release.

    :param status: only revisions with this one.
    """
    selector = f"owner=helm,name={name}" + (f",status={status}" if status else "")
    return client.list(f"/api/v1/namespaces/{namespace}/secrets", {"labelSelector": selector})


def secrets_to_write(client: Api, namespace: str, wanted: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the Secrets that do not exist, or do not hold what they are to.

    :param wanted: each with C(name), and C(data): the values that matter, as text.
    """
    found = []
    for item in wanted:
        try:
            held = client.get(f"/api/v1/namespaces/{namespace}/secrets/{item['name']}").get("data") or {}
        except KubeError as error:
            if error.status != 404:
                raise
            found.append(item["name"])
            continue
        wanted_data = {key: base64.b64encode(str(text).encode()).decode() for key, text in item["data"].items()}
        if any(held.get(key) != value for key, value in wanted_data.items()):
            found.append(item["name"])
    return found


def deployed_manifest(client: Api, name: str, namespace: str) -> str:
    """What the deployed revision of a release made.

    :raises DefiniteError: there is none.
    """
    found = helm_state.newest(release_secrets(client, name, namespace, helm_state.DEPLOYED))
    if not found:
        raise DefiniteError(
            f"no revision of release {name} is deployed in namespace {namespace}. "
            f"See: helm history {name} --namespace {namespace}"
        )
    return helm_state.revision_from_secret(found[0]).manifest


class ReleaseDrift(DeclaredObjects):
    """The objects of a release's manifest."""

    def __init__(self, client: Api, manifest: str, namespace: str) -> None:
        super().__init__(client, parse_manifest(manifest), namespace)
