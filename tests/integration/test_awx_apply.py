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
WORKFLOW = yaml.safe_load((ROOT / "awx" / "workflow.yml").read_text("utf-8"))
TYPES = yaml.safe_load((ROOT / "awx" / "credential_types.yml").read_text("utf-8"))
NOTIFICATIONS = yaml.safe_load((ROOT / "awx" / "notification_templates.yml").read_text("utf-8"))
(SCHEDULE,) = yaml.safe_load((ROOT / "awx" / "schedules.yml").read_text("utf-8"))
PYTHONPATH = [str(ROOT / "tests/integration/files/compiled"), *filter(None, [os.environ.get("PYTHONPATH")])]
LINKS = ("success_nodes", "failure_nodes", "always_nodes")
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


@pytest.fixture(scope="session")
def awx_awx() -> None:
    """The modules, which the package ansible has for Python 3.11 only."""
    if not ANSIBLE.exists():
        pytest.skip("needs ansible-playbook beside the Python that runs pytest")
    code = "from ansible.plugins.loader import init_plugin_loader as f; f(); import ansible_collections.awx.awx"
    if subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=120, check=False, cwd=ROOT).returncode:
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
        "SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull,
        # for the runs that get as far as to the modules
        **({"PYTHONPATH": os.pathsep.join(PYTHONPATH)} if folder != ROOT else {}), **(environment or {}),
    }  # fmt: skip
    done = subprocess.run(
        [str(ANSIBLE), str(folder / "awx" / "apply.yml"), "-e", json.dumps({**OPTIONS, **more}), *options],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    output = done.stdout + done.stderr
    assert "canary" not in output.replace("canary-shown", "")
    return Run(done.returncode, output, server.calls[before:])


def copied(folder: Path, **less: Any) -> Path:
    """The same playbook with less data: what a module does ten times is proven when it does it twice."""
    shutil.copytree(ROOT / "awx", folder / "awx")
    (folder / "inventory").symlink_to(ROOT / "inventory")
    for name, data in less.items():
        (folder / "awx" / f"{name}.yml").write_text(yaml.safe_dump(data, sort_keys=False), "utf-8")
    return folder


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """Two of what is there several times, with every key that one of all has, and every way of nodes to follow."""
    nodes = {node["identifier"]: node for node in WORKFLOW["nodes"]}
    build, approve = {**nodes["build"], "failure_nodes": ["approve"]}, {**nodes["approve"]}
    verify = {**nodes["verify"], "always_nodes": ["approve"]}
    for name in ("success_nodes", "failure_nodes"):
        del verify[name]
    del approve["success_nodes"]
    templates = [item for item in TEMPLATES if item["name"] in ("Argolab build", "Argolab verify")]
    for whole, part in ((TEMPLATES, templates), (WORKFLOW["nodes"], [build, verify, approve])):
        assert {key for item in whole for key in item} == {key for item in part for key in item}
    return copied(
        tmp_path / "few",
        job_templates=templates,
        workflow={**WORKFLOW, "nodes": [build, verify, approve]},
        credential_types=[item for item in TYPES if item["name"] == "Argolab cluster (kubeconfig)"],
        schedules=[SCHEDULE, {**SCHEDULE, "name": "And every evening"}],
        notification_templates=[item for item in NOTIFICATIONS if item["notification_type"] == "email"],
    )


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


def test_awx_takes_all_that_is_declared(awx: awx_server.Awx) -> None:
    """Each thing as the modules send it, so that the runs of the playbook can do with a few of them."""
    api = awx_facts.Api(awx.address, TOKEN)

    def post(path: str, body: Any) -> dict[str, Any]:
        status, answer, _allow = api.call("POST", f"/api/v2/{path}", body)
        assert status < 300, (path, body, answer)
        return answer or {}

    project = yaml.safe_load((ROOT / "awx" / "project.yml").read_text("utf-8"))
    made = post("projects/", {**project, "organization": 1, "scm_url": OPTIONS["argolab_awx_scm_url"]})
    status = conftest.eventually(lambda: api.call("GET", made["url"])[1]["status"], lambda seen: seen == "successful")
    assert status == "successful"
    where = {"project": made["id"], "inventory": post("inventories/", {"name": "i", "organization": 1})["id"]}
    for item in TYPES:
        post("credential_types/", item)
    numbers = {}
    for item in TEMPLATES:
        body = {key: value for key, value in item.items() if key != "survey_spec"}
        template = post("job_templates/", {**body, **where, "extra_vars": json.dumps(item.get("extra_vars", {}))})
        if "survey_spec" in item:
            post(f"job_templates/{template['id']}/survey_spec/", item["survey_spec"])
        numbers[item["name"]] = template["id"]
    body = {key: value for key, value in WORKFLOW.items() if key not in ("survey_spec", "nodes")}
    workflow = post("workflow_job_templates/", {**body, "organization": 1})["id"]
    post(f"workflow_job_templates/{workflow}/survey_spec/", WORKFLOW["survey_spec"])
    nodes = {}
    for node in WORKFLOW["nodes"]:
        body = {"identifier": node["identifier"], "workflow_job_template": workflow}
        if "unified_job_template" in node:
            body["unified_job_template"] = numbers[node["unified_job_template"]]
        nodes[node["identifier"]] = post("workflow_job_template_nodes/", body)["id"]
        if "approval_node" in node:
            post(
                f"workflow_job_template_nodes/{nodes[node['identifier']]}/create_approval_template/",
                node["approval_node"],
            )
    for node in WORKFLOW["nodes"]:
        for links in LINKS:
            for name in node.get(links, []):
                post(f"workflow_job_template_nodes/{nodes[node['identifier']]}/{links}/", {"id": nodes[name]})
    number = numbers[SCHEDULE["unified_job_template"]]
    post("schedules/", {**SCHEDULE, "unified_job_template": number})


def arrived(awx: awx_server.Awx, folder: Path, **extra_vars: Any) -> None:
    """Templates, workflow, nodes and schedules are there as the files of the folder have them."""
    things = awx.things

    def declared(name: str) -> Any:
        return yaml.safe_load((folder / "awx" / f"{name}.yml").read_text("utf-8"))

    notifications, (credential,) = list(things["notification_templates"]), things["credentials"]
    templates = {item["name"]: item for item in things["job_templates"].values()}
    assert sorted(templates) == sorted(item["name"] for item in declared("job_templates"))
    for wanted in declared("job_templates"):
        template = templates[wanted["name"]]
        for key, value in wanted.items():
            if key not in ("extra_vars", "survey_spec"):
                assert template[key] == value
        assert template["skip_tags"] == wanted.get("skip_tags", "")
        assert json.loads(template["extra_vars"]) == {**wanted["extra_vars"], **extra_vars}
        assert awx.surveys.get(("job_templates", template["id"]), {}) == wanted.get("survey_spec", {})
        assert awx.lists[("job_templates", template["id"], "credentials")] == [credential]
        assert sorted(awx.lists[("job_templates", template["id"], "notification_templates_error")]) == notifications
    workflow = declared("workflow")
    ((number, made),) = things["workflow_job_templates"].items()
    assert made["name"] == workflow["name"]
    assert awx.surveys[("workflow_job_templates", number)] == workflow["survey_spec"]
    for links in ("notification_templates_error", "notification_templates_approvals"):
        assert sorted(awx.lists[("workflow_job_templates", number, links)]) == notifications
    nodes = {item["identifier"]: item for item in things["workflow_job_template_nodes"].values()}
    assert sorted(nodes) == sorted(node["identifier"] for node in workflow["nodes"])
    for node in workflow["nodes"]:
        runs = nodes[node["identifier"]]["unified_job_template"]
        if "approval_node" in node:
            assert things["workflow_approval_templates"][runs]["timeout"] == node["approval_node"]["timeout"] > 0
        else:
            assert runs == templates[node["unified_job_template"]]["id"]
        for links in LINKS:
            following = awx.lists.get(("workflow_job_template_nodes", nodes[node["identifier"]]["id"], links), [])
            assert following == [nodes[name]["id"] for name in node.get(links, [])]
    for item in things["schedules"].values():
        assert item["enabled"]
        assert item["unified_job_template"] == templates[SCHEDULE["unified_job_template"]]["id"]
    assert sorted(item["name"] for item in things["schedules"].values()) == sorted(
        item["name"] for item in declared("schedules")
    )


@pytest.mark.usefixtures("awx_awx")
def test_checked_applied_mended_and_removed(awx: awx_server.Awx, few: Path) -> None:
    """One life of the project in an AWX; each part begins with what the one before left. Lists come in pages."""
    things = awx.things
    awx.page_size = 2

    run = play(awx, "--check", folder=few)
    assert run.code == 0, run.output
    assert run.changed
    assert not run.written
    assert "job_template Argolab verify" in run.output

    run = play(awx, folder=few)
    assert run.code == 0, run.output
    assert run.changed
    allowed(run.calls)
    arrived(awx, few)
    source = next(iter(things["inventory_sources"].values()))
    assert (source["source"], source["source_path"]) == ("scm", "inventory/existing")
    (credential,) = things["credentials"].values()
    assert credential["inputs"] == {"kubeconfig": OPTIONS["argolab_awx_kubeconfig"], "context": "prod"}
    (notification,) = things["notification_templates"].values()
    assert notification["notification_configuration"]["password"] == OPTIONS["argolab_awx_mail"]["password"]

    # Somebody was there. What he left alone, at least one of each kind, is not touched.
    verify = next(item for item in things["job_templates"].values() if item["name"] == "Argolab verify")
    verify["timeout"], verify["skip_tags"] = 5, "oops"
    nodes = {item["identifier"]: item for item in things["workflow_job_template_nodes"].values()}
    awx.lists[("workflow_job_template_nodes", nodes["verify"]["id"], "always_nodes")].clear()
    schedule = next(iter(things["schedules"].values()))
    schedule["enabled"] = False
    run = play(awx, folder=few)
    assert run.code == 0, run.output
    assert run.changed == 3
    assert re.findall(r"^changed: .*item=(.*)\)$", run.output, re.MULTILINE) == [
        "Argolab verify", "verify", SCHEDULE["name"],
    ]  # fmt: skip
    assert [(call.method, call.path) for call in run.written] == [
        ("PATCH", verify["url"]), ("POST", f"{nodes['verify']['url']}always_nodes/"), ("PATCH", schedule["url"]),
    ]  # fmt: skip
    arrived(awx, few)
    allowed(run.calls)

    run = play(awx, folder=few, argolab_awx_state="absent")
    assert run.code == 0, run.output
    allowed(run.calls)
    assert {kind for kind, items in things.items() if items} == {"organizations"}


@pytest.mark.usefixtures("awx_awx")
def test_clusters_as_hosts_after_a_project_that_could_not_be_fetched(awx: awx_server.Awx, tmp_path: Path) -> None:
    """Clusters as hosts of AWX, a credential that was there, a webhook and no mail; at first AWX has no project."""
    things = awx.things
    bare = copied(
        tmp_path / "bare",
        job_templates=[item for item in TEMPLATES if item["name"] == "Argolab verify"],
        workflow={**WORKFLOW, "nodes": []},
        credential_types=[],
        schedules=[],
    )
    kind = awx.put("credential_types", {"name": "Somebody's", "kind": "cloud", "inputs": {}})
    theirs = {"name": "theirs", "credential_type": kind["id"], "inputs": {}, "organization": 1}
    number = awx.put("credentials", theirs)["id"]
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

    awx.fetch = "failed"
    run = play(awx, folder=bare, **given)
    assert run.code != 0
    assert 'could not fetch the project "Argolab" from https://git.example.it/observability.git' in one_line(run.output)
    assert not things["job_templates"]

    awx.fetch = "successful"
    run = play(awx, "-e", f"@{tmp_path}/more.yml", folder=bare, **given)
    assert run.code == 0, run.output
    allowed(run.calls)
    assert list(things["credentials"]) == [number]
    assert [item["notification_type"] for item in things["notification_templates"].values()] == ["webhook"]
    arrived(awx, bare, lab_cache_dir="{{ x }}")
    assert not things["inventory_sources"]
    variables = {item["name"]: json.loads(item["variables"]) for item in things["hosts"].values()}
    assert variables["north"]["lab_domain"] == "north.example.it"
    assert variables["south"]["ansible_connection"] == "local"
    group = next(iter(things["groups"].values()))
    assert json.loads(group["variables"])["cluster_provider"] == "existing"
    assert sorted(awx.lists[("groups", group["id"], "hosts")]) == sorted(things["hosts"])


@pytest.mark.usefixtures("awx_awx")
def test_what_has_to_be_there_and_is_not_is_named(awx: awx_server.Awx) -> None:
    run = play(awx, argolab_awx_organization="Nobody", argolab_awx_execution_environment="none of these")
    assert run.code != 0
    assert 'has no organization "Nobody" (argolab_awx_organization), and no execution environment' in one_line(
        run.output
    )
    assert not run.written


@pytest.mark.usefixtures("awx_awx")
@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"CONTROLLER_OAUTH_TOKEN": "another canary"}, "refuses the login (401); make a token"),
        ({"CONTROLLER_HOST": "http://127.0.0.1:1"}, "can not be reached"),
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
        awx, environment={"CONTROLLER_HOST": "", "CONTROLLER_OAUTH_TOKEN": ""},
        argolab_awx_scm_url="somewhere", argolab_awx_context="", argolab_awx_verify_rrule="daily",
        argolab_awx_project_timeout=1, argolab_awx_webhook_url="canary-shown", argolab_awx_inventory_source="../x",
        argolab_awx_clusters=[{"name": "a b"}, {"name": "a b"}], argolab_awx_server="http://x",
    )  # fmt: skip
    assert run.code != 0
    assert not run.calls
    said = one_line(run.output)
    for message in (
        "export CONTROLLER_HOST=https://awx.example.it",
        "export CONTROLLER_OAUTH_TOKEN, a token with scope write",
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
    ("options", "messages"),
    [
        ({"argolab_awx_hots": "x"}, ["argolab_awx_hots is no option of awx/apply.yml"]),
        (
            {"argolab_awx_state": "gone", "argolab_awx_mail": {"host": "x"}},
            [
                "value of argolab_awx_state must be one of: present, absent, got: gone",
                "missing required arguments: recipients, sender found in",
            ],
        ),
    ],
)
def test_an_option_that_is_none(awx: awx_server.Awx, options: dict[str, Any], messages: list[str]) -> None:
    run = play(awx, **options)
    assert run.code != 0
    for message in messages:
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
