# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command and every piece of YAML in the documents is run or validated by somebody who is named."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.argolab.observability.tests.docs import documents
from ansible_collections.argolab.observability.tests.docs.documents import ROOT, Block

NAME = "argolab.observability"
PROGRAMS = Path(sys.executable).parent
SPECIAL = ("lab", "here", "nobody")
BLOCKS = [block for document in documents.documents() for block in documents.blocks(document)]
YAML_BLOCKS = [block for block in BLOCKS if block.language in ("yaml", "yml")]
ENTRIES = {command: documents.entry_of(command) or {} for command in documents.all_commands()}
HERE = [command for command, entry in ENTRIES.items() if entry.get("run_by") == "here" and not entry.get("whole")]
# Blocks whose commands belong together.
WHOLE = [
    block
    for block in BLOCKS
    if block.language in documents.CONSOLE
    and any(ENTRIES.get(command, {}).get("whole") for command in documents.commands_of(block.text))
]
FLEET_EVIDENCE = {
    "clusters": [{"name": "prod-eu", "verdict": "failed"}],
    "failures": [{"cluster": "prod-eu", "name": "a check", "cause": "no_endpoints", "next": "kubectl get pods"}],
}


def place(block: Block) -> str:
    return f"{block.document.relative_to(ROOT)}:{block.line}"


def test_every_command_is_run_by_somebody() -> None:
    unknown = {command: where for command, where in documents.all_commands().items() if not documents.entry_of(command)}
    assert not unknown, "tests/docs/commands.yml has to say who runs them"


def test_nothing_is_registered_that_no_document_has() -> None:
    found = documents.all_commands()
    assert not set(documents.registry()) - set(found)
    idle = [one["match"] for one in documents.patterns() if not any(re.fullmatch(one["match"], name) for name in found)]
    assert not idle


def test_who_runs_them_exists() -> None:
    wrong = []
    for command, entry in documents.registry().items():
        if entry["run_by"] == "nobody":
            wrong += [] if entry.get("why") else [f"{command}: nobody runs it, and there is no why"]
        elif entry["run_by"] not in SPECIAL:
            path = ROOT / entry["run_by"]
            if not path.is_file():
                wrong.append(f"{command}: there is no {entry['run_by']}")
            elif not entry.get("proof") or entry["proof"] not in path.read_text(encoding="utf-8"):
                wrong.append(f"{command}: {entry['run_by']} does not hold the proof {entry.get('proof')!r}")
    assert not wrong


def test_commands_in_blocks_are_run() -> None:
    """What stands in a block of its own is there to be typed."""
    typed = {
        line for block in BLOCKS if block.language in documents.CONSOLE for line in documents.commands_of(block.text)
    }
    assert not [command for command in typed if (documents.entry_of(command) or {}).get("run_by") == "nobody"]


def test_the_lab_runs_what_it_is_said_to_run() -> None:
    """The scenario includes the tasks that run the helper, and the helper takes its commands from the documents."""
    tasks = (ROOT / "molecule" / "lab" / "tasks" / "documents.yml").read_text(encoding="utf-8")
    assert "run_documents.py" in tasks
    scenario = (ROOT / "molecule" / "lab" / "verify.yml").read_text(encoding="utf-8")
    assert re.search(r"lab_causes: \[.*\bdocuments\b", scenario)


