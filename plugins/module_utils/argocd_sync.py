# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sync an Application through its C(operation) field, as Argo CD's own command line does, and wait for the end.

Three things make this more than one patch. The status may be up to three minutes old, and right after the spec has
changed it still speaks of the old one. C(operationState) keeps the last operation for ever, so only its C(startedAt)
tells whether it is ours. And a repository that was not reachable for a moment leaves a ComparisonError that nobody
retries soon.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.argocd import (
    API,
    COMPARISON_ERROR,
    FINISHED,
    AppState,
    application_path,
    operation_body,
    refresh_body,
)
from ansible_collections.argolab.observability.plugins.module_utils.checks import listing, nearest
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient, KubeError
from ansible_collections.argolab.observability.plugins.module_utils.progress import Progress

REFRESH_EVERY = 5.0


@dataclass(frozen=True)
class Request:
    """What is wanted of one Application."""

    name: str
    namespace: str
    revision: str | None = None
    refresh: str = "none"
    prune: bool = False
    username: str = "ansible"
    wait_health: bool = True


@dataclass(frozen=True)
class Outcome:
    """What was there, what is there now, and whether a sync was started."""

    before: AppState
    after: AppState
    changed: bool


class SyncError(DefiniteError):
    """The sync failed or did not end in time; the last state that was seen comes along."""

    def __init__(
        self, message: str, before: AppState | None = None, after: AppState | None = None, changed: bool = False
    ) -> None:
        super().__init__(message)
        self.before = before
        self.after = after
        self.changed = changed


