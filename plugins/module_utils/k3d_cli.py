# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client over the k3d command line: argument lists in, parsed answers out, no colour codes, no tokens."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.argolab.observability.plugins.module_utils import processes
from ansible_collections.argolab.observability.plugins.module_utils.docker_engine import socket_path
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.k3d_config import DOLLAR, config_text
from ansible_collections.argolab.observability.plugins.module_utils.k3d_nodes import Settings
from ansible_collections.argolab.observability.plugins.module_utils.k3d_spec import DeclaredPort, Spec

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LINE = re.compile(r"^(?P<level>INFO|WARN|ERRO|FATA)\[\d+\]\s*(?P<text>.*?)\s*$")
_TOKEN = re.compile(r"(K3S_TOKEN=|k3d\.cluster\.token[\"'=: ]+|token[:=]\s*)[^\s\"',]+")
# Images that k3d takes where none are named: its own at its version (pkg/types/images.go), and k3s.
_K3S_IMAGE = "docker.io/rancher/k3s"
_LOADBALANCER_IMAGE = "ghcr.io/k3d-io/k3d-proxy"
_TOOLS_IMAGE = "ghcr.io/k3d-io/k3d-tools"
# k3d reads each of its settings from a variable as well (K3D_SERVERS); these alone are no settings.
_HARMLESS_VARIABLES = ("K3D_IMAGE_", "K3D_HELPER_", "K3D_FIX_", "K3D_DEBUG_", "K3D_LOG")
# k3d's own limit ends first; this one is for a k3d that hangs.
_GRACE = 60.0


def without_colour(text: str) -> str:
    return _COLOUR.sub("", text)


def without_tokens(text: str) -> str:
    return _TOKEN.sub(r"\g<1>***", text)


class Answer(NamedTuple):
    """What a k3d command said."""

    code: int
    out: str
    err: str

    @property
    def problems(self) -> str:
        """The messages of level error and fatal, each once, in order."""
        found: List[str] = []
        for line in (self.err + "\n" + self.out).splitlines():
            match = _LINE.match(line)
            if match and match["level"] in ("ERRO", "FATA"):
                found.append(match["text"])
        return " | ".join(dict.fromkeys(found)) or self.err.strip()[-500:]


