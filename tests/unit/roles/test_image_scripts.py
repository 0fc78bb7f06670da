# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts that wait in the images from packages: for a program to be reloaded, and for the figures of the kubelet."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from pathlib import Path

import pytest

FILES = Path(__file__).resolve().parents[3] / "roles" / "package_artifacts" / "files"
NODE = (FILES / "node" / "k3s").read_text(encoding="utf-8")


def program(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def reloader(tmp_path: Path) -> str:
    """The script, with a program in the real one's place that says what it was started with."""
    text = (FILES / "config-reloader" / "prometheus-config-reloader").read_text(encoding="utf-8")
    real = program(tmp_path, "real", 'echo "started $*"')
    assert text.count("/usr/libexec/prometheus-config-reloader") == 1
    script = tmp_path / "prometheus-config-reloader"
    script.write_text(text.replace("/usr/libexec/prometheus-config-reloader", str(real)), encoding="utf-8")
    return str(script)


def test_the_reloader_starts_when_the_program_answers(reloader: str) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        url = f"--reload-url=http://127.0.0.1:{server.getsockname()[1]}/-/reload"
        with subprocess.Popen(["bash", reloader, url, "--x"], stdout=subprocess.PIPE, text=True) as running:
            try:
                with pytest.raises(subprocess.TimeoutExpired):
                    running.wait(0.5)
                server.listen()
                assert running.communicate(timeout=10)[0] == f"started {url} --x\n"
            finally:
                running.kill()


@pytest.mark.parametrize(
    "options", [["--watch-interval=0", "--reload-url=http://127.0.0.1:1/-/reload"], ["--listen-address=:8080"]]
)
def test_a_reloader_that_reloads_nothing_waits_for_nothing(reloader: str, options: list[str]) -> None:
    done = subprocess.run(["bash", reloader, *options], capture_output=True, text=True, check=True, timeout=10)
    assert done.stdout == f"started {' '.join(options)}\n"


def figures(age: float, name: str = "etcd") -> str:
    labels = f'{{container="{name}",namespace="kube-system",pod="{name}-node"}}'
    start = 1795763412
    return (
        f"# TYPE container_cpu_usage_seconds_total counter\n"
        f"container_cpu_usage_seconds_total{labels} 4.86 {round((start + age) * 1000)}\n"
        f"container_start_time_seconds{labels} {start:.9e}\n"
        "node_cpu_usage_seconds_total 12.5 1795763420000\n"
    )


@pytest.mark.parametrize(
    ("answer", "due"),
    [
        (figures(9.9), False),
        (figures(10.5), True),
        (figures(14.9), True),
        # Its next look would be the first then.
        (figures(15.5), False),
        (figures(30) + figures(12, "traefik"), True),
        ("", False),
    ],
)
def test_metrics_server_starts_when_the_kubelet_has_figures_that_it_can_use(
    tmp_path: Path, answer: str, due: bool
) -> None:
    (tmp_path / "answer").write_text(answer, encoding="utf-8")
    program(tmp_path, "kubectl", f'cat "{tmp_path}/answer"' if answer else "exit 1")
    function = re.search(r"^figures_are_due\(\) \{.*?^\}", NODE, re.MULTILINE | re.DOTALL)
    assert function
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; admin=/x HOSTNAME=node\n{function[0]}\nfigures_are_due"],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}, check=False,
    )  # fmt: skip
    assert (done.returncode == 0) is due
