# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Types commands into a root file system as if it were a machine of its own. Called with the folder and the commands.

It has to be started in mount, PID, host name, IPC and network namespaces of its own, and waits for a line on standard
input before it does anything, so that the network can be set up. All of it ends with the process.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
MS_REC, MS_PRIVATE, MNT_DETACH = 0x4000, 0x40000, 2


def call(result: int, what: str) -> None:
    if result:
        raise SystemExit(f"{what}: {os.strerror(ctypes.get_errno())}")


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def enter(root: str) -> None:
    """Make the folder the root, with the file systems that a machine has, and the old root out of reach."""
    call(LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "mounts cannot be made private")
    mount("--bind", root, root)
    for name in ("dev", "mnt", "proc", "run", "sys", "tmp"):
        os.makedirs(f"{root}/{name}", exist_ok=True)
    mount("-t", "proc", "proc", f"{root}/proc")
    mount("-t", "sysfs", "sysfs", f"{root}/sys")
    mount("--rbind", "/sys/fs/cgroup", f"{root}/sys/fs/cgroup")
    mount("--rbind", "/dev", f"{root}/dev")
    for name in ("run", "tmp"):
        mount("-t", "tmpfs", "-o", "mode=1777" if name == "tmp" else "mode=755", "tmpfs", f"{root}/{name}")
    os.chdir(root)
    old = "mnt"
    call(LIBC.pivot_root(b".", old.encode()), "pivot_root")
    os.chdir("/")
    call(LIBC.umount2(b"/mnt", MNT_DETACH), "the old root cannot be taken away")


def main() -> None:
    root, *commands = sys.argv[1:]
    sys.stdin.readline()
    enter(root)
    home = folder = os.environ["HOME"]
    for command in commands:
        print(f"# {command}", flush=True)
        begun = time.monotonic()
        done = subprocess.run(["/bin/sh", "-c", command], cwd=folder, stdin=subprocess.DEVNULL, check=False)
        print(f"= {done.returncode} after {time.monotonic() - begun:.0f} s", flush=True)
        if command.startswith("git clone"):
            folder = f"{home}/{command.split()[-1]}"
        if done.returncode:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
