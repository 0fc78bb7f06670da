#!/usr/bin/env python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every test that this machine can run; counts what passed, failed and was skipped, with the reason of each skip.

The last line is always ``N passed, N failed, N skipped``; the exit code is 1 when anything failed.
A molecule scenario may add the outcomes of its steps in build/test-results/molecule-<scenario>.json or -<part>.json,
a list of {"name": str, "outcome": "passed|failed|skipped", "reason": str, "seconds": number}.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "argolab.observability"
RESULTS = ROOT / "build" / "test-results"
COLLECTION = Path("ansible_collections/argolab/observability")
OUTCOMES = ("passed", "failed", "skipped")
SANITY_SKIP = r'WARNING: Skipping sanity test "([\w-]+)"(?: on Python ([\d.]+))? (because .*)'
# What exists in a checkout and is no part of the collection's sources. The link farms would recurse.
NOT_SOURCES = {".git", ".collections", "collections", "build", ".ansible", "__pycache__"}
PYTEST_FOLDERS = {
    "docs": ["tests/docs"],
    "unit": ["tests/unit", "tests/scripts"],
    "contract": ["tests/contract"],
    "integration": ["tests/integration"],
    "collection": ["tests/collection"],
    "clean-machine": ["tests/machine"],
}
# Processes that share the files of the unit tests. Tests with real programs run in one: in two processes they got in
# each other's way, for a sixth less time.
UNIT_PROCESSES = min(os.cpu_count() or 1, 4)
# Debian's packages of the integration tests, each with a file that it brings.
TEST_PACKAGES = {
    "busybox-static": "/bin/busybox",
    "chromium": "/usr/bin/chromium",
    "chromium-driver": "/usr/bin/chromedriver",
    "jq": "/usr/bin/jq",
    "openssl": "/usr/bin/openssl",
}
# So many tests with real programs may fail and have a second attempt, which the report then names: browsers, engines
# and clusters on a busy machine are late now and then. More than these are no coincidence.
SECOND_ATTEMPTS = 2
# Scenarios that need Docker; all others run anywhere.
NEED_ENGINE = {"k3d", "lab"}
SCENARIO_SECONDS = {"default": 60, "k3d": 450, "lab": 1900}


# Commands that run now, in whichever thread; they end with the runner.
RUNNING: set[subprocess.Popen[str]] = set()


class Skip(Exception):
    """This machine cannot run the stage; the message says why."""


@dataclass
class Outcome:
    name: str
    outcome: str
    reason: str = ""
    seconds: float = 0.0
    attempts: int = 1


@dataclass
class Python:
    """An environment made by scripts/bootstrap."""

    venv: Path
    core: str

    @property
    def bin(self) -> Path:
        return self.venv / "bin"

    def program(self, name: str) -> str:
        return str(self.bin / name)


@dataclass
class Stage:
    name: str
    title: str
    about: int
    run: Callable[[Stage], list[Outcome]]
    timeout: int = 900
    # Stage that this one may run beside: one that mostly waits, while this one mostly computes.
    beside: str = ""
    # Why it runs only where --only names it; it is neither passed nor skipped then, and the report says so.
    only_when_named: str = ""
    quiet: bool = False
    outcomes: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0

    def count(self, outcome: str) -> int:
        return sum(one.outcome == outcome for one in self.outcomes)


def clock(seconds: float) -> str:
    return f"{int(seconds)} s" if seconds < 100 else f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"


def environment(python: Python) -> dict[str, str]:
    env = dict(os.environ)
    env.update(
        PATH=f"{python.bin}{os.pathsep}{env.get('PATH', os.defpath)}",
        VIRTUAL_ENV=str(python.venv),
        ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"),
        ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".collections"),
        ANSIBLE_NOCOLOR=env.get("ANSIBLE_NOCOLOR", "1"),
        PYTHONUNBUFFERED="1",
    )
    env.pop("ANSIBLE_FORCE_COLOR", None)
    return env


