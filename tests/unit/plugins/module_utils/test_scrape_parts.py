# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of scrape_coverage by themselves: limits, the operator's verdict, states of pods."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.operator_verdict import (
    keys_of,
    references,
    rejection,
    seconds,
)
from ansible_collections.argolab.observability.plugins.module_utils.pod_states import container_ports, state_of
from ansible_collections.argolab.observability.plugins.module_utils.scrape_limits import (
    limit_command,
    limit_of,
    limit_text,
)
from ansible_collections.argolab.observability.plugins.module_utils.scrape_objects import (
    CONFIG_MAPS,
    EVENTS,
    EXPRESSIONS,
    SECRETS,
    Answers,
    Cluster,
    Link,
    Pool,
)
from hypothesis import given
from hypothesis import strategies as st


def link(prometheus: dict[str, Any] | None = None, endpoint: dict[str, Any] | None = None, **monitor: Any) -> Link:
    own = [{"metadata": {"name": "p", "namespace": "mon"}, "spec": prometheus or {}}]
    status = monitor.pop("status", {})
    spec = {"endpoints": [endpoint or {"port": "metrics"}], **monitor}
    metadata = {"name": "m", "namespace": "n", "uid": "u", "resourceVersion": "7"}
    obj = {"metadata": metadata, "spec": spec, "status": status}
    return Link("serviceMonitor/n/m/0", Pool("serviceMonitor", "n", "m", 0), obj, spec["endpoints"][0], own)


@pytest.mark.parametrize(
    ("error", "field"),
    [
        ("sample limit exceeded", "sampleLimit"),
        ("body size limit exceeded", "bodySizeLimit"),
        ("target_limit exceeded (number of targets: 2, limit: 1)", "targetLimit"),
        ("label_limit exceeded (metric: go_gc_duration_seconds, number of labels: 9, limit: 3)", "labelLimit"),
        (
            "label_name_length_limit exceeded (metric: x, label name: __name__, length: 8, limit: 5)",
            "labelNameLengthLimit",
        ),
        ("label_value_length_limit exceeded (metric: x, label name: y, value: ...)", "labelValueLengthLimit"),
        ("histogram bucket limit exceeded", "nativeHistogramBucketLimit"),
        ("context deadline exceeded", ""),
        ("server returned HTTP status 404 Not Found", ""),
    ],
)
def test_errors_of_limits(error: str, field: str) -> None:
    assert limit_of(error) == field


@pytest.mark.parametrize(
    ("own", "prometheus", "text"),
    [
        ({"sampleLimit": 5}, {}, "sampleLimit is 5, set by ServiceMonitor n/m"),
        ({"sampleLimit": 5}, {"enforcedSampleLimit": 9}, "sampleLimit is 5, set by ServiceMonitor n/m"),
        (
            {"sampleLimit": 9},
            {"enforcedSampleLimit": 5},
            "sampleLimit is 5, enforced by enforcedSampleLimit of Prometheus mon/p",
        ),
        ({}, {"enforcedSampleLimit": 5}, "sampleLimit is 5, enforced by enforcedSampleLimit of Prometheus mon/p"),
        ({}, {"sampleLimit": 4, "enforcedSampleLimit": 5}, "set for every monitor by sampleLimit of Prometheus mon/p"),
        ({}, {"sampleLimit": 6, "enforcedSampleLimit": 5}, "sampleLimit is 5, enforced by"),
        ({"sampleLimit": 0}, {"sampleLimit": 6}, "sampleLimit is 6, set for every monitor"),
        ({}, {}, "sampleLimit is set by the configuration that Prometheus has loaded"),
    ],
)
def test_where_a_limit_is_set(own: dict[str, Any], prometheus: dict[str, Any], text: str) -> None:
    of = link(prometheus, **own)
    assert text in limit_text("sampleLimit", of)
    kind = "prometheus p" if "Prometheus mon/p" in limit_text("sampleLimit", of) else "servicemonitor m"
    assert kind in limit_command("sampleLimit", of)


def test_sizes_are_compared_with_their_units() -> None:
    assert "enforced by" in limit_text("bodySizeLimit", link({"enforcedBodySizeLimit": "900KB"}, bodySizeLimit="1MB"))
    assert "set by" in limit_text("bodySizeLimit", link({"enforcedBodySizeLimit": "1GiB"}, bodySizeLimit="1023MiB"))
    # Of the body's size the enforced value counts before the default.
    both = {"bodySizeLimit": "1KB", "enforcedBodySizeLimit": "2KB"}
    assert "is 2KB, enforced" in limit_text("bodySizeLimit", link(both))
    assert "is 1KB, set for every monitor" in limit_text("bodySizeLimit", link({"bodySizeLimit": "1KB"}))


