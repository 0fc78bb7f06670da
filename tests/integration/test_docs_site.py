# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation's site in a real Chromium, from the disk and without a network."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.argolab.observability.tests.integration.chromium import LAPTOP, PHONE, Page, chromium

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "build" / "site"
SCREENSHOTS = ROOT / "build" / "screenshots" / "docs"
PAGES = (
    "index.html",
    "docs/start.html",
    "docs/troubleshooting.html",
    "docs/architecture.html",
    "reference/scrape_coverage_module.html",
)


@pytest.fixture(scope="module")
def site() -> Path:
    """Built by tests/docs a moment ago, or here where it is older than what it is made from."""
    sources = [
        path
        for folder in ("docs", "roles", "plugins/modules")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".md", ".py", ".yml")
    ]
    built = SITE / "index.html"
    if not built.exists() or built.stat().st_mtime < max(path.stat().st_mtime for path in sources):
        subprocess.run([sys.executable, "scripts/build_docs.py"], cwd=ROOT, check=True)
    return SITE


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    ("size", "dark"), [(LAPTOP, False), (LAPTOP, True), (PHONE, False)], ids=["light", "dark", "phone"]
)
def test_pages_can_be_read(site: Path, page: Page, path: str, size: tuple[int, int], dark: bool) -> None:
    page.open(site / path, size, dark)
    kind = "phone" if size == PHONE else "dark" if dark else "light"
    page.screenshot(SCREENSHOTS / f"{path.rsplit('/', 1)[-1].removesuffix('.html')}-{kind}.png")
    assert [url for url in page.requests() if not url.startswith(("file:", "data:"))] == []
    assert [entry for entry in page.logged("browser") if entry["level"] == "SEVERE"] == []
    # Nothing makes the page itself wider than the screen; tables and the drawing scroll in their own place.
    assert page.js("return document.documentElement.scrollWidth") <= size[0]
    ratio, what = next((one for one in page.contrasts() if one[0] < 3), (3, ""))
    assert ratio >= 3, what


def test_navigation_leads_through_the_site(site: Path, page: Page) -> None:
    page.open(site / "index.html")
    names = page.texts(".sidebar-tree a")
    for name in ("Start in five minutes", "Troubleshooting by symptom", "Own dashboards", "Architecture", "Security"):
        assert name in names
    page.js(
        "[...document.querySelectorAll('.sidebar-tree a')].find((a) => a.text.startsWith('Troubleshooting')).click()"
    )
    page.wait("return document.querySelector('h1')?.textContent.startsWith('Troubleshooting')")
    page.js("[...document.querySelectorAll('.toc-tree a')].find((a) => a.textContent === 'no_endpoints').click()")
    page.wait("return document.querySelector(':target') !== null")


def test_a_reference_of_a_failure_leads_to_its_heading(site: Path, page: Page) -> None:
    page.driver.get(f"{(site / 'docs' / 'troubleshooting.html').as_uri()}#no_endpoints")
    # It scrolls once the page is laid out.
    page.wait(
        "const top = document.querySelector(':target')?.getBoundingClientRect().top;"
        "return top !== undefined && top > -2 && top < innerHeight"
    )
    assert page.js(
        "return document.querySelector(':target').closest('section').querySelector('h3').textContent"
    ).startswith("no_endpoints")


def test_search_finds_a_cause_and_a_module(site: Path, page: Page) -> None:
    for words, wanted in (
        ("scaled_to_zero", "docs/troubleshooting.html"),
        ("dashboard_panels", "reference/dashboard_panels_module.html"),
    ):
        page.open(site / "index.html")
        page.js("document.querySelector('.sidebar-search').value = arguments[0]", words)
        page.js("document.querySelector('.sidebar-search').form.submit()")
        found = page.wait(
            "return [...document.querySelectorAll('#search-results a')].map((a) => a.getAttribute('href')).join(' ')"
        )
        assert wanted in found


def test_on_a_phone_the_navigation_opens(site: Path, page: Page) -> None:
    page.open(site / "docs" / "start.html", PHONE)
    drawer = "return document.querySelector('.sidebar-drawer').getBoundingClientRect().left >= 0"
    assert not page.js(drawer)
    page.js("document.querySelector('label[for=__navigation]').click()")
    page.wait(drawer)


def test_light_and_dark_by_the_button(site: Path, page: Page) -> None:
    page.open(site / "docs" / "architecture.html")
    before = page.js("return getComputedStyle(document.querySelector('.drawing .title')).fill")
    for _time in range(3):
        page.js("document.querySelector('.theme-toggle-container button, .theme-toggle').click()")
        if page.js("return document.body.dataset.theme") == "dark":
            break
    assert page.js("return document.body.dataset.theme") == "dark"
    page.wait(f"return getComputedStyle(document.querySelector('.drawing .title')).fill !== '{before}'")
