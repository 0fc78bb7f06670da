# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's own dashboard of Argo CD, as far as it can be judged without a Grafana and a Prometheus."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.argocd_contract import CONTRACT

ROOT = Path(__file__).resolve().parents[3]
DASHBOARD = json.loads((ROOT / "roles/grafana_dashboards/files/argocd-overview.json").read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [(panel, target["expr"]) for panel in PANELS for target in panel["targets"]]
# What exists only after something went wrong or was used, and is therefore in no contract for a healthy Argo CD.
RARE = {"argocd_git_fetch_fail_total", "argocd_git_lsremote_fail_total", "ALERTS", "up"}
NAMES = {metric.name for metrics in CONTRACT.values() for metric in metrics}


def test_it_can_be_loaded_and_found() -> None:
    assert DASHBOARD["uid"] == "argolab-argocd-overview" and DASHBOARD["title"] == "Argo CD overview"
    assert not {"id", "__inputs", "__requires"} & set(DASHBOARD)
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == [
        "Overview", "Reconciliation", "Repo-server and git", "API server", "Clusters", "Parts and their resources",
    ]  # fmt: skip


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: f"{panel['id']} {panel['title']}")
def test_each_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    assert len(panel["description"]) > 20 and panel["description"].endswith(".")
    assert defaults["unit"] and defaults["thresholds"]["steps"]
    assert panel["datasource"]["uid"] == "${datasource}"
    assert [target["refId"] for target in panel["targets"]] == ["A", "B", "C"][: len(panel["targets"])]


@pytest.mark.parametrize(("panel", "expr"), QUERIES, ids=[f"{panel['title']}-{expr[:30]}" for panel, expr in QUERIES])
def test_each_query_is_right_for_any_release(panel: dict[str, Any], expr: str) -> None:
    selectors = re.findall(r"([a-zA-Z_:][\w:]*)\{([^}]*)\}", expr)
    assert selectors
    for metric, matchers in selectors:
        assert 'namespace="$namespace"' in matchers
        assert metric == "ALERTS" or 'job=~"$job"' in matchers
        assert re.sub(r"_(bucket|count|sum)$", "", metric) in NAMES | RARE or metric in NAMES, metric
    assert "argocd-" not in expr


@pytest.mark.parametrize(("panel", "expr"), QUERIES, ids=[f"{panel['title']}-{expr[:30]}" for panel, expr in QUERIES])
def test_what_only_traffic_makes_shows_0(panel: dict[str, Any], expr: str) -> None:
    """Metrics that the contract does not have from the start need a value of their own in a graph."""
    late = {
        metric.name
        for metrics in CONTRACT.values()
        for metric in metrics
        if metric.after and not metric.name.startswith("argocd_cluster_")
    }
    used = {re.sub(r"_(bucket|count|sum)$", "", name) for name in re.findall(r"([a-zA-Z_:][\w:]*)\{", expr)}
    if panel["type"] == "timeseries" and used & (late | RARE - {"up"}):
        assert expr.endswith(" or on () vector(0)")


def test_no_variable_knows_the_name_of_a_release() -> None:
    variables = {item["name"]: item for item in DASHBOARD["templating"]["list"]}
    assert list(variables) == ["datasource", "namespace", "job"]
    assert variables["namespace"]["query"]["query"] == "label_values(argocd_info, namespace)"
    assert "argocd-" not in variables["job"]["query"]["query"]
