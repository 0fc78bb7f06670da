# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/manifests/build-rbac.yaml lets through what the charts of both sources make, and nothing that neither makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.argolab.observability.plugins.module_utils.cluster_rights import Right, grants, rights_in

from .conftest import CHECKOUT, RELEASES, Loader, Objects

MANIFEST = CHECKOUT / "docs" / "manifests" / "build-rbac.yaml"
CLUSTER_KINDS = ("ClusterRole", "ClusterRoleBinding", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
CHANGES = ("create", "patch", "delete")
HOOK = "helm.sh/hook"
# What is written beside the charts: Helm's own revisions, the dashboards' namespace, Applications, the drill, CRDs.
BESIDE = {"secrets", "namespaces", "applications", "alertmanagerconfigs", "services/proxy", "customresourcedefinitions"}


def resource(item: dict[str, Any]) -> str:
    kind = str(item["kind"])
    irregular = {"Ingress": "ingresses", "Prometheus": "prometheuses", "NetworkPolicy": "networkpolicies"}
    return irregular.get(kind, kind.lower() + "s")


def place(item: dict[str, Any], release: str) -> str:
    return "" if item["kind"] in CLUSTER_KINDS else str(item["metadata"].get("namespace") or release)


def rules_of(items: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """By namespace, those of the whole cluster included."""
    everywhere = [rule for item in items if item["kind"] == "ClusterRole" for rule in item["rules"]]
    found = {"": everywhere}
    for item in items:
        if item["kind"] == "Role":
            found.setdefault(item["metadata"]["namespace"], list(everywhere)).extend(item["rules"])
    return found


@pytest.fixture(scope="module")
def rules() -> dict[str, list[dict[str, Any]]]:
    return rules_of(yaml.safe_load(MANIFEST.read_text())["items"])


def objects_in(text: str) -> Iterator[dict[str, Any]]:
    """What a rendered release makes; CRDs come before it, and helm's own tests are never run."""
    for item in yaml.load_all(text, Loader=Loader):
        hook = ((item or {}).get("metadata", {}).get("annotations") or {}).get(HOOK, "")
        if item and item["kind"] != "CustomResourceDefinition" and "test" not in hook:
            yield item


def rendered(upstream: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for chart, (_release, namespace) in RELEASES.items():
        for item in objects_in((upstream / f"rendered-{chart}.yaml").read_text()):
            yield namespace, item


@pytest.fixture(scope="module")
def made(upstream: Path, lab: Callable[..., Objects]) -> list[tuple[str, dict[str, Any]]]:
    ours = [(namespace, item) for chart, (_release, namespace) in RELEASES.items() for item in lab(chart).values()]
    return [*rendered(upstream), *ours]


def needed(namespace: str, item: dict[str, Any]) -> list[Right]:
    group = item["apiVersion"].rpartition("/")[0]
    hook = HOOK in (item["metadata"].get("annotations") or {})
    verbs = ("create", "get", "delete") if hook else ("create", "get", "patch", "delete")
    where, name = place(item, namespace), item["metadata"]["name"]
    # a right to create can be given for all names only
    return [Right(where, group, resource(item), verb, "" if verb == "create" else name) for verb in verbs]


def test_what_the_charts_make_may_be_made_changed_and_removed(
    made: list[tuple[str, dict[str, Any]]], rules: dict[str, list[dict[str, Any]]]
) -> None:
    assert len(made) > 150
    lacking = {
        f"{right} in {right.namespace or 'the cluster'}"
        for namespace, item in made
        for right in needed(namespace, item)
        if not grants(rules[right.namespace], right)
    }
    assert lacking == set()


def test_who_makes_a_role_has_what_it_holds_or_may_pass_on_more(
    made: list[tuple[str, dict[str, Any]]], rules: dict[str, list[dict[str, Any]]]
) -> None:
    roles = [(place(item, namespace), item) for namespace, item in made if item["kind"] in ("Role", "ClusterRole")]
    assert len(roles) > 20
    for where, item in roles:
        if item["kind"] == "ClusterRole":
            bound = Right("", "rbac.authorization.k8s.io", "clusterroles", "bind", item["metadata"]["name"])
            assert grants(rules[""], bound), bound
            assert grants(rules[""], Right("", "rbac.authorization.k8s.io", "clusterroles", "escalate"))
            continue
        held = (
            rights_in({"items": [{**item, "metadata": {**item["metadata"], "namespace": where}}]})
            if item["rules"]
            else []
        )
        assert [str(right) for right in held if not grants(rules[where], right)] == [], item["metadata"]["name"]


def test_nothing_may_be_changed_that_no_chart_makes(
    made: list[tuple[str, dict[str, Any]]], rules: dict[str, list[dict[str, Any]]]
) -> None:
    """Rights to change something, each held against every object that is made."""
    wanted = {
        (right.namespace, right.group, right.resource) for namespace, item in made for right in needed(namespace, item)
    }
    in_roles = {
        (right.group, right.resource)
        for _namespace, item in made
        if item["kind"] == "Role" and item["rules"]
        for right in rights_in({"items": [{**item, "metadata": {**item["metadata"], "namespace": "x"}}]})
    }
    manifest = rights_in(yaml.safe_load(MANIFEST.read_text()))
    superfluous = {
        f"{right} in {right.namespace or 'the cluster'}"
        for right in manifest
        if right.verb in CHANGES
        and right.resource not in BESIDE
        and (right.namespace, right.group, right.resource) not in wanted
        and not (right.namespace == "argocd" and (right.group, right.resource) in in_roles)
    }
    assert superfluous == set()
    assert len(manifest) > 200