def stop_group(process: subprocess.Popen[str]) -> None:
    """End a command with everything it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
            return


def execute(
    stage: Stage, argv: list[str], env: dict[str, str], cwd: Path = ROOT, timeout: int | None = None
) -> tuple[int, str]:
    """Run a command, show its output as it comes, keep it in the stage's log; returns exit code and output."""
    limit = timeout or stage.timeout
    shown = shlex.join(str(Path(word).name) if word.startswith(str(CACHE)) else word for word in argv)
    if not stage.quiet:
        print(f"$ {shown}", flush=True)
    lines: list[str] = []
    late = threading.Event()
    with (RESULTS / f"{stage.name}.log").open("a", encoding="utf-8") as log:
        log.write(f"$ {shown}\n")
        process = subprocess.Popen(
            argv, cwd=cwd, env=env, text=True, errors="replace", start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

        def expire() -> None:
            late.set()
            stop_group(process)

        timer = threading.Timer(limit, expire)
        timer.start()
        RUNNING.add(process)
        try:
            assert process.stdout is not None
            for raw in process.stdout:
                line = re.sub(r"\x1b\[[\d;]*m", "", raw)
                lines.append(line)
                log.write(line)
                log.flush()
                if not stage.quiet:
                    print("    " + line, end="", flush=True)
            code = process.wait()
        except BaseException:
            stop_group(process)
            raise
        finally:
            RUNNING.discard(process)
            timer.cancel()
    if late.is_set():
        lines.append(f"ended after {clock(limit)}, which is far longer than it takes")
        if not stage.quiet:
            print("    " + lines[-1], flush=True)
        code = 124
    return code, "".join(lines)


def command(
    stage: Stage,
    name: str,
    argv: list[str],
    env: dict[str, str],
    cwd: Path = ROOT,
    bad_output: str = "",
) -> Outcome:
    """One command is one test. bad_output is a pattern that means failure even where the exit code is 0."""
    start = time.monotonic()
    code, output = execute(stage, argv, env, cwd)
    seconds = time.monotonic() - start
    if code == 0 and not (bad_output and re.search(bad_output, output, re.MULTILINE)):
        return Outcome(name, "passed", "", seconds)
    last = next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "no output")
    return Outcome(name, "failed", f"exit code {code}: {last[:200]}", seconds)


def read_junit(path: Path) -> list[Outcome]:
    outcomes = []
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname', '')}::{case.get('name', '')}"
        outcome, reason = "passed", ""
        for child in case:
            if child.tag in ("failure", "error"):
                outcome, reason = "failed", next(iter((child.get("message") or "").splitlines()), "no message")
            elif child.tag == "skipped":
                outcome, reason = "skipped", child.get("message") or "no reason given"
        outcomes.append(Outcome(name, outcome, reason, float(case.get("time") or 0)))
    return outcomes


def install_test_packages(stage: Stage) -> None:
    """Install what tests with real programs need of Debian, where that can be done; else they say what they skip."""
    missing = [package for package, path in TEST_PACKAGES.items() if not Path(path).exists()]
    if not missing or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if execute(stage, ["apt-get", "update", "-qq"], env)[0] == 0:
        execute(stage, ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], env)


def integration_stage(python: Python) -> Callable[[Stage], list[Outcome]]:
    def run(stage: Stage) -> list[Outcome]:
        install_test_packages(stage)
        return pytest_stage(PYTEST_FOLDERS["integration"], python, SECOND_ATTEMPTS)(stage)

    return run


def pytest_stage(
    folders: list[str], python: Python, attempts: int = 0, processes: int = 1
) -> Callable[[Stage], list[Outcome]]:
    def run(stage: Stage) -> list[Outcome]:
        present = [folder for folder in folders if any((ROOT / folder).rglob("test_*.py"))]
        if not present:
            raise Skip(f"there are no tests in {' or '.join(folders)}")
        report = RESULTS / f"{stage.name}.xml"
        report.unlink(missing_ok=True)
        argv = [python.program("python"), "-m", "pytest", "-q", "-rs", f"--junitxml={report}", *present]
        if processes > 1:
            argv += ["-n", str(processes), "--dist", "loadfile"]
        code, output = execute(stage, argv, environment(python))
        outcomes = read_junit(report) if report.exists() else []
        if code not in (0, 1) or (code == 1) != any(one.outcome == "failed" for one in outcomes):
            last = next((line for line in reversed(output.splitlines()) if line.strip()), "no output")
            outcomes.append(Outcome("pytest", "failed", f"pytest ended with exit code {code}: {last[:200]}"))
        elif 0 < sum(one.outcome == "failed" for one in outcomes) <= attempts:
            attempt_again(stage, argv, python, outcomes)
        return outcomes

    return run


