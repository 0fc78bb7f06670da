# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gather the checks of many modules into one verdict that a person and a program can read."""

from __future__ import annotations

import re
import shlex
from typing import Any, Dict, Iterable, Mapping, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.causes import reference
from ansible_collections.argolab.observability.plugins.module_utils.checks import count_text
from ansible_collections.argolab.observability.plugins.module_utils.explained import (
    NO_ANSWER,
    PROMETHEUS_SILENT,
    SKIPPED,
)

# The version of docs/evidence.schema.json that the evidence follows.
SCHEMA = 1
SHOWN = 12
STATES = ("failed", "pending", "skipped", "passed")
TEXTS = ("name", "expected", "observed", "detail", "cause", "next", "subject")
PAGE = "index.html"
# The kind of the group that tells why a run ended before everything was looked at.
RUN = "run"
ARTIFACT_FAILURES = 20
_OBSERVED, _DETAIL = 300, 4000

Entry = Dict[str, Any]


def gather(groups: Iterable[Mapping[str, Any]], cluster: Mapping[str, Any], generated: str) -> dict[str, Any]:
    """The content of evidence.json of one cluster, as docs/evidence.schema.json describes it.

    Several clusters are one document that holds such documents: see evidence_fleet.

    :param groups: Each has C(kind), C(title) and C(result), what the module returned; or C(skip), why it did not run;
        or C(failure), with C(task), C(reason), C(next) and C(cause), why the run ended before it.
    :param generated: Time in UTC, RFC 3339.
    """
    gathered = [_group(group) for group in groups]
    cluster = printable(cluster)
    for entry in (entry for group in gathered for entry in group["checks"]):
        if entry["cause"] == "cluster_unreachable" and cluster.get("provider") == "k3d":
            entry["detail"] += " Does the node container run? docker ps -a"
            entry["next"] = f"k3d cluster start {re.sub('^k3d-', '', str(cluster.get('context') or ''))}"
    return document(gathered, cluster, generated)


