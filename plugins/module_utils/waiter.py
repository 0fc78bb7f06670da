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

    Transient errors count as a failed poll. Definite ones are raised at once. The last poll is made at the deadline
    itself, so that a short timeout is not cut by a long interval. Where no poll ever succeeded, the result has no
    checks and its C(last_error) says why.
    """
    start = clock()
    attempts = held = lapses = 0
    latest = Poll(ok=False, answered=False)
    while True:
        attempts += 1
        try:
            latest = poll()
            error = latest.last_error
        except ArgolabError as failure:
            if is_definite(failure):
                raise
            # what was seen before the error is kept for the diagnosis, but it no longer holds
            latest = replace(latest, ok=False, answered=False)
            error = str(failure)
        if latest.ok:
            held += 1
        elif held:
            held, lapses = 0, lapses + 1
        waited = clock() - start
        over = waited >= timeout
        if held >= stable or over:
            if latest.ok and held < stable:
                error = f"the expectation held for only {held} of {stable} polls in a row"
            if lapses and held < stable:
                error = f"{error or 'the expectation does not hold'} (it held before and lapsed: {lapses} times)"
            return replace(
                latest,
                ok=held >= stable,
                attempts=attempts,
                waited=waited,
                lapses=lapses,
                last_error="" if held >= stable else error,
            )
        sleep(min(interval, timeout - waited))
