# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of many clusters in a real Chromium. Screenshots go to build/screenshots/."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("selenium", reason="needs selenium (scripts/bootstrap --dev)")
import chromium
from ansible_collections.argolab.observability.plugins.module_utils.evidence import gather
from ansible_collections.argolab.observability.plugins.modules import fleet_evidence
from ansible_collections.argolab.observability.tests.unit.plugins.fake_cluster import run_module
from chromium import LAPTOP, PHONE, Page
from selenium.webdriver.support.select import Select

SCREENSHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"
WHEN = "2026-01-01T00:00:00Z"
HOSTS = [f"prod-{number:02d}" for number in range(20)]
BAD = {
    "name": "scrape chain serviceMonitor/argocd/argocd-server/0", "ok": False, "expected": "targets",
    "observed": "none", "detail": "the selector app=x matches no Service", "cause": "selector_matches_nothing",
    "next": "kubectl -n argocd get services --show-labels",
}  # fmt: skip


def cluster(name: str, place: int) -> dict[str, Any]:
    """One with 200 checks in two parts; two of them fail for the same reason, one has proved only a part."""
    healthy = {"ok": True, "expected": "loaded", "observed": "healthy"}
    rows = [{**healthy, "name": f"rule Alert{n} of {name}"} for n in range(190)]
    targets = [{"name": f"target {n}", "ok": True, "expected": "up", "observed": "up"} for n in range(10)]
    if place in (3, 7):
        targets[0] = {**BAD, "next": f"{BAD['next']} --context {name}"}
    groups = [
        {"kind": "targets", "title": "Scrape targets", "result": {"checks": [] if place == 9 else targets}},
        {"kind": "rules", "title": "Rules", "result": {"checks": rows, "waited": 0.4}},
    ]
    facts = {"context": name, "kubeconfig": "/kube/config", "nodes": ["n-1", "n-2"], "version": "v1.33.1"}
    return {"name": name, "evidence": gather(groups, facts, WHEN)}


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fleet") / "evidence"
    clusters = [cluster(name, place) for place, name in enumerate(HOSTS) if place != 12]
    said = run_module(fleet_evidence, hosts=HOSTS, clusters=clusters, path=str(folder), next="verify --limit {host}")
    assert said["verdicts"] == {"passed": 16, "incomplete": 1, "failed": 3, "total": 20}
    return folder / "index.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium.chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.mark.parametrize(("size", "dark"), [(LAPTOP, False), (LAPTOP, True), (PHONE, False), (PHONE, True)])
def test_the_first_screen_has_the_verdict_and_then_each_cluster(
    browser: Page, page_file: Path, size: tuple[int, int], dark: bool
) -> None:
    browser.open(page_file, size, dark)
    assert browser.texts("h1") == ["Failed"]
    assert browser.texts(".numbers li") == ["✕3 failed", "!1 incomplete", "✓16 passed"]
    names = browser.texts("#clusters tbody th")
    # What needs attention comes first.
    assert names[:4] == ["prod-03", "prod-07", "prod-12", "prod-09"] and sorted(names) == HOSTS
    assert "Scrape targets: nothing was checked" in browser.texts("#clusters tbody tr:nth-child(4) td")
    assert browser.js("return document.querySelector('#clusters h2').getBoundingClientRect().top") < size[1]
    assert browser.js("return document.documentElement.scrollWidth <= innerWidth")
    assert [one for one in browser.contrasts() if one[0] < 4.5] == []
    name = f"fleet-{size[0]}-{'dark' if dark else 'light'}"
    browser.screenshot(SCREENSHOTS / f"{name}.png")
    browser.js("document.querySelector('#failures').scrollIntoView({behavior: 'instant'})")
    browser.screenshot(SCREENSHOTS / f"{name}-failures.png")
    assert browser.logged("browser") == []


def test_a_reason_is_told_once_with_its_clusters_and_a_command_for_each(browser: Page, page_file: Path) -> None:
    browser.open(page_file)
    assert browser.texts(".incident h3") == [BAD["name"], "Verification"]
    assert browser.texts(".incident .where li") == ["prod-03", "prod-07", "prod-12"]
    browser.click(".incident details summary")
    commands = browser.texts(".incident .command code")
    assert commands == [
        *(f"KUBECONFIG=/kube/config {BAD['next']} --context {name}" for name in ("prod-03", "prod-07")),
        "verify --limit prod-12",
    ]
    browser.keys("n")
    assert browser.js("return document.activeElement.getAttribute('aria-labelledby')") == "incident-1"


def test_the_checks_of_one_cluster_can_be_chosen(browser: Page, page_file: Path) -> None:
    browser.open(page_file)
    assert len(browser.texts(".cluster-part > summary h3")) == 20
    choice = Select(browser.driver.find_element("css selector", "#only-cluster"))
    choice.select_by_visible_text("prod-07")
    assert browser.texts(".cluster-part > summary h3") == ["prod-07"]
    assert len(browser.texts("#checks tbody tr")) == 200
    browser.driver.find_element("css selector", "#find-checks").send_keys("alert18")
    assert browser.texts("#checks tbody tr > th") == [f"rule Alert{n} of prod-07" for n in (18, *range(180, 190))]
    assert browser.texts("#checks .shown") == ["11 of 3791 shown"]
    choice.select_by_visible_text("All clusters")
    assert len(browser.texts("#checks tbody tr")) == 11 * 19
    browser.open(page_file)
    browser.keys("f")
    assert browser.texts(".cluster-part > summary h3") == ["prod-03", "prod-07", "prod-12"]
    browser.open(page_file)
    browser.click("#clusters tbody tr:nth-child(4) th a")
    browser.wait("return document.querySelector('#cluster-9').open")
    assert "Scrape targets: nothing was checked." in browser.texts("#cluster-9 .nothing")


def test_paper_has_the_clusters_that_are_unfolded(browser: Page, page_file: Path) -> None:
    def sheets() -> int:
        return len(re.findall(rb"/Type\s*/Page\b", browser.pdf()))

    browser.open(page_file, dark=True)
    browser.media(dark=True)
    few = sheets()
    browser.js("document.querySelectorAll('.cluster-part').forEach((part) => { part.open = true; })")
    assert 3 < few < 30 < sheets()


def test_without_javascript_it_can_be_read(browser: Page, page_file: Path) -> None:
    browser.open(page_file, scripts=False)
    try:
        shown = browser.driver.find_element("css selector", "body").text
        for text in ("prod-19", "the selector app=x matches no Service", "no evidence of this cluster"):
            assert text in shown
        assert "All clusters" not in shown
    finally:
        browser.cdp("Emulation.setScriptExecutionDisabled", value=False)
