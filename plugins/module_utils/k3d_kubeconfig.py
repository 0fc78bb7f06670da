# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kubeconfig of a k3d cluster: a file of its own, readable by its owner only, with an address that works."""

from __future__ import annotations

import os
import stat
import tempfile
from typing import Any, Dict, Mapping, Optional

from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.k3d_state import Cluster
from ansible_collections.argolab.observability.plugins.module_utils.quick_yaml import load_yaml


def server_url(cluster: Cluster) -> str:
    """Return the API server's address for clients: by its name, or else for those on this host.

    The wildcard address, which k3d would write, is no place to connect to, and no proxy exception matches it.
    """
    address = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(cluster.api_address, cluster.api_address)
    host = cluster.api_host or address
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"https://{host}:{cluster.api_port}"


def rewritten(text: str, url: str) -> Dict[str, Any]:
    """Read the kubeconfig that k3d prints and give its clusters the address."""
    import yaml

    try:
        config = load_yaml(text)
        for entry in config["clusters"]:
            entry["cluster"]["server"] = url
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise ArgolabError("k3d printed something that is no kubeconfig") from error
    return dict(config)


def usable(path: str, context: str, url: str) -> Optional[Dict[str, Any]]:
    """Return the content of a private kubeconfig that has the context with the address, None for any other."""
    import yaml

    try:
        if stat.S_IMODE(os.stat(path).st_mode) != 0o600:
            return None
        with open(path, encoding="utf-8") as handle:
            config = load_yaml(handle.read())
        named = {entry["name"]: entry["context"] for entry in config["contexts"]}
        servers = {entry["name"]: entry["cluster"]["server"] for entry in config["clusters"]}
        return dict(config) if servers[named[context]["cluster"]] == url else None
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError):
        return None


def write_private(path: str, config: Mapping[str, Any]) -> None:
    """Write a kubeconfig with mode 0600, whole or not at all."""
    import yaml

    default = os.path.realpath(os.path.join(os.path.expanduser("~"), ".kube", "config"))
    if os.path.realpath(path) == default:
        raise DefiniteError(
            f"kubeconfig {path} is your default one, which holds other clusters: give a file for this cluster alone"
        )
    folder = os.path.dirname(os.path.abspath(path))
    os.makedirs(folder, mode=0o755, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".kubeconfig-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            yaml.safe_dump(dict(config), stream, sort_keys=False)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def api_ready(config: Mapping[str, Any], context: str) -> Optional[str]:
    """Ask the API server whether it is ready; return None where it is, else what it said."""
    from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient

    try:
        KubeClient(dict(config), context, request_timeout=5.0).raw("/readyz")
    except ArgolabError as error:
        return str(error)
    return None


def forget_node(config: Mapping[str, Any], context: str, name: str) -> None:
    """Remove a Node object whose container is gone; its pods are made anew elsewhere."""
    from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient, KubeError

    try:
        KubeClient(dict(config), context, request_timeout=10.0).delete(f"/api/v1/nodes/{name}")
    except KubeError as error:
        if error.status != 404:
            raise
