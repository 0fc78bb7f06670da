# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role verification where there is nothing to see, or nowhere to write it: a verdict, a reason, and a next command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import free_port, run_playbook

PLAY = [
    {
        "hosts": "all", "gather_facts": False,
        "tasks": [{"name": "Verify", "ansible.builtin.import_role": {"name": "argolab.observability.verification"}}],
    }
]  # fmt: skip


def verify(folder: Path, **more: str) -> str:
    """What the playbook says of a cluster that does not answer."""
    kubeconfig = {
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{free_port()}"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"token": "canary-token"}}],
    }  # fmt: skip
    (folder / "kubeconfig").write_text(json.dumps(kubeconfig), encoding="utf-8")
    known = {
        "cluster_kubeconfig": str(folder / "kubeconfig"), "cluster_context": "c", "cluster_ingress_endpoints": [],
        "cluster_ingress_class": "traefik", "verification_wait_timeout": 0,
        "lab_build_dir": str(folder / "build"), "lab_domain": "example.it", **more,
    }  # fmt: skip
    done = run_playbook(folder, PLAY, known)
    assert done.returncode != 0, done.stdout
    assert "canary-token" not in done.stdout + done.stderr
    return done.stdout


def test_a_cluster_that_does_not_answer_has_its_evidence(tmp_path: Path) -> None:
    said = verify(tmp_path)
    assert "Verification failed: 0 checks passed" in said
    written = json.loads((tmp_path / "build" / "evidence" / "evidence.json").read_text(encoding="utf-8"))
    assert (written["verdict"], written["cluster"]["context"]) == ("failed", "c")
    assert {entry["cause"] for entry in written["failures"]} >= {"cluster_unreachable"}
    assert str(tmp_path / "build" / "evidence" / "index.html") in said


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="there is no folder in which nobody can write")
def test_evidence_that_cannot_be_written_is_a_failure_with_that_reason(tmp_path: Path) -> None:
    said = verify(tmp_path, verification_evidence_dir="/proc/nowhere")
    assert "evidence cannot be written to /proc/nowhere" in said
    assert "Verification failed: 0 checks passed, 1 failed." in said
    assert "Next: ansible-playbook" in said
