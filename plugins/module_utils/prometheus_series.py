# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus answers to range queries, and samples that are histograms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Series:
    """One series of a range query, its points as time and value in ascending order of time."""

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class RangeResult:
    series: Sequence[Series] = ()
    warnings: Sequence[str] = ()


def instant_value(series: Mapping[str, Any]) -> Any:
    """The time and the value of an instant vector's series. A histogram counts as the number of its observations.

    :raises KeyError, TypeError, ValueError: it has neither.
    """
    if "value" in series:
        return series["value"]
    moment, histogram = series["histogram"]
    return [moment, histogram["count"]]


def range_series(result: Sequence[Mapping[str, Any]]) -> list[Series]:
    """The series of a matrix.

    :raises KeyError, TypeError, ValueError: it is none.
    """
    found = []
    for item in result:
        points = [(float(moment), float(text)) for moment, text in item.get("values") or []]
        points += [(float(moment), float(item["count"])) for moment, item in item.get("histograms") or []]
        points.sort(key=lambda point: point[0])
        found.append(Series({str(key): str(value) for key, value in item["metric"].items()}, points))
    return found