@pytest.mark.parametrize("command", HERE)
def test_commands_that_need_nothing(command: str) -> None:
    env = {**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
    env.setdefault("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".collections"))
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=env, text=True, capture_output=True, stdin=subprocess.DEVNULL,
        timeout=170, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert done.stdout.strip()


@pytest.mark.parametrize("block", WHOLE, ids=place)
def test_commands_that_belong_together(block: Block, tmp_path: Path) -> None:
    if missing := [name for name in ("openssl",) if name in block.text and not shutil.which(name)]:
        pytest.skip(f"needs {missing[0]}")
    script = f"set -eu -o pipefail\n{block.text}"
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, text=True, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_commands_that_read_the_evidence_of_many_clusters(tmp_path: Path) -> None:
    wanted = [name for name, entry in ENTRIES.items() if entry.get("run_by") == "tests/docs/test_commands.py"]
    if not shutil.which("jq"):
        pytest.skip("needs jq")
    path = tmp_path / "build" / "evidence" / "evidence.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(FLEET_EVIDENCE))
    for command in wanted:
        done = subprocess.run(["bash", "-c", command], cwd=tmp_path, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("prod-eu\t")


def options_of_modules(names: set[str]) -> dict[str, dict[str, Any]]:
    """Options of modules, with those of their fragments, by full name."""
    env = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections")}
    command = [str(PROGRAMS / "ansible-doc"), "--json", *sorted(names)]
    listing = subprocess.run(command, capture_output=True, text=True, check=True, env=env, cwd=ROOT).stdout
    return {name: entry["doc"].get("options") or {} for name, entry in json.loads(listing).items()}


def options_of_roles() -> dict[str, dict[str, Any]]:
    found = {}
    for path in ROOT.glob("roles/*/meta/argument_specs.yml"):
        specs = documents.load(path.read_text(encoding="utf-8"))["argument_specs"]
        options: dict[str, Any] = {}
        for entry in specs.values():
            options.update(entry.get("options") or {})
        found[path.parent.parent.name] = options
    return found


def shared_variables() -> set[str]:
    """Every word of what reads variables: one that is not among them is read by nobody."""
    paths = [path for folder in ("inventory", "playbooks", "awx", "roles") for path in (ROOT / folder).rglob("*.yml")]
    return {word for path in paths for word in re.findall(r"\b[a-z][a-z0-9_]+\b", path.read_text(encoding="utf-8"))}


def unknown_options(value: Any, options: dict[str, Any], where: str) -> list[str]:
    """Options of a task that the module does not have, in lists and mappings below it as well."""
    wrong = []
    if not isinstance(value, dict):
        return wrong
    for name, given in value.items():
        aliases = {alias: option for option in options.values() for alias in option.get("aliases") or []}
        option = options.get(name) or aliases.get(name)
        if option is None:
            wrong.append(f"{where}.{name}")
            continue
        below = option.get("suboptions") or option.get("options")
        for entry in (given if isinstance(given, list) else [given]) if below else []:
            wrong += unknown_options(entry, below, f"{where}.{name}")
    return wrong


def tasks_in(block: Block) -> list[dict[str, Any]]:
    read = documents.load(block.text)
    if documents.kind_of(block) == "tasks":
        return list(read)
    found = []
    for play in read:
        for key in ("pre_tasks", "tasks", "post_tasks", "handlers"):
            found += play.get(key) or []
    return found


TASK_BLOCKS = [block for block in YAML_BLOCKS if documents.kind_of(block) in ("tasks", "plays")]


def test_tasks_have_options_that_exist() -> None:
    own = [
        (block, name, value)
        for block in TASK_BLOCKS
        for task in tasks_in(block)
        for name, value in task.items()
        if name.startswith(f"{NAME}.")
    ]
    assert own
    known = options_of_modules({name for _block, name, _value in own})
    wrong = [
        f"{place(block)}: {text}" for block, name, value in own for text in unknown_options(value, known[name], name)
    ]
    assert not wrong


def test_plays_have_variables_that_exist() -> None:
    """Each role that a play names, and each variable that it gives one."""
    roles, wrong = options_of_roles(), []
    for block in TASK_BLOCKS:
        if documents.kind_of(block) != "plays":
            continue
        for play in documents.load(block.text):
            for entry in play.get("roles") or []:
                role = entry if isinstance(entry, str) else entry.get("role", entry.get("name"))
                short = str(role).removeprefix(f"{NAME}.")
                if short not in roles:
                    wrong.append(f"{place(block)}: there is no role {role}")
                    continue
                given = {} if isinstance(entry, str) else entry.get("vars") or {}
                wrong += [f"{place(block)}: {name} of {role}" for name in given if name not in roles[short]]
            known = shared_variables() | {name for options in roles.values() for name in options}
            wrong += [f"{place(block)}: {name}" for name in play.get("vars") or {} if name not in known]
    assert not wrong


def test_plays_and_tasks_are_right_for_ansible(tmp_path: Path) -> None:
    """One --syntax-check for all of them."""
    plays: list[dict[str, Any]] = []
    for block in TASK_BLOCKS:
        text = re.sub(r"!(unsafe|vault) ", "", block.text)
        read = yaml.safe_load(text)
        if documents.kind_of(block) == "plays":
            plays += read
        else:
            plays.append({"name": place(block), "hosts": "all", "gather_facts": False, "tasks": read})
    path = tmp_path / "documents.yml"
    path.write_text(yaml.safe_dump([play for play in plays if "hosts" in play], sort_keys=False))
    env = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"), "ANSIBLE_NOCOLOR": "1"}
    argv = [str(PROGRAMS / "ansible-playbook"), "--syntax-check", "-i", "clusters,", str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, env=env, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def variable_blocks() -> list[Block]:
    return [block for block in YAML_BLOCKS if documents.kind_of(block) == "variables"]


def test_variables_exist() -> None:
    """A mapping of variables is for a role or for the inventory, unless it says in a remark for whom it is."""
    known = shared_variables() | {name for options in options_of_roles().values() for name in options}
    wrong = []
    for block in variable_blocks():
        if (block.text.lstrip().splitlines() or [""])[0].startswith("# "):
            continue
        wrong += [f"{place(block)}: {name}" for name in documents.load(block.text) if name not in known]
    assert not wrong


def test_yaml_for_others_says_for_whom_it_is() -> None:
    """What is neither Ansible's nor Kubernetes's begins with a remark: # GitLab, # values of the chart."""
    wrong = []
    for block in YAML_BLOCKS:
        if documents.kind_of(block) == "other" and not block.text.lstrip().startswith("# "):
            wrong.append(place(block))
    assert not wrong


@pytest.mark.parametrize("block", [one for one in BLOCKS if one.language == "json"], ids=place)
def test_json_can_be_read(block: Block) -> None:
    json.loads(block.text)


def test_every_block_says_its_language() -> None:
    known = {*documents.CONSOLE, "yaml", "yml", "json", "text", "promql", "ini", "python", "diff", "toml"}
    assert not [f"{place(block)}: {block.language!r}" for block in BLOCKS if block.language not in known]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("```console\nmake lab   # builds\n# a remark\nmake test\n```", ["make lab", "make test"]),
        ("```sh\nkubectl get pods \\\n  -A\n```", ["kubectl get pods -A"]),
        ('Type `make lab ARGS="-x"` or `make`, not `helm`.', ['make lab ARGS="-x"', "make"]),
        ("`PYTHON=/a make lab` and `kubectl`", ["PYTHON=/a make lab"]),
        ("```yaml\nscript: make lab\n```", []),
        ("- a list\n\n  ```console\n  make lab\n  ```", ["make lab"]),
    ],
)
def test_commands_are_found(text: str, found: list[str], tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text(text)
    assert documents.commands(document) == found


def test_words_in_capitals_are_replaced() -> None:
    values = {"NAME": "a", "NAMESPACE": "b", "POD": "c"}
    assert (
        documents.filled("kubectl -n NAMESPACE get NAME/POD $NAME_X POD_Y", values)
        == "kubectl -n b get a/c $NAME_X POD_Y"
    )
