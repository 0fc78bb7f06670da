# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the Prometheus operator rejects a monitor, and why.

It tells in three ways: with the feature gate StatusForConfigurationResources in the monitor's status.bindings; by an
event InvalidConfiguration for the monitor, which the API server forgets after an hour; and in its log. Where none of
them can be read, what it is known to reject is looked for in the objects themselves. The values of Secrets are not read
for that: their metadata name the keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.scrape_objects import (
    CONFIG_MAPS,
    EVENTS,
    EXPRESSIONS,
    SECRETS,
    Answers,
    Cluster,
    Finding,
    Link,
    Object,
    describe,
)
from ansible_collections.argolab.observability.plugins.module_utils.selectors import name_of

DURATION_UNITS = {"y": 31536000.0, "w": 604800.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
# Fields of an endpoint that refer to one key of a Secret, and those to a Secret or ConfigMap.
SECRET_FIELDS = (
    ("bearerTokenSecret",),
    ("authorization", "credentials"),
    ("basicAuth", "username"),
    ("basicAuth", "password"),
    ("oauth2", "clientSecret"),
    ("tlsConfig", "keySecret"),
)
EITHER_FIELDS = (("oauth2", "clientId"), ("tlsConfig", "ca"), ("tlsConfig", "cert"))


def rejection(link: Link, cluster: Cluster, answers: Answers) -> Finding | None:
    """The finding that the operator rejects this monitor; None where nothing says so."""
    said = _binding(link)
    if said:
        return _rejected(link, said)
    namespace = link.pool.namespace
    needs = cluster.untried(EVENTS, {namespace})
    if needs:
        return Finding("operator_rejected", needs=needs)
    said = _event(link, cluster)
    if said and not re.search(r'(secret|configmap) "', said):
        return _rejected(link, said)
    # What an event says of a Secret may have been put right since, without a change of the monitor.
    needs = _needs(link, cluster, answers)
    if needs:
        return Finding("operator_rejected", needs=needs)
    own = _own_verdict(link, cluster, answers)
    if own:
        return _rejected(link, said or own)
    if said and not _all_seen(link, cluster):
        return _rejected(link, said)
    return None


def references(link: Link) -> Iterator[tuple[str, str, str, str]]:
    """What the monitor's endpoints refer to: Secrets or ConfigMaps, their name and key, and the field."""
    for number, endpoint in enumerate(_endpoints(link)):
        for path in SECRET_FIELDS:
            found = _at(endpoint, path)
            if found.get("name"):
                yield SECRETS, str(found["name"]), str(found.get("key")), f"endpoint {number}: {'.'.join(path)}"
        for path in EITHER_FIELDS:
            for kind, what in (("secret", SECRETS), ("configMap", CONFIG_MAPS)):
                found = _at(endpoint, (*path, kind))
                if found.get("name"):
                    yield what, str(found["name"]), str(found.get("key")), f"endpoint {number}: {'.'.join(path)}"


def seconds(text: Any) -> float | None:
    """A duration as Prometheus writes it, such as V(1m30s); None for anything else."""
    parts = re.findall(r"([0-9]+)(ms|[ywdhms])", str(text))
    if not parts or "".join(number + unit for number, unit in parts) != str(text):
        return 0.0 if str(text) == "0" else None
    return sum(int(number) * DURATION_UNITS[unit] for number, unit in parts)


def keys_of(metadata: Object) -> set[str] | None:
    """The keys of a Secret or ConfigMap, read from the metadata of who wrote them; None where they do not say."""
    found: set[str] = set()
    fields = (metadata.get("metadata") or {}).get("managedFields") or []
    for field in fields:
        for part in ("f:data", "f:binaryData"):
            content = (field.get("fieldsV1") or {}).get(part) or {}
            found.update(str(key)[2:] for key in content if str(key).startswith("f:"))
    return found if fields else None


def _rejected(link: Link, said: str) -> Finding:
    return Finding(
        "operator_rejected",
        f"the operator rejected {link.title}: {said}",
        describe(link.pool.resource, link.pool.namespace, link.pool.name),
    )


def _binding(link: Link) -> str:
    wanted = {name_of(item) for item in link.prometheuses}
    for binding in (link.monitor.get("status") or {}).get("bindings") or []:
        if binding.get("name") and wanted and binding["name"] not in wanted:
            continue
        for condition in binding.get("conditions") or []:
            if condition.get("type") == "Accepted" and condition.get("status") == "False":
                return str(condition.get("message") or condition.get("reason") or "no reason given")
    return ""


def _event(link: Link, cluster: Cluster) -> str:
    """The newest word on the monitor as it is now; events about an earlier state say nothing."""
    metadata = link.monitor.get("metadata") or {}
    wanted = {name_of(item) for item in link.prometheuses}
    found = []
    for event in cluster.within(EVENTS, {link.pool.namespace}):
        about = event.get("involvedObject") or {}
        same = about.get("kind") == link.pool.title and about.get("name") == link.pool.name
        if not same or event.get("reason") != "InvalidConfiguration":
            continue
        version, current = about.get("resourceVersion"), metadata.get("resourceVersion")
        if version and current and version != current:
            continue
        related = event.get("related") or {}
        if related.get("name") and wanted and related["name"] not in wanted:
            continue
        series = event.get("series") or {}
        moment = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or ""
        found.append((str(moment), str(event.get("message") or "")))
    if not found:
        return ""
    return max(found)[1].rpartition("was rejected due to invalid configuration: ")[2]


def _needs(link: Link, cluster: Cluster, answers: Answers) -> tuple[tuple[str, str], ...]:
    needs: list[tuple[str, str]] = []
    for what, name, _key, _field in references(link):
        place = f"{link.pool.namespace}/{name}"
        if not cluster.tried(what, place):
            needs.append((what, place))
    for _field, regex in _regexes(link):
        needs += answers.untried(EXPRESSIONS, regex)
    return tuple(dict.fromkeys(needs))


def _all_seen(link: Link, cluster: Cluster) -> bool:
    """Whether every Secret and ConfigMap was found with its keys told."""
    for what, name, _key, _field in references(link):
        found = cluster.find(what, link.pool.namespace, name)
        if found is None or keys_of(found) is None:
            return False
    return True


def _own_verdict(link: Link, cluster: Cluster, answers: Answers) -> str:
    """The first thing in the objects that the operator is known to reject."""
    for what, name, key, field in references(link):
        if not cluster.knows(what, f"{link.pool.namespace}/{name}"):
            continue
        found = cluster.find(what, link.pool.namespace, name)
        if found is None:
            return f"{field}: there is no {what[:-1]} {link.pool.namespace}/{name}"
        keys = keys_of(found)
        if keys is not None and key not in keys:
            have = ", ".join(sorted(keys)) or "none"
            return f"{field}: {what[:-1]} {link.pool.namespace}/{name} has no key {key}; it has {have}"
    for field, regex in _regexes(link):
        if answers.complaints.get(regex):
            return f"{field}: {answers.complaints[regex]}"
    return _wrong_timeout(link) or _wrong_class(link)


def _wrong_timeout(link: Link) -> str:
    usual = (link.prometheus or {}).get("spec", {}).get("scrapeInterval") or "30s"
    for number, endpoint in enumerate(_endpoints(link)):
        timeout, interval = endpoint.get("scrapeTimeout"), endpoint.get("interval") or usual
        longest, shortest = seconds(timeout), seconds(interval)
        if timeout and longest is not None and shortest is not None and longest > shortest:
            return f"endpoint {number}: scrapeTimeout {timeout} is greater than the interval {interval}"
    return ""


def _wrong_class(link: Link) -> str:
    wanted = link.spec.get("scrapeClass")
    if not wanted or link.prometheus is None:
        return ""
    classes = [item.get("name") for item in (link.prometheus.get("spec") or {}).get("scrapeClasses") or []]
    return "" if wanted in classes else f"Prometheus {name_of(link.prometheus)} has no scrapeClass {wanted}"


def _regexes(link: Link) -> list[tuple[str, str]]:
    return [
        (f"endpoint {number}: {field}[{place}]", str(rule["regex"]))
        for number, endpoint in enumerate(_endpoints(link))
        for field in ("relabelings", "metricRelabelings")
        for place, rule in enumerate(endpoint.get(field) or [])
        if rule.get("regex")
    ]


def _endpoints(link: Link) -> list[Object]:
    return link.spec.get("podMetricsEndpoints" if link.pool.of_pods else "endpoints") or []


def _at(obj: Object, path: tuple[str, ...]) -> Mapping[str, Any]:
    found: Any = obj
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}
