# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles, modules and metadata agree with each other."""

from __future__ import annotations

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


def test_python_files_carry_the_licence() -> None:
    files = [path for folder in ("plugins", "scripts", "benchmarks", "tests") for path in (ROOT / folder).rglob("*.py")]
    heads = {path: path.read_text(encoding="utf-8")[:600] for path in files}
    licence = "SPDX-License-Identifier: GPL-3.0-or-later"
    without = [str(path.relative_to(ROOT)) for path, head in heads.items() if head and licence not in head]
    assert files
    assert not without
