# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the rules of a PrometheusRule, field by field, with those that Prometheus has loaded."""

from __future__ import annotations

import re
from typing import Any, Callable, Mapping, Sequence

Rule = Mapping[str, Any]
# Whether two expressions, written differently, are the same to Prometheus; V(None) where it cannot say.
SameExpression = Callable[[str, str], "bool | None"]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}


def seconds_of(duration: Any) -> float:
    """Seconds of a duration as Prometheus writes it, such as V(1h30m); 0 for none."""
    text = str(duration or "0")
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdwy])", text))


def plain(expression: str) -> str:
    """An expression without what its writer's taste decides: comments, line breaks, spaces outside of texts."""
    kept = []
    for part in re.split(r'("(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`)', expression):
        if part[:1] in ('"', "'", "`"):
            kept.append(part)
        else:
            kept.append(re.sub(r"\s+", "", re.sub(r"#[^\n]*", "", part)))
    return "".join(kept)


def group_differences(
    wanted: Sequence[Rule], loaded: Sequence[Rule], same: SameExpression, compare_expressions: bool = True
) -> list[str]:
    """What differs between the rules of a group and those loaded, a phrase for each field, in the group's order."""
    found: list[str] = []
    for have, rule in zip(loaded, wanted):
        name = str(rule.get("alert") or rule.get("record"))
        if have.get("name") != name:
            # From here on everything is shifted; one phrase says it all.
            return [*found, f"rule {have.get('name')} is loaded in the place of {name}"]
        found += [f"{name}: {text}" for text in rule_differences(rule, have, same, compare_expressions)]
    return found


def rule_differences(
    rule: Rule, loaded: Rule, same: SameExpression, compare_expressions: bool = True
) -> list[str]:  # fmt: skip
    """What differs between one rule and the same one as it is loaded."""
    found = []
    wanted, have = str(rule.get("expr") or "").strip(), str(loaded.get("query") or "").strip()
    if compare_expressions and plain(wanted) != plain(have) and same(wanted, have) is False:
        found.append(f"expr is loaded as {_shown(have)} instead of {_shown(wanted)}")
    if rule.get("alert"):
        for key, field in (("for", "duration"), ("keep_firing_for", "keepFiringFor")):
            if abs(seconds_of(rule.get(key)) - float(loaded.get(field) or 0)) > 0.0005:
                found.append(
                    f"{key} is loaded as {float(loaded.get(field) or 0):g} s instead of {rule.get(key) or 'none'}"
                )
        found += _pairs("annotation", rule.get("annotations") or {}, loaded.get("annotations") or {})
    return found + _pairs("label", rule.get("labels") or {}, loaded.get("labels") or {})


def _pairs(noun: str, wanted: Mapping[str, Any], loaded: Mapping[str, Any]) -> list[str]:
    found = []
    for key, value in sorted(wanted.items()):
        if key not in loaded:
            # Prometheus takes a label with an empty value for none.
            if str(value):
                found.append(f"{noun} {key} is not loaded")
        elif str(loaded[key]) != str(value):
            found.append(f"{noun} {key} is loaded as {_shown(str(loaded[key]))} instead of {_shown(str(value))}")
    found += [f"{noun} {key} is loaded, and not declared" for key in sorted(set(loaded) - set(wanted))]
    return found


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 100 else f"{line[:97]}...")
