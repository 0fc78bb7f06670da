# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A short outage of the API server is no failure of modules that look once, or change something.

Checking modules poll anyway, and ask again as a matter of course. The others would end a whole run because one of
their requests met an API server that restarts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.http_client import Answer
from ansible_collections.argolab.observability.plugins.module_utils.waiter import Poll, wait_until

OUTAGE_ARGUMENT_SPEC: dict[str, Any] = {"outage_timeout": {"type": "int", "default": 60}}

INTERVAL = 1.0
TIMED_OUT, TOO_MANY = 408, 429


def passing(status: int) -> bool:
    """Whether an answer speaks of the server's present state, and not of what was asked for."""
    return status >= 500 or status in (TIMED_OUT, TOO_MANY)


class Patience:
    """The seconds for which a client asks again, all of its requests together.

    :param seconds: V(0) asks once.
    :param wait: the loop that polls.
    """

    def __init__(self, seconds: float = 0.0, wait: Callable[..., Poll] = wait_until) -> None:
        self._seconds = self._left = seconds
        self._wait = wait
        self.repeats = 0

    @property
    def said(self) -> str:
        """What a message of failure adds; nothing while there is time left."""
        return f" It was asked again for {self._seconds:g} s." if self.repeats and not self._left else ""

    def ask(self, request: Callable[[], Answer], failed: Callable[[str], Exception]) -> Answer:
        """The answer to a request, asked again while the server is not there or not well.

        :param request: may be sent twice; raises what is transient and what is definite as ArgolabError.
        :param failed: the error to raise from the newest transient one.
        :returns: an answer, which still is one of the server's trouble where it did not end in time.
        :raises ArgolabError: definite ones, at once.
        """
        if not self._left:
            return request()
        outcome = self._wait(partial(_look, request), self._left, INTERVAL)
        if outcome.attempts > 1:
            self.repeats += outcome.attempts - 1
            self._left = max(0.0, self._left - outcome.waited)
        if not outcome.answered:
            raise failed(f"{outcome.last_error}{self.said}")
        answer: Answer = outcome.value
        return answer


def _look(request: Callable[[], Answer]) -> Poll:
    answer = request()
    trouble = passing(answer.status)
    return Poll(ok=not trouble, value=answer, last_error=f"the API server answers {answer.status}" if trouble else "")
