# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Complete chart sources with what a build gave: the CRDs of the programs, and the versions of the images.

A completed chart is kept under a name that is a digest of everything it was made from, and never written again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.quick_yaml import load_yaml, safe_loader

VERSIONS_FILE = os.path.join("files", "versions.yaml")
CRDS_FOLDER = os.path.join("charts", "crds", "crds")
# Raised when the way of completing changes, so that what an older version made is not taken for ours.
FORMAT = 1


@dataclass(frozen=True)
class Chart:
    """One chart to complete.

    :param versions: image tags by program name, for the chart's templates.
    :param crds: folders whose CustomResourceDefinitions the chart brings along.
    """

    name: str
    versions: Mapping[str, str] = field(default_factory=dict)
    crds: Sequence[str] = ()


def files_below(folder: str) -> list[str]:
    """Paths of all files below a folder, relative to it and sorted."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders.sort()
        found += [os.path.relpath(os.path.join(parent, name), folder) for name in names]
    return sorted(found)


def digest(source: str, charts: Sequence[Chart]) -> str:
    """Name for the result: changes with any byte that goes into it."""
    total = hashlib.sha256(json.dumps([FORMAT, [[c.name, sorted(c.versions.items())] for c in charts]]).encode())
    for chart in charts:
        for folder in (os.path.join(source, chart.name), *chart.crds):
            for name in files_below(folder):
                with open(os.path.join(folder, name), "rb") as handle:
                    total.update(f"{name}\0".encode() + hashlib.sha256(handle.read()).digest())
    return total.hexdigest()[:12]


def without_descriptions(schema: Any) -> Any:
    """A copy of a schema without its prose: most of the operator's CRDs, which the API server keeps in memory.

    Below C(properties) a key named description is a field, not prose.
    """
    if isinstance(schema, list):
        return [without_descriptions(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    result = {}
    for key, value in schema.items():
        if key == "properties" and isinstance(value, Mapping):
            result[key] = {name: without_descriptions(field_schema) for name, field_schema in value.items()}
        elif key != "description" or not isinstance(value, str):
            result[key] = without_descriptions(value)
    return result


def read_crds(folders: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The CustomResourceDefinitions in some folders, by name, without their prose."""
    import yaml

    class Loader(safe_loader()):  # type: ignore[misc]
        """Takes a bare C(=), which the operator's CRDs list as a value, as the text that it is."""

    Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: loader.construct_scalar(node))
    found: dict[str, dict[str, Any]] = {}
    for folder in folders:
        if not os.path.isdir(folder):
            raise DefiniteError(f"{folder} does not exist; the programs that bring the CRDs have to be built first.")
        for name in sorted(os.listdir(folder)):
            if not name.endswith((".yaml", ".yml")):
                continue
            with open(os.path.join(folder, name), encoding="utf-8") as handle:
                for item in yaml.load_all(handle, Loader=Loader):
                    if isinstance(item, dict) and item.get("kind") == "CustomResourceDefinition":
                        found[item["metadata"]["name"]] = dict(item, spec=without_descriptions(item["spec"]))
    return found


def numbered(text: str, number: str) -> str:
    """Chart.yaml with the digest in its version, so that helm and people see that it is another chart."""
    return re.sub(
        r"^version: (\S+)$",
        lambda found: f"version: {found[1]}{'.' if '+' in found[1] else '+'}{number}",
        text,
        count=1,
        flags=re.MULTILINE,
    )


def write_chart(source: str, target: str, chart: Chart, number: str) -> None:
    """Copy one chart and put in what the build gave."""
    import yaml

    folder = os.path.join(target, chart.name)
    shutil.copytree(os.path.join(source, chart.name), folder)
    description = os.path.join(folder, "Chart.yaml")
    with open(description, encoding="utf-8") as handle:
        text = handle.read()
    with open(description, "w", encoding="utf-8") as handle:
        handle.write(numbered(text, number))
    with open(os.path.join(folder, VERSIONS_FILE), "w", encoding="utf-8") as handle:
        yaml.safe_dump(dict(chart.versions), handle)
    os.makedirs(os.path.join(folder, CRDS_FOLDER), exist_ok=True)
    for name, crd in read_crds(chart.crds).items():
        # JSON is YAML, and ten times as fast to write and to read.
        with open(os.path.join(folder, CRDS_FOLDER, f"{name}.yaml"), "w", encoding="utf-8") as handle:
            json.dump(crd, handle, separators=(",", ":"))


def check(source: str, charts: Sequence[Chart]) -> None:
    """Refuse what can not be completed, before anything is written."""
    for chart in charts:
        known_file = os.path.join(source, chart.name, VERSIONS_FILE)
        if not os.path.isfile(os.path.join(source, chart.name, "Chart.yaml")):
            raise DefiniteError(f"{os.path.join(source, chart.name)} is no chart: it holds no Chart.yaml.")
        with open(known_file, encoding="utf-8") as handle:
            known = set(load_yaml(handle.read()) or {})
        if set(chart.versions) != known:
            raise DefiniteError(
                f"chart {chart.name} needs the versions of {', '.join(sorted(known))}; given were those of "
                f"{', '.join(sorted(chart.versions)) or 'nothing'}."
            )


def complete(source: str, target: str, charts: Sequence[Chart], dry_run: bool = False) -> tuple[str, bool]:
    """Complete the charts below C(target); return their folder and whether it is new."""
    check(source, charts)
    number = digest(source, charts)
    folder = os.path.join(target, f"charts-{number}")
    if os.path.isdir(folder):
        return folder, False
    if dry_run:
        return folder, True
    os.makedirs(target, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".charts-", dir=target) as work:
        for chart in charts:
            write_chart(source, os.path.join(work, "new"), chart, number)
        try:
            os.rename(os.path.join(work, "new"), folder)
        except OSError:
            # Somebody else finished the same charts meanwhile.
            if not os.path.isdir(folder):
                raise
            return folder, False
    return folder, True
