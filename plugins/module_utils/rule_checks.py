# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is expected of rules and rule groups, and whether it holds; everything but the polling is pure."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.checks import Check, count_text, listing, nearest
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import PrometheusClient, parse_time
from ansible_collections.argolab.observability.plugins.module_utils.waiter import Poll

# a rule is late only after its interval and the time that evaluating a big group takes
GRACE_SECONDS = 10.0
DEFAULT_INTERVAL = 60.0


@dataclass(frozen=True)
class RuleExpectation:
    """A group, or a rule in it, that has to be loaded and healthy.

    :param group: exact name; V(None) looks in every group.
    :param rule: exact name of an alert or of a recorded series; V(None) means all rules of the group.
    :param type: V(alerting) or V(recording); V(None) allows both.
    :param file: shell pattern for the rule file's path as Prometheus sees it.
    """

    group: str | None = None
    rule: str | None = None
    type: str | None = None
    file: str | None = None

    @property
    def name(self) -> str:
        text = f"rules group {self.group}" if not self.rule else f"rule {self.rule}"
        if self.rule and self.group:
            text += f" in group {self.group}"
        return text + (f" ({self.type})" if self.type else "") + (f" of {self.file}" if self.file else "")

    @property
    def expected(self) -> str:
        return "loaded and healthy" if self.rule else "loaded, all rules healthy"

    def selects(self, group: Mapping[str, Any], rule: Mapping[str, Any]) -> bool:
        return (
            (self.group is None or group["name"] == self.group)
            and (self.rule is None or rule["name"] == self.rule)
            and (self.type is None or rule["type"] == self.type)
            and (self.file is None or fnmatch.fnmatchcase(group["file"], self.file))
        )


def rule_expectations(
    items: Sequence[Mapping[str, Any]] | None, groups: Sequence[str] | None, all_healthy: bool
) -> list[RuleExpectation]:
    """Read options C(expected) and C(expected_groups); refuse what would check nothing."""
    if not items and not groups and not all_healthy:
        raise DefiniteError(
            "expected and expected_groups are empty and all_healthy is false, so nothing would be checked; "
            "name at least one group or rule, or set all_healthy."
        )
    found: list[RuleExpectation] = []
    for index, item in enumerate(items or []):
        expectation = RuleExpectation(*(item.get(key) or None for key in ("group", "rule", "type", "file")))
        if not expectation.group and not expectation.rule:
            raise DefiniteError(f"expected[{index}] names neither group nor rule; for example rule: ArgoAppNotSynced.")
        if expectation in found:
            raise DefiniteError(f"expected[{index}]: {expectation.name} is expected twice; keep one of them.")
        found.append(expectation)
    for index, name in enumerate(groups or []):
        if not name:
            raise DefiniteError(f"expected_groups[{index}] is empty; name a rule group.")
        if RuleExpectation(group=name) not in found:
            found.append(RuleExpectation(group=name))
    return found


