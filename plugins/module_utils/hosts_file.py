# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A marked block in a hosts file, and nothing else of that file.

The file is bytes here, never text: line ends, encodings and a missing final newline belong to whoever wrote them.
The block remembers in its first line whether the file ended without a newline, so that removing the block gives
back the very bytes that were there before.
"""

from __future__ import annotations

import errno
import http.client
import ipaddress
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable

from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError

NOTE = "(managed by Ansible, edits are lost)"
NOTE_NO_NEWLINE = "(managed by Ansible, edits are lost; the file ended without a newline)"

_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)\Z")
# EBUSY is a rename over a mount point; the others, a folder that takes no new file though this file can be written.
_WRITE_IN_PLACE = frozenset({errno.EBUSY, errno.EXDEV, errno.EPERM, errno.EACCES, errno.EROFS})


class HostsFileError(DefiniteError):
    """The file or what is asked of it is not as it should be; nothing was changed."""


@dataclass(frozen=True)
class Block:
    """Where a block stands (offsets) and how it was written."""

    start: int
    end: int
    eol: bytes
    added_newline: bool


@dataclass(frozen=True)
class Choice:
    """The endpoint that the names will lead to, and why. C(problem) says what speaks against one that was asked for."""

    strategy: str
    address: str
    http_port: int
    https_port: int
    reason: str
    problem: str = ""


def check_names(names: Sequence[str]) -> list[str]:
    """Return the names as they will be written, or say which one is no host name."""
    if not names:
        raise HostsFileError("The list of names is empty; give at least one host name, for example grafana.example.it.")
    seen: set[str] = set()
    for name in names:
        labels = name.split(".")
        if len(name) > 253 or not all(_LABEL.match(label) for label in labels) or labels[-1].isdigit():
            raise HostsFileError(
                f"{name!r} is not a host name; expected letters, digits and hyphens in parts joined by dots, "
                "for example grafana.example.it."
            )
        if name.lower() in seen:
            raise HostsFileError(f"{name!r} is listed twice; list each host name once.")
        seen.add(name.lower())
    return list(names)


def check_address(address: str) -> str:
    """Return the address, or say that a hosts file cannot hold it."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        raise HostsFileError(
            f"{address!r} is not an IP address; a hosts file maps names to addresses, for example 127.0.0.1."
        ) from None
    if parsed.is_unspecified or parsed.is_multicast:
        raise HostsFileError(f"{address} is not an address of a host; expected one like 127.0.0.1 or 172.29.0.3.")
    return address


def split_lines(content: bytes) -> list[bytes]:
    """Lines with their ends. Only a line feed ends one; C(bytes.splitlines) also splits at a lone carriage return."""
    return re.findall(rb"[^\n]*\n|[^\n]+", content)


def find_block(content: bytes, marker: str) -> Block | None:
    """The one block of this marker, or None; a damaged block is an error that names the lines."""
    begin = re.compile(rb"# BEGIN " + re.escape(marker.encode()) + rb"(?: [^\n]*)?\Z")
    end = re.compile(rb"# END " + re.escape(marker.encode()) + rb"\Z")
    begins: list[tuple[int, int, bytes]] = []
    ends: list[tuple[int, int]] = []
    offset = 0
    for number, line in enumerate(split_lines(content), 1):
        text = line.strip()
        if begin.match(text):
            begins.append((number, offset, line))
        offset += len(line)
        if end.match(text):
            ends.append((number, offset))
    if not begins and not ends:
        return None
    if len(begins) != 1 or len(ends) != 1 or ends[0][0] < begins[0][0]:
        found = sorted([(b[0], f"# BEGIN {marker}") for b in begins] + [(e[0], f"# END {marker}") for e in ends])
        where = ", ".join(f"{text!r} in line {number}" for number, text in found)
        raise HostsFileError(
            f"The block marked {marker!r} is damaged: found {where}; expected one BEGIN line and an END line after it. "
            "Remove these lines and the entries that belong to them by hand, then run again."
        )
    _number, start, line = begins[0]
    eol = b"\r\n" if line.endswith(b"\r\n") else b"\n"
    return Block(start, ends[0][1], eol, NOTE_NO_NEWLINE.encode() in line)


