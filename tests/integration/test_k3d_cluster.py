# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life cycle of clusters, with the real k3d on a real Docker engine.

The node image is a stand-in without a Kubernetes in it (files/standin_images.py): containers, networks, ports and
k3d's own
behaviour are real, the API server is not, so that api_check is off here.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat

import standin_images
import yaml
from ansible_collections.argolab.observability.plugins.module_utils.docker_engine import DockerEngine
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from k3d_support import NAME, SUBNET, Lab, free_port
from registry import Registry


def test_life_cycle(lab: Lab) -> None:
    predicted, created, _again, same = lab.matrix()
    assert predicted["diff"] == created["diff"]
    assert created["diff"]["before"] == "absent\n"
    cluster = same["cluster"]
    assert cluster["context"] == f"k3d-{NAME}"
    assert cluster["subnet"] == SUBNET
    assert cluster["ports"] == [f"127.0.0.1:{lab.port}->80/tcp"]
    assert {node["role"]: node["state"] for node in cluster["nodes"]} == {
        "loadbalancer": "running",
        "server": "running",
    }
    addresses = {node["name"]: node["ip"] for node in cluster["nodes"]}

    # the kubeconfig: its own file, private, an address that works from here; and put right when it was touched
    assert stat.S_IMODE(lab.kubeconfig.stat().st_mode) == 0o600
    config = yaml.safe_load(lab.kubeconfig.read_text())
    assert config["clusters"][0]["cluster"]["server"] == f"https://{lab.params['api_port']}" == cluster["api_server"]
    lab.kubeconfig.write_text("clusters: []\n")
    assert lab.run()["actions"] == [f"write {lab.kubeconfig}"]
    assert yaml.safe_load(lab.kubeconfig.read_text()) == config

    # a stopped node container is started by the next run, with the address that it had
    lab.engine.act(f"k3d-{NAME}-server-0", "stop")
    healed = lab.matrix()[1]
    assert healed["actions"] == [f"start k3d-{NAME}-server-0 (exited)"]
    assert "exited" in healed["diff"]["before"] and "exited" not in healed["diff"]["after"]

    # so are a stopped cluster and paused nodes
    for name in addresses:
        lab.engine.act(name, "stop")
    assert len(lab.run()["actions"]) == 2
    assert {node["name"]: node["ip"] for node in lab.run()["cluster"]["nodes"]} == addresses
    lab.engine.act(f"k3d-{NAME}-server-0", "pause")
    assert lab.run()["actions"] == [f"start k3d-{NAME}-server-0 (paused)"]
    lab.engine.act(f"k3d-{NAME}-serverlb", "pause")
    assert lab.run()["actions"] == [f"start k3d-{NAME}-serverlb (paused)"]
    assert set(lab.states().values()) == {"running"}

    token = lab.engine.container(f"k3d-{NAME}-server-0")["Config"]["Labels"]["k3d.cluster.token"]
    assert token not in json.dumps(lab.run())

    lab.matrix(state="absent")
    assert lab.leftovers() == [] and not lab.kubeconfig.exists()


def test_drift(lab: Lab) -> None:
    lab.run()
    # a port can be added in place
    port = free_port()
    ports = [*lab.params["ports"], {"port": f"127.0.0.1:{port}:443", "node_filters": ["loadbalancer"]}]
    assert lab.matrix(ports=ports)[1]["actions"] == [f"add port 127.0.0.1:{port}->443/tcp"]
    # the rest fails, in check mode as well, and names both sides
    for changes, words in (
        ({}, ["ports: declared", f"127.0.0.1:{port}->443/tcp"]),
        ({"servers": 3}, ["servers: declared 3, found 1"]),
        ({"image": standin_images.OTHER_NODE}, [f"image: declared {standin_images.OTHER_NODE}"]),
        ({"api_port": "127.0.0.1:1234"}, ["API address: declared 127.0.0.1:1234, found 127.0.0.1:"]),
        ({"subnet": "172.31.252.0/24"}, [f"subnet: declared 172.31.252.0/24, found {SUBNET}"]),
        ({"network": "elsewhere"}, [f"network: declared elsewhere, found k3d-{NAME}"]),
    ):
        for check in (True, False):
            message = lab.fails(check, **{"ports": ports, **changes} if changes else {})
            assert all(word in message for word in [*words, "recreate: on_drift"]), message
    assert set(lab.run(True, ports=ports)["cluster"]["ports"]) == {
        f"127.0.0.1:{lab.port}->80/tcp",
        f"127.0.0.1:{port}->443/tcp",
    }
    # and is made anew where that was asked for
    anew = lab.matrix(recreate="on_drift", image=standin_images.OTHER_NODE)[1]
    assert [action.split(" (")[0] for action in anew["actions"]][:2] == [f"delete {NAME}", f"create {NAME}"]


