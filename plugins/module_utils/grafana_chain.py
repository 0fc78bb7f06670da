# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Grafana has what the ConfigMaps say, and where on the way from the one to the other it was lost."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.checks import listing
from ansible_collections.argolab.observability.plugins.module_utils.explained import ExplainedCheck
from ansible_collections.argolab.observability.plugins.module_utils.grafana_files import DashboardFile, collisions

GENERAL = ("", "General", "Dashboards")
DUPLICATES = ("duplicate_uid", "duplicate_title")
# What does not keep Grafana from loading a file, and is wrong all the same.
LOADS_ANYWAY = ("no_uid", "folder_ignored")
# Grafana's own numbers, which a file does not decide.
OWN_KEYS = ("id", "version")


@dataclass(frozen=True)
class Shown:
    """What Grafana has.

    :param dashboards: uid to its answer, with C(dashboard) and C(meta).
    :param index: results of its search, each with C(uid), C(title) and C(folderTitle).
    """

    dashboards: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    index: Sequence[Mapping[str, Any]] = ()


def judge(
    files: Sequence[DashboardFile], shown: Shown, label: str, value: str, namespace: str = "monitoring"
) -> list[ExplainedCheck]:
    """One check for each file.

    :param label: the label that the sidecar looks for, and its value, for the command that sets it.
    :param namespace: Grafana's, for the command that shows its log.
    """
    lost = collisions(files)
    stopped = sorted(source for source, (cause, _text) in lost.items() if cause in DUPLICATES)
    checks = [_judge(file, shown, lost.get(file.source, ("", "")), stopped, f"{label}={value}") for file in files]
    return [replace(check, next=check.next.replace("NAMESPACE", namespace)) for check in checks]


def _judge(
    file: DashboardFile, shown: Shown, collision: tuple[str, str], stopped: list[str], label: str
) -> ExplainedCheck:
    wanted = f"{file.title or file.key!r} in folder {file.folder or 'General'}"
    observed, cause, text = _outcome(file, shown, stopped)
    early = file.problem if file.problem[0] and file.problem[0] not in LOADS_ANYWAY else collision
    if early[0]:
        cause, text = early
    elif file.problem[0]:
        cause, text = file.problem
    ok = None if cause == "url_key" else not cause
    return ExplainedCheck(
        f"dashboard {file.source}", ok, wanted, observed, text, cause, _next(cause, file, label), file.uid
    )


def _outcome(file: DashboardFile, shown: Shown, stopped: list[str]) -> tuple[str, str, str]:
    """What is seen, and cause and reason where that is not what should be."""
    answer = shown.dashboards.get(file.uid) if file.uid else None
    if answer is None:
        twin = next((item for item in shown.index if _is_twin(item, file)), None)
        if twin and file.problem[0] == "no_uid":
            return f"there, with the uid {twin.get('uid')}", "", ""
        if twin:
            return (
                "not in Grafana",
                "title_taken",
                (f"another dashboard in the folder has its title: uid {twin.get('uid')}; Grafana refuses the second"),
            )
        if stopped:
            return "not in Grafana", "provider_stopped", _stopped(stopped)
        return (
            "not in Grafana",
            "not_loaded",
            (
                "nothing in the ConfigMap is wrong. Grafana looks at its folder every 30 s, and at once when the "
                "sidecar's reload reaches it; its own log says what it could not load"
            ),
        )
    meta = answer.get("meta") or {}
    different = differences(file.model, answer.get("dashboard") or {})
    if different:
        cause = "provider_stopped" if stopped else "content_differs"
        why = _stopped(stopped) if stopped else (
            "the ConfigMap was changed a moment ago, or the dashboard was saved in Grafana"
            if meta.get("provisioned")
            else "the dashboard in Grafana was not made from a file; who saved it there took the uid"
        )  # fmt: skip
        return f"there, with other content ({listing(different, 5)})", cause, why
    folder = str(meta.get("folderTitle") or "")
    if (folder or "") != file.folder and not (folder in GENERAL and file.folder in GENERAL):
        return (
            f"there, in folder {folder or 'General'}",
            "wrong_folder",
            ("Grafana keeps it in another folder than the file's; a provider's folder is read when Grafana starts"),
        )
    return "there, with the same content", "", ""


