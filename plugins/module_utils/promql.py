# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The selectors in a PromQL expression: enough of the language to say which of them finds nothing.

This is no parser. What it does not understand it leaves out; whether an expression is right, Prometheus says.
The words are those of https://prometheus.io/docs/prometheus/latest/querying/basics/.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    |(?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+|(?:ms|[smhdwy])(?:\d+(?:ms|[smhdwy]))*)?)
    |(?P<word>[a-zA-Z_:][a-zA-Z0-9_:]*)
    |(?P<operator>=~|!~|!=|==|<=|>=)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_AGGREGATIONS = frozenset(
    [
        *("sum", "avg", "count", "min", "max", "group", "stddev", "stdvar", "topk", "bottomk"),
        *("count_values", "quantile", "limitk", "limit_ratio"),
    ]
)
# Words before a list of labels in parentheses.
_LABEL_LISTS = frozenset(["by", "without", "on", "ignoring", "group_left", "group_right"])
_OPERATORS = frozenset(["and", "or", "unless", "atan2", "offset", "bool", "inf", "nan"])
_MATCHES = frozenset(("=", "!=", "=~", "!~"))
_OVER_TIME = re.compile(r"\b(rate|irate|increase|delta|idelta|deriv|changes|resets|histogram_quantile)\s*\(")
_FILTERS = re.compile(r"(?<![=!<>~])(==|!=|<=|>=|<|>)(?!~)|\b(and|unless)\b|\b(on|ignoring)\s*\(")


@dataclass(frozen=True)
class Matcher:
    """One demand of a selector, such as `job="x"`; the value is without its quotes."""

    label: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.label}{self.operator}{quoted(self.value)}"


@dataclass(frozen=True)
class Selector:
    """A selector in an expression.

    :param metric: name of the metric, from before the braces or from within; empty where there is none.
    :param end: where the selector ends in the expression, its final brace included.
    :param braces: whether it has braces; new matchers then go before C(end) - 1.
    """

    metric: str
    matchers: Sequence[Matcher]
    end: int
    braces: bool

    def __str__(self) -> str:
        return selector_text(self.metric, self.matchers)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    end: int


def quoted(value: str) -> str:
    """A string of PromQL."""
    return json.dumps(value, ensure_ascii=False)


def selector_text(metric: str, matchers: Iterable[Matcher]) -> str:
    """A selector as PromQL has it."""
    inner = ", ".join(str(matcher) for matcher in matchers)
    plain = re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", metric)
    if metric and not plain:
        return f"{{{quoted(metric)}{', ' if inner else ''}{inner}}}"
    return f"{metric}{{{inner}}}" if inner or not metric else metric


def selectors(expr: str) -> list[Selector]:
    """Every selector of the expression, in its order."""
    tokens = _tokens(expr)
    found: list[Selector] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        after = tokens[index + 1].text if index + 1 < len(tokens) else ""
        word = token.text.lower()
        if token.text == "[":
            index = _skip(tokens, index, "[", "]")
        elif token.text == "{":
            selector, index = _braces(tokens, index, "")
            found.append(selector)
        elif token.kind != "word" or word in _OPERATORS:
            index += 1
        elif word in _LABEL_LISTS:
            index = _skip(tokens, index + 1, "(", ")") if after == "(" else index + 1
        elif after == "(" or (word in _AGGREGATIONS and after.lower() in ("by", "without")):
            index += 1
        elif after == "{":
            selector, index = _braces(tokens, index + 1, token.text)
            found.append(selector)
        else:
            found.append(Selector(token.text, (), token.end, False))
            index += 1
    return found


def with_matchers(expr: str, matchers: Sequence[Matcher]) -> str:
    """The expression with more matchers in every selector, as Grafana adds those of ad hoc filters."""
    if not matchers:
        return expr
    inner = ", ".join(str(matcher) for matcher in matchers)
    for selector in reversed(selectors(expr)):
        if not selector.braces:
            expr = f"{expr[: selector.end]}{{{inner}}}{expr[selector.end :]}"
            continue
        head = expr[: selector.end - 1].rstrip()
        comma = "" if head.endswith(("{", ",")) else ", "
        expr = f"{head}{comma}{inner}{expr[selector.end - 1 :]}"
    return expr


def over_time(expr: str) -> bool:
    """Whether what it gives depends on something having happened: rates, increases, quantiles of histograms."""
    return bool(_OVER_TIME.search(_without_strings(expr)))


def filters(expr: str) -> bool:
    """Whether it may drop series that its selectors found: comparisons, set operations, matching of two sides."""
    return bool(_FILTERS.search(re.sub(r"\{[^{}]*\}", "", _without_strings(expr))))


def alternatives(expr: str) -> bool:
    """Whether it says the same thing in several ways, of which one is enough: C(this or that)."""
    return any(token.kind == "word" and token.text.lower() == "or" for token in _tokens(expr))


def _without_strings(expr: str) -> str:
    return "".join('""' if token.kind == "string" else token.text + " " for token in _tokens(expr))


def _tokens(expr: str) -> list[_Token]:
    found = []
    for match in _TOKEN.finditer(expr):
        kind = str(match.lastgroup)
        if kind != "space":
            found.append(_Token(kind, match[0], match.end()))
    return found


def _skip(tokens: Sequence[_Token], index: int, opening: str, closing: str) -> int:
    """The index behind what closes the bracket at the index, or behind the last token."""
    depth = 0
    while index < len(tokens):
        depth += (tokens[index].text == opening) - (tokens[index].text == closing)
        index += 1
        if depth <= 0:
            break
    return index


def _braces(tokens: Sequence[_Token], index: int, metric: str) -> tuple[Selector, int]:
    """The selector whose opening brace is at the index, and the index behind it."""
    matchers: list[Matcher] = []
    index += 1
    end = tokens[index - 1].end
    while index < len(tokens) and tokens[index].text != "}":
        token = tokens[index]
        end = token.end
        operator = tokens[index + 1].text if index + 1 < len(tokens) else ""
        value = tokens[index + 2] if index + 2 < len(tokens) else None
        if token.kind in ("word", "string") and operator in _MATCHES and value is not None and value.kind == "string":
            label = _unquoted(token.text) if token.kind == "string" else token.text
            if label == "__name__" and operator == "=" and not metric:
                metric = _unquoted(value.text)
            else:
                matchers.append(Matcher(label, operator, _unquoted(value.text)))
            end = value.end
            index += 3
            continue
        if token.kind == "string" and operator in (",", "}") and not metric:
            metric = _unquoted(token.text)
        index += 1
    if index < len(tokens):
        end = tokens[index].end
        return Selector(metric, matchers, end, True), index + 1
    # the brace was never closed, so there is no place for more
    return Selector(metric, matchers, end, False), index


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def _unquoted(text: str) -> str:
    """The value of a string; backticks take everything as it is."""
    if text.startswith("`"):
        return text[1:-1]

    def plain(match: re.Match[str]) -> str:
        escape = match[1]
        if escape[0] in "xuU" and len(escape) > 1:
            number = int(escape[1:], 16)
            return chr(number) if number <= 0x10FFFF else ""
        return _ESCAPES.get(escape, escape)

    hexadecimal = r"x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}"
    return re.sub(rf"\\({hexadecimal}|.)", plain, text[1:-1], flags=re.DOTALL)
