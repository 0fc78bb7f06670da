# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages of a drill of the alert path, and what keeps an alert from passing one: pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.checks import listing
from ansible_collections.argolab.observability.plugins.module_utils.drill_objects import ALERT, MARK, SUMMARY, Drill
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.explained import ExplainedCheck

Object = Mapping[str, Any]

# name of the stage, what its check is called, what is expected
STAGES: dict[str, tuple[str, str]] = {
    "quiet": ("nobody else is notified", "no other receiver is sent the drill's alert"),
    "ready": ("receiver and route", "the receiver answers and Alertmanager has loaded the route to it"),
    "loaded": ("rule in Prometheus", "loaded"),
    "firing": ("alert in Prometheus", "firing"),
    "in_alertmanager": ("alert in Alertmanager", "active, with its labels"),
    "delivered": ("notification at the receiver", "delivered, with its labels and annotations"),
    "resolved": ("end of the alert", "resolved by itself, before its route is removed"),
    "removed": ("removal", "nothing of the drill is left in the cluster, Prometheus and Alertmanager"),
}
UNTIL = ("loaded", "firing", "in_alertmanager", "delivered")
PULL_PROBLEMS = (
    "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError",
    "CreateContainerError", "RunContainerError", "CrashLoopBackOff",
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """Why a stage was not passed."""

    observed: str
    cause: str
    detail: str
    next: str = ""


class StageError(ArgolabError):
    """A stage that waiting will not pass."""

    definite = True

    def __init__(self, stage: str, finding: Finding) -> None:
        super().__init__(finding.detail)
        self.stage = stage
        self.finding = finding


def passed(stage: str, observed: str, seconds: float | None, detail: str = "") -> ExplainedCheck:
    name, expected = STAGES[stage]
    when = "" if seconds is None else f", seen after {seconds:.0f} s"
    return ExplainedCheck(f"alert path: {name}", True, expected, f"{observed}{when}", detail, subject=stage)


def failed(stage: str, finding: Finding) -> ExplainedCheck:
    name, expected = STAGES[stage]
    return ExplainedCheck(
        f"alert path: {name}", False, expected, finding.observed, finding.detail, finding.cause, finding.next, stage
    )


def not_reached(stage: str, why: str) -> ExplainedCheck:
    name, expected = STAGES[stage]
    return ExplainedCheck(f"alert path: {name}", None, expected, "skipped", why, subject=stage)


def wrong_labels(drill: Drill, labels: Mapping[str, Any]) -> list[str]:
    """Each label of the alert that arrived otherwise than it was sent."""
    return [
        f"label {name} is {labels.get(name)!r} instead of {value!r}" if name in labels else f"label {name} is missing"
        for name, value in sorted(drill.alert_labels.items())
        if labels.get(name) != value
    ]


def own_rule(drill: Drill, groups: Iterable[Object]) -> tuple[Object, Object] | None:
    """Group and rule of the drill among those that Prometheus has loaded."""
    for group in groups:
        for rule in group.get("rules") or []:
            if rule.get("name") == ALERT and (rule.get("labels") or {}).get(MARK) == drill.identifier:
                return group, rule
    return None


def is_firing(rule: Object) -> bool:
    return any(alert.get("state") == "firing" for alert in rule.get("alerts") or [])


def suppressed(alert: Object, silences: Sequence[Object], raw: str) -> Finding | None:
    """Why Alertmanager keeps an alert to itself; V(None) where it does not.

    :param silences: those that the alert names, as far as they could be read.
    :param raw: the command that reads Alertmanager's API, without the last part of the path.
    """
    status = alert.get("status") or {}
    if status.get("silencedBy"):
        identifier = str(status["silencedBy"][0])
        words = [
            f"by {item.get('createdBy') or 'nobody named'} until {item.get('endsAt') or 'an unknown time'}"
            + (f" ({item['comment']})" if item.get("comment") else "")
            for item in silences
        ]
        text = f"silence {identifier} matches it" + (f": {words[0]}" if words else "")
        return Finding("silenced", "silenced", text, f"{raw}/silence/{identifier}")
    if status.get("inhibitedBy"):
        text = f"another alert that is firing inhibits it (fingerprint {listing(map(str, status['inhibitedBy']), 3)})"
        return Finding("inhibited", "inhibited", f"{text}; see inhibit_rules of Alertmanager", f"{raw}/alerts")
    if status.get("mutedBy"):
        text = f"a time interval mutes it: {listing(map(str, status['mutedBy']), 3)}"
        return Finding("muted", "muted", text, f"{raw}/status")
    return None


def pod_problem(pods: Sequence[Object], events: Sequence[Object], drill: Drill) -> Finding | None:
    """What keeps the receiver's Pod from running; V(None) where nothing is known to."""
    describe = f"kubectl describe job,pod -n {drill.namespace} -l job-name={drill.name}"
    for pod in pods:
        statuses = (pod.get("status") or {}).get("containerStatuses") or []
        for waiting in [(item.get("state") or {}).get("waiting") or {} for item in statuses]:
            reason = str(waiting.get("reason") or "")
            if reason in PULL_PROBLEMS:
                text = f"{reason}: {waiting.get('message') or 'no message'} (image {drill.image})"
                unknown = reason in ("CrashLoopBackOff", "RunContainerError", "CreateContainerError")
                cause = "receiver_does_not_start" if unknown else "receiver_image_unavailable"
                return Finding("the receiver does not run", cause, text, describe)
        for condition in (pod.get("status") or {}).get("conditions") or []:
            if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
                text = str(condition.get("message") or "")
                return Finding("the receiver is not scheduled", "receiver_not_scheduled", text, describe)
    if not pods:
        refused = [event for event in events if event.get("reason") == "FailedCreate"]
        if refused:
            text = str(refused[-1].get("message") or "")
            return Finding("the receiver's Pod is refused", "receiver_refused", text, describe)
    return None


def rendered_summary() -> str:
    """What Prometheus has to make of the annotation."""
    return SUMMARY.replace("{{ $value }}", "1")


def delivered_alerts(drill: Drill, notifications: Iterable[Any], status: str) -> list[Object]:
    """The drill's alerts with this status among the notifications that the receiver has kept."""
    return [
        alert
        for body in notifications
        if isinstance(body, Mapping)
        for alert in body.get("alerts") or []
        if isinstance(alert, Mapping)
        and alert.get("status") == status
        and (alert.get("labels") or {}).get(MARK) == drill.identifier
    ]
