# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small client of the Docker Engine API on the standard library, and the search for an engine that answers.

The API answers in milliseconds where the docker program needs tens of them, and the program may not be installed.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import os
import re
import socket
import ssl
import stat
import tarfile
from typing import Any, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple
from urllib.parse import quote, urlsplit

from ansible_collections.argolab.observability.plugins.module_utils.errors import (
    ArgolabError,
    DefiniteError,
    TransientError,
)


class DockerNotFound(ArgolabError):
    """The engine answered 404: there is no such object."""


class Executed(NamedTuple):
    """What a command in a container said, and its exit code."""

    code: int
    out: str
    err: str


def without_headers(stream: bytes) -> Tuple[bytes, bytes]:
    """Take the output of a command apart: each piece has a header of eight bytes, which output and how long."""
    outputs = {1: b"", 2: b""}
    position = 0
    while position + 8 <= len(stream):
        end = position + 8 + int.from_bytes(stream[position + 4 : position + 8], "big")
        kind = 2 if stream[position] == 2 else 1
        outputs[kind] += stream[position + 8 : end]
        position = end
    return outputs[1], outputs[2]


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def socket_path(docker_host: str) -> Optional[str]:
    """Return the path of a unix:// address, None for any other address."""
    return docker_host[len("unix://") :] if docker_host.startswith("unix://") else None


def why_unreachable(docker_host: str, error: BaseException) -> str:
    """Say why an engine could not be reached, in the words of what to do about it."""
    path = socket_path(docker_host)
    if path is None:
        return f"{docker_host} does not answer: {error}"
    if isinstance(error, PermissionError):
        return (
            f"no permission on {path}: this user (uid {os.geteuid()}) may not talk to Docker; "
            "add it to the group of the socket (usually docker) and log in again, or run as root"
        )
    if isinstance(error, FileNotFoundError):
        return f"{path} does not exist: no Docker engine listens there"
    if isinstance(error, ConnectionRefusedError):
        return f"{path} is there, but nothing listens on it: the Docker engine that made it has stopped"
    return f"{docker_host} does not answer: {error}"


