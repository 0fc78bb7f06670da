#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_ready
short_description: Check that a cluster is ready, and find where its ingress can be reached
version_added: 0.1.0
author: argolab.observability contributors (@argolab)
description:
  - Asks the API server of one context for its version, nodes, CoreDNS and metrics-server, and waits until they are
    ready.
  - Probes over HTTP which of the ingress addresses this host can reach. Nothing is assumed and nothing is changed.
  - A kubeconfig that is missing, unreadable or for another cluster, a context that it does not have, and an expired
    certificate each fail at once with one message.
options:
  kubeconfig:
    description: Path of the kubeconfig.
    type: path
    required: true
  context:
    description: Context in it. Without one its current context is used.
    type: str
  check_parts:
    description: Whether nodes, CoreDNS and metrics-server are checked. A metrics-server that is not installed is
      reported, and is no failure.
    type: bool
    default: true
  require_dns:
    description: Whether CoreDNS must be a Deployment of kube-system. Clusters with another DNS server set this to
      V(false).
    type: bool
    default: true
  require_ingress:
    description: Whether one of the ingress addresses must answer.
    type: bool
    default: false
  ingress_class:
    description: Ingress class to report. Without it the cluster's default class, C(traefik), or the only class is
      reported.
    type: str
    default: ""
  ingress_candidates:
    description:
      - Addresses to probe. An empty address means that of a node. Without candidates, the cluster's Services of type
        LoadBalancer with port 80 are probed.
    type: list
    elements: dict
    default: []
    suboptions:
      strategy:
        description: Name of this way in, C(loadbalancer) or C(ingress).
        type: str
        choices: [loadbalancer, ingress]
        required: true
      address:
        description: Address or name; empty for a node's.
        type: str
        default: ""
      http_port:
        description: Port for HTTP.
        type: int
        default: 80
      https_port:
        description: Port for HTTPS.
        type: int
        default: 443
  absent_ok:
    description: Whether a cluster that does not answer is reported with empty results instead of failing.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait until everything is ready; 0 looks once.
    type: int
    default: 120
  poll_interval:
    description: Seconds between two looks.
    type: float
    default: 1
  stable_polls:
    description: How many looks in a row must find everything ready.
    type: int
    default: 1
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
  diff_mode:
    support: none
    description: Returns details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
  idempotent:
    support: full
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates
      no change.
seealso:
  - module: argolab.observability.cluster_checks
  - module: argolab.observability.hosts_entries
"""

EXAMPLES = r"""
- name: Wait for the cluster, and know where its ingress answers
  argolab.observability.cluster_ready:
    kubeconfig: build/kubeconfig
    context: k3d-argolab
    require_ingress: true
    ingress_candidates:
      - {strategy: loadbalancer, address: 127.0.0.1, http_port: 8080, https_port: 8443}
      - {strategy: ingress}
"""

RETURN = r"""
checks:
  description: What was checked, each with name, ok, expected, observed and detail.
  type: list
  elements: dict
  returned: always
  sample: [{name: API server, ok: true, expected: answers, observed: Kubernetes v1.37.2, detail: ""}]
version:
  description: Version of Kubernetes.
  type: str
  returned: success
  sample: v1.37.2
nodes:
  description: Names of the nodes.
  type: list
  elements: str
  returned: success
  sample: [k3d-argolab-server-0]
ingress_class:
  description: Ingress class to use; empty where the cluster has none, or several and no default.
  type: str
  returned: success
  sample: traefik
ingress_endpoints:
  description: Addresses with strategy, address, http_port, https_port, reachable, and detail, which says what was
    probed.
  type: list
  elements: dict
  returned: success
  sample:
    - strategy: ingress
      address: 172.29.0.3
      http_port: 80
      https_port: 443
      reachable: true
      detail: http://172.29.0.3:80/ answered 404
"""

from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.checks import as_dicts, failure_message
from ansible_collections.argolab.observability.plugins.module_utils.cluster_ready import observe, unreachable
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient
from ansible_collections.argolab.observability.plugins.module_utils.limits import PORT
from ansible_collections.argolab.observability.plugins.module_utils.waiter import Poll, wait_until, waiting_from_params


def run(params: dict[str, Any]) -> Poll:
    waiting = waiting_from_params(params)
    client = KubeClient(params["kubeconfig"], params["context"])

    def look() -> Poll:
        seen = observe(client, params)
        return Poll(ok=all(check.ok is not False for check in seen["checks"]), checks=seen["checks"], value=seen)

    return wait_until(look, waiting.timeout, waiting.interval, waiting.stable)


def main() -> None:
    candidate = {
        "strategy": {"type": "str", "choices": ["loadbalancer", "ingress"], "required": True},
        "address": {"type": "str", "default": ""},
        "http_port": {"type": "int", "default": 80},
        "https_port": {"type": "int", "default": 443},
    }
    module = checked_module(
        argument_spec={
            "kubeconfig": {"type": "path", "required": True},
            "context": {"type": "str"},
            "check_parts": {"type": "bool", "default": True},
            "require_dns": {"type": "bool", "default": True},
            "require_ingress": {"type": "bool", "default": False},
            "ingress_class": {"type": "str", "default": ""},
            "ingress_candidates": {"type": "list", "elements": "dict", "default": [], "options": candidate},
            "absent_ok": {"type": "bool", "default": False},
            "wait_timeout": {"type": "int", "default": 120},
            "poll_interval": {"type": "float", "default": 1},
            "stable_polls": {"type": "int", "default": 1},
        },
        limits={
            "ingress_class": {"form": "kube_name"},
            "ingress_candidates": {"options": {"address": {"form": "word"}, "http_port": PORT, "https_port": PORT}},
        },
    )
    params = module.params
    try:
        poll = run(params)
    except ArgolabError as error:
        if params["absent_ok"]:
            module.exit_json(changed=False, **unreachable(params))
        module.fail_json(msg=str(error), checks=[])
    if poll.value is None and params["absent_ok"]:
        module.exit_json(changed=False, **unreachable(params))
    if not poll.ok:
        title = f"The cluster of context {params['context'] or 'current'} is not ready after {poll.waited:.0f} s."
        module.fail_json(msg=failure_message(title, poll.checks, poll.last_error), checks=as_dicts(poll.checks))
    module.exit_json(changed=False, **{**poll.value, "checks": as_dicts(poll.checks)})


if __name__ == "__main__":
    main()
