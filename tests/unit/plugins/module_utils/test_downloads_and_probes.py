# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import threading
from typing import Iterator

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.artifact_probe import probe_all
from ansible_collections.argolab.observability.plugins.module_utils.downloads import fetch
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError, TransientError

ARCHIVE = gzip.compress(b"program" * 100)


class Registry(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status = {"missing": 404, "private": 401, "broken": 503}.get(self.path.strip("/"), 200)
        self.send_response(status)
        self.send_header("Content-Length", str(len(ARCHIVE) + (1 if self.path == "/cut" else 0)))
        # What servers say of archives that they hold compressed.
        self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(ARCHIVE)

    do_HEAD = do_GET

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def registry() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_is_written_are_the_bytes_that_the_checksum_is_of(registry: str) -> None:
    target = io.BytesIO()
    assert fetch(f"{registry}/tool.tar.gz", target, 5) == hashlib.sha256(ARCHIVE).hexdigest()
    assert target.getvalue() == ARCHIVE


def test_a_download_that_fails_says_whether_trying_again_helps(registry: str) -> None:
    with pytest.raises(DefiniteError, match="answered 404"):
        fetch(f"{registry}/missing", io.BytesIO(), 5)
    with pytest.raises(TransientError, match="answered 503"):
        fetch(f"{registry}/broken", io.BytesIO(), 5)
    with pytest.raises(TransientError, match="ended after|could not be downloaded"):
        fetch(f"{registry}/cut", io.BytesIO(), 5)


def test_a_refused_login_is_an_answer_and_a_broken_server_is_none(registry: str) -> None:
    urls = [f"{registry}/{path}" for path in ("v2", "private", "broken")]
    nowhere = "http://127.0.0.1:1/"
    answers = probe_all([*urls, nowhere], 5)
    assert [answers[url] for url in urls] == [None, None, "HTTP 503"]
    assert answers[nowhere] == "Connection refused"
