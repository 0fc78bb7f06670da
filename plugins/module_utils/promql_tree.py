# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an expression needs and which labels it keeps, from the syntax tree that Prometheus gives.

The tree of C(/api/v1/parse_query) is JSON: each node has a C(type), and the fields of Prometheus's own parser. A node
of a type that is not known here is looked through, and may keep any label.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Union

Node = Mapping[str, Any]

# An aggregation that picks series, and leaves them as they are.
PICKING = ("topk", "bottomk", "limitk", "limit_ratio")
# Functions whose result has no labels, whatever goes in.
BARE = ("vector", "scalar", "time", "pi")
ABSENT = ("absent", "absent_over_time")
# Prometheus looks back this far for an instant selector (its default --query.lookback-delta), in milliseconds.
LOOKBACK = 300_000


@dataclass(frozen=True)
class Selector:
    """One vector selector.

    :param matchers: label, operator and value, without that of the metric's name.
    :param window: milliseconds that the expression looks back, V(0) for an instant selector.
    """

    metric: str
    matchers: tuple[tuple[str, str, str], ...] = ()
    window: int = 0

    @property
    def text(self) -> str:
        return self.metric + self._braces(self.matchers)

    def _braces(self, matchers: Iterable[tuple[str, str, str]]) -> str:
        inner = ",".join(
            f"{name}{operator}{json.dumps(value, ensure_ascii=False)}" for name, operator, value in matchers
        )
        return f"{{{inner}}}" if inner else ""

    def only(self, *matchers: tuple[str, str, str]) -> Selector:
        """The same metric with these matchers."""
        return Selector(self.metric, matchers, self.window)

    @property
    def lasting(self) -> Selector:
        """Without the matchers that exclude: where nothing is wrong, C(status!="ok") may well match nothing."""
        kept = tuple(item for item in self.matchers if item[1] in ("=", "=~") or item[1:] == ("!=", ""))
        return Selector(self.metric, kept, self.window)

    @property
    def count(self) -> str:
        """An expression that gives the number of its series, and nothing where there is none."""
        if self.window > LOOKBACK:
            return f"count(present_over_time({self.text}[{self.window}ms]))"
        return f"count({self.text})"


# What has to have data: one selector, all of several needs, or any of several.
Need = Union[Selector, "AllOf", "AnyOf"]


@dataclass(frozen=True)
class AllOf:
    parts: tuple[Need, ...]


@dataclass(frozen=True)
class AnyOf:
    parts: tuple[Need, ...]


def need_of(node: Any) -> Need:
    """What an expression needs for a result. What is in absent() or behind unless may well have no series."""
    if isinstance(node, list):
        return AllOf(tuple(need_of(item) for item in node))
    if not isinstance(node, Mapping):
        return AllOf(())
    kind = node.get("type")
    if kind in ("vectorSelector", "matrixSelector"):
        return _selector(node)
    if kind == "call" and _function(node) in ABSENT:
        return AllOf(())
    if kind == "binaryExpr" and node.get("op") == "unless":
        return need_of(node.get("lhs"))
    if kind == "binaryExpr" and node.get("op") == "or":
        return AnyOf((need_of(node.get("lhs")), need_of(node.get("rhs"))))
    return AllOf(tuple(need_of(value) for key, value in node.items() if key not in ("matchers", "func", "matching")))


def selectors(need: Need) -> list[Selector]:
    """All selectors of a need."""
    if isinstance(need, Selector):
        return [need]
    return [item for part in need.parts for item in selectors(part)]


def missing(need: Need, empty: Iterable[Selector]) -> list[Selector]:
    """The selectors without series that keep a need from being met."""
    gone = set(empty)

    def of(part: Need) -> list[Selector]:
        if isinstance(part, Selector):
            return [part] if part in gone else []
        found = [of(item) for item in part.parts]
        if isinstance(part, AnyOf) and not all(found):
            return []
        return [item for items in found for item in items]

    return list(dict.fromkeys(of(need)))


@dataclass(frozen=True)
class Labels:
    """Which labels a result may have: these only, or all but these.

    :param only: V(None) for any.
    """

    only: frozenset[str] | None = None
    dropped: frozenset[str] = frozenset()

    def may_have(self, label: str) -> bool:
        return label in self.only if self.only is not None else label not in self.dropped

    def with_(self, labels: Iterable[str]) -> Labels:
        added = frozenset(labels)
        return Labels(None if self.only is None else self.only | added, self.dropped - added)

    def without(self, labels: Iterable[str]) -> Labels:
        gone = frozenset(labels)
        return Labels(None if self.only is None else self.only - gone, self.dropped | gone)

    def within(self, labels: Iterable[str]) -> Labels:
        return Labels(frozenset(label for label in labels if self.may_have(label)))

    def or_(self, other: Labels) -> Labels:
        if self.only is not None and other.only is not None:
            return Labels(self.only | other.only)
        if self.only is not None or other.only is not None:
            known, rest = (self, other) if self.only is not None else (other, self)
            return Labels(None, rest.dropped - (known.only or frozenset()))
        return Labels(None, self.dropped & other.dropped)


