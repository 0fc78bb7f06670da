# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Docker engine of our own: started with folders of its own, and removed with everything that it made.

What the host looked like before the start (forwarding, network devices, firewall tables, folders) is written
down, and the removal goes back to that. Nothing is removed that was there before.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import re
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.argolab.observability.plugins.module_utils import processes
from ansible_collections.argolab.observability.plugins.module_utils.docker_engine import DockerEngine
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
IP_FORWARD = "/proc/sys/net/ipv4/ip_forward"
# Folders that dockerd or containerd make outside of those that they are given.
SIDE_FOLDERS = ("/etc/docker", "/opt/containerd", "/run/docker", "/run/containerd", "/var/lib/containerd")
SIDE_FILES = ("/etc/docker/key.json",)
FIREWALL_TABLES = ("filter", "nat", "raw", "mangle")
DOCKERS_RULE = re.compile(r"\bDOCKER\b|\bDOCKER-|\bdocker0\b|\bbr-[0-9a-f]{12}\b")
DOCKERS_LINK = re.compile(r"^(docker0|br-[0-9a-f]{12})$")
PREDEFINED_NETWORKS = ("bridge", "host", "none")


@dataclass(frozen=True)
class Layout:
    """The folders of one engine."""

    state_dir: str
    data_dir: str
    run_dir: str

    @property
    def socket(self) -> str:
        return os.path.join(self.run_dir, "docker.sock")

    @property
    def docker_host(self) -> str:
        return "unix://" + self.socket

    @property
    def pid_file(self) -> str:
        return os.path.join(self.run_dir, "dockerd.pid")

    @property
    def exec_root(self) -> str:
        return os.path.join(self.run_dir, "exec")

    @property
    def config(self) -> str:
        return os.path.join(self.state_dir, "daemon.json")

    @property
    def log(self) -> str:
        return os.path.join(self.state_dir, "dockerd.log")

    @property
    def before(self) -> str:
        return os.path.join(self.state_dir, "before.json")

    @property
    def runtime(self) -> str:
        return os.path.join(self.state_dir, "argolab-runc")


def missing_capabilities(status: str, last: int) -> List[int]:
    """Return the numbers of the kernel's capabilities outside the bounding set, from the text of /proc/self/status."""
    match = re.search(r"^CapBnd:\s*([0-9a-fA-F]+)$", status, re.MULTILINE)
    if match is None:
        return []
    mask = int(match.group(1), 16)
    return [bit for bit in range(last + 1) if not mask >> bit & 1]


def bounding_set_is_short() -> bool:
    try:
        return bool(missing_capabilities(_read("/proc/self/status"), int(_read("/proc/sys/kernel/cap_last_cap"))))
    except (OSError, ValueError):
        return False


def daemon_config(layout: Layout, with_runtime: bool) -> Dict[str, Any]:
    """Return the engine's daemon.json."""
    config: Dict[str, Any] = {
        "hosts": [layout.docker_host],
        "data-root": layout.data_dir,
        "exec-root": layout.exec_root,
        "pidfile": layout.pid_file,
        # Lowering it needs a capability that sandboxes do not have, and nothing here depends on it.
        "oom-score-adjust": 0,
        "log-driver": "json-file",
        "log-opts": {"max-size": "20m", "max-file": "2"},
    }
    if with_runtime:
        config["runtimes"] = {"argolab": {"path": layout.runtime}}
        config["default-runtime"] = "argolab"
    return config


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as handle:
        return handle.read()


def _write(path: str, text: str, mode: int = 0o644) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as handle:
        handle.write(text)
    os.chmod(path, mode)


def _run(*command: str) -> Tuple[int, str]:
    program = shutil.which(command[0], path=PATH)
    if program is None:
        return 127, ""
    done = processes.run([program, *command[1:]], timeout=60)
    return done.returncode, done.stdout + done.stderr


# --- the process ---------------------------------------------------------------------------------------------


def engine_pid(layout: Layout) -> Optional[int]:
    """Return the process id of our engine, None where it does not run: the pid file alone is not believed."""
    try:
        pid = int(_read(layout.pid_file))
        arguments = _read(f"/proc/{pid}/cmdline").split("\0")
    except (OSError, ValueError):
        return None
    return pid if layout.config in arguments and os.path.basename(arguments[0]).startswith("dockerd") else None


