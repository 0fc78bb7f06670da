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
    component,
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
    cluster.add("Pod", "prometheus-kube-0", "monitoring", metadata={"labels": {"operator.prometheus.io/name": "kube"}})
    cluster.add("NetworkPolicy", "deny-all", "argocd", spec={"podSelector": {}, "policyTypes": ["Ingress"]})
    for item in cluster.targets:
        if item["scrapePool"] == POOL:
            item.update(health="down", lastError="context deadline exceeded")


def crashing(cluster: FakeCluster) -> None:
    target_down(cluster)
    # The other pod is whole, so something is ready behind the Service.
    pod = cluster.find("Pod", "argocd-repo-server-abc12")
    pod["status"] = {
        "phase": "Running",
        "containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}],
    }


def with_operator(cluster: FakeCluster, ready: int = 1) -> None:
    labels = {"app.kubernetes.io/name": "kube-prometheus-stack-prometheus-operator"}
    status = {"readyReplicas": ready}
    cluster.add("Deployment", "operator", "monitoring", metadata={"labels": labels}, spec={}, status=status)


def operator_gone(cluster: FakeCluster) -> None:
    not_loaded(cluster)
    with_operator(cluster, 0)


def paused(cluster: FakeCluster) -> None:
    operator_gone(cluster)
    cluster.find("Prometheus", "kube")["spec"]["paused"] = True


def not_reconciled(cluster: FakeCluster) -> None:
    not_loaded(cluster)
    with_operator(cluster)
    condition = {"type": "Reconciled", "status": "False", "message": "scrape class twice"}
    cluster.find("Prometheus", "kube")["status"] = {"conditions": [condition]}


def reload_failed(cluster: FakeCluster) -> None:
    not_loaded(cluster)
    cluster.runtime["reloadConfigSuccess"] = False


def write_configuration(cluster: FakeCluster, moment: str) -> None:
    metadata = {"managedFields": [{"manager": "PrometheusOperator", "time": moment}]}
    cluster.add("Secret", "prometheus-kube", "monitoring", metadata=metadata)


def operator_slow(cluster: FakeCluster) -> None:
    not_loaded(cluster)
    with_operator(cluster)
    monitor(cluster)["metadata"]["creationTimestamp"] = "2026-11-26T15:00:00Z"
    write_configuration(cluster, "2026-11-26T14:59:00Z")


def kubelet_slow(cluster: FakeCluster) -> None:
    operator_slow(cluster)
    cluster.remove("Secret", "prometheus-kube")
    write_configuration(cluster, "2026-11-26T15:00:05Z")


def changed_since(cluster: FakeCluster) -> None:
    operator_slow(cluster)
    cluster.pools.append(POOL)
    metadata = monitor(cluster)["metadata"]
    metadata["creationTimestamp"] = "2026-11-26T14:00:00Z"
    # What the operator writes into the status is no change of the monitor.
    metadata["managedFields"] = [
        {"time": "2026-11-26T15:00:00Z"},
        {"time": "2026-11-26T15:30:00Z", "subresource": "status"},
    ]


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
    (not_loaded, "not_reloaded", [POOL, "one to two minutes"]),
    (drop_targets, "no_targets", ["discovers nothing for it", "RBAC of system:serviceaccount:monitoring:prom"]),
    (target_down, "scrape_failed", ["connection refused", "nothing listens on that port"]),
    (blocked, "network_policy", ["NetworkPolicy deny-all selects pod argocd-repo-server-abc12", "to port 8084"]),
    (crashing, "scrape_failed", ["argocd-repo-server-abc12: CrashLoopBackOff", "connection refused"]),
    (operator_gone, "not_reloaded", ["the operator does not run: Deployment monitoring/operator has no ready pod"]),
    (paused, "not_reloaded", ["Prometheus monitoring/kube is paused"]),
    (not_reconciled, "not_reloaded", ["could not write the configuration", "scrape class twice"]),
    (reload_failed, "not_reloaded", ["last reload failed"]),
    (operator_slow, "not_reloaded", ["has not written a configuration since the monitor was changed (15:00:00 UTC"]),
    (kubelet_slow, "not_reloaded", ["at 15:00:05 UTC, Prometheus loaded its own at 14:35:03 UTC"]),
    (changed_since, "not_reloaded", ["has no target yet", "since the monitor was changed (15:00:00 UTC"]),
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
        looks += path.endswith("servicemonitors")
        cluster.prometheus_up = looks > 2

    cluster.on_read = on_read
    result = look(cluster, wait_timeout=30, poll_interval=0.01)
    assert not result.get("failed"), result["msg"]
    assert result["attempts"] == 3


