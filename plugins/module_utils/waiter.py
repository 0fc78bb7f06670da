# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Poll until an expectation holds; the loop that every checking module shares."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.checks import Check
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.progress import Progress, still_missing

WAIT_ARGUMENT_SPEC: dict[str, Any] = {
    "wait_timeout": {"type": "int", "default": 120},
    "poll_interval": {"type": "float", "default": 2.0},
    "stable_polls": {"type": "int", "default": 1},
}


@dataclass(frozen=True)
class Poll:
    """What one look at the world gave; M(wait_until) fills in the rest.

    :param ok: the expectation holds now.
    :param attempts: polls made, failed ones included.
    :param waited: seconds from the first poll to the end of the last.
    :param lapses: how often the expectation held and then did not.
    :param answered: V(False) where the last poll ended in an error, so that the checks are those of an earlier one.
    :param last_error: the newest transient error or instability; empty when the last poll was ok.
    """

    ok: bool
    checks: Sequence[Check] = ()
    value: Any = None
    attempts: int = 0
    waited: float = 0.0
    lapses: int = 0
    answered: bool = True
    last_error: str = ""


@dataclass(frozen=True)
class Waiting:
    """The three waiting options, already found to be possible."""

    timeout: float
    interval: float
    stable: int


def waiting_from_params(params: Mapping[str, Any]) -> Waiting:
    """Read the options of V(WAIT_ARGUMENT_SPEC); refuse values that can never work."""
    timeout, interval, stable = params["wait_timeout"], params["poll_interval"], params["stable_polls"]
    if timeout < 0:
        raise DefiniteError(f"wait_timeout is {timeout}; it is a number of seconds, 0 or more (0 looks once).")
    # "not >" instead of "<=": it also refuses NaN
    if not interval > 0 or interval == float("inf"):
        raise DefiniteError(f"poll_interval is {interval}; it is a number of seconds greater than 0.")
    if stable < 1:
        raise DefiniteError(f"stable_polls is {stable}; it is a number of polls in a row, 1 or more.")
    if (stable - 1) * interval > timeout:
        raise DefiniteError(
            f"stable_polls: {stable} polls every {interval:g} s do not fit into wait_timeout: {timeout} s; "
            f"set wait_timeout to at least {int((stable - 1) * interval + 0.999)} or lower stable_polls."
        )
    return Waiting(float(timeout), float(interval), stable)


def is_definite(error: ArgolabError) -> bool:
    """Whether trying again is useless; an error may carry its own verdict in C(definite)."""
    verdict = getattr(error, "definite", None)
    return isinstance(error, DefiniteError) if verdict is None else bool(verdict)


class Watcher:
    """Polls one thing, one step at a time, and knows whether its expectation has held long enough.

    Transient errors count as a failed poll; definite ones are raised by C(step).
    """

    def __init__(self, poll: Callable[[], Poll], stable: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self._poll = poll
        self._stable = stable
        self._clock = clock
        self._start = clock()
        self._attempts = self._held = self._lapses = 0
        self._latest = Poll(ok=False, answered=False)
        self._error = ""
        self._waited = 0.0

    def step(self) -> bool:
        """Look once; V(True) when the expectation has held as often as it has to."""
        self._attempts += 1
        try:
            self._latest = self._poll()
            self._error = self._latest.last_error
        except ArgolabError as failure:
            if is_definite(failure):
                raise
            # what was seen before the error is kept for the diagnosis, but it no longer holds
            self._latest = replace(self._latest, ok=False, answered=False)
            self._error = str(failure)
        if self._latest.ok:
            self._held += 1
        elif self._held:
            self._held, self._lapses = 0, self._lapses + 1
        self._waited = self._clock() - self._start
        return self.done

    @property
    def done(self) -> bool:
        return self._held >= self._stable

    @property
    def waited(self) -> float:
        return self._waited

    def missing(self) -> str:
        """What the last look lacked, in a few words."""
        return still_missing(self._latest.checks, self._error)

    def outcome(self) -> Poll:
        """The last look, and how it came to it."""
        error = self._error
        if not self.done:
            if self._latest.ok:
                error = f"the expectation held for only {self._held} of {self._stable} polls in a row"
            if self._lapses:
                error = f"{error or 'the expectation does not hold'} (it held before and lapsed: {self._lapses} times)"
        return replace(
            self._latest,
            ok=self.done,
            attempts=self._attempts,
            waited=self._waited,
            lapses=self._lapses,
            last_error="" if self.done else error,
        )


def wait_until(
    poll: Callable[[], Poll],
    timeout: float,
    interval: float = 2.0,
    stable: int = 1,
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Poll:
    """Poll until the expectation held C(stable) times in a row or the time is over; return the last look.

    The last poll is made at the deadline itself, so that a short timeout is not cut by a long interval. Where no poll
    ever succeeded, the result has no checks and its C(last_error) says why.

    :raises ArgolabError: definite ones, at once.
    """
    watcher = Watcher(poll, stable, clock)
    progress = Progress.of_environment(clock)
    while not watcher.step() and watcher.waited < timeout:
        progress.tell(watcher.missing, timeout - watcher.waited)
        sleep(min(interval, timeout - watcher.waited))
    return watcher.outcome()
