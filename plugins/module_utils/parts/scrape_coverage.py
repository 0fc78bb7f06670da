# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain from monitors to targets, as M(scrape_coverage) sees it."""

from __future__ import annotations

from ansible_collections.argolab.observability.plugins.module_utils.cluster_access import (
    CLUSTER_PROMETHEUS_ARGUMENT_SPEC,
    kube_from_params,
    prometheus_from_params,
)
from ansible_collections.argolab.observability.plugins.module_utils.part import Look, Params, Part
from ansible_collections.argolab.observability.plugins.module_utils.scrape_reader import ScrapeReader


def look(params: Params) -> Look:
    kube = kube_from_params(params)
    prometheus = prometheus_from_params(kube, params)
    reader = ScrapeReader(kube, prometheus, params["pools"], params["ignored_pools"])
    return Look(reader.poll, limit=prometheus.limit)


PART = Part(
    title="Not everything that should be scraped is",
    what="scrape chains",
    spec={
        **CLUSTER_PROMETHEUS_ARGUMENT_SPEC,
        "pools": {"type": "list", "elements": "str", "default": []},
        "ignored_pools": {"type": "list", "elements": "str", "default": []},
    },
    limits={"pools": {"form": "word"}, "ignored_pools": {"form": "word"}},
    look=look,
)