ANY_LABEL = Labels()
NO_LABEL = Labels(frozenset())


def labels_of(node: Any) -> Labels:
    """The labels that a result may have. Where it is not certain, more rather than fewer."""
    if not isinstance(node, Mapping):
        return ANY_LABEL
    kind = node.get("type")
    if kind in ("numberLiteral", "stringLiteral"):
        return NO_LABEL
    if kind == "aggregation":
        return _aggregated(node)
    if kind == "call":
        return _called(node)
    if kind == "binaryExpr":
        return _combined(node)
    if kind in ("parenExpr", "unaryExpr", "subquery", "stepInvariant"):
        return labels_of(node.get("expr"))
    return ANY_LABEL


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Node:
    return value if isinstance(value, Mapping) else {}


def _function(node: Node) -> str:
    return str(_mapping(node.get("func")).get("name"))


def _selector(node: Node) -> Selector:
    found = [
        (str(item.get("name")), str(item.get("type")), str(item.get("value")))
        for item in _list(node.get("matchers"))
        if isinstance(item, Mapping)
    ]
    metric = next((value for name, operator, value in found if (name, operator) == ("__name__", "=")), "")
    rest = [item for item in found if not metric or item[:2] != ("__name__", "=")]
    window = node.get("range") if node.get("type") == "matrixSelector" else 0
    return Selector(metric, tuple(rest), window if isinstance(window, int) else 0)


def _aggregated(node: Node) -> Labels:
    inner = labels_of(node.get("expr"))
    if node.get("op") in PICKING:
        return inner
    grouping = [str(label) for label in _list(node.get("grouping"))]
    result = inner.without(grouping) if node.get("without") else inner.within(grouping)
    param = node.get("param")
    if node.get("op") == "count_values" and isinstance(param, Mapping):
        return result.with_([str(param.get("val"))])
    return result


def _called(node: Node) -> Labels:
    name, args = _function(node), _list(node.get("args"))
    if name in BARE or not args:
        return NO_LABEL
    if name in ABSENT:
        inner = args[0]
        while isinstance(inner, Mapping) and inner.get("type") in ("parenExpr", "subquery"):
            inner = inner.get("expr")
        if not isinstance(inner, Mapping) or inner.get("type") not in ("vectorSelector", "matrixSelector"):
            return NO_LABEL
        return Labels(frozenset(label for label, operator, _value in _selector(inner).matchers if operator == "="))
    if name in ("label_replace", "label_join"):
        target = args[1] if len(args) > 1 and isinstance(args[1], Mapping) else {}
        return labels_of(args[0]).with_([str(target.get("val"))])
    if name == "info":
        return ANY_LABEL
    inner = labels_of(_series_argument(node))
    return inner.without(["le"]) if name in ("histogram_quantile", "histogram_fraction") else inner


def _series_argument(node: Node) -> Any:
    """The argument that holds series, by the types that the function takes; V(None) where that is not said."""
    types = _list(_mapping(node.get("func")).get("argTypes"))
    for kind, argument in zip(types, _list(node.get("args"))):
        if kind in ("vector", "matrix"):
            return argument
    return None


def _is_scalar(node: Any) -> bool:
    if not isinstance(node, Mapping):
        return False
    if node.get("type") == "call":
        return _mapping(node.get("func")).get("returnType") == "scalar"
    if node.get("type") == "binaryExpr":
        return _is_scalar(node.get("lhs")) and _is_scalar(node.get("rhs"))
    if node.get("type") in ("parenExpr", "unaryExpr"):
        return _is_scalar(node.get("expr"))
    return node.get("type") == "numberLiteral"


def _combined(node: Node) -> Labels:
    left, right = labels_of(node.get("lhs")), labels_of(node.get("rhs"))
    if _is_scalar(node.get("rhs")):
        return left
    if _is_scalar(node.get("lhs")):
        return right
    if node.get("op") in ("and", "unless"):
        return left
    if node.get("op") == "or":
        return left.or_(right)
    matching = _mapping(node.get("matching"))
    names = [str(label) for label in _list(matching.get("labels"))]
    include = [str(label) for label in _list(matching.get("include"))]
    if matching.get("card") == "many-to-one":
        return left.with_(label for label in include if right.may_have(label))
    if matching.get("card") == "one-to-many":
        return right.with_(label for label in include if left.may_have(label))
    return left.within(names) if matching.get("on") else left.without(names)
