# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils import hosts_file
from ansible_collections.argolab.observability.plugins.module_utils.hosts_file import HostsFileError
from ansible_collections.argolab.observability.plugins.modules import hosts_entries

ENDPOINT = {
    "strategy": "loadbalancer",
    "address": "127.0.0.1",
    "http_port": 8080,
    "https_port": 8443,
    "reachable": True,
    "detail": None,
}


def run(path: Path, check_mode: bool = False, **params: Any) -> dict[str, Any]:
    defaults = {
        "state": "present",
        "path": str(path),
        "marker": "argolab.observability",
        "names": ["grafana.example.it"],
        "strategy": "auto",
        "endpoints": [ENDPOINT],
    }
    return hosts_entries.run({**defaults, **params}, check_mode)


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    file = tmp_path / "hosts"
    file.write_bytes(b"127.0.0.1 localhost\r\n10.0.0.1 K\xf6ln")
    return file


def test_life_cycle(hosts: Path) -> None:
    before = hosts.read_bytes()
    predicted = run(hosts, check_mode=True)
    assert predicted["changed"]
    assert hosts.read_bytes() == before
    real = run(hosts)
    assert (real["changed"], real["written"], real["chosen"]["strategy"]) == (True, "renamed", "loadbalancer")
    assert real["diff"] == predicted["diff"]
    assert real["diff"]["before"] != real["diff"]["after"]
    again = run(hosts)
    assert (again["changed"], "diff" in again) == (False, False)
    assert run(hosts, state="absent", check_mode=True)["changed"]
    assert run(hosts, state="absent")["changed"]
    assert hosts.read_bytes() == before
    assert not run(hosts, state="absent")["changed"]


def test_a_symbolic_link_stays_one(hosts: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(hosts)
    assert run(link)["path"] == str(hosts)
    assert link.is_symlink()
    assert b"grafana.example.it" in hosts.read_bytes()


def test_a_claimed_name_changes_nothing_and_quotes_the_line(hosts: Path) -> None:
    hosts.write_bytes(before := b"x\n127.0.0.1 grafana.example.it # mine\n")
    with pytest.raises(
        HostsFileError, match="line 2 already gives grafana.example.it: '127.0.0.1 grafana.example.it # mine'"
    ):
        run(hosts)
    assert hosts.read_bytes() == before
    assert not run(hosts, state="absent")["changed"]


def test_without_the_right_to_write_the_message_holds_the_lines(hosts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts_file, "why_not_writable", lambda path: "Permission denied")
    before = hosts.read_bytes()
    for check_mode in (True, False):
        with pytest.raises(
            HostsFileError, match=r"Permission denied(.|\n)*\n127\.0\.0\.1 grafana\.example\.it\n# END"
        ) as info:
            run(hosts, check_mode=check_mode)
    assert hosts.read_bytes() == before
    # Those lines, pasted as they are, satisfy the next run.
    hosts.write_bytes(b"127.0.0.1 localhost\n" + str(info.value).split(":\n")[1].encode() + b"\n")
    assert not run(hosts)["changed"]
    with pytest.raises(HostsFileError, match="remove the lines from '# BEGIN argolab.observability'"):
        run(hosts, state="absent")


def test_check_mode_before_there_is_a_cluster(hosts: Path) -> None:
    for endpoints in ([], [{**ENDPOINT, "reachable": False}], [{**ENDPOINT, "address": ""}]):
        result = run(hosts, check_mode=True, endpoints=endpoints)
        assert result["changed"]
        assert "Check mode" in result["hints"][0]
        with pytest.raises(HostsFileError):
            run(hosts, endpoints=endpoints)


def test_a_named_strategy_that_is_out_of_reach_warns(hosts: Path) -> None:
    result = run(hosts, strategy="loadbalancer", endpoints=[{**ENDPOINT, "reachable": False, "detail": "refused"}])
    assert "refused" in result["hints"][0]


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(HostsFileError, match="does not exist"):
        run(tmp_path / "hosts")
    assert not run(tmp_path / "hosts", state="absent")["changed"]


@pytest.mark.parametrize("marker", ["", "two words", "new\nline", "(.*)"])
def test_a_marker_is_one_word(hosts: Path, marker: str) -> None:
    with pytest.raises(HostsFileError, match="must be one word"):
        run(hosts, marker=marker)
