# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab charts do with values that are not the roles' own. Needs helm, and nothing of upstream."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Lab = Callable[..., dict[tuple[str, str, str], dict[str, Any]]]

STACK, ARGO = "kube-prometheus-stack", "argo-cd"


def refused(helm: str, chart: Path, *settings: str) -> str:
    done = subprocess.run(
        [helm, "template", "x", str(chart), "--kube-version", "1.37.0", *settings],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    return done.stderr


def test_a_chart_refuses_what_it_can_not_bring(helm: str, charts_dir: Path) -> None:
    kept = refused(helm, charts_dir / STACK, "--set", "grafana.persistence.enabled=true")
    assert "keeps nothing of Grafana's" in kept
    assert "takes no plugins" in refused(helm, charts_dir / STACK, "--set", "grafana.plugins={a}")
    assert "brings no dex" in refused(helm, charts_dir / ARGO)
    assert "no notifications controller" in refused(helm, charts_dir / ARGO, "--set", "dex.enabled=false")


def test_grafana_follows_its_values(lab: Lab) -> None:
    name = "kube-stack-prometheus-grafana"
    assert not any("grafana" in key[2] for key in lab(STACK, "--set", "grafana.enabled=false"))
    found = lab(
        STACK,
        "--set", "grafana.sidecar.dashboards.provider.foldersFromFilesStructure=true",
        "--set", "grafana.sidecar.dashboards.searchNamespace={a,b}",
        "--set", "grafana.sidecar.dashboards.folderAnnotation=folder",
        "--set", "grafana.sidecar.enableUniqueFilenames=true",
        "--set", "grafana.grafana\\.ini.server.domain=other.example.it",
        "--set", "grafana.admin.existingSecret=",
        "--set", "grafana.adminPassword=chosen",
    )  # fmt: skip
    provider = yaml.safe_load(found["ConfigMap", "monitoring", f"{name}-config-dashboards"]["data"]["provider.yaml"])
    assert provider["providers"][0]["options"]["foldersFromFilesStructure"] is True
    assert "folder" not in provider["providers"][0]
    containers = found["Deployment", "monitoring", name]["spec"]["template"]["spec"]["containers"]
    env = {item["name"]: item.get("value") for item in containers[0]["env"]}
    assert env["NAMESPACE"] == "a,b"
    assert env["FOLDER_ANNOTATION"] == "folder"
    assert env["UNIQUE_FILENAMES"] == "true"
    assert "domain = other.example.it" in found["ConfigMap", "monitoring", name]["data"]["grafana.ini"]
    secret = found["Secret", "monitoring", name]["data"]
    assert base64.b64decode(secret["admin-password"]) == b"chosen"
    logins = [item["valueFrom"]["secretKeyRef"]["name"] for item in containers[0]["env"] if "valueFrom" in item]
    assert logins == [name, name]


def test_an_insecure_server_decides_the_ingress_port(lab: Lab) -> None:
    for setting, port in (("true", 80), ("false", 443)):
        found = lab(ARGO, "--set", f"configs.params.server\\.insecure={setting}")
        rule = found["Ingress", "argocd", "argocd-server"]["spec"]["rules"][0]
        assert rule["http"]["paths"][0]["backend"]["service"]["port"] == {"number": port}


def test_application_labels_reach_the_controller(lab: Lab) -> None:
    found = lab(
        ARGO,
        "--set", "controller.metrics.applicationLabels.enabled=true",
        "--set", "controller.metrics.applicationLabels.labels={team,tier}",
    )  # fmt: skip
    container = found["StatefulSet", "argocd", "argocd-application-controller"]["spec"]["template"]["spec"][
        "containers"
    ][0]
    assert container["args"][-4:] == ["--metrics-application-labels", "team", "--metrics-application-labels", "tier"]


def test_annotations_are_left_to_prometheus(lab: Lab) -> None:
    rule = lab(ARGO)["PrometheusRule", "monitoring", "argocd-application-controller"]
    summaries = [item["annotations"]["summary"] for item in rule["spec"]["groups"][0]["rules"]]
    assert summaries == ["[Argo CD] No reported applications", "[{{ $labels.name }}] Application not synchronized"]


def test_the_alerts_of_the_role_go_through_the_chart(lab_with_alerts: dict[tuple[str, str, str], Any]) -> None:
    rule = lab_with_alerts["PrometheusRule", "monitoring", "argocd-application-controller"]
    (group,) = rule["spec"]["groups"]
    alerts = {item["alert"]: item for item in group["rules"]}
    assert {"ArgoAppMissing", "ArgoAppNotSynced", "ArgoCdAppSyncFailed", "ArgoCdComponentDown"} < set(alerts)
    assert alerts["ArgoCdAppUnhealthy"]["annotations"]["summary"] == (
        "Application {{ $labels.exported_namespace }}/{{ $labels.name }} is {{ $labels.health_status }}"
    )
    assert not [item for item in alerts.values() if "<<" in str(item) or "[[" in str(item["annotations"])]


def test_selectors_can_be_narrowed_to_the_release(lab: Lab) -> None:
    setting = "prometheus.prometheusSpec.ruleSelectorNilUsesHelmValues=true"
    found = lab(STACK, "--set", setting)
    spec = found["Prometheus", "monitoring", "kube-stack-prometheus-kube-prometheus"]["spec"]
    assert spec["ruleSelector"] == {"matchLabels": {"release": "kube-stack-prometheus"}}
    assert spec["serviceMonitorSelector"] == {}


@pytest.mark.parametrize("tls", [True, False])
def test_the_operators_port_follows_its_scheme(lab: Lab, tls: bool) -> None:
    found = lab(STACK, "--set", f"prometheusOperator.tls.enabled={str(tls).lower()}")
    name = "kube-stack-prometheus-kube-operator"
    port = found["Service", "monitoring", name]["spec"]["ports"][0]
    assert (port["name"], port["port"]) == (("https", 443) if tls else ("http", 8080))
    assert found["ServiceMonitor", "monitoring", name]["spec"]["endpoints"][0]["port"] == port["name"]
    assert (("Secret", "monitoring", "kube-stack-prometheus-kube-admission") in found) == tls


def test_every_rule_says_what_it_is_about(charts_dir: Path) -> None:
    text = (charts_dir / STACK / "files" / "rules.yaml").read_text(encoding="utf-8")
    groups = yaml.safe_load(text)["groups"]
    assert len(groups) >= 12
    assert len({group["name"] for group in groups}) == len(groups)
    for rule in (rule for group in groups for rule in group["rules"]):
        assert ("record" in rule) != ("alert" in rule)
        if "alert" in rule:
            assert rule["labels"]["severity"] in ("none", "info", "warning", "critical")
            assert set(rule["annotations"]) == {"summary", "description"}
