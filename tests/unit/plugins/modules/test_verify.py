# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module that runs many parts, against a small API server."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
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
    text = json.dumps(cluster.kubeconfig, indent=1)
    for given in (cluster.kubeconfig, text):
        part = {**QUERY, "options": {**QUERY["options"], "kubeconfig": given}}
        assert "canary-token" not in str(verified(cluster, kubeconfig=given))
        assert "canary-token" not in str(verified(cluster, [part]))


def test_bad_options_of_a_part_stop_everything_before_anything_is_asked(cluster: FakeCluster) -> None:
    result = verified(cluster, [*PARTS, {"module": "rule_coverage", "options": {"requierd": ["a/b"]}}])
    assert result["failed"]
    assert "parts[3] (rule_coverage)" in result["msg"]
    assert "requierd" in result["msg"]
    assert cluster.requests == []


def test_an_api_server_that_never_ends_costs_no_more_than_the_time_that_was_given() -> None:
    """It trickles one byte after the other: each part gives up at the deadline, and none of them passed."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def trickle(channel: socket.socket) -> None:
        with channel, contextlib.suppress(OSError):
            channel.recv(65536)
            channel.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{")
            while not ended.wait(0.05):
                channel.sendall(b" ")

    def accept() -> None:
        with contextlib.suppress(OSError):
            while not ended.is_set():
                threading.Thread(target=trickle, args=(listener.accept()[0],), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    never = FakeCluster()
    never.port = listener.getsockname()[1]
    started = time.monotonic()
    try:
        result = verified(never, [{"module": name} for name in ("cluster_checks", "scrape_coverage", "rule_coverage")],
                          wait_timeout=2, request_timeout=1)  # fmt: skip
    finally:
        ended.set()
        listener.close()
    assert result["failed"]
    assert result["counts"]["passed"] == 0
    # two seconds of waiting, and at most one request's time for each part after that
    assert time.monotonic() - started < 20
