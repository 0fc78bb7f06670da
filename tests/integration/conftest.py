# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real Prometheus servers, targets that can be broken, servers that misbehave, and modules run as Ansible runs them."""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import k3d_support

# The helpers beside this file are imported by tests, when the collection can be.
sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent / "files")]

CHECKOUT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "argolab.observability"
COLLECTION = "ansible_collections.argolab.observability.plugins.modules"
PASSWORD = "test"
# the hash of PASSWORD in Prometheus's own documentation of basic authentication
PASSWORD_HASH = "$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay"
HOST = "prometheus.example.it"

PROMETHEUS_CONFIG = """
global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 300ms}}
rule_files: ["{folder}/rules-*.yml"]
scrape_configs:
  - {{job_name: healthy, static_configs: [{{targets: ["{exporter}"], labels: {{pod: a}}}}]}}
  - {{job_name: refused, static_configs: [{{targets: ["127.0.0.1:1"]}}]}}
  - {{job_name: switched, metrics_path: /switched, static_configs: [{{targets: ["{exporter}"]}}]}}
  - {{job_name: forbidden, metrics_path: /forbidden, static_configs: [{{targets: ["{exporter}"]}}]}}
  - {{job_name: html, metrics_path: /html, static_configs: [{{targets: ["{exporter}"]}}]}}
  - {{job_name: tls, scheme: https, static_configs: [{{targets: ["{exporter}"]}}]}}
  - {{job_name: unscraped, scrape_interval: 1w, static_configs: [{{targets: ["{exporter}"]}}]}}
  - {{job_name: empty, static_configs: []}}
  - job_name: dropped
    static_configs: [{{targets: ["{exporter}", "127.0.0.1:1"]}}]
    relabel_configs: [{{source_labels: [__address__], regex: nothing, action: keep}}]
"""

RULES = """
groups:
  - name: good
    rules:
      - {record: "job:up:sum", expr: sum by (job) (up)}
      - {alert: SomethingDown, expr: up == 0, for: 1h}
  - name: broken
    rules:
      - {alert: ManyToMany, expr: up * on () up}
      - {alert: StillFine, expr: vector(0) > 1}
  - name: healing
    rules:
      - {record: "switched:ratio", expr: switched_info * on () group_left () switched_info}
  - name: lazy
    interval: 1w
    rules:
      - {record: lazy, expr: vector(1)}
"""


class Exporter(ThreadingHTTPServer):
    """A target whose path V(/switched) can be made to fail, or to give the two series that break a rule."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ExporterHandler)
        self.status = 200
        self.flapping = False
        self.series = 1

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A scrape that timed out on a busy machine is no news; printed from a thread it breaks pytest's capture."""


class ExporterHandler(BaseHTTPRequestHandler):
    server: Exporter

    def do_GET(self) -> None:
        # a sample that the exporter itself says is a minute old
        body = f"up_for_real 1\nminute_old{{unit=\"a\"}} 1 {int((time.time() - 60) * 1000)}\n"
        kind, status = "text/plain", 200
        if self.path == "/switched":
            status = self.server.status
            if self.server.flapping:
                self.server.status = 503 if status == 200 else 200
            body = "".join(f'switched_info{{n="{n}"}} 1\n' for n in range(self.server.series))
        elif self.path == "/forbidden":
            status = 403
        elif self.path == "/html":
            body, kind = "<html><body>Log in</body></html>", "text/html"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: Any) -> None: ...


