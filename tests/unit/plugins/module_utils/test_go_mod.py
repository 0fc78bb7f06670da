# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.go_mod import (
    local_replaces,
    minimum_arguments,
    replace_arguments,
    replacement,
    version_order,
)


def test_only_folders_count_as_local_replacements() -> None:
    gomod = {
        "Replace": [
            {"Old": {"Path": "k8s.io/api"}, "New": {"Path": "./staging/src/k8s.io/api"}},
            {"Old": {"Path": "x/fork"}, "New": {"Path": "y/fork", "Version": "v1.0.0"}},
            {"Old": {"Path": "x/up"}, "New": {"Path": "../up"}},
        ]
    }
    assert local_replaces(gomod) == ["k8s.io/api", "x/up"]
    assert local_replaces({"Replace": None}) == []


def test_an_exact_replacement_wins_over_a_prefix_and_a_long_prefix_over_a_short_one() -> None:
    versions = {"k8s.io/": "v0.37.2", "k8s.io/klog/": "v2.0.0", "k8s.io/api": "v0.1.0"}
    assert replacement("k8s.io/api", versions) == "v0.1.0"
    assert replacement("k8s.io/apimachinery", versions) == "v0.37.2"
    assert replacement("k8s.io/klog/v2", versions) == "v2.0.0"
    assert replacement("example.it/x", versions) is None


def test_a_local_replacement_without_a_version_is_dropped() -> None:
    gomod = {
        "Replace": [
            {"Old": {"Path": "k8s.io/api"}, "New": {"Path": "./staging"}},
            {"Old": {"Path": "x/tools"}, "New": {"Path": "./tools"}},
        ]
    }
    assert replace_arguments(gomod, {"k8s.io/": "v0.37.2"}) == [
        "-dropreplace=k8s.io/api",
        "-replace=k8s.io/api=k8s.io/api@v0.37.2",
        "-dropreplace=x/tools",
    ]


def test_versions_are_in_the_order_of_semantic_versioning() -> None:
    """The pre-releases are the example of Semantic Versioning 2.0.0, section 11."""
    ascending = [
        "v0.0.0-20250820121507-0af2bda4dd1d",
        "v0.0.0-20260626114624-be93311217bd",
        "v0.9.0",
        "v0.10.0",
        *(f"v1.0.0-{before}" for before in ("alpha", "alpha.1", "alpha.beta", "beta", "beta.2", "beta.11", "rc.1")),
        "v1.0.0",
        "v1.36.11",
        "v1.36.12-0.20260120151049-f2248ac996af",
        "v1.36.12",
        "v2.0.0+incompatible",
    ]
    orders = [version_order(version) for version in ascending]
    assert all(before < after for before, after in zip(orders, orders[1:]))


@pytest.mark.parametrize("version", ["latest", "1.2.3", "v1.2", ""])
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(ValueError, match="expected one such as v1.2.3"):
        version_order(version)


def test_only_what_is_required_at_less_is_raised() -> None:
    gomod = {
        "Require": [
            {"Path": "x/older", "Version": "v1.9.0"},
            {"Path": "x/same", "Version": "v1.0.0"},
            {"Path": "x/newer", "Version": "v1.10.0", "Indirect": True},
            {"Path": "x/replaced", "Version": "v0.0.0"},
            {"Path": "x/other", "Version": "v0.1.0"},
        ],
        "Replace": [{"Old": {"Path": "x/replaced"}, "New": {"Path": "./staging"}}],
    }
    minimums = {"x/older": "v1.10.0", "x/same": "v1.0.0", "x/newer": "v1.9.0", "x/replaced": "v1.0.0", "x/no": "v1.0.0"}
    assert minimum_arguments(gomod, minimums) == ["-require=x/older@v1.10.0"]
    assert minimum_arguments({"Require": None, "Replace": None}, minimums) == []
