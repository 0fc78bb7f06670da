# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every cause that the plugins can name, read from their source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

# Where a cause travels as the first of two, before it gets into a check.
PAIRS = ("grafana_files.py", "grafana_chain.py", "rule_templates.py")
NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")


@dataclass
class Source:
    """One file, with what its names may stand for."""

    path: Path
    tree: ast.Module
    given: dict[str, list[ast.expr]] = field(default_factory=dict)
    imported: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Source:
        source = cls(path, ast.parse(path.read_text(encoding="utf-8")))
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    source.assign(target, node.value)
            elif isinstance(node, ast.AnnAssign) and node.value is not None:
                source.assign(node.target, node.value)
            elif isinstance(node, ast.FunctionDef):
                returned = [
                    one.value for one in ast.walk(node) if isinstance(one, ast.Return) and one.value is not None
                ]
                source.given.setdefault(f"{node.name}()", []).extend(returned)
            elif isinstance(node, ast.ImportFrom) and node.module:
                for name in node.names:
                    source.imported[name.asname or name.name] = f"{node.module.rsplit('.', 1)[-1]}.py"
        return source

    def assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.given.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            for one, other in zip(target.elts, value.elts):
                self.assign(one, other)
        elif isinstance(target, ast.Tuple):
            # Of what comes as one, the cause is the first.
            self.assign(target.elts[0], value)


def carriers(sources: list[Source]) -> dict[tuple[str, str], int]:
    """Classes with a field, and functions with a parameter, named cause: (file, name) to its place."""
    found: dict[tuple[str, str], int] = {}
    fields: dict[str, list[str]] = {}
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef):
                own = [one.target for one in node.body if isinstance(one, ast.AnnAssign)]
                inherited = [
                    name for base in node.bases if isinstance(base, ast.Name) for name in fields.get(base.id, [])
                ]
                names = inherited + [target.id for target in own if isinstance(target, ast.Name)]
                fields[node.name] = names
            elif isinstance(node, ast.FunctionDef):
                names = [one.arg for one in node.args.args if one.arg != "self"]
            else:
                continue
            if "cause" in names:
                found[source.path.name, node.name] = names.index("cause")
    return found


def constants(expression: ast.expr, source: Source, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """Every text that an expression may be."""
    if isinstance(expression, ast.Constant):
        if isinstance(expression.value, str):
            yield expression.value
    elif isinstance(expression, ast.IfExp):
        yield from constants(expression.body, source, seen)
        yield from constants(expression.orelse, source, seen)
    elif isinstance(expression, (ast.BoolOp, ast.Dict)):
        for value in expression.values:
            yield from constants(value, source, seen)
    elif isinstance(expression, ast.Tuple) and expression.elts:
        yield from constants(expression.elts[0], source, seen)
    elif isinstance(expression, ast.Subscript):
        yield from constants(expression.value, source, seen)
    elif isinstance(expression, ast.Call):
        if isinstance(expression.func, ast.Attribute) and expression.func.attr == "get":
            # A table in capitals; what else has a get is somebody's answer.
            table = expression.func.value
            tables = [table] if isinstance(table, ast.Name) and table.id.isupper() else []
            for value in (*tables, *expression.args[1:]):
                yield from constants(value, source, seen)
        elif isinstance(expression.func, ast.Name) and (name := f"{expression.func.id}()") not in seen:
            for value in source.given.get(name, []):
                yield from constants(value, source, seen | {name})
    elif isinstance(expression, ast.Name) and expression.id not in seen:
        for value in source.given.get(expression.id, []):
            yield from constants(value, source, seen | {expression.id})


def causes(folder: Path) -> dict[str, set[str]]:
    """Name of each cause to the files that give it."""
    # Classes before those that inherit from them.
    sources = sorted((Source.read(path) for path in folder.rglob("*.py")), key=lambda one: one.path.name != "checks.py")
    known = carriers(sources)
    found: dict[str, set[str]] = {}

    def note(texts: Iterator[str], source: Source) -> None:
        for text in texts:
            if NAME.fullmatch(text):
                found.setdefault(text, set()).add(source.path.name)

    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call):
                for keyword in node.keywords:
                    if keyword.arg == "cause":
                        note(constants(keyword.value, source), source)
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                place = known.get((source.imported.get(name, source.path.name), name))
                if place is not None and place < len(node.args):
                    note(constants(node.args[place], source), source)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "cause":
                note(constants(node.value, source) if node.value else iter(()), source)
            elif isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values):
                    if isinstance(key, ast.Constant) and key.value == "cause":
                        note(constants(value, source), source)
            elif isinstance(node, ast.Tuple) and source.path.name in PAIRS and len(node.elts) > 1:
                for one, other in zip(node.elts, node.elts[1:]):
                    is_text = isinstance(other, ast.JoinedStr) or (
                        isinstance(other, ast.Constant) and " " in str(other.value)
                    )
                    if isinstance(one, ast.Constant) and (is_text or isinstance(other, ast.Call)):
                        note(constants(one, source), source)
    return found
