# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests with a real Docker engine and a real k3d need."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils import dockerd
from ansible_collections.argolab.observability.plugins.module_utils.docker_engine import candidates, first_that_answers
from ansible_collections.argolab.observability.plugins.module_utils.k3d_options import K3D_CLUSTER_SPEC

HERE = Path(__file__).resolve().parent
WRAPPER = HERE.parent.parent / "roles" / "container_engine" / "files" / "argolab-runc"
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
    "timeout": 60,
}
