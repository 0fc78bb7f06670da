# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove what drills have made, the rule first and the route last."""

from __future__ import annotations

import time
from typing import Any, Mapping

from ansible_collections.argolab.observability.plugins.module_utils import alert_routes
from ansible_collections.argolab.observability.plugins.module_utils.alertmanager_api import AlertmanagerClient
from ansible_collections.argolab.observability.plugins.module_utils.checks import listing
from ansible_collections.argolab.observability.plugins.module_utils.drill_causes import Diagnosis
from ansible_collections.argolab.observability.plugins.module_utils.drill_cluster import DrillCluster, titles
from ansible_collections.argolab.observability.plugins.module_utils.drill_objects import ALERT, MARK, OBJECT_LABEL
from ansible_collections.argolab.observability.plugins.module_utils.drill_stages import Finding
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import PrometheusClient, parse_time

# Seconds after which a removed rule has left Prometheus, or never arrives there: the kubelet has synced its volume.
ARRIVAL = 120.0


class Removal:
    """Removes the objects of drills, the route last, and not before the alert that it keeps from others has ended."""

    def __init__(
        self, cluster: DrillCluster, prometheus: PrometheusClient, alertmanager: AlertmanagerClient, interval: float
    ) -> None:
        self._cluster, self._prometheus, self._alertmanager = cluster, prometheus, alertmanager
        self._interval = interval

    def remove(
        self, namespace: str, identifier: str, end: float, ended: bool = False
    ) -> tuple[list[str], Finding | None]:
        """Remove the objects of one drill; returns what is left, and why.

        :param ended: the alert is known to have ended, so that a rule that is still loaded cannot fire again.
        """
        may_fire: dict[str, str] = {}
        gone = time.monotonic()
        while True:
            found = self._cluster.left(namespace, identifier)
            rules = [item for item in found if item["kind"] == "PrometheusRule"]
            rest = [item for item in found if item["kind"] != "PrometheusRule"]
            if rules:
                gone = time.monotonic()
                may_fire = {} if ended else _alert_labels(rules[0])
            self._cluster.remove(rules)
            if not rules and not may_fire and not ended:
                # Somebody else has removed the rule, perhaps a moment ago.
                may_fire = _of_a_recent_drill(rest, identifier)
            held = self._held(rest, identifier, may_fire if time.monotonic() - gone < ARRIVAL else {})
            if not held:
                self._cluster.remove(rest)
            left = self._cluster.left(namespace, identifier)
            loaded = "" if left else self._loaded(identifier)
            if not left and not loaded:
                return [], None
            if time.monotonic() >= end:
                command = Diagnosis.cleanup(namespace)
                if held:
                    return titles(left), Finding("the route stays", "alert_still_active", held, command)
                if left:
                    text = f"{listing(titles(left))} still there"
                    return titles(left), Finding("not all is removed", "still_there", text, command)
                return [], Finding("the objects are removed", "still_loaded", loaded, command)
            time.sleep(self._interval)

    def _held(self, rest: list[dict[str, Any]], identifier: str, may_fire: Mapping[str, str]) -> str:
        """Why the route has to stay: without it the alert would tell somebody."""
        configs = [item["metadata"] for item in rest if item["kind"] == "AlertmanagerConfig"]
        if not configs:
            return ""
        start = f"{configs[0]['namespace']}/{configs[0]['name']}/"
        try:
            config = self._alertmanager.config()
            for alert in self._alertmanager.alerts(MARK, identifier):
                loud = _told(config, alert.get("labels") or {}, start)
                if loud:
                    return (
                        f"the alert is still active in Alertmanager until {alert.get('endsAt')}, and without the "
                        f"drill's route {listing(loud)} would be told"
                    )
            loud = _told(config, may_fire, start) if may_fire else []
        except ArgolabError:
            # An Alertmanager that does not answer tells nobody either.
            return ""
        if loud:
            told = f"without the drill's route {listing(loud)} would be told"
            return f"Prometheus may still load the removed rule, and {told}"
        return ""

    def _loaded(self, identifier: str) -> str:
        """Which of both programs still knows the drill; empty when none does."""
        try:
            for group in self._prometheus.rules(rule_names=[ALERT]):
                if any((rule.get("labels") or {}).get(MARK) == identifier for rule in group.get("rules") or []):
                    return "Prometheus has not unloaded the rule yet"
            alerts = self._alertmanager.alerts(MARK, identifier)
            if alerts:
                # Prometheus, which has no such rule any more, would let it run out within four minutes.
                self._alertmanager.end(alerts)
                return f"Alertmanager has the alert until {alerts[0].get('endsAt')}"
            if f"alert-drill-{identifier}/" in str(self._alertmanager.status().get("config")):
                return "Alertmanager has not unloaded the route yet"
        except ArgolabError as error:
            return f"whether both programs have unloaded the drill cannot be seen: {error}"
        return ""


def _told(config: Mapping[str, Any], labels: Mapping[str, Any], without: str) -> list[str]:
    texts = {str(key): str(value) for key, value in labels.items()}
    return alert_routes.loud_receivers(config, alert_routes.receivers_for(config, texts, without))


def _alert_labels(rule: Mapping[str, Any]) -> dict[str, str]:
    """Labels that the alert of a drill's PrometheusRule has."""
    groups = (rule.get("spec") or {}).get("groups") or [{}]
    alert = (groups[0].get("rules") or [{}])[0]
    return {**(alert.get("labels") or {}), "alertname": str(alert.get("alert") or ALERT)}


def _of_a_recent_drill(objects: list[dict[str, Any]], identifier: str) -> dict[str, str]:
    """Labels of an alert whose rule is gone, where the rule may be so new that Prometheus has yet to load it."""
    born = [parse_time(item["metadata"].get("creationTimestamp")) for item in objects]
    if not any(when and time.time() - when.timestamp() < ARRIVAL for when in born):
        return {}
    namespace = str(objects[0]["metadata"].get("namespace"))
    return {"alertname": ALERT, "severity": "none", "namespace": namespace, MARK: identifier}


def leftovers(cluster: DrillCluster, namespace: str, identifier: str = "") -> dict[str, list[dict[str, Any]]]:
    """What drills left in a namespace, by drill."""
    found: dict[str, list[dict[str, Any]]] = {}
    for item in cluster.left(namespace, identifier):
        found.setdefault(str(item["metadata"]["labels"][OBJECT_LABEL]), []).append(item)
    return found
