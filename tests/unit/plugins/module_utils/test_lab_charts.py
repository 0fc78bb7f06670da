# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from ansible_collections.argolab.observability.plugins.module_utils import lab_charts
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.lab_charts import Chart

CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.it}
spec:
  versions:
    - schema:
        openAPIV3Schema:
          description: prose
          properties:
            description: {type: string, description: prose}
            operator:
              enum: [=, "!="]
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    chart = tmp_path / "source" / "stack"
    (chart / "files").mkdir(parents=True)
    (chart / "Chart.yaml").write_text(
        "name: stack\nversion: 1.0.0+lab\ndependencies:\n  - version: 0.0.0\n", encoding="utf-8"
    )
    (chart / "files" / "versions.yaml").write_text("prometheus: v0\n", encoding="utf-8")
    crds = tmp_path / "crds"
    crds.mkdir()
    (crds / "things.yaml").write_text(CRD, encoding="utf-8")
    (crds / "kustomization.yaml").write_text("kind: Kustomization\n", encoding="utf-8")
    return tmp_path / "source"


def chart(source: Path, version: str = "v3.16.0") -> Chart:
    return Chart("stack", {"prometheus": version}, (str(source.parent / "crds"),))


def test_a_completed_chart_holds_crds_and_versions(source: Path, tmp_path: Path) -> None:
    folder, changed = lab_charts.complete(str(source), str(tmp_path / "cache"), [chart(source)])
    assert changed
    done = Path(folder) / "stack"
    assert yaml.safe_load((done / "files" / "versions.yaml").read_text()) == {"prometheus": "v3.16.0"}
    assert [path.name for path in (done / "charts" / "crds" / "crds").iterdir()] == ["things.example.it.yaml"]
    crd = json.loads((done / "charts" / "crds" / "crds" / "things.example.it.yaml").read_text())
    assert crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"] == {
        "properties": {"description": {"type": "string"}, "operator": {"enum": ["=", "!="]}}
    }
    number = folder.rsplit("-", 1)[-1]
    assert (done / "Chart.yaml").read_text().splitlines()[1] == f"version: 1.0.0+lab.{number}"
    assert "  - version: 0.0.0" in (done / "Chart.yaml").read_text()


def test_a_second_time_nothing_is_written(source: Path, tmp_path: Path) -> None:
    first = lab_charts.complete(str(source), str(tmp_path / "cache"), [chart(source)])
    assert lab_charts.complete(str(source), str(tmp_path / "cache"), [chart(source)]) == (first[0], False)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [Path(first[0]).name]


def test_a_dry_run_names_the_folder_and_writes_nothing(source: Path, tmp_path: Path) -> None:
    folder, changed = lab_charts.complete(str(source), str(tmp_path / "cache"), [chart(source)], dry_run=True)
    assert changed and not (tmp_path / "cache").exists()
    assert lab_charts.complete(str(source), str(tmp_path / "cache"), [chart(source)])[0] == folder


@pytest.mark.parametrize("what", ["version", "template", "crd"])
def test_any_change_gives_another_folder(source: Path, what: str) -> None:
    before = lab_charts.digest(str(source), [chart(source)])
    if what == "template":
        (source / "stack" / "more.yaml").write_text("x", encoding="utf-8")
    if what == "crd":
        (source.parent / "crds" / "things.yaml").write_text(CRD.replace("string", "integer"), encoding="utf-8")
    assert lab_charts.digest(str(source), [chart(source, "v4" if what == "version" else "v3.16.0")]) != before


def test_versions_have_to_be_those_of_the_chart(source: Path, tmp_path: Path) -> None:
    with pytest.raises(DefiniteError, match="needs the versions of prometheus; given were those of nothing"):
        lab_charts.complete(str(source), str(tmp_path / "cache"), [Chart("stack")])


def test_a_folder_without_chart_and_crds_that_are_not_built(source: Path, tmp_path: Path) -> None:
    with pytest.raises(DefiniteError, match="is no chart"):
        lab_charts.complete(str(source), str(tmp_path / "cache"), [Chart("other")])
    with pytest.raises(DefiniteError, match="have to be built first"):
        lab_charts.complete(
            str(source), str(tmp_path / "cache"), [Chart("stack", {"prometheus": "v3"}, (str(tmp_path / "no"),))]
        )
    assert not list((tmp_path / "cache").iterdir())
