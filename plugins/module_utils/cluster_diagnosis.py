# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why something does not run, from what a cluster says of itself: judgements of objects that were read elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Mapping

from ansible_collections.argolab.observability.plugins.module_utils.checks import count_text, listing
from ansible_collections.argolab.observability.plugins.module_utils.cluster_checks import pod_problem
from ansible_collections.argolab.observability.plugins.module_utils.explained import ExplainedCheck
from ansible_collections.argolab.observability.plugins.module_utils.helm_state import DEPLOYED, PENDING, newest
from ansible_collections.argolab.observability.plugins.module_utils.pod_states import is_ready, phase_of, state_of
from ansible_collections.argolab.observability.plugins.module_utils.release_ready import rollout_check
from ansible_collections.argolab.observability.plugins.module_utils.selectors import name_of, namespace_of

Object = Mapping[str, Any]

# What explains most comes first: a later cause is often only the consequence of an earlier one.
ROOTS = (
    "kubeconfig_unusable", "credentials_refused", "cluster_unreachable", "right_missing", "node_not_ready",
    "namespace_absent", "release_absent", "release_failed", "release_pending", "crds_absent", "volume_pending",
    "unschedulable", "image_not_pulled", "container_not_created", "out_of_memory", "crash_loop", "pod_failed",
    "pod_starting", "pod_not_ready", "scaled_to_zero", "rollout_stuck", "rollout", "prometheus_silent",
)  # fmt: skip

_POD_CAUSES = {
    "ErrImagePull": "image_not_pulled",
    "ImagePullBackOff": "image_not_pulled",
    "InvalidImageName": "image_not_pulled",
    "ErrImageNeverPull": "image_not_pulled",
    "CreateContainerConfigError": "container_not_created",
    "CreateContainerError": "container_not_created",
    "RunContainerError": "container_not_created",
    "CrashLoopBackOff": "crash_loop",
    "Error": "crash_loop",
    "StartError": "container_not_created",
    "Unschedulable": "unschedulable",
    "ContainerCreating": "pod_starting",
    "PodInitializing": "pod_starting",
    "Pending": "pod_starting",
    "Failed": "pod_failed",
    "Evicted": "pod_failed",
}
SHOWN_EVENTS = 5
LINE_LENGTH = 240

