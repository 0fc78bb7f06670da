# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils import k3d_spec
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.k3d_config import DOLLAR, config_text, simple_config
from ansible_collections.argolab.observability.plugins.module_utils.k3d_options import K3D_CLUSTER_SPEC
from ansible_collections.argolab.observability.plugins.module_utils.k3d_spec import Spec, parse_ports, spec_from_params

SPEC = Spec(name="c", api_port=6443, ports=parse_ports(["127.0.0.1:8080:80@loadbalancer"]), subnet="172.29.0.0/16")


def declared(**options: Any) -> Spec:
    defaults = {name: option.get("default") for name, option in K3D_CLUSTER_SPEC.items()}
    return spec_from_params({**defaults, "name": "c", **options})


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("8080:80", ("0.0.0.0:8080->80/tcp", "0.0.0.0:8080:80/tcp@loadbalancer")),
        ("127.0.0.1:8080:80@loadbalancer", ("127.0.0.1:8080->80/tcp", "127.0.0.1:8080:80/tcp@loadbalancer")),
        ("localhost:53:53/udp@server:0:direct", ("127.0.0.1:53->53/udp", "127.0.0.1:53:53/udp@server:0:direct")),
        (
            {"port": "8080:80", "node_filters": ["server:0", "agent:*"]},
            ("0.0.0.0:8080->80/tcp", "0.0.0.0:8080:80/tcp@server:0;agent:*"),
        ),
        ("[::1]:8080:80", ("::1:8080->80/tcp", "[::1]:8080:80/tcp@loadbalancer")),
    ],
)
def test_ports(item: Any, expected: tuple[str, str]) -> None:
    (port,) = parse_ports([item])
    assert (str(port.mapping), port.argument) == expected


@pytest.mark.parametrize(
    "item",
    [
        "80",
        "eighty:80",
        "70000:80",
        "0:80",
        "8080:80/icmp",
        "host.name:8080:80",
        "",
        {"node_filters": []},
        {"port": "1:1", "nodes": 1},
    ],
)
def test_impossible_ports(item: Any) -> None:
    with pytest.raises(DefiniteError):
        parse_ports([item])


@pytest.mark.parametrize("text", ["", "api", "1.2.3:6443", "127.0.0.1:", "99999", "host:6443"])
def test_impossible_api_ports(text: str) -> None:
    with pytest.raises(DefiniteError):
        k3d_spec.parse_api_port(text)


def test_api_port() -> None:
    assert k3d_spec.parse_api_port("6443") == ("127.0.0.1", 6443)
    assert k3d_spec.parse_api_port("0.0.0.0:6443") == ("0.0.0.0", 6443)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "Bad_Name"}, "cannot be the name of a cluster"),
        ({"name": "x" * 33}, "at most 32"),
        ({"name": "-x"}, "cannot be the name"),
        ({"name": ""}, "cannot be the name"),
        ({"servers": 0}, "at least one server"),
        ({"agents": -1}, "0 or more"),
        ({"ports": parse_ports(["8080:80", "127.0.0.1:8080:81"])}, "declared twice"),
        ({"ports": parse_ports(["6443:80"])}, "declared twice"),
        ({"subnet": "172.29.0.1/16"}, "expected a network"),
        ({"subnet": "lab"}, "expected a network"),
        ({"subnet": "172.29.0.0/30"}, "too few addresses"),
    ],
)
def test_impossible_declarations(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DefiniteError, match=message):
        k3d_spec.check_spec(replace(SPEC, **changes))
    k3d_spec.check_spec(SPEC)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loadbalancer": False, "ports": ["8080:80"]}, "goes through the load balancer"),
        ({"env": ["A=b@agent:0"]}, "env: the node filter agent:0 names a node that there is not: agents are 0"),
        ({"volumes": ["/a:/b@server:1-2"], "servers": 2}, "volumes: the node filter server:1-2"),
        ({"host_aliases": ["10.0.0.1"]}, "expected ADDRESS:NAME"),
        ({"host_aliases": ["10.0.0.999:a"]}, "expected an IP address"),
        ({"registries": {"config": {"mirror": {}}}}, "expected mirrors and configs"),
        ({"registries": {"create": {"port": 6443}}}, "declared twice"),
        ({"servers_memory": "much"}, "no amount of memory"),
    ],
)
def test_impossible_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DefiniteError, match=message):
        spec = declared(**options)
        spec.settings(spec.places[0])


