# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every part of the verification by the name of its module. A new checking module is added here."""

from __future__ import annotations

from typing import Mapping

from ansible_collections.argolab.observability.plugins.module_utils.part import Part
from ansible_collections.argolab.observability.plugins.module_utils.parts import (
    argocd_applications,
    argocd_metrics,
    cluster_checks,
    dashboard_panels,
    endpoint_checks,
    grafana_dashboards_info,
    prometheus_query,
    prometheus_rules,
    prometheus_targets,
    release_ready,
    rule_coverage,
    rule_lint,
    scrape_coverage,
)

PARTS: Mapping[str, Part] = {
    "argocd_applications": argocd_applications.PART,
    "argocd_metrics": argocd_metrics.PART,
    "cluster_checks": cluster_checks.PART,
    "dashboard_panels": dashboard_panels.PART,
    "endpoint_checks": endpoint_checks.PART,
    "grafana_dashboards_info": grafana_dashboards_info.PART,
    "prometheus_query": prometheus_query.PART,
    "prometheus_rules": prometheus_rules.PART,
    "prometheus_targets": prometheus_targets.PART,
    "release_ready": release_ready.PART,
    "rule_coverage": rule_coverage.PART,
    "rule_lint": rule_lint.PART,
    "scrape_coverage": scrape_coverage.PART,
}
