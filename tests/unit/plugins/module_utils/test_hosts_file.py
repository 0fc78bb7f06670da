# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils import hosts_file
from ansible_collections.argolab.observability.plugins.module_utils.hosts_file import HostsFileError
from hypothesis import assume, example, given
from hypothesis import strategies as st

MARKER = "argolab.observability"
NAMES = ["prometheus.example.it", "grafana.example.it"]
BLOCK = (
    "# BEGIN argolab.observability (managed by Ansible, edits are lost)\n"
    "127.0.0.1 prometheus.example.it\n"
    "127.0.0.1 grafana.example.it\n"
    "# END argolab.observability\n"
)


def add(content: bytes, address: str = "127.0.0.1") -> bytes:
    return hosts_file.with_block(content, MARKER, address, NAMES)


def remove(content: bytes) -> bytes:
    return hosts_file.without_block(content, MARKER)


# Bytes that look like hosts files are likelier to hit the corners than bytes that do not.
HOSTS_LIKE = st.lists(
    st.sampled_from(
        [b"127.0.0.1 localhost", b"\n", b"\r\n", b"\r", b"\n\n", b"# K\xf6ln", b"\xff\xfe\x00", b"\t ", b"\x0b\x0c\x85"]
    )
).map(b"".join)


@given(content=st.one_of(st.binary(max_size=200), HOSTS_LIKE), other=st.sampled_from(["10.1.2.3", "::1"]))
@example(content=b"", other="::1")
@example(content=b"no newline at the end", other="::1")
@example(content=b"lone return\r", other="::1")
@example(content=b"crlf\r\nno newline at the end", other="::1")
def test_adding_changing_and_removing_is_the_identity(content: bytes, other: str) -> None:
    assume(MARKER.encode() not in content)
    once = add(content)
    assert once.startswith(content)
    assert add(once) == once
    changed = add(once, other)
    assert changed != once
    assert remove(once) == content
    assert remove(changed) == content
    assert remove(content) == content


@given(before=HOSTS_LIKE, after=HOSTS_LIKE)
def test_what_others_write_around_the_block_stays(before: bytes, after: bytes) -> None:
    content = add(before) + after
    changed = add(content, "10.9.8.7")
    assert changed.startswith(before)
    assert changed.endswith(after)
    left = remove(changed)
    # Without a newline at the end of what was there, the added one stays, or two lines would become one.
    assert left in (before + after, before + b"\n" + after, before + b"\r\n" + after)
    assert len(hosts_file.split_lines(left)) >= len(hosts_file.split_lines(before + after))


def test_only_a_line_feed_ends_a_line() -> None:
    assert hosts_file.split_lines(b"a\rb\x0cc\n\r\nd") == [b"a\rb\x0cc\n", b"\r\n", b"d"]


def test_the_block_as_it_is_written() -> None:
    assert add(b"127.0.0.1 localhost\n") == b"127.0.0.1 localhost\n" + BLOCK.encode()


def test_the_block_takes_the_line_ends_of_the_file() -> None:
    assert add(b"a\r\nb\r\n") == b"a\r\nb\r\n" + BLOCK.replace("\n", "\r\n").encode()


def test_a_line_behind_the_block_is_not_glued_to_the_one_before() -> None:
    assert remove(add(b"last") + b"10.0.0.1 new\n") == b"last\n10.0.0.1 new\n"


def test_blocks_of_other_markers_are_left_alone() -> None:
    other = hosts_file.with_block(b"x\n", "argolab", "10.0.0.1", ["a.b"])
    assert remove(add(other)) == other
    assert hosts_file.without_block(add(other), "argolab") == add(b"x\n")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"x\n# BEGIN argolab.observability\n127.0.0.1 a.b\n", ["line 2", "BEGIN"]),
        (b"x\n# END argolab.observability\n", ["line 2", "END"]),
        (b"# END argolab.observability\n# BEGIN argolab.observability\n", ["line 1", "line 2"]),
        (BLOCK.encode() * 2, ["line 1", "line 4", "line 5", "line 8"]),
        (b"# BEGIN argolab.observability\n" + BLOCK.encode(), ["line 1", "line 2", "line 5"]),
    ],
)
def test_a_damaged_block_is_an_error_that_names_the_lines(content: bytes, words: list[str]) -> None:
    for act in (add, remove):
        with pytest.raises(HostsFileError, match="is damaged") as info:
            act(content)
        assert all(word in str(info.value) for word in words)


