# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what the operator loaded into Prometheus is what the PrometheusRule objects say, and why not."""

from __future__ import annotations

import re
from typing import Any, Callable, Iterable, Mapping, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.checks import count_text, listing
from ansible_collections.argolab.observability.plugins.module_utils.explained import ExplainedCheck
from ansible_collections.argolab.observability.plugins.module_utils.rule_compare import (
    SameExpression,
    group_differences,
)
from ansible_collections.argolab.observability.plugins.module_utils.selectors import (
    full_name,
    labels_of,
    mismatches,
    name_of,
    namespace_of,
)

Object = Mapping[str, Any]
# Gives the parser's complaint about an expression, empty when it is right.
ExpressionCheck = Callable[[str], str]


def loaded_groups(rule: Object, groups: Iterable[Object]) -> list[Object]:
    """The groups that came from this object: the operator names each rule file NAMESPACE-NAME-UID.yaml."""
    uid = str((rule.get("metadata") or {}).get("uid") or "")
    stem = re.escape(f"{namespace_of(rule)}-{name_of(rule)}")
    pattern = re.compile(
        rf"(?:^|/){stem}-{re.escape(uid)}\.ya?ml$" if uid else rf"(?:^|/){stem}(?:-[0-9a-f-]{{36}})?\.ya?ml$"
    )
    return [group for group in groups if pattern.search(str(group.get("file") or ""))]


def rule_object_checks(
    rules: Sequence[Object],
    groups: Sequence[Object],
    *,
    prometheuses: Sequence[Object] = (),
    namespaces: Sequence[Object] = (),
    events: Sequence[Object] = (),
    complaint: ExpressionCheck | None = None,
    same: SameExpression = lambda one, other: None,
) -> list[ExplainedCheck]:
    """One check per PrometheusRule: all its groups are loaded, with its rules, and nothing newer was refused.

    :param same: decides about expressions that are written differently; without it those are taken for the same.
    """
    found = []
    for rule in rules:
        check = _rule_check(rule, groups, prometheuses, namespaces, events, complaint)
        found.append(_compared(check, rule, groups, prometheuses, same) if check.ok else check)
    return found


def _compared(
    check: ExplainedCheck, rule: Object, groups: Sequence[Object], prometheuses: Sequence[Object], same: SameExpression
) -> ExplainedCheck:
    """The check of an object whose groups are all loaded, after a look at each rule."""
    have = {str(group.get("name")): group.get("rules") or [] for group in loaded_groups(rule, groups)}
    # The operator writes the label that it enforces into every expression and every rule.
    marks = [(item.get("spec") or {}).get("enforcedNamespaceLabel") for item in prometheuses]
    ours = tuple(f"label {mark} is loaded, and not declared" for mark in marks if mark)
    differences = []
    for group in (rule.get("spec") or {}).get("groups") or []:
        loaded = have.get(str(group.get("name")), [])
        found = group_differences(group.get("rules") or [], loaded, same, compare_expressions=not ours)
        differences += [f"group {group.get('name')}, {text}" for text in found if not (ours and text.endswith(ours))]
    if not differences:
        return check
    more = f" and {len(differences) - 3} more differences" if len(differences) > 3 else ""
    return ExplainedCheck(
        check.name, False, check.expected, "loaded, and different", "; ".join(differences[:3]) + more, "rule_differs",
        f"kubectl get prometheusrule {name_of(rule)} -n {namespace_of(rule)} -o yaml",
    )  # fmt: skip


