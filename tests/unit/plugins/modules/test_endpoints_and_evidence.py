# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""endpoint_checks and evidence, and the commit that the guestbook's repository in the lab has."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from ansible_collections.argolab.observability.plugins.module_utils.endpoint_checks import hosts_addresses
from ansible_collections.argolab.observability.plugins.module_utils.evidence import gather, junit, summary, summary_line
from ansible_collections.argolab.observability.plugins.modules import endpoint_checks, evidence
from ansible_collections.argolab.observability.tests.unit.plugins.fake_cluster import run_module

ROLES = Path(__file__).resolve().parents[4] / "roles"
NAME = "prometheus.example.it"
SITES = {
    (NAME, "/-/ready"): (200, "Prometheus Server is Ready."),
    (NAME, "/moved"): (302, "/-/ready"),
    (NAME, "/away"): (302, "http://elsewhere.example.it/"),
    (NAME, "/busy"): (503, "no available server"),
}


@pytest.fixture
def ingress() -> Iterator[str]:
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
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


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


# --- evidence ---------------------------------------------------------------------------------------------------------

POOL = "serviceMonitor/argocd/argocd-server/0"


def check(name: str, ok: bool | None, **more: str) -> dict[str, Any]:
    return {"name": name, "ok": ok, "expected": "good", "observed": "good" if ok else "bad", "detail": "", **more}


def group(kind: str, *checks: dict[str, Any], **result: Any) -> dict[str, Any]:
    return {"kind": kind, "title": kind.title(), "result": {"checks": list(checks), **result}}


def verdict(*groups: dict[str, Any]) -> str:
    return str(gather(groups, {}, "2026-01-01T00:00:00Z")["verdict"])


def test_verdicts() -> None:
    good, bad, pending = check("a", True), check("b", False), check("c", None)
    assert verdict(group("x", good)) == "passed"
    assert verdict(group("x", good, pending)) == "passed"
    assert verdict(group("x", good, bad)) == "failed"
    assert verdict(group("x", good), group("y")) == "incomplete"
    assert verdict(group("x", pending)) == "incomplete"
    assert verdict() == "incomplete"
    assert verdict(group("x", good), {"kind": "y", "title": "Y", "skip": "switched off"}) == "passed"


@pytest.mark.parametrize("result", [{"msg": "kubeconfig /x does not exist"}, {"msg": "MODULE FAILURE", "failed": True}])
def test_a_module_that_gave_no_checks_never_passes(result: dict[str, Any]) -> None:
    seen = gather([group("x", check("a", True)), {"kind": "y", "title": "Y", "result": result}], {}, "")
    assert (seen["verdict"], seen["failures"][0]["detail"]) == ("failed", result["msg"])


def test_failures_of_one_reason_are_told_once() -> None:
    chain = check(
        f"scrape chain {POOL}", False, subject=POOL, detail="the selector matches no Service", next="kubectl get x"
    )
    seen = gather([group("targets", check(f"target {POOL}", False)), group("scrape_chain", chain)], {}, "")
    text = summary(seen)
    assert text.splitlines()[0] == "Verification failed: 0 checks passed, 2 failed."
    assert "2. " not in text
    assert text.index("the selector matches no Service") < text.index(f"Also: target {POOL}")


def test_an_unreachable_cluster_is_one_incident() -> None:
    silent = {"observed": "no answer", "detail": "refused"}
    first = check("look", False, cause="cluster_unreachable", next="kubectl get --raw /readyz", **silent)
    seen = gather([group("cluster", first), group("rules", check("group argocd", False, **silent))], {}, "")
    assert "2. " not in summary(seen)


def test_a_stopped_k3d_cluster_is_told_how_to_start() -> None:
    first = check("look", False, cause="cluster_unreachable", observed="no answer", detail="refused", next="kubectl x")
    cluster = {"provider": "k3d", "context": "k3d-argolab", "kubeconfig": "/x"}
    assert "Next: k3d cluster start argolab" in summary(gather([group("cluster", first)], cluster, ""))


def test_pending_and_skipped_are_named_and_do_not_count_as_passed() -> None:
    skipped = check("Grafana", None, observed="skipped", detail="Grafana is off") | {"observed": "skipped"}
    seen = gather([group("x", check("a", True), check("slow rule", None), skipped)], {}, "")
    assert seen["counts"] == {"passed": 1, "failed": 0, "pending": 1, "skipped": 1, "total": 3}
    assert summary_line(seen) == "Verification passed: 1 check passed, 1 pending, 1 skipped."
    assert "Skipped: Grafana: Grafana is off" in summary(seen)
    assert "slow rule" in summary(seen)


def test_junit_survives_everything_that_a_scrape_error_can_hold() -> None:
    nasty = 'a < b & "c" \x00\x1b[31m \ud800 \u20ac'
    seen = gather([group("targets", check(nasty, False, detail=nasty, next="x"), check("ok", True))], {}, "now")
    root = ElementTree.fromstring(junit(seen))
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    assert root.find(".//failure") is not None


def test_files_are_written_and_not_in_check_mode(tmp_path: Path) -> None:
    groups = [group("x", check("a", False, detail="why", next="do this"))]
    folder = tmp_path / "new" / "evidence"
    assert run_module(evidence, check_mode=True, groups=groups, path=str(folder))["files"] == []
    assert not folder.exists()
    result = run_module(evidence, groups=groups, path=str(folder), cluster={"context": "k3d-argolab"})
    assert (result["verdict"], result["changed"]) == ("failed", False)
    content = json.loads((folder / "evidence.json").read_text())
    assert (content["schema_version"], content["cluster"]["context"]) == (1, "k3d-argolab")
    assert content["failures"][0]["next"] == "do this"
    assert sorted(os.listdir(folder)) == ["evidence.json", "junit.xml"]


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
