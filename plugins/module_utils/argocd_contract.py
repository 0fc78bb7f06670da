# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics that each part of Argo CD must have: which, since when, after which traffic, and where that was read.

Facts are those of Argo CD's source at the tags v3.0.0, v3.1.0, v3.2.0, v3.3.0, v3.4.0 and v3.5.0; each entry names the
file. A metric that is a vector (CounterVec and so on) has no series before something happened; what is said to be there
from the start is no vector, or its labels are filled in at the start. Of a histogram, C(_count) is looked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

OLDEST = (3, 0)
NEWEST = (3, 5)

CONTROLLER = "application-controller"
APPLICATIONSET = "applicationset-controller"
REPO_SERVER = "repo-server"
SERVER = "server"
NOTIFICATIONS = "notifications-controller"
REDIS = "redis"
DEX = "dex-server"

# Ends of job names: the Services of the chart, then those of upstream's plain manifests. The first that fits counts.
JOBS: Mapping[str, str] = {
    APPLICATIONSET: r"applicationset-controller(-metrics)?",
    NOTIFICATIONS: r"notifications-controller(-metrics)?",
    CONTROLLER: r"application-controller(-metrics)?|argocd-metrics",
    REPO_SERVER: r"repo-server(-metrics)?",
    DEX: r"dex-server(-metrics)?",
    REDIS: r"redis(-ha)?(-haproxy)?(-exporter)?-metrics",
    SERVER: r"(?<!commit-)server-metrics",
}
DEFAULT_COMPONENTS = (CONTROLLER, APPLICATIONSET, REPO_SERVER, SERVER)

# What has to happen before a metric is due, and the series of the same part any of which shows that it did. A value
# after the colon is that of label phase or request_type. Where a metric stands for itself only, its labels are all that
# is checked, unless the caller knows that the event has happened.
EVENTS: Mapping[str, tuple[str, ...]] = {
    "application": ("argocd_app_info",),
    "reconciliation": ("argocd_app_reconcile_count", "argocd_app_sync_total"),
    "sync": ("argocd_app_sync_total",),
    "successful_sync": ("argocd_app_sync_total:Succeeded",),
    "git": ("argocd_git_request_total", "argocd_git_request_duration_seconds_count"),
    "fetch": ("argocd_git_request_total:fetch",),
    "call": ("grpc_server_handled_total",),
    "cache": (
        "argocd_redis_request_total",
        "argocd_redis_request_duration_count",
        "argocd_redis_request_duration_seconds_count",
    ),
    "applicationset": ("argocd_appset_info", "argocd_appset_owned_applications"),
    "oci": ("argocd_oci_request_total", "argocd_oci_request_duration_seconds_count"),
    "login": ("argocd_login_request_total",),
    "trigger": ("argocd_notifications_trigger_eval_total",),
    "notification": ("argocd_notifications_deliveries_total",),
}

# A controller reconciles each Application after its start; until then it owes no reconciliation, seconds.
RECONCILED_AFTER = 240


@dataclass(frozen=True)
class Metric:
    """One metric of one part.

    :param name: as it is exposed, without the suffix of a histogram.
    :param source: where it is registered, below Argo CD's repository unless it says otherwise.
    :param after: key of EVENTS; empty where it is there from the start.
    :param since: first minor version that has it; OLDEST also means that it may be older.
    :param until: last minor version that has it.
    :param labels: labels that every series has with a value.
    """

    name: str
    source: str
    after: str = ""
    since: tuple[int, int] = OLDEST
    until: tuple[int, int] | None = None
    labels: tuple[str, ...] = ()
    histogram: bool = False

    @property
    def series(self) -> str:
        return f"{self.name}_count" if self.histogram else self.name

    def due_in(self, version: tuple[int, int]) -> bool:
        return self.since <= version and (self.until is None or version <= self.until)


_CONTROLLER = "controller/metrics/metrics.go"
_CLUSTERS = "controller/metrics/clustercollector.go"
_KUBECTL = "util/metrics/kubectl/kubectl_metrics.go"
_REPO = "reposerver/metrics/metrics.go"
_SERVER = "server/metrics/metrics.go"
_GRPC = "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus, in {}"
_RUNTIME = "sigs.k8s.io/controller-runtime, in {}"
_PROCESS = "github.com/prometheus/client_golang"
_NOTIFICATIONS = "github.com/argoproj/notifications-engine, pkg/controller/metrics.go"

# Every part that is written in Go and uses Prometheus's client has these.
_GO = (
    Metric("process_start_time_seconds", _PROCESS),
    Metric("process_cpu_seconds_total", _PROCESS),
    Metric("process_resident_memory_bytes", _PROCESS),
    Metric("go_goroutines", _PROCESS),
)
# Requests to the API server of the cluster that it runs in, which each of these parts makes at its start.
_KUBERNETES = (
    Metric("argocd_kubectl_requests_total", _KUBECTL, labels=("host", "method", "code")),
    Metric("argocd_kubectl_request_duration_seconds", _KUBECTL, labels=("host", "verb"), histogram=True),
    Metric("argocd_kubectl_rate_limiter_duration_seconds", _KUBECTL, labels=("host", "verb"), histogram=True),
    Metric("argocd_kubectl_request_size_bytes", _KUBECTL, labels=("host", "method"), histogram=True),
    Metric("argocd_kubectl_response_size_bytes", _KUBECTL, labels=("host", "method"), histogram=True),
)

