# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that say why, and the end that all modules which only look have in common."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.argolab.observability.plugins.module_utils.checking import secrets_in
from ansible_collections.argolab.observability.plugins.module_utils.checks import Check, as_dicts, failure_message
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.waiter import (
    Poll,
    wait_until,
    waiting_from_params,
)

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

SKIPPED = "skipped"
NO_ANSWER = "no answer"
PROMETHEUS_SILENT = "Prometheus does not answer"


@dataclass(frozen=True)
class ExplainedCheck(Check):
    """A check with its reason.

    :param cause: short name of the cause, for programs.
    :param next: the command to type next.
    :param subject: what it is about, where several checks of different modules are about the same thing.
    """

    cause: str = ""
    next: str = ""
    subject: str = ""


def skipped(name: str, expected: str, why: str) -> ExplainedCheck:
    """A check that was not made, which is neither a pass nor a failure."""
    return ExplainedCheck(name, None, expected, SKIPPED, why)


def poll_of(checks: list[ExplainedCheck], value: Any = None, last_error: str = "") -> Poll:
    """A look at the world that is good when no check failed."""
    return Poll(ok=not any(check.ok is False for check in checks), checks=checks, value=value, last_error=last_error)


def conclude(
    module: AnsibleModule,
    title: str,
    what: str,
    poll: Callable[[], Poll],
    extra: Callable[[Any], dict[str, Any]] | None = None,
) -> None:
    """Poll as the waiting options say and end the module; nothing is ever changed.

    title begins the failure message, what names the things that are looked at.

    A result that failed always has a failed check: whoever reads only the checks must not take silence for a pass.
    """
    module.no_log_values.update(secrets_in(module.params.get("kubeconfig")))
    started = int(time.time())
    try:
        waiting = waiting_from_params(module.params)
        outcome = wait_until(poll, waiting.timeout, waiting.interval, waiting.stable)
    except ArgolabError as error:
        module.fail_json(
            msg=f"{title}: {error}", changed=False, started=started, checks=as_dicts([no_answer(what, str(error))])
        )
        return
    checks = list(outcome.checks)
    if not outcome.ok and (not outcome.answered or all(check.ok is not False for check in checks)):
        checks = (
            [*checks, no_answer(what, outcome.last_error)]
            if outcome.answered
            else [no_answer(what, outcome.last_error)]
        )
    result: dict[str, Any] = {
        "changed": False,
        "checks": as_dicts(checks),
        "started": started,
        "attempts": outcome.attempts,
        "waited": round(outcome.waited, 1),
    }
    if extra:
        result.update(extra(outcome.value))
    if outcome.ok:
        module.exit_json(**result)
    else:
        module.fail_json(msg=failure_message(title, checks, outcome.last_error), **result)


def no_answer(what: str, error: str) -> ExplainedCheck:
    """The one check of a module that could not look."""
    cluster = "the API server" in error or "kubeconfig" in error
    cause = "cluster_unreachable" if cluster else "could_not_check"
    command = "kubectl get --raw /readyz" if cluster else ""
    return ExplainedCheck(f"looking at {what}", False, "an answer", NO_ANSWER, error, cause, command)
