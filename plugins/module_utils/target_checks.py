# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is expected of scrape targets, and whether it holds; everything but C(watch_targets) is pure."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.checks import Check, count_text, listing, nearest
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import PrometheusClient, parse_time
from ansible_collections.argolab.observability.plugins.module_utils.waiter import Poll

# Prometheus writes the reason of a failed scrape as free text; first match wins
SCRAPE_CAUSES: Sequence[tuple[str, str]] = (
    (
        r"connection refused",
        "nothing listens on that port: the pod is starting or crashing, or the Service names a wrong port",
    ),
    (r"no such host", "the target's name does not resolve from Prometheus's pod"),
    (r"no route to host|network is unreachable", "the address is gone or a NetworkPolicy rejects Prometheus"),
    (
        r"context deadline exceeded|i/o timeout",
        "a NetworkPolicy drops Prometheus's packets, or the answer takes longer than scrapeTimeout",
    ),
    (r"HTTP status 401", "the endpoint wants credentials: set authorization or basicAuth in the monitor"),
    (
        r"HTTP status 403",
        "Prometheus may not read this: RBAC (get on nodes/metrics or on the path) or the monitor's authorization",
    ),
    (r"HTTP status 404", "nothing is served on this path: correct path in the monitor's endpoint"),
    (r"HTTP status 5\d\d", "the exporter itself fails; read the pod's log"),
    (
        r"HTTP response to HTTPS client|first record does not look like a TLS",
        "the port speaks plain HTTP: set scheme http in the monitor",
    ),
    (
        r"HTTP request to an HTTPS server|HTTP status 400|malformed HTTP response",
        "the port speaks TLS: set scheme https in the monitor",
    ),
    (
        r"x509|certificate|tls:",
        "TLS between Prometheus and the target fails: set tlsConfig (ca, serverName) in the monitor",
    ),
    (
        r"sample limit|label.*limit|body size limit|bucket limit",
        "the target exceeds a limit that the monitor or Prometheus sets",
    ),
    (
        r"EOF|connection reset",
        "the pod closes the connection: it is restarting, or the port speaks another protocol",
    ),
    (
        r"Content-Type|expected|invalid|not a valid|parse|unsupported",
        "what answers there is not in the metrics format: wrong port or path",
    ),
)

RETURNED_TARGETS = 1000


@dataclass(frozen=True)
class TargetExpectation:
    """So many targets of a scrape pool or a job.

    :param min_up: targets that have to be up.
    :param count: exact number of active targets; V(None) allows any.
    :param labels: only targets whose labels have exactly these values are counted.
    """

    scrape_pool: str | None = None
    job: str | None = None
    min_up: int = 1
    count: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        text = f"target {self.scrape_pool}" if self.scrape_pool else f"target job {self.job}"
        if self.scrape_pool and self.job:
            text += f" job {self.job}"
        chosen = ", ".join(f'{key}="{value}"' for key, value in sorted(self.labels.items()))
        return f"{text} {{{chosen}}}" if chosen else text

    @property
    def expected(self) -> str:
        up = f"at least {self.min_up} up"
        if self.count is None:
            return up
        exact = "no targets" if self.count == 0 else f"exactly {count_text(self.count, 'target')}"
        return exact if self.count == 0 else f"{exact}, {'all up' if self.min_up == self.count else up}"

    def selects(self, target: Mapping[str, Any]) -> bool:
        labels = target["labels"]
        return (
            (self.scrape_pool is None or target["scrapePool"] == self.scrape_pool)
            and (self.job is None or labels.get("job") == self.job)
            and all(labels.get(key) == value for key, value in self.labels.items())
        )


def target_expectations(items: Sequence[Mapping[str, Any]] | None, all_up: bool) -> list[TargetExpectation]:
    """Read option C(expected); refuse what can never hold or would check nothing."""
    if not items and not all_up:
        raise DefiniteError(
            "expected is empty and all_up is false, so nothing would be checked; name at least one pool or job."
        )
    found: list[TargetExpectation] = []
    for index, item in enumerate(items or []):
        here = f"expected[{index}]"
        pool, job, count, labels = item.get("scrape_pool"), item.get("job"), item.get("count"), item.get("labels") or {}
        if not pool and not job:
            raise DefiniteError(f"{here} names neither scrape_pool nor job; for example job: argocd-server-metrics.")
        min_up = item.get("min_up")
        if min_up is None:
            min_up = 1 if count is None else count
        if min_up < 0 or (count is not None and count < 0):
            raise DefiniteError(f"{here}: min_up and count are numbers of targets, 0 or more.")
        if count is not None and min_up > count:
            raise DefiniteError(
                f"{here}: min_up is {min_up} and count is {count}; more targets cannot be up than there are."
            )
        expectation = TargetExpectation(
            pool or None, job or None, min_up, count, {str(k): str(v) for k, v in labels.items()}
        )
        if expectation.name in (other.name for other in found):
            raise DefiniteError(f"{here}: {expectation.name} is expected twice; keep one of them.")
        found.append(expectation)
    return found


