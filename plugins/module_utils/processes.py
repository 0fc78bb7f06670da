# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a program from a helper that knows no Ansible module."""

from __future__ import annotations

import subprocess
from typing import Mapping, Optional, Sequence


def run(
    argv: Sequence[str],
    cwd: Optional[str] = None,
    env: Optional[Mapping[str, str]] = None,
    timeout: Optional[float] = None,
) -> subprocess.CompletedProcess[str]:
    """Exit code and both outputs of a program that reads nothing.

    :raises OSError: the program cannot be run.
    :raises subprocess.TimeoutExpired: it was ended after C(timeout) seconds.
    """
    # AnsibleModule.run_command has no time limit, and where a program is missing it ends the module, which it can not
    # do from the thread of one of several builds.
    return subprocess.run(  # pylint: disable=ansible-bad-function
        argv,
        cwd=cwd,
        env=env,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
