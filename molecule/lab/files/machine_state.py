#!/usr/bin/env python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print, as JSON, what a lab could leave behind on this machine: compared before and after the scenario."""

from __future__ import annotations

import json
import os
import subprocess
import sys

PROGRAMS = (
    "dockerd", "containerd", "containerd-shim", "docker-proxy", "kubelet", "kubectl", "etcd", "kube-", "k3d", "traefik",
    "argocd",
)  # fmt: skip


def output(*argv: str) -> list[str]:
    """Lines of a command's output; nothing where the command is not there."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    except FileNotFoundError:
        return []
    return done.stdout.splitlines() if done.returncode == 0 else []


def processes() -> list[str]:
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as handle:
                argv = handle.read().split(b"\0")
        except OSError:
            continue
        if os.path.basename(argv[0].decode(errors="replace")).startswith(PROGRAMS):
            found.append(" ".join(part.decode(errors="replace") for part in argv[:3]).strip())
    return found


def mounts() -> list[str]:
    with open("/proc/self/mounts", encoding="utf-8") as handle:
        return [" ".join(line.split()[1:3]) for line in handle]


def firewall() -> list[str]:
    """Rules and tables without their counters and handles."""
    rules = [line for line in output("nft", "list", "ruleset") if "counter packets" not in line]
    return rules + [line for line in output("iptables-save") if line.startswith(("*", "-A"))]


def docker(*argv: str) -> list[str]:
    return output("docker", *argv)


def main() -> None:
    hosts, *files = sys.argv[1:]
    with open(hosts, "rb") as handle:
        hosts_content = handle.read().hex()
    with open("/proc/sys/net/ipv4/ip_forward", encoding="utf-8") as handle:
        ip_forward = handle.read().strip()
    state = {
        "processes": processes(),
        "mounts": mounts(),
        "network devices": [line.split(":")[1].split("@")[0].strip() for line in output("ip", "-o", "link")],
        "firewall": firewall(),
        "containers": docker("ps", "--all", "--format", "{{.Names}}"),
        "volumes": docker("volume", "ls", "--format", "{{.Name}}"),
        "networks": docker("network", "ls", "--format", "{{.Name}}"),
        "hosts file": [hosts_content],
        "files": [path for path in files if os.path.exists(path)],
        "ip_forward": [ip_forward],
    }
    json.dump({name: sorted(lines) for name, lines in state.items()}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
