# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster whose Docker engine is restarted, stopped or killed; to be run by unshare --net --mount.

Prints one JSON object: the actions of the next runs, and the nodes' states and addresses before and after.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils import dockerd
from ansible_collections.argolab.observability.plugins.module_utils.k3d_runner import Runner

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent)]
import k3d_support
import standin_images


def nodes(result: dict[str, Any]) -> dict[str, list[str]]:
    return {node["name"]: [node["state"], node["ip"]] for node in result["cluster"]["nodes"]}


def main(folder: str, wrapper: str, way: str, k3d: str) -> None:
    subprocess.run(["mount", "-t", "sysfs", "sysfs", "/sys"], check=True)
    subprocess.run(["mount", "--rbind", os.environ["CGROUPS"], "/sys/fs/cgroup"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    layout = dockerd.Layout(f"{folder}/s", f"{folder}/d", f"{folder}/r")
    source = Path(wrapper).read_text()
    dockerd.start(layout, source, 60)
    try:
        standin_images.load(layout.docker_host)
        lab = k3d_support.Lab(layout.docker_host, k3d, Path(folder))
        before = nodes(lab.run(agents=1))
        pid = dockerd.engine_pid(layout)
        assert pid
        # As a machine that loses its power: containerd and what holds the containers go as well.
        ended = dockerd.processes_of(layout) if way == "kill" else [pid]
        for one in ended:
            os.kill(one, signal.SIGKILL if way == "kill" else signal.SIGTERM)
        deadline = time.monotonic() + 60
        while any(os.path.exists(f"/proc/{one}") for one in ended) and time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(-1, os.WNOHANG)
            time.sleep(0.1)
        try:
            Runner(lab.params, False).run()
            message = ""
        except Exception as error:  # whatever it is, it is shown
            message = str(error)
        dockerd.start(layout, source, 60)
        first = lab.run(agents=1)
        second = lab.run(agents=1)
        lab.run(state="absent")
        seen = {
            "while_down": message,
            "actions": first["actions"],
            "again": second["actions"],
            "before": before,
            "after": nodes(second),
            "left": lab.leftovers(),
        }
    finally:
        removed = dockerd.remove(layout)
    print(json.dumps({**seen, "removed": removed}))


if __name__ == "__main__":
    main(*sys.argv[1:5])
