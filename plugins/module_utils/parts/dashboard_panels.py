# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Panels of dashboards, as M(dashboard_panels) sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.dashboard_checks import allowances
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_plots import remove_plots, write_plots
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_reader import DashboardReader, Settings
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_sources import (
    Found,
    read_config_maps,
    read_files,
    read_grafana,
)
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_time import seconds_of
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.grafana_api import (
    GRAFANA_OPTIONS,
    grafana_from_options,
)
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient
from ansible_collections.argolab.observability.plugins.module_utils.limits import Limit
from ansible_collections.argolab.observability.plugins.module_utils.part import Look, Params, Part
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_access import (
    ACCESS_ARGUMENT_SPEC,
    client_from_params,
)
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import PrometheusClient

# Hundreds of queries take longer than one request may; so much time a look has, also where nothing is waited for.
LOOK_SECONDS = 30.0
_NAMES: dict[str, Any] = {"type": "list", "elements": "str", "default": []}

DASHBOARD_OPTIONS: dict[str, Any] = {
    "files": _NAMES,
    "config_maps": {
        "type": "dict",
        "options": {
            "label": {"type": "str", "default": "grafana_dashboard"},
            "label_value": {"type": "str", "default": "1"},
            "namespaces": _NAMES,
        },
    },
    "grafana": {"type": "dict", "options": {**GRAFANA_OPTIONS, "folders": _NAMES, "uids": _NAMES}},
    "allowed_empty": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "dashboard": {"type": "str", "default": "*"},
            "panel": {"type": "str", "required": True},
            "reason": {"type": "str"},
        },
    },
    "event_metrics": {"type": "list", "elements": "str", "default": []},
    "range": {"type": "str", "default": "15m"},
    "scrape_interval": {"type": "str"},
    "plots_path": {"type": "path"},
}
DASHBOARD_LIMITS: dict[str, Limit] = {
    "config_maps": {
        "empty_ok": True,
        "options": {
            "label": {"form": "label"},
            "label_value": {"form": "label_value", "empty_ok": True},
            "namespaces": {"form": "namespace"},
        },
    },
    "event_metrics": {"form": "word"},
    "range": {"form": "duration"},
    "scrape_interval": {"form": "duration"},
}


def look(params: Params) -> Look:
    config_maps, grafana_options = params.get("config_maps"), params.get("grafana")
    if not params["files"] and config_maps is None and not grafana_options:
        raise DefiniteError(
            "nothing says where the dashboards are: give files, config_maps (an empty mapping takes the charts' label) "
            "or grafana."
        )
    prometheus = _prometheus(params)
    span, scrape = _duration(params, "range"), _duration(params, "scrape_interval")
    timeout = params["request_timeout"]
    kube = KubeClient(params.get("kubeconfig"), params.get("context"), timeout) if config_maps is not None else None
    grafana = grafana_from_options(grafana_options, timeout) if grafana_options else None
    # a wrong path is a mistake in the options, to be said before anything is asked
    read_files(params["files"])

    def read() -> Found:
        files = read_files(params["files"])
        mapped = read_config_maps(kube, config_maps or {}) if kube else Found()
        found = read_grafana(grafana, grafana_options or {}) if grafana else Found()
        return Found(
            [*files, *mapped.dashboards, *found.dashboards], found.datasources, [*mapped.missing, *found.missing]
        )

    allowed = allowances(params["allowed_empty"])
    reader = DashboardReader(prometheus, read, Settings(span or 900.0, scrape, allowed, params["event_metrics"]))
    path = params.get("plots_path")

    def write() -> dict[str, Any]:
        content = reader.plots() if path else None
        if not path or content is None:
            # what an earlier run saw must not be taken for what this one did not
            remove_plots(path)
            return {}
        write_plots(path, content)
        return {"plots_path": path}

    return Look(
        reader.poll,
        extra=lambda _value: reader.result(),
        explain=reader.explain,
        limit=lambda seconds: prometheus.limit(None if seconds is None else max(seconds, LOOK_SECONDS)),
        access=prometheus.description,
        write=write,
    )


def _prometheus(params: Mapping[str, Any]) -> PrometheusClient:
    """By URL where there is one; a kubeconfig beside it is then only for the ConfigMaps."""
    if params.get("url") is not None and params.get("config_maps") is not None:
        return client_from_params({**params, "kubeconfig": None, "context": None})
    return client_from_params(params)


def _duration(params: Mapping[str, Any], name: str) -> float | None:
    text = params.get(name)
    if text is None:
        return None
    seconds = seconds_of(text)
    if not seconds or seconds > 366 * 86400:
        raise DefiniteError(f"{name} is {text!r}; expected a time such as 15m, more than 0 and at most a year.")
    return seconds


PART = Part(
    title="Not every panel has data",
    what="dashboards",
    spec={**ACCESS_ARGUMENT_SPEC, **DASHBOARD_OPTIONS},
    limits=DASHBOARD_LIMITS,
    look=look,
)
