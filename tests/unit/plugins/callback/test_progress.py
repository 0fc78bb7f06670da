# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown of a long wait: by the modules, by the callback, and by both in a playbook."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.callback.progress import SILENT_SECONDS, Board, wanted
from ansible_collections.argolab.observability.plugins.module_utils import progress
from ansible_collections.argolab.observability.plugins.module_utils.checks import Check
from ansible_collections.argolab.observability.plugins.module_utils.waiter import Poll, wait_until

ROOT = Path(__file__).parents[4]
PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Wait for what never comes
      argolab.observability.prometheus_query:
        url: http://127.0.0.1:1
        queries: [{name: one, expr: up}]
        wait_timeout: 4
        poll_interval: 0.5
      no_log: NO_LOG
      ignore_errors: true
"""


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def missing(number: int) -> list[Check]:
    return [Check(f"target {one}", one >= number, "1 up", "0 of 1 up" if one < number else "1 up") for one in range(5)]


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "told"
    path.touch()
    monkeypatch.setenv(progress.FILE_VARIABLE, str(path))
    return path


def test_a_long_wait_tells_now_and_then_what_is_missing(told: Path) -> None:
    clock = Clock()
    polls = iter([3] * 8 + [1] * 4 + [0])
    poll = wait_until(lambda: Poll(not (n := next(polls)), missing(n)), 60, 1, sleep=clock.sleep, clock=clock)
    assert poll.ok
    assert told.read_text(encoding="utf-8").splitlines() == [
        "57 s left: 3 of 5 missing: target 0 (0 of 1 up), target 1 (0 of 1 up) and 1 more",
        "52 s left: 1 of 5 missing: target 0 (0 of 1 up)",
    ]


def test_a_short_wait_tells_nothing(told: Path) -> None:
    clock = Clock()
    polls = iter([1, 1, 0])
    wait_until(lambda: Poll(not (n := next(polls)), missing(n)), 60, 1, sleep=clock.sleep, clock=clock)
    assert told.read_text(encoding="utf-8") == ""


@pytest.mark.parametrize(
    ("checks", "error", "said"),
    [
        ([], "", "waiting for the first answer"),
        ([], "connection refused.", "connection refused."),
        (missing(0), "", "waiting for it to stay so"),
        ([Check("a", None, "", "")], "", "waiting for it to stay so"),
        (missing(2), "refused", "2 of 5 missing: target 0 (0 of 1 up), target 1 (0 of 1 up)"),
    ],
)
def test_what_is_missing_in_a_few_words(checks: list[Check], error: str, said: str) -> None:
    assert progress.still_missing(checks, error) == said


@pytest.mark.parametrize("path", [None, "", "not/there"])
def test_where_nobody_listens_nothing_is_written(path: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    clock = Clock()
    teller = progress.Progress(path, clock)
    clock.now += 10
    teller.tell(lambda: "it", 5)
    assert list(tmp_path.iterdir()) == []


def test_a_line_is_one_line(told: Path) -> None:
    clock = Clock()
    teller = progress.Progress.of_environment(clock)
    clock.now += 10
    teller.tell(lambda: "two\nlines\udcff.", -1)
    assert told.read_text(encoding="utf-8") == "0 s left: two lines?\n"


@pytest.mark.parametrize(
    ("show", "terminal", "ci", "shown"),
    [
        ("auto", True, "", True),
        ("auto", True, "false", True),
        ("auto", True, "true", False),
        ("auto", False, "", False),
        ("on", False, "true", True),
        ("off", True, "", False),
    ],
)
def test_when_it_is_shown(show: str, terminal: bool, ci: str, shown: bool) -> None:
    assert wanted(show, terminal, ci) is shown


def test_the_board_shows_what_is_told_and_who_is_silent_for_long(tmp_path: Path) -> None:
    clock = Clock()
    board = Board(str(tmp_path), clock)
    first = board.start("one", "id", "Have a cluster")
    assert board.lines() == []
    clock.now += SILENT_SECONDS
    assert board.lines() == ["  Have a cluster: running for 20 s"]
    assert board.lines() == []
    second = board.start("two", "id", "Have a cluster", silent=True)
    Path(first).write_text("older\nnewer\nnot whole", encoding="utf-8")
    assert board.lines() == ["  [one] newer"]
    clock.now += 2 * SILENT_SECONDS
    assert board.lines() == ["  [one] Have a cluster: running for 60 s"]
    board.end("one", "id")
    board.end("two", "id")
    board.end("two", "id")
    assert not Path(first).exists() and not Path(second).exists() and board.lines() == []


def play(tmp_path: Path, terminal: bool, no_log: str = "false", **variables: str) -> str:
    """Run the playbook with the callback, on a terminal or not; returns what was shown."""
    (tmp_path / "play.yml").write_text(PLAYBOOK.replace("NO_LOG", no_log), encoding="utf-8")
    env = {key: value for key, value in os.environ.items() if key not in ("CI", "ARGOLAB_PROGRESS")}
    env.update(ANSIBLE_NOCOLOR="1", TMPDIR=str(tmp_path), **variables)
    argv = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-c", "local", str(tmp_path / "play.yml")]
    argv += ["-e", f"ansible_python_interpreter={sys.executable}"]
    leader, follower = pty.openpty()
    output = follower if terminal else subprocess.PIPE
    with subprocess.Popen(argv, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output) as process:
        os.close(follower)
        shown = b""
        while chunk := (_read(leader) if terminal else process.communicate()[0] if not shown else b""):
            shown += chunk
    os.close(leader)
    assert process.returncode == 0, shown.decode()
    assert not list(tmp_path.glob("argolab-progress-*"))
    return shown.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


LINE = re.compile(r"^  \d s left: .*connection refused", re.MULTILINE)


def test_a_playbook_on_a_terminal_shows_it(tmp_path: Path) -> None:
    assert LINE.search(play(tmp_path, True))


@pytest.mark.parametrize("no_log", ["true", "'{{ false }}'"])
def test_nothing_is_shown_of_a_task_that_is_secret_or_may_be(tmp_path: Path, no_log: str) -> None:
    # what a variable will be is not known when the task begins
    assert not LINE.search(play(tmp_path, False, no_log, ARGOLAB_PROGRESS="on"))
