# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hand the access of O(kubeconfig) and O(context) on to the program helm, which takes files only."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.kube_access import (
    IN_CLUSTER,
    is_inline,
    load_kubeconfig,
    private_file,
)

_RELATIVE = {"cluster": ("certificate-authority",), "user": ("client-certificate", "client-key", "tokenFile")}


def absolute_paths(kubeconfig: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """A kubeconfig that means the same files wherever it is written to."""

    def body(kind: str, content: Any) -> Any:
        if not isinstance(content, Mapping):
            return content
        return {
            key: os.path.join(folder, value) if key in _RELATIVE[kind] and isinstance(value, str) and value else value
            for key, value in content.items()
        }

    result = dict(kubeconfig)
    for kind in _RELATIVE:
        entries = kubeconfig.get(f"{kind}s")
        if isinstance(entries, list):
            result[f"{kind}s"] = [
                {**entry, kind: body(kind, entry.get(kind))} if isinstance(entry, Mapping) else entry
                for entry in entries
            ]
    return result


@contextlib.contextmanager
def helm_access(kubeconfig: Any, context: str | None = None) -> Iterator[list[str]]:
    """Arguments of helm for one cluster.

    A mapping or a text becomes a file that only this user can read, for as long as the block runs. Without a
    kubeconfig, and with V(in-cluster), that file is empty: helm then takes the pod's service account, and never the
    user's default file.
    """
    content = None
    if kubeconfig is None or kubeconfig == IN_CLUSTER:
        content = "{}"
    elif isinstance(kubeconfig, Mapping) or is_inline(kubeconfig):
        content = json.dumps(absolute_paths(load_kubeconfig(kubeconfig)[0], os.getcwd()))
    with private_file(content) as path:
        arguments = ["--kubeconfig", path or os.path.expanduser(str(kubeconfig))]
        yield arguments + (["--kube-context", context] if context else [])
