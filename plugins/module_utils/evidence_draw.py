# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the evidence page draws plots: unpacked, drawn and described in the browser, when they come into view."""

from __future__ import annotations

# Foreign text gets into the document through textContent only.
PLOTS = r"""
// --- library and values are unpacked when the first panel comes into view, each panel is drawn when it does
const COLOURS = [
  "#2f7ed8", "#c2571a", "#3a8f3f", "#8d5fd3", "#c4407c", "#8a7a1f", "#2391a5", "#d0453b", "#6d7f2b", "#7080c0",
];
const colour = (index) => COLOURS[index % COLOURS.length];
const dash = (index) => ["solid", "dot", "dash"][Math.floor(index / COLOURS.length) % 3];

function unpack(id) {
  const bytes = Uint8Array.from(atob(byId(id).textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}
let loading = null;
async function loadLibrary() {
  const text = await unpack("library");
  const script = make("script");
  script.textContent = text;
  document.head.append(script);
}
const library = () => (loading ??= loadLibrary());
const parsed = new Map();
async function loadDashboard(number) {
  const dashboard = JSON.parse(await unpack(`series-${number}`));
  const lengths = dashboard.panels.flatMap((panel) => panel.series.map((one) => one.values.length));
  const at = (index) => new Date((dashboard.start + index * dashboard.step) * 1000).toISOString().slice(0, 23);
  dashboard.times = Array.from({ length: Math.max(0, ...lengths) }, (_none, index) => at(index));
  dashboard.hours = (dashboard.times.length * dashboard.step) / 3600;
  return dashboard;
}
function dashboardOf(number) {
  if (!parsed.has(number)) parsed.set(number, loadDashboard(number));
  return parsed.get(number);
}

// --- units as Grafana names them; one scale for a whole panel, by its largest value
const scales = (suffix, factor, pairs) => pairs.map(([name, size]) => [name + suffix, size * factor]);
const BINARY = [["TiB", 2 ** 40], ["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10], ["B", 1]];
const DECIMAL = [["T", 1e12], ["G", 1e9], ["M", 1e6], ["k", 1e3], ["", 1]];
const TIME = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1], ["ms", 1e-3], ["µs", 1e-6]];
const rate = (unit) => scales(`${unit}/s`, 1, DECIMAL);
const UNITS = {
  bytes: BINARY, kbytes: scales("", 2 ** -10, BINARY), mbytes: scales("", 2 ** -20, BINARY),
  decbytes: scales("B", 1, DECIMAL), bits: scales("bit", 1, DECIMAL), binBps: scales("/s", 1, BINARY),
  Bps: rate("B"), bps: rate("bit"), pps: rate("packets"), reqps: rate("req"), ops: rate("ops"), iops: rate("io"),
  rps: rate("reads"), wps: rate("writes"), cps: rate("counts"),
  s: TIME, dtdurations: TIME, dtdhms: TIME, ms: scales("", 1e3, TIME), ns: scales("", 1e9, TIME),
  percent: [["%", 1]], percentunit: [["%", 0.01]],
};
function scaleOf(panel) {
  const steps = Object.hasOwn(UNITS, panel.unit) ? UNITS[panel.unit] : DECIMAL;
  const top = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value ?? 0)), 0);
  const largest = panel.series.reduce((most, one) => Math.max(most, top(one.values)), 0);
  const [name, size] = steps.find((step) => largest >= step[1]) ?? [...steps].reverse().find((step) => step[1] <= 1)
    ?? steps[0];
  return { name, size, suffix: name ? ` ${name}` : "" };
}
const figures = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
function readable(value, scale) {
  return value === null || value === undefined ? "none" : figures.format(value / scale.size) + scale.suffix;
}
const present = (one) => one.values.filter((value) => value !== null);
const last = (one) => present(one).pop();
const nameOf = (one) => one.name || "value";

// --- one panel
// The library reads a little HTML in its texts; foreign ones are text.
const literal = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
function trace(one, index, times, scale) {
  const gap = (at) => (one.values[at] ?? null) === null;
  // A point between two gaps would be no line.
  const lonely = one.values.some((value, at) => value !== null && gap(at - 1) && gap(at + 1));
  return {
    type: "scatter", mode: lonely ? "lines+markers" : "lines", x: times, name: literal(nameOf(one)),
    y: one.values.map((value) => (value === null ? null : value / scale.size)),
    line: { color: colour(index), width: 1.8, dash: dash(index) }, marker: { size: 5 },
    hovertemplate: `%{y:.4~g}${scale.suffix}`,
  };
}
// Tables and the like ask for one moment: bars of what was seen then, not a single point on a time axis.
const isOneMoment = (panel) => panel.series.every((one) => present(one).length < 2);
function bars(panel, scale) {
  return [{
    type: "bar", orientation: "h", x: panel.series.map((one) => (last(one) ?? 0) / scale.size),
    // Two of the same name are two bars.
    y: panel.series.map((_one, index) => index), text: panel.series.map((one) => readable(last(one), scale)),
    textposition: "outside", marker: { color: panel.series.map((_one, index) => colour(index)) },
    hovertext: panel.series.map((one) => literal(nameOf(one))), hoverinfo: "text", cliponaxis: false,
  }];
}
function barsLayout(panel, scale) {
  const values = panel.series.map((one) => (last(one) ?? 0) / scale.size);
  // Room for the figure behind the longest bar.
  const range = [Math.min(0, ...values) * 1.3, Math.max(0, ...values) * 1.3 || 1];
  const short = (text) => (text.length > 24 ? `${text.slice(0, 23)}…` : text);
  return {
    ...layout(0, scale), hovermode: "closest", dragmode: false,
    xaxis: { automargin: true, nticks: 4, ticksuffix: scale.suffix, range, fixedrange: true },
    yaxis: {
      automargin: true, autorange: "reversed", fixedrange: true, showgrid: false, zeroline: false,
      tickvals: panel.series.map((_one, index) => index),
      ticktext: panel.series.map((one) => literal(short(nameOf(one)))),
    },
  };
}
function layout(hours, scale) {
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, hovermode: "x unified",
    margin: { l: 8, r: 8, t: 8, b: 8 }, font: { family: getComputedStyle(document.body).fontFamily, size: 11 },
    xaxis: {
      type: "date", automargin: true, nticks: 5, showgrid: false, hoverformat: "%Y-%m-%d %H:%M:%S UTC",
      ...(hours < 24 ? { tickformat: hours < 0.2 ? "%H:%M:%S" : "%H:%M" } : {}),
    },
    yaxis: { automargin: true, rangemode: "tozero", nticks: 5, ticksuffix: scale.suffix },
    // A finger scrolls the page, a mouse zooms the plot.
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
  };
}
function legend(panel, list) {
  if (panel.series.length === 1 && ["value", "{}"].includes(nameOf(panel.series[0]))) return;
  panel.series.slice(0, 6).forEach((one, index) => {
    const item = make("li");
    const swatch = make("span", "swatch");
    swatch.style.background = colour(index);
    item.append(swatch, nameOf(one));
    list.append(item);
  });
  if (panel.series.length > 6) list.append(make("li", "muted", `and ${panel.series.length - 6} more`));
}
function cell(name, text, scope) {
  const element = make(name, scope === "row" ? "" : "n", text);
  if (scope) element.scope = scope;
  return element;
}
function valuesTable(panel, scale) {
  const table = make("table");
  const head = table.createTHead().insertRow();
  head.append(cell("th", "Series", "row"), ...["Last", "Lowest", "Highest"].map((text) => cell("th", text, "col")));
  head.firstChild.scope = "col";
  const body = table.createTBody();
  for (const one of panel.series) {
    const sorted = present(one).sort((low, high) => low - high);
    const numbers = [last(one), sorted[0], sorted[sorted.length - 1]];
    body.insertRow().append(cell("th", nameOf(one), "row"), ...numbers.map((it) => cell("td", readable(it, scale))));
  }
  return table;
}
const ONE_NUMBER = ["stat", "singlestat", "gauge", "bargauge"];
const drawn = new Set();
function draw(element, panel, dashboard) {
  if (drawn.has(element)) return;
  drawn.add(element);
  const card = element.closest(".panel");
  const scale = scaleOf(panel);
  if (isOneMoment(panel)) element.style.height = `${Math.max(8, 3 + panel.series.length * 1.4)}rem`;
  const [traces, axes] = isOneMoment(panel)
    ? [bars(panel, scale), barsLayout(panel, scale)]
    : [panel.series.map((one, index) => trace(one, index, dashboard.times, scale)), layout(dashboard.hours, scale)];
  Plotly.newPlot(element, traces, axes, { displayModeBar: false, responsive: true });
  // The picture has its name on the outside; the pieces of it say nothing.
  all("svg", element).concat(all("#js-plotly-tester")).forEach((svg) => svg.setAttribute("aria-hidden", "true"));
  if (!isOneMoment(panel)) legend(panel, card.querySelector(".legend"));
  if (ONE_NUMBER.includes(panel.type) && panel.series.length === 1) {
    element.before(make("p", "latest", readable(last(panel.series[0]), scale)));
  }
  // Filled when somebody opens it.
  const values = card.querySelector(".values");
  values.addEventListener("toggle", () => values.append(valuesTable(panel, scale)), { once: true });
}
async function prepared(element) {
  try {
    const [dashboard] = await Promise.all([dashboardOf(element.dataset.dashboard), library()]);
    return () => draw(element, dashboard.panels[Number(element.dataset.panel)], dashboard);
  } catch (error) {
    return () => { element.textContent = `This browser cannot draw the plot: ${error.message}`; };
  }
}

// --- one plot in each frame, so that scrolling stays smooth
const queue = [];
function nextFrame() {
  queue.shift()?.();
  if (queue.length) requestAnimationFrame(nextFrame);
}
async function enqueue(element) {
  queue.push(await prepared(element));
  if (queue.length === 1) requestAnimationFrame(nextFrame);
}
const plots = all(".plot");
const canDraw = byId("library") !== null && "DecompressionStream" in window;
const observer = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((one) => one.isIntersecting)) {
    observer.unobserve(entry.target);
    enqueue(entry.target);
  }
}, { rootMargin: "400px" });
for (const element of plots) {
  if (canDraw) { observer.observe(element); continue; }
  element.classList.add("undrawn", "muted");
  element.textContent = byId("library") ? "This browser is too old to unpack plots." : "Not drawn, see above.";
}

// --- paper: everything unfolded, every plot drawn, as wide as half a sheet
const PAPER = { width: 320, height: 170 };
// Of many clusters only those that are unfolded are printed with their checks.
const FOLDED = "details.part:not(.cluster-part), details.dashboard, .incident details";
async function drawAll(tell) {
  const missing = canDraw ? plots.filter((element) => !drawn.has(element)) : [];
  for (const [index, element] of missing.entries()) {
    (await prepared(element))();
    tell(`Drawing ${index + 1} of ${missing.length}`);
    if (index % 5 === 4) await new Promise(requestAnimationFrame);
  }
}
addEventListener("beforeprint", () => {
  for (const one of all(FOLDED)) {
    one.dataset.was = one.open;
    one.open = true;
  }
  // Bars keep the height that their number needs.
  drawn.forEach((element) => Plotly.relayout(element, element.style.height ? { width: PAPER.width } : PAPER));
});
addEventListener("afterprint", () => {
  all("details[data-was]").forEach((one) => { one.open = one.dataset.was === "true"; });
  drawn.forEach((element) => Plotly.relayout(element, { width: null, height: null, autosize: true }));
});
byId("print").addEventListener("click", async () => {
  const button = byId("print");
  button.disabled = true;
  await drawAll((text) => { button.textContent = text; });
  button.disabled = false;
  button.textContent = "Print";
  print();
});
"""
