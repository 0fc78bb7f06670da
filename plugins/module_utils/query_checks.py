# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is expected of the answers to PromQL queries, and whether it holds; everything but the polling is pure."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.checks import Check, count_text, listing
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError, TransientError
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import (
    PrometheusClient,
    QueryResult,
    Sample,
)
from ansible_collections.argolab.observability.plugins.module_utils.waiter import Poll

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
SHOWN_SERIES = 3
RETURNED_SERIES = 100
NO_SERIES = (
    "Likeliest cause: the metric is not scraped (yet), nothing has incremented it so far, "
    "or a label selector matches nothing."
)
_QUOTED = r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`'
_MATCHER = rf"[^{{}}\"'`]|{_QUOTED}"
SELECTOR = re.compile(rf"[a-zA-Z_:][a-zA-Z0-9_:]*\s*(?:\{{(?:{_MATCHER})*\}})?|\{{(?:{_MATCHER})+\}}")
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True)
class Comparison:
    """Such as V(>= 1)."""

    symbol: str
    number: float

    def __str__(self) -> str:
        return f"{self.symbol} {self.number:g}"

    def holds(self, value: float) -> bool:
        # NaN is the answer of a division by nothing; it proves nothing, not even an inequality
        return not math.isnan(value) and COMPARISONS[self.symbol](value, self.number)


@dataclass(frozen=True)
class QueryExpectation:
    name: str
    expr: str
    min_series: int = 1
    max_series: int | None = None
    value: Comparison | None = None
    required_when: str = ""
    max_age: float | None = None
    labels: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        if self.max_series == 0:
            return "no series"
        more = [f"each value {self.value}"] if self.value else []
        more += [f"each with {listing(self.labels)}"] if self.labels else []
        more += [f"none older than {self.max_age:g} s"] if self.max_age is not None else []
        if self.max_series is None:
            number = f"at least {self.min_series} series"
        elif self.max_series == self.min_series:
            number = f"exactly {self.min_series} series"
        else:
            number = f"{self.min_series} to {self.max_series} series"
        return ", ".join([number, *more])

    @property
    def age_expr(self) -> str:
        """Gives the seconds since each series was last scraped."""
        return f"time() - timestamp({self.expr})"


def parse_comparison(text: str, here: str) -> Comparison:
    match = re.fullmatch(r"\s*(==|!=|>=|<=|>|<)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*", text)
    if not match:
        raise DefiniteError(
            f"{here}: value {text!r} is not a comparison with a number; write for example '>= 1' or '== 0'."
        )
    return Comparison(match[1], float(match[2]))


def query_expectations(items: Sequence[Mapping[str, Any]] | None) -> list[QueryExpectation]:
    """Read option C(queries); refuse what can never hold or would check nothing."""
    if not items:
        raise DefiniteError("queries is empty, so nothing would be checked; give at least one with name and expr.")
    found: list[QueryExpectation] = []
    for index, item in enumerate(items):
        here = f"queries[{index}]"
        name, expr = (item.get("name") or "").strip(), (item.get("expr") or "").strip()
        if not expr:
            raise DefiniteError(f"{here} has no expr; give a PromQL expression such as up == 1.")
        name = name or expr
        least, most, value = item.get("min_series"), item.get("max_series"), item.get("value")
        least = (0 if most == 0 else 1) if least is None else least
        if least < 0 or (most is not None and most < 0):
            raise DefiniteError(f"{here}: min_series and max_series are numbers of series, 0 or more.")
        if most is not None and least > most:
            raise DefiniteError(f"{here}: min_series is {least} and max_series is {most}; no answer can satisfy both.")
        labels, age = tuple(item.get("labels") or ()), item.get("max_age")
        if most is None and least == 0 and not value and not labels and age is None:
            raise DefiniteError(
                f"{here}: min_series 0 without max_series, value, labels and max_age is always true; "
                "it would check nothing."
            )
        _refuse_impossible(here, expr, most, labels, age)
        if name in (other.name for other in found):
            raise DefiniteError(f"{here}: the name {name!r} is used twice; checks are told apart by their names.")
        comparison = parse_comparison(value, here) if value else None
        required_when = (item.get("required_when") or "").strip()
        found.append(QueryExpectation(name, expr, least, most, comparison, required_when, age, labels))
    return found


def _refuse_impossible(here: str, expr: str, most: int | None, labels: Sequence[str], age: float | None) -> None:
    """What max_age and labels cannot mean."""
    for label in labels:
        if not LABEL_NAME.fullmatch(str(label)):
            raise DefiniteError(f"{here}: labels holds {label!r}, which is not the name of a label, such as namespace.")
    if age is not None and not 0 < age < float("inf"):
        raise DefiniteError(f"{here}: max_age is {age:g}; it is a number of seconds greater than 0.")
    if most == 0 and (labels or age is not None):
        raise DefiniteError(f"{here}: max_series 0 expects no series, so labels and max_age have nothing to check.")
    if age is not None and not SELECTOR.fullmatch(expr):
        raise DefiniteError(
            f"{here}: max_age needs an expr that is one metric, such as up{{job=\"argocd\"}}; the result of a function "
            "or an operator carries the time of the query and is never old."
        )


