# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab charts make what upstream's charts make, wherever somebody outside the chart could tell."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

Objects = dict[tuple[str, str, str], dict[str, Any]]
Charts = tuple[str, Objects, Objects]

# There is no program for these from packages, or (admission webhooks, the Redis password) no Job is needed for them.
# Of Grafana, helm's own test is.
LEFT_OUT = re.compile(r"grafana-test|-admission|dex|notifications|redis-secret-init|redis-health")
# Say which chart made an object, which is the point of the lab's own version.
OWN_LABELS = {"chart", "helm.sh/chart", "app.kubernetes.io/version"}
# What the API server sets anyway.
DEFAULTS = {"sessionAffinity": "None", "publishNotReadyAddresses": False}


def of_kind(objects: Objects, *kinds: str) -> Objects:
    return {key: item for key, item in objects.items() if key[0] in kinds and not LEFT_OUT.search(key[2])}


def labels(item: dict[str, Any]) -> dict[str, str]:
    return {key: value for key, value in (item["metadata"].get("labels") or {}).items() if key not in OWN_LABELS}


def pods(item: dict[str, Any]) -> list[dict[str, Any]]:
    return item["spec"]["template"]["spec"]["containers"]


def test_the_objects_that_others_refer_to_have_the_same_names_and_labels(charts: Charts) -> None:
    chart, upstream, lab = charts
    kinds = (
        "Service", "ServiceMonitor", "Ingress", "Prometheus", "Alertmanager", "Deployment", "StatefulSet", "DaemonSet",
        "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "NetworkPolicy",
    )  # fmt: skip
    wanted, found = of_kind(upstream, *kinds), of_kind(lab, *kinds)
    assert set(found) == set(wanted)
    assert {key: labels(item) for key, item in found.items()} == {key: labels(item) for key, item in wanted.items()}


def test_services_have_the_same_ports_and_selectors(charts: Charts) -> None:
    _chart, upstream, lab = charts
    found = of_kind(lab, "Service")
    assert found
    for key, item in of_kind(upstream, "Service").items():
        wanted = {name: value for name, value in item["spec"].items() if DEFAULTS.get(name, ()) != value}
        ports = [{"protocol": "TCP", **port} for port in wanted.pop("ports")]
        ours = dict(found[key]["spec"])
        assert [{"protocol": "TCP", **port} for port in ours.pop("ports")] == ports, key
        assert {"type": "ClusterIP", **ours} == {"type": "ClusterIP", **wanted}, key


def test_monitors_select_and_scrape_the_same(charts: Charts) -> None:
    _chart, upstream, lab = charts
    found = of_kind(lab, "ServiceMonitor")
    for key, item in of_kind(upstream, "ServiceMonitor").items():
        ours = found[key]["spec"]
        for field in ("selector", "namespaceSelector", "jobLabel"):
            assert ours.get(field) == item["spec"].get(field), (key, field)
        assert len(ours["endpoints"]) == len(item["spec"]["endpoints"]), key
        for left, right in zip(ours["endpoints"], item["spec"]["endpoints"]):
            for field in ("port", "scheme", "interval", "honorLabels", "bearerTokenFile", "tlsConfig", "relabelings"):
                assert left.get(field) == right.get(field), (key, field)
            assert left.get("path", "/metrics") == right.get("path", "/metrics"), key


def test_ingresses_lead_to_the_same_backends(charts: Charts) -> None:
    _chart, upstream, lab = charts
    wanted = {key: item["spec"] for key, item in of_kind(upstream, "Ingress").items()}
    assert wanted
    assert {key: item["spec"] for key, item in of_kind(lab, "Ingress").items()} == wanted


