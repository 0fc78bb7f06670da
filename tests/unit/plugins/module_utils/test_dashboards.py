# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils import dashboards
from ansible_collections.argolab.observability.plugins.module_utils.dashboards import DashboardError, Settings
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeError

UPSTREAM = Path(__file__).resolve().parents[5] / "shared" / "upstream" / "argocd-dashboard.json"
SETTINGS = Settings("grafana_dashboard", "1", "monitoring", "k8s-sidecar-target-directory", "default")


def board(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in {"uid": "abc", "title": "A", **changes}.items() if value is not None}


def load(*items: dict[str, Any], settings: Settings = SETTINGS, fetch: Any = None) -> list[dashboards.Dashboard]:
    return dashboards.load(items, settings, fetch or (lambda url: pytest.fail("nothing is to be fetched")))


def refused(*items: dict[str, Any], settings: Settings = SETTINGS, fetch: Any = None) -> str:
    with pytest.raises(DashboardError) as info:
        load(*items, settings=settings, fetch=fetch)
    return str(info.value)


def test_every_kind_of_source_becomes_a_config_map(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text('{"uid": "One_1", "title": "Ünï"}', encoding="utf-8")
    found = load(
        {"file": "one.json", "folder": "Team/A"},
        {"url": "https://example.org/two.json", "name": "cm-two", "namespace": "other"},
        {"definition": board(uid="three")},
        {"definition": json.dumps(board(uid="four"))},
        settings=Settings("grafana_dashboard", "1", "monitoring", "k8s-sidecar-target-directory", "x", str(tmp_path)),
        fetch=lambda url: b'\xef\xbb\xbf{"uid": "two", "title": "2"}\n',
    )
    maps = [one.config_map(SETTINGS) for one in found]
    assert maps[0] == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "dashboard-one-1",
            "namespace": "monitoring",
            "labels": {
                "grafana_dashboard": "1",
                "app.kubernetes.io/managed-by": "argolab.observability",
                "argolab.observability/dashboards": "default",
            },
            "annotations": {"k8s-sidecar-target-directory": "Team/A"},
        },
        # The file's own bytes, not a rewritten copy.
        "data": {"dashboard-one-1.json": '{"uid": "One_1", "title": "Ünï"}'},
    }
    assert maps[1]["metadata"]["name"] == "cm-two"
    assert maps[1]["metadata"]["namespace"] == "other"
    assert "annotations" not in maps[1]["metadata"]
    assert maps[1]["data"] == {"cm-two.json": '{"uid": "two", "title": "2"}\n'}
    assert [json.loads(next(iter(one["data"].values())))["uid"] for one in maps] == ["One_1", "two", "three", "four"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"uid": "a",\n "title" "x"}', "invalid JSON in line 2, column 10"),
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"\n<!DOCTYPE html><html>", "an HTML page"),
        (b"[]", "no object but a list"),
        (b"null", "no object but null"),
        (b'{"uid": "a", "title": "\xff"}', "byte 24 is not UTF-8"),
        (b'{"uid": "a", "title": "x", "n": NaN}', "NaN is not JSON"),
        (b"[" * 100000, "nested too deeply"),
        (b'{"title": "x"}', "no uid"),
        (b'{"uid": "", "title": "x"}', "no uid"),
        (b'{"uid": null, "title": "x"}', "no uid"),
        (b'{"uid": 7, "title": "x"}', "uid 7 is not valid"),
        (b'{"uid": "a b", "title": "x"}', "uid 'a b' is not valid"),
        (b'{"uid": "a\\n", "title": "x"}', "is not valid"),
        (b'{"uid": "' + b"u" * 41 + b'", "title": "x"}', "at most 40"),
        (b'{"uid": "a"}', "no title"),
        (b'{"uid": "a", "title": " "}', "no title"),
        (b'{"uid": "a", "title": 3}', "no title"),
        (b'{"dashboard": {"uid": "a", "title": "x"}, "meta": {}}', "answer of Grafana's API"),
        (b'{"apiVersion": "dashboard.grafana.app/v1", "spec": {}}', "Kubernetes-style resource"),
    ],
)
def test_wrong_content_is_named(content: bytes, message: str) -> None:
    text = refused({"definition": board(uid="fine")}, {"url": "https://example.org/x.json"}, fetch=lambda url: content)
    assert text.startswith("dashboard 2 (https://example.org/x.json): ")
    assert message in text


