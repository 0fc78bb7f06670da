# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of ConfigMaps is predicted as sidecar and provider do it, whatever is in them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.grafana_files import (
    DashboardFile,
    Provider,
    Sidecar,
    collisions,
    files_of,
    label_problem,
    provider_from_texts,
    provider_map,
    sidecar_from_pod,
)
from hypothesis import given
from hypothesis import strategies as st

SIDECAR = Sidecar("grafana_dashboard", "1", "/tmp/dashboards")
FLAT = Provider("/tmp/dashboards")
TREE = Provider("/tmp/dashboards", from_files=True)


def config_map(name: str = "a", folder: str = "", labels: dict[str, str] | None = None, **data: Any) -> dict[str, Any]:
    texts = {
        key.replace("_", "."): value if isinstance(value, str) else json.dumps(value) for key, value in data.items()
    }
    return {
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": "team",
            "labels": {"grafana_dashboard": "1"} if labels is None else labels,
            "annotations": {"k8s-sidecar-target-directory": folder} if folder else {},
        },
        "data": texts,
    }


def only(found: list[DashboardFile]) -> DashboardFile:
    assert len(found) == 1
    return found[0]


def container(**env: str) -> dict[str, Any]:
    return {"name": "grafana-sc-dashboard", "env": [{"name": key, "value": value} for key, value in env.items()]}


def test_the_sidecar_is_read_from_the_pod_of_the_chart() -> None:
    datasources = {**container(LABEL="grafana_datasource", FOLDER="/x"), "name": "grafana-sc-datasources"}
    dashboards = container(
        LABEL="grafana_dashboard", LABEL_VALUE="1", FOLDER="/tmp/dashboards", RESOURCE="both", NAMESPACE="ALL",
        REQ_URL="http://localhost:3000/api/admin/provisioning/dashboards/reload",
    )  # fmt: skip
    found = sidecar_from_pod({"containers": [datasources, dashboards, {"name": "grafana"}]}, "monitoring")
    assert found == Sidecar("grafana_dashboard", "1", "/tmp/dashboards", kinds=("ConfigMap", "Secret"))
    assert sidecar_from_pod({"containers": [datasources]}, "monitoring") is None
    assert sidecar_from_pod({}, "monitoring") is None


@pytest.mark.parametrize(
    ("namespace", "searched"), [("", ("monitoring",)), ("a, b", ("a", "b")), ("ALL", None), ("a,ALL", None)]
)
def test_without_a_namespace_the_sidecar_searches_its_own(namespace: str, searched: Any) -> None:
    found = sidecar_from_pod(
        {"containers": [container(LABEL="x", FOLDER="/y", **({"NAMESPACE": namespace} if namespace else {}))]},
        "monitoring",
    )
    assert found is not None
    assert found.namespaces == searched
    assert found.value == ""


def test_the_provider_is_the_one_that_reads_the_sidecars_folder() -> None:
    text = (
        "apiVersion: 1\nproviders:\n  - {name: other, options: {path: /var/dashboards}}\n"
        "  - {name: s, folder: Team, options: {path: /tmp/dashboards/, foldersFromFilesStructure: true}}\n"
    )
    assert provider_from_texts([text], "/tmp/dashboards") == Provider("/tmp/dashboards", "Team", True)
    assert provider_from_texts([text], "/tmp/other") is None
    assert provider_from_texts(["a: [", "7", "providers: [x, null]", ""], "/tmp/dashboards") is None
    assert provider_from_texts([text], "/tmp/dashboards/deeper") is not None


def test_the_providers_map_is_the_one_that_is_mounted_where_grafana_looks() -> None:
    mounts = [
        {"name": "config", "mountPath": "/etc/grafana/grafana.ini"},
        {"name": "p", "mountPath": "/etc/grafana/provisioning/dashboards/sc-dashboardproviders.yaml"},
    ]
    pod = {
        "containers": [{"name": "grafana", "volumeMounts": mounts}],
        "volumes": [{"name": "config", "configMap": {"name": "c"}}, {"name": "p", "configMap": {"name": "providers"}}],
    }
    assert provider_map(pod) == "providers"
    assert provider_map({**pod, "volumes": []}) == ""


