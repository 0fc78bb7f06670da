# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The temporary objects of a drill of the alert path, each of which ends by itself.

The Job is the leash: its C(activeDeadlineSeconds) and C(ttlSecondsAfterFinished) make Kubernetes remove it at the
deadline, and with it everything that it owns. Where no receiver is needed it has no Pod (C(parallelism: 0)), and works
all the same. The rule's own expression stops firing some evaluations after it was loaded, and at the deadline at last.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Dict, Mapping

from ansible_collections.argolab.observability.plugins.module_utils.drill_receiver import PORT, PROGRAM

Object = Dict[str, Any]

ALERT = "ArgolabAlertPathDrill"
# The label of the alert that no other alert has.
MARK = "argolab_drill"
OBJECT_LABEL = "argolab.observability/drill"
EXPIRES = "argolab.observability/expires"
RECEIVER = "drill"
INTERVAL = 5
# Rendered by Prometheus: $labels would hold the labels of the expression only, not those that the rule adds.
SUMMARY = "Drill of the alert path, attempt {{ $value }}: nothing is wrong, and the alert ends by itself."
DEFAULT_IMAGE = "docker.io/library/debian:stable-slim"

# kind to API path and plural; in the order of removal: the rule first, the route and its receiver after it
KINDS: dict[str, tuple[str, str]] = {
    "PrometheusRule": ("/apis/monitoring.coreos.com/v1", "prometheusrules"),
    "AlertmanagerConfig": ("/apis/monitoring.coreos.com/v1alpha1", "alertmanagerconfigs"),
    "Service": ("/api/v1", "services"),
    "Job": ("/apis/batch/v1", "jobs"),
}


def collection(kind: str, namespace: str) -> str:
    """API path of all objects of a kind in a namespace."""
    root, plural = KINDS[kind]
    return f"{root}/namespaces/{namespace}/{plural}"


def met_labels(*selectors: Mapping[str, Any] | None) -> dict[str, str]:
    """Labels that meet these selectors as far as labels can: what they demand, with the first value that they allow."""
    found: dict[str, str] = {}
    for selector in selectors:
        found.update({str(key): str(value) for key, value in ((selector or {}).get("matchLabels") or {}).items()})
        for term in (selector or {}).get("matchExpressions") or []:
            if term.get("operator") == "In" and term.get("values"):
                found[str(term.get("key"))] = str(term["values"][0])
            elif term.get("operator") == "Exists":
                found.setdefault(str(term.get("key")), "true")
    return found


