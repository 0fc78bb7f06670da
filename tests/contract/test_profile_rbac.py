# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/manifests/build-rbac-profiles.yaml has for each option of the profiles what the charts then make, and no more.

The charts are rendered anew for each option, the community's where ARGOLAB_UPSTREAM_CHARTS has them, so that a kind
which comes to them later fails here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.argolab.observability.plugins.module_utils.cluster_rights import Right, grants, rights_in

from .conftest import CHARTS, CHECKOUT, RELEASES, write_values
from .test_build_rbac import HOOK, needed, objects_in, place, rules_of

MANIFESTS = CHECKOUT / "docs" / "manifests"
UPSTREAM_CHARTS = Path(os.environ.get("ARGOLAB_UPSTREAM_CHARTS") or CHECKOUT.parent / "shared" / "charts")
FILES = {"lab_tls_mode": "files", "lab_tls_certificate": "/nowhere/a.crt", "lab_tls_key": "/nowhere/a.key"}
ISSUED = {"lab_tls_mode": "cert_manager", "lab_tls_issuer": "ca"}
CLUSTER_ISSUERS = "argolab-build-cluster-issuers"

# What is chosen, and the Roles that are asked for then. A profile is a set of such options, read from its inventory.
VARIANTS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "tutorial": ({}, set()),
    "policies": ({"kube_prometheus_stack_network_policies_enabled": True}, {"argolab-build-policies"}),
    "argocd-policies": ({"argo_cd_network_policies_enabled": True}, set()),
    "prometheus": ({"kube_prometheus_stack_prometheus_replicas": 2}, {"monitoring/argolab-build-budgets"}),
    "alertmanager": ({"kube_prometheus_stack_alertmanager_replicas": 3}, {"monitoring/argolab-build-budgets"}),
    "controller": ({"argo_cd_controller_replicas": 2}, {"argocd/argolab-build-budgets"}),
    "server": ({"argo_cd_server_replicas": 2}, {"argocd/argolab-build-budgets"}),
    "repo-server": ({"argo_cd_repo_server_replicas": 2}, {"argocd/argolab-build-budgets"}),
    "applicationset": ({"argo_cd_applicationset_replicas": 2}, {"argocd/argolab-build-budgets"}),
    "files": (FILES, {"argolab-build-namespace"}),
    "secret": ({"lab_tls_mode": "secret"}, set()),
    "issued": (
        ISSUED,
        {"monitoring/argolab-build-certificates", "argocd/argolab-build-certificates", CLUSTER_ISSUERS},
    ),
    "issued-here": (
        {**ISSUED, "lab_tls_issuer_kind": "Issuer"},
        {
            "monitoring/argolab-build-certificates", "argocd/argolab-build-certificates",
            "monitoring/argolab-build-issuers", "argocd/argolab-build-issuers",
        },
    ),
    "issued-argocd": (
        {"argo_cd_tls_mode": "cert_manager", "argo_cd_tls_issuer": "ca"},
        {"argocd/argolab-build-certificates", CLUSTER_ISSUERS},
    ),
    "restricted": ({"argo_cd_pod_security": "restricted"}, {"argolab-build-namespace"}),
    "logins": (
        {"argo_cd_secret_create": False, "kube_prometheus_stack_grafana_admin_secret_create": False},
        set(),
    ),
    "login": ({"verification_grafana_admin_secret": "own"}, {"argolab-build-login"}),
    "login-without-grafana": (
        {"verification_grafana_admin_secret": "own", "kube_prometheus_stack_grafana_enabled": False},
        set(),
    ),
    "redis-ha": ({"argo_cd_redis_ha_enabled": True}, {"argolab-build-redis-ha"}),
    "hardened": (FILES, {"argolab-build-policies", "argolab-build-namespace", "argolab-build-login"}),
    "hardened-issued": (
        ISSUED,
        {
            "argolab-build-policies", "argolab-build-namespace", "argolab-build-login", CLUSTER_ISSUERS,
            "monitoring/argolab-build-certificates", "argocd/argolab-build-certificates",
        },
    ),
    "ha": ({}, {"monitoring/argolab-build-budgets", "argocd/argolab-build-budgets", "argolab-build-redis-ha"}),
}  # fmt: skip
# Hosts of the inventories by their groups.
PROFILES = {"hardened": ["hardened", "hardened-issued"], "ha": ["ha"]}
# One for each kind that an option brings, and what the profiles make of them; rendering all would take minutes.
RENDERED = ("argocd-policies", "alertmanager", "repo-server", "issued", "logins", "hardened", "ha")
# Without the community's charts there is no redis-ha to be rendered.
UPSTREAM_ONLY = {"redis-ha"}
# What the roles write beside the releases.
WRITTEN = {"Namespace", "Secret"}
# Rights to look, which a build needs of what it does not make.
LOOKED_AT = {"issuers", "clusterissuers", "certificaterequests", "services/proxy"}

