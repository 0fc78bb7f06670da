# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test runner counts honestly: a skip is no pass, a crash is a failure, and the last line says it all."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import time
from pathlib import Path

import pytest
import run_tests
from run_tests import Outcome, Python, Skip, Stage


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_tests, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(run_tests, "CACHE", tmp_path / "cache")
    run_tests.RESULTS.mkdir()


def here() -> Python:
    return Python(Path(sys.prefix), "2.19")


def stage(run, name: str = "unit") -> Stage:
    return Stage(name, "title", 1, run, timeout=60)


def test_every_test_file_belongs_to_a_stage() -> None:
    folders = [run_tests.ROOT / folder for listed in run_tests.PYTEST_FOLDERS.values() for folder in listed]
    orphans = [
        path
        for path in (run_tests.ROOT / "tests").rglob("test_*.py")
        if not any(folder in path.parents for folder in folders) and "output" not in path.parts
    ]
    assert not orphans


def test_counts_table_and_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    def cannot(_stage: Stage) -> list[Outcome]:
        raise Skip("no Docker engine answers")

    def breaks(_stage: Stage) -> list[Outcome]:
        raise OSError("disk full")

    ok = [Outcome("a", "passed"), Outcome("b", "passed", "a remark"), Outcome("c", "skipped", "needs root")]
    stages = [stage(lambda _: ok), stage(cannot, "lab"), stage(breaks, "sanity")]
    run_tests.run_stages(stages)
    assert run_tests.report(stages) == 1
    output = capsys.readouterr().out
    assert output.splitlines()[-1] == "2 passed, 1 failed, 2 skipped"
    assert "unit: c: needs root" in output
    assert "lab: lab: no Docker engine answers" in output
    assert "disk full" in output
    assert "=== 2 of 3: lab" in output
    assert "second attempt" not in output


def test_what_may_run_beside_another_stage_starts_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    order: list[str] = []
    reached = threading.Event()

    def waits(_stage: Stage) -> list[Outcome]:
        order.append("lab")
        assert reached.wait(30), "the other one did not start"
        return [Outcome("a", "passed")]

    def computes(one: Stage) -> list[Outcome]:
        order.append(one.name)
        run_tests.execute(one, ["echo", "its own words"], dict(os.environ))
        reached.set()
        return [Outcome("b", "passed"), Outcome("c", "failed", "bad")]

    stages = [stage(lambda _: [Outcome("d", "passed")]), stage(waits, "lab")]
    beside = Stage("sanity", "title", 1, computes, beside="lab")
    run_tests.run_stages([*stages, beside])
    assert order[:1] == ["lab"] or order == ["sanity", "lab"]
    assert run_tests.report([*stages, beside]) == 1
    output = capsys.readouterr().out
    assert "its own words" not in output
    assert "its own words" in (run_tests.RESULTS / "sanity.log").read_text()
    assert output.splitlines()[-1] == "3 passed, 1 failed, 0 skipped"


def test_without_the_other_stage_it_runs_in_turn() -> None:
    alone = Stage("sanity", "title", 1, lambda _: [Outcome("b", "passed")], beside="lab")
    run_tests.run_stages([alone])
    assert alone.count("passed") == 1
    assert not alone.quiet


def test_an_end_of_the_runner_ends_what_runs_beside() -> None:
    started = threading.Event()

    def computes(one: Stage) -> list[Outcome]:
        started.set()
        code, _output = run_tests.execute(one, ["sleep", "60"], dict(os.environ))
        return [Outcome("b", "passed" if code == 0 else "failed", "ended")]

    def stopped(_stage: Stage) -> list[Outcome]:
        assert started.wait(30)
        while not run_tests.RUNNING:
            time.sleep(0.01)
        raise SystemExit(143)

    start = time.monotonic()
    beside = [Stage(name, "title", 1, computes, beside="lab") for name in ("sanity", "other-core")]
    with pytest.raises(SystemExit):
        run_tests.run_stages([stage(stopped, "lab"), *beside])
    while beside[0].seconds == 0 and time.monotonic() - start < 40:
        time.sleep(0.05)
    assert beside[0].seconds < 40
    assert not beside[1].outcomes


