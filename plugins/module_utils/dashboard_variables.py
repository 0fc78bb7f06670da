# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a dashboard, resolved as Grafana does when somebody opens it.

Facts from Grafana's documentation (https://grafana.com/docs/grafana/latest/visualizations/dashboards/variables/ and
https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/) and its source
(metric_find_query.ts, operators of variables/query, variables/state/actions.ts):

- A saved value is used where it is still an option; else All where the variable allows it, else the first option.
- All stands for its custom value as it is, or for the list of all options.
- A regular expression keeps what it matches; its groups C(text) and C(value), or its first group, replace the option.
- A variable waits for those that its query, its regular expression or its data source name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.argolab.observability.plugins.module_utils.checks import listing
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_templating import (
    ALL,
    Value,
    formatted,
    names_in,
    prometheus_text,
    replace,
)
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_time import duration_text, seconds_of
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_time import rounded_interval as rounded
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError

_LABEL_NAMES = re.compile(r"label_names\((.*)\)\s*\Z", re.DOTALL)
_LABEL_VALUES = re.compile(r"label_values\((?:(.+),\s*)?([^,]+?)\s*\)\s*\Z", re.DOTALL)
_METRICS = re.compile(r"metrics\((.+)\)\s*\Z", re.DOTALL)
_QUERY_RESULT = re.compile(r"query_result\((.+)\)\s*\Z", re.DOTALL)
_SHOWN_OPTIONS = 5
# More than any list that somebody picks from.
MAX_OPTIONS = 5000
# What compiling an expression raises, with numbers that are too large and groups nested too deeply.
UNUSABLE = (re.error, OverflowError, RecursionError)


class Lookup(Protocol):
    """What a variable asks Prometheus, for the time that the dashboard shows."""

    def label_names(self, match: str) -> list[str]: ...

    def label_values(self, label: str, match: str) -> list[str]: ...

    def result(self, expr: str) -> list[str]:
        """The series of an instant query, each as C(name{labels} value time)."""

    def series(self, match: str) -> list[str]:
        """Series as C(name{labels})."""


@dataclass(frozen=True)
class Option:
    text: str
    value: str


@dataclass(frozen=True)
class Resolved:
    """A variable with the value that Grafana would choose.

    :param problem: why there are no options, such as a query that failed; empty where there are some.
    :param failed: whether a query could not be asked, or its answer not be read.
    :param query: the query with its own variables replaced.
    """

    name: str
    kind: str
    value: Value
    options: int = 0
    query: str = ""
    problem: str = ""
    failed: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "type": self.kind,
            "value": self.value.verbatim if self.value.verbatim is not None else self.value.text,
            "options": self.options,
            "query": self.query,
            "problem": self.problem,
        }


@dataclass(frozen=True)
class Context:
    """What variables need to know about the look at the dashboard.

    :param builtin: Grafana's own variables, such as C(__range).
    :param span: seconds that the dashboard shows.
    :param datasources: names of the data sources of a type; V(None) where nobody could be asked.
    """

    builtin: Mapping[str, Value]
    span: float
    datasources: Callable[[str], Sequence[Option] | None]
    lookup: Lookup


def resolve(variables: Sequence[Any], context: Context) -> dict[str, Resolved]:
    """Every variable by its name, in the order in which they wait for each other."""
    models = {
        str(item["name"]): item for item in variables if isinstance(item, Mapping) and isinstance(item.get("name"), str)
    }
    done: dict[str, Resolved] = {}
    values = dict(context.builtin)
    for name in _ordered(models):
        done[name] = _resolve_one(name, models[name], values, context, done)
        values[name] = done[name].value
    return done