@dataclass(frozen=True)
class Drill:
    """What one drill makes.

    :param deadline: time, in seconds since 1970, at which everything ends whatever happens to whoever started it.
    :param lifetime: the same, in seconds from now.
    :param labels: labels of the alert beside its name, its mark and its namespace.
    :param rule_labels: labels of the PrometheusRule object, for the selector of Prometheus.
    :param config_labels: those of the AlertmanagerConfig, for the selector of Alertmanager.
    :param image: image of the receiver; empty without a receiver of the drill's own.
    :param url: the user's receiver; empty with one of the drill's own, or without any.
    """

    identifier: str
    namespace: str
    deadline: int
    lifetime: int
    fire_for: int
    labels: Mapping[str, str] = field(default_factory=dict)
    rule_labels: Mapping[str, str] = field(default_factory=dict)
    config_labels: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    token: str = field(default="", repr=False)
    url: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        return f"alert-drill-{self.identifier}"

    @property
    def receiver(self) -> str:
        """Name of the receiver in Alertmanager's configuration, as the operator writes it."""
        return f"{self.namespace}/{self.name}/{RECEIVER}"

    @property
    def expires(self) -> str:
        return f"{datetime.fromtimestamp(self.deadline, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"

    @property
    def rule_alert_labels(self) -> dict[str, str]:
        return {"severity": "none", **self.labels, "namespace": self.namespace, MARK: self.identifier}

    @property
    def alert_labels(self) -> dict[str, str]:
        """Labels that the alert has in Prometheus, without external ones."""
        return {**self.rule_alert_labels, "alertname": ALERT}

    @property
    def expression(self) -> str:
        """Fires for so many evaluations after it was loaded, counted by its own series, and never past the deadline."""
        times = max(1, math.ceil(self.fire_for / INTERVAL))
        own = f'count_over_time(ALERTS{{{MARK}="{self.identifier}"}}[1h])'
        return f"vector(1) and on () (vector(time()) < {self.deadline}) unless on () ({own} >= {times})"

    def _metadata(self, owner: str, labels: Mapping[str, str] | None = None) -> Object:
        metadata: Object = {
            "name": self.name,
            "namespace": self.namespace,
            "labels": {**(labels or {}), OBJECT_LABEL: self.identifier},
            "annotations": {EXPIRES: self.expires},
        }
        if owner:
            metadata["ownerReferences"] = [
                {"apiVersion": "batch/v1", "kind": "Job", "name": self.name, "uid": owner}
            ]  # fmt: skip
        return metadata

    def job(self) -> Object:
        """The leash, and the receiver's Pod where there is one."""
        labels = {OBJECT_LABEL: self.identifier}
        container: Object = {
            "name": RECEIVER,
            "image": self.image or "none",
            "imagePullPolicy": "IfNotPresent",
            "command": ["perl", "-e", PROGRAM, str(PORT), self.token],
            "ports": [{"name": "http", "containerPort": PORT}],
            "readinessProbe": {"tcpSocket": {"port": "http"}, "periodSeconds": 1},
            "resources": {
                "requests": {"cpu": "5m", "memory": "16Mi"},
                "limits": {"cpu": "100m", "memory": "96Mi"},
            },
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            },
        }
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": self._metadata(""),
            "spec": {
                "parallelism": 1 if self.image else 0,
                "backoffLimit": 4,
                "activeDeadlineSeconds": self.lifetime,
                "ttlSecondsAfterFinished": 0,
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {
                        "restartPolicy": "OnFailure",
                        "automountServiceAccountToken": False,
                        "enableServiceLinks": False,
                        "terminationGracePeriodSeconds": 1,
                        "securityContext": {
                            "runAsNonRoot": True,
                            "runAsUser": 65534,
                            "runAsGroup": 65534,
                            "seccompProfile": {"type": "RuntimeDefault"},
                        },
                        "containers": [container],
                    },
                },
            },
        }

    def service(self, owner: str) -> Object:
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": self._metadata(owner),
            "spec": {
                "selector": {OBJECT_LABEL: self.identifier},
                "ports": [{"name": "http", "port": PORT, "targetPort": "http"}],
            },
        }

    def config(self, owner: str) -> Object:
        """A route of the drill's own; the operator puts it first, with C(continue), so that no other route changes."""
        url = self.url or f"http://{self.name}.{self.namespace}.svc:{PORT}/notify/{self.token}"
        return {
            "apiVersion": "monitoring.coreos.com/v1alpha1",
            "kind": "AlertmanagerConfig",
            "metadata": self._metadata(owner, self.config_labels),
            "spec": {
                "route": {
                    "receiver": RECEIVER,
                    "matchers": [{"name": MARK, "matchType": "=", "value": self.identifier}],
                    "groupBy": [MARK],
                    "groupWait": "0s",
                    "groupInterval": "5s",
                    "repeatInterval": "1h",
                },
                "receivers": [{"name": RECEIVER, "webhookConfigs": [{"url": url, "sendResolved": True}]}],
            },
        }

    def rule(self, owner: str) -> Object:
        return {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": self._metadata(owner, self.rule_labels),
            "spec": {
                "groups": [
                    {
                        "name": self.name,
                        "interval": f"{INTERVAL}s",
                        "rules": [
                            {
                                "alert": ALERT,
                                "expr": self.expression,
                                "labels": self.rule_alert_labels,
                                "annotations": {"summary": SUMMARY},
                            }
                        ],
                    }
                ]
            },
        }

    def objects(self, owner: str = "") -> list[Object]:
        """Everything, in the order of its creation."""
        made = [self.job()]
        if self.image:
            made.append(self.service(owner))
        if self.image or self.url:
            made.append(self.config(owner))
        return [*made, self.rule(owner)]
