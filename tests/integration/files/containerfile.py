# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out a Containerfile by chroot on overlays of a root file system, and runs commands in what it made.

It stands in for an engine's build: the instructions are the file's own, what they run and install is real. Run it in
mount and PID namespaces of its own (unshare --mount --pid --fork), so that no mount and no process outlives it.
The first stage, which depends on nothing of the checkout but its own lines, is kept in a cache folder.
"""

from __future__ import annotations

import ctypes
import glob
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class Stage:
    """One FROM with what follows it. layers are the upper folders of its overlay, the lowest first."""

    name: str
    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)
    layers: list[Path] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    args: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "0"
    entrypoint: list[str] = field(default_factory=list)


def parse(text: str) -> tuple[dict[str, str], list[Stage]]:
    """The arguments before the first FROM, and the stages."""
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        word, _space, rest = line.partition(" ")
        if word == "FROM":
            base, name = rest.split(" AS ")
            stages.append(Stage(name, base))
        elif stages:
            stages[-1].steps.append((word, rest))
        elif word == "ARG":
            key, _equals, value = rest.partition("=")
            arguments[key] = value.strip('"')
        else:
            raise SystemExit(f"{line!r} comes before the first FROM")
    return arguments, stages


def mount(source: str, target: Path, kind: str = "", flags: str = "") -> None:
    target.mkdir(parents=True, exist_ok=True)
    how = ["-t", kind] if kind else []
    subprocess.run(["mount", *how, *(["-o", flags] if flags else []), source, str(target)], check=True)


class Build:
    def __init__(self, context: Path, root: Path, work: Path, cache: Path, given: dict[str, str]) -> None:
        self.context, self.root, self.work, self.cache = context, root, work, cache
        self.arguments, stages = parse((context / "Containerfile").read_text(encoding="utf-8"))
        self.arguments.update({key: value for key, value in given.items() if key in self.arguments})
        self.given = given
        self.stages = {stage.name: stage for stage in stages}

    def merged(self, stage: Stage) -> Path:
        return self.work / stage.name / "merged"

    def key(self, stage: Stage) -> str:
        facts = [self.root.name, self.arguments, stage.steps]
        copied = [rest.split()[0] for word, rest in stage.steps if word == "COPY"]
        files = [path for name in copied for path in sorted((self.context / name).rglob("*")) if path.is_file()]
        files += [self.context / name for name in copied if (self.context / name).is_file()]
        facts += [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]

    def open(self, stage: Stage, upper: Path) -> None:
        parent = self.stages.get(stage.base)
        if parent:
            stage.env, stage.folder = dict(parent.env), parent.folder
        below = parent.layers if parent else []
        stage.layers = [*below, upper]
        folder = self.work / stage.name
        for path in (upper, folder / "overlay"):
            path.mkdir(parents=True, exist_ok=True)
        # The folder that overlayfs works in has to be on the file system of the upper one.
        scratch = upper.with_name(upper.name + ".scratch")
        scratch.mkdir(exist_ok=True)
        lower = ":".join(str(path) for path in [*reversed(below), self.root])
        mount("overlay", self.merged(stage), "overlay", f"lowerdir={lower},upperdir={upper},workdir={scratch}")
        mount("proc", self.merged(stage) / "proc", "proc")
        mount("/dev", self.merged(stage) / "dev", flags="rbind")
        mount("tmpfs", self.merged(stage) / "tmp", "tmpfs", "mode=1777")
        # An engine lends the machine's own; whatever was in the image is back when it is done.
        for name in ("resolv.conf", "hosts"):
            (self.merged(stage) / "etc" / name).unlink(missing_ok=True)
            shutil.copy(f"/etc/{name}", self.merged(stage) / "etc" / name)

    def close(self, stage: Stage) -> None:
        for name in ("tmp", "dev", "proc", ""):
            subprocess.run(["umount", "--lazy", str(self.merged(stage) / name)], check=True)
        shutil.rmtree(stage.layers[-1].with_name(stage.layers[-1].name + ".scratch"), ignore_errors=True)

    def execute(
        self, stage: Stage, command: list[str], user: str = "0", **env: str
    ) -> subprocess.CompletedProcess[str]:
        chroot = ["chroot", "--userspec", f"{user}:0", str(self.merged(stage))]
        folder = ["/bin/sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", stage.folder]
        return subprocess.run(
            [*chroot, *folder, *command],
            env={"PATH": PATH, "HOME": "/root", **stage.args, **stage.env, **env},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip

    def copy(self, stage: Stage, rest: str) -> None:
        words = rest.split()
        source = self.context
        if words[0].startswith("--from="):
            source = self.merged(self.stages[words.pop(0).removeprefix("--from=")])
        origin = source / words[0].lstrip("/")
        target = self.merged(stage) / os.path.join(stage.folder, words[1]).lstrip("/")
        if origin.is_dir():
            shutil.copytree(origin, target, symlinks=True, dirs_exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(origin, target)

    def step(self, stage: Stage, word: str, rest: str) -> None:
        if word == "ARG":
            key, _equals, value = rest.partition("=")
            value = self.given.get(key, self.arguments.get(key, value.strip('"')))
            # As an engine does it: an argument without a value is not in the environment of what runs.
            if key in self.arguments or key in self.given or "=" in rest:
                stage.args[key] = value
        elif word == "ENV":
            known = {"PATH": PATH, **stage.args, **stage.env}
            for pair in shlex.split(rest):
                key, _equals, value = pair.partition("=")
                stage.env[key] = re.sub(r"\$\{?(\w+)\}?", lambda match: known.get(match[1], ""), value)
        elif word == "RUN":
            done = self.execute(stage, ["/bin/sh", "-c", rest])
            if done.returncode:
                raise SystemExit(
                    f"RUN {rest}\nended with {done.returncode} in stage {stage.name}:\n{done.stdout[-4000:]}"
                )
        elif word == "COPY":
            self.copy(stage, rest)
        elif word == "WORKDIR":
            stage.folder = rest
            (self.merged(stage) / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif word == "USER":
            stage.user = {"root": "0"}.get(rest, rest)
        elif word == "ENTRYPOINT":
            stage.entrypoint = json.loads(rest)
        elif word not in ("CMD", "LABEL"):
            raise SystemExit(f"{word} is no instruction that this knows")

    def run(self) -> Stage:
        first = next(iter(self.stages.values()))
        kept = self.cache / f"{first.name}-{self.key(first)}"
        for old in glob.glob(str(self.cache / f"{first.name}-*")):
            if old != str(kept):
                shutil.rmtree(old)
        for stage in self.stages.values():
            if stage is not first:
                self.open(stage, self.work / stage.name / "upper")
                steps = stage.steps
            elif kept.exists():
                self.open(stage, kept)
                steps = [(word, rest) for word, rest in stage.steps if word not in ("RUN", "COPY")]
            else:
                self.open(stage, kept.with_name(kept.name + ".new"))
                steps = stage.steps
            for word, rest in steps:
                begun = time.monotonic()
                self.step(stage, word, rest)
                print(f"{stage.name}: {time.monotonic() - begun:.1f} s for {word} {rest[:60]}", file=sys.stderr)
            if stage is first:
                # An overlay whose lower layers change is undefined; only the later stages are left open.
                self.close(stage)
                if not kept.exists():
                    stage.layers[-1].rename(kept)
                stage.layers = [kept]
        return stage


def main() -> None:
    job = json.load(sys.stdin)
    # Changes of mounts stay in this namespace, also where the machine shares them by default.
    if ctypes.CDLL(None, use_errno=True).mount(b"none", b"/", None, 0x4000 | 0x40000, None):
        raise SystemExit(f"mounts cannot be made private: {os.strerror(ctypes.get_errno())}")
    build = Build(*(Path(job[name]) for name in ("context", "root", "work", "cache")), given=job["arguments"])
    final = build.run()
    answers = {}
    for name, command in job["commands"].items():
        begun = time.monotonic()
        done = build.execute(final, [*final.entrypoint, *command], user=final.user, HOME="/runner")
        print(f"{time.monotonic() - begun:.1f} s for {name}", file=sys.stderr)
        answers[name] = {"code": done.returncode, "output": done.stdout}
    print(json.dumps({"env": final.env, "user": final.user, "answers": answers}))


if __name__ == "__main__":
    main()