def test_the_configuration_says_what_was_declared() -> None:
    spec = declared(
        servers=3, agents=2, image="node:1", api_port="0.0.0.0:6444", api_host="k3d.example.it", subnet="172.29.0.0/16",
        ports=["127.0.0.1:8080:80", "53:53/udp@server:0:direct"], token="secret", env=["A=b@c@server:1", "B=$HOME"],
        volumes=["/a:/b@agent:*"], k3s_args=["--x=1"], node_labels=["tier=web@agent:1"],
        runtime_labels=["team=obs@all"],
        runtime_ulimits=["nofile=1024"], tls_sans=["10.0.0.1"], servers_memory="4g", agents_memory="2g",
        host_aliases=["10.0.0.1:a.it,b.it"],
        registries={
            "create": {"port": 5005, "proxy": {"remote_url": "https://registry-1.docker.io", "password": "geheim"}},
            "use": ["k3d-other:5000"],
            "config": {"mirrors": {"quay.io": {"endpoint": ["http://mirror:5000"]}}},
        },
    )  # fmt: skip
    config = simple_config(spec, 90)
    assert (config["servers"], config["agents"], config["image"], config["token"]) == (3, 2, "node:1", "secret")
    assert config["kubeAPI"] == {"host": "k3d.example.it", "hostIP": "0.0.0.0", "hostPort": "6444"}
    assert config["ports"] == [
        {"port": "127.0.0.1:8080:80/tcp", "nodeFilters": ["loadbalancer"]},
        {"port": "0.0.0.0:53:53/udp", "nodeFilters": ["server:0:direct"]},
    ]
    assert config["env"] == [
        {"envVar": "A=b@c", "nodeFilters": ["server:1"]},
        {"envVar": "B=$HOME", "nodeFilters": ["server:0,1,2", "agent:0,1"]},
    ]
    assert config["volumes"] == [{"volume": "/a:/b", "nodeFilters": ["agent:0,1"]}]
    assert config["options"]["k3s"] == {
        "extraArgs": [
            {"arg": "--x=1", "nodeFilters": ["server:0,1,2", "agent:0,1"]},
            {"arg": "--tls-san=10.0.0.1", "nodeFilters": ["server:*"]},
        ],
        "nodeLabels": [{"label": "tier=web", "nodeFilters": ["agent:1"]}],
    }
    assert config["options"]["runtime"] == {
        "labels": [{"label": "team=obs", "nodeFilters": ["server:0,1,2", "agent:0,1", "loadbalancer"]}],
        "ulimits": [{"name": "nofile", "soft": 1024, "hard": 1024}],
        "serversMemory": "4g",
        "agentsMemory": "2g",
    }
    assert config["hostAliases"] == [{"ip": "10.0.0.1", "hostnames": ["a.it", "b.it"]}]
    assert config["registries"]["create"]["proxy"] == {
        "remoteURL": "https://registry-1.docker.io",
        "password": "geheim",
    }
    assert config["registries"]["use"] == ["k3d-other:5000"]
    # one line would be taken for the path of a file
    assert "\n" in config["registries"]["config"]
    k3d = config["options"]["k3d"]
    assert (k3d["timeout"], k3d["disableRollback"], k3d["disableLoadbalancer"]) == ("90s", True, False)
    assert config["options"]["kubeconfig"] == {"updateDefaultKubeconfig": False, "switchCurrentContext": False}
    # k3d expands variables in its file
    text = config_text(spec, 90)
    assert "$HOME" not in text
    assert json.loads(text.replace("${" + DOLLAR + "}", "$")) == config
    assert "secret" not in repr(spec) and "geheim" not in repr(spec)
