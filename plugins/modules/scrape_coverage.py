#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scrape_coverage
short_description: Follow the chain from ServiceMonitors to targets and name the link that is broken
version_added: 0.1.0
author:
  - argolab.observability contributors (@argolab)
description:
  - Prometheus shows the end of the chain only. A pool without targets looks the same whether the ServiceMonitor is
    missing,
    its selector finds no Service, the port has another name, or nothing runs behind the Service.
  - For each scrape pool this module reads the objects of every link, from the API server and from Prometheus, and
    names the
    first one that is broken.
  - Causes are C(monitor_absent), C(endpoint_absent), C(prometheus_does_not_select), C(namespace_not_selected),
    C(selector_matches_no_service), C(port_name_absent), C(target_port_absent), C(scaled_to_zero), C(no_endpoints),
    C(no_ready_endpoints), C(operator_rejected), C(pool_not_loaded), C(no_targets), C(targets_missing),
    C(not_scraped_yet),
    C(scrape_failed).
notes:
  - Needs the verbs C(get) and C(list) on ServiceMonitors, Prometheuses, Services, EndpointSlices, namespaces,
    workloads, pods and
    NetworkPolicies.
extends_documentation_fragment:
  - argolab.observability.kube_access
  - argolab.observability.cluster
  - argolab.observability.cluster.prometheus
  - argolab.observability.attributes
  - argolab.observability.attributes.read_only
  - argolab.observability.waiting
options:
  pools:
    description:
      - Scrape pools that have to have targets, all of them up, such as V(serviceMonitor/argocd/argocd-server/0).
      - Without any, every endpoint of every ServiceMonitor in the cluster is meant.
    type: list
    elements: str
    default: []
  ignored_pools:
    description: Scrape pools that may be empty or down.
    type: list
    elements: str
    default: []
seealso:
  - module: argolab.observability.prometheus_targets
  - module: argolab.observability.rule_coverage
"""

EXAMPLES = r"""
- name: Every ServiceMonitor leads to targets that are up
  argolab.observability.scrape_coverage:
    kubeconfig: "{{ cluster_kubeconfig }}"

- name: The four components of Argo CD are scraped
  argolab.observability.scrape_coverage:
    kubeconfig: "{{ cluster_kubeconfig }}"
    pools:
      - serviceMonitor/argocd/argocd-application-controller/0
      - serviceMonitor/argocd/argocd-applicationset-controller/0
      - serviceMonitor/argocd/argocd-repo-server/0
      - serviceMonitor/argocd/argocd-server/0
    wait_timeout: 90
"""

RETURN = r"""
checks:
  description: What was checked, in order; also returned on failure.
  returned: always
  type: list
  elements: dict
  contains:
    name: {type: str, description: What was checked.}
    ok: {type: bool, description: The outcome. Null means pending or skipped.}
    expected: {type: str, description: What should be.}
    observed: {type: str, description: What is.}
    detail: {type: str, description: The reason where it is not as expected.}
    cause: {type: str, description: "Short name of the reason, for programs."}
    next: {type: str, description: The command to type next.}
    subject: {type: str, description: What the check is about where other modules have checks about the same thing.}
waited:
  description: Seconds until the result was certain.
  returned: when anything could be checked
  type: float
started:
  description: Time of the first look, in seconds since 1970.
  returned: when anything could be checked
  type: int
attempts:
  description: How often it was looked at.
  returned: when anything could be checked
  type: int
"""

from ansible_collections.argolab.observability.plugins.module_utils.part import run_part
from ansible_collections.argolab.observability.plugins.module_utils.parts.scrape_coverage import PART


def main() -> None:
    run_part(PART)


if __name__ == "__main__":
    main()
