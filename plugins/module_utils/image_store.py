# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring images to where they run: into the Docker engine, and into containerd's folder of a node.

Importing gigabytes takes containerd half a minute, so it is done once into a template; every cluster gets a copy of
that whose layers are hard links. containerd never writes into an unpacked layer.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
from typing import Any, Iterable, List, Mapping, Optional
from urllib.parse import quote

from ansible_collections.argolab.observability.plugins.module_utils.docker_engine import DockerEngine, why_unreachable
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, TransientError

_LAYERS = os.path.join("io.containerd.snapshotter.v1.overlayfs", "snapshots")
_META = os.path.join("io.containerd.metadata.v1.bolt", "meta.db")
_MARK = ".argolab-template"


class ImageEngine(DockerEngine):
    """The calls of the Docker API that send something."""

    def send(self, path: str, body: Any, content_type: str, timeout: float = 600.0) -> str:
        connection = self._connection(timeout)
        try:
            connection.request("POST", path, body=body, headers={"Content-Type": content_type})
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            raise TransientError(why_unreachable(self.docker_host, error)) from error
        finally:
            connection.close()
        if response.status >= 400:
            raise ArgolabError(f"Docker answered {response.status} to POST {path}: {text.strip()[:300]}")
        return text

    def load(self, archive: Iterable[bytes]) -> None:
        """Load the images of an archive; the engine reports a bad one in an answer with status 200."""
        text = self.send("/images/load?quiet=1", archive, "application/x-tar")
        for line in text.splitlines():
            message = json.loads(line) if line.startswith("{") else {}
            if message.get("error"):
                raise ArgolabError(f"Docker could not load the images: {message['error']}")

    def run(self, name: str, image: str, entrypoint: str, binds: List[str]) -> str:
        """Run a privileged container without a network to its end and return what it wrote."""
        self.remove_container(name)
        config = {
            "Image": image,
            "Entrypoint": [entrypoint],
            "Tty": True,
            "HostConfig": {"Privileged": True, "NetworkMode": "none", "Binds": binds, "Init": True},
        }
        self.send(f"/containers/create?name={quote(name)}", json.dumps(config), "application/json")
        try:
            self.act(name, "start")
            answer = json.loads(self.send(f"/containers/{name}/wait", None, "application/json"))
            output = self._logs(name)
            if answer.get("StatusCode") != 0:
                raise ArgolabError(
                    f"{entrypoint} in {image} ended with {answer.get('StatusCode')}: {output.strip()[-1500:]}"
                )
            return output
        finally:
            self.remove_container(name)

    def _logs(self, name: str) -> str:
        connection = self._connection(self.timeout)
        try:
            connection.request("GET", f"/containers/{name}/logs?stdout=1&stderr=1")
            return connection.getresponse().read().decode("utf-8", "replace")
        finally:
            connection.close()

    def users_of(self, path: str) -> List[str]:
        """The names of the containers, running or not, that have a folder of the host mounted."""
        names = []
        for container in self.containers():
            mounts: List[Mapping[str, Any]] = container.get("Mounts") or []
            if any(mount.get("Source") == path for mount in mounts):
                names.append(str((container.get("Names") or ["?"])[0]).lstrip("/"))
        return names


def fill_template(engine: ImageEngine, node_image: str, layout: str, template: str) -> List[str]:
    """Let a container of the node image import a layout into a new containerd folder; return the image names."""
    pending = f"{template}.tmp{os.getpid()}"
    shutil.rmtree(pending, ignore_errors=True)
    os.makedirs(pending)
    try:
        output = engine.run(
            f"argolab-import-{os.getpid()}",
            node_image,
            "/bin/import-images",
            [f"{pending}:/var/lib/containerd", f"{layout}:/layout:ro"],
        )
        names = [line.strip() for line in output.splitlines() if ":" in line and not line.startswith("sha256:")]
        os.rename(pending, template)
    finally:
        shutil.rmtree(pending, ignore_errors=True)
    return names


def clone_template(template: str, target: str) -> None:
    """Copy a containerd folder: files of layers become hard links, everything else is copied."""
    pending = f"{target}.tmp{os.getpid()}"
    shutil.rmtree(pending, ignore_errors=True)
    for parent, folders, files in os.walk(template):
        relative = os.path.relpath(parent, template)
        here = os.path.normpath(os.path.join(pending, relative))
        os.makedirs(here, exist_ok=True)
        status = os.stat(parent)
        os.chown(here, status.st_uid, status.st_gid)
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        folders[:] = [name for name in folders if name not in links]
        for name in files + links:
            source, copy = os.path.join(parent, name), os.path.join(here, name)
            if relative.startswith(_LAYERS):
                os.link(source, copy, follow_symlinks=False)
            else:
                shutil.copy2(source, copy, follow_symlinks=False)
        shutil.copystat(parent, here)
    with open(os.path.join(pending, _MARK), "w", encoding="utf-8") as handle:
        json.dump({"template": template, "meta": _stamp(pending)}, handle)
    shutil.rmtree(target, ignore_errors=True)
    os.rename(pending, target)


def _stamp(folder: str) -> Optional[List[int]]:
    try:
        status = os.stat(os.path.join(folder, _META))
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]


def clone_is_fresh(template: str, target: str) -> bool:
    """Whether a folder is a copy of this template in which no containerd has run yet."""
    try:
        with open(os.path.join(target, _MARK), encoding="utf-8") as handle:
            mark = json.load(handle)
    except (OSError, ValueError):
        return False
    return bool(mark.get("template") == template and mark.get("meta") == _stamp(target))