def test_pools_of_other_kinds_are_judged_by_prometheus_alone(cluster: FakeCluster) -> None:
    cluster.pools.append("static")
    result = look(cluster, pools=["static", "nowhere"])
    assert [check["cause"] for check in result["checks"]] == ["no_targets", "pool_not_loaded"]
    assert not [path for path in cluster.requests if "proxy" not in path]
    # digits that are none to Python's int
    assert look(cluster, pools=["serviceMonitor/a/b/\u00b2"])["checks"][0]["cause"] == "pool_not_loaded"


HEALTHY_READS = [
    "/apis/monitoring.coreos.com/v1/servicemonitors",
    "/apis/monitoring.coreos.com/v1/podmonitors",
    "/api/v1/services",
    "/apis/discovery.k8s.io/v1/endpointslices",
    "/apis/monitoring.coreos.com/v1/prometheuses",
]


def test_a_whole_chain_costs_few_requests(cluster: FakeCluster) -> None:
    look(cluster)
    assert [path for path in cluster.requests if "/proxy/" not in path] == [f"GET {path}" for path in HEALTHY_READS]
    assert [path.rpartition("/proxy")[2] for path in cluster.requests if "/proxy/" in path] == ["/api/v1/targets"] * 2


def test_pods_are_read_only_for_pod_monitors(cluster: FakeCluster) -> None:
    look(cluster, pools=[pod_monitor(cluster)])
    assert [path for path in cluster.requests if "/proxy/" not in path] == [
        "GET /apis/monitoring.coreos.com/v1/podmonitors",
        "GET /apis/monitoring.coreos.com/v1/prometheuses",
        "GET /api/v1/namespaces/argocd/pods",
    ]


def test_many_pools_are_asked_for_at_once(cluster: FakeCluster) -> None:
    for number in range(30):
        component(cluster, f"other-{number}")
    assert not look(cluster).get("failed")
    assert [path.rpartition("/proxy")[2] for path in cluster.requests if "/proxy/" in path] == ["/api/v1/targets"]


def pod_monitor(cluster: FakeCluster, **endpoint: Any) -> str:
    """A PodMonitor of repo-server's pods, with its target."""
    spec = {
        "selector": {"matchLabels": {"app.kubernetes.io/name": "argocd-repo-server"}},
        "podMetricsEndpoints": [endpoint or {"port": "metrics"}],
    }
    cluster.add("PodMonitor", "repo", "argocd", spec=spec)
    cluster.find("Prometheus", "kube")["spec"].update(podMonitorSelector={}, podMonitorNamespaceSelector={})
    pod = cluster.find("Pod", "argocd-repo-server-abc12")
    pod["spec"] = {"containers": [{"name": "repo", "ports": [{"name": "metrics", "containerPort": 8084}]}]}
    pod["status"]["podIP"] = "10.42.0.7"
    pool = "podMonitor/argocd/repo/0"
    cluster.pools.append(pool)
    target = next(item for item in cluster.targets if item["scrapePool"] == POOL)
    cluster.targets.append({**target, "scrapePool": pool})
    return pool


def test_a_pod_monitor_passes(cluster: FakeCluster) -> None:
    pool = pod_monitor(cluster)
    result = look(cluster)
    assert not result.get("failed"), result["msg"]
    assert result["checks"][2]["subject"] == pool
    assert result["pools"][2]["pods"] == ["argocd/argocd-repo-server-abc12"]


@pytest.mark.parametrize(("field", "value"), [("podMonitorSelector", None), ("podMonitorNamespaceSelector", None)])
def test_pod_monitors_have_selectors_of_their_own(cluster: FakeCluster, field: str, value: Any) -> None:
    pool = pod_monitor(cluster)
    cluster.find("Prometheus", "kube")["spec"][field] = value
    result = look(cluster)
    assert {check["subject"]: check["cause"] for check in result["checks"]} == {
        POOL: "", OTHER: "", pool: "prometheus_does_not_select"
    }  # fmt: skip
    assert field in result["checks"][2]["detail"]