def eventually(look: Callable[[], Any], enough: Callable[[Any], Any], seconds: float = 60) -> Any:
    """What C(look) returns once it is C(enough), or the last it was. A count of attempts would be a guess."""
    deadline = time.monotonic() + seconds
    while not enough(seen := look()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return seen


@contextlib.contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[Any]:
    thread = threading.Thread(target=functools.partial(server.serve_forever, poll_interval=0.05), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Prometheus:
    url: str
    flavour: str
    exporter: Exporter
    folder: Path

    @property
    def port(self) -> int:
        return urllib.parse.urlsplit(self.url).port or 0


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def debian_prometheus() -> Path:
    """The distribution's package, unpacked beside other caches; nothing is installed or started."""
    folder = CACHE / "test" / "debian-prometheus"
    program = folder / "usr" / "bin" / "prometheus"
    if program.exists():
        return program
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        pytest.skip("needs apt-get and dpkg to fetch Debian's prometheus")
    parts = folder.with_name(f"debian-prometheus.{os.getpid()}")
    parts.mkdir(parents=True)
    try:
        done = subprocess.run(
            ["apt-get", "download", "prometheus"], cwd=parts, capture_output=True, text=True, timeout=180, check=False
        )
        packages = list(parts.glob("*.deb"))
        if not packages:
            pytest.skip(f"Debian's prometheus cannot be downloaded: {done.stderr.strip().splitlines()[-1:]}")
        subprocess.run(["dpkg", "-x", packages[0], parts], check=True, timeout=120)
        packages[0].unlink()
        with contextlib.suppress(OSError):  # another run was quicker
            parts.rename(folder)
    finally:
        shutil.rmtree(parts, ignore_errors=True)
    return program


def built_prometheus() -> Path:
    """The program that the lab runs, where it has been built."""
    for program in sorted((CACHE / "programs").glob("prometheus-v*/prometheus"), reverse=True):
        return program
    pytest.skip("the lab's own Prometheus has not been built here (make lab)")


PROGRAMS: dict[str, Callable[[], Path]] = {"debian": debian_prometheus, "built": built_prometheus}


@contextlib.contextmanager
def running(
    program: Path, folder: Path, config: str, *options: str, probe: ssl.SSLContext | None = None
) -> Iterator[str]:
    """Start a Prometheus of our own and end it; yields its address."""
    port = free_port()
    (folder / "prometheus.yml").write_text(config)
    command = [
        str(program),
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        *options,
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "GOMAXPROCS": "1"})
    try:
        deadline = time.monotonic() + 90
        while not is_ready(port, probe):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"Prometheus did not start:\n{(folder / 'log').read_text()[-2000:]}")
            time.sleep(0.1)
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def is_ready(port: int, tls: ssl.SSLContext | None) -> bool:
    url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/-/ready"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls))
    try:
        with opener.open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        with error:
            return error.code == 401  # asks for a password: it listens
    except OSError:
        return False


@pytest.fixture(scope="session", params=list(PROGRAMS))
def prometheus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A real Prometheus: Debian's 2.42, which ignores filters, and the lab's own."""
    program = PROGRAMS[request.param]()
    folder = tmp_path_factory.mktemp(f"prometheus-{request.param}")
    (folder / "rules-1.yml").write_text(RULES)
    with serving(Exporter()) as exporter:
        config = PROMETHEUS_CONFIG.format(folder=folder, exporter=exporter.address)
        with running(program, folder, config, "--web.enable-lifecycle") as address:
            yield Prometheus(f"http://{address}", request.param, exporter, folder)


@pytest.fixture
def exporter(prometheus: Prometheus) -> Iterator[Exporter]:
    """The targets of the running Prometheus, healthy again afterwards."""
    yield prometheus.exporter
    prometheus.exporter.status, prometheus.exporter.flapping, prometheus.exporter.series = 200, False, 1


@dataclass(frozen=True)
class Pki:
    """A private authority with a server's and a client's certificate, and another authority that nobody trusts."""

    folder: Path

    def __getattr__(self, name: str) -> str:
        stem, _underscore, kind = name.rpartition("_")
        if stem not in ("ca", "server", "client", "expired", "stranger") or kind not in ("cert", "key"):
            raise AttributeError(name)
        return str(self.folder / f"{stem}.{'pem' if kind == 'cert' else 'key'}")


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("pki")

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=folder, check=True, capture_output=True, timeout=60)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for name in ("ca", "stranger"):
        run(
            "req",
            "-x509",
            *key,
            "-keyout",
            f"{name}.key",
            "-out",
            f"{name}.pem",
            "-days",
            "2",
            "-subj",
            f"/CN=test {name}",
        )
    (folder / "server.ext").write_text(f"subjectAltName=DNS:{HOST},IP:127.0.0.1\n")
    (folder / "client.ext").write_text("extendedKeyUsage=clientAuth\n")
    shutil.copy(folder / "client.ext", folder / "expired.ext")
    for name, days in (("server", "2"), ("client", "2"), ("expired", "-1")):
        run("req", "-new", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/O=test/CN={name}")
        issue = ["x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]
        run(*issue, "-days", days, "-extfile", f"{name}.ext", "-out", f"{name}.pem")
    return Pki(folder)


@pytest.fixture(scope="session")
def secured(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Prometheus with TLS, an optional client certificate and a password; yields host:port."""
    folder = tmp_path_factory.mktemp("secured")
    (folder / "web.yml").write_text(
        f"tls_server_config:\n  cert_file: {pki.server_cert}\n  key_file: {pki.server_key}\n"
        f"  client_ca_file: {pki.ca_cert}\n  client_auth_type: VerifyClientCertIfGiven\n"
        f"basic_auth_users:\n  reader: {PASSWORD_HASH}\n"
    )
    config = "scrape_configs: [{job_name: none, static_configs: []}]\n"
    trusting = ssl.create_default_context(cafile=pki.ca_cert)
    with running(debian_prometheus(), folder, config, f"--web.config.file={folder}/web.yml", probe=trusting) as address:
        yield address


