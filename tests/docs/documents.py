# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents of the project: their commands and their YAML, and who runs which.

molecule/lab/files/run_documents.py uses this too, so it needs nothing but PyYAML.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
REGISTRY = ROOT / "tests" / "docs" / "commands.yml"
CONSOLE = ("console", "sh", "bash", "shell")
# Inline code that begins like this, and goes on, is a command that somebody may type.
PROGRAMS = (
    "make", "scripts/[a-z_.]+", "ansible-[a-z]+", "antsibull-[a-z]+", "kubectl", "helm", "docker", "k3d", "argocd",
    "promtool", "curl", "jq", "grep", "sysctl", "systemctl", "python3?", "pip", "git", "export", "apt-get", "podman",
)  # fmt: skip
_INLINE = re.compile(rf"`((?:[A-Z_]+=\S+ )?(?:{'|'.join(PROGRAMS)}) [^`\n]+|make)`")
_BLOCK = re.compile(r"^( *)```([\w+-]*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of code in a document."""

    document: Path
    language: str
    text: str
    line: int


def documents() -> list[Path]:
    """Every document that people read."""
    top = [path for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md") if (path := ROOT / name).exists()]
    return [*top, *sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("roles/*/README.md"))]


def blocks(document: Path) -> list[Block]:
    text = document.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        body = "\n".join(line.removeprefix(match[1]) for line in match[3].splitlines())
        found.append(Block(document, match[2], body, text[: match.start()].count("\n") + 1))
    return found


def without_remark(line: str) -> str:
    return re.sub(r"\s+# .*$", "", line).strip()


def commands_of(block: str) -> list[str]:
    """The commands of a console block: one a line, the next lines too where it ends in a backslash."""
    joined = re.sub(r"\\\n\s*", "", block)
    lines = [line.removeprefix("$ ") for line in joined.splitlines()]
    return [without_remark(line) for line in lines if line.strip() and not line.lstrip().startswith("#")]


def inline_commands(text: str) -> list[str]:
    without_blocks = _BLOCK.sub("", text)
    return [match[1].replace("\n", " ") for match in _INLINE.finditer(without_blocks)]


def commands(document: Path) -> list[str]:
    """Every command of a document, each once."""
    found = [line for block in blocks(document) if block.language in CONSOLE for line in commands_of(block.text)]
    found += inline_commands(document.read_text(encoding="utf-8"))
    return list(dict.fromkeys(found))


def all_commands() -> dict[str, list[str]]:
    """Each command to the documents that have it."""
    found: dict[str, list[str]] = {}
    for document in documents():
        for command in commands(document):
            found.setdefault(command, []).append(str(document.relative_to(ROOT)))
    return found


@functools.lru_cache(maxsize=1)
def registry() -> dict[str, dict[str, Any]]:
    """Who runs each command; see the head of commands.yml."""
    read = yaml.safe_load(REGISTRY.read_text(encoding="utf-8"))
    found: dict[str, dict[str, Any]] = {}
    for entry in read["commands"]:
        for command in [entry["command"]] if isinstance(entry["command"], str) else entry["command"]:
            if command in found:
                raise ValueError(f"{command} is registered twice")
            found[command] = entry
    return found


def placeholders() -> dict[str, str]:
    read = yaml.safe_load(REGISTRY.read_text(encoding="utf-8"))
    return dict(read["placeholders"])


def filled(command: str, values: dict[str, str]) -> str:
    """The command with its words in capitals replaced."""
    for name, value in sorted(values.items(), key=lambda pair: -len(pair[0])):
        command = re.sub(rf"(?<![A-Za-z_$]){re.escape(name)}(?![A-Za-z_])", lambda _match, value=value: value, command)
    return command


def entry_of(command: str) -> dict[str, Any] | None:
    """Who runs a command: its own entry, else the first pattern that it matches as a whole."""
    own = registry().get(command)
    if own is not None:
        return own
    return next((one for one in patterns() if re.fullmatch(one["match"], command)), None)


def patterns() -> list[dict[str, Any]]:
    return list(yaml.safe_load(REGISTRY.read_text(encoding="utf-8"))["patterns"])


def kind_of(block: Block) -> str:
    """What a block of YAML is: tasks, plays, manifest, kustomization, variables, or other."""
    if block.language not in ("yaml", "yml"):
        return ""
    read = [one for one in yaml.load_all(block.text, _Loader) if one is not None]
    first = read[0] if read else None
    if isinstance(first, dict):
        if {"apiVersion", "kind"} <= set(first):
            # a kubeconfig looks like an object, and no server takes it
            return "other" if first["kind"] == "Config" else "manifest"
        if "configMapGenerator" in first:
            return "kustomization"
        return "variables" if all(re.fullmatch(r"[a-z][a-z0-9_]*", str(key)) for key in first) else "other"
    if isinstance(first, list) and first and all(isinstance(one, dict) for one in first):
        if all("hosts" in one or "ansible.builtin.import_playbook" in one for one in first):
            return "plays"
        return "tasks"
    return "other"


class _Loader(yaml.SafeLoader):
    """Reads Ansible's own tags as plain values."""


for _tag in ("!unsafe", "!vault"):
    _Loader.add_constructor(_tag, lambda loader, node: loader.construct_scalar(node))


def load(text: str) -> Any:
    return yaml.load(text, _Loader)
