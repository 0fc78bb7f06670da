# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""scrape_coverage on what a real cluster and its Prometheus answered while every cause of molecule/lab was made.

The recording is of molecule/lab/tasks/causes.yml: Kubernetes 1.37, operator 0.93.1, Prometheus 3.16, without values of
Secrets. The same table says what has to be named.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.argolab.observability.plugins.module_utils.scrape_chain import examine
from ansible_collections.argolab.observability.plugins.module_utils.scrape_objects import (
    CONFIG_MAPS,
    DROPPED,
    EVENTS,
    EXPRESSIONS,
    LOADED,
    NAMESPACES,
    OPERATORS,
    POD_MONITORS,
    PODS,
    POLICIES,
    PROMETHEUSES,
    RUNTIME,
    SECRETS,
    SERVICE_MONITORS,
    SERVICES,
    SLICES,
    WORKLOADS,
    Answers,
    Cluster,
    Finding,
)
from ansible_collections.argolab.observability.plugins.modules import scrape_coverage
from ansible_collections.argolab.observability.tests.unit.plugins.fake_cluster import FakeCluster, run_module, serve
from hypothesis import given, settings
from hypothesis import strategies as st

HERE = Path(__file__).resolve()
RECORDED = json.loads((HERE.parent / "recorded" / "scrape_causes.json").read_text(encoding="utf-8"))
TABLE = HERE.parents[4] / "molecule" / "lab" / "files" / "causes" / "monitors.yml"
NAMESPACE = "chain-causes"
ENDPOINTS = {"serviceMonitor": "ServiceMonitor", "podMonitor": "PodMonitor"}


def wanted() -> list[tuple[str, str, str]]:
    text = TABLE.read_text(encoding="utf-8").replace("{{ causes_namespace }}", NAMESPACE)
    table = yaml.safe_load(text)
    kinds = {title: kind for kind, title in ENDPOINTS.items()}
    found = [
        (f"{kinds[item['of']]}/{NAMESPACE}/{item['name']}/0", item["cause"], item.get("says", ""))
        for item in table["causes_monitors"]
    ]
    return found + [(item["pool"], item["cause"], item["says"]) for item in table["causes_pools"]]


WANTED = wanted()


def recorded_cluster() -> FakeCluster:
    cluster = FakeCluster()
    content = copy.deepcopy(RECORDED)
    cluster.objects = content["objects"]
    cluster.targets, cluster.dropped = content["targets"], content["dropped"]
    cluster.pools, cluster.runtime = content["pools"], content["runtime"]
    cluster.proxy = f"/api/v1/namespaces/{NAMESPACE}/services/http:prometheus-operated:9090/proxy"
    return cluster


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    with serve(recorded_cluster()) as running:
        yield running


def look(cluster: FakeCluster, **params: Any) -> dict[str, Any]:
    pools = params.pop("pools", [pool for pool, _cause, _says in WANTED])
    return run_module(
        scrape_coverage,
        kubeconfig=cluster.kubeconfig,
        prometheus_namespace=NAMESPACE,
        pools=pools,
        wait_timeout=0,
        **params,
    )


def test_every_cause_is_named_and_no_other(cluster: FakeCluster) -> None:
    result = look(cluster)
    seen = {check["subject"]: check for check in result["checks"]}
    assert {pool: check["cause"] for pool, check in seen.items()} == {pool: cause for pool, cause, _says in WANTED}
    assert [pool for pool, _cause, says in WANTED if not re.search(says, seen[pool]["detail"])] == []
    assert [pool for pool, cause, _says in WANTED if seen[pool]["ok"] is not (cause == "")] == []
    unexplained = {"not_scraped_yet", "pool_not_loaded", ""}
    assert [check for check in result["checks"] if not check["next"] and check["cause"] not in unexplained] == []


def test_the_default_is_every_endpoint_of_both_kinds(cluster: FakeCluster) -> None:
    result = look(cluster, pools=[])
    beyond = {"serviceMonitor/chain-causes/healthy/7", "nowhere"}
    assert {row["pool"] for row in result["pools"]} == {
        pool for pool, cause, _says in WANTED if cause != "monitor_absent" and pool not in beyond
    }