def attempt_again(stage: Stage, argv: list[str], python: Python, outcomes: list[Outcome]) -> None:
    """Run what failed once more. What passes then keeps the reason of its failure, and the report tells it."""
    report = RESULTS / f"{stage.name}-second.xml"
    report.unlink(missing_ok=True)
    again = [f"--junitxml={report}" if word.startswith("--junitxml=") else word for word in argv]
    execute(stage, [*again, "--last-failed", "--last-failed-no-failures=none"], environment(python))
    second = {one.name: one.outcome for one in read_junit(report)} if report.exists() else {}
    for one in outcomes:
        if one.outcome == "failed" and second.get(one.name) == "passed":
            one.outcome, one.attempts = "passed", 2
        elif one.outcome == "failed":
            one.reason += " (twice)" if second.get(one.name) == "failed" else " (not attempted again)"


def copy_sources(destination: Path) -> None:
    """ansible-test and the lint of documentation want the collection at a real ansible_collections path."""
    shutil.rmtree(destination, ignore_errors=True)
    shutil.copytree(
        ROOT,
        destination,
        symlinks=True,
        ignore=lambda _folder, names: [
            name for name in names if name in NOT_SOURCES or name.endswith(("_cache", ".pyc", ".tar.gz"))
        ],
    )


def lint_stage(python: Python) -> Callable[[Stage], list[Outcome]]:
    def run(stage: Stage) -> list[Outcome]:
        env = environment(python)
        copies = CACHE / "test" / "lint"
        copy_sources(copies / COLLECTION)
        docs_env = {**env, "ANSIBLE_COLLECTIONS_PATH": str(copies)}
        checks = [
            ("ruff", ["ruff", "check", "."], ROOT, env),
            ("mypy, strict on plugins", ["mypy"], ROOT, env),
            ("yamllint", ["yamllint", "--strict", "."], ROOT, env),
            ("ansible-lint", ["ansible-lint", "--offline", "--nocolor", "--profile", "production"], ROOT, env),
            ("changelog fragments", ["antsibull-changelog", "lint"], ROOT, env),
            (
                "documentation of the collection",
                ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "self", "."],
                copies / COLLECTION,
                docs_env,
            ),
        ]
        return [command(stage, name, [python.program(argv[0]), *argv[1:]], e, cwd) for name, argv, cwd, e in checks]

    return run


