# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A dashboard passes only where Grafana has it as the ConfigMap says; otherwise the cause is named."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.grafana_chain import (
    Shown,
    differences,
    judge,
    reload_check,
    reload_status,
)
from ansible_collections.argolab.observability.plugins.module_utils.grafana_files import (
    DashboardFile,
    Provider,
    Sidecar,
    files_of,
)
from hypothesis import given
from hypothesis import strategies as st

MODEL = {"uid": "a", "title": "A", "schemaVersion": 36, "version": 3, "panels": [{"targets": [{"expr": "up"}]}]}
# What Grafana 10.1 answered for a provisioned dashboard, without what is not looked at.
META = {"folderId": 0, "folderUid": "", "folderTitle": "General", "provisioned": True, "url": "/d/a/a"}
SIDECAR = Sidecar("grafana_dashboard", "1", "/tmp/dashboards")


def files(model: Any = None, name: str = "a", key: str = "a.json", folder: str = "") -> list[DashboardFile]:
    metadata: dict[str, Any] = {"name": name, "namespace": "team", "labels": {"grafana_dashboard": "1"}}
    obj = {"kind": "ConfigMap", "metadata": metadata, "data": {key: json.dumps(MODEL if model is None else model)}}
    return files_of(obj, SIDECAR, Provider("/tmp/dashboards", folder))


def answer(folder: str = "General", provisioned: bool = True, **changes: Any) -> dict[str, Any]:
    return {
        "dashboard": {**copy.deepcopy(MODEL), "id": 7, "version": 1, **changes},
        "meta": {**META, "folderTitle": folder, "provisioned": provisioned},
    }


def causes(found: list[DashboardFile], shown: Shown) -> list[str]:
    checks = judge(found, shown, "grafana_dashboard", "1")
    assert all((check.ok is True) == (check.cause == "") for check in checks)
    assert all(check.detail for check in checks if not check.ok)
    return [check.cause for check in checks]


def test_a_dashboard_that_is_there_as_it_is_passes() -> None:
    assert causes(files(), Shown({"a": answer()})) == [""]


@pytest.mark.parametrize(
    ("shown", "cause"),
    [
        (Shown(), "not_loaded"),
        (Shown({}, [{"uid": "b", "title": "A"}]), "title_taken"),
        (Shown({}, [{"uid": "b", "title": "A", "folderTitle": "Elsewhere"}]), "not_loaded"),
        (Shown({"a": answer(title="B")}), "content_differs"),
        (Shown({"a": answer(provisioned=False, title="B")}), "content_differs"),
        (Shown({"a": answer(folder="Team")}), "wrong_folder"),
        (Shown({"a": {}}), "content_differs"),
    ],
)
def test_a_dashboard_that_is_not_there_as_it_is_fails_by_name(shown: Shown, cause: str) -> None:
    assert causes(files(), shown) == [cause]


def test_the_folder_of_the_provider_is_expected() -> None:
    assert causes(files(folder="Team"), Shown({"a": answer(folder="Team")})) == [""]
    assert causes(files(folder="Team"), Shown({"a": answer()})) == ["wrong_folder"]


def test_duplicates_are_blamed_for_what_they_keep_out_and_for_nothing_else() -> None:
    twins = files({**MODEL, "uid": "t", "title": "1"}, "one", "1.json") + files(
        {**MODEL, "uid": "t", "title": "2"}, "two", "2.json"
    )
    assert causes(twins + files(), Shown()) == ["duplicate_uid", "duplicate_uid", "provider_stopped"]
    assert causes(twins + files(), Shown({"a": answer()}))[2] == ""
    assert causes(twins + files(), Shown({"a": answer(title="old")}))[2] == "provider_stopped"


def test_a_missing_uid_fails_although_grafana_has_the_dashboard() -> None:
    found = files({"title": "A"})
    check = judge(found, Shown({}, [{"uid": "x1", "title": "A"}]), "l", "1")[0]
    assert (check.ok, check.cause) == (False, "no_uid")
    assert "x1" in check.observed


def test_a_fetched_key_neither_passes_nor_fails() -> None:
    check = judge(files(key="a.json.url"), Shown({"a": answer()}), "l", "1")[0]
    assert (check.ok, check.cause) == (None, "url_key")


def test_the_command_that_sets_a_label_is_complete() -> None:
    obj = {"kind": "ConfigMap", "metadata": {"name": "a", "namespace": "team"}, "data": {"a.json": "{}"}}
    check = judge(files_of(obj, SIDECAR, Provider("/tmp/dashboards")), Shown(), "grafana_dashboard", "1")[0]
    assert check.next == "kubectl label configmap a -n team grafana_dashboard=1 --overwrite"


def test_a_newer_grafana_may_rewrite_what_is_not_a_query() -> None:
    newer = {
        **MODEL,
        "schemaVersion": 41,
        "panels": [{"type": "timeseries", "targets": [{"expr": "up", "refId": "A"}]}],
    }
    assert differences(MODEL, newer) == []
    assert differences(MODEL, {**newer, "panels": []}) == ["queries"]
    assert differences(MODEL, {**newer, "title": "B"}) == ["title"]
    assert differences(newer, MODEL) == ["panels", "schemaVersion"]


@pytest.mark.parametrize(
    ("log", "status"),
    [
        ("POST http://localhost:3000/api/admin/provisioning/dashboards/reload: 200 OK", 200),
        ("... /reload: 200 OK\n... /reload: 401 Unauthorized\n", 401),
        ('{"msg": "POST request sent to http://localhost:3000/x/reload. Response: 401 Unauthorized {}"}', 401),
        ('Post "http://localhost:3000/x/reload": dial tcp [::1]:3000: connection refused', None),
        ("", None),
    ],
)  # fmt: skip
def test_the_last_reload_in_a_log_counts(log: str, status: int | None) -> None:
    assert reload_status(log) == status


def test_a_log_that_says_nothing_is_no_pass() -> None:
    assert reload_check("c", "monitoring", "").ok is None
    assert reload_check("c", "monitoring", None, "no right").ok is None
    assert reload_check("c", "monitoring", "/reload: 200 OK").ok is True
    assert reload_check("c", "monitoring", "/reload: 404 Not Found").cause == "reload_refused"


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
documents = st.dictionaries(st.sampled_from(["title", "schemaVersion", "panels", "uid", "id", "x"]), values, max_size=4)


@given(
    dashboard=documents,
    meta=st.dictionaries(st.sampled_from(list(META)), values),
    index=st.lists(documents, max_size=3),
)
def test_no_answer_makes_it_stumble_and_none_passes_that_is_not_the_dashboard(
    dashboard: dict[str, Any], meta: dict[str, Any], index: list[dict[str, Any]]
) -> None:
    check = judge(files(), Shown({"a": {"dashboard": dashboard, "meta": meta}}, index), "l", "1")[0]
    assert check.ok is False
    assert check.cause
