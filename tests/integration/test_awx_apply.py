# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook that puts this project into AWX, against a stand-in that knows the API of AWX 24.6.1.

The stand-in (files/awx_server.py) is driven by what a real AWX 24.6.1 said of itself, and refuses what that one
refused: see the first test, and files/awx_facts.py for how it was recorded.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awx_facts
import awx_server
import conftest
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ANSIBLE = Path(sys.executable).with_name("ansible-playbook")
RECAP = re.compile(r"localhost\s+: ok=\d+\s+changed=(\d+)\s+unreachable=0\s+failed=(\d+)")
PLAYBOOKS = ["site.yml", "teardown.yml", *(f"playbooks/{path.name}" for path in (ROOT / "playbooks").glob("*.yml"))]
TEMPLATES = yaml.safe_load((ROOT / "awx" / "job_templates.yml").read_text("utf-8"))
NAMES = [item["name"] for item in TEMPLATES]
TOKEN = "canary-token"
OPTIONS: dict[str, Any] = {
    "argolab_awx_scm_url": "https://git.example.it/observability.git",
    "argolab_awx_kubeconfig": "clusters: []\nusers: [canary-kubeconfig]\n",
    "argolab_awx_context": "prod",
    "argolab_awx_webhook_url": "https://hooks.example.it/canary-hook",
    "argolab_awx_mail": {
        "host": "mail.example.it", "sender": "awx@example.it", "recipients": ["ops@example.it"],
        "username": "awx", "password": "canary-mail",
    },
}  # fmt: skip


@dataclass
class Run:
    """What a run of the playbook said and sent."""

    code: int
    output: str
    calls: list[awx_server.Call]

    @property
    def changed(self) -> int:
        recap = RECAP.search(self.output)
        assert recap, self.output
        return int(recap[1])

    @property
    def written(self) -> list[awx_server.Call]:
        return [call for call in self.calls if call.method != "GET"]


def has_awx() -> bool:
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "galaxy", "collection", "list", "awx.awx"],
        capture_output=True, text=True, timeout=120, check=False, cwd=ROOT,
    )  # fmt: skip
    return "awx.awx" in done.stdout


@pytest.fixture(scope="session")
def awx_awx() -> None:
    """The modules, which the package ansible has for Python 3.11 only."""
    if not ANSIBLE.exists():
        pytest.skip("needs ansible-playbook beside the Python that runs pytest")
    if not has_awx():
        pytest.skip("the package ansible of this Python has no awx.awx; the one for Python 3.11 has")


@pytest.fixture
def awx() -> Iterator[awx_server.Awx]:
    with conftest.serving(awx_server.Awx(TOKEN, PLAYBOOKS)) as server:
        yield server


