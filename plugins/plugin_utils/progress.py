# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An action that runs the module of its own name, and shows what that writes to its progress file while it runs."""

from __future__ import annotations

import os
import tempfile
import threading
from typing import Any, Callable, Dict, Optional

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.argolab.observability.plugins.plugin_utils.followed_file import FollowedFile

_INTERVAL = 0.5


class Follower(threading.Thread):
    """Gives every complete line that is added to a file to a function, until it is told to end."""

    def __init__(self, path: str, show: Callable[[str], None]) -> None:
        super().__init__(daemon=True)
        self._file = FollowedFile(path)
        self._show = show
        self._done = threading.Event()

    def _read(self) -> None:
        for line in self._file.new_lines():
            self._show(line)

    def run(self) -> None:
        while not self._done.wait(_INTERVAL):
            self._read()

    def finish(self) -> None:
        self._done.set()
        self.join()
        self._read()


class ProgressAction(ActionBase):
    """For modules with an option C(progress_file)."""

    TRANSFERS_FILES = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        result: Dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        # The file of a module on another host cannot be followed from here.
        if arguments.get("progress_file") or self._connection.transport != "local":
            result.update(self._execute_module(module_args=arguments, task_vars=task_vars))
            return result
        handle, path = tempfile.mkstemp(prefix="argolab-progress-")
        os.close(handle)
        # The module may run as another user.
        os.chmod(path, 0o666)
        display = Display()
        follower = Follower(path, lambda line: display.display(f"  {line}"))
        follower.start()
        try:
            arguments["progress_file"] = path
            result.update(self._execute_module(module_args=arguments, task_vars=task_vars))
        finally:
            follower.finish()
            os.unlink(path)
        return result
