# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Series of a healthy Argo CD, with the labels that a real one has in Prometheus, and what makes each alert fire.

A case changes some of the healthy series, by their keys; None takes one away. Values are written as promtool reads
them, one a minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PARTS = {
    "application-controller": "application-controller-0",
    "applicationset-controller": "applicationset-controller-5b4f",
    "repo-server": "repo-server-7c9d",
    "server": "server-6f5b",
    "notifications-controller": "notifications-controller-9d8c",
}
CONTROLLER, APPLICATIONSET, REPO, SERVER, NOTIFICATIONS = PARTS
CLUSTER = 'dest_server="https://kubernetes.default.svc"'
GUESTBOOK = f'exported_namespace="apps",name="guestbook",project="default",{CLUSTER}'
GIT = 'repo="https://git.example.org/apps.git"'
HOST = 'host="10.43.0.1:443"'
Changes = Mapping[str, "str | None"]


@dataclass(frozen=True)
class Release:
    """The chart's names: the release, with -argocd where its name does not hold that already."""

    name: str
    namespace: str

    def labels(self, part: str, pod: str = "") -> str:
        prefix = self.name if "argocd" in self.name else f"{self.name}-argocd"
        job = f"{prefix}-{part}-metrics"
        return f'namespace="{self.namespace}",job="{job}",service="{job}",pod="{prefix}-{pod or PARTS[part]}"'


OTHER = Release("elsewhere", "elsewhere")


def key(part: str, metric: str, labels: str = "", pod: str = "") -> str:
    """A series before it belongs to a release."""
    return f"{part}|{pod}|{metric}|{labels}"


def series_of(release: Release, changes: Changes) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for text, values in changes.items():
        part, pod, metric, labels = text.split("|", 3)
        found[f"{metric}{{{','.join(item for item in (release.labels(part, pod), labels) if item)}}}"] = values
    return found


def app(sync: str = "Synced", health: str = "Healthy", auto: str = "false", operation: str = "") -> str:
    labels = f'{GUESTBOOK},sync_status="{sync}",health_status="{health}",autosync_enabled="{auto}"'
    return key(CONTROLLER, "argocd_app_info", labels + (f',operation="{operation}"' if operation else ""))


def histogram(part: str, metric: str, labels: str, bounds: str, within: int) -> dict[str, str]:
    """Ten observations a minute, all within one of the bounds, by its place."""
    ends = [*bounds.split(), "+Inf"]
    return {
        key(part, f"{metric}_bucket", ",".join(filter(None, [labels, f'le="{end}"']))): (
            "0+10x400" if place >= within else "0x400"
        )
        for place, end in enumerate(ends)
    }


RECONCILE = (CONTROLLER, "argocd_app_reconcile", f'exported_namespace="apps",{CLUSTER}', "0.25 0.5 1 2 4 8 16")
GIT_TIMES = (REPO, "argocd_git_request_duration_seconds", f'{GIT},request_type="fetch"', "0.1 0.25 0.5 1 2 4 10 20")
REPO_WAIT = (REPO, "argocd_repo_parallelism_wait_duration_seconds", "", "0.1 0.25 0.5 1 2 4 10 20 60 120")
KUBE_TIMES = (CONTROLLER, "argocd_kubectl_request_duration_seconds", f'{HOST},verb="List"', "0.005 0.1 0.5 2 8 30")
KUBE_LIMIT = (CONTROLLER, "argocd_kubectl_rate_limiter_duration_seconds", f'{HOST},verb="List"', "0.005 0.1 0.5 2 8 30")
GRPC = 'grpc_service="repository.RepoServerService",grpc_method="GenerateManifest",grpc_type="unary"'
STREAM = GRPC.replace("unary", "server_stream")
GRPC_TIMES = (REPO, "grpc_server_handling_seconds", GRPC, "0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10")
REDIS_TIMES = (
    CONTROLLER,
    "argocd_redis_request_duration",
    'initiator="argocd-application-controller"',
    "0.01 0.05 0.1 0.25 0.5 1",
)
REPO_REDIS = (REPO, "argocd_redis_request_duration_seconds", 'initiator="argocd-repo-server"', "0.1 0.25 0.5 1 2")

