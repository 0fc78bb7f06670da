# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of a k3d cluster: made as declared, recognised, and missed once it is declared otherwise.

With the real k3d on a real Docker engine; the node, load balancer and registry images are stand-ins without a
Kubernetes or a registry in them (files/standin_images.py).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import standin_images
from k3d_support import NAME, Lab, free_port

TOKEN = "a-token-of-the-tests"
PASSWORD = "a-password-of-the-tests"
CONFIG = {
    "mirrors": {"quay.io": {"endpoint": ["http://mirror.example.it:5000"], "rewrite": {"^a/(.*)": "b/$1"}}},
    "configs": {
        "mirror.example.it:5000": {
            "auth": {"username": "reader", "password": PASSWORD},
            "tls": {"insecure_skip_verify": True},
        }
    },
}
OTHER_CONFIGS = {**CONFIG, "configs": {"mirror.example.it:5000": {"auth": {"username": "reader", "password": "x"}}}}


@pytest.fixture
def registry(lab: Lab) -> Iterator[str]:
    """A registry of k3d that exists already, which clusters can use."""
    name = "k3d-argolab-shared"
    lab.k3d("registry", "create", "argolab-shared", "--image", standin_images.REGISTRY, "--port", str(free_port()))
    yield name
    lab.run(state="absent")
    lab.k3d("registry", "delete", name)


def everything(lab: Lab, registry: str, folder: Path) -> dict[str, Any]:
    return {
        "servers": 1,
        "agents": 2,
        "api_host": "localhost",
        "env": ["GREETING=hello@home", "ONE=1@agent:1"],
        "volumes": [f"{folder}:/shared@all"],
        "k3s_args": ["--kubelet-arg=sync-frequency=5s", "--disable=servicelb@server:*"],
        "tls_sans": ["k3d.example.it", "10.0.0.1"],
        "node_labels": ["tier=web@agent:0"],
        "runtime_labels": ["team=observability@server:*;agent:*"],
        "runtime_ulimits": ["nofile=4096:8192"],
        "host_aliases": ["10.0.0.1:a.example.it,b.example.it"],
        "servers_memory": "512m",
        "agents_memory": "256m",
        "token": TOKEN,
        "registries": {
            "create": {
                "name": f"{NAME}-registry",
                "host": "127.0.0.1",
                "port": free_port(),
                "image": standin_images.REGISTRY,
                "proxy": {"remote_url": "https://registry-1.docker.io", "username": "reader", "password": PASSWORD},
            },
            "use": [registry],
            "config": CONFIG,
        },
    }


OTHERWISE: list[tuple[dict[str, Any], list[str]]] = [
    ({"servers": 2}, ["servers: declared 2, found 1"]),
    ({"api_host": None}, ["API host: declared none, found localhost"]),
    ({"env": []}, ["env of", "declared none, found GREETING=hello@home"]),
    ({"env": ["GREETING=bye", "ONE=1@agent:1"]}, ["declared GREETING=bye, found GREETING=hello@home"]),
    ({"volumes": []}, ["volumes of", "declared none", ":/shared"]),
    ({"k3s_args": ["--disable=servicelb@server:*"]}, ["k3s_args of", "found --kubelet-arg=sync-frequency=5s"]),
    ({"tls_sans": ["k3d.example.it"]}, ["declared none, found --tls-san=10.0.0.1"]),
    ({"node_labels": ["tier=db@agent:0"]}, ["node_labels of", "declared tier=db, found tier=web"]),
    ({"node_labels": ["tier=web@agent:1"]}, [f"node_labels of k3d-{NAME}-agent-{number}" for number in (0, 1)]),
    ({"runtime_labels": []}, ["runtime_labels of", "found team=observability"]),
    ({"runtime_ulimits": ["nofile=4096"]}, ["declared nofile=4096:4096, found nofile=4096:8192"]),
    ({"host_aliases": ["10.0.0.2:a.example.it"]}, ["declared 10.0.0.2 a.example.it, found 10.0.0.1 a.example.it"]),
    ({"servers_memory": "1g"}, [f"memory of k3d-{NAME}-server-0: declared 1g, found 512m"]),
    ({"agents_memory": None}, ["memory of", "declared no limit, found 256m"]),
    ({"token": "another"}, ["token: declared another, found the one of its creation"]),
    ({"loadbalancer": False, "ports": []}, ["load balancer: declared none, found one"]),
    ({"image": standin_images.OTHER_NODE}, [f"image: declared {standin_images.OTHER_NODE}"]),
    ({"subnet": "172.31.252.0/24"}, ["subnet: declared 172.31.252.0/24"]),
    ({"ports": []}, ["ports: declared none, found 127.0.0.1:"]),
]