def test_agents_and_token(lab: Lab) -> None:
    secret = "a-token-of-the-tests"
    result = lab.run(agents=1, token=secret, env=["GREETING=hello@server:0"])
    assert sorted(node["role"] for node in result["cluster"]["nodes"]) == ["agent", "loadbalancer", "server"]
    container = lab.engine.container(f"k3d-{NAME}-server-0")
    assert container is not None
    assert f"K3S_TOKEN={secret}" in container["Config"]["Env"] and "GREETING=hello" in container["Config"]["Env"]
    assert secret not in json.dumps(result)
    # removed by hand: named, since k3d would still call the cluster running
    lab.engine.remove_container(f"k3d-{NAME}-server-0")
    assert "servers: declared 1, found 0" in lab.fails(agents=1)


def test_refused_before_anything_is_made(lab: Lab) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        message = lab.fails(ports=[f"127.0.0.1:{number}:80@loadbalancer"])
        assert f"port 127.0.0.1:{number} is in use by" in message and f"(pid {os.getpid()})" in message
        assert f":{number}" in lab.fails(True, ports=[f"{number}:80@loadbalancer"])
        assert f"(pid {os.getpid()})" in lab.fails(api_port=f"127.0.0.1:{number}")
    assert "image no.such.example/node:none is not on the Docker engine" in lab.fails(image="no.such.example/node:none")
    assert "loadbalancer_image" in lab.fails(loadbalancer_image="no.such.example/proxy:none")
    assert "10000 GiB are needed" in lab.fails(minimum_memory_gib=10000)
    assert "10000 GiB are needed" in lab.fails(minimum_disk_gib=10000)
    assert "there is no Docker network elsewhere" in lab.fails(network="elsewhere", subnet=None)
    assert "overlaps with the Docker network bridge" in lab.fails(subnet=_bridge_subnet(lab.engine))
    assert "/nowhere/docker.sock does not exist" in lab.fails(docker_host="unix:///nowhere/docker.sock")
    assert "/nowhere/docker.sock does not exist" in lab.fails(docker_host="unix:///nowhere/docker.sock", state="absent")
    assert "there is no k3d at /nowhere/k3d" in lab.fails(k3d_binary="/nowhere/k3d")
    assert lab.leftovers() == [] and not lab.kubeconfig.exists()


def _bridge_subnet(engine: DockerEngine) -> str:
    network = engine.network("bridge")
    assert network is not None
    return str(network["IPAM"]["Config"][0]["Subnet"])


def test_failed_creation_leaves_nothing(lab: Lab) -> None:
    message = lab.fails(image=standin_images.HANGING_NODE, timeout=4)
    assert "was not created, and nothing of it is left" in message
    assert f"k3d-{NAME}-server-0 was running and last said: waiting for ever" in message
    assert lab.leftovers() == [] and not lab.kubeconfig.exists()


def test_removed_without_k3d(lab: Lab) -> None:
    """Teardown must not depend on a program that somebody cleared away with a cache."""
    lab.run()
    assert lab.run(state="absent", k3d_binary="/nowhere/k3d")["changed"] is True
    assert lab.leftovers() == []


def test_the_node_image_is_pulled_from_a_registry(lab: Lab) -> None:
    """As upstream's is: not on the engine before, named in full, pulled by the engine."""
    registry = Registry()
    scripts, _changes = standin_images.IMAGES[standin_images.NODE]
    config = {"Entrypoint": ["/bin/k3s"], "Env": ["PATH=/bin:/usr/bin"]}
    image = registry.add_image("rancher/k3s", "v1.33.4-k3s1", standin_images.archive(scripts), config)
    try:
        lab.matrix(image=image)
        assert "/v2/rancher/k3s/manifests/v1.33.4-k3s1" in registry.asked
        lab.run(state="absent")
        message = lab.fails(image=f"{registry.host}/rancher/k3s:v0")
        assert f"{registry.host}/rancher/k3s:v0" in message
        assert lab.leftovers() == []
    finally:
        registry.close()
        with contextlib.suppress(ArgolabError):
            lab.engine.request("DELETE", f"/images/{image}?force=1")