def test_counts_are_returned_for_each_pool(cluster: FakeCluster) -> None:
    rows = {row["pool"]: row for row in look(cluster)["pools"]}
    assert rows["serviceMonitor/chain-causes/healthy/0"] == {
        "pool": "serviceMonitor/chain-causes/healthy/0",
        "monitor": "ServiceMonitor chain-causes/healthy",
        "services": ["chain-causes/exporter"],
        "pods": [],
        "expected": 2,
        "active": 2,
        "up": 2,
        "dropped": 0,
        "cause": "",
    }
    pods = rows["podMonitor/chain-causes/healthy/0"]
    assert (pods["expected"], pods["up"], len(pods["pods"]), pods["services"]) == (2, 2, 2, [])
    assert rows["serviceMonitor/chain-causes/dropped/0"]["dropped"] == 2
    assert rows["serviceMonitor/chain-causes/folded/0"]["expected"] == 2


@pytest.mark.parametrize("what", ["events", "secrets", "configmaps"])
def test_rejections_are_still_named_without_the_right_to(cluster: FakeCluster, what: str) -> None:
    cluster.forbidden = [rf".*/{what}(/.*)?"]
    expression = 'up{x=~"(unclosed"}'
    cluster.parse_errors[expression] = "parse error: error parsing regexp: missing closing ): `^(?s:(unclosed)$`"
    seen = {check["subject"]: check["cause"] for check in look(cluster)["checks"]}
    rejected = {pool: cause for pool, cause, _says in WANTED if cause == "operator_rejected"}
    assert {pool: seen[pool] for pool in rejected} == rejected


def test_a_secret_that_is_made_later_is_no_rejection_any_more(cluster: FakeCluster) -> None:
    fields = [{"manager": "kubectl", "fieldsV1": {"f:data": {"f:token": {}}}, "time": "2026-11-26T15:00:00Z"}]
    cluster.add("Secret", "nowhere", NAMESPACE, metadata={"managedFields": fields})
    pool = "serviceMonitor/chain-causes/token/0"
    check = look(cluster, pools=[pool])["checks"][0]
    assert check["cause"] == "not_reloaded"
    fields[0]["fieldsV1"] = {"f:data": {"f:other": {}}}
    assert look(cluster, pools=[pool])["checks"][0]["cause"] == "operator_rejected"


def test_the_values_of_secrets_are_never_read(cluster: FakeCluster) -> None:
    for item in cluster.objects:
        if item["kind"] == "Secret":
            item["data"] = {"token": "canary-value"}
    answers: list[str] = []
    answer = cluster.answer

    def listening(*args: Any) -> tuple[int, Any]:
        found = answer(*args)
        answers.append(str(found))
        return found

    cluster.answer = listening
    look(cluster)
    assert not [text for text in answers if "canary-value" in text]


ALL_KINDS = {
    SERVICE_MONITORS: ["ServiceMonitor"],
    POD_MONITORS: ["PodMonitor"],
    SERVICES: ["Service"],
    SLICES: ["EndpointSlice"],
    PROMETHEUSES: ["Prometheus"],
    NAMESPACES: ["Namespace"],
    PODS: ["Pod"],
    WORKLOADS: ["Deployment", "StatefulSet"],
    POLICIES: ["NetworkPolicy"],
    EVENTS: ["Event"],
    OPERATORS: [],
    SECRETS: ["Secret"],
    CONFIG_MAPS: [],
}


def everything(content: dict[str, Any]) -> tuple[Cluster, Answers]:
    """All that was recorded at once, as if it had been asked for."""
    cluster = Cluster()
    for what, kinds in ALL_KINDS.items():
        cluster = cluster.having(what, "", [item for item in content["objects"] if item["kind"] in kinds])
    targets: dict[str, list[Any]] = {}
    for item in content["targets"]:
        targets.setdefault(str(item["scrapePool"]), []).append(item)
    dropped: dict[str, list[Any]] = {}
    for item in content["dropped"]:
        dropped.setdefault(str(item["scrapePool"]), []).append(item)
    pools = [pool for pool, _cause, _says in WANTED]
    asked = {(LOADED, ""), (RUNTIME, ""), (EXPRESSIONS, "(unclosed"), *((DROPPED, pool) for pool in pools)}
    asked |= {(EXPRESSIONS, regex) for regex in (".*;exporter-.*", "another")}
    answers = Answers(targets, frozenset(content["pools"]), dropped, content["runtime"], {}, frozenset(asked), "")
    return cluster, answers


