# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The panels of a dashboard with their variables filled in, what was asked for them, and what came of it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Tuple

from ansible_collections.argolab.observability.plugins.module_utils.dashboard_model import Dashboard, Panel, Target
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_templating import (
    Used,
    Value,
    prometheus_text,
    replace,
)
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_time import (
    Window,
    builtin_values,
    interval_of,
    interval_values,
)
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_variables import Resolved, scoped
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import QueryResult
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_series import RangeResult, Series
from ansible_collections.argolab.observability.plugins.module_utils.promql import Matcher, with_matchers

DATA, EMPTY, ERROR, SKIPPED = "data", "empty", "error", "skipped"
KEPT_SERIES = 20
# Of a panel that is repeated for each value of a variable, so many copies are asked for.
MAX_COPIES = 30

Question = Tuple[str, str]
"""How to ask, V(range) or V(instant), and the expression."""


@dataclass(frozen=True)
class Answer:
    """What Prometheus said to a question.

    :param series: at most V(KEPT_SERIES), those with a number first.
    :param found: how many series have one.
    :param total: how many series came at all.
    :param cause: of an error: V(query_error) where Prometheus refused the query, V(could_not_check) where it could
        not be asked.
    """

    outcome: str
    detail: str = ""
    series: Sequence[Series] = ()
    found: int = 0
    total: int = 0
    cause: str = ""


@dataclass(frozen=True)
class Query:
    """One query of a panel as it is asked.

    :param raw: the expression as the dashboard has it.
    :param unknown: variables in it that the dashboard does not have.
    :param answer: V(None) until it was asked, and for good where it is skipped.
    """

    ref: str
    expr: str
    raw: str
    mode: str
    legend: str
    values: Mapping[str, Value] = field(default_factory=dict)
    unknown: Sequence[str] = ()
    skipped: str = ""
    answer: Answer | None = None

    @property
    def question(self) -> Question:
        return self.mode, self.expr


@dataclass(frozen=True)
class Shown:
    """A panel as it is shown: one copy of it where it is repeated.

    :param key: tells apart all panels of a dashboard, those with the same id as well.
    :param skipped: why it cannot be checked; empty where it can.
    """

    dashboard: Dashboard
    panel: Panel
    key: str
    title: str
    row: str
    queries: Sequence[Query] = ()
    skipped: str = ""

    @property
    def outcome(self) -> str:
        """An error counts more than data: a panel with half of its queries broken is broken."""
        answers = [query.answer for query in self.queries if query.answer is not None]
        outcomes = [answer.outcome for answer in answers]
        if self.skipped or not answers:
            return SKIPPED
        return ERROR if ERROR in outcomes else DATA if DATA in outcomes else EMPTY


def show(dashboard: Dashboard, variables: Mapping[str, Resolved], look: Window) -> list[Shown]:
    """Every panel of the dashboard, repeated ones once for each value, with their queries ready to be asked."""
    values = {**builtin_values(look, dashboard.title), **{name: item.value for name, item in variables.items()}}
    filters = [matcher for item in dashboard.variables for matcher in ad_hoc_matchers(item)]
    seen: dict[int, int] = {}
    found: list[Shown] = []
    for panel in dashboard.panels:
        seen[panel.id] = seen.get(panel.id, 0) + 1
        key = f"{panel.id}" if seen[panel.id] == 1 else f"{panel.id}~{seen[panel.id]}"
        copies = itertools.islice(_copies(panel, values), MAX_COPIES + 1)
        for number, (suffix, own) in enumerate(copies):
            title = replace(panel.title, own, _shown)
            row = replace(panel.row, own, _shown)
            if number == MAX_COPIES:
                reason = f"only the first {MAX_COPIES} copies of a repeated panel are checked"
                found.append(Shown(dashboard, panel, f"{key} and more", f"{title} and more", row, (), reason))
                continue
            queries = [query for target in panel.targets for query in _queries(target, panel, own, look, filters)]
            found.append(Shown(dashboard, panel, key + suffix, title, row, queries, panel.skipped))
    return found


def _shown(_name: str, value: Value) -> str:
    return value.text


def _copies(panel: Panel, values: Mapping[str, Value]) -> Iterator[tuple[str, Mapping[str, Value]]]:
    """What tells each copy apart, and the variables in it."""
    names = [name for name in panel.repeats if name in values and values[name].values and not values[name].missing]
    if not names:
        yield "", values
        return
    for chosen in itertools.product(*(values[name].values for name in names)):
        own = {name: scoped(values[name], one, one) for name, one in zip(names, chosen)}
        suffix = ",".join(f"{name}={one}" for name, one in zip(names, chosen))
        yield f"[{suffix}]", {**values, **own}


def _queries(
    target: Target, panel: Panel, values: Mapping[str, Value], look: Window, filters: Sequence[Matcher]
) -> list[Query]:
    if target.skipped or panel.skipped:
        reason = target.skipped or panel.skipped
        return [Query(target.ref, target.expr, target.expr, mode, target.legend, skipped=reason)
                for mode in target.modes]  # fmt: skip
    minimum, of_panel = replace(target.minimum, values), replace(panel.minimum, values)
    own = {**values, **interval_values(*interval_of(look, minimum, of_panel, target.factor))}
    used = Used()
    expr = with_matchers(replace(target.expr, own, prometheus_text, used), filters)
    mine = {name: own[name] for name in used.known}
    legend = replace(target.legend, own, _shown)
    return [
        Query(target.ref, expr, target.expr, mode, legend, mine, tuple(dict.fromkeys(used.unknown)))
        for mode in target.modes
    ]


def ad_hoc_matchers(variable: Mapping[str, object]) -> list[Matcher]:
    """The saved filters of an ad hoc variable, which Grafana adds to every selector."""
    listed = variable.get("filters")
    if variable.get("type") != "adhoc" or not isinstance(listed, list):
        return []
    return [
        Matcher(str(item["key"]), str(item["operator"]), str(item["value"]))
        for item in listed
        if isinstance(item, Mapping)
        and item.get("operator") in ("=", "!=", "=~", "!~")
        and isinstance(item.get("key"), str)
        and item["key"].isidentifier()
        and isinstance(item.get("value"), str)
    ]


def range_answer(result: RangeResult) -> Answer:
    """The answer to a range query."""
    return _answer(result.series, result.warnings)


def instant_answer(result: QueryResult) -> Answer:
    """The answer to an instant query, each sample as a series of one point."""
    series = [Series(sample.labels, [(sample.time, sample.number)]) for sample in result.samples]
    return _answer(series, result.warnings)


def _answer(series: Sequence[Series], warnings: Sequence[str]) -> Answer:
    live: list[Series] = []
    dead: list[Series] = []
    for item in series:
        (live if any(not math.isnan(value) for _moment, value in item.points) else dead).append(item)
    kept = [*live, *dead][:KEPT_SERIES]
    said = "".join(f" Prometheus warns: {warning}." for warning in warnings)
    if live:
        return Answer(DATA, said.strip(), kept, len(live), len(series))
    detail = f"{len(series)} series, and every sample is NaN." if series else "No series."
    return Answer(EMPTY, detail + said, kept, 0, len(series))