CONNECTION = key(
    CONTROLLER, "argocd_cluster_connection_status", 'server="https://kubernetes.default.svc",k8s_version="v1.37.2"'
)
CACHE_AGE = key(CONTROLLER, "argocd_cluster_cache_age_seconds", 'server="https://kubernetes.default.svc"')
QUEUE = key(CONTROLLER, "workqueue_depth", 'name="app_reconciliation_queue"')
EXEC = key(CONTROLLER, "argocd_kubectl_exec_pending", 'command="apply"')
PENDING = key(REPO, "argocd_repo_pending_request_total", GIT)
REQUESTS = key(CONTROLLER, "argocd_kubectl_requests_total", f'{HOST},method="GET",code="200"')
RETRIES = key(CONTROLLER, "argocd_kubectl_request_retries_total", f'{HOST},method="GET",code="429"')
HANDLED = key(REPO, "grpc_server_handled_total", f'{GRPC},grpc_code="OK"')
REDIS_OK = key(REPO, "argocd_redis_request_total", 'initiator="argocd-repo-server",command="get",failed="false"')
SYNCED = key(CONTROLLER, "argocd_app_sync_total", f'{GUESTBOOK},phase="Succeeded",dry_run="false"')
FAILED = key(CONTROLLER, "argocd_app_sync_total", f'{GUESTBOOK},phase="Failed",dry_run="false"')
DRY = key(CONTROLLER, "argocd_app_sync_total", f'{GUESTBOOK},phase="Failed",dry_run="true"')
FETCH_FAIL = key(REPO, "argocd_git_fetch_fail_total", f'{GIT},revision="main"')
LS_FAIL = key(REPO, "argocd_git_lsremote_fail_total", f'{GIT},revision="main"')
APPSET_ERRORS = key(APPLICATIONSET, "controller_runtime_reconcile_errors_total", 'controller="applicationset"')
DELIVERED = key(
    NOTIFICATIONS,
    "argocd_notifications_deliveries_total",
    'exported_service="slack",trigger="on-sync-failed",succeeded="true"',
)
UNDELIVERED = DELIVERED.replace('"true"', '"false"')


def up(part: str, pod: str = "") -> str:
    return key(part, "up", pod=pod)


def started(part: str) -> str:
    return key(part, "process_start_time_seconds")


def appset(status: str) -> str:
    return key(
        APPLICATIONSET,
        "argocd_appset_info",
        f'exported_namespace="apps",name="teams",resource_update_status="{status}"',
    )


def login(status: str) -> str:
    return key(SERVER, "argocd_login_request_total", f'status="{status}"')


HEALTHY: dict[str, str | None] = {
    **{up(part): "1x400" for part in PARTS},
    **{started(part): "-1000x400" for part in PARTS},
    app(): "1x400",
    SYNCED: "1x400",
    CONNECTION: "1x400",
    CACHE_AGE: "0+60x400",
    QUEUE: "0x400",
    EXEC: "0x400",
    PENDING: "0x400",
    REQUESTS: "0+50x400",
    HANDLED: "0+10x400",
    REDIS_OK: "0+100x400",
    APPSET_ERRORS: "0x400",
    DELIVERED: "0+1x400",
    appset("ApplicationSetUpToDate"): "1x400",
    **{
        text: values
        for shape in (RECONCILE, GIT_TIMES, REPO_WAIT, KUBE_TIMES, KUBE_LIMIT, GRPC_TIMES, REDIS_TIMES, REPO_REDIS)
        for text, values in histogram(*shape, 1).items()
    },
}


