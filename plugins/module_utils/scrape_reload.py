# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a monitor that is right is not in Prometheus's configuration: the operator, its Secret, or the last reload.

The operator writes the configuration into Secret prometheus-NAME; the kubelet brings it to the pod, which takes up to
two minutes; the sidecar config-reloader has Prometheus load it, and after a refusal tries the same again for three
minutes before it looks at a newer one. Of the Secret only the metadata are read.
"""

from __future__ import annotations

from datetime import datetime

from ansible_collections.argolab.observability.plugins.module_utils.pod_states import ready_pods
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import parse_time
from ansible_collections.argolab.observability.plugins.module_utils.scrape_objects import (
    OPERATORS,
    RUNTIME,
    SECRETS,
    Answers,
    Cluster,
    Finding,
    Link,
    Object,
    get,
)
from ansible_collections.argolab.observability.plugins.module_utils.selectors import full_name, name_of, namespace_of

SLOW = (
    "the kubelet brings it to the pod within one to two minutes, and the sidecar config-reloader needs up to three "
    "where a reload was refused, or where it came while Prometheus started"
)


def not_reloaded(link: Link, cluster: Cluster, answers: Answers, what: str) -> Finding:
    """The finding for a monitor whose newest state Prometheus has not loaded; what says how that shows."""
    prometheus = link.prometheus
    needs = answers.untried(RUNTIME) + cluster.untried(OPERATORS, None)
    place = ""
    if prometheus is not None:
        place = f"{namespace_of(prometheus)}/prometheus-{name_of(prometheus)}"
        needs += () if cluster.tried(SECRETS, place) else ((SECRETS, place),)
    if needs:
        return Finding("not_reloaded", what, needs=needs)
    notes: tuple[str, ...] = ()
    if place and not cluster.knows(SECRETS, place):
        notes = (f"Secret {place} may not be read, so it is not known whether the operator has written it",)
    reason, command = _reason(link, cluster, answers, place)
    return Finding("not_reloaded", f"{what}: {reason}", command, notes=notes)


def loaded_before_change(link: Link, answers: Answers) -> bool:
    """Whether the monitor was changed after Prometheus loaded its configuration."""
    changed, loaded = changed_at(link.monitor), parse_time(answers.runtime.get("lastConfigTime"))
    return bool(changed and loaded and changed > loaded)


def reload_failed(answers: Answers) -> bool:
    return answers.runtime.get("reloadConfigSuccess") is False


def changed_at(obj: Object) -> datetime | None:
    """When an object was last changed; writes of its status do not count."""
    metadata = obj.get("metadata") or {}
    moments = [parse_time(metadata.get("creationTimestamp"))]
    for field in metadata.get("managedFields") or []:
        if field.get("subresource") != "status":
            moments.append(parse_time(field.get("time")))
    return max((moment for moment in moments if moment), default=None)


def _reason(link: Link, cluster: Cluster, answers: Answers, place: str) -> tuple[str, str]:
    prometheus = link.prometheus
    operators = cluster.of(OPERATORS)
    namespace = namespace_of(prometheus) if prometheus is not None else ""
    if prometheus is not None and (prometheus.get("spec") or {}).get("paused"):
        command = get("prometheus", namespace, name_of(prometheus), "-o yaml")
        return f"Prometheus {full_name(prometheus)} is paused, so the operator leaves it as it is", command
    if operators and not any(ready_pods(item) for item in operators):
        command = f"kubectl -n {namespace_of(operators[0])} describe deployment {name_of(operators[0])}"
        return f"the operator does not run: Deployment {full_name(operators[0])} has no ready pod", command
    refused = _not_reconciled(prometheus)
    if refused and prometheus is not None:
        command = f"kubectl -n {namespace} describe prometheus {name_of(prometheus)}"
        return (
            f"the operator could not write the configuration of Prometheus {full_name(prometheus)}: {refused}",
            command,
        )
    logs = f"kubectl -n {namespace} logs statefulset/prometheus-{name_of(prometheus or {})} "
    if reload_failed(answers):
        return "Prometheus's last reload failed, so it keeps the configuration it had", f"{logs}-c prometheus --tail=20"
    secret = cluster.find(SECRETS, *place.split("/", 1)) if place else None
    written, changed = changed_at(secret or {}), changed_at(link.monitor)
    loaded = parse_time(answers.runtime.get("lastConfigTime"))
    if written and changed and written < changed:
        return (
            f"the operator has not written a configuration since the monitor was changed ({_clock(changed)}; "
            f"Secret {place} is of {_clock(written)})",
            "kubectl get pods -A -l 'app.kubernetes.io/name in (prometheus-operator, "
            "kube-prometheus-stack-prometheus-operator)'",
        )
    if written and loaded and written > loaded:
        text = f"the operator wrote Secret {place} at {_clock(written)}, Prometheus loaded its own at {_clock(loaded)}"
        return f"{text}; {SLOW}", f"{logs}-c config-reloader --tail=20"
    if not operators and cluster.knows(OPERATORS):
        return f"there is no Deployment of the operator by its usual labels, or {SLOW}", get("deployments", "", "-A")
    return SLOW, f"{logs}-c config-reloader --tail=20"


def _not_reconciled(prometheus: Object | None) -> str:
    for condition in ((prometheus or {}).get("status") or {}).get("conditions") or []:
        if condition.get("type") == "Reconciled" and condition.get("status") == "False":
            return str(condition.get("message") or condition.get("reason") or "no reason given")
    return ""


def _clock(moment: datetime) -> str:
    return moment.strftime("%H:%M:%S UTC")
