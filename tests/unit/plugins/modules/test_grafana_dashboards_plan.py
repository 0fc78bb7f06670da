# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.dashboards import DashboardError
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.modules import grafana_dashboards_plan

PAGES = {
    "/fine.json": b'{"uid": "web", "title": "Web"}',
    "/page": b"<html><body>Sign in</body></html>",
    "/huge.json": b" " * 3000000,
}


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/moved.json":
            self.send_response(302)
            self.send_header("Location", "/fine.json")
            self.end_headers()
        elif self.path in PAGES:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(PAGES[self.path])
        else:
            self.send_error(404)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def run(folder: Path, check_mode: bool = True, **params: Any) -> dict[str, Any]:
    spec = grafana_dashboards_plan.ARGUMENT_SPEC
    defaults = {name: option.get("default") for name, option in spec.items()}
    return grafana_dashboards_plan.run({**defaults, "kubeconfig": str(folder / "none"), **params}, check_mode)


def test_a_dry_run_before_there_is_a_cluster(tmp_path: Path, site: str) -> None:
    result = run(tmp_path, dashboards=[{"url": f"{site}/fine.json"}, {"definition": {"uid": "two", "title": "2"}}])
    assert result["changed"]
    assert [one["metadata"]["name"] for one in result["pending"]] == ["dashboard-web", "dashboard-two"]
    assert [one["title"] for one in result["dashboards"]] == ["Web", "2"]
    assert (result["definitions"], result["current"], result["stale"]) == ([], [], [])


def test_without_a_cluster_it_fails_for_real(tmp_path: Path) -> None:
    with pytest.raises(ArgolabError, match="does not exist"):
        run(tmp_path, check_mode=False)


def test_a_redirection_is_followed(tmp_path: Path, site: str) -> None:
    assert run(tmp_path, dashboards=[{"url": f"{site}/moved.json"}])["dashboards"][0]["uid"] == "web"


@pytest.mark.parametrize(
    ("page", "message"),
    [("/none", "answered 404 Not Found"), ("/page", "an HTML page"), ("/huge.json", "more than 1048576 bytes")],
)
def test_a_url_that_gives_no_dashboard(tmp_path: Path, site: str, page: str, message: str) -> None:
    with pytest.raises(DashboardError, match=message):
        run(tmp_path, dashboards=[{"url": f"{site}{page}"}])


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DashboardError, match="could not be fetched: .*refused"):
        run(tmp_path, dashboards=[{"url": "http://127.0.0.1:1/x.json"}])
