# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small HTTP client on the standard library that cannot hang, cannot be flooded and cannot be lured away.

Why not C(urllib.request) or C(open_url): their timeout restarts with every byte received, they follow redirects to
other servers with the credentials in hand, and they read answers of any size.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import http.client
import io
import ipaddress
import json
import re
import socket
import ssl
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError, TransientError

MAX_BODY_BYTES = 64 * 1024 * 1024
MAX_REDIRECTS = 5
CHUNK_BYTES = 256 * 1024
REDIRECTS = (301, 302, 303, 307, 308)
USER_AGENT = "argolab.observability"

# verify codes of OpenSSL, X509_V_ERR_*
_CERTIFICATE_CAUSES = {
    9: "the server's certificate is not valid yet; compare the clocks",
    10: "the server's certificate has expired",
    18: "the server's certificate is self-signed and not trusted here",
    19: "the server's certificate chain ends in an authority that is not trusted here",
    20: "the server's certificate was issued by an authority that is not trusted here",
    21: "the server's certificate was issued by an authority that is not trusted here",
    62: "the server's certificate is for another host name",
    64: "the server's certificate is for another address",
}


class Deadline:
    """A point in monotonic time; what is left of it bounds every single network call."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds

    def remaining(self) -> float:
        left = self._end - self._clock()
        if left <= 0:
            raise TimeoutError("deadline")
        return left


@dataclass(frozen=True)
class Answer:
    """A complete HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_html(self) -> bool:
        return self.content_type in ("text/html", "application/xhtml+xml") or self.body[:256].lstrip()[:1] == b"<"

    def excerpt(self, limit: int = 200) -> str:
        """The beginning of the body for a message, without markup and line breaks."""
        text = self.body[:4096].decode("utf-8", "replace")
        if self.is_html:
            text = re.sub(r"<(style|script)\b.*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL | re.IGNORECASE)
        text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
        return text[:limit] + "..." if len(text) > limit else text


def decode_json(answer: Answer, where: str) -> Any:
    """The body as JSON. One that ends too early may be whole the next time; anything else is not what was asked for."""
    if answer.is_html:
        raise DefiniteError(
            f"{where} answered {answer.status} with an HTML page instead of JSON: {answer.excerpt(80)!r}. Something "
            "else answers here, such as a login page; check the address, the path and the Host header."
        )
    try:
        return json.loads(answer.body)
    except ValueError as error:
        text = answer.text.rstrip()
        cut = isinstance(error, json.JSONDecodeError) and (
            error.pos >= len(text) or error.msg.startswith("Unterminated")
        )
        if cut and text[:1] in ("{", "["):
            raise TransientError(
                f"{where} sent only part of its answer ({len(answer.body)} bytes of JSON without an end)."
            ) from None
        raise DefiniteError(
            f"{where} answered {answer.status} with something that is not JSON: {answer.excerpt(80)!r}."
        ) from None
    except RecursionError:
        raise DefiniteError(
            f"{where} answered {answer.status} with JSON nested too deeply to be what was asked for."
        ) from None


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket with what is left of the deadline, so that a server that trickles bytes cannot extend it."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._sock = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._deadline.remaining())
        return self._sock.recv_into(buffer)


class _DeadlineSocket:
    """The part of a socket that C(http.client) uses."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(self._deadline.remaining())
        self._sock.sendall(data)

    def makefile(self, mode: str = "rb", *args: Any, **kwargs: Any) -> io.BufferedReader:
        return io.BufferedReader(_DeadlineReader(self._sock, self._deadline), 64 * 1024)

    def close(self) -> None:
        """The client closes the real socket itself."""


@dataclass(frozen=True)
class Url:
    """An absolute http(s) URL in parts; O(path) is without its final slash."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.scheme == "https" else 80
        return f"{self.scheme}://{host}" + ("" if self.port == default else f":{self.port}")

    def __str__(self) -> str:
        return self.origin + self.path


def parse_url(text: str, option: str) -> Url:
    """Take a URL apart, or say in one sentence what is wrong with the option that holds it."""
    example = "expected something like https://prometheus.example.it/prefix"
    if not text or text != text.strip() or re.search(r"[\x00-\x20\x7f]", text):
        raise DefiniteError(f"{option} is empty or holds spaces or control characters; {example}.")
    try:
        parts = urllib.parse.urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise DefiniteError(f"{option} is not a URL ({error}); {example}.") from None
    if parts.scheme not in ("http", "https"):
        raise DefiniteError(f"{option} has to begin with http:// or https://; {example}.")
    if parts.username is not None or parts.password is not None:
        raise DefiniteError(
            f"{option} holds a user name or password, which would be shown in results and logs; "
            "use the options username and password."
        )
    if not host or port == 0:
        raise DefiniteError(f"{option} names no host or port; {example}.")
    if parts.query or parts.fragment:
        raise DefiniteError(
            f"{option} has a query or fragment ('?' or '#'); give only scheme, host, port and path prefix."
        )
    return Url(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), parts.path.rstrip("/"))