def test_pods_that_have_ended_are_not_expected(cluster: FakeCluster) -> None:
    pool = pod_monitor(cluster)
    cluster.targets.pop()
    cluster.find("Pod", "argocd-repo-server-abc12")["status"] = {"phase": "Succeeded"}
    check = look(cluster, pools=[pool])["checks"][0]
    assert check["cause"] == "no_ready_endpoints"
    assert "leaves out pods that have ended" in check["detail"]


def test_a_monitor_of_another_prometheus_is_not_meant_unless_named(cluster: FakeCluster) -> None:
    cluster.add(
        "Prometheus", "other", "team", spec={"serviceMonitorSelector": {}, "serviceMonitorNamespaceSelector": {}}
    )
    unselected(cluster)
    result = look(cluster)
    assert [check["subject"] for check in result["checks"]] == [OTHER]
    check = look(cluster, pools=[POOL])["checks"][0]
    assert check["cause"] == "prometheus_does_not_select"
    assert "Prometheus team/other does" in check["detail"]


def test_the_prometheus_behind_the_service_is_the_one_that_counts(cluster: FakeCluster) -> None:
    second = {"serviceMonitorSelector": {}, "serviceMonitorNamespaceSelector": {}}
    cluster.add("Prometheus", "second", "monitoring", spec=second)
    unselected(cluster)
    cluster.add("Service", "second", "monitoring", spec={"selector": {"operator.prometheus.io/name": "second"}})
    cluster.add("Service", "kube", "monitoring", spec={"selector": {"operator.prometheus.io/name": "kube"}})
    cluster.proxy = cluster.proxy.replace("prometheus-operated", "kube")
    check = look(cluster, pools=[POOL], prometheus_service="kube:9090")["checks"][0]
    assert check["cause"] == "prometheus_does_not_select"
    cluster.proxy = cluster.proxy.replace("kube:", "second:")
    check = look(cluster, pools=[POOL], prometheus_service="second:9090")["checks"][0]
    assert check["cause"] == "no_targets"


def sharded(cluster: FakeCluster) -> None:
    cluster.find("Prometheus", "kube")["spec"]["shards"] = 2
    drop_targets(cluster)
    labels = {
        "__address__": "10.42.0.7:8084",
        "__meta_kubernetes_namespace": "argocd",
        "__meta_kubernetes_service_name": "argocd-repo-server-metrics",
        "__meta_kubernetes_endpoint_port_name": "http-metrics",
    }
    for key, value in monitor(cluster)["spec"]["selector"]["matchLabels"].items():
        plain = key.replace(".", "_").replace("/", "_")
        labels[f"__meta_kubernetes_service_label_{plain}"] = value
        labels[f"__meta_kubernetes_service_labelpresent_{plain}"] = "true"
    cluster.dropped.append({"scrapePool": POOL, "discoveredLabels": labels})


def test_targets_of_another_shard_are_neither_passed_nor_failed(cluster: FakeCluster) -> None:
    sharded(cluster)
    result = look(cluster)
    assert not result.get("failed")
    assert [check["ok"] for check in result["checks"]] == [None, True]
    assert "another shard" in result["checks"][0]["detail"]


def test_a_rule_that_leaves_some_out_is_a_choice(cluster: FakeCluster) -> None:
    sharded(cluster)
    cluster.find("Prometheus", "kube")["spec"]["shards"] = 1
    cluster.targets = healthy().targets
    one_missing(cluster)
    monitor(cluster)["spec"]["endpoints"][0]["relabelings"] = [
        {"action": "drop", "sourceLabels": ["__address__"], "regex": "10[.]42.*"}
    ]
    result = look(cluster)
    assert not result.get("failed"), result["msg"]
    assert "relabelings[0] (drop sourceLabels __address__ regex 10[.]42.*)" in result["checks"][0]["detail"]
    assert (result["pools"][0]["expected"], result["pools"][0]["dropped"]) == (1, 1)


def test_what_no_rule_of_the_monitor_leaves_out_is_missing(cluster: FakeCluster) -> None:
    sharded(cluster)
    cluster.find("Prometheus", "kube")["spec"]["shards"] = 1
    cluster.targets = healthy().targets
    one_missing(cluster)
    assert look(cluster, pools=[POOL])["checks"][0]["cause"] == "targets_missing"