def test_the_limit_is_that_of_a_config_map() -> None:
    base = '{"uid": "a", "title": "%s"}'
    room = dashboards.MAX_BYTES - len(base) + 2
    assert load({"definition": base % ("x" * room)})
    assert "1048576" in refused({"definition": base % ("x" * (room + 1))})
    assert "1048576" in refused({"definition": base % ("ü" * (room // 2 + 1))})
    assert "1048576" in refused({"definition": board(title="x" * dashboards.MAX_BYTES)})


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({}, "exactly one of file, url and definition; found none of them"),
        ({"file": "a", "url": "b"}, "found file and url"),
        ({"file": "/nowhere/x.json"}, "file /nowhere/x.json does not exist"),
        ({"file": "/"}, "cannot be read"),
        ({"url": "ftp://example.org/x"}, "must begin with https://"),
        ({"definition": 3}, "no object but a number"),
        ({"definition": ["x"]}, "no object but a list"),
        ({"definition": board(refresh=float("nan"))}, "cannot be written as JSON"),
        ({"definition": board(), "name": "Big_Name"}, "cannot be the name of a ConfigMap"),
        ({"definition": board(), "namespace": "a.b"}, "cannot be the name of a namespace"),
        ({"definition": board(uid="___")}, "cannot be the name of a ConfigMap; set name"),
        ({"definition": board(), "folder": "../etc"}, "must be a plain path"),
    ],
)
def test_wrong_items_are_named(item: dict[str, Any], message: str) -> None:
    text = refused(item)
    assert text.startswith("dashboard 1 (")
    assert message in text


def test_a_device_without_an_end_is_not_read_to_its_end() -> None:
    assert "more than 1048576 bytes" in refused({"file": "/dev/zero"})


def test_a_url_that_fails_is_quoted_without_its_password() -> None:
    def fetch(url: str) -> bytes:
        raise ArgolabError("answered 404 Not Found.")

    text = refused({"url": "https://me:secret@example.org/x.json"}, fetch=fetch)
    assert text == "dashboard 1 (https://example.org/x.json): https://example.org/x.json answered 404 Not Found."


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"definition": board()}, "has the uid 'abc' of dashboard 1"),
        ({"definition": board(uid="b"), "name": "one"}, "both become ConfigMap one in namespace monitoring"),
        ({"definition": board(uid="b"), "name": "one", "namespace": "other"}, "both become file one.json"),
        ({"definition": board(uid="ABC"), "name": None}, None),
    ],
)
def test_what_two_dashboards_cannot_share(second: dict[str, Any], message: str | None) -> None:
    first = {"definition": board(), "name": "one"}
    if message is None:
        assert len(load(first, second)) == 2
    else:
        assert message in refused(first, second)
    folder = {"definition": board(uid="b"), "name": "one", "namespace": "other", "folder": "F"}
    assert len(load(first, folder)) == 2


def test_names_made_from_uids_that_differ_in_case_only() -> None:
    assert "both become ConfigMap dashboard-abc" in refused({"definition": board()}, {"definition": board(uid="ABC")})


@pytest.mark.parametrize(
    "change",
    [{"label": ""}, {"label": "a b"}, {"label": "A_B/x"}, {"label_value": "a b"}, {"set_name": ""}, {"namespace": "A"}],
)
def test_wrong_settings(change: dict[str, str]) -> None:
    values = {**SETTINGS.__dict__, **change}
    with pytest.raises(DashboardError):
        dashboards.check_settings(Settings(**values))
    dashboards.check_settings(SETTINGS)


def test_an_export_for_sharing_is_pointed_out() -> None:
    found = load({"definition": board(__inputs=[{"name": "DS"}])}, {"definition": board(uid="b")})
    assert [hint.split(":")[0] for hint in dashboards.hints(found)] == ["dashboard 1 (inline definition)"]


@pytest.mark.skipif(not UPSTREAM.exists(), reason="the upstream dashboard is not beside this checkout")
def test_the_dashboard_of_argo_cd() -> None:
    (found,) = load({"file": str(UPSTREAM), "name": "cm-argocd-dashboard"})
    assert (found.uid, found.title, found.key) == ("LCAgc9rWz", "ArgoCD", "cm-argocd-dashboard.json")
    assert dashboards.hints([found]) == []


class FakeCluster:
    """Answers of an API server; forbidden paths are 403, unknown ones 404."""

    def __init__(self, answers: dict[str, Any], forbidden: tuple[str, ...] = ()) -> None:
        self.answers, self.forbidden = answers, forbidden
        self.queries: set[str] = set()

    def get(self, path: str, params: Any) -> Any:
        if path in self.forbidden:
            raise KubeError(403, "forbidden", True)
        if path not in self.answers:
            raise KubeError(404, "not found", False)
        if isinstance(self.answers[path], KubeError):
            raise self.answers[path]
        return self.answers[path]

    def list(self, path: str, params: Any) -> Any:
        self.queries.add(params["labelSelector"])
        return self.get(path, params)


def config_map(name: str, namespace: str = "monitoring") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace}}


WANTED = [one.config_map(SETTINGS) for one in load({"definition": board(), "name": "cm-a"})]
MONITORING = {"/api/v1/namespaces/monitoring": {}}
STALE = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cm-old", "namespace": "elsewhere"}}