def parse_host_header(text: str) -> tuple[str, int | None]:
    """Host and port of a C(Host) header."""
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?", text)
    if not match or int(match[2] or 1) not in range(1, 65536):
        raise DefiniteError(
            f"host_header {text!r} is not a host name with an optional port, such as prometheus.example.it."
        )
    return match[1].strip("[]").lower(), int(match[2]) if match[2] else None


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def proxy_for(url: Url) -> str | None:
    """The proxy that the environment (HTTP_PROXY, HTTPS_PROXY, NO_PROXY) names; loopback is never sent to one."""
    proxies: dict[str, str] = urllib.request.getproxies_environment()
    # missing from the published types only
    bypass = urllib.request.proxy_bypass_environment(f"{url.host}:{url.port}", proxies)  # type: ignore[attr-defined]
    return None if is_loopback(url.host) or bypass else proxies.get(url.scheme) or None


class HttpClient:
    """Requests to one server.

    :param host_header: name to ask for where it differs from the address; also the name that TLS asks for and checks.
    :param headers: called for each request, so that rotated tokens are seen; holds the credentials.
    :param secrets: strings that may never appear in a message, not even where a server sends them back.
    :param proxy: URL of an HTTP proxy; V(None) follows the environment.
    :param request_timeout: seconds for a whole request, from the connection to the last byte.
    :param keep: so many connections stay open for the next GETs, which is a TLS handshake less for each.

    C(keep_open) leaves more of them open. Requests may be sent from several threads at once, or ahead of their turn;
    what is kept is closed by C(close).
    """

    def __init__(
        self,
        base: Url,
        *,
        name: str,
        host_header: str | None = None,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
        headers: Callable[[], Mapping[str, str]] = dict,
        secrets: Sequence[str] = (),
        proxy: str | None = None,
        request_timeout: float = 10.0,
        max_body: int = MAX_BODY_BYTES,
        keep: int = 0,
    ) -> None:
        self.base = base
        self.name = name
        self.host_header = host_header
        asked = parse_host_header(host_header) if host_header else None
        self._server_name = server_name or (asked[0] if asked else base.host)
        # a redirect to the name that was asked for stays on this server; its port may be the outside one or none
        self._own_hosts = {(base.host, base.port)}
        if asked:
            default = 443 if base.scheme == "https" else 80
            self._own_hosts |= {(asked[0], port) for port in ({asked[1]} if asked[1] else {default, base.port})}
        self._tls = tls
        self._headers = headers
        self._secrets = [secret for secret in secrets if secret]
        self._proxy = parse_proxy(proxy if proxy is not None else proxy_for(base) or "")
        self._request_timeout = request_timeout
        self._max_body = max_body
        self.end: float | None = None
        self._own_keep = keep
        self.keep = keep
        self.threads = 1
        self._idle: list[socket.socket] = []
        self._asked: dict[str, socket.socket] = {}

    def keep_open(self, connections: int, threads: int = 1) -> None:
        """Leave that many connections open from now on, which so many threads use; 0 for as many as at first."""
        self.keep, self.threads = max(connections, self._own_keep), threads
        if not connections:
            self.close()

    def close(self) -> None:
        """Close the connections that were kept, and those whose answers nobody came for."""
        while self._idle:
            self._idle.pop().close()
        while self._asked:
            self._asked.popitem()[1].close()

    def ask_ahead(
        self, path: str, params: Sequence[tuple[str, str]] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a GET whose answer the same C(request) reads later, so that the server works while others are read.

        What fails here is not said here: the request is then sent again in its turn.
        """
        target = self._target(path, params)
        if target in self._asked or len(self._asked) >= self.keep:
            return
        sock = None
        try:
            deadline = Deadline(self._seconds())
            sock = self._kept() or self._connect(deadline)
            self._send(sock, "GET", target, None, headers or {}, deadline)
        except (OSError, http.client.HTTPException, ValueError, TransientError, DefiniteError):
            if sock:
                sock.close()
            return
        self._asked[target] = sock

    def request(
        self,
        method: str,
        path: str,
        params: Sequence[tuple[str, str]] = (),
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request below the base path and read the whole answer, whatever its status.

        :raises TransientError: refused, reset, timed out, cut short.
        :raises DefiniteError: TLS, a redirect elsewhere, too large an answer.
        """
        target = self._target(path, params)
        seconds = self._seconds()
        deadline = Deadline(seconds)
        try:
            for _hop in range(MAX_REDIRECTS + 1):
                answer = self._exchange(method, target, body, headers or {}, deadline)
                if answer.status not in REDIRECTS or method != "GET":
                    return answer
                target = self._redirect(target, answer.headers.get("location", ""))
            raise DefiniteError(
                f"{self.name} redirects in a circle (over {MAX_REDIRECTS} times, last to {target.partition('?')[0]})."
            )
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._classified(error, seconds) from None

    def _target(self, path: str, params: Sequence[tuple[str, str]]) -> str:
        return self.base.path + path + (f"?{urllib.parse.urlencode(params)}" if params else "")

    def _seconds(self) -> float:
        """For one request, of what is left for all."""
        seconds = self._request_timeout if self.end is None else min(self._request_timeout, self.end - time.monotonic())
        if seconds <= 0:
            raise TransientError(f"{self.name}: no time left for another request.")
        return seconds

    def redact(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "********")
        return text

    def _redirect(self, target: str, location: str) -> str:
        try:
            parts = urllib.parse.urlsplit(urllib.parse.urljoin(self._origin() + target, location))
            host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            raise DefiniteError(f"{self.name} redirects to something that is not a URL.") from None
        if not location or parts.scheme not in ("http", "https"):
            raise DefiniteError(f"{self.name} redirects to something that is not an http(s) URL.")
        if parts.scheme != self.base.scheme or (host.lower(), port) not in self._own_hosts:
            # never followed, with or without credentials: what answers there is not the server that was named
            elsewhere = f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")
            raise DefiniteError(
                f"{self.name} redirects to another server, {elsewhere}; the request was not repeated there and no "
                "credentials were sent. Name that server directly if it is the right one."
            )
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def _origin(self) -> str:
        return f"{self.base.scheme}://{self.host_header}" if self.host_header else self.base.origin

    def _exchange(
        self, method: str, target: str, body: bytes | None, extra: Mapping[str, str], deadline: Deadline
    ) -> Answer:
        while True:
            asked = self._asked.pop(target, None) if method == "GET" else None
            # whether a write that was sent on a connection that the server closed was done, nobody could say
            kept = asked or (self._kept() if method == "GET" else None)
            sock = kept or self._connect(deadline)
            try:
                if not asked:
                    self._send(sock, method, target, body, extra, deadline)
                answer, open_still = self._receive(sock, method, deadline)
            except BaseException as error:
                sock.close()
                # the server closed a kept connection in the meantime; that says nothing about this request
                if kept and isinstance(error, (ConnectionError, ssl.SSLError)):
                    continue
                raise
            if open_still and len(self._idle) < self.keep:
                self._idle.append(sock)
            else:
                sock.close()
            return answer

    def _kept(self) -> socket.socket | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _send(
        self,
        sock: socket.socket,
        method: str,
        target: str,
        body: bytes | None,
        extra: Mapping[str, str],
        deadline: Deadline,
    ) -> None:
        connection = http.client.HTTPConnection(self.base.host, self.base.port)
        connection.sock = cast(socket.socket, _DeadlineSocket(sock, deadline))
        own = {
            "Host": self.host_header or self.base.origin.partition("://")[2],
            "User-Agent": USER_AGENT,
            "Accept": "application/json",
        }
        if self._proxy and self.base.scheme == "http":
            target = self.base.origin + target
            own.update(self._proxy.headers)
        connected = "keep-alive" if self.keep else "close"
        own.update({"Accept-Encoding": "identity", "Connection": connected, **extra, **self._headers()})
        # a server that refuses early (too large, not authorized) has often answered already
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, target, body, own)

    def _receive(self, sock: socket.socket, method: str, deadline: Deadline) -> tuple[Answer, bool]:
        """The answer to what was sent last, and whether the connection can carry another request."""
        response = http.client.HTTPResponse(cast(socket.socket, _DeadlineSocket(sock, deadline)), method=method)
        try:
            response.begin()
            headers: dict[str, str] = {}
            for key, value in response.getheaders():
                # a header that comes twice, such as Set-Cookie, is one with a comma
                headers[key.lower()] = f"{headers[key.lower()]}, {value}" if key.lower() in headers else value
            return Answer(response.status, headers, self._read(response)), not response.will_close
        finally:
            response.close()

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        declared = response.length
        # answers that are read at the same time may together not be larger than one
        most = self._max_body // self.threads
        chunks: list[bytes] = []
        size = 0
        while True:
            chunk = response.read(CHUNK_BYTES)
            if not chunk:
                break
            size += len(chunk)
            if size > most:
                raise DefiniteError(
                    f"{self.name} sends more than {most // (1024 * 1024)} MiB in one answer; "
                    "ask for less (name pools, groups or rules)."
                )
            chunks.append(chunk)
        if declared is not None and size < declared:
            raise TransientError(f"{self.name} sent only {size} of {declared} bytes and closed the connection.")
        return b"".join(chunks)

    def _connect(self, deadline: Deadline) -> socket.socket:
        host, port = (self._proxy.host, self._proxy.port) if self._proxy else (self.base.host, self.base.port)
        sock = _open(host, port, deadline)
        try:
            if self.base.scheme == "http":
                return sock
            if self._proxy:
                self._tunnel(sock, self._proxy, deadline)
            sock.settimeout(deadline.remaining())
            return (self._tls or ssl.create_default_context()).wrap_socket(sock, server_hostname=self._server_name)
        except BaseException:
            sock.close()
            raise

    def _tunnel(self, sock: socket.socket, proxy: Proxy, deadline: Deadline) -> None:
        host = f"[{self.base.host}]" if ":" in self.base.host else self.base.host
        lines = [f"CONNECT {host}:{self.base.port} HTTP/1.1", f"Host: {host}:{self.base.port}"]
        lines += [f"{key}: {value}" for key, value in proxy.headers.items()]
        channel = _DeadlineSocket(sock, deadline)
        channel.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        # read byte by byte up to the empty line: what follows belongs to TLS
        head = b""
        reader = _DeadlineReader(sock, deadline)
        byte = bytearray(1)
        while not head.endswith(b"\r\n\r\n"):
            if not reader.readinto(byte) or len(head) > 16384:
                raise TransientError(
                    f"the proxy {proxy.name} closed the connection while {self.name} was asked for."
                )
            head += bytes(byte)
        status = head.split(None, 2)[1:2]
        if status != [b"200"]:
            code = status[0].decode("latin-1") if status else "nothing"
            text = f"the proxy {proxy.name} answered {code} when {self.name} was asked for"
            if code.startswith("5"):
                raise TransientError(text + ".")
            raise DefiniteError(text + "; check HTTPS_PROXY and NO_PROXY.")

    def _classified(self, error: BaseException, seconds: float) -> TransientError | DefiniteError:
        name = self.name
        if isinstance(error, ssl.SSLCertVerificationError):
            cause = _CERTIFICATE_CAUSES.get(error.verify_code, error.verify_message)
            return DefiniteError(f"{name}: TLS failed: {cause} ({error.verify_message}).")
        if isinstance(error, (TimeoutError, socket.timeout)):
            return TransientError(f"{name} did not answer completely within {seconds:.3g} s.")
        if isinstance(error, ssl.SSLEOFError):
            return TransientError(
                f"{name} closed the connection during TLS: it is starting, or refuses the client certificate."
            )
        if isinstance(error, ssl.SSLError):
            reason = (error.reason or "").replace("_", " ").lower() or "unknown reason"
            hint = ""
            if "wrong version" in reason or "http request" in reason or "record layer" in reason:
                hint = " The port probably speaks plain HTTP: use http://."
            elif "alert" in reason:
                hint = (
                    " The server refused the client certificate or the protocol version, or wants a client certificate."
                )
            return DefiniteError(f"{name}: TLS failed: {reason}.{hint}")
        if isinstance(error, socket.gaierror):
            if error.errno == socket.EAI_AGAIN:
                return TransientError(f"{name}: the host name could not be looked up for now.")
            return DefiniteError(
                f"{name}: the host name does not resolve here; use an address and host_header, or the API server."
            )
        if isinstance(error, ConnectionRefusedError):
            return TransientError(f"{name}: connection refused; nothing listens on this address and port.")
        if isinstance(error, (ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected)):
            return TransientError(f"{name} closed the connection without an answer.")
        if isinstance(error, http.client.IncompleteRead):
            return TransientError(f"{name} sent only part of its answer and closed the connection.")
        if isinstance(error, http.client.BadStatusLine):
            return DefiniteError(f"{name} does not speak HTTP on this port; if it speaks TLS, use https://.")
        if isinstance(error, OSError):
            reason = errno.errorcode.get(error.errno or 0, type(error).__name__)
            return TransientError(f"{name} cannot be reached: {(error.strerror or reason).lower()}.")
        if isinstance(error, http.client.HTTPException):
            return TransientError(f"{name} sent a malformed HTTP answer ({type(error).__name__}).")
        return DefiniteError(f"{name}: the request cannot be sent: {self.redact(str(error))}.")


