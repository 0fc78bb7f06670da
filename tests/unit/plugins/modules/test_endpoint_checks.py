# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""endpoint_checks, and the commit that the guestbook's repository in the lab has."""

from __future__ import annotations

import hashlib
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.argolab.observability.plugins.module_utils.endpoint_checks import hosts_addresses
from ansible_collections.argolab.observability.plugins.modules import endpoint_checks
from ansible_collections.argolab.observability.tests.unit.plugins.fake_cluster import run_module
from ansible_collections.argolab.observability.tests.unit.plugins.tls_files import Authority

ROLES = Path(__file__).resolve().parents[4] / "roles"
NAME = "prometheus.example.it"
SITES = {
    (NAME, "/-/ready"): (200, "Prometheus Server is Ready."),
    (NAME, "/moved"): (302, "/-/ready"),
    (NAME, "/away"): (302, "http://elsewhere.example.it/"),
    (NAME, "/busy"): (503, "no available server"),
}


def serving(context: ssl.SSLContext | None = None) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code, text = SITES.get((self.headers["Host"], self.path), (404, "404 page not found"))
            self.send_response(code)
            if code == 302:
                self.send_header("Location", text)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http{'s' if context else ''}://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def ingress() -> Iterator[str]:
    yield from serving()


@pytest.mark.parametrize(
    ("days", "name", "trusted", "cause"),
    [
        (90, NAME, True, ""),
        (10, NAME, True, "certificate_expires"),
        (-1, NAME, True, "certificate_expired"),
        (90, "other.example.it", True, "certificate_wrong_name"),
        (90, NAME, False, "certificate_untrusted"),
    ],
)
def test_the_certificate_of_a_name(tmp_path: Path, days: int, name: str, trusted: bool, cause: str) -> None:
    authority = Authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue(name, days=days))
    for url in serving(context):
        result = run_module(
            endpoint_checks, url=url, ca_path=authority.path if trusted else None, certificate_days=14, wait_timeout=0,
            endpoints=[{"name": NAME, "path": "/-/ready"}, {"name": f"{NAME}/moved", "host": NAME, "path": "/moved"}],
        )  # fmt: skip
        *asked, certificate = result["checks"]
        assert [check["name"] for check in result["checks"]] == [
            f"HTTP {NAME}", f"HTTP {NAME}/moved", f"certificate of {NAME}",
        ]  # fmt: skip
        assert certificate["cause"] == cause
        assert f"{datetime.now(timezone.utc) + timedelta(days=days):%Y-%m-%d}" in certificate["observed"]
        # One that is only about to end still serves.
        assert [check["ok"] for check in asked] == [cause in ("", "certificate_expires")] * 2


def test_plain_http_has_no_certificate(ingress: str) -> None:
    result = run_module(endpoint_checks, url=ingress, certificate_days=14, wait_timeout=0, endpoints=[{"name": NAME}])
    assert [check["name"] for check in result["checks"]] == [f"HTTP {NAME}"]


def test_nothing_answers_with_tls(ingress: str) -> None:
    url = ingress.replace("http:", "https:")
    result = run_module(endpoint_checks, url=url, certificate_days=14, wait_timeout=0, endpoints=[{"name": NAME}])
    assert [check["cause"] for check in result["checks"]] == ["no_answer", "no_answer"]


def test_a_door_that_should_be_shut(ingress: str) -> None:
    check = ask(ingress, endpoint={"status": [401], "contains": ""})
    assert (check["observed"], check["cause"]) == ("status 200", "open_to_strangers")
    assert check["detail"] == "it answers people who have not logged in"
    assert ask(ingress, "/busy", endpoint={"status": [401], "contains": ""})["cause"] == "wrong_status"


def ask(url: str, path: str = "/-/ready", **params: Any) -> dict[str, Any]:
    endpoint = {"name": NAME, "path": path, "contains": "Ready", **params.pop("endpoint", {})}
    return run_module(endpoint_checks, url=url, endpoints=[endpoint], wait_timeout=0, **params)["checks"][0]


def test_an_answer_by_host_header_also_after_a_redirect_on_the_same_server(ingress: str) -> None:
    assert ask(ingress)["ok"]
    assert ask(ingress, "/moved")["ok"]


