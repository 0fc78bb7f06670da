# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Helm release declared, compared with the cluster."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.declared_objects import Api, DeclaredObjects
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError

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
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        loaded = [yaml.load(text, Loader=loader) for text in _DOCUMENT_END.split(manifest) if not _CRD.search(text)]
    except yaml.YAMLError as exc:
        raise DefiniteError(f"the manifest of the release is not valid YAML: {exc}") from exc
    return [
        item
        for item in loaded
        if isinstance(item, dict) and _HOOK not in ((item.get("metadata") or {}).get("annotations") or {})
    ]


class ReleaseDrift(DeclaredObjects):
    """The objects of a release's manifest."""

    def __init__(self, client: Api, manifest: str, namespace: str) -> None:
        super().__init__(client, parse_manifest(manifest), namespace)
