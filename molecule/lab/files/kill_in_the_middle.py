# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command until its output has a word, then kill it and all that it started, so that nothing can clean up.

Arguments: the word, the most seconds to wait for it, the command.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path


def parents() -> dict[int, int]:
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # the name before the last parenthesis may hold anything
            found[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
    return found


def descendants(root: int) -> list[int]:
    """The process and all below it, the deepest first."""
    tree, wanted = parents(), [root]
    for pid in wanted:
        wanted += [child for child, parent in tree.items() if parent == pid]
    return wanted[::-1]


def main() -> int:
    word, seconds, command = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    seen = False
    for line in process.stdout or []:
        print(line, end="")
        if word in line:
            seen = True
            # All are stopped first: one that lives on while another dies would begin to clean up.
            victims = descendants(process.pid)
            for number in (signal.SIGSTOP, signal.SIGKILL):
                for pid in victims:
                    os.kill(pid, number)
            break
    timer.cancel()
    process.kill()
    process.wait()
    return 0 if seen else 1


if __name__ == "__main__":
    sys.exit(main())
