# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the checking modules share: from options to one result, complete also where nothing could be checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from ansible_collections.argolab.observability.plugins.module_utils.checks import (
    Check,
    as_dicts,
    count_text,
    failure_message,
)
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import is_inline, load_kubeconfig
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import (
    PrometheusClient,
    client_from_params,
)
from ansible_collections.argolab.observability.plugins.module_utils.waiter import Poll, wait_until, waiting_from_params

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

SECRET_KEYS = ("token", "password", "client-key-data", "access-token", "id-token", "refresh-token")


class Expectation(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def expected(self) -> str: ...


def watch(
    params: Mapping[str, Any],
    title: str,
    expectations: Sequence[Expectation],
    poller: Callable[[PrometheusClient], Callable[[], Poll]],
    explain: Callable[[PrometheusClient, Sequence[Check]], Sequence[Check]],
    describe: Callable[[Any], Mapping[str, Any]],
) -> dict[str, Any]:
    """Poll Prometheus until the expectations hold, and return the module's result.

    :param title: begins the failure message, such as V(Targets are not as expected).
    :param poller: makes the poll from a client.
    :param explain: adds to the failed checks what costs more requests; only called once, after a failure.
    :param describe: turns the last poll's value into the module's own return values.
    """
    waiting = waiting_from_params(params)
    client = client_from_params(params)
    # whatever a poll asks for, the module is back within one request's time after the deadline
    client.limit(waiting.timeout + params["request_timeout"])
    try:
        outcome = wait_until(poller(client), waiting.timeout, waiting.interval, waiting.stable)
        if outcome.answered and not outcome.ok:
            client.limit(params["request_timeout"])
            outcome = replace(outcome, checks=_explained(client, outcome.checks, explain))
        error = outcome.last_error
    except ArgolabError as failure:
        outcome, error = Poll(ok=False, answered=False), str(failure)
    checks = settled(outcome, expectations, error, waiting.stable)
    result: dict[str, Any] = {
        "changed": False,
        "checks": as_dicts(checks),
        "access": client.description,
        "attempts": outcome.attempts,
        "waited": round(outcome.waited, 3),
        **describe(outcome.value),
    }
    if outcome.ok:
        held = count_text(sum(check.ok is True for check in checks), "check")
        pending = sum(check.ok is None for check in checks)
        return {**result, "msg": f"{held} passed" + (f", {pending} pending." if pending else ".")}
    tried = f"{title} after {count_text(outcome.attempts, 'attempt')} in {outcome.waited:.0f} s ({client.name})."
    if outcome.attempts == 0:
        tried = f"{title}: it could not be checked ({client.name})."
    return {**result, "failed": True, "msg": failure_message(tried, checks if outcome.answered else (), error)}


def _explained(
    client: PrometheusClient,
    checks: Sequence[Check],
    explain: Callable[[PrometheusClient, Sequence[Check]], Sequence[Check]],
) -> Sequence[Check]:
    try:
        return explain(client, checks)
    except ArgolabError:
        # an explanation that cannot be had does not replace the failure
        return checks


def settled(outcome: Poll, expectations: Sequence[Expectation], error: str, stable: int) -> list[Check]:
    """Checks that agree with the outcome: nothing may look passed in a result that failed for another reason."""
    if outcome.ok:
        return list(outcome.checks)
    if not outcome.answered:
        before = {check.name: check.observed for check in outcome.checks}
        return [
            Check(item.name, False, item.expected, "no answer", error + _before(before.get(item.name)))
            for item in expectations
        ] or [Check("Prometheus answers", False, "an answer", "no answer", error)]
    checks = list(outcome.checks)
    if all(check.ok is not False for check in checks):
        steady = f"the same for {stable} polls in a row"
        observed = (
            f"lapsed {count_text(outcome.lapses, 'time')}" if outcome.lapses else "too few polls before the deadline"
        )
        checks.append(Check("stable", False, steady, observed, error))
    return checks


def _before(observed: str | None) -> str:
    return f" Seen before that: {observed}." if observed else ""


def secrets_in(kubeconfig: Any) -> set[str]:
    """What an inline kubeconfig, or options with one, hold that no result may repeat."""
    found: set[str] = set()
    stack = [_content(kubeconfig, found)]
    while stack:
        item = stack.pop()
        if isinstance(item, Mapping):
            found |= {value for key, value in item.items() if key in SECRET_KEYS and isinstance(value, str) and value}
            stack += [_content(value, found) if key == "kubeconfig" else value for key, value in item.items()]
        elif isinstance(item, list):
            stack += item
    return found


def _content(kubeconfig: Any, found: set[str]) -> Any:
    """A kubeconfig that was given as text, as the mapping that it is."""
    if not is_inline(kubeconfig):
        return kubeconfig
    try:
        return load_kubeconfig(kubeconfig)[0]
    except ArgolabError:
        # what cannot be read may still hold a key, on any of its lines
        found |= {line.strip() for line in str(kubeconfig).splitlines() if line.strip()}
    return None


def run_module(module: AnsibleModule, run: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
    """Run a checking module and leave: bad options and failed checks become one failure with one message."""
    module.no_log_values.update(secrets_in(module.params.get("kubeconfig")))
    try:
        result = run(module.params)
    except ArgolabError as error:
        module.fail_json(msg=str(error), checks=[])
    if result.get("failed"):
        module.fail_json(**{key: value for key, value in result.items() if key != "failed"})
    module.exit_json(**result)