def _rule_check(
    rule: Object,
    groups: Sequence[Object],
    prometheuses: Sequence[Object],
    namespaces: Sequence[Object],
    events: Sequence[Object],
    complaint: ExpressionCheck | None,
) -> ExplainedCheck:
    wanted = {
        str(group.get("name")): group.get("rules") or [] for group in (rule.get("spec") or {}).get("groups") or []
    }
    have = {str(group.get("name")): group.get("rules") or [] for group in loaded_groups(rule, groups)}
    name, expected = f"PrometheusRule {full_name(rule)}", f"{count_text(len(wanted), 'group')} loaded"
    describe = f"kubectl describe prometheusrule {name_of(rule)} -n {namespace_of(rule)}"
    missing = [group for group in wanted if group not in have]
    short = [group for group, items in wanted.items() if group in have and len(have[group]) != len(items)]
    refused = _refusal(rule, events)
    if not missing and not short and not refused:
        return ExplainedCheck(name, True, expected, expected)
    bad = _bad_expressions(wanted, complaint)
    if not missing and not short and complaint is not None and not bad:
        # An event outlives its reason by an hour: with every expression right and every group loaded, it is history.
        return ExplainedCheck(name, True, expected, expected)
    observed = (
        f"group {listing(missing)} not loaded"
        if missing
        else f"group {listing(short)} differs"
        if short
        else "an older version loaded"
    )
    if bad:
        text = "; ".join(bad[:3])
        if refused:
            text += f"; the operator says: {refused}"
        return ExplainedCheck(name, False, expected, observed, text, "rule_expression_invalid", describe)
    if refused:
        return ExplainedCheck(
            name, False, expected, observed, f"the operator refused it: {refused}", "operator_rejected", describe
        )
    unselected = why_not_selected(rule, prometheuses, namespaces)
    if unselected:
        command = f"kubectl get prometheus {name_of(prometheuses[0])} -n {namespace_of(prometheuses[0])} -o yaml"
        return ExplainedCheck(name, False, expected, observed, unselected, "prometheus_does_not_select", command)
    detail = "not loaded yet: a change takes one to two minutes to arrive in Prometheus, or the operator does not run"
    return ExplainedCheck(name, False, expected, observed, detail, "not_loaded_yet", describe)


def _bad_expressions(wanted: Mapping[str, Sequence[Object]], complaint: ExpressionCheck | None) -> list[str]:
    if complaint is None:
        return []
    found = []
    for group, items in wanted.items():
        for item in items:
            said = complaint(str(item.get("expr") or ""))
            if said:
                found.append(f"rule {item.get('alert') or item.get('record')} of group {group}: {said}")
    return found


def _refusal(rule: Object, events: Sequence[Object]) -> str:
    """The operator's word against the object as it is: its status condition, or an event newer than the last edit."""
    for binding in (rule.get("status") or {}).get("bindings") or []:
        for condition in binding.get("conditions") or []:
            if condition.get("type") == "Accepted" and condition.get("status") == "False":
                return str(condition.get("message") or condition.get("reason") or "no reason given")
    metadata = rule.get("metadata") or {}
    edits = [
        str(item.get("time") or "")
        for item in metadata.get("managedFields") or []
        if item.get("subresource") != "status"
    ]
    edited = max([str(metadata.get("creationTimestamp") or ""), *edits])
    newest, message = "", ""
    for event in events:
        about = event.get("involvedObject") or {}
        same = about.get("kind") == "PrometheusRule" and about.get("name") == name_of(rule)
        if not same or about.get("namespace") != namespace_of(rule) or event.get("type") != "Warning":
            continue
        if about.get("uid") and metadata.get("uid") and about["uid"] != metadata["uid"]:
            continue
        when = _event_time(event)
        # Both are RFC 3339 in UTC; events with microseconds are cut to seconds, so that text order is time order.
        if when >= edited[:19] and when >= newest:
            newest, message = when, str(event.get("message") or event.get("reason") or "")
    return message


def _event_time(event: Object) -> str:
    series = event.get("series") or {}
    times = (
        event.get("lastTimestamp"),
        series.get("lastObservedTime"),
        event.get("eventTime"),
        (event.get("metadata") or {}).get("creationTimestamp"),
    )
    return max(str(item or "")[:19] for item in times)


def why_not_selected(
    obj: Object,
    owners: Sequence[Object],
    namespaces: Sequence[Object],
    what: str = "rule",
    owner_kind: str = "Prometheus",
) -> str:
    """Why no Prometheus (or Alertmanager) selects this object; empty where one does, or where there is none to ask.

    :param what: begins the names of both selectors, such as V(rule) for C(ruleSelector) and C(ruleNamespaceSelector).
    """
    reasons = []
    labels = {name_of(item): labels_of(item) for item in namespaces}
    for owner in owners:
        spec = owner.get("spec") or {}
        selector, where = spec.get(f"{what}Selector"), spec.get(f"{what}NamespaceSelector")
        who = f"{owner_kind} {full_name(owner)}"
        if selector is None:
            reasons.append(f"{who} has no {what}Selector, which selects nothing")
        elif mismatches(selector, labels_of(obj)):
            reasons.append(f"the {what}Selector of {who} is not met: {'; '.join(mismatches(selector, labels_of(obj)))}")
        elif where is None and namespace_of(obj) != namespace_of(owner):
            reasons.append(f"{who} looks in its own namespace only, as it has no {what}NamespaceSelector")
        elif where and mismatches(where, labels.get(namespace_of(obj), {})):
            reasons.append(f"the {what}NamespaceSelector of {who} is not met by namespace {namespace_of(obj)}")
        else:
            return ""
    return "; ".join(reasons)
