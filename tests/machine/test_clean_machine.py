# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fresh Debian 12 with git and make, in which only the README's commands are typed.

It is a root file system made of Debian's packages, entered with pivot_root, with namespaces of its own for processes,
mounts and the network. It gets this machine's way to the package registries, and, to spare hours of building, what the
lab has built; ARGOLAB_CLEAN_MACHINE=cold leaves that out.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.argolab.observability.plugins.module_utils import debian_root

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "argolab.observability"
LOG = ROOT / "build" / "test-results" / "clean-machine-output.log"
BASE = debian_root.DebianRoot("bookworm", ["apt", "git", "make"])
COMMANDS = ["git clone -q /src argolab", "make lab", "make lab", "make verify", "make down"]
LINK = "argomach"
TABLE = "argolab_machine"


def run(*words: object, check: bool = True) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, f"{words}: {done.stderr[-1500:]}"
    return done.stdout


def settings(root: Path) -> None:
    """What lets a machine here reach its package registries."""
    listing = run(Path(sys.executable).parent / "pip", "config", "list")
    pattern = r"^(?:global|install|:env:)\.(index-url|extra-index-url|cert|timeout)='(.*)'$"
    known = dict(re.findall(pattern, listing, re.MULTILINE))
    if Path(known.get("cert", "")).is_file():
        shutil.copy(known["cert"], root / "etc" / "machine-authorities.crt")
        known["cert"] = "/etc/machine-authorities.crt"
    lines = "".join(f"{key} = {value}\n" for key, value in known.items())
    (root / "etc" / "pip.conf").write_text(f"[global]\n{lines}", encoding="utf-8")
    shutil.copy("/etc/resolv.conf", root / "etc" / "resolv.conf")
    (root / "etc" / "hosts").write_text("127.0.0.1 localhost\n", encoding="utf-8")


def environment(root: Path) -> dict[str, str]:
    env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "TERM": "dumb"}
    wanted = re.compile(r"(?i)^(https?|no|all)_proxy$|^GO(PROXY|SUMDB|NOSUMDB|NOSUMCHECK|PRIVATE)$")
    env.update({key: value for key, value in os.environ.items() if wanted.match(key)})
    if (root / "etc" / "machine-authorities.crt").exists():
        env["SSL_CERT_FILE"] = "/etc/machine-authorities.crt"
    return env


@contextlib.contextmanager
def network(process: int) -> Iterator[None]:
    """A cable from this machine to the other one, and its traffic let out under this one's address.

    Where a Docker engine rules the forwarding here, the cable goes to its bridge, and its rules serve; else a table of
    its own does, removed at the end. The cable goes away with the other machine.
    """
    bridged = Path("/sys/class/net/docker0/bridge").exists()
    own, other = ("172.17.0.1", "172.17.250.2/16") if bridged else ("10.213.99.1", "10.213.99.2/24")
    forward = Path("/proc/sys/net/ipv4/ip_forward")
    before = forward.read_text()
    run("ip", "link", "add", LINK, "type", "veth", "peer", "name", "eth0", "netns", process)
    try:
        if bridged:
            run("ip", "link", "set", LINK, "master", "docker0")
        else:
            run("ip", "address", "add", f"{own}/24", "dev", LINK)
            forward.write_text("1\n")
            chain = "type nat hook postrouting priority 100; ip saddr 10.213.99.0/24 masquerade;"
            rule = f"table ip {TABLE} {{\nchain out {{ {chain} }}\n}}\n"
            subprocess.run(["nft", "-f", "-"], input=rule, text=True, check=True)
        run("ip", "link", "set", LINK, "up")
        inside = ["nsenter", "--net", "--target", process]
        run(*inside, "ip", "link", "set", "lo", "up")
        run(*inside, "ip", "address", "add", other, "dev", "eth0")
        run(*inside, "ip", "link", "set", "eth0", "up")
        run(*inside, "ip", "route", "add", "default", "via", own)
        yield
    finally:
        run("ip", "link", "delete", LINK, check=False)
        if not bridged:
            run("nft", "delete", "table", "ip", TABLE, check=False)
            forward.write_text(before)


@pytest.fixture
def machine() -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("a root file system is made and entered, which needs root")
    for name in ("mmdebstrap", "unshare", "nsenter", "ip", "nft"):
        if shutil.which(name) is None:
            pytest.skip(f"a machine in namespaces is made, which needs {name}")
    folder = Path(tempfile.mkdtemp(prefix="machine-", dir=CACHE / "test"))
    root = folder / "root"
    root.mkdir()
    try:
        run("tar", "-C", root, "--extract", "--file", debian_root.build_root(BASE, str(CACHE / "test")))
        settings(root)
        run("git", "clone", "-q", "--bare", ROOT, root / "src")
        if os.environ.get("ARGOLAB_CLEAN_MACHINE") != "cold":
            for name in ("programs", "root", "images"):
                # Hard links: nothing of a finished build is ever written to again.
                kept = root / "root" / ".cache" / CACHE.name / name
                kept.parent.mkdir(parents=True, exist_ok=True)
                if (CACHE / name).exists():
                    run("cp", "-al", CACHE / name, kept)
        yield root
    finally:
        shutil.rmtree(folder)


def test_the_commands_of_the_readme_are_all_it_takes(machine: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert not [command for command in COMMANDS[1:] if f"`{command}`" not in readme and f"\n{command}" not in readme]
    LOG.parent.mkdir(parents=True, exist_ok=True)
    script = Path(__file__).resolve().parent / "files" / "machine.py"
    # The script's Python and its libraries are read before the new root hides them.
    argv = ["unshare", "--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child"]
    with LOG.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [*argv, sys.executable, str(script), str(machine), *COMMANDS],
            env=environment(machine), stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        try:
            # unshare has made its namespaces when its child is there; the network is the child's.
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            for _attempt in range(600):
                if child := children.read_text().split():
                    break
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=0.1)
            with network(int(child[0])):
                assert process.stdin is not None
                process.stdin.write("go\n")
                process.stdin.close()
                code = process.wait(timeout=7200)
        finally:
            process.kill()
            process.wait()
    output = LOG.read_text(encoding="utf-8", errors="replace")
    typed = re.findall(r"^= (\d+) after", output, re.MULTILINE)
    assert (code, typed) == (0, ["0"] * len(COMMANDS)), output[-6000:]
    first, second = (part for part in output.split("# make lab\n")[1:])
    assert "changed=0" in second.split("# make verify")[0]
    assert re.search(r"Verification passed", first)
    evidence = json.loads((machine / "root/argolab/build/evidence/evidence.json").read_text(encoding="utf-8"))
    assert evidence["verdict"] == "passed"
    assert (machine / "etc/hosts").read_text(encoding="utf-8") == "127.0.0.1 localhost\n"