def test_everything_at_once(lab: Lab, registry: str, tmp_path: Path) -> None:
    whole = everything(lab, registry, tmp_path)
    predicted, created, _again, same = lab.matrix(**whole)
    assert predicted["diff"] == created["diff"]
    assert sorted(node["role"] for node in same["cluster"]["nodes"]) == [
        "agent", "agent", "loadbalancer", "registry", "server",
    ]  # fmt: skip
    assert same["cluster"]["api_server"].startswith("https://localhost:")
    for secret in (TOKEN, PASSWORD):
        assert secret not in json.dumps([predicted, created, same])
    # what Docker was really given
    server, agent = (lab.engine.container(f"k3d-{NAME}-{name}") or {} for name in ("server-0", "agent-1"))
    assert server["HostConfig"]["Memory"] == 512 * 1024**2
    assert "GREETING=hello@home" in server["Config"]["Env"] and f"K3S_TOKEN={TOKEN}" in server["Config"]["Env"]
    assert "ONE=1" in agent["Config"]["Env"] and "ONE=1" not in server["Config"]["Env"]
    assert "--tls-san=k3d.example.it" in server["Config"]["Cmd"]
    assert registry.split(":")[0] in str(lab.engine.file(f"k3d-{NAME}-server-0", "/etc/rancher/k3s/registries.yaml"))

    # each option declared otherwise: named with both sides, in check mode as well, and nothing is touched
    registries = whole["registries"]
    otherwise = [
        *OTHERWISE,
        ({"registries": {**registries, "create": None}}, ["registry: declared none, found"]),
        ({"registries": {**registries, "use": []}}, ["registries used: declared none, found k3d-argolab-shared"]),
        ({"registries": {**registries, "config": OTHER_CONFIGS}}, ["configs in registries.config: declared those for"]),
        ({"registries": {**registries, "config": {}}}, ["mirrors in registries.config: declared none, found quay"]),
    ]
    for changes, words in otherwise:
        for check in (True, False):
            message = lab.fails(check, **{**whole, **changes})
            assert all(word in message for word in [*words, "recreate: on_drift"]), message
            assert TOKEN not in message and PASSWORD not in message
        # where it may be made anew, the diff shows what will be different; secrets are not shown
        predicted = lab.run(True, **{**whole, **changes, "recreate": "on_drift"})
        assert [action.split(" (")[0] for action in predicted["actions"]][:2] == [f"delete {NAME}", f"create {NAME}"]
        secret = words[0].split(":")[0] in ("token", "configs in registries.config")
        assert (predicted["diff"]["before"] != predicted["diff"]["after"]) is not secret
    assert lab.run(**whole)["changed"] is False

    # and made anew where that was asked for, on the ports that it has now
    anew = lab.matrix(**{**whole, "env": ["GREETING=bye"], "recreate": "on_drift"})[1]
    assert [action.split(" (")[0] for action in anew["actions"]][:2] == [f"delete {NAME}", f"create {NAME}"]
    assert "-  variable GREETING=hello@home" in _diff(anew) and "+  variable GREETING=bye" in _diff(anew)
    lab.matrix(**whole, state="absent")


def _diff(result: dict[str, Any]) -> str:
    before, after = (result["diff"][side].splitlines() for side in ("before", "after"))
    lines = [f"-{line}" for line in before if line not in after] + [f"+{line}" for line in after if line not in before]
    return "\n".join(lines)


def test_agents_come_and_go_in_place(lab: Lab) -> None:
    common = {"env": ["GREETING=hello"], "node_labels": ["tier=web@agent:*"], "agents_memory": "128m"}
    lab.run(**common)
    kept = lab.engine.container(f"k3d-{NAME}-server-0")
    assert kept is not None
    added = lab.matrix(agents=2, **common)
    assert added[1]["actions"] == [f"add k3d-{NAME}-agent-0, k3d-{NAME}-agent-1"]
    assert added[0]["diff"] == added[1]["diff"]
    assert "+  variable GREETING=hello" not in _diff(added[1])  # the server has it already
    assert f"+node: k3d-{NAME}-agent-1 agent running" in _diff(added[1])
    third = lab.matrix(agents=3, **common)[1]
    assert third["actions"] == [f"add k3d-{NAME}-agent-2-0"]
    container = lab.engine.container(f"k3d-{NAME}-agent-2-0")
    assert container is not None and container["HostConfig"]["Memory"] == 128 * 1024**2
    # the last go first
    fewer = lab.matrix(agents=1, **common)[1]
    assert fewer["actions"] == [f"delete k3d-{NAME}-agent-2-0", f"delete k3d-{NAME}-agent-1"]
    # one that was removed by hand comes back
    lab.engine.remove_container(f"k3d-{NAME}-agent-0")
    assert lab.matrix(agents=1, **common)[1]["actions"] == [f"add k3d-{NAME}-agent-0"]
    lab.matrix(agents=0, **common)
    again = lab.engine.container(f"k3d-{NAME}-server-0")
    assert again is not None and again["Id"] == kept["Id"]
    # what k3d cannot give to an agent that it adds
    for changes in ({"env": ["GREETING=hello", "ONE=1@agent:0"]}, {"volumes": ["/tmp:/shared@agent:0"]}):
        message = lab.fails(agents=1, **{**common, **changes})
        assert "k3d cannot give to a node that it adds" in message