class DockerEngine:
    """The Engine API at C(unix:///path) or C(tcp://host:port), with TLS where a certificate path is given."""

    def __init__(self, docker_host: str, timeout: float = 10.0, cert_path: Optional[str] = None) -> None:
        self.docker_host = docker_host
        self.timeout = timeout
        self._cert_path = cert_path
        scheme = urlsplit(docker_host).scheme
        if scheme not in ("unix", "tcp", "http", "https"):
            raise DefiniteError(
                f"{docker_host!r} is no address of a Docker engine that can be used here; "
                "expected unix:///path/to/docker.sock or tcp://host:port"
            )

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        path = socket_path(self.docker_host)
        if path is not None:
            return _UnixConnection(path, timeout)
        parts = urlsplit(self.docker_host)
        host = parts.hostname or "localhost"
        if parts.scheme == "https" or self._cert_path:
            context = ssl.create_default_context()
            if self._cert_path:
                context.load_verify_locations(os.path.join(self._cert_path, "ca.pem"))
                context.load_cert_chain(
                    os.path.join(self._cert_path, "cert.pem"), os.path.join(self._cert_path, "key.pem")
                )
            return http.client.HTTPSConnection(host, parts.port or 2376, timeout=timeout, context=context)
        return http.client.HTTPConnection(host, parts.port or 2375, timeout=timeout)

    def _exchange(self, method: str, path: str, timeout: Optional[float], content: Any = None) -> bytes:
        connection = self._connection(timeout or self.timeout)
        sent = None if content is None else json.dumps(content)
        try:
            connection.request(method, path, sent, {"Content-Type": "application/json"} if sent else {})
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise TransientError(why_unreachable(self.docker_host, error)) from error
        finally:
            connection.close()
        if response.status >= 400:
            text = body.decode("utf-8", "replace")
            try:
                message = str(json.loads(text)["message"])
            except (ValueError, KeyError, TypeError):
                message = text.strip()[:300]
            kind = DockerNotFound if response.status == 404 else ArgolabError
            raise kind(f"Docker answered {response.status} to {method} {path}: {message}")
        return body

    def _text(self, method: str, path: str, timeout: Optional[float] = None, content: Any = None) -> str:
        return self._exchange(method, path, timeout, content).decode("utf-8", "replace")

    def request(self, method: str, path: str, timeout: Optional[float] = None, content: Any = None) -> Any:
        """Make one request, with C(content) as JSON; return the decoded JSON of the answer, None for an empty one."""
        text = self._text(method, path, timeout, content)
        if not text.strip():
            return None
        try:
            return json.loads(text)
        except ValueError as error:
            raise ArgolabError(
                f"Docker at {self.docker_host} answered {path} with something that is no JSON"
            ) from error

    def get(self, path: str) -> Any:
        return self.request("GET", path)

    def ping(self) -> None:
        """Return when the engine answers, raise TransientError when it does not."""
        if self._text("GET", "/_ping").strip() != "OK":
            raise TransientError(f"{self.docker_host} answers, but not as a Docker engine does")

    def info(self) -> Mapping[str, Any]:
        answer = self.get("/info")
        return answer if isinstance(answer, dict) else {}

    def _inspect(self, path: str) -> Optional[Mapping[str, Any]]:
        """Return what the engine says about an object, None where it has none such."""
        try:
            answer = self.get(path)
        except DockerNotFound:
            return None
        return answer if isinstance(answer, dict) else None

    def image(self, name: str) -> Optional[Mapping[str, Any]]:
        """Return what the engine says about an image, by name or id; None where it has none such."""
        return self._inspect(f"/images/{quote(name, safe='/:@')}/json")

    def image_id(self, name: str) -> Optional[str]:
        image = self.image(name)
        return None if image is None else str(image["Id"])

    def file(self, container: str, path: str) -> Optional[str]:
        """Return the text of a file in a container, running or not; None where there is none."""
        try:
            body = self._exchange("GET", f"/containers/{quote(container, safe='')}/archive?path={quote(path)}", None)
        except DockerNotFound:
            return None
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            for member in archive:
                content = archive.extractfile(member)
                if content is not None:
                    return content.read().decode("utf-8", "replace")
        return None

    def pull(self, name: str, timeout: float) -> None:
        """Pull an image without credentials; the errors of a pull come inside a successful answer."""
        reference, at, digest = name.partition("@")
        repository, colon, tag = reference.rpartition(":")
        if not colon or "/" in tag:
            repository, tag = reference, "latest"
        query = f"fromImage={quote(repository, safe='')}&tag={quote(digest if at else tag, safe='')}"
        for line in self._text("POST", f"/images/create?{query}", timeout).splitlines():
            try:
                message = json.loads(line).get("error")
            except (ValueError, AttributeError):
                continue
            if message:
                raise ArgolabError(str(message))

    def container(self, name: str) -> Optional[Mapping[str, Any]]:
        return self._inspect(f"/containers/{quote(name, safe='')}/json")

    def containers(self, label: Optional[str] = None) -> List[Mapping[str, Any]]:
        """List containers, running or not, with a label (C(key) or C(key=value)) or all."""
        query = "?all=1"
        if label:
            query += "&filters=" + quote(json.dumps({"label": [label]}))
        answer = self.get("/containers/json" + query)
        return list(answer or [])

    def network(self, name: str) -> Optional[Mapping[str, Any]]:
        return self._inspect(f"/networks/{quote(name, safe='')}")

    def networks(self) -> List[Mapping[str, Any]]:
        return list(self.get("/networks") or [])

    def volume_exists(self, name: str) -> bool:
        try:
            self.get(f"/volumes/{quote(name, safe='')}")
        except DockerNotFound:
            return False
        return True

    def _gone(self, path: str, timeout: float = 60.0) -> None:
        try:
            self.request("DELETE", path, timeout=timeout)
        except DockerNotFound:
            pass

    def remove_container(self, name: str) -> None:
        """Remove a container with its anonymous volumes, killing it first where it runs."""
        self._gone(f"/containers/{quote(name, safe='')}?force=1&v=1")

    def remove_network(self, name: str) -> None:
        self._gone(f"/networks/{quote(name, safe='')}")

    def remove_volume(self, name: str) -> None:
        self._gone(f"/volumes/{quote(name, safe='')}")

    def last_log_lines(self, name: str, count: int = 3) -> List[str]:
        """Return the end of a container's log; nothing where it has none."""
        try:
            raw = self._text("GET", f"/containers/{quote(name, safe='')}/logs?stdout=1&stderr=1&tail={count}")
        except ArgolabError:
            return []
        # Each line comes with a binary header of eight bytes.
        lines = (re.sub(r"^[\x00-\x02]\x00\x00\x00.{4}", "", line, flags=re.DOTALL).strip() for line in raw.split("\n"))
        return [line[-300:] for line in lines if line]

    def exec(self, name: str, command: Sequence[str], timeout: float = 60.0) -> Executed:
        """Run a command that reads nothing in a running container, and wait for its end.

        A program that the container does not have is no error: exit code 126 or 127, as with the docker program.
        """
        wanted = {"AttachStdout": True, "AttachStderr": True, "Tty": False, "Cmd": list(command)}
        number = str(self.request("POST", f"/containers/{quote(name, safe='')}/exec", content=wanted)["Id"])
        attached = {"Detach": False, "Tty": False}
        out, err = without_headers(self._exchange("POST", f"/exec/{number}/start", timeout, attached))
        code = self.get(f"/exec/{number}/json").get("ExitCode")
        if code is None:
            raise ArgolabError(f"{' '.join(command[:3])} in container {name} did not say how it ended")
        return Executed(int(code), out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))

    def act(self, name: str, action: str, timeout: float = 60.0) -> None:
        """C(start), C(stop), C(pause), C(unpause) or C(restart) a container; being so already is fine."""
        self.request("POST", f"/containers/{quote(name, safe='')}/{action}", timeout=timeout)


