# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.helm_access import absolute_paths, helm_access

CONFIG = {
    "current-context": "lab",
    "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1", "certificate-authority": "pki/ca.pem"}}],
    "users": [{"name": "u", "user": {"client-certificate": "/abs/c.pem", "client-key": "c.key", "token": "s3cret"}}],
    "contexts": [{"name": "lab", "context": {"cluster": "c", "user": "u"}}],
}


def test_a_path_is_handed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with helm_access("~/lab.kubeconfig", "lab") as arguments:
        assert arguments == ["--kubeconfig", f"{tmp_path}/lab.kubeconfig", "--kube-context", "lab"]


@pytest.mark.parametrize("given", [CONFIG, json.dumps(CONFIG, indent=1)], ids=["mapping", "text"])
def test_content_becomes_a_private_file_that_is_gone_afterwards(given: object) -> None:
    with helm_access(given) as arguments:
        option, path = arguments
        assert option == "--kubeconfig"
        assert os.stat(path).st_mode & 0o777 == 0o600
        written = json.loads(Path(path).read_text(encoding="utf-8"))
        assert written["users"][0]["user"]["token"] == "s3cret"
    assert not os.path.exists(path)


def test_the_file_is_gone_also_when_helm_fails() -> None:
    with pytest.raises(RuntimeError), helm_access(CONFIG) as arguments:
        raise RuntimeError
    assert not os.path.exists(arguments[1])


@pytest.mark.parametrize("kubeconfig", [None, "in-cluster"])
def test_without_a_kubeconfig_the_default_file_is_not_read(kubeconfig: str | None) -> None:
    with helm_access(kubeconfig) as arguments:
        assert json.loads(Path(arguments[1]).read_text(encoding="utf-8")) == {}


def test_relative_paths_start_from_the_folder_that_they_were_given_in() -> None:
    moved = absolute_paths(CONFIG, "/home/me")
    assert moved["clusters"][0]["cluster"]["certificate-authority"] == "/home/me/pki/ca.pem"
    assert moved["users"][0]["user"] == {
        "client-certificate": "/abs/c.pem", "client-key": "/home/me/c.key", "token": "s3cret",
    }  # fmt: skip
    assert CONFIG["clusters"][0]["cluster"]["certificate-authority"] == "pki/ca.pem"


@pytest.mark.parametrize("broken", [{"clusters": None}, {"users": ["x"]}, {"users": [{"user": None}]}])
def test_what_is_broken_stays_for_helm_to_name(broken: dict[str, object]) -> None:
    assert absolute_paths(broken, "/x") == broken