@dataclass(frozen=True)
class Case:
    """What makes an alert fire at a time, and what, nearly the same, does not."""

    fires: Changes
    quiet: Mapping[str, Changes]
    at: str = "3h"
    count: int = 1
    note: str = field(default="")


def instead(
    sync: str = "Synced", health: str = "Healthy", auto: str = "false", operation: str = "", values: str = "1x400"
) -> Changes:
    """The same Application in another state."""
    return {app(): None, app(sync, health, auto, operation): values}


# begins 6 minutes before the look at 3 hours: shorter than any time that an alert waits
LATE = "_x174 1x200"
# one in four minutes: too few to speak of a share, however many of them fail
SELDOM = " ".join(f"{number}x3" for number in range(100))

CASES: dict[str, Case] = {
    "ArgoAppMissing": Case(
        fires={app(): None, up(CONTROLLER): "0x400"},
        quiet={
            "no Application yet": {app(): None},
            "the controller is down, and its Applications are still known from another": {up(CONTROLLER): "0x400"},
            "the controller restarts": {app(): "1x175 _x10", up(CONTROLLER): "1x175 0x10"},
        },
    ),
    "ArgoCdAppsVanished": Case(
        fires={app(): "1x150 _x250"},
        quiet={
            "there never was one": {app(): None},
            "one of two was deleted": {app("OutOfSync"): "1x150 _x250"},
            "the controller has just started": {app(): "1x150 _x250", started(CONTROLLER): "-1000x171 10320x228"},
            "the controller is down": {app(): "1x150 _x250", up(CONTROLLER): "1x150 0x250"},
        },
    ),
    "ArgoCdAppSyncFailed": Case(
        fires={FAILED: "_x170 1x200"},
        quiet={
            "an old failure": {FAILED: "1x400"},
            "a dry run": {DRY: "_x170 1x200"},
            "syncs that succeed": {SYNCED: "1+1x400"},
        },
    ),
    "ArgoCdAppUnhealthy": Case(
        fires=instead(health="Degraded"),
        quiet={
            "progressing": instead(health="Progressing"),
            "suspended on purpose": instead(health="Suspended"),
            "not for long enough": {app(health="Degraded"): LATE},
        },
    ),
    "ArgoCdAppOutOfSync": Case(
        fires=instead(sync="OutOfSync"),
        quiet={
            "automated sync has an alert of its own": instead(sync="OutOfSync", auto="true"),
            "not for long enough": {app(sync="OutOfSync"): LATE},
        },
    ),
    "ArgoCdAppAutoSyncStuck": Case(
        fires=instead(sync="OutOfSync", auto="true"),
        quiet={
            "synced by hand": instead(sync="OutOfSync"),
            "in sync": instead(auto="true"),
            "not for long enough": {app(sync="OutOfSync", auto="true"): LATE},
        },
    ),
    "ArgoCdAppSyncUnknown": Case(
        fires=instead(sync="Unknown"),
        quiet={"out of sync": instead(sync="OutOfSync"), "not for long enough": {app(sync="Unknown"): LATE}},
    ),
    "ArgoCdAppAutoSyncDisabled": Case(
        fires={app(): "_x20 1x400", app(auto="true"): "1x20 _x400"},
        quiet={
            "never automated": {},
            "turned off a moment ago": {app(): "_x170 1x200", app(auto="true"): "1x170 _x200"},
            "turned on again": {app(): "1x20 _x400", app(auto="true"): "_x20 1x400"},
        },
    ),
    "ArgoCdAppProgressingTooLong": Case(
        fires=instead(health="Progressing"),
        quiet={"healthy": {}, "not for long enough": {app(health="Progressing"): LATE}},
    ),
    "ArgoCdAppOperationStuck": Case(
        fires=instead(operation="delete"),
        quiet={"no operation": {}, "a sync of some minutes": {app(operation="sync"): LATE}},
    ),
    "ArgoCdReconcileSlow": Case(
        fires=histogram(*RECONCILE, 6),
        quiet={
            "within the limit": histogram(*RECONCILE, 4),
            "no reconciliation": dict.fromkeys(histogram(*RECONCILE, 6), "5x400"),
        },
    ),
    "ArgoCdControllerBacklog": Case(
        fires={QUEUE: "60x400"},
        quiet={
            "a few": {QUEUE: "50x400"},
            "a peak that empties": {QUEUE: "500 0x8 500 0x8" + " 500 0x8" * 40},
            "another queue": {QUEUE.replace("app_", "project_"): "60x400"},
        },
    ),
    "ArgoCdClusterConnectionLost": Case(
        fires={CONNECTION: "0x400"},
        quiet={"connected": {}, "for a moment": {CONNECTION: "1x178 0 1x200"}, "not known yet": {CONNECTION: None}},
    ),
    "ArgoCdClusterCacheStale": Case(
        fires={CACHE_AGE: "90000+60x400"},
        quiet={"12 hours": {CACHE_AGE: "43200+60x400"}, "never read yet": {CACHE_AGE: "-1x400"}},
    ),
    "ArgoCdKubectlExecPending": Case(
        fires={EXEC: "11x400"},
        quiet={"ten": {EXEC: "10x400"}, "a peak that empties": {EXEC: "30 0x8" + " 30 0x8" * 40}},
    ),
    "ArgoCdKubernetesRequestsFailing": Case(
        fires={REQUESTS.replace('"200"', '"503"'): "0+10x400", REQUESTS.replace('"200"', '"<error>"'): "0+10x400"},
        quiet={
            "a few": {REQUESTS.replace('"200"', '"503"'): "0+2x400"},
            "what is not there": {REQUESTS.replace('"200"', '"404"'): "0+50x400"},
            "a request now and then": {REQUESTS: None, REQUESTS.replace('"200"', '"503"'): SELDOM},
        },
    ),
    "ArgoCdKubernetesRequestsSlow": Case(
        fires=histogram(*KUBE_TIMES, 4), quiet={"within the limit": histogram(*KUBE_TIMES, 3)}
    ),
    "ArgoCdKubernetesRequestsThrottled": Case(
        fires=histogram(*KUBE_LIMIT, 3), quiet={"within the limit": histogram(*KUBE_LIMIT, 2)}
    ),
    "ArgoCdKubernetesRequestsRetried": Case(
        fires={RETRIES: "0+5x400"}, quiet={"a few": {RETRIES: "0+1x400"}, "long ago": {RETRIES: "900x400"}}
    ),
    "ArgoCdRepoServerQueue": Case(
        fires={PENDING: "6x400"},
        quiet={"five": {PENDING: "5x400"}, "a peak that empties": {PENDING: "20 0x3" + " 20 0x3" * 100}},
    ),
    "ArgoCdRepoServerBusy": Case(
        fires=histogram(*REPO_WAIT, 8),
        quiet={
            "within the limit": histogram(*REPO_WAIT, 7),
            "before 3.5": dict.fromkeys(histogram(*REPO_WAIT, 8)),
        },
    ),
    "ArgoCdGitRequestsSlow": Case(fires=histogram(*GIT_TIMES, 7), quiet={"within the limit": histogram(*GIT_TIMES, 6)}),
    "ArgoCdGitRequestsFailing": Case(
        fires={FETCH_FAIL: "_x170 2x200", LS_FAIL: "_x172 1x200"},
        quiet={
            "two": {FETCH_FAIL: "_x170 2x200"},
            "long ago": {FETCH_FAIL: "20x400"},
            "two of each of two repositories": {
                FETCH_FAIL: "_x170 2x200",
                LS_FAIL.replace("apps.git", "other.git"): "_x170 2x200",
            },
        },
    ),
    "ArgoCdOciRequestsFailing": Case(
        fires={
            key(
                REPO, f"argocd_oci_{kind}_fail_total", 'repo="oci://registry.example.org/apps",revision="1.0.0"'
            ): "_x170 1x200"
            for kind in ("extract", "resolve_revision", "digest_metadata")
        },
        quiet={
            "one": {
                key(REPO, "argocd_oci_test_repo_fail_total", 'repo="oci://registry.example.org/apps"'): "_x170 1x200"
            },
            "before 3.3": {},
        },
    ),
    "ArgoCdGrpcErrors": Case(
        fires={HANDLED.replace('"OK"', '"Unknown"'): "0+5x400"},
        quiet={
            "a few": {HANDLED.replace('"OK"', '"Unknown"'): "0+1x400"},
            "what callers did wrong": {HANDLED.replace('"OK"', '"PermissionDenied"'): "0+50x400"},
            "a call now and then": {HANDLED: None, HANDLED.replace('"OK"', '"Unknown"'): SELDOM},
        },
    ),
    "ArgoCdGrpcSlow": Case(
        fires=histogram(*GRPC_TIMES, 10),
        quiet={
            "within the limit": histogram(*GRPC_TIMES, 9),
            "a stream": histogram(REPO, "grpc_server_handling_seconds", STREAM, GRPC_TIMES[3], 10),
            "not measured": dict.fromkeys(histogram(*GRPC_TIMES, 9)),
        },
    ),
    "ArgoCdRedisErrors": Case(
        fires={REDIS_OK.replace('"false"', '"true"'): "0+50x400"},
        quiet={
            "a few": {REDIS_OK.replace('"false"', '"true"'): "0+5x400"},
            "a request now and then": {REDIS_OK: None, REDIS_OK.replace('"false"', '"true"'): SELDOM},
        },
    ),
    "ArgoCdRedisSlow": Case(
        fires={**histogram(*REDIS_TIMES, 5), **histogram(*REPO_REDIS, 3)},
        count=2,
        quiet={"within the limit": {**histogram(*REDIS_TIMES, 4), **histogram(*REPO_REDIS, 2)}},
    ),
    "ArgoCdLoginFailures": Case(
        fires={login("failure"): "_x170 25x200"},
        quiet={
            "a few": {login("failure"): "_x170 19x200"},
            "logins that succeed": {login("success"): "0+9x400"},
            "long ago": {login("failure"): "500x400"},
        },
    ),
    "ArgoCdApplicationSetErrors": Case(
        fires={APPSET_ERRORS: "0+1x400"},
        quiet={"one": {APPSET_ERRORS: "0x170 1x200"}, "long ago": {APPSET_ERRORS: "9x400"}},
    ),
    "ArgoCdApplicationSetNotUpToDate": Case(
        fires={appset("ApplicationSetUpToDate"): None, appset("ErrorOccurred"): "1x400"},
        quiet={"up to date": {}, "not for long enough": {appset("ErrorOccurred"): LATE}},
    ),
    "ArgoCdNotificationsFailing": Case(
        fires={UNDELIVERED: "_x170 1x200"}, quiet={"delivered": {}, "long ago": {UNDELIVERED: "7x400"}}
    ),
    "ArgoCdComponentDown": Case(
        fires={up(REPO): "0x400", up(SERVER): None},
        count=2,
        quiet={
            "one of two": {up(REPO, "repo-server-2"): "0x400"},
            "a moment": {up(REPO): "1x177 0x2 1x200"},
            "the part is off": {},
        },
    ),
    "ArgoCdReplicaDown": Case(
        fires={up(REPO, "repo-server-2"): "0x400"},
        quiet={
            "all of them, which is another alert": {up(REPO): "0x400"},
            "all up": {up(REPO, "repo-server-2"): "1x400"},
        },
    ),
    "ArgoCdComponentRestarts": Case(
        fires={started(REPO): "-1000x150 9000x5 9300x5 9600x200"},
        quiet={
            "one restart": {started(REPO): "-1000x150 9000x200"},
            "three restarts long ago": {started(REPO): "-1000x50 3000x5 3300x5 3600x300"},
        },
    ),
}