def test_only_skips_is_no_failure_and_no_pass(capsys: pytest.CaptureFixture[str]) -> None:
    only = stage(lambda _: [Outcome("a", "skipped", "why")])
    run_tests.run_stages([only])
    assert run_tests.report([only]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "0 passed, 0 failed, 1 skipped"


def write_tests(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "test_it.py").write_text(text)
    return folder


def run_pytest(folder: Path) -> list[Outcome]:
    return run_tests.pytest_stage([str(folder)], here())(stage(None))


def test_pytest_outcomes(tmp_path: Path) -> None:
    folder = write_tests(
        tmp_path / "t",
        "import pytest\n"
        "def test_good(): pass\n"
        "def test_bad(): assert 1 == 2\n"
        "@pytest.mark.skip(reason='needs a moon')\n"
        "def test_not(): pass\n",
    )
    found = {one.name.split("::")[-1]: (one.outcome, one.reason) for one in run_pytest(folder)}
    assert found["test_good"] == ("passed", "")
    assert found["test_bad"][0] == "failed" and "1 == 2" in found["test_bad"][1]
    assert found["test_not"] == ("skipped", "needs a moon")


ONCE = """import pathlib, pytest
@pytest.mark.parametrize("number", range({number}))
def test_late(number):
    seen = pathlib.Path(__file__).with_name(f"seen-{{number}}")
    late = not seen.exists()
    seen.touch()
    assert not late, "too late"
def test_good(): pass
"""


def test_a_second_attempt_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_tests(tmp_path / "t", ONCE.format(number=2) + "def test_bad(): assert 1 == 2\n")
    one = stage(run_tests.pytest_stage([str(folder)], here(), 3))
    run_tests.run_stages([one])
    assert run_tests.report([one]) == 1
    output = capsys.readouterr().out
    said = output[output.index("Failed:") :]
    assert "test_bad: assert 1 == 2 (twice)" in said
    assert "Passed at the second attempt only; it failed with:\n  unit: " in said
    assert re.search(r"test_late\[0\] and 1 more: AssertionError: too late", said)
    assert "test_good" not in said
    assert output.splitlines()[-1] == "3 passed, 1 failed, 0 skipped"


@pytest.mark.parametrize(("number", "attempts"), [(3, 2), (1, 0)])
def test_more_failures_have_no_second_attempt(tmp_path: Path, number: int, attempts: int) -> None:
    folder = write_tests(tmp_path / "t", ONCE.format(number=number))
    outcomes = run_tests.pytest_stage([str(folder)], here(), attempts)(stage(None))
    assert sum(one.outcome == "failed" for one in outcomes) == number


@pytest.mark.parametrize("text", ["def broken(:\n", "import os\ndef test_dies(): os._exit(3)\n"])
def test_pytest_that_crashes_is_a_failure(tmp_path: Path, text: str) -> None:
    assert any(one.outcome == "failed" for one in run_pytest(write_tests(tmp_path / "t", text)))


def test_folder_without_tests_is_a_skip(tmp_path: Path) -> None:
    with pytest.raises(Skip, match="there are no tests in"):
        run_pytest(tmp_path)


def test_command_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    script = "import subprocess, sys; p = subprocess.Popen(['sleep', '300']); print(p.pid, flush=True); p.wait()"
    slow = Stage("slow", "title", 1, lambda _: [], timeout=2)
    code, output = run_tests.execute(slow, [sys.executable, "-c", script], dict(os.environ))
    assert code == 124
    assert "far longer than it takes" in output
    state = Path(f"/proc/{int(output.split()[0])}/stat")

    def alive() -> bool:
        try:
            return state.read_text().split()[2] != "Z"
        except OSError:
            return False

    # It was killed with its group; on a busy machine the kernel takes a moment to end it.
    deadline = time.monotonic() + 10
    while alive() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive()


def test_command_with_bad_output_fails_in_spite_of_its_exit_code() -> None:
    argv = [sys.executable, "-c", "print('[WARNING]: no such plugin')"]
    one = stage(None)
    assert run_tests.command(one, "doc", argv, dict(os.environ)).outcome == "passed"
    assert run_tests.command(one, "doc", argv, dict(os.environ), bad_output=r"^\[WARNING").outcome == "failed"


def test_molecule_steps(tmp_path: Path) -> None:
    path = tmp_path / "steps.json"
    assert run_tests.read_steps(path) == []
    path.write_text(
        json.dumps(
            [
                {"name": "node stopped", "outcome": "passed", "seconds": 4},
                {"name": "grafana", "outcome": "skipped", "reason": "not there"},
                {"name": "silent", "outcome": "skipped"},
                {"name": "odd", "outcome": "green"},
            ]
        )
    )
    assert [one.outcome for one in run_tests.read_steps(path)] == ["passed", "skipped", "failed", "failed"]


@pytest.mark.parametrize("text", ["", "{}x", '[{"name": "a"}]', '["a"]'])
def test_molecule_steps_that_cannot_be_read_are_a_failure(tmp_path: Path, text: str) -> None:
    path = tmp_path / "steps.json"
    path.write_text(text)
    assert [one.outcome for one in run_tests.read_steps(path)] == ["failed"]


@pytest.mark.parametrize("level", ["ERROR", "FATAL"])
def test_sanity_output(level: str) -> None:
    output = (
        'Running sanity test "compile" on Python 3.9\n'
        'WARNING: Skipping sanity test "compile" on Python 3.14 because it could not be found.\n'
        'Running sanity test "pylint"\n'
        "ERROR: Found 2 pylint issue(s) which need to be resolved:\n"
        "ERROR: plugins/modules/a.py:1:1: disallowed-name: x\n"
        "ERROR: plugins/modules/b.py:1:1: disallowed-name: y\n"
        'Running sanity test "validate-modules"\n'
        f"{level}: The 1 sanity test(s) listed below (out of 3) failed. See error output above for details.\n"
        "pylint\n"
    )
    found = {one.name: (one.outcome, one.reason) for one in run_tests.parse_sanity(output)}
    assert found == {
        "sanity compile 3.9": ("passed", ""),
        "sanity compile 3.14": ("skipped", "ansible-test leaves it out because it could not be found."),
        "sanity pylint": ("failed", "Found 2 pylint issue(s), first: plugins/modules/a.py:1:1: disallowed-name: x"),
        "sanity validate-modules": ("passed", ""),
    }


def test_shims_are_no_interpreters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shims = tmp_path / "shims"
    shims.mkdir()
    for minor in range(8, 15):
        shim = shims / f"python3.{minor}"
        shim.write_text("#!/bin/sh\nexit 127\n")
        shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(shims))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert run_tests.interpreters() == {}