def event(message: str, version: str = "7", **changes: Any) -> dict[str, Any]:
    about = {"kind": "ServiceMonitor", "name": "m", "namespace": "n", "uid": "u", "resourceVersion": version}
    text = f'"n/m" was rejected due to invalid configuration: {message}'
    found = {"metadata": {"name": "e", "namespace": "n"}, "involvedObject": about, "reason": "InvalidConfiguration",
             "message": text, "eventTime": "2026-11-26T14:35:00.321347Z"}  # fmt: skip
    return {**found, **changes}


def cluster(*events: dict[str, Any], **objects: Any) -> Cluster:
    found = Cluster().having(EVENTS, "", events)
    for what in (SECRETS, CONFIG_MAPS):
        found = found.having(what, "", objects.get(what, []))
    return found


def verdict(of: Link, seen: Cluster, complaints: dict[str, str] | None = None) -> str:
    complaints = complaints or {}
    asked = {(EXPRESSIONS, "x"), *((EXPRESSIONS, regex) for regex in complaints)}
    found = rejection(of, seen, Answers(complaints=complaints, asked=frozenset(asked)))
    assert found is None or not found.needs
    return "" if found is None else found.text.partition("rejected ServiceMonitor n/m: ")[2]


def test_a_healthy_monitor_is_not_rejected() -> None:
    assert verdict(link(), cluster()) == ""


def test_the_newest_event_about_this_state_counts() -> None:
    newer = event("endpoints[0]: two", eventTime="2026-11-26T14:36:00Z")
    assert verdict(link(), cluster(newer, event("endpoints[0]: one"))) == "endpoints[0]: two"
    again = event("endpoints[0]: one", series={"lastObservedTime": "2026-11-26T14:37:00Z"})
    assert verdict(link(), cluster(newer, again)) == "endpoints[0]: one"
    assert verdict(link(), cluster(event("old", version="6"))) == ""
    assert verdict(link(), cluster(event("x", reason="Other"))) == ""
    assert verdict(link(), cluster(event("x", related={"name": "another"}))) == ""
    assert verdict(link(), cluster(event("x", related={"name": "p"}))) == "x"
    other = event("x")
    other["involvedObject"] = {**other["involvedObject"], "kind": "PodMonitor"}
    assert verdict(link(), cluster(other)) == ""


def test_the_status_of_the_monitor_comes_first() -> None:
    def status(name: str, outcome: str) -> dict[str, Any]:
        condition = {"type": "Accepted", "status": outcome, "message": "bad regex"}
        return {"bindings": [{"name": name, "conditions": [condition]}]}

    assert verdict(link(status=status("p", "False")), cluster()) == "bad regex"
    assert verdict(link(status=status("p", "True")), cluster()) == ""
    assert verdict(link(status=status("another", "False")), cluster()) == ""


@pytest.mark.parametrize(
    ("field", "what"),
    [
        ({"bearerTokenSecret": {"name": "s", "key": "k"}}, SECRETS),
        ({"authorization": {"credentials": {"name": "s", "key": "k"}}}, SECRETS),
        ({"basicAuth": {"username": {"name": "s", "key": "k"}, "password": {"name": "s", "key": "k"}}}, SECRETS),
        ({"oauth2": {"clientId": {"configMap": {"name": "s", "key": "k"}}}}, CONFIG_MAPS),
        ({"oauth2": {"clientSecret": {"name": "s", "key": "k"}}}, SECRETS),
        ({"tlsConfig": {"ca": {"secret": {"name": "s", "key": "k"}}}}, SECRETS),
        ({"tlsConfig": {"cert": {"configMap": {"name": "s", "key": "k"}}}}, CONFIG_MAPS),
        ({"tlsConfig": {"keySecret": {"name": "s", "key": "k"}}}, SECRETS),
    ],
)
def test_what_is_referred_to_has_to_be_there_with_its_key(field: dict[str, Any], what: str) -> None:
    of = link(endpoint={"port": "metrics", **field})
    assert {(kind, name, key) for kind, name, key, _field in references(of)} == {(what, "s", "k")}
    assert f"there is no {what[:-1]} n/s" in verdict(of, cluster())

    def written(*keys: str) -> dict[str, Any]:
        fields = [{"fieldsV1": {"f:data": {".": {}, **{f"f:{key}": {} for key in keys}}}}]
        return {"metadata": {"name": "s", "namespace": "n", "managedFields": fields}}

    assert verdict(of, cluster(**{what: [written("k", "other")]})) == ""
    assert "has no key k; it has other" in verdict(of, cluster(**{what: [written("other")]}))
    # Who wrote it does not say which keys: nothing is claimed.
    assert verdict(of, cluster(**{what: [{"metadata": {"name": "s", "namespace": "n"}}]})) == ""
    # An event about a Secret counts where nothing speaks against it.
    said = event('unable to get secret "s": secrets "s" not found')
    assert "unable to get secret" in verdict(
        of, cluster(said, **{what: [{"metadata": {"name": "s", "namespace": "n"}}]})
    )
    assert verdict(of, cluster(said, **{what: [written("k")]})) == ""


