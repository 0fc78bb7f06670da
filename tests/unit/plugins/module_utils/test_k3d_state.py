# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils import k3d_state
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.k3d_cli import (
    Answer,
    create_arguments,
    without_colour,
    without_tokens,
)
from ansible_collections.argolab.observability.plugins.module_utils.k3d_kubeconfig import (
    rewritten,
    server_url,
    usable,
    write_private,
)
from ansible_collections.argolab.observability.plugins.module_utils.k3d_state import Spec, parse_ports

RECORDED = Path(__file__).resolve().parents[5] / "shared" / "upstream" / "k3d"


def recorded(name: str) -> Any:
    path = RECORDED / name
    if not path.exists():
        pytest.skip(f"no recorded answers of k3d in {RECORDED}")
    return json.loads(path.read_text())


def node(name: str, role: str, state: str = "running", **more: Any) -> dict[str, Any]:
    return {
        "name": f"k3d-c-{name}",
        "role": role,
        "image": "sha256:aaaaaaaaaaaaaaaa",
        "State": {"Running": state == "running", "Status": state},
        "IP": {"IP": "172.29.0.2"},
        "runtimeLabels": {
            "k3d.cluster.network.iprange": "172.29.0.0/16",
            "k3d.cluster.token": "secret",
            **({"k3d.server.api.port": "6443", "k3d.server.api.hostIP": "127.0.0.1"} if role == "server" else {}),
        },
        "env": ["K3S_TOKEN=secret"],
        **more,
    }


MAPPINGS = {
    "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}],
    "6443/tcp": [{"HostIp": "127.0.0.1", "HostPort": "6443"}],
}


