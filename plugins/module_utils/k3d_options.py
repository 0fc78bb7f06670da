# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the options of a k3d cluster may be."""

from __future__ import annotations

from typing import Dict

from ansible_collections.argolab.observability.plugins.module_utils.limits import Limit

K3D_CLUSTER_LIMITS: Dict[str, Limit] = {
    "name": {"form": "cluster_name"},
    "servers": {"minimum": 1},
    "agents": {"minimum": 0},
    "image": {"form": "image"},
    "network": {"form": "word"},
    "subnet": {"form": "subnet"},
    "volumes": {"form": "volume"},
    "env": {"form": "environment"},
    "k3s_args": {"form": "program_argument"},
    "node_labels": {"form": "runtime_label"},
    "runtime_labels": {"form": "runtime_label"},
    "runtime_ulimits": {"form": "ulimit"},
    "host_aliases": {"form": "host_alias"},
    "servers_memory": {"form": "memory"},
    "agents_memory": {"form": "memory"},
    "loadbalancer_image": {"form": "image"},
    "tools_image": {"form": "image"},
    "token": {"form": "word"},
}