def claims(content: bytes, marker: str, names: Sequence[str]) -> list[tuple[int, str, str]]:
    """Lines outside of the block that already give one of the names: number, name, text."""
    block = find_block(content, marker)
    wanted = {name.lower().encode(): name for name in names}
    found: list[tuple[int, str, str]] = []
    offset = 0
    for number, line in enumerate(split_lines(content), 1):
        inside = block is not None and block.start <= offset < block.end
        offset += len(line)
        if inside:
            continue
        for word in line.split(b"#", 1)[0].split()[1:]:
            name = wanted.get(word.lower().rstrip(b"."))
            if name is not None:
                found.append((number, name, readable(line.strip())))
    return found


def block_lines(marker: str, address: str, names: Sequence[str], added_newline: bool = False) -> list[str]:
    """The block as lines without ends. One name each: some resolvers read only the first few names of a line."""
    note = NOTE_NO_NEWLINE if added_newline else NOTE
    return [f"# BEGIN {marker} {note}", *(f"{address} {name}" for name in names), f"# END {marker}"]


def with_block(content: bytes, marker: str, address: str, names: Sequence[str]) -> bytes:
    """The content with the block: in its place where there is one, else at the end."""
    block = find_block(content, marker)
    if block is None:
        eol = _line_end(content)
        added = bool(content) and not content.endswith(b"\n")
        return content + (eol if added else b"") + _render(marker, address, names, added, eol)
    new = _render(marker, address, names, block.added_newline, block.eol)
    return content[: block.start] + new + content[block.end :]


def without_block(content: bytes, marker: str) -> bytes:
    """The content as it was before the block came."""
    block = find_block(content, marker)
    if block is None:
        return content
    before, after = content[: block.start], content[block.end :]
    # A line that someone added behind the block would be glued to the one before it.
    if block.added_newline and not after and before.endswith(block.eol):
        before = before[: -len(block.eol)]
    return before + after


def _render(marker: str, address: str, names: Sequence[str], added_newline: bool, eol: bytes) -> bytes:
    return b"".join(line.encode() + eol for line in block_lines(marker, address, names, added_newline))


def _line_end(content: bytes) -> bytes:
    windows = content.count(b"\r\n")
    return b"\r\n" if windows > content.count(b"\n") - windows else b"\n"


def readable(content: bytes) -> str:
    """Bytes of any encoding as text, for messages and diffs."""
    return content.decode("utf-8", "backslashreplace")


def choose_endpoint(
    strategy: str, endpoints: Sequence[Mapping[str, Any]], probe: Callable[[str, int], str | None]
) -> Choice:
    """Pick the endpoint for the names. C(auto) prefers the Ingress ADDRESS, since it needs no port in the URL.

    :param probe: None where HTTP answers there, else the reason; asked only where the endpoint does not say.
    """
    kinds = ("ingress", "loadbalancer") if strategy == "auto" else (strategy,)
    candidates = [one for kind in kinds for one in endpoints if one.get("strategy") == kind]
    if not candidates:
        had = ", ".join(sorted({str(one.get("strategy")) for one in endpoints})) or "none at all"
        raise HostsFileError(
            f"There is no ingress endpoint for strategy {strategy!r} (endpoints given: {had}). "
            "Run the cluster provider first (its facts hold cluster_ingress_endpoints), or choose another strategy."
        )
    refused: list[str] = []
    for one in candidates:
        address = str(one.get("address") or "")
        label = f"{one['strategy']} {address}".strip()
        problem = _unusable(address) or _unreachable(one, address, probe)
        if strategy != "auto" and _unusable(address) is None:
            return _choice(one, address, f"strategy {strategy} was asked for", problem or "")
        if problem is None:
            not_chosen = f"; not chosen: {'; '.join(refused)}" if refused else ""
            return _choice(one, address, f"this host reaches it on port {_port(one)}{not_chosen}")
        refused.append(f"{label}: {problem}")
    raise HostsFileError(
        f"No ingress endpoint serves for strategy {strategy!r}: {'; '.join(refused)}. Check that the cluster and its "
        "ingress controller run and that this host reaches them, or name the strategy that others will use."
    )


def _choice(endpoint: Mapping[str, Any], address: str, reason: str, problem: str = "") -> Choice:
    return Choice(
        str(endpoint["strategy"]), address, _port(endpoint), int(endpoint.get("https_port") or 443), reason, problem
    )


def _port(endpoint: Mapping[str, Any]) -> int:
    return int(endpoint.get("http_port") or 80)


