# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follow a discovered target through the relabelings of a monitor, as Prometheus does, to name the rule that drops it.

The operator puts rules of its own before those of the monitor: they choose Services, pods and ports and give the usual
labels. Rules are in the words of the monitor (sourceLabels, targetLabel).
"""

from __future__ import annotations

import hashlib
import re
import warnings
from typing import Any, Mapping

from ansible_collections.argolab.observability.plugins.module_utils.scrape_objects import Link
from ansible_collections.argolab.observability.plugins.module_utils.selectors import matches

Rule = Mapping[str, Any]
# Syntax that Go's and Python's regular expressions understand differently, and repeated groups, for which Python's may
# take exponential time where Go's never does.
ONLY_GO = re.compile(r"\[\[:|\\[pPzCQE]|\)[*+{]")


class Unclear(Exception):
    """A rule that cannot be followed here with certainty."""


def chosen(link: Link, discovered: Mapping[str, str]) -> bool:
    """Whether a discovered target is what the monitor selects, so that only relabelings can have dropped it."""
    owner = "pod" if link.pool.of_pods else "service"
    prefix = f"__meta_kubernetes_{owner}_labelpresent_"
    labels = {
        name[len(prefix) :]: discovered.get(f"__meta_kubernetes_{owner}_label_{name[len(prefix) :]}", "")
        for name in discovered
        if name.startswith(prefix)
    }
    if not labels and f"__meta_kubernetes_{owner}_name" not in discovered:
        return False
    ended = discovered.get("__meta_kubernetes_pod_phase") in ("Failed", "Succeeded")
    if ended and link.endpoint.get("filterRunning") is not False:
        return False
    return matches(_sanitized(link.selector), labels) and _port_chosen(link, discovered)


def dropping_rule(link: Link, discovered: Mapping[str, str]) -> str:
    """The first rule that drops the target, in words; empty where none does.

    :raises Unclear: where that cannot be told.
    """
    labels = dict(discovered)
    for rule in _usual_rules(link):
        apply(rule, labels)
    for where, number, rule in _own_rules(link):
        if not apply(rule, labels):
            return f"{where}[{number}] ({rule_text(rule)})"
    return ""


def rule_text(rule: Rule) -> str:
    """A rule in one line."""
    parts = [str(rule.get("action") or "replace")]
    if rule.get("sourceLabels"):
        parts.append(f"sourceLabels {', '.join(str(label) for label in rule['sourceLabels'])}")
    if rule.get("targetLabel"):
        parts.append(f"targetLabel {rule['targetLabel']}")
    if rule.get("regex"):
        parts.append(f"regex {rule['regex']}")
    return " ".join(parts)


def apply(rule: Rule, labels: dict[str, str]) -> bool:
    """Change the labels as the rule says; V(False) where it drops the target.

    :raises Unclear: where the rule cannot be followed.
    """
    action = str(rule.get("action") or "replace").lower()
    separator = rule.get("separator")
    value = (";" if separator is None else str(separator)).join(
        labels.get(str(name), "") for name in rule.get("sourceLabels") or []
    )
    target = str(rule.get("targetLabel") or "")
    replacement = "$1" if rule.get("replacement") is None else str(rule["replacement"])
    if action in ("keepequal", "dropequal"):
        return (labels.get(target, "") == value) == (action == "keepequal")
    if action in ("lowercase", "uppercase"):
        _set(labels, target, value.lower() if action == "lowercase" else value.upper())
        return True
    if action == "hashmod":
        try:
            digest = int.from_bytes(hashlib.md5(value.encode()).digest()[8:], "big")
        except ValueError:  # a machine that allows no MD5
            raise Unclear("hashmod is not understood here") from None
        _set(labels, target, str(digest % int(rule.get("modulus") or 1)))
        return True
    regex = _compiled(rule.get("regex"))
    if action in ("keep", "drop"):
        return (regex.fullmatch(value) is not None) == (action == "keep")
    if action == "replace":
        match = regex.fullmatch(value)
        if match:
            _set(labels, _expanded(target, match), _expanded(replacement, match))
    elif action == "labelmap":
        found = [(regex.fullmatch(name), content) for name, content in list(labels.items())]
        for match, content in found:
            if match:
                _set(labels, _expanded(replacement, match), content)
    elif action in ("labeldrop", "labelkeep"):
        for name in [name for name in labels if (regex.fullmatch(name) is not None) == (action == "labeldrop")]:
            del labels[name]
    else:
        raise Unclear(f"action {action} is not known")
    return True


def _own_rules(link: Link) -> list[tuple[str, int, Rule]]:
    spec = (link.prometheus or {}).get("spec") or {}
    classes = [item for item in spec.get("scrapeClasses") or [] if isinstance(item, Mapping)]
    wanted = link.spec.get("scrapeClass")
    scrape_class = next((item for item in classes if wanted and item.get("name") == wanted), None) or next(
        (item for item in classes if not wanted and item.get("default")), {}
    )
    where = f"relabelings of scrape class {scrape_class.get('name')}"
    rules = [(where, number, rule) for number, rule in enumerate(scrape_class.get("relabelings") or [])]
    rules += [("relabelings", number, rule) for number, rule in enumerate(link.endpoint.get("relabelings") or [])]
    return rules


def _usual_rules(link: Link) -> list[Rule]:
    """The labels that the operator gives a target before the monitor's own rules."""

    def copy(source: str, target: str) -> Rule:
        return {"sourceLabels": [source], "targetLabel": target, "regex": "(.+)"}

    rules = [copy("__meta_kubernetes_namespace", "namespace"), copy("__meta_kubernetes_pod_name", "pod")]
    rules.append(copy("__meta_kubernetes_pod_container_name", "container"))
    owner = "pod" if link.pool.of_pods else "service"
    own_job = {"targetLabel": "job", "replacement": f"{link.pool.namespace}/{link.pool.name}"}
    if not link.pool.of_pods:
        rules.append(copy("__meta_kubernetes_service_name", "service"))
        own_job = {**copy("__meta_kubernetes_service_name", "job")}
        for kind in ("endpoint", "endpointslice"):
            source = [f"__meta_kubernetes_{kind}_address_target_kind", f"__meta_kubernetes_{kind}_address_target_name"]
            rules.append({"sourceLabels": source, "regex": "Node;(.*)", "targetLabel": "node"})
        for name in link.spec.get("targetLabels") or []:
            rules.append(copy(f"__meta_kubernetes_service_label_{_plain(name)}", _plain(name)))
    usual = ((link.prometheus or {}).get("spec") or {}).get("podTargetLabels") or []
    for name in [*(link.spec.get("podTargetLabels") or []), *usual]:
        rules.append(copy(f"__meta_kubernetes_pod_label_{_plain(name)}", _plain(name)))
    rules.append(own_job)
    if link.spec.get("jobLabel"):
        rules.append(copy(f"__meta_kubernetes_{owner}_label_{_plain(link.spec['jobLabel'])}", "job"))
    port = link.endpoint.get("port") or link.endpoint.get("targetPort")
    if port:
        rules.append({"targetLabel": "endpoint", "replacement": str(port).replace("$", "$$")})
    return rules


