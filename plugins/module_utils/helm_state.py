# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Helm has deployed, read from where it keeps it, and whether that is what is wanted.

Helm keeps each revision of a release in a Secret. Reading that takes one request, where the program takes four runs.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.checks import listing, nearest
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError

DEPLOYED = "deployed"
# A run of helm that was cut off leaves its revision in one of these for ever, and every later run refuses to start.
PENDING = ("pending-install", "pending-upgrade", "pending-rollback")
DEAD = (*PENDING, "failed")


@dataclass(frozen=True)
class Revision:
    """One revision of a release.

    :param chart: name and version of the chart, as C(helm list) shows them.
    :param secret: name of the Secret that holds it.
    :param manifest: what it made, without hooks.
    """

    number: int
    status: str
    secret: str
    chart: str = ""
    app_version: str = ""
    values: Mapping[str, Any] | None = None
    changed_at: datetime | None = None
    manifest: str = ""


def decode_release(data: str) -> dict[str, Any]:
    """The release in a Secret: JSON, packed, in base64, and once more in base64 since it is a Secret."""
    try:
        packed = base64.b64decode(base64.b64decode(data))
        text = gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed
        release = json.loads(text)
    except (ValueError, OSError, EOFError) as error:
        raise DefiniteError(f"the release that Helm keeps in the cluster can not be read: {error}") from None
    if not isinstance(release, dict):
        raise DefiniteError("the release that Helm keeps in the cluster is not a mapping")
    return release


def parse_time(text: str) -> datetime | None:
    """Helm's time stamps, which have more digits than Python 3.9 takes."""
    found = re.fullmatch(r"([^.]+?)(?:\.\d+)?(Z|[+-]\d\d:\d\d)", text)
    if not found:
        return None
    try:
        moment = datetime.fromisoformat(found[1] + found[2].replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment.astimezone(timezone.utc)


def revision_from_secret(secret: Mapping[str, Any]) -> Revision:
    """A revision, with everything that its Secret tells."""
    metadata = secret["metadata"]
    labels = metadata.get("labels") or {}
    release = decode_release((secret.get("data") or {}).get("release") or "")
    chart = (release.get("chart") or {}).get("metadata") or {}
    return Revision(
        number=int(labels.get("version") or release.get("version") or 0),
        status=str(labels.get("status") or ""),
        secret=str(metadata["name"]),
        chart=f"{chart.get('name')}-{chart.get('version')}",
        app_version=str(chart.get("appVersion") or ""),
        values=release.get("config") or {},
        changed_at=parse_time(str((release.get("info") or {}).get("last_deployed") or "")),
        manifest=str(release.get("manifest") or ""),
    )


def newest(secrets: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The Secrets of a release, newest revision first."""

    def number(secret: Mapping[str, Any]) -> int:
        text = str(((secret["metadata"].get("labels")) or {}).get("version") or "0")
        return int(text) if text.isdigit() else 0

    return sorted(secrets, key=number, reverse=True)


def current_revisions(secrets: Iterable[Mapping[str, Any]]) -> tuple[Revision | None, list[Revision]]:
    """The revision that is deployed, if any, and the dead ones after it."""
    dead: list[Revision] = []
    for secret in newest(secrets):
        revision = revision_from_secret(secret)
        if revision.status == DEPLOYED:
            return revision, dead
        if revision.status not in DEAD:
            break
        dead.append(revision)
    return None, dead


def still_running(dead: Iterable[Revision], patience: float, now: datetime) -> Revision | None:
    """A pending revision that may be another helm at work right now."""
    for revision in dead:
        age = (now - revision.changed_at).total_seconds() if revision.changed_at else 0.0
        if revision.status in PENDING and age < patience:
            return revision
    return None


def flat(values: Any, path: str = "") -> dict[str, Any]:
    """Values with their dotted paths; an empty mapping or list is a value of its own."""
    if isinstance(values, Mapping) and values:
        result: dict[str, Any] = {}
        for key, value in values.items():
            result.update(flat(value, f"{path}.{key}" if path else str(key)))
        return result
    return {path: values} if path else {}


def value_changes(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Dotted paths whose value differs."""
    left, right = flat(current), flat(wanted)
    missing = object()
    return sorted(path for path in {*left, *right} if left.get(path, missing) != right.get(path, missing))


def reasons(deployed: Revision | None, dead: Sequence[Revision], chart: str, wanted: Mapping[str, Any]) -> list[str]:
    """Why the release has to be installed or upgraded; nothing when it is as wanted.

    :param chart: name and version that are wanted; empty where only the values count.
    """
    found = [f"revision {item.number} is {item.status}" for item in dead]
    if deployed is None:
        return [*found, "the release is not installed"]
    if chart and deployed.chart != chart:
        found.append(f"chart {deployed.chart} is deployed, {chart} is wanted")
    changes = value_changes(deployed.values or {}, wanted)
    if changes:
        found.append(f"values differ: {listing(changes, 8)}")
    return found


def check_top_level(wanted: Iterable[str], chart_values: Mapping[str, Any], chart: Mapping[str, Any]) -> None:
    """Refuse values whose first key the chart has never heard of; without a schema Helm would ignore them."""
    known = {"global", *map(str, chart_values)}
    for dependency in chart.get("dependencies") or []:
        known.add(str(dependency.get("alias") or dependency.get("name")))
    for key in sorted(set(map(str, wanted)) - known):
        near = nearest(key, known)
        hint = f"; did you mean {near}?" if near else ""
        raise DefiniteError(
            f"the values hold {key}, which chart {chart.get('name')}-{chart.get('version')} does not know{hint}. "
            f"Helm would ignore it. Known are: {listing(known, 60)}."
        )
