# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One API server, and the Prometheus behind its proxy: what modules need that compare the two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KUBE_ARGUMENT_SPEC, KubeClient
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import PrometheusClient
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_transport import ApiServerTransport

CLUSTER_ARGUMENT_SPEC: dict[str, Any] = {**KUBE_ARGUMENT_SPEC, "request_timeout": {"type": "float", "default": 10.0}}

CLUSTER_PROMETHEUS_ARGUMENT_SPEC: dict[str, Any] = {
    **CLUSTER_ARGUMENT_SPEC,
    "prometheus_namespace": {"type": "str", "default": "monitoring"},
    "prometheus_service": {"type": "str", "default": "prometheus-operated:9090"},
    "prometheus_path_prefix": {"type": "str", "default": ""},
}


def kube_from_params(params: Mapping[str, Any], absent_ok: bool = False) -> KubeClient:
    """The client for O(kubeconfig) and O(context), with the patience of O(outage_timeout) where there is that option.

    :param absent_ok: a cluster that does not answer may be one that is not there yet, so it is asked once.
    """
    timeout = params.get("request_timeout", 10.0)
    if not 0 < timeout < float("inf"):
        raise DefiniteError(f"request_timeout is {timeout}; it is a number of seconds greater than 0.")
    patience = 0 if absent_ok else params.get("outage_timeout", 0)
    return KubeClient(params.get("kubeconfig"), params.get("context"), timeout, patience)


def prometheus_from_params(kube: KubeClient, params: Mapping[str, Any]) -> PrometheusClient:
    """The Prometheus behind this API server's proxy."""
    prefix = str(params["prometheus_path_prefix"]).rstrip("/")
    return PrometheusClient(
        ApiServerTransport(kube, params["prometheus_namespace"], params["prometheus_service"], prefix)
    )
