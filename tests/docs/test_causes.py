# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every cause that a diagnosis can give is explained under its name, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.argolab.observability.tests.docs.causes import causes

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def given() -> dict[str, set[str]]:
    return causes(ROOT / "plugins" / "module_utils")


@pytest.fixture(scope="module")
def sections() -> dict[str, str]:
    text = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    parts = re.split(r"^### `(\w+)`$", text, flags=re.MULTILINE)
    assert len(set(parts[1::2])) == len(parts[1::2]), "a cause is explained twice"
    return {name: body.split("\n## ", 1)[0].strip() for name, body in zip(parts[1::2], parts[2::2])}


def test_every_cause_is_explained(given: dict[str, set[str]], sections: dict[str, str]) -> None:
    missing = {name: sorted(files) for name, files in given.items() if name not in sections}
    assert not missing, f"docs/troubleshooting.md has no heading of this name: {missing}"


def test_nothing_is_explained_that_cannot_happen(given: dict[str, set[str]], sections: dict[str, str]) -> None:
    assert not set(sections) - set(given)


def test_each_says_what_it_means_and_what_to_do(sections: dict[str, str]) -> None:
    wrong = {name for name, body in sections.items() if "*Do:*" not in body or body.startswith("*")}
    assert not wrong


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ExplainedCheck('n', False, 'e', 'o', 'd', 'first_cause')", {"first_cause"}),
        ("ExplainedCheck('n', False, 'e', 'o', cause='by_name' if x else 'or_that')", {"by_name", "or_that"}),
        ("cause = 'of_a_name' or other\nExplainedCheck('n', False, 'e', 'o', 'd', cause)", {"of_a_name"}),
        ("A, B = 'one_of', 'many_names'\nExplainedCheck('n', False, 'e', 'o', 'd', B)", {"many_names"}),
        ("Finding('seen', 'of_a_finding', 'a text')", {"of_a_finding"}),
        ("entry = {'cause': 'in_a_mapping'}", {"in_a_mapping"}),
        (
            "TABLE = {'key_x': 'of_a_table'}\nExplainedCheck('n', 0, 'e', 'o', 'd', TABLE.get(x, 'or_default'))",
            {"of_a_table", "or_default"},
        ),
        (
            "def why():\n    return 'of_a_function', 'text'\ncause, text = why()\nFinding('seen', cause)",
            {"of_a_function"},
        ),
        ("ExplainedCheck('n', True, 'not_this', 'nor_this')", set()),
    ],
)
def test_the_collector_finds_them(text: str, found: set[str], tmp_path: Path) -> None:
    (tmp_path / "checks.py").write_text(
        "class Check:\n    name: str\n    ok: bool\n    expected: str\n    observed: str\n    detail: str\n"
    )
    (tmp_path / "explained.py").write_text("from checks import Check\nclass ExplainedCheck(Check):\n    cause: str\n")
    (tmp_path / "stages.py").write_text("class Finding:\n    observed: str\n    cause: str\n    detail: str\n")
    (tmp_path / "x.py").write_text(f"from explained import ExplainedCheck\nfrom stages import Finding\n{text}\n")
    assert set(causes(tmp_path)) == found
