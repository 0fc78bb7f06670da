# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is changed in the C(go.mod) of a published module, so that it can be built outside its repository.

All functions take it as C(go mod edit -json) prints it, and return arguments of C(go mod edit).
"""

from __future__ import annotations

import re
from typing import Any, Mapping

# Of a pre-release, and of a pseudo-version (https://go.dev/ref/mod#pseudo-versions), the text after the dash.
_VERSION = re.compile(r"^v(\d+)\.(\d+)\.(\d+)(?:-([^+]+))?(?:\+incompatible)?$")


def version_order(version: str) -> tuple[int, int, int, bool, list[tuple[bool, int, str]]]:
    """What versions of Go modules are sorted by, as Semantic Versioning 2.0.0 has it: a release after what leads to it.

    :raises ValueError: where that is no version of a module.
    """
    match = _VERSION.match(version)
    if match is None:
        raise ValueError(f"{version} is no version of a Go module: expected one such as v1.2.3")
    parts = (match[4] or "").split(".")
    before = [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]
    return int(match[1]), int(match[2]), int(match[3]), match[4] is None, before


def local_replaces(gomod: Mapping[str, Any]) -> list[str]:
    """Module paths whose replacement is a folder."""
    found = []
    for entry in gomod.get("Replace") or []:
        target = entry.get("New", {})
        if not target.get("Version") and target.get("Path", "").startswith((".", "/")):
            found.append(entry["Old"]["Path"])
    return found


def replacement(path: str, versions: Mapping[str, str]) -> str | None:
    """The published version for a module path: an exact entry wins over the longest prefix ending in a slash."""
    if path in versions:
        return versions[path]
    prefixes = [prefix for prefix in versions if prefix.endswith("/") and path.startswith(prefix)]
    return versions[max(prefixes, key=len)] if prefixes else None


def replace_arguments(gomod: Mapping[str, Any], versions: Mapping[str, str]) -> list[str]:
    """Drop the replacements that are folders, or turn them into published versions."""
    arguments = []
    for path in local_replaces(gomod):
        arguments.append(f"-dropreplace={path}")
        version = replacement(path, versions)
        if version:
            arguments.append(f"-replace={path}={path}@{version}")
    return arguments


def minimum_arguments(gomod: Mapping[str, Any], minimums: Mapping[str, str]) -> list[str]:
    """Raise the modules that are required at less than their minimum.

    What is not required stays out, what is required at more stays as it is, and so does what is replaced: that version
    was chosen on purpose.
    """
    replaced = {entry["Old"]["Path"] for entry in gomod.get("Replace") or []}
    return [
        f"-require={path}@{minimums[path]}"
        for path, version in ((entry["Path"], entry["Version"]) for entry in gomod.get("Require") or [])
        if path in minimums and path not in replaced and version_order(version) < version_order(minimums[path])
    ]