def test_workloads_have_the_same_selectors_and_ports(charts: Charts) -> None:
    _chart, upstream, lab = charts
    found = of_kind(lab, "Deployment", "StatefulSet", "DaemonSet")
    for key, item in of_kind(upstream, "Deployment", "StatefulSet", "DaemonSet").items():
        ours = found[key]
        assert ours["spec"]["selector"] == item["spec"]["selector"], key
        for left, right in zip(pods(ours), pods(item)):
            assert left["name"] == right["name"], key
            assert {p["name"]: p["containerPort"] for p in left.get("ports", [])} == {
                p["name"]: p["containerPort"] for p in right.get("ports", [])
            }, key
        given = ours["spec"]["template"]["metadata"]["labels"]
        assert ours["spec"]["selector"]["matchLabels"].items() <= given.items(), key


def test_every_service_finds_the_pods_of_the_chart(charts: Charts) -> None:
    """A selector that is like upstream's is of no use when the pods' own labels are not."""
    chart, _upstream, lab = charts
    templates = [
        item["spec"]["template"]["metadata"]["labels"]
        for item in of_kind(lab, "Deployment", "StatefulSet", "DaemonSet").values()
    ]
    for key, item in of_kind(lab, "Service").items():
        selector = item["spec"]["selector"]
        if chart == "kube-prometheus-stack" and (
            "prometheus" in key[2].rsplit("-", 1)[-1] or key[2].endswith(("alertmanager", "coredns"))
        ):
            continue  # pods that the operator or the cluster makes
        assert any(selector.items() <= template.items() for template in templates), key


def test_every_monitor_finds_a_service_with_its_port(charts: Charts) -> None:
    _chart, _upstream, lab = charts
    services = of_kind(lab, "Service")
    for key, item in of_kind(lab, "ServiceMonitor").items():
        if key[2].endswith(("-apiserver", "-kubelet")):
            continue  # Services that the API server and the operator make
        wanted = item["spec"]["selector"]["matchLabels"]
        matching = [s for s in services.values() if wanted.items() <= (s["metadata"].get("labels") or {}).items()]
        assert len(matching) == 1, key
        ports = {port["name"] for port in matching[0]["spec"]["ports"]}
        assert {endpoint["port"] for endpoint in item["spec"]["endpoints"]} <= ports, key


def test_network_policies_let_the_same_in(charts: Charts) -> None:
    _chart, upstream, lab = charts
    found = of_kind(lab, "NetworkPolicy")
    for key, item in of_kind(upstream, "NetworkPolicy").items():
        wanted = dict(item["spec"])
        for rule in wanted["ingress"]:
            if "from" in rule:
                rule["from"] = [peer for peer in rule["from"] if not LEFT_OUT.search(str(peer))]
        assert found[key]["spec"] == wanted, key


def test_rules_of_argo_cd_are_the_same_and_the_others_have_known_names(charts: Charts) -> None:
    chart, upstream, lab = charts
    wanted, found = of_kind(upstream, "PrometheusRule"), of_kind(lab, "PrometheusRule")
    assert found
    if chart == "argo-cd":
        assert {key: item["spec"] for key, item in found.items()} == {key: item["spec"] for key, item in wanted.items()}
    assert set(found) <= set(wanted)
    for key, item in found.items():
        names = {group["name"] for group in item["spec"]["groups"]}
        assert names == {group["name"] for group in wanted[key]["spec"]["groups"]}
        assert labels(item) == labels(wanted[key]), key


def test_prometheus_selects_the_same(charts: Charts) -> None:
    chart, upstream, lab = charts
    for key, item in of_kind(upstream, "Prometheus").items():
        ours = of_kind(lab, "Prometheus")[key]["spec"]
        fields = {name for name in item["spec"] if name.endswith("Selector")}
        assert len(fields) == 10
        assert {name: ours[name] for name in fields} == {name: item["spec"][name] for name in fields}
        for name in ("alerting", "externalUrl", "portName", "routePrefix", "serviceAccountName"):
            assert ours[name] == item["spec"][name]
        assert ours["version"] == ours["image"].rsplit(":", 1)[-1]
    assert chart == "argo-cd" or of_kind(upstream, "Prometheus")


