# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time that a dashboard shows: durations, steps, and the variables that Grafana makes of them.

C($__rate_interval) is the greater of C($__interval) plus the scrape interval and four scrape intervals
(https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/#use-__rate_interval). The scrape
interval is the query's own minimum step where it has one, else that of the data source. So it is documented, and so
Grafana computes it since 10.2.5 and 10.3 (grafana/grafana#77234); older ones always take that of the data source.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ansible_collections.argolab.observability.plugins.module_utils.dashboard_templating import Value, plain

MAX_POINTS = 120
# What Grafana assumes for a data source that does not say.
DEFAULT_SCRAPE_INTERVAL = 15.0

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "M": 2592000.0, "y": 31536000.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdwMy])")
# The upper bound of what becomes each interval, in seconds; C(roundInterval) of Grafana.
_ROUNDED = (
    (0.01, 0.001), (0.015, 0.01), (0.035, 0.02), (0.075, 0.05), (0.15, 0.1), (0.35, 0.2), (0.75, 0.5), (1.5, 1),
    (3.5, 2), (7.5, 5), (12.5, 10), (17.5, 15), (25, 20), (45, 30), (90, 60), (210, 120), (450, 300), (750, 600),
    (1050, 900), (1500, 1200), (2700, 1800), (5400, 3600), (9000, 7200), (16200, 10800), (32400, 21600),
    (86400, 43200), (604800, 86400), (1814400, 604800), (3628800, 2592000),
)  # fmt: skip


def seconds_of(text: str) -> float | None:
    """A duration such as V(1h30m) in seconds; V(None) where it is none. A leading V(>) is Grafana's "at least"."""
    text = text.strip().lstrip(">").strip()
    if re.fullmatch(r"\d{1,15}(\.\d{1,15})?", text):
        return float(text)
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text or len(text) > 60:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def duration_text(seconds: float) -> str:
    """A duration as PromQL takes it, in the greatest unit that divides it."""
    milliseconds = max(1, round(seconds * 1000))
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"


def rounded_interval(seconds: float) -> float:
    """An interval as people write it, near to the given one."""
    return float(next((result for bound, result in _ROUNDED if seconds < bound), 31536000))


@dataclass(frozen=True)
class Window:
    """From when to when is looked, and how far apart the points are; all in seconds."""

    start: float
    end: float
    step: float
    scrape_interval: float

    @property
    def span(self) -> float:
        return self.end - self.start

    @property
    def points(self) -> int:
        return math.floor(self.span / self.step + 1e-6) + 1

    def later(self, now: float) -> Window:
        """The same window on the same grid of points, moved on so that it ends now or at most one step later."""
        steps = max(0, math.ceil((now - self.end) / self.step - 1e-6))
        return Window(self.start + steps * self.step, self.end + steps * self.step, self.step, self.scrape_interval)


def window(now: float, span: float, scrape_interval: float) -> Window:
    """The last C(span) seconds, at no more than V(MAX_POINTS) points and no closer than the scrapes are."""
    step = max(float(math.ceil(span / (MAX_POINTS - 1))), scrape_interval, 1.0)
    step = min(step, max(span, 1.0))
    steps = max(1, math.floor(span / step + 1e-6))
    return Window(now - steps * step, now, step, scrape_interval)


def interval_of(look: Window, minimum: str, panel_minimum: str, factor: float) -> tuple[float, float]:
    """C($__interval) and C($__rate_interval) of a query, in seconds.

    Grafana divides the time by the number of points, rounds, and takes the minimum step where that is more.

    :param minimum: the query's own minimum step, with its variables replaced; empty where it has none.
    :param panel_minimum: the panel's.
    :param factor: the query's resolution, V(1) for one point per step.
    """
    of_rate = minimum.strip("${}") == "__rate_interval"
    own = None if minimum.startswith("$") else seconds_of(minimum)
    least = own or seconds_of(panel_minimum) or look.scrape_interval
    interval = max(rounded_interval(look.span / (MAX_POINTS - 1)), least)
    scrape = own or look.scrape_interval
    rate = max(interval + scrape, 4 * scrape)
    if of_rate:
        return rate, rate
    return interval * max(1.0, factor), max(interval * max(1.0, factor) + scrape, 4 * scrape)


def builtin_values(look: Window, title: str) -> dict[str, Value]:
    """Grafana's own variables that do not depend on the query."""
    seconds = round(look.span)
    return {
        "__range": plain(f"{seconds}s"),
        "__range_s": plain(str(seconds)),
        "__range_ms": plain(str(seconds * 1000)),
        "__from": plain(str(round(look.start * 1000))),
        "__to": plain(str(round(look.end * 1000))),
        "__dashboard": plain(title),
        **interval_values(*interval_of(look, "", "", 1)),
    }


def interval_values(interval: float, rate: float) -> dict[str, Value]:
    """The variables that do."""
    return {
        "__interval": plain(duration_text(interval)),
        "__interval_ms": plain(str(round(interval * 1000))),
        "__rate_interval": plain(duration_text(rate)),
        "__rate_interval_ms": plain(str(round(rate * 1000))),
    }
