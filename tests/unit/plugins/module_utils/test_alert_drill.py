# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drill of the alert path: what it makes, whom it tells, what it says when it stops, without a cluster."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils import alert_routes, drill_stages
from ansible_collections.argolab.observability.plugins.module_utils.alertmanager_api import (
    WebhookCounts,
    count_webhooks,
)
from ansible_collections.argolab.observability.plugins.module_utils.drill_cluster import is_expired
from ansible_collections.argolab.observability.plugins.module_utils.drill_module import label_problem
from ansible_collections.argolab.observability.plugins.module_utils.drill_objects import (
    ALERT,
    MARK,
    OBJECT_LABEL,
    Drill,
    met_labels,
)
from ansible_collections.argolab.observability.plugins.module_utils.drill_receiver import PROGRAM
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.selectors import mismatches
from hypothesis import given
from hypothesis import strategies as st

# As the lab's Alertmanager showed it, shortened.
CONFIG = """
route:
  receiver: "null"
  group_by: [namespace]
  routes:
    - receiver: monitoring/oncall/pager
      matchers: ['namespace="monitoring"']
      continue: true
    - receiver: "null"
      matchers: ['alertname="Watchdog"']
      continue: false
receivers:
  - name: "null"
  - name: monitoring/oncall/pager
    webhook_configs: [{url: <secret>}]
"""
DRILL = Drill("abc12345", "monitoring", 2_000_000_000, 600, 60, image="debian", token="t0ken")


def test_everything_belongs_to_the_job_and_ends_with_it() -> None:
    job, *rest = DRILL.objects("uid-1")
    assert job["kind"] == "Job"
    assert job["spec"]["activeDeadlineSeconds"] == 600
    assert job["spec"]["ttlSecondsAfterFinished"] == 0
    assert [item["kind"] for item in rest] == ["Service", "AlertmanagerConfig", "PrometheusRule"]
    for item in rest:
        assert item["metadata"]["ownerReferences"] == [
            {"apiVersion": "batch/v1", "kind": "Job", "name": job["metadata"]["name"], "uid": "uid-1"}
        ]
        assert item["metadata"]["labels"][OBJECT_LABEL] == "abc12345"


def test_without_a_receiver_the_job_has_no_pod_and_no_route_is_made() -> None:
    bare = Drill("a", "monitoring", 2_000_000_000, 600, 60)
    assert [item["kind"] for item in bare.objects("uid")] == ["Job", "PrometheusRule"]
    assert bare.job()["spec"]["parallelism"] == 0
    elsewhere = Drill("a", "monitoring", 2_000_000_000, 600, 60, url="https://example.it/hook")
    assert [item["kind"] for item in elsewhere.objects("uid")] == ["Job", "AlertmanagerConfig", "PrometheusRule"]


def test_labels_of_the_user_cannot_take_the_mark_or_the_namespace() -> None:
    drill = Drill(
        "a", "ops", 1, 1, 60, labels={"team": "x", MARK: "other", "namespace": "other", "severity": "critical"}
    )
    assert drill.alert_labels == {
        "alertname": ALERT, MARK: "a", "namespace": "ops", "severity": "critical", "team": "x"
    }  # fmt: skip
    assert label_problem({"team": "x"}) == ""
    for bad in ("alertname", "namespace", MARK, "no-dash", "__reserved"):
        assert bad in label_problem({bad: "x"})


LABELS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["", "x", "y"]), max_size=3)
TERMS = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {
                "key": st.sampled_from(["d", "e"]),
                "operator": st.just("In"),
                "values": st.lists(st.just("z"), min_size=1),
            }
        ),
        st.fixed_dictionaries({"key": st.sampled_from(["d", "f"]), "operator": st.just("Exists")}),
    ),
    max_size=3,
)


@given(LABELS, TERMS)
def test_the_labels_that_a_selector_demands_meet_it(labels: dict[str, str], terms: list[Any]) -> None:
    selector = {"matchLabels": labels, "matchExpressions": terms}
    assert mismatches(selector, met_labels(selector)) == []


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"alertname": "Watchdog"}, ["null"]),
        ({"alertname": "Watchdog", "namespace": "monitoring"}, ["monitoring/oncall/pager", "null"]),
        ({"alertname": "Other", "namespace": "monitoring"}, ["monitoring/oncall/pager"]),
        ({"alertname": "Other"}, ["null"]),
    ],
)
def test_whom_an_alert_is_sent_to(labels: dict[str, str], expected: list[str]) -> None:
    assert alert_routes.receivers_for(alert_routes.parse_config(CONFIG), labels) == expected


def test_a_receiver_without_integrations_tells_nobody() -> None:
    config = alert_routes.parse_config(CONFIG)
    assert alert_routes.loud_receivers(config, ["null", "monitoring/oncall/pager"]) == ["monitoring/oncall/pager"]
    # One that is not declared is taken for loud: better one too many than one too few.
    assert alert_routes.loud_receivers(config, ["unknown"]) == ["unknown"]


def test_routes_can_be_thought_away() -> None:
    config = alert_routes.parse_config(CONFIG)
    labels = {"alertname": "X", "namespace": "monitoring"}
    assert alert_routes.receivers_for(config, labels, "monitoring/oncall/") == ["null"]
    assert alert_routes.has_receiver(config, "monitoring/oncall/")
    assert not alert_routes.has_receiver(config, "monitoring/drill/")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('severity="critical"', ("severity", "=", "critical")),
        ('severity=~"warning|info"', ("severity", "=~", "warning|info")),
        ("severity != info", ("severity", "!=", "info")),
        (r'a="x\"y"', ("a", "=", 'x"y')),
        ('"quoted name"!~"x,y"', ("quoted name", "!~", "x,y")),
    ],
)
def test_matchers(text: str, expected: tuple[str, str, str]) -> None:
    assert alert_routes.split_matcher(text) == expected


