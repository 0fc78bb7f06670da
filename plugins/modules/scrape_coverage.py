#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scrape_coverage
short_description: Follow the chain from ServiceMonitors and PodMonitors to targets and name the link that is broken
version_added: 0.1.0
author:
  - argolab.observability contributors (@argolab)
description:
  - Prometheus shows the end of the chain only. A pool without targets looks the same whether the monitor is missing,
    its selector finds nothing, the port has another name, nothing runs behind the Service, or the operator rejected it.
  - For each scrape pool this module reads the objects of every link, from the API server and from Prometheus, compares
    how many targets there should be with how many there are, and names the first link that is broken.
  - Causes in the cluster are C(monitor_absent), C(endpoint_absent), C(prometheus_does_not_select),
    C(namespace_not_selected), C(selector_matches_no_service), C(selector_matches_no_pod), C(port_name_absent),
    C(target_port_absent), C(scaled_to_zero), C(no_endpoints), C(no_ready_endpoints).
  - Causes between the cluster and Prometheus are C(operator_rejected), C(not_reloaded), C(relabeling_dropped),
    C(targets_missing), C(no_targets), C(pool_not_loaded), C(prometheus_silent).
  - Causes of scrapes are C(limit_exceeded), C(network_policy), C(scrape_failed), C(not_scraped_yet).
  - C(forbidden) and C(could_not_check) say that something could not be looked at.
notes:
  - Needs the verb C(list) on ServiceMonitors, PodMonitors, Prometheuses, Services and EndpointSlices and C(get) on
    C(services/proxy). What explains a broken chain is read only then - pods, workloads, namespaces, NetworkPolicies,
    events, and the metadata of Secrets and ConfigMaps, never their values.
  - What may not be read is no failure of its own. The check is made without it and says what could not be looked at;
    where that leaves unknown how many targets there should be, it is neither passed nor failed (V(null)).
    Without rights for the whole cluster the namespaces of O(pools) are read one by one.
  - Whether the cluster's network enforces NetworkPolicies cannot be read; policies of other kinds than
    C(networking.k8s.io/v1) are not looked at.
  - Where the Prometheus object has several shards, set O(prometheus_service) to the Service of one. Targets that
    another shard scrapes are neither passed nor failed.
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
      - Scrape pools that have to have targets, all of them up, such as V(serviceMonitor/argocd/argocd-server/0) or
        V(podMonitor/default/worker/0).
      - Without any, every endpoint of every ServiceMonitor and PodMonitor in the cluster is meant, but for those that
        only another Prometheus selects.
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
- name: Every ServiceMonitor and PodMonitor leads to targets that are up
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
pools:
  description: What each pool was found to be, in the order of the checks.
  returned: when anything could be checked
  type: list
  elements: dict
  contains:
    pool: {type: str, description: Name of the scrape pool.}
    monitor: {type: str, description: "Kind, namespace and name of its monitor; empty for other pools."}
    services: {type: list, elements: str, description: "Services that a ServiceMonitor selects, as NAMESPACE/NAME."}
    pods: {type: list, elements: str, description: "Pods that a PodMonitor selects, as NAMESPACE/NAME, at most 20."}
    expected: {type: int, description: "Targets that there should be; null where that cannot be told."}
    active: {type: int, description: Targets that Prometheus has.}
    up: {type: int, description: Targets whose last scrape succeeded.}
    dropped: {type: int, description: "Targets that relabelings leave out, where that was looked at."}
    cause: {type: str, description: Short name of what is wrong; empty when nothing is.}
  sample:
    - pool: serviceMonitor/argocd/argocd-server/0
      monitor: ServiceMonitor argocd/argocd-server
      services: [argocd/argocd-server-metrics]
      pods: []
      expected: 1
      active: 1
      up: 1
      dropped: 0
      cause: ""
waited:
  description: Seconds until the result was certain.
  returned: when anything could be checked
  type: float
  sample: 0.4
started:
  description: Time of the first look, in seconds since 1970.
  returned: when anything could be checked
  type: int
  sample: 1782475200
attempts:
  description: How often it was looked at.
  returned: when anything could be checked
  type: int
  sample: 1
"""

from ansible_collections.argolab.observability.plugins.module_utils.part import run_part
from ansible_collections.argolab.observability.plugins.module_utils.parts.scrape_coverage import PART


def main() -> None:
    run_part(PART)


if __name__ == "__main__":
    main()
