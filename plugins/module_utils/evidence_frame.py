# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every evidence page is in: the document with its policy, its head, the verdict, and its foot with the keys."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Iterable, Mapping, Sequence, Tuple

from ansible_collections.argolab.observability.plugins.module_utils.evidence_style import STYLE
from ansible_collections.argolab.observability.plugins.module_utils.evidence_text import SYMBOLS, esc

VERDICTS = {
    "passed": "Everything that was checked is as it should be.",
    "incomplete": "Nothing failed, and a part of it has proved nothing, so this is no pass.",
}


def frame(title: str, body: str, scripts: Iterable[str]) -> str:
    """The whole document.

    :param body: HTML.
    :param scripts: The only ones that the document's policy lets run.
    """
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(scripts)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{esc(title)}</title>
<link rel="icon" href="data:,">
<style>{STYLE}</style>
</head>
<body>
{body}
</body>
</html>
"""


def _policy(scripts: Iterable[str]) -> str:
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"
        for text in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def header(name: str, links: Sequence[Tuple[str, str]]) -> str:
    """The bar at the top.

    :param name: What was verified.
    :param links: Target and text of each.
    """
    nav = "".join(f'<a href="{target}">{label}</a>' for target, label in links)
    return f"""<a class="skip" href="#main">Skip to the verdict</a>
<header class="bar">
<p class="brand">Verification of <strong>{esc(name)}</strong></p>
<nav aria-label="On this page">{nav}</nav>
<p class="tools" hidden>
<button type="button" id="theme">Dark</button>
<button type="button" id="print">Print</button>
<a href="#keys">Keys</a>
</p>
</header>"""


def hero(verdict: str, lead: str, name: str, when: str, counts: Mapping[str, int], amount: str) -> str:
    """The verdict, for those who read nothing else.

    :param lead: What to say of it.
    :param when: Time in UTC, RFC 3339.
    :param counts: By state, in the order in which they are shown.
    :param amount: What the counts are of.
    """
    said = re.sub(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(?:\.\d+)?Z$", r"\1 \2 UTC", when)
    total = sum(counts.values()) or 1
    shares = "".join(
        f'<span class="{state}" style="flex-grow:{number / total:.5f}"></span>'
        for state, number in counts.items()
        if number
    )
    figures = "".join(
        f'<li class="{state}"><span class="mark" aria-hidden="true">{SYMBOLS[state]}</span>'
        f"<b>{number}</b> {state}</li>"
        for state, number in counts.items()
        if number or state == "passed"
    )
    return f"""<section class="hero {esc(verdict)}" aria-labelledby="verdict">
<div class="seal" aria-hidden="true">{SYMBOLS.get(verdict, "!")}</div>
<div class="said">
<h1 id="verdict">{esc(verdict.title())}</h1>
<p class="lead">{esc(lead)}</p>
<p class="when">{esc(name)}, <time datetime="{esc(when)}">{esc(said)}</time><span id="ago"></span></p>
</div>
<div class="numbers">
<ul>{figures}</ul>
<div class="share" aria-hidden="true">{shares}</div>
<p class="muted">of {amount}</p>
</div>
</section>"""


def footer(drawn: str = "") -> str:
    """The keys, and the files beside the page.

    :param drawn: What draws the plots, where there are any.
    """
    plots = f" Plots are drawn by {esc(drawn)}." if drawn else ""
    return f"""<footer>
<details id="keys"><summary>Keyboard</summary>
<ul class="keys">
<li><kbd>/</kbd> filter the checks, <kbd>Esc</kbd> clear the filter</li>
<li><kbd>f</kbd> show only what failed, again for everything</li>
<li><kbd>n</kbd> and <kbd>p</kbd> next and previous failure</li>
<li><kbd>t</kbd> light or dark</li>
<li><kbd>?</kbd> these lines</li>
<li><kbd>Tab</kbd> to the head of a column, then <kbd>Enter</kbd> to sort by it, again for the other direction</li>
</ul>
<p class="tools" hidden><label><input type="checkbox" id="single-keys" checked> Single letters are shortcuts</label></p>
</details>
<p>Beside this page: <a href="evidence.json">evidence.json</a> for programs,
<a href="junit.xml">junit.xml</a> for CI.{plots}</p>
</footer>
<p id="say" class="unseen" role="status"></p>"""
