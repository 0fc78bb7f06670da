# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What dashboards showed, read from files, and the library that draws it in the browser.

Both go into the page compressed: the library alone is 4.8 MB, and 1.5 MB compressed.
"""

from __future__ import annotations

import base64
import gzip
import json
import math
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.argolab.observability.plugins.module_utils.evidence import printable

OUTCOMES = ("error", "empty", "data", "skipped")
# What a screen can show; more digits only make the page heavier.
_DIGITS = 6
_PANEL_TEXTS = ("title", "row", "type", "unit", "detail")

Dashboard = Dict[str, Any]


class Library(NamedTuple):
    """A plotting library for the browser."""

    name: str
    script: str


class NotPlots(ValueError):
    """The file is not what M(argolab.observability.dashboard_panels) writes."""


def plotting_library() -> Optional[Library]:
    """The JavaScript in Python's package V(plotly); V(None) where the package is not installed."""
    try:
        # The optional import: everything else of the collection needs the standard library only.
        from plotly.offline import get_plotlyjs, get_plotlyjs_version
    except ImportError:
        return None
    return Library(f"plotly.js {get_plotlyjs_version()}", str(get_plotlyjs()))


def read_plots(paths: Iterable[str]) -> Tuple[List[Dashboard], List[str]]:
    """The dashboards of all files, and why a file could not be used, one sentence each.

    A dashboard has C(title), C(uid), C(source), C(url), C(start) and C(step) in seconds, and C(panels); a panel has
    C(title), C(row), C(type), C(unit), C(outcome), C(detail), C(queries), C(series) with C(name) and C(values), and
    C(more_series). Whatever the file holds, these have these types.
    """
    dashboards: List[Dashboard] = []
    problems: List[str] = []
    for path in paths:
        try:
            with open(path, encoding="utf-8") as stream:
                dashboards += dashboards_of(json.load(stream))
        except OSError as error:
            problems.append(f"The plots of {path} cannot be read: {error.strerror or error}.")
        except NotPlots as error:
            problems.append(f"The plots of {path} cannot be shown: {error}.")
        except (ValueError, RecursionError):
            problems.append(f"The plots of {path} cannot be shown: this is not JSON, or only a part of it.")
    return dashboards, problems


def dashboards_of(content: Any) -> List[Dashboard]:
    """The dashboards of one file's content."""
    if not isinstance(content, Mapping) or not isinstance(content.get("dashboards"), list):
        raise NotPlots("a mapping with a list of dashboards is expected")
    if content.get("schema") != 1:
        raise NotPlots(f"its schema is {str(content.get('schema'))[:40]!r}, and this collection reads schema 1")
    start, step = _number(content.get("start")), _number(content.get("step"))
    if start is None or step is None or step <= 0:
        raise NotPlots("start and step have to be numbers of seconds")
    return [
        {
            **{key: _text(dashboard.get(key)) for key in ("uid", "title", "source", "url")},
            "start": start,
            "step": step,
            "panels": [_panel(panel) for panel in _mappings(dashboard.get("panels"))],
        }
        for dashboard in _mappings(content["dashboards"])
    ]


def packed(text: str) -> str:
    """Compressed text that needs no escaping anywhere in a page; always the same for the same text."""
    return base64.b64encode(gzip.compress(text.encode("utf-8"), 6, mtime=0)).decode("ascii")


def packed_series(dashboard: Mapping[str, Any]) -> str:
    """What the browser draws of one dashboard, compressed."""
    panels = [{"type": panel["type"], "unit": panel["unit"], "series": _named(panel)} for panel in dashboard["panels"]]
    content = {"start": dashboard["start"], "step": dashboard["step"], "panels": panels}
    return packed(json.dumps(content, separators=(",", ":"), allow_nan=False))


def _named(panel: Mapping[str, Any]) -> List[Mapping[str, Any]]:
    """The series; a single one that is called like its query needs no name, for the query is below it."""
    alone = len(panel["series"]) == 1 and panel["series"][0]["name"] in {query["expr"] for query in panel["queries"]}
    return [{**one, "name": "" if alone else one["name"]} for one in panel["series"]]


def _panel(panel: Mapping[str, Any]) -> Dict[str, Any]:
    outcome = panel.get("outcome")
    series = [
        {"name": _text(one.get("name")), "values": [_number(value) for value in _list(one.get("values"))]}
        for one in _mappings(panel.get("series"))
    ]
    queries = [
        {key: _text(query.get(key)) for key in ("ref", "expr", "outcome", "detail")}
        for query in _mappings(panel.get("queries"))
    ]
    return {
        **{key: _text(panel.get(key)) for key in _PANEL_TEXTS},
        # Silence is never taken for data.
        "outcome": outcome if outcome in OUTCOMES else "error",
        "queries": queries,
        # A plot of nothing would look like one of zeros.
        "series": series if any(value is not None for one in series for value in one["values"]) else [],
        "more_series": int(_number(panel.get("more_series")) or 0),
    }


def _mappings(value: Any) -> List[Mapping[str, Any]]:
    return [item for item in _list(value) if isinstance(item, Mapping)]


def _list(value: Any) -> List[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return "" if value is None else str(printable(str(value)))


def _number(value: Any) -> Optional[float]:
    """A finite number, short; anything else is a gap."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        short = float(f"{value:.{_DIGITS}g}") if abs(value) < 1e9 else float(value)
    except OverflowError:
        return None
    if not math.isfinite(short):
        return None
    return int(short) if short.is_integer() and abs(short) < 1e15 else short
