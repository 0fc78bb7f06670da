# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many parts with one deadline, and the result of each."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.checks import Check
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError, TransientError
from ansible_collections.argolab.observability.plugins.module_utils.many_parts import Wanted, read_parts, run_parts
from ansible_collections.argolab.observability.plugins.module_utils.part import Look, Part
from ansible_collections.argolab.observability.plugins.module_utils.parts.all_parts import PARTS
from ansible_collections.argolab.observability.plugins.module_utils.waiter import Poll, Waiting
from ansible_collections.argolab.observability.tests.unit.plugins.module_utils.test_checks_and_waiter import (
    BAD,
    GOOD,
    FakeTime,
    script,
)

SHARED = {"kubeconfig": "/nowhere", "context": "lab", "prometheus_namespace": "mon", "prometheus_service": "p:9090"}


def part(*steps: Any, look: Any = None) -> Part:
    poll = script(*steps)
    return Part("Not so", "things", {}, {}, look or (lambda params: Look(poll)))


def wanted(**parts: Part) -> list[Wanted]:
    return [Wanted(kind, kind.title(), one) for kind, one in parts.items()]


def run(parts: list[Wanted], timeout: float = 10, stable: int = 1) -> tuple[dict[str, Any], FakeTime]:
    fake = FakeTime()
    groups = run_parts(parts, Waiting(timeout, 2, stable), 5, sleep=fake.sleep, clock=fake.clock)
    return {group["kind"]: group.get("result", group) for group in groups}, fake


def test_what_holds_is_looked_at_once_and_nothing_waits() -> None:
    results, fake = run(wanted(a=part(True), b=part(True)))
    assert [result["attempts"] for result in results.values()] == [1, 1]
    assert fake.slept == []
    assert all("failed" not in result for result in results.values())


def test_only_what_does_not_hold_is_looked_at_again_and_the_time_is_shared() -> None:
    results, fake = run(wanted(good=part(True), slow=part(False, False, True), never=part(False)), timeout=10)
    assert results["good"]["attempts"] == 1
    assert results["slow"]["attempts"] == 3
    assert "failed" not in results["slow"]
    assert results["never"]["failed"]
    assert sum(fake.slept) == 10


def test_a_definite_error_ends_its_own_part_only() -> None:
    refused = DefiniteError("401 for everybody.")
    results, fake = run(wanted(refused=part(refused), healing=part(False, True)))
    assert results["refused"]["failed"]
    assert results["refused"]["attempts"] == 0
    assert results["refused"]["checks"][0]["ok"] is False
    assert "401 for everybody" in results["refused"]["msg"]
    assert "failed" not in results["healing"]
    assert fake.slept == [2]


def test_parts_are_looked_at_at_the_same_time() -> None:
    # Each waits until all three are being looked at.
    together = threading.Barrier(3, timeout=10)

    def meet(params: Mapping[str, Any]) -> Look:
        return Look(lambda: Poll(together.wait() >= 0, [GOOD]))

    results, _fake = run(wanted(a=part(look=meet), b=part(look=meet), c=part(look=meet)))
    assert [result["attempts"] for result in results.values()] == [1, 1, 1]
    # As they were declared, however long each took.
    assert list(results) == ["a", "b", "c"]


def test_a_fault_of_a_part_is_not_swallowed() -> None:
    def broken() -> Poll:
        raise ZeroDivisionError("a fault of ours")

    with pytest.raises(ZeroDivisionError):
        run(wanted(good=part(True), broken=part(look=lambda params: Look(broken))))


def test_a_part_that_cannot_begin_has_a_failed_check() -> None:
    def look(params: Mapping[str, Any]) -> Look:
        raise DefiniteError("there is no such kubeconfig.")

    results, _fake = run(wanted(closed=part(look=look), good=part(True)))
    assert results["closed"]["failed"]
    assert [check["ok"] for check in results["closed"]["checks"]] == [False]
    assert "no such kubeconfig" in results["closed"]["checks"][0]["detail"]


@pytest.mark.parametrize("steps", [(TransientError("refused"),), (True, TransientError("refused"))])
def test_silence_is_no_pass(steps: Any) -> None:
    results, _fake = run(wanted(silent=part(*steps)), stable=2)
    assert results["silent"]["failed"]
    assert not any(check["ok"] for check in results["silent"]["checks"])


