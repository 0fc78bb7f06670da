# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images into the nodes of a cluster, with the real k3d on a real Docker engine.

The nodes are stand-ins without a containerd (files/standin_images.py): what k3d streams into them is real, what keeps
it is a script. It can be made to keep nothing and to say that all is well.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import k3d_support
import pytest
import standin_images
from ansible_collections.argolab.observability.plugins.module_utils import k3d_images
from ansible_collections.argolab.observability.plugins.module_utils.docker_engine import DockerEngine
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.k3d_runner import Runner
from registry import Registry

NAME = "argolab-images"
SERVER, AGENT = f"k3d-{NAME}-server-0", f"k3d-{NAME}-agent-0"
# Names of their own: the tests of other clusters on this engine remove theirs.
NODE, LOADBALANCER, TOOLS = (f"argolab.test/images-{part}:standin" for part in ("node", "proxy", "tools"))
STANDINS = {
    NODE: standin_images.NODE_WITH_CTR,
    LOADBALANCER: standin_images.IMAGES[standin_images.LOADBALANCER],
    TOOLS: standin_images.IMAGES[standin_images.TOOLS],
}
# One name that Docker and containerd write differently, one that both write in full.
SHORT, FULL = "argolab-images:1", "argolab.test/images/full:1"

Run = Callable[..., "dict[str, Any]"]


class Lab:
    """A cluster of one server and one agent, and images to import into it."""

    def __init__(self, docker_host: str, k3d: str) -> None:
        self.engine = DockerEngine(docker_host)
        self.k3d = k3d
        self.cluster: dict[str, Any] = {
            **k3d_support.DEFAULTS,
            "name": NAME,
            "docker_host": docker_host,
            "k3d_binary": k3d,
            "image": NODE,
            "loadbalancer_image": LOADBALANCER,
            "tools_image": TOOLS,
            "agents": 1,
            "api_port": f"127.0.0.1:{k3d_support.free_port()}",
        }

    def build(self, name: str, content: str) -> None:
        # the former image of that name would stay without one
        self.remove(name)
        standin_images.load(self.engine.docker_host, {name: ({"etc/content": content}, [])})

    def remove(self, name: str) -> None:
        with contextlib.suppress(ArgolabError):
            self.engine.request("DELETE", f"/images/{name}?force=1")

    def shell(self, node: str, script: str) -> str:
        done = self.engine.exec(node, ["sh", "-c", script])
        assert done.code == 0, done
        return done.out


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if not os.path.exists(standin_images.BUSYBOX):
        pytest.skip("the stand-in images need a static busybox (Debian's busybox-static)")
    with k3d_support.engine(tmp_path_factory) as docker_host:
        made = Lab(k3d_support.local_socket(docker_host), k3d_support.k3d_program())
        try:
            standin_images.load(docker_host, STANDINS)
            Runner(made.cluster, False).run()
            yield made
        finally:
            Runner({**made.cluster, "state": "absent"}, False).run()
            for image in (*STANDINS, SHORT, FULL):
                made.remove(image)


