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
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping

from ansible_collections.argolab.observability.plugins.module_utils import alert_routes
from ansible_collections.argolab.observability.plugins.module_utils.alertmanager_api import AlertmanagerClient
from ansible_collections.argolab.observability.plugins.module_utils.checks import listing
from ansible_collections.argolab.observability.plugins.module_utils.drill_causes import Diagnosis
from ansible_collections.argolab.observability.plugins.module_utils.drill_cluster import (
    DrillCluster,
    is_expired,
    titles,
)
from ansible_collections.argolab.observability.plugins.module_utils.drill_objects import (
    ALERT,
    MARK,
    OBJECT_LABEL,
    Drill,
    met_labels,
)
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
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import PrometheusClient
from ansible_collections.argolab.observability.plugins.module_utils.scrape_reader import MONITORING
from ansible_collections.argolab.observability.plugins.module_utils.waiter import is_definite

# Seconds that an interrupted drill may still take for its removal.
HURRY = 8.0
# Seconds for which Alertmanager may show an alert without its receiver, while it reads the new configuration.
SETTLE = 10.0
# Seconds after which a removed rule is in Prometheus no more, or never arrives there: the kubelet has synced its volume.
ARRIVAL = 120.0


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
        self._rule_made = False
        self._counts: tuple[float, dict[str, float]] | None = None
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
            self._make()
            self._watch()
            self._await_end()
        except (KeyboardInterrupt, Interrupted):
            patient = False
            raise
        finally:
            self._finish(patient)

    def _make(self) -> None:
        drill = self.drill
        self._owner = self._cluster.create(drill.job())["metadata"]["uid"]
        for obj in drill.objects(self._owner)[1:-1]:
            self._cluster.create(obj)
        if drill.url:
            self._counts = self._alertmanager.webhook_counts()
        if self.quiet_anyway or "ready" not in self._plan.stages:
            self._make_rule()
        else:
            self._tell("waiting for the route to the receiver before anything fires")

    def _make_rule(self) -> None:
        if not self._rule_made:
            # Set before the request: an answer that is lost must not leave the rule out of the removal.
            self._rule_made = True
            self._cluster.create(self.drill.rule(self._owner))

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
            self._pass("ready", "the route is loaded" + (f", the receiver runs from {drill.image}" if drill.image else ""))
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
            finding = suppressed(alert, [self._alertmanager.silence(str(item)) for item in ids[:1]], self._alertmanager.raw)
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
            before, now = self._counts or (0.0, {}), self._alertmanager.webhook_counts()
            if now[0] > before[0] and now[1] == before[1]:
                detail = "Alertmanager counts the request as delivered; what came of it only the receiver knows"
                self._pass("delivered", "sent by webhook without a failure", detail)
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
            self.left, finding = removal.remove(self.drill.namespace, self.drill.identifier, end, "resolved" in self._seen)
        except ArgolabError as error:
            self.left = titles([{**obj} for obj in self.drill.objects(self._owner)])
            finding = Finding("not removed", "could_not_remove", str(error), Diagnosis.cleanup(self.drill.namespace))
        if finding:
            detail = f"{finding.detail}; Kubernetes removes what is left at {self.drill.expires}"
            self.checks["removed"] = failed("removed", Finding(finding.observed, finding.cause, detail, finding.next))
        else:
            self._pass("removed", "nothing is left")


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
            return f"Prometheus may still load the removed rule, and without the drill's route {listing(loud)} would be told"
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


def leftovers(cluster: DrillCluster, namespace: str, identifier: str = "") -> dict[str, list[dict[str, Any]]]:
    """What drills left in a namespace, by drill."""
    found: dict[str, list[dict[str, Any]]] = {}
    for item in cluster.left(namespace, identifier):
        found.setdefault(str(item["metadata"]["labels"][OBJECT_LABEL]), []).append(item)
    return found


def _first_met(owners: list[dict[str, Any]], selector: str) -> dict[str, str]:
    return met_labels((owners[0].get("spec") or {}).get(selector)) if owners else {}
