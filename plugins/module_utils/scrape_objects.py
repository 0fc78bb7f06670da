# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scrape chain is judged by: objects of the cluster, answers of Prometheus, and what follows from them.

Nothing here reads. Whoever judges says in Finding.needs what it would have to see next, the reader brings it, and the
judgement is made again: so a healthy chain costs few requests and a broken one exactly those that explain it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Mapping, Tuple

from ansible_collections.argolab.observability.plugins.module_utils.checks import count_text
from ansible_collections.argolab.observability.plugins.module_utils.selectors import name_of, namespace_of

Object = Mapping[str, Any]
# What is to be read, and where: a namespace, NAMESPACE/NAME, a scrape pool, or "" for everything.
Need = Tuple[str, str]

SERVICE_MONITORS = "ServiceMonitors"
POD_MONITORS = "PodMonitors"
SERVICES = "Services"
SLICES = "EndpointSlices"
PROMETHEUSES = "Prometheuses"
OTHER_PROMETHEUSES = "other Prometheuses"
NAMESPACES = "namespaces"
PODS = "pods"
WORKLOADS = "workloads"
POLICIES = "NetworkPolicies"
EVENTS = "events"
OPERATORS = "Deployments of the operator"
SECRETS = "Secrets"
CONFIG_MAPS = "ConfigMaps"
# Asked of Prometheus instead of the API server.
LOADED = "scrape pools"
DROPPED = "dropped targets"
RUNTIME = "runtime information"
EXPRESSIONS = "regular expressions"


@dataclass(frozen=True)
class Pool:
    """A scrape pool's name, taken apart: KIND/NAMESPACE/NAME/INDEX."""

    kind: str
    namespace: str
    name: str
    index: int

    @classmethod
    def parse(cls, text: str) -> Pool | None:
        """None for pools that the operator did not make from a monitor (static jobs, for example)."""
        parts = text.split("/")
        if len(parts) != 4 or parts[0] not in ("serviceMonitor", "podMonitor"):
            return None
        if not (parts[3].isascii() and parts[3].isdigit()):
            return None
        return cls(parts[0], parts[1], parts[2], int(parts[3]))

    @property
    def of_pods(self) -> bool:
        return self.kind == "podMonitor"

    @property
    def title(self) -> str:
        return "PodMonitor" if self.of_pods else "ServiceMonitor"

    @property
    def resource(self) -> str:
        return self.title.lower()

    @property
    def monitors(self) -> str:
        """What has to be read to find the monitor."""
        return POD_MONITORS if self.of_pods else SERVICE_MONITORS


@dataclass(frozen=True)
class Cluster:
    """What was read from the API server.

    :param objects: lists of objects by what they are.
    :param known: what was read, with its place; a place of "" is everywhere.
    :param denied: what may not be read.
    """

    objects: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    known: frozenset[Need] = frozenset()
    denied: frozenset[Need] = frozenset()

    def having(self, what: str, where: str, items: Sequence[Object]) -> Cluster:
        """The same cluster with one more list that was read."""
        found = list(items) if where == "" else [*self.objects.get(what, ()), *items]
        return replace(self, objects={**self.objects, what: found}, known=self.known | {(what, where)})

    def without(self, what: str, where: str) -> Cluster:
        """The same cluster where one more thing may not be read."""
        return replace(self, denied=self.denied | {(what, where)})

    def knows(self, what: str, where: str = "") -> bool:
        return (what, "") in self.known or (what, where) in self.known

    def tried(self, what: str, where: str = "") -> bool:
        """Whether nothing more can be learnt: it is known, or may not be read."""
        return self.knows(what, where) or (what, where) in self.denied

    def of(self, what: str) -> Sequence[Object]:
        return self.objects.get(what, ())

    def within(self, what: str, where: Collection[str] | None) -> list[Object]:
        """Objects in these namespaces, None for all."""
        if where is None:
            return list(self.of(what))
        index = self._by_namespace.get(what, {})
        return [item for namespace in sorted(where) for item in index.get(namespace, ())]

    def find(self, what: str, namespace: str, name: str) -> Object | None:
        index = self._by_namespace.get(what, {})
        return next((item for item in index.get(namespace, ()) if name_of(item) == name), None)

    def untried(self, what: str, where: Collection[str] | None) -> tuple[Need, ...]:
        """What is still to be read to know these namespaces."""
        return tuple((what, place) for place in places(where) if not self.tried(what, place))

    def unseen(self, what: str, where: Collection[str] | None) -> tuple[str, ...]:
        """A note where something of these namespaces may not be read."""
        hidden = [place for place in places(where) if not self.knows(what, place)]
        if not hidden:
            return ()
        place = f" of namespace {', '.join(hidden)}" if hidden != [""] else ""
        return (f"{what}{place} may not be read",)

    @cached_property
    def _by_namespace(self) -> dict[str, dict[str, list[Object]]]:
        index: dict[str, dict[str, list[Object]]] = {}
        for what, items in self.objects.items():
            by_namespace = index.setdefault(what, {})
            for item in items:
                by_namespace.setdefault(namespace_of(item), []).append(item)
        return index

    @cached_property
    def slices_of(self) -> dict[tuple[str, str], list[Object]]:
        """EndpointSlices by namespace and name of their Service."""
        index: dict[tuple[str, str], list[Object]] = {}
        for item in self.of(SLICES):
            labels = (item.get("metadata") or {}).get("labels") or {}
            index.setdefault((namespace_of(item), str(labels.get("kubernetes.io/service-name"))), []).append(item)
        return index