@dataclass
class Recorded:
    line: str
    headers: dict[str, str]


@dataclass
class FaultServer:
    """A raw server that plays one fault for every connection, and remembers what it was sent."""

    play: Callable[[socket.socket, Recorded, threading.Event], None]
    tls: ssl.SSLContext | None = None
    requests: list[Recorded] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _address = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            thread.start()
            self.threads.append(thread)

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(30)
        with contextlib.suppress(OSError), connection:
            channel = self.tls.wrap_socket(connection, server_side=True) if self.tls else connection
            with contextlib.suppress(OSError), channel:
                head = b""
                while b"\r\n\r\n" not in head:
                    chunk = channel.recv(65536)
                    if not chunk:
                        return
                    head += chunk
                line, *fields = head.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
                headers = {key.lower(): value for key, _colon, value in (text.partition(": ") for text in fields)}
                request = Recorded(line, headers)
                self.requests.append(request)
                self.play(channel, request, self.ended)

    def close(self) -> None:
        self.ended.set()
        # close() alone does not wake accept()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(10)


@pytest.fixture
def fault(pki: Pki) -> Iterator[Callable[..., FaultServer]]:
    """Start fault servers: with bytes to send, or with a function that plays the fault."""
    servers: list[FaultServer] = []

    def start(play: Any, tls: bool = False, request_client_certificate: bool = False) -> FaultServer:
        context = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pki.server_cert, pki.server_key)
            if request_client_certificate:
                context.load_verify_locations(pki.ca_cert)
                context.verify_mode = ssl.CERT_OPTIONAL
        if isinstance(play, bytes):
            content = play

            def send(channel: socket.socket, _request: Recorded, _ended: threading.Event) -> None:
                channel.sendall(content)

            play = send
        servers.append(FaultServer(play, context))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def run_module(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Run a module with Ansible's own handling of its options, in this process; returns what it printed."""
    testing = pytest.importorskip("ansible.module_utils.testing", reason="needs ansible-core 2.19 or later")

    def run(name: str, /, check: bool = False, **options: Any) -> dict[str, Any]:
        module = importlib.import_module(f"{COLLECTION}.{name}")
        capsys.readouterr()
        with testing.patch_module_args({**options, "_ansible_check_mode": check}), pytest.raises(SystemExit) as left:
            module.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
        assert bool(result.get("failed")) == bool(left.value.code)
        assert not result.get("exception"), result["exception"]
        return result

    return run


@pytest.fixture(scope="session")
def docker_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Docker engine with the stand-in images of k3d's nodes and helpers."""
    import k3d_support

    with k3d_support.standin_engine(tmp_path_factory) as host:
        yield host


@pytest.fixture
def lab(docker_host: str, tmp_path: Path) -> Iterator[k3d_support.Lab]:
    """A declared cluster that is not there yet; gone without leftovers afterwards."""
    import k3d_support

    made = k3d_support.Lab(docker_host, k3d_support.k3d_program(), tmp_path)
    yield made
    made.run(state="absent")
    assert made.leftovers() == []


def run_playbook(
    folder: Path,
    plays: list[dict[str, Any]],
    variables: Mapping[str, Any],
    *options: str,
    inventory: str = "localhost,",
) -> subprocess.CompletedProcess[str]:
    """Run plays with the checkout's collection and settings."""
    (folder / "play.json").write_text(json.dumps(plays), encoding="utf-8")
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    known = json.dumps({"ansible_connection": "local", **variables})
    return subprocess.run(
        [program, "-i", inventory, "-e", known, str(folder / "play.json"), *options],
        cwd=CHECKOUT, env={**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg")}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
