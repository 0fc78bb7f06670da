# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the options around dashboards may be."""

from __future__ import annotations

from typing import Dict

from ansible_collections.argolab.observability.plugins.module_utils.limits import Limit

DASHBOARDS_LIMITS: Dict[str, Limit] = {
    # An empty folder is Grafana's own, General.
    "dashboards": {"options": {"folder": {"empty_ok": True}}},
    "label": {"form": "label"},
    "label_value": {"form": "label_value"},
    "folder_annotation": {"form": "label"},
    "set_name": {"form": "label_value"},
    "application": {
        "options": {
            "name": {"form": "kube_name"},
            "namespace": {"form": "namespace"},
            "project": {"form": "kube_name"},
            "repo_url": {"form": "git_url"},
            "path": {"form": "inner_path"},
            "revision": {"form": "word"},
        }
    },
}
