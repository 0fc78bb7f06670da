# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action in a role of its own, run by ansible-playbook as everybody runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.action.role_options import unknown_names

ROOT = Path(__file__).resolve().parents[4]
OPTIONS = ["demo_port", "demo_chart_version", "demo_names"]

SPEC = """
argument_specs:
  main:
    options:
      demo_port: {type: int, default: 80, description: x}
      demo_names: {type: list, elements: str, description: x}
      demo_secret: {type: str, no_log: true, default: "", description: x}
"""
TASKS = """
- argolab.observability.role_options:
    facts: [demo_address]
    limits:
      demo_port: {minimum: 1, maximum: 65535}
      demo_names: {form: host_name}
      demo_secret: {form: word}
    refusals:
      - when: "{{ demo_port == 443 }}"
        message: demo_port is {{ demo_port }}; that one is taken.
"""


def test_options_and_foreign_names_are_known() -> None:
    names = [
        "demo_port",
        "other_prot",
        "_demo_private",
        "__demo_register",
        "demo",
        "demonstration_x",
        "my_demo_x",
        "demo_fact",
    ]
    assert unknown_names(names, "demo", OPTIONS, ["demo_fact"]) == []


def test_a_typo_is_found_with_its_nearest_option() -> None:
    found = unknown_names(["demo_chart_versoin", "demo_zzz", "demo_zzz"], "demo", OPTIONS, ["demo_fact"])
    assert found == ["demo_chart_versoin (did you mean demo_chart_version?)", "demo_zzz"]


def ansible_playbook(folder: Path, *arguments: str) -> tuple[int, str]:
    (folder / "ansible.cfg").write_text("", encoding="utf-8")
    settings = {
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        "ANSIBLE_ROLES_PATH": str(folder / "roles"),
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
    }
    argv = [str(Path(sys.executable).parent / "ansible-playbook"), "play.yml", *arguments]
    done = subprocess.run(argv, cwd=folder, env={**os.environ, **settings}, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("role_options")
    for name, text in (("meta/argument_specs", SPEC), ("tasks/main", TASKS), ("defaults/main", "demo_names: [a.it]")):
        path = folder / "roles" / "demo" / f"{name}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "play.yml").write_text("- hosts: localhost\n  gather_facts: false\n  roles: [demo]\n", encoding="utf-8")

    def run(**variables: Any) -> tuple[int, str]:
        return ansible_playbook(folder, "-e", json.dumps(variables))

    return run


def test_right_options_change_nothing(play: Any) -> None:
    code, output = play(demo_port=8080, demo_address="127.0.0.1")
    assert (code, "changed=0" in output) == (0, True), output


def test_everything_wrong_is_in_one_message(play: Any) -> None:
    code, output = play(demo_port=70000, demo_names=["A b"], demo_prot=1, demo_secret="two words")
    assert code == 2
    for text in (
        "demo_prot (did you mean demo_port?) is not an option of role demo.",
        "demo_port is 70000; expected a whole number from 1 to 65535.",
        "demo_names[0] is 'A b'; expected a host or domain name in lower case, such as example.it.",
        "demo_secret is not right; expected one word without spaces.",
        "See roles/demo/README.md.",
    ):
        assert text in output
    assert "two words" not in output


def test_options_that_do_not_go_together(play: Any) -> None:
    code, output = play(demo_port=443)
    assert (code, "demo_port is 443; that one is taken. See roles/demo/README.md." in output) == (2, True), output


def test_outside_a_role_it_says_so(tmp_path: Path) -> None:
    text = "- hosts: localhost\n  gather_facts: false\n  tasks: [argolab.observability.role_options: {}]\n"
    (tmp_path / "play.yml").write_text(text, encoding="utf-8")
    code, output = ansible_playbook(tmp_path)
    assert code == 2
    assert "checks the options of the role that it is a task of" in output
