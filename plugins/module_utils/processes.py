# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a program from a helper that knows no Ansible module."""

from __future__ import annotations

import subprocess
from typing import Callable, List, Mapping, Optional, Sequence


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


def follow(
    argv: Sequence[str],
    line_seen: Callable[[str], None],
    cwd: Optional[str] = None,
    env: Optional[Mapping[str, str]] = None,
) -> subprocess.CompletedProcess[str]:
    """As C(run), for a program that takes long: each line of its outputs, taken together, is told while it runs.

    The result has both outputs in C(stderr).
    """
    lines: List[str] = []
    with subprocess.Popen(  # pylint: disable=ansible-bad-function
        argv,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            lines.append(line)
            line_seen(line)
        code = process.wait()
    return subprocess.CompletedProcess(argv, code, "", "".join(lines))
