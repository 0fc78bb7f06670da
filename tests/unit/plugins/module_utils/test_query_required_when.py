# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import QueryResult, Sample
from ansible_collections.argolab.observability.plugins.module_utils.query_checks import (
    query_expectations,
    watch_queries,
)

QUERY = {"name": "requests", "expr": "count(requests_total)", "required_when": "syncs_total"}


class Answers:
    """A Prometheus that has series for some expressions."""

    def __init__(self, *known: str) -> None:
        self.known = known

    def query(self, expr: str, at: float | None = None) -> QueryResult:
        return QueryResult("vector", [Sample({}, "1", 0.0)] if expr in self.known else [], [])


@pytest.mark.parametrize(
    ("known", "ok", "done"),
    [
        ((), None, True),
        (("syncs_total",), False, False),
        (("count(requests_total)",), True, True),
        (("count(requests_total)", "syncs_total"), True, True),
    ],
)
def test_what_only_traffic_makes_is_due_after_traffic(known: tuple[str, ...], ok: bool | None, done: bool) -> None:
    client: Any = Answers(*known)
    poll = watch_queries(client, query_expectations([QUERY]))()
    assert [check.ok for check in poll.checks] == [ok]
    assert poll.ok is done


@pytest.mark.parametrize(("known", "cause"), [((), False), (("syncs_total",), True)])
def test_only_a_failure_has_a_likeliest_cause(known: tuple[str, ...], cause: bool) -> None:
    client: Any = Answers(*known)
    (check,) = watch_queries(client, query_expectations([QUERY]))().checks
    assert ("Likeliest cause" in check.detail) is cause
    assert "Expression: count(requests_total)." in check.detail
