# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils import k3d_nodes
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.k3d_nodes import Settings


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([], "agent-0 agent-1 server-0 server-1 server-2"),
        (["server:*"], "server-0 server-1 server-2"),
        (["servers"], "server-0 server-1 server-2"),
        (["server:0,2"], "server-0 server-2"),
        (["server:1-"], "server-1 server-2"),
        (["agent:-0", "server:0-1"], "agent-0 server-0 server-1"),
        (["loadbalancer", "agent:1"], "agent-1 loadbalancer"),
        (["all"], "agent-0 agent-1 loadbalancer server-0 server-1 server-2"),
    ],
)
def test_filters(filters: list[str], expected: str) -> None:
    places = k3d_nodes.places_of(filters, 3, 2, True)
    assert " ".join(map(str, places)) == expected
    # what k3d is given names the same nodes
    assert k3d_nodes.places_of(k3d_nodes.filters_for(places), 3, 2, True) == places


def test_filters_that_match_nothing() -> None:
    assert k3d_nodes.places_of(["agent:*"], 1, 0, True) == ()
    for filters in (["server:1"], ["agent:0"], ["server:0-3"], ["server:2-1"], ["nodes"], ["server:x"], [""]):
        with pytest.raises(DefiniteError):
            k3d_nodes.places_of(filters, 1, 0, True)
    with pytest.raises(DefiniteError, match="loadbalancer"):
        k3d_nodes.places_of(["loadbalancer"], 1, 0, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=b", ("A=b", ())),
        ("A=b@server:0", ("A=b", ("server:0",))),
        ("A=b@server:0;agent:*", ("A=b", ("server:0", "agent:*"))),
        ("MAIL=me@example.it", ("MAIL=me@example.it", ())),
        ("MAIL=me@example.it@all", ("MAIL=me@example.it", ("all",))),
        ("A=b@", ("A=b@", ())),
    ],
)
def test_filters_at_the_end(text: str, expected: Any) -> None:
    assert k3d_nodes.split_filters(text) == expected


def test_amounts() -> None:
    assert k3d_nodes.bytes_of_memory("512m") == 512 * 1024**2 == k3d_nodes.bytes_of_memory("512M")
    assert k3d_nodes.bytes_of_memory("1073741824") == 1024**3
    assert [k3d_nodes.shown_memory(number) for number in (1024**3, 3 * 1024**2, 5)] == ["1g", "3m", "5b"]
    assert k3d_nodes.whole_ulimit("nofile=5") == "nofile=5:5"
    assert k3d_nodes.whole_volume("/a:k3s-storage:ro") == "/a:/var/lib/rancher/k3s/storage:ro"


CONTAINER = {
    "Config": {
        "Env": ["A=1", "K3S_TOKEN=secret", "K3S_URL=https://x", "PATH=/bin", "K3D_FIX_DNS=1"],
        "Labels": {"app": "k3d", "k3d.role": "server", "team": "obs", "maintainer": "somebody"},
        "Cmd": [
            "server", "--x=1", "--cluster-init", "--tls-san", "127.0.0.1", "--node-label", "tier=web",
            "--tls-san=k3d.example.it",
        ],
    },
    "HostConfig": {
        "Binds": ["k3d-c-images:/k3d/images", "/a:/b", "/home/me/.config/k3d/.x/meminfo:/proc/meminfo:ro"],
        "Memory": 1024**3,
        "Ulimits": [{"Name": "nofile", "Soft": 5, "Hard": 6}],
    },
}  # fmt: skip
IMAGE = {"Config": {"Env": ["PATH=/bin"], "Labels": {"maintainer": "somebody"}}}


def test_what_docker_says_without_what_k3d_adds() -> None:
    settings = k3d_nodes.real_settings(CONTAINER, IMAGE)
    assert settings == Settings(
        env=frozenset({"A=1"}),
        volumes=frozenset({"/a:/b"}),
        k3s_args=frozenset({"--x=1", "--tls-san=k3d.example.it"}),
        node_labels=frozenset({"tier=web"}),
        runtime_labels=frozenset({"team=obs"}),
        ulimits=frozenset({"nofile=5:6"}),
        memory=1024**3,
    )
    assert "secret" not in repr(settings)


def test_differences_name_both_sides_and_nodes_together() -> None:
    declared, real = Settings(env=frozenset({"A=1", "C=1"})), Settings(env=frozenset({"A=2", "C=1"}), memory=1024)
    found = k3d_nodes.settings_differences({"server-0": (declared, real), "server-1": (declared, real)})
    assert [tuple(one) for one in found] == [
        ("env of server-0, server-1", "A=1", "A=2"),
        ("memory of server-0, server-1", "no limit", "1k"),
    ]
    assert k3d_nodes.settings_differences({"server-0": (real, real)}) == []
    (more,) = k3d_nodes.settings_differences({"server-0": (Settings(), Settings(env=frozenset({"A=1"})))})
    assert tuple(more) == ("env of server-0", "none", "A=1")


@pytest.mark.parametrize(
    ("declared", "source", "same_role", "expected"),
    [
        (Settings(), Settings(), True, True),
        (Settings(env=frozenset({"A=1"})), Settings(), False, False),
        (Settings(), Settings(env=frozenset({"A=1"})), False, False),
        (Settings(volumes=frozenset({"/a:/b"})), Settings(), True, False),
        (Settings(k3s_args=frozenset({"--x"})), Settings(), False, True),
        (Settings(k3s_args=frozenset({"--x"})), Settings(), True, False),
        (Settings(runtime_labels=frozenset({"a=b"})), Settings(), True, True),
        (Settings(), Settings(runtime_labels=frozenset({"a=b"})), False, False),
    ],
)
def test_what_k3d_can_add(declared: Settings, source: Settings, same_role: bool, expected: bool) -> None:
    assert k3d_nodes.can_be_added(declared, source, same_role) is expected
