# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build pinned Go programs from the Go module proxy, each once, some at a time.

A file that upstream generates before it builds, and does not publish, is generated the same way: by a generator that is
itself a pinned module. A small program of the caller's own comes as its source files.
"""

from __future__ import annotations

import functools
import glob
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Iterable, Sequence

from ansible_collections.argolab.observability.plugins.module_utils import processes
from ansible_collections.argolab.observability.plugins.module_utils.build_jobs import Job, run_jobs
from ansible_collections.argolab.observability.plugins.module_utils.go_program import BuildError, GoProgram, build_key
from ansible_collections.argolab.observability.plugins.module_utils.go_source import (
    prepare,
    published_module,
    unlock,
    writable,
)
from ansible_collections.argolab.observability.plugins.module_utils.host_resources import memory_available

# The same for all that is built, generators too, so that what they import is compiled once. The linker would throw the
# debug information away (-s -w), so the compiler need not make it. Inlining takes a sixth of the compiler's time, and
# makes programs larger.
_COMPILE = ("-trimpath", "-gcflags=all=-l -dwarf=false")

_REMOVALS = 6


def compiler_memory_mib(available: int, processes_at_once: int) -> int:
    """MiB that one compiler or linker may take before it collects garbage: its share of half of what is available.

    :param available: bytes; 0 where it is not known.
    """
    # Below, the largest packages would be collected without end; above, nothing is saved any more.
    return max(512, min(1024, available // 2 // processes_at_once // 2**20))


class GoBuilder:
    """Builds programs into C(cache_dir/programs/KEY), each once; a folder is there only when it is complete.

    :param go: any Go since 1.21; where it is another version, it takes the pinned toolchain from the module proxy.
    :param go_version: the version that everything is built with, so that the host's own Go decides nothing.
    """

    def __init__(self, go: str, go_version: str, cache_dir: str, workers: int, report: Callable[[str], None]) -> None:
        self.go = go
        self.cache_dir = cache_dir
        self.workers = max(1, workers)
        self.report = report
        self.go_version = f"go{go_version}"
        processes_at_once = self.workers * (os.cpu_count() or 1)
        self._memory_mib = compiler_memory_mib(memory_available() or 0, processes_at_once)

    def _environment(self, cgo: bool = False, generator: bool = False) -> dict[str, str]:
        env = dict(os.environ)
        go = os.path.dirname(os.path.abspath(shutil.which(self.go) or self.go))
        env.update(
            # Generators look for go there.
            PATH=os.pathsep.join([go, env.get("PATH", "")]),
            GOWORK="off",
            CGO_ENABLED="1" if cgo else "0",
            GOFLAGS="-mod=mod -modcacherw -buildvcs=false",
            GOMODCACHE=os.path.join(self.cache_dir, "go", "mod"),
            GOCACHE=os.path.join(self.cache_dir, "go", "build"),
            GOTOOLCHAIN=self.go_version,
            # SQLite costs 55 s with cgo's own -g -O2, and 16 s so; a lab asks little of it.
            CGO_CFLAGS="-O1",
        )
        # A compiler is gone within seconds: collecting its garbage only where it would grow too large takes a sixth off
        # its CPU time, measured against GOGC=400, which takes a tenth off Go's own 100. A generator may need more than
        # that limit: wire reads all that Grafana imports, took 129 CPU seconds so, and 44 with Go's own settings.
        if not generator:
            env.setdefault("GOGC", "off")
            env.setdefault("GOMEMLIMIT", f"{self._memory_mib}MiB")
        return env

    def _run(self, argv: Sequence[str], cwd: str, cgo: bool = False, generator: bool = False) -> str:
        done = processes.run(argv, cwd=cwd, env=self._environment(cgo, generator))
        self._judge(argv, done)
        return done.stdout

    def _go(self, arguments: Sequence[str], cwd: str) -> str:
        return self._run([self.go, *arguments], cwd)

    def _judge(self, argv: Sequence[str], done: subprocess.CompletedProcess[str]) -> None:
        if done.returncode != 0:
            tail = "\n".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-15:])
            raise BuildError(f"{' '.join(argv[:4])} ended with {done.returncode}: {tail}")

    def folder(self, program: GoProgram) -> str:
        """Where the finished program is, or will be."""
        return os.path.join(self.cache_dir, "programs", build_key(program, self.go_version))

    def missing(self, programs: Iterable[GoProgram]) -> list[GoProgram]:
        """The programs that are not built yet, dearest first so that no long build starts last."""
        return sorted((p for p in programs if not os.path.isdir(self.folder(p))), key=lambda p: -p.cpu_seconds)

    def _generate(self, program: GoProgram, source: str, work: str) -> None:
        """Run the generators, each built from its own copied module with its own C(go.sum)."""
        for number, generator in enumerate(program.generate):
            origin = published_module(self._go, generator["module"], generator["version"], generator["sum"], work)
            copy = os.path.join(work, f"generator-{number}")
            shutil.copytree(origin, copy)
            unlock(writable(copy))
            tool = os.path.join(work, f"generator-{number}.bin")
            self._run([self.go, "build", *_COMPILE, "-o", tool, generator["package"]], cwd=copy)
            self._run([tool, *generator["arguments"]], cwd=source, cgo=program.cgo, generator=True)

    def build(self, program: GoProgram, progress: Callable[[float], None] = lambda part: None) -> str:
        """Build one program and return its folder. Nothing is left in the cache when a step fails.

        :param progress: is told, from time to time, how much of the program's packages is compiled, from 0 to 1.
        """
        final = self.folder(program)
        if os.path.isdir(final):
            return final
        work = f"{final}.tmp{os.getpid()}"
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(os.path.join(work, "out"))
        try:
            source = prepare(program, work, self._go)
            if program.plugin_config:
                with open(writable(os.path.join(source, "plugin.cfg")), "w", encoding="utf-8") as handle:
                    handle.write("".join(f"{line}\n" for line in program.plugin_config))
                self._run([self.go, "run", *_COMPILE, "directives_generate.go"], cwd=source)
            self._generate(program, source, work)
            self._compile(program, source, os.path.join(work, "out") + os.sep, progress)
            for name in program.data:
                self._keep(source, name, os.path.join(work, "out", "data"))
            try:
                os.rename(os.path.join(work, "out"), final)
            except OSError:
                # Another run may have built the same meanwhile.
                if not os.path.isdir(final):
                    raise
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return final

    @staticmethod
    def _keep(source: str, name: str, folder: str) -> None:
        """Copy a file or folder of the module, or what a shell pattern finds, to the same place in a folder."""
        origins = glob.glob(os.path.join(source, name))
        if not origins:
            raise BuildError(f"there is no {name} in the module to keep beside the programs")
        for origin in origins:
            target = os.path.join(folder, os.path.relpath(origin, source))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if os.path.isdir(origin):
                shutil.copytree(origin, target)
            else:
                shutil.copy2(origin, target)

    def _compile(self, program: GoProgram, source: str, target: str, progress: Callable[[float], None]) -> None:
        static = '-linkmode external -extldflags "-static"' if program.cgo else ""
        ldflags = " ".join(filter(None, ["-s -w", static, program.ldflags]))
        flags = [*_COMPILE, "-ldflags", ldflags]
        tags = ["-tags", ",".join(program.tags)] if program.tags else []
        listing = self._run([self.go, "list", "-deps", *tags, *program.packages], cwd=source, cgo=program.cgo)
        needed = len(listing.splitlines())
        compiled = 0

        def count(line: str) -> None:
            nonlocal compiled
            # With -v the names of packages come as they are compiled, and without spaces; anything else is a message.
            compiled += line.strip() != "" and " " not in line.strip()
            progress(min(1.0, compiled / max(needed, 1)))

        argv = [self.go, "build", "-v", *flags, *tags, "-o", target, *program.packages]
        done = processes.follow(argv, count, cwd=source, env=self._environment(program.cgo))
        self._judge(argv, done)

    def clean_up(self) -> None:
        """Remove what interrupted builds left: work folders whose process is gone."""
        folder = os.path.join(self.cache_dir, "programs")
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            _key, mark, pid = name.rpartition(".tmp")
            if mark and pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
                shutil.rmtree(os.path.join(folder, name), ignore_errors=True)

    def remove_go_caches(self) -> None:
        """Remove what only a build needs: some 290,000 files when everything was built."""
        folder = os.path.join(self.cache_dir, "go")
        parts = [path for pattern in ("mod/*/*", "build/*") for path in glob.glob(os.path.join(folder, pattern))]
        # Removing is mostly waiting for the disk: several at a time took 3.3 s where one after the other took 5.6 s.
        with ThreadPoolExecutor(_REMOVALS) as pool:
            list(pool.map(functools.partial(shutil.rmtree, ignore_errors=True), parts))
        for name in ("mod", "build"):
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)

    def jobs(self, programs: Sequence[GoProgram]) -> list[Job]:
        """One job for each program that is not built yet."""
        return [
            Job(f"{program.name} {program.version}", program.cpu_seconds, functools.partial(self.build, program))
            for program in self.missing(programs)
        ]

    def build_all(self, programs: Sequence[GoProgram]) -> dict[str, str]:
        """Build what is missing, some at a time, and return the folder of each program by name."""
        run_jobs(self.jobs(programs), self.workers, self.report)
        return {program.name: self.folder(program) for program in programs}