def test_what_a_role_waits_for_first_can_be_told_by_its_label(charts: Charts) -> None:
    # roles/kube_prometheus_stack/vars/main.yml, _kube_prometheus_stack_first
    chart, upstream, _lab = charts
    found = of_kind(upstream, "Prometheus", "Alertmanager", "Deployment", "StatefulSet", "DaemonSet")
    told = [key[0] for key, item in found.items() if labels(item).get("app") == "kube-prometheus-stack-prometheus"]
    component = ("app.kubernetes.io/component", "prometheus-operator")
    operators = [key[0] for key, item in found.items() if component in labels(item).items()]
    assert (told, operators) == (([], []) if chart == "argo-cd" else (["Prometheus"], ["Deployment"]))


def test_images_have_upstreams_names(charts: Charts) -> None:
    _chart, upstream, lab = charts

    def names(objects: Objects) -> set[str]:
        found = set()
        for item in of_kind(objects, "Deployment", "StatefulSet", "DaemonSet").values():
            found |= {container["image"].rsplit(":", 1)[0] for container in pods(item)}
        return found

    # The lab's redis is the official image's name of a version that there is a package of.
    renamed = {"docker.io/library/redis": "ecr-public.aws.com/docker/library/redis"}
    assert {renamed.get(name, name) for name in names(lab)} == names(upstream)


def parsed(objects: Objects, name: str) -> Any:
    """The one YAML document in a ConfigMap of the monitoring namespace."""
    (text,) = objects["ConfigMap", "monitoring", name]["data"].values()
    return yaml.safe_load(text)


def test_grafana_gets_the_same_sources_and_folders(charts: Charts) -> None:
    chart, upstream, lab = charts
    if chart == "argo-cd":
        assert not any("grafana" in key[2] for key in lab)
        return
    name = "kube-stack-prometheus-grafana"
    assert parsed(lab, f"{name}-config-dashboards") == parsed(upstream, f"{name}-config-dashboards")
    ours, wanted = (parsed(objects, "kube-stack-prometheus-kube-grafana-datasource") for objects in (lab, upstream))
    # The lab scrapes more often, and says so.
    assert ours["datasources"][0]["jsonData"].pop("timeInterval") == "10s"
    wanted["datasources"][0]["jsonData"].pop("timeInterval")
    assert ours == wanted
    for left, right in zip(*(pods(objects["Deployment", "monitoring", name]) for objects in (lab, upstream))):
        # The login is in a Secret of ours, and newer Grafanas have a search index.
        given = {item["name"]: item.get("value") for item in left["env"]}
        asked = {item["name"]: item.get("value") for item in right["env"] if "UNIFIED" not in item["name"]}
        assert given == asked, left["name"]


def flat(values: Any, path: str = "") -> dict[str, Any]:
    if isinstance(values, dict) and values:
        return {k: v for key, value in values.items() for k, v in flat(value, f"{path}/{key}").items()}
    return {path: values}


def test_the_roles_pass_the_corrected_values(upstream: Path, role_values: dict[str, Path]) -> None:
    for chart, release in (("kube-prometheus-stack", "kube-stack-prometheus"), ("argo-cd", "argocd")):
        wanted = flat(yaml.safe_load((upstream / f"values-{chart}.yaml").read_text(encoding="utf-8")))
        found = flat(yaml.safe_load((role_values["upstream"] / f"{release}.yaml").read_text(encoding="utf-8")))
        # The password is in a Secret of ours instead.
        wanted.pop("/grafana/adminPassword", None)
        assert {path: found.get(path) for path in wanted} == wanted
        more = set(found) - set(wanted)
        assert more <= {
            "/grafana/admin/existingSecret", "/grafana/admin/userKey", "/grafana/admin/passwordKey",
            "/dex/enabled", "/notifications/enabled",
        }  # fmt: skip


def test_values_hold_no_password(role_values: dict[str, Path]) -> None:
    for folder in role_values.values():
        for file in folder.iterdir():
            names = {path.rsplit("/", 1)[-1].lower() for path in flat(yaml.safe_load(file.read_text(encoding="utf-8")))}
            assert not names & {"adminpassword", "password", "admin-password"}, file