def test_a_look_that_is_bad_without_a_failed_check_gets_one() -> None:
    strange = part(look=lambda params: Look(lambda: Poll(False, [GOOD], last_error="half of it did not answer")))
    results, _fake = run(wanted(strange=strange), timeout=0)
    assert [check["ok"] for check in results["strange"]["checks"]] == [True, False]


def test_explanations_come_once_and_only_after_a_failure() -> None:
    calls: list[int] = []

    def explained(ok: bool) -> Part:
        def explain(checks: Any) -> list[Check]:
            calls.append(len(checks))
            return [Check(check.name, check.ok, check.expected, check.observed, "because of that") for check in checks]

        return part(look=lambda params: Look(script(ok), explain=explain))

    results, _fake = run(wanted(good=explained(True), bad=explained(False)), timeout=4)
    assert calls == [1]
    assert results["bad"]["checks"][0]["detail"] == "because of that"


def test_an_explanation_that_fails_does_not_hide_the_failure() -> None:
    def explain(checks: Any) -> list[Check]:
        raise TransientError("gone")

    results, _fake = run(wanted(bad=part(look=lambda params: Look(script(False), explain=explain))), timeout=0)
    assert results["bad"]["checks"] == [BAD.as_dict()]


def test_no_request_may_run_past_the_deadline() -> None:
    limits: list[Any] = []
    run(wanted(bad=part(look=lambda params: Look(script(False), limit=limits.append))), timeout=4)
    assert limits == [9, 7, 5, 5]


def test_skipped_parts_are_named_and_not_run() -> None:
    def look(params: Mapping[str, Any]) -> Look:
        raise AssertionError("it was run")

    groups = run_parts([Wanted("x", "X", part(look=look), skip="off"), *wanted(good=part(True))], Waiting(0, 1, 1), 5)
    assert groups[0] == {"kind": "x", "title": "X", "skip": "off"}


# --- options --------------------------------------------------------------------------------------------------------


def test_the_access_reaches_each_part_under_its_own_name() -> None:
    read = read_parts([{"module": "prometheus_rules", "options": {"all_healthy": True}}, {"module": "scrape_coverage"}],
                      SHARED, PARTS)  # fmt: skip
    assert read[0].options["namespace"] == "mon"
    assert read[0].options["service"] == "p:9090"
    assert read[0].options["kubeconfig"] == "/nowhere"
    assert read[1].options["prometheus_namespace"] == "mon"
    assert read[1].options["pools"] == []


def test_a_part_s_own_access_wins() -> None:
    read = read_parts([{"module": "scrape_coverage", "options": {"prometheus_namespace": "own"}}], SHARED, PARTS)
    assert read[0].options["prometheus_namespace"] == "own"


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ([{"module": "scrape_coverge"}], "did you mean scrape_coverage?"),
        ([{"module": "zzz"}], "expected one of argocd_applications"),
        ([{"module": "scrape_coverage"}, {"module": "scrape_coverage"}], "kind scrape_coverage is used twice"),
        ([{"module": "scrape_coverage", "options": {"pool": []}}], "pool"),
        ([{"module": "scrape_coverage", "options": {"pools": {"a": 1}}}], "pools"),
        ([{"module": "scrape_coverage", "options": {"pools": ["two words"]}}], "expected one word without spaces"),
        ([{"module": "prometheus_query"}], "queries"),
        ([{"module": "prometheus_query", "options": {"queries": [{"expr": "up", "max": 1}]}}], "max"),
        ([{"module": "scrape_coverage", "skip": "off"}], "nothing would be checked"),
        ([], "nothing would be checked"),
    ],
)
def test_options_that_cannot_work_are_one_clear_message(items: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(DefiniteError, match=said.replace("?", r"\?")):
        read_parts(items, SHARED, PARTS)


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(DefiniteError) as error:
        read_parts([{"module": "zzz"}, {"module": "scrape_coverage", "options": {"pool": []}}], SHARED, PARTS)
    assert "parts[0]" in str(error.value)
    assert "parts[1] (scrape_coverage)" in str(error.value)


def test_every_part_is_a_module_of_its_own_and_every_such_module_is_a_part() -> None:
    from pathlib import Path

    root = Path(__file__).resolve().parents[4] / "plugins"
    single = {path.stem for path in (root / "modules").glob("*.py") if "run_part(PART)" in path.read_text("utf-8")}
    assert single == set(PARTS)
    assert {path.stem for path in (root / "module_utils" / "parts").glob("*.py")} - {"__init__", "all_parts"} == single
