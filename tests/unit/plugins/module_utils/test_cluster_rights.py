# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights of a manifest, and which of them an account has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.argolab.observability.plugins.module_utils.cluster_rights import (
    NOWHERE,
    Right,
    grants,
    missing_rights,
    remedies,
    rights_checks,
    rights_in,
    wanted_rights,
)
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from hypothesis import given
from hypothesis import strategies as st

MANIFESTS = Path(__file__).resolve().parents[4] / "docs" / "manifests"
ROLE = {
    "kind": "Role",
    "metadata": {"name": "a", "namespace": "monitoring"},
    "rules": [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "patch"]}],
}
CLUSTER_ROLE = {
    "kind": "ClusterRole",
    "metadata": {"name": "b", "namespace": "ignored"},
    "rules": [{"apiGroups": [""], "resources": ["services/proxy"], "resourceNames": ["x", "y"], "verbs": ["get"]}],
}


class Account:
    """Rights by RBAC, by place, and rights that only another authorizer knows of."""

    def __init__(self, rules: dict[str, list[dict[str, Any]]], more: tuple[Right, ...] = ()) -> None:
        self.rules, self.more, self.asked = rules, more, 0

    def create(self, path: str, body: Any) -> dict[str, Any]:
        self.asked += 1
        if path.endswith("/selfsubjectrulesreviews"):
            return {"status": {"resourceRules": self.rules.get(body["spec"]["namespace"], [])}}
        wanted = body["spec"]["resourceAttributes"]
        resource = "/".join(part for part in (wanted["resource"], wanted["subresource"]) if part)
        right = Right(wanted["namespace"], wanted["group"], resource, wanted["verb"], wanted["name"])
        return {"status": {"allowed": right in self.more}}


def test_every_right_of_a_manifest() -> None:
    both = {"items": [ROLE, CLUSTER_ROLE, {"kind": "Secret"}]}
    assert rights_in(both) == [
        Right("", "", "services/proxy", "get", "x"),
        Right("", "", "services/proxy", "get", "y"),
        Right("monitoring", "apps", "deployments", "get"),
        Right("monitoring", "apps", "deployments", "patch"),
    ]
    for name in ("a", "monitoring/a"):
        assert {right.namespace for right in rights_in(both, [name])} == {"monitoring"}
    assert len(rights_in(both, ["monitoring/a", "b"])) == 4


def test_a_role_that_is_not_there_is_no_answer() -> None:
    for name, words in (("c", "called c; it holds a, b, monitoring/a"), ("argocd/a", "argocd/a")):
        with pytest.raises(ArgolabError, match=words):
            rights_in({"items": [ROLE, CLUSTER_ROLE]}, ["a", name])


def test_each_manifest_has_the_command_that_grants_its_rights() -> None:
    more = {**ROLE, "rules": [*ROLE["rules"], {"apiGroups": ["policy"], "resources": ["x"], "verbs": ["create"]}]}
    wanted = wanted_rights(
        [
            {"content": {"items": [ROLE, CLUSTER_ROLE]}, "roles": ["a"], "remedy": "apply base"},
            {"content": {"items": [more]}, "roles": [], "remedy": "apply more"},
        ]
    )
    # what both grant is granted by the first
    assert {str(right): command for right, command in wanted.items()} == {
        "get deployments.apps": "apply base", "patch deployments.apps": "apply base", "create x.policy": "apply more",
    }  # fmt: skip
    (check,) = rights_checks(wanted, list(wanted))
    assert check.next == "apply base && apply more"
    (create,) = (right for right in wanted if right.verb == "create")
    (check,) = rights_checks(wanted, [create])
    assert (check.next, check.observed, check.detail) == ("apply more", "2 of 3", "missing: create x.policy")
    assert remedies(wanted, []) == ""


@pytest.mark.parametrize("manifest", [{}, {"items": []}, {"items": [{"kind": "Role", "metadata": {"name": "a"}}]}, []])
def test_a_manifest_without_rights_is_no_answer(manifest: Any) -> None:
    with pytest.raises(ArgolabError, match="manifest"):
        rights_in(manifest)
    with pytest.raises(ArgolabError, match="called c"):
        rights_in({"items": [ROLE]}, ["c"])


@pytest.mark.parametrize(
    ("rule", "granted"),
    [
        ({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, True),
        ({"apiGroups": [""], "resources": ["services/proxy"], "verbs": ["get"]}, True),
        ({"apiGroups": [""], "resources": ["*/proxy"], "verbs": ["get"]}, True),
        ({"apiGroups": [""], "resources": ["services/proxy"], "verbs": ["get"], "resourceNames": ["x"]}, True),
        ({"apiGroups": [""], "resources": ["services/proxy"], "verbs": ["get"], "resourceNames": ["z"]}, False),
        ({"apiGroups": [""], "resources": ["services"], "verbs": ["get"]}, False),
        ({"apiGroups": ["apps"], "resources": ["services/proxy"], "verbs": ["get"]}, False),
        ({"apiGroups": [""], "resources": ["services/proxy"], "verbs": ["list"]}, False),
        ({}, False),
    ],
)
def test_a_rule_grants_as_kubernetes_judges(rule: dict[str, Any], granted: bool) -> None:
    assert grants([rule], Right("", "", "services/proxy", "get", "x")) is granted


def test_a_right_to_all_is_not_granted_by_a_right_to_one() -> None:
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["x"]}
    assert not grants([rule], Right("", "", "secrets", "get"))


