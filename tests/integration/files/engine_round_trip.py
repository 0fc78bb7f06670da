# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start an engine, run a container, remove it all; to be run by unshare --net --mount.

Prints one JSON object: what was seen at each step.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils import dockerd, engine_runner
from ansible_collections.argolab.observability.plugins.module_utils.docker_engine import DockerEngine, _UnixConnection

sys.path.insert(0, str(Path(__file__).resolve().parent))
import standin_images


def post(path: str, body: dict[str, Any], unix: str) -> dict[str, Any]:
    connection: http.client.HTTPConnection = _UnixConnection(unix, 30)
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    text = response.read()
    connection.close()
    if response.status >= 300:
        raise RuntimeError(f"{path}: {response.status} {text.decode()}")
    answer: dict[str, Any] = json.loads(text) if text.startswith(b"{") else {}
    return answer


def look(layout: dockerd.Layout) -> dict[str, Any]:
    ruleset = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=False).stdout
    return {
        "links": sorted(os.listdir("/sys/class/net")),
        "ruleset": ruleset,
        "ip_forward": Path(dockerd.IP_FORWARD).read_text().strip(),
        "processes": dockerd.processes_of(layout),
        "mounts": dockerd.mounts_below(
            Path("/proc/self/mountinfo").read_text(), [layout.data_dir, layout.run_dir, layout.state_dir]
        ),
        "folders": [name for name in (layout.state_dir, layout.data_dir, layout.run_dir) if os.path.exists(name)],
    }


def main(folder: str, wrapper: str, kill: bool) -> None:
    # /sys shows the devices of the namespace in which it was mounted
    subprocess.run(["mount", "-t", "sysfs", "sysfs", "/sys"], check=True)
    subprocess.run(["mount", "--rbind", os.environ["CGROUPS"], "/sys/fs/cgroup"], check=True)
    layout = dockerd.Layout(f"{folder}/s", f"{folder}/d", f"{folder}/r")
    params = {
        "docker_host": None,
        "state_dir": layout.state_dir,
        "data_dir": layout.data_dir,
        "run_dir": layout.run_dir,
        "runtime_wrapper": Path(wrapper).read_text(),
        "packages": [],
        "minimum_disk_gib": 0.1,
        "minimum_memory_gib": 0.1,
        "timeout": 60,
        "keep_used": False,
    }
    # other engines of this host are none of this test's business
    engine_runner.candidates = lambda *_arguments: ([layout.docker_host], False)
    seen: dict[str, Any] = {"before": look(layout)}
    Path(dockerd.IP_FORWARD).write_text("0\n")
    try:
        work(layout, params, kill, seen)
    finally:
        if dockerd.present(layout):
            dockerd.remove(layout)
    print(json.dumps(seen))


def work(layout: dockerd.Layout, params: dict[str, Any], kill: bool, seen: dict[str, Any]) -> None:
    first, _warnings = engine_runner.run({**params, "state": "started"}, False)
    again, _warnings = engine_runner.run({**params, "state": "started"}, False)
    seen["changed"] = [first["changed"], again["changed"]]
    seen["runtime_wrapper"] = first["runtime_wrapper"]
    standin_images.load(layout.docker_host)
    engine = DockerEngine(layout.docker_host)
    post("/v1.41/networks/create", {"Name": "lab"}, layout.socket)
    host = {"Privileged": True, "NetworkMode": "lab"}
    post("/v1.41/containers/create?name=lodger", {"Image": standin_images.TOOLS, "HostConfig": host}, layout.socket)
    engine.act("lodger", "start")
    container = engine.container("lodger")
    assert container is not None
    seen["container"] = container["State"]["Status"]
    execution = post("/v1.41/containers/lodger/exec", {"Cmd": ["true"], "Privileged": True}, layout.socket)["Id"]
    post(f"/v1.41/exec/{execution}/start", {"Detach": True}, layout.socket)
    seen["running"] = look(layout)
    if kill:
        pid = dockerd.engine_pid(layout)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        dockerd._wait_gone([pid], 10)
    inside = container["State"]["Pid"]
    removed, _warnings = engine_runner.run({**params, "state": "absent"}, False)
    gone, _warnings = engine_runner.run({**params, "state": "absent"}, False)
    seen["removed"] = [removed["changed"], gone["changed"]]
    seen["container_process_left"] = dockerd._alive(inside)
    seen["after"] = look(layout)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3] == "kill")
