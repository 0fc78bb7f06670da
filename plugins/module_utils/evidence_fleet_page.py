# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence of many clusters as one page: how each of them is, why some failed, and the checks of all of them.

Its size is bounded: each cluster has room for some hundred checks, those that did not pass first. Plots are on the
clusters' own pages.
"""

from __future__ import annotations

import shlex
from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.checks import count_text
from ansible_collections.argolab.observability.plugins.module_utils.evidence import STATES, incidents
from ansible_collections.argolab.observability.plugins.module_utils.evidence_fleet import VERDICTS, fleet_incidents
from ansible_collections.argolab.observability.plugins.module_utils.evidence_frame import footer, frame, header, hero
from ansible_collections.argolab.observability.plugins.module_utils.evidence_page import facts
from ansible_collections.argolab.observability.plugins.module_utils.evidence_script import SCRIPT
from ansible_collections.argolab.observability.plugins.module_utils.evidence_tables import (
    checks_table,
    checks_toolbar,
    count_states,
    number_cells,
    order_of,
    states_text,
)
from ansible_collections.argolab.observability.plugins.module_utils.evidence_text import (
    badge,
    cause_badge,
    command,
    esc,
)

# Rows of all tables together, and the least for one cluster.
_ROWS, _LEAST_ROWS = 6000, 40
# Reasons that are told in full, and clusters with the same reason of which each is told about.
_REASONS, _TOLD = 100, 20
# With more clusters that failed, all of them are folded: the reasons are told above.
_OPEN_CLUSTERS = 3
_WORDS = {
    "passed": "Every cluster is as it should be.",
    "incomplete": "Nothing failed, and not everything was proved, so this is no pass.",
}


def fleet_page(fleet: Mapping[str, Any], pages: Mapping[str, str]) -> str:
    """The whole page.

    :param pages: Address of the cluster's own page, relative to this one, by the cluster's name; where there is one.
    """
    clusters, amount = fleet["clusters"], count_text(len(fleet["clusters"]), "cluster")
    number_of = {cluster["name"]: number for number, cluster in enumerate(clusters)}
    failures = [("#failures", "Failures")] if fleet["failures"] else []
    links = [("#clusters", "Clusters"), *failures, ("#checks", "Checks")]
    body = "\n".join(
        [
            header(amount, links),
            '<main id="main" tabindex="-1">',
            _verdict(fleet, amount),
            _overview(clusters, pages),
            _failures(fleet, number_of),
            _checks(clusters, pages),
            "</main>",
            footer(),
            f"<script>{SCRIPT}</script>",
        ]
    )
    return frame(f"{str(fleet['verdict']).title()}: {amount}", body, [SCRIPT])


def _verdict(fleet: Mapping[str, Any], amount: str) -> str:
    verdicts, lead = fleet["verdicts"], _WORDS.get(fleet["verdict"], "")
    found = fleet_incidents(fleet)
    if found:
        first = found[0]
        lead = f"{count_text(verdicts['failed'], 'cluster')} of {verdicts['total']} failed, "
        lead += f"{count_text(fleet['counts']['failed'], 'check')} for {count_text(len(found), 'reason')}. "
        lead += f"First: {first[0]['name']}, on {count_text(len(first), 'cluster')}, seen {first[0]['observed']}."
    counts = {verdict: verdicts[verdict] for verdict in VERDICTS}
    said = f"{amount}, {count_text(fleet['counts']['total'], 'check')} ({states_text(fleet['counts']) or 'none'})"
    return hero(str(fleet["verdict"]), lead, amount, str(fleet["generated"]), counts, said)


def _overview(clusters: Sequence[Mapping[str, Any]], pages: Mapping[str, str]) -> str:
    rows = []
    # What needs attention comes first; otherwise the order is that of the inventory.
    for number, cluster in sorted(enumerate(clusters), key=lambda one: VERDICTS.index(one[1]["verdict"])):
        seen, name, verdict = cluster["evidence"], cluster["name"], cluster["verdict"]
        reasons = incidents(seen["failures"])
        silent = [f"{group['title']}: nothing was checked" for group in seen["groups"] if not group["checks"]]
        why = f"{reasons[0][0]['name']}: {reasons[0][0]['observed']}" if reasons else "".join(silent[:1])
        own = ""
        if pages.get(name):
            own = f'<a href="{esc(pages[name])}">Own page<span class="unseen"> of {esc(name)}</span></a>'
        rows.append(
            f'<tr><td data-sort="{order_of(verdict)}">{badge(verdict)}</td>'
            f'<th scope="row"><a href="#cluster-{number}">{esc(name)}</a></th>{number_cells(seen["counts"])}'
            f'<td data-label="First reason">{esc(why)}</td><td data-label="Plots">{own}</td></tr>'
        )
    heads = "".join(f'<th scope="col">{label}</th>' for label in ("Outcome", "Cluster"))
    heads += "".join(f'<th scope="col" class="n">{state.title()}</th>' for state in STATES)
    heads += "".join(f'<th scope="col">{label}</th>' for label in ("First reason", "Plots"))
    return f"""<section id="clusters" aria-labelledby="clusters-title">
<h2 id="clusters-title">Clusters</h2>
<div class="card"><table class="sortable overview" aria-label="Clusters of this verification">
<thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>
</section>"""


def _failures(fleet: Mapping[str, Any], number_of: Mapping[str, int]) -> str:
    found = fleet_incidents(fleet)
    if not found:
        return ""
    told = [_reason(number, entries, number_of) for number, entries in enumerate(found[:_REASONS], start=1)]
    parts = "".join(f"<li>{reason}</li>" for reason in told)
    more = len(found) - _REASONS
    note = f'<p class="note">{count_text(more, "more reason")}: see the tables below.</p>' if more > 0 else ""
    return f"""<section id="failures" aria-labelledby="failures-title">
