# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look once at what an engineer would look at next, with whatever rights there are and however little was built."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from typing import Any, Mapping

from ansible_collections.argolab.observability.plugins.module_utils.checks import listing
from ansible_collections.argolab.observability.plugins.module_utils.cluster_checks import WORKLOADS
from ansible_collections.argolab.observability.plugins.module_utils.cluster_diagnosis import (
    about,
    broken_container,
    claim_checks,
    events_check,
    is_fine,
    kinds_check,
    last_lines,
    likeliest,
    namespace_check,
    pod_check,
    rank,
    recent_warnings,
    release_check,
    stuck_check,
)
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.explained import (
    NO_ANSWER,
    ExplainedCheck,
    skipped,
)
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient, KubeError
from ansible_collections.argolab.observability.plugins.module_utils.selectors import name_of

Object = Mapping[str, Any]

# A log that is asked for is read by a person: more pods than that are usually ill of the same.
LOGS = 5
LOG_BYTES = 65536
GROUPS = (
    ("monitoring.coreos.com", "v1", "kube-prometheus-stack"),
    ("argoproj.io", "v1alpha1", "Argo CD"),
)


@dataclass(frozen=True)
class Wanted:
    """What is to be looked at.

    :param namespaces: those of the lab.
    :param releases: Helm releases as V(NAMESPACE/NAME).
    :param log_lines: how many lines of a log are shown; V(0) reads none.
    """

    namespaces: Sequence[str]
    releases: Sequence[str] = ()
    log_lines: int = 10
    event_minutes: int = 60


@dataclass
class DiagnosisReader:
    """Reads what the judgements need; what may not be read is noted, and the rest goes on."""

    kube: KubeClient
    wanted: Wanted
    checks: list[ExplainedCheck] = field(default_factory=list)
    logs: int = 0

    def look(self) -> list[ExplainedCheck]:
        """One look at everything.

        :raises KubeError: where the API server cannot be asked at all; see C(unreachable).
        """
        version = str(self.kube.get("/version").get("gitVersion"))
        label = f"API server of {self.kube.context or 'this cluster'}"
        self.checks = [ExplainedCheck(label, True, "answers", version)]
        there = [name for name in self.wanted.namespaces if self._namespace(name)]
        for group, group_version, maker in GROUPS:
            path = f"/apis/{group}/{group_version}"
            served = self._asked(partial(self.kube.get, path), f"kinds of {group}", "known to the API server")
            if served is not None:
                self.checks.append(kinds_check(group, bool(served), maker))
        self._releases(there)
        for name in there:
            self._inside(name)
        return self.checks

    def _asked(self, ask: Callable[[], Any], label: str, expected: str) -> Any:
        """What was answered; empty for 404, None where it may not be read, which is then noted."""
        try:
            return ask()
        except KubeError as error:
            if error.status == 404:
                return {}
            if error.status != 403:
                raise
            self.checks.append(skipped(label, expected, str(error)))
            return None

    def _listed(self, path: str, label: str, expected: str, **params: str) -> Any:
        return self._asked(lambda: self.kube.list(path, params), label, expected)

    def _namespace(self, name: str) -> bool:
        found = self._asked(lambda: self.kube.get(f"/api/v1/namespaces/{name}"), f"namespace {name}", "there")
        if found is not None:
            self.checks.append(namespace_check(name, found or None))
        # where it may not be read it may be there all the same
        return found is None or bool(found)

    def _releases(self, there: Sequence[str]) -> None:
        """Whoever may not list Secrets, as one who only verifies, is not told of releases."""
        secrets: dict[str, Any] = {}
        for release in self.wanted.releases:
            namespace, _slash, name = release.partition("/")
            if namespace not in there:
                continue
            if namespace not in secrets:
                secrets[namespace] = self._asked(
                    partial(
                        self.kube.metadata_list,
                        f"/api/v1/namespaces/{namespace}/secrets",
                        {"labelSelector": "owner=helm"},
                    ),
                    f"Helm releases in namespace {namespace}",
                    "deployed",
                )
            if secrets[namespace] is not None:
                self.checks.append(release_check(name, namespace, secrets[namespace]))

    def _inside(self, namespace: str) -> None:
        root = f"/api/v1/namespaces/{namespace}"
        events = self._listed(
            f"{root}/events", f"warnings in namespace {namespace}", "none", fieldSelector="type=Warning"
        )
        warnings = recent_warnings(events or [], self.wanted.event_minutes, datetime.now(timezone.utc))
        pods = self._listed(f"{root}/pods", f"pods in namespace {namespace}", "running and ready")
        for pod in pods or []:
            if not is_fine(pod) and not (pod.get("metadata") or {}).get("deletionTimestamp"):
                log, note = self._log(namespace, pod)
                self.checks.append(
                    pod_check(pod, log, [item for item in warnings if about(item, "Pod", name_of(pod))], note)
                )
        if pods and all(is_fine(pod) for pod in pods):
            self.checks.append(
                ExplainedCheck(
                    f"pods in namespace {namespace}", True, "running and ready", f"{len(pods)} of {len(pods)}"
                )
            )
        for kind, plural in WORKLOADS:
            path = f"/apis/apps/v1/namespaces/{namespace}/{plural}"
            for item in self._listed(path, f"rollouts of {plural} in namespace {namespace}", "finished") or []:
                found = stuck_check({**item, "kind": kind})
                if found:
                    self.checks.append(found)
        claims = self._listed(f"{root}/persistentvolumeclaims", f"volume claims in namespace {namespace}", "Bound")
        self.checks += claim_checks(namespace, claims or [])
        if events is not None:
            self.checks.append(events_check(namespace, warnings, self.wanted.event_minutes))

    def _log(self, namespace: str, pod: Object) -> tuple[list[str], str]:
        container, before = broken_container(pod)
        if not container or not self.wanted.log_lines:
            return [], ""
        if self.logs >= LOGS:
            return [], f"The logs of {LOGS} pods are shown, and this is one more"
        self.logs += 1
        params = {
            "container": container, "previous": str(before).lower(), "limitBytes": LOG_BYTES,
            # lines that say nothing are left out afterwards
            "tailLines": self.wanted.log_lines * 2,
        }  # fmt: skip
        try:
            text = self.kube.raw(f"/api/v1/namespaces/{namespace}/pods/{name_of(pod)}/log", params)
        except KubeError as error:
            if error.status == 403:
                return [], "Its log may not be read here: that takes the right get on pods/log"
            return [], f"Its log can not be had: {error}"
        return last_lines(text, self.wanted.log_lines), ""


