# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dashboards of the cluster in Grafana, as M(grafana_dashboards_info) sees them."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.cluster_access import kube_from_params
from ansible_collections.argolab.observability.plugins.module_utils.explained import poll_of, skipped
from ansible_collections.argolab.observability.plugins.module_utils.grafana_access import (
    GRAFANA_ACCESS_ARGUMENT_SPEC,
    grafana_from_params,
)
from ansible_collections.argolab.observability.plugins.module_utils.grafana_reader import GrafanaReader
from ansible_collections.argolab.observability.plugins.module_utils.part import Look, Params, Part

WHAT = "Grafana's dashboards"


def look(params: Params) -> Look:
    if params["skip"]:
        return Look(lambda: poll_of([skipped(WHAT, "in Grafana", params["skip"])]))
    kube = kube_from_params(params)
    grafana = grafana_from_params(kube, params)

    def limit(seconds: float | None) -> None:
        kube.limit(seconds)
        grafana.limit(None if seconds is None else time.monotonic() + seconds)

    reader = GrafanaReader(
        kube,
        grafana,
        params["grafana_namespace"],
        params["grafana_service"],
        params["required"],
        params["ignored"],
        params["datasources"],
    )
    return Look(reader.poll, lambda found: found or {}, limit=limit, access=grafana.name)


_NAMES: dict[str, Any] = {"type": "list", "elements": "str", "default": []}

PART = Part(
    title="Grafana does not have every dashboard as it is",
    what=WHAT,
    spec={
        **GRAFANA_ACCESS_ARGUMENT_SPEC,
        "required": _NAMES,
        "ignored": _NAMES,
        "datasources": {**_NAMES, "default": ["prometheus"]},
        "skip": {"type": "str", "default": ""},
    },
    limits={
        "grafana": {"options": {"url": {"form": "url"}}},
        "grafana_namespace": {"form": "namespace"},
        "grafana_service": {"form": "service_port"},
        "admin_secret": {"form": "kube_name"},
        "admin_user_key": {"form": "marker"},
        "admin_password_key": {"form": "marker"},
        "required": {"form": "namespaced_name"},
        "ignored": {"form": "namespaced_name"},
        "datasources": {"form": "marker"},
    },
    look=look,
)
