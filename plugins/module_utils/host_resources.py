# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has left: disk, memory, and who holds a port. Read from the kernel, without starting programs."""

from __future__ import annotations

import errno
import os
import re
import shutil
import socket
from typing import Dict, List, Optional

GIB = 1024**3
# The states of /proc/net/tcp and udp in which a socket waits for others.
_WAITING = {"tcp": "0A", "udp": "07"}
_INOTIFY = "anon_inode:inotify"


def existing_parent(path: str) -> str:
    """Return the path, or the nearest folder above it that exists."""
    current = os.path.abspath(path)
    while not os.path.exists(current):
        current = os.path.dirname(current)
    return current


def available_memory(meminfo: str) -> Optional[int]:
    """Return the bytes that the kernel says are available, from the text of /proc/meminfo."""
    match = re.search(r"^MemAvailable:\s+(\d+) kB$", meminfo, re.MULTILINE)
    return int(match.group(1)) * 1024 if match else None


def memory_available() -> Optional[int]:
    """Return the bytes of memory that this machine has available, or V(None) where its kernel does not tell."""
    try:
        with open("/proc/meminfo", encoding="ascii") as handle:
            return available_memory(handle.read())
    except OSError:
        return None


def shortages(path: str, disk_gib: float, memory_gib: float) -> List[str]:
    """Return one sentence for each resource that is short, with what is there and what is expected."""
    found: List[str] = []
    parent = existing_parent(path)
    free = shutil.disk_usage(parent).free
    if free < disk_gib * GIB:
        found.append(
            f"{parent} has {free / GIB:.1f} GiB free, {disk_gib:g} GiB are needed for images and containers: "
            "make room, or choose another folder"
        )
    memory = memory_available()
    if memory is not None and memory < memory_gib * GIB:
        found.append(
            f"{memory / GIB:.1f} GiB of memory are available, {memory_gib:g} GiB are needed: end something, or give "
            f"the machine more"
        )
    return found


def listening_inodes(table: str, port: int, protocol: str = "tcp") -> Dict[str, str]:
    """Return inode to address of the sockets waiting on a port, from the text of /proc/net/tcp, tcp6, udp or udp6."""
    found: Dict[str, str] = {}
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10 or fields[3] != _WAITING[protocol]:
            continue
        address, _colon, hexadecimal = fields[1].rpartition(":")
        if int(hexadecimal, 16) == port:
            found[fields[9]] = address
    return found


def process_of_inodes(inodes: Dict[str, str], proc: str = "/proc") -> Optional[str]:
    """Say which process holds one of the sockets: C(name (pid 123)); None where it cannot be told."""
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for pid in filter(str.isdigit, os.listdir(proc)):
        folder = os.path.join(proc, pid, "fd")
        try:
            held = any(os.readlink(os.path.join(folder, name)) in wanted for name in os.listdir(folder))
        except OSError:
            continue
        if held:
            try:
                with open(os.path.join(proc, pid, "comm"), encoding="utf-8", errors="replace") as handle:
                    return f"{handle.read().strip()} (pid {pid})"
            except OSError:
                return f"pid {pid}"
    return None


def listener(port: int, protocol: str = "tcp", proc: str = "/proc") -> Optional[str]:
    """Say who listens on a port of this host; None where nobody does."""
    inodes: Dict[str, str] = {}
    for name in (protocol, f"{protocol}6"):
        try:
            with open(os.path.join(proc, "net", name), encoding="ascii") as handle:
                inodes.update(listening_inodes(handle.read(), port, protocol))
        except OSError:
            continue
    if not inodes:
        return None
    return process_of_inodes(inodes, proc) or "a process of another user"


def inotify_in_use(proc: str = "/proc") -> Optional[int]:
    """Count the inotify instances of root, whose limit a container engine shares; None for another user."""
    if os.geteuid() != 0:
        return None
    count = 0
    for pid in filter(str.isdigit, os.listdir(proc)):
        folder = os.path.join(proc, pid)
        try:
            if os.stat(folder).st_uid == 0:
                names = os.listdir(os.path.join(folder, "fd"))
                count += sum(os.readlink(os.path.join(folder, "fd", name)) == _INOTIFY for name in names)
        except OSError:
            continue  # it ended meanwhile
    return count


def inotify_shortage(needed: int, proc: str = "/proc") -> List[str]:
    """Return a sentence where the kernel's limit leaves fewer inotify instances than needed."""
    try:
        with open(os.path.join(proc, "sys/fs/inotify/max_user_instances"), encoding="ascii") as handle:
            limit = int(handle.read())
    except (OSError, ValueError):
        return []
    used = inotify_in_use(proc)
    if limit - (used or 0) >= needed:
        return []
    left = f"the kernel allows {limit} inotify instances" + (f", {used} are in use" if used is not None else "")
    return [
        f"{left} and {needed} are needed, without which nodes end with 'too many open files': "
        "sysctl -w fs.inotify.max_user_instances=512"
    ]


def can_bind(address: str, port: int, protocol: str = "tcp") -> Optional[str]:
    """Try to bind an address; return None where that works, else the reason."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    probe = socket.socket(family, socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM)
    try:
        if protocol == "tcp":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))
        return None
    except OSError as error:
        # A port below 1024 is bound by the engine, not by this user.
        if error.errno == errno.EACCES:
            return None
        return os.strerror(error.errno or 0)
    finally:
        probe.close()


def port_conflict(address: str, port: int, protocol: str = "tcp") -> Optional[str]:
    """Say why a port cannot be published on an address of this host, None where it can."""
    reason = can_bind(address, port, protocol)
    if reason is None:
        return None
    shown = f"port {address}:{port}" + ("/udp" if protocol == "udp" else "")
    holder = listener(port, protocol)
    if holder:
        return f"{shown} is in use by {holder}"
    return f"{shown} cannot be bound: {reason}"
