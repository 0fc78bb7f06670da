# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applications, as M(argocd_applications) sees them."""

from __future__ import annotations

from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.argocd import (
    API,
    AppState,
    expectation_checks,
    metric_checks,
)
from ansible_collections.argolab.observability.plugins.module_utils.cluster_access import (
    CLUSTER_PROMETHEUS_ARGUMENT_SPEC,
    kube_from_params,
    prometheus_from_params,
)
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.explained import (
    PROMETHEUS_SILENT,
    ExplainedCheck,
    poll_of,
)
from ansible_collections.argolab.observability.plugins.module_utils.part import Look, Params, Part
from ansible_collections.argolab.observability.plugins.module_utils.waiter import Poll

HEALTH = ["Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown"]


def look(params: Params) -> Look:
    kube = kube_from_params(params)
    prometheus = prometheus_from_params(kube, params)

    def poll() -> Poll:
        states = [AppState.of(item) for item in kube.list(f"{API}/applications")]
        checks = expectation_checks(states, params["applications"])
        error = ""
        if params["metric"]:
            try:
                answer = prometheus.query(f"argocd_app_info{{{params['metric_selector']}}}")
                checks += metric_checks(states, [sample.labels for sample in answer.samples])
            except ArgolabError as failure:
                # What the API server said is worth showing although Prometheus does not answer.
                error = str(failure)
                checks.append(
                    ExplainedCheck("argocd_app_info", False, "an answer", PROMETHEUS_SILENT, error, "prometheus_silent")
                )
        return poll_of(checks, states, error)

    return Look(poll, extra, limit=prometheus.limit)


def extra(states: Any) -> dict[str, Any]:
    return {
        "applications": [{"name": item.name, "namespace": item.namespace, **item.as_dict()} for item in states or []]
    }


PART = Part(
    title="Applications are not as they should be",
    what="Applications",
    spec={
        **CLUSTER_PROMETHEUS_ARGUMENT_SPEC,
        "applications": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "name": {"type": "str", "required": True},
                "namespace": {"type": "str", "default": "argocd"},
                "sync_status": {"type": "str", "default": "Synced", "choices": ["Synced", "OutOfSync", "Unknown"]},
                "health_status": {"type": "str", "default": "Healthy", "choices": HEALTH},
            },
        },
        "metric": {"type": "bool", "default": True},
        "metric_selector": {"type": "str", "default": ""},
    },
    limits={"applications": {"options": {"name": {"form": "kube_name"}, "namespace": {"form": "namespace"}}}},
    look=look,
)
