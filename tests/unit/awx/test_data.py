# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX is given, against the playbooks, roles and inventory that it is about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from dateutil.rrule import rrulestr

ROOT = Path(__file__).resolve().parents[3]
FACTS = json.loads((ROOT / "tests/integration/files/awx-24.6.1.json").read_text("utf-8"))["endpoints"]


class Loader(yaml.SafeLoader):
    """Playbooks have tags of Ansible's own."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))  # type: ignore[no-untyped-call]


def read(path: str) -> Any:
    return yaml.load((ROOT / path).read_text("utf-8"), Loader)


TEMPLATES = {item["name"]: item for item in read("awx/job_templates.yml")}
WORKFLOW = read("awx/workflow.yml")
NODES = {node["identifier"]: node for node in WORKFLOW["nodes"]}
GROUP = read("inventory/existing/group_vars/clusters.yml")
QUESTIONS = [
    pytest.param(name, question, id=f"{name}-{question['variable']}")
    for name, item in [*TEMPLATES.items(), (WORKFLOW["name"], WORKFLOW)]
    for question in item.get("survey_spec", {}).get("spec", [])
]
# A variable of the inventory that a role has under a name of its own.
ALIASES = {"artifact_source": "package_artifacts_source"}
OPTIONS: dict[str, dict[str, Any]] = {}
LIMITS: dict[str, dict[str, Any]] = {}
for spec in sorted((ROOT / "roles").glob("*/meta/argument_specs.yml")):
    OPTIONS.update(read(str(spec.relative_to(ROOT)))["argument_specs"]["main"]["options"])
    for tasks in spec.parent.parent.glob("tasks/preflight.yml"):
        for task in read(str(tasks.relative_to(ROOT))):
            LIMITS.update(task.get("argolab.observability.role_options", {}).get("limits") or {})


def tags_of(path: Path) -> set[str]:
    """Tags of the plays and tasks of a playbook, and of the playbooks that it imports."""
    found: set[str] = set()

    def look(item: Any) -> None:
        if isinstance(item, list):
            for part in item:
                look(part)
        elif isinstance(item, dict):
            tags = item.get("tags") or []
            found.update([tags] if isinstance(tags, str) else tags)
            for key, part in item.items():
                if key == "ansible.builtin.import_playbook":
                    found.update(tags_of((path.parent / part).resolve()))
                elif isinstance(part, (list, dict)):
                    look(part)

    look(read(str(path.relative_to(ROOT))))
    return found


@pytest.mark.parametrize("item", TEMPLATES.values(), ids=list(TEMPLATES))
def test_its_playbook_is_there_and_knows_its_tags(item: dict[str, Any]) -> None:
    path = ROOT / item["playbook"]
    assert path.is_file()
    for name in ("job_tags", "skip_tags"):
        wanted = {tag for tag in item.get(name, "").split(",") if tag}
        assert wanted <= tags_of(path)


@pytest.mark.parametrize("item", TEMPLATES.values(), ids=list(TEMPLATES))
def test_awx_has_its_fields(item: dict[str, Any]) -> None:
    kinds = {"string": str, "boolean": bool, "integer": int, "choice": str, "json": dict}
    for name, value in item.items():
        if name == "survey_spec":
            continue
        field = FACTS["job_templates"]["write"][name]
        assert isinstance(value, kinds[field["type"]]), name
        assert len(str(value)) <= field.get("max_length", 10**6), name
        assert value in field.get("choices", [value]), name


@pytest.mark.parametrize("item", TEMPLATES.values(), ids=list(TEMPLATES))
def test_a_job_may_take_as_long_as_its_answers_allow(item: dict[str, Any]) -> None:
    asked = item.get("survey_spec", {}).get("spec", [])
    assert item["timeout"] > sum(part["max"] for part in asked if part["variable"].endswith("_timeout"))
    assert item["survey_enabled"] is bool(asked)


@pytest.mark.parametrize(("name", "question"), QUESTIONS)
def test_a_question_is_an_option_of_a_role(name: str, question: dict[str, Any]) -> None:
    variable = question["variable"]
    option = OPTIONS[ALIASES.get(variable, variable)]
    kinds = {"integer": "int", "text": "str", "multiplechoice": "str"}
    assert option.get("type", "str") == kinds[question["type"]]
    if variable in GROUP:
        assert question["default"] == GROUP[variable]
    assert question["default"] == option["default"]
    assert question.get("choices") == option.get("choices")
    # a choice needs no limits, everything else has both
    assert ("min" in question and "max" in question) is (question["type"] != "multiplechoice")
    limits = LIMITS.get(variable, {})
    size = len(question["default"]) if question["type"] == "text" else question["default"]
    if "min" in question:
        assert question["min"] <= size <= question["max"]
        assert question["min"] >= limits.get("minimum", 0)
        assert question["max"] <= limits.get("maximum", 3600)


@pytest.mark.parametrize(("name", "question"), QUESTIONS)
def test_a_schedule_needs_no_answer(name: str, question: dict[str, Any]) -> None:
    assert question["required"] is False
    assert question["question_name"]
    assert question["question_description"].endswith(".")


def test_answers_are_for_options_that_hold_for_all_hosts() -> None:
    """An answer beats what a host of a fleet says, so what differs between clusters is not asked."""
    asked = {param.values[1]["variable"] for param in QUESTIONS}  # type: ignore[index, call-overload]
    assert not {name for name in asked if "domain" in name or "context" in name or "kubeconfig" in name}


def test_the_workflow_asks_what_its_jobs_ask() -> None:
    known = {
        part["variable"]: part for item in TEMPLATES.values() for part in item.get("survey_spec", {}).get("spec", [])
    }
    used = {node.get("unified_job_template") for node in NODES.values()}
    for question in WORKFLOW["survey_spec"]["spec"]:
        assert question == known[question["variable"]]
        takers = [name for name in used if name and question in TEMPLATES[name].get("survey_spec", {}).get("spec", [])]
        assert takers


def links(node: dict[str, Any]) -> dict[str, list[str]]:
    return {kind: node.get(f"{kind}_nodes", []) for kind in ("success", "failure", "always")}


def test_the_nodes_are_templates_and_follow_each_other() -> None:
    for node in NODES.values():
        assert ("approval_node" in node) is (node.get("unified_job_template") not in TEMPLATES)
        assert all(name in NODES for names in links(node).values() for name in names)
    followers = {name for node in NODES.values() for names in links(node).values() for name in names}
    assert set(NODES) - followers == {"build"}

    def walk(name: str, before: tuple[str, ...]) -> None:
        assert name not in before
        for names in links(NODES[name]).values():
            for following in names:
                walk(following, (*before, name))

    walk("build", ())


def test_a_failure_is_diagnosed_and_nothing_is_removed_unasked() -> None:
    assert NODES["build"]["success_nodes"] == ["verify"]
    assert NODES["build"]["failure_nodes"] == NODES["verify"]["failure_nodes"] == ["diagnose"]
    before = [name for name, node in NODES.items() if any("teardown" in names for names in links(node).values())]
    assert before == ["approve"]
    assert "teardown" in NODES["approve"]["success_nodes"]
    assert 0 < NODES["approve"]["approval_node"]["timeout"] <= 7 * 86400


def test_the_schedules() -> None:
    for item in read("awx/schedules.yml"):
        assert item["unified_job_template"] in TEMPLATES
        rule = rrulestr(item["rrule"].replace(" ", "\n"), tzids={"UTC": None}.get)
        first, second = rule[0], rule[1]
        assert (second - first).days == 1
        assert "INTERVAL=" in item["rrule"]


def test_each_option_has_a_default_and_a_description() -> None:
    spec, defaults = read("awx/argument_specs.yml"), read("awx/defaults.yml")
    assert set(spec) == set(defaults)
    assert all(option["description"].endswith((".", ")")) and option["type"] for option in spec.values())
    secret = {name for name, option in spec.items() if option.get("no_log")}
    assert {"argolab_awx_token", "argolab_awx_password", "argolab_awx_kubeconfig", "argolab_awx_server_token"} <= secret
    assert all(not defaults[name] or "CONTROLLER_" in defaults[name] for name in secret)


def test_the_inventory_has_a_cluster() -> None:
    source = read("awx/defaults.yml")["argolab_awx_inventory_source"]
    assert read(f"{source}/hosts.yml")[read("awx/inventory.yml")["group"]["name"]]["hosts"]
    source_facts = FACTS["inventory_sources"]["write"]
    assert set(read("awx/inventory.yml")["source"]) <= set(source_facts)
    assert read("awx/inventory.yml")["source"]["source"] in source_facts["source"]["choices"]
    assert set(read("awx/project.yml")) <= set(FACTS["projects"]["write"])


def test_what_the_credentials_of_clusters_give_is_an_option() -> None:
    for item in read("awx/credential_types.yml"):
        for name in item["injectors"].get("extra_vars", {}):
            assert name in OPTIONS


def test_the_notifications_are_kinds_of_awx() -> None:
    for item in read("awx/notification_templates.yml"):
        assert item["notification_type"] in FACTS["notification_templates"]["write"]["notification_type"]["choices"]
        assert set(item["on"]) <= {"started", "success", "error", "approvals"}
