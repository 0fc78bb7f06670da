# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the parts of an Argo CD have the metrics of the contract; a few requests tell all of it."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Tuple

from ansible_collections.argolab.observability.plugins.module_utils.argocd_contract import (
    CONTRACT,
    EVENTS,
    JOBS,
    NEWEST,
    OLDEST,
    RECONCILED_AFTER,
    Metric,
)
from ansible_collections.argolab.observability.plugins.module_utils.checks import listing
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.explained import ExplainedCheck, poll_of, skipped
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import PrometheusClient, Sample
from ansible_collections.argolab.observability.plugins.module_utils.waiter import Poll

Version = Tuple[int, int]
LONGEST = 6000
ABSENT, LABEL_ABSENT, NOT_SCRAPED = "metric_absent", "label_absent", "component_not_scraped"


def text_of(version: Version) -> str:
    return f"{version[0]}.{version[1]}"


def parse_version(text: str) -> Version | None:
    """Major and minor of V(v3.5.7+unknown); V(None) where there are none."""
    match = re.match(r"v?(\d{1,6})\.(\d{1,6})(?![\d])", text)
    return (int(match[1]), int(match[2])) if match else None


def component_of(job: str) -> str:
    """Which part a job is; empty for none."""
    return next((name for name, end in JOBS.items() if re.search(rf"(^|-|\b)({end})$", job)), "")


@dataclass
class Seen:
    """What Prometheus has of one part.

    :param up: whether a target of it is up.
    :param metrics: names of its series, and V(name:value) for what is told apart by a label.
    :param lacking: labels that some series of a metric do not have.
    :param age: seconds since its last start; V(None) where that is not known.
    """

    up: bool = False
    jobs: set[str] = field(default_factory=set)
    metrics: set[str] = field(default_factory=set)
    lacking: dict[str, set[str]] = field(default_factory=dict)
    age: float | None = None


@dataclass
class Picture:
    parts: dict[str, Seen]
    version: str = ""


def all_metrics(components: Sequence[str]) -> list[Metric]:
    return [metric for component in components for metric in CONTRACT[component]]


def contract_queries(namespace: str, components: Sequence[str]) -> list[str]:
    """The few expressions for everything: which series there are, which lack labels, what is up, and since when.

    Set operators do not look at metric names, so each name is put into a label that the answer is read from. Proxies
    on the way take addresses of 8 KiB, so one expression is no longer than LONGEST when it is part of one.
    """
    metrics = all_metrics(components)
    names = sorted(
        {metric.series for metric in metrics} | {part.partition(":")[0] for e in EVENTS.values() for part in e}
    )
    where = f'namespace="{namespace}"'
    parts = [
        "label_replace(count by (__name__, job, version, phase, request_type) "
        f'({{{where},__name__=~"{"|".join(names)}"}}), "metric", "$1", "__name__", "(.+)")',
        f'label_replace(max by (job) (up{{{where}}}), "metric", "up", "", "")',
        f'label_replace(min by (job) (time() - process_start_time_seconds{{{where}}}), "metric", "age", "", "")',
    ]
    for label in sorted({label for metric in metrics for label in metric.labels}):
        of = "|".join(sorted({metric.series for metric in metrics if label in metric.labels}))
        parts.append(
            f'label_replace(label_replace(count by (__name__, job) ({{{where},__name__=~"{of}",{label}=""}}), '
            f'"metric", "$1", "__name__", "(.+)"), "lacks", "{label}", "", "")'
        )
    found: list[str] = []
    for part in parts:
        longer = f"{found[-1]} or {part}" if found else part
        if found and len(urllib.parse.quote_plus(longer)) <= LONGEST:
            found[-1] = longer
        else:
            found.append(part)
    return found


def picture_of(samples: Sequence[Sample]) -> Picture:
    """Read the answers to contract_queries."""
    picture = Picture({})
    for sample in samples:
        labels = sample.labels
        component, metric = component_of(labels.get("job", "")), labels.get("metric", "")
        if not component:
            continue
        seen = picture.parts.setdefault(component, Seen())
        seen.jobs.add(labels["job"])
        if metric == "up":
            seen.up = seen.up or sample.number == 1
        elif metric == "age":
            seen.age = sample.number if seen.age is None else min(seen.age, sample.number)
        elif "lacks" in labels:
            seen.lacking.setdefault(metric, set()).add(labels["lacks"])
        elif metric:
            values = [labels[name] for name in ("phase", "request_type") if labels.get(name)]
            seen.metrics |= {metric, *(f"{metric}:{value}" for value in values)}
            if metric == "argocd_info" and labels.get("version"):
                picture.version = max(picture.version, labels["version"])
    return picture


