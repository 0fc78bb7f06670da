# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of modules that read a cluster, and those that compare it with its Prometheus."""

    DOCUMENTATION = r"""
options:
  request_timeout:
    description: Seconds for one request, from the connection to the last byte of the answer.
    type: float
    default: 10.0
"""

    PROMETHEUS = r"""
options:
  prometheus_namespace:
    description: Namespace of the Service in front of Prometheus.
    type: str
    default: monitoring
  prometheus_service:
    description:
      - Service in front of Prometheus as V(NAME:PORT), or V(https:NAME:PORT) where it speaks TLS.
      - It is asked through the API server's proxy, which needs no name in DNS, no ingress and no port forwarding, but
        the RBAC verb C(get) on C(services/proxy).
    type: str
    default: prometheus-operated:9090
  prometheus_path_prefix:
    description: Path below which Prometheus serves, its C(routePrefix).
    type: str
    default: ""
"""
