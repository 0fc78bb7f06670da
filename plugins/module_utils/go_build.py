# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build pinned Go programs from the Go module proxy.

A published module is copied out of the module cache and built there as the main module, so that its own
C(go.mod) and C(go.sum) decide every version. The module's own checksum is pinned by the caller, which makes
the chain complete: pinned sum, its C(go.sum), all dependencies.

Go compiles a package once for all programs that have it, and all that it imports, at the same version. The caller can
raise libraries to one version for several programs, so that they are compiled once; Go checks those against its
checksum database.

Replace lines that point into the upstream repository (C(./staging/...), C(../api)) name folders that a
published module does not hold; they are dropped, or turned into published versions given by the caller.

What a program imports and a lab never uses can be left out: the files of one of its packages, or of a package of a
dependency, are replaced by a single one that compiles and refuses.

A file that upstream generates before it builds, and does not publish, is generated the same way: by a generator that is
itself a pinned module. A small program of the caller's own comes as its source files.
"""

from __future__ import annotations

import functools
import glob
import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import asdict, dataclass, field
from typing import Any, Callable, Iterable, Mapping, Sequence

from ansible_collections.argolab.observability.plugins.module_utils import processes
from ansible_collections.argolab.observability.plugins.module_utils.build_jobs import Job, run_jobs
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.go_mod import minimum_arguments, replace_arguments
from ansible_collections.argolab.observability.plugins.module_utils.host_resources import memory_available


class BuildError(ArgolabError):
    """A program could not be built; the message says which step failed and ends with the tool's last lines."""


@dataclass(frozen=True)
class GoProgram:
    """One module at one version and the main packages to build from it.

    :param sum: checksum of the module; empty only for a program with C(sources).
    :param cpu_seconds: measured CPU time of a cold build, only used to estimate the time that is left.
    :param replace: module path, or a prefix ending in V(/), to the version that stands in for a local replace line.
    :param minimums: module path to the version below which no requirement of it stays.
    :param placeholders: files that C(go:embed) needs and the published module lacks (web pages).
    :param substitutes: packages, each with C(package), its folder inside C(module) (this one where it is left out), and
        C(content), the only Go file that it holds then.
    :param generate: programs that are run in the module before it is built, in this order, each with C(module),
        C(version), C(sum), C(package) and C(arguments).
    :param cgo: whether the program has C in it, and so needs a C compiler. It is linked statically, so that it does not
        depend on the C library of the machine that builds it.
    :param sources: name to content of the files of a program that is no published module.
    :param data: paths inside the module (files or folders) to copy beside the programs, such as CRDs; shell patterns
        may be among them.
    """

    name: str
    module: str
    version: str
    sum: str = ""
    packages: Sequence[str] = (".",)
    ldflags: str = ""
    tags: Sequence[str] = ()
    replace: Mapping[str, str] = field(default_factory=dict)
    minimums: Mapping[str, str] = field(default_factory=dict)
    placeholders: Sequence[str] = ()
    substitutes: Sequence[Mapping[str, Any]] = ()
    plugin_config: Sequence[str] = ()
    generate: Sequence[Mapping[str, Any]] = ()
    cgo: bool = False
    sources: Mapping[str, str] = field(default_factory=dict)
    data: Sequence[str] = ()
    cpu_seconds: float = 60.0

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> GoProgram:
        known = {key: value for key, value in options.items() if value is not None}
        return cls(**known)


# The same for all that is built, generators too, so that what they import is compiled once. The linker would throw the
# debug information away (-s -w), so the compiler need not make it. Inlining takes a sixth of the compiler's time, and
# makes programs larger.
_COMPILE = ("-trimpath", "-gcflags=all=-l -dwarf=false")

# Fields that came later: one that is not used must not change the key of what was built before it existed.
_LATER = ("generate", "cgo", "sources", "minimums")