def processes_of(layout: Layout) -> List[int]:
    """Return the processes whose command line names our folders: the engine, its containerd, shims and port proxies."""
    found: List[int] = []
    marks = (layout.exec_root + "/", layout.config)
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            arguments = _read(f"/proc/{name}/cmdline").split("\0")
        except OSError:
            continue
        program = os.path.basename(arguments[0])
        if program.startswith(("dockerd", "containerd")) and any(
            argument.startswith(mark) for argument in arguments[1:] for mark in marks
        ):
            found.append(int(name))
    return found


def _wait_gone(pids: Iterable[int], seconds: float) -> List[int]:
    deadline = time.monotonic() + seconds
    left = list(pids)
    while left:
        left = [pid for pid in left if _alive(pid)]
        if not left or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    return left


def _alive(pid: int) -> bool:
    try:
        return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


def _signal(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


# --- what the host looked like before ------------------------------------------------------------------------


def firewall_rules() -> Dict[str, List[str]]:
    """Return the rules of each table as `iptables -S` writes them; none for a table that cannot be read."""
    found: Dict[str, List[str]] = {}
    for table in FIREWALL_TABLES:
        code, text = _run("iptables", "-t", table, "-S")
        if code == 0:
            found[table] = text.splitlines()
    return found


def nft_tables() -> Optional[List[str]]:
    code, text = _run("nft", "list", "tables")
    return [line[len("table ") :] for line in text.splitlines() if line.startswith("table ")] if code == 0 else None


def _legacy_tables() -> bool:
    try:
        return bool(_read("/proc/net/ip_tables_names").strip())
    except OSError:
        return False


def cgroup_folders() -> List[str]:
    """Return the cgroups that Docker puts its containers under."""
    root = "/sys/fs/cgroup"
    try:
        names = os.listdir(root)
    except OSError:
        return []
    folders = [os.path.join(root, "docker")] + [os.path.join(root, name, "docker") for name in names]
    return [folder for folder in folders if os.path.isdir(folder)]


def snapshot() -> Dict[str, Any]:
    """Describe what the engine is going to change on this host."""
    # The tables first: reading rules through iptables-nft may make them.
    tables = nft_tables()
    return {
        "nft_tables": tables,
        "rules": firewall_rules() if tables is None or tables or _legacy_tables() else {},
        "ip_forward": _read(IP_FORWARD).strip() if os.path.exists(IP_FORWARD) else None,
        "links": sorted(os.listdir("/sys/class/net")) if os.path.isdir("/sys/class/net") else [],
        "folders": [path for path in SIDE_FOLDERS + SIDE_FILES if os.path.exists(path)],
        "cgroups": cgroup_folders(),
    }


def firewall_undo(before: Sequence[str], now: Sequence[str]) -> List[List[str]]:
    """Return the iptables arguments that take Docker's rules and chains out of one table again."""
    known = set(before)
    rules: List[List[str]] = []
    chains: List[str] = []
    policies: List[List[str]] = []
    old_policies = {parts[1]: parts[2] for parts in (line.split() for line in before) if parts[:1] == ["-P"]}
    for line in now:
        parts = shlex.split(line)
        if line in known or len(parts) < 2:
            continue
        if parts[0] == "-A" and DOCKERS_RULE.search(line) and not parts[1].startswith("DOCKER"):
            rules.append(["-D", *parts[1:]])
        elif parts[0] == "-N" and parts[1].startswith("DOCKER"):
            chains.append(parts[1])
        elif parts[0] == "-P" and parts[1] == "FORWARD":
            policies.append(["-P", "FORWARD", old_policies.get("FORWARD", "ACCEPT")])
    return rules + [["-F", chain] for chain in chains] + [["-X", chain] for chain in chains] + policies


def restore_firewall(before: Mapping[str, Any]) -> List[str]:
    """Take Docker's rules away; return what could not be removed."""
    left: List[str] = []
    for table, rules in firewall_rules().items():
        for arguments in firewall_undo(before.get("rules", {}).get(table, []), rules):
            code, text = _run("iptables", "-t", table, *arguments)
            if code:
                left.append(f"iptables -t {table} {' '.join(arguments)}: {text.strip()}")
    had = before.get("nft_tables")
    if had is None:
        return left
    for name in nft_tables() or []:
        family, _space, table = name.partition(" ")
        if name in had or family not in ("ip", "ip6") or table not in FIREWALL_TABLES:
            continue
        code, text = _run("nft", "list", "table", family, table)
        # Only an empty frame of base chains is ours to drop; whoever added rules since keeps the table.
        if code == 0 and not re.search(r"^\t\t(?!type )\S", text, re.MULTILINE):
            _run("nft", "delete", "table", family, table)
    return left


# --- network devices, mounts, folders ------------------------------------------------------------------------


def remove_bridge(name: str) -> None:
    """Take a bridge down and delete it, without the ip program."""
    packed = name.encode()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        flags = struct.unpack("16sH", fcntl.ioctl(sock, 0x8913, struct.pack("16sH", packed, 0)))[1]  # SIOCGIFFLAGS
        fcntl.ioctl(sock, 0x8914, struct.pack("16sH14x", packed, flags & ~1))  # SIOCSIFFLAGS, without IFF_UP
        fcntl.ioctl(sock, 0x89A1, struct.pack("16s", packed))  # SIOCBRDELBR


def mounts_below(mountinfo: str, folders: Sequence[str]) -> List[str]:
    """Return the mount points at or below the folders, deepest first, from the text of /proc/self/mountinfo."""
    found: List[str] = []
    for line in mountinfo.splitlines():
        fields = line.split()
        if len(fields) > 4:
            point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), fields[4])
            if any(point == folder or point.startswith(folder + "/") for folder in folders):
                found.append(point)
    return sorted(found, key=len, reverse=True)


