# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils import k3d_description, k3d_state
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.k3d_cli import (
    Answer,
    without_colour,
    without_tokens,
)
from ansible_collections.argolab.observability.plugins.module_utils.k3d_kubeconfig import (
    rewritten,
    server_url,
    usable,
    write_private,
)
from ansible_collections.argolab.observability.plugins.module_utils.k3d_nodes import Declaration, parse_entries
from ansible_collections.argolab.observability.plugins.module_utils.k3d_spec import (
    Registry,
    Spec,
    parse_host_alias,
    parse_ports,
)

RECORDED = Path(__file__).resolve().parents[5] / "shared" / "upstream" / "k3d"


def recorded(name: str) -> Any:
    path = RECORDED / name
    if not path.exists():
        pytest.skip(f"no recorded answers of k3d in {RECORDED}")
    return json.loads(path.read_text())


def find_cluster(listing: Any, name: str, **more: Any) -> k3d_state.Cluster | None:
    for entry in listing or []:
        if entry.get("name") == name:
            return k3d_state.parse_cluster(entry, **more)
    return None


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
    found = find_cluster(
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
    assert "secret" not in repr(cluster) + k3d_description.described(cluster)
    assert k3d_description.described(cluster) == k3d_description.described_spec(SPEC, "sha256:aaaaaaaaaaaaaaaa")


@pytest.mark.parametrize(
    ("changes", "field", "repair"),
    [
        ({"servers": 3}, "servers", ""),
        ({"agents": 1}, "agents", "add agents"),
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
    nothing = find_cluster(listing(), "c")
    assert nothing is not None and {item.field for item in k3d_state.differences(SPEC, nothing)} >= {
        "servers",
        "load balancer",
    }


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
    found = find_cluster(recorded(name), cluster)
    assert found is not None
    assert {item.name: item.state for item in found.not_running} == broken
    spec = Spec(name=cluster, servers=1, agents=len(found.of_role("agent")), ports=(), api_port=None)
    fields = {difference.field for difference in k3d_state.differences(spec, found)}
    assert ("servers" in fields) == (name == "list-noserver.json")


def test_recorded_ports_leave_the_api_out() -> None:
    found = find_cluster(recorded("list-running.json"), "tkx")
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
    url = server_url(replace(a_cluster(), api_address="0.0.0.0"))
    assert url == "https://127.0.0.1:6443"
    assert server_url(replace(a_cluster(), api_address="::")) == "https://[::1]:6443"
    assert server_url(replace(a_cluster(), api_host="k3d.example.it")) == "https://k3d.example.it:6443"
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


def agents(*names: str) -> k3d_state.Cluster:
    return a_cluster(*(node(name, "agent") for name in names))


@pytest.mark.parametrize(
    ("there", "declared", "expected"),
    [
        ((), 2, {"k3d-c-agent-0": ("c-agent", 2)}),
        (("agent-0",), 2, {"k3d-c-agent-1-0": ("c-agent-1", 1)}),
        (("agent-1",), 2, {"k3d-c-agent-0": ("c-agent", 1)}),
        (("agent-0", "agent-1-0"), 4, {"k3d-c-agent-2-0": ("c-agent-2", 1), "k3d-c-agent-3-0": ("c-agent-3", 1)}),
        (("agent-0",), 1, {}),
    ],
)
def test_names_of_agents_that_are_added(there: tuple[str, ...], declared: int, expected: dict[str, Any]) -> None:
    cluster, spec = agents(*there), replace(SPEC, agents=declared)
    assert k3d_state.additions(spec, cluster) == expected
    assert len(k3d_description.repaired(spec, cluster).of_role("agent")) == declared


def test_the_last_agents_go_first() -> None:
    cluster = agents("agent-10", "agent-2", "agent-0")
    assert [one.name for one in cluster.of_role("agent")] == ["k3d-c-agent-0", "k3d-c-agent-2", "k3d-c-agent-10"]
    gone = k3d_state.superfluous_agents(replace(SPEC, agents=1), cluster)
    assert [one.name for one in gone] == ["k3d-c-agent-10", "k3d-c-agent-2"]
    assert [one.name for one in k3d_description.repaired(replace(SPEC, agents=1), cluster).of_role("agent")] == [
        "k3d-c-agent-0"
    ]


def test_agents_that_k3d_cannot_add() -> None:
    nodes = Declaration(volumes=parse_entries(["/a:/b@agent:0"], 1, 1, True))
    (found,) = k3d_state.differences(replace(SPEC, agents=1, nodes=nodes), a_cluster())
    assert found.repair == "" and "k3d cannot give" in found.declared


MIRRORS = {"quay.io": {"endpoint": ["http://mirror:5000"], "rewrite": {}}}
CREATED = {"k3d-c-registry:5005": {"endpoint": ["http://k3d-c-registry:5000"]}}
REGISTRY = {
    "Name": "/k3d-c-registry",
    "State": {"Status": "running"},
    "HostConfig": {"PortBindings": {"5000/tcp": [{"HostIp": "0.0.0.0", "HostPort": "5005"}]}},
    "Config": {"Env": ["REGISTRY_PROXY_REMOTEURL=https://remote", "REGISTRY_PROXY_PASSWORD=geheim"]},
}


def test_registries() -> None:
    def found(config: Any, spec: Spec, registry: Any = None) -> list[str]:
        nodes = listing(node("serverlb", "loadbalancer", portMappings=MAPPINGS), node("server-0", "server"))
        cluster = find_cluster(nodes, "c", registries_config=config, registry=registry)
        assert cluster is not None and "geheim" not in repr(cluster) + k3d_description.described(cluster)
        differences = [str(one) for one in k3d_state.differences(spec, cluster)]
        assert "geheim" not in " ".join(differences) and "anders" not in " ".join(differences)
        return differences

    own = Registry("k3d-c-registry", port=5005, remote_url="https://remote", password="geheim")
    config = {"mirrors": {"quay.io": {"endpoint": ["http://mirror:5000"]}}}
    proxied = {"https://remote": {"endpoint": ["http://k3d-c-registry:5000"]}}
    assert (
        found(
            {"mirrors": {**MIRRORS, **CREATED, **proxied}},
            replace(SPEC, registry=own, registries_config=config),
            REGISTRY,
        )
        == []
    )
    assert found({}, SPEC) == []
    assert found({}, replace(SPEC, registry=own)) == [
        "registry: declared k3d-c-registry on 0.0.0.0:5005 for https://remote, found none"
    ]
    assert found({"mirrors": CREATED}, SPEC, REGISTRY)[0].startswith("registry: declared none, found k3d-c-registry")
    (text,) = found({"mirrors": CREATED}, replace(SPEC, registry=replace(own, port=5006)), REGISTRY)
    assert "5006" in text and "5005" in text
    assert found({"mirrors": CREATED}, replace(SPEC, registry=replace(own, password="anders")), REGISTRY) == [
        "registry: declared other credentials, found those of its creation"
    ]
    assert found({"mirrors": MIRRORS}, SPEC) == [
        "mirrors in registries.config: declared none, found quay.io at http://mirror:5000"
    ]
    assert found({}, replace(SPEC, registries_used=("http://k3d-other:5000",))) == [
        "registries used: declared k3d-other, found none"
    ]
    # as k3d writes out what was left out
    auth = {
        "configs": {"quay.io": {"auth": {"username": "", "password": "geheim", "identity_token": ""}, "tls": None}},
        "mirrors": {},
        "auths": {},
    }
    declared = {"configs": {"quay.io": {"auth": {"password": "geheim"}}}}
    assert found(auth, replace(SPEC, registries_config=declared)) == []
    rewritten = {"quay.io": {"endpoint": ["http://mirror:5000"], "rewrite": {"^a": "b"}}}
    assert found({"mirrors": rewritten}, replace(SPEC, registries_config=config)) == [
        "mirrors in registries.config: declared quay.io at http://mirror:5000, found quay.io at http://mirror:5000, "
        "^a as b"
    ]
    assert found(auth, replace(SPEC, registries_config={"configs": {"quay.io": {"auth": {"password": "anders"}}}})) == [
        "configs in registries.config: declared those for quay.io, found those for quay.io"
    ]


def test_tokens_aliases_and_names_of_the_api() -> None:
    cluster = a_cluster()
    changed = replace(
        SPEC, token="another", host_aliases=frozenset({parse_host_alias("10.0.0.1:a.it")}), api_host="k3d.example.it"
    )
    assert [str(one) for one in k3d_state.differences(changed, cluster)] == [
        "API host: declared k3d.example.it, found none",
        "token: declared another, found the one of its creation",
        "host_aliases: declared 10.0.0.1 a.it, found none",
    ]
    assert k3d_state.differences(replace(SPEC, token="secret"), cluster) == []


def test_a_load_balancer_that_is_not_wanted() -> None:
    fields = {one.field for one in k3d_state.differences(replace(SPEC, loadbalancer=False, ports=()), a_cluster())}
    assert fields == {"load balancer", "ports"}


@pytest.mark.parametrize(
    ("name", "cluster", "expected", "word"),
    [
        ("list-running.json", "tkx", "running", ""),
        ("list-stopped.json", "tkx", "stopped", ""),
        ("list-paused.json", "tkx", "degraded", "server-0 is paused"),
        ("list-halfdead.json", "tkr", "degraded", "server-0 is exited"),
        ("list-neverready.json", "tkh", "degraded", "serverlb was never started"),
        ("list-norollback.json", "tkp", "degraded", "serverlb was never started"),
        ("list-noserver.json", "tkx", "degraded", "no server left"),
    ],
)
def test_health_of_recorded_clusters(name: str, cluster: str, expected: str, word: str) -> None:
    found = find_cluster(recorded(name), cluster)
    assert found is not None
    state, problems = k3d_state.health(found)
    assert state == expected and word in " ".join(problems) and bool(problems) == bool(word)


def test_an_agent_with_the_labels_of_a_server() -> None:
    """An agent that was added where there was none has them, the API's address of that time among them."""
    agent = node("agent-0", "agent")
    agent["runtimeLabels"].update({"k3d.server.api.port": "1", "k3d.server.api.hostIP": "10.0.0.1"})
    cluster = a_cluster(agent)
    assert (cluster.api_address, cluster.api_port) == ("127.0.0.1", 6443)


def test_health_without_a_server() -> None:
    cluster = find_cluster(listing(node("serverlb", "loadbalancer", "exited")), "c")
    assert cluster is not None
    assert k3d_state.health(cluster)[0] == "degraded" and "no server left" in k3d_state.health(cluster)[1][0]
