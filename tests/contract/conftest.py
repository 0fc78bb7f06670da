# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab charts as helm renders them with the values of the roles, and what upstream's charts rendered."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
UPSTREAM = CHECKOUT.parent / "shared" / "upstream"
CHARTS = CHECKOUT / "roles" / "package_artifacts" / "files" / "charts"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "argolab.observability"
CLUSTER_KINDS = {"ClusterRole", "ClusterRoleBinding"}
RELEASES = {
    "kube-prometheus-stack": ("kube-stack-prometheus", "monitoring"),
    "argo-cd": ("argocd", "argocd"),
}

Objects = dict[tuple[str, str, str], dict[str, Any]]


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Takes a bare C(=) as text."""


Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: loader.construct_scalar(node))


def find_helm() -> str:
    """The helm program: on the search path, else the one that was built."""
    built = sorted(CACHE.glob("programs/helm-*[0-9a-f]/helm")) + sorted(CACHE.glob("bin/*/helm"))
    found = shutil.which("helm") or next((str(path) for path in built if path.is_file()), "")
    if not found:
        pytest.skip("helm is neither on the search path nor among the built programs")
    return found


@pytest.fixture(scope="session")
def helm() -> str:
    return find_helm()


@pytest.fixture(scope="session")
def upstream() -> Path:
    if not UPSTREAM.is_dir():
        pytest.skip("the recordings of upstream's charts (../shared/upstream) are not beside this checkout")
    return UPSTREAM


def write_values(build: Path, source: str, *more: str, each: bool = False) -> Path:
    """The files that playbooks/values.yml writes for a source of artifacts.

    :param each: whether the inventory says for each of its hosts where they go.
    """
    program = Path(sys.executable).with_name("ansible-playbook")
    where = [] if each else ["-e", f"lab_build_dir={build}"]
    done = subprocess.run(
        [
            str(program if program.exists() else "ansible-playbook"), "playbooks/values.yml",
            "-e", f"artifact_source_effective={source}", *where,
            "-e", "lab_domain=example.it", "-e", "argo_cd_metrics_interval=", *more,
        ],
        cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return build / "values"


@pytest.fixture(scope="session")
def role_values(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Those of the tutorial, which is what upstream's charts were rendered with: without the collection's alerts."""
    return {
        source: write_values(tmp_path_factory.mktemp(source), source, "-e", "argo_cd_alerts_enabled=false")
        for source in ("upstream", "packages")
    }


@pytest.fixture(scope="session")
def lab_with_alerts(helm: str, tmp_path_factory: pytest.TempPathFactory) -> Objects:
    """Argo CD as the lab chart renders it with all that the role does by default."""
    return render(helm, "argo-cd", write_values(tmp_path_factory.mktemp("alerts"), "packages"))


def load(text: str) -> Objects:
    """Objects of a rendering by kind, namespace and name."""
    found = {}
    for item in yaml.load_all(text, Loader=Loader):
        if item and item["kind"] != "CustomResourceDefinition":
            namespace = "" if item["kind"] in CLUSTER_KINDS else item["metadata"].get("namespace", "")
            found[item["kind"], namespace, item["metadata"]["name"]] = item
    return found


def render(helm: str, chart: str, values: Path, *more: str) -> Objects:
    release, namespace = RELEASES[chart]
    done = subprocess.run(
        [
            helm, "template", release, str(CHARTS / chart), "--namespace", namespace, "--kube-version", "1.37.0",
            "--api-versions", "monitoring.coreos.com/v1", "--values", str(values / f"{release}.yaml"), *more,
        ],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return load(done.stdout)


@pytest.fixture(scope="session")
def charts_dir() -> Path:
    return CHARTS


@pytest.fixture(scope="session")
def lab(helm: str, role_values: dict[str, Path]) -> Callable[..., Objects]:
    """Renders a lab chart with the role's values and more arguments for helm."""
    return lambda chart, *more: render(helm, chart, role_values["packages"], *more)


@pytest.fixture(scope="session", params=sorted(RELEASES))
def charts(
    request: pytest.FixtureRequest, helm: str, upstream: Path, role_values: dict[str, Path]
) -> tuple[str, Objects, Objects]:
    """Name of a chart, what upstream's chart rendered, what the lab's renders."""
    chart = request.param
    recorded = load((upstream / f"rendered-{chart}.yaml").read_text(encoding="utf-8"))
    return chart, recorded, render(helm, chart, role_values["packages"])
