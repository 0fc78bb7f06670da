# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.argolab.observability.plugins.filter.unknown_role_variables import FilterModule

KNOWN = {"demo_chart_version": {}, "demo_chart_ref": {}, "demo_wait_timeout": {}}


def unknown(names: Any, *args: Any) -> Any:
    return FilterModule().filters()["unknown_role_variables"](names, *args)


def test_options_and_foreign_names_pass() -> None:
    names = [
        "demo_chart_ref",
        "other_chart_versoin",
        "_demo_private",
        "__demo_register",
        "demo",
        "demonstration_x",
        "my_demo_x",
    ]
    assert unknown(names, "demo", KNOWN) == []


def test_a_typo_is_found_with_its_nearest_option() -> None:
    assert unknown(["demo_chart_versoin", "demo_chart_ref"], "demo", KNOWN) == [
        {
            "name": "demo_chart_versoin",
            "nearest": "demo_chart_version",
            "hint": "demo_chart_versoin (did you mean demo_chart_version?)",
        }
    ]


def test_the_shared_prefix_is_no_likeness() -> None:
    assert unknown(["demo_zzz"], "demo", KNOWN) == [{"name": "demo_zzz", "nearest": "", "hint": "demo_zzz"}]


def test_entries_are_sorted_and_unique() -> None:
    assert [one["name"] for one in unknown(["demo_b", "demo_a", "demo_b"], "demo", [])] == ["demo_a", "demo_b"]


def test_extra_names_are_allowed_but_never_proposed() -> None:
    assert unknown(["demo_fact"], "demo", KNOWN, ["demo_fact"]) == []
    assert unknown(["demo_fakt"], "demo", KNOWN, ["demo_fact"])[0]["nearest"] == ""


def test_a_mapping_counts_as_its_keys() -> None:
    assert [one["name"] for one in unknown({"demo_x": 1}, "demo", KNOWN)] == ["demo_x"]


@pytest.mark.parametrize(("names", "role"), [("demo_x", "demo"), (3, "demo"), (["demo_x"], ""), (["demo_x"], None)])
def test_wrong_input_is_an_error(names: Any, role: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="unknown_role_variables needs"):
        unknown(names, role, KNOWN)
