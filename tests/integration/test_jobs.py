# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Job templates as AWX runs them, where that takes no cluster: what goes wrong is told, and no secret is spilled.

The same with a cluster, where the jobs succeed, is molecule/lab/files/jobs.py.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import awx_jobs
import pytest
import yaml
from test_existing_cluster import Api

KUBECONFIG, ACCOUNT = "Argolab cluster (kubeconfig)", "Argolab cluster (service account)"
# made anew for each run, so that it is in no file of the project
TOKEN = f"c4n4ry-{secrets.token_hex(16)}"
NAMES = sorted(awx_jobs.templates())


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> awx_jobs.Controller:
    folder = tmp_path_factory.mktemp("awx")
    # pytest's folders are for their owner only, and a job runs as somebody else
    for path in (folder, *folder.parents):
        if path.stat().st_uid == os.geteuid() and "pytest" in str(path):
            path.chmod(0o755)
    try:
        subprocess.run(["git", "-C", str(awx_jobs.ROOT), "rev-parse", "--git-dir"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a job's project is a clone, and this is no checkout of git")
    # nobody asks a registry: the jobs here end before they would need anything of it
    made = awx_jobs.Controller(folder, variables={"lab_domain": "example.it"})
    assert made.project and made.inventory
    return made


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    made = Api(tmp_path_factory.mktemp("api"))
    yield made
    made.http.shutdown()
    made.http.server_close()


def account(url: str, token: str, ca: str = "") -> dict[str, str]:
    return {"server": url, "token": token, "ca": ca}


def upstream(name: str) -> dict[str, Any]:
    return {"artifact_source": "upstream"} if name == "Argolab build" else {}


@pytest.fixture(scope="module")
def away(controller: awx_jobs.Controller, api: Api) -> dict[str, awx_jobs.Outcome]:
    """Every template with a credential for a cluster that is not there; nor is the mirror for what is missing."""
    more: dict[str, Any] = {f"cli_tools_{name}_url": "http://127.0.0.1:1" for name in ("helm", "kubectl")}
    more["existing_cluster_wait_timeout"] = 1
    inputs = account("https://127.0.0.1:1", TOKEN, api.data("server.crt"))
    bin_dir = controller.folder / "tools"
    bin_dir.mkdir()
    for name in ("helm", "kubectl"):
        (bin_dir / name).write_text("#!/bin/sh\nexit 1\n")
        (bin_dir / name).chmod(0o755)
    controller.path = f"{bin_dir}:{controller.path}"

    def run(name: str) -> awx_jobs.Outcome:
        return controller.run(name, upstream(name), credential=ACCOUNT, inputs=inputs, extra=more)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(NAMES, pool.map(run, NAMES)))


@pytest.mark.parametrize("name", NAMES)
def test_a_cluster_that_is_away(away: dict[str, awx_jobs.Outcome], name: str) -> None:
    job = away[name]
    assert job.status == "failed"
    assert "https://127.0.0.1:1" in job.failures() and "refused" in job.failures(), job.stdout
    assert "Traceback" not in job.stdout
    assert job.spilled(TOKEN) == []


def test_the_diagnosis_of_a_cluster_that_is_away_has_a_name(away: dict[str, awx_jobs.Outcome]) -> None:
    job = away["Argolab diagnose"]
    assert job.evidence["verdict"] == "failed" and job.evidence["failed"] == 1
    assert [(item["cause"], item["observed"]) for item in job.evidence["failures"]] == [
        ("cluster_unreachable", "no answer")
    ]
    assert job.evidence["failures"][0]["next"].startswith("kubectl get --raw /readyz")
    assert "Likeliest cause: cluster unreachable" in job.text
    for path in job.evidence["files"].values():
        assert Path(path).is_file() and Path(path).is_relative_to(job.folder)


def test_a_token_that_is_refused(controller: awx_jobs.Controller, api: Api) -> None:
    inputs = account(api.url, TOKEN, api.data("server.crt"))
    verify = controller.run("Argolab verify", credential=ACCOUNT, inputs=inputs)
    diagnose = controller.run("Argolab diagnose", credential=ACCOUNT, inputs=inputs)
    for job in (verify, diagnose):
        assert job.status == "failed" and job.spilled(TOKEN) == []
        assert "(401): the token has expired or was issued by another cluster" in job.text
    assert [item["cause"] for item in diagnose.evidence["failures"]] == ["credentials_refused"]


def test_a_kubeconfig_whose_context_is_misspelt(controller: awx_jobs.Controller, api: Api) -> None:
    content = api.kubeconfig(user={"token": TOKEN})
    inputs = {"kubeconfig": yaml.safe_dump(content), "context": "rigth"}
    job = controller.run("Argolab diagnose", credential=KUBECONFIG, inputs=inputs)
    assert job.status == "failed" and job.spilled(TOKEN) == []
    assert [item["cause"] for item in job.evidence["failures"]] == ["kubeconfig_unusable"]
    assert "did you mean right?" in job.text


def test_a_job_without_a_credential_says_which_it_needs(controller: awx_jobs.Controller) -> None:
    job = controller.run("Argolab diagnose")
    assert job.status == "failed"
    assert "credential of the type Argolab cluster" in job.text


def test_an_answer_beyond_the_limits(controller: awx_jobs.Controller, api: Api) -> None:
    with pytest.raises(ValueError, match="the survey takes 0 to 1800"):
        controller.run("Argolab verify", {"verification_wait_timeout": -1})
    inputs = account(api.url, "right", api.data("server.crt"))
    job = controller.run(
        "Argolab verify", {"verification_wait_timeout": -1}, credential=ACCOUNT, inputs=inputs, limits=False
    )
    assert job.status == "failed"
    assert "verification_wait_timeout is -1" in job.failures()


def test_an_execution_environment_without_helm_is_told_what_it_lacks(controller: awx_jobs.Controller, api: Api) -> None:
    if shutil.which("helm", path=awx_jobs.Controller.path):
        pytest.skip("this machine has helm where every job finds it")
    bare = awx_jobs.Controller(controller.folder / "bare", variables=controller.variables)
    bare.folder.mkdir()
    bare.__dict__["project"] = controller.project
    mirrors = {f"cli_tools_{name}_url": "http://127.0.0.1:1" for name in ("helm", "kubectl")}
    inputs = account(api.url, "right", api.data("server.crt"))
    job = bare.run("Argolab build", upstream("Argolab build"), credential=ACCOUNT, inputs=inputs, extra=mirrors)
    assert job.status == "failed"
    for words in ("helm", "could not be had for", "is not on the search path", "an execution environment that brings"):
        assert words in job.text


def test_what_a_survey_asks_for_is_an_option_of_a_role_that_takes_all_its_answers() -> None:
    known: dict[str, Any] = {}
    for path in (awx_jobs.ROOT / "roles").glob("*/meta/argument_specs.yml"):
        known.update(yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"])
    for template in awx_jobs.templates().values():
        assert (awx_jobs.ROOT / template["playbook"]).is_file()
        for question in (template.get("survey_spec") or {}).get("spec") or []:
            name = question["variable"]
            # an inventory's variable, which role package_artifacts takes
            spec = known["package_artifacts_source" if name == "artifact_source" else name]
            if "choices" in question:
                assert set(question["choices"]) <= set(spec["choices"]), name
            if question["type"] == "integer":
                assert spec["type"] == "int", name