@pytest.mark.parametrize(
    ("line", "claimed"),
    [
        (b"10.0.0.1 grafana.example.it", True),
        (b"10.0.0.1\tother GRAFANA.example.it. # ours", True),
        (b"127.0.0.1 grafana.example.it\r", True),
        (b"# 10.0.0.1 grafana.example.it", False),
        (b"10.0.0.1 other # grafana.example.it", False),
        (b"10.0.0.1 xgrafana.example.it grafana.example.it.org", False),
        (b"grafana.example.it other", False),
    ],
)
def test_names_claimed_outside_of_the_block(line: bytes, claimed: bool) -> None:
    content = add(b"first \xff\n") + line + b"\n"
    expected = [(6, "grafana.example.it", line.decode().strip())] if claimed else []
    assert hosts_file.claims(content, MARKER, NAMES) == expected


@pytest.mark.parametrize(
    "names", [[], ["a b"], ["-a.b"], ["a..b"], [""], ["a.b\n"], ["1.2.3.4"], ["x" * 64], ["a.b", "A.B"], ["gräf.it"]]
)
def test_wrong_names(names: list[str]) -> None:
    with pytest.raises(HostsFileError):
        hosts_file.check_names(names)


@pytest.mark.parametrize("address", ["", "localhost", "1.2.3", "1.2.3.4/8", "0.0.0.0", "::", "224.0.0.1", " 1.2.3.4"])
def test_wrong_addresses(address: str) -> None:
    with pytest.raises(HostsFileError):
        hosts_file.check_address(address)


INGRESS = {"strategy": "ingress", "address": "172.29.0.3", "http_port": 80, "https_port": 443}
BALANCER = {"strategy": "loadbalancer", "address": "127.0.0.1", "http_port": 8080, "https_port": 8443}


def choose(strategy: str, *endpoints: dict[str, Any], probe: Any = None) -> hosts_file.Choice:
    return hosts_file.choose_endpoint(
        strategy, list(endpoints), probe or (lambda address, port: pytest.fail("not to be probed"))
    )


def test_auto_prefers_the_ingress_address() -> None:
    choice = choose("auto", {**BALANCER, "reachable": True}, {**INGRESS, "reachable": True})
    assert (choice.strategy, choice.address, choice.http_port) == ("ingress", "172.29.0.3", 80)
    assert "this host reaches it" in choice.reason


@pytest.mark.parametrize(
    ("ingress", "reason"),
    [
        ({**INGRESS, "reachable": False, "detail": "no route to host"}, "no route to host"),
        ({**INGRESS, "address": "", "reachable": True}, "no address yet"),
        ({**INGRESS, "address": "lb.example.org", "reachable": True}, "not an IP address"),
    ],
)
def test_auto_falls_back_to_the_load_balancer_and_says_why(ingress: dict[str, Any], reason: str) -> None:
    choice = choose("auto", ingress, {**BALANCER, "reachable": True})
    assert (choice.strategy, choice.http_port, choice.https_port) == ("loadbalancer", 8080, 8443)
    assert reason in choice.reason


def test_auto_asks_where_the_endpoint_does_not_say() -> None:
    asked: list[tuple[str, int]] = []

    def probe(address: str, port: int) -> str | None:
        asked.append((address, port))
        return "refused" if port == 80 else None

    assert choose("auto", {**BALANCER, "reachable": None}, INGRESS, probe=probe).strategy == "loadbalancer"
    assert asked == [("172.29.0.3", 80), ("127.0.0.1", 8080)]


