# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The links inside Prometheus: the pool is loaded, discovery finds targets, relabeling keeps them, scrapes succeed."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.argolab.observability.plugins.module_utils.operator_verdict import rejection
from ansible_collections.argolab.observability.plugins.module_utils.relabeling import Unclear, chosen, dropping_rule
from ansible_collections.argolab.observability.plugins.module_utils.scrape_failures import (
    down_of,
    down_text,
    failed,
)
from ansible_collections.argolab.observability.plugins.module_utils.scrape_objects import (
    DROPPED,
    LOADED,
    RUNTIME,
    Answers,
    Cluster,
    Finding,
    Link,
    Object,
    count,
    up_of,
)
from ansible_collections.argolab.observability.plugins.module_utils.scrape_reload import (
    loaded_before_change,
    not_reloaded,
    reload_failed,
)
from ansible_collections.argolab.observability.plugins.module_utils.selectors import (
    namespace_of,
)


def without_chain(pool_name: str, answers: Answers) -> Finding:
    """A pool whose monitor is not known: only what Prometheus says."""
    active = answers.active(pool_name)
    if not active:
        needs = answers.untried(LOADED)
        if needs:
            return Finding("no_targets", needs=needs)
        if answers.loaded is not None and pool_name not in answers.loaded:
            close = difflib.get_close_matches(pool_name, sorted(answers.loaded), n=1)
            hint = f"; the nearest is {close[0]}" if close else ""
            return Finding("pool_not_loaded", f"Prometheus has no scrape pool {pool_name}{hint}")
        return Finding("no_targets", f"scrape pool {pool_name} has no target")
    down = down_of(active)
    if down:
        return Finding("scrape_failed", down_text(down, len(active)))
    unknown = _unknown(active)
    return unknown or Finding()


def target_links(link: Link, found: Finding, cluster: Cluster, answers: Answers) -> Finding:
    """Judge what Prometheus has made of a monitor whose links in the cluster are whole.

    :param found: how many targets there have to be, and behind which Services or pods.
    """
    finding = _judged(link, found, cluster, answers)
    return replace(
        finding,
        expected=found.expected if finding.expected is None else finding.expected,
        services=found.services,
        pods=found.pods,
        notes=found.notes + finding.notes,
    )


def _judged(link: Link, found: Finding, cluster: Cluster, answers: Answers) -> Finding:
    active = answers.active(link.pool_name)
    if not active:
        needs = answers.untried(LOADED)
        if needs:
            return Finding("no_targets", needs=needs)
        if answers.loaded is not None and link.pool_name not in answers.loaded:
            return rejection(link, cluster, answers) or not_reloaded(
                link,
                cluster,
                answers,
                f"Prometheus has not loaded scrape pool {link.pool_name}, although {link.title} is right",
            )
        return _empty(link, found, cluster, answers)
    down = down_of(active)
    if down:
        return failed(link, down, len(active), cluster)
    unknown = _unknown(active)
    if unknown:
        return unknown
    if found.expected is not None and len(active) < found.expected and not _sharded(link):
        return _missing(link, found.expected, active, answers)
    return Finding()


def _empty(link: Link, found: Finding, cluster: Cluster, answers: Answers) -> Finding:
    """The pool is loaded and has no target."""
    needs = answers.untried(DROPPED, link.pool_name) + answers.untried(RUNTIME)
    if needs:
        return Finding("no_targets", needs=needs)
    candidates = [item for item in _dropped(link, answers) if chosen(link, item)]
    if loaded_before_change(link, answers) or reload_failed(answers):
        return not_reloaded(link, cluster, answers, f"scrape pool {link.pool_name} has no target yet")
    if candidates:
        return _relabeled(link, candidates)
    behind = ", ".join([*found.services, *found.pods][:3])
    text = f"Prometheus has loaded scrape pool {link.pool_name} and discovers nothing for it"
    text += f", although {behind} has {count(found.expected, 'ready endpoint')}" if behind and found.expected else ""
    namespace = sorted(link.namespaces or {link.pool.namespace})[0]
    resource = "pods" if link.pool.of_pods else "endpoints"
    prometheus = link.prometheus
    who = ((prometheus or {}).get("spec") or {}).get("serviceAccountName") or "default"
    account = f"system:serviceaccount:{namespace_of(prometheus or {})}:{who}"
    return Finding(
        "no_targets",
        f"{text}: discovered within seconds where Prometheus may list {resource} there (RBAC of {account})",
        f"kubectl auth can-i list {resource} -n {namespace} --as {account}",
    )


def _relabeled(link: Link, candidates: Sequence[Object]) -> Finding:
    rule, certain = _rule(link, candidates)
    if _sharded(link) and certain and not rule:
        text = f"its {count(len(candidates), 'target')} are scraped by another shard than the one that was asked"
        return Finding(text=text, pending=True)
    own = len(link.endpoint.get("relabelings") or [])
    text = f"service discovery finds {count(len(candidates), 'target')} for {link.title}, and "
    if rule:
        text += f"{rule} of endpoint {link.pool.index} drops {'it' if len(candidates) == 1 else 'them'}"
    elif own:
        text += f"one of its {count(own, 'relabeling')} drops them"
    else:
        text += "relabeling drops them, by no rule of the monitor"
    text += "" if certain else " (a regular expression of them is not understood here)"
    return Finding("relabeling_dropped", text, link.yaml, dropped=len(candidates))


def _rule(link: Link, candidates: Sequence[Object]) -> tuple[str, bool]:
    """The rule that drops most of them, and whether all rules could be followed."""
    rules: Counter[str] = Counter()
    try:
        rules.update(dropping_rule(link, {str(k): str(v) for k, v in item.items()}) for item in candidates)
    except Unclear:
        return "", False
    rules.pop("", None)
    return (rules.most_common(1)[0][0] if rules else ""), True


def _missing(link: Link, expected: int, active: Sequence[Object], answers: Answers) -> Finding:
    """Everything in the pool is up, and it is less than there should be."""
    needs = answers.untried(DROPPED, link.pool_name)
    if needs:
        return Finding("targets_missing", needs=needs)
    candidates = [item for item in _dropped(link, answers) if chosen(link, item)]
    rule, _certain = _rule(link, candidates)
    if rule and len(active) + len(candidates) >= expected:
        # A rule of the monitor that keeps some and drops others is there to choose.
        text = f"{rule} of endpoint {link.pool.index} leaves out {count(len(candidates), 'other')}"
        return Finding(text=text, expected=len(active), dropped=len(candidates))
    behind = "pods" if link.pool.of_pods else "Services"
    return Finding(
        "targets_missing",
        f"its {behind} have {count(expected, 'ready endpoint')}, Prometheus has {count(len(active), 'target')} for "
        "them: not discovered yet, or two become one because relabelings give them the same labels",
        link.yaml,
    )


def _dropped(link: Link, answers: Answers) -> list[Object]:
    return [item.get("discoveredLabels") or {} for item in answers.dropped.get(link.pool_name, ())]


def _unknown(active: Sequence[Object]) -> Finding | None:
    waiting = len(active) - up_of(active)
    if not waiting:
        return None
    return Finding("not_scraped_yet", f"{waiting} of {count(len(active), 'target')} not scraped yet")


def _sharded(link: Link) -> bool:
    """Whether other Prometheus pods scrape a part of the targets, so that one of them cannot show all."""
    return any(((item.get("spec") or {}).get("shards") or 1) > 1 for item in link.prometheuses)
