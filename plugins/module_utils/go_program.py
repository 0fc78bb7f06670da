# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Go program is built from, and the name that its build is kept under."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Mapping, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError


class BuildError(ArgolabError):
    """A program could not be built; the message says which step failed and ends with the tool's last lines."""


@dataclass(frozen=True)
class GoProgram:
    """One module at one version and the main packages to build from it.

    :param sum: checksum of the module; empty only for a program with C(sources).
    :param cpu_seconds: measured CPU time of a cold build; it orders the builds and feeds the estimate, nothing else.
    :param replace: module path, or a prefix ending in V(/), to the version that stands in for a local replace line.
    :param minimums: module path to the version below which no requirement of it stays.
    :param placeholders: files that C(go:embed) needs and the published module lacks (web pages).
    :param substitutes: packages, each with C(package), its folder inside C(module) (this one where it is left out), and
        C(content), the only Go file that it holds then.
    :param edits: texts, each with C(file) of this module, C(before), which is in it exactly once, and C(after), which
        takes its place: where the module does not compile with what C(minimums) raise.
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
    edits: Sequence[Mapping[str, str]] = ()
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


# Fields that came later: one that is not used must not change the key of what was built before it existed.
_LATER = ("generate", "cgo", "sources", "minimums", "edits")


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