@given(st.text(max_size=60))
def test_any_text_as_a_matcher_is_read_or_refused(text: str) -> None:
    try:
        name, operator, _value = alert_routes.split_matcher(text)
    except DefiniteError:
        return
    assert name
    assert operator in ("=", "!=", "=~", "!~")


@given(st.text(max_size=200))
def test_any_text_as_a_configuration_is_read_or_refused(text: str) -> None:
    try:
        config = alert_routes.parse_config(text)
    except DefiniteError:
        return
    assert "route" in config


METRICS = """
alertmanager_notifications_total{integration="email",receiver_name="x"} 9
alertmanager_notifications_total{integration="webhook"} 3
alertmanager_notifications_failed_total{integration="webhook",reason="serverError"} 2
alertmanager_notifications_failed_total{integration="webhook",reason="clientError"} 0
"""


def test_counters_are_those_of_webhooks() -> None:
    counts = count_webhooks(METRICS, "a")
    assert counts == WebhookCounts(False, 3.0, {"serverError": 2.0})
    assert counts.grown(WebhookCounts()) == ["serverError"]
    assert counts.grown(counts) == []
    named = METRICS.replace('"webhook"', '"webhook",receiver_name="other"')
    assert count_webhooks(named, "a") == WebhookCounts(True, 0.0, {})


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        ({"silencedBy": ["s1"], "inhibitedBy": [], "state": "suppressed"}, "silenced"),
        ({"silencedBy": [], "inhibitedBy": ["f1"]}, "inhibited"),
        ({"mutedBy": ["nights"]}, "muted"),
        ({"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []}, ""),
    ],
)
def test_why_an_alert_is_kept(status: dict[str, Any], cause: str) -> None:
    silence = {"createdBy": "ann", "comment": "weekend", "endsAt": "2026-01-01T00:00:00Z"}
    found = drill_stages.suppressed({"status": status}, [silence], "kubectl get --raw /x")
    assert (found.cause if found else "") == cause
    if cause == "silenced":
        assert found is not None
        assert "weekend" in found.detail


def test_labels_that_arrive_otherwise_are_named() -> None:
    labels = {**DRILL.alert_labels, "severity": "page"}
    del labels["namespace"]
    assert drill_stages.wrong_labels(DRILL, DRILL.alert_labels) == []
    assert drill_stages.wrong_labels(DRILL, labels) == [
        "label namespace is missing",
        "label severity is 'page' instead of 'none'",
    ]


def test_only_ones_own_alerts_count_as_delivered() -> None:
    own = {"status": "firing", "labels": {MARK: DRILL.identifier}}
    other = {"status": "firing", "labels": {MARK: "other"}}
    ended = {"status": "resolved", "labels": {MARK: DRILL.identifier}}
    assert drill_stages.delivered_alerts(DRILL, [{"alerts": [other, ended]}, "text", {}], "firing") == []
    assert drill_stages.delivered_alerts(DRILL, [{"alerts": [other, own]}], "firing") == [own]


def test_what_keeps_the_receiver_from_running() -> None:
    waiting = {"state": {"waiting": {"reason": "ErrImagePull", "message": "no such host"}}}
    pod = {"status": {"containerStatuses": [waiting]}}
    found = drill_stages.pod_problem([pod], [], DRILL)
    assert found is not None
    assert (found.cause, "no such host" in found.detail) == ("receiver_image_unavailable", True)
    refused = {"reason": "FailedCreate", "message": "violates PodSecurity"}
    found = drill_stages.pod_problem([], [refused], DRILL)
    assert found is not None
    assert found.cause == "receiver_refused"
    assert drill_stages.pod_problem([{"status": {}}], [], DRILL) is None


def test_what_does_not_say_when_it_expires_is_a_running_drill() -> None:
    def expiring(text: str) -> dict[str, Any]:
        return {"metadata": {"annotations": {"argolab.observability/expires": text}}}

    assert is_expired(expiring("2001-01-01T00:00:00Z"))
    assert not is_expired(expiring("2001-01-01T00:00:00Z"), now=0)
    assert not is_expired(expiring("soon"))
    assert not is_expired({"metadata": {}})


@pytest.fixture
def receiver() -> Iterator[str]:
    perl = shutil.which("perl")
    if not perl:
        pytest.skip("needs perl")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([perl, "-e", PROGRAM, str(port), "t0ken"])
    for _attempt in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    # As the first process of a container it has to end when it is told to.
    assert process.wait(5) == 0


def ask(url: str, body: bytes | None = None) -> tuple[int, str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, body, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""


def test_the_receiver_keeps_what_comes_with_its_token(receiver: str) -> None:
    assert ask(f"{receiver}/") == (200, "ok")
    assert ask(f"{receiver}/notify/wrong", b"{}")[0] == 404
    assert ask(f"{receiver}/notify/t0ken", b"no json")[0] == 400
    assert ask(f"{receiver}/notify/t0ken", b'{"a":1}')[0] == 200
    assert ask(f"{receiver}/notify/t0ken", b'{"a":2}')[0] == 200
    assert ask(f"{receiver}/received") == (200, '[{"a":1},{"a":2}]')


def test_a_client_that_says_nothing_does_not_stop_the_receiver(receiver: str) -> None:
    port = int(re.findall(r"\d+", receiver)[-1])
    with socket.create_connection(("127.0.0.1", port)):
        assert ask(f"{receiver}/received") == (200, "[]")
