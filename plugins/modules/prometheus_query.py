#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: prometheus_query
short_description: Check the answers of Prometheus to PromQL expressions
version_added: 0.1.0
author: argolab.observability contributors (@argolab)
description:
  - States how many series each expression must give and what their values must be, and waits until that is so.
  - All queries are asked in one module run; each poll asks all of them again.
extends_documentation_fragment:
  - argolab.observability.prometheus_access
  - argolab.observability.kube_access
  - argolab.observability.waiting
  - argolab.observability.attributes
  - argolab.observability.attributes.read_only
options:
  queries:
    description: The expressions and what is expected of their answers.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What the check is called. By default the expression. Names must differ.
        type: str
      expr:
        description:
          - PromQL expression that gives an instant vector or a scalar. One that cannot be parsed fails at once.
        type: str
        required: true
      min_series:
        description: Least number of series, 0 or more. By default V(1), or V(0) where O(queries[].max_series) is V(0).
        type: int
      max_series:
        description: Greatest number of series, 0 or more. V(0) expects an empty answer.
        type: int
      value:
        description:
          - Comparison that the value of every series must satisfy, an operator (V(==), V(!=), V(>=), V(<=), V(>), V(<))
            and a number, such as V(>= 1). NaN satisfies none.
        type: str
      labels:
        description: Labels that every series must have, with a value that is not empty.
        type: list
        elements: str
        default: []
      max_age:
        description:
          - Greatest number of seconds since each series was last scraped, by the clock of Prometheus. For an expression
            that is one metric with label matchers; everything else carries the time of the query.
          - A target that is gone has no series at all after one interval. What is old without being gone comes from
            exporters that send their own times, from a scrape interval of minutes, or from a Prometheus that scrapes no
            longer.
          - Costs one more request per poll.
        type: float
      required_when:
        description:
          - PromQL expression without whose series the expectation is not due. It is reported as neither passed nor
            failed then, and is not waited for. For counters that only traffic makes, name what shows that there was
            traffic.
        type: str
seealso:
  - module: argolab.observability.prometheus_targets
  - module: argolab.observability.prometheus_rules
"""

EXAMPLES = r"""
- name: Wait until Prometheus knows the applications, and none is out of sync
  argolab.observability.prometheus_query:
    kubeconfig: build/kubeconfig.yaml
    context: k3d-argolab
    queries:
      - name: guestbook is known
        expr: argocd_app_info{name="guestbook"}
      - name: nothing is out of sync
        expr: argocd_app_info{sync_status!="Synced"}
        max_series: 0
      - name: the repo-server has no queue
        expr: sum(argocd_repo_pending_request_total)
        value: "== 0"
      - name: the controller is scraped, and says to which Application its numbers belong
        expr: argocd_app_info
        labels: [name, project, sync_status, health_status]
        max_age: 60
"""

RETURN = r"""
checks:
  description: One entry for each query; also returned by a failure.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the check.
      type: str
      sample: query guestbook is known
    ok:
      description: Whether the expectation held at the last poll; null where it is not due.
      type: bool
    expected:
      description: What was expected.
      type: str
      sample: at least 1 series
    observed:
      description: What was seen.
      type: str
      sample: 0 series
    detail:
      description: The expression, the series that differ, warnings of Prometheus and the likeliest cause.
      type: str
msg:
  description: The number of passed checks, or the diagnosis.
  returned: always
  type: str
  sample: 3 checks passed.
results:
  description: The answers of the last poll that was answered.
  returned: when Prometheus could be asked
  type: list
  elements: dict
  contains:
    name:
      description: Name of the query.
      type: str
    expr:
      description: The expression.
      type: str
    series:
      description: Number of series.
      type: int
    samples:
      description: Labels and values (as text, as Prometheus gives them) of the first 100 series.
      type: list
      elements: dict
    warnings:
      description: Warnings of Prometheus.
      type: list
      elements: str
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
from ansible_collections.argolab.observability.plugins.module_utils.parts.prometheus_query import PART


def main() -> None:
    run_part(PART)


if __name__ == "__main__":
    main()
