# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules, as M(prometheus_rules) sees them."""

from __future__ import annotations

from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils import rule_checks
from ansible_collections.argolab.observability.plugins.module_utils.part import Look, Params, Part, unseen
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_access import (
    ACCESS_ARGUMENT_SPEC,
    client_from_params,
)

EXPECTED_OPTIONS: dict[str, Any] = {
    "group": {"type": "str"},
    "rule": {"type": "str"},
    "type": {"type": "str", "choices": ["alerting", "recording"]},
    "file": {"type": "str"},
}


def look(params: Params) -> Look:
    everything, evaluated = params["all_healthy"], params["require_evaluated"]
    expectations = rule_checks.rule_expectations(params["expected"], params["expected_groups"], everything)
    client = client_from_params(params)
    return Look(
        poll=rule_checks.watch_rules(client, expectations, everything, evaluated),
        extra=lambda groups: {"groups": [rule_checks.summary(group) for group in groups or []]},
        explain=lambda checks: rule_checks.explain_missing(client, expectations, checks),
        unseen=unseen(expectations),
        limit=client.limit,
        access=client.description,
    )


PART = Part(
    title="Rules are not as expected",
    what="rules",
    spec={
        **ACCESS_ARGUMENT_SPEC,
        "expected": {"type": "list", "elements": "dict", "options": EXPECTED_OPTIONS},
        "expected_groups": {"type": "list", "elements": "str"},
        "all_healthy": {"type": "bool", "default": False},
        "require_evaluated": {"type": "bool", "default": False},
    },
    # Empty is fine with the option that takes all of them; it is refused without.
    limits={"expected": {"empty_ok": True}, "expected_groups": {"empty_ok": True}},
    look=look,
)
