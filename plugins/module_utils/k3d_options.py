# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a k3d cluster, and what they may be."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.argolab.observability.plugins.module_utils.limits import PORT, Limit

K3D_CLUSTER_LIMITS: Dict[str, Limit] = {
    "name": {"form": "cluster_name"},
    "servers": {"minimum": 1},
    "agents": {"minimum": 0},
    "image": {"form": "image"},
    "api_host": {"form": "host_name"},
    "network": {"form": "word"},
    "subnet": {"form": "subnet"},
    "volumes": {"form": "volume"},
    "env": {"form": "environment"},
    "k3s_args": {"form": "program_argument"},
    "tls_sans": {"form": "subject_name"},
    "node_labels": {"form": "runtime_label"},
    "runtime_labels": {"form": "runtime_label"},
    "runtime_ulimits": {"form": "ulimit"},
    "host_aliases": {"form": "host_alias"},
    "servers_memory": {"form": "memory"},
    "agents_memory": {"form": "memory"},
    "loadbalancer_image": {"form": "image"},
    "tools_image": {"form": "image"},
    "token": {"form": "token"},
    "minimum_inotify_instances": {"minimum": 0},
    "registries": {
        "empty_ok": True,
        "options": {
            "create": {
                "options": {
                    "name": {"form": "host_name"},
                    "host": {"form": "ip_address"},
                    "port": PORT,
                    "image": {"form": "image"},
                    "volumes": {"form": "volume"},
                    "proxy": {
                        "options": {
                            "remote_url": {"form": "url"},
                            "username": {"form": "word"},
                            "password": {"form": "text"},
                        }
                    },
                },
            },
            "use": {"form": "registry"},
            "config": {},
        },
    },
}

_TEXTS = {"type": "list", "elements": "str", "default": []}

K3D_CLUSTER_SPEC: Dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent", "started", "stopped"], "default": "present"},
    "k3d_binary": {"type": "path", "default": "k3d"},
    "docker_host": {"type": "str"},
    "servers": {"type": "int", "default": 1},
    "agents": {"type": "int", "default": 0},
    "image": {"type": "str"},
    "api_port": {"type": "str", "default": "127.0.0.1:6443"},
    "api_host": {"type": "str"},
    "loadbalancer": {"type": "bool", "default": True},
    "ports": {"type": "list", "elements": "raw", "default": []},
    "network": {"type": "str"},
    "subnet": {"type": "str"},
    "volumes": _TEXTS,
    "env": _TEXTS,
    "k3s_args": _TEXTS,
    "tls_sans": _TEXTS,
    "node_labels": _TEXTS,
    "runtime_labels": _TEXTS,
    "runtime_ulimits": _TEXTS,
    "host_aliases": _TEXTS,
    "servers_memory": {"type": "str"},
    "agents_memory": {"type": "str"},
    "registries": {
        "type": "dict",
        "default": {},
        "options": {
            "create": {
                "type": "dict",
                "options": {
                    "name": {"type": "str"},
                    "host": {"type": "str", "default": "0.0.0.0"},
                    "port": {"type": "int"},
                    "image": {"type": "str", "default": "docker.io/library/registry:2"},
                    "volumes": _TEXTS,
                    "proxy": {
                        "type": "dict",
                        "options": {
                            "remote_url": {"type": "str", "required": True},
                            "username": {"type": "str"},
                            "password": {"type": "str", "no_log": True},
                        },
                    },
                },
            },
            "use": _TEXTS,
            # The configs hold passwords.
            "config": {"type": "dict", "default": {}, "no_log": True},
        },
    },
    "loadbalancer_image": {"type": "str"},
    "tools_image": {"type": "str"},
    "token": {"type": "str", "no_log": True},
    "kubeconfig": {"type": "path"},
    "api_check": {"type": "bool", "default": True},
    "recreate": {"type": "str", "choices": ["never", "on_drift"], "default": "never"},
    "minimum_disk_gib": {"type": "float", "default": 5},
    "minimum_memory_gib": {"type": "float", "default": 1},
    "minimum_inotify_instances": {"type": "int"},
    "timeout": {"type": "int", "default": 180},
}
