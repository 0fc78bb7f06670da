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
from ansible_collections.argolab.observability.plugins.module_utils.k3d_state import (
    Cluster,
    DeclaredPort,
    Spec,
    find_cluster,
)

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LINE = re.compile(r"^(?P<level>INFO|WARN|ERRO|FATA)\[\d+\]\s*(?P<text>.*?)\s*$")
_TOKEN = re.compile(r"(K3S_TOKEN=|k3d\.cluster\.token[\"'=: ]+|token[:=]\s*)[^\s\"',]+")
_TOKEN_VALUE = re.compile(r"^[A-Za-z0-9._:~+/=-]{1,256}$")
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
            **os.environ,
            "NO_COLOR": "1",
            # The user's own kubeconfig is none of our business, not even on delete, where k3d has no option for it.
            "KUBECONFIG": os.path.join(tempfile.gettempdir(), "argolab-no-kubeconfig"),
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
        try:
            done = processes.run(
                [self.binary, *arguments], env={**self.environment, **(extra or {})}, timeout=timeout
            )
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

    def cluster(self, name: str) -> Optional[Cluster]:
        """Return a cluster, None where there is none; asked for by name, that and a failure would look the same."""
        answer = self.checked(["cluster", "list", "-o", "json"], timeout=_GRACE)
        try:
            return find_cluster(json.loads(answer.out or "[]"), name)
        except ValueError as error:
            raise ArgolabError(f"k3d cluster list answered no JSON: {answer.out[:200]!r}") from error

    def create(self, spec: Spec, options: Mapping[str, Any], timeout: int) -> None:
        arguments = create_arguments(spec, options, timeout)
        token = options.get("token")
        if not token:
            self.checked(arguments, timeout + _GRACE)
            return
        if not _TOKEN_VALUE.match(token):
            raise DefiniteError("token holds characters that it may not: expected letters, digits and ._:~+/=- only")
        # A token among the arguments could be read by every user of this host; k3d expands variables in its file.
        handle, path = tempfile.mkstemp(prefix="argolab-k3d-", suffix=".yaml")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as config:
                config.write('apiVersion: k3d.io/v1alpha5\nkind: Simple\ntoken: "${ARGOLAB_K3D_TOKEN}"\n')
            self.checked([*arguments, "--config", path], timeout + _GRACE, {"ARGOLAB_K3D_TOKEN": token})
        finally:
            os.unlink(path)

    def delete(self, name: str, timeout: int) -> Answer:
        return self.run(["cluster", "delete", name], timeout)

    def start(self, name: str, timeout: int) -> Answer:
        return self.run(["cluster", "start", name, "--timeout", f"{timeout}s"], timeout + _GRACE)

    def add_ports(self, name: str, ports: Sequence[DeclaredPort], timeout: int) -> None:
        arguments = ["cluster", "edit", name]
        for port in ports:
            arguments += ["--port-add", port.argument]
        self.checked(arguments, timeout)

    def import_images(self, name: str, images: Sequence[str], timeout: int) -> Answer:
        # Mode direct streams from the engine into ctr in each node and returns its errors. k3d's default starts a
        # container of an image that must be pulled first, and of what fails in a node it only logs, with exit code 0.
        return self.run(["image", "import", *images, "-c", name, "-m", "direct"], timeout)

    def kubeconfig(self, name: str) -> str:
        return self.checked(["kubeconfig", "get", name], timeout=_GRACE).out


def create_arguments(spec: Spec, options: Mapping[str, Any], timeout: int) -> List[str]:
    """Return the arguments of C(k3d cluster create)."""
    if timeout < 1:
        raise DefiniteError(f"timeout is {timeout}: expected at least one second, since k3d takes 0 for unlimited")
    arguments = ["cluster", "create", spec.name, "--servers", str(spec.servers), "--agents", str(spec.agents)]
    if spec.image:
        arguments += ["--image", spec.image]
    if spec.api_port:
        host = f"[{spec.api_address}]" if ":" in spec.api_address else spec.api_address
        arguments += ["--api-port", f"{host}:{spec.api_port}"]
    for port in spec.ports:
        arguments += ["--port", port.argument]
    if spec.network:
        arguments += ["--network", spec.network]
    if spec.subnet:
        arguments += ["--subnet", spec.subnet]
    for option, flag in (
        ("volumes", "--volume"),
        ("env", "--env"),
        ("k3s_args", "--k3s-arg"),
        ("node_labels", "--k3s-node-label"),
        ("runtime_labels", "--runtime-label"),
        ("runtime_ulimits", "--runtime-ulimit"),
        ("host_aliases", "--host-alias"),
    ):
        for value in options.get(option) or []:
            arguments += [flag, str(value)]
    for option, flag in (
        ("servers_memory", "--servers-memory"),
        ("agents_memory", "--agents-memory"),
        ("registry_config", "--registry-config"),
    ):
        if options.get(option):
            arguments += [flag, str(options[option])]
    arguments += ["--kubeconfig-update-default=false", "--kubeconfig-switch-context=false"]
    # The caller rolls back: k3d's own way takes the nodes' logs along, and forgets the network and the volume at times.
    return [*arguments, "--no-rollback", "--wait", "--timeout", f"{timeout}s"]