def series_text(sample: Sample) -> str:
    name = sample.labels.get("__name__", "")
    labels = ", ".join(f'{key}="{value}"' for key, value in sorted(sample.labels.items()) if key != "__name__")
    return f"{name}{{{labels}}} = {sample.value}" if name or labels else sample.value


def check_query(expectation: QueryExpectation, result: QueryResult, ages: Sequence[Sample] = ()) -> Check:
    """Compare one expectation with the answer, and with the ages of its series where they were asked for."""
    samples = result.samples
    number = len(samples)
    count_ok = number >= expectation.min_series and (expectation.max_series is None or number <= expectation.max_series)
    comparison, most = expectation.value, expectation.max_age
    wrong = [sample for sample in samples if comparison and not comparison.holds(sample.number)]
    # a label that is empty is one that is not there
    bare = [sample for sample in samples if any(not sample.labels.get(label) for label in expectation.labels)]
    missing = [label for label in expectation.labels if any(not sample.labels.get(label) for sample in bare)]
    # "not <=": an age that is no number proves nothing
    old = [sample for sample in ages if most is not None and not sample.number <= most]
    unknown = most is not None and len(ages) < number
    observed = count_text(number, "series", "series")
    if wrong:
        observed += f", {len(wrong)} of them not {comparison}"
    if bare:
        observed += f", {len(bare)} of them without {listing(missing)}"
    if old:
        observed += f", {len(old)} of them older, the oldest {max(sample.number for sample in old):.0f} s"
    elif unknown:
        observed += ", of unknown age"
    ok = count_ok and not wrong and not bare and not old and not unknown
    shown = wrong or bare or ([] if ok or old or unknown else list(samples))
    sentences = [f"Expression: {expectation.expr}."]
    if shown:
        sentences.append("; ".join(series_text(sample) for sample in shown[:SHOWN_SERIES]) + ".")
        if len(shown) > SHOWN_SERIES:
            sentences.append(f"And {len(shown) - SHOWN_SERIES} more.")
    elif not number and expectation.min_series:
        sentences.append(NO_SERIES)
    if old:
        oldest = "; ".join(series_text(sample) for sample in old[:SHOWN_SERIES])
        sentences.append(f"Seconds since the last scrape: {oldest}.")
    sentences += [f"Prometheus warns: {warning}." for warning in result.warnings]
    return Check(f"query {expectation.name}", ok, expectation.expected, observed, " ".join(sentences))


def not_due(check: Check, condition: str) -> Check:
    """The same check where its condition gives no series: nothing has happened yet that it could have seen."""
    seen = check.detail.replace(NO_SERIES, "").strip()
    detail = f"Not due: {condition} has no series, so nothing has happened yet that would show here. {seen}"
    return Check(check.name, None, check.expected, check.observed, detail)


def result_summary(expectation: QueryExpectation, result: QueryResult) -> dict[str, Any]:
    """One query's answer as the module returns it."""
    return {
        "name": expectation.name,
        "expr": expectation.expr,
        "series": len(result.samples),
        "samples": [{"labels": dict(s.labels), "value": s.value} for s in result.samples[:RETURNED_SERIES]],
        "warnings": list(result.warnings),
    }


def _ages(client: PrometheusClient, expectation: QueryExpectation, result: QueryResult) -> Sequence[Sample]:
    """How old the series are, by the clock of the Prometheus that stored them, at the time of the answer."""
    if expectation.max_age is None or not result.samples:
        return ()
    return client.query(expectation.age_expr, at=result.samples[0].time).samples


def watch_queries(client: PrometheusClient, expectations: Sequence[QueryExpectation]) -> Callable[[], Poll]:
    """A poll for C(wait_until); its value is the list of summaries."""

    def poll() -> Poll:
        checks: list[Check] = []
        results: list[dict[str, Any]] = []
        for expectation in expectations:
            try:
                result = client.query(expectation.expr)
                check = check_query(expectation, result, _ages(client, expectation, result))
                if not check.ok and expectation.required_when and not client.query(expectation.required_when).samples:
                    check = not_due(check, expectation.required_when)
            except DefiniteError as error:
                raise DefiniteError(f"query {expectation.name} ({expectation.expr}): {error}") from None
            except TransientError as error:
                raise TransientError(f"query {expectation.name} ({expectation.expr}): {error}") from None
            checks.append(check)
            results.append(result_summary(expectation, result))
        return Poll(all(check.ok is not False for check in checks), checks, results)

    return poll