def cluster_seen(groups: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The facts of the cluster that the parts of a verification learned: what a C(result) has as C(cluster)."""
    found: dict[str, Any] = {}
    for group in groups:
        found.update((group.get("result") or {}).get("cluster") or {})
    return found


def document(groups: Sequence[Mapping[str, Any]], cluster: Mapping[str, Any], generated: str) -> dict[str, Any]:
    """What follows from groups that were gathered: counts, failures and the verdict."""
    states = [entry["state"] for group in groups for entry in group["checks"]]
    counts = {state: states.count(state) for state in ("passed", "failed", "pending", "skipped")}
    counts["total"] = len(states)
    failures = [
        {"kind": group["kind"], **{key: entry[key] for key in TEXTS}}
        for group in groups
        for entry in group["checks"]
        if entry["state"] == "failed"
    ]
    return {
        "schema": SCHEMA,
        "verdict": _verdict(groups, counts),
        "generated": generated,
        "cluster": dict(cluster),
        "counts": counts,
        "groups": list(groups),
        "failures": failures,
    }


def broken_run(task: str, reason: str, following: str = "", cause: str = "task_failed") -> dict[str, Any]:
    """A group for gather() that stands for a run which ended before everything was looked at. It never passes.

    :param task: What failed, as the run names it.
    :param reason: Why; its first line is what was seen.
    :param following: The command to type next.
    """
    failure = {"task": task, "reason": reason, "next": following, "cause": cause}
    return {"kind": RUN, "title": "Run of the playbook", "failure": failure}


def _broken(failure: Mapping[str, Any]) -> Entry:
    reason = str(failure.get("reason") or "").strip() or "no reason was given"
    first, _line, rest = reason.partition("\n")
    if first.rstrip().endswith(":") and rest.strip():
        # What follows is the reason.
        first, _line, rest = f"{first.rstrip()} {rest.lstrip()}".partition("\n")
    seen = _short(first.strip().rstrip("."), _OBSERVED)
    return _entry(
        {
            "name": failure.get("task") or "the run",
            "ok": False,
            "expected": "no failure",
            "observed": seen,
            "detail": _short(reason if seen.endswith("...") else rest.strip(), _DETAIL),
            "cause": failure.get("cause") or "task_failed",
            "next": failure.get("next"),
        }
    )


def artifact(evidence: Mapping[str, Any], files: Sequence[str]) -> dict[str, Any]:
    """What a job runner keeps of one cluster: the verdict, the counts, the first failures, and where the files are."""
    kinds = {"html": "html", "json": "json", "xml": "junit"}
    return {
        "verdict": evidence["verdict"],
        **{state: evidence["counts"][state] for state in ("passed", "failed", "skipped", "pending")},
        "failures": [
            {key: entry[key] for key in ("name", "cause", "observed", "next")}
            for entry in evidence["failures"][:ARTIFACT_FAILURES]
        ],
        "files": {kinds[path.rpartition(".")[2]]: path for path in files},
    }


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."


def summary_line(evidence: Mapping[str, Any]) -> str:
    """The verdict in one line."""
    counts = evidence["counts"]
    rest = [f"{counts[state]} {state}" for state in ("failed", "pending", "skipped") if counts[state]]
    parts = [f"{count_text(counts['passed'], 'check')} passed", *rest]
    return f"Verification {evidence['verdict']}: {', '.join(parts)}."


def summary(evidence: Mapping[str, Any], page: str = "") -> str:
    """What failed, why, and what to type next; one paragraph per cause, not per check.

    :param page: Path of the page that shows all of it, where one was written.
    """
    lines = [summary_line(evidence)]
    found = incidents(evidence["failures"])
    for number, incident in enumerate(found[:SHOWN], start=1):
        first = incident[0]
        lines.append(f"{number}. {first['name']}: expected {first['expected']}, seen {first['observed']}.")
        if first["detail"]:
            lines.append(f"   Why: {first['detail']}")
        if first["next"]:
            lines.append(f"   Next: {first['next']}")
        if reference(first["cause"]):
            lines.append(f"   More: {reference(first['cause'])}")
        if len(incident) > 1:
            lines.append(
                f"   Also: {'; '.join(entry['name'] for entry in incident[1:6])}"
                + (" and more" if len(incident) > 6 else "")
            )
    if len(found) > SHOWN:
        lines.append(f"and {len(found) - SHOWN} more, all of them in evidence.json")
    if kubectl_needs(evidence):
        lines.append(f"For kubectl: {kubectl_needs(evidence)}")
    for group in evidence["groups"]:
        if not group["checks"]:
            lines.append(f"{group['title']}: nothing was checked.")
    for state in ("skipped", "pending"):
        for group in evidence["groups"]:
            entries = [entry for entry in group["checks"] if entry["state"] == state]
            if entries:
                # the first stands for its part: all of them are in the evidence
                more = f" (and {len(entries) - 1} more: {group['title']})" if len(entries) > 1 else ""
                lines.append(f"{state.capitalize()}: {entries[0]['name']}: {entries[0]['detail']}{more}")
    if page:
        lines.append(f"All of it, with tables and plots, to open in a browser: {page}")
    return "\n".join(lines)


def kubectl_needs(evidence: Mapping[str, Any]) -> str:
    """The command after which the kubectl of the next commands finds the cluster; empty where none is needed."""
    kubeconfig = evidence["cluster"].get("kubeconfig")
    if not kubeconfig or not any(entry["next"].startswith("kubectl") for entry in evidence["failures"]):
        return ""
    return f"export KUBECONFIG={shlex.quote(str(kubeconfig))}"


def printable(value: Any) -> Any:
    """The same with texts that every encoding can carry: half a surrogate pair becomes a replacement character."""
    if isinstance(value, str):
        return re.sub("[\ud800-\udfff]", "\ufffd", value)
    if isinstance(value, Mapping):
        return {printable(str(key)): printable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [printable(item) for item in value]
    return value


def _group(group: Mapping[str, Any]) -> dict[str, Any]:
    kind, title = printable(str(group["kind"])), printable(str(group["title"]))
    result = group.get("result") or {}
    if group.get("skip"):
        said = {"name": title, "ok": None, "expected": "checked", "observed": SKIPPED, "detail": str(group["skip"])}
        return {"kind": kind, "title": title, "waited": None, "checks": [_entry(said)]}
    if group.get("failure"):
        return {"kind": kind, "title": title, "waited": None, "checks": [_broken(group["failure"])]}
    checks = [_entry(check) for check in result.get("checks") or []]
    if not checks and result.get("msg"):
        # Refused options and crashes come without checks. That is never a pass.
        checks = [_could_not(title, str(result["msg"]))]
    return {"kind": kind, "title": title, "waited": result.get("waited"), "checks": checks}


def _entry(check: Mapping[str, Any]) -> Entry:
    ok = check.get("ok")
    state = (
        "passed"
        if ok is True
        else "failed"
        if ok is False
        else "skipped"
        if check.get("observed") == SKIPPED
        else "pending"
    )
    texts = {key: printable(str(check.get(key) or "")) for key in TEXTS}
    return {**texts, "state": state}


def _could_not(title: str, message: str) -> Entry:
    return _entry(
        {
            "name": title,
            "ok": False,
            "expected": "an answer",
            "observed": NO_ANSWER,
            "detail": message,
            "cause": "could_not_check",
        }
    )


def _verdict(groups: Sequence[Mapping[str, Any]], counts: Mapping[str, int]) -> str:
    if counts["failed"]:
        return "failed"
    # A part that gave no check at all, or nothing that passed, has proved nothing.
    if not groups or not counts["passed"] or any(not group["checks"] for group in groups):
        return "incomplete"
    return "passed"


def incidents(failures: Sequence[Entry]) -> list[list[Entry]]:
    """Failures that have one reason, together; the one that explains most comes first."""
    found: dict[str, list[Entry]] = {}
    subjects = [entry["subject"] for entry in failures if entry["subject"]]
    unreachable = any(entry["cause"] == "cluster_unreachable" for entry in failures)
    for entry in failures:
        silent = entry["observed"] in (NO_ANSWER, PROMETHEUS_SILENT)
        about = entry["subject"] or next((item for item in subjects if item in entry["name"]), "")
        if silent and unreachable:
            key = "cluster"
        elif silent and (entry["cause"] == "prometheus_silent" or entry["kind"] in _ASK_PROMETHEUS):
            key = "prometheus"
        elif entry["cause"] in _ONE_REPAIR and entry["next"]:
            key = f"{entry['cause']} {entry['next']}"
        else:
            key = about or f"{entry['kind']} {entry['name']}"
        found.setdefault(key, []).append(entry)
    return [sorted(items, key=lambda item: not (item["next"] or item["subject"])) for items in found.values()]


# Causes that one command repairs for all of them.
_ONE_REPAIR = ("hosts_entry_absent", "hosts_entry_wrong")
# Kinds of groups whose checks cannot be made without Prometheus.
_ASK_PROMETHEUS = ("targets", "rules", "metrics")
