#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: prometheus_targets
short_description: Check that Prometheus scrapes the targets that are expected
version_added: 0.1.0
author: argolab.observability contributors (@argolab)
description:
  - States which scrape pools or jobs must have how many targets up, and waits until that is so.
  - Asks Prometheus only for the pools that are named, so that a server with many thousand targets costs no more than
    a small one. Expectations by O(expected[].job) alone and O(all_up) need the list of all active targets.
  - A failure says what was expected, what was seen, the last scrape error and the likeliest cause.
extends_documentation_fragment:
  - argolab.observability.prometheus_access
  - argolab.observability.kube_access
  - argolab.observability.waiting
  - argolab.observability.attributes
  - argolab.observability.attributes.read_only
options:
  expected:
    description: Expectations, each about a scrape pool, a job, or a job within a scrape pool.
    type: list
    elements: dict
    suboptions:
      scrape_pool:
        description:
          - Exact name of a scrape pool. The operator names them C(serviceMonitor/<namespace>/<name>/<endpoint index>).
          - A pool that Prometheus does not know yet is waited for.
        type: str
      job:
        description: Exact value of the targets' label C(job).
        type: str
      min_up:
        description: Number of targets that must be up, 0 or more. By default O(expected[].count), or V(1) without it.
        type: int
      count:
        description: Exact number of active targets, up or not. V(0) expects that there is none.
        type: int
      labels:
        description: Only targets whose labels have exactly these values are counted.
        type: dict
  all_up:
    description:
      - Every active target of every scrape pool must be up, with one check for each pool.
      - A pool without targets is no failure here; name it in O(expected).
    type: bool
    default: false
seealso:
  - module: argolab.observability.prometheus_rules
  - module: argolab.observability.prometheus_query
"""

EXAMPLES = r"""
- name: Wait until Prometheus scrapes Argo CD, through the API server
  argolab.observability.prometheus_targets:
    kubeconfig: build/kubeconfig.yaml
    context: k3d-argolab
    expected:
      - scrape_pool: serviceMonitor/argocd/argocd-server/0
      - scrape_pool: serviceMonitor/argocd/argocd-repo-server/0
        count: 2

- name: Look once at everything, through an ingress that no DNS knows
  argolab.observability.prometheus_targets:
    url: http://127.0.0.1:8080
    host_header: prometheus.example.it
    all_up: true
    wait_timeout: 0

- name: See a job stay up for five polls
  argolab.observability.prometheus_targets:
    url: https://prometheus.example.it
    ca_path: /etc/ssl/certs/example-it.pem
    username: reader
    password: "{{ prometheus_password }}"
    stable_polls: 5
    expected:
      - job: apiserver
        labels: {namespace: default}
"""

RETURN = r"""
checks:
  description: One entry for each expectation, and for each pool with O(all_up); also returned by a failure.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the check.
      type: str
      sample: target serviceMonitor/argocd/argocd-server/0
    ok:
      description: Whether the expectation held at the last poll.
      type: bool
    expected:
      description: What was expected.
      type: str
      sample: at least 1 up
    observed:
      description: What was seen.
      type: str
      sample: 0 up, 1 down of 1 target
    detail:
      description: Scrape errors, the likeliest cause and names that were probably meant. Empty where all is well.
      type: str
msg:
  description: The number of passed checks, or the diagnosis.
  returned: always
  type: str
  sample: 3 checks passed.
targets_total:
  description: Number of targets that were looked at.
  returned: when Prometheus could be asked
  type: int
  sample: 29
targets:
  description:
    - The targets that were looked at, as of the last answer; those that are not up come first.
    - At most 1,000; RV(targets_total) says how many there are.
  returned: when Prometheus could be asked
  type: list
  elements: dict
  contains:
    pool:
      description: Scrape pool.
      type: str
    job:
      description: Label C(job).
      type: str
    url:
      description: Address that is scraped.
      type: str
    health:
      description: V(up), V(down), or V(unknown) before the first scrape.
      type: str
    last_error:
      description: Error of the last scrape, empty without one.
      type: str
    last_scrape:
      description: Time of the last scrape in ISO 8601, or null before the first.
      type: str
access:
  description: Which Prometheus was asked, and with which context.
  returned: when Prometheus could be asked
  type: str
  sample: Prometheus at service monitoring/prometheus-operated:9090 through the API server https://127.0.0.1:6443
attempts:
  description: Number of polls.
  returned: when Prometheus could be asked
  type: int
  sample: 1
waited:
  description: Seconds from the first poll to the last.
  returned: when Prometheus could be asked
  type: float
  sample: 0.4
"""

from ansible_collections.argolab.observability.plugins.module_utils.part import run_part
from ansible_collections.argolab.observability.plugins.module_utils.parts.prometheus_targets import PART


def main() -> None:
    run_part(PART)


if __name__ == "__main__":
    main()