@dataclass(frozen=True)
class Answers:
    """What Prometheus said.

    :param targets: active targets, by scrape pool.
    :param loaded: names of the scrape pools, None where they were not asked for or cannot be told.
    :param dropped: dropped targets by scrape pool, for the pools that were asked for.
    :param runtime: its answer about its own state.
    :param complaints: what it says of a regular expression, empty where it is right.
    :param asked: what it was asked.
    :param silent: why it does not answer.
    """

    targets: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    loaded: frozenset[str] | None = None
    dropped: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    runtime: Mapping[str, Any] = field(default_factory=dict)
    complaints: Mapping[str, str] = field(default_factory=dict)
    asked: frozenset[Need] = frozenset()
    silent: str = ""

    def active(self, pool: str) -> Sequence[Object]:
        return self.targets.get(pool, ())

    def untried(self, what: str, where: str = "") -> tuple[Need, ...]:
        return () if self.silent or (what, where) in self.asked else ((what, where),)


@dataclass(frozen=True)
class Finding:
    """The state of one pool.

    :param cause: short name of what is wrong; empty when nothing is.
    :param expected: targets that there should be; None where that cannot be told.
    :param services: the Services that the monitor selects.
    :param pods: the pods that a PodMonitor selects.
    :param dropped: candidates that the monitor's own relabelings drop.
    :param elsewhere: whether it is for another Prometheus than the one that is asked.
    :param pending: whether this can neither be passed nor failed by what can be seen.
    :param needs: what has to be read before this can be trusted.
    :param notes: what could not be looked at.
    """

    cause: str = ""
    text: str = ""
    next: str = ""
    expected: int | None = None
    services: tuple[str, ...] = ()
    pods: tuple[str, ...] = ()
    dropped: int = 0
    elsewhere: bool = False
    pending: bool = False
    needs: tuple[Need, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.cause and not self.needs and not self.pending


@dataclass(frozen=True)
class Link:
    """One endpoint of a monitor and the Prometheus objects that are to scrape it."""

    pool_name: str
    pool: Pool
    monitor: Object
    endpoint: Object
    prometheuses: Sequence[Object] = ()

    @property
    def title(self) -> str:
        return f"{self.pool.title} {self.pool.namespace}/{self.pool.name}"

    @property
    def spec(self) -> Object:
        return self.monitor.get("spec") or {}

    @property
    def selector(self) -> Object:
        return self.spec.get("selector") or {}

    @property
    def prometheus(self) -> Object | None:
        return self.prometheuses[0] if self.prometheuses else None

    @property
    def namespaces(self) -> set[str] | None:
        """The namespaces that the monitor looks in, None for all."""
        selector = self.spec.get("namespaceSelector") or {}
        ignored = any((item.get("spec") or {}).get("ignoreNamespaceSelectors") for item in self.prometheuses)
        if ignored:
            return {self.pool.namespace}
        if selector.get("any"):
            return None
        return {str(name) for name in selector.get("matchNames") or []} or {self.pool.namespace}

    @property
    def yaml(self) -> str:
        """The command that shows the monitor."""
        return get(self.pool.resource, self.pool.namespace, self.pool.name, "-o yaml")


def mapping(value: Any) -> Mapping[str, Any]:
    """The value where it is a mapping, an empty one otherwise."""
    return value if isinstance(value, Mapping) else {}


def listed(value: Any) -> list[Any]:
    """The value where it is a list, an empty one otherwise."""
    return value if isinstance(value, list) else []


def places(where: Collection[str] | None) -> list[str]:
    return [""] if where is None else sorted(where)


def place_text(where: Collection[str] | None) -> str:
    return "any namespace" if where is None else f"namespace {', '.join(sorted(where))}"


def pairs(selector: Mapping[str, Any]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items()))


def get(kind: str, namespace: str, *rest: str) -> str:
    scope = f"-n {namespace} " if namespace else ""
    return f"kubectl {scope}get {kind} {' '.join(rest)}".strip()


def describe(kind: str, namespace: str, name: str) -> str:
    return f"kubectl -n {namespace} describe {kind} {name}"


def count(number: int, noun: str) -> str:
    return count_text(number, noun)


def up_of(targets: Iterable[Object]) -> int:
    return sum(1 for target in targets if target.get("health") == "up")
