# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each profile makes of the charts, from the inventories that users name, and that it combines.

With the community's charts in ARGOLAB_UPSTREAM_CHARTS, each with its dependencies in charts/, the lab's are compared
with them too: a key of the values that only the lab chart knows would do nothing for others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent))
from conftest import CHARTS, RELEASES, Objects, load, write_values

STACK, ARGO = "kube-prometheus-stack", "argo-cd"
MONITORING, STACK_NAME = "monitoring", "kube-stack-prometheus-kube"
PROFILES = {"hardened": ("hardened",), "ha": ("ha",), "both": ("hardened", "ha")}
RECEIVERS = [
    {"url": "https://mimir.example.com/push", "name": "m", "auth": "basic", "secret": "a", "headers": {"X-A": "b"}},
    {"url": "https://thanos.example.com/receive", "auth": "bearer", "secret": "b", "ca_secret": "c"},
    {"url": "http://p.example.com/write", "extra": {"queueConfig": {"maxShards": 9}}},
]

Rendered = Callable[[str, str], Objects]


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """The values of a profile for a source of artifacts, made when they are first asked for."""
    made: dict[tuple[str, str], Path] = {}

    def of(profile: str, source: str) -> Path:
        if (profile, source) not in made:
            arguments = ["-i", "inventory/k3d"]
            for name in PROFILES[profile]:
                arguments += ["-i", f"inventory/{name}"]
            more = {
                "lab_tls_certificate": "/nowhere/a.crt", "lab_tls_key": "/nowhere/a.key",
                "kube_prometheus_stack_remote_write": RECEIVERS,
                "kube_prometheus_stack_alertmanager_config_secret": "receivers",
            }  # fmt: skip
            folder = tmp_path_factory.mktemp(f"{profile}-{source}")
            made[profile, source] = write_values(folder, source, *arguments, "-e", json.dumps(more))
        return made[profile, source]

    return of


