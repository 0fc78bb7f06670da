# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name why an alert did not pass a stage, with the command to type next."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ansible_collections.argolab.observability.plugins.module_utils import alert_routes
from ansible_collections.argolab.observability.plugins.module_utils.alertmanager_api import (
    AlertmanagerClient,
    WebhookCounts,
)
from ansible_collections.argolab.observability.plugins.module_utils.checks import listing
from ansible_collections.argolab.observability.plugins.module_utils.drill_cluster import DrillCluster
from ansible_collections.argolab.observability.plugins.module_utils.drill_objects import ALERT, Drill
from ansible_collections.argolab.observability.plugins.module_utils.drill_stages import Finding, own_rule, pod_problem
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import PrometheusClient
from ansible_collections.argolab.observability.plugins.module_utils.rule_chain import (
    rule_object_checks,
    why_not_selected,
)
from ansible_collections.argolab.observability.plugins.module_utils.selectors import name_of, namespace_of

Objects = Sequence[Mapping[str, Any]]

LOG = "kubectl logs -n monitoring -l app.kubernetes.io/name=alertmanager -c alertmanager --tail=50"


class Diagnosis:
    """Looks at what explains a stage that was not passed in time."""

    def __init__(
        self,
        cluster: DrillCluster,
        prometheus: PrometheusClient,
        alertmanager: AlertmanagerClient,
        drill: Drill,
    ) -> None:
        self._cluster, self._prometheus, self._alertmanager, self._drill = cluster, prometheus, alertmanager, drill

    pod = staticmethod(pod_problem)

    @staticmethod
    def cleanup(namespace: str) -> str:
        return f"ansible-playbook playbooks/drill.yml --tags cleanup  # namespace {namespace}"

    @staticmethod
    def unselected_rule(drill: Drill, prometheuses: Objects, namespaces: Objects) -> Finding | None:
        why = why_not_selected(drill.rule("uid"), prometheuses, namespaces)
        if not why:
            return None
        return Finding("not selected", "prometheus_does_not_select", why, _show("prometheus", prometheuses))

    @staticmethod
    def unselected_config(drill: Drill, alertmanagers: Objects, namespaces: Objects) -> Finding | None:
        why = why_not_selected(drill.config("uid"), alertmanagers, namespaces, "alertmanagerConfig", "Alertmanager")
        if not why:
            return None
        text = f"{why}; without it the drill can go as far as until: in_alertmanager"
        return Finding("not selected", "alertmanager_config_not_selected", text, _show("alertmanager", alertmanagers))

    @staticmethod
    def no_alertmanager(prometheuses: Objects) -> Finding:
        named = [(item.get("spec") or {}).get("alerting") for item in prometheuses]
        text = "Prometheus knows no Alertmanager" + (
            "; spec.alerting names one, but its Service has no ready endpoint" if any(named) else ": no spec.alerting"
        )
        return Finding("no Alertmanager to send to", "no_alertmanager", text, _show("prometheus", prometheuses))

    @staticmethod
    def others_notified(names: list[str], raw: str) -> Finding:
        text = (
            f"the routes of Alertmanager would send the drill's alert to {listing(names)} as well; give other "
            "labels, or allow it with notify_others: true"
        )
        return Finding(f"also {listing(names)}", "others_would_be_notified", text, f"{raw}/status")

    @staticmethod
    def relabeled(wrong: list[str], prometheuses: Objects) -> Finding:
        text = f"{'; '.join(wrong)}; alert relabeling (spec.additionalAlertRelabelConfigs) may change labels"
        return Finding("with other labels", "labels_changed", text, _show("prometheus", prometheuses))

    @staticmethod
    def no_route(drill: Drill, receivers: list[str], alertmanagers: Objects) -> Finding:
        text = (
            f"Alertmanager sends it to {listing(receivers, 5)} instead of {drill.receiver}: the route of the "
            "AlertmanagerConfig does not match, as its matcher strategy may demand a label that the alert lost"
        )
        return Finding("sent elsewhere", "no_route", text, _show("alertmanager", alertmanagers))

    @staticmethod
    def webhook_failed(reasons: list[str], namespace: str) -> Finding:
        text = (
            f"Alertmanager counts failed webhooks ({', '.join(reasons)}): refused or unreachable; look for a "
            f"NetworkPolicy between it and namespace {namespace}, and at its log"
        )
        return Finding("the webhook fails", "webhook_failed", text, LOG)

    @staticmethod
    def not_resolved(drill: Drill) -> Finding:
        text = f"the rule should have stopped firing {drill.fire_for} s after it was loaded"
        return Finding("still active", "not_resolved", text)

    def why(
        self,
        stage: str,
        *,
        prometheuses: Objects,
        alertmanagers: Objects,
        namespaces: Objects,
        counts: WebhookCounts | None,
        error: str,
    ) -> Finding:
        """The likeliest reason, from what can be read now."""
        if stage == "ready":
            return self._not_ready(alertmanagers, namespaces)
        if stage == "loaded":
            return self._not_loaded(prometheuses, namespaces)
        if stage == "firing":
            return self._not_firing(error)
        if stage == "in_alertmanager":
            return self._not_sent(prometheuses, error)
        return self._not_delivered(counts, error)

    def _not_ready(self, alertmanagers: Objects, namespaces: Objects) -> Finding:
        drill = self._drill
        if drill.image and self._cluster.received(drill) is None:
            found = pod_problem(self._cluster.pods(drill), self._cluster.events(drill), drill)
            text = "its Pod is not ready, or the API server's proxy does not reach it"
            return found or Finding(
                "the receiver does not answer", "receiver_does_not_answer", text,
                f"kubectl get pods -n {drill.namespace} -l job-name={drill.name}",
            )  # fmt: skip
        events = [event for event in self._cluster.events(drill) if event.get("type") == "Warning"]
        if events:
            said = str(events[-1].get("message") or events[-1].get("reason"))
            command = f"kubectl describe alertmanagerconfig {drill.name} -n {drill.namespace}"
            return Finding("refused by the operator", "operator_rejected", said, command)
        found = self.unselected_config(drill, alertmanagers, namespaces)
        if found:
            return found
        text = "a change takes one to two minutes to arrive in Alertmanager; or the operator does not run"
        command = "kubectl get pods -A -l app.kubernetes.io/name=kube-prometheus-stack-prometheus-operator"
        return Finding("the route is not loaded", "route_not_loaded", text, command)

    def _not_loaded(self, prometheuses: Objects, namespaces: Objects) -> Finding:
        drill = self._drill
        events = [
            {**event, "involvedObject": {**(event.get("involvedObject") or {}), "namespace": drill.namespace}}
            for event in self._cluster.events(drill)
        ]
        made = self._cluster.left(drill.namespace, drill.identifier)
        live = [item for item in made if item["kind"] == "PrometheusRule"]
        if not live:
            text = "somebody removed the PrometheusRule while the drill ran"
            return Finding("the rule is gone", "rule_removed", text)
        check = rule_object_checks(
            live, self._prometheus.rules(), prometheuses=prometheuses, namespaces=namespaces, events=events
        )[0]
        return Finding(check.observed, check.cause or "not_loaded_yet", check.detail, check.next)

    def _not_firing(self, error: str) -> Finding:
        found = own_rule(self._drill, self._prometheus.rules(rule_names=[ALERT], exclude_alerts=False))
        if not found:
            return Finding("no longer loaded", "rule_unloaded", error or "Prometheus had the rule, and has it no more")
        rule = found[1]
        if rule.get("health") == "err":
            return Finding("its evaluation fails", "rule_in_error", str(rule.get("lastError") or "no error given"))
        text = f"health {rule.get('health')}, last evaluation {rule.get('lastEvaluation') or 'never'}"
        return Finding("not firing", "not_evaluated", f"{text}; Prometheus may be overloaded")

    def _not_sent(self, prometheuses: Objects, error: str) -> Finding:
        known = self._prometheus.alertmanagers()
        if not known:
            return self.no_alertmanager(prometheuses)
        sent = self._prometheus.query("sum(prometheus_notifications_errors_total)").samples
        failures = f", {sent[0].number:.0f} sendings failed since its start" if sent and sent[0].number else ""
        text = (
            f"it fires in Prometheus, which sends to {listing(known, 3)}{failures}; either the sending fails, or alert "
            "relabeling drops it, or the Alertmanager that was asked is another one"
        )
        return Finding("not there", "alert_not_sent", f"{text}. {error}".strip(), _show("prometheus", prometheuses))

    def _not_delivered(self, counts: WebhookCounts | None, error: str) -> Finding:
        drill = self._drill
        if not alert_routes.has_receiver(self._alertmanager.config(), drill.receiver):
            text = "the route of the AlertmanagerConfig is no longer in Alertmanager's configuration"
            return Finding("no route", "no_route", text, f"kubectl get alertmanagerconfig -n {drill.namespace}")
        grown = self._alertmanager.webhook_counts(drill.receiver).grown(counts or WebhookCounts())
        if grown:
            return self.webhook_failed(grown, drill.namespace)
        text = f"Alertmanager has sent nothing to {drill.receiver} that arrived. {error}".strip()
        return Finding("not delivered", "not_delivered", text, LOG)


def _show(kind: str, owners: Objects) -> str:
    if not owners:
        return f"kubectl get {kind} -A"
    return f"kubectl get {kind} {name_of(owners[0])} -n {namespace_of(owners[0])} -o yaml"