class K3d:
    """The k3d program with one Docker engine."""

    def __init__(
        self,
        binary: str,
        docker_host: Optional[str] = None,
        loadbalancer_image: Optional[str] = None,
        tools_image: Optional[str] = None,
    ) -> None:
        self.binary = binary
        self.environment: Dict[str, str] = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith("K3D_") or name.startswith(_HARMLESS_VARIABLES)
            },
            "NO_COLOR": "1",
        }
        if docker_host:
            self.environment["DOCKER_HOST"] = docker_host
            path = socket_path(docker_host)
            # k3d mounts this path into its tools container; a wrong one would be made as a folder on the host.
            if path:
                self.environment["DOCKER_SOCK"] = path
        if loadbalancer_image:
            self.environment["K3D_IMAGE_LOADBALANCER"] = loadbalancer_image
        if tools_image:
            self.environment["K3D_IMAGE_TOOLS"] = tools_image

    def run(self, arguments: Sequence[str], timeout: float, extra: Optional[Mapping[str, str]] = None) -> Answer:
        # k3d leaves files where temporary ones belong, a copy of its configuration with the token in it among them. The
        # user's own kubeconfig is none of its business, not even on delete, where it has no option for that.
        with tempfile.TemporaryDirectory(prefix="argolab-k3d-") as folder:
            own = {"TMPDIR": folder, "KUBECONFIG": os.path.join(folder, "no-kubeconfig")}
            return self._run(arguments, timeout, {**self.environment, **own, **(extra or {})})

    def _run(self, arguments: Sequence[str], timeout: float, environment: Mapping[str, str]) -> Answer:
        try:
            done = processes.run([self.binary, *arguments], env=environment, timeout=timeout)
        except FileNotFoundError as error:
            raise DefiniteError(
                f"there is no k3d at {self.binary}: give its path as k3d_binary (role cli_tools installs one)"
            ) from error
        except PermissionError as error:
            raise DefiniteError(f"{self.binary} cannot be run: {error.strerror}") from error
        except OSError as error:
            raise DefiniteError(f"{self.binary} cannot be run on this machine: {error}") from error
        except subprocess.TimeoutExpired as error:
            raise ArgolabError(f"k3d {' '.join(arguments[:3])} did not end within {timeout:g} s") from error
        return Answer(
            done.returncode,
            without_colour(done.stdout),
            without_tokens(without_colour(done.stderr)),
        )

    def checked(self, arguments: Sequence[str], timeout: float, extra: Optional[Mapping[str, str]] = None) -> Answer:
        answer = self.run(arguments, timeout, extra)
        if answer.code != 0:
            raise ArgolabError(f"k3d {' '.join(arguments[:3])} failed: {answer.problems}")
        return answer

    def listing(self) -> List[Dict[str, Any]]:
        """List all clusters; asked for one by name, its absence and a failure would look the same."""
        answer = self.checked(["cluster", "list", "-o", "json"], timeout=_GRACE)
        try:
            return list(json.loads(answer.out or "[]") or [])
        except ValueError as error:
            raise ArgolabError(f"k3d cluster list answered no JSON: {answer.out[:200]!r}") from error

    def default_images(self) -> Dict[str, str]:
        """Return the images that k3d takes where none are named, by option."""
        answer = self.checked(["version", "-o", "json"], timeout=_GRACE)
        try:
            versions = json.loads(answer.out)
            own = self.environment.get("K3D_HELPER_IMAGE_TAG") or str(versions["k3d"]).lstrip("v")
            return {
                "image": f"{_K3S_IMAGE}:{versions['k3s']}",
                "loadbalancer_image": self.environment.get("K3D_IMAGE_LOADBALANCER") or f"{_LOADBALANCER_IMAGE}:{own}",
                "tools_image": self.environment.get("K3D_IMAGE_TOOLS") or f"{_TOOLS_IMAGE}:{own}",
            }
        except (ValueError, KeyError, TypeError) as error:
            raise ArgolabError(f"k3d version answered no JSON with versions: {answer.out[:200]!r}") from error

    def create(self, spec: Spec, timeout: int) -> None:
        """Create a cluster. Its configuration goes in a file, since every user can read the arguments of a process."""
        if timeout < 1:
            raise DefiniteError(f"timeout is {timeout}: expected at least one second, since k3d takes 0 for unlimited")
        with tempfile.TemporaryDirectory(prefix="argolab-k3d-") as folder:
            path = os.path.join(folder, "cluster.yaml")
            with open(path, "w", encoding="utf-8") as config:
                config.write(config_text(spec, timeout))
            self.checked(["cluster", "create", "--config", path], timeout + _GRACE, {DOLLAR: "$"})

    def delete(self, name: str, timeout: int) -> Answer:
        return self.run(["cluster", "delete", name], timeout)

    def start(self, name: str, timeout: int) -> Answer:
        return self.run(["cluster", "start", name, "--timeout", f"{timeout}s"], timeout + _GRACE)

    def add_ports(self, name: str, ports: Sequence[DeclaredPort], timeout: int) -> None:
        arguments = ["cluster", "edit", name]
        for port in ports:
            arguments += ["--port-add", port.argument]
        self.checked(arguments, timeout)

    def add_agents(self, cluster: str, name: str, count: int, settings: Settings, copied: bool, timeout: int) -> None:
        """Add agents of one name; arguments that are C(copied) from another agent are not given again."""
        arguments = ["node", "create", name, "--cluster", cluster, "--role", "agent", "--replicas", str(count)]
        arguments += ["--wait", "--timeout", f"{timeout}s"]
        if settings.memory:
            arguments += ["--memory", str(settings.memory)]
        for flag, texts in (
            ("--runtime-label", settings.runtime_labels),
            ("--runtime-ulimit", settings.ulimits),
            ("--k3s-node-label", frozenset() if copied else settings.node_labels),
            ("--k3s-arg", frozenset() if copied else settings.k3s_args),
        ):
            for text in sorted(texts):
                arguments += [flag, text]
        self.checked(arguments, timeout + _GRACE)

    def delete_node(self, name: str, timeout: int) -> None:
        self.checked(["node", "delete", name], timeout)

    def stop(self, name: str, timeout: int) -> Answer:
        return self.run(["cluster", "stop", name], timeout)

    def import_images(self, name: str, images: Sequence[str], timeout: float) -> Answer:
        # Mode direct streams from the engine into ctr in each node and returns its errors. k3d's default starts a
        # container of an image that must be pulled first, and of what fails in a node it only logs, with exit code 0.
        return self.run(["image", "import", *images, "-c", name, "-m", "direct"], timeout)

    def kubeconfig(self, name: str) -> str:
        return self.checked(["kubeconfig", "get", name], timeout=_GRACE).out