def test_stale_objects_of_the_set_are_found() -> None:
    listed = [config_map("cm-a"), config_map("cm-old", "elsewhere")]
    cluster = FakeCluster({**MONITORING, "/api/v1/configmaps": listed})
    plan = dashboards.plan(WANTED, SETTINGS, cluster, False)
    assert (plan.apply, plan.pending, plan.stale) == (WANTED, [], [STALE])
    assert cluster.queries == {
        "app.kubernetes.io/managed-by=argolab.observability,argolab.observability/dashboards=default"
    }


def test_where_the_whole_cluster_may_not_be_listed_the_known_namespaces_are() -> None:
    apps = "/apis/argoproj.io/v1alpha1"
    cluster = FakeCluster(
        {"/api/v1/namespaces/monitoring/configmaps": [config_map("cm-b")]},
        forbidden=(
            "/api/v1/namespaces/monitoring",
            "/api/v1/configmaps",
            f"{apps}/applications",
            f"{apps}/namespaces/monitoring/applications",
        ),
    )
    assert [one["metadata"]["name"] for one in dashboards.plan(WANTED, SETTINGS, cluster, False).stale] == ["cm-b"]


def test_a_missing_namespace_is_an_error_and_pending_in_check_mode() -> None:
    cluster = FakeCluster({"/api/v1/configmaps": []})
    with pytest.raises(DashboardError, match="Namespace monitoring does not exist"):
        dashboards.plan(WANTED, SETTINGS, cluster, False)
    plan = dashboards.plan(WANTED, SETTINGS, cluster, True)
    assert (plan.apply, plan.pending) == ([], WANTED)
    assert dashboards.plan(WANTED, SETTINGS, None, True) == plan


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"metadata": {"uid": "1", "labels": {"theirs": "kept"}}}, True),
        ({"data": {"cm-a.json": "other"}}, False),
        ({"data": {**WANTED[0]["data"], "theirs.json": "{}"}}, True),
        ({"data": None}, False),
        ({"metadata": {"labels": {"grafana_dashboard": "0"}}}, False),
    ],
)
def test_only_what_differs_is_applied(change: dict[str, Any], same: bool) -> None:
    metadata = {**WANTED[0]["metadata"], **change.get("metadata", {})}
    metadata["labels"] = {**WANTED[0]["metadata"]["labels"], **metadata.get("labels", {})}
    listed = {"metadata": metadata, "data": change.get("data", WANTED[0]["data"])}
    plan = dashboards.plan(WANTED, SETTINGS, FakeCluster({**MONITORING, "/api/v1/configmaps": [listed]}), False)
    assert (plan.apply, plan.current) == (([], WANTED) if same else (WANTED, []))
    assert plan.stale == []


@pytest.mark.parametrize(
    "path", ["/api/v1/namespaces/monitoring", "/api/v1/configmaps", "/apis/argoproj.io/v1alpha1/applications"]
)
def test_a_server_that_fails_is_not_taken_for_an_empty_one(path: str) -> None:
    answers = {**MONITORING, "/api/v1/configmaps": [], path: KubeError(503, "unavailable", False)}
    with pytest.raises(KubeError, match="unavailable"):
        dashboards.plan(WANTED, SETTINGS, FakeCluster(answers), False)


APPLICATION = dashboards.Application(
    "grafana-dashboards",
    "argocd",
    "default",
    "https://example.org/r.git",
    "dash",
    "abc123",
    "",
    "https://kubernetes.default.svc",
)


def test_the_application_and_the_config_maps_take_turns() -> None:
    manifest = APPLICATION.manifest(SETTINGS)
    assert manifest["spec"]["source"] == {
        "repoURL": "https://example.org/r.git",
        "path": "dash",
        "targetRevision": "abc123",
    }
    assert manifest["spec"]["destination"]["namespace"] == "monitoring"
    answers = {**MONITORING, "/api/v1/namespaces/argocd": {}, "/api/v1/configmaps": [config_map("cm-a")]}
    with pytest.raises(DashboardError, match="Install Argo CD first"):
        dashboards.plan([manifest], SETTINGS, FakeCluster(answers), False)
    assert dashboards.plan([manifest], SETTINGS, FakeCluster(answers), True).pending == [manifest]
    answers["/apis/argoproj.io/v1alpha1"] = {}
    applications = "/apis/argoproj.io/v1alpha1/applications"
    to_git = dashboards.plan([manifest], SETTINGS, FakeCluster({**answers, applications: []}), False)
    assert [one["kind"] for one in to_git.stale] == ["ConfigMap"]
    back = FakeCluster({**answers, applications: [config_map("grafana-dashboards", "argocd")]})
    assert dashboards.plan(WANTED, SETTINGS, back, False).stale == [
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": "grafana-dashboards", "namespace": "argocd"},
        }
    ]


@pytest.mark.parametrize(
    "change", [{"repo_url": ""}, {"path": ""}, {"revision": ""}, {"path": "/x"}, {"path": "a/../.."}]
)
def test_an_application_needs_its_source(change: dict[str, str]) -> None:
    values = {**APPLICATION.__dict__, **change}
    with pytest.raises(DashboardError, match=next(iter(change))):
        dashboards.Application(**values).manifest(SETTINGS)