def normalized(targets: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Targets with every field that is used below present and of its type, whatever the server left out."""
    found = []
    for target in targets:
        labels = target.get("labels")
        if not isinstance(labels, dict):
            labels = {}
        elif not all(value.__class__ is str for value in labels.values()):
            labels = {str(key): str(value) for key, value in labels.items()}
        health = target.get("health")
        found.append(
            {
                "scrapePool": str(target.get("scrapePool") or _job(target, labels)),
                "labels": labels,
                "url": str(target.get("scrapeUrl") or ""),
                # anything but the two words of a finished scrape is not known to be up
                "health": health if health in ("up", "down") else "unknown",
                "lastError": str(target.get("lastError") or ""),
                # read only for the few that are shown
                "lastScrape": target.get("lastScrape"),
            }
        )
    return found


def _job(target: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """What stands for the pool where the server is too old to name it."""
    discovered = target.get("discoveredLabels")
    return str((discovered if isinstance(discovered, dict) else {}).get("job") or labels.get("job") or "")


def summaries(targets: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The targets as the module returns them: those that are not up first, and no more than anybody reads."""
    ordered = sorted(targets, key=lambda target: target["health"] == "up")
    return {"targets": [summary(target) for target in ordered[:RETURNED_TARGETS]], "targets_total": len(targets)}


def summary(target: Mapping[str, Any]) -> dict[str, Any]:
    """One target as the module returns it."""
    last_scrape = parse_time(target["lastScrape"])
    return {
        "pool": target["scrapePool"],
        "job": target["labels"].get("job", ""),
        "url": target["url"],
        "health": target["health"],
        "last_error": target["lastError"],
        "last_scrape": last_scrape.isoformat() if last_scrape else None,
    }


def likeliest_cause(error: str) -> str:
    for pattern, cause in SCRAPE_CAUSES:
        if re.search(pattern, error, re.IGNORECASE):
            return cause
    return ""


def check_targets(
    expectation: TargetExpectation, targets: Sequence[Mapping[str, Any]], pools: Sequence[str] | None
) -> Check:
    """Compare one expectation with the active targets.

    :param targets: normalized; those of other pools are ignored.
    :param pools: names of all scrape pools; V(None) where they are not known.
    """
    chosen = [target for target in targets if expectation.selects(target)]
    up = [target for target in chosen if target["health"] == "up"]
    enough = len(up) >= expectation.min_up
    right_count = expectation.count is None or len(chosen) == expectation.count
    pool = expectation.scrape_pool
    missing = bool(pool and not chosen and pools is not None and pool not in pools)
    observed = observed_targets(chosen)
    detail = ""
    if missing and pool:
        observed = "no such scrape pool"
        detail = missing_pool(pool, pools or [])
    elif not chosen:
        detail = no_targets(expectation, targets)
    elif not enough or not right_count or len(up) < len(chosen):
        detail = unhealthy_targets(chosen)
        if not right_count:
            detail = f"Targets: {listing(target['url'] for target in chosen)}. {detail}".strip()
    # no pool and no targets expected: nothing to scrape is what was asked for
    return Check(expectation.name, enough and right_count, expectation.expected, observed, detail)


def observed_targets(targets: Sequence[Mapping[str, Any]]) -> str:
    if not targets:
        return "0 targets"
    counts = {state: sum(target["health"] == state for target in targets) for state in ("up", "down", "unknown")}
    parts = [f"{number} {state}" for state, number in counts.items() if number or state == "up"]
    return f"{', '.join(parts)} of {count_text(len(targets), 'target')}"


def missing_pool(pool: str, pools: Sequence[str]) -> str:
    """Why a scrape pool is not in Prometheus's configuration."""
    close = nearest(pool, pools)
    hint = f"Did you mean {close}? " if close else ""
    match = re.fullmatch(r"(service|pod)Monitor/([^/]+)/([^/]+)/(\d+)", pool)
    if match:
        kind = "ServiceMonitor" if match[1] == "service" else "PodMonitor"
        cause = (
            f"Likeliest cause: {kind} {match[3]} in namespace {match[2]} does not exist, is not selected by the "
            "Prometheus object, or was created less than two minutes ago and not loaded yet. "
        )
    else:
        cause = "Likeliest cause: the scrape configuration has no such job, or was not reloaded yet. "
    return f"{hint}{cause}Scrape pools: {listing(pools)}."


def no_targets(expectation: TargetExpectation, targets: Sequence[Mapping[str, Any]]) -> str:
    """Why an existing pool (or a job) has no active target that counts."""
    if expectation.scrape_pool is None:
        jobs = {target["labels"].get("job", "") for target in targets} - {""}
        close = nearest(expectation.job or "", jobs)
        return (f"Did you mean {close}? " if close else "") + f"Jobs with active targets: {listing(jobs)}."
    others = [target for target in targets if target["scrapePool"] == expectation.scrape_pool]
    if others:
        values = [", ".join(f'{k}="{t["labels"].get(k, "")}"' for k in ("job", *expectation.labels)) for t in others]
        return f"The pool has {count_text(len(others), 'target')}, but none with these labels; seen: {listing(values)}."
    return (
        "The pool is configured and finds no target. Likeliest cause: the selector matches no Service, the port name "
        "is not on the Service, or the Service has no ready endpoints (kubectl get servicemonitor,service,endpoints)."
    )


def unhealthy_targets(targets: Sequence[Mapping[str, Any]]) -> str:
    """The errors of those that are not up, equal ones together, and what most likely causes them."""
    by_error: dict[str, list[str]] = {}
    never = [target["url"] for target in targets if target["health"] == "unknown"]
    for target in targets:
        if target["health"] == "down":
            by_error.setdefault(target["lastError"] or "no error given", []).append(target["url"])
    sentences = []
    for error, urls in by_error.items():
        cause = likeliest_cause(error)
        # the error names the address as well; equal errors of many targets differ only there
        sentences.append(f"{listing(urls, 3)}: {error}." + (f" Likeliest cause: {cause}." if cause else ""))
    if never:
        sentences.append(f"Not scraped yet: {listing(never, 3)}; the first scrape comes within one scrape interval.")
    if len(sentences) > 4:
        sentences[4:] = [f"And {len(sentences) - 4} more errors."]
    return " ".join(sentences)


def check_all_up(targets: Sequence[Mapping[str, Any]]) -> list[Check]:
    """One check for each scrape pool that has active targets."""
    by_pool: dict[str, list[Mapping[str, Any]]] = {}
    for target in targets:
        by_pool.setdefault(target["scrapePool"], []).append(target)
    if not by_pool:
        return [
            Check("all targets", False, "all active targets up", "0 targets", "Prometheus has no active target at all.")
        ]
    checks = []
    for pool, members in sorted(by_pool.items()):
        down = [target for target in members if target["health"] != "up"]
        checks.append(Check(f"target {pool}", not down, "all up", observed_targets(members), unhealthy_targets(down)))
    return checks


def gather(
    client: PrometheusClient, expectations: Sequence[TargetExpectation], everything: bool
) -> list[dict[str, Any]]:
    """The active targets that the expectations are about, with as few and as small answers as possible."""
    if everything or any(expectation.scrape_pool is None for expectation in expectations):
        return normalized(client.targets()["active"])
    found: list[dict[str, Any]] = []
    pools = list(dict.fromkeys(str(expectation.scrape_pool) for expectation in expectations))
    with contextlib.closing(client.targets_of_pools(pools)) as answers:
        for pool, answer in zip(pools, answers):
            targets = normalized(answer)
            if any(target["scrapePool"] != pool for target in targets):
                # this server ignores the filter: the first answer already holds every pool
                return targets
            found += targets
    return found


def watch_targets(
    client: PrometheusClient, expectations: Sequence[TargetExpectation], all_up: bool
) -> Callable[[], Poll]:
    """A poll for C(wait_until); its value is the list of targets that were looked at."""

    def poll() -> Poll:
        targets = gather(client, expectations, all_up)
        pools = None
        if any(e.scrape_pool and not any(t["scrapePool"] == e.scrape_pool for t in targets) for e in expectations):
            pools = client.scrape_pools()
        checks = [check_targets(expectation, targets, pools) for expectation in expectations]
        named = {check.name for check in checks}
        if all_up:
            # a pool that is named has its own, more exact expectation
            checks += [check for check in check_all_up(targets) if check.name not in named]
        else:
            targets = [target for target in targets if any(e.selects(target) for e in expectations)]
        return Poll(all(check.ok for check in checks), checks, targets)

    return poll


def explain_empty_pools(
    client: PrometheusClient, expectations: Sequence[TargetExpectation], checks: Sequence[Check]
) -> list[Check]:
    """Add what service discovery found and relabeling dropped for the pools that stayed empty."""
    by_name = {expectation.name: expectation for expectation in expectations}
    explained = []
    for check in checks:
        pool = by_name[check.name].scrape_pool if check.name in by_name else None
        if pool and check.ok is False and check.observed == "0 targets":
            try:
                dropped = normalized(client.targets("dropped", pool)["dropped"])
            except ArgolabError:
                dropped = []
            number = sum(target["scrapePool"] == pool for target in dropped)
            said = (
                f" Service discovery found {count_text(number, 'candidate')} and relabeling dropped all of them: "
                "the labels or the port name do not match."
                if number
                else " Service discovery found no candidate either."
            )
            check = replace(check, detail=check.detail + said)
        explained.append(check)
    return explained
