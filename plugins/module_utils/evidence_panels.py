# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboards of the evidence page: a card for each panel, drawn when it comes into view."""

from __future__ import annotations

import datetime
from itertools import groupby
from typing import Any, Mapping, Optional, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.checks import count_text
from ansible_collections.argolab.observability.plugins.module_utils.evidence_plots import (
    OUTCOMES,
    Library,
    packed_series,
)
from ansible_collections.argolab.observability.plugins.module_utils.evidence_text import SYMBOLS, badge, esc

# With more panels than these, dashboards without an error are folded, except the first.
_OPEN_PANELS = 60
INSTALL = "python3 -m pip install plotly"


def panels_section(dashboards: Sequence[Mapping[str, Any]], problems: Sequence[str], library: Optional[Library]) -> str:
    """All dashboards; empty where none was asked for."""
    if not dashboards and not problems:
        return ""
    panels = [panel for dashboard in dashboards for panel in dashboard["panels"]]
    present = [outcome for outcome in OUTCOMES if any(panel["outcome"] == outcome for panel in panels)]
    chips = "".join(
        f'<button type="button" class="chip {outcome}" data-state="{outcome}" aria-pressed="false">'
        f'<span aria-hidden="true">{SYMBOLS[outcome]}</span> {outcome.title()}</button>'
        for outcome in present
    )
    notes = "".join(f'<p class="note">{esc(problem)}</p>' for problem in problems)
    if not library and any(panel["series"] for panel in panels):
        notes += (
            '<p class="note">Without plots, because the Python package <b>plotly</b> is not installed where this page '
            f"was written: <code>{INSTALL}</code></p>"
        )
    elif panels:
        notes += '<noscript><p class="note">Plots need JavaScript. Nothing is loaded from a network.</p></noscript>'
    few = len(panels) <= _OPEN_PANELS
    cards = "\n".join(
        _dashboard(
            number, dashboard, few or number == 0 or any(one["outcome"] == "error" for one in dashboard["panels"])
        )
        for number, dashboard in enumerate(dashboards)
    )
    return f"""<section id="panels" class="scope" aria-labelledby="panels-title">
<h2 id="panels-title">Dashboards</h2>
{notes}
<div class="toolbar" role="search" aria-label="Panels" hidden>
<label class="unseen" for="find-panels">Filter panels by text</label>
<input type="search" id="find-panels" placeholder="Filter panels: title, query" autocomplete="off" spellcheck="false">
<span class="chips" role="group" aria-label="Show only these panels">{chips}</span>
<span class="shown muted" role="status"></span>
</div>
{cards}
</section>"""


def _dashboard(number: int, dashboard: Mapping[str, Any], opened: bool) -> str:
    numbered = list(enumerate(dashboard["panels"]))
    rows = []
    for row, members in groupby(numbered, key=lambda item: item[1]["row"]):
        title = f'<h4 class="row">{esc(row)}</h4>' if row else ""
        cards = "".join(_card(number, place, panel) for place, panel in members)
        rows.append(f'<div class="panel-row">{title}<div class="grid">{cards}</div></div>')
    counts = [(outcome, sum(1 for _place, panel in numbered if panel["outcome"] == outcome)) for outcome in OUTCOMES]
    amounts = ", ".join(f"{amount} {outcome}" for outcome, amount in counts if amount)
    said = esc(f"{count_text(len(numbered), 'panel')}{': ' if amounts else ''}{amounts}{_window(dashboard)}")
    return f"""<details class="dashboard" id="dashboard-{number}"{" open" if opened else ""}>
<summary><h3>{esc(dashboard["title"] or dashboard["uid"] or "Dashboard")}</h3>
<span class="muted">{said}</span></summary>
{"".join(rows)}
</details>
<script type="application/octet-stream" id="series-{number}">{packed_series(dashboard)}</script>"""


def _window(dashboard: Mapping[str, Any]) -> str:
    """From when to when, in UTC as the axes of the plots."""
    length = max((len(one["values"]) for panel in dashboard["panels"] for one in panel["series"]), default=0)
    if length < 2:
        return ""
    ends = (dashboard["start"], dashboard["start"] + dashboard["step"] * (length - 1))
    try:
        first, last = (datetime.datetime.fromtimestamp(end, datetime.timezone.utc) for end in ends)
    except (OverflowError, OSError, ValueError):
        return ""
    same_day = first.date() == last.date()
    return f", {first:%Y-%m-%d %H:%M} to {last:{'%H:%M' if same_day else '%Y-%m-%d %H:%M'}} UTC"


def _card(number: int, place: int, panel: Mapping[str, Any]) -> str:
    queries = "".join(
        f"<li><code>{esc(query['expr'])}</code>"
        + (f'<div class="detail">{esc(query["detail"])}</div>' if query["detail"] else "")
        + "</li>"
        for query in panel["queries"]
    )
    plot = (
        f'<div class="plot" data-dashboard="{number}" data-panel="{place}" role="img" aria-label="{_spoken(panel)}">'
        f'</div><ul class="legend" aria-hidden="true"></ul>'
        if panel["series"]
        else ""
    )
    detail = f'<p class="detail">{esc(panel["detail"])}</p>' if panel["detail"] else ""
    more = f'<p class="muted">{panel["more_series"]} more series are not drawn.</p>' if panel["more_series"] else ""
    values = '<details class="values"><summary>Values</summary></details>' if panel["series"] else ""
    asked = (
        f'<details class="queries"><summary>{count_text(len(panel["queries"]), "query", "queries")}</summary>'
        f"<ul>{queries}</ul></details>"
        if queries
        else ""
    )
    outcome, level = panel["outcome"], "h5" if panel["row"] else "h4"
    return f"""<article class="panel" data-state="{outcome}">
<header><{level}>{esc(panel["title"] or "Panel without a title")}</{level}>{badge(outcome)}</header>
{detail}{plot}{more}<div class="under">{asked}{values}</div></article>"""


def _spoken(panel: Mapping[str, Any]) -> str:
    """What a screen reader says instead of the picture; the values are in a table below it."""
    return esc(f"Plot of {panel['title'] or 'a panel'}, {count_text(len(panel['series']), 'line')}")