def _ordered(models: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Names so that each comes after those it refers to; a circle is broken where it is entered."""
    ordered: list[str] = []
    entered: set[str] = set()
    for first in models:
        # without recursion: a chain may be as long as its author likes
        stack: list[tuple[str, bool]] = [(first, False)]
        while stack:
            name, left = stack.pop()
            if left:
                ordered.append(name)
                continue
            if name in entered:
                continue
            entered.add(name)
            stack.append((name, True))
            stack += [(item, False) for item in reversed(_references(models[name])) if item in models]
    return ordered


def _references(model: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    stack = [model.get(key) for key in ("query", "regex", "datasource", "definition", "filters")]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            found += names_in(item)
        elif isinstance(item, Mapping):
            stack += item.values()
        elif isinstance(item, list):
            stack += item
    return list(dict.fromkeys(found))


def _saved(model: Mapping[str, Any]) -> list[str]:
    """The values that were chosen when the dashboard was saved."""
    current = model.get("current")
    return _texts(current.get("value")) if isinstance(current, Mapping) else []


def _resolve_one(
    name: str,
    model: Mapping[str, Any],
    values: Mapping[str, Value],
    context: Context,
    done: Mapping[str, Resolved],
) -> Resolved:
    kind = str(model.get("type") or "query")
    query = model.get("query")
    if kind == "query":
        return _query_variable(name, model, values, context, done)
    if kind == "custom":
        return _chosen(name, kind, model, custom_options(_text(query)))
    if kind == "interval":
        return _interval_variable(name, model, context)
    if kind == "datasource":
        return _datasource_variable(name, model, values, context)
    current = _saved(model)
    if kind == "constant":
        # an export keeps it in the query; dashboards from the time before version 8 in the current value
        return Resolved(name, kind, Value((_text(query),) if query is not None else tuple(current[:1]) or ("",)), 1)
    if kind == "textbox":
        return Resolved(name, kind, Value(((current[0] if current else "") or _text(query),)), 1)
    if kind == "adhoc":
        return Resolved(name, kind, Value(()), 0)
    # a kind that is not known here, such as a switch, stands for what was saved
    problem = "" if current else f"variables of type {kind} are not known here, and no value is saved"
    return Resolved(name, kind, Value(tuple(current), missing=problem), len(current), problem=problem)


def _query_variable(
    name: str,
    model: Mapping[str, Any],
    values: Mapping[str, Value],
    context: Context,
    done: Mapping[str, Resolved],
) -> Resolved:
    source = model.get("datasource")
    plugin = str(source.get("type") or "prometheus") if isinstance(source, Mapping) else "prometheus"
    if not is_prometheus(plugin):
        kept = _saved(model)
        problem = f"its data source is {plugin}, which is not asked here; the saved value is used"
        return Resolved(name, "query", Value(tuple(item for item in kept if item != ALL)), 0, problem=problem)
    text = query_text(model.get("query"))
    if not text:
        text = _text(model.get("definition"))
    asked = replace(text, values, prometheus_text)
    try:
        found = find(asked, context.lookup)
        pattern = _text(model.get("regex"))
        options = apply_regex(found, replace(pattern, values, lambda key, value: formatted(key, value, "regex")))
        options = sort_options(options, model.get("sort"))
    except (ArgolabError, *UNUSABLE) as error:
        what = str(error) if isinstance(error, ArgolabError) else f"its regular expression cannot be used ({error})"
        problem = f"variable {name}: {asked or 'no query'}: {what}"
        resolved = _chosen(name, "query", model, [])
        return Resolved(name, "query", _without(resolved.value, problem), 0, asked, problem, True)
    problem = ""
    if not options:
        problem = _why_no_options(name, asked, found, _text(model.get("regex")), names_in(text), done)
    resolved = _chosen(name, "query", model, options)
    # a custom value of All stands for what there is, even for nothing
    missing = problem and resolved.value.verbatim is None
    value = _without(resolved.value, problem) if missing else resolved.value
    return Resolved(name, "query", value, len(options), asked, problem)


def _without(value: Value, problem: str) -> Value:
    return Value(value.values, value.texts, value.several, value.regex, value.verbatim, problem)


def _why_no_options(
    name: str, asked: str, found: Sequence[str], pattern: str, used: Sequence[str], done: Mapping[str, Resolved]
) -> str:
    if found:
        return (
            f"variable {name} has no value: none of the {len(found)} results of {asked} matches its regular expression "
            f"{pattern} ({listing(found, _SHOWN_OPTIONS)})"
        )
    first = next((done[key] for key in used if key in done and done[key].value.missing), None)
    return f"variable {name} has no value: {asked or 'its empty query'} finds nothing" + (
        f"; {first.value.missing}" if first else ""
    )


def _interval_variable(name: str, model: Mapping[str, Any], context: Context) -> Resolved:
    """Intervals to choose from, and with C(auto) one that follows from the time shown."""
    quoted = re.findall(r"""(["'])(.*?)\1|(\w+)""", _text(model.get("query")))
    options = [Option(text, text) for text in (second or third for _mark, second, third in quoted) if text]
    auto = f"$__auto_interval_{name}"
    if model.get("auto"):
        options.insert(0, Option("auto", auto))
    resolved = _chosen(name, "interval", model, options)
    if resolved.value.values and resolved.value.values[0] in (auto, "$__auto"):
        count = model.get("auto_count")
        least = seconds_of(_text(model.get("auto_min"))) or 10.0
        parts = int(count) if isinstance(count, (int, str)) and str(count).isdigit() and int(count) > 0 else 30
        seconds = max(rounded(context.span / parts), least)
        return Resolved(name, "interval", Value((duration_text(seconds),), ("auto",)), len(options))
    return resolved


def _datasource_variable(
    name: str, model: Mapping[str, Any], values: Mapping[str, Value], context: Context
) -> Resolved:
    """The data sources of one type. Where Grafana was not asked for them, the saved one stands."""
    plugin = _text(model.get("query")) or "prometheus"
    known = context.datasources(plugin)
    if known is None:
        kept = _saved(model)
        kept = [item for item in kept if item and item not in (ALL, "default")] or [plugin]
        return Resolved(name, "datasource", Value((kept[0],)), 0, plugin)
    pattern = replace(_text(model.get("regex")), values, lambda key, value: formatted(key, value, "regex"))
    try:
        options = [item for item in known if not pattern or _js_regex(pattern)[0].search(item.text)]
    except UNUSABLE as error:
        problem = f"variable {name}: its regular expression cannot be used ({error})"
        return Resolved(name, "datasource", Value((), missing=problem), 0, plugin, problem, True)
    resolved = _chosen(name, "datasource", model, options)
    if options:
        return Resolved(name, "datasource", resolved.value, len(options), plugin)
    problem = f"variable {name} has no value: Grafana has no data source of type {plugin}" + (
        f" whose name matches {pattern}" if pattern else ""
    )
    return Resolved(name, "datasource", _without(resolved.value, problem), 0, plugin, problem)


def _chosen(name: str, kind: str, model: Mapping[str, Any], options: Sequence[Option]) -> Resolved:
    """The saved value where it is still an option, else All, else the first option."""
    multi, include_all = model.get("multi") is True, model.get("includeAll") is True
    regex = multi or include_all
    current = model.get("current")
    saved = current if isinstance(current, Mapping) else {}
    wanted = _texts(saved.get("value")) or _texts(saved.get("text"))
    by_value = {item.value: item for item in options}
    by_text = {item.text: item for item in options}
    kept = [by_value.get(item) or by_text.get(item) for item in wanted]
    valid = [item for item in kept if item is not None]
    if include_all and (ALL in wanted or not valid):
        custom = model.get("allValue")
        verbatim = custom if isinstance(custom, str) and custom else None
        every = tuple(item.value for item in options)
        return Resolved(name, kind, Value(every, ("All",), True, regex, verbatim), len(options))
    chosen = (valid if multi else valid[:1]) or list(options[:1])
    if not chosen:
        return Resolved(name, kind, Value(("",), ("",), False, regex), 0)
    values, texts = tuple(item.value for item in chosen), tuple(item.text for item in chosen)
    return Resolved(name, kind, Value(values, texts, multi, regex), len(options))


def scoped(value: Value, one: str, text: str) -> Value:
    """The variable inside a copy of a repeated panel or row, where it has one value only."""
    return Value((one,), (text,), False, value.regex, None, value.missing)


def is_prometheus(plugin: str) -> bool:
    """Whether a data source of this type is asked in PromQL by the model that dashboards have for Prometheus."""
    return plugin in ("", "prometheus") or plugin in (
        "grafana-amazonprometheus-datasource",
        "grafana-azureprometheus-datasource",
    )


def query_text(query: Any) -> str:
    """A query of Prometheus's variable editor as text, from the text itself or from its parts."""
    if isinstance(query, str):
        return query.strip()
    if not isinstance(query, Mapping):
        return ""
    text = query.get("query")
    if isinstance(text, str) and text.strip():
        return text.strip()
    kind, metric, label = query.get("qryType"), _text(query.get("metric")), _text(query.get("label"))
    if kind == 0:
        return f"label_names({_text(query.get('match'))})"
    if kind == 1 and label:
        return f"label_values({metric}, {label})" if metric else f"label_values({label})"
    if kind == 2 and metric:
        return f"metrics({metric})"
    if kind == 3 and query.get("varQuery"):
        return f"query_result({_text(query['varQuery'])})"
    return _text(query.get("seriesQuery"))


def find(query: str, lookup: Lookup) -> list[str]:
    """What a query of a variable gives, before its regular expression."""
    query = query.strip()
    if not query:
        return []
    match = _LABEL_NAMES.match(query)
    if match:
        return lookup.label_names(match[1].strip())[:MAX_OPTIONS]
    match = _LABEL_VALUES.match(query)
    if match:
        return lookup.label_values(match[2].strip(), (match[1] or "").strip())[:MAX_OPTIONS]
    match = _METRICS.match(query)
    if match:
        pattern = re.compile(python_pattern(match[1].strip()))
        return [name for name in lookup.label_values("__name__", "") if pattern.search(name)][:MAX_OPTIONS]
    match = _QUERY_RESULT.match(query)
    if match:
        return lookup.result(match[1].strip())[:MAX_OPTIONS]
    return lookup.series(query)[:MAX_OPTIONS]


def python_pattern(pattern: str) -> str:
    """A regular expression of JavaScript as Python writes it; only named groups differ in what dashboards use."""
    return re.sub(r"\(\?<(?![=!])", "(?P<", pattern)


def _js_regex(text: str) -> tuple[re.Pattern[str], bool]:
    """C(stringToJsRegex): V(/pattern/flags), or a whole value; and whether it is to be found again and again."""
    match = re.fullmatch(r"/(.*?)/([gimsuy]*)", text, re.DOTALL) if text.startswith("/") else None
    if not match:
        return re.compile(python_pattern(f"^{text}$")), False
    flags = (re.IGNORECASE if "i" in match[2] else 0) | (re.MULTILINE if "m" in match[2] else 0)
    return re.compile(python_pattern(match[1]), flags | (re.DOTALL if "s" in match[2] else 0)), "g" in match[2]


def apply_regex(found: Sequence[str], pattern: str) -> list[Option]:
    """The options that a regular expression leaves, each value once; C(metricNamesToVariableValues)."""
    options: dict[str, Option] = {}
    regex, repeated = _js_regex(pattern) if pattern else (None, False)
    for item in found:
        for option in _matched(item, regex, repeated) if regex else [Option(item, item)]:
            options.setdefault(option.value, option)
    return list(options.values())


def _matched(item: str, regex: re.Pattern[str], repeated: bool) -> list[Option]:
    matches = [match for match in regex.finditer(item) if match[0] or not repeated]
    matches = matches if repeated else matches[:1]
    if not matches:
        return []
    groups = [match.groupdict() for match in matches]
    value = next((group["value"] for group in groups if group.get("value")), None)
    text = next((group["text"] for group in groups if group.get("text")), None)
    if value or text:
        return [Option(str(text or value), str(value or text))]
    if not regex.groups:
        return [Option(item, item)]
    firsts = [str(match[1] or "") for match in (matches if len(matches) > 1 else matches[:1])]
    return [Option(first, first) for first in firsts]


def sort_options(options: list[Option], sort: Any) -> list[Option]:
    """In the order that a variable asks for: V(0) as found, then alphabetical, numerical, without case, natural."""
    if not isinstance(sort, int) or isinstance(sort, bool) or not 1 <= sort <= 8:
        return options
    keys: list[Callable[[Option], Any]] = [
        lambda option: option.text,
        lambda option: _first_number(option.text),
        lambda option: option.text.lower(),
        lambda option: _natural(option.text),
    ]
    ordered = sorted(options, key=keys[(sort - 1) // 2])
    return ordered[::-1] if sort % 2 == 0 else ordered


def _first_number(text: str) -> int:
    match = re.search(r"[0-9]{1,30}", text)
    return int(match[0]) if match else -1


def _natural(text: str) -> list[tuple[int, int, str]]:
    return [
        (0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part.lower())
        for part in re.split(r"([0-9]{1,30})", text)
        if part
    ]


def custom_options(text: str) -> list[Option]:
    """The list of a custom variable: V(a,b), or V(shown : value); a comma in a value is escaped by a backslash."""
    options: dict[str, Option] = {}
    for part in re.findall(r"(?:\\,|[^,])+", text):
        entry = part.replace("\\,", ",")
        match = re.fullmatch(r"\s*(.+)\s:\s(.+)", entry, re.DOTALL)
        option = Option(match[1].strip(), match[2].strip()) if match else Option(entry.strip(), entry.strip())
        if option.value:
            options.setdefault(option.value, option)
    return list(options.values())


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, (Mapping, list)) else str(value)


def _texts(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [str(item) for item in items if isinstance(item, (str, int, float)) and not isinstance(item, bool)]