def template(helm: str, folder: Path, chart: str, values: Path) -> Objects:
    release, namespace = RELEASES[chart]
    done = subprocess.run(
        [
            helm, "template", release, str(folder / chart), "--namespace", namespace, "--kube-version", "1.37.0",
            "--api-versions", "monitoring.coreos.com/v1", "--values", str(values / f"{release}.yaml"),
        ],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return load(done.stdout)


@pytest.fixture(scope="module")
def rendered(helm: str, values: Callable[[str, str], Path]) -> Rendered:
    return lambda profile, chart: template(helm, CHARTS, chart, values(profile, "packages"))


def containers(found: Objects) -> Iterator[dict[str, Any]]:
    for key, item in found.items():
        if key[0] in ("Deployment", "StatefulSet", "DaemonSet"):
            yield from item["spec"]["template"]["spec"]["containers"]


def test_hardened_serves_every_name_with_tls_only(rendered: Rendered) -> None:
    hosts = set()
    for chart in (STACK, ARGO):
        for key, item in rendered("hardened", chart).items():
            if key[0] == "Ingress":
                (entry,) = item["spec"]["tls"]
                assert entry["secretName"] == "lab-tls"
                assert entry["hosts"] == [rule["host"] for rule in item["spec"]["rules"]]
                assert item["metadata"]["annotations"] == {
                    "traefik.ingress.kubernetes.io/router.entrypoints": "websecure"
                }
                hosts |= set(entry["hosts"])
    assert hosts == {f"{name}.example.it" for name in ("prometheus", "alertmanager", "grafana", "argocd")}
    stack = rendered("hardened", STACK)
    for kind in ("prometheus", "alertmanager"):
        spec = stack[kind.capitalize(), MONITORING, f"{STACK_NAME}-{kind}"]["spec"]
        assert spec["externalUrl"] == f"https://{kind}.example.it/"
    ini = stack["ConfigMap", MONITORING, "kube-stack-prometheus-grafana"]["data"]["grafana.ini"]
    assert "root_url = https://grafana.example.it/" in ini
    assert "[auth.anonymous]\nenabled = false\n" in ini


def test_hardened_makes_no_login(rendered: Rendered) -> None:
    secrets = {key[2] for chart in (STACK, ARGO) for key in rendered("hardened", chart) if key[0] == "Secret"}
    # The certificate of the operator's own endpoint, and Redis's password, which helm makes once.
    assert secrets == {f"{STACK_NAME}-admission", "argocd-redis"}
    spec = rendered("hardened", STACK)["Alertmanager", MONITORING, f"{STACK_NAME}-alertmanager"]["spec"]
    assert spec["configSecret"] == "receivers"


def test_hardened_gives_every_container_its_limits(rendered: Rendered) -> None:
    stack, argo = rendered("hardened", STACK), rendered("hardened", ARGO)
    seen = list(containers(stack)) + list(containers(argo))
    specs = [stack["Prometheus", MONITORING, f"{STACK_NAME}-prometheus"]["spec"]]
    specs += [stack["Alertmanager", MONITORING, f"{STACK_NAME}-alertmanager"]["spec"]]
    for item in seen + specs:
        assert item["resources"]["limits"]["memory"], item.get("name")
        assert item["resources"]["requests"]["cpu"], item.get("name")
    operator = stack["Deployment", MONITORING, f"{STACK_NAME}-operator"]["spec"]["template"]["spec"]["containers"][0]
    assert "--config-reloader-memory-limit=100Mi" in operator["args"]


def test_hardened_meets_the_restricted_standard_in_argo_cds_namespace(rendered: Rendered) -> None:
    """What the label on the namespace enforces, as far as a rendering shows it."""
    for key, item in rendered("hardened", ARGO).items():
        if key[0] in ("Deployment", "StatefulSet"):
            pod = item["spec"]["template"]["spec"]
            for container in pod["containers"]:
                given = {**pod.get("securityContext", {}), **container["securityContext"]}
                assert given["runAsNonRoot"] is True
                assert given["seccompProfile"] == {"type": "RuntimeDefault"}
                assert given["allowPrivilegeEscalation"] is False
                assert given["capabilities"] == {"drop": ["ALL"]}


def test_hardened_keeps_metrics_for_prometheus(rendered: Rendered) -> None:
    policies = {key[2]: item["spec"] for key, item in rendered("hardened", ARGO).items() if key[0] == "NetworkPolicy"}
    parts = ("application-controller", "applicationset-controller", "repo-server", "server")
    assert set(policies) == {f"argocd-{part}-metrics" for part in parts} | {"argocd-redis"}
    for name, spec in policies.items():
        for rule in spec["ingress"]:
            ports = {port["port"] for port in rule["ports"]}
            if "metrics" in ports:
                label = {"kubernetes.io/metadata.name": MONITORING}
                assert rule["from"] == [{"namespaceSelector": {"matchLabels": label}}], name
                assert ports == {"metrics"}
            elif "from" not in rule:
                assert (name, ports) == ("argocd-server-metrics", {"server"})
    stack = {key[2]: item["spec"] for key, item in rendered("hardened", STACK).items() if key[0] == "NetworkPolicy"}
    assert stack["kube-stack-prometheus-kube-state-metrics-metrics"]["ingress"] == [{"from": [{"podSelector": {}}]}]
    assert len(stack) == 5


def test_every_policy_selects_pods_of_the_release(rendered: Rendered) -> None:
    for chart in (STACK, ARGO):
        found = rendered("both", chart)
        labels = [
            item["spec"]["template"]["metadata"]["labels"]
            for key, item in found.items()
            if key[0] in ("Deployment", "StatefulSet")
        ]
        for key, item in found.items():
            selector = item["spec"]["podSelector"]["matchLabels"] if key[0] == "NetworkPolicy" else None
            # The operator labels the pods that it makes.
            made = selector in ({"app.kubernetes.io/name": "prometheus"}, {"app.kubernetes.io/name": "alertmanager"})
            assert selector is None or made or any(selector.items() <= item.items() for item in labels), key


def test_ha_has_two_of_what_can_be_two(rendered: Rendered) -> None:
    stack, argo = rendered("ha", STACK), rendered("ha", ARGO)
    prometheus = stack["Prometheus", MONITORING, f"{STACK_NAME}-prometheus"]["spec"]
    alertmanager = stack["Alertmanager", MONITORING, f"{STACK_NAME}-alertmanager"]["spec"]
    assert (prometheus["replicas"], alertmanager["replicas"]) == (2, 3)
    for spec in (prometheus, alertmanager):
        assert "preferredDuringSchedulingIgnoredDuringExecution" in spec["affinity"]["podAntiAffinity"]
    for part in ("server", "repo-server", "applicationset-controller"):
        assert argo["Deployment", "argocd", f"argocd-{part}"]["spec"]["replicas"] == 2
        budget = argo["PodDisruptionBudget", "argocd", f"argocd-{part}"]["spec"]
        assert budget["minAvailable"] == 1
    params = argo["ConfigMap", "argocd", "argocd-cmd-params-cm"]["data"]
    # Without it, two ApplicationSet controllers would both work.
    assert params["applicationsetcontroller.enable.leader.election"] == "true"
    assert {key[2] for key in stack if key[0] == "PodDisruptionBudget"} == {
        f"{STACK_NAME}-prometheus", f"{STACK_NAME}-alertmanager",
    }  # fmt: skip


def test_remote_write_in_the_operators_form(rendered: Rendered) -> None:
    written = rendered("ha", STACK)["Prometheus", MONITORING, f"{STACK_NAME}-prometheus"]["spec"]["remoteWrite"]
    login = {"username": {"name": "a", "key": "username"}, "password": {"name": "a", "key": "password"}}
    assert written == [
        {"url": RECEIVERS[0]["url"], "name": "m", "headers": {"X-A": "b"}, "basicAuth": login},
        {
            "url": RECEIVERS[1]["url"], "authorization": {"credentials": {"name": "b", "key": "token"}},
            "tlsConfig": {"ca": {"secret": {"name": "c", "key": "ca.crt"}}},
        },
        {"url": RECEIVERS[2]["url"], "queueConfig": {"maxShards": 9}},
    ]  # fmt: skip


def test_profiles_combine(rendered: Rendered) -> None:
    spec = rendered("both", STACK)["Prometheus", MONITORING, f"{STACK_NAME}-prometheus"]["spec"]
    assert (spec["replicas"], spec["externalUrl"]) == (2, "https://prometheus.example.it/")
    assert spec["resources"]["limits"] == {"memory": "2Gi"}


@pytest.mark.parametrize("member", ["children", "hosts"])
def test_what_a_user_says_wins_over_a_profile(tmp_path: Path, member: str) -> None:
    """Whether all clusters are in the group of the profile or some host by itself."""
    root = Path(__file__).resolve().parents[2]
    (tmp_path / "own" / "group_vars").mkdir(parents=True)
    said = {"kube_prometheus_stack_prometheus_replicas": 3}
    own = {"clusters": {"hosts": {"mine": {"argo_cd_server_replicas": 7}}, "vars": said}}
    (tmp_path / "own" / "hosts.yml").write_text(yaml.safe_dump(own), encoding="utf-8")
    (tmp_path / "own" / "group_vars" / "clusters.yml").write_text("argo_cd_repo_server_replicas: 5\n")
    inventory = root / "inventory" / "ha"
    if member == "hosts":
        inventory = inventory / "profile.yml"
        (tmp_path / "own" / "fleet.yml").write_text("ha: {hosts: {mine: {}}}\n")
    program = Path(sys.executable).with_name("ansible-inventory")
    done = subprocess.run(
        [
            str(program if program.exists() else "ansible-inventory"), "--host", "mine",
            "-i", str(tmp_path / "own"), "-i", str(inventory),
        ],
        cwd=root, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert found["argo_cd_server_replicas"] == 7
    assert found["argo_cd_repo_server_replicas"] == 5
    assert found["kube_prometheus_stack_prometheus_replicas"] == 3
    assert found["argo_cd_applicationset_replicas"] == 2


@pytest.mark.parametrize("chart", [STACK, ARGO])
def test_the_communitys_chart_makes_the_same_of_it(
    helm: str, values: Callable[[str, str], Path], rendered: Rendered, chart: str
) -> None:
    folder = Path(os.environ.get("ARGOLAB_UPSTREAM_CHARTS") or CHARTS.parents[4].parent / "shared" / "charts")
    if not (folder / chart).is_dir():
        pytest.skip("the community's charts with their dependencies are not in ARGOLAB_UPSTREAM_CHARTS")
    theirs = template(helm, folder, chart, values("both", "upstream"))
    ours = rendered("both", chart)
    if chart == ARGO:
        assert ("StatefulSet", "argocd", "argocd-redis-ha-server") in theirs
    for kind in ("Ingress", "PodDisruptionBudget", "NetworkPolicy"):
        found = {key: item["spec"] for key, item in ours.items() if key[0] == kind and key[2] != "argocd-redis"}
        # What there is no program for in packages.
        wanted = {
            key: item["spec"]
            for key, item in theirs.items()
            if key[0] == kind and not any(name in key[2] for name in ("redis", "dex", "notifications", "webhook"))
        }
        assert found == wanted
    for key in ours:
        if key[0] in ("Prometheus", "Alertmanager"):
            for field in ("replicas", "externalUrl", "resources", "remoteWrite", "externalLabels", "configSecret"):
                assert ours[key]["spec"].get(field) == theirs[key]["spec"].get(field), (key, field)
        if key[0] in ("Deployment", "StatefulSet") and key[2] != "argocd-redis":
            left, right = ours[key]["spec"], theirs[key]["spec"]
            assert left["replicas"] == right["replicas"], key
            limits = {item["name"]: item["resources"] for item in right["template"]["spec"]["containers"]}
            for container in left["template"]["spec"]["containers"]:
                assert container["resources"] == limits[container["name"]], (key, container["name"])
