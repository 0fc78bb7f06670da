# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send an alert of one's own all the way, watch it pass every stage, and leave nothing behind.

Order matters to whoever is on call. The route to the drill's receiver is there before the alert fires, unless the alert
would tell nobody without it; and it stays until the alert has ended, since an alert without its route goes to the
default receiver. What cannot be removed in time because of that stays on the leash of its Job, which Kubernetes ends.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Mapping

from ansible_collections.argolab.observability.plugins.module_utils import alert_routes
from ansible_collections.argolab.observability.plugins.module_utils.alertmanager_api import (
    AlertmanagerClient,
    WebhookCounts,
)
from ansible_collections.argolab.observability.plugins.module_utils.checks import listing
from ansible_collections.argolab.observability.plugins.module_utils.cluster_reader import MONITORING
from ansible_collections.argolab.observability.plugins.module_utils.drill_causes import Diagnosis
from ansible_collections.argolab.observability.plugins.module_utils.drill_cluster import (
    DrillCluster,
    is_expired,
    titles,
)
from ansible_collections.argolab.observability.plugins.module_utils.drill_objects import (
    ALERT,
    MARK,
    Drill,
    met_labels,
)
from ansible_collections.argolab.observability.plugins.module_utils.drill_removal import Removal
from ansible_collections.argolab.observability.plugins.module_utils.drill_stages import (
    STAGES,
    UNTIL,
    Finding,
    StageError,
    delivered_alerts,
    failed,
    is_firing,
    not_reached,
    own_rule,
    passed,
    rendered_summary,
    suppressed,
    wrong_labels,
)
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.explained import ExplainedCheck
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeError
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import PrometheusClient
from ansible_collections.argolab.observability.plugins.module_utils.waiter import is_definite

# Seconds that an interrupted drill may still take for its removal.
HURRY = 8.0
# Seconds for which Alertmanager may show an alert without its receiver, while it reads the new configuration.
SETTLE = 10.0


class Interrupted(BaseException):
    """A signal asked the module to end; like KeyboardInterrupt it is no error that anything may swallow."""


@dataclass(frozen=True)
class Plan:
    """The options of one drill, already found to be possible."""

    namespace: str
    until: str = "delivered"
    fire_for: int = 60
    labels: Mapping[str, str] = field(default_factory=dict)
    object_labels: Mapping[str, str] | None = None
    receiver_image: str = ""
    receiver_url: str = field(default="", repr=False)
    notify_others: bool = False
    wait_timeout: float = 300.0
    removal_timeout: float = 240.0
    poll_interval: float = 2.0
    prometheus_namespace: str = "monitoring"
    alertmanager_namespace: str = "monitoring"

    @property
    def stages(self) -> list[str]:
        return ["ready"] * (self.until == "delivered") + list(UNTIL[: UNTIL.index(self.until) + 1])