@pytest.mark.parametrize(
    ("obj", "sidecar", "cause"),
    [
        (config_map(), SIDECAR, ""),
        (config_map(labels={}), SIDECAR, "wrong_label_key"),
        (config_map(labels={"grafana_dashboard": "yes"}), SIDECAR, "wrong_label_value"),
        (config_map(labels={"grafana_dashboard": "yes"}), Sidecar("grafana_dashboard", "", "/x"), ""),
        (config_map(), Sidecar("grafana_dashboard", "1", "/x", namespaces=("monitoring",)), "namespace_not_searched"),
        (config_map(), Sidecar("grafana_dashboard", "1", "/x", namespaces=("team",)), ""),
        ({**config_map(), "kind": "Secret"}, SIDECAR, "kind_not_watched"),
    ],
)
def test_why_the_sidecar_does_not_take_an_object(obj: dict[str, Any], sidecar: Sidecar, cause: str) -> None:
    assert label_problem(obj, sidecar)[0] == cause


@pytest.mark.parametrize(
    ("obj", "cause"),
    [
        (config_map(a_json={"uid": "a", "title": "A"}), ""),
        (config_map(a_json="{"), "invalid_json"),
        (config_map(a_json="[1]"), "invalid_json"),
        (config_map(a_json=""), "invalid_json"),
        (config_map(a_json={"uid": "a"}), "no_title"),
        (config_map(a_json={"uid": "a", "title": " "}), "no_title"),
        (config_map(a_json={"title": "A"}), "no_uid"),
        (config_map(a_json={"title": "A", "uid": "a/b"}), "illegal_uid"),
        (config_map(a_json={"title": "A", "uid": "a" * 41}), "illegal_uid"),
        (config_map(a_json={"title": "A", "uid": 7}), "illegal_uid"),
        (config_map(a_txt={"uid": "a", "title": "A"}), "not_json_name"),
        (config_map(a_json_url="http://example.it/a.json"), "url_key"),
        (config_map(folder="../up", a_json={"uid": "a", "title": "A"}), "folder_outside"),
        (config_map(folder="/abs", a_json={"uid": "a", "title": "A"}), "folder_outside"),
        (config_map(folder=".h", a_json={"uid": "a", "title": "A"}), "folder_hidden"),
        (config_map(folder="Team", a_json={"uid": "a", "title": "A"}), "folder_ignored"),
    ],
)
def test_why_grafana_does_not_load_a_file(obj: dict[str, Any], cause: str) -> None:
    assert only(files_of(obj, SIDECAR, FLAT)).problem[0] == cause


def test_folders_of_files_are_folders_of_grafana_where_the_provider_says_so() -> None:
    deep = only(files_of(config_map(folder="a/Team", a_json={"uid": "a", "title": "A"}), SIDECAR, TREE))
    assert (deep.problem[0], deep.folder, deep.path) == ("", "Team", "/tmp/dashboards/a/Team/a.json")
    top = only(files_of(config_map(a_json={"uid": "a", "title": "A"}), SIDECAR, TREE))
    assert top.folder == ""
    assert only(files_of(config_map(a_json={}), SIDECAR, Provider("/tmp/dashboards", "Fixed"))).folder == "Fixed"


def test_a_secret_and_binary_data_are_decoded() -> None:
    text = base64.b64encode(b'{"uid": "a", "title": "A"}').decode()
    both = Sidecar("grafana_dashboard", "1", "/tmp/dashboards", kinds=("ConfigMap", "Secret"))
    secret = {**config_map(a_json=text), "kind": "Secret"}
    assert only(files_of(secret, both, FLAT)).uid == "a"
    binary = {**config_map(), "binaryData": {"a.json": text}}
    assert only(files_of(binary, SIDECAR, FLAT)).title == "A"
    assert only(files_of({**secret, "data": {"a.json": "no base64"}}, both, FLAT)).problem[0] == "invalid_json"


