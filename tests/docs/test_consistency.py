# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles, modules and metadata agree with each other."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in ROOT.glob("roles/*") if (path / "tasks").is_dir())
MODULES = sorted(ROOT.glob("plugins/modules/*.py"))


class Loader(yaml.SafeLoader):
    """Reads Ansible's own tags as plain values."""


for tag in ("!unsafe", "!vault"):
    Loader.add_constructor(tag, lambda loader, node: loader.construct_scalar(node))


def load(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader)


def options_of(role: Path) -> dict[str, dict[str, Any]]:
    return load(role / "meta" / "argument_specs.yml")["argument_specs"]["main"].get("options", {})


def defaults_of(role: Path) -> dict[str, Any]:
    path = role / "defaults" / "main.yml"
    return (load(path) or {}) if path.exists() else {}


def each_role(function):
    return pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)(function)


@each_role
def test_role_is_complete(role: Path) -> None:
    expected = ("tasks/main.yml", "tasks/preflight.yml", "meta/argument_specs.yml", "meta/main.yml", "README.md")
    assert not [name for name in expected if not (role / name).exists()]


@each_role
def test_options_are_named_after_the_role(role: Path) -> None:
    assert not [name for name in {**options_of(role), **defaults_of(role)} if not name.startswith(f"{role.name}_")]


@each_role
def test_every_default_is_an_option(role: Path) -> None:
    assert not set(defaults_of(role)) - set(options_of(role))


@each_role
def test_defaults_equal_those_of_the_specs(role: Path) -> None:
    """Only what is the same everywhere has a default in the specs; an expression is described in words."""
    defaults, options = defaults_of(role), options_of(role)
    wrong = {}
    for name, option in options.items():
        if name not in defaults:
            if "default" in option:
                wrong[name] = "its default is in the specs only"
            continue
        expression = isinstance(defaults[name], str) and "{{" in defaults[name]
        if "default" in option and not expression and option["default"] != defaults[name]:
            wrong[name] = f"{option['default']!r} in the specs, {defaults[name]!r} in the defaults"
        # An expression may name a fact that only a provider sets.
        if option.get("required") and not expression:
            wrong[name] = "required, and has a default"
    assert not wrong


def incomplete(options: dict[str, dict[str, Any]], prefix: str = "") -> list[str]:
    found = []
    for name, option in options.items():
        if "type" not in option or not option.get("description"):
            found.append(prefix + name)
        if option.get("type") == "list" and "elements" not in option:
            found.append(f"{prefix}{name} (elements)")
        found += incomplete(option.get("options") or {}, f"{prefix}{name}.")
    return found


@each_role
def test_options_have_type_and_description(role: Path) -> None:
    assert not incomplete(options_of(role))


