# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""helm_release_plan and the Secrets that a release finds and its chart does not make, over real HTTP."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.modules import helm_release_plan
from ansible_collections.argolab.observability.tests.unit.plugins.fake_cluster import FakeCluster, run_module, serve

CANARY = "canary-of-a-login"
LOGIN = "grafana-login"


@pytest.fixture
def chart(tmp_path: Path) -> str:
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: stack\nversion: 1.0.0\n", encoding="utf-8")
    (tmp_path / "values.yaml").write_text("{}\n", encoding="utf-8")
    return str(tmp_path)


def plan(cluster: FakeCluster, chart: str, *secrets: dict[str, Any], **more: Any) -> dict[str, Any]:
    with serve(cluster) as served:
        return run_module(
            helm_release_plan,
            kubeconfig=served.kubeconfig, release_name="stack", release_namespace="monitoring", chart_ref=chart,
            secrets=list(secrets), outage_timeout=0, **more,
        )  # fmt: skip


def with_login(**data: str) -> FakeCluster:
    cluster = FakeCluster()
    coded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    cluster.add("Secret", LOGIN, "monitoring", data=coded)
    return cluster


@pytest.mark.parametrize(
    ("held", "wanted", "found"),
    [
        ({"admin-password": "x"}, {}, []),
        ({}, {}, []),
        ({"admin-password": CANARY, "more": "y"}, {"admin-password": CANARY}, []),
        ({"admin-password": "x"}, {"admin-password": CANARY}, [LOGIN]),
        ({}, {"admin-password": CANARY}, [LOGIN]),
    ],
)
def test_what_matters_of_a_secret_is_what_was_asked_for(
    chart: str, held: dict[str, str], wanted: dict[str, str], found: list[str]
) -> None:
    assert plan(with_login(**held), chart, {"name": LOGIN, "data": wanted})["secrets_to_write"] == found


@pytest.mark.parametrize("check_mode", [False, True])
def test_one_that_is_not_there_is_to_be_written(chart: str, check_mode: bool) -> None:
    result = plan(with_login(), chart, {"name": LOGIN}, {"name": "other"}, check_mode=check_mode)
    assert result["secrets_to_write"] == ["other"]


def test_one_of_another_namespace_does_not_count(chart: str) -> None:
    cluster = FakeCluster()
    cluster.add("Secret", LOGIN, "default", data={})
    assert plan(cluster, chart, {"name": LOGIN})["secrets_to_write"] == [LOGIN]


def test_one_that_may_not_be_read_is_a_failure_and_not_missing(chart: str) -> None:
    cluster = with_login()
    cluster.forbidden = [f".*/secrets/{LOGIN}"]
    result = plan(cluster, chart, {"name": LOGIN})
    assert result["failed"]
    assert "403" in result["msg"]


def test_in_check_mode_without_a_cluster_all_would_be_written(chart: str, tmp_path: Path) -> None:
    result = run_module(
        helm_release_plan, check_mode=True, kubeconfig=str(tmp_path / "none"), release_name="stack",
        release_namespace="monitoring", chart_ref=chart, secrets=[{"name": LOGIN, "data": {"a": CANARY}}],
    )  # fmt: skip
    assert (result["reachable"], result["secrets_to_write"]) == (False, [LOGIN])


@pytest.mark.parametrize("held", [CANARY, "x"])
def test_values_are_nowhere_in_the_result(chart: str, held: str) -> None:
    result = plan(with_login(password=held), chart, {"name": LOGIN, "data": {"password": CANARY}}, diff=True)
    assert "failed" not in result
    text = json.dumps(result)
    assert CANARY not in text
    assert base64.b64encode(CANARY.encode()).decode() not in text
