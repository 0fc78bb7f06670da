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

from ansible_collections.argolab.observability.plugins.module_utils.checks import Check, count_text
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

    @property
    def expected(self) -> str:
        if self.max_series == 0:
            return "no series"
        if self.max_series is None:
            number = f"at least {self.min_series} series"
        elif self.max_series == self.min_series:
            number = f"exactly {self.min_series} series"
        else:
            number = f"{self.min_series} to {self.max_series} series"
        return f"{number}, each value {self.value}" if self.value else number


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
        if most is None and least == 0 and not value:
            raise DefiniteError(
                f"{here}: min_series 0 without max_series and value is always true; it would check nothing."
            )
        if name in (other.name for other in found):
            raise DefiniteError(f"{here}: the name {name!r} is used twice; checks are told apart by their names.")
        comparison = parse_comparison(value, here) if value else None
        required_when = (item.get("required_when") or "").strip()
        found.append(QueryExpectation(name, expr, least, most, comparison, required_when))
    return found


def series_text(sample: Sample) -> str:
    name = sample.labels.get("__name__", "")
    labels = ", ".join(f'{key}="{value}"' for key, value in sorted(sample.labels.items()) if key != "__name__")
    return f"{name}{{{labels}}} = {sample.value}" if name or labels else sample.value


def check_query(expectation: QueryExpectation, result: QueryResult) -> Check:
    """Compare one expectation with the answer."""
    samples = result.samples
    number = len(samples)
    count_ok = number >= expectation.min_series and (expectation.max_series is None or number <= expectation.max_series)
    comparison = expectation.value
    wrong = [sample for sample in samples if comparison and not comparison.holds(sample.number)]
    observed = count_text(number, "series", "series")
    if wrong:
        observed += f", {len(wrong)} of them not {comparison}"
    shown = wrong or ([] if count_ok and not wrong else list(samples))
    sentences = [f"Expression: {expectation.expr}."]
    if shown:
        sentences.append("; ".join(series_text(sample) for sample in shown[:SHOWN_SERIES]) + ".")
        if len(shown) > SHOWN_SERIES:
            sentences.append(f"And {len(shown) - SHOWN_SERIES} more.")
    elif not number and expectation.min_series:
        sentences.append(
            "Likeliest cause: the metric is not scraped (yet), nothing has incremented it so far, "
            "or a label selector matches nothing."
        )
    sentences += [f"Prometheus warns: {warning}." for warning in result.warnings]
    return Check(
        f"query {expectation.name}", count_ok and not wrong, expectation.expected, observed, " ".join(sentences)
    )


def not_due(check: Check, condition: str) -> Check:
    """The same check where its condition gives no series: nothing has happened yet that it could have seen."""
    detail = f"Not due: {condition} has no series, so nothing has happened yet that would show here. {check.detail}"
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


def watch_queries(client: PrometheusClient, expectations: Sequence[QueryExpectation]) -> Callable[[], Poll]:
    """A poll for C(wait_until); its value is the list of summaries."""

    def poll() -> Poll:
        checks: list[Check] = []
        results: list[dict[str, Any]] = []
        for expectation in expectations:
            try:
                result = client.query(expectation.expr)
                check = check_query(expectation, result)
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
