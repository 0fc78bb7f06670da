# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many clusters at once, with the real playbooks: none is lost, none stops the others, none writes over another."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "evidence.schema.json").read_text(encoding="utf-8"))
SECRET = "canary-secret-d41d8c"
# How each cluster fares; the last one cannot be reached by Ansible itself.
WAYS = ("fine", "check", "preflight", "half", "secret", "unreachable")
RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d)\s+failed=(\d)", re.MULTILINE)


class Run(NamedTuple):
    """One run of ansible-playbook."""

    code: int
    output: str
    # By host: whether it failed, unreachable or not.
    failed: dict[str, bool]
    artifacts: dict[str, Any]


def play(playbook: Path, inventory: Any, folder: Path, *options: str) -> Run:
    where = str(inventory)
    if isinstance(inventory, dict):
        where = str(folder / "inventory.yml")
        Path(where).write_text(yaml.safe_dump(inventory, sort_keys=False), encoding="utf-8")
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_SHOW_CUSTOM_STATS": "1",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
    }
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", where, str(playbook), *options]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    output = done.stdout + done.stderr
    recap = {host: away != "0" or bad != "0" for host, _changed, away, bad in RECAP.findall(output)}
    stats = re.search(r"^\tRUN: (.*)$", output, re.MULTILINE)
    kept = json.loads(stats[1])["argolab_evidence"] if stats else {}
    return Run(done.returncode, output, recap, kept)


def clusters(folder: Path, *ways: str) -> dict[str, Any]:
    hosts: dict[str, Any] = {way: {"way": way} for way in ways}
    if "unreachable" in hosts:
        hosts["unreachable"].update(
            ansible_connection="ssh", ansible_host="127.0.0.1", ansible_port=1, ansible_ssh_retries=0
        )
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "cluster_provider": "existing",
        "lab_build_dir": f"{folder}/build/{{{{ inventory_hostname }}}}",
        "secret": SECRET,
    }
    return {"clusters": {"hosts": hosts, "vars": variables}}


