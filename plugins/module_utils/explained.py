# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that say why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.checks import Check
from ansible_collections.argolab.observability.plugins.module_utils.waiter import Poll

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


def no_answer(what: str, error: str) -> ExplainedCheck:
    """The one check of a module that could not look."""
    cluster = "the API server" in error or "kubeconfig" in error
    cause = "cluster_unreachable" if cluster else "could_not_check"
    command = "kubectl get --raw /readyz" if cluster else ""
    return ExplainedCheck(f"looking at {what}", False, "an answer", NO_ANSWER, error, cause, command)