def _unusable(address: str) -> str | None:
    if not address:
        return "it has no address yet"
    try:
        check_address(address)
    except HostsFileError as exc:
        return str(exc).rstrip(".")
    return None


def _unreachable(endpoint: Mapping[str, Any], address: str, probe: Callable[[str, int], str | None]) -> str | None:
    if endpoint.get("reachable") is None:
        return probe(address, _port(endpoint))
    if endpoint["reachable"]:
        return None
    return str(endpoint.get("detail") or f"this host does not reach port {_port(endpoint)}")


def probe_http(address: str, port: int, timeout: float = 2.0) -> str | None:
    """None where anything speaks HTTP there (an ingress controller answers 404 to strangers), else what happened.

    A connection alone proves nothing: a published container port accepts one with nobody behind it.
    """
    connection = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
        connection.request("GET", "/", headers={"Connection": "close"})
        connection.getresponse()
    except (OSError, http.client.HTTPException) as exc:
        return f"port {port} does not answer ({exc or type(exc).__name__})"
    finally:
        connection.close()
    return None


def resolve(path: str) -> str:
    """The regular file behind the path (a hosts file may be a symbolic link), or a clear error."""
    real = os.path.realpath(path)
    via = "" if real == os.path.abspath(path) else f" (a symbolic link to {real})"
    try:
        mode = os.stat(real).st_mode
    except FileNotFoundError:
        raise HostsFileError(f"{path}{via} does not exist; give the path of an existing hosts file.") from None
    except OSError as exc:
        raise HostsFileError(f"{path}{via} cannot be used: {exc.strerror}.") from exc
    if not stat.S_ISREG(mode):
        raise HostsFileError(f"{path}{via} is not a regular file; give the path of a hosts file.")
    return real


def why_not_writable(path: str) -> str | None:
    """The reason why the file cannot be written, if any. Opening also finds read-only mounts and immutable files."""
    try:
        os.close(os.open(path, os.O_RDWR))
    except OSError as exc:
        return exc.strerror or str(exc)
    return None


def by_hand(path: str, problem: str, marker: str, names: Sequence[str], chosen: Mapping[str, Any]) -> str:
    """What to tell someone who may not write the file: the lines, ready to be pasted."""
    start = f"{path} cannot be written by user id {os.geteuid()} ({problem}); nothing changed. Run with become: true"
    if not chosen:
        return f"{start}, or remove the lines from '# BEGIN {marker}' to '# END {marker}' by hand."
    lines = "\n".join(block_lines(marker, chosen["address"], names))
    return f"{start}, or add these lines by hand:\n{lines}"


def replace_content(path: str, old: bytes, new: bytes) -> str:
    """Write the file and keep its owner, mode and attributes. Returns C(renamed) or C(in_place).

    Replacing by a rename is safe against a crash at any moment. A bind-mounted file (a container's hosts file) cannot
    be renamed over, and then the same inode is written, with the old bytes put back if that fails.
    """
    if _read(path) != old:
        raise HostsFileError(f"{path} was changed by someone else at this moment; nothing was written. Run again.")
    try:
        _replace_by_rename(path, new)
    except OSError as exc:
        if exc.errno not in _WRITE_IN_PLACE:
            raise
        _write_in_place(path, old, new)
        return "in_place"
    return "renamed"


def _replace_by_rename(path: str, new: bytes) -> None:
    folder = os.path.dirname(path)
    before = os.stat(path)
    handle, temporary = tempfile.mkstemp(prefix=".hosts-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(new)
            file.flush()
            os.fsync(file.fileno())
        os.chown(temporary, before.st_uid, before.st_gid)
        # Mode and extended attributes (SELinux label, ACL); the times of the old file are not wanted.
        shutil.copystat(path, temporary)
        os.utime(temporary)
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _write_in_place(path: str, old: bytes, new: bytes) -> None:
    with open(path, "r+b", buffering=0) as file:
        try:
            _overwrite(file.fileno(), new)
        except BaseException:
            _overwrite(file.fileno(), old)
            raise


def _overwrite(handle: int, content: bytes) -> None:
    done = 0
    while done < len(content):
        done += os.pwrite(handle, content[done:], done)
    os.ftruncate(handle, len(content))
    os.fsync(handle)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def read(path: str) -> bytes:
    """The file's bytes."""
    try:
        return _read(path)
    except OSError as exc:
        raise HostsFileError(f"{path} cannot be read: {exc.strerror}.") from exc
