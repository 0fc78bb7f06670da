# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module hosts_entries, run by Ansible, on files as a container or an ordinary user has them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ANSIBLE = Path(sys.executable).with_name("ansible")
CONTENT = b"127.0.0.1 localhost\r\n# K\xf6ln\r\n10.0.0.1 last"
ENDPOINT = {
    "strategy": "loadbalancer",
    "address": "127.0.0.1",
    "http_port": 8080,
    "https_port": 8443,
    "reachable": True,
}

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount"),
    pytest.mark.skipif(not (shutil.which("unshare") and shutil.which("nsenter")), reason="needs unshare and nsenter"),
    pytest.mark.skipif(not ANSIBLE.exists(), reason="needs ansible beside the Python that runs pytest"),
]


@dataclass
class Box:
    """A mount namespace; what is mounted in it goes when its holder ends."""

    holder: subprocess.Popen[bytes]
    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "hosts"

    def run(self, *command: object, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        inside = ["nsenter", "--target", str(self.holder.pid), "--mount", *map(str, command)]
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
            "ANSIBLE_NOCOLOR": "true",
        }
        return subprocess.run(inside, env=environment, cwd="/", capture_output=True, timeout=120, check=check)

    def bind_foreign_file(self) -> None:
        """Put a file from elsewhere over the hosts file, as container engines do."""
        source = self.folder / "from-outside"
        source.write_bytes(CONTENT)
        self.file.touch()
        self.run("mount", "--bind", source, self.file)

    def content(self) -> bytes:
        return self.run("cat", self.file).stdout

    def inode(self) -> bytes:
        return self.run("stat", "--format", "%d %i %a %u", self.file).stdout

    def module(self, **options: Any) -> dict[str, Any]:
        present = {"names": ["grafana.example.it"], "endpoints": [ENDPOINT]} if options.get("state") != "absent" else {}
        arguments = json.dumps({"path": str(self.file), **present, **options})
        where = ["-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}", "localhost"]
        done = self.run(ANSIBLE, *where, "-m", "argolab.observability.hosts_entries", "-a", arguments, check=False)
        output = (done.stdout + done.stderr).decode()
        start = output.find("=> {")
        assert start >= 0, output
        result: dict[str, Any] = json.JSONDecoder().raw_decode(output[start + 3 :])[0]
        return result


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    holder = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", "echo ready; read end"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdin
    assert holder.stdout
    try:
        if holder.stdout.readline() != b"ready\n":
            pytest.skip("this machine gives no mount namespace")
        yield Box(holder, tmp_path)
    finally:
        holder.stdin.close()
        holder.wait(timeout=30)
        holder.stdout.close()


def test_a_bind_mounted_file_is_written_in_place_and_restored(box: Box) -> None:
    box.bind_foreign_file()
    before = box.inode()
    written = box.module()
    assert (written["changed"], written["written"]) == (True, "in_place")
    assert box.content().startswith(CONTENT)
    assert b"127.0.0.1 grafana.example.it\r\n" in box.content()
    assert not box.module()["changed"]
    assert box.module(state="absent")["written"] == "in_place"
    assert box.content() == CONTENT
    assert box.inode() == before
    assert sorted(path.name for path in box.folder.iterdir()) == ["from-outside", "hosts"]
    # Outside of the namespace there is no mount, and the file below it was never touched.
    assert box.file.read_bytes() == b""


def test_a_writable_file_in_a_read_only_folder(box: Box) -> None:
    box.run("mount", "-t", "tmpfs", "none", box.folder)
    box.run("mkdir", box.folder / "rw", box.folder / "ro")
    box.run("touch", box.folder / "ro" / "hosts")
    box.run("sh", "-c", "printf 'a\\r\\nb' > \"$0\"", box.folder / "rw" / "hosts")
    box.run("mount", "--bind", box.folder / "ro", box.folder / "ro")
    box.run("mount", "--bind", box.folder / "rw" / "hosts", box.folder / "ro" / "hosts")
    box.run("mount", "-o", "remount,bind,ro", box.folder / "ro")
    box.folder = box.folder / "ro"
    assert box.module()["written"] == "in_place"
    assert box.module(state="absent")["written"] == "in_place"
    assert box.content() == b"a\r\nb"


def test_a_read_only_file_is_refused_with_the_lines_to_add(box: Box) -> None:
    box.bind_foreign_file()
    box.run("mount", "-o", "remount,bind,ro", box.file)
    refused = box.module()
    assert not refused["changed"]
    assert "Read-only file system" in refused["msg"]
    assert "\n127.0.0.1 grafana.example.it\n# END" in refused["msg"]
    assert box.content() == CONTENT


def test_an_ordinary_file_is_replaced(box: Box) -> None:
    box.file.write_bytes(CONTENT)
    box.file.chmod(0o604)
    os.chown(box.file, 12345, 12345)
    assert box.module()["written"] == "renamed"
    assert box.module(state="absent")["written"] == "renamed"
    assert box.content() == CONTENT
    assert box.inode().split()[2:] == [b"604", b"12345"]
