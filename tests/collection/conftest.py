# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as others get it: the built archive, and what is installed from it into an empty place."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
NAME = Path("ansible_collections/argolab/observability")

Run = Callable[..., subprocess.CompletedProcess]


def environment(**more: str) -> dict[str, str]:
    """Nothing of the checkout is in reach: no ansible.cfg, no path to its collection."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    path = f"{BIN}{os.pathsep}{env.get('PATH', os.defpath)}"
    return {**env, "PATH": path, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "False", **more}


def run(*words: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess:
    command = [str(word) for word in words]
    return subprocess.run(command, cwd=cwd, env=environment(**env), capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("archive")
    done = run("ansible-galaxy", "collection", "build", "--output-path", place, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(place.glob("*.tar.gz"))


@pytest.fixture(scope="session")
def installed(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the installed collection; its place is the working folder of whoever uses it."""
    place = tmp_path_factory.mktemp("installed")
    words = ("ansible-galaxy", "collection", "install", "--offline", "--no-deps", "-p", place, archive)
    done = run(*words, cwd=place, ANSIBLE_COLLECTIONS_PATH=str(place))
    assert done.returncode == 0, done.stdout + done.stderr
    return place / NAME


@pytest.fixture(scope="session")
def use(installed: Path) -> Run:
    """Run a command with the installed collection in reach, and nothing else of this project."""
    place = installed.parents[2]

    def call(*words: str | Path, **env: str) -> subprocess.CompletedProcess:
        return run(*words, cwd=place, ANSIBLE_COLLECTIONS_PATH=str(place), **env)

    return call
