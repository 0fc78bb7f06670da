# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the evidence page can do beyond being read: sort, filter, copy, keys, light and dark, plots."""

from __future__ import annotations

# Foreign text gets into the document through textContent and setAttribute only.
TABLES = r"""
"use strict";
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const byId = (id) => document.getElementById(id);
const say = (text) => { byId("say").textContent = text; };
const make = (name, className, text) => {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
};
const stored = (key, value) => {
  try {
    if (value !== undefined) localStorage.setItem(key, value);
    return localStorage.getItem(key);
  } catch { return null; }  // pages of files may not store anything
};

all("[hidden]").forEach((element) => { element.hidden = false; });

// --- tables that sort; the heads become buttons, so that Tab and Enter do what a click does
const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
function sortTable(table, column, head) {
  const down = head.getAttribute("aria-sort") === "ascending";
  all("th[aria-sort]", table).forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const body = table.tBodies[0];
  const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent;
  const rows = [...body.rows].map((row) => [key(row), row]);
  rows.sort((one, other) => collator.compare(one[0], other[0]) * (down ? -1 : 1));
  body.append(...rows.map((pair) => pair[1]));
  say(`Sorted by ${head.textContent}, ${down ? "descending" : "ascending"}`);
}
for (const table of all("table.sortable")) {
  all("thead th", table).forEach((head, column) => {
    const button = make("button", "", head.textContent);
    button.type = "button";
    button.addEventListener("click", () => sortTable(table, column, head));
    head.replaceChildren(button);
  });
}
// Where rows become cards, assistive technology still has to hear of a table.
if (matchMedia("(max-width: 48rem)").matches) {
  const roles = { table: "table", tbody: "rowgroup", tr: "row", td: "cell", "tbody th": "rowheader" };
  for (const [selector, role] of Object.entries(roles)) {
    all(`.sortable ${selector}, ${selector}.sortable`).forEach((element) => element.setAttribute("role", role));
  }
}

// --- filters: text and outcomes, for the checks and for the panels
const scopes = all(".scope").map((scope) => {
  const items = all(".checks tbody tr, .panel", scope);
  const texts = new Map();
  const search = scope.querySelector("input[type=search]");
  const chips = all(".chip", scope);
  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const states = chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.dataset.state);
    let shown = 0;
    for (const item of items) {
      if (!texts.has(item)) texts.set(item, item.textContent.toLowerCase());
      const fits = (!states.length || states.includes(item.dataset.state)) && words.every((word) => texts.get(item).includes(word));
      item.classList.toggle("filtered", !fits);
      shown += fits ? 1 : 0;
    }
    const active = words.length > 0 || states.length > 0;
    for (const part of all(".part, .dashboard, .panel-row", scope)) {
      const some = part.querySelector("[data-state]:not(.filtered):not(.chip)") !== null;
      part.classList.toggle("filtered", active && !some);
      if (active && some && part.tagName === "DETAILS") part.open = true;
    }
    scope.querySelector(".shown").textContent = active ? `${shown} of ${items.length} shown` : `${items.length} in all`;
  };
  search?.addEventListener("input", apply);
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
      apply();
    });
  }
  if (search) apply();
  return { search, chips, apply };
});

// --- commands to copy
async function copy(code, button) {
  let done = false;
  try { await navigator.clipboard.writeText(code.textContent); done = true; } catch {
    getSelection().selectAllChildren(code);
    done = document.execCommand("copy");
  }
  button.textContent = done ? "Copied" : "Selected";
  say(done ? "Command copied" : "Command selected, copy it with Ctrl and C");
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}
for (const code of all(".command code")) {
  const button = make("button", "", "Copy");
  button.type = "button";
  button.setAttribute("aria-label", `Copy the command ${code.textContent.slice(0, 60)}`);
  button.addEventListener("click", () => copy(code, button));
  code.after(button);
}

// --- light and dark
const darkNow = () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
function showTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  byId("theme").textContent = darkNow() ? "Light" : "Dark";
}
const toggleTheme = () => { showTheme(darkNow() ? "light" : "dark"); stored("theme", darkNow() ? "dark" : "light"); };
showTheme(["light", "dark"].includes(stored("theme")) ? stored("theme") : null);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => showTheme(null));
byId("theme").addEventListener("click", toggleTheme);

// --- how long ago
const age = (Date.now() - Date.parse(document.querySelector("time").dateTime)) / 1000;
const unit = [["day", 86400], ["hour", 3600], ["minute", 60]].find((one) => age >= one[1]);
if (unit) byId("ago").textContent = `, ${new Intl.RelativeTimeFormat("en").format(-Math.floor(age / unit[1]), unit[0])}`;

// --- keys
const incidents = all(".incident");
let current = -1;
function toFailure(step) {
  if (!incidents.length) return say("Nothing failed");
  current = (current + step + incidents.length) % incidents.length;
  incidents[current].focus();
  incidents[current].scrollIntoView({ block: "center" });
}
function onlyFailed() {
  for (const scope of scopes) {
    for (const chip of scope.chips.filter((one) => ["failed", "error", "empty"].includes(one.dataset.state))) chip.click();
  }
}
const keys = {
  "/": () => scopes[0].search.focus(),
  f: onlyFailed,
  n: () => toFailure(1),
  p: () => toFailure(current < 0 ? 0 : -1),
  t: toggleTheme,
  "?": () => { byId("keys").open = true; byId("keys").scrollIntoView(); byId("keys").querySelector("summary").focus(); },
};
byId("single-keys").checked = stored("single-keys") !== "off";
byId("single-keys").addEventListener("change", (event) => stored("single-keys", event.target.checked ? "on" : "off"));
addEventListener("keydown", (event) => {
  const search = scopes.find((scope) => scope.search === event.target);
  if (event.key === "Escape" && search) { search.search.value = ""; search.apply(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
  if (!byId("single-keys").checked || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});
all('a[href="#keys"]').forEach((link) => link.addEventListener("click", () => { byId("keys").open = true; }));
function openTarget() {
  const target = /^#(part|dashboard)-\d+$/.test(location.hash) ? byId(location.hash.slice(1)) : null;
  if (target) target.open = true;
}
addEventListener("hashchange", openTarget);
openTarget();
"""

