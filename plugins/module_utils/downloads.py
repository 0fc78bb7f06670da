# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs in a folder of their own: downloaded and verified against published checksums, or linked."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import platform
import re
import shutil
import tarfile
import tempfile
import urllib.error
from dataclasses import dataclass
from typing import IO, Any, Dict, List, Mapping, Optional

from ansible_collections.argolab.observability.plugins.module_utils.errors import (
    ArgolabError,
    DefiniteError,
    TransientError,
)

CHUNK = 1 << 20
_SHA256 = re.compile(r"^[0-9a-fA-F]{64}$")
ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64", "armv7l": "arm"}


@dataclass(frozen=True)
class Tool:
    """One program: either a link to a file of this host, or a download with its checksum."""

    name: str
    link: str = ""
    url: str = ""
    checksum_url: str = ""
    member: str = ""

    @property
    def file_name(self) -> str:
        return self.url.rsplit("/", 1)[-1]


def tool_from_option(option: Mapping[str, Any], system: str, machine: str) -> Tool:
    """Fill the place holders of an option in, and refuse one that says too little."""
    name = option["name"]
    if not re.match(r"^[A-Za-z0-9._-]+$", name):
        raise DefiniteError(f"{name!r} cannot be the name of a program: expected letters, digits, dots and hyphens")
    if option.get("link"):
        return Tool(name, link=option["link"])
    if not option.get("url") or not option.get("checksum_url"):
        raise DefiniteError(f"{name} has neither a link nor a url with a checksum_url: nothing is installed unverified")
    architecture = ARCHITECTURES.get(machine.lower())
    if architecture is None:
        raise DefiniteError(
            f"there are no downloads for this machine's architecture {machine}: expected one of "
            f"{', '.join(sorted(set(ARCHITECTURES)))}"
        )
    values = {"os": system.lower(), "arch": architecture, "version": option.get("version") or ""}

    def filled(key: str) -> str:
        text = str(option.get(key) or "")
        for place, value in values.items():
            text = text.replace("{" + place + "}", value)
        return text

    return Tool(name, url=filled("url"), checksum_url=filled("checksum_url"), member=filled("member"))


def find_checksum(text: str, file_name: str) -> Optional[str]:
    """Find a file's sha256 in a checksum file.

    Known forms: the sum alone (kubectl), C(sum  name) (helm), C(sum  _dist/name) (k3d).
    """
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if len(lines) == 1 and len(lines[0]) == 1 and _SHA256.match(lines[0][0]):
        return lines[0][0].lower()
    for fields in lines:
        if len(fields) == 2 and _SHA256.match(fields[0]) and fields[1].lstrip("*").rsplit("/", 1)[-1] == file_name:
            return fields[0].lower()
    return None


