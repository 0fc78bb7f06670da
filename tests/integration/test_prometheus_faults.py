# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Prometheus modules do when the other side misbehaves, and when they are given options that cannot work."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.waiter import wait_until

Run = Callable[..., dict[str, Any]]
Fault = Callable[..., Any]

HOST = "prometheus.example.it"
CANARY = "canary-7f3a-secret"
POOLS = b'{"status":"success","data":{"scrapePools":["a"]}}'
GOOD = (
    b'{"status":"success","data":{"activeTargets":[{"labels":{"job":"a"},"discoveredLabels":{"job":"a"},"scrapePool":"a",'
    b'"scrapeUrl":"http://a","lastError":"","lastScrape":"2026-01-01T00:00:00Z","health":"up"}],"droppedTargets":[]}}'
)
EXPECTED = [{"scrape_pool": "a"}]
ONCE = {"expected": EXPECTED, "wait_timeout": 0, "request_timeout": 5}
# long enough for a second look, which only errors that may heal are given
TWICE = {"expected": EXPECTED, "wait_timeout": 1, "poll_interval": 1, "request_timeout": 5}


@pytest.fixture(autouse=True)
def no_real_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time between two polls passes at once; requests keep their real time."""
    skipped = [0.0]

    def sleep(seconds: float) -> None:
        skipped[0] += seconds

    monkeypatch.setitem(wait_until.__kwdefaults__, "sleep", sleep)
    monkeypatch.setitem(wait_until.__kwdefaults__, "clock", lambda: time.monotonic() + skipped[0])


def http(status: str, body: bytes, kind: str = "application/json", length: int | None = None, **headers: str) -> bytes:
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body) if length is None else length}",
    ]
    lines += [f"{key.replace('_', '-')}: {value}" for key, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def verdict(result: dict[str, Any]) -> str:
    """The message, after making sure that nothing looks passed in a failed result."""
    assert result["failed"] and result["changed"] is False if "changed" in result else result["failed"]
    assert all(check["ok"] is False for check in result["checks"])
    return str(result["msg"])


HTML = b"<html><head><title>x</title></head><body>Welcome, log in</body></html>"
STATUS_ERROR = b'{"status":"error","errorType":"unavailable","error":"starting up"}'

HEALING = {
    "503": (http("503 Service Unavailable", STATUS_ERROR), "503: unavailable: starting up"),
    "503 HTML of an ingress": (http("503 Service Unavailable", HTML, "text/html"), "answered 503: x Welcome, log in"),
    "502 empty": (http("502 Bad Gateway", b""), "answered 502"),
    "404 of an ingress": (http("404 Not Found", b"404 page not found\n", "text/plain"), "nothing routes this name"),
    "404 HTML": (http("404 Not Found", HTML, "text/html"), "nothing routes this name"),
    "429": (http("429 Too Many Requests", b"slow down", "text/plain"), "429: slow down"),
    "half a body": (http("200 OK", GOOD[:60], length=len(GOOD)), "sent only 60 of"),
    "half a chunk": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + GOOD[:20],
        "only part of its answer",
    ),
    "half a body without a length": (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + GOOD[:60],
        "only part",
    ),
    "no answer": (b"", "closed the connection without an answer"),
}

FINAL = {
    "400": (http("400 Bad Request", b'{"status":"error","errorType":"bad_data","error":"no"}'), "bad_data: no"),
    "401": (http("401 Unauthorized", b"Unauthorized\n", "text/plain"), "check username and password"),
    "403": (http("403 Forbidden", b"no", "text/plain"), "may not do this"),
    "404 of the API": (http("404 Not Found", b'{"status":"error","errorType":"not_found","error":"x"}'), "not_found"),
    "HTML": (http("200 OK", HTML, "text/html"), "HTML page instead of JSON"),
    "HTML said to be JSON": (http("200 OK", HTML), "HTML page instead of JSON"),
    "text": (http("200 OK", b"hello", "text/plain"), "not JSON"),
    "JSON with a tail": (http("200 OK", GOOD + b"}"), "not JSON"),
    "a list": (http("200 OK", b"[1, 2]"), "not Prometheus's"),
    "null data": (http("200 OK", b'{"status":"success","data":null}'), "not Prometheus's"),
    "other JSON": (http("200 OK", b'{"kind":"APIVersions","versions":["v1"]}'), "not Prometheus's"),
    "wrong types": (http("200 OK", b'{"status":"success","data":{"activeTargets":{"a":1}}}'), "not Prometheus's"),
    "deep nesting": (http("200 OK", b"[" * 200_000), "nested too deeply"),
    "not HTTP": (b"220 mail.example.it ESMTP\r\n\r\n", "does not speak HTTP"),
    "a circle": (http("302 Found", b"", Location="/again"), "in a circle"),
    "a redirect to nothing": (http("302 Found", b"", Location="javascript:alert(1)"), "not an http(s) URL"),
}


@pytest.mark.parametrize("name", HEALING)
def test_what_may_heal_is_tried_again(run_module: Run, fault: Fault, name: str) -> None:
    content, said = HEALING[name]
    server = fault(content)
    result = run_module("prometheus_targets", url=server.url, **TWICE)
    assert said in verdict(result)
    assert result["attempts"] > 1


@pytest.mark.parametrize("name", FINAL)
def test_what_cannot_heal_fails_at_once(run_module: Run, fault: Fault, name: str) -> None:
    content, said = FINAL[name]
    server = fault(content)
    result = run_module("prometheus_targets", url=server.url, **TWICE)
    assert said in verdict(result)
    assert server.connections == (6 if name == "a circle" else 1)


def test_refused(run_module: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert "connection refused" in verdict(run_module("prometheus_targets", url=f"http://127.0.0.1:{port}", **ONCE))


def hang(_channel: socket.socket, _request: Any, ended: threading.Event) -> None:
    ended.wait(30)


def trickle(channel: socket.socket, _request: Any, ended: threading.Event) -> None:
    channel.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while not ended.wait(0.05):
        channel.sendall(b" ")


def trickle_headers(channel: socket.socket, _request: Any, ended: threading.Event) -> None:
    channel.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not ended.wait(0.05):
        channel.sendall(b"x")


@pytest.mark.parametrize("play", [hang, trickle, trickle_headers])
def test_a_server_that_never_ends_is_left(run_module: Run, fault: Fault, play: Any) -> None:
    server = fault(play)
    result = run_module("prometheus_targets", url=server.url, **{**ONCE, "request_timeout": 0.4})
    assert "did not answer completely within" in verdict(result)


def test_a_flood_is_cut_off(run_module: Run, fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.argolab.observability.plugins.module_utils import http_client

    sent = []

    def flood(channel: socket.socket, _request: Any, ended: threading.Event) -> None:
        channel.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")
        while not ended.is_set():
            channel.sendall(b"1," * 50_000)
            sent.append(100_000)

    # the same code with a smaller bound, so that the test does not need the memory of the real one
    monkeypatch.setitem(http_client.HttpClient.__init__.__kwdefaults__, "max_body", 2 * 1024 * 1024)
    server = fault(flood)
    assert "sends more than 2 MiB" in verdict(run_module("prometheus_targets", url=server.url, **TWICE))
    assert server.connections == 1
    assert sum(sent) < 40 * 1024 * 1024


def test_an_error_after_success_leaves_nothing_passed(run_module: Run, fault: Fault) -> None:
    looks = [http("200 OK", GOOD)]

    def once(channel: socket.socket, _request: Any, _ended: threading.Event) -> None:
        channel.sendall(looks.pop() if looks else http("503 Service Unavailable", b""))

    options = {**TWICE, "stable_polls": 2}
    result = run_module("prometheus_targets", url=fault(once).url, **options)
    assert "503" in verdict(result)
    assert "Seen before that: 1 up of 1 target" in result["checks"][0]["detail"]


# -- redirects ---------------------------------------------------------------------------------------------------------

CREDENTIALS = [{"bearer_token": CANARY}, {"username": "reader", "password": CANARY}, {}]


@pytest.mark.parametrize("credentials", CREDENTIALS)
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_elsewhere_is_never_followed(run_module: Run, fault: Fault, credentials: Any, status: str) -> None:
    elsewhere = fault(http("200 OK", GOOD))
    server = fault(http(status, b"", Location=f"{elsewhere.url}/api/v1/targets?token=1"))
    result = run_module("prometheus_targets", url=server.url, **TWICE, **credentials)
    assert f"redirects to another server, {elsewhere.url}" in verdict(result)
    assert elsewhere.connections == 0
    assert len(server.requests) == 1
    assert CANARY not in json.dumps(result)


def test_a_redirect_on_the_same_server_is_followed_with_credentials(run_module: Run, fault: Fault) -> None:
    def move(channel: socket.socket, request: Any, _ended: threading.Event) -> None:
        moved = request.line.startswith("GET /prefix/")
        channel.sendall(http("200 OK", GOOD) if moved else http("302 Found", b"", Location="/prefix/api"))

    server = fault(move)
    result = run_module("prometheus_targets", url=server.url, bearer_token=CANARY, **ONCE)
    assert not result.get("failed"), result["msg"]
    assert [request.headers["authorization"] for request in server.requests] == [f"Bearer {CANARY}"] * 2


# -- credentials and headers -------------------------------------------------------------------------------------------


def test_what_is_sent(run_module: Run, fault: Fault) -> None:
    server = fault(http("200 OK", GOOD))
    options = {"username": "reader", "password": CANARY, "host_header": HOST}
    result = run_module("prometheus_targets", url=f"{server.url}/prefix/", **options, **ONCE)
    assert not result.get("failed"), result["msg"]
    (request,) = server.requests
    assert request.line == "GET /prefix/api/v1/targets?state=active&scrapePool=a HTTP/1.1"
    assert request.headers["host"] == HOST
    assert request.headers["authorization"] == "Basic " + base64.b64encode(f"reader:{CANARY}".encode()).decode()


def test_a_secret_that_the_server_sends_back_is_not_shown(run_module: Run, fault: Fault) -> None:
    def echo(channel: socket.socket, request: Any, _ended: threading.Event) -> None:
        channel.sendall(http("503 Service Unavailable", request.headers["authorization"].encode(), "text/plain"))

    for credentials in CREDENTIALS[:2]:
        result = run_module("prometheus_targets", url=fault(echo).url, **ONCE, **credentials)
        text = json.dumps(result)
        assert "answered 503" in verdict(result)
        assert CANARY not in text
        assert base64.b64encode(f"reader:{CANARY}".encode()).decode() not in text


def test_a_wrong_password_fails_at_once(run_module: Run, pki: Any, secured: str) -> None:
    options = {"url": f"https://{secured}", "ca_path": pki.ca_cert, "username": "reader"}
    query = {"queries": [{"expr": "vector(1)"}]}
    result = run_module("prometheus_query", **options, **query, password="test")
    assert not result.get("failed"), result["msg"]
    result = run_module("prometheus_query", **options, **query, password=CANARY)
    assert "answered 401" in verdict(result) and "check username and password" in result["msg"]
    assert CANARY not in json.dumps(result)
    assert "401" in verdict(run_module("prometheus_query", url=options["url"], ca_path=pki.ca_cert, **query))


# -- TLS ---------------------------------------------------------------------------------------------------------------


def test_tls_with_a_client_certificate_and_the_name_of_the_host_header(run_module: Run, fault: Fault, pki: Any) -> None:
    server = fault(http("200 OK", GOOD), tls=True, request_client_certificate=True)
    options = {"ca_path": pki.ca_cert, "client_cert": pki.client_cert, "client_key": pki.client_key}
    for host in (None, HOST, f"{HOST}:8443"):
        extra = {"host_header": host} if host else {}
        assert not run_module("prometheus_targets", url=server.url, **options, **extra, **ONCE).get("failed")
    wrong = run_module("prometheus_targets", url=server.url, **options, host_header="grafana.example.it", **TWICE)
    assert "for another host name" in verdict(wrong)
    other = {"host_header": "grafana.example.it", "tls_server_name": HOST}
    assert not run_module("prometheus_targets", url=server.url, **options, **other, **ONCE).get("failed")
    assert server.requests[-1].headers["host"] == "grafana.example.it"
    plain = run_module("prometheus_targets", url="http://127.0.0.1:1", **other, **ONCE)
    assert "need an https:// url" in verdict(plain)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "not trusted here"),
        ({"ca_path": "stranger_cert"}, "not trusted here"),
        ({"ca_path": "missing"}, "no such file"),
        ({"ca_path": "ca_key"}, "the CA certificates"),
        ({"client_cert": "client_cert", "client_key": "server_key"}, "the client certificate"),
        ({"client_cert": "client_cert"}, "the client certificate"),
        ({"client_key": "client_key"}, "client_key is given without client_cert"),
    ],
)
def test_bad_tls_fails_at_once(run_module: Run, fault: Fault, pki: Any, options: dict[str, str], said: str) -> None:
    server = fault(http("200 OK", GOOD), tls=True, request_client_certificate=True)
    files = {key: "/missing.pem" if name == "missing" else getattr(pki, name) for key, name in options.items()}
    message = verdict(run_module("prometheus_targets", url=server.url, **files, **TWICE))
    assert said in message
    assert server.connections <= 1


def test_verification_can_be_turned_off(run_module: Run, fault: Fault) -> None:
    server = fault(http("200 OK", GOOD), tls=True)
    assert not run_module("prometheus_targets", url=server.url, validate_certs=False, **ONCE).get("failed")


@pytest.mark.parametrize("prometheus", ["debian"], indirect=True)
def test_tls_and_plain_http_mixed_up_are_told_apart(run_module: Run, prometheus: Any, secured: str) -> None:
    plain = run_module("prometheus_targets", url=f"https://127.0.0.1:{prometheus.port}", **TWICE)
    assert "use http://" in verdict(plain)
    secure = run_module("prometheus_targets", url=f"http://{secured}", **TWICE)
    assert "HTTP request to an HTTPS server" in verdict(secure)
    assert (plain["attempts"], secure["attempts"]) == (0, 0)


def test_a_refused_client_certificate_is_named(run_module: Run, pki: Any, secured: str) -> None:
    files = {"ca_path": pki.ca_cert, "client_cert": pki.expired_cert, "client_key": pki.expired_key}
    assert "client certificate" in verdict(run_module("prometheus_targets", url=f"https://{secured}", **files, **TWICE))


# -- proxies -----------------------------------------------------------------------------------------------------------


def test_the_proxy_of_the_environment(run_module: Run, fault: Fault, pki: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def tunnel(channel: socket.socket, request: Any, ended: threading.Event) -> None:
        if not request.line.startswith("CONNECT"):
            return channel.sendall(http("200 OK", GOOD))
        channel.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection(("127.0.0.1", secure.port)) as beyond:
            back = threading.Thread(target=copy, args=(beyond, channel))
            back.start()
            copy(channel, beyond)
            back.join()
        return None

    def copy(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                sink.sendall(chunk)
            sink.shutdown(socket.SHUT_WR)

    secure = fault(http("200 OK", GOOD), tls=True)
    proxy = fault(tunnel)
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://user:{CANARY}@127.0.0.1:{proxy.port}")
    monkeypatch.setenv("no_proxy", "excluded.invalid")
    result = run_module("prometheus_targets", url=f"http://{HOST}:9090", bearer_token="token", **ONCE)
    assert not result.get("failed"), result["msg"]
    assert proxy.requests[0].line.startswith(f"GET http://{HOST}:9090/api/v1/targets?")
    result = run_module("prometheus_targets", url=f"https://{HOST}", ca_path=pki.ca_cert, bearer_token="token", **ONCE)
    assert not result.get("failed"), result["msg"]
    assert proxy.requests[1].line == f"CONNECT {HOST}:443 HTTP/1.1"
    # the proxy may not see what is meant for the server
    assert "authorization" not in proxy.requests[1].headers
    assert proxy.requests[1].headers["proxy-authorization"].startswith("Basic ")
    assert "does not resolve" in verdict(run_module("prometheus_targets", url="http://excluded.invalid", **ONCE))
    assert len(proxy.requests) == 2
    direct = fault(http("200 OK", GOOD))
    assert not run_module("prometheus_targets", url=direct.url, **ONCE).get("failed")
    assert len(proxy.requests) == 2


# -- the API server's proxy --------------------------------------------------------------------------------------------

PROXY_PATH = "/api/v1/namespaces/monitoring/services/http:prometheus-operated:9090/proxy/api/v1/targets"


def kubeconfig(server: str, **user: str) -> dict[str, Any]:
    return {
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "lab", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "lab",
    }


def pem(path: str) -> str:
    return base64.b64encode(Path(path).read_bytes()).decode()


def test_through_the_api_server(run_module: Run, fault: Fault, pki: Any, tmp_path: Path) -> None:
    server = fault(http("200 OK", GOOD), tls=True, request_client_certificate=True)
    certificate = {"client-certificate-data": pem(pki.client_cert), "client-key-data": pem(pki.client_key)}
    content = kubeconfig(server.url, **certificate)
    content["clusters"][0]["cluster"]["certificate-authority-data"] = pem(pki.ca_cert)
    path = tmp_path / "config"
    path.write_text(json.dumps(content))
    for given in (str(path), content, json.dumps(content, indent=1)):
        result = run_module("prometheus_targets", kubeconfig=given, context="lab", **ONCE)
        assert not result.get("failed"), result["msg"]
        assert "context lab of" in result["access"]
        assert certificate["client-key-data"] not in json.dumps(result)
    assert server.requests[0].line == f"GET {PROXY_PATH}?state=active&scrapePool=a HTTP/1.1"
    foreign = kubeconfig(server.url, **certificate)
    foreign["clusters"][0]["cluster"]["certificate-authority-data"] = pem(pki.stranger_cert)
    assert "probably for another cluster" in verdict(run_module("prometheus_targets", kubeconfig=foreign, **TWICE))


def test_tokens_reach_the_api_server_and_no_result(run_module: Run, fault: Fault, tmp_path: Path) -> None:
    server = fault(http("200 OK", GOOD))
    token = tmp_path / "token"
    token.write_text(f"{CANARY}\n")
    for user in ({"token": CANARY}, {"tokenFile": str(token)}):
        result = run_module("prometheus_targets", kubeconfig=kubeconfig(server.url, **user), **ONCE)
        assert not result.get("failed"), result["msg"]
        assert CANARY not in json.dumps(result)
    assert {request.headers["authorization"] for request in server.requests} == {f"Bearer {CANARY}"}


def kube_status(code: int, reason: str, message: str) -> bytes:
    content = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": reason,
        "message": message,
        "code": code,
    }
    return http(f"{code} {reason}", json.dumps(content).encode())


@pytest.mark.parametrize(
    ("code", "message", "said", "heals"),
    [
        (404, 'services "http:prometheus-operated:9090" not found', "not there yet", True),
        (503, "no endpoints available for service", "no ready endpoint", True),
        (500, "etcd", "answered 500: etcd", True),
        (403, 'User "x" cannot get resource "services/proxy"', "services/proxy in this namespace", False),
        (400, "bad", "answered 400: bad", False),
        (401, "Unauthorized", "the token has expired or was issued by another cluster", False),
    ],
)
def test_refusals_of_the_api_server(
    run_module: Run, fault: Fault, code: int, message: str, said: str, heals: bool
) -> None:
    server = fault(kube_status(code, "Reason", message))
    result = run_module("prometheus_targets", kubeconfig=kubeconfig(server.url, token=CANARY), **TWICE)
    assert said in verdict(result)
    assert (server.connections > 1) is heals


def test_an_expired_client_certificate_is_named(run_module: Run, fault: Fault, pki: Any) -> None:
    server = fault(kube_status(401, "Unauthorized", "Unauthorized"))
    for name, said in (("expired", "the client certificate expired on 20"), ("client", "another cluster's")):
        user = {"client-certificate": getattr(pki, f"{name}_cert"), "client-key": getattr(pki, f"{name}_key")}
        assert said in verdict(run_module("prometheus_targets", kubeconfig=kubeconfig(server.url, **user), **TWICE))


def test_an_exec_plugin_gives_a_token(run_module: Run, fault: Fault, tmp_path: Path) -> None:
    pytest.importorskip("kubernetes", reason="needs the library kubernetes, which runs exec plugins")
    server = fault(http("200 OK", GOOD))
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": CANARY},
    }
    plugin = tmp_path / "plugin"
    plugin.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(credential)}\nEND\n")
    plugin.chmod(0o700)
    config = kubeconfig(server.url)
    execute = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin), "interactiveMode": "Never"}
    config["users"][0]["user"] = {"exec": execute}
    result = run_module("prometheus_targets", kubeconfig=config, **ONCE)
    assert not result.get("failed"), result["msg"]
    assert server.requests[0].headers["authorization"] == f"Bearer {CANARY}"
    plugin.write_text("#!/bin/sh\nexit 3\n")
    assert "an exec plugin gave no credentials" in verdict(run_module("prometheus_targets", kubeconfig=config, **TWICE))


# -- options that cannot work ------------------------------------------------------------------------------------------

URL = {"url": "http://127.0.0.1:1"}
MODULES: dict[str, dict[str, Any]] = {
    "prometheus_targets": {"all_up": True},
    "prometheus_rules": {"all_healthy": True},
    "prometheus_query": {"queries": [{"expr": "up"}]},
}

BAD_OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({}, "Nothing says where Prometheus is"),
    ({"url": ""}, "url is empty"),
    ({"url": "prometheus.example.it"}, "http:// or https://"),
    ({"url": "ftp://prometheus.example.it"}, "http:// or https://"),
    ({"url": "http://"}, "names no host"),
    ({"url": "http://a:99999"}, "not a URL"),
    ({"url": "http://a b"}, "spaces"),
    ({"url": "http://a/?x=1"}, "query"),
    ({"url": f"http://u:{CANARY}@a"}, "use the options username and password"),
    ({"url": ["http://a", "http://b"]}, "url"),
    ({**URL, "kubeconfig": "x"}, "give only one of them"),
    ({**URL, "context": "x"}, "context belongs to kubeconfig"),
    ({**URL, "host_header": "a\r\nX: y"}, "not a host name"),
    ({**URL, "host_header": "http://a"}, "not a host name"),
    ({**URL, "username": "a"}, "belong together"),
    ({**URL, "password": "a"}, "belong together"),
    ({**URL, "username": "a", "password": "b", "bearer_token": "c"}, "only one of them"),
    ({**URL, "bearer_token": "a\nb"}, "bearer_token"),
    ({**URL, "bearer_token": ""}, "bearer_token is empty"),
    ({**URL, "ca_path": "/x"}, "https://"),
    ({**URL, "client_cert": "/x"}, "https://"),
    ({**URL, "request_timeout": 0}, "request_timeout"),
    ({**URL, "request_timeout": "soon"}, "request_timeout"),
    ({**URL, "validate_certs": "perhaps"}, "validate_certs"),
    ({**URL, "wait_timeout": -1}, "wait_timeout is -1"),
    ({**URL, "wait_timeout": "1h"}, "wait_timeout"),
    ({**URL, "poll_interval": 0}, "poll_interval"),
    ({**URL, "stable_polls": 0}, "stable_polls"),
    ({**URL, "stable_polls": 100, "wait_timeout": 10}, "do not fit into wait_timeout"),
    ({**URL, "wait_timout": 10}, "wait_timout"),
    ({"kubeconfig": ""}, "neither the path of a file nor a mapping"),
    ({"kubeconfig": ["x"]}, "neither the path of a file nor a mapping"),
    ({"kubeconfig": "/nowhere/config"}, "/nowhere/config does not exist"),
    ({"kubeconfig": "/nowhere/a:/nowhere/b"}, "a list of files"),
    ({"kubeconfig": "/"}, "is a directory"),
    ({"kubeconfig": "in-cluster"}, "no pod with a service account"),
    ({"kubeconfig": "in-cluster", "context": "x"}, "without a kubeconfig that holds it"),
    ({"kubeconfig": {}}, "no current-context"),
    ({"kubeconfig": kubeconfig("http://a"), "context": "lap"}, "did you mean lab?"),
    ({"kubeconfig": kubeconfig("http://a"), "context": ""}, "context is empty"),
    ({"kubeconfig": kubeconfig("")}, "no server address"),
    ({"kubeconfig": {**kubeconfig("http://a"), "clusters": []}}, "names cluster c, which is missing"),
    ({"kubeconfig": {**kubeconfig("http://a"), "users": []}}, "names user u, which is missing"),
    ({"kubeconfig": {**kubeconfig("http://a"), "users": "x"}}, "users is not a list"),
    ({"kubeconfig": kubeconfig("https://a", **{"client-key-data": "!"})}, "not base64"),
    ({"kubeconfig": kubeconfig("https://a", **{"client-certificate": "/x"})}, "only half a client certificate"),
    ({"kubeconfig": kubeconfig("http://a"), "bearer_token": CANARY}, "bearer_token belongs to url"),
    ({"kubeconfig": kubeconfig("http://a"), "service": "prometheus"}, "expected a Service and its port"),
    ({"kubeconfig": kubeconfig("http://a"), "service": "../../secrets:1"}, "expected a Service and its port"),
    ({"kubeconfig": kubeconfig("http://a"), "namespace": "a/b"}, "namespace"),
    ({"kubeconfig": kubeconfig("http://a"), "path_prefix": "x/../y"}, "path_prefix"),
]


@pytest.mark.parametrize(("options", "said"), BAD_OPTIONS)
def test_options_that_cannot_work_are_one_clear_message(run_module: Run, options: dict[str, Any], said: str) -> None:
    for module, expectation in MODULES.items():
        result = run_module(module, **expectation, **options)
        assert result["failed"] and said in result["msg"], result["msg"]
        assert "Traceback" not in result["msg"]
        assert "attempts" not in result


BAD_EXPECTATIONS: list[tuple[str, dict[str, Any], str]] = [
    ("prometheus_targets", {}, "nothing would be checked"),
    ("prometheus_targets", {"expected": []}, "nothing would be checked"),
    ("prometheus_targets", {"expected": "a"}, "dictionary requested"),
    ("prometheus_targets", {"expected": [{}]}, "neither scrape_pool nor job"),
    ("prometheus_targets", {"expected": [{"pool": "a"}]}, "pool"),
    ("prometheus_targets", {"expected": [{"job": "a", "min_up": "two"}]}, "min_up"),
    ("prometheus_targets", {"expected": [{"job": "a", "labels": "b"}]}, "labels"),
    ("prometheus_targets", {"all_up": "perhaps"}, "all_up"),
    ("prometheus_rules", {}, "nothing would be checked"),
    ("prometheus_rules", {"expected": [], "expected_groups": []}, "nothing would be checked"),
    ("prometheus_rules", {"expected": [{"type": "alerting"}]}, "neither group nor rule"),
    ("prometheus_rules", {"expected": [{"rule": "a", "type": "alert"}]}, "alerting, recording"),
    ("prometheus_rules", {"expected_groups": {"a": 1}}, "expected_groups"),
    ("prometheus_rules", {"all_healthy": 3}, "all_healthy"),
    ("prometheus_query", {}, "queries"),
    ("prometheus_query", {"queries": []}, "queries is empty"),
    ("prometheus_query", {"queries": [{"name": "a"}]}, "expr"),
    ("prometheus_query", {"queries": [{"expr": " "}]}, "queries[0].expr is empty"),
    ("prometheus_query", {"queries": [{"expr": "up", "value": "about 1"}]}, "not a comparison"),
    ("prometheus_query", {"queries": [{"expr": "up", "min_series": 2, "max_series": 1}]}, "no answer can satisfy both"),
    ("prometheus_query", {"queries": [{"expr": "up", "min_series": 0}]}, "always true"),
    ("prometheus_query", {"queries": [{"expr": "up"}, {"expr": "up"}]}, "used twice"),
]


@pytest.mark.parametrize(("module", "options", "said"), BAD_EXPECTATIONS)
def test_expectations_that_cannot_work_are_one_clear_message(
    run_module: Run, module: str, options: dict[str, Any], said: str
) -> None:
    result = run_module(module, **URL, **options)
    assert result["failed"] and said in result["msg"], result["msg"]
    assert "attempts" not in result