def test_what_may_not_be_read_is_not_missing() -> None:
    of = link(endpoint={"bearerTokenSecret": {"name": "s", "key": "k"}})
    blind = Cluster().without(EVENTS, "n").without(SECRETS, "n/s")
    assert verdict(of, blind) == ""


def test_other_known_rejections() -> None:
    assert "scrapeTimeout 20s is greater than the interval 10s" in verdict(
        link(endpoint={"interval": "10s", "scrapeTimeout": "20s"}), cluster()
    )
    assert "greater than the interval 15s" in verdict(
        link({"scrapeInterval": "15s"}, {"scrapeTimeout": "1m"}), cluster()
    )
    assert verdict(link({"scrapeInterval": "15s"}, {"scrapeTimeout": "10s"}), cluster()) == ""
    assert "has no scrapeClass c" in verdict(link(scrapeClass="c"), cluster())
    assert verdict(link({"scrapeClasses": [{"name": "c"}]}, scrapeClass="c"), cluster()) == ""
    bad = link(endpoint={"metricRelabelings": [{"regex": "x"}]})
    assert verdict(bad, cluster(), {"x": "invalid regex x"}) == "endpoint 0: metricRelabelings[0]: invalid regex x"
    assert verdict(bad, cluster()) == ""


def test_what_is_needed_is_asked_for_in_turn() -> None:
    of = link(endpoint={"bearerTokenSecret": {"name": "s", "key": "k"}, "relabelings": [{"regex": "r"}]})
    first = rejection(of, Cluster(), Answers())
    assert first is not None and first.needs == ((EVENTS, "n"),)
    then = rejection(of, Cluster().having(EVENTS, "n", []), Answers())
    assert then is not None and set(then.needs) == {(SECRETS, "n/s"), (EXPRESSIONS, "r")}


@pytest.mark.parametrize(
    ("text", "value"),
    [("30s", 30), ("1m30s", 90), ("500ms", 0.5), ("1h", 3600), ("52w", 31449600), ("0", 0), ("", None), ("s", None),
     ("10", None), ("1m x", None), (None, None)],
)  # fmt: skip
def test_durations(text: Any, value: float | None) -> None:
    assert seconds(text) == value


@given(st.text(max_size=12))
def test_durations_never_end_in_a_traceback(text: str) -> None:
    assert seconds(text) is None or seconds(text) >= 0


def test_keys_of_objects_that_do_not_say() -> None:
    assert keys_of({}) is None
    assert keys_of({"metadata": {"managedFields": [{"fieldsV1": {}}]}}) == set()


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({"conditions": [{"type": "Ready", "status": "True"}]}, "ready"),
        ({"phase": "Running"}, "running, not ready"),
        ({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]},
         "Unschedulable"),
        ({"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]},
         "ImagePullBackOff"),
        ({"phase": "Running", "containerStatuses": [{"state": {"running": {}}, "lastState": {"terminated": {
            "reason": "OOMKilled"}}}]}, "OOMKilled"),
        ({"phase": "Failed", "containerStatuses": [{"state": {"terminated": {"reason": "Completed"}}}]}, "Failed"),
        ({}, "Unknown"),
    ],
)  # fmt: skip
def test_states_of_pods(status: dict[str, Any], state: str) -> None:
    assert state_of({"status": status}) == state


def test_ports_of_init_containers_count() -> None:
    spec = {"containers": [{"ports": [{"containerPort": 1}]}, {}], "initContainers": [{"ports": [{"name": "m"}]}]}
    assert container_ports({"spec": spec}) == [("", 1), ("m", 0)]
