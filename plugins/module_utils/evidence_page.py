# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence as one HTML page that needs nothing else: no network, and for verdict and tables no JavaScript.

Everything that comes from a cluster is foreign text. It reaches the page through esc() only, or compressed, in base64;
and the page's own policy lets no script run but the two whose hashes it names.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.checks import count_text
from ansible_collections.argolab.observability.plugins.module_utils.evidence import (
    STATES,
    incidents,
    kubectl_needs,
)
from ansible_collections.argolab.observability.plugins.module_utils.evidence_panels import panels_section
from ansible_collections.argolab.observability.plugins.module_utils.evidence_plots import Library, packed
from ansible_collections.argolab.observability.plugins.module_utils.evidence_script import SCRIPT
from ansible_collections.argolab.observability.plugins.module_utils.evidence_style import STYLE
from ansible_collections.argolab.observability.plugins.module_utils.evidence_text import SYMBOLS, badge, command, esc

VERDICTS = {
    "passed": "Everything that was checked is as it should be.",
    "incomplete": "Nothing failed, and a part of it has proved nothing, so this is no pass.",
}
# Longer tables are folded, unless something in them failed.
_OPEN_ROWS = 60
_COLUMNS = ("Outcome", "Check", "Expected", "Seen", "Why and next")
_FACTS = {
    "context": "Context",
    "server": "API server",
    "version": "Kubernetes",
    "provider": "Provider",
    "artifact_source": "Artifacts",
    "nodes": "Nodes",
    "kubeconfig": "Kubeconfig",
}


def page(
    evidence: Mapping[str, Any],
    dashboards: Sequence[Mapping[str, Any]] = (),
    problems: Sequence[str] = (),
    library: Optional[Library] = None,
) -> str:
    """The whole page.

    :param dashboards: As read_plots() gives them.
    :param problems: Why plots are missing, one sentence each.
    :param library: What draws the plots; without it the panels are listed, and the page says what to install.
    """
    cluster, verdict = evidence["cluster"], str(evidence["verdict"])
    name = str(cluster.get("context") or "cluster")
    drawn = bool(library and any(panel["series"] for dashboard in dashboards for panel in dashboard["panels"]))
    body = "\n".join(
        [
            _header(name, evidence, bool(dashboards or problems)),
            '<main id="main" tabindex="-1">',
            _hero(verdict, evidence, name),
            _failures(evidence),
            _facts(evidence["cluster"]),
            _parts(evidence["groups"]),
            _checks(evidence["groups"]),
            panels_section(dashboards, problems, library),
            "</main>",
            _footer(evidence, library if drawn else None),
            f'<script type="application/octet-stream" id="library">{packed(library.script)}</script>'
            if drawn and library
            else "",
            f"<script>{SCRIPT}</script>",
        ]
    )
    scripts = [SCRIPT, library.script] if drawn and library else [SCRIPT]
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(scripts)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{esc(verdict.title())}: {esc(name)}</title>
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


def _header(name: str, evidence: Mapping[str, Any], with_panels: bool) -> str:
    links = [("#failures", "Failures")] if evidence["failures"] else []
    links += [("#parts", "Parts"), ("#checks", "Checks")]
    links += [("#panels", "Dashboards")] if with_panels else []
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


