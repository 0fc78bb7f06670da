# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask an Alertmanager through the API server's proxy, by its HTTP API version 2."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Mapping

from ansible_collections.argolab.observability.plugins.module_utils.alert_routes import parse_config
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError, TransientError
from ansible_collections.argolab.observability.plugins.module_utils.http_client import decode_json
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient, status_message
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_transport import service_proxy_path

_SAMPLE = re.compile(r"^alertmanager_notifications(_failed)?_total\{([^}]*)\} (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class WebhookCounts:
    """What Alertmanager counts about webhooks.

    :param by_receiver: the numbers are those of one receiver (feature flag C(receiver-name-in-metrics)).
    :param failed: failures by reason.
    """

    by_receiver: bool = False
    sent: float = 0.0
    failed: Mapping[str, float] = field(default_factory=dict)

    def grown(self, before: WebhookCounts) -> list[str]:
        """Reasons for which more have failed since then."""
        return [reason for reason, value in sorted(self.failed.items()) if value > before.failed.get(reason, 0.0)]


def count_webhooks(metrics: str, receiver: str) -> WebhookCounts:
    """The counters of the integration C(webhook) in the text of C(/metrics)."""
    by_receiver, sent = False, 0.0
    failed: dict[str, float] = {}
    for failure, text, value in _SAMPLE.findall(metrics):
        labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', text))
        if labels.get("integration") != "webhook":
            continue
        if "receiver_name" in labels:
            by_receiver = True
            if labels["receiver_name"] != receiver:
                continue
        if failure and float(value):
            reason = labels.get("reason", "unknown")
            failed[reason] = failed.get(reason, 0.0) + float(value)
        elif not failure:
            sent += float(value)
    return WebhookCounts(by_receiver, sent, failed)


class AlertmanagerClient:
    """Reads one Alertmanager; every method returns plain data of the expected shape or raises."""

    def __init__(self, kube: KubeClient, namespace: str, service: str, path_prefix: str = "") -> None:
        self._kube = kube
        self._base = service_proxy_path(namespace, service) + path_prefix.rstrip("/")
        # what to type to see it oneself
        self.raw = f"kubectl get --raw {self._base}/api/v2"
        self.name = f"Alertmanager at service {namespace}/{service} through {kube.http.name}"

    def status(self) -> dict[str, Any]:
        """Version, peers and configuration."""
        data = self._json("/api/v2/status")
        if not isinstance(data, dict):
            raise DefiniteError(f"{self.name} answered /api/v2/status with JSON that is not Alertmanager's.")
        return data

    def config(self) -> dict[str, Any]:
        """The configuration that it runs with, parsed."""
        return parse_config(str((self.status().get("config") or {}).get("original") or ""))

    def alerts(self, label: str, value: str) -> list[dict[str, Any]]:
        """Alerts that are not resolved and have this label; suppressed ones too."""
        data = self._json("/api/v2/alerts", [("filter", f"{label}={json.dumps(value)}")])
        if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
            raise DefiniteError(f"{self.name} answered /api/v2/alerts with JSON that is not Alertmanager's.")
        return [item for item in data if (item.get("labels") or {}).get(label) == value]

    def silence(self, identifier: str) -> dict[str, Any]:
        data = self._json(f"/api/v2/silence/{identifier}")
        return data if isinstance(data, dict) else {}

    def webhook_counts(self, receiver: str) -> WebhookCounts:
        """Notifications by webhook since its start; those of this receiver alone where it counts by receiver."""
        return count_webhooks(self._text("/metrics"), receiver)

    def end(self, alerts: list[dict[str, Any]]) -> bool:
        """Tell it that these alerts have ended; V(False) where that is not allowed (verb create on services/proxy)."""
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = [{"labels": alert.get("labels"), "startsAt": alert.get("startsAt"), "endsAt": now} for alert in alerts]
        return self._kube.request("POST", f"{self._base}/api/v2/alerts", (), body).status == 200

    def _json(self, path: str, params: list[tuple[str, str]] | None = None) -> Any:
        return decode_json(self._answer(path, params), self.name)

    def _text(self, path: str) -> str:
        return str(self._answer(path, None, "*/*").text)

    def _answer(self, path: str, params: list[tuple[str, str]] | None, accept: str = "application/json") -> Any:
        answer = self._kube.request("GET", self._base + path, params or (), accept=accept)
        if answer.status == 200:
            return answer
        said = status_message(answer) or self._kube.http.redact(answer.excerpt())
        text = f"{self.name} answered {answer.status}: {said.rstrip('.')}."
        if answer.status == 403:
            raise DefiniteError(f"{text} It needs RBAC: verb get on services/proxy in this namespace.")
        if answer.status in (404, 408, 429) or answer.status >= 500:
            raise TransientError(text)
        raise DefiniteError(text)