@pytest.fixture
def images(lab: Lab, run_module: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run the module on the cluster, whose nodes have no image at first."""
    # no kubelet here that is told late
    monkeypatch.setattr(k3d_images, "SETTLE_SECONDS", 0.5)
    lab.build(SHORT, "1")
    lab.build(FULL, "1")
    for node in (SERVER, AGENT):
        lab.shell(node, "rm -rf /var/log/ctr")

    def run(check: bool = False, **changes: Any) -> dict[str, Any]:
        options = {"name": NAME, "images": [SHORT, FULL], "docker_host": lab.engine.docker_host, "k3d_binary": lab.k3d}
        options["timeout"] = 60
        return run_module("k3d_images", check, **{**options, **changes})

    yield run


def matrix(run: Run, **changes: Any) -> list[str]:
    """In check mode, for real, and both again: the change is predicted, made once, and not made twice."""
    results = [run(True, **changes), run(**changes), run(True, **changes), run(**changes)]
    assert [result["changed"] for result in results] == [True, True, False, False]
    assert results[0]["actions"] == results[1]["actions"]
    assert results[0]["diff"]["before"] == results[1]["diff"]["before"]
    if not results[1]["actions"][0].startswith("pull "):
        assert results[0]["diff"]["after"] == results[1]["diff"]["after"]
    assert results[2]["actions"] == results[3]["actions"] == []
    assert {tuple(image["nodes"]) for result in results[1:] for image in result["images"]} == {(SERVER, AGENT)}
    actions: list[str] = results[1]["actions"]
    return actions


def test_images_get_into_all_nodes(lab: Lab, images: Run) -> None:
    assert matrix(images) == [f"import {image} into {node}" for image in (SHORT, FULL) for node in (SERVER, AGENT)]
    for node in (SERVER, AGENT):
        names = [line.split()[0] for line in lab.shell(node, "cat /var/log/ctr/names").splitlines()]
        assert sorted(names) == [FULL, f"docker.io/library/{SHORT}"]
    # the same images by other names
    assert images(images=[f"docker.io/{SHORT}", f"docker.io/library/{SHORT}"])["changed"] is False

    # other content under the same name, on the engine or in one of the nodes
    lab.build(SHORT, "2")
    assert matrix(images) == [f"import {SHORT} into {node}" for node in (SERVER, AGENT)]
    lab.shell(AGENT, f"sed -i 's|^{FULL} manifest sha256:.|&0|' /var/log/ctr/names")
    assert matrix(images) == [f"import {FULL} into {AGENT}"]

    # taken away in one node
    lab.shell(SERVER, f"sed -i '\\|/{SHORT} |d' /var/log/ctr/names")
    assert matrix(images) == [f"import {SHORT} into {SERVER}"]


def test_an_import_that_kept_nothing_is_a_failure(lab: Lab, images: Run) -> None:
    lab.shell(AGENT, "mkdir -p /var/log/ctr && echo 0 >/var/log/ctr/forgets")
    message = images(images=[FULL])["msg"]
    digest = str(lab.engine.image_id(FULL))[7:19]
    assert f"{FULL} ({digest}) in node {AGENT}: absent. k3d ended with exit code 0" in message
    assert "Successfully imported 1 image(s)" in message and f"in node {SERVER}" not in message

    # and with what k3d itself takes for a failure
    lab.shell(AGENT, "echo 3 >/var/log/ctr/forgets")
    message = images(images=[FULL])["msg"]
    assert f"in node {AGENT}: absent. k3d " in message
    # at times k3d hangs, whatever a node does
    assert f"failed to import images in node '{AGENT}'" in message or "did not end within" in message
    lab.shell(AGENT, "rm /var/log/ctr/forgets")
    assert images(images=[FULL])["actions"] == [f"import {FULL} into {AGENT}"]


def test_refused_before_anything_is_imported(lab: Lab, images: Run) -> None:
    message = images(images=[SHORT, "argolab.test/images/none:1"], pull=False)["msg"]
    assert "not on the Docker engine: argolab.test/images/none:1" in message
    assert "cannot be pulled" in images(images=[SHORT, "argolab.test.invalid/none:1"])["msg"]
    assert "there is no cluster argolab-nowhere: create it" in images(name="argolab-nowhere")["msg"]
    assert "there is no k3d at /nowhere/k3d" in images(k3d_binary="/nowhere/k3d")["msg"]
    assert "/nowhere.sock does not exist" in images(docker_host="unix:///nowhere.sock")["msg"]
    assert "k3d imports by tag only" in images(images=[f"{SHORT}@sha256:{'0' * 64}"])["msg"]
    lab.engine.act(AGENT, "pause")
    try:
        assert f"{AGENT} is paused: start what is down" in images()["msg"]
        # in check mode an earlier task may be the one that would have started it
        assert images(True)["actions"] == [f"import {image} into the nodes of {NAME}" for image in (SHORT, FULL)]
    finally:
        lab.engine.act(AGENT, "unpause")
    for node in (SERVER, AGENT):
        assert lab.shell(node, "cat /var/log/ctr/names 2>/dev/null || true") == ""


def test_an_image_that_is_pulled(lab: Lab, images: Run) -> None:
    registry = Registry()
    layer = standin_images.archive({"etc/content": "from a registry"})
    image = registry.add_image("argolab/pulled", "1", layer, {"Entrypoint": ["/bin/sh"], "Env": ["PATH=/bin"]})
    try:
        actions = matrix(images, images=[image])
        assert actions == [f"pull {image}", *(f"import {image} into {node}" for node in (SERVER, AGENT))]
    finally:
        registry.close()
        lab.remove(image)
