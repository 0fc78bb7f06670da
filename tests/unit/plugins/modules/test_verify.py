# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module that runs many parts, against a small API server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.modules import verify
from ansible_collections.argolab.observability.tests.unit.plugins.fake_cluster import FakeCluster, run_module, serve

QUERY = {"module": "prometheus_query", "title": "Metrics", "options": {"queries": [{"name": "up", "expr": "up"}]}}
PARTS: list[dict[str, Any]] = [
    {"module": "cluster_checks", "kind": "cluster", "title": "Cluster"},
    QUERY,
    {"module": "scrape_coverage", "title": "Chains", "skip": "no monitors here"},
]


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    with serve(FakeCluster()) as found:
        found.add("Node", "n", status={"conditions": [{"type": "Ready", "status": "True"}]})
        found.answers["up"] = [{"job": "a"}]
        yield found


def verified(cluster: FakeCluster, parts: list[dict[str, Any]] | None = None, **params: Any) -> dict[str, Any]:
    options = {"kubeconfig": cluster.kubeconfig, "wait_timeout": 0, **params}
    return run_module(verify, parts=PARTS if parts is None else parts, **options)


def test_all_parts_give_a_group_each_and_skipped_is_no_pass(cluster: FakeCluster) -> None:
    result = verified(cluster)
    assert not result.get("failed"), result
    assert not result["changed"]
    assert [group["kind"] for group in result["groups"]] == ["cluster", "prometheus_query", "scrape_coverage"]
    assert result["groups"][0]["result"]["cluster"]["version"] == "v1.37.2"
    assert result["counts"] == {"passed": 3, "failed": 0, "pending": 0, "skipped": 1, "total": 4}
    assert "no monitors here" in result["msg"]


def test_one_failure_hides_no_other_part(cluster: FakeCluster) -> None:
    cluster.prometheus_up = False
    cluster.find("Node", "n")["status"] = {"conditions": [{"type": "Ready", "status": "False"}]}
    result = verified(cluster)
    assert result["failed"]
    assert "node n" in result["msg"]
    assert "query up" in result["msg"]
    assert result["groups"][0]["result"]["failed"]


def test_what_heals_while_it_waits_passes(cluster: FakeCluster) -> None:
    asked: list[str] = []

    def heal(path: str) -> None:
        asked.append(path)
        cluster.prometheus_up = len([one for one in asked if one.endswith("/query")]) > 2

    cluster.on_read = heal
    cluster.prometheus_up = False
    result = verified(cluster, wait_timeout=10, poll_interval=0.05)
    assert not result.get("failed"), result
    # what was fine is not asked again
    assert asked.count("/version") == 1


def test_secrets_of_an_inline_kubeconfig_are_in_no_result(cluster: FakeCluster) -> None:
    for parts in (PARTS, [{**QUERY, "options": {**QUERY["options"], "kubeconfig": cluster.kubeconfig}}]):
        assert "canary-token" not in str(verified(cluster, parts))


def test_bad_options_of_a_part_stop_everything_before_anything_is_asked(cluster: FakeCluster) -> None:
    result = verified(cluster, [*PARTS, {"module": "rule_coverage", "options": {"requierd": ["a/b"]}}])
    assert result["failed"]
    assert "parts[3] (rule_coverage)" in result["msg"]
    assert "requierd" in result["msg"]
    assert cluster.requests == []