class Syncer:
    """One Application, followed until it is as wanted or the time is over."""

    def __init__(
        self,
        kube: KubeClient,
        request: Request,
        timeout: float,
        interval: float,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kube = kube
        self._request = request
        self._path = application_path(request.namespace, request.name)
        self._interval = interval
        self._sleep = sleep
        self._clock = clock
        self._end = clock() + timeout
        self._timeout = timeout
        self._refreshed = clock()
        self._before: AppState | None = None
        self._changed = False
        self._progress = Progress.of_environment(clock)

    def check(self, uncertain: bool = False) -> Outcome:
        """What run() would do, judged by the status as it is; nothing is asked of the controller.

        :param uncertain: the cluster need not be there yet, so it is not asked.
        """
        state = AppState(self._request.name, self._request.namespace)
        if not uncertain:
            # In check mode whoever would have made the Application has not.
            with contextlib.suppress(SyncError):
                state = self._read()
        after = AppState(state.name, state.namespace, "Synced", "Healthy", self._request.revision or state.revision)
        return Outcome(state, after, True) if self._needs_sync(state) else Outcome(state, state, False)

    def run(self) -> Outcome:
        """Refresh if asked, sync if needed, wait for the result."""
        state = self._until(lambda item: True, "can be read")
        if self._request.refresh != "none":
            self._refresh(self._request.refresh)
        state = self._until(_compared, "has been compared with its repository", revive=True)
        self._before = state
        if state.running:
            state = self._until(lambda item: not item.running, "has ended the operation that somebody else started")
        if self._needs_sync(state):
            state = self._sync(state)
        wanted = "Synced and Healthy" if self._request.wait_health else "Synced"
        state = self._until(self._good, f"is {wanted}", revive=True)
        return Outcome(self._before, state, self._changed)

    def _sync(self, state: AppState) -> AppState:
        request, earlier = self._request, state.started_at
        self._write(operation_body(request.username, request.revision, request.prune))
        self._changed = True
        state = self._until(
            lambda item: item.started_at != earlier and item.phase in FINISHED and not item.operation_pending,
            "has ended the sync",
        )
        if state.phase != "Succeeded":
            raise self._error(f"sync of Application {state.full_name} ended as {state.phase}: {_why(state)}", state)
        return state

    def _needs_sync(self, state: AppState) -> bool:
        wanted = self._request.revision
        return state.sync != "Synced" or state.stale or bool(wanted and state.revision != wanted)

    def _good(self, state: AppState) -> bool:
        return not self._needs_sync(state) and (state.health == "Healthy" or not self._request.wait_health)

    def _refresh(self, kind: str) -> None:
        self._write(refresh_body(kind))
        self._refreshed = self._clock()

    def _write(self, body: Any) -> None:
        """To sync or to refresh twice, where an answer was lost, does no harm."""
        with self._kube.patient(self._end - self._clock()):
            self._kube.patch(self._path, body)

    def _read(self) -> AppState:
        try:
            return AppState.of(self._kube.get(self._path))
        except KubeError as error:
            if error.status != 404:
                raise
        request = self._request
        try:
            items = self._kube.list(f"{API}/namespaces/{request.namespace}/applications")
        except KubeError as error:
            if error.status != 404:
                raise
            raise SyncError(
                "this cluster knows no Applications (CRD applications.argoproj.io is absent): install Argo CD first."
            ) from None
        names = [AppState.of(item).name for item in items]
        close = nearest(request.name, names)
        hint = f"did you mean {close}?" if close else f"there are: {listing(names)}."
        raise SyncError(f"there is no Application {request.name} in namespace {request.namespace}; {hint}")

    def _until(self, done: Callable[[AppState], bool], what: str, revive: bool = False) -> AppState:
        """Poll until done; with revive, a failed or outdated comparison is asked for again from time to time."""
        state: AppState | None = None
        error = ""
        while True:
            try:
                state, error = self._read(), ""
                if done(state):
                    return state
                due = self._clock() - self._refreshed >= REFRESH_EVERY
                if revive and due and not state.refresh_pending and not state.running:
                    broken = any(item.startswith(COMPARISON_ERROR) for item in state.conditions)
                    self._refresh("hard" if broken else "normal")
            except KubeError as failure:
                if failure.definite:
                    raise
                error = str(failure)
            left = self._end - self._clock()
            if left <= 0:
                raise self._timed_out(what, state, error)
            self._progress.tell(partial(_so_far, self._request.name, what, state, error), left)
            self._sleep(min(self._interval, left))

    def _timed_out(self, what: str, state: AppState | None, error: str) -> SyncError:
        name = f"{self._request.namespace}/{self._request.name}"
        if state is None:
            return self._error(f"Application {name} could not be read for {self._timeout:g} s: {error}", state)
        said = f"it is {state.text}"
        if state.running:
            said += f", operation {state.phase or 'not begun'}{': ' + state.message if state.message else ''}"
        text = f"waited {self._timeout:g} s until Application {name} {what}; {said}. {_why(state)}"
        if not state.sync and not state.phase:
            text += " Does the application controller run? kubectl get pods -n " + state.namespace
        return self._error(f"{text}{' Last error: ' + error if error else ''}".strip(), state)

    def _error(self, message: str, state: AppState | None) -> SyncError:
        return SyncError(message, self._before, state, self._changed)


def _so_far(name: str, what: str, state: AppState | None, error: str) -> str:
    seen = error or (f"is {state.text}" if state else "was not read yet")
    return f"Application {name} {seen}; waiting until it {what}"


def summary(outcome: Outcome) -> str:
    """One line for people."""
    at = f" at {outcome.after.revision[:12]}" if outcome.after.revision else ""
    if not outcome.changed:
        return f"{outcome.after.full_name} is {outcome.after.text}{at}"
    return f"{outcome.after.full_name} was {outcome.before.text}, is {outcome.after.text}{at}"


def diff_of(outcome: Outcome) -> dict[str, Any]:
    """For --diff: status before and after, without times, which always differ."""

    def side(state: AppState) -> dict[str, str]:
        return {"sync_status": state.sync, "health_status": state.health, "revision": state.revision}

    return {"before": side(outcome.before), "after": side(outcome.after)}


def _compared(state: AppState) -> bool:
    broken = any(item.startswith(COMPARISON_ERROR) for item in state.conditions)
    return bool(state.sync) and not state.refresh_pending and not state.stale and not broken and state.sync != "Unknown"


def _why(state: AppState) -> str:
    return "; ".join(state.reasons()) or state.message or "Its status gives no reason."
