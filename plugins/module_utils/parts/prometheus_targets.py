# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scrape targets, as M(prometheus_targets) sees them."""

from __future__ import annotations

from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils import target_checks
from ansible_collections.argolab.observability.plugins.module_utils.part import Look, Params, Part, unseen
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_access import (
    ACCESS_ARGUMENT_SPEC,
    client_from_params,
)

EXPECTED_OPTIONS: dict[str, Any] = {
    "scrape_pool": {"type": "str"},
    "job": {"type": "str"},
    "min_up": {"type": "int"},
    "count": {"type": "int"},
    "labels": {"type": "dict"},
}


def look(params: Params) -> Look:
    expectations = target_checks.target_expectations(params["expected"], params["all_up"])
    client = client_from_params(params)
    return Look(
        poll=target_checks.watch_targets(client, expectations, params["all_up"]),
        extra=lambda targets: target_checks.summaries(targets or []),
        explain=lambda checks: target_checks.explain_empty_pools(client, expectations, checks),
        unseen=unseen(expectations),
        limit=client.limit,
        access=client.description,
    )


PART = Part(
    title="Targets are not as expected",
    what="targets",
    spec={
        **ACCESS_ARGUMENT_SPEC,
        "expected": {"type": "list", "elements": "dict", "options": EXPECTED_OPTIONS},
        "all_up": {"type": "bool", "default": False},
    },
    # Empty is fine with the option that takes all of them; it is refused without.
    limits={"expected": {"empty_ok": True}},
    look=look,
)
