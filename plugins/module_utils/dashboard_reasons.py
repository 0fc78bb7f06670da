# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a query gives nothing, as far as Prometheus can tell: which selector finds no series, and by which label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.argolab.observability.plugins.module_utils.checks import count_text, listing, nearest
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_panels import Query
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_templating import names_in
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_time import Window, duration_text
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import PrometheusClient
from ansible_collections.argolab.observability.plugins.module_utils.promql import (
    Matcher,
    Selector,
    alternatives,
    filters,
    over_time,
    selector_text,
    selectors,
)

_SHOWN_VALUES = 6
_COMPARED_NAMES = 300
# A selector with more matchers than this is only looked at as a whole.
_MAX_MATCHERS = 20


@dataclass(frozen=True)
class Reason:
    """Why there is nothing.

    :param cause: short name, for programs.
    :param look_at: the expression to ask for next.
    """

    cause: str
    text: str
    look_at: str


class Reasons:
    """Finds reasons for one window of time, and asks each question once; several threads may ask at a time."""

    def __init__(self, prometheus: PrometheusClient, look: Window) -> None:
        self._prometheus = prometheus
        self._look = look
        self._counts: dict[str, float] = {}
        self._names: list[str] | None = None

    def why(self, query: Query) -> Reason:
        """The reason for an empty answer.

        :raises ArgolabError: Prometheus does not answer.
        """
        if query.answer is not None and query.answer.total:
            # series came, so that it does not matter which selector finds none
            return _without_result(query)
        found = selectors(query.expr)
        raw = selectors(query.raw)
        reasons: list[Reason] = []
        for index, selector in enumerate(found):
            # as long as both have the same selectors, those of the dashboard name the variables
            model = raw[index] if len(raw) == len(found) else None
            reason = self._without_series(selector, model, query)
            if reason is None:
                continue
            if not alternatives(query.expr):
                return reason
            reasons.append(reason)
        if len(reasons) < len(found) or not reasons:
            return _without_result(query)
        # of several ways to the same number, the one that exists here is the one that was meant
        return next((reason for reason in reasons if reason.cause != "metric_absent"), reasons[0])

    def _without_series(self, selector: Selector, model: Selector | None, query: Query) -> Reason | None:
        """Why the selector finds no series; V(None) where it finds some."""
        values = query.values
        now = query.mode == "instant"
        if self._count(selector.metric, selector.matchers, now):
            return None
        if selector.metric and not self._count(selector.metric, (), now):
            return self._absent(selector.metric, now)
        if not selector.matchers or len(selector.matchers) > _MAX_MATCHERS:
            return Reason("labels_match_nothing", f"{selector} finds no series.", str(selector))
        index = self._dead_end(selector, now)
        matcher, before = selector.matchers[index], selector.matchers[:index]
        own = model.matchers[index] if model and len(model.matchers) == len(selector.matchers) else None
        names = names_in(own.value) if own else []
        for name in names:
            if name in values and values[name].missing:
                return Reason("variable_empty", f"{values[name].missing}.", selector_text(selector.metric, before))
        return self._no_match(selector.metric, before, matcher, names, now)

    def _dead_end(self, selector: Selector, now: bool) -> int:
        """The first matcher with which, added to those before it, nothing is left."""
        for index in range(len(selector.matchers)):
            if not self._count(selector.metric, selector.matchers[: index + 1], now):
                return index
        return len(selector.matchers) - 1

    def _no_match(
        self, metric: str, before: Sequence[Matcher], matcher: Matcher, names: Sequence[str], now: bool
    ) -> Reason:
        rest = selector_text(metric, before)
        if metric or before:
            result = self._prometheus.query(
                f"group by ({matcher.label}) ({self._when(rest, now)})", limit=_COMPARED_NAMES
            )
            values = [sample.labels[matcher.label] for sample in result.samples if matcher.label in sample.labels]
            number = count_text(int(self._count(metric, before, now)), "series", "series")
            there = f"{rest} has {number}, "
            if values:
                there += f"where {matcher.label} is {listing(values, _SHOWN_VALUES)}"
            else:
                there += f"none of which has the label {matcher.label}"
        else:
            there = f"no series has {matcher}"
        chosen = f" (from variable {', '.join(names)})" if names else ""
        text = f"{matcher}{chosen} matches nothing: {there}."
        look_at = f"count by ({matcher.label}) ({rest})" if metric or before else str(matcher)
        return Reason("labels_match_nothing", text, look_at)

    def _absent(self, metric: str, now: bool) -> Reason:
        when = "now" if now else f"in the last {duration_text(self._look.span)}"
        text = f"metric {metric} does not exist {when}"
        if ":" in metric:
            return self._not_recorded(metric, text)
        known = self._metric_names()
        # the name of a family begins with the program that exports it
        first = metric.split("_")[0]
        family = [name for name in known if name.startswith(first)]
        close = nearest(metric, family[:_COMPARED_NAMES])
        if family:
            others = f"{count_text(len(family), 'other')} of {first} {'does' if len(family) == 1 else 'do'}"
            text += (
                f", though {others}: it is of another version or switched off, or it appears with the first event "
                "that it counts"
            )
        else:
            text += f", nor does any other whose name begins with {first}: what exports it is not scraped"
        text += f". The nearest name is {close}." if close else "."
        look_at = f'group by (__name__) ({{__name__=~"{first}.*"}})' if family else metric
        return Reason("metric_absent", text, look_at)

    def _not_recorded(self, metric: str, text: str) -> Reason:
        """By its name a rule records it; whether there is one, and what keeps it from it."""
        for group in self._prometheus.rules("record", [metric]):
            for rule in group["rules"]:
                if rule.get("name") != metric or rule.get("type", "recording") != "recording":
                    continue
                error = str(rule.get("lastError") or "")
                why = f"cannot be evaluated: {error.rstrip('.')}" if error else "gives nothing itself"
                text += f": the rule of group {group['name']} that records it {why}."
                return Reason("metric_absent", text, str(rule.get("query") or metric))
        return Reason("metric_absent", f"{text}: by its name a rule records it, but none that does is loaded.", metric)

    def _metric_names(self) -> list[str]:
        if self._names is None:
            self._names = self._prometheus.label_values("__name__", "", self._look.start, self._look.end)
        return self._names

    def _count(self, metric: str, matchers: Sequence[Matcher], now: bool) -> float:
        """How many series a selector finds now, or found within the window."""
        selector = selector_text(metric, matchers)
        expr = f"count({self._when(selector, now)})"
        if expr not in self._counts:
            result = self._prometheus.query(expr)
            self._counts[expr] = result.samples[0].number if result.samples else 0.0
        return self._counts[expr]

    def _when(self, selector: str, now: bool) -> str:
        return selector if now else f"last_over_time({selector}[{duration_text(self._look.span)}])"


def _without_result(query: Query) -> Reason:
    """Every selector finds series, and yet nothing comes of them."""
    answer = query.answer
    if answer is not None and answer.total and not answer.found:
        text = (
            "there are series, but every sample is NaN: zero divided by zero, as in a ratio or a quantile of what has "
            "not happened."
        )
        return Reason("no_traffic", text, query.expr)
    if filters(query.expr):
        cause = "no_traffic" if over_time(query.expr) else "nothing_left"
        text = (
            "every selector finds series, but a comparison leaves none of them, or the two sides of an operator have "
            "no labels in common."
        )
        return Reason(cause, text, query.expr)
    if over_time(query.expr):
        text = (
            "the series are there, but no window of the expression holds two samples of one: they are younger than "
            "that, or the window is shorter than two scrape intervals."
        )
        return Reason("too_few_samples", text, query.expr)
    return Reason("nothing_left", "every selector finds series, but the expression gives none.", query.expr)


def reason_or_nothing(reasons: Reasons, query: Query) -> Reason:
    """The reason, or that none could be found out."""
    try:
        return reasons.why(query)
    except ArgolabError as error:
        return Reason("unknown", f"why could not be found out: {error}", query.expr)
