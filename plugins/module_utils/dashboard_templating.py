# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of Grafana written into texts: their syntax, their formats, and what Prometheus queries make of them.

Syntax and formats are those of https://grafana.com/docs/grafana/latest/visualizations/dashboards/variables/variable-syntax/.
What a query gets without a format is the Prometheus data source's own: with one value the value, with more
V((a|b|c)), each escaped for a regular expression within a PromQL string
(https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/, and C(interpolateQueryExpr) in the
data source).
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Callable, Optional
from urllib.parse import quote

# $name, [[name]] and [[name:format]], ${name}, ${name.field} and ${name:format}; C(variableRegex) of Grafana.
REFERENCE = re.compile(r"\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:^}]+))?(?::([^}]+))?\}", re.ASCII)
ALL = "$__all"


@dataclass(frozen=True)
class Value:
    """What a variable stands for.

    :param values: the chosen values; none where there is nothing to choose from.
    :param texts: what Grafana shows for them.
    :param several: whether it is a list for Grafana, which writes lists differently, even those of one.
    :param regex: whether the variable allows several values or All, so that Prometheus gets a regular expression.
    :param verbatim: text that replaces it as it is, the custom value of All.
    :param missing: why there is no value; empty where there is one.
    """

    values: Sequence[str]
    texts: Sequence[str] = ()
    several: bool = False
    regex: bool = False
    verbatim: str | None = None
    missing: str = ""

    @property
    def text(self) -> str:
        return " + ".join(self.texts or self.values)


def plain(text: str) -> Value:
    """A single value that nobody chose."""
    return Value((text,))


@dataclass
class Used:
    """Which variables a text named."""

    known: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


Formatter = Callable[[str, Value], str]


def names_in(text: str) -> list[str]:
    """Names of all variables that the text refers to, in order."""
    return list(dict.fromkeys(match[1] or match[2] or match[4] for match in REFERENCE.finditer(text)))


def replace(
    text: str, values: Mapping[str, Value], default: Optional[Formatter] = None, used: Optional[Used] = None
) -> str:
    """The text with its variables replaced. What is no variable of the dashboard stays as it is, as in Grafana.

    :param default: the format of references without one; V(glob) where it is not given.
    :param used: is told which names were found.
    """

    def one(match: re.Match[str]) -> str:
        name, form = match[1] or match[2] or match[4], match[3] or match[6] or ""
        value = values.get(name)
        # ${__field.labels.x} and its like belong to single values of an answer
        if value is None or match[5]:
            if used is not None and not match[5]:
                used.unknown.append(name)
            return match[0]
        if used is not None:
            used.known.append(name)
        if value.verbatim is not None and form.partition(":")[0] not in ("text", "percentencode", "queryparam"):
            # its own references are replaced, but not by itself
            return replace(value.verbatim, {key: item for key, item in values.items() if key != name}, default)
        return formatted(name, value, form) if form or default is None else default(name, value)

    return REFERENCE.sub(one, text)


def prometheus_text(name: str, value: Value) -> str:
    """A variable in a PromQL expression."""
    if not value.regex:
        # Grafana escapes single quotes only; double quotes stay as they are
        return ",".join(value.values).replace("\\", "\\\\").replace("'", "\\\\'")
    escaped = [_promql_escape(item) for item in value.values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _promql_escape(text: str) -> str:
    text = text.replace("\\", "\\\\\\\\")
    return re.sub(r"[$^*{}\[\]'+?.()|]", lambda match: "\\\\" + match[0], text)


def _regex_escape(text: str) -> str:
    return re.sub(r"[\\^$*+?.()|\[\]{}/]", lambda match: "\\" + match[0], text)


def formatted(name: str, value: Value, form: str) -> str:
    """A variable in one of Grafana's formats; one that is unknown is V(glob), as in Grafana."""
    kind, _colon, argument = form.partition(":")
    return _FORMATS.get(kind, _glob)(name, value, argument)


def _glob(_name: str, value: Value, _argument: str) -> str:
    items = value.values
    return f"{{{','.join(items)}}}" if value.several and len(items) > 1 else ",".join(items)


def _regex(_name: str, value: Value, _argument: str) -> str:
    escaped = [_regex_escape(item) for item in value.values]
    return f"({'|'.join(escaped)})" if len(escaped) > 1 else "".join(escaped)


def _lucene(_name: str, value: Value, _argument: str) -> str:
    def escape(text: str) -> str:
        return re.sub(r'([!*+\-=<>\s&|()\[\]{}^~?:\\/"])', r"\\\1", text)

    if not value.several:
        return escape("".join(value.values))
    if not value.values:
        return "__empty__"
    return "(" + " OR ".join(f'"{escape(item)}"' for item in value.values) + ")"


def _quoted_list(mark: str, escaped: str) -> Callable[[str, Value, str], str]:
    def make(_name: str, value: Value, _argument: str) -> str:
        return ",".join(mark + item.replace(mark, escaped) + mark for item in value.values)

    return make


def _json(_name: str, value: Value, _argument: str) -> str:
    found = list(value.values) if value.several else "".join(value.values)
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def _percent(_name: str, value: Value, _argument: str) -> str:
    # as encodeURIComponent of JavaScript, and also !'()*
    return quote(",".join(value.values), safe="-_.~")


def _distributed(name: str, value: Value, _argument: str) -> str:
    first, *rest = value.values or ("",)
    return ",".join([first, *(f"{name}={item}" for item in rest)])


def _query_parameters(name: str, value: Value, _argument: str) -> str:
    items = ("All",) if value.verbatim is not None else value.values
    return "&".join(f"var-{name}={quote(item, safe='-_.~')}" for item in items)


def _date(_name: str, value: Value, argument: str) -> str:
    text = "".join(value.values)
    try:
        moment = datetime.fromtimestamp(int(text) / 1000, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return text
    if argument == "seconds":
        return str(int(text) // 1000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


_FORMATS: dict[str, Callable[[str, Value, str], str]] = {
    "glob": _glob,
    "regex": _regex,
    "lucene": _lucene,
    "json": _json,
    "percentencode": _percent,
    "uriencode": lambda _n, value, _a: quote(",".join(value.values), safe="-_.~!*'();/?:@&=+$,#"),
    "distributed": _distributed,
    "queryparam": _query_parameters,
    "date": _date,
    "pipe": lambda _n, value, _a: "|".join(value.values),
    "csv": lambda _n, value, _a: ",".join(value.values),
    "raw": lambda _n, value, _a: ",".join(value.values),
    "join": lambda _n, value, argument: (argument or ",").join(value.values),
    "html": lambda _n, value, _a: html.escape(", ".join(value.values)),
    "singlequote": _quoted_list("'", "\\'"),
    "doublequote": _quoted_list('"', '\\"'),
    "sqlstring": _quoted_list("'", "''"),
    "text": lambda _n, value, _a: value.text,
}