def play(
    server: awx_server.Awx, *options: str, folder: Path = ROOT, environment: dict[str, str] | None = None, **more: Any
) -> Run:
    """One run; the token comes by the environment, everything else by variables."""
    before = len(server.calls)
    environment = {
        "CONTROLLER_HOST": server.address, "CONTROLLER_OAUTH_TOKEN": TOKEN,
        # the modules read every certificate of the system for each request, and there is no TLS here
        "SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull, **(environment or {}),
    }  # fmt: skip
    done = subprocess.run(
        [str(ANSIBLE), str(folder / "awx" / "apply.yml"), "-e", json.dumps({**OPTIONS, **more}), *options],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    output = done.stdout + done.stderr
    assert "canary" not in output.replace("canary-shown", "")
    return Run(done.returncode, output, server.calls[before:])


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """The same playbook with less data, for the tests that run it again and again."""
    shutil.copytree(ROOT / "awx", tmp_path / "awx")
    (tmp_path / "inventory").symlink_to(ROOT / "inventory")
    workflow = yaml.safe_load((ROOT / "awx" / "workflow.yml").read_text("utf-8"))
    verify, approve = (dict(node) for node in workflow["nodes"] if node["identifier"] in ("verify", "approve"))
    verify.pop("failure_nodes")
    approve.pop("success_nodes")
    types = yaml.safe_load((ROOT / "awx" / "credential_types.yml").read_text("utf-8"))
    less = {
        "job_templates": [item for item in TEMPLATES if item["name"] == "Argolab verify"],
        "workflow": {**workflow, "nodes": [verify, approve]},
        "credential_types": [item for item in types if item["name"] == "Argolab cluster (kubeconfig)"],
    }
    for name, data in less.items():
        (tmp_path / "awx" / f"{name}.yml").write_text(yaml.safe_dump(data), "utf-8")
    return tmp_path


def test_the_stand_in_refuses_what_awx_refused(awx: awx_server.Awx) -> None:
    """Each request that the real AWX was sent and refused: the same status, for the same fields."""
    api = awx_facts.Api(awx.address, TOKEN)

    def fetched(project: dict[str, Any]) -> None:
        while api.call("GET", project["url"])[1]["status"] != "successful":
            pass

    for seen, recorded in zip(awx_facts.refusals(api, fetched), awx_server.FACTS["refusals"], strict=True):
        assert seen == recorded
        assert recorded["status"] == 400
    assert not awx.things["projects"]


def allowed(calls: list[awx_server.Call]) -> None:
    """Nothing was refused; that an inventory is no longer found is how its end is seen."""
    refused = [(call.method, call.path, call.body, call.status, call.answer) for call in calls if call.status >= 400]
    assert not [part for part in refused if part[0] != "GET" or not part[1].startswith("/api/v2/inventories/")]


@pytest.mark.usefixtures("awx_awx")
def test_everything_arrives_as_it_is_declared(awx: awx_server.Awx, tmp_path: Path) -> None:
    """All data, clusters as hosts of AWX, a credential that was there, a webhook and no mail; lists come in pages."""
    things = awx.things
    kind = awx.put("credential_types", {"name": "Somebody's", "kind": "cloud", "inputs": {}})
    theirs = {"name": "theirs", "credential_type": kind["id"], "inputs": {}, "organization": 1}
    number = awx.put("credentials", theirs)["id"]
    awx.page_size = 3
    clusters = [
        {"name": "north", "variables": {"lab_domain": "north.example.it", "existing_cluster_context": "north"}},
        {"name": "south"},
    ]
    given: dict[str, Any] = {
        "argolab_awx_clusters": clusters, "argolab_awx_credential": "theirs", "argolab_awx_kubeconfig": "",
        "argolab_awx_mail": {},
    }  # fmt: skip
    # what the job is to render, and not this playbook
    (tmp_path / "more.yml").write_text("argolab_awx_extra_vars: {lab_cache_dir: !unsafe '{{ x }}'}\n")
    run = play(awx, "-e", f"@{tmp_path}/more.yml", **given)
    assert run.code == 0, run.output
    allowed(run.calls)
    assert list(things["credentials"]) == [number]
    assert [item["notification_type"] for item in things["notification_templates"].values()] == ["webhook"]
    hook = next(iter(things["notification_templates"]))
    assert [item["name"] for item in things["job_templates"].values()] == NAMES
    for template in things["job_templates"].values():
        wanted = next(item for item in TEMPLATES if item["name"] == template["name"])
        assert template["playbook"] == wanted["playbook"]
        assert template["skip_tags"] == wanted.get("skip_tags", "")
        assert json.loads(template["extra_vars"]) == {**wanted["extra_vars"], "lab_cache_dir": "{{ x }}"}
        assert awx.surveys.get(("job_templates", template["id"]), {}) == wanted.get("survey_spec", {})
        assert awx.lists[("job_templates", template["id"], "credentials")] == [number]
        assert awx.lists[("job_templates", template["id"], "notification_templates_error")] == [hook]
    nodes = {item["identifier"]: item for item in things["workflow_job_template_nodes"].values()}
    workflow = yaml.safe_load((ROOT / "awx" / "workflow.yml").read_text("utf-8"))
    for node in workflow["nodes"]:
        for links in ("success_nodes", "failure_nodes", "always_nodes"):
            following = awx.lists[("workflow_job_template_nodes", nodes[node["identifier"]]["id"], links)]
            assert following == [nodes[name]["id"] for name in node.get(links, [])]
    assert things["workflow_approval_templates"][nodes["approve"]["unified_job_template"]]["timeout"] > 0
    assert not things["inventory_sources"]
    variables = {item["name"]: json.loads(item["variables"]) for item in things["hosts"].values()}
    assert variables["north"]["lab_domain"] == "north.example.it"
    assert variables["south"]["ansible_connection"] == "local"
    group = next(iter(things["groups"].values()))
    assert json.loads(group["variables"])["cluster_provider"] == "existing"
    assert sorted(awx.lists[("groups", group["id"], "hosts")]) == sorted(things["hosts"])


@pytest.mark.usefixtures("awx_awx")
def test_checked_applied_again_mended_and_removed(awx: awx_server.Awx, few: Path) -> None:
    """One life of the project in an AWX; each part begins with what the one before left."""
    things = awx.things

    run = play(awx, "--check", folder=few)
    assert run.code == 0, run.output
    assert run.changed
    assert not run.written
    assert "job_template Argolab verify" in run.output

    run = play(awx, folder=few)
    assert run.code == 0, run.output
    assert run.changed
    allowed(run.calls)
    source = next(iter(things["inventory_sources"].values()))
    assert (source["source"], source["source_path"]) == ("scm", "inventory/existing")
    (credential,) = things["credentials"].values()
    assert credential["inputs"] == {"kubeconfig": OPTIONS["argolab_awx_kubeconfig"], "context": "prod"}
    assert len(things["notification_templates"]) == 2

    run = play(awx, folder=few)
    assert (run.code, run.changed, run.written) == (0, 0, []), run.output

    # somebody was there
    verify = next(iter(things["job_templates"].values()))
    verify["timeout"], verify["skip_tags"] = 5, "oops"
    nodes = {item["identifier"]: item["id"] for item in things["workflow_job_template_nodes"].values()}
    awx.lists[("workflow_job_template_nodes", nodes["verify"], "success_nodes")].clear()
    next(iter(things["schedules"].values()))["enabled"] = False
    run = play(awx, folder=few)
    assert run.code == 0, run.output
    assert run.changed == 3
    assert re.findall(r"^changed: .*item=(.*)\)$", run.output, re.MULTILINE) == [
        "Argolab verify", "verify", "Argolab verify every morning",
    ]  # fmt: skip
    assert (verify["timeout"], verify["skip_tags"]) == (3600, "")
    assert awx.lists[("workflow_job_template_nodes", nodes["verify"], "success_nodes")] == [nodes["approve"]]
    allowed(run.calls)

    run = play(awx, folder=few, argolab_awx_state="absent")
    assert run.code == 0, run.output
    allowed(run.calls)
    assert {kind for kind, items in things.items() if items} == {"organizations"}


@pytest.mark.usefixtures("awx_awx")
def test_what_has_to_be_there_and_is_not_is_named(awx: awx_server.Awx) -> None:
    run = play(awx, argolab_awx_organization="Nobody", argolab_awx_execution_environment="none of these")
    assert run.code != 0
    assert 'has no organization "Nobody" (argolab_awx_organization), and no execution environment' in one_line(
        run.output
    )
    assert not run.written


@pytest.mark.usefixtures("awx_awx")
def test_a_project_that_awx_cannot_fetch_is_said(awx: awx_server.Awx, few: Path) -> None:
    awx.fetch = "failed"
    run = play(awx, folder=few)
    assert run.code != 0
    assert 'could not fetch the project "Argolab" from https://git.example.it/observability.git' in one_line(run.output)
    assert not awx.things["job_templates"]


@pytest.mark.usefixtures("awx_awx")
@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"CONTROLLER_OAUTH_TOKEN": "another canary"}, "refuses the login (401); make a token"),
        ({"CONTROLLER_HOST": "http://127.0.0.1:1"}, "can not be reached"),
        ({"CONTROLLER_HOST": ""}, "export CONTROLLER_HOST=https://awx.example.it"),
        ({"CONTROLLER_OAUTH_TOKEN": ""}, "export CONTROLLER_OAUTH_TOKEN, a token with scope write"),
    ],
)
def test_no_way_in(awx: awx_server.Awx, environment: dict[str, str], message: str) -> None:
    run = play(awx, environment=environment)
    assert run.code != 0
    assert message in one_line(run.output)
    assert not run.written