@dataclass(frozen=True)
class Proxy:
    host: str
    port: int
    headers: Mapping[str, str]

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"


def parse_proxy(text: str) -> Proxy | None:
    """An HTTP proxy from its URL; the scheme may be left out as curl allows."""
    if not text:
        return None
    try:
        parts = urllib.parse.urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port or 80
    except ValueError:
        raise DefiniteError("the proxy's URL (HTTP_PROXY, HTTPS_PROXY or proxy-url) is malformed.") from None
    if parts.scheme != "http" or not parts.hostname:
        raise DefiniteError(f"a proxy with scheme {parts.scheme!r} is not supported; only http:// proxies are.")
    headers = {}
    if parts.username is not None:
        user, password = urllib.parse.unquote(parts.username), urllib.parse.unquote(parts.password or "")
        headers["Proxy-Authorization"] = basic_authorization(user, password)
    return Proxy(parts.hostname, port, headers)


def basic_authorization(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


def login(username: str | None, password: str | None, token: str | None, names: Sequence[str]) -> str:
    """The C(Authorization) header of a user or a token; empty without either.

    :param names: what the options of user, password and token are called, for messages.
    :raises DefiniteError: half a login, two, or a token that no header carries.
    """
    of_user, of_password, of_token = names
    if (username is None) != (password is None):
        raise DefiniteError(f"{of_user} and {of_password} belong together; only one of them is given.")
    if token is not None and username is not None:
        raise DefiniteError(f"{of_token} and {of_user} are two ways to log in; give only one of them.")
    if username is not None and password is not None:
        return basic_authorization(username, password)
    if token is None:
        return ""
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        raise DefiniteError(
            f"{of_token} is empty or holds spaces, line breaks or other characters that no header carries."
        )
    return f"Bearer {token}"


def _open(host: str, port: int, deadline: Deadline) -> socket.socket:
    """Connect to the first address that answers; all of them together have one deadline."""
    failure: OSError = OSError(errno.EADDRNOTAVAIL, "no address")
    for family, kind, protocol, _name, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(deadline.remaining())
            sock.connect(address)
            return sock
        except OSError as error:
            sock.close()
            failure = error
    raise failure


def tls_context(
    *,
    verify: bool = True,
    ca_path: str | None = None,
    ca_data: str | None = None,
    client_cert: str | None = None,
    client_key: str | None = None,
) -> ssl.SSLContext:
    """A TLS context from files; every file that is missing or unusable is named."""
    context = ssl.create_default_context() if not (ca_path or ca_data) else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca_path or ca_data:
        try:
            context.load_verify_locations(cafile=ca_path, cadata=ca_data)
        except (OSError, ValueError) as error:
            raise DefiniteError(
                f"the CA certificates {'in ' + ca_path if ca_path else 'given inline'} are unusable: {_reason(error)}."
            ) from None
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if client_cert:
        try:
            # an encrypted key would make OpenSSL ask on the terminal and hang
            context.load_cert_chain(client_cert, client_key, password=lambda: "")
        except (OSError, ValueError) as error:
            raise DefiniteError(
                f"the client certificate {client_cert} (key {client_key or 'in that file'}): {_reason(error)}."
            ) from None
    return context


def _reason(error: BaseException) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no PEM data found").replace("_", " ").lower()
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error)
