# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runtime wrapper of role container_engine; with a stand-in of runc that prints what it was given."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

WRAPPER = Path(__file__).resolve().parents[4] / "roles" / "container_engine" / "files" / "argolab-runc"
SHORT = "Name:\tx\nCapBnd:\t000001fffeffffff\nCapAmb:\t0\n"


@pytest.fixture(scope="module")
def wrapper() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("argolab_runc", str(WRAPPER))
    spec = importlib.util.spec_from_loader("argolab_runc", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    previous, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = previous
    return module


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--root /r --log /l --log-format json create --bundle /b --pid-file /p id", "/b/config.json"),
        ("--root=/r --systemd-cgroup run -b /b id", "/b/config.json"),
        ("create id", "./config.json"),
        ("--log-format json create --bundle=/b id", "/b/config.json"),
        ("--root /r exec --process /tmp/p --detach --pid-file /x id", "/tmp/p"),
        ("exec --process=/tmp/p id", "/tmp/p"),
        ("exec id ls", None),
        # a container may be called like a command, and a value may look like one
        ("--root create state run", None),
        ("--log run delete --force id", None),
        ("--version", None),
        ("", None),
    ],
)
def test_file_to_patch(wrapper: ModuleType, line: str, expected: str | None) -> None:
    assert wrapper.file_to_patch(line.split()) == expected


def test_bounding_set(wrapper: ModuleType) -> None:
    allowed = wrapper.bounding_set(SHORT)
    assert "CAP_SYS_RESOURCE" not in allowed
    assert len(allowed) == len(wrapper.CAPABILITIES) - 1 == 40
    assert "CAP_CHECKPOINT_RESTORE" in allowed
    assert wrapper.bounding_set("nothing here") >= {"CAP_SYS_RESOURCE"}


@pytest.mark.parametrize("nested", [True, False], ids=["config.json", "process file"])
def test_patched(wrapper: ModuleType, nested: bool) -> None:
    process: dict[str, Any] = {
        "args": ["sh"],
        "oomScoreAdj": -999,
        "capabilities": {
            "bounding": ["CAP_CHOWN", "CAP_SYS_RESOURCE"],
            "effective": ["CAP_SYS_RESOURCE"],
            "ambient": None,
        },
    }
    document = {"ociVersion": "1.0.2", "process": process} if nested else process
    allowed = wrapper.bounding_set(SHORT)
    assert wrapper.patched(document, allowed, 10) is True
    assert process["capabilities"] == {"bounding": ["CAP_CHOWN"], "effective": [], "ambient": None}
    assert process["oomScoreAdj"] == 10
    assert wrapper.patched(document, allowed, 10) is False


def test_nothing_is_patched_without_need(wrapper: ModuleType) -> None:
    everything = {"CAP_" + name for name in wrapper.CAPABILITIES}
    # with the capability to lower it, the score is runc's business
    assert (
        wrapper.patched({"oomScoreAdj": -999, "capabilities": {"bounding": ["CAP_SYS_RESOURCE"]}}, everything, 0)
        is False
    )
    assert wrapper.patched({"ociVersion": "1.0.2"}, set(), 0) is False
    assert wrapper.patched({"args": [], "oomScoreAdj": 5}, set(), 0) is False


def test_becomes_runc(wrapper: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "config.json"
    bundle.write_text(
        json.dumps({"ociVersion": "1", "process": {"capabilities": {"bounding": ["CAP_NONE", "CAP_CHOWN"]}}})
    )
    runc = tmp_path / "runc"
    runc.write_text("#!/bin/sh\n")
    runc.chmod(0o755)
    started: list[Any] = []
    monkeypatch.setattr(wrapper, "RUNC_PATHS", ("/nowhere/runc", str(runc)))
    monkeypatch.setattr(wrapper.os, "execv", lambda path, args: started.append((path, args)))
    arguments = ["--root", "/r", "create", "--bundle", str(tmp_path), "id"]
    wrapper.main(arguments)
    assert started == [(str(runc), [str(runc), *arguments])]
    assert json.loads(bundle.read_text())["process"]["capabilities"]["bounding"] == ["CAP_CHOWN"]


def test_broken_input_and_no_runc(
    wrapper: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.json").write_text("{")
    started: list[Any] = []
    monkeypatch.setattr(wrapper, "RUNC_PATHS", (sys.executable,))
    monkeypatch.setattr(wrapper.os, "execv", lambda path, args: started.append(args))
    wrapper.main(["create", "--bundle", str(tmp_path), "id"])
    assert started and "left as it is" in capsys.readouterr().err
    monkeypatch.setattr(wrapper, "RUNC_PATHS", ("/nowhere/runc",))
    assert wrapper.main(["state", "id"]) == 127
    assert "no runc in /nowhere/runc" in capsys.readouterr().err
