# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pods and the workloads above them say about themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Mapping

from ansible_collections.argolab.observability.plugins.module_utils.selectors import name_of

Object = Mapping[str, Any]


def is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions)


def is_finished(pod: Object) -> bool:
    return phase_of(pod) in ("Failed", "Succeeded")


def phase_of(pod: Object) -> str:
    return str((pod.get("status") or {}).get("phase") or "Unknown")


def state_of(pod: Object) -> str:
    """The reason why a pod is not ready where one is given, its phase otherwise; V(ready) for one that is."""
    if is_ready(pod):
        return "ready"
    status = pod.get("status") or {}
    for item in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        for state in (item.get("state") or {}, item.get("lastState") or {}):
            reason = (state.get("waiting") or {}).get("reason") or (state.get("terminated") or {}).get("reason")
            if reason and reason != "Completed":
                return str(reason)
    scheduled = [item for item in status.get("conditions") or [] if item.get("type") == "PodScheduled"]
    if scheduled and scheduled[0].get("status") == "False":
        return str(scheduled[0].get("reason") or "not scheduled")
    phase = phase_of(pod)
    return "running, not ready" if phase == "Running" else phase


def pod_states(pods: Iterable[Object]) -> str:
    """Pods with their states for the end of a sentence; empty for none."""
    texts = sorted(f"{name_of(pod)}: {state_of(pod)}" for pod in pods)
    more = f" and {len(texts) - 3} more" if len(texts) > 3 else ""
    return f" (pods: {', '.join(texts[:3])}{more})" if texts else ""


def container_ports(pod: Object) -> list[tuple[str, int]]:
    """Name and number of every declared port; also of a workload's template. Init containers may serve, too."""
    spec = pod.get("spec") or {}
    return [
        (str(port.get("name") or ""), port.get("containerPort") or 0)
        for item in [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]
        for port in item.get("ports") or []
    ]


def template_labels(workload: Object) -> dict[str, str]:
    """The labels that a workload gives its pods."""
    metadata = ((workload.get("spec") or {}).get("template") or {}).get("metadata") or {}
    return {str(key): str(value) for key, value in (metadata.get("labels") or {}).items()}


def replicas_of(workload: Object) -> int | None:
    """How many pods are wanted; None where the workload does not say (a DaemonSet)."""
    value = (workload.get("spec") or {}).get("replicas")
    return value if isinstance(value, int) else None


def ready_pods(workload: Object) -> int:
    status = workload.get("status") or {}
    return status.get("readyReplicas") or status.get("numberReady") or 0