def unmount_below(folders: Sequence[str]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    for point in mounts_below(_read("/proc/self/mountinfo"), folders):
        libc.umount2(os.fsencode(point), 2)  # MNT_DETACH


def container_cgroups(layout: Layout) -> List[str]:
    """Return the cgroups of our containers, which carry their ids; another engine may have its own beside them."""
    try:
        ids = os.listdir(os.path.join(layout.data_dir, "containers"))
    except OSError:
        return []
    return [
        os.path.join(folder, name)
        for folder in cgroup_folders()
        for name in ids
        if os.path.isdir(os.path.join(folder, name))
    ]


def _remove_cgroups(folders: Sequence[str]) -> None:
    for folder in folders:
        for path, _names, _files in os.walk(folder, topdown=False):
            try:
                os.rmdir(path)
            except OSError:
                pass


def _real(folder: str) -> str:
    return os.path.realpath(folder)


# --- start and remove ----------------------------------------------------------------------------------------


def check_layout(layout: Layout) -> None:
    """Refuse folders that cannot be ours to remove later."""
    for name in ("state_dir", "data_dir", "run_dir"):
        folder = getattr(layout, name)
        if not os.path.isabs(folder) or len(_real(folder).strip("/").split("/")) < 2:
            raise DefiniteError(
                f"{name} is {folder!r}: expected an absolute path of a folder for this engine alone, such as "
                f"/var/lib/argolab"
            )
    if len(layout.socket.encode()) > 100:
        raise DefiniteError(
            f"the socket's path {layout.socket} is longer than the 100 bytes that a socket may have: choose a "
            f"shorter run_dir"
        )
    if os.path.isdir(layout.data_dir) and os.listdir(layout.data_dir) and not os.path.exists(layout.before):
        raise DefiniteError(
            f"data_dir {layout.data_dir} holds files that this engine did not make: choose an empty folder"
        )


def _last_errors(log: str, count: int = 6) -> str:
    try:
        lines = _read(log).splitlines()
    except OSError:
        return "it wrote no log"
    worst = [line for line in lines if "level=error" in line or "level=fatal" in line or "failed to start" in line]
    return " | ".join((worst or lines)[-count:])


def start(layout: Layout, runtime_source: Optional[str], timeout: float) -> Dict[str, Any]:
    """Start the engine and return when it answers."""
    dockerd = shutil.which("dockerd", path=PATH)
    if dockerd is None:
        raise DefiniteError(
            "there is no dockerd in " + PATH + ": install Docker's engine (Debian's package is docker.io)"
        )
    for folder, mode in ((layout.state_dir, 0o755), (layout.data_dir, 0o710), (layout.run_dir, 0o755)):
        os.makedirs(folder, mode=mode, exist_ok=True)
    if not os.path.exists(layout.before):
        _write(layout.before, json.dumps(snapshot(), indent=2))
    with_runtime = bounding_set_is_short() and runtime_source is not None
    if with_runtime:
        _write(layout.runtime, with_interpreter(str(runtime_source), system_python()), 0o755)
    _write(layout.config, json.dumps(daemon_config(layout, with_runtime), indent=2) + "\n")
    for leftover in (layout.pid_file, layout.socket):
        if os.path.exists(leftover):
            os.unlink(leftover)
    with open(layout.log, "ab") as log:
        # It has to outlive this module.
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            [dockerd, "--config-file", layout.config],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8"},
            start_new_session=True,
        )
    engine = DockerEngine(layout.docker_host, timeout=5)
    deadline = time.monotonic() + timeout
    while True:
        if process.poll() is not None:
            raise DefiniteError(
                f"dockerd ended with code {process.returncode} while starting: {_last_errors(layout.log)}"
            )
        try:
            engine.ping()
            break
        except ArgolabError as error:
            if time.monotonic() > deadline:
                process.terminate()
                process.wait(30)
                raise ArgolabError(
                    f"dockerd did not answer within {timeout:g} s ({error}): {_last_errors(layout.log)}"
                ) from error
        time.sleep(0.1)
    return {"pid": process.pid, "runtime_wrapper": with_runtime}


