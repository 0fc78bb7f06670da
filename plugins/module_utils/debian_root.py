# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Debian root that all images stand on: one tar archive made by C(mmdebstrap)."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.argolab.observability.plugins.module_utils import processes
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError

DEFAULT_MIRROR = "http://deb.debian.org/debian"


@dataclass(frozen=True)
class DebianRoot:
    """What the root holds.

    :param exclude: paths, with shell patterns, that packages would bring and no image needs.
    :param include: paths that are kept although a pattern of C(exclude) matches them.
    """

    suite: str
    packages: Sequence[str]
    exclude: Sequence[str] = ()
    include: Sequence[str] = ()
    mirror: Optional[str] = None

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> DebianRoot:
        return cls(**{key: value for key, value in options.items() if value is not None})


def root_key(root: DebianRoot) -> str:
    """Name of the archive: the suite, then a digest of what decides its content; where it came from does not."""
    facts: Dict[str, Any] = {
        "packages": sorted(root.packages),
        "exclude": list(root.exclude),
        "include": list(root.include),
    }
    return f"{root.suite}-{hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]}"


def mirror_of(sources: Sequence[str]) -> str:
    """The Debian mirror that a host's apt sources name, in either of their forms; Debian's own where they name none."""
    for text in sources:
        for line in text.splitlines():
            match = re.match(r"^\s*(?:deb(?:\s+\[[^\]]*\])?|URIs:)\s+(https?://\S+?)/?(?:\s|$)", line)
            if match and re.search(r"/debian$", match.group(1)):
                return match.group(1)
    return DEFAULT_MIRROR


def host_mirror(folder: str = "/etc/apt") -> str:
    """The Debian mirror of this host."""
    texts = []
    paths = [os.path.join(folder, "sources.list")]
    parts = os.path.join(folder, "sources.list.d")
    if os.path.isdir(parts):
        paths += [
            os.path.join(parts, name) for name in sorted(os.listdir(parts)) if name.endswith((".list", ".sources"))
        ]
    for path in paths:
        if os.path.isfile(path):
            with open(path, encoding="utf-8", errors="replace") as handle:
                texts.append(handle.read())
    return mirror_of(texts)


def carried_settings(dump: str) -> List[str]:
    """The lines of C(apt-config dump) on which reaching the mirror depends: proxies, certificates, clocks."""
    wanted = re.compile(
        r"^Acquire::(https?::(\S+::)?(Proxy|CaInfo|Verify-Peer|Verify-Host|Timeout)|Check-(Date|Valid-Until))"
        r" \"[^\"]*\";$"
    )
    return [line for line in dump.splitlines() if wanted.match(line)]


def command(root: DebianRoot, mirror: str, settings: Sequence[str], target: str) -> List[str]:
    """The call of mmdebstrap that writes the archive."""
    options = [f"--aptopt={line}" for line in settings]
    options += [f"--dpkgopt=path-exclude={path}" for path in root.exclude]
    options += [f"--dpkgopt=path-include={path}" for path in root.include]
    return [
        "mmdebstrap",
        "--variant=essential",
        "--format=tar",
        "--mode=root",
        "--components=main",
        f"--include={','.join(root.packages)}",
        *options,
        "--skip=output/dev",
        root.suite,
        target,
        mirror,
    ]


def root_path(root: DebianRoot, cache_dir: str) -> str:
    return os.path.join(cache_dir, "root", f"{root_key(root)}.tar")


def build_root(root: DebianRoot, cache_dir: str) -> str:
    """Write the archive, if it is not there yet, and return its path."""
    final = root_path(root, cache_dir)
    if os.path.exists(final):
        return final
    if os.geteuid() != 0:
        raise ArgolabError("a Debian root can only be made as root: run as root, or with become: true")
    if shutil.which("mmdebstrap") is None:
        raise ArgolabError("mmdebstrap is not installed, and it makes the Debian root: apt-get install mmdebstrap")
    os.makedirs(os.path.dirname(final), exist_ok=True)
    pending = f"{final}.tmp{os.getpid()}"
    dump = processes.run(["apt-config", "dump"]).stdout
    mirror = root.mirror or host_mirror()
    try:
        done = processes.run(command(root, mirror, carried_settings(dump), pending))
        if done.returncode != 0:
            tail = "\n".join(done.stderr.strip().splitlines()[-15:])
            raise ArgolabError(f"mmdebstrap {root.suite} from {mirror} ended with {done.returncode}: {tail}")
        os.replace(pending, final)
    finally:
        if os.path.exists(pending):
            os.unlink(pending)
    return final