class AlertDrill:
    """One drill.

    :param report: is told, in one line, each time something was seen.
    """

    def __init__(
        self,
        cluster: DrillCluster,
        prometheus: PrometheusClient,
        alertmanager: AlertmanagerClient,
        plan: Plan,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._cluster, self._prometheus, self._alertmanager, self._plan = cluster, prometheus, alertmanager, plan
        self._tell = report
        self._start = time.monotonic()
        self._error = ""
        self._owner = ""
        self._rule_made = self._rule_there = False
        self._counts: WebhookCounts | None = None
        self._seen: dict[str, float] = {}
        self._in_alertmanager_since = 0.0
        self.checks: dict[str, ExplainedCheck] = {}
        self.removed_before: list[str] = []
        self.left: list[str] = []
        self.notification: dict[str, Any] = {}
        self.quiet_anyway = False
        self.drill = self._prepare()

    @property
    def timeline(self) -> dict[str, float]:
        """Seconds from the start until each stage was seen."""
        return {stage: round(seconds, 1) for stage, seconds in self._seen.items()}

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._start

    def result_checks(self, why: str = "an earlier stage was not passed") -> list[ExplainedCheck]:
        """All checks in the order of the stages."""
        wanted = ["quiet", *self._plan.stages, "resolved", "removed"]
        return [self.checks.get(stage) or not_reached(stage, why) for stage in STAGES if stage in wanted]

    @property
    def ok(self) -> bool:
        return not any(check.ok is False for check in self.checks.values())

    def _prepare(self) -> Drill:
        """Read what decides how the objects have to look; nothing is made."""
        cluster, plan = self._cluster, self._plan
        self.prometheuses = [
            item
            for item in cluster.readable(f"{MONITORING}/prometheuses")
            if item["metadata"].get("namespace") == plan.prometheus_namespace
        ]
        self.alertmanagers = [
            item
            for item in cluster.readable(f"{MONITORING}/alertmanagers")
            if item["metadata"].get("namespace") == plan.alertmanager_namespace
        ]
        self.namespaces = cluster.readable("/api/v1/namespaces")
        own = plan.until == "delivered" and not plan.receiver_url
        lifetime = int(plan.wait_timeout + plan.removal_timeout + 60)
        given = plan.object_labels
        return Drill(
            identifier=secrets.token_hex(4),
            namespace=plan.namespace,
            deadline=int(time.time()) + lifetime,
            lifetime=lifetime,
            fire_for=plan.fire_for,
            labels=plan.labels,
            rule_labels=_first_met(self.prometheuses, "ruleSelector") if given is None else given,
            config_labels=_first_met(self.alertmanagers, "alertmanagerConfigSelector") if given is None else given,
            image=(plan.receiver_image or cluster.receiver_image()) if own else "",
            token=secrets.token_urlsafe(18) if own else "",
            url=plan.receiver_url if plan.until == "delivered" else "",
        )

    def preflight(self) -> bool:
        """Whether the drill can begin; what speaks against it is a failed check already."""
        try:
            self._judge_selection()
            self._judge_quiet()
        except StageError as error:
            self.checks[error.stage] = failed(error.stage, error.finding)
            return False
        return True

    def _judge_selection(self) -> None:
        problem = Diagnosis.unselected_rule(self.drill, self.prometheuses, self.namespaces)
        if problem:
            raise StageError("loaded", problem)
        if "in_alertmanager" in self._plan.stages and not self._prometheus.alertmanagers():
            raise StageError("in_alertmanager", Diagnosis.no_alertmanager(self.prometheuses))
        if "ready" in self._plan.stages:
            problem = Diagnosis.unselected_config(self.drill, self.alertmanagers, self.namespaces)
            if problem:
                raise StageError("ready", problem)

    def _judge_quiet(self) -> None:
        """Nobody but the drill's receiver is told, now and in the short time before and after its route is there."""
        config, drill = self._alertmanager.config(), self.drill
        loud = alert_routes.loud_receivers(config, alert_routes.receivers_for(config, drill.alert_labels))
        self.quiet_anyway = not loud
        others = loud
        if "ready" in self._plan.stages:
            # The operator puts the drill's route first, with continue, so that the default receiver is out.
            route = config["route"]
            own = {"receiver": drill.receiver, "continue": True}
            foreseen = {**config, "route": {**route, "routes": [own, *(route.get("routes") or [])]}}
            names = alert_routes.receivers_for(foreseen, drill.alert_labels)
            others = alert_routes.loud_receivers(config, [name for name in names if name != drill.receiver])
        if others and not self._plan.notify_others:
            raise StageError("quiet", Diagnosis.others_notified(others, self._alertmanager.raw))
        also = f"also sent to {listing(others)}, as allowed" if others else "none"
        self.checks["quiet"] = passed("quiet", also, None)

    def run(self) -> None:
        """Make, watch, remove. Whatever happens in between, removal is tried; checks hold what came out of it."""
        stale = [item for item in self._cluster.left(self.drill.namespace) if is_expired(item)]
        if stale:
            self._cluster.remove(stale)
            self.removed_before = titles(stale)
        patient = True
        try:
            if self._made():
                self._watch()
                self._await_end()
        except (KeyboardInterrupt, Interrupted):
            patient = False
            raise
        finally:
            self._finish(patient)

    def _made(self) -> bool:
        """Whether all could be made; what could not is a failed check."""
        try:
            self._make()
        except ArgolabError as error:
            stage = self._plan.stages[0]
            self.checks[stage] = failed(stage, Finding("could not be made", "could_not_make", str(error)))
            return False
        return True

    def _make(self) -> None:
        drill = self.drill
        self._owner = self._cluster.create(drill.job())["metadata"]["uid"]
        for obj in drill.objects(self._owner)[1:-1]:
            self._cluster.create(obj)
        if drill.url or drill.image:
            self._counts = self._alertmanager.webhook_counts(drill.receiver)
        if self.quiet_anyway or "ready" not in self._plan.stages:
            self._make_rule()
        else:
            self._tell("waiting for the route to the receiver before anything fires")

    def _make_rule(self) -> None:
        if self._rule_there:
            return
        # Set before the request: an answer that is lost must not leave the rule out of the removal.
        self._rule_made = True
        try:
            self._cluster.create(self.drill.rule(self._owner))
        except KubeError as error:
            # It is there already: the answer to an earlier try was lost.
            if error.status != 409:
                raise
        self._rule_there = True

    def _watch(self) -> None:
        """Poll until every stage was passed, one cannot be passed, or the time is over."""
        end = self._start + self._plan.wait_timeout
        while True:
            pending = [stage for stage in self._plan.stages if stage not in self._seen]
            try:
                self._look(pending)
                self._error = ""
            except StageError as error:
                self.checks[error.stage] = failed(error.stage, error.finding)
                return
            except ArgolabError as error:
                if is_definite(error):
                    self.checks[pending[0]] = failed(pending[0], Finding("no answer", "could_not_check", str(error)))
                    return
                self._error = str(error)
            pending = [stage for stage in self._plan.stages if stage not in self._seen]
            if not pending:
                return
            if time.monotonic() >= end:
                self.checks[pending[0]] = failed(pending[0], self._diagnose(pending[0]))
                return
            time.sleep(self._plan.poll_interval)

    def _look(self, pending: list[str]) -> None:
        if "ready" in pending:
            self._look_ready()
        if self._rule_made:
            self._make_rule()
        rule_stages = {"loaded", "firing"} & set(pending)
        if self._rule_made and rule_stages:
            found = own_rule(self.drill, self._prometheus.rules(rule_names=[ALERT], exclude_alerts=False))
            if found:
                self._pass("loaded", f"loaded in {found[0].get('file')}")
                if is_firing(found[1]) and "firing" in self._plan.stages:
                    self._pass("firing", "firing")
        if "firing" in self._seen and {"in_alertmanager", "delivered"} & set(pending):
            self._look_alertmanager()
        if "in_alertmanager" in self._seen and "ready" in self._seen and "delivered" in pending:
            self._look_delivered()

    def _look_ready(self) -> None:
        drill = self.drill
        if drill.image and self._cluster.received(drill) is None:
            problem = Diagnosis.pod(self._cluster.pods(drill), self._cluster.events(drill), drill)
            # A pull is tried more than once, and a Pod is not scheduled at once.
            if problem and self.elapsed > SETTLE:
                raise StageError("ready", problem)
            return
        if alert_routes.has_receiver(self._alertmanager.config(), drill.receiver):
            receiver = f", the receiver runs from {drill.image}" if drill.image else ""
            self._pass("ready", f"the route is loaded{receiver}")
            self._make_rule()

    def _look_alertmanager(self) -> None:
        drill = self.drill
        for alert in self._alertmanager.alerts(MARK, drill.identifier):
            self._in_alertmanager_since = self._in_alertmanager_since or time.monotonic()
            wrong = wrong_labels(drill, alert.get("labels") or {})
            if wrong:
                raise StageError("in_alertmanager", Diagnosis.relabeled(wrong, self.prometheuses))
            self._pass("in_alertmanager", "in Alertmanager with its labels")
            ids = (alert.get("status") or {}).get("silencedBy") or []
            silences = [self._alertmanager.silence(str(item)) for item in ids[:1]]
            finding = suppressed(alert, silences, self._alertmanager.raw)
            if finding and "delivered" in self._plan.stages:
                raise StageError("delivered", finding)
            receivers = [str(item.get("name")) for item in alert.get("receivers") or []]
            late = time.monotonic() - self._in_alertmanager_since > SETTLE
            if "ready" in self._seen and receivers and drill.receiver not in receivers and late:
                raise StageError("delivered", Diagnosis.no_route(drill, receivers, self.alertmanagers))
            self._judge_receivers([name for name in receivers if name != drill.receiver])

    def _judge_receivers(self, others: list[str]) -> None:
        """What was foreseen from the configuration, seen on the alert itself."""
        if not others or self._plan.notify_others or self.quiet_anyway:
            return
        loud = alert_routes.loud_receivers(self._alertmanager.config(), others)
        if loud and "ready" in self._seen:
            self.checks["quiet"] = failed("quiet", Diagnosis.others_notified(loud, self._alertmanager.raw))

    def _look_delivered(self) -> None:
        drill = self.drill
        if drill.url:
            self._look_delivered_elsewhere(self._counts or WebhookCounts())
            return
        alerts = delivered_alerts(drill, self._cluster.received(drill) or [], "firing")
        if not alerts:
            return
        labels = dict(alerts[0].get("labels") or {})
        self.notification = {"labels": labels, "annotations": dict(alerts[0].get("annotations") or {})}
        wrong = wrong_labels(drill, labels)
        if self.notification["annotations"].get("summary") != rendered_summary():
            wrong.append(f"annotation summary is {self.notification['annotations'].get('summary')!r}")
        if wrong:
            raise StageError("delivered", Diagnosis.relabeled(wrong, self.prometheuses))
        self._pass("delivered", "delivered with its labels")

    def _look_delivered_elsewhere(self, before: WebhookCounts) -> None:
        """By the counters; only with a label for the receiver they tell one webhook from the others."""
        now = self._alertmanager.webhook_counts(self.drill.receiver)
        if now.by_receiver and now.sent > 0 and not now.failed:
            self._pass("delivered", "sent by webhook without a failure")
        elif time.monotonic() - self._in_alertmanager_since > SETTLE:
            if now.grown(before):
                raise StageError("delivered", Diagnosis.webhook_failed(now.grown(before), self._plan.namespace))
            if not now.by_receiver:
                mark = f"{MARK}={self.drill.identifier}"
                why = f"the counters of this Alertmanager do not tell receivers apart: look for {mark} at yours"
                self._seen["delivered"] = self.elapsed
                self.checks["delivered"] = replace(not_reached("delivered", why), observed="sent, arrival not known")

    def _pass(self, stage: str, observed: str, detail: str = "") -> None:
        if stage not in self._seen:
            self._seen[stage] = self.elapsed
            self.checks[stage] = passed(stage, observed, self.elapsed, detail)
            self._tell(f"{STAGES[stage][0]}: {observed}")

    def _diagnose(self, stage: str) -> Finding:
        """Why the time went by; what cannot be read does not hide the failure itself."""
        try:
            return Diagnosis(self._cluster, self._prometheus, self._alertmanager, self.drill).why(
                stage,
                prometheuses=self.prometheuses,
                alertmanagers=self.alertmanagers,
                namespaces=self.namespaces,
                counts=self._counts,
                error=self._error,
            )
        except ArgolabError as error:
            return Finding("not seen in time", "could_not_check", self._error or str(error))

    def _active(self) -> bool:
        """Whether the alert fires in Prometheus or is unresolved in Alertmanager."""
        found = own_rule(self.drill, self._prometheus.rules(rule_names=[ALERT], exclude_alerts=False))
        if found and is_firing(found[1]):
            return True
        return bool(self._alertmanager.alerts(MARK, self.drill.identifier))

    def _await_end(self) -> None:
        """The rule's own expression ends the alert; a rule that is removed first would leave it for four minutes."""
        if "loaded" not in self._seen:
            return
        self._tell("waiting for the alert to end by itself")
        # After the last evaluation that fires: one more, a notification, and Prometheus that was busy.
        end = time.monotonic() + self._plan.fire_for + 45
        fired = "firing" in self._seen
        while time.monotonic() < end:
            try:
                active = self._active()
                fired = fired or active
                if fired and not active:
                    self._pass("resolved", "resolved")
                    return
            except ArgolabError as error:
                if is_definite(error):
                    break
            time.sleep(self._plan.poll_interval)
        if fired:
            self.checks["resolved"] = failed("resolved", Diagnosis.not_resolved(self.drill))

    def _finish(self, patient: bool) -> None:
        """Remove everything that may be removed, and say what stays until when."""
        end = time.monotonic() + (self._plan.removal_timeout if patient else HURRY)
        try:
            removal = Removal(self._cluster, self._prometheus, self._alertmanager, self._plan.poll_interval)
            ended = "resolved" in self._seen or not self._rule_made
            self.left, finding = removal.remove(self.drill.namespace, self.drill.identifier, end, ended)
        except ArgolabError as error:
            self.left = titles([{**obj} for obj in self.drill.objects(self._owner)])
            finding = Finding("not removed", "could_not_remove", str(error), Diagnosis.cleanup(self.drill.namespace))
        if finding:
            detail = f"{finding.detail}; Kubernetes removes what is left at {self.drill.expires}"
            self.checks["removed"] = failed("removed", Finding(finding.observed, finding.cause, detail, finding.next))
        else:
            self._pass("removed", "nothing is left")


def _first_met(owners: list[dict[str, Any]], selector: str) -> dict[str, str]:
    return met_labels((owners[0].get("spec") or {}).get(selector)) if owners else {}
