# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed collection, used as somebody does who has no checkout: modules, roles and playbooks by their names."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Callable

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))


def test_every_plugin_has_its_documentation(use: Callable[..., Any], installed: Path) -> None:
    modules = sorted(path.stem for path in (installed / "plugins/modules").glob("*.py"))
    done = use("ansible-doc", "--json", *(f"argolab.observability.{name}" for name in modules))
    assert done.returncode == 0, done.stderr
    assert not re.search(r"WARNING|ERROR", done.stderr), done.stderr
    assert len(json.loads(done.stdout)) == len(modules) == len(list((ROOT / "plugins/modules").glob("*.py")))


def test_every_role_has_its_documentation(use: Callable[..., Any], installed: Path) -> None:
    roles = sorted(path.name for path in (ROOT / "roles").iterdir() if (path / "tasks").is_dir())
    done = use("ansible-doc", "--type", "role", "--json", *(f"argolab.observability.{name}" for name in roles))
    assert done.returncode == 0, done.stderr
    assert not re.search(r"WARNING|ERROR", done.stderr), done.stderr
    listed = json.loads(done.stdout)
    assert sorted(name.rsplit(".", 1)[-1] for name in listed) == roles
    assert not [name for name, about in listed.items() if not about["entry_points"]["main"]["options"]]


def test_every_playbook_is_found_by_its_name(use: Callable[..., Any], installed: Path) -> None:
    """All tasks of all playbooks are loaded, so that a task file or role that the archive lacks is missed."""
    inventory = installed / "inventory" / "k3d"
    names = [f"argolab.observability.{name}" for name in PLAYBOOKS]
    done = use("ansible-playbook", "-i", inventory, "--list-tasks", *names)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^playbook: .*?(\w+)(?:\.yml)?$", done.stdout, re.MULTILINE) == PLAYBOOKS


@pytest.mark.parametrize("inventory", sorted(path.name for path in (ROOT / "inventory").iterdir()))
def test_inventories_come_along(inventory: str, use: Callable[..., Any], installed: Path) -> None:
    folder = installed / "inventory" / inventory
    # a profile names no cluster: it goes with an inventory that does
    words = ["-i", folder.with_name("k3d"), "-i", folder] if (folder / "profile.yml").exists() else ["-i", folder]
    done = use("ansible-inventory", *words, "--list")
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)
    assert listed["clusters"]["hosts"]
    assert "-i" not in words[1:] or listed[inventory]["children"] == ["clusters"]


def test_a_playbook_does_its_work(use: Callable[..., Any], installed: Path, tmp_path: Path) -> None:
    """The values of both charts, which need no cluster, are those that the checkout writes."""
    variables = json.dumps({"lab_build_dir": str(tmp_path), "artifact_source": "upstream"})
    inventory = installed / "inventory" / "existing"
    done = use("ansible-playbook", "-i", inventory, "-e", variables, "argolab.observability.values")
    assert done.returncode == 0, done.stdout + done.stderr
    written = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in tmp_path.rglob("*.y*ml")}
    assert len(written) >= 2, done.stdout
    assert all(isinstance(values, dict) and values for values in written.values())


def group_playbook(tmp_path: Path, group: str, defaults: dict[str, Any], modules: dict[str, dict[str, Any]]) -> Path:
    """Each module once, with defaults of the group; those that fail as they should let the next one have its turn."""
    tasks = [
        {"name": name, f"argolab.observability.{name}": options, "ignore_errors": True, "register": name}
        for name, options in modules.items()
    ]
    play = {
        "hosts": "localhost", "gather_facts": False, "tasks": tasks,
        "module_defaults": {f"group/argolab.observability.{group}": defaults},
    }  # fmt: skip
    path = tmp_path / "play.yml"
    path.write_text(json.dumps([play]), encoding="utf-8")
    return path


def messages(output: str) -> dict[str, str]:
    """What the callback plugin json tells of each task."""
    tasks = json.loads(output[output.index("{") :])["plays"][0]["tasks"]
    return {task["task"]["name"]: json.dumps(task["hosts"]["localhost"]) for task in tasks}


NEEDED: dict[str, dict[str, Any]] = {
    "alert_path_drill": {},
    "argocd_applications": {},
    "argocd_metrics": {},
    "argocd_sync": {"name": "guestbook"},
    "cluster_checks": {"nodes": True},
    "grafana_dashboards_info": {},
    "scrape_coverage": {},
}


def test_defaults_of_a_group_reach_its_modules(use: Callable[..., Any], tmp_path: Path) -> None:
    """A kubeconfig that is not there is what each of them complains about; without the group none would know it."""
    nowhere = str(tmp_path / "no-such-kubeconfig")
    play = group_playbook(tmp_path, "cluster", {"kubeconfig": nowhere}, NEEDED)
    done = use(
        "ansible-playbook", play, ANSIBLE_STDOUT_CALLBACK="ansible.posix.json", ANSIBLE_CALLBACK_RESULT_FORMAT="json"
    )
    found = messages(done.stdout)
    assert set(found) == set(NEEDED)
    assert not [name for name, text in found.items() if nowhere not in text], found