def sha256_of(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        for chunk in iter(lambda: handle.read(CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()


def fetch(url: str, target: IO[bytes], timeout: float) -> str:
    """Download into an open file; return the sha256 of what came."""
    if not url.startswith(("https://", "http://")):
        raise DefiniteError(f"{url} is no address to download from: expected https:// or http://")
    # half of what this module loads, for what most of its runs never do
    from ansible.module_utils.urls import open_url

    digest = hashlib.sha256()
    size = 0
    try:
        # Decompressed on the way, it would have neither the announced size nor the published checksum.
        with open_url(url, timeout=timeout, http_agent="argolab.observability", decompress=False) as answer:
            expected = answer.headers.get("Content-Length")
            for chunk in iter(lambda: answer.read(CHUNK), b""):
                target.write(chunk)
                digest.update(chunk)
                size += len(chunk)
    except urllib.error.HTTPError as error:
        kind = TransientError if error.code >= 500 else DefiniteError
        raise kind(
            f"{url} answered {error.code} {error.reason}: check the version and the address, or name a mirror"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise TransientError(f"{url} could not be downloaded: {getattr(error, 'reason', None) or error}") from error
    if expected is not None and expected.isdigit() and size != int(expected):
        raise TransientError(f"{url} ended after {size} of {expected} bytes: try again")
    return digest.hexdigest()


def fetch_text(url: str, timeout: float) -> str:
    with tempfile.TemporaryFile() as handle:
        fetch(url, handle, timeout)
        handle.seek(0)
        return handle.read(CHUNK).decode("utf-8", "replace")


class Folder:
    """The folder that holds the programs, with a record of where each came from."""

    def __init__(self, path: str, timeout: float) -> None:
        self.path = path
        self.timeout = timeout

    def target(self, tool: Tool) -> str:
        return os.path.join(self.path, tool.name)

    def record(self, tool: Tool) -> str:
        return os.path.join(self.path, f".{tool.name}.json")

    def is_right(self, tool: Tool) -> bool:
        """Whether the program is there, from the same place, and unchanged since."""
        target = self.target(tool)
        if tool.link:
            return os.path.islink(target) and os.readlink(target) == tool.link and os.path.isfile(target)
        if os.path.islink(target) or not os.access(target, os.X_OK):
            return False
        try:
            with open(self.record(tool), encoding="utf-8") as handle:
                known = json.load(handle)
            return bool(known["url"] == tool.url and known["sha256"] == sha256_of(target))
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def was(self, tool: Tool) -> str:
        target = self.target(tool)
        if os.path.islink(target):
            return f"{target} -> {os.readlink(target)}"
        try:
            with open(self.record(tool), encoding="utf-8") as handle:
                return f"{target} from {json.load(handle)['url']}"
        except (OSError, ValueError, KeyError, TypeError):
            return f"{target} of unknown origin" if os.path.exists(target) else f"{target} absent"

    def install(self, tool: Tool) -> None:
        os.makedirs(self.path, mode=0o755, exist_ok=True)
        if tool.link:
            self._link(tool)
        else:
            self._download(tool)

    def _link(self, tool: Tool) -> None:
        if not os.path.isfile(tool.link) or not os.access(tool.link, os.X_OK):
            raise DefiniteError(
                f"{tool.name} is to be a link to {tool.link}, which is no program: build it first (role "
                f"package_artifacts)"
            )
        temporary = self.target(tool) + ".new"
        if os.path.lexists(temporary):
            os.unlink(temporary)
        os.symlink(tool.link, temporary)
        os.replace(temporary, self.target(tool))
        if os.path.exists(self.record(tool)):
            os.unlink(self.record(tool))

    def _download(self, tool: Tool) -> None:
        wanted = find_checksum(fetch_text(tool.checksum_url, self.timeout), tool.file_name)
        if wanted is None:
            raise DefiniteError(
                f"{tool.checksum_url} has no sha256 for {tool.file_name}: nothing is installed unverified"
            )
        with tempfile.TemporaryDirectory(dir=self.path, prefix=f".{tool.name}-") as scratch:
            artifact, program = os.path.join(scratch, "artifact"), os.path.join(scratch, "program")
            with open(artifact, "wb") as handle:
                found = fetch(tool.url, handle, self.timeout)
            if found != wanted:
                raise DefiniteError(
                    f"{tool.url} has the sha256 {found}, {tool.checksum_url} says {wanted}: it was changed on the "
                    f"way or at its "
                    "source, and is not installed"
                )
            if tool.member:
                _extract(artifact, tool, program)
            else:
                os.replace(artifact, program)
            os.chmod(program, 0o755)
            entry: Dict[str, str] = {"url": tool.url, "sha256": sha256_of(program)}
            notes = os.path.join(scratch, "record")
            with open(notes, "w", encoding="utf-8") as record:
                json.dump(entry, record)
            os.replace(program, self.target(tool))
            os.replace(notes, self.record(tool))


def _extract(archive: str, tool: Tool, program: str) -> None:
    """Take the one member out of a verified archive, under a name of ours."""
    try:
        with tarfile.open(archive) as tar:
            source = tar.extractfile(tool.member)
            if source is None:
                raise KeyError(tool.member)
            with source, open(program, "wb") as target:
                shutil.copyfileobj(source, target)
    except (tarfile.TarError, KeyError, OSError, EOFError) as error:
        raise ArgolabError(f"{tool.url} holds no {tool.member}: {error}") from error


def run(params: Mapping[str, Any], check_mode: bool) -> Dict[str, Any]:
    """What the module cli_tools does."""
    folder = Folder(params["bin_dir"], params["timeout"])
    tools = [tool_from_option(option, platform.system(), platform.machine()) for option in params["tools"]]
    wrong = [tool for tool in tools if not folder.is_right(tool)]
    result: Dict[str, Any] = {"changed": bool(wrong), "paths": {tool.name: folder.target(tool) for tool in tools}}
    if not wrong:
        return result
    before: List[str] = [folder.was(tool) for tool in wrong]
    after = [
        f"{folder.target(tool)} -> {tool.link}" if tool.link else f"{folder.target(tool)} from {tool.url}"
        for tool in wrong
    ]
    result["diff"] = {"before": "\n".join(before) + "\n", "after": "\n".join(after) + "\n"}
    if not check_mode:
        for tool in wrong:
            folder.install(tool)
    return result
