# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Chromium without a window, and what tests want to know of a page in it."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import ElementClickInterceptedException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains

PROGRAMS = (Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver"))
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-component-update",
    "--disable-background-networking", "--disable-sync", "--disable-dev-shm-usage",
    # A page that asks for anything gets nothing, and the test sees the question.
    "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip
LAPTOP, PHONE = (1366, 768), (390, 844)

# Every element that shows text of its own, with the colour of the text and of what is really behind it.
CONTRASTS = r"""
const parse = (text) => {
  const numbers = text.match(/[\d.e-]+/g).map(Number);
  const scale = text.startsWith("color(") ? 255 : 1;
  return [...numbers.slice(0, 3).map((n) => n * scale), numbers[3] ?? 1];
};
const over = (top, below) => top.slice(0, 3).map((n, i) => n * top[3] + below[i] * (1 - top[3])).concat(1);
const light = ([r, g, b]) => {
  const linear = [r, g, b].map((n) => n / 255).map((n) => (n <= 0.04045 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
};
const behind = (element) => {
  const layers = [];
  for (let at = element; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
  return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
};
const ratio = (one, other) => {
  const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
};
const found = [];
for (const element of document.body.querySelectorAll("*")) {
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  const input = element.matches("input[type=search]");
  if ((!own && !input) || element.closest(".unseen, script")) continue;
  if (!element.checkVisibility({ visibilityProperty: true })) continue;
  const style = input ? getComputedStyle(element, "::placeholder") : getComputedStyle(element);
  const colour = element.closest("svg") ? style.fill : style.color;
  const ground = behind(element.closest("svg")?.parentElement ?? element);
  const name = `${element.tagName}.${element.className.baseVal ?? element.className}`;
  const what = `${name}: ${element.textContent.slice(0, 40)}`;
  found.push({ what, ratio: ratio(over(parse(colour), ground), ground) });
}
for (const swatch of document.querySelectorAll(".swatch")) {
  const ground = behind(swatch.parentElement);
  // Lines need 3:1, texts 4.5:1.
  found.push({ what: "line", ratio: 1.5 * ratio(parse(getComputedStyle(swatch).backgroundColor), ground) });
}
return found;
"""


class Page:
    """One page after the other in one browser."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver
        self.folder: Path | None = None

    def open(self, path: Path, size: tuple[int, int] = LAPTOP, dark: bool = False, scripts: bool = True) -> Page:
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.cdp("Emulation.setDeviceMetricsOverride", **metrics)
        self.cdp("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.media(dark=dark)
        self.driver.get("about:blank")
        # What an earlier page remembers, light or dark, is not this test's.
        self.cdp("Storage.clearDataForOrigin", origin="file://", storageTypes="local_storage")
        self.logged("performance"), self.logged("browser")
        self.driver.get(path.as_uri())
        return self

    def media(self, kind: str = "", dark: bool = False) -> None:
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            # What scrolls smoothly is still on its way when the next key is pressed.
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.cdp("Emulation.setEmulatedMedia", media=kind, features=features)

    def cdp(self, command: str, **parameters: Any) -> Any:
        return self.driver.execute_cdp_cmd(command, parameters)

    def js(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def keys(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    def texts(self, selector: str, visible: bool = True) -> list[str]:
        """The text of every such element, by default only of those that are shown."""
        return list(
            self.js(
                "return [...document.querySelectorAll(arguments[0])]"
                ".filter((e) => !arguments[1] || e.checkVisibility())"
                ".map((e) => e.textContent.trim())",
                selector,
                visible,
            )
        )

    def click(self, selector: str) -> None:
        self.js("document.querySelector(arguments[0]).click()", selector)

    def mouse(self, selector: str) -> None:
        """A click where the mouse finds the element: not while the page still moves it below what stays on top."""

        def clicked() -> bool:
            middle = "{block: 'center', behavior: 'instant'}"
            self.js(f"document.querySelector(arguments[0]).scrollIntoView({middle})", selector)
            try:
                self.driver.find_element("css selector", selector).click()
            except ElementClickInterceptedException:
                return False
            return True

        until(clicked, 30, f"{selector} can be clicked")

    def wait(self, script: str, seconds: float = 30) -> Any:
        """What the script returns as soon as it is something."""
        return until(lambda: self.js(script), seconds, script)

    def logged(self, kind: str) -> list[dict[str, Any]]:
        return list(self.driver.get_log(kind))

    def requests(self) -> list[str]:
        """The address of everything that the page asked for since it was opened."""
        messages = [json.loads(entry["message"])["message"] for entry in self.logged("performance")]
        sent = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
        return [url for url in sent if url != "about:blank"]

    def contrasts(self) -> list[tuple[float, str]]:
        return sorted((one["ratio"], one["what"]) for one in self.js(CONTRASTS))

    def pdf(self) -> bytes:
        printed = self.cdp("Page.printToPDF", printBackground=True, paperWidth=8.27, paperHeight=11.69)
        return base64.b64decode(printed["data"])

    def draw(self) -> None:
        """Bring every panel into view once."""
        count = self.js("return document.querySelectorAll('.plot').length")
        for number in range(count):
            self.js("document.querySelectorAll('.plot')[arguments[0]].scrollIntoView({behavior: 'instant'})", number)
            self.wait(f"return document.querySelectorAll('.plot')[{number}].querySelector('svg.main-svg') !== null")
        self.js("scrollTo({top: 0, behavior: 'instant'})")

    def screenshot(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(path))


def until(look: Callable[[], Any], seconds: float, what: str) -> Any:
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.05)
    return seen


@contextlib.contextmanager
def chromium(folder: Path) -> Iterator[Page]:
    """Start Debian's Chromium with an empty profile, and end it."""
    missing = [str(program) for program in PROGRAMS if not program.exists()]
    if missing:
        pytest.skip(f"needs Debian's chromium and chromium-driver; there is no {' and no '.join(missing)}")
    options = webdriver.ChromeOptions()
    options.binary_location = str(PROGRAMS[0])
    for flag in (*FLAGS, f"--user-data-dir={folder}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # The path is named, so that nothing looks for a driver to download.
    driver = webdriver.Chrome(options=options, service=Service(str(PROGRAMS[1])))
    try:
        driver.set_script_timeout(60)
        yield Page(driver)
    finally:
        driver.quit()