def listing(*nodes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": "other", "nodes": []}, {"name": "c", "network": {"name": "k3d-c"}, "nodes": list(nodes)}]


def a_cluster(*more: dict[str, Any], state: str = "running") -> k3d_state.Cluster:
    found = k3d_state.find_cluster(
        listing(node("serverlb", "loadbalancer", portMappings=MAPPINGS), node("server-0", "server", state), *more), "c"
    )
    assert found is not None
    return found


SPEC = Spec(
    name="c",
    image="node:1",
    api_address="127.0.0.1",
    api_port=6443,
    ports=parse_ports(["127.0.0.1:8080:80@loadbalancer"]),
    subnet="172.29.0.0/16",
)


def test_same() -> None:
    cluster = a_cluster()
    assert k3d_state.differences(SPEC, cluster, "sha256:aaaaaaaaaaaaaaaa") == []
    assert cluster.not_running == [] and cluster.subnet == "172.29.0.0/16"
    assert "secret" not in repr(cluster) + k3d_state.described(cluster)
    assert k3d_state.described(cluster) == k3d_state.described_spec(SPEC)


@pytest.mark.parametrize(
    ("changes", "field", "repair"),
    [
        ({"servers": 3}, "servers", ""),
        ({"agents": 1}, "agents", ""),
        ({"api_port": 6444}, "API address", ""),
        ({"api_address": "0.0.0.0"}, "API address", ""),
        ({"network": "n"}, "network", ""),
        ({"subnet": "172.30.0.0/16"}, "subnet", ""),
        ({"ports": parse_ports(["127.0.0.1:8080:80", "127.0.0.1:8443:443"])}, "ports", "add ports"),
        ({"ports": ()}, "ports", ""),
        ({"ports": parse_ports(["127.0.0.1:8080:80", "9000:9000@server:0:direct"])}, "ports", ""),
        ({"ports": parse_ports(["8080:80"])}, "ports", ""),
    ],
)
def test_differences(changes: dict[str, Any], field: str, repair: str) -> None:
    found = k3d_state.differences(replace(SPEC, **changes), a_cluster(), "sha256:aaaaaaaaaaaaaaaa")
    assert [(difference.field, difference.repair) for difference in found] == [(field, repair)]
    assert found[0].declared != found[0].real


def test_other_differences() -> None:
    image = k3d_state.differences(SPEC, a_cluster(), "sha256:bbbb")
    assert [str(difference) for difference in image] == ["image: declared node:1 (bbbb), found aaaaaaaaaaaa"]
    # an image that is not on the engine any more cannot be compared
    assert k3d_state.differences(SPEC, a_cluster(), None) == []
    nothing = k3d_state.find_cluster(listing(), "c")
    assert nothing is not None and {item.field for item in k3d_state.differences(SPEC, nothing)} >= {
        "servers",
        "load balancer",
    }
    assert k3d_state.find_cluster(None, "c") is None and k3d_state.find_cluster([], "c") is None


@pytest.mark.parametrize("state", ["exited", "paused", "created", "restarting", "dead"])
def test_not_running_whatever_k3d_counts(state: str) -> None:
    assert [item.state for item in a_cluster(state=state).not_running] == [state]


@pytest.mark.parametrize(
    ("name", "cluster", "broken"),
    [
        ("list-running.json", "tkx", {}),
        (
            "list-stopped.json",
            "tkx",
            {"k3d-tkx-serverlb": "exited", "k3d-tkx-server-0": "exited", "k3d-tkx-agent-0": "exited"},
        ),
        ("list-paused.json", "tkx", {"k3d-tkx-server-0": "paused"}),
        ("list-halfdead.json", "tkr", {"k3d-tkr-server-0": "exited"}),
        ("list-neverready.json", "tkh", {"k3d-tkh-serverlb": "created"}),
        ("list-norollback.json", "tkp", {"k3d-tkp-serverlb": "created"}),
        ("list-noserver.json", "tkx", {}),
        ("list-failedcreate.json", "tkx", {}),
    ],
)
def test_recorded_listings(name: str, cluster: str, broken: dict[str, str]) -> None:
    found = k3d_state.find_cluster(recorded(name), cluster)
    assert found is not None
    assert {item.name: item.state for item in found.not_running} == broken
    spec = Spec(name=cluster, servers=1, agents=len(found.of_role("agent")), ports=(), api_port=None)
    fields = {difference.field for difference in k3d_state.differences(spec, found)}
    assert ("servers" in fields) == (name == "list-noserver.json")


def test_recorded_ports_leave_the_api_out() -> None:
    found = k3d_state.find_cluster(recorded("list-running.json"), "tkx")
    assert found is not None
    assert sorted(map(str, found.ports)) == ["0.0.0.0:18080->80/tcp", "0.0.0.0:18443->443/tcp"]
    assert (found.api_address, found.api_port) == ("127.0.0.1", 16443)


def test_recorded_commands_hold_no_colour_once_cleaned() -> None:
    for entry in recorded("commands.json"):
        text = without_colour(entry["stderr"])
        assert "\x1b" not in text
        if entry["rc"] != 0 and "FATA" in text:
            problems = Answer(entry["rc"], without_colour(entry["stdout"]), text).problems
            assert problems and "INFO" not in problems


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
        k3d_state.parse_api_port(text)


def test_api_port() -> None:
    assert k3d_state.parse_api_port("6443") == ("127.0.0.1", 6443)
    assert k3d_state.parse_api_port("0.0.0.0:6443") == ("0.0.0.0", 6443)


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
        k3d_state.check_spec(replace(SPEC, **changes))
    k3d_state.check_spec(SPEC)


def test_create_arguments() -> None:
    arguments = create_arguments(SPEC, {"k3s_args": ["--x=1@server:*"], "token": "secret", "servers_memory": "4g"}, 90)
    assert arguments[:3] == ["cluster", "create", "c"]
    for pair in (
        ["--api-port", "127.0.0.1:6443"],
        ["--k3s-arg", "--x=1@server:*"],
        ["--servers-memory", "4g"],
        ["--timeout", "90s"],
    ):
        assert arguments[arguments.index(pair[0]) + 1] == pair[1]
    assert "secret" not in " ".join(arguments)
    assert {"--kubeconfig-update-default=false", "--kubeconfig-switch-context=false", "--no-rollback"} <= set(arguments)
    with pytest.raises(DefiniteError, match="0 for unlimited"):
        create_arguments(SPEC, {}, 0)


def test_messages() -> None:
    err = (
        "\x1b[31mERRO\x1b[0m[0001] first \n"
        "\x1b[31mFATA\x1b[0m[0001] last token: abc K3S_TOKEN=abc\n"
        "\x1b[33mWARN\x1b[0m[0001] no\n"
    )
    answer = Answer(1, "\x1b[36mINFO\x1b[0m[0000] fine\n", without_tokens(without_colour(err)))
    assert answer.problems == "first | last token: *** K3S_TOKEN=***"
    assert Answer(1, "", "panic: oh\n").problems == "panic: oh"


def test_overlapping() -> None:
    networks = [
        {"Name": "bridge", "IPAM": {"Config": [{"Subnet": "172.17.0.0/16"}]}},
        {"Name": "host", "IPAM": {"Config": None}},
        {"Name": "own", "IPAM": {"Config": [{"Subnet": "172.29.0.0/16"}, {"Subnet": "fd00::/64"}]}},
    ]
    assert k3d_state.overlapping("172.16.0.0/12", networks, "own") == "bridge (172.17.0.0/16)"
    assert k3d_state.overlapping("172.29.1.0/24", networks, "own") is None
    assert k3d_state.overlapping("172.29.1.0/24", networks, "") == "own (172.29.0.0/16)"


def test_kubeconfig(tmp_path: Path) -> None:
    url = server_url(replace(SPEC, api_address="0.0.0.0"))
    assert url == "https://127.0.0.1:6443"
    text = """
clusters: [{name: k3d-c, cluster: {server: "https://0.0.0.0:6443"}}]
contexts: [{name: k3d-c, context: {cluster: k3d-c, user: u}}]
users: [{name: u, user: {token: t}}]
"""
    config = rewritten(text, url)
    path = tmp_path / "new" / "kubeconfig"
    assert usable(str(path), "k3d-c", url) is None
    write_private(str(path), config)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["kubeconfig"]
    assert usable(str(path), "k3d-c", url) == config
    assert usable(str(path), "k3d-other", url) is None
    assert usable(str(path), "k3d-c", "https://127.0.0.1:1") is None
    path.chmod(0o644)
    assert usable(str(path), "k3d-c", url) is None
    for broken in ("", "[]", "{", "clusters: 1"):
        path.write_text(broken)
        path.chmod(0o600)
        assert usable(str(path), "k3d-c", url) is None


def test_the_users_own_kubeconfig_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(DefiniteError, match="your default one"):
        write_private(str(tmp_path / ".kube" / "config"), {})
    assert not (tmp_path / ".kube").exists()