def test_other_core_without_its_python_is_a_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_tests, "interpreters", lambda: {"3.11": Path("/usr/bin/python3.11")})
    with pytest.raises(Skip, match=r"ansible-core 2.21 needs Python 3.12 or later"):
        run_tests.other_python(Python(Path("/x"), "2.19"))


def test_engine_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nexit 1\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no Docker engine answers" in run_tests.engine_problem()
    docker.write_text("#!/bin/sh\nexit 0\n")
    assert run_tests.engine_problem() == ""


def test_unknown_stage_is_refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_tests, "environment_of", lambda _: here())
    with pytest.raises(SystemExit) as ended:
        run_tests.main(["--only", "untit"])
    assert ended.value.code == 2
    assert "there is no stage untit; the stages are: lint, " in capsys.readouterr().err


def test_a_stage_that_has_to_be_named_counts_only_when_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    long = stage(lambda _: [Outcome("long", "passed")], "long")
    long.only_when_named = "it takes an hour"
    quick = stage(lambda _: [Outcome("quick", "passed")], "quick")
    monkeypatch.setattr(run_tests, "environment_of", lambda _: here())
    monkeypatch.setattr(run_tests, "all_stages", lambda _: [quick, long])
    assert run_tests.main([]) == 0
    output = capsys.readouterr().out
    assert output.splitlines()[-1] == "1 passed, 0 failed, 0 skipped"
    assert "Not run: long (title), since it takes an hour." in output
    assert [one["stage"] for one in json.loads((run_tests.RESULTS / "summary.json").read_text())] == ["quick"]
    assert run_tests.main(["--only", "long"]) == 0
    output = capsys.readouterr().out
    assert output.splitlines()[-1] == "1 passed, 0 failed, 0 skipped"
    assert "Not run" not in output
    run_tests.main(["--list"])
    assert "title, only when named" in capsys.readouterr().out


def test_missing_packages_are_installed_only_where_they_are_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(run_tests, "execute", lambda stage, argv, env: called.append(argv) or (0, ""))
    monkeypatch.setattr(run_tests.os, "geteuid", lambda: 0)
    monkeypatch.setattr(run_tests.shutil, "which", lambda name: name)
    there = tmp_path / "there"
    there.touch()
    monkeypatch.setattr(run_tests, "TEST_PACKAGES", {"a": str(there), "b": str(tmp_path / "absent")})
    run_tests.install_test_packages(None)
    assert [argv[-1] for argv in called] == ["-qq", "b"]
    called.clear()
    monkeypatch.setattr(run_tests.os, "geteuid", lambda: 1000)
    run_tests.install_test_packages(None)
    assert called == []
