# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mistakes in rules, as M(rule_lint) sees them."""

from __future__ import annotations

from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.cluster_access import (
    CLUSTER_PROMETHEUS_ARGUMENT_SPEC,
    kube_from_params,
    prometheus_from_params,
)
from ansible_collections.argolab.observability.plugins.module_utils.part import Look, Params, Part
from ansible_collections.argolab.observability.plugins.module_utils.rule_lint import PARTS, RuleLinter


def look(params: Params) -> Look:
    kube = kube_from_params(params)
    prometheus = prometheus_from_params(kube, params)
    linter = RuleLinter(
        kube,
        prometheus,
        namespaces=params["namespaces"],
        allowed_missing=params["allowed_missing"],
        series_required=params["series_required"],
        promtool_path=params["promtool_path"],
        parts=params["parts"],
    )
    return Look(linter.poll, extra, limit=prometheus.limit)


def extra(value: Any) -> dict[str, Any]:
    value = value or {}
    return {
        "findings": [remark.as_dict() for remark in value.get("remarks", [])],
        "rules": value.get("rules", 0),
        "promtool": value.get("promtool", ""),
    }


PART = Part(
    title="Rules have mistakes",
    what="the rules",
    spec={
        **CLUSTER_PROMETHEUS_ARGUMENT_SPEC,
        "namespaces": {"type": "list", "elements": "str", "default": []},
        "parts": {"type": "list", "elements": "str", "choices": list(PARTS), "default": list(PARTS)},
        "promtool_path": {"type": "path"},
        "allowed_missing": {"type": "list", "elements": "str", "default": []},
        "series_required": {"type": "list", "elements": "str", "default": ["*"]},
    },
    limits={
        "namespaces": {"form": "namespace"},
        "allowed_missing": {"form": "word"},
        "series_required": {"form": "word", "empty_ok": True},
    },
    look=look,
)