def paths(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key in value:
            yield (*here, key)
            yield from paths(value[key], (*here, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield (*here, index)
            yield from paths(item, (*here, index))


# What is judged: objects without their kinds and names, which only tell which object it is.
PATHS = [
    path
    for path in paths(RECORDED)
    if len(path) > 2
    and path[-1] != "kind"
    and path[-2:] not in (("metadata", "name"), ("metadata", "namespace"))
    and path[-1] not in ("metadata", "scrapePool")
]


def mutated(path: tuple[Any, ...], new: Any) -> dict[str, Any]:
    content = copy.deepcopy(RECORDED)
    place: Any = content
    for step in path[:-1]:
        place = place[step]
    if new == "deleted":
        del place[path[-1]]
    else:
        place[path[-1]] = new
    return content


def judged(content: dict[str, Any]) -> dict[str, Finding]:
    cluster, answers = everything(content)
    return {pool: examine(pool, cluster, answers) for pool, _cause, _says in WANTED}


def test_all_at_once_gives_the_same_causes() -> None:
    wanted = {pool: cause for pool, cause, _says in WANTED}
    assert {pool: item.cause for pool, item in judged(RECORDED).items()} == wanted


@settings(max_examples=150, deadline=None)
@given(
    path=st.sampled_from(PATHS),
    new=st.sampled_from(["deleted", None, [], {}, 0, -1, True, "", "zzz", [None], {"a": None}, [[]]]),
)
def test_answers_of_another_form_never_end_in_a_traceback(path: tuple[Any, ...], new: Any) -> None:
    for finding in judged(mutated(path, new)).values():
        assert isinstance(finding.text, str)
        assert finding.ok == (finding.cause == "" and not finding.needs)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_nothing_is_healthy_without_its_targets(data: st.DataObject) -> None:
    healthy = "serviceMonitor/chain-causes/healthy/0", "podMonitor/chain-causes/healthy/0"
    content = copy.deepcopy(RECORDED)
    own = [index for index, item in enumerate(content["targets"]) if item["scrapePool"] in healthy]
    changed = content["targets"][data.draw(st.sampled_from(own))]
    pool = changed["scrapePool"]
    how = data.draw(st.sampled_from(["removed", "health", "all"]))
    if how == "removed":
        content["targets"].remove(changed)
    elif how == "health":
        changed["health"] = data.draw(st.sampled_from(["down", "unknown", "", None, 1, "Up"]))
    else:
        content["targets"] = [item for item in content["targets"] if item["scrapePool"] != pool]
    assert not judged(content)[pool].ok


@pytest.mark.parametrize("what", sorted(ALL_KINDS))
def test_what_may_not_be_read_is_no_cause_and_is_said(what: str) -> None:
    """Only the objects that are seen can be blamed; a healthy pool stays healthy by what Prometheus says."""
    cluster, answers = everything(RECORDED)
    blind = Cluster(
        {key: items for key, items in cluster.objects.items() if key != what},
        cluster.known - {(what, "")},
        frozenset({(what, ""), *((what, place) for place in (NAMESPACE, "default", "kube-system"))}),
    )
    causes_of = {
        SERVICES: {"selector_matches_no_service", "port_name_absent", "namespace_not_selected", "no_endpoints"},
        SLICES: {"no_endpoints", "no_ready_endpoints", "scaled_to_zero", "target_port_absent"},
        PODS: {"selector_matches_no_pod"},
        SERVICE_MONITORS: {"monitor_absent"},
        POD_MONITORS: {"monitor_absent"},
        PROMETHEUSES: {"prometheus_does_not_select"},
        POLICIES: {"network_policy"},
    }.get(what, set())
    for pool, _cause, _says in WANTED:
        finding = examine(pool, blind, answers)
        of_services = pool.startswith("serviceMonitor")
        if what in (SERVICES, SLICES, SERVICE_MONITORS) and not of_services:
            continue
        if what in (PODS, POD_MONITORS) and of_services:
            continue
        assert finding.cause not in causes_of, (what, pool, finding.text)
        assert not finding.ok or ("/healthy/" in pool and finding.expected is not None), (what, pool)
    if what in (SERVICES, SLICES, PODS):
        finding = examine(f"{'podMonitor' if what == PODS else 'serviceMonitor'}/{NAMESPACE}/healthy/0", blind, answers)
        assert finding.pending
        assert not finding.cause
        assert any(what in note for note in finding.notes)
        assert finding.expected is None
