# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let promtool check rule groups as Prometheus would read them, all files in one run."""

from __future__ import annotations

import glob
import json
import os
import re
import shutil
import subprocess
import tempfile
from typing import Any, Mapping, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.processes import run

# What the operator's objects have and Prometheus's files have not.
OPERATOR_ONLY = ("partial_response_strategy",)
SECONDS = 60


def find_promtool(path: str | None, cache: str | None = None) -> str:
    """The program: the one that is named, one in PATH, or one that was built for the lab; empty where there is none."""
    if path:
        if not os.access(path, os.X_OK) or os.path.isdir(path):
            raise DefiniteError(f"promtool {path} is no program that can be run.")
        return path
    found = shutil.which("promtool")
    if found:
        return found
    base = cache or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "argolab.observability"
    )
    built = sorted(glob.glob(os.path.join(base, "programs", "prometheus-v*", "promtool")))
    return built[-1] if built else ""


def check_rules(program: str, files: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[str]]:
    """What promtool says against each of these files.

    :param files: name of a file, without a slash, to its rule groups.
    :return: name of the file to messages; only files that it refuses.
    :raises DefiniteError: it does not run, or speaks otherwise than expected.
    """
    with tempfile.TemporaryDirectory(prefix="argolab-rules-") as folder:
        for name, groups in files.items():
            kept = [{key: value for key, value in group.items() if key not in OPERATOR_ONLY} for group in groups]
            with open(os.path.join(folder, f"{name}.yaml"), "w", encoding="utf-8") as handle:
                json.dump({"groups": kept}, handle)
        names = sorted(files)
        if not names:
            return {}
        command = [program, "check", "rules", "--lint=none", *[f"{name}.yaml" for name in names]]
        try:
            done = run(command, cwd=folder, timeout=SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DefiniteError(f"promtool {program} cannot be used: {error}") from None
    return read_output(done.stdout + "\n" + done.stderr, names, done.returncode, program)


def read_output(text: str, names: Sequence[str], status: int, program: str) -> dict[str, list[str]]:
    """Sort what it printed by file. A failure that it does not explain is one of its own."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        match = re.match(r"\s*(?:FAILED:\s*)?(?P<file>[^\s:]+)\.yaml: (?P<said>\S.*)$", line)
        if match and match["file"] in names:
            found.setdefault(match["file"], []).append(re.sub(r"^\d+:\d+: ", "", match["said"]))
    if bool(found) != (status != 0):
        said = " ".join(text.split())[-300:]
        raise DefiniteError(f"promtool {program} ended with {status} and said: {said or 'nothing'}")
    return found