def interpreters() -> dict[str, Path]:
    """Each minor version of Python at hand, by asking every candidate: pyenv's shims of inactive ones exit 127."""
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    folders += sorted(pyenv.glob("3.*/bin"), reverse=True)
    found: dict[str, Path] = {}
    for minor in range(8, 15):
        for folder in folders:
            candidate = folder / f"python3.{minor}"
            if not candidate.exists():
                continue
            ask = [str(candidate), "-c", "import ensurepip, os, sys; print(os.path.realpath(sys.executable))"]
            answer = subprocess.run(ask, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
            if answer.returncode == 0:
                found[f"3.{minor}"] = Path(answer.stdout.strip())
                break
    return found


def prepare_ansible_test(python: Python, home: Path) -> dict[str, str]:
    """A home of its own for ansible-test, in which it needs no bootstrap script from the network.

    It gives its children only HOME and PATH, so pip's settings go to a file there.
    """
    internal = next(python.venv.glob("lib/python*/site-packages/ansible_test/_internal/python_requirements.py"))
    bootstrap = (
        "import runpy, subprocess, sys\n"
        # In a process of its own, since ensurepip turns pip's settings off for the rest of its process.
        "subprocess.run([sys.executable, '-m', 'ensurepip', '--default-pip'], check=True, stdout=subprocess.DEVNULL)\n"
        "unknown_to_pip = ('--no-setuptools', '--no-wheel')\n"
        "sys.argv[1:] = ['install', *(word for word in sys.argv[1:] if word not in unknown_to_pip)]\n"
        "runpy.run_module('pip', run_name='__main__')\n"
    )
    for version in re.findall(r"\bpip=['\"]([\d.]+)['\"]", internal.read_text(encoding="utf-8")):
        script = home / ".ansible" / "test" / "cache" / f"get_pip_{version.replace('.', '_')}.py"
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(bootstrap, encoding="utf-8")

    listing = subprocess.run([python.program("pip"), "config", "list"], capture_output=True, text=True, check=False)
    settings = dict(re.findall(r"^(?:global|install|:env:)\.([\w-]+)='(.*)'$", listing.stdout, re.MULTILINE))
    pip_conf = home / ".config" / "pip" / "pip.conf"
    pip_conf.parent.mkdir(parents=True, exist_ok=True)
    pip_conf.write_text("[global]\n" + "".join(f"{k} = {v}\n" for k, v in settings.items()), encoding="utf-8")

    links = home / "pythons"
    shutil.rmtree(links, ignore_errors=True)
    links.mkdir(parents=True)
    for version, interpreter in interpreters().items():
        (links / f"python{version}").symlink_to(interpreter)
    folders = [str(python.bin), str(links)]
    folders += [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if not folder.endswith("shims")]
    env = {**environment(python), "HOME": str(home), "PATH": os.pathsep.join(folders)}
    for name in ("ANSIBLE_CONFIG", "ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_NOCOLOR"):
        env.pop(name, None)
    return env


def parse_sanity(output: str) -> list[Outcome]:
    """One outcome for each sanity test and Python version; a failed one carries its number of issues and the first.

    One that ansible-test leaves out, for want of a Python, is a skip with its reason.
    """
    outcomes: dict[str, Outcome] = {}
    current: Outcome | None = None
    for line in output.splitlines():
        if running := re.match(r'Running sanity test "([\w-]+)"(?: on Python ([\d.]+))?', line):
            name = " ".join(part for part in ("sanity", *running.groups()) if part)
            current = outcomes.setdefault(name, Outcome(name, "passed"))
        elif left_out := re.match(SANITY_SKIP, line):
            name = " ".join(part for part in ("sanity", left_out[1], left_out[2]) if part)
            outcomes[name] = Outcome(name, "skipped", f"ansible-test leaves it out {left_out[3]}")
        elif current and (error := re.match(r"(?:ERROR|FATAL): (.*)", line)):
            if re.match(r"The \d+ sanity test\(s\) listed below", error[1]):
                current = None
            elif current.outcome == "passed":
                current.outcome, current.reason = "failed", error[1]
            elif current.reason.endswith("which need to be resolved:"):
                current.reason = current.reason.removesuffix(" which need to be resolved:") + f", first: {error[1]}"
    return list(outcomes.values())


def sanity_stage(python: Python) -> Callable[[Stage], list[Outcome]]:
    def run(stage: Stage) -> list[Outcome]:
        env = prepare_ansible_test(python, CACHE / "test" / "home")
        copy = CACHE / "test" / f"core-{python.core}" / COLLECTION
        copy_sources(copy)
        argv = [python.program("ansible-test"), "sanity", "--local", "--color", "no"]
        code, output = execute(stage, argv, env, cwd=copy)
        outcomes = parse_sanity(output)
        if not outcomes or bool(code) != any(one.outcome == "failed" for one in outcomes):
            last = next((line for line in reversed(output.splitlines()) if line.strip()), "no output")
            outcomes.append(Outcome("ansible-test sanity", "failed", f"exit code {code}: {last[:200]}"))
        return outcomes

    return run


def engine_problem() -> str:
    """Why Docker cannot be had here; empty where it answers or can be installed by role container_engine."""
    docker = shutil.which("docker")
    if docker:
        answer = subprocess.run([docker, "info"], capture_output=True, check=False, timeout=60)
        if answer.returncode == 0:
            return ""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        return ""
    return "no Docker engine answers, and only root on Debian or Ubuntu can have one installed"


def read_steps(path: Path) -> list[Outcome]:
    """The steps that a molecule scenario wrote; what does not follow the format is a failure of its own."""
    if not path.exists():
        return []
    try:
        steps = [
            Outcome(str(one["name"]), one["outcome"], str(one.get("reason") or ""), float(one.get("seconds") or 0))
            for one in json.loads(path.read_text(encoding="utf-8"))
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return [Outcome(path.name, "failed", f"cannot be read as a list of steps: {error!r}")]
    for step in steps:
        if step.outcome not in OUTCOMES:
            step.reason = f"its outcome is {step.outcome!r}, which is none of {', '.join(OUTCOMES)}"
            step.outcome = "failed"
        elif step.outcome == "skipped" and not step.reason:
            step.outcome, step.reason = "failed", "it was skipped without a reason"
    return steps


def molecule_stage(scenario: str, python: Python) -> Callable[[Stage], list[Outcome]]:
    def run(stage: Stage) -> list[Outcome]:
        if scenario in NEED_ENGINE and (problem := engine_problem()):
            raise Skip(problem)

        def files() -> list[Path]:
            return [RESULTS / f"molecule-{scenario}.json", *sorted(RESULTS.glob(f"molecule-{scenario}-*.json"))]

        for left_over in files():
            left_over.unlink(missing_ok=True)
        env = environment(python)
        env.pop("ANSIBLE_CONFIG")
        if scenario == "lab":
            install_test_packages(stage)
            # Everything there is built by one ansible-core; one step of the scenario repeats site.yml with the other.
            with contextlib.suppress(Skip):
                env["ARGOLAB_OTHER_ANSIBLE_PLAYBOOK"] = other_python(python).program("ansible-playbook")
        whole = command(stage, f"molecule {scenario}", [python.program("molecule"), "test", "-s", scenario], env)
        return [*(step for path in files() for step in read_steps(path)), whole]

    return run


def other_python(primary: Python) -> Python:
    """The environment with the other ansible-core: 2.19 runs on Python 3.11, 2.21 from 3.12 on."""
    newer = primary.core == "2.19"
    wanted = ("3.13", "3.12", "3.14") if newer else ("3.11",)
    at_hand = interpreters()
    version = next((one for one in wanted if one in at_hand), None)
    if version is None:
        core, need = ("2.21", "Python 3.12 or later") if newer else ("2.19", "Python 3.11")
        raise Skip(f"ansible-core {core} needs {need}, which is not on this machine")
    bootstrap = [str(ROOT / "scripts" / "bootstrap"), "--dev", "--python", str(at_hand[version])]
    answer = subprocess.run(bootstrap, stdout=subprocess.PIPE, text=True, check=False, stdin=subprocess.DEVNULL)
    if answer.returncode:
        raise RuntimeError(f"scripts/bootstrap --dev --python {at_hand[version]} failed")
    return environment_of(Path(answer.stdout.strip()))


def environment_of(venv: Path) -> Python:
    ask = "import ansible.release as r; print('.'.join(r.__version__.split('.')[:2]))"
    answer = subprocess.run([str(venv / "bin" / "python"), "-c", ask], capture_output=True, text=True, check=True)
    return Python(venv, answer.stdout.strip())


def other_core_stage(primary: Python, scenarios: list[str]) -> Callable[[Stage], list[Outcome]]:
    def run(stage: Stage) -> list[Outcome]:
        other = other_python(primary)
        print(f"ansible-core {other.core} in {other.venv}")
        parts: list[Callable[[Stage], list[Outcome]]] = [
            pytest_stage(PYTEST_FOLDERS["unit"], other, processes=UNIT_PROCESSES),
            sanity_stage(other),
        ]
        if "default" in scenarios:
            parts.append(molecule_stage("default", other))
        outcomes: list[Outcome] = []
        for part in parts:
            try:
                outcomes += part(stage)
            except Skip as reason:
                outcomes.append(Outcome("a part", "skipped", str(reason)))
        playbook = other.program("ansible-playbook")
        for name in ("site.yml", "teardown.yml"):
            argv = [playbook, "--syntax-check", name]
            outcomes.append(command(stage, f"{name}, syntax", argv, environment(other)))
        for one in outcomes:
            one.name = f"core {other.core}: {one.name}"
        return outcomes

    return run


def scenarios_here() -> list[str]:
    names = sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))
    order = {"default": 0, "k3d": 2, "lab": 3}
    return sorted(names, key=lambda name: (order.get(name, 1), name))


