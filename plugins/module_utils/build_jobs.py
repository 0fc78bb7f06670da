# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run long jobs some at a time, and tell where they are: which of how many, elapsed, expected left."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Callable, List, NamedTuple, Optional, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError

# The part of all work from which the pace is believed: downloads come first, and count for nothing.
_TELLING = 0.1


class Job(NamedTuple):
    """One thing to build.

    :param seconds: CPU time that it was measured to take; it orders the jobs and feeds the estimate, nothing else.
    :param run: does it, and may tell the function that it is given how much of it is done, from 0 to 1.
    """

    title: str
    seconds: float
    run: Callable[[Callable[[float], None]], object]


class JobError(ArgolabError):
    """A job failed; the message starts with its title."""


def clock(seconds: float) -> str:
    """Seconds as people say them: 45 s, 3 min 20 s."""
    whole = max(0, int(round(seconds)))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def remaining_seconds(pending: float, done: float, elapsed: float, workers: int) -> float:
    """Expected wall seconds left: from the pace so far; from the measured times while that says too little."""
    if done > 0 and elapsed > 0 and done > _TELLING * (done + pending):
        return pending * elapsed / done
    return pending / max(workers, 1)


def run_jobs(
    jobs: Sequence[Job],
    workers: int,
    report: Callable[[str], None],
    now: Callable[[], float] = time.monotonic,
    heartbeat: float = 60.0,
) -> None:
    """Run all jobs, the dearest first so that no long one starts last.

    The first failure stops further jobs from starting, and is raised after the running ones ended.
    A line is reported at every start and end, and after each C(heartbeat) seconds without one.
    """
    queue = sorted(jobs, key=lambda job: -job.seconds)
    count, total = len(queue), sum(job.seconds for job in queue)
    started, done, finished = now(), 0.0, 0
    running: dict[Future[object], Job] = {}
    parts: dict[str, float] = {}
    failure: Optional[JobError] = None

    def part_of(job: Job) -> Callable[[float], None]:
        def tell(part: float) -> None:
            parts[job.title] = part

        return tell

    def progress() -> str:
        elapsed = now() - started
        reached = done + sum(job.seconds * parts.get(job.title, 0.0) for job in running.values())
        left = remaining_seconds(total - reached, reached, elapsed, workers)
        return f"{clock(elapsed)} elapsed, about {clock(left)} left"

    if queue:
        report(f"{count} to build, about {clock(remaining_seconds(total, 0, 0, workers))} expected")
    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        while queue or running:
            while queue and len(running) < max(1, workers) and failure is None:
                job = queue.pop(0)
                report(f"build {count - len(queue)} of {count}: {job.title} started, {progress()}")
                running[pool.submit(job.run, part_of(job))] = job
            if not running:
                break
            ended, _pending = wait(running, timeout=heartbeat, return_when=FIRST_COMPLETED)
            if not ended:
                names: List[str] = [
                    f"{job.title} ({parts[job.title]:.0%})" if job.title in parts else job.title
                    for job in running.values()
                ]
                report(f"{finished} of {count} built, building {' and '.join(names)}, {progress()}")
            for future in ended:
                job = running.pop(future)
                error = future.exception()
                if error is not None:
                    report(f"{job.title} failed")
                    failure = failure or JobError(f"{job.title}: {error}")
                    continue
                finished += 1
                done += job.seconds
                report(f"{finished} of {count} built: {job.title}, {progress()}")
    if failure is not None:
        raise failure
