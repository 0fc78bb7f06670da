# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a script of files/ that starts a dockerd of its own, in namespaces where it can touch no other engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import ansible_collections.argolab.observability as collection
import pytest
from ansible_collections.argolab.observability.plugins.module_utils import dockerd

HERE = Path(__file__).resolve().parent
WRAPPER = HERE.parent.parent / "roles" / "container_engine" / "files" / "argolab-runc"


def run(script: str, *arguments: str, timeout: float = 240) -> dict[str, Any]:
    """The JSON in the last line that the script prints; it is called with a folder, the wrapper and the arguments."""
    for program in ("dockerd", "nft", "unshare", "mount"):
        if shutil.which(program, path=dockerd.PATH) is None:
            pytest.skip(f"a dockerd is started and removed here, which needs {program}")
    if os.geteuid() != 0:
        pytest.skip("a dockerd is started and removed here, which needs root")
    if not os.path.exists("/bin/busybox"):
        pytest.skip("the containers are made of a static busybox (Debian's busybox-static)")
    # A socket's path may have 100 bytes, and pytest's folders are long.
    folder = tempfile.mkdtemp(prefix="argolab-")
    cgroups = tempfile.mkdtemp(prefix="argolab-cgroups-")
    try:
        roots = [str(Path(path).resolve().parents[2]) for path in collection.__path__]
        command = 'mount --rbind /sys/fs/cgroup "$CGROUPS" && exec "$@"'
        done = subprocess.run(
            ["unshare", "--net", "--mount", "sh", "-c", command, "sh", sys.executable]
            + [str(HERE / "files" / script), folder, str(WRAPPER), *arguments],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(_import_path(roots)), "CGROUPS": cgroups},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.rmdir(cgroups)
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return seen


def _import_path(roots: list[str]) -> list[str]:
    found = [path for path in sys.path if os.path.isdir(os.path.join(path, "ansible_collections", "argolab"))]
    checkout = HERE.parent.parent / ".collections"
    return [*found, str(checkout), *roots]
