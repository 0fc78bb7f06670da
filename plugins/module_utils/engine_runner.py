# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module container_engine does, apart from Ansible."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ansible_collections.argolab.observability.plugins.module_utils import dockerd, processes
from ansible_collections.argolab.observability.plugins.module_utils.docker_engine import (
    DockerEngine,
    Found,
    candidates,
    first_that_answers,
)
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.host_resources import shortages

Outcome = Tuple[Dict[str, Any], List[str]]


def missing_packages(wanted: Sequence[str]) -> List[str]:
    """Return the Debian packages that are not installed; all of them where dpkg cannot be asked."""
    if not wanted:
        return []
    try:
        done = processes.run(["dpkg-query", "-W", "-f", "${Package}\t${db:Status-Status}\n", *wanted], timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return list(wanted)
    installed = {line.split("\t")[0] for line in done.stdout.splitlines() if line.endswith("\tinstalled")}
    return [name for name in wanted if name not in installed]


def why_not_here(params: Mapping[str, Any], layout: dockerd.Layout, missing: Sequence[str]) -> str:
    """Say why no engine can be started on this host; empty where one can be."""
    if os.geteuid() != 0:
        return (
            "only root can start one: install and start Docker (https://docs.docker.com/engine/install), "
            "or run this as root"
        )
    if missing and not shutil.which("apt-get", path=dockerd.PATH):
        return (
            "this is neither Debian nor Ubuntu, where its packages could be installed: install and start Docker "
            "(https://docs.docker.com/engine/install), then run this again"
        )
    try:
        dockerd.check_layout(layout)
    except DefiniteError as error:
        return str(error)
    return "; ".join(shortages(layout.data_dir, params["minimum_disk_gib"], params["minimum_memory_gib"]))


def look(params: Mapping[str, Any], layout: dockerd.Layout) -> Found:
    hosts, explicit = candidates(params["docker_host"], layout.docker_host, os.environ, os.path.expanduser("~"))
    cert_path = os.environ.get("DOCKER_CERT_PATH") if os.environ.get("DOCKER_TLS_VERIFY") else None
    return first_that_answers(hosts, explicit, cert_path)


def described(found: Found, layout: dockerd.Layout) -> Dict[str, Any]:
    return {
        "docker_host": found.docker_host or "",
        "own": found.docker_host == layout.docker_host,
        "tried": found.tried,
        "missing_packages": [],
        "blocker": "",
    }


def run(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    layout = dockerd.Layout(params["state_dir"], params["data_dir"], params["run_dir"])
    if params["state"] == "absent":
        return _absent(layout, bool(params["keep_used"]), check_mode)
    found = look(params, layout)
    result: Dict[str, Any] = {"changed": False, **described(found, layout)}
    if found.docker_host:
        return result, []
    if found.explicit:
        raise ArgolabError(
            f"no Docker engine answers: {'; '.join(found.tried)}. That address was asked for by name "
            "(container_engine_address or DOCKER_HOST): correct it, or leave it out to have an engine found or started."
        )
    result["missing_packages"] = missing_packages(params["packages"])
    result["blocker"] = why_not_here(params, layout, result["missing_packages"])
    if params["state"] == "found":
        return result, []
    return _started(params, layout, result, check_mode)


def _started(params: Mapping[str, Any], layout: dockerd.Layout, result: Dict[str, Any], check_mode: bool) -> Outcome:
    if result["blocker"]:
        raise DefiniteError(f"no Docker engine answers ({'; '.join(result['tried'])}), and {result['blocker']}")
    result.update(changed=True, docker_host=layout.docker_host, own=True)
    result["diff"] = {
        "before": "no Docker engine answers\n",
        "after": "".join(f"package {name}\n" for name in result["missing_packages"])
        + f"Docker engine at {layout.docker_host}, data in {layout.data_dir}\n",
    }
    if check_mode:
        return result, []
    if os.path.exists(layout.before) and dockerd.engine_pid(layout) is not None:
        raise ArgolabError(
            f"the engine started earlier runs (pid {dockerd.engine_pid(layout)}) and does not answer: "
            f"{'; '.join(result['tried'])}. "
            f"See {layout.log}, or remove it with state=absent"
        )
    started = dockerd.start(layout, params["runtime_wrapper"], params["timeout"])
    result.update(started)
    warnings = []
    if started["runtime_wrapper"]:
        warnings.append(
            "The capability bounding set of this host is short: the Docker engine starts containers through "
            f"{layout.runtime}, which leaves the missing capabilities out of privileged containers."
        )
    return result, warnings


def users(layout: dockerd.Layout) -> List[str]:
    """Names of the containers on our engine; empty where it does not answer, for then nobody uses it."""
    try:
        return sorted(str(item["Names"][0]).lstrip("/") for item in DockerEngine(layout.docker_host).containers())
    except ArgolabError:
        return []


def _absent(layout: dockerd.Layout, keep_used: bool, check_mode: bool) -> Outcome:
    result: Dict[str, Any] = {
        "changed": dockerd.present(layout),
        "docker_host": "",
        "own": False,
        "tried": [],
        "missing_packages": [],
        "blocker": "",
    }
    if not result["changed"]:
        return result, []
    used_by = users(layout) if keep_used else []
    if used_by:
        result.update(changed=False, docker_host=layout.docker_host, own=True)
        return result, [f"the Docker engine at {layout.docker_host} is kept, for it still runs {', '.join(used_by)}"]
    result["diff"] = {"before": f"Docker engine at {layout.docker_host}, data in {layout.data_dir}\n", "after": ""}
    if not check_mode:
        if os.geteuid() != 0:
            raise DefiniteError(f"only root can remove the Docker engine in {layout.state_dir}: run this as root")
        left = dockerd.remove(layout)
        if left:
            raise ArgolabError("the engine was ended, but this is left of it: " + "; ".join(left))
    return result, []
