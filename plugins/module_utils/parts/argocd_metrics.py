# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics that each part of Argo CD must have, as M(argocd_metrics) sees them."""

from __future__ import annotations

from ansible_collections.argolab.observability.plugins.module_utils.argocd_contract import (
    CONTRACT,
    DEFAULT_COMPONENTS,
    EVENTS,
)
from ansible_collections.argolab.observability.plugins.module_utils.argocd_metrics import (
    result_of,
    version_from_options,
    watch_contract,
)
from ansible_collections.argolab.observability.plugins.module_utils.part import Look, Params, Part
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_access import (
    ACCESS_ARGUMENT_SPEC,
    client_from_params,
)

COMPONENTS = {"type": "list", "elements": "str", "choices": list(CONTRACT), "default": list(DEFAULT_COMPONENTS)}


def look(params: Params) -> Look:
    version = version_from_options(params["version"])
    client = client_from_params(params)
    return Look(
        watch_contract(client, params["argocd_namespace"], params["components"], version, params["happened"]),
        extra=result_of,
        limit=client.limit,
        access=client.description,
    )


PART = Part(
    title="Argo CD does not have the metrics of its version",
    what="metrics of Argo CD",
    spec={
        **ACCESS_ARGUMENT_SPEC,
        "argocd_namespace": {"type": "str", "default": "argocd"},
        "components": COMPONENTS,
        "version": {"type": "str"},
        "happened": {"type": "list", "elements": "str", "choices": list(EVENTS), "default": []},
    },
    limits={"argocd_namespace": {"form": "namespace"}, "version": {"form": "version"}},
    look=look,
)
