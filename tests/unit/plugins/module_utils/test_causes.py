# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a cause is explained, and how a failure says so."""

from __future__ import annotations

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.causes import (
    PAGE,
    VARIABLE,
    is_link,
    page_of,
    reference,
)
from ansible_collections.argolab.observability.plugins.module_utils.checks import Check, failure_message
from ansible_collections.argolab.observability.plugins.module_utils.explained import ExplainedCheck
from hypothesis import given
from hypothesis import strategies as st

SITE = "https://docs.example.com/docs/troubleshooting.html"


def test_without_a_published_page_it_is_the_file_of_the_collection() -> None:
    assert reference("no_endpoints", {}) == "docs/troubleshooting.md#no_endpoints"
    assert not is_link(reference("no_endpoints", {}))


def test_with_one_it_is_a_link() -> None:
    assert reference("no_endpoints", {VARIABLE: f" {SITE} "}) == f"{SITE}#no_endpoints"
    assert is_link(reference("no_endpoints", {VARIABLE: SITE}))


@pytest.mark.parametrize(
    "said", ["", "two words", f"{SITE}#x", "https://a/<script>", "https://a/\x1b[1m", 'https://a/"']
)
def test_what_is_no_address_is_not_taken(said: str) -> None:
    assert page_of({VARIABLE: said}) == PAGE


@given(st.text())
def test_no_text_becomes_anything_but_a_plain_reference(cause: str) -> None:
    said = reference(cause, {})
    assert said == "" or said == f"{PAGE}#{cause}" and cause.isascii() and cause.replace("_", "").isalnum()


def test_a_failure_says_where_its_cause_is_explained_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    checks = [
        ExplainedCheck("one", False, "this", "that", "because", "no_endpoints"),
        ExplainedCheck("two", False, "this", "that", "because", "no_endpoints"),
        ExplainedCheck("three", True, "this", "this"),
        Check("four", False, "this", "that"),
    ]
    text = failure_message("Failed", checks)
    assert text.count("  More: docs/troubleshooting.md#no_endpoints") == 1
    assert text.count("More:") == 1
    monkeypatch.setenv(VARIABLE, SITE)
    assert f"  More: {SITE}#no_endpoints" in failure_message("Failed", checks)
