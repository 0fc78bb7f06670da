# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to clusters: the next run converges, or says exactly why it does not.

With the real k3d on a real Docker engine; the node image is a stand-in (files/standin_images.py).
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import k3d_support
import namespaces
import pytest
import standin_images
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.k3d_preflight import Preflight
from ansible_collections.argolab.observability.plugins.module_utils.k3d_runner import Runner
from k3d_support import NAME, Lab

SERVER, BALANCER, TOOLS = f"k3d-{NAME}-server-0", f"k3d-{NAME}-serverlb", f"k3d-{NAME}-tools"


def state(lab: Lab, name: str) -> str:
    container = lab.engine.container(name)
    return str(container["State"]["Status"]) if container else "absent"


MOMENTS: dict[str, Callable[[Lab], bool]] = {
    "network": lambda lab: lab.engine.network(f"k3d-{NAME}") is not None,
    "volume": lambda lab: lab.engine.volume_exists(f"k3d-{NAME}-images"),
    "server made": lambda lab: state(lab, SERVER) != "absent",
    "server started": lambda lab: state(lab, SERVER) == "running",
    "balancer started": lambda lab: state(lab, BALANCER) == "running",
}


@pytest.mark.parametrize("moment", list(MOMENTS))
def test_k3d_killed_in_the_middle_of_a_creation(lab: Lab, moment: str) -> None:
    runner = Runner(lab.params, False)
    address, _colon, port = lab.params["api_port"].rpartition(":")
    process = subprocess.Popen(
        [lab.params["k3d_binary"], "cluster", "create", NAME, "--image", standin_images.NODE, "--no-rollback"]
        + ["--api-port", f"{address}:{port}", "--subnet", lab.params["subnet"]]
        + ["--port", lab.params["ports"][0]],
        env={**runner.k3d.environment, "KUBECONFIG": f"{lab.kubeconfig}-by-hand"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 30
    while not MOMENTS[moment](lab) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert lab.leftovers()
    result = lab.matrix()[3]
    assert {node["state"] for node in result["cluster"]["nodes"]} == {"running"}


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_docker_restarted(way: str) -> None:
    seen = namespaces.run("engine_restarted.py", way, k3d_support.k3d_program())
    assert "Docker" in seen["while_down"] and "docker.sock" in seen["while_down"]
    assert {node[0] for node in seen["after"].values()} == {"running"} and seen["again"] == []
    # Docker deals the addresses of agents and load balancer anew; a server, which has the subnet's, keeps its own
    assert seen["after"].keys() == seen["before"].keys() and seen["after"][SERVER] == seen["before"][SERVER]
    assert all(action.startswith("start ") for action in seen["actions"])
    assert seen["left"] == [] and seen["removed"] == []


def test_containers_removed_stopped_and_frozen_by_hand(lab: Lab) -> None:
    lab.run(agents=1)
    lab.engine.act(BALANCER, "stop")
    assert lab.matrix(agents=1)[1]["actions"] == [f"start {BALANCER} (exited)"]
    for name in (SERVER, BALANCER, f"k3d-{NAME}-agent-0"):
        lab.engine.act(name, "pause")
    assert lab.matrix(agents=1)[1]["actions"] == [
        f"start k3d-{NAME}-agent-0 (paused)", f"start {BALANCER} (paused)", f"start {SERVER} (paused)",
    ]  # fmt: skip
    lab.engine.remove_container(f"k3d-{NAME}-agent-0")
    assert lab.matrix(agents=1)[1]["actions"] == [f"add k3d-{NAME}-agent-0"]
    lab.engine.remove_container(BALANCER)
    message = lab.fails(agents=1)
    assert "load balancer: declared one, found none" in message
    assert lab.matrix(agents=1, recreate="on_drift")[1]["actions"][1] == f"create {NAME}"
    lab.engine.remove_container(SERVER)
    assert "servers: declared 1, found 0" in lab.fails(agents=1)


def test_a_server_that_ends_again_and_again_is_named(lab: Lab) -> None:
    # A node whose program fails at once restarts for ever, and k3d counts it as running.
    script = Path(lab.kubeconfig.parent) / "fails"
    script.write_text("#!/bin/sh\nexit 3\n")
    script.chmod(0o755)
    message = lab.fails(volumes=[f"{script}:/bin/k3s@server:0"], timeout=5)
    assert "was not created, and nothing of it is left" in message
    assert f"{SERVER} was restarting" in message
    assert lab.leftovers() == []


def test_an_api_server_that_never_gets_ready(lab: Lab) -> None:
    # the stand-in has none
    message = lab.fails(api_check=True, timeout=4)
    assert "was not created, and nothing of it is left" in message and "does not get ready within 4 s" in message
    assert f"{SERVER} was running and last said" in message
    assert lab.leftovers() == [] and not lab.kubeconfig.exists()
    # one that was there before stays
    lab.run()
    message = lab.fails(api_check=True, timeout=4)
    assert "does not get ready within 4 s" in message and f"docker logs {SERVER}" in message
    assert state(lab, SERVER) == "running"


def test_a_port_taken_between_the_check_and_the_creation(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = socket.socket()
    creation = Preflight.creation

    def check_and_take(self: Preflight, *arguments: Any) -> None:
        creation(self, *arguments)
        taken.bind(("127.0.0.1", lab.port))
        taken.listen()

    monkeypatch.setattr(Preflight, "creation", check_and_take)
    with taken:
        message = lab.fails()
    assert "was not created, and nothing of it is left" in message and str(lab.port) in message
    assert lab.leftovers() == [] and not lab.kubeconfig.exists()


def test_an_image_that_vanishes_between_the_check_and_the_creation(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There k3d's own rollback forgets the network and the volume."""
    vanishing = "argolab.test/k3d-tools:vanishing"
    repository, _colon, tag = vanishing.rpartition(":")
    lab.engine.request("POST", f"/images/{standin_images.TOOLS}/tag?repo={repository}&tag={tag}")
    creation = Preflight.creation

    def check_and_remove(self: Preflight, *arguments: Any) -> None:
        creation(self, *arguments)
        lab.engine.request("DELETE", f"/images/{vanishing}")

    monkeypatch.setattr(Preflight, "creation", check_and_remove)
    message = lab.fails(tools_image=vanishing)
    assert "was not created, and nothing of it is left" in message and vanishing in message
    assert lab.leftovers() == []


def test_a_cluster_made_by_hand(lab: Lab) -> None:
    arguments = ["cluster", "create", NAME, "--image", standin_images.NODE, "--subnet", lab.params["subnet"]]
    arguments += ["--api-port", lab.params["api_port"], "--kubeconfig-update-default=false"]
    lab.k3d(*arguments, "--port", "127.0.0.1:0:80@loadbalancer", "--env", "MINE=1@server:0")
    message = lab.fails()
    assert f"ports: declared 127.0.0.1:{lab.port}->80/tcp, found" in message
    assert f"env of {SERVER}: declared none, found MINE=1" in message
    lab.k3d("cluster", "delete", NAME)
    # one that is as declared is taken over
    lab.k3d(*arguments, "--port", lab.params["ports"][0])
    assert lab.matrix()[1]["actions"] == [f"write {lab.kubeconfig}"]


class Relay:
    """A socket that passes connections on to a Docker engine until the first request with a word; then it is gone."""

    def __init__(self, path: str, docker_host: str, word: bytes) -> None:
        self.path, self.target, self.word = path, docker_host[len("unix://") :], word
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with contextlib.suppress(OSError), client, server:
            server.connect(self.target)
            threading.Thread(target=self._pump, args=(server, client), daemon=True).start()
            while True:
                data = client.recv(65536)
                if self.word in data:
                    self.close()
                    return
                if not data:
                    return
                server.sendall(data)

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                data = source.recv(65536)
                if not data:
                    break
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            os.unlink(self.path)
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def relay(lab: Lab, tmp_path: Path) -> Iterator[Relay]:
    folder = Path(os.environ.get("TMPDIR", "/tmp")) / f"argolab-relay-{os.getpid()}"
    folder.mkdir()
    made = Relay(str(folder / "docker.sock"), lab.engine.docker_host, b"DELETE ")
    yield made
    made.close()
    shutil.rmtree(folder)


def test_the_socket_gone_during_a_delete(lab: Lab, relay: Relay) -> None:
    lab.run()
    address = f"unix://{relay.path}"
    # k3d answers this with success
    message = lab.fails(state="absent", docker_host=address)
    assert f"whether something of cluster {NAME} is left is not known" in message and relay.path in message
    assert state(lab, SERVER) != "absent" and lab.kubeconfig.exists()
    assert lab.matrix(state="absent")[1]["actions"][0] in (f"delete {NAME}",)
    assert lab.leftovers() == []


def _as_nobody(params: dict[str, Any], answers: Any) -> None:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    try:
        Runner(params, False).run()
        answers.put("it worked")
    except ArgolabError as error:
        answers.put(str(error))


def test_no_permission_on_the_socket(lab: Lab) -> None:
    if os.geteuid() != 0:
        pytest.skip("another user's part is played here, which needs root")
    path = lab.engine.docker_host[len("unix://") :]
    if os.stat(path).st_mode & 0o007 or not os.access(os.path.dirname(path), os.X_OK):
        pytest.skip(f"{path} is open to everybody here")
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    process = context.Process(target=_as_nobody, args=(lab.params, answers))
    process.start()
    message = answers.get(timeout=60)
    process.join(60)
    assert f"no permission on {path}" in message and "group" in message


def test_an_engine_that_is_none(lab: Lab, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{other.getsockname()[1]}"
        assert "Docker is not reachable" in lab.fails(docker_host=address)
