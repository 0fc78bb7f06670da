# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = """
name: progress
type: notification
short_description: Shows what a long wait still waits for
version_added: 0.1.0
description:
  - While a module of this collection waits, a line every five seconds tells which checks are missing, what was seen of
    them, and how many seconds are left. Other tasks that take long tell their name and how long they have been running,
    every 20 seconds.
  - It writes to standard output, between the lines of the standard output callback, and changes no result.
  - Modules tell it by a file, so lines appear for tasks that run on the machine of C(ansible-playbook) itself and as
    its user. Tasks with C(no_log) tell nothing.
author: argolab.observability contributors (@argolab)
options:
  show:
    description:
      - V(auto) shows progress where standard output is a terminal and the variable E(CI) is not set.
      - V(on) and V(off) decide it themselves.
    type: str
    choices: [auto, "on", "off"]
    default: auto
    env:
      - name: ARGOLAB_PROGRESS
    ini:
      - section: argolab_progress
        key: show
requirements:
  - enable in configuration, with C(callbacks_enabled = argolab.observability.progress)
"""

import os
import shutil
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from typing import Any, Callable

from ansible.plugins.callback import CallbackBase
from ansible_collections.argolab.observability.plugins.module_utils.progress import FILE_VARIABLE
from ansible_collections.argolab.observability.plugins.plugin_utils.followed_file import FollowedFile

LOOK_SECONDS = 0.5
SILENT_SECONDS = 20.0
# These show their own progress, whether this callback is enabled or not.
TELL_THEMSELVES = {
    f"argolab.observability.{name}" for name in ("alert_path_drill", "package_builds", "package_images")
}


def wanted(show: str, is_terminal: bool, ci: str) -> bool:
    """Whether progress is shown.

    :param ci: value of the variable C(CI), which every CI system sets.
    """
    if show != "auto":
        return show == "on"
    return is_terminal and ci.lower() in ("", "0", "false")


@dataclass
class Running:
    """A task on one host."""

    host: str
    task: str
    file: FollowedFile
    started: float
    told: float
    silent: bool = False


class Board:
    """The tasks that run now; what there is to show of them is asked for again and again."""

    def __init__(self, folder: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._running: dict[tuple[str, str], Running] = {}
        self._count = 0

    def start(self, host: str, task_id: str, task: str, silent: bool = False) -> str:
        """The file that the module may write to."""
        now = self._clock()
        with self._lock:
            self._count += 1
            path = os.path.join(self._folder, str(self._count))
            with open(path, "wb"):
                pass
            self._running[host, task_id] = Running(host, task, FollowedFile(path), now, now, silent)
        return path

    def end(self, host: str, task_id: str) -> None:
        with self._lock:
            running = self._running.pop((host, task_id), None)
        if running:
            os.unlink(running.file.path)

    def lines(self) -> list[str]:
        """What is new since the last call."""
        now = self._clock()
        found = []
        with self._lock:
            several = len({running.host for running in self._running.values()}) > 1
            for running in self._running.values():
                told = running.file.new_lines()
                if not told and not running.silent and now - running.told >= SILENT_SECONDS:
                    told = [f"{running.task}: running for {now - running.started:.0f} s"]
                if told:
                    running.told = now
                    # more than one line at once is one too many
                    found.append(f"  [{running.host}] {told[-1]}" if several else f"  {told[-1]}")
        return found


class CallbackModule(CallbackBase):
    """Starts a thread that shows lines while tasks run."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "argolab.observability.progress"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, display: Any = None) -> None:
        super().__init__(display=display)
        self._board: Board | None = None
        self._folder = ""
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def v2_playbook_on_start(self, playbook: Any) -> None:
        if not wanted(self.get_option("show"), sys.stdout.isatty(), os.environ.get("CI", "")):
            return
        self._folder = tempfile.mkdtemp(prefix="argolab-progress-")
        self._board = Board(self._folder)
        self._thread = threading.Thread(target=self._show, daemon=True)
        self._thread.start()

    def _show(self) -> None:
        while self._board and not self._done.wait(LOOK_SECONDS):
            for line in self._board.lines():
                self._display.display(line, color="bright gray")

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        # A worker inherits the environment that its host's turn finds.
        os.environ.pop(FILE_VARIABLE, None)
        if self._board and not task.no_log:
            name = task.get_name()
            silent = task.resolved_action in TELL_THEMSELVES
            os.environ[FILE_VARIABLE] = self._board.start(host.get_name(), task._uuid, name, silent)

    def _ended(self, result: Any) -> None:
        if self._board:
            self._board.end(result.host.get_name(), result.task._uuid)

    def v2_runner_on_ok(self, result: Any) -> None:
        self._ended(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._ended(result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._ended(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._ended(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        if self._thread:
            self._done.set()
            self._thread.join()
            os.environ.pop(FILE_VARIABLE, None)
            shutil.rmtree(self._folder, ignore_errors=True)
