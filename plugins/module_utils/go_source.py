# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepare the source of a Go program: a published module, made to build outside its repository.

A published module is copied out of the module cache and built there as the main module, so that its own
C(go.mod) and C(go.sum) decide every version. The module's own checksum is pinned by the caller, which makes
the chain complete: pinned sum, its C(go.sum), all dependencies.

Go compiles a package once for all programs that have it, and all that it imports, at the same version. The caller can
raise libraries to one version for several programs, so that they are compiled once; Go checks those against its
checksum database. Where the module does not compile with them, the caller edits it.

Replace lines that point into the upstream repository (C(./staging/...), C(../api)) name folders that a
published module does not hold; they are dropped, or turned into published versions given by the caller.

What a program imports and a lab never uses can be left out: the files of one of its packages, or of a package of a
dependency, are replaced by a single one that compiles and refuses.
"""

from __future__ import annotations

import json
import os
import shutil
from typing import Any, Callable, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.go_mod import minimum_arguments, replace_arguments
from ansible_collections.argolab.observability.plugins.module_utils.go_program import BuildError, GoProgram

# Runs go with arguments in a folder, and returns what it prints; raises BuildError where go fails.
Go = Callable[[Sequence[str], str], str]


def published_module(go: Go, module: str, version: str, checksum: str, work: str) -> str:
    """The folder in the module cache of a module that is what it was when it was pinned.

    :raises BuildError: where its checksum is another one.
    """
    answer = json.loads(go(["mod", "download", "-json", f"{module}@{version}"], work))
    if answer.get("Sum") != checksum:
        raise BuildError(
            f"{module}@{version} has checksum {answer.get('Sum')}, pinned is {checksum}: "
            "the module proxy served something else; nothing was built"
        )
    return str(answer["Dir"])


def writable(path: str) -> str:
    """Files of the module cache are read-only, and so are their copies."""
    os.chmod(path, 0o755 if os.path.isdir(path) else 0o644)
    return path


def unlock(source: str) -> None:
    """Let go write C(go.mod) and C(go.sum) of a copied module."""
    for name in ("go.mod", "go.sum"):
        if os.path.exists(os.path.join(source, name)):
            writable(os.path.join(source, name))


def _write(path: str, content: str) -> None:
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(content)


def _own_source(program: GoProgram, source: str) -> None:
    os.makedirs(source)
    for name, content in {"go.mod": f"module {program.module}\n\ngo 1.21\n", **program.sources}.items():
        _write(os.path.join(source, name), content)


def _add_placeholders(program: GoProgram, source: str) -> None:
    for name in program.placeholders:
        path = os.path.join(source, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        _write(path, "The web pages of this program are not part of its published module.\n")


def edit(program: GoProgram, source: str) -> None:
    """Change the texts that the program's C(edits) name.

    :raises BuildError: where a text is not in its file exactly once: the edit was written for another version.
    """
    for change in program.edits:
        path, text = os.path.join(source, change["file"]), ""
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as handle:
                text = handle.read()
        found = text.count(change["before"])
        if found != 1:
            raise BuildError(
                f"{change['file']} of {program.module} has {change['before'].strip()!r} {found} times, expected it "
                "once: the edit is of another version of the module"
            )
        _write(writable(path), text.replace(change["before"], change["after"]))


def substitute(program: GoProgram, source: str, go: Go) -> list[str]:
    """Put the substitutes in their places; returns the arguments of C(go mod edit) that lead to changed copies."""
    copies: dict[str, str] = {}
    for entry in program.substitutes:
        module = entry.get("module")
        if module and module not in copies:
            answer = json.loads(go(["list", "-m", "-json", module], source))
            if not answer.get("Dir"):
                answer = json.loads(go(["mod", "download", "-json", f"{module}@{answer['Version']}"], source))
            copies[module] = os.path.join(os.path.dirname(source), f"module-{len(copies)}")
            shutil.copytree(answer["Dir"], copies[module])
        folder = os.path.join(copies[module] if module else source, entry["package"])
        writable(folder)
        names = [name for name in os.listdir(folder) if name.endswith(".go")]
        if not names:
            raise BuildError(f"{entry['package']} of {module or program.module} is no Go package to replace")
        for name in names:
            os.unlink(os.path.join(folder, name))
        _write(os.path.join(folder, "substitute.go"), entry["content"])
    return [f"-replace={module}={folder}" for module, folder in copies.items()]


def prepare(program: GoProgram, work: str, go: Go) -> str:
    """Make the source of a program in C(work/src), ready to build, and return that folder.

    :raises BuildError: where the module is not what was pinned, or not what an edit or a substitute was written for.
    """
    source = os.path.join(work, "src")
    if program.sources:
        _own_source(program, source)
        return source
    origin = published_module(go, program.module, program.version, program.sum, work)
    shutil.copytree(origin, source, ignore=shutil.ignore_patterns("vendor") if program.replace else None)
    for folder, _dirs, _files in os.walk(source):
        writable(folder)
    _add_placeholders(program, source)
    edit(program, source)
    gomod: dict[str, Any] = json.loads(go(["mod", "edit", "-json"], source))
    arguments = [
        *replace_arguments(gomod, program.replace),
        *minimum_arguments(gomod, program.minimums),
        *substitute(program, source, go),
    ]
    unlock(source)
    if arguments:
        go(["mod", "edit", *arguments], source)
    return source
