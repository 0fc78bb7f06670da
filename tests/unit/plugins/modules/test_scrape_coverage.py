# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""scrape_coverage: every way in which a chain breaks is named, by its own cause and no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.modules import scrape_coverage
from ansible_collections.argolab.observability.tests.unit.plugins.fake_cluster import (
    FakeCluster,
    healthy,
    run_module,
    serve,
)

POOL = "serviceMonitor/argocd/argocd-repo-server/0"
OTHER = "serviceMonitor/argocd/argocd-server/0"


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    with serve(healthy()) as running:
        yield running


def look(cluster: FakeCluster, **params: Any) -> dict[str, Any]:
    return run_module(scrape_coverage, kubeconfig=cluster.kubeconfig, **{"wait_timeout": 0, **params})


def drop_targets(cluster: FakeCluster) -> None:
    cluster.targets = [item for item in cluster.targets if item["scrapePool"] != POOL]


def drop_endpoints(cluster: FakeCluster) -> None:
    drop_targets(cluster)
    cluster.find("EndpointSlice", "argocd-repo-server-metrics-x")["endpoints"] = []


def monitor(cluster: FakeCluster) -> dict[str, Any]:
    return cluster.find("ServiceMonitor", "argocd-repo-server")


def break_selector(cluster: FakeCluster) -> None:
    drop_targets(cluster)
    monitor(cluster)["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"] = "nothing-like-this"


def rename_port(cluster: FakeCluster) -> None:
    drop_targets(cluster)
    cluster.find("Service", "argocd-repo-server-metrics")["spec"]["ports"][0]["name"] = "metrics"
    cluster.find("EndpointSlice", "argocd-repo-server-metrics-x")["ports"][0]["name"] = "metrics"


def scale_to_zero(cluster: FakeCluster) -> None:
    drop_endpoints(cluster)
    deployment = cluster.find("Deployment", "argocd-repo-server")
    deployment["spec"]["replicas"] = 0
    deployment["status"] = {}


def rename_container_port(cluster: FakeCluster) -> None:
    drop_targets(cluster)
    cluster.find("Service", "argocd-repo-server-metrics")["spec"]["ports"][0]["targetPort"] = "telemetry"
    cluster.find("EndpointSlice", "argocd-repo-server-metrics-x")["ports"] = []


def unready(cluster: FakeCluster) -> None:
    drop_targets(cluster)
    cluster.find("EndpointSlice", "argocd-repo-server-metrics-x")["endpoints"][0]["conditions"]["ready"] = False


def wrong_pod_labels(cluster: FakeCluster) -> None:
    drop_endpoints(cluster)
    cluster.find("Service", "argocd-repo-server-metrics")["spec"]["selector"] = {"app": "nobody"}


def other_namespace(cluster: FakeCluster) -> None:
    drop_targets(cluster)
    monitor(cluster)["spec"]["namespaceSelector"] = {"matchNames": ["monitoring"]}


def remove_monitor(cluster: FakeCluster) -> None:
    drop_targets(cluster)
    cluster.remove("ServiceMonitor", "argocd-repo-server")
    cluster.pools.remove(POOL)


def fewer_endpoints(cluster: FakeCluster) -> None:
    drop_targets(cluster)
    monitor(cluster)["spec"]["endpoints"] = []


def unselected(cluster: FakeCluster) -> None:
    drop_targets(cluster)
    cluster.find("Prometheus", "kube")["spec"]["serviceMonitorSelector"] = {"matchLabels": {"release": "kube"}}
    for item in cluster.objects:
        if item["kind"] == "ServiceMonitor" and item["metadata"]["name"] != "argocd-repo-server":
            item["metadata"]["labels"] = {"release": "kube"}


def namespace_unselected(cluster: FakeCluster) -> None:
    # The other pool must stay whole, so only the namespace of this monitor changes.
    drop_targets(cluster)
    monitor(cluster)["metadata"]["namespace"] = "argocd"
    cluster.find("Prometheus", "kube")["spec"]["serviceMonitorSelector"] = None


def rejected(cluster: FakeCluster) -> None:
    drop_targets(cluster)
    cluster.pools.remove(POOL)
    condition = {"type": "Accepted", "status": "False", "message": "invalid relabeling"}
    monitor(cluster)["status"] = {"bindings": [{"conditions": [condition]}]}


def not_loaded(cluster: FakeCluster) -> None:
    drop_targets(cluster)
    cluster.pools.remove(POOL)


def target_down(cluster: FakeCluster) -> None:
    for item in cluster.targets:
        if item["scrapePool"] == POOL:
            item.update(health="down", lastError="dial tcp 10.42.0.7:8084: connect: connection refused")


def blocked(cluster: FakeCluster) -> None:
    cluster.add("NetworkPolicy", "deny-all", "argocd", spec={"podSelector": {}, "policyTypes": ["Ingress"]})
    for item in cluster.targets:
        if item["scrapePool"] == POOL:
            item.update(health="down", lastError="context deadline exceeded")


def unscraped(cluster: FakeCluster) -> None:
    for item in cluster.targets:
        if item["scrapePool"] == POOL:
            item["health"] = "unknown"


def one_missing(cluster: FakeCluster) -> None:
    piece = cluster.find("EndpointSlice", "argocd-repo-server-metrics-x")
    piece["endpoints"].append({"addresses": ["10.42.0.8"], "conditions": {}})


