# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the outcomes of panels to checks, with what is allowed to be empty; nothing is asked of anybody here."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.checks import count_text, listing
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_model import Dashboard
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_panels import (
    DATA,
    EMPTY,
    ERROR,
    SKIPPED,
    Query,
    Shown,
)
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_reasons import Reason
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_sources import Missing
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_variables import Resolved
from ansible_collections.argolab.observability.plugins.module_utils.explained import ExplainedCheck
from ansible_collections.argolab.observability.plugins.module_utils.promql import selectors

EXPECTED = "data"
ALLOWED = "allowed"
_SHOWN_EXPR = 400


@dataclass(frozen=True)
class Allowance:
    """Panels that may be empty.

    :param dashboard: uid or title, or a pattern for them.
    :param panel: id or title, or a pattern for them.
    """

    dashboard: str
    panel: str
    reason: str = ""

    def fits(self, shown: Shown) -> bool:
        board, panel = shown.dashboard, shown.panel
        return _named(self.dashboard, (board.uid, board.title)) and _named(
            self.panel, (str(panel.id), shown.key, shown.title, panel.title)
        )

    def __str__(self) -> str:
        return f"{self.panel!r} of dashboard {self.dashboard!r}"


def _named(pattern: str, names: Iterable[str]) -> bool:
    return any(name and (name == pattern or fnmatch.fnmatchcase(name, pattern)) for name in names)


def allowances(items: Sequence[Mapping[str, Any]]) -> list[Allowance]:
    """Read option C(allowed_empty)."""
    return [
        Allowance(str(item.get("dashboard") or "*"), str(item["panel"]), str(item.get("reason") or ""))
        for item in items
    ]


def unused(allowed: Sequence[Allowance], panels: Sequence[Shown]) -> list[str]:
    """A sentence for each allowance that is about no panel at all."""
    return [
        f"allowed_empty: no panel is {item}; the allowance can go, or its name is not right."
        for item in allowed
        if not any(item.fits(shown) for shown in panels)
    ]


def names_of(panels: Sequence[Shown]) -> dict[tuple[str, str, str], str]:
    """A name for each panel that no other has: with its row, and with its id where that is not enough."""
    plain = {_identity(shown): _plain_name(shown) for shown in panels}
    often = Counter(plain.values())
    with_id = {identity: name if often[name] == 1 else f"{name} (id {identity[2]})" for identity, name in plain.items()}
    often = Counter(with_id.values())
    return {identity: name if often[name] == 1 else f"{name} in {identity[0]}" for identity, name in with_id.items()}


def identity_of(shown: Shown) -> tuple[str, str, str]:
    """What tells a panel from all others."""
    return _identity(shown)


def _identity(shown: Shown) -> tuple[str, str, str]:
    return shown.dashboard.source, shown.dashboard.uid, shown.key


def _plain_name(shown: Shown) -> str:
    row = f"{shown.row} / " if shown.row else ""
    return f"panel {row}{shown.title or f'without a title, id {shown.panel.id}'} of {shown.dashboard.name}"


def event_metrics(shown: Shown, patterns: Sequence[str]) -> set[str]:
    """The metrics of events that a panel asks for, by patterns for their names."""
    return {name for query in shown.queries if query.answer for name in _event_metrics(query, patterns)}


def _event_metrics(query: Query, patterns: Sequence[str]) -> list[str]:
    names = dict.fromkeys(selector.metric for selector in selectors(query.expr) if selector.metric)
    return [name for name in names if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]


def awaited(shown: Shown, patterns: Sequence[str], absent: Collection[str]) -> list[str]:
    """The metrics for whose first event an empty panel waits; none where a query of it waits for nothing."""
    if shown.outcome != EMPTY or not patterns:
        return []
    waiting = [
        [name for name in _event_metrics(query, patterns) if name in absent] for query in shown.queries if query.answer
    ]
    return list(dict.fromkeys(name for names in waiting for name in names)) if all(waiting) else []


def panel_check(
    shown: Shown,
    name: str,
    allowed: Sequence[Allowance],
    reasons: Mapping[int, Reason],
    command: Callable[[str], str],
    waits_for: Sequence[str] = (),
) -> ExplainedCheck:
    """The check of one panel.

    :param waits_for: metrics for whose first event it waits, without which it cannot have data.
    :param reasons: why queries are empty, by their place among the panel's queries.
    :param command: what to type to ask for an expression by hand.
    """
    subject = f"{shown.dashboard.uid or shown.dashboard.name}/{shown.key}"
    outcome = shown.outcome
    if outcome == SKIPPED:
        why = shown.skipped or "; ".join(dict.fromkeys(query.skipped for query in shown.queries)) or "not asked yet"
        return ExplainedCheck(name, None, EXPECTED, SKIPPED, f"Not checked: {why}.", subject=subject)
    asked = [query for query in shown.queries if query.answer is not None]
    if outcome == DATA:
        number = sum(query.answer.found for query in asked if query.answer is not None)
        return ExplainedCheck(
            name, True, EXPECTED, count_text(number, "series", "series"), _partly(asked), subject=subject
        )
    if outcome == ERROR:
        wrong = [query for query in asked if query.answer is not None and query.answer.outcome == ERROR]
        detail, first = _error_text(wrong), wrong[0]
        cause = first.answer.cause if first.answer is not None else ""
        return ExplainedCheck(name, False, EXPECTED, ERROR, detail, cause, command(first.expr), subject)
    allowance = next((item for item in allowed if item.fits(shown)), None)
    detail = _empty_text({index: query for index, query in enumerate(shown.queries) if query.answer}, reasons)
    reason = next((reasons[index] for index in sorted(reasons)), None)
    cause = reason.cause if reason else "no_data"
    look_at = command(reason.look_at if reason else asked[0].expr)
    if allowance is not None:
        why = f"Allowed to be empty: {allowance.reason.rstrip('.')}. " if allowance.reason else "Allowed to be empty. "
        return ExplainedCheck(name, None, EXPECTED, "no data", why + detail, cause, look_at, subject)
    if waits_for:
        text = f"Not due: {listing(waits_for)} has no series before the first event that it counts, and there was none."
        return ExplainedCheck(name, None, EXPECTED, "no data", text, "not_due", look_at, subject)
    return ExplainedCheck(name, False, EXPECTED, "no data", detail, cause, look_at, subject)


