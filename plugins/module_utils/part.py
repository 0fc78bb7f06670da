# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A part of the verification: its options, and how to look. A module of its own runs one, M(verify) runs many."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Callable, Mapping, Protocol, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.checks import (
    Check,
    as_dicts,
    count_text,
    failure_message,
)
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.explained import no_answer
from ansible_collections.argolab.observability.plugins.module_utils.limits import Limit
from ansible_collections.argolab.observability.plugins.module_utils.option_secrets import secrets_in
from ansible_collections.argolab.observability.plugins.module_utils.waiter import (
    WAIT_ARGUMENT_SPEC,
    Poll,
    wait_until,
    waiting_from_params,
)

Params = Mapping[str, Any]


def _nothing(value: Any) -> Mapping[str, Any]:
    return {}


def _nowhere() -> Mapping[str, Any]:
    return {}


def _as_they_are(checks: Sequence[Check]) -> Sequence[Check]:
    return checks


def _no_limit(seconds: float | None) -> None:
    """Requests that have a timeout of their own only."""


@dataclass(frozen=True)
class Look:
    """How to look once more.

    :param poll: one look; a transient error means look again.
    :param extra: what the last look's value adds to the result.
    :param explain: adds to failed checks what costs more requests; called once, at the end.
    :param unseen: the checks where nothing was ever seen, from the reason; none stands for one check that says so.
    :param limit: no request may end later than so many seconds from now.
    :param access: the way that was taken, for people.
    :param write: writes what was seen to a file, and adds to the result where; not called in check mode.
    """

    poll: Callable[[], Poll]
    extra: Callable[[Any], Mapping[str, Any]] = _nothing
    explain: Callable[[Sequence[Check]], Sequence[Check]] = _as_they_are
    unseen: Callable[[str], Sequence[Check]] | None = None
    limit: Callable[[float | None], None] = _no_limit
    access: str = ""
    write: Callable[[], Mapping[str, Any]] = _nowhere


@dataclass(frozen=True)
class Part:
    """What a checking module is.

    :param title: begins the message of a failure.
    :param what: names the things that are looked at, as in "looking at WHAT".
    :param spec: argument specification without the options of waiting.
    :param limits: what the options may be beyond their types.
    :param look: from options to a Look; raises ArgolabError for options that contradict each other.
    """

    title: str
    what: str
    spec: Mapping[str, Any]
    limits: Mapping[str, Limit]
    look: Callable[[Params], Look]


class Expectation(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def expected(self) -> str: ...


def unseen(expectations: Sequence[Expectation]) -> Callable[[str], list[Check]]:
    """What is said of each expectation where nothing was seen."""
    return lambda error: [Check(item.name, False, item.expected, "no answer", error) for item in expectations]


def settled(part: Part, look: Look, outcome: Poll, stable: int = 1) -> list[Check]:
    """Checks that agree with the outcome: whoever reads only them must not take silence for a pass."""
    checks = list(outcome.checks)
    if outcome.ok:
        return checks
    if not outcome.answered:
        unseen = list(look.unseen(outcome.last_error)) if look.unseen else []
        before = {check.name: check.observed for check in checks}
        return [
            replace(check, detail=f"{check.detail} Seen before that: {before[check.name]}.")
            if before.get(check.name)
            else check
            for check in unseen
        ] or [no_answer(part.what, outcome.last_error)]
    if any(check.ok is False for check in checks):
        return checks
    if stable > 1 or outcome.lapses:
        steady = f"the same for {stable} polls in a row"
        seen = f"lapsed {count_text(outcome.lapses, 'time')}" if outcome.lapses else "too few polls before the deadline"
        return [*checks, Check("stable", False, steady, seen, outcome.last_error)]
    return [*checks, no_answer(part.what, outcome.last_error)]


def result_of(part: Part, look: Look, outcome: Poll, stable: int = 1, check_mode: bool = False) -> dict[str, Any]:
    """What a module returns, V(failed) and V(msg) included."""
    result = _result(part, look, outcome, stable)
    if check_mode:
        return result
    try:
        return {**result, **look.write()}
    except ArgolabError as error:
        checks = [*result["checks"], no_answer(part.what, str(error)).as_dict()]
        msg = f"{result['msg']}\n{error}" if result.get("failed") else f"{part.title}: {error}"
        return {**result, "checks": checks, "failed": True, "msg": msg}


def _result(part: Part, look: Look, outcome: Poll, stable: int) -> dict[str, Any]:
    checks = settled(part, look, outcome, stable)
    if not outcome.ok and outcome.answered:
        try:
            checks = list(look.explain(checks))
        except ArgolabError:
            # an explanation that cannot be had does not replace the failure
            pass
    result: dict[str, Any] = {
        "changed": False,
        "checks": as_dicts(checks),
        "attempts": outcome.attempts,
        "waited": round(outcome.waited, 3),
        **({"access": look.access} if look.access else {}),
        **look.extra(outcome.value),
    }
    if outcome.ok:
        pending = sum(check.ok is None for check in checks)
        held = count_text(sum(check.ok is True for check in checks), "check")
        return {**result, "msg": f"{held} passed" + (f", {pending} pending." if pending else ".")}
    attempts = f" after {count_text(outcome.attempts, 'attempt')} in {outcome.waited:.0f} s" if outcome.attempts else ""
    way = f" ({look.access})" if look.access else ""
    title = f"{part.title}{attempts}{way}."
    return {**result, "failed": True, "msg": failure_message(title, checks, outcome.last_error)}


def unopened(part: Part, error: ArgolabError) -> dict[str, Any]:
    """The result of a part that could not even begin to look."""
    checks = as_dicts([no_answer(part.what, str(error))])
    return {"changed": False, "checks": checks, "failed": True, "msg": f"{part.title}: {error}"}


def run_part(part: Part) -> None:
    """Be the module of this part."""
    module = checked_module({**part.spec, **WAIT_ARGUMENT_SPEC}, part.limits)
    module.no_log_values.update(secrets_in(module.params.get("kubeconfig")))
    started = int(time.time())
    try:
        waiting = waiting_from_params(module.params)
        look = part.look(module.params)
    except ArgolabError as error:
        result = unopened(part, error)
    else:
        request = float(module.params.get("request_timeout") or 0)
        # whatever a poll asks for, the module is back within one request's time after the deadline
        look.limit(waiting.timeout + request)
        try:
            outcome = wait_until(look.poll, waiting.timeout, waiting.interval, waiting.stable)
        except ArgolabError as error:
            outcome = Poll(ok=False, answered=False, last_error=str(error))
        look.limit(request)
        result = result_of(part, look, outcome, waiting.stable, module.check_mode)
    result["started"] = started
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)
