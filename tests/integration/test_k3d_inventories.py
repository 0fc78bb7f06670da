# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example inventories through the role, with the real k3d and stand-in images; each host is a cluster."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import k3d_support
import pytest
import standin_images
from ansible_collections.argolab.observability.plugins.module_utils.docker_engine import DockerEngine

ROOT = Path(__file__).resolve().parent.parent.parent
RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=0\s+failed=(\d+)", re.MULTILINE)

Play = Callable[..., dict[str, int]]


@pytest.fixture
def play(docker_host: str, tmp_path: Path) -> Iterator[Play]:
    """Run the role on an inventory; returns how many tasks changed something, by host, and fails where one failed."""
    variables = {
        "container_engine_docker_host": docker_host,
        "k3d_cluster_binary": k3d_support.k3d_program(),
        "k3d_cluster_image": standin_images.NODE,
        "k3d_cluster_loadbalancer_image": standin_images.LOADBALANCER,
        "k3d_cluster_tools_image": standin_images.TOOLS,
        "k3d_cluster_minimum_disk_gib": 0.1,
        "k3d_cluster_minimum_memory_gib": 0.1,
        "k3d_cluster_minimum_inotify_instances": 0,
    }
    used: list[str] = []

    def run(inventory: str, wanted: str, *options: str, failing: str = "", **more: Any) -> dict[str, int]:
        used.append(inventory)
        settings = {**variables, **more, "wanted": wanted, "lab_build_dir": str(tmp_path)}
        command = ["ansible-playbook", "-i", f"inventory/{inventory}", "tests/integration/files/clusters.yml", *options]
        command += ["-e", json.dumps(settings)]
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, "ANSIBLE_FORKS": "5"}, capture_output=True, text=True, timeout=300,
            check=False,
        )  # fmt: skip
        output = done.stdout + done.stderr
        recap = {host: (int(changed), int(failed)) for host, changed, failed in RECAP.findall(output)}
        assert recap, output[-3000:]
        failed = {host for host, (_changed, number) in recap.items() if number}
        assert failed == ({failing} if failing else set()), output
        return {host: changed for host, (changed, _number) in recap.items()}

    if shutil.which("ansible-playbook") is None:
        pytest.skip("needs ansible-playbook on the path")
    yield run
    for inventory in set(used):
        run(inventory, "absent")


@pytest.mark.parametrize("inventory", ["k3d-ha", "several"])
def test_an_inventory_through_its_life(play: Play, docker_host: str, inventory: str) -> None:
    hosts = set(play(inventory, "present", "--check"))
    assert set(play(inventory, "present").values()) == {1}
    assert set(play(inventory, "present").values()) == {0}
    engine = DockerEngine(docker_host)
    running = {str(item["Names"][0]).lstrip("/") for item in engine.containers() if item["State"] == "running"}
    expected = {f"k3d-{host}-{node}" for host in hosts for node in ("serverlb", "server-0")}
    if inventory == "k3d-ha":
        expected |= {f"k3d-argolab-ha-{node}" for node in ("server-1", "server-2", "agent-0", "agent-1")}
    assert expected <= running
    for wanted, counts in (("stopped", {1}), ("stopped", {0}), ("started", {1}), ("absent", {1}), ("absent", {0})):
        assert set(play(inventory, wanted).values()) == counts


def test_one_cluster_that_fails_neither_stops_nor_hides_the_others(play: Play, docker_host: str) -> None:
    image = f"{{{{ 'no.such.example/node:none' if 'green' in inventory_hostname else '{standin_images.NODE}' }}}}"
    play("several", "present", failing="argolab-green", k3d_cluster_image=image)
    engine = DockerEngine(docker_host)
    assert engine.container("k3d-argolab-blue-server-0") is not None
    assert engine.container("k3d-argolab-green-server-0") is None
