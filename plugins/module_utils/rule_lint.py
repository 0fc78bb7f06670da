# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find what is wrong with rules before the alert that matters shows it: expressions, templates, labels, series."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Mapping, Sequence

from ansible_collections.argolab.observability.plugins.module_utils import promql_tree, promtool, rule_templates
from ansible_collections.argolab.observability.plugins.module_utils.checks import count_text
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.explained import ExplainedCheck, poll_of, skipped
from ansible_collections.argolab.observability.plugins.module_utils.expression_reader import ExpressionReader, Nothing
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import PrometheusClient
from ansible_collections.argolab.observability.plugins.module_utils.rule_reader import read_rules
from ansible_collections.argolab.observability.plugins.module_utils.selectors import full_name, name_of, namespace_of
from ansible_collections.argolab.observability.plugins.module_utils.waiter import Poll

Rule = Mapping[str, Any]
PARTS = ("promtool", "expressions", "templates", "labels", "series")
# What is said, and fails nothing.
NOT_WRONG = ("no_series_now",)
# Series that Prometheus makes of alerts while they fire.
OWN_SERIES = ("ALERTS", "ALERTS_FOR_STATE")
NO_TREES = "this Prometheus gives no syntax trees (/api/v1/parse_query, from 3.0 on)"
NO_PROMTOOL = "there is no promtool: install one, or name it with promtool_path"


@dataclass(frozen=True)
class Place:
    """One rule of one object."""

    owner: str
    group: str
    rule: Rule

    @property
    def title(self) -> str:
        return str(self.rule.get("alert") or self.rule.get("record") or "")

    @property
    def expression(self) -> str:
        return str(self.rule.get("expr") or "")


@dataclass(frozen=True)
class Remark:
    """One thing that is wrong with a rule."""

    place: Place
    cause: str
    text: str

    def as_dict(self) -> dict[str, str]:
        return {
            "object": self.place.owner,
            "group": self.place.group,
            "rule": self.place.title,
            "cause": self.cause,
            "text": self.text,
        }


def places_of(rules: Iterable[Rule]) -> list[Place]:
    """Every rule of these PrometheusRules."""
    return [
        Place(full_name(item), str(group.get("name")), rule)
        for item in rules
        for group in (item.get("spec") or {}).get("groups") or []
        for rule in group.get("rules") or []
    ]


def template_remarks(place: Place) -> Iterator[Remark]:
    """Annotations and labels of an alert that would print what nobody wants to read."""
    if not place.rule.get("alert"):
        return
    for name, text in rule_templates.templates_of(place.rule).items():
        for cause, said in rule_templates.read_template(text).problems:
            yield Remark(place, cause, f"{name}: {said}")


def label_remarks(place: Place, tree: Any) -> Iterator[Remark]:
    """Labels that an annotation prints and the expression does not keep."""
    if not place.rule.get("alert"):
        return
    kept = promql_tree.labels_of(tree)
    own = place.rule.get("labels") or {}
    for name, text in rule_templates.templates_of(place.rule).items():
        for label in rule_templates.read_template(text).labels:
            if kept.may_have(label):
                continue
            why = (
                "the rule adds it, which is too late for templates"
                if label in own
                else "the expression does not keep it"
            )
            yield Remark(place, "label_not_kept", f"{name}: label {label} prints as nothing, as {why}")