@pytest.mark.usefixtures("awx_awx")
def test_wrong_options_are_named_together(awx: awx_server.Awx) -> None:
    run = play(
        awx, argolab_awx_scm_url="somewhere", argolab_awx_context="", argolab_awx_verify_rrule="daily",
        argolab_awx_project_timeout=1, argolab_awx_webhook_url="canary-shown", argolab_awx_inventory_source="../x",
        argolab_awx_clusters=[{"name": "a b"}, {"name": "a b"}], argolab_awx_server="http://x",
    )  # fmt: skip
    assert run.code != 0
    assert not run.calls
    said = one_line(run.output)
    for message in (
        "argolab_awx_scm_url is 'somewhere', which is no address of a git repository; set it to",
        "argolab_awx_project_timeout is 1; it has to be from 10 to 3600 seconds.",
        "argolab_awx_inventory_source is '../x'; it has to be a folder of the project",
        "argolab_awx_clusters has the name 'a b",
        "has a name twice",
        "Only one of argolab_awx_credential, argolab_awx_kubeconfig and argolab_awx_server",
        "argolab_awx_server needs argolab_awx_server_token and argolab_awx_server_ca",
        "argolab_awx_server is 'http://x'",
        "No context is named for a b",
        "argolab_awx_verify_rrule is 'daily'; it has to be such as",
        "argolab_awx_webhook_url is no http:// or https:// address",
    ):
        assert message in said


@pytest.mark.usefixtures("awx_awx")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"argolab_awx_hots": "x"}, "argolab_awx_hots is no option of awx/apply.yml"),
        ({"argolab_awx_state": "gone"}, "value of argolab_awx_state must be one of: present, absent, got: gone"),
        (
            {"argolab_awx_mail": {"host": "x"}},
            "missing required arguments: recipients, sender found in",
        ),
    ],
)
def test_an_option_that_is_none(awx: awx_server.Awx, options: dict[str, Any], message: str) -> None:
    run = play(awx, **options)
    assert run.code != 0
    assert message in one_line(run.output)
    assert not run.calls


def test_without_the_modules_it_says_what_to_install(awx: awx_server.Awx) -> None:
    """As with the package ansible for Python 3.12 and later, which has no awx.awx: there is none in site-packages."""
    if not ANSIBLE.exists():
        pytest.skip("needs ansible-playbook beside the Python that runs pytest")
    run = play(awx, environment={"ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false"})
    assert run.code != 0
    assert "ansible-galaxy collection install awx.awx:24.6.1" in one_line(run.output)
    assert not run.calls


def one_line(output: str) -> str:
    return " ".join(output.replace("''", "'").split())