CASES: list[tuple[Callable[[FakeCluster], None], str, list[str]]] = [
    (remove_monitor, "monitor_absent", ["no ServiceMonitor argocd/argocd-repo-server", "argocd/argocd-server"]),
    (fewer_endpoints, "endpoint_absent", ["has 0 endpoints"]),
    (unselected, "prometheus_does_not_select", ["monitoring/kube", "label release is missing, wanted 'kube'"]),
    (other_namespace, "namespace_not_selected", ["argocd/argocd-repo-server-metrics"]),
    (
        break_selector,
        "selector_matches_no_service",
        ["app.kubernetes.io/name=nothing-like-this", "nearest is Service argocd/argocd-repo-server-metrics"],
    ),
    (rename_port, "port_name_absent", ["port http-metrics", "its ports are metrics (8084)", "renamed to metrics"]),
    (rename_container_port, "target_port_absent", ["target port telemetry"]),
    (scale_to_zero, "scaled_to_zero", ["Deployment argocd/argocd-repo-server is scaled to zero"]),
    (wrong_pod_labels, "no_endpoints", ["no workload's pods have its labels (app=nobody)"]),
    (unready, "no_ready_endpoints", ["none is ready", "argocd-repo-server-abc12"]),
    (rejected, "operator_rejected", ["invalid relabeling"]),
    (not_loaded, "pool_not_loaded", [POOL]),
    (drop_targets, "no_targets", ["finds no target"]),
    (target_down, "scrape_failed", ["connection refused", "nothing listens on that port"]),
    (blocked, "scrape_failed", ["NetworkPolicy deny-all selects the pod"]),
    (unscraped, "not_scraped_yet", ["1 of 1 target not scraped yet"]),
    (one_missing, "targets_missing", ["2 ready endpoints", "1 target"]),
]


def test_a_whole_chain_passes(cluster: FakeCluster) -> None:
    result = look(cluster)
    assert not result.get("failed"), result["msg"]
    assert [(check["subject"], check["ok"], check["observed"]) for check in result["checks"]] == [
        (POOL, True, "1 of 1 target up"),
        (OTHER, True, "1 of 1 target up"),
    ]
    assert not result["changed"]


@pytest.mark.parametrize(("break_it", "cause", "words"), CASES, ids=[case[0].__name__ for case in CASES])
def test_each_cause_is_named(
    cluster: FakeCluster, break_it: Callable[[FakeCluster], None], cause: str, words: list[str]
) -> None:
    break_it(cluster)
    result = look(cluster, pools=[POOL, OTHER])
    assert result["failed"]
    causes = {check["subject"]: check["cause"] for check in result["checks"]}
    assert causes == {POOL: cause, OTHER: ""}
    detail = result["checks"][0]["detail"]
    for word in words:
        assert word in detail
    assert cause == "not_scraped_yet" or result["checks"][0]["next"].startswith("kubectl ")


def test_no_selector_at_all_selects_nothing(cluster: FakeCluster) -> None:
    namespace_unselected(cluster)
    result = look(cluster)
    assert {check["cause"] for check in result["checks"]} == {"prometheus_does_not_select"}
    assert "null" in result["checks"][0]["detail"]


def test_a_chart_without_its_monitors_is_recognised(cluster: FakeCluster) -> None:
    cluster.objects = [item for item in cluster.objects if item["kind"] != "ServiceMonitor"]
    cluster.absent_kinds.add("ServiceMonitor")
    result = look(cluster, pools=[POOL])
    assert result["checks"][0]["cause"] == "monitor_absent"
    assert "before the monitoring CRDs existed" in result["checks"][0]["detail"]


def test_a_pod_that_is_not_ready_but_scraped_is_no_scrape_fault(cluster: FakeCluster) -> None:
    cluster.find("EndpointSlice", "argocd-repo-server-metrics-x")["endpoints"][0]["conditions"]["ready"] = False
    assert not look(cluster).get("failed")


def test_without_prometheus_links_in_the_cluster_are_still_judged(cluster: FakeCluster) -> None:
    break_selector(cluster)
    cluster.prometheus_up = False
    result = look(cluster, pools=[POOL, OTHER])
    assert [check["cause"] for check in result["checks"]] == ["selector_matches_no_service", "prometheus_silent"]


def test_prometheus_that_comes_back_is_waited_for(cluster: FakeCluster) -> None:
    cluster.prometheus_up = False
    looks = 0

    def on_read(path: str) -> None:
        nonlocal looks
        looks += path.endswith("scrape_pools")
        cluster.prometheus_up = looks > 2

    cluster.on_read = on_read
    result = look(cluster, wait_timeout=30, poll_interval=0.01)
    assert not result.get("failed"), result["msg"]
    assert result["attempts"] == 3


def test_pools_of_other_kinds_are_judged_by_prometheus_alone(cluster: FakeCluster) -> None:
    cluster.pools.append("static")
    result = look(cluster, pools=["static", "podMonitor/a/b/0"])
    assert [check["cause"] for check in result["checks"]] == ["no_targets", "pool_not_loaded"]


def test_ignored_pools_are_not_looked_at(cluster: FakeCluster) -> None:
    drop_targets(cluster)
    assert not look(cluster, ignored_pools=[POOL]).get("failed")


def test_the_token_is_nowhere_in_the_result(cluster: FakeCluster) -> None:
    assert "canary-token" not in str(look(cluster))


def test_no_cluster_is_one_failed_check(cluster: FakeCluster) -> None:
    kubeconfig = cluster.kubeconfig
    kubeconfig["clusters"][0]["cluster"]["server"] = "http://127.0.0.1:1"
    result = run_module(scrape_coverage, kubeconfig=kubeconfig, wait_timeout=0)
    assert [check["cause"] for check in result["checks"]] == ["cluster_unreachable"]
    assert result["failed"]
