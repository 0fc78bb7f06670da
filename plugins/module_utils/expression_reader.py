# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask Prometheus about many expressions in few requests: their syntax trees, and which selectors have series."""

from __future__ import annotations

import difflib
import re
from typing import Any, Iterable, Mapping, NamedTuple

from ansible_collections.argolab.observability.plugins.module_utils.checks import listing
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import PrometheusClient
from ansible_collections.argolab.observability.plugins.module_utils.promql_tree import Selector

# Characters of one request's expression, far below what a server or proxy takes.
ROOM = 6000
MARK = "argolab_index"


# Labels that say where series come from. A value of another label may only be seen while something is wrong.
IDENTITY = frozenset(
    ("cluster", "container", "endpoint", "instance", "job", "metrics_path", "namespace", "node", "pod", "service")
)


class Nothing(NamedTuple):
    """Why a selector matches nothing.

    :param certain: V(False) where it may well match something another day.
    """

    text: str
    certain: bool = True


class ExpressionReader:
    """Remembers what it has asked, since expressions do not change from look to look."""

    def __init__(self, prometheus: PrometheusClient) -> None:
        self._prometheus = prometheus
        self._trees: dict[str, Mapping[str, Any]] = {}
        self._complaints: dict[str, str] = {}
        self._described: dict[str, bool] = {}
        self._names: list[str] | None = None
        self._close: dict[str, str] = {}
        self.supported = True

    def tree(self, expression: str) -> Mapping[str, Any] | None:
        """The syntax tree; V(None) for a wrong expression, and where the server gives none."""
        self.read([expression])
        return self._trees.get(expression)

    def complaint(self, expression: str) -> str:
        """The parser's words against an expression; empty for a right one."""
        self.read([expression])
        return self._complaints.get(expression, "")

    def same(self, one: str, other: str) -> bool | None:
        """Whether two expressions have the same tree; V(None) where that cannot be said."""
        self.read([one, other])
        if one not in self._trees or other not in self._trees:
            return None
        return bool(_bare(self._trees[one]) == _bare(self._trees[other]))

    def read(self, expressions: Iterable[str]) -> None:
        """Read the trees of all that are not known yet, many in one request: C(or) makes one expression of them."""
        new = [text for text in dict.fromkeys(expressions) if text not in self._trees and text not in self._complaints]
        for batch in _batches(new, len):
            if not self.supported:
                return
            if len(batch) > 1 and self._read_joined(batch):
                continue
            for expression in batch:
                self._read_one(expression)

    def _read_joined(self, batch: list[str]) -> bool:
        # The line break ends a comment at the end of an expression.
        try:
            tree: Any = self._prometheus.parse(" or ".join(f"({text}\n)" for text in batch))
        except DefiniteError:
            # One of them is wrong or a scalar, which C(or) does not take.
            return False
        if tree is None:
            self.supported = False
            return True
        found = []
        for _expression in batch[1:]:
            if tree.get("op") != "or":
                return False
            found.append(tree["rhs"])
            tree = tree["lhs"]
        found.append(tree)
        self._trees.update(zip(batch, (node["expr"] for node in reversed(found))))
        return True

    def _read_one(self, expression: str) -> None:
        try:
            tree = self._prometheus.parse(expression)
        except DefiniteError as error:
            said = re.search(r"(?:\d+:\d+: )?parse error.*", str(error), re.DOTALL)
            if not said:
                raise
            self._complaints[expression] = said[0].rstrip(".")
            return
        if tree is None:
            self.supported = False
        else:
            self._trees[expression] = tree

    def without_series(self, selectors: Iterable[Selector]) -> list[Selector]:
        """Those selectors that match nothing now, or within the time that their range looks back."""
        empty: list[Selector] = []
        for batch in _batches(list(dict.fromkeys(selectors)), lambda item: len(item.count) + 60):
            joined = " or ".join(
                f'label_replace({item.count}, "{MARK}", "{index}", "", "")' for index, item in enumerate(batch)
            )
            there = {sample.labels.get(MARK) for sample in self._prometheus.query(joined).samples}
            empty += [item for index, item in enumerate(batch) if str(index) not in there]
        return empty

    def reasons(self, empty: Iterable[Selector]) -> dict[Selector, Nothing]:
        """Where each of these selectors leads nowhere: the metric, one label, or only the labels together."""
        wanted = list(empty)
        bare = {item: item.only() for item in wanted}
        single = {item: [item.only(matcher) for matcher in item.matchers] for item in wanted if item.metric}
        asked = [*bare.values(), *[one for several in single.values() for one in several]]
        nothing = set(self.without_series(item for item in asked if item.metric))
        return {item: self._reason(item, bare[item] in nothing, single.get(item, []), nothing) for item in wanted}

    def _reason(self, item: Selector, no_metric: bool, single: list[Selector], nothing: set[Selector]) -> Nothing:
        if not item.metric:
            return Nothing(f"{item.text} matches no series")
        if no_metric:
            if self._announced(item.metric):
                return Nothing(f"there is no series of {item.metric} now, but a target announces it", certain=False)
            hint = f"; the nearest name is {self._nearest(item.metric)}" if self._nearest(item.metric) else ""
            return Nothing(f"there is no series of {item.metric}{hint}")
        for one in single:
            if one in nothing:
                label, operator, value = one.matchers[0]
                known = self._prometheus.label_values(label, item.only().text)
                there = f"its values so far: {listing(known, 5)}" if known else f"no series of it has label {label}"
                text = f"{item.metric} has no series with {label}{operator}{value!r}; {there}"
                return Nothing(text, certain=not known or label in IDENTITY)
        return Nothing(f"{item.text} matches no series: each label does, all together do not", certain=False)

    def _nearest(self, metric: str) -> str:
        """The name of a metric that was probably meant: only one that differs by a slip, and begins alike."""
        if self._names is None:
            self._names = self._prometheus.label_values("__name__")
        if metric not in self._close:
            alike = [name for name in self._names if name[:3] == metric[:3] and abs(len(name) - len(metric)) <= 2]
            self._close[metric] = (difflib.get_close_matches(metric, alike, n=1, cutoff=0.9) or [""])[0]
        return self._close[metric]

    def _announced(self, metric: str) -> bool:
        """Whether some target describes the metric, which it may do before there is a first series."""
        if metric not in self._described:
            family = re.sub(r"_(bucket|sum|count)$", "", metric)
            names = dict.fromkeys((metric, family))
            self._described[metric] = any(self._prometheus.is_described(name) for name in names)
        return self._described[metric]


def _batches(items: list[Any], size: Any) -> list[list[Any]]:
    found: list[list[Any]] = []
    room = 0
    for item in items:
        room -= size(item)
        if room < 0 or not found:
            found.append([])
            room = ROOM - size(item)
        found[-1].append(item)
    return found


def _bare(node: Any) -> Any:
    """A tree without parentheses, which change nothing once it is a tree."""
    if isinstance(node, list):
        return [_bare(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    if node.get("type") == "parenExpr":
        return _bare(node.get("expr"))
    if isinstance(node.get("matchers"), list):
        # Their order means nothing.
        node = {**node, "matchers": sorted(node["matchers"], key=str)}
    return {key: _bare(value) for key, value in node.items()}
