# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of plots, whatever they hold, and the page that shows them."""

from __future__ import annotations

import base64
import gzip
import html.parser
import json
import math
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.evidence import gather
from ansible_collections.argolab.observability.plugins.module_utils.evidence_page import page
from ansible_collections.argolab.observability.plugins.module_utils.evidence_plots import (
    Library,
    NotPlots,
    dashboards_of,
    packed,
    packed_series,
    read_plots,
)
from ansible_collections.argolab.observability.plugins.module_utils.evidence_text import esc
from hypothesis import given
from hypothesis import strategies as st

WHEN = "2026-01-01T00:00:00Z"
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
ANY = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


def mostly(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return right | right | ANY


SERIES = st.fixed_dictionaries({"name": mostly(st.text(max_size=8)), "values": mostly(st.lists(LEAF, max_size=5))})
PANEL = st.fixed_dictionaries(
    {
        "title": mostly(st.text(max_size=8)),
        "outcome": mostly(st.sampled_from(["data", "empty"])),
        "queries": mostly(st.lists(mostly(st.fixed_dictionaries({"expr": ANY})), max_size=2)),
        "series": mostly(st.lists(mostly(SERIES), max_size=3)),
        "more_series": ANY,
    }
)
DASHBOARD = st.fixed_dictionaries({"title": ANY, "panels": mostly(st.lists(mostly(PANEL), max_size=3))})
CONTENT = st.fixed_dictionaries(
    {
        "schema": st.just(1),
        "start": st.integers(0, 2**40) | ANY,
        "step": st.integers(1, 60) | ANY,
        "dashboards": st.lists(mostly(DASHBOARD), max_size=2),
    }
)


class Reader(html.parser.HTMLParser):
    """Which elements and addresses a page really has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Where a long name may break depends on the name.
        self.elements += [tag] if tag != "wbr" else []
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action", "data", "poster")]
        self.ids += [value or "" for name, value in attrs if name == "id"]


def evidence(**texts: str) -> dict[str, Any]:
    check = {"name": "n", "ok": False, "expected": "e", "observed": "o", **texts}
    group = {
        "kind": texts.get("name", "targets"),
        "title": texts.get("name", "T"),
        "result": {"checks": [check, {"name": "fine", "ok": True}]},
    }
    return gather([group, {**group, "result": {}}], {"context": texts.get("name", "lab")}, WHEN)


@given(content=CONTENT | ANY)
def test_whatever_a_file_holds_it_is_shown_or_refused(content: Any) -> None:
    content = json.loads(json.dumps(content))
    try:
        dashboards = dashboards_of(content)
    except NotPlots:
        return
    for dashboard in dashboards:
        packed_series(dashboard)
        for panel in dashboard["panels"]:
            assert panel["outcome"] in ("error", "empty", "data", "skipped")
            assert all(v is None or math.isfinite(v) for one in panel["series"] for v in one["values"])
    page(evidence(), dashboards, [], Library("drawing", "1")).encode("utf-8")


def test_an_outcome_that_is_not_known_is_not_data() -> None:
    content = {"schema": 1, "start": 0, "step": 1, "dashboards": [{"panels": [{"outcome": "fine"}, {}]}]}
    assert [panel["outcome"] for panel in dashboards_of(content)[0]["panels"]] == ["error", "error"]


def test_a_panel_whose_values_are_all_gaps_has_no_plot() -> None:
    series = [{"name": "a", "values": [None, "NaN"]}, {"name": "b", "values": []}]
    content = {"schema": 1, "start": 0, "step": 1, "dashboards": [{"panels": [{"outcome": "empty", "series": series}]}]}
    dashboards = dashboards_of(content)
    assert dashboards[0]["panels"][0]["series"] == []
    assert 'class="plot"' not in page(evidence(), dashboards, [], Library("drawing", "1"))


def test_values_that_are_no_numbers_are_gaps_and_long_ones_are_short() -> None:
    values = [1, 1.5, None, True, "7", math.nan, math.inf, 10**400, 0.1 + 0.2, 1_700_000_000.5]
    series = [{"name": "a", "values": values}]
    content = {"schema": 1, "start": 0, "step": 1, "dashboards": [{"panels": [{"outcome": "data", "series": series}]}]}
    shown = dashboards_of(content)[0]["panels"][0]["series"][0]["values"]
    assert shown == [1, 1.5, None, None, None, None, None, None, 0.3, 1_700_000_000.5]


def test_files_are_read_in_order_and_problems_are_told_apart(tmp_path: Path) -> None:
    for name in ("a", "b"):
        content = {"schema": 1, "start": 0, "step": 1, "dashboards": [{"title": name}]}
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    dashboards, problems = read_plots([str(tmp_path / name) for name in ("a", "absent", "binary", "b")])
    assert [dashboard["title"] for dashboard in dashboards] == ["a", "b"]
    assert ["absent" in problems[0], "binary" in problems[1], len(problems)] == [True, True, 2]


def test_what_is_packed_comes_back_and_is_the_same_every_time() -> None:
    text = "</script> \u2028 \U0001f600"
    assert gzip.decompress(base64.b64decode(packed(text))).decode("utf-8") == text
    # No time in it, so that the same text is the same page.
    assert base64.b64decode(packed(text))[4:8] == bytes(4)


@given(st.text())
def test_escaped_text_holds_no_markup_and_nothing_unseen(text: str) -> None:
    shown = esc(text)
    assert not set(shown) & set("<>\"'\x00\x1b\u2028\u202e\u200b\ufeff")
    assert Reader(f'<p title="{shown}">{shown}</p>').elements == ["p"]


@pytest.mark.parametrize("hostile", ["</script><script>x", "<img src=//x>", '"><a href="//x">', "javascript:x", "]]>"])
def test_foreign_text_makes_no_element_and_no_address(hostile: str) -> None:
    names = ("name", "expected", "observed", "detail", "cause", "next", "subject")
    panel = {
        **dict.fromkeys(("title", "row", "type", "unit", "detail", "outcome"), hostile),
        "queries": [{"expr": hostile, "detail": hostile}],
        "series": [{"name": hostile, "values": [1]}],
    }
    content = {
        "schema": 1,
        "start": 0,
        "step": 1,
        "dashboards": [{"title": hostile, "url": hostile, "panels": [panel]}],
    }
    library = Library("drawing", "1")

    def reader(text: str) -> Reader:
        panel_text = json.loads(json.dumps(content).replace(json.dumps(hostile)[1:-1], json.dumps(text)[1:-1]))
        seen = evidence(**dict.fromkeys(names, text))
        return Reader(page(seen, dashboards_of(panel_text), [text], library))

    planted, plain = reader(hostile), reader("plain")
    assert planted.elements == plain.elements
    assert planted.addresses == plain.addresses
    assert all(address.startswith(("#", "data:,")) or address in ("evidence.json", "junit.xml") for address in
               planted.addresses)  # fmt: skip
    assert len(set(planted.ids)) == len(planted.ids)


def test_without_javascript_verdict_failures_and_tables_are_there() -> None:
    text = page(evidence(next="kubectl get pods", detail="because", cause="broken"))
    before_script = text[: text.index("<script")]
    for part in ("Failed</h1>", "because", "kubectl get pods", "broken", "fine", "<table"):
        assert part in before_script
    # What only works with JavaScript is not shown without it.
    assert before_script.count(" hidden>") == 3


def test_large_runs_stay_small() -> None:
    checks = [{"name": f"rule group-{n}/Alert{n}", "ok": True, "expected": "loaded", "observed": "1 healthy"}
              for n in range(2000)]  # fmt: skip
    seen = gather([{"kind": "rules", "title": "Rules", "result": {"checks": checks}}], {}, WHEN)
    assert len(page(seen)) < 1_000_000