def with_interpreter(source: str, python: str) -> str:
    """Return a script with its first line naming an interpreter by its absolute path."""
    body = source.split("\n", 1)[1] if source.startswith("#!") else source
    return f"#!{python} -IS\n{body.rstrip()}\n"


def system_python() -> str:
    """Return a Python that outlives a virtual environment."""
    for path in ("/usr/bin/python3", os.path.join(sys.base_prefix, "bin", "python3"), sys.executable):
        if os.access(path, os.X_OK):
            return path
    raise DefiniteError("there is no python3 that the runtime wrapper can use: install Debian's python3")


def present(layout: Layout) -> bool:
    """Tell whether anything of our engine is on this host."""
    return any(os.path.lexists(path) for path in (layout.state_dir, layout.data_dir, layout.run_dir)) or bool(
        processes_of(layout)
    )


def _empty(engine: DockerEngine) -> None:
    """Remove containers and networks through the engine, which takes its bridges and rules away itself."""
    try:
        for container in engine.containers():
            engine.remove_container(str(container["Id"]))
        for network in engine.networks():
            if network["Name"] not in PREDEFINED_NETWORKS:
                engine.remove_network(str(network["Id"]))
    except ArgolabError:
        # A broken engine is removed the hard way below.
        pass


def remove(layout: Layout) -> List[str]:
    """End our engine and remove what it made; return a sentence for each thing that could not be removed."""
    if not os.path.exists(layout.before):
        raise DefiniteError(
            f"{layout.state_dir} holds no record of an engine started by this collection "
            f"({os.path.basename(layout.before)}): nothing is removed"
        )
    before: Dict[str, Any] = json.loads(_read(layout.before))
    pid = engine_pid(layout)
    if pid is not None:
        _empty(DockerEngine(layout.docker_host, timeout=60))
        _signal([pid], signal.SIGTERM)
        _wait_gone([pid], 60)
    stubborn = processes_of(layout)
    _signal(stubborn, signal.SIGKILL)
    left = [f"process {number} does not end" for number in _wait_gone(stubborn, 10)]
    containers = container_cgroups(layout)
    _kill_all_in(containers)
    folders = [_real(layout.data_dir), _real(layout.run_dir)]
    unmount_below(folders)
    left += restore_firewall(before)
    for link in os.listdir("/sys/class/net"):
        if DOCKERS_LINK.match(link) and link not in before["links"]:
            try:
                remove_bridge(link)
            except OSError as error:
                left.append(f"network device {link}: {error}")
    _remove_cgroups(containers + [folder for folder in cgroup_folders() if folder not in before["cgroups"]])
    if before["ip_forward"] is not None and _read(IP_FORWARD).strip() != before["ip_forward"]:
        try:
            with open(IP_FORWARD, "w", encoding="ascii") as handle:
                handle.write(before["ip_forward"] + "\n")
        except OSError as error:
            left.append(f"net.ipv4.ip_forward: {error}")
    for folder in [layout.data_dir, layout.run_dir] + [side for side in SIDE_FOLDERS if side not in before["folders"]]:
        shutil.rmtree(folder, ignore_errors=True)
        if os.path.exists(folder):
            left.append(f"folder {folder}")
    for path in SIDE_FILES:
        if path not in before["folders"] and os.path.exists(path):
            os.unlink(path)
    if not left:
        # The record goes last, so that an interrupted removal can be repeated.
        shutil.rmtree(layout.state_dir, ignore_errors=True)
    return left


def _kill_all_in(cgroups: Sequence[str]) -> None:
    """Kill what a killed engine left running."""
    for _attempt in range(5):
        pids: List[int] = []
        for folder in cgroups:
            for path, _names, files in os.walk(folder):
                if "cgroup.procs" in files:
                    try:
                        pids += [int(line) for line in _read(os.path.join(path, "cgroup.procs")).split()]
                    except OSError:
                        continue
        if not pids:
            return
        _signal(set(pids), signal.SIGKILL)
        _wait_gone(set(pids), 5)
