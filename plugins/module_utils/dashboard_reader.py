# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at dashboards: fill in their variables, ask every query once, and judge the panels by the answers."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.checks import Check
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_checks import (
    Allowance,
    awaited,
    dashboard_check,
    event_metrics,
    identity_of,
    missing_check,
    names_of,
    panel_check,
    summary,
    unused,
    variable_checks,
)
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_model import Dashboard
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_panels import (
    DATA,
    EMPTY,
    ERROR,
    SKIPPED,
    Answer,
    Query,
    Question,
    Shown,
    instant_answer,
    range_answer,
    show,
)
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_plots import plots
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_reasons import (
    Reason,
    Reasons,
    reason_or_nothing,
)
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_sources import Found
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_time import (
    DEFAULT_SCRAPE_INTERVAL,
    Window,
    builtin_values,
    duration_text,
    seconds_of,
    window,
)
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_variables import (
    MAX_OPTIONS,
    Context,
    Resolved,
    resolve,
)
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.explained import ExplainedCheck, poll_of
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import PrometheusClient
from ansible_collections.argolab.observability.plugins.module_utils.promql import selector_text
from ansible_collections.argolab.observability.plugins.module_utils.waiter import Poll

# Prometheus answers 20 queries at a time by default (--query.max-concurrency); others want to ask as well.
THREADS = 8
# Series of one answer; Prometheus before 3.0 knows no limit and gives all.
MAX_SERIES = 500
# More than any set of dashboards that people look at.
MAX_QUESTIONS = 5000
# Empty queries whose reason is looked for; each costs a few requests.
MAX_EXPLAINED = 200

# What Prometheus says about a query, without what every other message also begins with.
_VERDICT = re.compile(r"(?:bad_data|execution): .*|the expression .* gives a \w+;.*", re.DOTALL)


@dataclass(frozen=True)
class Settings:
    """What is asked for.

    :param span: seconds that every dashboard shows.
    :param scrape_interval: seconds; V(None) asks Grafana, then Prometheus.
    :param event_metrics: patterns for metrics that have no series before something happened.
    """

    span: float
    scrape_interval: float | None = None
    allowed: Sequence[Allowance] = ()
    event_metrics: Sequence[str] = ()


@dataclass(frozen=True)
class Board:
    """A dashboard with what it shows now."""

    dashboard: Dashboard
    variables: Mapping[str, Resolved] = field(default_factory=dict)
    panels: Sequence[Shown] = ()

    @property
    def settled(self) -> bool:
        """Nothing about it can get better."""
        return not any(item.failed for item in self.variables.values()) and all(
            shown.outcome in (DATA, SKIPPED) for shown in self.panels
        )


