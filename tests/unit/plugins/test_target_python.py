# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is sent to a target can be imported by the oldest Python that it may have, without other libraries."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import ansible
import pytest

ROOT = Path(__file__).resolve().parents[3]
SENT = sorted(path for kind in ("module_utils", "modules") for path in (ROOT / "plugins" / kind).rglob("*.py"))
IMPORTS = """
import importlib, sys, traceback
sys.path[:0] = sys.argv[1:3]
for name in sys.argv[3:]:
    try:
        importlib.import_module("ansible_collections.argolab.observability.plugins." + name)
    except Exception as error:
        print(name + ": " + traceback.format_exception_only(type(error), error)[-1].strip())
"""


def oldest() -> str:
    basic = (Path(ansible.__file__).parent / "module_utils" / "basic.py").read_text(encoding="utf-8")
    found = re.search(r"^_PY_MIN = \((\d+), (\d+)\)", basic, re.MULTILINE)
    assert found
    return f"{found[1]}.{found[2]}"


def interpreter(version: str) -> str:
    """A Python of this version that runs; pyenv has shims for those that do not."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    candidates = [shutil.which(f"python{version}"), *map(str, pyenv.glob(f"{version}.*/bin/python"))]
    for candidate in filter(None, candidates):
        if subprocess.run([candidate, "-c", ""], check=False, capture_output=True).returncode == 0:
            return candidate
    pytest.skip(f"there is no Python {version} on this machine")


def refused(python: str, folder: Path) -> list[str]:
    """What cannot be imported where nothing but the standard library and ansible.module_utils is."""
    (folder / "ansible").symlink_to(Path(ansible.__file__).parent)
    names = [".".join(path.relative_to(ROOT / "plugins").with_suffix("").parts) for path in SENT]
    argv = [python, "-B", "-S", "-c", IMPORTS, str(folder), str(ROOT / ".collections"), *names]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, cwd=folder, env={"LANG": "C.UTF-8"})
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_oldest_python_of_targets_imports_everything(tmp_path: Path) -> None:
    assert SENT
    assert refused(interpreter(oldest()), tmp_path) == []


def test_no_other_library_is_needed_for_an_import(tmp_path: Path) -> None:
    assert refused(sys.executable, tmp_path) == []
