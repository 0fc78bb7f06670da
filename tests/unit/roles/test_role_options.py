# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of every role refuses a wrong type, an impossible value and, unless it means something, an empty one.

The bad values are derived from the role's argument specification and from the limits of its first task.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.argolab.observability.plugins.module_utils.limits import option_problems

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "unit" / "plugins" / "module_utils"))

from test_limits import SAMPLES

# Texts and paths in which anything may be right: what they name is looked for by the module that uses them.
ANYTHING = {
    "alert_drill": {"context"},
    "argo_cd": {
        "context", "chart_ref", "helm_binary", "ingress_annotations", "resources", "tls_ca", "tls_certificate",
        "tls_key",
    },
    "diagnosis": {"context"},
    "existing_cluster": {"context", "rights_manifest", "rights_profiles_manifest"},
    "grafana_dashboards": {
        "context", "argocd_file", "argocd_folder", "items.file", "items.folder", "overview_folder",
    },
    "guestbook": {"context"},
    "hosts_entries": {"endpoints.detail"},
    "k3d_cluster": {"binary"},
    "kube_prometheus_stack": {
        "context", "chart_ref", "helm_binary", "grafana_admin_password", "tls_ca", "tls_certificate", "tls_key",
    },
    "package_artifacts": {"go", "record"},
    "verification": {
        "context", "hosts.path", "hosts.contains", "hosts.skip", "alerts.group", "alerts.rule",
        "metrics.name", "metrics.expr", "metrics.value", "metrics.required_when", "dashboards_allowed_empty.reason",
        "tls_ca", "workloads.skip",
    },
}  # fmt: skip
WRONG_TYPE: dict[str, Any] = {"int": "soon", "float": "much", "bool": "maybe", "list": {"a": 1}, "dict": "nothing"}


class Loader(yaml.SafeLoader):
    """Reads Ansible's own tags as plain values."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def load(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader)


ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if (path / "tasks").is_dir())
SPECS = {
    role: load(ROOT / f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"] for role in ROLES
}


def limits_of(role: str) -> dict[str, Any]:
    (task,) = load(ROOT / f"roles/{role}/tasks/preflight.yml")
    return task["argolab.observability.role_options"].get("limits", {})


def is_empty(value: Any) -> bool:
    return value in ("", [], {})


def bad_values(option: dict[str, Any], limit: dict[str, Any]) -> list[Any]:
    """What this option must refuse, by its type and its limits."""
    kind = option.get("type", "str")
    found = [WRONG_TYPE[kind]] if kind in WRONG_TYPE else []
    if option.get("choices"):
        return [*found, ["no-such-choice"] if kind == "list" else "no-such-choice"]
    if kind in ("int", "float"):
        found += [limit["minimum"] - 1] if "minimum" in limit else [limit["above"]] if "above" in limit else []
        found += [limit["maximum"] + 1] if "maximum" in limit else []
        return found if len(found) > 1 else []
    empty = {"str": "", "path": "", "list": [], "dict": {}}.get(kind)
    if empty is not None and not limit.get("empty_ok") and not is_empty(option.get("default", "x")):
        found.append(empty)
    if "form" in limit:
        bad = SAMPLES[limit["form"]][1]
        found += [[text] for text in bad] if kind == "list" else list(bad)
    return found


def refusal(name: str, value: Any, option: dict[str, Any], limit: dict[str, Any]) -> str:
    """What is said of a value: by Ansible's own validation first, then by the limits."""
    spec = {name: {key: option[key] for key in ("type", "choices", "elements", "options") if key in option}}
    result = ArgumentSpecValidator(spec).validate({name: value})
    if result.error_messages:
        return " ".join(result.error_messages)
    return " ".join(option_problems(result.validated_parameters, {name: option}, {name: limit}))


def flatten(options: dict[str, Any], limits: dict[str, Any], prefix: str = "") -> list[tuple[str, Any, Any]]:
    found = []
    for name, option in options.items():
        limit = limits.get(name, {})
        found.append((prefix + name, option, limit))
        found += flatten(option.get("options") or {}, limit.get("options", {}), f"{prefix}{name}.")
    return found


ALL = [(role, *entry) for role in ROLES for entry in flatten(SPECS[role], limits_of(role))]
CASES = [(role, name, value, option, limit) for role, name, option, limit in ALL for value in bad_values(option, limit)]


@pytest.mark.parametrize(("role", "name", "value", "option", "limit"), CASES, ids=lambda value: repr(value)[:40])
def test_a_bad_value_is_refused_and_the_option_named(role: str, name: str, value: Any, option: Any, limit: Any) -> None:
    last = name.rpartition(".")[2]
    assert last in refusal(last, value, option, limit)


@pytest.mark.parametrize("role", ROLES)
def test_every_option_refuses_something(role: str) -> None:
    """An option without a case is either one in which anything may be right, or was forgotten."""
    refused = {name for owner, name, *_rest in CASES if owner == role}
    free = {f"{role}_{name}" for name in ANYTHING.get(role, ())}
    # Raw values (a kubeconfig as path or content, a dashboard, a port as text or mapping) are read by the modules.
    raw = {
        name
        for owner, name, option, _limit in ALL
        if owner == role and "raw" in (option.get("type"), option.get("elements"))
    }
    every = {name for owner, name, *_rest in ALL if owner == role}
    only_empty = {
        name
        for owner, name, option, limit in ALL
        if owner == role and option.get("type") == "str" and "form" not in limit and not option.get("choices")
    }
    assert every - refused - free - raw == set()
    assert only_empty - free == set()
    assert free <= every


@pytest.mark.parametrize("role", ROLES)
def test_the_defaults_are_possible(role: str) -> None:
    """An expression is judged where it is evaluated, in the molecule scenarios."""
    written = load(ROOT / f"roles/{role}/defaults/main.yml") or {}
    documented = {name: option["default"] for name, option in SPECS[role].items() if "default" in option}
    for defaults in (written, documented):
        plain = {name: value for name, value in defaults.items() if "{{" not in str(value)}
        assert option_problems(plain, SPECS[role], limits_of(role)) == []