def seen(folder: Path) -> dict[str, Any]:
    document = json.loads((folder / "build" / "evidence" / "evidence.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    return dict(document)


def test_every_cluster_is_in_the_evidence_whatever_became_of_it(tmp_path: Path) -> None:
    run = play(ROOT / "tests/integration/files/fleet.yml", clusters(tmp_path, *WAYS), tmp_path, "--forks", "6")
    assert run.code != 0, run.output
    assert run.failed == {way: way != "fine" for way in WAYS}
    fleet = seen(tmp_path)
    assert fleet["verdicts"] == {"passed": 1, "incomplete": 0, "failed": 5, "total": 6}
    assert [cluster["name"] for cluster in fleet["clusters"]] == list(WAYS)
    why = {one["cluster"]: (one["name"], one["observed"], one["detail"]) for one in fleet["failures"]}
    assert why["check"][:2] == ("target x", "check")
    assert why["preflight"][:2] == (
        "Nothing is wrong with the options", "demo_port is 70000; expected a number from 1 to 65535",
    )  # fmt: skip
    assert why["half"][:2] == ("Install what is needed", "One or more items failed")
    assert why["half"][2].splitlines() == ["non-zero return code", "no space left"]
    assert why["secret"][:2] == ("Log in", "the reason is hidden, as the task handles secrets (no_log)")
    assert why["unreachable"][1] == "no evidence of this cluster"
    # The artifacts say the same of each, and the reruns that are proposed are of one cluster.
    assert {host: kept["verdict"] for host, kept in run.artifacts.items()} == {
        way: "passed" if way == "fine" else "failed" for way in WAYS
    }
    assert run.artifacts["half"]["failures"][0]["next"].endswith("site.yml --limit half")
    assert run.artifacts["unreachable"]["failures"][0]["next"].endswith("playbooks/verify.yml --limit unreachable")
    # Each has files of its own, those of what failed too, so that no older ones speak for it.
    for way in WAYS[:-1]:
        path = Path(run.artifacts[way]["files"]["json"])
        assert path == tmp_path / "build" / way / "evidence" / "evidence.json"
        own = json.loads(path.read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator(SCHEMA).validate(own)
        assert own["verdict"] == run.artifacts[way]["verdict"]
    assert run.artifacts["unreachable"]["files"] == {}
    page = (tmp_path / "build" / "evidence" / "index.html").read_text(encoding="utf-8")
    assert all(f"../{way}/evidence/index.html" in page for way in WAYS[:-1])
    written = [run.output, *(path.read_text(encoding="utf-8") for path in (tmp_path / "build").rglob("*.*"))]
    assert len(written) == 1 + 3 * 6
    assert [text for text in written if SECRET in text] == []


def test_the_page_is_written_where_none_is_left(tmp_path: Path) -> None:
    inventory = clusters(tmp_path, "half", "preflight")
    run = play(ROOT / "tests/integration/files/fleet.yml", inventory, tmp_path, "--forks=1")
    assert run.code != 0 and set(run.failed.values()) == {True}
    assert {failure["cluster"] for failure in seen(tmp_path)["failures"]} == {"half", "preflight"}
    assert set(run.artifacts) == {"half", "preflight"}


def test_one_cluster_of_many_is_a_cluster_alone(tmp_path: Path) -> None:
    inventory = clusters(tmp_path, "fine", "check")
    run = play(ROOT / "tests/integration/files/fleet.yml", inventory, tmp_path, "--limit", "fine")
    assert (run.code, run.failed) == (0, {"fine": False}), run.output
    assert not (tmp_path / "build" / "evidence").exists()
    assert json.loads((tmp_path / "build/fine/evidence/evidence.json").read_text(encoding="utf-8"))["schema"] == 1
    assert "Verification of" not in run.output


def kubeconfig(path: Path, server: str) -> str:
    content = {
        "apiVersion": "v1", "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"token": SECRET}}],
    }  # fmt: skip
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return str(path)


def test_clusters_that_cannot_be_reached_are_verified_as_failed(tmp_path: Path) -> None:
    """The real playbook, up to where a cluster would be needed."""
    inventory = clusters(tmp_path, "away", "absent", "misspelt")
    inventory["clusters"]["vars"].update(artifact_source="packages", existing_cluster_context="c")
    hosts = inventory["clusters"]["hosts"]
    away = kubeconfig(tmp_path / "away", "https://127.0.0.1:1")
    hosts["away"]["existing_cluster_kubeconfig"] = away
    hosts["absent"]["existing_cluster_kubeconfig"] = str(tmp_path / "none")
    hosts["misspelt"].update(existing_cluster_kubeconfig=away, existing_cluster_kubeconfg="x", cluster_kubeconfig=away)
    hosts["misspelt"].update(cluster_context="c", verification_domian="x")
    run = play(ROOT / "playbooks" / "verify.yml", inventory, tmp_path)
    assert run.code != 0 and set(run.failed.values()) == {True}, run.output
    why = {failure["cluster"]: failure["observed"] + failure["detail"] for failure in seen(tmp_path)["failures"]}
    assert "connection refused" in why["away"]
    assert "none does not exist" in why["absent"]
    assert "verification_domian (did you mean verification_domain?)" in why["misspelt"]
    written = [run.output, *(path.read_text(encoding="utf-8") for path in (tmp_path / "build").rglob("*.*"))]
    assert [text for text in written if SECRET in text] == []


def test_clusters_in_each_others_way_are_refused_before_anything_is_changed(tmp_path: Path) -> None:
    inventory = clusters(tmp_path, "one", "two", "three")
    inventory["clusters"]["vars"].update(artifact_source="packages", lab_cache_dir=str(tmp_path / "cache"))
    inventory["clusters"]["vars"].update(existing_cluster_kubeconfig=str(tmp_path / "none"), lab_domain="a.it")
    hosts = inventory["clusters"]["hosts"]
    for name, context in (("one", "x"), ("two", "x"), ("three", "y")):
        hosts[name]["existing_cluster_context"] = context
    run = play(ROOT / "site.yml", inventory, tmp_path, "--tags", "monitoring", "--skip-tags", "names")
    assert run.code != 0
    assert "one and two have the same cluster (kubeconfig" in run.output and "argo_cd_namespace argocd" in run.output
    assert run.artifacts["one"]["failures"][0]["cause"] == "hosts_clash"
    assert not (tmp_path / "build" / "one").exists() and not (tmp_path / "build" / "two").exists()
    # The third goes on, as far as it can.
    assert "none does not exist" in json.dumps(run.artifacts["three"])


@pytest.mark.parametrize("inventory", ["several", "fleet"])
def test_example_inventories_do_not_clash_until_they_are_made_to(tmp_path: Path, inventory: str) -> None:
    playbook = tmp_path / "clashes.yml"
    tasks = [
        {"argolab.observability.fleet_hosts": {"hosts": "{{ ansible_play_hosts_all }}"}, "register": "seen"},
        {"ansible.builtin.debug": {"msg": "CLASHES {{ seen.clashes | to_json }} END"}, "run_once": True},
    ]
    playbook.write_text(json.dumps([{"hosts": "clusters", "gather_facts": False, "tasks": tasks}]))
    run = play(playbook, ROOT / "inventory" / inventory, tmp_path, "-e", "lab_domain=same.example.it")
    assert run.code == 0, run.output
    (told,) = re.findall(r"CLASHES (.*?) END", run.output.replace('\\"', '"'))
    clashes = json.loads(told)
    assert len(clashes) == len(run.failed) > 1
    names = ("prometheus", "alertmanager", "grafana", "argocd")
    for problems in clashes.values():
        # The names, and nothing else.
        assert [re.findall(r"same name (\S+) for /etc/hosts", text) for text in problems] == [
            [f"{name}.same.example.it"] for name in names
        ]
