# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence of modules that asked a real Prometheus, in a real Chromium. Screenshots go to build/screenshots/."""

from __future__ import annotations

import json
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import Exporter, debian_prometheus, running, serving

pytest.importorskip("selenium", reason="needs selenium (scripts/bootstrap --dev)")
import chromium
from ansible_collections.argolab.observability.plugins.modules import (
    endpoint_checks,
    evidence,
    prometheus_query,
    prometheus_rules,
    prometheus_targets,
)
from ansible_collections.argolab.observability.tests.unit.plugins.fake_cluster import run_module
from chromium import LAPTOP, PHONE, Page
from selenium.webdriver.common.keys import Keys

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
SCHEMA = json.loads((ROOT / "docs" / "evidence.schema.json").read_text(encoding="utf-8"))
CONFIG = """
global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 300ms}}
rule_files: ["{folder}/rules.yml"]
scrape_configs:
  - {{job_name: healthy, static_configs: [{{targets: ["{exporter}"], labels: {{pod: a}}}}]}}
  - {{job_name: refused, static_configs: [{{targets: ["127.0.0.1:1"]}}]}}
"""
RULES = """
groups:
  - name: good
    rules: [{record: "job:up:sum", expr: sum by (job) (up)}, {alert: Down, expr: up == 0, for: 1h}]
  - name: broken
    rules: [{alert: ManyToMany, expr: up * on () up}]
"""
QUERIES = {
    "Targets up": ("up", "short"),
    "Memory": ("vector(268435456)", "bytes"),
    "Scrape duration": ("scrape_duration_seconds", "s"),
    "Nothing": ("absent_metric", "short"),
    "Wrong": ("sum(", "short"),
}


def range_query(url: str, expr: str, start: float, end: float, step: float) -> dict[str, Any]:
    query = urllib.parse.urlencode({"query": expr, "start": start, "end": end, "step": step})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/api/v1/query_range?{query}", timeout=30) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        with error:
            return dict(json.load(error))


