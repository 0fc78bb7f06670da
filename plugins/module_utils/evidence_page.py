# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence as one HTML page that needs nothing else: no network, and for verdict and tables no JavaScript.

Everything that comes from a cluster is foreign text. It reaches the page through esc() only, or compressed, in base64;
and the page's own policy lets no script run but the two whose hashes it names.
"""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.checks import count_text
from ansible_collections.argolab.observability.plugins.module_utils.evidence import (
    STATES,
    incidents,
    kubectl_needs,
)
from ansible_collections.argolab.observability.plugins.module_utils.evidence_frame import (
    VERDICTS,
    footer,
    frame,
    header,
    hero,
)
from ansible_collections.argolab.observability.plugins.module_utils.evidence_panels import panels_section
from ansible_collections.argolab.observability.plugins.module_utils.evidence_plots import Library, packed
from ansible_collections.argolab.observability.plugins.module_utils.evidence_script import SCRIPT
from ansible_collections.argolab.observability.plugins.module_utils.evidence_tables import (
    checks_table,
    checks_toolbar,
    count_states,
    number_cells,
    order_of,
    outcome_of,
)
from ansible_collections.argolab.observability.plugins.module_utils.evidence_text import (
    badge,
    cause_badge,
    command,
    esc,
)

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
            facts(evidence["cluster"]),
            _parts(evidence["groups"]),
            _checks(evidence["groups"]),
            panels_section(dashboards, problems, library),
            "</main>",
            footer(library.name if drawn and library else ""),
            f'<script type="application/octet-stream" id="library">{packed(library.script)}</script>'
            if drawn and library
            else "",
            f"<script>{SCRIPT}</script>",
        ]
    )
    scripts = [SCRIPT, library.script] if drawn and library else [SCRIPT]
    return frame(f"{verdict.title()}: {name}", body, scripts)


def _header(name: str, evidence: Mapping[str, Any], with_panels: bool) -> str:
    links = [("#failures", "Failures")] if evidence["failures"] else []
    links += [("#parts", "Parts"), ("#checks", "Checks")]
    links += [("#panels", "Dashboards")] if with_panels else []
    return header(name, links)


def _hero(verdict: str, evidence: Mapping[str, Any], name: str) -> str:
    counts = evidence["counts"]
    found = incidents(evidence["failures"])
    lead = VERDICTS.get(verdict, "")
    if found:
        lead = f"{count_text(counts['failed'], 'check')} failed for {count_text(len(found), 'reason')}. "
        lead += f"First: {found[0][0]['name']}, seen {found[0][0]['observed']}."
    amount = f"{count_text(counts['total'], 'check')} in {count_text(len(evidence['groups']), 'part')}"
    shown = {state: counts[state] for state in STATES}
    return hero(verdict, lead, name, str(evidence["generated"]), shown, amount)


def facts(cluster: Mapping[str, Any]) -> str:
    """What is known of a cluster."""

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
    cause = cause_badge(first["cause"])
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


def _parts(groups: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for number, group in enumerate(groups):
        outcome, cells = outcome_of(group), number_cells(count_states(group))
        waited = "" if group["waited"] is None else f"{float(group['waited']):.1f} s"
        rows.append(
            f'<tr><td data-sort="{order_of(outcome)}">{badge(outcome)}</td>'
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


def _checks(groups: Sequence[Mapping[str, Any]]) -> str:
    tables = "\n".join(checks_table(f"part-{number}", group) for number, group in enumerate(groups) if group["checks"])
    return f"""<section id="checks" class="scope" aria-labelledby="checks-title">
<h2 id="checks-title">Checks</h2>
{checks_toolbar(groups)}
{tables}
</section>"""