def normalized(groups: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rule groups with every field that is used below present and of its type."""
    found = []
    for group in groups:
        rules = []
        for rule in group["rules"]:
            health = rule.get("health")
            rules.append(
                {
                    "name": str(rule.get("name") or ""),
                    "type": str(rule.get("type") or ""),
                    # only the server's own "ok" is healthy
                    "health": health if health in ("ok", "err") else "unknown",
                    "lastError": str(rule.get("lastError") or ""),
                    "lastEvaluation": parse_time(rule.get("lastEvaluation")),
                    "state": str(rule.get("state") or ""),
                    "query": str(rule.get("query") or ""),
                }
            )
        interval = group.get("interval")
        usable = isinstance(interval, (int, float)) and not isinstance(interval, bool) and interval > 0
        seconds = float(interval) if usable and interval is not None else DEFAULT_INTERVAL
        found.append(
            {"name": str(group["name"]), "file": str(group.get("file") or ""), "interval": seconds, "rules": rules}
        )
    return found


def summary(group: Mapping[str, Any]) -> dict[str, Any]:
    """One group as the module returns it."""
    healths = [rule["health"] for rule in group["rules"]]
    return {
        "group": group["name"],
        "file": group["file"],
        "interval": group["interval"],
        "rules": len(healths),
        "healthy": healths.count("ok"),
        "errors": healths.count("err"),
        "pending": healths.count("unknown"),
    }


class Ages:
    """How long each group's rules have been V(unknown), as far as that can be known from outside."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first: dict[tuple[str, str], float] = {}

    def update(self, groups: Sequence[Mapping[str, Any]], since_reload: float | None) -> dict[tuple[str, str], float]:
        """Seconds by (file, group), only for groups with unknown rules.

        A rule was loaded by the last reload at the latest, so a minimum is known even at the first look.
        """
        now = self._clock()
        waiting = {
            (group["file"], group["name"])
            for group in groups
            if any(rule["health"] == "unknown" for rule in group["rules"])
        }
        self._first = {key: self._first.get(key, now) for key in waiting}
        return {key: max(now - first, since_reload or 0.0) for key, first in self._first.items()}


def judge(
    name: str,
    expected: str,
    chosen: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
    ages: Mapping[tuple[str, str], float],
    require_evaluated: bool,
) -> Check:
    """One check over pairs of group and rule, all of them loaded."""
    broken = [(group, rule) for group, rule in chosen if rule["health"] == "err"]
    unknown = [(group, rule) for group, rule in chosen if rule["health"] == "unknown"]
    late = [(g, r) for g, r in unknown if ages.get((g["file"], g["name"]), 0.0) > g["interval"] + GRACE_SECONDS]
    counts = [f"{len(chosen) - len(broken) - len(unknown)} healthy"]
    counts += [f"{len(broken)} in error"] if broken else []
    counts += [f"{len(unknown)} not evaluated yet"] if unknown else []
    observed = f"{', '.join(counts)} of {count_text(len(chosen), 'rule')}"
    sentences = [
        f"Rule {rule['name']} in group {group['name']}: {(rule['lastError'] or 'no error given').rstrip('.')}. "
        f"Likeliest cause: {rule_cause(rule['lastError'])}."
        for group, rule in broken[:5]
    ]
    if len(broken) > 5:
        sentences.append(f"And {len(broken) - 5} more in error.")
    if late:
        names = listing((rule["name"] for _group, rule in late), 5)
        sentences.append(
            f"Loaded longer than the group's interval of {late[0][0]['interval']:g} s and not evaluated yet: {names}. "
            "Likeliest cause: Prometheus is overloaded or its rule manager is stuck; read its log."
        )
    elif unknown:
        names = listing((rule["name"] for _group, rule in unknown), 5)
        sentences.append(f"Not due yet: {names}; first evaluated within {unknown[0][0]['interval']:g} s of loading.")
    if broken or late or (unknown and require_evaluated):
        ok: bool | None = False
    else:
        ok = None if unknown else True
    return Check(name, ok, expected, observed, " ".join(sentences))


def rule_cause(error: str) -> str:
    """The likeliest cause of a rule's error, from Prometheus's free text."""
    text = error.lower()
    if "many-to-many" in text or "many-to-one" in text or "duplicate series" in text or "same labelset" in text:
        return "two series match where one is expected: add on(...) or an aggregation to the expression"
    if "timed out" in text or "timeout" in text or "canceled" in text:
        return "the query is too expensive or Prometheus is overloaded"
    if "too many samples" in text:
        return "the query reads more samples than Prometheus allows"
    if "template" in text or "annotation" in text:
        return "a template in the labels or annotations is broken"
    if "limit" in text:
        return "the rule gives more series or alerts than the group's limit"
    return "the expression fails on the series that exist; run it in Prometheus's query page"


def check_rules(
    expectation: RuleExpectation,
    groups: Sequence[Mapping[str, Any]],
    ages: Mapping[tuple[str, str], float],
    require_evaluated: bool,
) -> Check:
    """Compare one expectation with the loaded groups."""
    chosen = [(group, rule) for group in groups for rule in group["rules"] if expectation.selects(group, rule)]
    if chosen:
        return judge(expectation.name, expectation.expected, chosen, ages, require_evaluated)
    return Check(expectation.name, False, expectation.expected, "not loaded", not_loaded(expectation, groups))


def not_loaded(expectation: RuleExpectation, groups: Sequence[Mapping[str, Any]]) -> str:
    """What is there instead of the rule; the groups may be only those that the server was asked for."""
    wanted = RuleExpectation(expectation.group, expectation.rule)
    near = [(group, rule) for group in groups for rule in group["rules"] if wanted.selects(group, rule)]
    if near:
        types = listing(rule["type"] for _group, rule in near)
        files = listing(group["file"] for group, _rule in near)
        return f"It is there with another type or file: type {types}, file {files}."
    elsewhere = {g["name"] for g in groups for r in g["rules"] if expectation.rule and r["name"] == expectation.rule}
    if elsewhere:
        return f"The rule is in another group: {listing(elsewhere)}."
    same = [group for group in groups if group["name"] == expectation.group]
    if same and expectation.rule:
        there = [rule["name"] for group in same for rule in group["rules"]]
        close = nearest(expectation.rule, there)
        hint = f"Did you mean {close}? " if close else ""
        return f"{hint}The group is loaded with these rules: {listing(there)}."
    if same:
        return "The group is loaded and has no rules" + (f" of type {expectation.type}." if expectation.type else ".")
    known = {group["name"] for group in groups}
    names = {rule["name"] for group in groups for rule in group["rules"]} if expectation.rule else known
    close = nearest(expectation.rule or expectation.group or "", names)
    hint = f"Did you mean {close}? " if close else ""
    return (
        f"{hint}Likeliest cause: the PrometheusRule does not exist, is not selected by the Prometheus object, was "
        "refused by the operator's admission webhook, or was created less than two minutes ago and not loaded yet. "
        f"Loaded groups: {listing(known)}."
    )


def check_all_healthy(
    groups: Sequence[Mapping[str, Any]], ages: Mapping[tuple[str, str], float], require_evaluated: bool
) -> list[Check]:
    """One check for each group name; equal names in several files are one check."""
    by_name: dict[str, list[tuple[Mapping[str, Any], Mapping[str, Any]]]] = {}
    for group in groups:
        by_name.setdefault(group["name"], []).extend((group, rule) for rule in group["rules"])
    if not by_name:
        return [
            Check("all rule groups", False, "all rules healthy", "no groups", "Prometheus has loaded no rule group.")
        ]
    return [
        judge(f"rules group {name}", "loaded, all rules healthy", chosen, ages, require_evaluated)
        for name, chosen in sorted(by_name.items())
    ]


def gather(client: PrometheusClient, expectations: Sequence[RuleExpectation], everything: bool) -> list[dict[str, Any]]:
    """The groups that the expectations are about, with as few and as small answers as possible."""
    whole = list(dict.fromkeys(e.group for e in expectations if e.group and not e.rule))
    single = list(dict.fromkeys(e.rule for e in expectations if e.rule))
    if everything:
        return normalized(client.rules())
    found: list[dict[str, Any]] = []
    if whole:
        found = normalized(client.rules(groups=whole))
        if any(group["name"] not in whole for group in found):
            # this server ignores the filter: the answer already holds every group
            return found
    if single:
        answer = normalized(client.rules(rule_names=single))
        if any(rule["name"] not in single for group in answer for rule in group["rules"]):
            return answer
        # a group that was asked for as a whole is already there with all its rules
        found += [group for group in answer if group["name"] not in whole]
    return found


def watch_rules(
    client: PrometheusClient,
    expectations: Sequence[RuleExpectation],
    all_healthy: bool,
    require_evaluated: bool,
    clock: Callable[[], float] = time.monotonic,
) -> Callable[[], Poll]:
    """A poll for C(wait_until); its value is the list of groups that were looked at."""
    tracker = Ages(clock)

    def poll() -> Poll:
        groups = gather(client, expectations, all_healthy)
        unknown = any(rule["health"] == "unknown" for group in groups for rule in group["rules"])
        ages = tracker.update(groups, client.seconds_since_reload() if unknown else None)
        checks = [check_rules(expectation, groups, ages, require_evaluated) for expectation in expectations]
        named = {check.name for check in checks}
        if all_healthy:
            checks += [c for c in check_all_healthy(groups, ages, require_evaluated) if c.name not in named]
        return Poll(all(check.ok is not False for check in checks), checks, groups)

    return poll


def explain_missing(
    client: PrometheusClient, expectations: Sequence[RuleExpectation], checks: Sequence[Check]
) -> list[Check]:
    """Say what is loaded instead of the rules that were not found; only now are all groups asked for."""
    by_name = {expectation.name: expectation for expectation in expectations}
    missing = [check for check in checks if check.ok is False and check.observed == "not loaded"]
    if not missing:
        return list(checks)
    groups = normalized(client.rules())
    return [
        Check(check.name, check.ok, check.expected, check.observed, not_loaded(by_name[check.name], groups))
        if check in missing
        else check
        for check in checks
    ]