# A word that announces a secret, and what follows it: password=x, "token": "x", Authorization: Bearer x.
_ANNOUNCED = re.compile(
    r"""(?ix) ( (?: passw(?:or)?d | passphrase | secret | token | credential s? | api[_-]?key | access[_-]?key
                  | private[_-]?key | authorization | cookie ) [\w-]* ["']? \s* [:=] \s* )
        (?: (?: basic | bearer | token ) \s+ )? (?: "[^"]*" | '[^']*' | [^\s,;&"']+ )"""
)
_SCHEME = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}")
_LOGIN = re.compile(r"(?i)([a-z][a-z0-9+.-]*://)[^\s/@]+(?::[^\s@]*)?@")
# Tokens, keys and hashes: long, without a space, and of letters as well as digits. A version or a path has separators.
_LONG = re.compile(
    r"(?<![\w/.-])(?=[\w+/=.-]*\d)(?=[\w+/=.-]*[A-Za-z])(?:eyJ[\w.-]{10,}|[A-Za-z0-9+/_]{32,}={0,2})(?![\w/])"
)
_UNSEEN = re.compile("\x1b\\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


def redacted(text: str) -> str:
    """A line of a log without what looks like a secret: better too little is shown than too much."""
    text = _UNSEEN.sub("", text)
    text = _LOGIN.sub(r"\1***@", text)
    text = _ANNOUNCED.sub(r"\1***", text)
    text = _SCHEME.sub(r"\1 ***", text)
    return _LONG.sub("***", text)


def last_lines(log: str, number: int) -> list[str]:
    """The last lines of a log that say something, each short enough to be read and without secrets.

    A key or certificate in PEM is cut out as a whole, since its lines alone do not show what they are.
    """
    log = re.sub(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|\Z)", "***", log, flags=re.DOTALL)
    lines = [redacted(line).strip() for line in log.splitlines()]
    kept = [line for line in lines if line]
    return [f"{line[:LINE_LENGTH]}..." if len(line) > LINE_LENGTH else line for line in kept[-number:] if number > 0]


def owner_of(pod: Object) -> str:
    """The workload that a pod belongs to as V(NAMESPACE/NAME), the pod itself where it has none."""
    for reference in (pod.get("metadata") or {}).get("ownerReferences") or []:
        name = str(reference.get("name") or "")
        if reference.get("kind") == "ReplicaSet":
            name = name.rpartition("-")[0] or name
        if name:
            return f"{namespace_of(pod)}/{name}"
    return f"{namespace_of(pod)}/{name_of(pod)}"


def is_fine(pod: Object) -> bool:
    return is_ready(pod) or phase_of(pod) == "Succeeded"


def broken_container(pod: Object) -> tuple[str, bool]:
    """Name of the container whose log tells most, and whether that of the run before tells it; empty for none."""
    status = pod.get("status") or {}
    for state in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        now = state.get("state") or {}
        done = (now.get("terminated") or {}).get("exitCode") == 0
        if state.get("ready") or done:
            continue
        ended = (state.get("lastState") or {}).get("terminated") is not None
        has_log = any(now.get(kind) is not None for kind in ("running", "terminated"))
        if has_log or ended:
            return str(state.get("name") or ""), ended and not has_log
    return "", False


def pod_cause(pod: Object) -> str:
    status = pod.get("status") or {}
    states = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    for state in states:
        for now in (state.get("state") or {}, state.get("lastState") or {}):
            if (now.get("terminated") or {}).get("reason") == "OOMKilled" and not state.get("ready"):
                return "out_of_memory"
    return _POD_CAUSES.get(state_of(pod), _POD_CAUSES.get(str(status.get("reason")), "pod_not_ready"))


def pod_check(pod: Object, log: Sequence[str] = (), events: Sequence[Object] = (), note: str = "") -> ExplainedCheck:
    """One pod that is not running and ready, with what it and its events say.

    :param log: the last lines of the container's log.
    :param note: why there is no log, where that is not plain.
    """
    namespace, name = namespace_of(pod), name_of(pod)
    cause = pod_cause(pod)
    container, before = broken_container(pod)
    parts = [redacted(pod_problem(pod)).rstrip(".")]
    said = [event_text(event) for event in events][:1]
    parts += [f"Event: {text}" for text in said if text not in parts[0]]
    if log:
        parts.append(f"Its log ends with: {' | '.join(log)}")
    if note:
        parts.append(note)
    command = f"kubectl describe pod {name} -n {namespace}"
    if container and cause in ("crash_loop", "pod_not_ready", "pod_failed"):
        command = f"kubectl logs {name} -n {namespace} -c {container}{' --previous' if before else ''}"
    return ExplainedCheck(
        f"pod {namespace}/{name}", False, "running and ready", state_of(pod), ". ".join(parts), cause, command,
        owner_of(pod),
    )  # fmt: skip


def namespace_check(namespace: str, there: Object | None) -> ExplainedCheck:
    label, expected = f"namespace {namespace}", "there"
    if there is None:
        return ExplainedCheck(
            label, False, expected, "absent", "nothing was built in it, or it was removed", "namespace_absent",
            "ansible-playbook site.yml", label,
        )  # fmt: skip
    if (there.get("metadata") or {}).get("deletionTimestamp"):
        return ExplainedCheck(
            label, False, expected, "being removed", "what is in it goes, and nothing new can be made in it",
            "namespace_absent", f"kubectl get namespace {namespace} -o jsonpath='{{.status.conditions}}'", label,
        )  # fmt: skip
    return ExplainedCheck(label, True, expected, "there")


def kinds_check(group: str, served: bool, maker: str) -> ExplainedCheck:
    """Whether the API server knows the kinds of a group, which a build brings as CRDs."""
    label, expected = f"kinds of {group}", "known to the API server"
    if served:
        return ExplainedCheck(label, True, expected, expected)
    return ExplainedCheck(
        label, False, expected, "unknown", f"their CRDs are not installed; {maker} brings them", "crds_absent",
        f"kubectl get crd -o name | grep {group}",
    )  # fmt: skip


def release_check(name: str, namespace: str, secrets: Sequence[Object]) -> ExplainedCheck:
    """The state that Helm has noted of a release; it is in the labels of the Secrets, so that none has to be read."""
    label, history = f"Helm release {namespace}/{name}", f"helm history {name} -n {namespace}"
    mine = [item for item in secrets if _label(item, "owner") == "helm" and _label(item, "name") == name]
    if not mine:
        return ExplainedCheck(
            label, False, DEPLOYED, "absent", "it was never installed, or was removed", "release_absent",
            "ansible-playbook site.yml", f"{namespace}/{name}",
        )  # fmt: skip
    latest = newest(mine)[0]
    number, status = _label(latest, "version"), _label(latest, "status")
    if status == DEPLOYED:
        return ExplainedCheck(label, True, DEPLOYED, f"revision {number} is {status}")
    before = next((_label(item, "version") for item in newest(mine) if _label(item, "status") == DEPLOYED), "")
    stays = f"; revision {before} was deployed before" if before else ""
    detail, cause = f"helm could not finish it{stays}", "release_failed"
    if status in PENDING:
        detail = f"another helm is at work, or was cut off{stays}; the next build clears what is older than ten minutes"
        cause = "release_pending"
    return ExplainedCheck(
        label, False, DEPLOYED, f"revision {number} is {status or 'of an unknown state'}", detail, cause, history,
        f"{namespace}/{name}",
    )  # fmt: skip


def stuck_check(workload: Object) -> ExplainedCheck | None:
    """A rollout that hangs; None where there is nothing to say."""
    kind, namespace, name = str(workload.get("kind")), namespace_of(workload), name_of(workload)
    for condition in (workload.get("status") or {}).get("conditions") or []:
        if condition.get("reason") == "ProgressDeadlineExceeded" or (
            condition.get("type") == "ReplicaFailure" and condition.get("status") == "True"
        ):
            return ExplainedCheck(
                f"rollout of {kind} {namespace}/{name}", False, "finished", str(condition.get("reason") or "stuck"),
                redacted(" ".join(str(condition.get("message") or "").split())), "rollout_stuck",
                f"kubectl describe {kind.lower()} {name} -n {namespace}", f"{namespace}/{name}",
            )  # fmt: skip
    found = rollout_check(workload, namespace)
    if found is None:
        return None
    return ExplainedCheck(
        found.name, False, found.expected, found.observed, found.detail, found.cause, found.next, f"{namespace}/{name}"
    )


def claim_checks(namespace: str, claims: Sequence[Object]) -> list[ExplainedCheck]:
    """Each volume claim is bound."""
    checks = []
    for claim in claims:
        phase, name = str((claim.get("status") or {}).get("phase") or "unknown"), name_of(claim)
        label = f"volume claim {namespace}/{name}"
        if phase == "Bound":
            checks.append(ExplainedCheck(label, True, "Bound", phase))
            continue
        wanted = (claim.get("spec") or {}).get("storageClassName")
        detail = (
            f"its storage class is {wanted}" if wanted else "it names no storage class, and there may be no default"
        )
        checks.append(
            ExplainedCheck(
                label, False, "Bound", phase, detail, "volume_pending",
                f"kubectl describe pvc {name} -n {namespace}", label,
            )
        )  # fmt: skip
    return checks


def event_text(event: Object) -> str:
    about = event.get("involvedObject") or {}
    times = event_count(event)
    often = f" ({times} times)" if times > 1 else ""
    message = redacted(" ".join(str(event.get("message") or "").split()))[:LINE_LENGTH]
    return f"{about.get('kind')} {about.get('name')}: {event.get('reason')}{often}: {message}"


def event_count(event: Object) -> int:
    value = (event.get("series") or {}).get("count") or event.get("count") or 1
    return value if isinstance(value, int) else 1


def event_time(event: Object) -> datetime | None:
    """When it was seen last; None where it does not say."""
    series = event.get("series") or {}
    for text in (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime")):
        try:
            # Python 3.9 reads neither Z nor six digits after the point of every length
            found = datetime.fromisoformat(re.sub(r"(\.\d+)?Z?$", "", str(text or "")))
        except ValueError:
            continue
        return found if found.tzinfo else found.replace(tzinfo=timezone.utc)
    return None


def recent_warnings(events: Iterable[Object], minutes: float, now: datetime) -> list[Object]:
    """Warnings of the last minutes, newest first; one without a time may be recent."""
    since = now - timedelta(minutes=minutes)
    found = [
        (event_time(event) or now, event)
        for event in events
        if event.get("type") == "Warning" and (event_time(event) or now) >= since
    ]
    return [event for _time, event in sorted(found, key=lambda pair: pair[0], reverse=True)]


def about(event: Object, kind: str, name: str) -> bool:
    involved = event.get("involvedObject") or {}
    return bool(involved.get("kind") == kind and involved.get("name") == name)


def events_check(namespace: str, events: Sequence[Object], minutes: int) -> ExplainedCheck:
    """Warnings are no verdict: much of what they tell has healed since. They are shown, and neither pass nor fail."""
    label, expected = f"warnings in namespace {namespace}", f"none in the last {count_text(minutes, 'minute')}"
    if not events:
        return ExplainedCheck(label, True, expected, "none")
    objects = {str((event.get("involvedObject") or {}).get("name")) for event in events}
    more = f" | and {len(events) - SHOWN_EVENTS} more" if len(events) > SHOWN_EVENTS else ""
    return ExplainedCheck(
        label, None, expected, f"{count_text(len(events), 'event')} about {listing(objects, 3)}",
        " | ".join(event_text(event) for event in events[:SHOWN_EVENTS]) + more, "",
        f"kubectl get events -n {namespace} --field-selector type=Warning --sort-by=.lastTimestamp",
    )  # fmt: skip


def rank(check: Mapping[str, Any]) -> int:
    """How near to the root a failure is; those of an unknown cause come after all others."""
    cause = str(check.get("cause") or "")
    return ROOTS.index(cause) if cause in ROOTS else len(ROOTS)


def likeliest(failures: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The failure that probably explains the others; empty where nothing failed."""
    return min(failures, key=rank, default={})


def _label(item: Object, key: str) -> str:
    return str(((item.get("metadata") or {}).get("labels") or {}).get(key) or "")
