# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers to queries, as M(prometheus_query) sees them."""

from __future__ import annotations

from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils import query_checks
from ansible_collections.argolab.observability.plugins.module_utils.part import Look, Params, Part, unseen
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_access import (
    ACCESS_ARGUMENT_SPEC,
    client_from_params,
)

QUERY_OPTIONS: dict[str, Any] = {
    "name": {"type": "str"},
    "expr": {"type": "str", "required": True},
    "min_series": {"type": "int"},
    "max_series": {"type": "int"},
    "value": {"type": "str"},
    "labels": {"type": "list", "elements": "str", "default": []},
    "max_age": {"type": "float"},
    "required_when": {"type": "str"},
}


def look(params: Params) -> Look:
    expectations = query_checks.query_expectations(params["queries"])
    client = client_from_params(params)
    return Look(
        poll=query_checks.watch_queries(client, expectations),
        extra=lambda results: {"results": results or []},
        unseen=unseen(expectations),
        limit=client.limit,
        access=client.description,
    )


PART = Part(
    title="Queries do not give what is expected",
    what="queries",
    spec={
        **ACCESS_ARGUMENT_SPEC,
        "queries": {"type": "list", "elements": "dict", "required": True, "options": QUERY_OPTIONS},
    },
    limits={},
    look=look,
)