def _is_twin(item: Mapping[str, Any], file: DashboardFile) -> bool:
    folder = str(item.get("folderTitle") or "")
    same_folder = folder == file.folder or (folder in GENERAL and file.folder in GENERAL)
    return same_folder and item.get("title") == file.title and item.get("uid") != file.uid


def _stopped(sources: list[str]) -> str:
    return (
        "Grafana writes none of this provider's dashboards before the next reload: some have the same uid or title: "
        f"{listing(sources, 5)}"
    )


def _next(cause: str, file: DashboardFile, label: str) -> str:
    kind = file.kind.lower()
    if not cause:
        return ""
    if cause in ("wrong_label_key", "wrong_label_value"):
        return f"kubectl label {kind} {file.name} -n {file.namespace} {label.rstrip('=')} --overwrite"
    if cause == "not_loaded":
        return "kubectl logs -n NAMESPACE -l app.kubernetes.io/name=grafana -c grafana"
    if cause == "provider_stopped":
        return ""
    return f"kubectl get {kind} {file.name} -n {file.namespace} -o yaml"


def differences(wanted: Mapping[str, Any], have: Mapping[str, Any]) -> list[str]:
    """The first keys in which two dashboards differ.

    A newer Grafana rewrites old dashboards; of those the titles and the queries have to be the same.
    """
    if _number(have.get("schemaVersion")) > _number(wanted.get("schemaVersion")):
        pairs = {
            "title": (wanted.get("title"), have.get("title")),
            "queries": (sorted(queries(wanted)), sorted(queries(have))),
        }
    else:
        keys = (set(wanted) | set(have)) - set(OWN_KEYS)
        pairs = {key: (wanted.get(key), have.get(key)) for key in keys}
    return sorted(key for key, (one, two) in pairs.items() if one != two)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0


def queries(model: Any) -> Iterator[str]:
    """Every PromQL expression in a dashboard, wherever it is."""
    pending = [model]
    while pending:
        item = pending.pop()
        if isinstance(item, Mapping):
            if isinstance(item.get("expr"), str):
                yield item["expr"]
            pending += item.values()
        elif isinstance(item, list):
            pending += item


def reload_status(log: str) -> int | None:
    """Status of the last reload in a sidecar's log; V(None) where there is none.

    k8s-sidecar writes the address and C(Response: 200 OK) after it, the stand-in of the lab the status alone.
    """
    found = re.findall(r"/reload\b[\s.:]+(?:Response: ?)?(\d{3})\b", log)
    return int(found[-1]) if found else None


def reload_check(container: str, namespace: str, log: str | None, why: str = "") -> ExplainedCheck:
    """Whether Grafana took the last reload that a sidecar asked for.

    :param log: V(None) where it could not be read, and why says the reason.
    """
    name, expected = f"reload by {container}", "taken by Grafana"
    if log is None:
        return ExplainedCheck(name, None, expected, "skipped", why)
    status = reload_status(log)
    if status is None:
        return ExplainedCheck(name, None, expected, "skipped", "its log names no reload: nothing changed for long")
    if status < 400:
        return ExplainedCheck(name, True, expected, f"answered {status}")
    reason = {
        401: "Grafana refuses the sidecar's login, and the sidecar gives up without a word: the Secret has another "
        "password than Grafana's database",
        403: "the sidecar's login may not do that",
        404: "the address of the reload is not Grafana's: REQ_URL lacks its path prefix",
    }.get(status, "Grafana could not do it; its log says why")
    command = f"kubectl logs -n {namespace} -l app.kubernetes.io/name=grafana -c {container}"
    return ExplainedCheck(name, False, expected, f"answered {status}", reason, "reload_refused", command)
