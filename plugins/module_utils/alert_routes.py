# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom an alert would be sent to: the routing tree of an Alertmanager's configuration, evaluated on labels.

Alertmanager walks the tree as follows (its documentation, under C(route)): the root matches everything; the first child
that matches takes the alert, and further siblings are tried only where that child says C(continue); an alert that no
child takes belongs to the node itself; a receiver is inherited.
"""

from __future__ import annotations

import re
from typing import Any, Mapping

from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.quick_yaml import load_yaml

Config = Mapping[str, Any]

_MATCHER = re.compile(r"""\s*(?:"([^"]+)"|'([^']+)'|([^\s=!~"']+))\s*(=~|!~|!=|=)\s*(.*?)\s*$""", re.DOTALL)


def parse_config(text: str) -> dict[str, Any]:
    """The configuration that Alertmanager says it runs with; secrets in it read C(<secret>)."""
    import yaml

    try:
        content = load_yaml(text)
    except yaml.YAMLError:
        content = None
    if not isinstance(content, dict) or not isinstance(content.get("route"), dict):
        raise DefiniteError("Alertmanager shows a configuration without a route.")
    return content


def receivers_for(config: Config, labels: Mapping[str, str], without: str = "") -> list[str]:
    """Names of the receivers that an alert with these labels is sent to, in the order of the tree.

    :param without: receivers whose names begin with this are taken for absent, with their routes.
    """
    found: list[str] = []
    _walk(config.get("route") or {}, labels, "", without, found)
    return list(dict.fromkeys(found))


def loud_receivers(config: Config, names: list[str]) -> list[str]:
    """Those of the receivers that tell anybody: a receiver without any integration, such as C(null), does not."""
    silent = {
        str(item.get("name"))
        for item in config.get("receivers") or []
        if isinstance(item, Mapping) and not any(key.endswith("_configs") and value for key, value in item.items())
    }
    return [name for name in names if name not in silent]


def has_receiver(config: Config, start: str) -> bool:
    """Whether a receiver whose name begins with this is there, with a route that leads to it."""

    def leads(route: Any) -> bool:
        if not isinstance(route, Mapping):
            return False
        return str(route.get("receiver") or "").startswith(start) or any(map(leads, route.get("routes") or []))

    known = any(
        isinstance(item, Mapping) and str(item.get("name") or "").startswith(start)
        for item in config.get("receivers") or []
    )
    return known and leads(config.get("route"))


def _walk(route: Mapping[str, Any], labels: Mapping[str, str], inherited: str, without: str, found: list[str]) -> None:
    receiver = str(route.get("receiver") or inherited)
    taken = False
    for child in route.get("routes") or []:
        if not isinstance(child, Mapping) or (without and str(child.get("receiver") or "").startswith(without)):
            continue
        if not _matches(child, labels):
            continue
        taken = True
        _walk(child, labels, receiver, without, found)
        if not child.get("continue"):
            break
    if not taken:
        found.append(receiver)


def _matches(route: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    terms = [(str(name), "=", str(value)) for name, value in (route.get("match") or {}).items()]
    terms += [(str(name), "=~", str(value)) for name, value in (route.get("match_re") or {}).items()]
    matchers = route.get("matchers") or []
    for text in [matchers] if isinstance(matchers, str) else matchers:
        terms += [split_matcher(item) for item in _separate(str(text))]
    return all(_holds(labels.get(name, ""), operator, value) for name, operator, value in terms)


def split_matcher(text: str) -> tuple[str, str, str]:
    """Label, operator and value of a matcher such as V(severity=~"warning|info")."""
    match = _MATCHER.match(text)
    if not match:
        raise DefiniteError(f"Alertmanager's configuration has a matcher that cannot be read: {text!r}.")
    value = match[5]
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], value[1:-1], flags=re.DOTALL)
    return match[1] or match[2] or match[3], match[4], value


def _separate(text: str) -> list[str]:
    """The matchers of one text, which may be several with commas, in braces or not."""
    text = text.strip()
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1]
    parts, quoted, escaped = [""], False, False
    for letter in text:
        if letter == "," and not quoted:
            parts.append("")
            continue
        parts[-1] += letter
        if letter == '"' and not escaped:
            quoted = not quoted
        escaped = letter == "\\" and not escaped
    return [part for part in parts if part.strip()]


def _holds(value: str, operator: str, wanted: str) -> bool:
    if operator in ("=", "!="):
        return (value == wanted) == (operator == "=")
    try:
        met = re.fullmatch(wanted, value, re.DOTALL) is not None
    except re.error:  # a pattern of Go's that Python does not know; better one receiver too many than one too few
        return True
    return met == (operator == "=~")