Made = dict[str, list[tuple[str, dict[str, Any]]]]


def inventory(folder: Path, source: str, names: Collection[str] = tuple(VARIANTS)) -> list[str]:
    hosts = {
        name: {
            **options, "lab_build_dir": str(folder / name), "existing_cluster_kubeconfig": "/nowhere/kubeconfig",
            "existing_cluster_context": "none", "artifact_source_effective": source,
        }
        for name, (options, _roles) in VARIANTS.items()
        if name in names
    }  # fmt: skip
    common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "lab_cache_dir": str(folder)}
    content = {
        "clusters": {"hosts": hosts, "vars": common},
        **{profile: {"hosts": {one: {} for one in ones if one in names}} for profile, ones in PROFILES.items()},
    }
    (folder / "hosts.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
    # A profile's file names a group, whose hosts are those above.
    more = [argument for name in PROFILES for argument in ("-i", str(CHECKOUT / "inventory" / name / "profile.yml"))]
    return ["-i", str(folder / "hosts.yml"), *more]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Which Roles role existing_cluster asks for, by variant."""
    folder = tmp_path_factory.mktemp("asked")
    said = "ASKED {{ inventory_hostname }} {{ existing_cluster_rights_profiles_roles | unique | join(' ') }} END"
    play = {
        "hosts": "clusters", "gather_facts": False,
        "tasks": [
            {"ansible.builtin.import_role": {"name": "argolab.observability.existing_cluster", "tasks_from": "absent"}},
            {"ansible.builtin.debug": {"msg": said}},
        ],
    }  # fmt: skip
    (folder / "play.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
    program = Path(sys.executable).with_name("ansible-playbook")
    done = subprocess.run(
        [str(program), str(folder / "play.yml"), *inventory(folder, "upstream")],
        cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = {name: roles.split() for name, roles in re.findall(r"ASKED (\S+)\s([^=]*?)\sEND", done.stdout)}
    assert set(found) == set(VARIANTS)
    return found


def rendered(helm: str, charts: Path, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for chart, (release, namespace) in RELEASES.items():
        done = subprocess.run(
            [
                helm, "template", release, str(charts / chart), "--namespace", namespace, "--kube-version", "1.37.0",
                "--api-versions", "monitoring.coreos.com/v1", "--values", str(folder / "values" / f"{release}.yaml"),
            ],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        for item in objects_in(done.stdout):
            yield namespace, item


@pytest.fixture(scope="module", params=["packages", "upstream"])
def made(request: pytest.FixtureRequest, helm: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Made]:
    """What the charts of a source make, by variant."""
    source = request.param
    charts = CHARTS if source == "packages" else UPSTREAM_CHARTS
    if any(not (charts / chart).is_dir() for chart in RELEASES):
        pytest.skip("the community's charts with their dependencies are not in ARGOLAB_UPSTREAM_CHARTS")
    folder = tmp_path_factory.mktemp(source)
    names = [*RENDERED, *(UPSTREAM_ONLY if source == "upstream" else ())]
    write_values(folder, source, *inventory(folder, source, names), each=True)
    return source, {name: list(rendered(helm, charts, folder / name)) for name in names}


def manifest(name: str) -> Any:
    return yaml.safe_load((MANIFESTS / f"{name}.yaml").read_text())


def rules_for(roles: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Those of a build's account, by namespace: what every build has, and these Roles of the profiles."""
    chosen = [
        item
        for item in manifest("build-rbac-profiles")["items"]
        if {item["metadata"]["name"], f"{item['metadata'].get('namespace')}/{item['metadata']['name']}"} & set(roles)
    ]
    return rules_of(manifest("build-rbac")["items"] + chosen)


def lacking(made: list[tuple[str, dict[str, Any]]], rules: dict[str, list[dict[str, Any]]]) -> set[str]:
    """Rights that making, comparing, changing and removing these objects takes, and that these rules do not grant."""
    found = set()
    for namespace, item in made:
        rights = needed(namespace, item)
        if HOOK not in (item["metadata"].get("annotations") or {}):
            # what a release holds is compared with the cluster, by lists
            rights.append(Right(rights[0].namespace, rights[0].group, rights[0].resource, "list"))
        if item["kind"] == "Role" and item["rules"]:
            where = {**item["metadata"], "namespace": place(item, namespace)}
            rights += rights_in({"items": [{**item, "metadata": where}]})
        found |= {f"{right} in {right.namespace}" for right in rights if not grants(rules[right.namespace], right)}
    return found


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_roles_of_the_chosen_options_are_asked_for(asked: dict[str, list[str]], variant: str) -> None:
    assert set(asked[variant]) == VARIANTS[variant][1]


def test_what_the_charts_make_may_be_made(made: tuple[str, Made], asked: dict[str, list[str]]) -> None:
    source, by_variant = made
    for variant, objects in by_variant.items():
        assert len(objects) > 60
        assert lacking(objects, rules_for(asked[variant])) == set(), (source, variant)


def test_every_role_that_is_asked_for_is_needed(made: tuple[str, Made], asked: dict[str, list[str]]) -> None:
    source, by_variant = made
    for variant, objects in by_variant.items():
        for role in asked[variant]:
            # The namespace's label and its Secret are written by the role beside the release, the others are to look.
            if role in ("argolab-build-namespace", "argolab-build-login") or "issuers" in role:
                continue
            if source == "packages" and role == "argolab-build-redis-ha":
                continue
            others = [other for other in asked[variant] if other != role]
            assert lacking(objects, rules_for(others)), f"{variant} from {source} does not need {role}"


def test_no_right_is_for_what_no_chart_makes(made: tuple[str, Made], asked: dict[str, list[str]]) -> None:
    source, by_variant = made
    objects = [one for made_objects in by_variant.values() for one in made_objects]
    wanted = {(r.namespace, r.group, r.resource) for namespace, item in objects for r in needed(namespace, item)}
    held = {
        (right.group, right.resource)
        for _namespace, item in objects
        if item["kind"] == "Role" and item["rules"]
        for right in rights_in({"items": [{**item, "metadata": {**item["metadata"], "namespace": "x"}}]})
    }
    superfluous = {
        f"{right} in {right.namespace}"
        for right in rights_in(manifest("build-rbac-profiles"))
        if (right.namespace, right.group, right.resource) not in wanted
        and right.resource not in LOOKED_AT
        and str(right) != "patch namespaces argocd"
        and not (source == "packages" and right.resource == "endpoints")
        and (right.group, right.resource) not in held
    }
    assert superfluous == set()


def test_every_role_of_the_manifest_is_asked_for_by_some_option(asked: dict[str, list[str]]) -> None:
    known = {
        f"{item['metadata']['namespace']}/{item['metadata']['name']}"
        if item["kind"] == "Role"
        else item["metadata"]["name"]
        for item in manifest("build-rbac-profiles")["items"]
        if item["kind"] in ("Role", "ClusterRole")
    }
    chosen = {role for roles in asked.values() for role in roles}
    assert {name for name in known if not {name, name.rpartition("/")[2]} & chosen} == set()


def definitions(content: Any) -> Iterator[dict[str, Any]]:
    if isinstance(content, dict):
        if "kind" in content and "apiVersion" in content:
            yield content
        for value in content.values():
            yield from definitions(value)
    elif isinstance(content, list):
        for value in content:
            yield from definitions(value)


@pytest.mark.parametrize("role", ["kube_prometheus_stack", "argo_cd"])
def test_the_roles_write_nothing_else_beside_their_releases(role: str) -> None:
    """Both are in the manifests: Secrets in build-rbac.yaml, and the patch of a namespace by name."""
    tasks = [yaml.safe_load(path.read_text()) for path in (CHECKOUT / "roles" / role / "tasks").glob("*.yml")]
    kinds = {item["kind"] for item in definitions(tasks)}
    assert kinds == WRITTEN