PLOTS = r"""
// --- plots: library and values are unpacked when the first panel comes into view, each panel drawn when it does
const COLOURS = ["#2f7ed8", "#c2571a", "#3a8f3f", "#8d5fd3", "#c4407c", "#8a7a1f", "#2391a5", "#d0453b", "#6d7f2b", "#7080c0"];
const unpacked = new Map();
function unpack(id) {
  if (!unpacked.has(id)) {
    const bytes = Uint8Array.from(atob(byId(id).textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    unpacked.set(id, new Response(stream).text());
  }
  return unpacked.get(id);
}
let loading = null;
function library() {
  loading ??= unpack("library").then((text) => {
    const script = make("script");
    script.textContent = text;
    document.head.append(script);
    byId("library").remove();
  });
  return loading;
}
const parsed = new Map();
function series(number) {
  if (!parsed.has(number)) parsed.set(number, unpack(`series-${number}`).then(JSON.parse));
  return parsed.get(number);
}

const BINARY = [["TiB", 2 ** 40], ["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10], ["B", 1]];
const DECIMAL = [["T", 1e12], ["G", 1e9], ["M", 1e6], ["k", 1e3], ["", 1]];
const SECONDS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1], ["ms", 1e-3], ["µs", 1e-6]];
const UNITS = {
  bytes: BINARY, decbytes: DECIMAL.map(([name, size]) => [`${name}B`, size]), s: SECONDS, dtdurations: SECONDS,
  ms: SECONDS.map(([name, size]) => [name, size * 1e3]), percent: [["%", 1]], percentunit: [["%", 0.01]],
  Bps: BINARY.map(([name, size]) => [`${name}/s`, size]), binBps: BINARY.map(([name, size]) => [`${name}/s`, size]),
  reqps: [["req/s", 1]], ops: [["ops/s", 1]], cps: [["/s", 1]],
};
// One scale for a whole panel, by its largest value.
function scaleOf(panel) {
  const scales = UNITS[panel.unit] ?? DECIMAL;
  const largest = Math.max(0, ...panel.series.map((one) => one.values.reduce((top, value) => Math.max(top, Math.abs(value ?? 0)), 0)));
  return scales.find((one) => largest >= one[1]) ?? scales[scales.length - 1];
}
const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
const shown = (value, scale) => (value === null || value === undefined ? "none" : `${number.format(value / scale[1])}${scale[0] ? " " + scale[0] : ""}`);
const colour = (index) => COLOURS[index % COLOURS.length];
const dash = (index) => ["solid", "dot", "dash"][Math.floor(index / COLOURS.length) % 3];

function trace(one, index, times, scale) {
  // A point between two gaps would be no line.
  const lonely = one.values.some((value, at) => value !== null && (one.values[at - 1] ?? null) === null && (one.values[at + 1] ?? null) === null);
  return {
    type: "scatter", mode: lonely ? "lines+markers" : "lines", x: times,
    y: one.values.map((value) => (value === null ? null : value / scale[1])),
    // The library reads a little HTML in names; these are foreign and only text.
    name: one.name.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;") || "value",
    line: { color: colour(index), width: 1.8, dash: dash(index) }, marker: { size: 5 },
    hovertemplate: `%{y:.4~g} ${scale[0]}`.trimEnd(),
  };
}
function layout(element, scale) {
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, hovermode: "x unified",
    margin: { l: 8, r: 8, t: 8, b: 8 }, font: { family: getComputedStyle(document.body).fontFamily, size: 11 },
    xaxis: { type: "date", automargin: true, nticks: 5, showgrid: false, fixedrange: false },
    yaxis: { automargin: true, rangemode: "tozero", nticks: 5, ticksuffix: scale[0] ? ` ${scale[0]}` : "" },
    // A finger scrolls the page, a mouse zooms the plot.
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
  };
}
function legend(panel, card, scale) {
  const list = card.querySelector(".legend");
  panel.series.slice(0, 6).forEach((one, index) => {
    const item = make("li");
    const swatch = make("span", "swatch");
    swatch.style.background = colour(index);
    item.append(swatch, one.name || "value");
    list.append(item);
  });
  if (panel.series.length > 6) list.append(make("li", "muted", `and ${panel.series.length - 6} more`));
  const last = (one) => one.values.findLast((value) => value !== null);
  if (["stat", "singlestat", "gauge", "bargauge"].includes(panel.type) && panel.series.length === 1) {
    card.querySelector(".plot").before(make("p", "latest", shown(last(panel.series[0]), scale)));
  }
  // Filled when somebody opens it.
  card.querySelector(".values").addEventListener("toggle", (event) => {
    if (event.target.querySelector("table")) return;
    const table = make("table");
    const head = table.createTHead().insertRow();
    ["Series", "Last", "Lowest", "Highest"].forEach((name) => { const cell = make("th", "", name); cell.scope = "col"; head.append(cell); });
    const body = table.createTBody();
    for (const one of panel.series) {
      const values = one.values.filter((value) => value !== null);
      const row = body.insertRow();
      const name = make("th", "", one.name || "value");
      name.scope = "row";
      row.append(name);
      for (const value of [last(one), values.length ? Math.min(...values) : null, values.length ? Math.max(...values) : null]) {
        row.append(make("td", "n", shown(value, scale)));
      }
    }
    event.target.append(table);
  });
}
const drawn = new Set();
function draw(element, panel, times) {
  if (drawn.has(element)) return;
  drawn.add(element);
  const scale = scaleOf(panel);
  const traces = panel.series.map((one, index) => trace(one, index, times, scale));
  Plotly.newPlot(element, traces, layout(element, scale), { displayModeBar: false, responsive: true });
  legend(panel, element.closest(".panel"), scale);
}
async function prepared(element) {
  const [dashboard] = await Promise.all([series(element.dataset.dashboard), library()]);
  dashboard.times ??= Array.from({ length: Math.max(0, ...dashboard.panels.flatMap((panel) => panel.series.map((one) => one.values.length))) },
    (_none, index) => new Date((dashboard.start + index * dashboard.step) * 1000).toISOString().slice(0, 19));
  return () => draw(element, dashboard.panels[Number(element.dataset.panel)], dashboard.times);
}
// One plot in each frame, so that scrolling stays smooth.
const queue = [];
function nextFrame() {
  queue.shift()?.();
  if (queue.length) requestAnimationFrame(nextFrame);
}
async function enqueue(element) {
  const task = await prepared(element).catch((error) => () => { element.textContent = `This browser cannot draw the plot: ${error.message}`; });
  queue.push(task);
  if (queue.length === 1) requestAnimationFrame(nextFrame);
}
const plots = all(".plot");
const canDraw = byId("library") !== null && "DecompressionStream" in window;
if (!canDraw) {
  const why = byId("library") ? "This browser is too old to unpack plots." : "No plot: the library was not there when this page was written.";
  plots.forEach((element) => { element.style.height = "auto"; element.textContent = why; element.classList.add("muted"); });
} else {
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((one) => one.isIntersecting)) {
      observer.unobserve(entry.target);
      enqueue(entry.target);
    }
  }, { rootMargin: "400px" });
  plots.forEach((element) => observer.observe(element));
}

// --- paper: everything unfolded, every plot drawn, as wide as half a sheet
const PAPER = { width: 320, height: 170 };
async function drawAll() {
  if (canDraw) (await Promise.all(plots.map(prepared))).forEach((task) => task());
}
addEventListener("beforeprint", () => {
  all("details.part, details.dashboard, .incident details").forEach((one) => { one.dataset.was = one.open; one.open = true; });
  drawn.forEach((element) => Plotly.relayout(element, PAPER));
});
addEventListener("afterprint", () => {
  all("details[data-was]").forEach((one) => { one.open = one.dataset.was === "true"; });
  drawn.forEach((element) => Plotly.relayout(element, { width: null, height: null, autosize: true }));
});
byId("print").addEventListener("click", async () => {
  byId("print").textContent = "Drawing …";
  await drawAll();
  byId("print").textContent = "Print";
  print();
});
"""

SCRIPT = f"\n(() => {{{TABLES}{PLOTS}}})();\n"
