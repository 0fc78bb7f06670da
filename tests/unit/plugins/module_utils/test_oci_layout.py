# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

from ansible_collections.argolab.observability.plugins.module_utils.image_specs import (
    ImageSpec,
    entries,
    images_key,
    write_images,
)
from ansible_collections.argolab.observability.plugins.module_utils.oci_layout import (
    Entry,
    archive_chunks,
    layer_file,
    layer_paths,
    with_parents,
    write_layer,
)


def root(tmp_path: Path) -> Path:
    path = tmp_path / "root.tar"
    entries = [
        Entry("etc"),
        Entry("etc/passwd", content=b"root:x:0:0::/root:/bin/sh\n"),
        Entry("etc/group", content=b"root:x:0:\n"),
        Entry("usr"),
        Entry("usr/bin", mode=0o755),
    ]
    with open(path, "wb") as handle:
        write_layer(entries, handle)
    return path


def test_a_layer_depends_on_nothing_but_its_entries(tmp_path: Path) -> None:
    source = tmp_path / "program"
    source.write_bytes(b"x" * 1000)
    first, second = io.BytesIO(), io.BytesIO()
    entries = [Entry("usr/bin/program", source=str(source), mode=0o755), Entry("usr/bin/link", link="program")]
    blob = write_layer(entries, first)
    source.touch()
    write_layer(entries, second)
    assert first.getvalue() == second.getvalue()
    assert blob.digest == "sha256:" + hashlib.sha256(first.getvalue()).hexdigest()
    assert blob.size == len(first.getvalue())


def test_missing_parents_are_added_once_and_known_ones_left_alone() -> None:
    entries = [Entry("/srv/git/a", content=b""), Entry("/srv/git/b", content=b""), Entry("/usr/bin/c", content=b"")]
    found = with_parents(entries, {"usr", "usr/bin"})
    assert [(entry.path, entry.mode) for entry in found] == [
        ("srv", 0o755),
        ("srv/git", 0o755),
        ("srv/git/a", 0o644),
        ("srv/git/b", 0o644),
        ("usr/bin/c", 0o644),
    ]


def test_files_of_a_layer_are_found_by_any_spelling(tmp_path: Path) -> None:
    path = str(root(tmp_path))
    assert "usr/bin" in layer_paths(path)
    assert layer_file(path, "/etc/group") == b"root:x:0:\n"


def written(tmp_path: Path) -> tuple[Path, list[ImageSpec]]:
    builds = tmp_path / "builds" / "tool-v1-abc"
    builds.mkdir(parents=True)
    (builds / "tool").write_bytes(b"\x7fELF")
    files = tmp_path / "files"
    files.mkdir()
    (files / "start").write_text("#!/bin/sh\n")
    specs = [
        ImageSpec(
            names=["quay.io/x/tool:v1", "quay.io/x/tool:v2"],
            programs={"tool/tool": "/usr/bin/tool"},
            files={"start": "/usr/local/bin/start"},
            links={"/usr/bin/other": "tool"},
            folders={"/data": 999},
            accounts={"tool": 999},
            config={"Entrypoint": ["/usr/bin/tool"], "User": "999", "Env": ["A=b"]},
        ),
        ImageSpec(names=["pause:1"], config={"Entrypoint": ["sleep"]}),
    ]
    layout = tmp_path / "layout"
    write_images(str(layout), specs, str(root(tmp_path)), {"tool": str(builds)}, str(files))
    return layout, specs