class DashboardReader:
    """Looks at the dashboards again each time poll() is called; what had data is not asked again."""

    def __init__(
        self,
        prometheus: PrometheusClient,
        read: Callable[[], Found],
        settings: Settings,
    ) -> None:
        self._prometheus = prometheus
        self._read = read
        self._settings = settings
        self._found = Found()
        self._look: Window | None = None
        self._boards: list[Board] = []
        self._answers: dict[Question, Answer] = {}
        self._details: dict[tuple[str, str, str], str] = {}
        # metrics of events of which none has happened
        self._absent: set[str] = set()

    def poll(self) -> Poll:
        """One look: a check per panel, and one per dashboard or variable that is broken."""
        # also finds out whether Prometheus answers at all, before hundreds of queries fail one by one
        now = self._now()
        if not self._found.complete:
            self._found, self._boards = self._read(), []
        if self._look is None:
            self._look = window(now, self._settings.span, self._scrape_interval())
        else:
            self._look = self._look.later(now)
        with self._threads() as pool:
            self._refresh(pool, self._look)
            self._absent = self._without_events(pool, self._look)
        return poll_of(self._checks(), self)

    def explain(self, checks: Sequence[Check]) -> Sequence[Check]:
        """The same checks with the reasons for what is empty."""
        if self._look is None or not self._boards:
            return checks
        empty = [
            [query for query in shown.queries if query.answer is not None]
            for board in self._boards
            for shown in board.panels
            if shown.outcome == EMPTY
        ]
        reasons = Reasons(self._prometheus, self._look)
        # the first query of every panel before the second of any
        ordered = [query for row in itertools.zip_longest(*empty) for query in row if query is not None]
        unique = list({_key(query): query for query in ordered}.values())[:MAX_EXPLAINED]
        with self._threads() as pool:
            found = list(pool.map(lambda query: reason_or_nothing(reasons, query), unique))
        explained = self._panel_checks({_key(query): reason for query, reason in zip(unique, found)})
        return [explained.get(check.name, check) for check in checks]

    def result(self) -> dict[str, Any]:
        """The module's own return values."""
        panels = [shown for board in self._boards for shown in board.panels]
        found: dict[str, Any] = {
            "dashboards": [
                summary(board.dashboard, board.panels, board.variables, self._settings.allowed)
                for board in self._boards
            ],
            "hints": unused(self._settings.allowed, panels) if self._boards else [],
        }
        if self._look:
            found["range"] = {
                "start": round(self._look.start, 3),
                "end": round(self._look.end, 3),
                "step": self._look.step,
                "scrape_interval": self._look.scrape_interval,
            }
        return found

    def plots(self) -> dict[str, Any] | None:
        """What the panels showed, for a plot file; V(None) where nothing could be looked at."""
        if self._look is None:
            return None
        return plots(self._look, [(board.dashboard, board.panels) for board in self._boards], self._details)

    @contextlib.contextmanager
    def _threads(self) -> Iterator[ThreadPoolExecutor]:
        """Threads that ask at the same time, each over a connection that stays open as long as they do."""
        with self._prometheus.connections(THREADS, threads=THREADS), ThreadPoolExecutor(THREADS) as pool:
            yield pool

    def _now(self) -> float:
        """The time by Prometheus's own clock."""
        samples = self._prometheus.query("time()").samples
        if not samples:
            raise DefiniteError(f"{self._prometheus.name} does not say what time it is; is it a Prometheus?")
        return samples[0].number

    def _scrape_interval(self) -> float:
        """As the option says, else Grafana's data source, else Prometheus's own configuration."""
        known = self._settings.scrape_interval or self._found.scrape_interval
        if known:
            return known
        try:
            text = self._prometheus.configuration()
        except ArgolabError:
            return DEFAULT_SCRAPE_INTERVAL
        match = re.search(r"^global:\n(?:[ \t]+.*\n)*?[ \t]+scrape_interval: (\S+)", text, re.MULTILINE)
        return (seconds_of(match[1]) if match else None) or DEFAULT_SCRAPE_INTERVAL

    def _refresh(self, pool: ThreadPoolExecutor, look: Window) -> None:
        before = self._boards or [Board(dashboard) for dashboard in self._found.dashboards]
        first = not self._boards
        lookup = CachedLookup(self._prometheus, look)

        def resolved(board: Board) -> Board:
            if board.settled and not first:
                return board
            context = Context(builtin_values(look, board.dashboard.title), look.span, self._found.options, lookup)
            variables = resolve(board.dashboard.variables, context)
            return Board(board.dashboard, variables, show(board.dashboard, variables, look))

        boards = list(pool.map(resolved, before))
        questions = dict.fromkeys(
            query.question for board in boards for shown in board.panels for query in shown.queries if not query.skipped
        )
        if len(questions) > MAX_QUESTIONS:
            raise DefiniteError(
                f"the dashboards have {len(questions)} queries, more than {MAX_QUESTIONS}; name fewer dashboards."
            )
        open_still = [item for item in questions if self._answers.get(item, Answer(EMPTY)).outcome != DATA]
        self._answers.update(zip(open_still, pool.map(lambda item: self._ask(item, look), open_still)))
        self._boards = [
            replace(board, panels=[_answered(shown, self._answers) for shown in board.panels]) for board in boards
        ]

    def _without_events(self, pool: ThreadPoolExecutor, look: Window) -> set[str]:
        """Of the metrics of events that empty panels ask for, those without any series in the time that is shown."""
        shown = [shown for board in self._boards for shown in board.panels if shown.outcome == EMPTY]
        names = sorted(set().union(*(event_metrics(item, self._settings.event_metrics) for item in shown)))

        def is_absent(name: str) -> bool:
            expr = f"count(last_over_time({selector_text(name, ())}[{duration_text(look.span)}]))"
            return not self._prometheus.query(expr, look.end).samples

        return {name for name, absent in zip(names, pool.map(is_absent, names)) if absent}

    def _ask(self, question: Question, look: Window) -> Answer:
        """The answer to one question; whatever goes wrong belongs to this question only."""
        try:
            answer = self._once(question, look, MAX_SERIES)
            if answer.outcome == EMPTY and answer.total >= MAX_SERIES:
                # what was cut off may hold the only number
                answer = self._once(question, look, 0)
        except ArgolabError as error:
            said = _VERDICT.search(str(error))
            return (
                Answer(ERROR, said[0], cause="query_error")
                if said
                else Answer(ERROR, str(error), cause="could_not_check")
            )
        return answer

    def _once(self, question: Question, look: Window, limit: int) -> Answer:
        mode, expr = question
        if mode == "instant":
            return instant_answer(self._prometheus.query(expr, look.end, limit))
        return range_answer(self._prometheus.query_range(expr, look.start, look.end, look.step, limit))

    def _checks(self) -> list[ExplainedCheck]:
        checks = [missing_check(item) for item in self._found.missing]
        panels = self._panel_checks({})
        for board in self._boards:
            whole = dashboard_check(board.dashboard, board.panels)
            checks += [whole] if whole else []
            checks += variable_checks(board.dashboard, board.variables)
        return [*checks, *panels.values()]

    def _panel_checks(self, reasons: Mapping[tuple[str, ...], Reason]) -> dict[str, ExplainedCheck]:
        """The check of each panel by its name, which no other has."""
        panels = [shown for board in self._boards for shown in board.panels]
        names = names_of(panels)
        checks: dict[str, ExplainedCheck] = {}
        for shown in panels:
            own = {
                index: reasons[_key(query)]
                for index, query in enumerate(shown.queries)
                if query.answer is not None and _key(query) in reasons
            }
            identity = identity_of(shown)
            name = names[identity]
            waits_for = awaited(shown, self._settings.event_metrics, self._absent)
            checks[name] = panel_check(shown, name, self._settings.allowed, own, self._prometheus.command, waits_for)
            self._details[identity] = checks[name].detail
        return checks