class Found(NamedTuple):
    """Where an engine answers, or why none of the places looked at does."""

    docker_host: Optional[str]
    tried: List[str]
    explicit: bool


def context_host(environment: Mapping[str, str], home: str) -> Optional[str]:
    """Return the address of the docker program's current context, None for its default one."""
    folder = environment.get("DOCKER_CONFIG") or os.path.join(home, ".docker")
    name = environment.get("DOCKER_CONTEXT")
    try:
        if not name:
            with open(os.path.join(folder, "config.json"), encoding="utf-8") as handle:
                name = json.load(handle).get("currentContext")
        if not name or name == "default":
            return None
        key = hashlib.sha256(name.encode()).hexdigest()
        with open(os.path.join(folder, "contexts", "meta", key, "meta.json"), encoding="utf-8") as handle:
            host = json.load(handle)["Endpoints"]["docker"]["Host"]
        return host if isinstance(host, str) and host else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def candidates(
    wanted: Optional[str], own: Optional[str], environment: Mapping[str, str], home: str
) -> Tuple[List[str], bool]:
    """Return the addresses to ask, best first, and whether the caller or the environment named the one to use."""
    named = wanted or environment.get("DOCKER_HOST")
    # An environment that still points at our own engine after it was removed must not keep it from coming back.
    if named and named != own:
        return [named], True
    found: List[str] = [own] if own else []
    context = context_host(environment, home)
    if context:
        found.append(context)
    found.append("unix:///var/run/docker.sock")
    runtime_dir = environment.get("XDG_RUNTIME_DIR")
    if runtime_dir:
        found.append(f"unix://{runtime_dir}/docker.sock")
    found.append(f"unix://{home}/.docker/run/docker.sock")
    return list(dict.fromkeys(found)), False


def first_that_answers(hosts: Iterable[str], explicit: bool, cert_path: Optional[str] = None) -> Found:
    """Ask each address in turn, briefly."""
    tried: List[str] = []
    for host in hosts:
        path = socket_path(host)
        try:
            if path is not None and not explicit and not stat.S_ISSOCK(os.stat(path).st_mode):
                continue
        except FileNotFoundError:
            tried.append(why_unreachable(host, FileNotFoundError()))
            continue
        except OSError as error:
            tried.append(why_unreachable(host, error))
            continue
        try:
            DockerEngine(host, timeout=5.0, cert_path=cert_path).ping()
            return Found(host, tried, explicit)
        except ArgolabError as error:
            tried.append(str(error))
    return Found(None, tried, explicit)
