# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests with a real Docker engine and a real k3d need."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import standin_images
from ansible_collections.argolab.observability.plugins.module_utils import dockerd
from ansible_collections.argolab.observability.plugins.module_utils.docker_engine import (
    DockerEngine,
    candidates,
    first_that_answers,
)
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.k3d_options import K3D_CLUSTER_SPEC
from ansible_collections.argolab.observability.plugins.module_utils.k3d_runner import Runner
from namespaces import WRAPPER

LAB_ENGINE = dockerd.Layout("/var/lib/argolab", "/var/lib/argolab/docker", "/run/argolab")


def k3d_program() -> str:
    """The k3d to test with: $ARGOLAB_K3D, the one on the path, or the newest that was built."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    built = [
        path
        for path in glob.glob(os.path.join(cache, "argolab.observability", "programs", "k3d-*", "k3d"))
        if os.path.isfile(path)
    ]
    found = os.environ.get("ARGOLAB_K3D") or shutil.which("k3d") or max(built, key=os.path.getmtime, default="")
    if not found:
        pytest.skip("there is no k3d: none in $ARGOLAB_K3D, on the path or among the built programs")
    return found


@contextlib.contextmanager
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Docker engine: one that answers, or one started for the tests."""
    hosts, explicit = candidates(None, LAB_ENGINE.docker_host, os.environ, os.path.expanduser("~"))
    found = first_that_answers(hosts, explicit)
    if found.docker_host:
        yield found.docker_host
        return
    if os.geteuid() != 0 or shutil.which("dockerd", path=dockerd.PATH) is None:
        pytest.skip("no Docker engine answers, and none can be started here (it needs root and dockerd)")
    folder = tmp_path_factory.mktemp("engine")
    layout = dockerd.Layout(str(folder / "state"), str(folder / "data"), str(folder / "run"))
    dockerd.start(layout, WRAPPER.read_text(), 60)
    try:
        yield layout.docker_host
    finally:
        assert dockerd.remove(layout) == []


def local_socket(docker_host: str) -> str:
    if not docker_host.startswith("unix://"):
        pytest.skip(f"the Docker engine at {docker_host} is not on this host: ports and images cannot be prepared")
    return docker_host


DEFAULTS: dict[str, Any] = {
    **{name: option.get("default") for name, option in K3D_CLUSTER_SPEC.items()},
    "api_port": "127.0.0.1:16443",
    "api_check": False,
    "minimum_disk_gib": 0.1,
    "minimum_memory_gib": 0.1,
    # the stand-in nodes watch nothing
    "minimum_inotify_instances": 0,
    "timeout": 60,
}

NAME = "argolab-test"
SUBNET = "172.31.253.0/24"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Lab:
    """One declared cluster on the engine."""

    def __init__(self, docker_host: str, k3d: str, folder: Path) -> None:
        self.engine = DockerEngine(docker_host)
        self.kubeconfig = folder / "kubeconfig"
        self.port = free_port()
        self.params: dict[str, Any] = {
            **DEFAULTS,
            "name": NAME,
            "docker_host": docker_host,
            "k3d_binary": k3d,
            "image": standin_images.NODE,
            "loadbalancer_image": standin_images.LOADBALANCER,
            "tools_image": standin_images.TOOLS,
            "api_port": f"127.0.0.1:{free_port()}",
            "ports": [f"127.0.0.1:{self.port}:80@loadbalancer"],
            "subnet": SUBNET,
            "kubeconfig": str(self.kubeconfig),
        }

    def run(self, check: bool = False, **changes: Any) -> dict[str, Any]:
        result = Runner({**self.params, **changes}, check).run()
        assert ("diff" in result) == result["changed"]
        return result

    def k3d(self, *arguments: str) -> None:
        """Run k3d by hand on the same engine."""
        runner = Runner(self.params, False)
        environment = {**runner.k3d.environment, "KUBECONFIG": str(self.kubeconfig.parent / "by-hand")}
        done = subprocess.run(
            [self.params["k3d_binary"], *arguments], env=environment, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def fails(self, check: bool = False, **changes: Any) -> str:
        with pytest.raises(ArgolabError) as caught:
            self.run(check, **changes)
        return str(caught.value)

    def matrix(self, **changes: Any) -> list[dict[str, Any]]:
        """In check mode, for real, and both again: the change is predicted, made once, and not made twice."""
        results = [self.run(True, **changes), self.run(**changes), self.run(True, **changes), self.run(**changes)]
        assert [result["changed"] for result in results] == [True, True, False, False]
        assert results[0]["actions"] and results[2]["actions"] == results[3]["actions"] == []
        return results

    def leftovers(self) -> list[str]:
        """All that carries the cluster's name on the engine."""
        found = [str(item["Names"]) for item in self.engine.containers() if NAME in str(item["Names"])]
        found += [str(item["Name"]) for item in self.engine.networks() if NAME in str(item["Name"])]
        volumes = self.engine.get("/volumes")["Volumes"] or []
        return found + [str(item["Name"]) for item in volumes if NAME in str(item["Name"])]

    def states(self) -> dict[str, str]:
        return {node["name"]: node["state"] for node in self.run(True)["cluster"]["nodes"]}


@contextlib.contextmanager
def standin_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not os.path.exists(standin_images.BUSYBOX):
        pytest.skip("the stand-in images need a static busybox (Debian's busybox-static)")
    with engine(tmp_path_factory) as host:
        standin_images.load(local_socket(host))
        try:
            yield host
        finally:
            client = DockerEngine(host)
            for image in standin_images.IMAGES:
                with contextlib.suppress(ArgolabError):
                    client.request("DELETE", f"/images/{image}?force=1")
