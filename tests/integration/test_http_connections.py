# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections that stay open, and requests that are sent before their turn, with a real server that ends them."""

from __future__ import annotations

import socket
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.errors import TransientError
from ansible_collections.argolab.observability.plugins.module_utils.http_client import HttpClient, parse_url
from conftest import serving


class KeptOpen(BaseHTTPRequestHandler):
    """Counts its connections, and closes each after three requests without a word."""

    protocol_version = "HTTP/1.1"
    connections = 0

    def setup(self) -> None:
        super().setup()
        KeptOpen.connections += 1
        self.served = 0

    def do_GET(self) -> None:
        self.served += 1
        body = urllib.parse.urlsplit(self.path).query.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = self.close_connection or self.served == 3

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def kept_open() -> Iterator[str]:
    KeptOpen.connections = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), KeptOpen)
    server.daemon_threads = True
    with serving(server):
        yield f"http://127.0.0.1:{server.server_address[1]}"


@pytest.mark.parametrize(("keep", "connections"), [(0, 12), (1, 4)])
def test_connections_are_kept_and_renewed_when_the_server_closes_them(
    kept_open: str, keep: int, connections: int
) -> None:
    client = HttpClient(parse_url(kept_open, "url"), name="server")
    client.keep = keep
    for number in range(12):
        assert client.request("GET", "/", [("n", str(number))]).text == f"n={number}"
    client.close()
    assert KeptOpen.connections == connections


def test_a_write_has_a_connection_of_its_own(kept_open: str) -> None:
    client = HttpClient(parse_url(kept_open, "url"), name="server", keep=1)
    client.request("GET", "/")
    client.request("POST", "/")
    assert KeptOpen.connections == 2
    client.request("GET", "/")
    assert KeptOpen.connections == 2
    client.close()


def test_more_connections_are_given_back(kept_open: str) -> None:
    client = HttpClient(parse_url(kept_open, "url"), name="server", keep=1)
    client.keep_open(4, 2)
    assert (client.keep, client.threads) == (4, 2)
    client.keep_open(0)
    assert (client.keep, client.threads) == (1, 1)
    client.request("GET", "/")
    client.request("GET", "/")
    assert KeptOpen.connections == 1
    client.close()


def test_kept_connections_do_not_mix_the_answers_of_threads(kept_open: str) -> None:
    client = HttpClient(parse_url(kept_open, "url"), name="server")
    client.keep = 4
    wrong: list[str] = []

    def ask(thread: int) -> None:
        for number in range(40):
            text = client.request("GET", "/", [("n", f"{thread}-{number}")]).text
            if text != f"n={thread}-{number}":
                wrong.append(text)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.close()
    assert wrong == []
    assert KeptOpen.connections < 8 * 40


@pytest.mark.parametrize("keep", [1, 4])
def test_what_is_asked_ahead_is_answered_in_its_turn(kept_open: str, keep: int) -> None:
    client = HttpClient(parse_url(kept_open, "url"), name="server")
    client.keep = keep
    for number in range(12):
        for ahead in range(number, number + 4):
            client.ask_ahead("/", [("n", str(ahead))])
        assert client.request("GET", "/", [("n", str(number))]).text == f"n={number}"
        # nobody asked for this one ahead
        assert client.request("GET", "/", [("m", str(number))]).text == f"m={number}"
    client.close()
    assert KeptOpen.connections < 24


def test_what_was_asked_ahead_in_vain_is_asked_again(fault: Callable[..., Any]) -> None:
    """One server hangs up on the first request and answers the second; with another nobody listens."""
    answers = [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nthere"]

    def play(channel: socket.socket, _request: Any, _ended: threading.Event) -> None:
        channel.sendall(answers.pop(0))

    server = fault(play)
    client = HttpClient(parse_url(server.url, "url"), name="server")
    client.keep = 2
    client.ask_ahead("/x")
    assert client.request("GET", "/x").text == "there"
    client.close()
    nobody = HttpClient(parse_url("http://127.0.0.1:1", "url"), name="nobody")
    nobody.keep = 2
    nobody.ask_ahead("/x")
    with pytest.raises(TransientError, match="refused"):
        nobody.request("GET", "/x")
    nobody.end = 0.0
    nobody.ask_ahead("/y")
    nobody.close()