def panel(title: str, unit: str, expr: str, answer: dict[str, Any], start: float, step: float) -> dict[str, Any]:
    """A panel as the contract of dashboard_panels has it."""
    series = []
    for one in answer.get("data", {}).get("result", []):
        values: list[float | None] = [None] * 20
        for when, value in one["values"]:
            values[round((when - start) / step)] = float(value)
        series.append({"name": json.dumps(one["metric"]), "values": values})
    outcome = "data" if series else "empty" if answer["status"] == "success" else "error"
    detail = answer.get("error", "")
    query = {"ref": "A", "expr": expr, "outcome": outcome, "detail": detail}
    return {
        "id": 1, "title": title, "row": "Prometheus", "type": "timeseries", "unit": unit, "outcome": outcome,
        "detail": detail, "queries": [query], "series": series, "more_series": 0,
    }  # fmt: skip


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Pages that the module wrote: failed, passed, and what it was given."""
    folder = tmp_path_factory.mktemp("evidence")
    (folder / "rules.yml").write_text(RULES)
    with serving(Exporter()) as exporter:
        config = CONFIG.format(folder=folder, exporter=exporter.address)
        with running(debian_prometheus(), folder, config) as address:
            url = f"http://{address}"
            ask = {"url": url, "wait_timeout": 20, "poll_interval": 0.2}
            healthy = run_module(prometheus_targets, expected=[{"job": "healthy"}], **ask)
            queries = [
                {"name": "memory", "expr": "up"},
                {"name": "later", "expr": "nothing", "required_when": "nothing"},
            ]
            metrics = run_module(prometheus_query, queries=queries, **ask)
            ask["wait_timeout"] = 2
            targets = run_module(prometheus_targets, expected=[{"job": "healthy"}, {"job": "refused"}], **ask)
            rules = run_module(prometheus_rules, all_healthy=True, expected=[{"rule": "Donw"}], **ask)
            name = "a-name-that-is-long-enough-to-need-some-room.prometheus.example.it"
            away = [{"name": name, "path": "/-/ready"}]
            endpoints = run_module(endpoint_checks, url="http://127.0.0.1:1", endpoints=away, wait_timeout=0)
            step, end = 0.5, time.time()
            start = end - 19 * step
            panels = [
                panel(title, unit, expr, range_query(url, expr, start, end, step), start, step)
                for title, (expr, unit) in QUERIES.items()
            ]
    # A table of Grafana's asks for one moment.
    now = [{**one, "values": [None] * 19 + one["values"][-1:]} for one in panels[0]["series"]]
    panels.append({**panels[0], "title": "Now", "type": "table", "series": now})
    plots = {"schema": 1, "start": start, "end": end, "step": step}
    dashboards = [{"uid": "a", "title": "Prometheus / Overview", "source": "file", "url": "", "panels": panels}]
    (folder / "plots.json").write_text(json.dumps({**plots, "dashboards": dashboards}))
    many = [{**panels[n % 3], "title": f"Panel {n}"} for n in range(600)]
    (folder / "many.json").write_text(json.dumps({**plots, "dashboards": [{"title": "Many", "panels": many}]}))
    cluster = {"context": "k3d-argolab", "kubeconfig": "/lab/argolab.kubeconfig", "version": "v1.37.2"}
    bad = [
        {"kind": "targets", "title": "Scrape targets", "result": targets},
        {"kind": "rules", "title": "Rules", "result": rules},
        {"kind": "metrics", "title": "Metrics", "result": metrics},
        {"kind": "names", "title": "Names", "skip": "names are off"},
        {"kind": "endpoints", "title": "HTTP", "result": endpoints},
    ]
    good = [{**bad[0], "result": healthy}, bad[2]]
    rows = [
        {"name": f"rule group-{n % 90}/Alert{n}", "ok": n % 400 != 7, "expected": "loaded", "observed": f"{n} healthy"}
        for n in range(2000)
    ]
    huge = [{"kind": "rules", "title": "Rules", "result": {"checks": rows}}]
    long = [{"kind": "rules", "title": "Rules", "result": {"checks": [{**row, "ok": True} for row in rows[:700]]}}]
    run_module(evidence, groups=long, cluster=cluster, path=str(folder / "long"))
    for name, groups, file in (("failed", bad, "plots"), ("passed", good, "plots"), ("huge", huge, "many")):
        run_module(
            evidence, groups=groups, cluster=cluster, path=str(folder / name), plots=[str(folder / f"{file}.json")]
        )
    yield {name: folder / name / "index.html" for name in ("failed", "passed", "huge", "long")}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium.chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


def rows(page: Page, part: int = 0, column: int = 1) -> list[str]:
    """One column of a table of checks, the rows that are shown, in their order."""
    return page.texts(f"#part-{part} tbody tr > :nth-child({column + 1})")


@pytest.mark.parametrize(
    ("name", "size", "dark"),
    [
        ("failed", LAPTOP, False),
        ("failed", LAPTOP, True),
        ("failed", PHONE, False),
        ("failed", PHONE, True),
        ("failed", (320, 640), False),
        ("passed", LAPTOP, False),
        ("passed", PHONE, True),
    ],
)
def test_the_first_screen_has_the_verdict_and_nothing_is_wider_than_it(
    browser: Page, pages: dict[str, Path], name: str, size: tuple[int, int], dark: bool
) -> None:
    browser.open(pages[name], size, dark)
    assert browser.texts("h1") == [name.title()]
    assert browser.js("return document.querySelector('h1').getBoundingClientRect().bottom") < size[1] / 2
    if name == "failed":
        assert browser.js("return document.querySelector('#failures h2').getBoundingClientRect().top") < size[1]
    assert browser.js("return [document.documentElement.scrollWidth <= innerWidth, innerWidth]") == [True, size[0]]
    browser.screenshot(SCREENSHOTS / f"{name}-{size[0]}-{'dark' if dark else 'light'}.png")
    browser.draw()
    assert browser.js("return document.documentElement.scrollWidth") <= size[0]
    browser.js("document.querySelector('#panels').scrollIntoView({behavior: 'instant'})")
    browser.screenshot(SCREENSHOTS / f"{name}-{size[0]}-{'dark' if dark else 'light'}-panels.png")


def test_nothing_is_asked_of_a_network_and_nothing_is_wrong_in_the_console(
    browser: Page, pages: dict[str, Path]
) -> None:
    browser.open(pages["failed"])
    browser.draw()
    browser.keys("t")
    for summary in ("#keys", ".queries", ".values"):
        browser.click(f"{summary} summary")
    assert browser.logged("browser") == []
    asked = browser.requests()
    assert pages["failed"].as_uri() in asked
    assert [url for url in asked if url != pages["failed"].as_uri() and not url.startswith("data:")] == []


def test_what_failed_is_told_with_the_reason_and_the_command(browser: Page, pages: dict[str, Path]) -> None:
    said = json.loads((pages["failed"].parent / "evidence.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(SCHEMA).validate(said)
    browser.open(pages["failed"])
    incidents = browser.texts(".incident")
    assert 0 < len(incidents) <= len(said["failures"])
    for failure in said["failures"]:
        assert any(failure["name"] in text for text in incidents)
    assert "connection refused" in " ".join(incidents)
    assert "Did you mean Down" in " ".join(incidents)
    assert browser.texts(".incident .command code") == [one["next"] for one in said["failures"] if one["next"]]
    assert browser.texts(".incident .command code")[0].startswith("curl -i -H 'Host: a-name")
    assert browser.texts("#part-3 tbody tr")[0].endswith("names are off")


def test_a_command_is_copied_as_it_is(browser: Page, pages: dict[str, Path], tmp_path: Path) -> None:
    check = {"name": "a", "ok": False, "next": "kubectl -n 'a b' get x | grep \"<y>\" && echo $Z"}
    run_module(evidence, groups=[{"kind": "x", "title": "X", "result": {"checks": [check]}}], path=str(tmp_path))
    browser.open(tmp_path / "index.html")
    browser.cdp("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    browser.mouse(".incident .command button")
    browser.wait("return document.querySelector('#say').textContent === 'Command copied'")
    read = "const done = arguments[0]; navigator.clipboard.readText().then(done, (e) => done(String(e)))"
    assert browser.driver.execute_async_script(read) == check["next"]


def test_tables_sort_by_mouse_and_by_keyboard(browser: Page, pages: dict[str, Path]) -> None:
    browser.open(pages["failed"])
    head = "#part-1 thead th:nth-child(2)"
    button = browser.driver.find_element("css selector", f"{head} button")
    before = rows(browser, 1)
    assert len(before) > 2
    browser.mouse(f"{head} button")
    assert browser.js(f"return document.querySelector('{head}').getAttribute('aria-sort')") == "ascending"
    assert rows(browser, 1) == sorted(before, key=str.lower)
    button.send_keys(Keys.ENTER)
    assert browser.js(f"return document.querySelector('{head}').getAttribute('aria-sort')") == "descending"
    assert rows(browser, 1) == sorted(before, key=str.lower, reverse=True)
    browser.driver.find_element("css selector", "#part-1 thead th:nth-child(1) button").send_keys(Keys.SPACE)
    outcomes = [text.split()[-1] for text in rows(browser, 1, 0)]
    assert outcomes == sorted(outcomes, key=["failed", "pending", "skipped", "passed"].index)
    assert browser.js("return document.querySelectorAll('#part-1 [aria-sort]').length") == 1


def test_numbers_sort_as_numbers(browser: Page, pages: dict[str, Path]) -> None:
    browser.open(pages["huge"])
    browser.click("#part-0 thead th:nth-child(4) button")
    seen = [int(text.split()[0]) for text in rows(browser, 0, 3)]
    assert seen == list(range(2000))


def test_tables_filter_by_text_and_by_outcome(browser: Page, pages: dict[str, Path]) -> None:
    browser.open(pages["failed"])
    everything = len(browser.texts(".checks tbody tr"))
    browser.keys("/")
    browser.keys("job refused connection")
    assert browser.texts(".checks tbody tr > :nth-child(2)") == ["target job refused"]
    assert browser.texts("#checks .shown") == [f"1 of {everything} shown"]
    assert browser.texts(".part summary h3") == ["Scrape targets"]
    browser.keys(Keys.ESCAPE)
    assert len(browser.texts(".checks tbody tr")) == everything
    browser.mouse(".chip[data-state=pending]")
    assert [text.split()[-1] for text in browser.texts(".checks tbody tr > :first-child")] == ["pending"]
    browser.driver.find_element("css selector", ".chip[data-state=skipped]").send_keys(Keys.SPACE)
    assert len(browser.texts(".checks tbody tr")) == 2
    browser.driver.find_element("css selector", "#find-panels").send_keys("vector(2")
    assert browser.texts(".panel > header > :first-child") == ["Memory"]


def test_everything_can_be_done_with_keys(browser: Page, pages: dict[str, Path]) -> None:
    focused = "return document.activeElement.id || document.activeElement.className"
    browser.open(pages["failed"])
    browser.keys(Keys.TAB)
    assert browser.texts(":focus") == ["Skip to the verdict"]
    browser.keys(Keys.ENTER)
    browser.wait("return document.activeElement.id === 'main'")
    browser.keys("n")
    assert browser.js("return document.activeElement.getAttribute('aria-labelledby')") == "incident-1"
    browser.keys("n")
    assert browser.js("return document.activeElement.getAttribute('aria-labelledby')") == "incident-2"
    browser.keys("p")
    assert browser.js("return document.activeElement.getAttribute('aria-labelledby')") == "incident-1"
    browser.keys("f")
    assert {text.split()[-1] for text in browser.texts(".checks tbody tr > :first-child")} == {"failed"}
    browser.keys("f")
    assert len({text.split()[-1] for text in browser.texts(".checks tbody tr > :first-child")}) > 1
    browser.keys("?")
    assert browser.js("return document.querySelector('#keys').open && document.activeElement.tagName") == "SUMMARY"
    # Every letter that is a key is documented on the page, and they can be switched off.
    assert set(browser.texts("#keys kbd")) == {"/", "Esc", "f", "n", "p", "t", "?", "Tab", "Enter"}
    browser.click("#single-keys")
    browser.keys("/")
    assert browser.js(focused) != "find-checks"
    browser.click("#single-keys")


def test_the_order_of_focus_is_that_of_the_page(browser: Page, pages: dict[str, Path]) -> None:
    browser.open(pages["failed"])
    tops = []
    for _step in range(25):
        browser.keys(Keys.TAB)
        place = "const r = document.activeElement.getBoundingClientRect(); return [document.activeElement.tagName, "
        place += "document.activeElement.closest('.bar, .skip') ? -1 : r.top + scrollY, r.width * r.height]"
        name, top, area = browser.js(place)
        assert name in ("A", "BUTTON", "INPUT", "SUMMARY") and area > 0
        tops.append(top)
    assert tops == sorted(tops, key=lambda top: round(top / 60))


def colours(page: Page) -> list[str]:
    return list(page.js("const s = getComputedStyle(document.body); return [s.color, s.backgroundColor]"))


@pytest.mark.parametrize("name", ["failed", "passed"])
def test_light_and_dark_differ_and_can_be_read(browser: Page, pages: dict[str, Path], name: str) -> None:
    seen = []
    for dark in (False, True):
        browser.open(pages[name], dark=dark)
        browser.draw()
        browser.js("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        browser.click(".chip")
        seen.append(colours(browser))
        contrasts = browser.contrasts()
        assert len(contrasts) > 100
        assert [one for one in contrasts if one[0] < 4.5] == []
    assert seen[0][0] != seen[1][0] and seen[0][1] != seen[1][1]


def test_the_button_turns_light_and_dark_and_plots_follow(browser: Page, pages: dict[str, Path]) -> None:
    browser.open(pages["failed"])
    browser.draw()
    fill = "return getComputedStyle(document.querySelector('.plot .xtick text')).fill"
    before, plot = colours(browser), browser.js(fill)
    browser.click("#theme")
    assert colours(browser) != before and browser.js(fill) != plot
    browser.keys("t")
    assert (colours(browser), browser.js(fill)) == (before, plot)


def test_each_panel_with_data_is_drawn_with_its_lines_and_values(browser: Page, pages: dict[str, Path]) -> None:
    browser.open(pages["failed"])
    browser.draw()
    assert browser.texts(".panel > header > :first-child") == [*QUERIES, "Now"]
    plots = json.loads((pages["failed"].parent.parent / "plots.json").read_text())["dashboards"][0]["panels"]
    expected = [0 if one["title"] == "Now" else len(one["series"]) for one in plots if one["series"]]
    assert expected == [2, 1, 2, 0]
    script = """return [...document.querySelectorAll('.plot')].map((plot) =>
        [...plot.querySelectorAll('path.js-line')].filter((line) => line.getBBox().width > 50).length)"""
    assert browser.js(script) == expected
    assert browser.js("return document.querySelectorAll('.panel[data-state=empty] svg').length") == 0
    bars = "return [...document.querySelectorAll('.plot .barlayer .point text')].map((one) => one.textContent)"
    assert sorted(browser.js(bars)) == ["0", "1"]
    ticks = [" ".join(browser.texts(f"[data-panel='{number}'] .ytick text")) for number in (1, 2)]
    assert re.search(r"\d (K|M)iB", ticks[0]) and re.search(r"\d m?s", ticks[1])
    browser.mouse(".values summary")
    browser.wait("return document.querySelector('.values table') !== null")
    table = browser.js(
        "return [...document.querySelectorAll('.values table')[0].rows].map((r) => r.cells[1].textContent)"
    )
    assert table == ["Last", *(f"{int(one['values'][-1])}" for one in plots[0]["series"])]


def test_a_large_run_draws_what_is_looked_at(browser: Page, pages: dict[str, Path]) -> None:
    assert pages["huge"].stat().st_size < 5_000_000
    browser.open(pages["huge"])
    assert browser.texts("#checks .shown") == ["2000 in all"]
    assert browser.js("return document.querySelectorAll('.plot svg').length") == 0
    browser.js("document.querySelectorAll('.plot')[300].scrollIntoView({behavior: 'instant'})")
    browser.wait("return document.querySelectorAll('.plot')[300].querySelector('svg.main-svg') !== null")
    assert browser.js("return document.querySelectorAll('.plot:has(svg)').length") < 60
    browser.keys("f")
    assert len(browser.texts(".checks tbody tr")) == 5


def sheets(content: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", content))


def test_paper_is_light_and_has_everything(browser: Page, pages: dict[str, Path]) -> None:
    browser.open(pages["long"], dark=True)
    # Without a failure the long table is folded; what is folded, filtered or both is printed.
    assert not browser.js("return document.querySelector('#part-0').open")
    browser.keys("/")
    browser.keys("Alert699")
    browser.js("document.querySelectorAll('details').forEach((d) => { d.open = false; })")
    dark = colours(browser)
    browser.media("print", dark=True)
    assert colours(browser) != dark
    assert colours(browser)[1] == "rgb(255, 255, 255)"
    assert browser.contrasts()[0][0] >= 4.5
    browser.media(dark=True)
    assert sheets(browser.pdf()) > 10
    browser.open(pages["long"], scripts=False)
    try:
        assert sheets(browser.pdf()) > 10
    finally:
        browser.cdp("Emulation.setScriptExecutionDisabled", value=False)


def test_the_print_button_draws_what_nobody_has_seen_yet(browser: Page, pages: dict[str, Path]) -> None:
    browser.open(pages["failed"])
    browser.js("window.print = () => { window.printed = document.querySelectorAll('.plot svg.main-svg').length; }")
    browser.click("#print")
    assert browser.wait("return window.printed") >= 3
    (SCREENSHOTS / "failed.pdf").write_bytes(browser.pdf())


def test_without_javascript_it_can_be_read(browser: Page, pages: dict[str, Path]) -> None:
    browser.open(pages["failed"], scripts=False)
    try:
        shown = browser.driver.find_element("css selector", "body").text
        for text in ("Failed", "connection refused", "Did you mean Down", "Plots need JavaScript", "names are off"):
            assert text in shown
        for needless in ("Copy", "Print", "Filter checks"):
            assert needless not in shown
    finally:
        browser.cdp("Emulation.setScriptExecutionDisabled", value=False)


HOSTILE = (
    '<script>window.pwned=1</script></script><img src=x onerror=window.pwned=1>" onmouseover="window.pwned=1" '
    "'><svg onload=window.pwned=1> ]]> \u2028\u2029 </title></style><b>bold</b> {{constructor}} ${window.pwned=1} "
    "javascript:window.pwned=1 &lt;i&gt; --> \\u003cscript\\u003e"
)


def test_nothing_that_comes_from_a_cluster_is_run(browser: Page, tmp_path: Path) -> None:
    texts = ("name", "expected", "observed", "detail", "cause", "next", "subject")
    bad = {**dict.fromkeys(texts, HOSTILE), "ok": False}
    shown = {
        **dict.fromkeys(("title", "row", "type", "unit", "detail"), HOSTILE), "outcome": "data",
        "queries": [{"ref": HOSTILE, "expr": HOSTILE, "outcome": "data", "detail": HOSTILE}],
        "series": [{"name": HOSTILE, "values": [1, 2, 3]}, {"name": "<b>two</b>", "values": [3, 2, 1]}],
    }  # fmt: skip
    board = {**dict.fromkeys(("uid", "title", "source", "url"), HOSTILE), "panels": [shown]}
    content = {"schema": 1, "start": 1e9, "step": 15, "dashboards": [board]}
    (tmp_path / "plots.json").write_text(json.dumps(content))
    groups = [
        {"kind": "targets", "title": HOSTILE, "result": {"checks": [bad, {**bad, "name": HOSTILE * 2}]}},
        {"kind": "rules", "title": HOSTILE, "result": {"msg": HOSTILE}},
        {"kind": "names", "title": HOSTILE, "skip": HOSTILE},
        {"kind": "none", "title": HOSTILE, "result": {}},
    ]
    run_module(
        evidence, groups=groups, cluster={"context": HOSTILE, HOSTILE: HOSTILE, "nodes": [HOSTILE],
                                          "kubeconfig": HOSTILE},
        path=str(tmp_path), plots=[str(tmp_path / "plots.json"), str(tmp_path / HOSTILE.replace("/", "_"))],
    )  # fmt: skip
    browser.open(tmp_path / "index.html")
    browser.draw()
    browser.js("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    browser.click("thead th button")
    browser.click(".command button")
    browser.keys("/")
    browser.keys("<script>")
    # The library shows names when the mouse is over a plot.
    points = "[0, 1].map((n) => ({curveNumber: n, pointNumber: 1}))"
    browser.js(f"Plotly.Fx.hover(document.querySelector('.plot'), {points})")
    hovered = browser.wait("return document.querySelector('.hoverlayer').textContent")
    assert "<b>two</b>" in hovered and "<script>" in hovered
    assert browser.js("return window.pwned ?? null") is None
    planted = "return [...document.querySelectorAll('main :is(b, img, i, [onload], [onmouseover], [onerror])')]"
    planted += ".filter((e) => !e.closest('.numbers, .nothing, svg')).length"
    assert browser.js(planted) == 0
    assert browser.js("return [...document.scripts].filter((s) => s.textContent.includes('pwned')).length") == 0
    assert browser.logged("browser") == []
    assert HOSTILE.partition("\u2028")[0].strip() in browser.texts(".incident h3")[0]


def test_the_policy_of_the_page_stops_what_would_get_through(browser: Page, pages: dict[str, Path]) -> None:
    """The second line of defence: even an element that was planted runs nothing and asks nothing."""
    browser.open(pages["failed"])
    plant = "document.body.insertAdjacentHTML('beforeend', '<img src=//x.example onerror=window.pwned=1>');"
    plant += "const s = document.createElement('script'); s.textContent = 'window.pwned=1'; document.body.append(s);"
    browser.js(plant)
    refused = chromium.until(lambda: browser.logged("browser"), 10, "the console tells what was refused")
    assert "Content Security Policy" in str(refused)
    assert browser.js("return window.pwned ?? null") is None
    assert not [url for url in browser.requests() if "x.example" in url and not url.startswith("file:")]


def test_everything_has_a_name_for_assistive_technology(browser: Page, pages: dict[str, Path]) -> None:
    for size in (LAPTOP, PHONE):
        browser.open(pages["failed"], size)
        browser.draw()
        nodes = [one for one in browser.cdp("Accessibility.getFullAXTree")["nodes"] if not one["ignored"]]
        roles = [one["role"]["value"] for one in nodes]
        named = ("button", "link", "searchbox", "checkbox", "table", "image")
        nameless = [
            (role, browser.cdp("DOM.describeNode", backendNodeId=one["backendDOMNodeId"])["node"].get("attributes"))
            for role, one in zip(roles, nodes)
            if role in named and not one.get("name", {}).get("value")
        ]
        assert nameless == []
        assert {
            "main",
            "banner",
            "navigation",
            "table",
            "columnheader",
            "rowheader",
            "cell",
            "search",
            "status",
        } <= set(roles)
    levels = browser.js("return [...document.querySelectorAll('h1,h2,h3,h4,h5')].map((h) => Number(h.tagName[1]))")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:]))
