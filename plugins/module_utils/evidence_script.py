# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the evidence page can do beyond being read: sort, filter, copy, keys, light and dark, plots."""

from __future__ import annotations

from ansible_collections.argolab.observability.plugins.module_utils.evidence_draw import PLOTS

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
if (matchMedia("screen and (max-width: 48rem)").matches) {
  const roles = { table: "table", tbody: "rowgroup", tr: "row", td: "cell", "tbody th": "rowheader" };
  for (const [selector, role] of Object.entries(roles)) {
    all(`.sortable ${selector}, ${selector}.sortable`).forEach((element) => element.setAttribute("role", role));
  }
}

// --- filters: text and outcomes, for the checks and for the panels
const isPressed = (chip) => chip.getAttribute("aria-pressed") === "true";
const scopes = all(".scope").map((scope) => {
  const items = all(".checks tbody tr, .panel", scope);
  const texts = new Map();
  const search = scope.querySelector("input[type=search]");
  const chips = all(".chip", scope);
  // Where there are many clusters, one of them can be chosen.
  const only = scope.querySelector("select");
  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const states = chips.filter(isPressed).map((chip) => chip.dataset.state);
    let shown = 0;
    for (const item of items) {
      if (!texts.has(item)) texts.set(item, item.textContent.toLowerCase());
      const wanted = !states.length || states.includes(item.dataset.state);
      const there = !only?.value || item.closest(".cluster-part").id === only.value;
      const fits = wanted && there && words.every((word) => texts.get(item).includes(word));
      item.classList.toggle("filtered", !fits);
      shown += fits ? 1 : 0;
    }
    const active = words.length > 0 || states.length > 0 || Boolean(only?.value);
    for (const part of all(".part, .dashboard, .panel-row", scope)) {
      const some = part.querySelector("[data-state]:not(.filtered):not(.chip)") !== null;
      part.classList.toggle("filtered", active && !some);
      if (active && some && part.tagName === "DETAILS") part.open = true;
    }
    scope.querySelector(".shown").textContent = active ? `${shown} of ${items.length} shown` : `${items.length} in all`;
  };
  search?.addEventListener("input", apply);
  only?.addEventListener("change", apply);
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", String(!isPressed(chip)));
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
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const darkNow = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : prefersDark.matches;
};
function showTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  byId("theme").textContent = darkNow() ? "Light" : "Dark";
}
function toggleTheme() {
  showTheme(darkNow() ? "light" : "dark");
  stored("theme", darkNow() ? "dark" : "light");
}
showTheme(["light", "dark"].includes(stored("theme")) ? stored("theme") : null);
prefersDark.addEventListener("change", () => showTheme(null));
byId("theme").addEventListener("click", toggleTheme);

// --- how long ago
const age = (Date.now() - Date.parse(document.querySelector("time").dateTime)) / 1000;
const unit = [["day", 86400], ["hour", 3600], ["minute", 60]].find((one) => age >= one[1]);
const relative = new Intl.RelativeTimeFormat("en");
if (unit) byId("ago").textContent = `, ${relative.format(-Math.floor(age / unit[1]), unit[0])}`;

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
  const bad = ["failed", "error", "empty"];
  const wanted = scopes.flatMap((scope) => scope.chips).filter((chip) => bad.includes(chip.dataset.state));
  const on = !wanted.every(isPressed);
  if (!wanted.length) return say("Nothing failed");
  wanted.forEach((chip) => chip.setAttribute("aria-pressed", String(on)));
  scopes.forEach((scope) => scope.apply());
  say(on ? "Only what failed is shown" : "Everything is shown");
}
function showKeys() {
  byId("keys").open = true;
  byId("keys").querySelector("summary").focus();
}
const keys = {
  "/": () => scopes[0].search.focus(),
  f: onlyFailed,
  n: () => toFailure(1),
  p: () => toFailure(current < 0 ? 0 : -1),
  t: toggleTheme,
  "?": showKeys,
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
all('a[href="#keys"]').forEach((link) => link.addEventListener("click", showKeys));
function openTarget() {
  const target = /^#(part|dashboard|cluster)-\d+$/.test(location.hash) ? byId(location.hash.slice(1)) : null;
  if (target) target.open = true;
}
addEventListener("hashchange", openTarget);
openTarget();
"""

SCRIPT = f"\n(() => {{{TABLES}{PLOTS}}})();\n"
