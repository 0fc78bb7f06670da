# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a long wait still waits for, told to a file that callback C(progress) shows while the module runs."""

from __future__ import annotations

import os
import time
from typing import Callable, Iterable

from ansible_collections.argolab.observability.plugins.module_utils.checks import Check

# Set by the callback for modules that run on its own machine; without it nothing is told.
FILE_VARIABLE = "ARGOLAB_PROGRESS_FILE"
QUIET_SECONDS = 3.0
EVERY_SECONDS = 5.0
SHOWN = 2


class Progress:
    """Appends a line to a file now and then: not for what is over at once, and not for every poll.

    :param path: an existing file; with none, or where it cannot be written, nothing happens.
    """

    def __init__(self, path: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._next = clock() + QUIET_SECONDS

    @classmethod
    def of_environment(cls, clock: Callable[[], float] = time.monotonic) -> Progress:
        """The file that the callback named."""
        return cls(os.environ.get(FILE_VARIABLE), clock)

    def tell(self, waiting_for: Callable[[], str], left: float) -> None:
        """Say what is waited for, where it is time to.

        :param left: seconds until the wait gives up.
        """
        now = self._clock()
        if not self._path or now < self._next:
            return
        self._next = now + EVERY_SECONDS
        line = " ".join(f"{max(left, 0):.0f} s left: {waiting_for()}".split()).rstrip(".")
        try:
            # never made here: the callback removes it when the task is over
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        except OSError:
            return
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as stream:
            stream.write(line + "\n")


def still_missing(checks: Iterable[Check], error: str = "") -> str:
    """The checks that do not hold, in a few words."""
    every = list(checks)
    missing = [check for check in every if check.ok is False]
    if not missing:
        return error or ("waiting for it to stay so" if every else "waiting for the first answer")
    named = ", ".join(f"{check.name} ({check.observed})" for check in missing[:SHOWN])
    more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
    return f"{len(missing)} of {len(every)} missing: {named}{more}"
