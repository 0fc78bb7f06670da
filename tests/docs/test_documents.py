# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documents say exists, exists; what exists is said."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(path for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "site")
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *PAGES]
ROLE_DOCUMENTS = sorted(ROOT.glob("roles/*/README.md"))


def commands(text: str) -> list[str]:
    """Every command: the lines of console blocks, and inline code that starts like one."""
    blocks = re.findall(r"```(?:console|sh|bash)\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(r"`((?:make|scripts/|ansible-playbook|PYTHON=)[^`]*)`", text)
    return [re.sub(r"\s+#.*", "", line).strip() for line in lines if line.strip() and not line.startswith("#")]


def verbs() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def site_tags() -> set[str]:
    """Tags of the playbooks that site.yml imports, and of the tasks of those that have more than one part."""
    plays = yaml.safe_load((ROOT / "playbooks" / "site.yml").read_text(encoding="utf-8"))
    parts = [f"playbooks/{play['ansible.builtin.import_playbook']}" for play in plays if "tags" not in play]
    return {tag for play in plays for tag in play.get("tags", [])} | own_tags(parts)


def own_tags(words: list[str]) -> set[str]:
    """Tags that the playbooks of a command give to their tasks."""
    paths = [ROOT / word for word in words if word.startswith("playbooks/") and (ROOT / word).exists()]
    tasks = [task for path in paths for play in yaml.safe_load(path.read_text()) for task in play.get("tasks", [])]
    tasks += [inner for task in tasks for inner in task.get("block", [])]
    given = [task.get("tags", []) for task in tasks]
    # That a task always runs is no choice of the user's.
    return {tag for tags in given for tag in ([tags] if isinstance(tags, str) else tags)} - {"always"}


@pytest.mark.parametrize("document", DOCUMENTS + ROLE_DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_name_what_exists(document: Path) -> None:
    wrong = []
    for command in commands(document.read_text(encoding="utf-8")):
        words = command.split()
        if "make" in words:
            verb = words[words.index("make") + 1] if words[-1] != "make" else "help"
            wrong += [command] if verb not in verbs() else []
        wrong += [word for word in words if word.startswith(("scripts/", "playbooks/")) and not (ROOT / word).exists()]
        wrong += [word for word in words if re.fullmatch(r"(site|teardown)\.yml", word) and not (ROOT / word).exists()]
        for tags in re.findall(r"--(?:skip-)?tags[ =]([\w,]+)", command):
            wrong += [command] if set(tags.split(",")) - site_tags() - own_tags(words) else []
        for inventory in re.findall(r"-i (inventory/\S+)", command):
            wrong += [command] if not (ROOT / inventory.strip('"')).exists() else []
    assert not wrong


def test_the_readme_has_the_two_commands() -> None:
    found = commands((ROOT / "README.md").read_text(encoding="utf-8"))
    assert found[:2] == ["make lab", "make test"]


@pytest.mark.parametrize("document", DOCUMENTS + ROLE_DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8"))
    assert not [link for link in links if not (document.parent / link).exists()]


def test_readme_lists_roles_playbooks_and_tags() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| \[`(\w+)`\]\(roles/", text, re.MULTILINE)) == {
        path.parent.parent.name for path in ROOT.glob("roles/*/tasks/main.yml")
    }
    rows = dict(re.findall(r"^\| `playbooks/(\w+)\.yml` \| `?(\w*)`? ?\|", text, re.MULTILINE))
    assert set(rows) == {path.stem for path in ROOT.glob("playbooks/*.yml")} - {"site"}
    assert {tag for tag in rows.values() if tag} == site_tags()


def test_modules_in_the_readme_have_the_options_shown() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    shown = [(name, value) for block in blocks for task in yaml.safe_load(block) for name, value in task.items()]
    shown = [(name, value) for name, value in shown if name.startswith("argolab.observability.")]
    assert shown
    for name, value in shown:
        command = [str(Path(sys.executable).parent / "ansible-doc"), "--json", name]
        env = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections")}
        listing = subprocess.run(command, capture_output=True, text=True, check=True, env=env, cwd=ROOT).stdout
        options = json.loads(listing)[name]["doc"]["options"]
        assert set(value) <= set(options)
        for option, entries in value.items():
            if isinstance(entries, list):
                assert not [entry for entry in entries if set(entry) - set(options[option]["suboptions"])]


def test_make_lab_and_play_are_the_same() -> None:
    dry = subprocess.run(["make", "-C", str(ROOT), "-n", "lab"], capture_output=True, text=True, check=True).stdout
    assert "scripts/play site.yml" in dry


def test_command_lines_of_scripts_are_accepted() -> None:
    """The options that the documents give to scripts are options of these scripts."""
    for script, options in (
        ("scripts/forward.py", ["--argocd-port", "--once"]),
        ("scripts/run_tests.py", ["--only", "--list"]),
        ("benchmarks/run.py", ["--cold", "--keep"]),
    ):
        command = [sys.executable, str(ROOT / script), "--help"]
        listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert not [option for option in options if option not in listing]
