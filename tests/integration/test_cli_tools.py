# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The upstream way of role cli_tools, against a local stand-in of the download servers."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils import downloads
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from conftest import run_playbook

K3D = b"#!/bin/sh\necho k3d\n"
HELM = b"#!/bin/sh\necho helm\n"
KUBECTL = b"#!/bin/sh\necho kubectl\n" + b"#" * 100000


class Server:
    """Files by path, and what was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.truncate: set[str] = set()
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                body = outer.files.get(self.path)
                if body is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if self.path in outer.truncate else body)

            def log_message(self, *_arguments: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


def archive(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(downloads.platform, "system", lambda: "Linux")
    monkeypatch.setattr(downloads.platform, "machine", lambda: "x86_64")
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    made = Server()
    packed = archive("linux-amd64/helm", HELM)
    made.files = {
        "/k3d/v5/k3d-linux-amd64": K3D,
        # k3d's form, with the neighbours that an unanchored match would take
        "/k3d/v5/checksums.txt": "".join(
            f"{digest}  _dist/{name}\n"
            for digest, name in (
                (sha256(b"exe"), "k3d-linux-amd64.exe"),
                (sha256(b"arm"), "k3d-linux-arm64"),
                (sha256(K3D), "k3d-linux-amd64"),
            )
        ).encode(),
        "/helm-v3-linux-amd64.tar.gz": packed,
        "/helm-v3-linux-amd64.tar.gz.sha256sum": f"{sha256(packed)}  helm-v3-linux-amd64.tar.gz\n".encode(),
        "/v1/bin/linux/amd64/kubectl": KUBECTL,
        "/v1/bin/linux/amd64/kubectl.sha256": sha256(KUBECTL).encode(),
    }
    yield made
    made.http.shutdown()
    made.http.server_close()


def tools(url: str) -> list[dict[str, Any]]:
    return [
        {
            "name": "k3d",
            "version": "v5",
            "url": url + "/k3d/{version}/k3d-{os}-{arch}",
            "checksum_url": url + "/k3d/{version}/checksums.txt",
        },
        {
            "name": "helm",
            "version": "v3",
            "url": url + "/helm-{version}-{os}-{arch}.tar.gz",
            "checksum_url": url + "/helm-{version}-{os}-{arch}.tar.gz.sha256sum",
            "member": "{os}-{arch}/helm",
        },
        {
            "name": "kubectl",
            "version": "v1",
            "url": url + "/{version}/bin/{os}/{arch}/kubectl",
            "checksum_url": url + "/{version}/bin/{os}/{arch}/kubectl.sha256",
        },
    ]


def install(server: Server, folder: Path, check: bool = False) -> dict[str, Any]:
    return downloads.run({"bin_dir": str(folder), "tools": tools(server.url), "timeout": 10}, check)


def test_install_and_repeat(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    predicted = install(server, folder, check=True)
    assert predicted["changed"] and not folder.exists() and server.asked == []
    result = install(server, folder)
    assert result["diff"] == predicted["diff"]
    assert (folder / "k3d").read_bytes() == K3D
    assert (folder / "helm").read_bytes() == HELM
    assert all(os.access(path, os.X_OK) for path in result["paths"].values())
    asked = len(server.asked)
    assert install(server, folder)["changed"] is False
    assert len(server.asked) == asked == 6
    # a program that was changed is replaced, and only that one
    (folder / "kubectl").write_text("tampered")
    assert install(server, folder)["diff"]["after"].count("\n") == 1
    assert (folder / "kubectl").read_bytes() == KUBECTL
    assert not [path for path in folder.iterdir() if path.is_dir()]


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        ("/k3d/v5/k3d-linux-amd64", b"evil", "has the sha256 .* is not installed"),
        ("/k3d/v5/checksums.txt", b"nothing to see\n", "has no sha256 for k3d-linux-amd64"),
        (
            "/k3d/v5/checksums.txt",
            f"{sha256(K3D)}  _dist/k3d-linux-arm64\n".encode(),
            "has no sha256 for k3d-linux-amd64",
        ),
        ("/k3d/v5/k3d-linux-amd64", None, "answered 404"),
        ("/k3d/v5/checksums.txt", None, "checksums.txt answered 404"),
    ],
)
def test_nothing_is_left_of_a_bad_download(
    server: Server, tmp_path: Path, path: str, content: bytes | None, message: str
) -> None:
    if content is None:
        del server.files[path]
    else:
        server.files[path] = content
    with pytest.raises(ArgolabError, match=message):
        install(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_truncated_and_unreachable(server: Server, tmp_path: Path) -> None:
    server.truncate.add("/k3d/v5/k3d-linux-amd64")
    with pytest.raises(ArgolabError, match="bytes|IncompleteRead"):
        install(server, tmp_path)
    assert list(tmp_path.iterdir()) == []
    server.http.shutdown()
    server.http.server_close()
    with pytest.raises(ArgolabError, match="could not be downloaded"):
        install(server, tmp_path)


def test_archive_without_the_program(server: Server, tmp_path: Path) -> None:
    packed = archive("elsewhere/helm", HELM)
    server.files["/helm-v3-linux-amd64.tar.gz"] = packed
    server.files["/helm-v3-linux-amd64.tar.gz.sha256sum"] = f"{sha256(packed)}  helm-v3-linux-amd64.tar.gz\n".encode()
    with pytest.raises(ArgolabError, match="holds no linux-amd64/helm"):
        install(server, tmp_path)
    assert not (tmp_path / "helm").exists()


def test_links(server: Server, tmp_path: Path) -> None:
    program = tmp_path / "built" / "k3d"
    folder = tmp_path / "bin"
    options = {"bin_dir": str(folder), "tools": [{"name": "k3d", "link": str(program)}], "timeout": 1}
    with pytest.raises(ArgolabError, match="is no program: build it first"):
        downloads.run(options, False)
    program.parent.mkdir()
    program.write_bytes(K3D)
    program.chmod(0o755)
    assert [downloads.run(options, check)["changed"] for check in (True, False, True, False)] == [
        True,
        True,
        False,
        False,
    ]
    assert os.readlink(folder / "k3d") == str(program)
    # from packages to upstream and back
    install(server, folder)
    assert not (folder / "k3d").is_symlink()
    assert downloads.run(options, False)["changed"] is True


def play(folder: Path, *options: str) -> str:
    """The role, with programs from packages; its output."""
    tasks = [{"name": "Tools", "ansible.builtin.import_role": {"name": "argolab.observability.cli_tools"}}]
    plays = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
    programs = {name: str(folder / name) for name in ("k3d", "helm", "kubernetes")}
    known = {
        "lab_cache_dir": str(folder), "cli_tools_bin_dir": str(folder / "bin"),
        "artifact_source_effective": "packages", "package_artifacts_programs": programs,
    }  # fmt: skip
    done = run_playbook(folder, plays, known, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_role_makes_links_and_leaves_right_ones_alone(tmp_path: Path) -> None:
    for build, name in (("k3d", "k3d"), ("helm", "helm"), ("kubernetes", "kubectl")):
        (tmp_path / build).mkdir()
        (tmp_path / build / name).write_bytes(K3D)
        (tmp_path / build / name).chmod(0o755)
    assert "changed=1" in play(tmp_path, "--check")
    assert "changed=1" in play(tmp_path)
    # No module is run to find out that a link is right.
    again = play(tmp_path)
    assert "changed=0" in again
    assert "skipping: [localhost]" in again
    (tmp_path / "bin" / "helm").unlink()
    (tmp_path / "bin" / "kubectl").unlink()
    (tmp_path / "bin" / "kubectl").write_bytes(HELM)
    assert "changed=1" in play(tmp_path)
    for build, name in (("k3d", "k3d"), ("helm", "helm"), ("kubernetes", "kubectl")):
        assert os.readlink(tmp_path / "bin" / name) == str(tmp_path / build / name)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"name": "../k3d", "link": "/x"}, "cannot be the name"),
        ({"name": "k3d", "url": "https://x/k3d"}, "nothing is installed unverified"),
        ({"name": "k3d"}, "nothing is installed unverified"),
    ],
)
def test_bad_options(option: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ArgolabError, match=message):
        downloads.run({"bin_dir": str(tmp_path), "tools": [option], "timeout": 1}, False)


def test_unknown_architecture(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads.platform, "machine", lambda: "sparc64")
    with pytest.raises(ArgolabError, match="architecture sparc64"):
        install(server, tmp_path)