def all_stages(python: Python) -> list[Stage]:
    scenarios = scenarios_here()
    quick = [
        Stage("lint", "ruff, mypy, yamllint, ansible-lint, antsibull", 45, lint_stage(python)),
        Stage(
            "docs", "documentation and its site", 60, pytest_stage(PYTEST_FOLDERS["docs"], python), beside="lint",
        ),
        Stage("unit", "unit tests", 60, pytest_stage(PYTEST_FOLDERS["unit"], python, processes=UNIT_PROCESSES)),
    ]
    scenes = [
        Stage(
            f"molecule-{scenario}", f"molecule scenario {scenario}", SCENARIO_SECONDS.get(scenario, 60),
            molecule_stage(scenario, python), timeout=1200 if scenario == "default" else 3300,
        )
        for scenario in scenarios
    ]  # fmt: skip
    # After the scenarios, because on a cold machine it is the lab that builds helm, k3d and Prometheus.
    with_programs = [
        Stage("contract", "contract with the upstream charts", 20, pytest_stage(PYTEST_FOLDERS["contract"], python)),
        Stage(
            "integration", "modules against real programs", 1200, integration_stage(python), timeout=3000,
        ),
        Stage("sanity", f"ansible-test sanity, core {python.core}", 120, sanity_stage(python), beside="molecule-lab"),
        Stage(
            "collection", "archive built, installed, used and released", 45,
            pytest_stage(PYTEST_FOLDERS["collection"], python), beside="molecule-lab",
        ),
        Stage(
            "other-core", "the other ansible-core", 240, other_core_stage(python, scenarios), timeout=2400,
            beside="molecule-lab",
        ),
    ]  # fmt: skip
    machine = Stage(
        "clean-machine", "a fresh Debian in which only the README's commands are typed", 1500,
        pytest_stage(PYTEST_FOLDERS["clean-machine"], python), timeout=7500,
        only_when_named="it builds and removes a whole lab a second time",
    )  # fmt: skip
    return [*quick, *scenes, *with_programs, machine]