<h2 id="failures-title">What failed, why, and what to do</h2>
<ol class="incidents">{parts}</ol>{note}
</section>"""


def _reason(number: int, entries: Sequence[Mapping[str, Any]], number_of: Mapping[str, int]) -> str:
    first = entries[0]
    cause = cause_badge(first["cause"])
    names = "".join(
        f'<li><a href="#cluster-{number_of[entry["cluster"]]}">{esc(entry["cluster"])}</a></li>' for entry in entries
    )
    rest = ""
    if len(entries) > 1:
        told = entries[1 : _TOLD + 1]
        left = len(entries) - 1 - len(told)
        items = "".join(f'<div class="there"><h4>{esc(entry["cluster"])}</h4>{_there(entry)}</div>' for entry in told)
        items += f'<p class="muted">{count_text(left, "more cluster")}: see the tables below.</p>' if left else ""
        more = count_text(len(entries) - 1, "more cluster")
        rest = f"<details><summary>The same on {more}</summary>{items}</details>"
    return f"""<article class="incident" tabindex="-1" aria-labelledby="incident-{number}">
<header><h3 id="incident-{number}">{esc(first["name"])}</h3>{cause}</header>
<ul class="where" aria-label="Clusters where it failed">{names}</ul>
{_there(first)}{rest}
</article>"""


def _there(entry: Mapping[str, Any]) -> str:
    """One reason in one cluster."""
    why = f'<div><p class="label">Why</p><p class="why">{esc(entry["detail"])}</p></div>' if entry["detail"] else ""
    following = ""
    if entry["next"]:
        following = f'<div><p class="label">Type next</p>{command(_command(entry))}</div>'
    others = ", ".join(entry["others"][:_TOLD]) + (" and more" if len(entry["others"]) > _TOLD else "")
    also = f'<p class="muted">It also explains: {esc(others)}</p>' if others else ""
    return f"""<dl class="versus"><div><dt>Expected</dt><dd>{esc(entry["expected"])}</dd></div>
<div><dt>Seen</dt><dd>{esc(entry["observed"])}</dd></div></dl>
{why}{following}{also}"""


def _command(entry: Mapping[str, Any]) -> str:
    """The next command, for this cluster: one shell is used for many of them."""
    if entry["kubeconfig"] and entry["next"].startswith("kubectl "):
        return f"KUBECONFIG={shlex.quote(entry['kubeconfig'])} {entry['next']}"
    return str(entry["next"])


def _checks(clusters: Sequence[Mapping[str, Any]], pages: Mapping[str, str]) -> str:
    room = max(_LEAST_ROWS, _ROWS // max(1, len(clusters)))
    opened = sum(1 for cluster in clusters if cluster["verdict"] == "failed") <= _OPEN_CLUSTERS
    sections = "\n".join(
        _cluster(number, cluster, pages.get(cluster["name"], ""), room, opened)
        for number, cluster in enumerate(clusters)
    )
    options = "".join(
        f'<option value="cluster-{number}">{esc(cluster["name"])}</option>' for number, cluster in enumerate(clusters)
    )
    choice = f"""<label class="unseen" for="only-cluster">Show only one cluster</label>
<select id="only-cluster"><option value="">All clusters</option>{options}</select>
"""
    groups = [group for cluster in clusters for group in cluster["evidence"]["groups"]]
    return f"""<section id="checks" class="scope" aria-labelledby="checks-title">
<h2 id="checks-title">Checks</h2>
{checks_toolbar(groups, choice)}
{sections}
</section>"""


def _cluster(number: int, cluster: Mapping[str, Any], own: str, room: int, opened: bool) -> str:
    seen, verdict = cluster["evidence"], cluster["verdict"]
    unfolded = " open" if opened and verdict == "failed" else ""
    link = f'<p class="own"><a href="{esc(own)}">Page of {esc(cluster["name"])}, with plots</a></p>' if own else ""
    shown = _shown(seen["groups"], room)
    tables = "\n".join(
        checks_table(f"part-{number}-{place}", group, 4, shown[place], _left_out(group, shown[place], own))
        if shown[place]
        else f'<p class="nothing"><b>{esc(group["title"])}</b>: {_nothing(group)}</p>'
        for place, group in enumerate(seen["groups"])
    )
    return f"""<details class="part cluster-part" id="cluster-{number}"{unfolded}>
<summary><h3>{esc(cluster["name"])}</h3> {badge(verdict)}
<span class="muted">{states_text(seen["counts"])}</span></summary>
{facts(seen["cluster"])}{link}
{tables}
</details>"""


def _shown(groups: Sequence[Mapping[str, Any]], room: int) -> List[List[Dict[str, Any]]]:
    """The checks of each part for which there is room, those that did not pass first."""
    every = [(place, index) for place, group in enumerate(groups) for index in range(len(group["checks"]))]
    every.sort(key=lambda at: STATES.index(groups[at[0]]["checks"][at[1]]["state"]))
    kept = set(every[:room])
    return [
        [check for index, check in enumerate(group["checks"]) if (place, index) in kept]
        for place, group in enumerate(groups)
    ]


def _left_out(group: Mapping[str, Any], shown: Sequence[Mapping[str, Any]], own: str) -> str:
    every, there = count_states(group), count_states({"checks": shown})
    text = states_text({state: every[state] - there[state] for state in STATES})
    where = f'on <a href="{esc(own)}">its own page</a>' if own else "in evidence.json"
    return f'<p class="more muted">Not shown here: {text}. They are {where}.</p>' if text else ""


def _nothing(group: Mapping[str, Any]) -> str:
    text = states_text(count_states(group))
    return f"{text}, not shown here." if text else "nothing was checked."