CONTRACT: Mapping[str, tuple[Metric, ...]] = {
    CONTROLLER: (
        *_GO,
        *_KUBERNETES,
        Metric("workqueue_depth", _RUNTIME.format(_CONTROLLER), labels=("name",)),
        Metric("workqueue_adds_total", _RUNTIME.format(_CONTROLLER), labels=("name",)),
        Metric(
            "argocd_app_info",
            _CONTROLLER,
            "application",
            labels=("name", "project", "sync_status", "health_status", "autosync_enabled"),
        ),
        Metric("argocd_app_orphaned_resources_count", _CONTROLLER, "reconciliation", labels=("name", "project")),
        Metric("argocd_app_reconcile", _CONTROLLER, "reconciliation", histogram=True),
        Metric("argocd_redis_request_total", _CONTROLLER, "reconciliation", labels=("initiator", "failed")),
        Metric("argocd_redis_request_duration", _CONTROLLER, "reconciliation", labels=("initiator",), histogram=True),
        Metric("argocd_cluster_info", _CLUSTERS, "reconciliation", labels=("server", "k8s_version")),
        Metric("argocd_cluster_connection_status", _CLUSTERS, "reconciliation", labels=("server",)),
        Metric("argocd_cluster_api_resources", _CLUSTERS, "reconciliation", labels=("server",)),
        Metric("argocd_cluster_api_resource_objects", _CLUSTERS, "reconciliation", labels=("server",)),
        Metric("argocd_cluster_cache_age_seconds", _CLUSTERS, "reconciliation", labels=("server",)),
        Metric("argocd_cluster_events_total", _CONTROLLER, "reconciliation", labels=("server", "kind")),
        Metric("argocd_app_sync_total", _CONTROLLER, "sync", labels=("name", "project", "phase")),
        Metric("argocd_app_sync_duration_seconds_total", _CONTROLLER, "sync", since=(3, 1), labels=("name", "project")),
        Metric("argocd_app_k8s_request_total", _CONTROLLER, "successful_sync", labels=("verb", "response_code")),
        Metric("argocd_kubectl_exec_total", _CONTROLLER, "successful_sync", labels=("command",)),
        Metric("argocd_kubectl_exec_pending", _CONTROLLER, "successful_sync", labels=("command",)),
    ),
    APPLICATIONSET: (
        *_GO,
        *_KUBERNETES,
        Metric(
            "controller_runtime_reconcile_total", _RUNTIME.format("applicationset/controllers"), labels=("controller",)
        ),
        Metric(
            "controller_runtime_reconcile_errors_total",
            _RUNTIME.format("applicationset/controllers"),
            labels=("controller",),
        ),
        Metric(
            "argocd_appset_info",
            "applicationset/metrics/metrics.go",
            "applicationset",
            labels=("name", "resource_update_status"),
        ),
        Metric(
            "argocd_appset_owned_applications", "applicationset/metrics/metrics.go", "applicationset", labels=("name",)
        ),
        Metric(
            "argocd_appset_reconcile",
            "applicationset/metrics/metrics.go",
            "applicationset",
            labels=("name",),
            histogram=True,
        ),
    ),
    REPO_SERVER: (
        *_GO,
        Metric("argocd_repo_parallelism_wait_duration_seconds", _REPO, since=(3, 5), histogram=True),
        Metric("argocd_git_request_total", _REPO, "git", labels=("repo", "request_type")),
        Metric("argocd_git_request_duration_seconds", _REPO, "git", labels=("repo", "request_type"), histogram=True),
        Metric("argocd_repo_pending_request_total", _REPO, "fetch", labels=("repo",)),
        Metric("argocd_redis_request_total", _REPO, "cache", labels=("initiator", "failed")),
        Metric("argocd_redis_request_duration_seconds", _REPO, "cache", labels=("initiator",), histogram=True),
        Metric(
            "grpc_server_handled_total",
            _GRPC.format("reposerver/server.go"),
            "call",
            labels=("grpc_method", "grpc_code"),
        ),
        Metric("argocd_oci_request_total", _REPO, "oci", since=(3, 3), labels=("repo", "request_type")),
        Metric("argocd_oci_request_duration_seconds", _REPO, "oci", since=(3, 3), labels=("repo",), histogram=True),
    ),
    SERVER: (
        *_GO,
        *_KUBERNETES,
        Metric("argocd_info", _SERVER, labels=("version",)),
        Metric("grpc_server_handled_total", _GRPC.format("server/server.go"), labels=("grpc_method", "grpc_code")),
        Metric("argocd_redis_request_total", _SERVER, "cache", labels=("initiator", "failed")),
        Metric("argocd_redis_request_duration", _SERVER, "cache", labels=("initiator",), histogram=True),
        Metric("argocd_login_request_total", _SERVER, "login", since=(3, 2), labels=("status",)),
        Metric("argocd_webhook_handlers_in_flight", "util/webhook/webhook.go", since=(3, 5)),
    ),
    NOTIFICATIONS: (
        *_GO,
        Metric("argocd_notifications_trigger_eval_total", _NOTIFICATIONS, "trigger", labels=("name", "triggered")),
        Metric(
            "argocd_notifications_deliveries_total", _NOTIFICATIONS, "notification", labels=("trigger", "succeeded")
        ),
    ),
    REDIS: (Metric("redis_up", "github.com/oliver006/redis_exporter"),),
    DEX: (Metric("go_goroutines", _PROCESS), Metric("process_start_time_seconds", _PROCESS)),
}