def found(*objects: dict[str, Any], sidecar: Sidecar = SIDECAR, provider: Provider = FLAT) -> dict[str, str]:
    files = [file for obj in objects for file in files_of(obj, sidecar, provider)]
    return {source.split("/")[1]: cause for source, (cause, _text) in collisions(files).items()}


def test_equal_names_become_one_file() -> None:
    one, two = (
        config_map("one", a_json={"uid": "a", "title": "A"}),
        config_map("two", a_json={"uid": "b", "title": "B"}),
    )
    assert found(one, two) == {"one a.json": "same_file", "two a.json": "same_file"}
    unique = Sidecar("grafana_dashboard", "1", "/tmp/dashboards", unique=True)
    assert found(one, two, sidecar=unique) == {}
    other = config_map("two", "Team", a_json={"uid": "b", "title": "B"})
    assert found(one, other) == {}


def test_equal_uids_and_titles_get_in_each_others_way() -> None:
    one, uid = (
        config_map("one", a_json={"uid": "a", "title": "A"}),
        config_map("two", b_json={"uid": "a", "title": "B"}),
    )
    assert found(one, uid) == {"one a.json": "duplicate_uid", "two b.json": "duplicate_uid"}
    title = config_map("two", b_json={"uid": "b", "title": "A"})
    assert found(one, title) == {"one a.json": "duplicate_title", "two b.json": "duplicate_title"}
    elsewhere = config_map("two", "Team", b_json={"uid": "b", "title": "A"})
    assert found(one, elsewhere, provider=TREE) == {}
    assert set(found(one, elsewhere, provider=FLAT).values()) == {"duplicate_title"}


def test_what_grafana_does_not_load_gets_in_nobodys_way() -> None:
    one = config_map("one", a_json={"uid": "a", "title": "A"})
    for other in (
        config_map("two", b_txt={"uid": "a", "title": "A"}),
        config_map("two", "../up", b_json={"uid": "a", "title": "A"}),
        config_map("two", labels={}, b_json={"uid": "a", "title": "A"}),
    ):
        assert found(one, other) == {}


leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.binary(max_size=4)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
texts = st.text(max_size=30) | st.dictionaries(st.sampled_from(["uid", "title", "panels"]), st.text(max_size=5)).map(
    json.dumps
)


@given(
    data=st.none()
    | st.dictionaries(st.sampled_from(["a.json", "b.json", "c.txt", "d.url", "../e.json"]), texts, max_size=4),
    binary=st.none() | st.dictionaries(st.text(max_size=8), st.text(max_size=12), max_size=2),
    folder=st.text(max_size=12),
    kind=st.sampled_from(["ConfigMap", "Secret"]),
    provider=st.sampled_from([FLAT, TREE]),
)
def test_no_object_makes_it_stumble_and_no_broken_file_is_taken_for_good(
    data: Any, binary: Any, folder: str, kind: str, provider: Provider
) -> None:
    both = Sidecar("grafana_dashboard", "1", "/tmp/dashboards", kinds=("ConfigMap", "Secret"))
    obj = {**config_map(folder=folder), "kind": kind, "data": data, "binaryData": binary}
    files = files_of(obj, both, provider)
    collisions(files)
    for file in files:
        if not file.problem[0]:
            assert isinstance(file.model["title"], str)
            assert isinstance(file.model["uid"], str)
            assert file.path.startswith("/tmp/dashboards/")
            assert file.path.endswith(".json")


@given(
    spec=st.dictionaries(
        st.sampled_from(["containers", "volumes"]), st.lists(st.dictionaries(st.text(max_size=6), values), max_size=3)
    )
)
def test_no_pod_makes_it_stumble(spec: dict[str, Any]) -> None:
    assert sidecar_from_pod(spec, "x") is None
    assert provider_map(spec) == ""


@given(text=st.text(max_size=60))
def test_no_text_is_taken_for_a_provider(text: str) -> None:
    assert provider_from_texts([text], "/tmp/dashboards") is None
