# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in an image, as a role describes it, and the layout that comes of it.

All images stand on one layer, the Debian root; each adds one thin layer with its programs and files.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Sequence, Set

from ansible_collections.argolab.observability.plugins.module_utils.oci_layout import (
    Blob,
    Entry,
    Image,
    Layout,
    layer_file,
    layer_paths,
)

DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class ImageSpec:
    """One image.

    :param names: the references it is known by, the first being the upstream one.
    :param programs: C(build/file) of a built program, or of a folder beside it, to the path in the image.
    :param files: path below the role's files to the path in the image.
    :param links: path in the image to what the symbolic link there points at.
    :param folders: path in the image to the numeric owner of the folder there.
    :param accounts: name to numeric id of users that are added to the root's.
    :param config: the C(config) part of the image's configuration.
    """

    names: Sequence[str]
    programs: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    folders: Mapping[str, int] = field(default_factory=dict)
    accounts: Mapping[str, int] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> ImageSpec:
        return cls(**{key: value for key, value in options.items() if value is not None})


def files_digest(spec: ImageSpec, files_dir: str) -> str:
    """A digest of the role's files that an image holds."""
    digest = hashlib.sha256()
    for source in sorted(spec.files):
        with open(os.path.join(files_dir, source), "rb") as handle:
            content = handle.read()
        digest.update(f"{source} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def images_key(specs: Sequence[ImageSpec], root: str, programs: Mapping[str, str], files_dir: str) -> str:
    """A digest of everything that decides what the images hold: specs, root, builds and files."""
    facts: List[Any] = [root]
    for spec in specs:
        builds = sorted({os.path.basename(programs[name.split("/")[0]]) for name in spec.programs})
        facts.append([vars(spec), builds, files_digest(spec, files_dir)])
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=list).encode()).hexdigest()[:12]


def _accounts(spec: ImageSpec, root: str) -> List[Entry]:
    if not spec.accounts:
        return []
    passwd, group = layer_file(root, "etc/passwd"), layer_file(root, "etc/group")
    for name, number in spec.accounts.items():
        passwd += f"{name}:x:{number}:{number}::/home/{name}:/usr/sbin/nologin\n".encode()
        group += f"{name}:x:{number}:\n".encode()
    homes = [Entry(f"home/{name}", mode=0o755, uid=number, gid=number) for name, number in spec.accounts.items()]
    return [Entry("etc/passwd", content=passwd), Entry("etc/group", content=group), *homes]


def _folder(source: str, path: str) -> List[Entry]:
    """What a folder beside a built program holds; none of it is a program."""
    return [
        Entry(os.path.join(path, os.path.relpath(os.path.join(parent, name), source)), os.path.join(parent, name))
        for parent, _folders, names in os.walk(source)
        for name in names
    ]


def entries(spec: ImageSpec, root: str, programs: Mapping[str, str], files_dir: str) -> List[Entry]:
    """What the image's own layer holds."""
    found = _accounts(spec, root)
    for name, path in spec.programs.items():
        build, _slash, program = name.partition("/")
        source = os.path.join(programs[build], program)
        found += _folder(source, path) if os.path.isdir(source) else [Entry(path, source=source, mode=0o755)]
    for name, path in spec.files.items():
        with open(os.path.join(files_dir, name), "rb") as handle:
            content = handle.read()
        found.append(Entry(path, content=content, mode=0o755 if content.startswith(b"#!") else 0o644))
    found += [Entry(path, link=target, mode=0o777) for path, target in spec.links.items()]
    found += [Entry(path, mode=0o755, uid=owner, gid=owner) for path, owner in spec.folders.items()]
    return found


def write_images(
    folder: str,
    specs: Sequence[ImageSpec],
    root: str,
    programs: Mapping[str, str],
    files_dir: str,
) -> Dict[str, List[str]]:
    """Write all images into one layout and return the ids of each by its first name."""
    layout = Layout(folder)
    base = layout.add_file(root)
    known: Set[str] = layer_paths(root)
    ids = {}
    for spec in specs:
        layers: List[Blob] = [base]
        own = entries(spec, root, programs, files_dir)
        if own:
            layers.append(layout.add_layer(own, known))
        config = dict(spec.config)
        config["Env"] = [DEFAULT_PATH, *config.get("Env", [])]
        ids[spec.names[0]] = layout.add_image(Image(spec.names, layers, config))
    layout.finish()
    return ids
