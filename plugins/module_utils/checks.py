# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One checked statement, and what a module says about many of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.causes import reference

SHOWN_IN_MESSAGE = 10


@dataclass(frozen=True)
class Check:
    """One statement with its outcome.

    :param ok: V(None) means pending or skipped: neither passed nor failed.
    :param detail: what explains the outcome: the last error, the likeliest cause, what to look at next.
    """

    name: str
    ok: bool | None
    expected: str
    observed: str
    detail: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def as_dicts(checks: Iterable[Check]) -> list[dict[str, Any]]:
    return [check.as_dict() for check in checks]


def count_text(number: int, noun: str, plural: str | None = None) -> str:
    """V(1 target), V(2 targets)."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def listing(names: Iterable[str], limit: int = 20, nothing: str = "none") -> str:
    """Names for a message: sorted, and cut where there are too many to read."""
    ordered = sorted(set(names))
    text = ", ".join(ordered[:limit]) or nothing
    return f"{text} and {len(ordered) - limit} more" if len(ordered) > limit else text


def failure_message(title: str, checks: Sequence[Check], last_error: str | None = None) -> str:
    """The diagnosis: the title, each failed check with where its cause is explained, then the last error of polling."""
    failed = [check for check in checks if check.ok is False]
    lines, explained = [title], set()
    for check in failed[:SHOWN_IN_MESSAGE]:
        lines.append(f"- {check.name}: expected {check.expected}, seen {check.observed}.")
        if check.detail:
            lines.append(f"  {check.detail}")
        more = reference(getattr(check, "cause", ""))
        # What many checks have in common is said once.
        if more and more not in explained:
            lines.append(f"  More: {more}")
            explained.add(more)
    if len(failed) > SHOWN_IN_MESSAGE:
        lines.append(f"- and {len(failed) - SHOWN_IN_MESSAGE} more; all of them are in the result's checks.")
    if last_error:
        lines.append(f"Last error: {last_error}")
    return "\n".join(lines)
