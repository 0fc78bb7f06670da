# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any, Callable

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.checks import (
    Check,
    count_text,
    failure_message,
    listing,
    nearest,
)
from ansible_collections.argolab.observability.plugins.module_utils.errors import (
    ArgolabError,
    DefiniteError,
    TransientError,
)
from ansible_collections.argolab.observability.plugins.module_utils.option_secrets import secrets_in
from ansible_collections.argolab.observability.plugins.module_utils.part import Look, Part, settled, unseen
from ansible_collections.argolab.observability.plugins.module_utils.target_checks import TargetExpectation
from ansible_collections.argolab.observability.plugins.module_utils.url_secrets import secrets_in_url
from ansible_collections.argolab.observability.plugins.module_utils.waiter import Poll, wait_until, waiting_from_params

GOOD = Check("a", True, "x", "x")
BAD = Check("a", False, "x", "y", "because")
PART = Part("Not so", "things", {}, {}, lambda params: Look(script(True)))


class FakeTime:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def script(*steps: Any) -> Callable[[], Poll]:
    """A poll that plays the steps and then repeats the last one; an exception is raised, a bool becomes a poll."""
    remaining = list(steps)

    def poll() -> Poll:
        step = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        if isinstance(step, Exception):
            raise step
        return Poll(step, [GOOD if step else BAD])

    return poll


def wait(poll: Callable[[], Poll], timeout: float = 10, interval: float = 2, stable: int = 1) -> tuple[Poll, FakeTime]:
    fake = FakeTime()
    return wait_until(poll, timeout, interval, stable, sleep=fake.sleep, clock=fake.clock), fake


def test_an_expectation_that_holds_needs_no_sleep() -> None:
    outcome, fake = wait(script(True))
    assert (outcome.ok, outcome.attempts, fake.slept, outcome.last_error) == (True, 1, [], "")


def test_a_timeout_of_zero_looks_once() -> None:
    outcome, fake = wait(script(False), timeout=0)
    assert (outcome.ok, outcome.attempts, fake.slept) == (False, 1, [])


def test_transient_errors_are_retried_and_forgotten() -> None:
    outcome, _fake = wait(script(TransientError("refused"), False, True))
    assert (outcome.ok, outcome.attempts, outcome.last_error) == (True, 3, "")


def test_a_definite_error_ends_the_wait() -> None:
    with pytest.raises(DefiniteError, match="401"):
        wait(script(DefiniteError("401"), True))


@pytest.mark.parametrize("definite", [True, False])
def test_an_error_may_carry_its_own_verdict(definite: bool) -> None:
    error = ArgolabError("asked")
    error.definite = definite
    if definite:
        with pytest.raises(ArgolabError):
            wait(script(error, True))
    else:
        assert wait(script(error, True))[0].ok


def test_the_last_poll_is_at_the_deadline_itself() -> None:
    outcome, fake = wait(script(False), timeout=5, interval=2)
    assert fake.slept == [2, 2, 1]
    assert outcome.attempts == 4


def test_stable_polls_begin_again_after_a_lapse() -> None:
    outcome, _fake = wait(script(True, False, True, True, True), stable=3)
    assert (outcome.ok, outcome.attempts, outcome.lapses) == (True, 5, 1)


def test_flapping_is_no_success_and_is_named() -> None:
    outcome, _fake = wait(script(*[True, False] * 10), stable=2)
    assert not outcome.ok
    assert "lapsed" in outcome.last_error


def test_too_few_stable_polls_before_the_deadline() -> None:
    outcome, _fake = wait(script(False, False, False, False, False, True), stable=2)
    assert not outcome.ok
    assert "1 of 2 polls" in outcome.last_error


def test_an_error_at_the_end_does_not_leave_passed_checks() -> None:
    outcome, _fake = wait(script(True, TransientError("gone")), stable=2)
    assert not outcome.ok and not outcome.answered
    checks = settled(PART, Look(script(True), unseen=unseen([TargetExpectation("a")])), outcome, 2)
    assert [(check.ok, check.observed) for check in checks] == [(False, "no answer")]


def test_instability_is_a_failed_check_of_its_own() -> None:
    outcome, _fake = wait(script(False, False, False, False, False, True), stable=2)
    checks = settled(PART, Look(script(True)), outcome, 2)
    assert [check.ok for check in checks] == [True, False]


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("wait_timeout", -1, "wait_timeout"),
        ("poll_interval", 0.0, "poll_interval"),
        ("poll_interval", float("nan"), "poll_interval"),
        ("poll_interval", float("inf"), "poll_interval"),
        ("stable_polls", 0, "stable_polls"),
        ("stable_polls", 6, "at least 10"),
    ],
)
def test_impossible_waiting_options_are_refused(option: str, value: Any, message: str) -> None:
    with pytest.raises(DefiniteError, match=message):
        waiting_from_params({"wait_timeout": 5, "poll_interval": 2.0, "stable_polls": 1, option: value})


def test_the_failure_message_names_only_what_failed() -> None:
    message = failure_message("Title", [GOOD, Check("b", None, "x", "z"), Check("c", False, "1", "2", "why")], "err")
    assert message.splitlines() == ["Title", "- c: expected 1, seen 2.", "  why", "Last error: err"]


def test_a_long_failure_message_is_cut() -> None:
    message = failure_message("Title", [Check(str(n), False, "1", "2") for n in range(25)])
    assert "and 15 more" in message


def test_small_words() -> None:
    assert count_text(1, "target") == "1 target"
    assert count_text(2, "series", "series") == "2 series"
    assert listing([]) == "none"
    assert listing("cba", limit=2) == "a, b and 1 more"
    assert nearest("argocd-serve", ["x", "argocd-server"]) == "argocd-server"
    assert nearest("q", ["argocd-server"]) is None


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("https://prometheus.example.it:9090/prefix", set()),
        ("https://reader:canary@prometheus.example.it", {"reader:canary"}),
        ("https://reader:c@n@ry@prometheus.example.it/x", {"reader:c@n@ry"}),
        ("https://reader:c/n#ry@prometheus.example.it/x", {"reader:c/n#ry"}),
        ("https://prometheus.example.it/?token=canary", {"token=canary"}),
        ("canary@", set()),
        ("", set()),
    ],
)
def test_secrets_of_a_url_are_found(url: str, secrets: set[str]) -> None:
    assert secrets_in_url(url) == secrets


def test_secrets_of_an_inline_kubeconfig_are_found() -> None:
    content = {"users": [{"name": "u", "user": {"token": "canary-1", "client-key-data": "canary-2"}}], "x": "plain"}
    assert secrets_in(content) == {"canary-1", "canary-2"}
    assert secrets_in({"clusters": [{"cluster": {"proxy-url": "http://me:canary-3@proxy"}}]}) == {"me:canary-3"}
    assert secrets_in("/path") == set()
    assert secrets_in("users:\n- user: {token: canary-1}\nx: plain") == {"canary-1"}
    assert secrets_in({"kubeconfig": "users:\n- user: {token: canary-1}\n", "expr": "a\n+ b"}) == {"canary-1"}
    assert any("canary-1" in found for found in secrets_in("users: [\n token: canary-1\n"))
