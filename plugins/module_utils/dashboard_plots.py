# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels showed, as numbers for plots: one file that a report is drawn from."""

from __future__ import annotations

import json
import math
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.dashboard_model import Dashboard
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_panels import (
    KEPT_SERIES,
    SKIPPED,
    Query,
    Shown,
)
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_time import Window
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_series import Series

SCHEMA = 1


def plots(
    look: Window, boards: Sequence[tuple[Dashboard, Sequence[Shown]]], details: Mapping[tuple[str, str, str], str]
) -> dict[str, Any]:
    """The content of the file.

    :param details: the detail of each panel's check, by what tells the panel apart.
    """
    return {
        "schema": SCHEMA,
        "start": round(look.start, 3),
        "end": round(look.end, 3),
        "step": look.step,
        "dashboards": [
            {
                "uid": dashboard.uid,
                "title": dashboard.name,
                "source": dashboard.source,
                "url": dashboard.url,
                "panels": [
                    _panel(shown, look, details.get((dashboard.source, dashboard.uid, shown.key), ""))
                    for shown in panels
                ],
            }
            for dashboard, panels in boards
        ],
    }


def _panel(shown: Shown, look: Window, detail: str) -> dict[str, Any]:
    series: list[dict[str, Any]] = []
    found = 0
    for query in shown.queries:
        if query.answer is None:
            continue
        found += query.answer.total
        names = legends(query)
        series += [{"name": name, "values": aligned(item, look)} for name, item in zip(names, query.answer.series)]
    kept = series[:KEPT_SERIES]
    return {
        "id": shown.panel.id,
        "title": shown.title,
        "row": shown.row,
        "type": shown.panel.type,
        "unit": shown.panel.unit,
        "outcome": shown.outcome,
        "detail": detail,
        "queries": [_query(query) for query in shown.queries],
        "series": kept,
        "more_series": found - len(kept),
    }


def _query(query: Query) -> dict[str, str]:
    if query.answer is None:
        return {"ref": query.ref, "expr": query.expr, "outcome": SKIPPED, "detail": query.skipped}
    return {"ref": query.ref, "expr": query.expr, "outcome": query.answer.outcome, "detail": query.answer.detail}


def aligned(series: Series, look: Window) -> list[float | None]:
    """One value for each point of the window; what is no number has none, for JSON has no word for it."""
    values: list[float | None] = [None] * look.points
    for moment, value in series.points:
        index = round((moment - look.start) / look.step)
        # a sample of an instant query is one of now, wherever the clock stood when it was asked for
        if len(series.points) == 1:
            index = min(max(index, 0), look.points - 1)
        if 0 <= index < look.points and math.isfinite(value):
            values[index] = value
    return values


def legends(query: Query) -> list[str]:
    """The names of a query's series: its legend with labels filled in, or the labels in which the series differ."""
    if query.answer is None:
        return []
    every = [item.labels for item in query.answer.series]
    if query.legend and query.legend != "__auto":
        return [_filled(query.legend, labels) for labels in every]
    differing = [key for key in sorted(set().union(*every)) if len({labels.get(key) for labels in every}) > 1]
    if len(differing) == 1:
        return [labels.get(differing[0], "") or "without a value" for labels in every]
    return [_labels_text(labels, query.expr) for labels in every]


def _filled(legend: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"\{\{\s*(.+?)\s*\}\}", lambda match: labels.get(match[1], match[1]), legend)


def _labels_text(labels: Mapping[str, str], expr: str) -> str:
    inner = ", ".join(f'{key}="{value}"' for key, value in sorted(labels.items()) if key != "__name__")
    name = labels.get("__name__", "")
    return f"{name}{{{inner}}}" if inner else name or expr


def remove_plots(path: str | None) -> None:
    """Remove the file of an earlier run, where there is one."""
    try:
        if path:
            os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DefiniteError(f"plots_path {path} cannot be replaced: {reason}.") from None


def write_plots(path: str, content: Mapping[str, Any]) -> None:
    """Replace the file at once, readable for all, so that nobody ever reads half of it."""
    folder = os.path.dirname(os.path.abspath(path))
    temporary = ""
    try:
        os.makedirs(folder, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".plots-", dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(content, stream, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        reason = (error.strerror or str(error)).lower()
        raise DefiniteError(f"plots_path {path} cannot be written: {reason}.") from None
