# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask helm about a chart: in a folder, an archive, a repository or a registry."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Callable, List, Tuple

from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.quick_yaml import load_yaml

# rc, stdout, stderr
Run = Callable[[List[str]], Tuple[int, str, str]]

_CAUSES = (
    (
        r"x509: |failed to verify certificate",
        "its certificate is not trusted here; SSL_CERT_FILE names a file with the authority's",
    ),
    (
        r"no such host|dial tcp|connection refused|i/o timeout|no route to host|TLS handshake|context deadline",
        "it can not be reached from here",
    ),
    (r"not a valid chart repository", "that address is no chart repository"),
    (
        r"version .* not found|not found in .* (index|repository)|no chart (name|version) found|improper constraint",
        "it does not hold this chart in this version",
    ),
    (
        r"no such file|path .* not found|Chart.yaml file is missing|repo .* not found|non-absolute URLs",
        "there is no chart at this place",
    ),
    (r"401|403|unauthorized|denied", "it refuses to hand it out"),
    (r"404|not found", "it does not have it"),
)


@dataclass(frozen=True)
class ChartSource:
    """Where a chart comes from, as the roles' three variables say it."""

    ref: str
    version: str = ""
    repo_url: str = ""

    @property
    def text(self) -> str:
        version = f" version {self.version}" if self.version else ""
        where = f" in the repository {self.repo_url}" if self.repo_url else ""
        return f"chart {self.ref}{version}{where}"

    @property
    def is_folder(self) -> bool:
        return not self.repo_url and os.path.isdir(self.ref)

    def arguments(self) -> list[str]:
        arguments = [self.ref]
        if self.version:
            arguments += ["--version", self.version]
        if self.repo_url:
            arguments += ["--repo", self.repo_url]
        return arguments

    def matches(self, deployed: str) -> bool:
        """Whether a deployed chart is this one, as far as that can be told without asking for it.

        Only a full version in a repository stands for one content for ever.
        """
        name = self.ref.rstrip("/").rsplit("/", 1)[-1]
        full = re.fullmatch(r"v?\d+\.\d+\.\d+\S*", self.version) is not None
        remote = bool(self.repo_url) or self.ref.startswith("oci://")
        return remote and full and deployed.partition("+")[0] == f"{name}-{self.version}".partition("+")[0]


def explain(source: ChartSource, error: str) -> str:
    """One sentence on why helm could not read a chart."""
    lines = [line for line in error.strip().splitlines() if line.strip()]
    last = re.sub(r"^Error: ", "", lines[-1].strip()) if lines else "no message"
    cause = next(
        (text for pattern, text in _CAUSES if re.search(pattern, error, re.IGNORECASE)), "helm can not read it"
    )
    return f"{source.text}: {cause}. helm says: {last}"


def show_chart(run: Run, source: ChartSource) -> dict[str, Any]:
    """The chart's own description (Chart.yaml)."""
    return _show(run, source, "chart")


def show_values(run: Run, source: ChartSource) -> dict[str, Any]:
    """The chart's default values."""
    return _show(run, source, "values")


def _show(run: Run, source: ChartSource, what: str) -> dict[str, Any]:
    import yaml

    if source.is_folder:
        name = os.path.join(source.ref, "Chart.yaml" if what == "chart" else "values.yaml")
        try:
            with open(name, encoding="utf-8") as handle:
                loaded = load_yaml(handle.read())
        except (OSError, yaml.YAMLError) as error:
            raise DefiniteError(f"{source.text}: there is no chart at this place: {error}") from None
        return loaded if isinstance(loaded, dict) else {}
    code, output, error_text = run(["show", what, *source.arguments()])
    if code != 0:
        raise DefiniteError(explain(source, error_text or output))
    try:
        loaded = load_yaml(output)
    except yaml.YAMLError as error:
        raise DefiniteError(f"{source.text}: helm printed something that is not YAML: {error}") from None
    return loaded if isinstance(loaded, dict) else {}
