# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the evidence page looks: light, dark, on a phone and on paper."""

from __future__ import annotations

STYLE = r"""
:root {
  color-scheme: light dark;
  --ground: light-dark(#f4f6f9, #0e1217);
  --card: light-dark(#ffffff, #161b22);
  --well: light-dark(#eef1f5, #0a0d11);
  --ink: light-dark(#18202a, #e6ebf2);
  --muted: light-dark(#55606f, #a0abba);
  --line: light-dark(#d8dee6, #2b3440);
  --link: light-dark(#0b5cad, #7cbcff);
  --passed: light-dark(#17702f, #57cf7c);
  --passed-soft: light-dark(#e3f5e8, #10301c);
  --failed: light-dark(#b3211c, #ff8f86);
  --failed-soft: light-dark(#fdeae8, #3c1715);
  --pending: light-dark(#7d5200, #e8b84a);
  --pending-soft: light-dark(#fdf2d8, #34290f);
  --skipped: light-dark(#525d6a, #a7b1be);
  --skipped-soft: light-dark(#e9edf2, #232b35);
  --radius: 12px;
  --mono: ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
:root[data-theme="light"] { color-scheme: light; }
:root[data-theme="dark"] { color-scheme: dark; }

* { box-sizing: border-box; }
html { scroll-padding-top: 4.5rem; -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--ground); color: var(--ink); overflow-wrap: anywhere;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
}
main, footer { max-width: 78rem; margin: 0 auto; padding: 0 1.25rem; }
main:focus { outline: none; }
h1, h2, h3, h4, h5, p, ul, ol, dl, dd { margin: 0; }
h2 { font-size: 1.3rem; line-height: 1.3; margin: 2.75rem 0 .75rem; letter-spacing: -.01em; }
h3 { font-size: 1.05rem; line-height: 1.35; }
a { color: var(--link); }
a, button, summary, input, .incident { border-radius: 6px; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
code, kbd { font-family: var(--mono); font-size: .88em; }
kbd { border: 1px solid var(--line); border-bottom-width: 2px; border-radius: 5px; padding: .05em .45em; }
summary { cursor: pointer; }
.muted { color: var(--muted); }
.unseen {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
}
.skip { position: absolute; left: 1rem; top: -4rem; z-index: 9; background: var(--card); padding: .6rem 1rem; }
.skip:focus { top: .6rem; }
[hidden] { display: none !important; }
@media screen { .filtered { display: none !important; } }

button, .chip {
  font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 999px;
  padding: .3rem .85rem; cursor: pointer; min-height: 2rem;
}
button:hover { border-color: var(--muted); }
button:disabled { cursor: progress; }

.bar {
  position: sticky; top: 0; z-index: 5; display: flex; flex-wrap: wrap; align-items: center; gap: .4rem 1.4rem;
  padding: .6rem max(1.25rem, calc((100vw - 75.5rem) / 2)); background: var(--card);
  border-bottom: 1px solid var(--line); font-size: .93rem;
}
.bar nav { display: flex; gap: 1.1rem; }
.bar nav a, .tools a { text-decoration: none; }
.bar nav a:hover, .tools a:hover { text-decoration: underline; }
.tools { display: flex; gap: .5rem; align-items: center; margin-left: auto; }

.hero {
  --tone: var(--pending); --soft: var(--pending-soft);
  display: grid; grid-template-columns: auto 1fr minmax(15rem, 22rem); gap: 1.25rem 1.75rem; align-items: center;
  margin-top: 1.5rem; padding: 1.75rem 2rem; background: var(--card); border: 1px solid var(--line);
  border-top: 6px solid var(--tone); border-radius: var(--radius);
}
.hero.passed { --tone: var(--passed); --soft: var(--passed-soft); }
.hero.failed { --tone: var(--failed); --soft: var(--failed-soft); }
.seal {
  width: 5.5rem; height: 5.5rem; border-radius: 50%; display: grid; place-items: center; font-size: 2.9rem;
  line-height: 1; font-weight: 700; color: var(--tone); background: var(--soft);
}
.hero h1 { font-size: clamp(2.2rem, 5vw, 3.2rem); line-height: 1.05; letter-spacing: -.03em; color: var(--tone); }
.lead { font-size: 1.1rem; margin-top: .35rem; }
.when { color: var(--muted); font-size: .93rem; margin-top: .35rem; }
.numbers ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; }
.numbers li { color: var(--tone); }
.numbers b { font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.numbers .mark { margin-right: .3rem; }
.share { display: flex; gap: 3px; height: 10px; margin: .5rem 0 .35rem; }
.share span { background: var(--tone); min-width: 6px; border-radius: 5px; flex-basis: 0; }
.facts {
  display: flex; flex-wrap: wrap; gap: .6rem 2rem; margin-top: 1rem; padding: 1rem 2rem; font-size: .9rem;
}
dt { color: var(--muted); font-size: .8rem; }
.passed, .data { --tone: var(--passed); --soft: var(--passed-soft); }
.failed, .error { --tone: var(--failed); --soft: var(--failed-soft); }
.pending, .incomplete, .empty { --tone: var(--pending); --soft: var(--pending-soft); }
.skipped { --tone: var(--skipped); --soft: var(--skipped-soft); }
.badge {
  display: inline-block; white-space: nowrap; padding: .08rem .6rem; border-radius: 999px; font-size: .82rem;
  font-weight: 600; color: var(--tone); background: var(--soft);
}

.incidents { list-style: none; padding: 0; margin-top: .9rem; display: grid; gap: .9rem; counter-reset: reason; }
.incident {
  background: var(--card); border: 1px solid var(--line); border-left: 5px solid var(--failed);
  border-radius: var(--radius); padding: 1.1rem 1.4rem; display: grid; gap: .6rem; counter-increment: reason;
}
.incident h3::before { content: counter(reason) ". "; color: var(--failed); }
.incident > header {
  display: flex; flex-wrap: wrap; gap: .3rem 1rem; justify-content: space-between; align-items: center;
}
.versus { display: flex; flex-wrap: wrap; gap: .4rem 3rem; }
.why { max-width: 75ch; }
.why, .reason div { white-space: pre-line; }
.label { color: var(--muted); font-size: .8rem; margin-bottom: .15rem; }
.cause {
  font: .8rem var(--mono); color: var(--muted); background: var(--well); padding: .1rem .5rem;
  border-radius: 6px;
}
.command {
  display: flex; gap: .6rem; align-items: flex-start; justify-content: space-between; background: var(--well);
  border: 1px solid var(--line); border-radius: 8px; padding: .5rem .6rem .5rem .8rem;
}
.command code { white-space: pre-wrap; padding-top: .2rem; unicode-bidi: isolate; }
.command button { flex: none; padding: .1rem .7rem; font-size: .85rem; }
.nothing, .note {
  background: var(--pending-soft); border-radius: 8px; padding: .6rem .9rem; margin-top: .6rem;
}

.card { background: var(--card); border: 1px solid var(--line); border-radius: var(--radius); overflow: clip; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .5rem .9rem; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--muted); font-weight: 600; background: var(--card); white-space: nowrap; }
tbody th { font-weight: 500; }
tbody tr:hover > * { background: color-mix(in srgb, var(--well) 45%, transparent); }
.n { text-align: right; font-variant-numeric: tabular-nums; }
.checks th:nth-child(1) { width: 7.5rem; } .checks th:nth-child(2) { width: 29%; }
.checks th:nth-child(3), .checks th:nth-child(4) { width: 16%; }
.checks { table-layout: fixed; }
.reason .command { margin-top: .35rem; font-size: .9em; }
th button {
  border: 0; background: none; padding: 0; margin: 0; font-weight: 600; color: inherit; min-height: 1.6rem;
  white-space: nowrap;
}
th button::after { content: "↕"; opacity: .55; margin-left: .35rem; }
th[aria-sort="ascending"] button::after { content: "↑"; opacity: 1; }
th[aria-sort="descending"] button::after { content: "↓"; opacity: 1; }

.toolbar {
  position: sticky; top: 3.2rem; z-index: 4; display: flex; flex-wrap: wrap; gap: .6rem; align-items: center;
  padding: .6rem 0; background: var(--ground);
}
.toolbar input {
  flex: 1 1 15rem; min-width: 0; font: inherit; color: inherit; background: var(--card);
  border: 1px solid var(--muted); border-radius: 8px; padding: .4rem .8rem;
}
.toolbar select {
  font: inherit; color: inherit; background: var(--card); border: 1px solid var(--muted); border-radius: 8px;
  padding: .4rem .6rem; min-height: 2rem; max-width: 100%;
}
.toolbar input::placeholder { color: var(--muted); opacity: 1; }
.chips { display: flex; flex-wrap: wrap; gap: .4rem; }
.chip { color: var(--tone); font-size: .9rem; }
.chip[aria-pressed="true"] { background: var(--tone); color: var(--card); border-color: var(--tone); font-weight: 600; }
.part, .dashboard { margin-top: .8rem; }
.part > summary, .dashboard > summary { padding: .35rem 0; }
.part > summary h3, .dashboard > summary h3 { display: inline; margin-right: .4rem; }
.part:not([open]), .part[open] > .card { contain-intrinsic-size: auto 60rem; }
.part[open] > .card { content-visibility: auto; }
.part > summary h4 { display: inline; margin-right: .4rem; font-size: .98rem; }
.cluster-part { border-top: 1px solid var(--line); padding-top: .4rem; }
.cluster-part[open] { padding-bottom: 1rem; }
.cluster-part > .part, .cluster-part > .own, .cluster-part > .nothing { margin-left: 1.1rem; }
.own { margin-top: .6rem; }
.more { padding: .5rem .9rem; border-top: 1px solid var(--line); }
.where { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .3rem .5rem; font-size: .9rem; }
.where li { background: var(--failed-soft); border-radius: 999px; padding: .05rem .7rem; }
.where a { color: var(--failed); }
.there { display: grid; gap: .5rem; padding: .7rem 0 .2rem; }

.row { font-size: .95rem; color: var(--muted); margin: 1.1rem 0 .5rem; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(24rem, 100%), 1fr)); gap: .9rem; }
.panel {
  min-width: 0; background: var(--card); border: 1px solid var(--line); border-radius: var(--radius);
  padding: .85rem 1rem; font-size: .9rem;
}
.panel > header { display: flex; gap: .6rem; justify-content: space-between; align-items: flex-start; }
.panel > header :is(h4, h5) { font-size: .98rem; }
.panel[data-state="error"] { border-left: 5px solid var(--failed); }
.panel[data-state="empty"] { border-left: 5px solid var(--pending); }
.plot { height: 13rem; margin-top: .4rem; }
.plot:empty::before { content: "…"; color: var(--muted); display: grid; place-items: center; height: 100%; }
.plot.undrawn { height: auto; }
.latest { font-size: 1.7rem; font-weight: 650; line-height: 1.3; font-variant-numeric: tabular-nums; }
.detail { color: var(--muted); margin-top: .3rem; }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .1rem .9rem; font-size: .82rem; }
.swatch {
  display: inline-block; width: .8rem; height: .25rem; border-radius: 2px; margin-right: .4rem; vertical-align: middle;
}
.under { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; color: var(--muted); font-size: .85rem; margin-top: .4rem; }
.under details[open] { flex-basis: 100%; }
.under ul { padding-left: 1.1rem; }
.under table { font-size: .82rem; }
.under th, .under td { padding: .2rem .5rem; }
/* The plots' own colours, so that they follow light, dark and paper at once. */
.plot text { fill: var(--muted) !important; }
.plot .gridlayer path, .plot .zerolinelayer path { stroke: var(--line) !important; }
.plot .hoverlayer rect, .plot .hoverlayer .bg { fill: var(--card) !important; stroke: var(--line) !important; }
.plot .hoverlayer text { fill: var(--ink) !important; }
.plot .spikeline { stroke: var(--muted) !important; }

footer { padding-top: 2rem; padding-bottom: 3rem; color: var(--muted); font-size: .92rem; display: grid; gap: .6rem; }
.keys { list-style: none; padding: .6rem 0; display: grid; gap: .4rem; }

@media screen and (max-width: 48rem) {
  .bar { position: static; }
  .bar .tools { order: 1; }
  .bar nav { order: 2; flex-basis: 100%; }
  .numbers b { font-size: 1.2rem; }
  .toolbar { position: static; }
  html { scroll-padding-top: 1rem; }
  .facts { padding: .9rem 1rem; }
  main, footer { padding-left: .9rem; padding-right: .9rem; }
  .bar { padding-left: .9rem; padding-right: .9rem; }
  .hero { grid-template-columns: auto 1fr; padding: 1.2rem; gap: 1rem; }
  .seal { width: 4rem; height: 4rem; font-size: 2rem; }
  .lead { font-size: 1rem; }
  .numbers { grid-column: 1 / -1; }
  .incident { padding: .9rem 1rem; }
  .cluster-part > .part, .cluster-part > .own, .cluster-part > .nothing { margin-left: 0; }
  .sortable, .sortable tbody, .sortable tr, .sortable td, .sortable tbody th { display: block; width: auto !important; }
  .sortable thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .sortable tr { padding: .7rem .9rem; border-top: 1px solid var(--line); }
  .sortable tr:first-child { border-top: 0; }
  .sortable td, .sortable tbody th { padding: .1rem 0; border: 0; text-align: left; }
  .sortable td:empty { display: none; }
  .sortable td[data-label]::before { content: attr(data-label) ": "; color: var(--muted); }
  .sortable tbody th { font-weight: 600; }
}

@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }

@media print {
  :root, :root[data-theme] { color-scheme: light; --ground: #fff; }
  @page { margin: 14mm; }
  body { font-size: 10pt; }
  table { font-size: 8.5pt; }
  th, td { padding: .25rem .5rem; }
  .checks th:nth-child(1) { width: 6rem; }
  .facts { padding: .8rem 1.2rem; break-inside: avoid; }
  main, footer { max-width: none; padding: 0; }
  .bar nav, .tools, .toolbar, .skip, .command button, #keys, .values, th button::after { display: none !important; }
  .bar { position: static; padding: 0 0 .4rem; }
  .hero { padding: 1rem 1.2rem; grid-template-columns: auto 1fr; }
  .numbers { grid-column: 1 / -1; }
  .plot { height: 170px; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .part[open] > .card { content-visibility: visible; }
  .incident, .panel, .sortable tr, .hero { break-inside: avoid; }
  h2, h3, h4, summary { break-after: avoid; }
  thead { display: table-header-group; }
  .card { overflow: visible; }
  details::details-content { content-visibility: visible; block-size: auto; }
  /* Of many clusters only those that are unfolded: the others are told of in the overview. */
  .cluster-part:not([open]) > :not(summary) { display: none; }
  .grid { grid-template-columns: 1fr 1fr; }
}
"""
