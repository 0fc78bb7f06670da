# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pieces of the evidence page, and the one way in which foreign text gets into it."""

from __future__ import annotations

import html
import re
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.causes import is_link, reference

SYMBOLS = {
    "passed": "✓",
    "failed": "✕",
    "pending": "…",
    "skipped": "–",
    "incomplete": "!",
    "data": "✓",
    "empty": "!",
    "error": "✕",
}
# Characters that cannot be seen, or that change the order of those that can: a command that is copied must be what is
# seen. Tab and line feed are what they look like.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)


def esc(text: Any) -> str:
    """Foreign text as HTML, in an element or in a quoted attribute; what cannot be seen is shown by its number."""
    shown = _UNSEEN.sub(lambda found: f"\\u{ord(found.group()):04x}", str(text))
    return html.escape(shown, quote=True)


def command(text: str) -> str:
    """A command to type, with a place for the button that copies it."""
    return f'<div class="command"><code>{esc(text)}</code></div>'


def badge(state: str) -> str:
    """An outcome that is told by word and sign, not only by colour."""
    return f'<span class="badge {state}"><span aria-hidden="true">{SYMBOLS.get(state, "")}</span> {state}</span>'


def cause_badge(cause: str) -> str:
    """The short name of a cause; it leads to its explanation where that has an address, else it tells where to read."""
    if not cause:
        return ""
    more = reference(cause)
    if is_link(more):
        return f'<a class="cause" href="{esc(more)}">{esc(cause)}</a>'
    return f'<span class="cause" title="{esc(more)}">{esc(cause)}</span>'
