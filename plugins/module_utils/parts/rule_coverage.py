# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PrometheusRules against what is loaded, as M(rule_coverage) sees them."""

from __future__ import annotations

from ansible_collections.argolab.observability.plugins.module_utils.cluster_access import (
    CLUSTER_PROMETHEUS_ARGUMENT_SPEC,
    kube_from_params,
    prometheus_from_params,
)
from ansible_collections.argolab.observability.plugins.module_utils.part import Look, Params, Part
from ansible_collections.argolab.observability.plugins.module_utils.rule_reader import RuleReader


def look(params: Params) -> Look:
    kube = kube_from_params(params)
    prometheus = prometheus_from_params(kube, params)
    return Look(RuleReader(kube, prometheus, params["namespaces"], params["required"]).poll, limit=prometheus.limit)


PART = Part(
    title="Not every PrometheusRule is loaded as it is",
    what="PrometheusRules",
    spec={
        **CLUSTER_PROMETHEUS_ARGUMENT_SPEC,
        "namespaces": {"type": "list", "elements": "str", "default": []},
        "required": {"type": "list", "elements": "str", "default": []},
    },
    limits={"namespaces": {"form": "namespace"}, "required": {"form": "namespaced_name"}},
    look=look,
)
