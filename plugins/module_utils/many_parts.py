# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many parts of a verification with one deadline: all are looked at, and those that do not hold again and again."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Mapping, Sequence

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.argolab.observability.plugins.module_utils.checked_module import COMMON_LIMITS
from ansible_collections.argolab.observability.plugins.module_utils.checks import nearest
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.limits import option_problems
from ansible_collections.argolab.observability.plugins.module_utils.option_secrets import secrets_in
from ansible_collections.argolab.observability.plugins.module_utils.part import Look, Part, result_of, unopened
from ansible_collections.argolab.observability.plugins.module_utils.progress import Progress
from ansible_collections.argolab.observability.plugins.module_utils.waiter import Poll, Waiting, Watcher

# Option C(parts) of the modules that look at many: what an element may hold, and what it may be.
PART_OPTIONS: Mapping[str, Any] = {
    "module": {"type": "str", "required": True},
    "kind": {"type": "str"},
    "title": {"type": "str"},
    "options": {"type": "dict", "default": {}},
    "skip": {"type": "str", "default": ""},
}
PART_LIMITS: Mapping[str, Any] = {"options": {"module": {"form": "word"}, "kind": {"form": "word"}}}

# Parts that are looked at, at the same time.
AT_A_TIME = 3

# What one option of all is called by a part that has it under another name.
OTHER_NAMES: Mapping[str, Sequence[str]] = {
    "prometheus_namespace": ("namespace",),
    "prometheus_service": ("service",),
    "prometheus_path_prefix": ("path_prefix",),
}


@dataclass
class Wanted:
    """A part with its options, found to be possible.

    :param kind: short name of the group for programs.
    """

    kind: str
    title: str
    part: Part
    options: Mapping[str, Any] = field(default_factory=dict)
    skip: str = ""


def read_parts(
    items: Iterable[Mapping[str, Any]], shared: Mapping[str, Any], parts: Mapping[str, Part]
) -> list[Wanted]:
    """Read option C(parts), each with its module's own rules.

    :param shared: options that each part gets that has them: the access to the cluster and to its Prometheus.
    :raises DefiniteError: one message that names everything that is not possible.
    """
    wanted: list[Wanted] = []
    problems: list[str] = []
    for index, item in enumerate(items):
        here, name = f"parts[{index}]", str(item.get("module") or "")
        part = parts.get(name)
        if part is None:
            close = nearest(name, parts)
            hint = f"did you mean {close}?" if close else f"expected one of {', '.join(sorted(parts))}."
            problems.append(f"{here}.module is {name!r}; {hint}")
            continue
        kind = str(item.get("kind") or name)
        if any(other.kind == kind for other in wanted):
            problems.append(f"{here}: kind {kind} is used twice; give each part a kind of its own.")
        title, skip = str(item.get("title") or kind), str(item.get("skip") or "")
        given = {**_shared(part, shared), **(item.get("options") or {})}
        options, found = ({}, []) if skip else _options(part, given)
        problems += [f"{here} ({name}): {problem}" for problem in found]
        wanted.append(Wanted(kind, title, part, options, skip))
    if problems:
        raise DefiniteError(" ".join(problems))
    if not any(not one.skip for one in wanted):
        raise DefiniteError("parts has none that is not skipped, so nothing would be checked; give at least one.")
    return wanted


def secrets_of_parts(params: Mapping[str, Any]) -> set[str]:
    """The secrets in the options of a module that has C(parts), and in those of each part."""
    return set().union(*(secrets_in(holder) for holder in (params, *(part["options"] for part in params["parts"]))))


def _shared(part: Part, shared: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for option, value in shared.items():
        for name in (option, *OTHER_NAMES.get(option, ())):
            if value is not None and name in part.spec:
                found[name] = value
                break
    return found


def _options(part: Part, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    # None is what an option has that was not given
    checked = ArgumentSpecValidator(dict(part.spec)).validate(
        {key: value for key, value in given.items() if value is not None}
    )
    if checked.error_messages:
        return {}, [f"{message.rstrip('.')}." for message in checked.error_messages]
    options = dict(checked.validated_parameters)
    limits = {name: limit for name, limit in COMMON_LIMITS.items() if name in part.spec}
    return options, option_problems(options, part.spec, {**limits, **part.limits})


class _Running:
    """A part while it is watched."""

    def __init__(self, wanted: Wanted, stable: int, clock: Callable[[], float]) -> None:
        self.wanted = wanted
        self._stable = stable
        self.look: Look | None = None
        self.failed: ArgolabError | None = None
        self.done = False
        self._watcher: Watcher | None = None
        self._outcome: Poll | None = None
        try:
            self.look = wanted.part.look(wanted.options)
            self._watcher = Watcher(self.look.poll, stable, clock)
        except ArgolabError as error:
            self.failed, self.done = error, True

    def step(self, seconds: float) -> None:
        if self._watcher is None or self.look is None:
            return
        self.look.limit(seconds)
        try:
            self.done = self._watcher.step()
        except ArgolabError as error:
            self._outcome = Poll(ok=False, answered=False, last_error=str(error))
            self.done = True

    def missing(self) -> str:
        return f"{self.wanted.title}: {self._watcher.missing()}" if self._watcher else self.wanted.title

    def result(self, seconds: float, check_mode: bool) -> dict[str, Any]:
        if self.look is None or self._watcher is None:
            return unopened(self.wanted.part, self.failed or ArgolabError("it could not be opened"))
        self.look.limit(seconds)
        outcome = self._outcome or self._watcher.outcome()
        return result_of(self.wanted.part, self.look, outcome, self._stable, check_mode)


def _step_all(running: Sequence[_Running], seconds: Callable[[], float]) -> None:
    """Look at several parts at a time: most of a look is waiting for an answer, and no part knows of another."""
    with ThreadPoolExecutor(max_workers=AT_A_TIME) as pool:
        for _done in pool.map(lambda one: one.step(seconds()), running):
            pass


def run_parts(
    wanted: Sequence[Wanted],
    waiting: Waiting,
    request_timeout: float,
    check_mode: bool = False,
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> list[dict[str, Any]]:
    """Look until every part holds or the time is over; one group for M(evidence) for each, in order.

    A part that held as often as it has to is not looked at again: what it saw is as old as its last look.
    """
    start = clock()
    running = [_Running(one, waiting.stable, clock) for one in wanted if not one.skip]
    progress = Progress.of_environment(clock)
    while True:
        left = waiting.timeout - (clock() - start)
        open_ones = [one for one in running if not one.done]
        _step_all(open_ones, lambda: max(waiting.timeout - (clock() - start), 0.0) + request_timeout)
        if all(one.done for one in running) or left <= 0:
            break
        left = waiting.timeout - (clock() - start)
        if left > 0:
            progress.tell(lambda: "; ".join(one.missing() for one in running if not one.done), left)
            sleep(min(waiting.interval, left))
    results = {one.wanted.kind: one.result(request_timeout, check_mode) for one in running}
    return [
        {"kind": one.kind, "title": one.title, "skip": one.skip}
        if one.skip
        else {"kind": one.kind, "title": one.title, "result": results[one.kind]}
        for one in wanted
    ]
