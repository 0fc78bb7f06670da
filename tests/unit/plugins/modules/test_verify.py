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
from pathlib import Path
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


def test_what_was_seen_is_written_with_what_was_learned_of_the_cluster(cluster: FakeCluster, tmp_path: Path) -> None:
    result = verified(cluster, evidence={"path": str(tmp_path), "cluster": {"provider": "x"}, "fleet_name": "one"})
    written = json.loads((tmp_path / "evidence.json").read_text(encoding="utf-8"))
    assert (result["verdict"], written["verdict"]) == ("passed", "passed")
    assert written["counts"] == result["counts"] == result["fleet_entry"]["evidence"]["counts"]
    assert (written["cluster"]["provider"], written["cluster"]["version"]) == ("x", "v1.37.2")
    assert written["generated"]
    assert result["files"][0] == str(tmp_path / "index.html")
    # they are in the file
    assert "groups" not in result


def test_a_bad_verdict_is_written_and_returned(cluster: FakeCluster, tmp_path: Path) -> None:
    cluster.prometheus_up = False
    result = verified(cluster, evidence={"path": str(tmp_path)})
    assert (result["failed"], result["verdict"]) == (True, "failed")
    assert "query up" in result["summary"]
    assert json.loads((tmp_path / "evidence.json").read_text(encoding="utf-8"))["verdict"] == "failed"


def test_what_cannot_be_written_is_named(cluster: FakeCluster, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = verified(cluster, evidence={"path": str(tmp_path / "file")})
    assert result["failed"]
    assert result["unwritten"] == str(tmp_path / "file")
    assert "verdict" not in result


def test_refused_options_leave_an_older_evidence_alone(cluster: FakeCluster, tmp_path: Path) -> None:
    result = verified(cluster, [{"module": "nothing"}], evidence={"path": str(tmp_path)})
    assert "verdict" not in result
    assert not list(tmp_path.iterdir())


def test_secrets_of_the_options_are_in_no_file(cluster: FakeCluster, tmp_path: Path) -> None:
    cluster.prometheus_up = False
    title = "canary-token"
    parts = [{**QUERY, "title": title, "options": {**QUERY["options"], "kubeconfig": cluster.kubeconfig}}]
    verified(cluster, parts, evidence={"path": str(tmp_path)})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evidence.json", "index.html", "junit.xml"]
    for path in tmp_path.iterdir():
        assert title not in path.read_text(encoding="utf-8"), path
