# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Label selectors of Kubernetes, evaluated on objects that were already read."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any


def labels_of(obj: Mapping[str, Any]) -> dict[str, str]:
    """The labels of an object, as strings."""
    return {str(key): str(value) for key, value in ((obj.get("metadata") or {}).get("labels") or {}).items()}


def name_of(obj: Mapping[str, Any]) -> str:
    """The name of an object."""
    return str((obj.get("metadata") or {}).get("name") or "")


def namespace_of(obj: Mapping[str, Any]) -> str:
    """The namespace of an object."""
    return str((obj.get("metadata") or {}).get("namespace") or "")


def full_name(obj: Mapping[str, Any]) -> str:
    """NAMESPACE/NAME of an object."""
    return f"{namespace_of(obj)}/{name_of(obj)}"


def mismatches(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> list[str]:
    """What of a selector these labels do not meet, one phrase per demand. An empty selector demands nothing."""
    selector = selector or {}
    problems: list[str] = []
    for key, wanted in sorted((selector.get("matchLabels") or {}).items()):
        have = labels.get(key)
        if have is None:
            problems.append(f"label {key} is missing, wanted {str(wanted)!r}")
        elif have != str(wanted):
            problems.append(f"label {key} is {have!r}, wanted {str(wanted)!r}")
    for term in selector.get("matchExpressions") or []:
        problem = _expression_mismatch(term, labels)
        if problem:
            problems.append(problem)
    return problems


def likeness(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> float:
    """How near the values of these labels are to those that a selector wants: 1 for each that is equal."""
    wanted = ((selector or {}).get("matchLabels") or {}).items()
    return sum(difflib.SequenceMatcher(None, str(value), labels.get(key, "")).ratio() for key, value in wanted)


def matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether labels meet a selector; None and an empty selector match everything, as for the operator."""
    return not mismatches(selector, labels)


def plain_matches(wanted: Mapping[str, str] | None, labels: Mapping[str, str]) -> bool:
    """Whether labels hold every pair of a plain mapping, as in a Service; an empty one matches nothing."""
    return bool(wanted) and all(labels.get(key) == str(value) for key, value in (wanted or {}).items())


def selector_text(selector: Mapping[str, Any] | None) -> str:
    """A selector as kubectl -l takes it."""
    selector = selector or {}
    parts = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for term in selector.get("matchExpressions") or []:
        key, operator, values = str(term.get("key")), term.get("operator"), ",".join(term.get("values") or [])
        if operator == "Exists":
            parts.append(key)
        elif operator == "DoesNotExist":
            parts.append(f"!{key}")
        else:
            parts.append(f"{key} {'notin' if operator == 'NotIn' else 'in'} ({values})")
    return ",".join(parts)


def _expression_mismatch(term: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    key, operator = str(term.get("key")), str(term.get("operator"))
    values = [str(value) for value in term.get("values") or []]
    have = labels.get(key)
    if operator == "In" and have not in values:
        return f"label {key} is {have!r}, wanted one of {', '.join(values)}"
    if operator == "NotIn" and have in values:
        return f"label {key} is {have!r}, which is excluded"
    if operator == "Exists" and have is None:
        return f"label {key} is missing"
    if operator == "DoesNotExist" and have is not None:
        return f"label {key} is {have!r} and must not be set"
    return ""
