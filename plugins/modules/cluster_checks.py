#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_checks
short_description: Check that nodes, workloads, pods and Ingresses of a cluster are as they should be
version_added: 0.1.0
author:
  - argolab.observability contributors (@argolab)
description:
  - Checks in one call that the API server answers, every node is Ready, every Deployment, StatefulSet and DaemonSet
    of the
    namespaces has its pods ready, no other pod there is in trouble, and each host name is served by an Ingress with an
    address.
  - A workload that is scaled to zero fails, since a lab or a product that is meant to run does not run then.
  - The failure names the reason, such as the state of the container that does not come up.
extends_documentation_fragment:
  - argolab.observability.kube_access
  - argolab.observability.cluster
  - argolab.observability.attributes
  - argolab.observability.attributes.read_only
  - argolab.observability.waiting
options:
  namespaces:
    description: Namespaces whose workloads and pods are checked.
    type: list
    elements: str
    default: []
  zero_replicas_allowed:
    description: Workloads that may be scaled to zero, as V(NAME) or V(NAMESPACE/NAME).
    type: list
    elements: str
    default: []
  ingress_hosts:
    description: Host names that an Ingress has to serve.
    type: list
    elements: str
    default: []
  skipped_hosts:
    description: Why some of O(ingress_hosts) are not to be checked, by host name. They are then reported as skipped.
    type: dict
    default: {}
  ingress_class:
    description: Ingress class that the cluster's controller serves, to explain an Ingress without an address.
    type: str
    default: ""
  closed_ports:
    description:
      - Ports of pods that NetworkPolicies have to keep for one namespace, evaluated on the policies themselves. Whether
        the cluster's network enforces policies can not be read anywhere.
      - Causes are C(port_open), C(port_closed), where the one namespace is kept out as well, and C(no_pod).
    type: list
    elements: dict
    default: []
    suboptions:
      namespace: {description: Namespace of the pods., type: str, required: true}
      labels: {description: Labels of the pods., type: dict, required: true}
      port: {description: Port of the pods., type: int, required: true}
      from: {description: The namespace that may reach it., type: str, required: true}
  workloads:
    description:
      - Workloads that have to be there with so many pods, where those that happen to be there are not enough.
      - Causes are C(workload_absent) and C(too_few_replicas).
    type: list
    elements: dict
    default: []
    suboptions:
      kind: {description: Kind of the workload., type: str, choices: [Deployment, StatefulSet], required: true}
      namespace: {description: Namespace of the workload., type: str, required: true}
      name: {description: Name of the workload., type: str, required: true}
      replicas: {description: How many of its pods have to be ready at least., type: int, default: 1}
      skip:
        description: Why it is no failure where the workload is absent. It is then skipped, with this reason.
        type: str
        default: ""
  certificates:
    description:
      - Certificates of cert-manager that have to be Ready. The failure has the reason that cert-manager gives, also on
        the newest CertificateRequest.
      - Causes are C(cert_manager_absent), C(certificate_absent) and C(certificate_not_ready).
    type: list
    elements: dict
    default: []
    suboptions:
      namespace: {description: Namespace of the Certificate., type: str, required: true}
      name: {description: Name of the Certificate., type: str, required: true}
seealso:
  - module: argolab.observability.release_inputs
  - module: argolab.observability.scrape_coverage
  - module: argolab.observability.endpoint_checks
"""

EXAMPLES = r"""
- name: Everything runs and has an address
  argolab.observability.cluster_checks:
    kubeconfig: "{{ cluster_kubeconfig }}"
    context: "{{ cluster_context }}"
    namespaces: [monitoring, argocd]
    ingress_hosts: [prometheus.example.it, grafana.example.it]
    skipped_hosts:
      grafana.example.it: Grafana is off
    wait_timeout: 60
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
cluster:
  description: The cluster that was looked at.
  returned: when it answered
  type: dict
  contains:
    context: {type: str, description: Context of the kubeconfig.}
    server: {type: str, description: Address of the API server.}
    version: {type: str, description: Version of the API server.}
    nodes: {type: list, elements: str, description: Names and versions of the nodes.}
ingress_addresses:
  description: Addresses or names that the controller wrote into the Ingresses of O(ingress_hosts).
  returned: when it answered
  type: list
  elements: str
  sample: [172.29.0.3]
"""

from ansible_collections.argolab.observability.plugins.module_utils.part import run_part
from ansible_collections.argolab.observability.plugins.module_utils.parts.cluster_checks import PART


def main() -> None:
    run_part(PART)


if __name__ == "__main__":
    main()