@pytest.mark.parametrize(("ready", "cause"), [("True", "network_policy"), ("False", "scrape_failed")])
def test_a_refusal_is_the_policys_only_where_something_could_answer(
    cluster: FakeCluster, ready: str, cause: str
) -> None:
    blocked(cluster)
    target_down(cluster)
    cluster.find("Pod", "argocd-repo-server-abc12")["status"]["conditions"][0]["status"] = ready
    assert look(cluster, pools=[POOL])["checks"][0]["cause"] == cause


def test_a_deadline_with_a_policy_that_admits_is_not_the_policys(cluster: FakeCluster) -> None:
    blocked(cluster)
    cluster.find("NetworkPolicy", "deny-all")["spec"]["ingress"] = [{"from": [{"namespaceSelector": {}}]}]
    check = look(cluster, pools=[POOL])["checks"][0]
    assert check["cause"] == "scrape_failed"
    assert "no NetworkPolicy keeps Prometheus out" in check["detail"]


def test_a_prometheus_may_ignore_namespace_selectors(cluster: FakeCluster) -> None:
    monitor(cluster)["spec"]["namespaceSelector"] = {"matchNames": ["monitoring"]}
    cluster.find("Prometheus", "kube")["spec"]["ignoreNamespaceSelectors"] = True
    assert not look(cluster, pools=[POOL]).get("failed")


def test_another_rule_than_the_monitors_is_not_blamed_on_it(cluster: FakeCluster) -> None:
    sharded(cluster)
    cluster.find("Prometheus", "kube")["spec"]["shards"] = 1
    check = look(cluster, pools=[POOL])["checks"][0]
    assert check["cause"] == "relabeling_dropped"
    assert "by no rule of the monitor" in check["detail"]


def test_which_monitors_there_are_has_to_be_known(cluster: FakeCluster) -> None:
    cluster.forbidden = [r".*/podmonitors"]
    cluster.pools.append("podMonitor/a/b/0")
    cluster.targets.append({**cluster.targets[0], "scrapePool": "podMonitor/a/b/0"})
    result = look(cluster)
    assert result["failed"]
    seen = [(check["subject"], check["cause"], check["ok"]) for check in result["checks"]]
    assert seen == [("", "forbidden", False), (POOL, "", True), (OTHER, "", True), ("podMonitor/a/b/0", "", None)]
    # Named pools do not depend on the list of the other kind.
    assert not look(cluster, pools=[POOL]).get("failed")


def test_without_rights_for_the_whole_cluster_namespaces_are_read(cluster: FakeCluster) -> None:
    cluster.forbidden = [r"/api(s/[^/]+)?/v1/(?!namespaces/)[a-z]+"]
    result = look(cluster, pools=[POOL, OTHER])
    assert not result.get("failed"), result["msg"]
    assert [check["ok"] for check in result["checks"]] == [True, True]
    assert result["pools"][0]["expected"] == 1
    # What was refused is not asked for again at the next look.
    drop_targets(cluster)
    cluster.requests.clear()
    look(cluster, pools=[POOL], wait_timeout=1, poll_interval=0.3)
    assert cluster.requests.count("GET /apis/monitoring.coreos.com/v1/servicemonitors") == 1


def test_what_explains_is_missing_from_the_reason_only(cluster: FakeCluster) -> None:
    blocked(cluster)
    cluster.forbidden = [r".*/networkpolicies"]
    check = look(cluster, pools=[POOL])["checks"][0]
    assert check["cause"] == "scrape_failed"
    assert "Not looked at: NetworkPolicies of namespace argocd may not be read" in check["detail"]


def test_without_any_right_prometheus_alone_is_neither_passed_nor_failed(cluster: FakeCluster) -> None:
    cluster.forbidden = [r"(?!.*/proxy/).*"]
    result = look(cluster, pools=[POOL])
    assert [check["ok"] for check in result["checks"]] == [None]
    assert "ServiceMonitors of namespace argocd may not be read" in result["checks"][0]["detail"]
    target_down(cluster)
    assert look(cluster, pools=[POOL])["checks"][0]["cause"] == "scrape_failed"


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
