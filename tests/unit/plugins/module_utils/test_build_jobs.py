# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.build_jobs import (
    Job,
    JobError,
    clock,
    remaining_seconds,
    run_jobs,
)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59.4, "59 s"), (60, "1 min 00 s"), (200, "3 min 20 s"), (-3, "0 s")]
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_the_time_left_comes_from_the_pace_once_something_is_done() -> None:
    assert remaining_seconds(pending=100, done=0, elapsed=0, workers=2) == 50
    assert remaining_seconds(pending=100, done=50, elapsed=100, workers=2) == 200
    assert remaining_seconds(pending=100, done=0, elapsed=9, workers=0) == 100
    assert remaining_seconds(pending=99, done=1, elapsed=60, workers=2) == 49.5


def test_the_dearest_job_starts_first_and_each_line_says_where_it_is() -> None:
    order: list[str] = []
    lines: list[str] = []
    small = Job("small", 1, lambda progress: order.append("small"))
    jobs = [small, Job("big", 9, lambda progress: order.append("big"))]
    run_jobs(jobs, 1, lines.append)
    assert order == ["big", "small"]
    assert lines[0] == "2 to build, about 10 s expected"
    assert lines[1].startswith("build 1 of 2: big started")
    assert lines[-1].startswith("2 of 2 built: small, ")


def test_after_a_failure_nothing_more_is_started() -> None:
    order: list[str] = []

    def broken(progress: object) -> None:
        raise ValueError("no")

    with pytest.raises(JobError, match="^big: no$"):
        run_jobs([Job("big", 9, broken), Job("small", 1, lambda progress: order.append("small"))], 1, lambda line: None)
    assert order == []


def test_nothing_to_do_says_nothing() -> None:
    lines: list[str] = []
    run_jobs([], 2, lines.append)
    assert lines == []


def test_a_long_job_says_how_far_it_is() -> None:
    lines: list[str] = []
    told = threading.Event()

    def slow(progress: Callable[[float], None]) -> None:
        progress(0.25)
        told.wait(10)

    def hear(line: str) -> None:
        lines.append(line)
        if "building" in line:
            told.set()

    run_jobs([Job("big", 100, slow)], 1, hear, heartbeat=0.05)
    assert any(line.startswith("0 of 1 built, building big (25%), ") for line in lines)
