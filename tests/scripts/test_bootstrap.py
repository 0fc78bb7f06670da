# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shell scripts, with stand-ins for the Python, pip, uv and apt-get that they call."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

VERBS = (
    "lab", "verify", "values", "passwords", "forward", "down", "clean-lab", "test", "lint", "sanity", "unit",
    "integration", "molecule", "bench", "collection",
)  # fmt: skip

# A Python that claims a version and "makes" an environment of stand-ins; every call is logged.
PYTHON = """#!/bin/sh
echo "python $*" >> "$FAKE_LOG"
case "$1 $2" in
    "-c import os, sys"*) echo "$0 $FAKE_VERSION"; exit "${FAKE_OLD:-0}" ;;
    "-c import hashlib"*) cat "$FAKE_ROOT/requirements.txt" | cksum | cut -d' ' -f1 ;;
    "-c import ensurepip"*) exit "${FAKE_NO_VENV:-0}" ;;
    "-m venv") mkdir -p "$3/bin"; cp "$FAKE_TOOLS"/* "$3/bin/" ;;
esac
"""
TOOL = '#!/bin/sh\necho "$(basename "$0") $*" >> "$FAKE_LOG"\nexit "${%s:-0}"\n'


class Fixture:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # A path with a space finds missing quotes.
        self.checkout = folder / "a clone"
        self.tools = folder / "tools"
        self.bin = folder / "bin"
        for path in (self.checkout, self.tools, self.bin):
            path.mkdir()
        shutil.copytree(ROOT / "scripts", self.checkout / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
        (self.checkout / "requirements.txt").write_text("one\n")
        (self.checkout / "requirements-dev.txt").write_text("two\n")
        for name in ("pip", "uv"):
            self.program(self.tools / name, TOOL % f"FAKE_{name.upper()}_EXIT")
        self.program(self.tools / "ansible-playbook", TOOL % "FAKE_PLAYBOOK_EXIT")
        self.program(self.bin / "python3", PYTHON)
        self.log = folder / "log"
        self.environment = {
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "HOME": str(folder / "home"),
            "FAKE_LOG": str(self.log),
            "FAKE_TOOLS": str(self.tools),
            "FAKE_ROOT": str(self.checkout),
            "FAKE_VERSION": "3.11.9",
            "PYENV_ROOT": str(folder / "none"),
        }

    def program(self, path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    def run(self, script: str, *words: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.checkout / "scripts" / script), *words],
            env={**self.environment, **extra}, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL, timeout=60, cwd="/",
        )  # fmt: skip

    def calls(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    @property
    def cache(self) -> Path:
        return self.folder / "home" / ".cache" / "argolab.observability"


@pytest.fixture
def box(tmp_path: Path) -> Fixture:
    return Fixture(tmp_path)


def test_makes_the_environment_once(box: Fixture) -> None:
    first = box.run("bootstrap")
    assert first.returncode == 0, first.stderr
    venv = Path(first.stdout.strip())
    assert venv.parent == box.cache
    assert venv.name.startswith("venv-3.11.9-")
    assert "ready after" in first.stderr
    assert "uv pip install" in box.calls()
    box.log.unlink()
    second = box.run("bootstrap")
    assert second.stdout == first.stdout
    assert second.stderr == ""
    assert "install" not in box.calls()


def test_new_requirements_make_a_new_environment(box: Fixture) -> None:
    before = box.run("bootstrap").stdout
    (box.checkout / "requirements.txt").write_text("other\n")
    assert box.run("bootstrap").stdout != before


def test_honours_xdg_cache_home(box: Fixture) -> None:
    result = box.run("bootstrap", XDG_CACHE_HOME=str(box.folder / "elsewhere"))
    assert result.stdout.startswith(str(box.folder / "elsewhere" / "argolab.observability"))


def test_falls_back_to_pip(box: Fixture) -> None:
    result = box.run("bootstrap", FAKE_UV_EXIT="1")
    assert result.returncode == 0, result.stderr
    assert "pip does it" in result.stderr
    assert "pip install --quiet --disable-pip-version-check -r requirements.txt" in box.calls()


def test_failed_installation_is_repeated_next_time(box: Fixture) -> None:
    failed = box.run("bootstrap", FAKE_UV_EXIT="1", FAKE_PIP_EXIT="1")
    assert failed.returncode != 0
    assert "PIP_INDEX_URL names a mirror" in failed.stderr
    assert box.run("bootstrap").returncode == 0


def test_too_old_python(box: Fixture) -> None:
    result = box.run("bootstrap", PYTHON=str(box.bin / "python3"), FAKE_OLD="1")
    assert result.returncode == 1
    assert "is not a working Python 3.11 or later" in result.stderr
    assert not list(box.cache.glob("venv-*"))


def test_unknown_option(box: Fixture) -> None:
    result = box.run("bootstrap", "--deb")
    assert result.returncode == 1
    assert "unknown option --deb" in result.stderr


def test_debian_package_is_installed_where_venv_is_missing(box: Fixture) -> None:
    box.program(box.bin / "apt-get", TOOL % "FAKE_APT_EXIT")
    box.program(box.bin / "id", "#!/bin/sh\necho 0\n")
    result = box.run("bootstrap", FAKE_NO_VENV="1")
    assert result.returncode == 0, result.stderr
    assert "apt-get install -y -qq --no-install-recommends python3.11-venv ca-certificates" in box.calls()


def test_missing_venv_as_a_user_says_what_to_type(box: Fixture) -> None:
    box.program(box.bin / "apt-get", TOOL % "FAKE_APT_EXIT")
    box.program(box.bin / "id", "#!/bin/sh\necho 1000\n")
    result = box.run("bootstrap", FAKE_NO_VENV="1")
    assert result.returncode == 1
    assert "sudo apt-get install python3.11-venv" in result.stderr
    assert "apt-get" not in box.calls()


def test_command_runs_in_the_environment(box: Fixture) -> None:
    shown = "$ANSIBLE_CONFIG|$ANSIBLE_COLLECTIONS_PATH|$LC_ALL|$PYTHONPATH|$*"
    box.program(box.tools / "show", f'#!/bin/sh\necho "{shown}"\n')
    result = box.run("bootstrap", "show", "two words", LANG="C", PYTHONPATH="/x", ANSIBLE_COLLECTIONS_PATH="/mine")
    checkout = box.checkout
    assert result.stdout == f"{checkout}/ansible.cfg|{checkout}/.collections:/mine|C.UTF-8||two words\n"


def test_bytecode_is_kept_with_the_environment_whatever_the_user_said_of_it(box: Fixture) -> None:
    values = "$PYTHONPYCACHEPREFIX|$VIRTUAL_ENV|${PYTHONDONTWRITEBYTECODE-unset}"
    box.program(box.tools / "show", f'#!/bin/sh\necho "{values}"\n')
    shown = box.run("bootstrap", "show", PYTHONDONTWRITEBYTECODE="1").stdout.strip().split("|")
    assert shown == [f"{shown[1]}/bytecode", shown[1], "unset"]
    assert shown[1]


@pytest.mark.parametrize(("user", "become"), [("0", ""), ("1000", "--extra-vars lab_become=true ")])
def test_play_passes_options_and_asks_no_password_without_a_terminal(box: Fixture, user: str, become: str) -> None:
    box.program(box.bin / "id", f"#!/bin/sh\necho {user}\n")
    result = box.run("play", "site.yml", "-e", "lab_domain=a b")
    assert result.returncode == 0, result.stderr
    assert f"ansible-playbook site.yml {become}-e lab_domain=a b\n" in box.calls()
    assert "--ask-become-pass" not in box.calls()


def test_clean_removes_what_is_ours_and_nothing_else(box: Fixture) -> None:
    box.run("bootstrap")
    locked = box.cache / "go" / "mod"
    locked.mkdir(parents=True)
    (locked / "file").write_text("x")
    locked.chmod(0o555)
    (box.checkout / "build").mkdir()
    neighbour = box.cache.parent / "other"
    neighbour.mkdir()
    result = box.run("clean")
    assert result.returncode == 0, result.stderr
    assert "ansible-playbook teardown.yml" in box.calls()
    assert not box.cache.exists()
    assert not (box.checkout / "build").exists()
    assert neighbour.is_dir()
    assert (box.checkout / "requirements.txt").exists()
    assert "Debian packages that were installed for the lab stay" in result.stdout


def test_clean_keeps_everything_where_the_teardown_failed(box: Fixture) -> None:
    box.run("bootstrap")
    result = box.run("clean", FAKE_PLAYBOOK_EXIT="2")
    assert result.returncode == 1
    assert "the teardown failed" in result.stderr
    assert box.cache.is_dir()


def test_clean_twice(box: Fixture) -> None:
    assert box.run("clean").returncode == 0
    assert "ansible-playbook" not in box.calls()


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_every_verb_of_make_is_explained_and_every_script_exists() -> None:
    listing = subprocess.run(["make", "-C", str(ROOT), "help"], capture_output=True, text=True, check=True).stdout
    for verb in VERBS:
        assert f"  make {verb} " in listing
        dry = subprocess.run(["make", "-C", str(ROOT), "-n", verb], capture_output=True, text=True, check=True).stdout
        words = [word for word in dry.split() if word.startswith(("scripts/", "benchmarks/"))]
        assert words, verb
        assert all((ROOT / word).exists() for word in words), words
    assert os.access(ROOT / "scripts" / "bootstrap", os.X_OK)
