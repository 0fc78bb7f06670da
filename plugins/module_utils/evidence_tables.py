# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of checks on an evidence page, and what is said of many checks together."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.evidence import STATES
from ansible_collections.argolab.observability.plugins.module_utils.evidence_text import (
    SYMBOLS,
    badge,
    cause_badge,
    command,
    esc,
)

# Longer tables are folded, unless something in them failed.
_OPEN_ROWS = 60
_COLUMNS = ("Outcome", "Check", "Expected", "Seen", "Why and next")
_ORDER: List[str] = ["failed", "incomplete", "pending", "skipped", "passed"]


def count_states(group: Mapping[str, Any]) -> Dict[str, int]:
    """How many checks of a part are in each state."""
    return {state: sum(1 for entry in group["checks"] if entry["state"] == state) for state in STATES}


def outcome_of(group: Mapping[str, Any]) -> str:
    """The state of a whole part; one that proved nothing has not passed."""
    counts = count_states(group)
    if not group["checks"]:
        return "incomplete"
    return next(state for state in ("failed", "passed", "pending", "skipped") if counts[state])


def order_of(state: str) -> int:
    """What a column of outcomes is sorted by."""
    return _ORDER.index(state)


def states_text(counts: Mapping[str, int]) -> str:
    """Counts by state for people."""
    return ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])


def number_cells(counts: Mapping[str, int]) -> str:
    """Cells of an overview, one for each state."""
    return "".join(f'<td data-label="{state.title()}" class="n">{counts[state] or ""}</td>' for state in STATES)


def checks_table(
    part: str,
    group: Mapping[str, Any],
    level: int = 3,
    shown: Optional[Sequence[Mapping[str, Any]]] = None,
    left_out: str = "",
) -> str:
    """One part as a table that can be folded.

    :param part: Its id in the page.
    :param level: Level of its heading.
    :param shown: The checks for which there is a row; by default all of them.
    :param left_out: HTML that says which have none.
    """
    counts = count_states(group)
    opened = " open" if counts["failed"] or len(group["checks"]) <= _OPEN_ROWS else ""
    # What needs attention comes first; otherwise the order of the module says something.
    listed = sorted(group["checks"] if shown is None else shown, key=lambda entry: STATES.index(entry["state"]))
    rows = "".join(_row(entry) for entry in listed)
    heads = "".join(f'<th scope="col">{label}</th>' for label in _COLUMNS)
    title, badged = esc(group["title"]), badge(outcome_of(group))
    return f"""<details class="part" id="{part}"{opened}>
<summary><h{level}>{title}</h{level}> {badged} <span class="muted">{states_text(counts)}</span></summary>
<div class="card"><table class="sortable checks" aria-label="{title}">
<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{left_out}</div>
</details>"""


def checks_toolbar(groups: Sequence[Mapping[str, Any]], more: str = "") -> str:
    """What filters the tables of these parts.

    :param more: HTML of further filters.
    """
    there = {entry["state"] for group in groups for entry in group["checks"]}
    present = [state for state in STATES if state in there]
    chips = "".join(
        f'<button type="button" class="chip {state}" data-state="{state}" aria-pressed="false">'
        f'<span aria-hidden="true">{SYMBOLS[state]}</span> {state.title()}</button>'
        for state in present
    )
    return f"""<div class="toolbar" role="search" aria-label="Checks" hidden>
<label class="unseen" for="find-checks">Filter checks by text</label>
<input type="search" id="find-checks" placeholder="Filter checks: name, text, cause" autocomplete="off">
{more}<span class="chips" role="group" aria-label="Show only these outcomes">{chips}</span>
<span class="shown muted" role="status"></span>
</div>"""


def _row(entry: Mapping[str, Any]) -> str:
    why = f"<div>{esc(entry['detail'])}</div>" if entry["detail"] else ""
    cause = cause_badge(entry["cause"])
    following = command(entry["next"]) if entry["next"] else ""
    state = entry["state"]
    return (
        f'<tr data-state="{state}"><td data-sort="{order_of(state)}">{badge(state)}</td>'
        f'<th scope="row">{_breakable(entry["name"])}</th>'
        f'<td data-label="Expected">{esc(entry["expected"])}</td><td data-label="Seen">{esc(entry["observed"])}</td>'
        f'<td data-label="Why and next" class="reason">{cause}{why}{following}</td></tr>'
    )


def _breakable(name: str) -> str:
    """Names of scrape pools and metrics are long; they break where a reader would break them."""
    return "<wbr>".join(esc(part) for part in re.split(r"(?<=[/:_])", name))