def _port_chosen(link: Link, discovered: Mapping[str, str]) -> bool:
    port, number = link.endpoint.get("port"), link.endpoint.get("portNumber")
    wanted = link.endpoint.get("targetPort")
    own = discovered.get("__meta_kubernetes_pod_container_port_name", "")
    own_number = discovered.get("__meta_kubernetes_pod_container_port_number", "")
    if port:
        if link.pool.of_pods:
            return own == str(port)
        names = (f"__meta_kubernetes_{kind}_port_name" for kind in ("endpoint", "endpointslice"))
        return any(discovered.get(name) == port for name in names)
    if number and link.pool.of_pods:
        return own_number == str(number)
    return not wanted or str(wanted) in (own, own_number)


def _sanitized(selector: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "matchLabels": {_plain(key): value for key, value in (selector.get("matchLabels") or {}).items()},
        "matchExpressions": [
            {**term, "key": _plain(term.get("key"))} for term in selector.get("matchExpressions") or []
        ],
    }


def _plain(name: Any) -> str:
    return re.sub(r"[^a-zA-Z0-9_]", "_", str(name))


def _set(labels: dict[str, str], name: str, value: str) -> None:
    if not value:
        labels.pop(name, None)
    elif name:
        labels[name] = value


def _compiled(text: Any) -> re.Pattern[str]:
    pattern = "(.*)" if text is None or text == "" else str(text)
    if ONLY_GO.search(pattern):
        raise Unclear(f"regex {pattern} is not understood here")
    try:
        with warnings.catch_warnings():
            # Python warns of sets that later versions will read in another way.
            warnings.simplefilter("error", FutureWarning)
            return re.compile(pattern, re.DOTALL)
    except (re.error, FutureWarning, OverflowError, RecursionError) as error:
        raise Unclear(f"regex {pattern} is not understood here: {error}") from None


def _expanded(template: str, match: re.Match[str]) -> str:
    """Go's templates: $1, ${1}, $name; $$ is a dollar sign, a group that is not there is nothing."""

    def one(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name is None:
            return "$"
        try:
            return match[int(name) if name.isdigit() else name] or ""
        except (IndexError, KeyError):
            return ""

    return re.sub(r"\$(?:\{(\w+)\}|(\w+)|\$)", one, template)
