# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where role package_artifacts takes artifacts from: what was decided for a cluster holds as long as the cluster."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import free_port, run_playbook

SAID = "{{ {'source': artifact_source_effective, 'asked': __package_artifacts_source is not skipped} | to_json }}"
ROLE = {"name": "argolab.observability.package_artifacts", "tasks_from": "source"}
PLAY = [
    {
        "hosts": "all", "gather_facts": False,
        "tasks": [
            {"name": "Decide", "ansible.builtin.import_role": ROLE},
            {"name": "Say it", "ansible.builtin.copy": {"dest": "{{ said }}", "mode": "0644", "content": SAID}},
        ],
    }
]  # fmt: skip
UPSTREAM = {"cluster": "mine", "provider": "k3d", "artifact_source": "upstream"}
# What site.yml wrote, and what the user says.
CASES: dict[str, tuple[dict[str, str] | None, dict[str, str]]] = {
    "kept": (UPSTREAM, {}),
    "none": (None, {}),
    "other_cluster": ({**UPSTREAM, "cluster": "another"}, {}),
    "other_provider": ({**UPSTREAM, "provider": "existing"}, {}),
    "silent": ({"cluster": "mine", "provider": "k3d"}, {}),
    "unwanted": (UPSTREAM, {"package_artifacts_record": ""}),
    "chosen": (UPSTREAM, {"artifact_source": "packages"}),
}


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """For each case the source, and whether a registry was asked; none answers here."""
    folder = tmp_path_factory.mktemp("sources")
    hosts: dict[str, Any] = {}
    for name, (record, said) in CASES.items():
        (folder / name).mkdir()
        if record:
            (folder / name / "lab.json").write_text(json.dumps(record), encoding="utf-8")
        hosts[name] = {"lab_build_dir": str(folder / name), "said": str(folder / name / "said.json"), **said}
    shared = {
        "lab_cache_dir": str(folder / "cache"), "k3d_cluster_name": "mine",
        "package_artifacts_probe_urls": [f"http://127.0.0.1:{free_port()}/v2/"],
    }  # fmt: skip
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    done = run_playbook(folder, PLAY, shared, inventory=str(folder / "hosts.json"))
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: json.loads((folder / name / "said.json").read_text(encoding="utf-8")) for name in CASES}


def test_a_cluster_keeps_its_source_and_nothing_is_asked(decided: dict[str, dict[str, Any]]) -> None:
    assert decided["kept"] == {"source": "upstream", "asked": False}


@pytest.mark.parametrize("name", [name for name in CASES if name != "kept"])
def test_anything_else_is_asked_for(decided: dict[str, dict[str, Any]], name: str) -> None:
    assert decided[name] == {"source": "packages", "asked": True}
