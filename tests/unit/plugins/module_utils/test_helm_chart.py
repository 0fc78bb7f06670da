# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.argolab.observability.plugins.module_utils import helm_chart
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.helm_chart import ChartSource

REMOTE = ChartSource("argo-cd", "10.1.1", "https://charts.example.it")


def test_arguments_for_helm() -> None:
    assert REMOTE.arguments() == ["argo-cd", "--version", "10.1.1", "--repo", "https://charts.example.it"]
    assert ChartSource("oci://registry.example.it/argo-cd").arguments() == ["oci://registry.example.it/argo-cd"]


@pytest.mark.parametrize(
    ("source", "deployed", "known"),
    [
        (REMOTE, "argo-cd-10.1.1", True),
        (REMOTE, "argo-cd-10.1.1+lab", True),
        (REMOTE, "argo-cd-10.1.10", False),
        (ChartSource("oci://registry.example.it/charts/argo-cd", "10.1.1"), "argo-cd-10.1.1", True),
        (ChartSource("argo-cd", "10", "https://charts.example.it"), "argo-cd-10.1.1", False),
        (ChartSource("argo-cd", "", "https://charts.example.it"), "argo-cd-10.1.1", False),
        (ChartSource("/charts/argo-cd", "10.1.1"), "argo-cd-10.1.1", False),
    ],
)
def test_only_a_pinned_version_of_a_repository_needs_no_question(
    source: ChartSource, deployed: str, known: bool
) -> None:
    assert source.matches(deployed) == known


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (
            'Error: looks like "x" is not a valid chart repository or cannot be reached: dial tcp: connection refused',
            "can not be reached from here",
        ),
        (
            'Error: chart "argo-cd" matching 9.9.9 not found in x index: no chart version found for argo-cd-9.9.9',
            "does not hold this chart",
        ),
        ("Error: stat /nothing: no such file or directory", "no chart at this place"),
        ("Error: failed to authorize: 401 Unauthorized", "refuses"),
        ("", "helm can not read it. helm says: no message"),
    ],
)
def test_helms_errors_in_one_sentence(error: str, cause: str) -> None:
    with pytest.raises(DefiniteError, match=cause) as raised:
        helm_chart.show_chart(lambda arguments: (1, "", error), REMOTE)
    assert str(raised.value).startswith("chart argo-cd version 10.1.1 in the repository https://charts.example.it: ")
    assert "\n" not in str(raised.value)


def test_a_folder_is_read_without_helm(tmp_path: Path) -> None:
    (tmp_path / "Chart.yaml").write_text("{name: x, version: 1.0.0}", encoding="utf-8")
    (tmp_path / "values.yaml").write_text("a: 1", encoding="utf-8")

    def never(arguments: list[str]) -> tuple[int, str, str]:
        raise AssertionError(arguments)

    source = ChartSource(str(tmp_path))
    assert helm_chart.show_chart(never, source)["version"] == "1.0.0"
    assert helm_chart.show_values(never, source) == {"a": 1}


def test_a_folder_that_is_no_chart(tmp_path: Path) -> None:
    with pytest.raises(DefiniteError, match="no chart at this place"):
        helm_chart.show_chart(lambda arguments: (0, "", ""), ChartSource(str(tmp_path)))