def _key(query: Query) -> tuple[str, ...]:
    """What a reason depends on: the variables in the expression, their values, and the time."""
    return query.mode, query.raw, query.expr


class CachedLookup:
    """What variables ask, each question once in a look at all dashboards."""

    def __init__(self, prometheus: PrometheusClient, look: Window) -> None:
        self._prometheus = prometheus
        self._look = look
        self._known: dict[tuple[str, ...], list[str] | ArgolabError] = {}

    def label_names(self, match: str) -> list[str]:
        look = self._look
        return self._cached(("names", match), lambda: self._prometheus.label_names(match, look.start, look.end))

    def label_values(self, label: str, match: str) -> list[str]:
        look = self._look
        return self._cached(
            ("values", label, match),
            lambda: self._prometheus.label_values(label, match, look.start, look.end, MAX_OPTIONS),
        )

    def result(self, expr: str) -> list[str]:
        def ask() -> list[str]:
            samples = self._prometheus.query(expr, self._look.end, MAX_OPTIONS).samples
            return [
                f"{_series_name(sample.labels)} {sample.value} {round(sample.time * 1000)}".strip()
                for sample in samples
            ]

        return self._cached(("result", expr), ask)

    def series(self, match: str) -> list[str]:
        look = self._look

        def ask() -> list[str]:
            return [_series_name(item) for item in self._prometheus.series(match, look.start, look.end, MAX_OPTIONS)]

        return self._cached(("series", match), ask)

    def _cached(self, key: tuple[str, ...], ask: Callable[[], list[str]]) -> list[str]:
        if key not in self._known:
            try:
                self._known[key] = ask()
            except ArgolabError as error:
                self._known[key] = error
        found = self._known[key]
        if isinstance(found, ArgolabError):
            raise found
        return found


def _series_name(labels: Mapping[str, str]) -> str:
    """A series as Grafana writes it for a variable's regular expression."""
    inner = ",".join(f'{key}="{value}"' for key, value in labels.items() if key != "__name__")
    return f"{labels.get('__name__', '')}{{{inner}}}"


def _answered(shown: Shown, answers: Mapping[Question, Answer]) -> Shown:
    queries: list[Query] = [
        query if query.skipped else replace(query, answer=answers.get(query.question)) for query in shown.queries
    ]
    return replace(shown, queries=queries)