@contextlib.contextmanager
def remembered_durations() -> Iterator[dict[str, float]]:
    """How long each stage took last time on this machine: a better forecast than any constant."""
    path = CACHE / "test-durations.json"
    try:
        durations: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        durations = {}
    yield durations
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(durations, indent=2) + "\n", encoding="utf-8")


def run_stage(stage: Stage, durations: dict[str, float]) -> None:
    (RESULTS / f"{stage.name}.log").unlink(missing_ok=True)
    start = time.monotonic()
    try:
        stage.outcomes = stage.run(stage)
    except Skip as reason:
        stage.outcomes = [Outcome(stage.name, "skipped", str(reason))]
    except Exception as error:  # a stage that breaks is a failure; the others still run
        stage.outcomes = [Outcome(stage.name, "failed", f"the stage broke: {error!r}")]
    stage.seconds = time.monotonic() - start
    if stage.count("passed"):
        durations[stage.name] = round(stage.seconds, 1)
    print(
        f"=== {stage.name}: {', '.join(f'{stage.count(one)} {one}' for one in OUTCOMES)} in {clock(stage.seconds)}",
        flush=True,
    )


def run_stages(stages: list[Stage]) -> None:
    """Run the stages one after the other, but for those that may run beside another one: they start when it does.

    What runs beside shows only its beginning and its end; its output is in its log.
    """
    started = time.monotonic()
    names = {stage.name for stage in stages}
    beside = [stage for stage in stages if stage.beside in names]
    in_turn = [stage for stage in stages if stage not in beside]
    threads: list[threading.Thread] = []
    ending = threading.Event()
    number = {stage.name: index + 1 for index, stage in enumerate([*in_turn, *beside])}

    def announce(stage: Stage, left: float, more: str = "") -> None:
        expected = clock(durations.get(stage.name, stage.about))
        print(
            f"\n=== {number[stage.name]} of {len(stages)}: {stage.name} ({stage.title}); about {expected}; "
            f"elapsed {clock(time.monotonic() - started)}, about {clock(left)} left{more}",
            flush=True,
        )

    def run_beside(group: list[Stage]) -> None:
        for index, stage in enumerate(group):
            left = sum(durations.get(one.name, one.about) for one in group[index:])
            if ending.is_set():
                return
            announce(stage, left, f" of what runs beside; output in build/test-results/{stage.name}.log")
            stage.quiet = True
            run_stage(stage, durations)

    with remembered_durations() as durations:
        try:
            for index, stage in enumerate(in_turn):
                announce(stage, sum(durations.get(one.name, one.about) for one in in_turn[index:]))
                if group := [one for one in beside if one.beside == stage.name]:
                    threads.append(threading.Thread(target=run_beside, args=(group,)))
                    threads[-1].start()
                run_stage(stage, durations)
            for thread in threads:
                thread.join()
        except BaseException:
            ending.set()
            for process in list(RUNNING):
                stop_group(process)
            raise