def build_key(program: GoProgram, go_version: str) -> str:
    """Name of the cache folder of one program: readable version first, then a digest of everything that matters."""
    facts = asdict(program)
    facts.pop("cpu_seconds")
    for name in _LATER:
        if not facts[name]:
            del facts[name]
    facts["go"] = go_version
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True, default=list).encode()).hexdigest()
    return f"{program.name}-{program.version}-{digest[:12]}"


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

    def _environment(self, cgo: bool = False) -> dict[str, str]:
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
            # A compiler is gone within seconds: collecting its garbage only where it would grow too large takes a sixth
            # off its CPU time, measured against GOGC=400, which takes a tenth off Go's own 100.
            GOGC=os.environ.get("GOGC", "off"),
            GOMEMLIMIT=os.environ.get("GOMEMLIMIT", f"{self._memory_mib}MiB"),
        )
        return env

    def _run(self, argv: Sequence[str], cwd: str, cgo: bool = False) -> str:
        done = processes.run(argv, cwd=cwd, env=self._environment(cgo))
        self._judge(argv, done)
        return done.stdout

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

    def _module(self, module: str, version: str, checksum: str, work: str) -> str:
        """The folder in the module cache of a module that is what it was when it was pinned."""
        answer = json.loads(self._run([self.go, "mod", "download", "-json", f"{module}@{version}"], cwd=work))
        if answer.get("Sum") != checksum:
            raise BuildError(
                f"{module}@{version} has checksum {answer.get('Sum')}, pinned is {checksum}: "
                "the module proxy served something else; nothing was built"
            )
        return str(answer["Dir"])

    def _source(self, program: GoProgram, work: str) -> str:
        source = os.path.join(work, "src")
        if program.sources:
            return self._own_source(program, source)
        origin = self._module(program.module, program.version, program.sum, work)
        shutil.copytree(origin, source, ignore=shutil.ignore_patterns("vendor") if program.replace else None)
        for folder, _dirs, _files in os.walk(source):
            os.chmod(folder, 0o755)
        for name in program.placeholders:
            path = os.path.join(source, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as handle:
                handle.write("The web pages of this program are not part of its published module.\n")
        gomod = json.loads(self._run([self.go, "mod", "edit", "-json"], cwd=source))
        arguments = [
            *replace_arguments(gomod, program.replace),
            *minimum_arguments(gomod, program.minimums),
            *self._substitute(program, source),
        ]
        if arguments:
            os.chmod(os.path.join(source, "go.mod"), 0o644)
            self._run([self.go, "mod", "edit", *arguments], cwd=source)
        for name in ("go.mod", "go.sum"):
            if os.path.exists(os.path.join(source, name)):
                os.chmod(os.path.join(source, name), 0o644)
        return source

    @staticmethod
    def _own_source(program: GoProgram, source: str) -> str:
        os.makedirs(source)
        for name, content in {"go.mod": f"module {program.module}\n\ngo 1.21\n", **program.sources}.items():
            with open(os.path.join(source, name), "w", encoding="utf-8") as handle:
                handle.write(content)
        return source

    def _generate(self, program: GoProgram, source: str, work: str) -> None:
        """Run the generators, each built from its own copied module with its own C(go.sum)."""
        for number, generator in enumerate(program.generate):
            origin = self._module(generator["module"], generator["version"], generator["sum"], work)
            copy = os.path.join(work, f"generator-{number}")
            shutil.copytree(origin, copy)
            for name in ("", "go.mod", "go.sum"):
                if os.path.exists(os.path.join(copy, name)):
                    os.chmod(os.path.join(copy, name), 0o755 if not name else 0o644)
            tool = os.path.join(work, f"generator-{number}.bin")
            self._run([self.go, "build", *_COMPILE, "-o", tool, generator["package"]], cwd=copy)
            self._run([tool, *generator["arguments"]], cwd=source, cgo=program.cgo)

    def _substitute(self, program: GoProgram, source: str) -> list[str]:
        """Put the substitutes in their places; returns the arguments of C(go mod edit) that lead to changed copies."""
        copies: dict[str, str] = {}
        for substitute in program.substitutes:
            module = substitute.get("module")
            if module and module not in copies:
                answer = json.loads(self._run([self.go, "list", "-m", "-json", module], cwd=source))
                if not answer.get("Dir"):
                    answer = json.loads(
                        self._run([self.go, "mod", "download", "-json", f"{module}@{answer['Version']}"], cwd=source)
                    )
                copies[module] = os.path.join(os.path.dirname(source), f"module-{len(copies)}")
                shutil.copytree(answer["Dir"], copies[module])
            folder = os.path.join(copies[module] if module else source, substitute["package"])
            os.chmod(folder, 0o755)
            names = [name for name in os.listdir(folder) if name.endswith(".go")]
            if not names:
                raise BuildError(f"{substitute['package']} of {module or program.module} is no Go package to replace")
            for name in names:
                os.unlink(os.path.join(folder, name))
            with open(os.path.join(folder, "substitute.go"), "w", encoding="utf-8") as handle:
                handle.write(substitute["content"])
        return [f"-replace={module}={folder}" for module, folder in copies.items()]

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
            source = self._source(program, work)
            if program.plugin_config:
                os.chmod(os.path.join(source, "plugin.cfg"), 0o644)
                with open(os.path.join(source, "plugin.cfg"), "w", encoding="utf-8") as handle:
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