def test_what_is_missing_is_named_and_everything_else_is_asked_for_in_few_requests() -> None:
    rights = rights_in({"items": [ROLE, CLUSTER_ROLE]})
    all_of_it = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    account = Account({NOWHERE: [all_of_it], "monitoring": [all_of_it]})
    assert missing_rights(account, rights) == []
    assert account.asked == 2
    # a Role in the namespace does not count for the whole cluster
    assert [str(right) for right in missing_rights(Account({"monitoring": [all_of_it]}), rights)] == [
        "get services/proxy x",
        "get services/proxy y",
    ]
    webhook = Account({NOWHERE: [all_of_it]}, more=(Right("monitoring", "apps", "deployments", "get"),))
    missing = missing_rights(webhook, rights)
    assert [str(right) for right in missing] == ["patch deployments.apps"]
    checks = rights_checks(dict.fromkeys(rights, "kubectl apply -f x.yaml"), missing)
    assert [(check.name, check.ok, check.observed, check.cause) for check in checks] == [
        ("rights in the whole cluster", True, "2 of 2", ""),
        ("rights in namespace monitoring", False, "1 of 2", "right_missing"),
    ]
    assert checks[1].detail == "missing: patch deployments.apps" and checks[1].next == "kubectl apply -f x.yaml"


def test_silence_is_no_right() -> None:
    class Silent:
        def create(self, path: str, body: Any) -> dict[str, Any]:
            return {}

    rights = rights_in({"items": [ROLE]})
    assert missing_rights(Silent(), rights) == rights


def rules_of(*names: str, without: str = "") -> dict[str, list[dict[str, Any]]]:
    """All of some manifests, by place."""
    items = [item for name in names for item in yaml.safe_load((MANIFESTS / name).read_text())["items"]]
    items = [item for item in items if item["metadata"]["name"] != without]
    everywhere = [rule for item in items if item["kind"] == "ClusterRole" for rule in item["rules"]]
    rules = {NOWHERE: everywhere}
    for item in items:
        if item["kind"] == "Role":
            rules.setdefault(item["metadata"]["namespace"], list(everywhere)).extend(item["rules"])
    return rules


def test_who_may_build_may_verify() -> None:
    """Otherwise the build's last part, the verification, could not look."""
    verify, more = ("verify-rbac.yaml", "verify-rbac-profiles.yaml")
    wanted = rights_in(yaml.safe_load((MANIFESTS / verify).read_text()))
    assert missing_rights(Account(rules_of("build-rbac.yaml")), wanted) == []
    profiles = rights_in(yaml.safe_load((MANIFESTS / more).read_text()))
    assert missing_rights(Account(rules_of("build-rbac.yaml")), profiles) != []
    assert missing_rights(Account(rules_of("build-rbac.yaml", "build-rbac-profiles.yaml")), profiles) == []


@pytest.mark.parametrize("name", ["build-rbac", "build-rbac-profiles", "verify-rbac", "verify-rbac-profiles"])
def test_every_role_is_bound_to_the_account_and_the_parts_overlap_in_nothing(name: str) -> None:
    items = yaml.safe_load((MANIFESTS / f"{name}.yaml").read_text())["items"]
    account = f"argolab-{name.partition('-')[0]}"
    roles = [item for item in items if item["kind"] in ("Role", "ClusterRole")]
    bound = {
        (item["roleRef"]["kind"], item["metadata"].get("namespace", ""), item["roleRef"]["name"])
        for item in items
        if item["kind"].endswith("Binding")
        and item["subjects"] == [{"kind": "ServiceAccount", "name": account, "namespace": account}]
    }
    assert {(item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]) for item in roles} == bound
    if name.endswith("-profiles"):
        # who does not drill does not have that Role
        base = rules_of(f"{name.removesuffix('-profiles')}.yaml", without="argolab-drill")
        rights = rights_in({"items": items})
        assert [right for right in missing_rights(Account(base), rights) if right in rights] == rights


@given(st.recursive(st.none() | st.text() | st.lists(st.text()), lambda inner: st.dictionaries(st.text(), inner)))
def test_nothing_that_is_no_manifest_is_a_traceback(content: Any) -> None:
    with pytest.raises(ArgolabError):
        rights_in(content)