def _partly(asked: Sequence[Query]) -> str:
    silent = [query.ref for query in asked if query.answer is not None and query.answer.outcome == EMPTY]
    said = [query.answer.detail for query in asked if query.answer is not None and query.answer.outcome == DATA]
    sentences = [f"Without data: {count_text(len(silent), 'query', 'queries')} {', '.join(silent)}."] if silent else []
    return " ".join([*sentences, *(text for text in dict.fromkeys(said) if text)])


def _error_text(queries: Sequence[Query]) -> str:
    """What is wrong with them; those that failed alike in one sentence, with the expression of the first."""
    said: dict[str, list[Query]] = {}
    for query in queries:
        detail = query.answer.detail if query.answer is not None else ""
        if query.unknown:
            detail = f"{detail} The dashboard has no variable {', '.join(query.unknown)}."
        said.setdefault(detail, []).append(query)
    return " ".join(f"{_refs(alike)} ({_shortened(alike[0].expr)}): {why}" for why, alike in said.items())


def _empty_text(queries: Mapping[int, Query], reasons: Mapping[int, Reason]) -> str:
    """Why they are empty; those with the same reason in one sentence, with the expression of the first."""
    said: dict[str, list[Query]] = {}
    for index, query in queries.items():
        detail = query.answer.detail if query.answer is not None else ""
        said.setdefault(reasons[index].text if index in reasons else detail, []).append(query)
    return " ".join(f"{_refs(alike)} ({_shortened(alike[0].expr)}): {why}" for why, alike in said.items())


def _refs(queries: Sequence[Query]) -> str:
    refs = list(dict.fromkeys(query.ref for query in queries))
    return f"Query {refs[0]}" if len(refs) == 1 else f"Queries {', '.join(refs)}"


def _shortened(expr: str) -> str:
    text = " ".join(expr.split())
    return text if len(text) <= _SHOWN_EXPR else f"{text[:_SHOWN_EXPR]}..."


def dashboard_check(dashboard: Dashboard, panels: Sequence[Shown]) -> ExplainedCheck | None:
    """A check about the dashboard as a whole, where there is something to say: it cannot be read, or has no panels."""
    name = f"dashboard {dashboard.name}"
    if dashboard.skipped:
        return ExplainedCheck(
            name, None, "panels", SKIPPED, f"Not checked: {dashboard.skipped}.", subject=dashboard.name
        )
    if dashboard.problem:
        detail = f"{dashboard.source}: {dashboard.problem}."
        return ExplainedCheck(name, False, "panels", "none", detail, dashboard.cause, "", dashboard.name)
    if not panels:
        detail = f"{dashboard.source} has no panels."
        return ExplainedCheck(name, False, "panels", "none", detail, "no_panels", "", dashboard.name)
    return None


def missing_check(missing: Missing) -> ExplainedCheck:
    """A source without a dashboard: nothing was looked at there, which is no pass."""
    text = missing.text[:1].upper() + missing.text[1:]
    return ExplainedCheck("dashboards", False, "at least 1", "none", f"{text}.", "no_dashboards", missing.command)


def variable_checks(dashboard: Dashboard, variables: Mapping[str, Resolved]) -> list[ExplainedCheck]:
    """A failed check for each variable whose query could not be asked. One without values shows in the panels."""
    return [
        ExplainedCheck(
            f"variable {name} of {dashboard.name}",
            False,
            "values",
            ERROR,
            f"{item.problem.rstrip('.')}.",
            "variable_error",
            "",
            f"{dashboard.uid or dashboard.name}/{name}",
        )
        for name, item in variables.items()
        if item.failed
    ]


def summary(
    dashboard: Dashboard,
    panels: Sequence[Shown],
    variables: Mapping[str, Resolved],
    allowed: Sequence[Allowance],
) -> dict[str, Any]:
    """The counts of one dashboard."""
    outcomes = Counter(
        ALLOWED if shown.outcome == EMPTY and any(item.fits(shown) for item in allowed) else shown.outcome
        for shown in panels
    )
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "source": dashboard.source,
        "panels": len(panels),
        "queries": sum(query.answer is not None for shown in panels for query in shown.queries),
        **{outcome: outcomes.get(outcome, 0) for outcome in (DATA, EMPTY, ALLOWED, ERROR, SKIPPED)},
        "variables": [item.as_dict() for item in variables.values()],
    }