def unreachable(error: ArgolabError) -> ExplainedCheck:
    """Why nothing could be looked at, by name."""
    status = getattr(error, "status", None)
    if status is None or isinstance(error, DefiniteError):
        return ExplainedCheck(
            "kubeconfig", False, "names a cluster", "unusable", str(error), "kubeconfig_unusable",
            "kubectl config get-contexts --kubeconfig FILE",
        )  # fmt: skip
    if status == 401:
        return ExplainedCheck(
            "credentials", False, "accepted", "refused (401)", str(error), "credentials_refused",
            "kubectl auth whoami --kubeconfig FILE --context NAME",
        )  # fmt: skip
    if status == 403:
        return ExplainedCheck(
            "rights", False, "allowed to look", "refused (403)", str(error), "right_missing",
            "kubectl apply -f docs/manifests/verify-rbac.yaml",
        )  # fmt: skip
    return ExplainedCheck(
        "API server", False, "answers", NO_ANSWER, str(error), "cluster_unreachable",
        "kubectl get --raw /readyz --kubeconfig FILE --context NAME",
    )  # fmt: skip


def ordered(checks: Sequence[ExplainedCheck]) -> list[ExplainedCheck]:
    """Failures first, those that explain most at their head; the rest in the order in which it was looked at."""
    failures = [check for check in checks if check.ok is False]
    return [
        *sorted(failures, key=lambda check: rank({"cause": check.cause})),
        *(check for check in checks if check.ok is not False),
    ]


def report(line: str, failures: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is broken, the likeliest cause and the next command, in a few lines.

    :param line: the verdict in one line.
    """
    if not failures:
        return [line, "Nothing is broken that could be looked at."]
    first = likeliest(failures)
    lines = [line, f"Broken: {listing((str(item.get('name')) for item in failures), 8)}"]
    why = f": {first['detail']}" if first.get("detail") else ""
    known = str(first.get("cause") or "").replace("_", " ")
    lines.append(f"Likeliest cause: {known + ', ' if known else ''}{first.get('name')} is {first.get('observed')}{why}")
    if first.get("next"):
        lines.append(f"Next: {first['next']}")
    return lines