@each_role
def test_readme_of_the_role_names_every_option(role: Path) -> None:
    text = (role / "README.md").read_text(encoding="utf-8")
    assert not [name for name in options_of(role) if name not in text]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_module_is_thin(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 260


def fragments_of(module: Path) -> set[str]:
    """The documentation fragments, and with them the shared options, of a module."""
    documentation = module.read_text(encoding="utf-8").split('DOCUMENTATION = r"""', 1)[1].split('"""', 1)[0]
    names = yaml.safe_load(documentation).get("extends_documentation_fragment", [])
    return {name.removeprefix("argolab.observability.") for name in names}


@pytest.mark.parametrize(
    ("group", "shared"),
    [("cluster", {"kube_access"}), ("verification", {"kube_access", "waiting", "attributes.read_only"})],
)
def test_action_group_holds_every_module_with_the_shared_options(group: str, shared: set[str]) -> None:
    """A module that is missing gets no module_defaults, and nobody notices; one too many fails on unknown options."""
    members = load(ROOT / "meta" / "runtime.yml")["action_groups"][group]
    assert members == sorted(module.stem for module in MODULES if shared <= fragments_of(module))


def test_every_action_group_is_checked() -> None:
    assert set(load(ROOT / "meta" / "runtime.yml")["action_groups"]) == {"cluster", "verification"}


def test_fragments_are_used_and_exist() -> None:
    used = {name.split(".")[0] for module in MODULES for name in fragments_of(module)}
    assert used == {path.stem for path in ROOT.glob("plugins/doc_fragments/*.py") if path.stem != "__init__"}


@pytest.fixture(scope="module")
def documented() -> dict[str, dict[str, Any]]:
    """What ansible-doc says about each module, fragments included."""
    names = [f"argolab.observability.{module.stem}" for module in MODULES]
    program = str(Path(sys.executable).parent / "ansible-doc")
    env = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections")}
    done = subprocess.run([program, "--json", *names], capture_output=True, text=True, check=True, env=env, cwd=ROOT)
    return {name.rsplit(".", 1)[-1]: about for name, about in json.loads(done.stdout).items()}


def each_module(function):
    return pytest.mark.parametrize("module", [path.stem for path in MODULES])(function)


def poor_returns(values: dict[str, dict[str, Any]], prefix: str = "") -> list[str]:
    """Return values without a type or a description; at the top also those without an example or a condition."""
    found = []
    for name, value in values.items():
        wanted = {"type", "description"} if prefix else {"type", "description", "returned"}
        found += [f"{prefix}{name} ({key})" for key in sorted(wanted - {key for key in value if value[key]})]
        if not prefix and "sample" not in value and not value.get("contains"):
            found.append(f"{name} (sample)")
        found += poor_returns(value.get("contains") or {}, f"{prefix}{name}.")
    return found


@each_module
def test_module_is_documented_as_modules_are(module: str, documented: dict[str, Any]) -> None:
    doc = documented[module]["doc"]
    wanted = ("short_description", "description", "version_added", "author", "seealso", "attributes")
    assert not [name for name in wanted if not doc.get(name)]
    assert set(doc["attributes"]) >= {"check_mode", "diff_mode", "idempotent"}
    assert not [name for name, value in doc["attributes"].items() if "support" not in value]
    assert not poor_returns(documented[module].get("return") or {})


def unknown_options(given: dict[str, Any], options: dict[str, Any], prefix: str = "") -> list[str]:
    known = {name for option, about in options.items() for name in [option, *(about.get("aliases") or [])]}
    found = [prefix + name for name in given if name not in known]
    missing = [name for name, about in options.items() if about.get("required") and name not in given]
    found += [f"{prefix}{name} (required)" for name in missing]
    for name, value in given.items():
        inner = options.get(name, {}).get("suboptions")
        for entry in value if isinstance(value, list) else [value]:
            if inner and isinstance(entry, dict):
                found += unknown_options(entry, inner, f"{prefix}{name}.")
    return found


def tasks_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in an example that may be a task, those of plays and blocks among them."""
    if isinstance(value, list):
        for one in value:
            yield from tasks_in(one)
    elif isinstance(value, dict):
        yield value
        for key in ("tasks", "block", "rescue", "always", "pre_tasks", "post_tasks"):
            yield from tasks_in(value.get(key))


@each_module
def test_examples_name_what_exists(module: str, documented: dict[str, Any]) -> None:
    tasks = list(tasks_in(yaml.safe_load(documented[module]["examples"])))
    defaults = {name: value for task in tasks for name, value in task.get("module_defaults", {}).items()}
    own = f"argolab.observability.{module}"
    assert own in {name for task in tasks for name in task}
    wrong = []
    for task in tasks:
        for name, given in task.items():
            if name.startswith("argolab.observability."):
                # Defaults of a group give what a task leaves out; each of its options is one of the module's.
                given = {**(given or {}), **{key: None for group in defaults.values() for key in group}}
                wrong += unknown_options(given, documented[name.rsplit(".", 1)[-1]]["doc"]["options"], f"{name}: ")
    assert not wrong


@each_module
def test_what_a_module_links_to_exists(module: str, documented: dict[str, Any]) -> None:
    links = [one["module"] for one in documented[module]["doc"].get("seealso") or [] if "module" in one]
    own = [name.removeprefix("argolab.observability.") for name in links if name.startswith("argolab.observability.")]
    assert not [name for name in own if name not in documented or name == module]


YAML_WITH_TASKS = [
    path
    for pattern in ("roles/*/tasks/*.yml", "playbooks/**/*.yml", "*.yml", "molecule/**/*.yml")
    for path in sorted(ROOT.glob(pattern))
]


def test_roles_are_named_in_full() -> None:
    """Ansible finds a role of its own collection by its short name as well, and then maybe somebody else's."""
    wrong = []
    for path in YAML_WITH_TASKS:
        for name in re.findall(
            r"(?:include|import)_role:\n(?:\s+\w+: .*\n)*?\s+name: (\S.*)", path.read_text(encoding="utf-8")
        ):
            if not name.strip("\"'").startswith("argolab.observability."):
                wrong.append(f"{path.relative_to(ROOT)}: {name}")
    assert YAML_WITH_TASKS
    assert not wrong


@each_role
def test_readme_of_the_role_names_no_option_that_is_not(role: Path) -> None:
    text = (role / "README.md").read_text(encoding="utf-8")
    specs = load(role / "meta" / "argument_specs.yml")["argument_specs"]
    known = {name for spec in specs.values() for name in spec.get("options") or {}}
    tasks = "".join(path.read_text(encoding="utf-8") for path in (role / "tasks").glob("*.yml"))
    forms = (rf"^\s+({role.name}_\w+):", rf"^\s+register: ({role.name}_\w+)$")
    facts = {name for form in forms for name in re.findall(form, tasks, re.MULTILINE)}
    named = set(re.findall(rf"`({role.name}_\w+)`", text))
    assert not named - known - facts - {module.stem for module in MODULES}


@each_role
def test_defaults_in_the_readme_of_the_role_are_those_of_the_specs(role: Path) -> None:
    """Rows such as | `name` | `value` |; what is said in words or for several options at once is for people to read."""
    text = (role / "README.md").read_text(encoding="utf-8")
    options, defaults = options_of(role), defaults_of(role)
    wrong = {}
    for name, said in re.findall(rf"^\| `({role.name}_\w+)` \| (`[^`]*`|[\d.]+) \|", text, re.MULTILINE):
        value, default = yaml.load(said.strip("`"), Loader), options.get(name, {}).get("default")
        # The README may name the variable that a default is taken from.
        taken_from = re.findall(r"\w+", str(defaults.get(name))) if "{{" in str(defaults.get(name)) else []
        if default is not None and "{{" not in str(default) and value != default and value not in taken_from:
            wrong[name] = f"{value!r} in the README, {default!r} in the specs"
    assert not wrong


def test_tags_that_ansible_lists_are_those_of_the_readme() -> None:
    program = str(Path(sys.executable).parent / "ansible-playbook")
    env = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections")}
    command = [program, "-i", "inventory/k3d", "--list-tags", "site.yml"]
    listing = subprocess.run(command, capture_output=True, text=True, check=True, env=env, cwd=ROOT).stdout
    listed = {tag for tags in re.findall(r"TASK TAGS: \[(.*)\]", listing) for tag in tags.split(", ")} - {"always", ""}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert listed == set(re.findall(r"^\| `playbooks/\w+\.yml` \| `(\w+)` \|", readme, re.MULTILINE))


def test_python_files_carry_the_licence() -> None:
    files = [path for folder in ("plugins", "scripts", "benchmarks", "tests") for path in (ROOT / folder).rglob("*.py")]
    heads = {path: path.read_text(encoding="utf-8")[:600] for path in files}
    licence = "SPDX-License-Identifier: GPL-3.0-or-later"
    without = [str(path.relative_to(ROOT)) for path, head in heads.items() if head and licence not in head]
    assert files
    assert not without


CONTENT = [
    path
    for pattern in ("plugins/**/*.py", "scripts/*.py", "benchmarks/*.py", "roles/**/*.yml", "playbooks/**/*.yml")
    for path in sorted(ROOT.glob(pattern))
]


def test_no_check_is_told_to_look_away() -> None:
    """No file of ignored findings, no skipped rule: what a tool finds is mended, or told beside the line."""
    assert not [str(path) for path in ROOT.glob("tests/sanity/ignore*")]
    lint = load(ROOT / ".ansible-lint")
    assert lint["profile"] == "production"
    assert not set(lint) & {"skip_list", "warn_list", "enable_list"}
    rules = load(ROOT / ".yamllint")["rules"]
    assert {name for name, rule in rules.items() if rule in ("disable", False)} <= {
        "document-start",
        "comments-indentation",
    }
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert "per-file-ignores" not in project
    assert re.search(r"^strict = true$", project, re.MULTILINE)
    assert not re.search(r"ignore_errors|disable_error_code|warn_unused_ignores = false", project)
    assert set(load(ROOT / "tests" / "config.yml")) == {"modules"}


def test_an_exemption_beside_a_line_names_its_rule() -> None:
    """A bare one would hide the next finding as well. mypy and ruff fail for one that is no longer needed."""
    wrong = []
    for path in CONTENT:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for bare in (
                r"#\s*noqa(?!: ?[\w-])",
                r"type: ignore(?!\[)",
                r"pylint: disable(?!=\w)",
                r"yamllint disable(?!-line rule:\w)",
            ):
                wrong += [f"{path.relative_to(ROOT)}:{number}"] if re.search(bare, line) else []
    assert CONTENT
    assert not wrong