def _hero(verdict: str, evidence: Mapping[str, Any], name: str) -> str:
    counts, when = evidence["counts"], str(evidence["generated"])
    said = re.sub(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(?:\.\d+)?Z$", r"\1 \2 UTC", when)
    found = incidents(evidence["failures"])
    lead = VERDICTS.get(verdict, "")
    if found:
        lead = f"{count_text(counts['failed'], 'check')} failed for {count_text(len(found), 'reason')}. "
        lead += f"First: {found[0][0]['name']}, seen {found[0][0]['observed']}."
    total = counts["total"] or 1
    shares = "".join(
        f'<span class="{state}" style="flex-grow:{counts[state] / total:.5f}"></span>'
        for state in STATES
        if counts[state]
    )
    figures = "".join(
        f'<li class="{state}"><span class="mark" aria-hidden="true">{SYMBOLS[state]}</span>'
        f"<b>{counts[state]}</b> {state}</li>"
        for state in STATES
        if counts[state] or state == "passed"
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
<p class="muted">of {count_text(counts["total"], "check")} in {count_text(len(evidence["groups"]), "part")}</p>
</div>
</section>"""


def _facts(cluster: Mapping[str, Any]) -> str:
    def shown(value: Any) -> str:
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

    known = {_FACTS.get(key, key): shown(cluster[key]) for key in [*_FACTS, *sorted(set(cluster) - set(_FACTS))]
             if cluster.get(key) not in (None, "", [])}  # fmt: skip
    items = "".join(f"<div><dt>{esc(label)}</dt><dd>{esc(value)}</dd></div>" for label, value in known.items())
    if not items:
        return ""
    return f'<section class="cluster" aria-label="Cluster"><dl class="facts card">{items}</dl></section>'


def _failures(evidence: Mapping[str, Any]) -> str:
    found = incidents(evidence["failures"])
    silent = [group["title"] for group in evidence["groups"] if not group["checks"]]
    if not found and not silent:
        return ""
    parts = [f"<li>{_incident(number, entries)}</li>" for number, entries in enumerate(found, start=1)]
    listed = f'<ol class="incidents">{"".join(parts)}</ol>' if parts else ""
    export = kubectl_needs(evidence)
    intro = (
        f'<p class="muted">Once in your shell, so that kubectl finds the cluster:</p>{command(export)}'
        if export
        else ""
    )
    nothing = "".join(f'<p class="nothing"><b>{esc(title)}</b>: nothing was checked.</p>' for title in silent)
    return f"""<section id="failures" aria-labelledby="failures-title">
<h2 id="failures-title">{"What failed, why, and what to do" if found else "What was not checked"}</h2>
{intro}{listed}{nothing}
</section>"""


def _incident(number: int, entries: Sequence[Mapping[str, Any]]) -> str:
    first, others = entries[0], entries[1:]
    cause = f'<span class="cause">{esc(first["cause"])}</span>' if first["cause"] else ""
    why = f'<div><p class="label">Why</p><p class="why">{esc(first["detail"])}</p></div>' if first["detail"] else ""
    following = f'<div><p class="label">Type next</p>{command(first["next"])}</div>' if first["next"] else ""
    also = ""
    if others:
        items = "".join(f"<li>{esc(entry['name'])}</li>" for entry in others)
        more = f"{count_text(len(others), 'more check')} with this reason"
        also = f"<details><summary>{more}</summary><ul>{items}</ul></details>"
    return f"""<article class="incident" tabindex="-1" aria-labelledby="incident-{number}">
<header><h3 id="incident-{number}">{esc(first["name"])}</h3>{cause}</header>
<dl class="versus"><div><dt>Expected</dt><dd>{esc(first["expected"])}</dd></div>
<div><dt>Seen</dt><dd>{esc(first["observed"])}</dd></div></dl>
{why}{following}{also}
</article>"""


def _count(group: Mapping[str, Any]) -> Dict[str, int]:
    return {state: sum(1 for entry in group["checks"] if entry["state"] == state) for state in STATES}


def _outcome(group: Mapping[str, Any]) -> str:
    """The state of a whole part; one that proved nothing has not passed."""
    counts = _count(group)
    if not group["checks"]:
        return "incomplete"
    return next(state for state in ("failed", "passed", "pending", "skipped") if counts[state])


def _parts(groups: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for number, group in enumerate(groups):
        counts, outcome = _count(group), _outcome(group)
        cells = "".join(f'<td data-label="{state.title()}" class="n">{counts[state] or ""}</td>' for state in STATES)
        waited = "" if group["waited"] is None else f"{float(group['waited']):.1f} s"
        rows.append(
            f'<tr><td data-sort="{_order(outcome)}">{badge(outcome)}</td>'
            f'<th scope="row"><a href="#part-{number}">{esc(group["title"])}</a></th>{cells}'
            f'<td data-label="Waited" class="n">{waited}</td></tr>'
        )
    heads = "".join(f'<th scope="col">{label}</th>' for label in ("Outcome", "Part"))
    heads += "".join(f'<th scope="col" class="n">{state.title()}</th>' for state in STATES)
    heads += '<th scope="col" class="n">Waited</th>'
    return f"""<section id="parts" aria-labelledby="parts-title">
<h2 id="parts-title">Parts</h2>
<div class="card"><table class="sortable overview" aria-label="Parts of this verification">
<thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>
</section>"""


def _order(state: str) -> int:
    order: List[str] = ["failed", "incomplete", "pending", "skipped", "passed"]
    return order.index(state)


def _checks(groups: Sequence[Mapping[str, Any]]) -> str:
    tables = "\n".join(_table(number, group) for number, group in enumerate(groups) if group["checks"])
    present = [state for state in STATES if any(_count(group)[state] for group in groups)]
    chips = "".join(
        f'<button type="button" class="chip {state}" data-state="{state}" aria-pressed="false">'
        f'<span aria-hidden="true">{SYMBOLS[state]}</span> {state.title()}</button>'
        for state in present
    )
    return f"""<section id="checks" class="scope" aria-labelledby="checks-title">
<h2 id="checks-title">Checks</h2>
<div class="toolbar" role="search" aria-label="Checks" hidden>
<label class="unseen" for="find-checks">Filter checks by text</label>
<input type="search" id="find-checks" placeholder="Filter checks: name, text, cause" autocomplete="off">
<span class="chips" role="group" aria-label="Show only these outcomes">{chips}</span>
<span class="shown muted" role="status"></span>
</div>
{tables}
</section>"""


def _table(number: int, group: Mapping[str, Any]) -> str:
    counts = _count(group)
    states = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    opened = " open" if counts["failed"] or len(group["checks"]) <= _OPEN_ROWS else ""
    # What needs attention comes first; otherwise the order of the module says something.
    rows = "".join(_row(entry) for entry in sorted(group["checks"], key=lambda entry: STATES.index(entry["state"])))
    heads = "".join(f'<th scope="col">{label}</th>' for label in _COLUMNS)
    return f"""<details class="part" id="part-{number}"{opened}>
<summary><h3>{esc(group["title"])}</h3> {badge(_outcome(group))} <span class="muted">{states}</span></summary>
<div class="card"><table class="sortable checks" aria-label="{esc(group["title"])}">
<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>
</details>"""


def _row(entry: Mapping[str, Any]) -> str:
    why = f"<div>{esc(entry['detail'])}</div>" if entry["detail"] else ""
    cause = f'<span class="cause">{esc(entry["cause"])}</span>' if entry["cause"] else ""
    following = command(entry["next"]) if entry["next"] else ""
    state = entry["state"]
    return (
        f'<tr data-state="{state}"><td data-sort="{_order(state)}">{badge(state)}</td>'
        f'<th scope="row">{_breakable(entry["name"])}</th>'
        f'<td data-label="Expected">{esc(entry["expected"])}</td><td data-label="Seen">{esc(entry["observed"])}</td>'
        f'<td data-label="Why and next" class="reason">{cause}{why}{following}</td></tr>'
    )


def _breakable(name: str) -> str:
    """Names of scrape pools and metrics are long; they break where a reader would break them."""
    return "<wbr>".join(esc(part) for part in re.split(r"(?<=[/:_])", name))


def _footer(evidence: Mapping[str, Any], library: Optional[Library]) -> str:
    drawn = f" Plots are drawn by {esc(library.name)}." if library else ""
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
<a href="junit.xml">junit.xml</a> for CI.{drawn}</p>
</footer>
<p id="say" class="unseen" role="status"></p>"""
