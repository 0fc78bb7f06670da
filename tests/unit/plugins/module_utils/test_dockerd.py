# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils import dockerd, engine_runner
from ansible_collections.argolab.observability.plugins.module_utils.docker_engine import (
    DockerEngine,
    Executed,
    candidates,
    context_host,
    first_that_answers,
    without_headers,
)
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.host_resources import (
    available_memory,
    inotify_shortage,
    listener,
    listening_inodes,
    port_conflict,
    shortages,
)


def layout(tmp_path: Path) -> dockerd.Layout:
    return dockerd.Layout(str(tmp_path / "state"), str(tmp_path / "data"), str(tmp_path / "run"))


def test_missing_capabilities() -> None:
    assert dockerd.missing_capabilities("CapBnd:\t000001fffeffffff\n", 40) == [24]
    assert dockerd.missing_capabilities("CapBnd:\t000001ffffffffff\n", 40) == []
    assert dockerd.missing_capabilities("no such line", 40) == []


def test_daemon_config(tmp_path: Path) -> None:
    config = dockerd.daemon_config(layout(tmp_path), with_runtime=True)
    assert config["default-runtime"] in config["runtimes"]
    assert all(str(tmp_path) in config[key] for key in ("data-root", "exec-root", "pidfile"))
    assert config["hosts"] == [f"unix://{tmp_path}/run/docker.sock"]
    assert "default-runtime" not in dockerd.daemon_config(layout(tmp_path), with_runtime=False)


def test_firewall_undo_takes_only_dockers_rules() -> None:
    before = ["-P FORWARD ACCEPT", "-N MINE", "-A FORWARD -j MINE"]
    now = [
        "-P FORWARD DROP",
        "-P INPUT DROP",
        "-N MINE",
        "-N DOCKER",
        "-N DOCKER-USER",
        "-A FORWARD -j DOCKER-USER",
        "-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-A FORWARD -i br-0123456789ab ! -o br-0123456789ab -j ACCEPT",
        "-A FORWARD -j MINE",
        '-A FORWARD -i eth0 -m comment --comment "added since" -j ACCEPT',
        "-A DOCKER-USER -j RETURN",
    ]
    undo = dockerd.firewall_undo(before, now)
    assert undo[0] == ["-D", "FORWARD", "-j", "DOCKER-USER"]
    assert [line[:2] for line in undo] == [
        ["-D", "FORWARD"],
        ["-D", "FORWARD"],
        ["-D", "FORWARD"],
        ["-F", "DOCKER"],
        ["-F", "DOCKER-USER"],
        ["-X", "DOCKER"],
        ["-X", "DOCKER-USER"],
        ["-P", "FORWARD"],
    ]
    assert undo[-1] == ["-P", "FORWARD", "ACCEPT"]
    assert dockerd.firewall_undo(now, now) == []


def test_mounts_below() -> None:
    info = "\n".join(
        f"36 35 0:1 / {point} rw - tmpfs none rw"
        for point in (
            "/var/lib/argolab/docker/a\\040b",
            "/var/lib/argolab/docker",
            "/var/lib/argolab-other",
            "/run/argolab/exec/x",
        )
    )
    assert dockerd.mounts_below(info, ["/var/lib/argolab/docker", "/run/argolab"]) == [
        "/var/lib/argolab/docker/a b",
        "/var/lib/argolab/docker",
        "/run/argolab/exec/x",
    ]


@pytest.mark.parametrize("folder", ["/", "/var", "relative", ""])
def test_layout_that_could_never_be_removed(tmp_path: Path, folder: str) -> None:
    with pytest.raises(DefiniteError, match="expected an absolute path"):
        dockerd.check_layout(dockerd.Layout(str(tmp_path), folder, str(tmp_path / "run")))


def test_layout_with_foreign_data_or_a_long_socket(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "precious").touch()
    with pytest.raises(DefiniteError, match="holds files that this engine did not make"):
        dockerd.check_layout(layout(tmp_path))
    with pytest.raises(DefiniteError, match="longer than the 100 bytes"):
        dockerd.check_layout(dockerd.Layout(str(tmp_path), str(tmp_path / "d"), "/run/" + "x" * 100))


def test_nothing_is_removed_without_a_record(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    with pytest.raises(DefiniteError, match="nothing is removed"):
        dockerd.remove(layout(tmp_path))
    assert (tmp_path / "state").is_dir()


def test_a_pid_file_alone_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "dockerd.pid").write_text(str(os.getpid()))
    assert dockerd.engine_pid(layout(tmp_path)) is None