def report(stages: list[Stage], not_run: Iterable[Stage] = ()) -> int:
    """The table, each failure, each skip with its reason, and the counts as the last line; returns the exit code."""
    width = max((len(stage.name) for stage in stages), default=5)
    print(f"\n{'stage':<{width}}  passed  failed  skipped  time")
    for stage in stages:
        counts = "".join(f"{stage.count(one):>{len(one) + 2}}" for one in OUTCOMES)
        print(f"{stage.name:<{width}}{counts}  {clock(stage.seconds)}")
    headings = {
        "failed": "Failed:",
        "passed": "Passed at the second attempt only; it failed with:",
        "skipped": "Skipped, with the reason:",
    }
    for outcome, heading in headings.items():
        grouped: dict[tuple[str, str], list[str]] = {}
        for stage in stages:
            for one in stage.outcomes:
                if one.outcome == outcome and (outcome != "passed" or one.attempts > 1):
                    grouped.setdefault((stage.name, one.reason), []).append(one.name)
        if grouped:
            print(f"\n{heading}")
        for (name, reason), tests in grouped.items():
            more = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
            print(f"  {name}: {tests[0]}{more}: {reason}")
    for stage in not_run:
        print(f"\nNot run: {stage.name} ({stage.title}), since {stage.only_when_named}.")
        print(f'  make test ARGS="--only {stage.name}" runs it.')
    totals = {outcome: sum(stage.count(outcome) for stage in stages) for outcome in OUTCOMES}
    summary = [
        {"stage": s.name, "seconds": round(s.seconds, 1), "outcomes": [vars(one) for one in s.outcomes]} for s in stages
    ]
    (RESULTS / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    print(f"\n{totals['passed']} passed, {totals['failed']} failed, {totals['skipped']} skipped", flush=True)
    return 1 if totals["failed"] else 0


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="scripts/run_tests.py", description="Run every test this machine can run.")
    parser.add_argument("--only", action="append", default=[], metavar="STAGE", help="only this stage; may be repeated")
    parser.add_argument("--skip", action="append", default=[], metavar="STAGE", help="not this stage; may be repeated")
    parser.add_argument("--list", action="store_true", help="list the stages and end")
    options = parser.parse_args(argv)
    stages = all_stages(environment_of(Path(sys.prefix)))
    names = [stage.name for stage in stages]
    for name in options.only + options.skip:
        if name not in names:
            parser.error(f"there is no stage {name}; the stages are: {', '.join(names)}")
    stages = [s for s in stages if (not options.only or s.name in options.only) and s.name not in options.skip]
    not_run = [s for s in stages if s.only_when_named and s.name not in options.only]
    if options.list:
        for stage in stages:
            note = ", only when named" if stage.only_when_named else ""
            print(f"{stage.name:<20} about {clock(stage.about):<12} {stage.title}{note}")
        return 0
    RESULTS.mkdir(parents=True, exist_ok=True)

    def terminate(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, terminate)
    stages = [s for s in stages if s not in not_run]
    run_stages(stages)
    return report(stages, not_run)


if __name__ == "__main__":
    sys.exit(main())
