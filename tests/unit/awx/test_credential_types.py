# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The credential types, rendered as AWX does it and read by what the jobs run."""

from __future__ import annotations

import base64
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
import yaml
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import access_from_kubeconfig
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_access import (
    ACCESS_ARGUMENT_SPEC,
    client_from_params,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

ROOT = Path(__file__).resolve().parents[3]
TYPES = {item["name"]: item for item in yaml.safe_load((ROOT / "awx" / "credential_types.yml").read_text("utf-8"))}
IDENTIFIER = "^[a-zA-Z_]+[a-zA-Z0-9_]*$"
STRINGS = {"type": "object", "patternProperties": {IDENTIFIER: {"type": "string"}}, "additionalProperties": False}
# What AWX accepts: CredentialTypeInputField and CredentialTypeInjectorField in awx/main/fields.py, 24.6.1.
FIELD = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": IDENTIFIER},
        "label": {"type": "string"},
        "type": {"enum": ["string", "boolean"]},
        "help_text": {"type": "string"},
        "multiline": {"type": "boolean"},
        "secret": {"type": "boolean"},
    },
    "required": ["id", "label"],
    "additionalProperties": False,
}
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "description": {"type": "string"},
        "kind": {"enum": ["cloud", "net"]},
        "inputs": {
            "type": "object",
            "properties": {
                "fields": {"type": "array", "items": FIELD},
                "required": {"type": "array", "items": {"type": "string"}},
            },
            "additionalProperties": False,
        },
        "injectors": {
            "type": "object",
            "properties": {
                "file": {
                    "type": "object",
                    "patternProperties": {r"^template(\.[a-zA-Z_]+[a-zA-Z0-9_]*)?$": {"type": "string"}},
                    "additionalProperties": False,
                },
                "env": STRINGS,
                "extra_vars": STRINGS,
            },
            "additionalProperties": False,
        },
    },
    "required": ["name", "kind", "inputs", "injectors"],
    "additionalProperties": False,
}


def inject(name: str, folder: Path, **inputs: str) -> tuple[dict[str, str], dict[str, str]]:
    """Environment and extra variables: each file template becomes a file whose path the other templates know."""
    environment = ImmutableSandboxedEnvironment()
    injectors = TYPES[name]["injectors"]
    files: dict[str, str] = {}
    for key, template in (injectors.get("file") or {}).items():
        path = folder / key
        path.write_text(environment.from_string(template).render(**inputs), "utf-8")
        files[key] = str(path)
    one = files.get("template")
    filename: Any = one or SimpleNamespace(**{key.partition(".")[2]: path for key, path in files.items()})
    space = {**inputs, "tower": SimpleNamespace(filename=filename)}

    def rendered(kind: str) -> dict[str, str]:
        return {
            key: environment.from_string(text).render(**space) for key, text in (injectors.get(kind) or {}).items()
        }

    return rendered("env"), rendered("extra_vars")


@pytest.mark.parametrize("name", list(TYPES))
def test_awx_accepts_it(name: str) -> None:
    item = TYPES[name]
    jsonschema.validate(item, SCHEMA)
    fields = [field["id"] for field in item["inputs"]["fields"]]
    assert len(fields) == len(set(fields))
    assert set(item["inputs"]["required"]) <= set(fields)
    # AWX refuses one unnamed template beside named ones
    names = set(item["injectors"].get("file") or {})
    assert "template" not in names or names == {"template"}


@pytest.mark.parametrize("name", list(TYPES))
def test_what_is_secret_is_encrypted_and_no_variable(name: str) -> None:
    item = TYPES[name]
    secret = {field["id"] for field in item["inputs"]["fields"] if field.get("secret")}
    assert {field for field in ("token", "password", "bearer_token", "kubeconfig") if field in str(item["inputs"])}
    assert secret
    for text in (item["injectors"].get("extra_vars") or {}).values():
        assert not any(field in text.replace("tower.filename", "") for field in secret)


def test_a_kubeconfig_arrives_as_it_is(tmp_path: Path) -> None:
    content = {
        "clusters": [{"name": "c", "cluster": {"server": "https://api.example.it:6443"}}],
        "users": [{"name": "u", "user": {"token": 'quote"d'}}],
        "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "u"}}],
    }
    text = yaml.safe_dump(content)
    _env, variables = inject("Argolab cluster (kubeconfig)", tmp_path, kubeconfig=text, context="prod")
    assert variables["existing_cluster_context"] == "prod"
    access = access_from_kubeconfig(variables["existing_cluster_kubeconfig"], "prod")
    assert (access.server, access.token) == ("https://api.example.it:6443", 'quote"d')


def test_a_service_account_becomes_a_kubeconfig(tmp_path: Path) -> None:
    ca = base64.b64encode(b"-----BEGIN CERTIFICATE-----\n").decode()
    _env, variables = inject(
        "Argolab cluster (service account)",
        tmp_path,
        server="https://api.example.it:6443",
        token="a.b-c",
        ca=f"{ca[:10]}\n{ca[10:]}\n",
    )
    access = access_from_kubeconfig(
        variables["existing_cluster_kubeconfig"], variables["existing_cluster_context"]
    )
    assert (access.server, access.token) == ("https://api.example.it:6443", "a.b-c")
    assert access.ca_data == "-----BEGIN CERTIFICATE-----\n"


def defaults() -> dict[str, Any]:
    return {name: option.get("default") for name, option in ACCESS_ARGUMENT_SPEC.items()}


def test_the_address_of_prometheus_reaches_the_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env, variables = inject(
        "Argolab Prometheus (URL)", tmp_path, url="http://127.0.0.1:9090", username="me", password="canary"
    )
    assert variables == {}
    for key, value in env.items():
        monkeypatch.setenv(key, value)
    client = client_from_params(defaults())
    assert client.name == "Prometheus at http://127.0.0.1:9090"
    assert "canary" not in client.description
    # an option that is given wins
    assert "other" in client_from_params({**defaults(), "url": "http://other.example.it"}).name
    monkeypatch.setenv("ARGOLAB_PROMETHEUS_PASSWORD", "")
    with pytest.raises(Exception, match="username and password belong together"):
        client_from_params(defaults())


def test_only_what_prometheus_needs_is_injected() -> None:
    names = set(TYPES["Argolab Prometheus (URL)"]["injectors"]["env"])
    assert {name.removeprefix("ARGOLAB_PROMETHEUS_").lower() for name in names} <= set(ACCESS_ARGUMENT_SPEC)
