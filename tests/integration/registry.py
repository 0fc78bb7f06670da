# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry to pull from, as the OCI distribution specification has it: images and charts, over HTTP or TLS."""

from __future__ import annotations

import gzip
import hashlib
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

IMAGE = "application/vnd.oci.image"
HELM = "application/vnd.cncf.helm"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        registry: Registry = self.server.registry
        path = self.path.partition("?")[0]
        registry.asked.append(path)
        kind, body = registry.content.get(path, ("application/json", b'{"errors": [{"code": "NAME_UNKNOWN"}]}'))
        self.send_response(200 if path in registry.content else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Docker-Content-Digest", digest(body))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *args: Any) -> None:
        pass


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Registry:
    """What it serves by path, and what it was asked."""

    def __init__(self, certificate: Path | None = None, key: Path | None = None) -> None:
        self.content: dict[str, tuple[str, bytes]] = {"/v2/": ("application/json", b"{}")}
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.registry = self
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _blob(self, name: str, kind: str, content: bytes) -> dict[str, Any]:
        self.content[f"/v2/{name}/blobs/{digest(content)}"] = ("application/octet-stream", content)
        return {"mediaType": kind, "digest": digest(content), "size": len(content)}

    def _manifest(self, name: str, tag: str, config: dict[str, Any], layer: dict[str, Any]) -> None:
        kind = f"{IMAGE}.manifest.v1+json"
        body = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer]}).encode()
        for reference in (tag, digest(body)):
            self.content[f"/v2/{name}/manifests/{reference}"] = (kind, body)
        tags = json.loads(self.content.get(f"/v2/{name}/tags/list", ("", b'{"tags": []}'))[1])["tags"]
        listing = json.dumps({"name": name, "tags": [*tags, tag]}).encode()
        self.content[f"/v2/{name}/tags/list"] = ("application/json", listing)

    def add_image(self, name: str, tag: str, layer: bytes, config: dict[str, Any]) -> str:
        """An image of one layer, a tar; returns the name to pull it by."""
        body = json.dumps(
            {"architecture": "amd64", "os": "linux", "config": config,
             "rootfs": {"type": "layers", "diff_ids": [digest(layer)]}}
        ).encode()  # fmt: skip
        self._manifest(
            name, tag,
            self._blob(name, f"{IMAGE}.config.v1+json", body),
            self._blob(name, f"{IMAGE}.layer.v1.tar+gzip", gzip.compress(layer, mtime=0)),
        )  # fmt: skip
        return f"{self.host}/{name}:{tag}"

    def add_chart(self, folder: str, archive: Path, chart: dict[str, Any]) -> str:
        """A packed chart below a folder of the registry; returns its reference. A plus is no character of a tag."""
        name, tag = f"{folder}/{chart['name']}", chart["version"].replace("+", "_")
        self._manifest(
            name, tag,
            self._blob(name, f"{HELM}.config.v1+json", json.dumps(chart).encode()),
            self._blob(name, f"{HELM}.chart.content.v1.tar+gzip", archive.read_bytes()),
        )  # fmt: skip
        return f"oci://{self.host}/{name}"
