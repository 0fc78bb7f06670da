#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: argocd_metrics
short_description: Check that the parts of Argo CD have the metrics that their version has
version_added: 0.1.0
author: argolab.observability contributors (@argolab)
description:
  - Knows which metrics each part of Argo CD 3.0 to 3.5 exposes, with which labels, from the start or after which event,
    and returns one check for each. The facts and their sources are in C(docs/argocd-metrics.md).
  - A metric that only traffic makes is due once another metric of the part shows that there was such traffic, or
    O(happened) says so. Until then it is neither passed nor failed, and is not waited for.
  - All of it is two or three requests to Prometheus per poll.
  - Causes are C(metric_absent), C(label_absent) and C(component_not_scraped).
extends_documentation_fragment:
  - argolab.observability.prometheus_access
  - argolab.observability.kube_access
  - argolab.observability.waiting
  - argolab.observability.attributes
  - argolab.observability.attributes.read_only
options:
  argocd_namespace:
    description: Namespace that Argo CD runs in, label C(namespace) of its targets. The release may have any name.
    type: str
    default: argocd
  components:
    description: Parts of Argo CD that are scraped.
    type: list
    elements: str
    choices:
      - application-controller
      - applicationset-controller
      - repo-server
      - server
      - notifications-controller
      - redis
      - dex-server
    default: [application-controller, applicationset-controller, repo-server, server]
  version:
    description:
      - Version of Argo CD, such as V(3.5) or V(v3.5.7). By default what the metric C(argocd_info) of the server says;
        without that only what every version from 3.0 on has is due.
      - A version after the newest that is known is held against the newest.
    type: str
  happened:
    description: Events that are known to have happened since the parts started, whose metrics are therefore due.
    type: list
    elements: str
    choices:
      - application
      - reconciliation
      - sync
      - successful_sync
      - git
      - fetch
      - call
      - cache
      - applicationset
      - oci
      - login
      - trigger
      - notification
    default: []
seealso:
  - module: argolab.observability.prometheus_query
  - module: argolab.observability.scrape_coverage
"""

EXAMPLES = r"""
- name: Argo CD has the metrics of its version
  argolab.observability.argocd_metrics:
    kubeconfig: build/kubeconfig.yaml
    context: k3d-argolab

- name: After the first sync, those that a sync makes as well
  argolab.observability.argocd_metrics:
    url: http://prometheus.example.it
    argocd_namespace: gitops
    components: [application-controller, repo-server, server, notifications-controller]
    happened: [application, successful_sync]
"""

RETURN = r"""
checks:
  description: One for each metric of each part, also on failure. A part that is not scraped has one for all of them.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The metric, the part and the version.
      type: str
      sample: metric argocd_app_info of argocd-application-controller 3.5
    ok: {type: bool, description: The outcome. Null means that it is not due.}
    expected: {type: str, description: What should be.}
    observed: {type: str, description: What is.}
    detail: {type: str, description: "Since when it exists, where that was read, and the likeliest cause."}
    cause: {type: str, description: "Short name of the reason, for programs."}
    next: {type: str, description: The command to type next.}
    subject: {type: str, description: The jobs of the part.}
access:
  description: Which Prometheus was asked, and with which context.
  returned: when Prometheus could be asked
  type: str
  sample: Prometheus at service monitoring/prometheus-operated:9090 through the API server https://127.0.0.1:6443
version:
  description: Major and minor version whose contract was checked, the oldest where the version is not known.
  returned: when Prometheus could be asked
  type: str
  sample: "3.5"
version_from:
  description: Where the version is from, V(option), V(argocd_info) or V(unknown).
  returned: when Prometheus could be asked
  type: str
  sample: argocd_info
reported_version:
  description: What C(argocd_info) says; empty where there is none.
  returned: when Prometheus could be asked
  type: str
  sample: v3.5.7+unknown
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
from ansible_collections.argolab.observability.plugins.module_utils.parts.argocd_metrics import PART


def main() -> None:
    run_part(PART)


if __name__ == "__main__":
    main()
