# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of M(dashboard_panels), and what is made of them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.argolab.observability.plugins.module_utils.checks import as_dicts
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_checks import allowances
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_plots import write_plots
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_reader import DashboardReader, Settings
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_sources import (
    Found,
    read_config_maps,
    read_files,
    read_grafana,
)
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_time import seconds_of
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.explained import conclude, no_answer
from ansible_collections.argolab.observability.plugins.module_utils.grafana_api import (
    GRAFANA_OPTIONS,
    grafana_from_options,
)
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient
from ansible_collections.argolab.observability.plugins.module_utils.limits import Limit
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import (
    PrometheusClient,
    client_from_params,
)

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

# One look at everything may take so long, also where nothing is waited for.
LOOK_SECONDS = 60.0
TITLE = "Not every panel has data"
WHAT = "dashboards"
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
    "range": {"form": "duration"},
    "scrape_interval": {"form": "duration"},
}


def run(module: AnsibleModule) -> None:
    """Look at the dashboards and end the module."""
    path = module.params["plots_path"]
    try:
        reader = _reader(module.params)
        if path and not module.check_mode:
            _remove(path)
    except ArgolabError as error:
        module.fail_json(msg=f"{TITLE}: {error}", changed=False, checks=as_dicts([no_answer(WHAT, str(error))]))
        return

    def extra(_value: Any) -> dict[str, Any]:
        found = reader.result()
        content = reader.plots() if path and not module.check_mode else None
        if content is not None:
            write_plots(path, content)
            found["plots_path"] = path
        return found

    with contextlib.closing(reader):
        try:
            conclude(module, TITLE, WHAT, reader.poll, extra, reader.explain)
        except ArgolabError as error:  # the plot file cannot be written
            module.fail_json(msg=f"{TITLE}: {error}", changed=False, checks=as_dicts([no_answer(WHAT, str(error))]))


def _reader(params: Mapping[str, Any]) -> DashboardReader:
    prometheus = _prometheus(params)
    span, scrape = _duration(params, "range"), _duration(params, "scrape_interval")
    timeout = params["request_timeout"]
    config_maps, grafana_options = params.get("config_maps"), params.get("grafana")
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

    return DashboardReader(
        prometheus,
        read,
        Settings(
            span or 900.0,
            scrape,
            allowances(params["allowed_empty"]),
            max(params["wait_timeout"], LOOK_SECONDS) + timeout,
            timeout,
        ),
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


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise DefiniteError(
            f"plots_path {path} cannot be replaced: {(error.strerror or str(error)).lower()}."
        ) from None
