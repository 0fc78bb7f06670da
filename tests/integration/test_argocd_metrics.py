# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""argocd_metrics against real Prometheus servers that scrape what parts of Argo CD expose."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.argocd_contract import CONTRACT, SERVER, Metric
from conftest import PROGRAMS, running, serving

CONFIG = """
global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}
scrape_configs:
  - job_name: prod-argocd-server-metrics
    static_configs: [{{targets: ["{address}"], labels: {{namespace: gitops}}}}]
  - job_name: prod-argocd-repo-server-metrics
    static_configs: [{{targets: ["127.0.0.1:1"], labels: {{namespace: gitops}}}}]
"""


def exposed(metric: Metric, without: str = "") -> str:
    """One series of a metric; a histogram is one that has no buckets."""
    labels = {label: "v3.3.1+abc" if label == "version" else "a" for label in metric.labels if label != without}
    inner = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{metric.series}{{{inner}}} 1\n"


class Part(ThreadingHTTPServer):
    """A server of Argo CD, as far as its metrics go."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.hidden = ""
        self.bare = ""

    @property
    def text(self) -> str:
        return "".join(
            exposed(metric, "grpc_code" if metric.name == self.bare else "")
            for metric in CONTRACT[SERVER]
            if metric.name != self.hidden and metric.due_in((3, 3))
        )


class Handler(BaseHTTPRequestHandler):
    server: Part

    def do_GET(self) -> None:
        body = self.server.text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture(scope="module", params=list(PROGRAMS))
def scraped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Part]]:
    program = PROGRAMS[request.param]()
    folder: Path = tmp_path_factory.mktemp(f"argocd-{request.param}")
    with serving(Part()) as part:
        address = f"127.0.0.1:{part.server_address[1]}"
        with running(program, folder, CONFIG.format(address=address)) as prometheus:
            yield f"http://{prometheus}", part


@pytest.fixture
def look(scraped: tuple[str, Part], run_module: Callable[..., dict[str, Any]]) -> Iterator[Callable[..., Any]]:
    url, part = scraped

    def run(**options: Any) -> dict[str, Any]:
        given = {"argocd_namespace": "gitops", "components": ["server"], "wait_timeout": 20, "poll_interval": 0.2}
        return run_module("argocd_metrics", url=url, **{**given, **options})

    part.hidden = part.bare = ""
    assert not run().get("failed")
    yield run
    part.hidden = part.bare = ""


def failures(result: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["cause"] for check in result["checks"] if check["ok"] is False}


def settle(look: Callable[..., Any], wanted: dict[str, str]) -> dict[str, Any]:
    """Look until a scrape has brought what is looked for; a series that is gone is so after one scrape."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        result: dict[str, Any] = look(wait_timeout=0)
        if failures(result) == wanted:
            return result
        time.sleep(0.1)
    raise AssertionError(failures(result))


def test_the_version_is_found_and_all_is_there(look: Callable[..., Any]) -> None:
    result = look()
    assert not result.get("failed"), result["msg"]
    assert (result["version"], result["version_from"]) == ("3.3", "argocd_info")
    assert {check["ok"] for check in result["checks"]} == {True, None}


@pytest.mark.parametrize("metric", ["argocd_kubectl_request_duration_seconds", "grpc_server_handled_total"])
def test_a_metric_that_is_lost_is_named(look: Callable[..., Any], scraped: tuple[str, Part], metric: str) -> None:
    scraped[1].hidden = metric
    result = settle(look, {f"metric {metric} of argocd-server 3.3": "metric_absent"})
    assert result["failed"] and "Every version from 3.0 on has it" in result["msg"]


def test_a_label_that_is_lost_is_named(look: Callable[..., Any], scraped: tuple[str, Part]) -> None:
    scraped[1].bare = "grpc_server_handled_total"
    result = settle(look, {"metric grpc_server_handled_total of argocd-server 3.3": "label_absent"})
    assert "without grpc_code" in result["msg"]


def test_a_part_that_is_down_or_elsewhere_is_named(look: Callable[..., Any]) -> None:
    result = look(components=["repo-server"], wait_timeout=1)
    assert failures(result) == {"metrics of argocd-repo-server": "component_not_scraped"}
    result = look(argocd_namespace="elsewhere", wait_timeout=0)
    assert failures(result) == {"metrics of argocd-server": "component_not_scraped"}


def test_no_answer_is_no_pass(run_module: Callable[..., dict[str, Any]]) -> None:
    result = run_module("argocd_metrics", url="http://127.0.0.1:1", wait_timeout=0)
    assert result["failed"] and [check["ok"] for check in result["checks"]] == [False]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"version": "2.14"}, "older than 3.0"),
        ({"version": "newest"}, "version"),
        ({"components": ["sever"]}, "sever"),
        ({"happened": ["syncs"]}, "syncs"),
        ({"argocd_namespace": "A B"}, "argocd_namespace"),
    ],
)
def test_bad_options_are_refused(run_module: Callable[..., dict[str, Any]], options: Any, said: str) -> None:
    result = run_module("argocd_metrics", url="http://127.0.0.1:1", wait_timeout=0, **options)
    assert result["failed"] and said in result["msg"]
