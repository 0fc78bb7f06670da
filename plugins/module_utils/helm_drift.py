# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare what a Helm release declared with what the cluster has.

Helm compares its own last manifest with the new one. What somebody changed in the cluster by hand is invisible to
it, and for custom resources it stays so even during an upgrade. Here every declared field is looked up in the live
object: fields that only the live object has (defaults, status, injected data) are nobody's drift.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any, Iterable, Mapping

_QUANTITY = re.compile(r"^([0-9.]+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$")
_FACTORS = {
    "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60,
}  # fmt: skip
_KEYS = ("name", "containerPort", "port", "mountPath", "key", "ip", "type")
# One label more selects something else, so these maps hold what was declared and nothing besides.
_EXACT = ("selector", "matchLabels")
# Secret values are compared, and never shown.
_HIDDEN = "(hidden)"


@dataclass(frozen=True)
class Difference:
    """One declared field that the cluster has otherwise: its path, and both sides."""

    path: tuple[str, ...]
    declared: Any
    live: Any

    def as_text(self, hide: bool) -> str:
        declared, live = (_HIDDEN, _HIDDEN) if hide else (self.declared, self.live)
        return f"{'.'.join(self.path)}: declared {declared!r}, found {live!r}"


def is_empty(value: Any) -> bool:
    """The API server drops nulls and empty maps and lists, so a declared one can not be missed."""
    if isinstance(value, Mapping):
        return all(is_empty(item) for item in value.values())
    return value is None or value == [] or value == ""


def quantity(value: Any) -> float | None:
    """The number behind 1, "1", "1000m" or "64Mi"; None for what is no quantity."""
    match = _QUANTITY.match(str(value))
    if not match or isinstance(value, bool):
        return None
    try:
        number = float(match.group(1))
    except ValueError:
        return None
    return number * _FACTORS.get(match.group(2) or "", 1.0)


def same_scalar(declared: Any, live: Any) -> bool:
    """Equal, or written another way by the API server (quantities, numbers as text)."""
    if declared == live:
        return True
    left, right = quantity(declared), quantity(live)
    return left is not None and left == right


def element_key(items: Iterable[Any]) -> str | None:
    """The field that tells the elements of a list apart, as in a strategic merge; None when there is none."""
    elements = list(items)
    if not elements or not all(isinstance(item, Mapping) for item in elements):
        return None
    for key in _KEYS:
        values = [item.get(key) for item in elements]
        if all(value is not None for value in values) and len(set(map(str, values))) == len(values):
            return key
    return None


def differences(declared: Any, live: Any, path: tuple[str, ...] = ()) -> list[Difference]:
    """Every declared field that the live value lacks or has otherwise."""
    if is_empty(declared) and is_empty(live):
        return []
    if isinstance(declared, Mapping):
        if not isinstance(live, Mapping):
            return [] if is_empty(declared) else [Difference(path, declared, live)]
        added = set(live) - set(declared) if path and path[-1] in _EXACT else ()
        return [
            found
            for key, value in declared.items()
            if not is_empty(value)
            for found in differences(value, live.get(key), (*path, str(key)))
        ] + [Difference((*path, str(key)), None, live[key]) for key in sorted(added)]
    if isinstance(declared, list):
        if not isinstance(live, list) or len(live) != len(declared):
            return [Difference(path, declared, live)]
        key = element_key(declared)
        if key is None:
            pairs = [(str(index), left, live[index]) for index, left in enumerate(declared)]
        else:
            by_key = {str(item.get(key)): item for item in live if isinstance(item, Mapping)}
            pairs = [(str(item[key]), item, by_key.get(str(item[key]))) for item in declared]
        return [found for name, left, right in pairs for found in differences(left, right, (*path, name))]
    # The API server leaves out a false or a zero that is the field's own default.
    if live is None and declared in (False, 0):
        return []
    return [] if same_scalar(declared, live) else [Difference(path, declared, live)]


def normalise(declared: Mapping[str, Any]) -> dict[str, Any]:
    """A declared object in the form in which the API server keeps it: stringData becomes data, no status."""
    result = {key: value for key, value in declared.items() if key not in ("status", "apiVersion", "kind")}
    if declared.get("kind") == "Secret" and declared.get("stringData"):
        encoded = {k: base64.b64encode(str(v).encode()).decode() for k, v in declared["stringData"].items()}
        result["data"] = {**(declared.get("data") or {}), **encoded}
        del result["stringData"]
    return result


def merge_patch(declared: Mapping[str, Any], found: Iterable[Difference]) -> dict[str, Any]:
    """A JSON merge patch that sets just what differs; a list is always set as a whole."""
    patch: dict[str, Any] = {}
    for difference in found:
        source: Any = declared
        target = patch
        for step in difference.path:
            value = source.get(step) if isinstance(source, Mapping) else None
            if not isinstance(value, Mapping) or step == difference.path[-1]:
                target[step] = value
                break
            source, target = value, target.setdefault(step, {})
    return patch


def object_name(item: Mapping[str, Any], default_namespace: str) -> str:
    """Kind namespace/name, as people read it in a message."""
    metadata = item.get("metadata") or {}
    return f"{item.get('kind')} {metadata.get('namespace') or default_namespace}/{metadata.get('name')}"