def test_with_interpreter() -> None:
    assert dockerd.with_interpreter("#!/usr/bin/python3 -IS\nimport os\n\n", "/opt/py") == "#!/opt/py -IS\nimport os\n"


def test_candidates(tmp_path: Path) -> None:
    own = "unix:///run/argolab/docker.sock"
    assert candidates("tcp://host:1", own, {"DOCKER_HOST": "unix:///x"}, "/home/me") == (["tcp://host:1"], True)
    assert candidates(None, own, {"DOCKER_HOST": "unix:///x"}, "/home/me") == (["unix:///x"], True)
    # an environment that still points at our own engine must not keep it from being started again
    hosts, explicit = candidates(None, own, {"DOCKER_HOST": own, "XDG_RUNTIME_DIR": "/run/user/1"}, "/home/me")
    assert not explicit
    assert hosts == [
        own,
        "unix:///var/run/docker.sock",
        "unix:///run/user/1/docker.sock",
        "unix:///home/me/.docker/run/docker.sock",
    ]

    folder = tmp_path / ".docker"
    key = "0d5b1c5b2dd1f6a1e6d6cbcf9a6de5b9"
    assert context_host({}, str(tmp_path)) is None
    import hashlib

    key = hashlib.sha256(b"desktop").hexdigest()
    (folder / "contexts" / "meta" / key).mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"currentContext": "desktop"}))
    meta = {"Endpoints": {"docker": {"Host": "unix:///desktop.sock"}}}
    (folder / "contexts" / "meta" / key / "meta.json").write_text(json.dumps(meta))
    assert candidates(None, None, {}, str(tmp_path))[0][0] == "unix:///desktop.sock"
    (folder / "config.json").write_text("[")
    assert context_host({}, str(tmp_path)) is None


def test_why_no_engine_answers(tmp_path: Path) -> None:
    dead = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(dead))
    found = first_that_answers([f"unix://{tmp_path}/none.sock", f"unix://{dead}"], explicit=False)
    assert found.docker_host is None
    assert "does not exist" in found.tried[0] and "has stopped" in found.tried[1]
    with pytest.raises(DefiniteError, match="expected unix:///path"):
        DockerEngine("ssh://host")


def piece(output: int, content: bytes) -> bytes:
    return bytes([output, 0, 0, 0]) + len(content).to_bytes(4, "big") + content


def test_output_of_a_command_is_taken_apart() -> None:
    # sizes whose bytes are no UTF-8, a character that is cut in two, an empty piece, and a connection that broke off
    long = b"x" * 0x1FF
    stream = piece(1, long) + piece(2, b"no") + piece(1, b"\xc3") + piece(1, b"") + piece(1, b"\xa9") + piece(2, b"!")
    assert without_headers(stream) == (long + "é".encode(), b"no!")
    assert without_headers(stream + piece(1, b"abc")[:-1] + b"") == (long + "éab".encode(), b"no!")
    assert without_headers(stream + b"\x01\x00\x00") == without_headers(stream)
    assert without_headers(b"") == (b"", b"")


def test_exec(tmp_path: Path) -> None:
    """As the Engine API has it: made, started with its output as the answer, asked for its exit code."""
    seen: list[tuple[str, str, Any]] = []
    code: list[int | None] = [3]

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen.append((self.command, self.path, json.loads(content) if content else None))
            answers = {
                "/containers/node/exec": b'{"Id": "42"}',
                "/exec/42/start": piece(1, "é".encode() * 100) + piece(2, b"so"),
                "/exec/42/json": json.dumps({"ExitCode": code[0]}).encode(),
            }
            answer = answers.get(self.path, b'{"message": "No such container"}')
            self.send_response(200 if self.path in answers else 404)
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = handle_one

        def log_message(self, format: str, *args: Any) -> None: ...

    class Server(socketserver.ThreadingUnixStreamServer):
        def get_request(self) -> tuple[Any, Any]:
            return self.socket.accept()[0], ("", 0)

    with Server(str(tmp_path / "docker.sock"), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            engine = DockerEngine(f"unix://{tmp_path}/docker.sock")
            assert engine.exec("node", ("ctr", "version")) == Executed(3, "é" * 100, "so")
            command = {"AttachStdout": True, "AttachStderr": True, "Tty": False, "Cmd": ["ctr", "version"]}
            assert seen == [
                ("POST", "/containers/node/exec", command),
                ("POST", "/exec/42/start", {"Detach": False, "Tty": False}),
                ("GET", "/exec/42/json", None),
            ]
            code[0] = None
            with pytest.raises(ArgolabError, match="ctr version in container node did not say how it ended"):
                engine.exec("node", ("ctr", "version"))
            with pytest.raises(ArgolabError, match="No such container"):
                engine.exec("gone", ("ctr", "version"))
        finally:
            server.shutdown()
            thread.join()


def params(tmp_path: Path, **changes: Any) -> dict[str, Any]:
    return {
        "state": "found",
        "docker_host": None,
        "state_dir": str(tmp_path / "state"),
        "data_dir": str(tmp_path / "data"),
        "run_dir": str(tmp_path / "run"),
        "runtime_wrapper": None,
        "packages": [],
        "minimum_disk_gib": 0,
        "minimum_memory_gib": 0,
        "timeout": 5,
        "keep_used": False,
        **changes,
    }


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(engine_runner, "candidates", lambda *_arguments: ([f"unix://{tmp_path}/none.sock"], False))


@pytest.mark.usefixtures("no_engine")
def test_a_named_engine_that_does_not_answer_is_no_reason_to_start_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_runner, "candidates", candidates)
    with pytest.raises(ArgolabError, match="asked for by name"):
        engine_runner.run(params(tmp_path, state="started", docker_host=f"unix://{tmp_path}/none.sock"), False)


