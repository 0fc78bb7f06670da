# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence of many clusters as one document. A cluster without evidence of its own is in it, and has failed."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.argolab.observability.plugins.module_utils.causes import reference
from ansible_collections.argolab.observability.plugins.module_utils.checks import count_text
from ansible_collections.argolab.observability.plugins.module_utils.evidence import (
    RUN,
    SCHEMA,
    SHOWN,
    STATES,
    TEXTS,
    artifact,
    broken_run,
    document,
    gather,
    incidents,
    printable,
)

# The version of docs/evidence.schema.json of which documents about many clusters are.
FLEET_SCHEMA = 2
VERDICTS = ("failed", "incomplete", "passed")
NOT_VERIFIED = "not_verified"
_NOT_VERIFIED = (
    "no evidence of this cluster\n"
    "Either Ansible could not reach the host, or its run ended where no reason is noted, or it was interrupted; "
    "the output of the run says which."
)
_UNREADABLE = "no evidence of this cluster\nWhat its verification gave is no evidence as this collection writes it: {}."
_NAMED = 5
_TIME = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z"
_TEXT_FACTS = ("context", "kubeconfig", "server", "version", "provider", "artifact_source")

Fleet = Dict[str, Any]


def merge(
    hosts: Sequence[str], clusters: Iterable[Mapping[str, Any]], generated: str, following: str = ""
) -> Tuple[Fleet, List[str]]:
    """The content of evidence.json of many clusters, and the hosts of which there was no evidence.

    :param hosts: Every host that was to be verified, also those of which there is nothing.
    :param clusters: Each has C(name), C(evidence) as gather() makes it, and C(page), the path of its own page.
    :param following: The command to type for a host without evidence, with C({host}) in the place of its name.
    """
    given = {str(one.get("name")): one for one in clusters}
    absent, found = [], []
    for name in dict.fromkeys([*map(str, hosts), *given]):
        seen, problem = _evidence(given.get(name))
        if seen is None:
            absent.append(name)
            reason = _UNREADABLE.format(problem) if problem else _NOT_VERIFIED
            command = following.replace("{host}", name)
            seen = gather([broken_run("Verification", reason, command, NOT_VERIFIED)], {}, generated)
        found.append({"name": printable(name), "verdict": seen["verdict"], "evidence": seen})
    return _fleet(found, generated), absent


def _fleet(clusters: Sequence[Mapping[str, Any]], generated: str) -> Fleet:
    verdicts = [cluster["verdict"] for cluster in clusters]
    counts = [cluster["evidence"]["counts"] for cluster in clusters]
    return {
        "schema": FLEET_SCHEMA,
        "verdict": next((verdict for verdict in VERDICTS if verdict in verdicts), "incomplete"),
        "generated": generated,
        "verdicts": {**{verdict: verdicts.count(verdict) for verdict in reversed(VERDICTS)}, "total": len(verdicts)},
        "counts": {
            state: sum(one[state] for one in counts) for state in ("passed", "failed", "pending", "skipped", "total")
        },
        "clusters": list(clusters),
        "failures": [
            {"cluster": cluster["name"], **failure}
            for cluster in clusters
            for failure in cluster["evidence"]["failures"]
        ],
    }


def _evidence(given: Optional[Mapping[str, Any]]) -> Tuple[Optional[Dict[str, Any]], str]:
    """The evidence of one cluster, its verdict found anew from its checks; or None, and what is wrong with it."""
    if given is None:
        return None, ""
    seen = given.get("evidence")
    if not isinstance(seen, Mapping) or not seen:
        return None, ""
    if seen.get("schema") != SCHEMA:
        return None, f"its schema is {str(seen.get('schema'))[:40]!r}, expected {SCHEMA}"
    groups, cluster = seen.get("groups"), seen.get("cluster")
    if not isinstance(groups, list) or not isinstance(cluster, Mapping):
        return None, "it has no list of groups, or no cluster"
    read = [_group(group) for group in groups]
    if None in read:
        return None, "a group of checks has not the right form"
    when = str(seen.get("generated"))
    if not re.fullmatch(_TIME, when):
        return None, "it does not say when it was made"
    return document([group for group in read if group], _facts(cluster), when), ""