def test_nothing_reachable_is_an_error_with_every_reason() -> None:
    with pytest.raises(HostsFileError, match=r"ingress 172.29.0.3: dead a.*loadbalancer 127.0.0.1: dead b"):
        choose(
            "auto",
            {**INGRESS, "reachable": False, "detail": "dead a"},
            {**BALANCER, "reachable": False, "detail": "dead b"},
        )


def test_a_named_strategy_is_taken_though_unreachable_and_the_problem_is_told() -> None:
    choice = choose("ingress", {**INGRESS, "reachable": False, "detail": "dead"}, {**BALANCER, "reachable": True})
    assert (choice.strategy, choice.problem) == ("ingress", "dead")


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ([], "endpoints given: none at all"),
        ([BALANCER], "endpoints given: loadbalancer"),
        ([{**INGRESS, "address": None}], "no address yet"),
        ([{**INGRESS, "address": "lb.example.org"}], "not an IP address"),
    ],
)
def test_a_strategy_without_a_usable_endpoint(endpoint: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(HostsFileError, match=message):
        choose("ingress", *endpoint)


def test_any_http_answer_counts_and_silence_does_not() -> None:
    class NotFound(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), NotFound) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        assert hosts_file.probe_http("127.0.0.1", server.server_port) is None
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert "refused" in str(hosts_file.probe_http("127.0.0.1", closed.getsockname()[1]))
    with socket.create_server(("127.0.0.1", 0)) as mute:  # accepts a connection, as a published container port does
        assert "does not answer" in str(hosts_file.probe_http("127.0.0.1", mute.getsockname()[1], timeout=0.05))


def test_replacing_keeps_mode_and_owner_and_leaves_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_bytes(b"old")
    file.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(file, 12345, 23456)
    before = file.stat()
    assert hosts_file.replace_content(str(file), b"old", b"new") == "renamed"
    after = file.stat()
    assert file.read_bytes() == b"new"
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert os.listdir(tmp_path) == ["hosts"]


@pytest.mark.parametrize("code", [errno.EBUSY, errno.EXDEV, errno.EPERM, errno.EACCES, errno.EROFS])
def test_a_file_that_cannot_be_renamed_over_is_written_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*args: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "rename", refuse)
    file = tmp_path / "hosts"
    file.write_bytes(b"a long old content")
    inode = file.stat().st_ino
    assert hosts_file.replace_content(str(file), b"a long old content", b"new") == "in_place"
    assert (file.read_bytes(), file.stat().st_ino) == (b"new", inode)
    assert os.listdir(tmp_path) == ["hosts"]


def test_other_errors_do_not_lead_to_writing_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "fsync", full)
    file = tmp_path / "hosts"
    file.write_bytes(b"old")
    with pytest.raises(OSError, match="no space"):
        hosts_file.replace_content(str(file), b"old", b"new")
    assert file.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["hosts"]


def test_a_failing_write_in_place_puts_the_old_bytes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*args: object) -> None:
        raise OSError(errno.EBUSY, "busy")

    real = os.pwrite

    def short_then_full(handle: int, data: bytes, offset: int) -> int:
        if data.startswith(b"NEW"):
            return real(handle, data[:2], offset)
        if data.startswith(b"W"):
            raise OSError(errno.ENOSPC, "no space")
        return real(handle, data, offset)

    monkeypatch.setattr(os, "rename", busy)
    monkeypatch.setattr(os, "pwrite", short_then_full)
    file = tmp_path / "hosts"
    file.write_bytes(b"old bytes")
    with pytest.raises(OSError, match="no space"):
        hosts_file.replace_content(str(file), b"old bytes", b"NEW bytes")
    assert file.read_bytes() == b"old bytes"


def test_a_file_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_bytes(b"theirs")
    with pytest.raises(HostsFileError, match="changed by someone else"):
        hosts_file.replace_content(str(file), b"old", b"new")
    assert file.read_bytes() == b"theirs"


def test_what_is_no_regular_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    for name, message in [
        ("absent", "does not exist"),
        ("dangling", "symbolic link to"),
        (".", "not a regular file"),
        ("loop", "loop"),
    ]:
        with pytest.raises(HostsFileError, match=message):
            hosts_file.resolve(str(tmp_path / name))