def blob(layout: Path, digest: str) -> bytes:
    data = (layout / "blobs" / "sha256" / digest.split(":")[1]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == digest.split(":")[1]
    return data


def test_the_layout_names_each_image_by_all_its_names_and_shares_the_root(tmp_path: Path) -> None:
    layout, _specs = written(tmp_path)
    index = json.loads((layout / "index.json").read_text())
    names = [entry["annotations"]["io.containerd.image.name"] for entry in index["manifests"]]
    assert names == ["quay.io/x/tool:v1", "quay.io/x/tool:v2", "pause:1"]
    manifests = [json.loads(blob(layout, entry["digest"])) for entry in index["manifests"]]
    assert manifests[0]["layers"][0] == manifests[2]["layers"][0]
    assert [len(manifest["layers"]) for manifest in manifests] == [2, 2, 1]
    config = json.loads(blob(layout, manifests[0]["config"]["digest"]))
    assert config["rootfs"]["diff_ids"] == [layer["digest"] for layer in manifests[0]["layers"]]
    assert config["config"]["Entrypoint"] == ["/usr/bin/tool"]
    assert config["config"]["Env"][0].startswith("PATH=")
    assert config["config"]["Env"][1:] == ["A=b"]
    saved = json.loads((layout / "manifest.json").read_text())
    assert saved[0]["RepoTags"] == names[:2]
    assert all((layout / path).exists() for entry in saved for path in [entry["Config"], *entry["Layers"]])


def test_the_thin_layer_holds_what_the_image_asks_for(tmp_path: Path) -> None:
    layout, _specs = written(tmp_path)
    saved = json.loads((layout / "manifest.json").read_text())
    with tarfile.open(layout / saved[0]["Layers"][1]) as archive:
        members = {member.name: member for member in archive}
        passwd = archive.extractfile("etc/passwd")
        assert passwd is not None and passwd.read().endswith(b"tool:x:999:999::/home/tool:/usr/sbin/nologin\n")
    assert members["usr/bin/tool"].mode == 0o755
    assert members["usr/local/bin/start"].mode == 0o755
    assert members["usr/bin/other"].linkname == "tool"
    assert members["data"].isdir() and members["data"].uid == 999
    assert "usr/bin" not in members


def test_the_archive_of_a_layout_is_a_tar_file_of_it(tmp_path: Path) -> None:
    layout, _specs = written(tmp_path)
    data = b"".join(archive_chunks(str(layout), size=100))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            source = archive.extractfile(member)
            assert source is not None and source.read() == (layout / member.name).read_bytes()
        assert "oci-layout" in archive.getnames()


def test_the_key_changes_with_root_builds_and_files(tmp_path: Path) -> None:
    (tmp_path / "start").write_text("#!/bin/sh\n")
    specs = [ImageSpec(names=["a:1"], programs={"tool/tool": "/usr/bin/tool"}, files={"start": "/start"})]
    key = images_key(specs, "trixie-1.tar", {"tool": "/cache/tool-v1-abc"}, str(tmp_path))
    assert key == images_key(specs, "trixie-1.tar", {"tool": "/elsewhere/tool-v1-abc"}, str(tmp_path))
    assert key != images_key(specs, "trixie-2.tar", {"tool": "/cache/tool-v1-abc"}, str(tmp_path))
    assert key != images_key(specs, "trixie-1.tar", {"tool": "/cache/tool-v1-abd"}, str(tmp_path))
    (tmp_path / "start").write_text("#!/bin/bash\n")
    assert key != images_key(specs, "trixie-1.tar", {"tool": "/cache/tool-v1-abc"}, str(tmp_path))


def test_a_folder_beside_a_program_comes_along_and_nothing_in_it_is_a_program(tmp_path: Path) -> None:
    build = tmp_path / "builds" / "tool-v1-abc"
    for name in ("data/conf/defaults.ini", "data/conf/more/x.json", "data/other"):
        (build / name).parent.mkdir(parents=True, exist_ok=True)
        (build / name).write_text(name)
    spec = ImageSpec(names=["a:1"], programs={"tool/data/conf": "/usr/share/tool/conf"})
    found = {entry.path: entry for entry in entries(spec, "", {"tool": str(build)}, "")}
    assert set(found) == {"/usr/share/tool/conf/defaults.ini", "/usr/share/tool/conf/more/x.json"}
    assert {entry.mode for entry in found.values()} == {0o644}