@pytest.mark.parametrize(
    ("path", "endpoint", "cause", "word"),
    [
        ("/busy", {}, "wrong_status", "no ready pod is behind the Service"),
        ("/-/ready", {"host": "other.example.it"}, "wrong_status", "no Ingress for other.example.it"),
        ("/-/ready", {"contains": "Grafana"}, "wrong_content", "Prometheus Server is Ready"),
        ("/away", {}, "no_answer", "elsewhere.example.it"),
        ("/-/ready", {"url": "http://127.0.0.1:1"}, "no_answer", "refused"),
    ],
)
def test_what_is_wrong_is_said(ingress: str, path: str, endpoint: dict[str, Any], cause: str, word: str) -> None:
    check = ask(ingress, path, endpoint=endpoint)
    assert (check["ok"], check["cause"]) == (False, cause)
    assert word in check["detail"]
    assert check["next"].startswith("curl -i -H 'Host: ")


def test_without_an_address_it_fails_and_a_skip_says_why() -> None:
    assert ask("")["cause"] == "no_address"
    check = ask("", skipped_endpoints={NAME: "it is off"})
    assert (check["ok"], check["observed"], check["detail"]) == (None, "skipped", "it is off")


HOSTS = (
    f"127.0.0.1 localhost\n# 10.0.0.9 {NAME}\n172.29.0.3\tgrafana.example.it {NAME.upper()} # lab\n10.0.0.1 {NAME}\n"
)


def test_hosts_file_as_the_resolver_reads_it() -> None:
    assert hosts_addresses(HOSTS, NAME) == ["172.29.0.3", "10.0.0.1"]
    assert hosts_addresses(HOSTS, "example.it") == []


@pytest.mark.parametrize(
    ("content", "cause"),
    [(HOSTS, ""), ("127.0.0.1 localhost\n", "hosts_entry_absent"), (f"10.9.9.9 {NAME}\n", "hosts_entry_wrong")],
)
def test_names(tmp_path: Path, content: str, cause: str) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text(content)
    result = run_module(
        endpoint_checks,
        names=[NAME],
        addresses=["127.0.0.1", "172.29.0.3"],
        hosts_path=str(hosts),
        repair="repair",
        wait_timeout=0,
    )
    assert result["checks"][0]["cause"] == cause
    assert bool(result.get("failed")) == bool(cause)
    assert not cause or (NAME in result["msg"] and result["checks"][0]["next"] == "repair")


def test_a_hosts_file_that_cannot_be_read_is_a_failed_check(tmp_path: Path) -> None:
    result = run_module(endpoint_checks, names=[NAME], hosts_path=str(tmp_path / "none"), wait_timeout=0)
    assert result["checks"][0]["ok"] is False


# --- the repository in the lab ----------------------------------------------------------------------------------------


def git_object(kind: str, content: bytes) -> bytes:
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content, usedforsecurity=False).digest()


def test_the_pinned_commit_is_the_one_that_the_files_make() -> None:
    files = sorted((ROLES / "guestbook" / "files" / "guestbook").iterdir())
    tree = b"".join(b"100644 " + file.name.encode() + b"\0" + git_object("blob", file.read_bytes()) for file in files)
    root = b"40000 guestbook\0" + git_object("tree", tree)
    who = "argolab <argolab@example.it> 1767225600 +0000"
    commit = f"tree {git_object('tree', root).hex()}\nauthor {who}\ncommitter {who}\n\nGuestbook\n"
    pinned = yaml.safe_load((ROLES / "guestbook" / "vars" / "main.yml").read_text())["_guestbook_lab_revision"]
    assert git_object("commit", commit.encode()).hex() == pinned


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@pytest.mark.parametrize("times", [1, 2])
def test_the_script_makes_that_commit_also_when_started_again(tmp_path: Path, times: int) -> None:
    files = ROLES / "guestbook" / "files"
    pinned = yaml.safe_load((ROLES / "guestbook" / "vars" / "main.yml").read_text())["_guestbook_lab_revision"]
    command = [
        "sh",
        str(files / "make-repository.sh"),
        str(tmp_path / "r.git"),
        pinned,
        str(files / "guestbook"),
        "guestbook",
    ]
    for _time in range(times):
        subprocess.run(command, check=True, capture_output=True)
    shown = subprocess.run(
        ["git", "--git-dir", str(tmp_path / "r.git"), "rev-parse", "main"], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == pinned
    command[3] = "f" * 40
    assert subprocess.run(command, check=False, capture_output=True).returncode == 1
