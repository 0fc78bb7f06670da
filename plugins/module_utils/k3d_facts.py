# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules M(argolab.observability.k3d_cluster) and k3d_cluster_info tell about a cluster."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.argolab.observability.plugins.module_utils.k3d_kubeconfig import server_url
from ansible_collections.argolab.observability.plugins.module_utils.k3d_state import Cluster, health


def cluster_facts(cluster: Cluster) -> Dict[str, Any]:
    """Return what the modules tell about a cluster. No tokens, and no variables, which may hold secrets."""
    state, problems = health(cluster)
    return {
        "name": cluster.name,
        "state": state,
        "problems": problems,
        "context": f"k3d-{cluster.name}",
        "api_server": server_url(cluster),
        "network": cluster.network,
        "subnet": cluster.subnet,
        "ports": [str(port) for port in sorted(cluster.ports)],
        "nodes": [node.as_dict() for node in cluster.nodes],
    }
