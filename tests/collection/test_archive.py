# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive has the whole content of the collection and nothing of the workshop around it."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
# What belongs into the archive: content, metadata, documents. All else of a checkout tests, lints or starts it.
FOLDERS = {"awx", "changelogs", "docs", "inventory", "meta", "playbooks", "plugins", "roles"}
FILES = {
    "CHANGELOG.md", "CONTRIBUTING.md", "COPYING", "FILES.json", "MANIFEST.json", "README.md", "SECURITY.md",
    "bindep.txt", "execution-environment.yml", "site.yml", "teardown.yml",
}  # fmt: skip


@pytest.fixture(scope="module")
def names(archive: Path) -> set[str]:
    with tarfile.open(archive) as tar:
        return {member.name for member in tar.getmembers() if member.isfile()}


def sources() -> set[str]:
    """Every file of the checkout that is the collection's: those that git knows, or would add."""
    listing = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listing, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this is no git checkout, so nothing says which files are the collection's")
    files = {name for name in done.stdout.splitlines() if (ROOT / name).is_file()}
    of_the_site = {name for name in files if name.startswith("docs/site/")}
    return {name for name in files if name.split("/")[0] in FOLDERS or name in FILES} - of_the_site


def test_nothing_superfluous_is_in_it(names: set[str]) -> None:
    assert not sorted(name for name in names if name.split("/")[0] not in FOLDERS and name not in FILES)
    assert not sorted(name for name in names if name.startswith("docs/site/"))
    assert not sorted(name for name in names if re.search(r"__pycache__|\.pyc$|\.retry$|(^|/)\.(?!helmignore)", name))


def test_nothing_is_missing(names: set[str]) -> None:
    assert not sorted(sources() - names)
    assert {"CHANGELOG.md", "SECURITY.md"} >= FILES - names


def test_documents_in_it_link_to_what_is_in_it(names: set[str], archive: Path) -> None:
    wrong = []
    with tarfile.open(archive) as tar:
        for name in sorted(names):
            if not name.endswith(".md"):
                continue
            handle = tar.extractfile(name)
            assert handle is not None
            for link in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", handle.read().decode()):
                target = (Path("/") / name).parent.joinpath(link).resolve().relative_to("/").as_posix()
                if target not in names and not any(other.startswith(f"{target}/") for other in names):
                    wrong.append(f"{name}: {link}")
    assert not wrong


def test_programs_in_it_stay_programs(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        modes = {member.name: member.mode for member in tar.getmembers() if member.isfile()}
    programs = [name for name in sources() if (ROOT / name).stat().st_mode & 0o100]
    assert programs
    assert not [name for name in programs if not modes[name] & 0o100]


def test_manifest_says_who_what_and_under_which_licence(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        handle = tar.extractfile("MANIFEST.json")
        assert handle is not None
        info = json.load(handle)["collection_info"]
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    assert (info["namespace"], info["name"], info["version"]) == ("argolab", "observability", galaxy["version"])
    assert info["license"] == ["GPL-3.0-or-later"]
    assert info["authors"] == ["argolab.observability contributors"]
    assert info["dependencies"] == {"kubernetes.core": ">=6.2.0"}
    # Until the project has a home, none is claimed: lint asks for a repository, and example.com is nobody's.
    homes = [info[key] for key in ("repository", "documentation", "homepage", "issues") if info.get(key)]
    assert homes == ["https://git.example.com/argolab/observability"]
