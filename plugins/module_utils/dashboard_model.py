# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Grafana dashboard as JSON has it, down to its panels and their queries. Nothing is asked of anybody here.

Understood are the schemas with C(panels), the old one with C(rows), and collapsed rows, which hold their panels
themselves (https://grafana.com/docs/grafana/latest/visualizations/dashboards/build-dashboards/view-dashboard-json-model/).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.dashboard_variables import is_prometheus

# Panels that show no answers of queries.
WITHOUT_QUERIES = frozenset(
    [
        *("row", "text", "news", "dashlist", "alertlist", "alertGroups", "annolist", "welcome", "gettingstarted"),
        *("pluginlist", "debug", "live"),
    ]
)
# What panels from before version 8 are called now.
_TYPES = {"graph": "timeseries", "singlestat": "stat", "table-old": "table", "grafana-piechart-panel": "piechart"}
_MIXED = "-- Mixed --"
_OTHERS = {
    "-- Dashboard --": "it shows the answers of another panel",
    "-- Grafana --": "its data source is Grafana itself",
    "grafana": "its data source is Grafana itself",
    "__expr__": "it is an expression that Grafana computes from other queries",
}
# Dashboards are written by people; a deeper nesting is a mistake.
_MAX_DEPTH = 5


@dataclass(frozen=True)
class Datasource:
    """Where a query goes: the type of the plugin where it is known, and a uid or a name."""

    plugin: str = ""
    reference: str = ""


@dataclass(frozen=True)
class Target:
    """One query of a panel.

    :param skipped: why it is not asked; empty where it is.
    :param modes: V(range), V(instant) or both.
    :param minimum: the least step, with variables in it.
    """

    ref: str
    expr: str
    legend: str = ""
    modes: Sequence[str] = ("range",)
    minimum: str = ""
    factor: float = 1.0
    datasource: Datasource = Datasource()
    skipped: str = ""


@dataclass(frozen=True)
class Panel:
    """One panel.

    :param number: its place among the panels of the dashboard, which tells apart those with the same id.
    :param repeats: names of the variables for each of whose values there is a copy: the row's, then its own.
    :param skipped: why it cannot be checked; empty where it can.
    """

    number: int
    id: int
    title: str
    row: str
    type: str
    unit: str
    minimum: str
    targets: Sequence[Target]
    repeats: Sequence[str] = ()
    skipped: str = ""


@dataclass(frozen=True)
class Dashboard:
    """One dashboard.

    :param source: where it was read, for people.
    :param problem: why it cannot be read; then it has no panels.
    :param cause: short name of the problem, for programs.
    :param skipped: why it is not read and need not be; then it has no panels either.
    """

    source: str
    uid: str = ""
    title: str = ""
    url: str = ""
    variables: Sequence[Any] = ()
    panels: Sequence[Panel] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    cause: str = "dashboard_unreadable"
    skipped: str = ""

    @property
    def name(self) -> str:
        return self.title or self.uid or self.source


def parse_dashboard(text: str | bytes, source: str, url: str = "", known: Mapping[str, str] | None = None) -> Dashboard:
    """The dashboard in a text; one that is none has a C(problem) that says why.

    :param known: types of data sources by uid and by name, where Grafana said so; that of the default one is at V("").
    """
    try:
        model = json.loads(text)
    except UnicodeDecodeError as error:
        return Dashboard(source, problem=f"byte {error.start + 1} is not UTF-8")
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        return Dashboard(source, problem=f"it is not valid JSON: {error.msg} in {where}")
    except (ValueError, RecursionError) as error:
        return Dashboard(source, problem=f"it is not valid JSON: {error}")
    return read_dashboard(model, source, url, known)


def read_dashboard(model: Any, source: str, url: str = "", known: Mapping[str, str] | None = None) -> Dashboard:
    """The dashboard in a model that was already decoded; the answer of Grafana's API may be around it."""
    if isinstance(model, Mapping) and "panels" not in model and isinstance(model.get("dashboard"), Mapping):
        model = model["dashboard"]
    if not isinstance(model, Mapping):
        return Dashboard(source, problem="it is no JSON object")
    uid, title = _text(model.get("uid")), _text(model.get("title"))
    if "elements" in model or (isinstance(model.get("spec"), Mapping) and "apiVersion" in model):
        return Dashboard(source, uid, title, url, problem="it has the schema v2; export it as classic JSON")
    listed, rows = model.get("panels"), model.get("rows")
    # Grafana shows a dashboard without panels as an empty page; whatever else has no title is none
    absent = title and listed is None and rows is None
    if not absent and not isinstance(listed, list) and not isinstance(rows, list):
        return Dashboard(source, uid, title, url, problem="it has no list of panels")
    inputs = {
        _text(item.get("name")): _text(item.get("pluginId"))
        for item in _mappings(model.get("__inputs"))
        if item.get("type") == "datasource"
    }
    templating = model.get("templating")
    variables = templating.get("list") if isinstance(templating, Mapping) else None
    names = {_text(item.get("name")): _text(item.get("query")) for item in _mappings(variables)
             if item.get("type") == "datasource"}  # fmt: skip
    plugins = {**(known or {}), **inputs, **names}
    panels: list[Panel] = []
    for raw, row, repeats in _raw_panels(listed, rows):
        panels.append(_panel(len(panels), raw, row, repeats, plugins))
    return Dashboard(source, uid, title, url, _mappings(variables), panels, inputs)


def _raw_panels(listed: Any, rows: Any) -> Iterator[tuple[Mapping[str, Any], str, tuple[str, ...]]]:
    """Every panel but the rows, with the title of its row and the variable that the row is repeated for."""
    yield from _of_list(listed, "", (), 0)
    for row in _mappings(rows):
        title = _text(row.get("title")) if row.get("showTitle", True) is not False else ""
        yield from _of_list(row.get("panels"), title, _repeat(row), 1)


def _of_list(
    listed: Any, row: str, repeats: tuple[str, ...], depth: int
) -> Iterator[tuple[Mapping[str, Any], str, tuple[str, ...]]]:
    for raw in _mappings(listed):
        # copies that an older Grafana saved with the dashboard; it makes them anew each time
        if raw.get("repeatPanelId") is not None or raw.get("repeatedByRow") is True:
            continue
        if raw.get("type") != "row":
            yield raw, row, repeats
            continue
        row, repeats = _text(raw.get("title")), _repeat(raw)
        if depth < _MAX_DEPTH:
            yield from _of_list(raw.get("panels"), row, repeats, depth + 1)


def _repeat(raw: Mapping[str, Any]) -> tuple[str, ...]:
    name = raw.get("repeat")
    return (name,) if isinstance(name, str) and name else ()


def _panel(
    number: int, raw: Mapping[str, Any], row: str, repeats: tuple[str, ...], plugins: Mapping[str, str]
) -> Panel:
    library = raw.get("libraryPanel")
    inner = library.get("model") if isinstance(library, Mapping) else None
    content = {**inner, "id": raw.get("id")} if isinstance(inner, Mapping) else raw
    kind = _text(content.get("type"))
    targets = _mappings(content.get("targets"))
    skipped = ""
    if isinstance(library, Mapping) and not targets:
        name = _text(library.get("name")) or _text(library.get("uid"))
        skipped = f"it is the library panel {name!r}, whose queries are kept in Grafana and not in the dashboard"
    elif kind in WITHOUT_QUERIES:
        skipped = f"a panel of type {kind} has no queries"
    elif not targets:
        skipped = "it has no queries"
    own = _datasource(content.get("datasource"), plugins)
    read = [_target(index, item, own, plugins) for index, item in enumerate(targets)]
    if not skipped and all(target.skipped for target in read):
        reasons = list(dict.fromkeys(target.skipped for target in read))
        skipped = reasons[0] if len(reasons) == 1 else "; ".join(f"{t.ref}: {t.skipped}" for t in read)
    identity = raw.get("id")
    return Panel(
        number,
        identity if isinstance(identity, int) and not isinstance(identity, bool) else 0,
        _text(content.get("title")) or _text(library.get("name") if isinstance(library, Mapping) else ""),
        row,
        _TYPES.get(kind, kind),
        _unit(content),
        _text(content.get("interval")),
        read,
        tuple(dict.fromkeys([*repeats, *_repeat(raw)])),
        skipped,
    )


def _target(index: int, raw: Mapping[str, Any], panel: Datasource, plugins: Mapping[str, str]) -> Target:
    own = _datasource(raw.get("datasource"), plugins)
    source = own if own != Datasource() else panel
    if source == Datasource():
        source = Datasource(plugins.get("", ""))
    ref = _text(raw.get("refId")) or chr(ord("A") + index % 26)
    expr = _text(raw.get("expr")).strip()
    skipped = _why_not(source, raw)
    if not skipped and raw.get("hide") is True:
        skipped = "it is hidden"
    if not skipped and not expr:
        skipped = "it has no expression"
    instant, ranged = raw.get("instant") is True, raw.get("range") is True
    modes = ("range", "instant") if instant and ranged else ("instant",) if instant else ("range",)
    factor = raw.get("intervalFactor")
    return Target(
        ref,
        expr,
        _text(raw.get("legendFormat")),
        modes,
        _text(raw.get("interval")).strip(),
        float(factor) if isinstance(factor, (int, float)) and 1 <= factor < 1000 else 1.0,
        source,
        skipped,
    )


def _why_not(source: Datasource, raw: Mapping[str, Any]) -> str:
    """Why a query is not one for Prometheus; empty where it is."""
    for word in (source.reference, source.plugin):
        if word in _OTHERS:
            return _OTHERS[word]
    if source.plugin == "datasource" and source.reference not in ("", _MIXED):
        return "its data source is Grafana itself"
    if source.reference == _MIXED or source.plugin in ("mixed", "datasource"):
        # a mixed panel whose query names no source of its own gets the default one
        return "" if "expr" in raw else "it names no data source"
    if not is_prometheus(source.plugin):
        return f"its data source is {source.plugin}, not Prometheus"
    if not source.plugin and "expr" not in raw:
        return "it is no query for Prometheus"
    return ""


def _datasource(value: Any, plugins: Mapping[str, str]) -> Datasource:
    """A reference to a data source, as an object or, before version 8.3, as a name."""
    if isinstance(value, str):
        plugin, reference = "", value
    elif isinstance(value, Mapping):
        plugin, reference = _text(value.get("type")), _text(value.get("uid"))
    else:
        return Datasource()
    name = reference.strip("$[]{}").partition(":")[0] if reference.startswith(("$", "[[")) else ""
    return Datasource(plugin or plugins.get(name or reference, ""), reference)


def _unit(raw: Mapping[str, Any]) -> str:
    config = raw.get("fieldConfig")
    defaults = config.get("defaults") if isinstance(config, Mapping) else None
    if isinstance(defaults, Mapping) and _text(defaults.get("unit")):
        return _text(defaults["unit"])
    axes = _mappings(raw.get("yaxes"))
    return (_text(axes[0].get("format")) if axes else "") or _text(raw.get("format"))


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""
