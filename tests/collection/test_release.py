# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of docs/releasing.md, carried out in a copy of what a release needs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
VERSION = "9.8.7"


def run(folder: Path, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run([str(BIN / words[0]), *words[1:]], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """At the path that the tools for collections want; nothing of it is a link to the checkout."""
    folder = tmp_path / "ansible_collections" / "argolab" / "observability"
    for name in ("changelogs", "docs", "meta", "playbooks", "plugins", "roles"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("galaxy.yml", "README.md", "COPYING", "execution-environment.yml", "bindep.txt"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("galaxy.yml", "execution-environment.yml"):
        text = (folder / name).read_text(encoding="utf-8")
        now = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
        assert now in text
        (folder / name).write_text(text.replace(now, VERSION), encoding="utf-8")
    return folder


def test_fragments_become_the_changelog(copy: Path) -> None:
    fragments = [
        yaml.safe_load(path.read_text(encoding="utf-8")) for path in (copy / "changelogs/fragments").glob("*.yml")
    ]
    entries = [entry for one in fragments for texts in one.values() if isinstance(texts, list) for entry in texts]
    assert run(copy, "antsibull-changelog", "lint").returncode == 0
    done = run(copy, "antsibull-changelog", "release", "--version", VERSION, "--date", "2026-01-31")
    assert done.returncode == 0, done.stdout + done.stderr
    release = yaml.safe_load((copy / "changelogs/changelog.yaml").read_text(encoding="utf-8"))["releases"][VERSION]
    listed = [entry for texts in release.get("changes", {}).values() for entry in texts if isinstance(texts, list)]
    assert sorted(listed) == sorted(entries)
    assert not list((copy / "changelogs/fragments").glob("*.yml"))
    page = (copy / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"v{VERSION}" in page.replace("&#46;", ".").replace("\\", "")
    assert len(re.findall(r"^\* ", page, re.MULTILINE)) >= len(entries)


def test_a_bad_fragment_is_found(copy: Path) -> None:
    (copy / "changelogs/fragments/000-bad.yml").write_text("minor_chanegs: [misspelt]\n", encoding="utf-8")
    done = run(copy, "antsibull-changelog", "lint")
    assert done.returncode != 0
    assert "000-bad.yml" in done.stdout + done.stderr


def test_the_archive_carries_the_version(copy: Path) -> None:
    done = run(copy, "ansible-galaxy", "collection", "build", "--output-path", "build")
    assert done.returncode == 0, done.stderr
    archive = copy / "build" / f"argolab-observability-{VERSION}.tar.gz"
    with tarfile.open(archive) as tar:
        handle = tar.extractfile("MANIFEST.json")
        assert handle is not None
        assert f'"version": "{VERSION}"' in handle.read().decode()
    named = yaml.safe_load((copy / "execution-environment.yml").read_text(encoding="utf-8"))["additional_build_files"]
    assert [one["src"] for one in named] == [archive.relative_to(copy).as_posix()]


def test_the_document_names_what_exists() -> None:
    text = (ROOT / "docs/releasing.md").read_text(encoding="utf-8")
    assert not [path for path in re.findall(r"`(tests/[\w/]+\.py)`", text) if not (ROOT / path).is_file()]
    for key in ("repository", "documentation", "homepage", "issues"):
        assert f"`{key}`" in text