def _facts(cluster: Mapping[str, Any]) -> Dict[str, Any]:
    """Facts of a cluster in the types of the schema."""
    facts = dict(printable(cluster))
    for key in _TEXT_FACTS:
        if key in facts:
            facts[key] = str(facts[key])
    if "nodes" in facts:
        nodes = facts["nodes"]
        facts["nodes"] = [str(node) for node in nodes] if isinstance(nodes, list) else [str(nodes)]
    return facts


def _group(group: Any) -> Optional[Dict[str, Any]]:
    if not isinstance(group, Mapping) or not isinstance(group.get("checks"), list) or not group.get("kind"):
        return None
    checks = []
    for check in group["checks"]:
        if not isinstance(check, Mapping) or check.get("state") not in STATES:
            return None
        checks.append({**{key: printable(str(check.get(key) or "")) for key in TEXTS}, "state": check["state"]})
    waited = group.get("waited")
    number = isinstance(waited, (int, float)) and not isinstance(waited, bool) and waited >= 0
    return {
        "kind": printable(str(group["kind"])),
        "title": printable(str(group.get("title") or "")),
        "waited": waited if number else None,
        "checks": checks,
    }


def fleet_incidents(fleet: Mapping[str, Any]) -> List[List[Dict[str, Any]]]:
    """Reasons for failures over all clusters, each with one entry for each cluster that it has made fail.

    The same is what begins with the same check and has the same cause. An entry is the first failure of the reason in
    that cluster, with C(cluster), C(kubeconfig), and C(others), the names of further checks that it explains there.
    The reason that concerns most clusters comes first.
    """
    found: Dict[Tuple[str, ...], List[Dict[str, Any]]] = {}
    for cluster in fleet["clusters"]:
        for entries in incidents(cluster["evidence"]["failures"]):
            first = entries[0]
            # A task fails for many reasons, a check for the one that it names.
            seen = first["observed"] if first["kind"] == RUN else ""
            found.setdefault((first["kind"], first["name"], first["cause"], seen), []).append(
                {
                    **first,
                    "cluster": cluster["name"],
                    "kubeconfig": str(cluster["evidence"]["cluster"].get("kubeconfig") or ""),
                    "others": [entry["name"] for entry in entries[1:]],
                }
            )
    return sorted(found.values(), key=len, reverse=True)


def fleet_line(fleet: Mapping[str, Any]) -> str:
    """The verdict on all clusters in one line."""
    verdicts = fleet["verdicts"]
    parts = [f"{verdicts[verdict]} {verdict}" for verdict in reversed(VERDICTS) if verdicts[verdict]]
    return f"Verification of {count_text(verdicts['total'], 'cluster')} {fleet['verdict']}: {', '.join(parts)}."


def fleet_summary(fleet: Mapping[str, Any], page: str = "") -> str:
    """Which clusters did not pass and why, one paragraph for each reason."""
    lines = [fleet_line(fleet)]
    found = fleet_incidents(fleet)
    for number, entries in enumerate(found[:SHOWN], start=1):
        first, names = entries[0], [entry["cluster"] for entry in entries]
        lines.append(f"{number}. {first['name']}, on {names_text(names)}: seen {first['observed']}.")
        if first["detail"]:
            lines.append(f"   Why: {first['detail']}")
        if first["next"]:
            lines.append(f"   Next: {first['next']}")
        if reference(first["cause"]):
            lines.append(f"   More: {reference(first['cause'])}")
    if len(found) > SHOWN:
        lines.append(f"and {len(found) - SHOWN} more, all of them in evidence.json")
    silent = [cluster["name"] for cluster in fleet["clusters"] if cluster["verdict"] == "incomplete"]
    if silent:
        lines.append(f"Not everything was proved on {names_text(silent)}.")
    if page:
        lines.append(f"All clusters, to open in a browser: {page}")
    return "\n".join(lines)


def names_text(names: Sequence[str]) -> str:
    """A list of names for people, the first few of it."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def artifacts(fleet: Mapping[str, Any], names: Iterable[str]) -> Dict[str, Any]:
    """What a job runner keeps of some of the clusters: those that have no evidence of their own."""
    wanted = set(names)
    return {
        cluster["name"]: artifact(cluster["evidence"], [])
        for cluster in fleet["clusters"]
        if cluster["name"] in wanted
    }
