# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of pods, releases, rollouts, claims and events; and what of a log must not be said."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.cluster_diagnosis import (
    LINE_LENGTH,
    ROOTS,
    broken_container,
    claim_checks,
    event_time,
    events_check,
    kinds_check,
    last_lines,
    likeliest,
    namespace_check,
    owner_of,
    pod_check,
    recent_warnings,
    redacted,
    release_check,
    stuck_check,
)
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=timezone.utc)


def pod(containers: list[dict[str, Any]] | None = None, **status: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "server-abc-1",
            "namespace": "argocd",
            "ownerReferences": [{"kind": "ReplicaSet", "name": "server-abc"}],
        },
        "status": {"phase": "Pending", **({"containerStatuses": containers} if containers else {}), **status},
    }


def waiting(reason: str, **more: Any) -> dict[str, Any]:
    return {"name": "server", "ready": False, "state": {"waiting": {"reason": reason, "message": "why"}}, **more}


CRASHED = {"lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}
KILLED = {"lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}


@pytest.mark.parametrize(
    ("subject", "cause", "command"),
    [
        (pod([waiting("ImagePullBackOff")]), "image_not_pulled", "kubectl describe pod server-abc-1 -n argocd"),
        (pod([waiting("CrashLoopBackOff", **CRASHED)]), "crash_loop",
         "kubectl logs server-abc-1 -n argocd -c server --previous"),
        (pod([waiting("CrashLoopBackOff", **KILLED)]), "out_of_memory", "kubectl describe pod server-abc-1 -n argocd"),
        (pod([waiting("CreateContainerConfigError")]), "container_not_created",
         "kubectl describe pod server-abc-1 -n argocd"),
        (pod([waiting("ContainerCreating")]), "pod_starting", "kubectl describe pod server-abc-1 -n argocd"),
        (pod(conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1"}]),
         "unschedulable", "kubectl describe pod server-abc-1 -n argocd"),
        (pod([{"name": "server", "ready": False, "state": {"running": {}}}], phase="Running"), "pod_not_ready",
         "kubectl logs server-abc-1 -n argocd -c server"),
        (pod(phase="Failed", reason="Evicted", message="low on memory"), "pod_failed",
         "kubectl describe pod server-abc-1 -n argocd"),
        (pod(phase="Unknown"), "pod_not_ready", "kubectl describe pod server-abc-1 -n argocd"),
    ],
)  # fmt: skip
def test_each_reason_why_a_pod_does_not_run_has_a_name(subject: Any, cause: str, command: str) -> None:
    check = pod_check(subject)
    assert (check.ok, check.cause, check.next) == (False, cause, command)
    assert check.subject == "argocd/server"
    assert cause in ROOTS


def test_the_log_and_the_event_are_said_with_it() -> None:
    event = {"involvedObject": {"kind": "Pod", "name": "server-abc-1"}, "reason": "BackOff", "message": "restarting"}
    check = pod_check(pod([waiting("CrashLoopBackOff", **CRASHED)]), ["panic: no secret"], [event])
    assert "Its log ends with: panic: no secret" in check.detail
    assert "Event: Pod server-abc-1: BackOff: restarting" in check.detail


def test_which_log_tells_most() -> None:
    assert broken_container(pod([waiting("CrashLoopBackOff", **CRASHED)])) == ("server", True)
    assert broken_container(pod([{"name": "a", "ready": True}, waiting("ImagePullBackOff")])) == ("", False)
    ended = {"name": "init", "ready": False, "state": {"terminated": {"exitCode": 2}}}
    assert broken_container(pod(initContainerStatuses=[ended])) == ("init", False)
    done = {"name": "init", "ready": False, "state": {"terminated": {"exitCode": 0}}}
    assert broken_container(
        pod([{"name": "b", "ready": False, "state": {"running": {}}}], initContainerStatuses=[done])
    ) == (
        "b",
        False,
    )


def test_the_owner() -> None:
    assert (
        owner_of(
            {"metadata": {"name": "x-0", "namespace": "m", "ownerReferences": [{"kind": "StatefulSet", "name": "x"}]}}
        )
        == "m/x"
    )
    assert owner_of({"metadata": {"name": "x", "namespace": "m"}}) == "m/x"


CANARY = "c4n4ryC4N4RYc4n4ryC4N4RYc4n4ryC4N4RY"


@pytest.mark.parametrize(
    "line",
    [
        f"password={CANARY}",
        f'{{"password": "{CANARY}", "user": "admin"}}',
        f"admin.password: '{CANARY}'",
        f"GF_SECURITY_ADMIN_PASSWORD={CANARY[:7]}",
        f"Authorization: Bearer {CANARY[:9]}",
        f"authorization: basic {CANARY[:9]}",
        f"cloning https://robot:{CANARY}@git.example.it/x",
        f"cloning https://{CANARY[:9]}@git.example.it/x",
        f"client_secret = {CANARY[:7]}, next",
        f"API-Key: {CANARY[:8]}",
        f"--token={CANARY[:8]}",
        "jwt eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjNG40cnkifQ.c4n4ry",
        f"bare {CANARY} somewhere",
        f"\x1b[31mpassword\x1b[0m={CANARY}",
    ],
)
def test_no_secret_is_shown(line: str) -> None:
    shown = redacted(line)
    assert "***" in shown
    assert CANARY[:7] not in shown and "c4n4ry" not in shown.lower()


@pytest.mark.parametrize(
    "line",
    [
        'level=error msg="Failed to start" err="listen tcp :8080: bind: address already in use"',
        "error loading config: open /etc/prometheus/config_out/prometheus.env.yaml: no such file or directory",
        "quay.io/prometheus-operator/prometheus-config-reloader:v0.93.1",
        "panic: runtime error: invalid memory address or nil pointer dereference",
        'secrets "argocd-secret" not found',
        "dial tcp 10.43.0.1:443: connect: connection refused",
    ],
)
def test_what_explains_a_failure_stays_readable(line: str) -> None:
    assert redacted(line) == line


def test_a_log_is_cut_to_its_end() -> None:
    log = "\n".join(f"line {number}" for number in range(100)) + "\n\n" + "x" * 1000 + "\n"
    lines = last_lines(log, 3)
    assert lines[:2] == ["line 98", "line 99"] and len(lines[2]) == LINE_LENGTH + 3
    assert last_lines(log, 0) == [] and last_lines("", 5) == []
    key = "a\n-----BEGIN RSA PRIVATE KEY-----\nabc\nxyz\n-----END RSA PRIVATE KEY-----\nb"
    assert last_lines(key, 9) == ["a", "***", "b"]
    # an end that was cut off is no reason to show the beginning
    assert last_lines("a\n-----BEGIN PRIVATE KEY-----\nabc", 9) == ["a", "***"]


@given(st.text(), st.integers(min_value=0, max_value=20))
def test_no_log_is_a_traceback(log: str, number: int) -> None:
    assert len(last_lines(log, number)) <= number


def secret(name: str, version: int, status: str) -> dict[str, Any]:
    return {"metadata": {"labels": {"owner": "helm", "name": name, "version": str(version), "status": status}}}


def test_states_of_a_release() -> None:
    fine = [secret("argocd", 1, "superseded"), secret("argocd", 2, "deployed"), secret("other", 9, "failed")]
    assert release_check("argocd", "argocd", fine).ok is True
    absent = release_check("argocd", "argocd", [secret("other", 1, "deployed")])
    assert (absent.ok, absent.cause) == (False, "release_absent")
    failed = release_check("argocd", "argocd", [*fine, secret("argocd", 10, "failed")])
    assert (failed.cause, failed.observed) == ("release_failed", "revision 10 is failed")
    assert "revision 2 was deployed before" in failed.detail and failed.next == "helm history argocd -n argocd"
    cut = release_check("argocd", "argocd", [secret("argocd", 1, "pending-install")])
    assert cut.cause == "release_pending" and "cut off" in cut.detail
    assert release_check("argocd", "argocd", [secret("argocd", 1, "")]).ok is False


def test_rollouts_that_hang() -> None:
    deployment: dict[str, Any] = {
        "kind": "Deployment",
        "metadata": {"name": "server", "namespace": "argocd"},
        "spec": {"replicas": 1},
        "status": {"replicas": 1, "updatedReplicas": 1},
    }
    assert stuck_check(deployment) is None
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "has timed out"}
    found = stuck_check({**deployment, "status": {"conditions": [late]}})
    assert found is not None and (found.cause, found.subject) == ("rollout_stuck", "argocd/server")
    quota = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: x"}
    found = stuck_check({**deployment, "status": {"conditions": [quota]}})
    assert found is not None and "exceeded quota" in found.detail
    old = stuck_check({**deployment, "status": {"replicas": 2, "updatedReplicas": 1}})
    assert old is not None and old.cause == "rollout"


def test_claims_namespaces_and_kinds() -> None:
    claim = {"metadata": {"name": "data", "namespace": "monitoring"}, "spec": {}, "status": {"phase": "Pending"}}
    assert [(check.ok, check.cause) for check in claim_checks("monitoring", [claim])] == [(False, "volume_pending")]
    assert claim_checks("monitoring", [{**claim, "status": {"phase": "Bound"}}])[0].ok is True
    assert claim_checks("monitoring", [{"metadata": {"name": "x"}}])[0].ok is False
    assert namespace_check("argocd", None).cause == "namespace_absent"
    assert namespace_check("argocd", {"metadata": {"deletionTimestamp": "2026"}}).observed == "being removed"
    assert namespace_check("argocd", {"metadata": {}}).ok is True
    assert kinds_check("argoproj.io", False, "Argo CD").cause == "crds_absent"


def event(minute: int | None, kind: str = "Warning", **more: Any) -> dict[str, Any]:
    time = {} if minute is None else {"lastTimestamp": f"2026-11-26T11:{minute:02}:00Z"}
    return {"type": kind, "reason": "BackOff", "involvedObject": {"kind": "Pod", "name": "x"}, **time, **more}


def test_warnings_of_the_last_hour_and_no_verdict() -> None:
    events = [event(5), event(50), event(30, kind="Normal"), event(None), {}]
    found = recent_warnings(events, 30, NOW)
    assert [event_time(item) for item in found] == [None, datetime(2026, 11, 26, 11, 50, tzinfo=timezone.utc)]
    check = events_check("argocd", found * 4, 30)
    assert check.ok is None and check.observed == "8 events about x" and "and 3 more" in check.detail
    assert events_check("argocd", [], 30).ok is True
    micro = {"eventTime": "2026-11-26T11:59:00.123456Z", "series": {"count": 3, "lastObservedTime": None}}
    assert event_time(micro) == datetime(2026, 11, 26, 11, 59, tzinfo=timezone.utc)
    assert event_time({"lastTimestamp": "soon"}) is None


def test_the_root_comes_before_its_consequences() -> None:
    failures = [{"name": "a", "cause": "no_ready_endpoints"}, {"name": "b", "cause": "crash_loop"}, {"name": "c"}]
    assert likeliest(failures)["name"] == "b"
    assert likeliest([{"name": "c"}, {"name": "d"}])["name"] == "c"
    assert likeliest([]) == {}