def test_without_a_load_balancer(lab: Lab) -> None:
    port = free_port()
    options = {"loadbalancer": False, "ports": [f"127.0.0.1:{port}:80@server:0:direct"]}
    result = lab.matrix(**options)[3]
    assert [node["role"] for node in result["cluster"]["nodes"]] == ["server"]
    assert result["cluster"]["ports"] == [f"127.0.0.1:{port}->80/tcp"]
    assert "load balancer: declared one, found none" in lab.fails(ports=[])
    assert "goes through the load balancer" in lab.fails(loadbalancer=False)


def test_stopped_and_started(lab: Lab) -> None:
    assert f"there is no cluster {NAME} that could be stopped" in lab.fails(state="stopped")
    assert f"there is no cluster {NAME} that could be started" in lab.fails(True, state="started")
    created = lab.run(agents=1)
    addresses = {node["name"]: node["ip"] for node in created["cluster"]["nodes"]}
    lab.kubeconfig.unlink()
    names = [f"k3d-{NAME}-agent-0", f"k3d-{NAME}-serverlb", f"k3d-{NAME}-server-0"]
    for state, word, others in (
        ("stopped", "exited", {"agents": 5, "image": "other:1"}),
        ("started", "running", {"agents": 5, "image": "other:1"}),
    ):
        # the rest of the declaration is not looked at
        predicted, done, _again, _same = lab.matrix(state=state, **others)
        assert predicted["diff"] == done["diff"]
        assert {node["name"]: node["state"] for node in done["cluster"]["nodes"]} == dict.fromkeys(names, word)
    assert lab.kubeconfig.exists()
    assert {node["name"]: node["ip"] for node in lab.run(agents=1)["cluster"]["nodes"]} == addresses
    # frozen nodes are stopped as well; and what is declared to be present runs
    lab.engine.act(f"k3d-{NAME}-server-0", "pause")
    assert lab.matrix(state="stopped")[1]["actions"] == ["stop " + ", ".join(names)]
    assert lab.matrix(agents=1)[1]["actions"] == [f"start {name} (exited)" for name in names]
    lab.engine.remove_container(f"k3d-{NAME}-server-0")
    assert "has no server left" in lab.fails(state="started")
    assert "has no server left" in lab.fails(state="stopped")


def test_info(lab: Lab, run_module: Any) -> None:
    options = {"docker_host": lab.engine.docker_host, "k3d_binary": lab.params["k3d_binary"]}
    assert run_module("k3d_cluster_info", **options, name=NAME)["clusters"] == []
    made = lab.run(token=TOKEN, env=["SECRET=geheim"])
    for check in (False, True):
        result = run_module("k3d_cluster_info", check, **options)
        (found,) = [one for one in result["clusters"] if one["name"] == NAME]
        assert {**found, "kubeconfig": str(lab.kubeconfig)} == made["cluster"]
        assert found["state"] == "running" and found["problems"] == [] and result["changed"] is False
        assert TOKEN not in json.dumps(result) and "geheim" not in json.dumps(result)
    lab.engine.act(f"k3d-{NAME}-server-0", "pause")
    (found,) = run_module("k3d_cluster_info", **options, name=NAME)["clusters"]
    assert found["state"] == "degraded" and found["problems"] == [f"k3d-{NAME}-server-0 is paused: start the cluster"]
    lab.run(state="stopped")
    (found,) = run_module("k3d_cluster_info", **options, name=NAME)["clusters"]
    assert found["state"] == "stopped" and found["problems"] == []
    missing = run_module("k3d_cluster_info", **{**options, "k3d_binary": "/nowhere/k3d"})
    assert missing["failed"] and "there is no k3d at /nowhere/k3d" in missing["msg"]


def test_nothing_of_the_users_is_touched_and_no_token_stays_behind(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    config = home / ".kube" / "config"
    for folder in (config.parent, temporary):
        folder.mkdir(parents=True)
    config.write_text("apiVersion: v1\nkind: Config\ncurrent-context: mine\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    # what k3d would read as settings
    monkeypatch.setenv("K3D_SERVERS", "3")
    monkeypatch.setenv("K3D_KUBECONFIG_UPDATEDEFAULTKUBECONFIG", "true")
    created = lab.run(token=TOKEN, env=["DOLLAR=$HOME ${TMPDIR} $$"])
    assert len(created["cluster"]["nodes"]) == 2
    container = lab.engine.container(f"k3d-{NAME}-server-0")
    assert container is not None and "DOLLAR=$HOME ${TMPDIR} $$" in container["Config"]["Env"]
    for state in ("stopped", "started", "absent"):
        lab.run(state=state)
    assert config.read_text() == "apiVersion: v1\nkind: Config\ncurrent-context: mine\n"
    assert [path.name for path in config.parent.iterdir()] == ["config"]
    assert list(temporary.iterdir()) == []