@pytest.mark.usefixtures("no_engine")
def test_blockers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_runner.os, "geteuid", lambda: 0)
    assert engine_runner.run(params(tmp_path), False)[0]["blocker"] == ""
    assert "10000 GiB are needed" in engine_runner.run(params(tmp_path, minimum_disk_gib=10000), False)[0]["blocker"]
    assert (
        "GiB of memory are available"
        in engine_runner.run(params(tmp_path, minimum_memory_gib=10000), False)[0]["blocker"]
    )
    predicted, _warnings = engine_runner.run(params(tmp_path, state="started"), True)
    assert predicted["changed"] and "Docker engine at" in predicted["diff"]["after"]
    assert not (tmp_path / "state").exists()
    monkeypatch.setattr(engine_runner.shutil, "which", lambda *_arguments, **_options: None)
    missing = engine_runner.run(params(tmp_path, packages=["no-such-package"]), False)[0]
    assert missing["missing_packages"] == ["no-such-package"] and "neither Debian nor Ubuntu" in missing["blocker"]
    monkeypatch.setattr(engine_runner.os, "geteuid", lambda: 1000)
    with pytest.raises(DefiniteError, match="only root can start one"):
        engine_runner.run(params(tmp_path, state="started"), False)


def test_absent_where_nothing_is(tmp_path: Path) -> None:
    assert engine_runner.run(params(tmp_path, state="absent"), False)[0]["changed"] is False


def test_ports_and_resources(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"(pid {os.getpid()})" in str(listener(port))
        assert f"127.0.0.1:{port} is in use by" in str(port_conflict("127.0.0.1", port))
        assert port_conflict("0.0.0.0", port) is not None
    assert port_conflict("127.0.0.1", port) is None
    assert "cannot be bound" in str(port_conflict("192.0.2.1", port))
    table = (
        "head\n 0: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 0 0 4242 1\n 1: 0100007F:1F90 0:0 01 0:0 0:0 0 0 0 43 1\n"
    )
    assert listening_inodes(table, 8080) == {"4242": "0100007F"}
    assert available_memory("MemTotal: 5 kB\nMemAvailable:    2048 kB\n") == 2048 * 1024
    assert shortages(str(tmp_path / "not" / "there"), 0, 0) == []


def test_inotify_shortage(tmp_path: Path) -> None:
    folder = tmp_path / "sys" / "fs" / "inotify"
    assert inotify_shortage(1000, str(tmp_path)) == []  # a kernel that does not tell
    folder.mkdir(parents=True)
    (folder / "max_user_instances").write_text("128\n")
    descriptors = tmp_path / "77" / "fd"
    descriptors.mkdir(parents=True)
    for number in range(100):
        (descriptors / str(number)).symlink_to("anon_inode:inotify" if number < 60 else "/dev/null")
    used = 60 if os.geteuid() == 0 else 0
    assert inotify_shortage(128 - used, str(tmp_path)) == []
    (text,) = inotify_shortage(129 - used, str(tmp_path))
    assert "allows 128 inotify instances" in text and "sysctl -w fs.inotify.max_user_instances=512" in text
    assert ("60 are in use" in text) == (used == 60)
