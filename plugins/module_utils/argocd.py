# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argo CD's Applications: what their status says, what Prometheus says of them, and how a sync is started and ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.checks import listing, nearest
from ansible_collections.argolab.observability.plugins.module_utils.explained import ExplainedCheck

Object = Mapping[str, Any]

API = "/apis/argoproj.io/v1alpha1"
REFRESH = "argocd.argoproj.io/refresh"
FINISHED = ("Succeeded", "Failed", "Error")
COMPARISON_ERROR = "ComparisonError"


def application_path(namespace: str, name: str) -> str:
    """API path of an Application."""
    return f"{API}/namespaces/{namespace}/applications/{name}"


@dataclass(frozen=True)
class AppState:
    """What an Application's status says, in the words of Argo CD."""

    name: str
    namespace: str
    sync: str = ""
    health: str = ""
    revision: str = ""
    phase: str = ""
    message: str = ""
    started_at: str = ""
    operation_pending: bool = False
    refresh_pending: bool = False
    out_of_sync: tuple[str, ...] = ()
    unhealthy: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    stale: bool = False

    @classmethod
    def of(cls, app: Object) -> AppState:
        metadata, status = app.get("metadata") or {}, app.get("status") or {}
        operation = status.get("operationState") or {}
        resources = status.get("resources") or []
        return cls(
            name=str(metadata.get("name") or ""),
            namespace=str(metadata.get("namespace") or ""),
            sync=str((status.get("sync") or {}).get("status") or ""),
            health=str((status.get("health") or {}).get("status") or ""),
            revision=str((status.get("sync") or {}).get("revision") or ""),
            phase=str(operation.get("phase") or ""),
            message=str(operation.get("message") or ""),
            started_at=str(operation.get("startedAt") or ""),
            operation_pending="operation" in app,
            refresh_pending=REFRESH in (metadata.get("annotations") or {}),
            out_of_sync=tuple(_resource(item) for item in resources if item.get("status") == "OutOfSync"),
            unhealthy=tuple(
                f"{_resource(item)} is {item['health']['status']}{_said(item['health'].get('message'))}"
                for item in resources
                if (item.get("health") or {}).get("status") not in (None, "Healthy")
            ),
            failed=tuple(
                f"{_resource(item)}: {item.get('message') or item.get('status') or item.get('hookPhase')}"
                for item in (operation.get("syncResult") or {}).get("resources") or []
                if item.get("status") == "SyncFailed" or item.get("hookPhase") in ("Failed", "Error")
            ),
            conditions=tuple(
                f"{item.get('type')}: {item.get('message')}"
                for item in status.get("conditions") or []
                if str(item.get("type") or "").endswith("Error")
            ),
            stale=_stale(app),
        )

    @property
    def full_name(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def text(self) -> str:
        """SYNC/HEALTH, as people say it."""
        return f"{self.sync or 'no sync status'}/{self.health or 'no health status'}"

    @property
    def running(self) -> bool:
        """An operation was asked for or is under way."""
        return self.operation_pending or self.phase in ("Running", "Terminating")

    def reasons(self) -> list[str]:
        """What the status says about why it is not Synced and Healthy."""
        found = list(self.conditions)
        if self.failed:
            found.append(f"failed resources: {'; '.join(self.failed)}")
        if self.phase in ("Failed", "Error") and self.message:
            found.append(f"last operation {self.phase.lower()}: {self.message}")
        if self.sync == "OutOfSync" and self.out_of_sync:
            found.append(f"out of sync: {listing(self.out_of_sync)}")
        if self.health != "Healthy" and self.unhealthy:
            found.append("; ".join(self.unhealthy[:5]))
        return found

    def as_dict(self) -> dict[str, Any]:
        return {
            "sync_status": self.sync,
            "health_status": self.health,
            "revision": self.revision,
            "operation_phase": self.phase,
            "operation_message": self.message,
            "operation_started_at": self.started_at,
            "conditions": list(self.conditions),
        }


def expectation_checks(states: Sequence[AppState], expected: Iterable[Mapping[str, str]]) -> list[ExplainedCheck]:
    """Each expected Application is there, with the sync and health status that it should have."""
    by_name = {state.full_name: state for state in states}
    checks = []
    for item in expected:
        name = f"{item['namespace']}/{item['name']}"
        wanted = f"{item['sync_status']}/{item['health_status']}"
        state = by_name.get(name)
        label = f"Application {name}"
        if state is None:
            close = nearest(name, by_name)
            hint = f"the nearest name is {close}" if close else f"Applications: {listing(by_name)}"
            command = f"kubectl get applications.argoproj.io -n {item['namespace']}"
            checks.append(
                ExplainedCheck(label, False, wanted, "no such Application", hint, "application_absent", command)
            )
            continue
        good = (state.sync, state.health) == (item["sync_status"], item["health_status"])
        if good:
            checks.append(ExplainedCheck(label, True, wanted, state.text))
            continue
        cause = "application_out_of_sync" if state.sync != item["sync_status"] else "application_unhealthy"
        command = f"kubectl describe applications.argoproj.io {state.name} -n {state.namespace}"
        checks.append(ExplainedCheck(label, False, wanted, state.text, "; ".join(state.reasons()), cause, command))
    return checks


def metric_checks(states: Sequence[AppState], series: Iterable[Mapping[str, str]]) -> list[ExplainedCheck]:
    """argocd_app_info says of each Application what its status says, and of no other."""
    seen: dict[str, list[Mapping[str, str]]] = {}
    for labels in series:
        # The chart's ServiceMonitor has honorLabels: false, which moves the Application's namespace aside.
        namespace = labels.get("exported_namespace") or labels.get("namespace") or ""
        seen.setdefault(f"{namespace}/{labels.get('name', '')}", []).append(labels)
    checks = []
    look = "look at the scrape pool of the application controller"
    for state in states:
        label = f"argocd_app_info of {state.full_name}"
        found = [f"{item.get('sync_status')}/{item.get('health_status')}" for item in seen.pop(state.full_name, [])]
        if state.text in found and len(set(found)) == 1:
            checks.append(ExplainedCheck(label, True, state.text, state.text))
            continue
        detail = (
            "Prometheus still has the status of the last scrape, or scrapes another controller"
            if found
            else f"the controller exports no series for it, or is not scraped: {look}"
        )
        observed = " and ".join(sorted(set(found))) or "no series"
        cause = "metric_disagrees" if found else "metric_absent"
        checks.append(ExplainedCheck(label, False, state.text, observed, detail, cause, _METRIC_COMMAND))
    for name in sorted(seen):
        checks.append(
            ExplainedCheck(
                f"argocd_app_info of {name}", False, "no series", f"{len(seen[name])} series",
                "there is no such Application (any more); its series goes with the next scrape",
                "metric_stale", _METRIC_COMMAND,
            )
        )  # fmt: skip
    return checks


_METRIC_COMMAND = "kubectl get applications.argoproj.io -A"


def operation_body(username: str, revision: str | None = None, prune: bool = False) -> dict[str, Any]:
    """The merge patch that asks the controller to sync."""
    sync: dict[str, Any] = {"syncStrategy": {"hook": {}}}
    if revision:
        sync["revision"] = revision
    if prune:
        sync["prune"] = True
    return {"operation": {"initiatedBy": {"username": username}, "sync": sync}}


def refresh_body(kind: str) -> dict[str, Any]:
    """The merge patch that asks the controller to compare again; it removes the annotation when done."""
    return {"metadata": {"annotations": {REFRESH: kind}}}


def _stale(app: Object) -> bool:
    """Whether the status compares another source than the spec has now."""
    wanted = (app.get("spec") or {}).get("source") or {}
    compared = (((app.get("status") or {}).get("sync") or {}).get("comparedTo") or {}).get("source") or {}
    return bool(compared) and any(
        wanted.get(key) != compared.get(key) for key in ("repoURL", "path", "targetRevision", "chart")
    )


def _resource(item: Object) -> str:
    namespace = f"{item['namespace']}/" if item.get("namespace") else ""
    return f"{item.get('kind')} {namespace}{item.get('name')}"


def _said(message: Any) -> str:
    return f": {message}" if message else ""