def has_happened(event: str, seen: Seen, declared: Collection[str]) -> bool:
    """Whether the metrics that this event makes are due."""
    if not event or event in declared or any(name in seen.metrics for name in EVENTS[event]):
        return True
    return (
        event == "reconciliation"
        and "argocd_app_info" in seen.metrics
        and seen.age is not None
        and seen.age > RECONCILED_AFTER
    )


def range_text(metric: Metric) -> str:
    since = (
        f"Argo CD has it since {text_of(metric.since)}" if metric.since > OLDEST else "Every version from 3.0 on has it"
    )
    return since + (f", until {text_of(metric.until)}" if metric.until else "")


def check_metric(
    component: str, metric: Metric, seen: Seen, version: Version, declared: Collection[str], namespace: str
) -> ExplainedCheck:
    name = f"metric {metric.name} of argocd-{component} {text_of(version)}"
    expected = "there" + (f", with {listing(metric.labels)}" if metric.labels else "")
    source = f"{range_text(metric)} ({metric.source})."
    there = metric.series in seen.metrics
    lacking = seen.lacking.get(metric.series, set()) & set(metric.labels)
    jobs = listing(seen.jobs)
    if there and lacking:
        detail = f"{source} Some series have no {listing(lacking)}: a relabeling of the scrape may have taken it."
        command = f"kubectl -n {namespace} get servicemonitors -o yaml | grep -A10 -i relabelings"
        return ExplainedCheck(name, False, expected, f"without {listing(lacking)}", detail, LABEL_ABSENT, command, jobs)
    if there:
        return ExplainedCheck(name, True, expected, "there", source, subject=jobs)
    if not metric.due_in(version):
        return skipped(name, expected, f"Not in {text_of(version)}. {source}")
    if not has_happened(metric.after, seen, declared):
        return skipped(name, expected, f"Not due: there was no {metric.after.replace('_', ' ')} yet. {source}")
    after = f" There was a {metric.after.replace('_', ' ')}, so it is due." if metric.after else ""
    causes = "Likeliest cause: a metricRelabelings entry or a sample limit drops it, or the part is another version."
    detail = f"{source}{after} {causes}"
    command = (
        f"kubectl get --raw /api/v1/namespaces/{namespace}/services/{sorted(seen.jobs)[0]}:http-metrics/proxy/metrics"
        f" | grep {metric.name}"
    )
    return ExplainedCheck(name, False, expected, "absent", detail, ABSENT, command, jobs)


def check_picture(
    picture: Picture, namespace: str, components: Sequence[str], version: Version, declared: Collection[str]
) -> list[ExplainedCheck]:
    """One check for each metric of each part; one for a part that is not scraped."""
    checks: list[ExplainedCheck] = []
    for component in components:
        seen = picture.parts.get(component, Seen())
        if not seen.up:
            detail = (
                f"No target of argocd-{component} in namespace {namespace} is up, so nothing is known of its metrics."
            )
            command = f"kubectl -n {namespace} get pods,servicemonitors,endpointslices"
            observed = "down" if seen.jobs else "not scraped"
            checks.append(
                ExplainedCheck(
                    f"metrics of argocd-{component}",
                    False,
                    "scraped",
                    observed,
                    detail,
                    NOT_SCRAPED,
                    command,
                    component,
                )
            )
            continue
        checks += [
            check_metric(component, metric, seen, version, declared, namespace) for metric in CONTRACT[component]
        ]
    return checks


def version_from_options(text: str | None) -> Version | None:
    """The version that the caller names; refused where the contract knows nothing of it."""
    if not text:
        return None
    version = parse_version(text)
    if version is None:
        raise DefiniteError(f"version {text!r} is not a version of Argo CD, such as 3.5 or v3.5.7.")
    if version < OLDEST:
        raise DefiniteError(f"version {text} is older than {text_of(OLDEST)}, the oldest that the contract knows.")
    return version


def watch_contract(
    client: PrometheusClient,
    namespace: str,
    components: Sequence[str],
    given: Version | None,
    declared: Collection[str],
) -> Callable[[], Poll]:
    """A poll; its value tells the version and where it is from."""
    expressions = contract_queries(namespace, components)

    def poll() -> Poll:
        picture = picture_of([sample for expr in expressions for sample in client.query(expr).samples])
        found = parse_version(picture.version)
        version = given or found or OLDEST
        origin = "option" if given else "argocd_info" if found else "unknown"
        value = {"version": text_of(version), "version_from": origin, "reported_version": picture.version}
        if not given and found and found < OLDEST:
            why = f"Argo CD {picture.version} is older than {text_of(OLDEST)}, the oldest that the contract knows."
            return poll_of([skipped("metrics of Argo CD", "those of the contract", why)], value)
        return poll_of(check_picture(picture, namespace, components, min(version, NEWEST), declared), value)

    return poll


def result_of(value: Mapping[str, str] | None) -> dict[str, str]:
    return dict(value or {"version": "", "version_from": "unknown", "reported_version": ""})
