# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets are planted into every way in, a whole run is made as loud as Ansible can, and all that it wrote is searched.

The Prometheus is real and lets only the right password in, so a part of the run succeeds with its secret; the other
parts fail with theirs, because messages of failures are where secrets come out.
"""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import debian_prometheus, running

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "docs" / "evidence.schema.json"
PASSWORD = "canary-password-9f2c"
# Made of PASSWORD by crypt(3) with bcrypt.
PASSWORD_HASH = "$2b$04$LaVXPrgfDoSbkjaAhPQtL.qsYkZGxX/ThTLPWxrQrSmyq5Z/xqP9."
SECRETS = {
    "password": PASSWORD,
    "wrong_password": "canary-wrong-password-71aa",
    "bearer_token": "canary-bearer-3b90",
    "kube_token": "canary-kube-token-55d1",
    "kube_password": "canary-kube-password-e8c4",
    "url_password": "canary-url-password-0d7e",
    "url_token": "canary-url-token-4f62",
}
MODULES_OF_CLUSTER = {
    "cluster_checks": {},
    "scrape_coverage": {"pools": ["serviceMonitor/argocd/argocd-server/0"]},
    "rule_coverage": {},
    "argocd_applications": {"applications": [{"name": "guestbook"}]},
    "prometheus_targets": {"expected": [{"job": "x"}]},
    "prometheus_rules": {"all_healthy": True},
    "prometheus_query": {"queries": [{"expr": "up"}]},
}


def playbook(url: str, pki: Any, folder: Path) -> list[dict[str, Any]]:
    """Every way in with its secret; the last task writes down what all of them returned."""
    secret = {name: f"{{{{ secrets.{name} }}}}" for name in SECRETS}
    tls = {"ca_path": pki.ca_cert}
    user = {"username": "reader"}
    host = url.removeprefix("https://")
    ways: dict[str, tuple[str, dict[str, Any]]] = {
        "right": ("prometheus_query", {"url": url, **tls, **user, "password": secret["password"]}),
        "wrong": ("prometheus_query", {"url": url, **tls, **user, "password": secret["wrong_password"]}),
        "bearer": ("prometheus_query", {"url": url, **tls, "bearer_token": secret["bearer_token"]}),
        "both": ("prometheus_query", {"url": url, **tls, **user, "password": secret["wrong_password"],
                                      "bearer_token": secret["bearer_token"]}),
        "in the URL": ("prometheus_query", {"url": f"https://reader:{secret['url_password']}@{host}", **tls}),
        "asked in the URL": ("prometheus_query", {"url": f"{url}/?token={secret['url_token']}", **tls}),
    }  # fmt: skip
    common = {"queries": [{"expr": "vector(1)"}], "wait_timeout": 0}
    tasks = [task(name, module, {**options, **common}) for name, (module, options) in ways.items()]
    for kind in ("file", "inline"):
        for module, options in MODULES_OF_CLUSTER.items():
            kubeconfig = str(folder / "kubeconfig") if kind == "file" else "{{ inline }}"
            tasks.append(
                task(
                    f"{module} {kind}",
                    module,
                    {"kubeconfig": kubeconfig, "context": "lab", "wait_timeout": 0, **options},
                )
            )
    parts = [
        {"module": module, "kind": module, "title": module, "options": options}
        for module, options in MODULES_OF_CLUSTER.items()
    ]
    address = f"https://reader:{secret['url_password']}@{host}"
    parts.append({"module": "endpoint_checks", "kind": "http", "title": "HTTP", "options": {"url": address}})
    common = {"context": "lab", "wait_timeout": 0, "parts": parts}
    tasks.append(task("verify file", "verify", {"kubeconfig": str(folder / "kubeconfig"), **common}))
    tasks.append(task("verify inline", "verify", {"kubeconfig": "{{ inline }}", **common, "parts": parts[:-1]}))
    names = [entry["name"] for entry in tasks]
    groups = [{"kind": "x", "title": name, "result": f"{{{{ {register(name)} }}}}"} for name in names]
    tasks.append(
        {
            "name": "write",
            "argolab.observability.evidence": {
                "path": str(folder / "evidence"), "groups": groups,
                "cluster": {"context": "lab", "kubeconfig": str(folder / "kubeconfig")},
            },
            "register": "written",
        }
    )  # fmt: skip
    tasks.append({"name": "all of it", "ansible.builtin.debug": {"msg": "{{ [written] + " + " + ".join(
        f"[{register(name)}]" for name in names) + " }}"}})  # fmt: skip
    return [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}]


def register(name: str) -> str:
    return "r_" + name.replace(" ", "_")


def task(name: str, module: str, options: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name, f"argolab.observability.{module}": options, "register": register(name), "failed_when": False,
    }  # fmt: skip


@pytest.fixture
def locked(pki: Any, tmp_path: Path) -> Iterator[str]:
    """A real Prometheus with TLS that lets only PASSWORD in."""
    folder = tmp_path / "prometheus"
    folder.mkdir()
    (folder / "web.yml").write_text(
        f"tls_server_config: {{cert_file: {pki.server_cert}, key_file: {pki.server_key}}}\n"
        f"basic_auth_users: {{reader: {PASSWORD_HASH}}}\n"
    )
    config = "scrape_configs: [{job_name: none, static_configs: []}]\n"
    trusting = ssl.create_default_context(cafile=pki.ca_cert)
    with running(debian_prometheus(), folder, config, f"--web.config.file={folder}/web.yml", probe=trusting) as address:
        yield f"https://{address}"


def forms(secret: str) -> set[str]:
    """The shapes in which a secret would come out."""
    as_login = f"reader:{secret}".encode()
    return {
        secret, urllib.parse.quote(secret), base64.b64encode(secret.encode()).decode(),
        base64.b64encode(as_login).decode(), secret[::-1],
    }  # fmt: skip


def test_no_secret_is_in_anything_that_a_run_writes(locked: str, pki: Any, tmp_path: Path) -> None:
    key = Path(pki.client_key).read_text(encoding="ascii")
    certificate = Path(pki.client_cert).read_bytes()
    user = {
        "token": SECRETS["kube_token"], "client-certificate-data": base64.b64encode(certificate).decode(),
        "client-key-data": base64.b64encode(key.encode()).decode(),
    }  # fmt: skip
    kubeconfig = {
        "apiVersion": "v1", "kind": "Config", "current-context": "lab",
        "clusters": [{"name": "c", "cluster": {
            "server": locked, "certificate-authority-data": base64.b64encode(Path(pki.ca_cert).read_bytes()).decode(),
        }}],
        "users": [{"name": "u", "user": user}, {"name": "v", "user": {
            "username": "admin", "password": SECRETS["kube_password"]}}],
        "contexts": [{"name": "lab", "context": {"cluster": "c", "user": "u"}}],
    }  # fmt: skip
    (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig))
    (tmp_path / "play.yml").write_text(json.dumps(playbook(locked, pki, tmp_path)))
    (tmp_path / "secrets.json").write_text(json.dumps({"secrets": SECRETS, "inline": kubeconfig}))
    environment = {
        **os.environ,
        "ANSIBLE_LOG_PATH": str(tmp_path / "ansible.log"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_NOCOLOR": "1",
    }
    program = Path(sys.executable).parent / "ansible-playbook"
    command = [str(program), "-i", "localhost,", "-vvv", "--diff", "-e", f"@{tmp_path}/secrets.json", "play.yml"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
    said = json.loads((tmp_path / "evidence" / "evidence.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(said)
    # The run did what it was to do: one way in was right, and every other one failed with something to say.
    assert said["counts"]["passed"] == 1
    assert said["counts"]["failed"] >= 5 + 2 * len(MODULES_OF_CLUSTER)
    written = {"stdout": done.stdout, "stderr": done.stderr}
    for path in [tmp_path / "ansible.log", *(tmp_path / "evidence").iterdir()]:
        written[path.name] = path.read_text(encoding="utf-8")
    assert set(written) == {"stdout", "stderr", "ansible.log", "index.html", "evidence.json", "junit.xml"}
    assert all(len(text) > 1000 for name, text in written.items() if name != "stderr")
    planted = {**SECRETS, "client_key": key.splitlines()[1], "client_key_data": user["client-key-data"]}
    found = [
        (name, where)
        for name, secret in planted.items()
        for form in forms(secret)
        for where, text in written.items()
        if form in text
    ]
    assert found == []