class RuleLinter:
    """Looks at the rules again each time poll() is called; what depends on their text alone is asked only once."""

    def __init__(
        self,
        kube: KubeClient,
        prometheus: PrometheusClient,
        *,
        namespaces: Sequence[str] = (),
        allowed_missing: Sequence[str] = (),
        series_required: Sequence[str] = ("*",),
        promtool_path: str | None = None,
        parts: Sequence[str] = PARTS,
    ) -> None:
        self._kube = kube
        self._reader = ExpressionReader(prometheus)
        self._namespaces = list(namespaces)
        self._allowed = [*OWN_SERIES, *allowed_missing]
        self._series_required = list(series_required)
        self._promtool = promtool.find_promtool(promtool_path) if "promtool" in parts else ""
        self._parts = parts
        self._said: dict[str, list[Remark]] = {}

    def poll(self) -> Poll:
        """One look: a check for each object, or for each rule of it with something wrong."""
        rules = read_rules(self._kube, self._namespaces)
        places = places_of(rules)
        remarks: list[Remark] = []
        aside: list[ExplainedCheck] = []
        if "promtool" in self._parts:
            remarks += self._by_promtool(rules, places, aside)
        if {"expressions", "labels", "series"} & set(self._parts):
            remarks += self._by_trees(places, aside)
        if "templates" in self._parts:
            remarks += [remark for place in places for remark in template_remarks(place)]
        checks = [check for item in rules for check in _checks(item, places, remarks)]
        if not rules:
            where = f" in {', '.join(self._namespaces)}" if self._namespaces else ""
            checks = [
                ExplainedCheck(
                    "rules", False, "at least one PrometheusRule", f"none{where}", "there is nothing to check",
                    "no_rules", "kubectl get prometheusrules -A",
                )
            ]  # fmt: skip
        return poll_of([*checks, *aside], {"remarks": remarks, "rules": len(places), "promtool": self._promtool})

    def _by_promtool(
        self, rules: Sequence[Rule], places: Sequence[Place], aside: list[ExplainedCheck]
    ) -> list[Remark]:  # fmt: skip
        expected = "accepts every rule"
        if not self._promtool:
            aside.append(skipped("promtool", expected, NO_PROMTOOL))
            return []
        files = {
            f"{namespace_of(item)}_{name_of(item)}": (item.get("spec") or {}).get("groups") or [] for item in rules
        }
        key = repr(files)
        if key not in self._said:
            try:
                said = promtool.check_rules(self._promtool, files)
            except ArgolabError as error:
                # A program that does not work is no verdict about the rules.
                aside.append(skipped("promtool", expected, str(error)))
                return []
            self._said = {key: list(_sorted_out(said, rules, places))}
        remarks = self._said[key]
        if not remarks:
            aside.append(ExplainedCheck("promtool", True, expected, f"{count_text(len(places), 'rule')} accepted"))
        return remarks

    def _by_trees(self, places: Sequence[Place], aside: list[ExplainedCheck]) -> list[Remark]:
        reader = self._reader
        reader.read(place.expression for place in places)
        if not reader.supported:
            asked = [part for part in ("expressions", "labels", "series") if part in self._parts]
            aside += [skipped(f"{part} of rules", "looked at", NO_TREES) for part in asked]
            return []
        remarks = []
        needs = {}
        for place in places:
            complaint = reader.complaint(place.expression)
            if complaint:
                remarks.append(Remark(place, "expression_invalid", complaint))
                continue
            tree = reader.tree(place.expression)
            needs[place.expression] = promql_tree.need_of(tree)
            if "labels" in self._parts:
                remarks += label_remarks(place, tree)
        if "expressions" not in self._parts:
            remarks = [remark for remark in remarks if remark.cause != "expression_invalid"]
        return remarks + (self._by_series(places, needs) if "series" in self._parts else [])

    def _by_series(self, places: Sequence[Place], needs: Mapping[str, promql_tree.Need]) -> list[Remark]:
        found = [item for need in needs.values() for item in promql_tree.selectors(need)]
        lasting = {item: item.lasting for item in found if not self._may_be_missing(item)}
        nothing = set(self._reader.without_series(lasting.values()))
        reasons = self._reader.reasons(nothing)
        # What another rule records is that rule's matter, where its own selectors are looked at.
        recorded = {str(place.rule["record"]): place.owner for place in places if place.rule.get("record")}
        why: dict[promql_tree.Selector, Nothing] = {}
        for item in (item for item, kept in lasting.items() if kept in nothing):
            why[item] = reasons[lasting[item]]
            if item.metric in recorded:
                text = f"rule {item.metric} of {recorded[item.metric]} records nothing like that now"
                why[item] = Nothing(text, certain=False)
        found_remarks = []
        for place in places:
            if place.expression not in needs:
                continue
            required = any(fnmatch.fnmatchcase(place.owner, pattern) for pattern in self._series_required)
            for item in promql_tree.missing(needs[place.expression], why):
                cause = "no_series" if why[item].certain and required else "no_series_now"
                found_remarks.append(Remark(place, cause, why[item].text))
        return found_remarks

    def _may_be_missing(self, selector: promql_tree.Selector) -> bool:
        return any(fnmatch.fnmatchcase(selector.metric, pattern) for pattern in self._allowed)


def _sorted_out(
    said: Mapping[str, Sequence[str]], rules: Sequence[Rule], places: Sequence[Place]
) -> Iterator[Remark]:  # fmt: skip
    """Promtool's messages, each at its rule; where it names none, at the first of the object."""
    for item in rules:
        own = [place for place in places if place.owner == full_name(item)]
        for message in said.get(f"{namespace_of(item)}_{name_of(item)}", ()):
            named = [place for place in own if f'group "{place.group}"' in message and f'"{place.title}"' in message]
            place = (named or own or [Place(full_name(item), "", {})])[0]
            text = message.split(f'"{place.title}": ', 1)[-1]
            cause = "expression_invalid" if "parse expression" in message else "annotation_invalid"
            known = "parse expression" in message or "template:" in message
            yield Remark(place, cause if known else "rule_invalid", f"promtool: {text}")


def _checks(item: Rule, places: Sequence[Place], remarks: Sequence[Remark]) -> list[ExplainedCheck]:
    name = full_name(item)
    own = [remark for remark in remarks if remark.place.owner == name and remark.cause not in NOT_WRONG]
    expected = "expressions, annotations and selectors lead somewhere"
    if not own:
        count = sum(place.owner == name for place in places)
        aside = [remark for remark in remarks if remark.place.owner == name]
        detail = "; ".join(dict.fromkeys(f"{remark.place.title}: {remark.text}" for remark in aside))
        return [ExplainedCheck(f"rules of {name}", True, expected, count_text(count, "rule"), detail, subject=name)]
    command = f"kubectl get prometheusrule {name_of(item)} -n {namespace_of(item)} -o yaml"
    by_rule: dict[tuple[str, str, str], list[str]] = {}
    for remark in own:
        texts = by_rule.setdefault((remark.place.group, remark.place.title, remark.cause), [])
        if remark.text not in texts:
            texts.append(remark.text)
    return [
        ExplainedCheck(
            f"rule {title} of {name}, group {group}", False, expected, cause.replace("_", " "), "; ".join(texts), cause,
            command, name,
        )
        for (group, title, cause), texts in by_rule.items()
    ]  # fmt: skip
