#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: prometheus_rules
short_description: Check that Prometheus has loaded the rules that are expected and that they work
version_added: 0.1.0
author: argolab.observability contributors (@argolab)
description:
  - States which rule groups, alerts and recording rules must be loaded and healthy, and waits until that is so.
  - Asks Prometheus only for the groups and rules that are named; O(all_healthy) needs the list of all.
  - A rule that is loaded and not due yet (health C(unknown) for less than its group's interval) is pending, neither
    passed nor failed. O(require_evaluated) says whether to wait for it.
  - A failure says what was expected, what was seen, the rule's last error and the likeliest cause.
extends_documentation_fragment:
  - argolab.observability.prometheus_access
  - argolab.observability.kube_access
  - argolab.observability.waiting
  - argolab.observability.attributes
  - argolab.observability.attributes.read_only
options:
  expected:
    description: Expectations, each about a group, a rule, or a rule within a group.
    type: list
    elements: dict
    suboptions:
      group:
        description: Exact name of a rule group. Without O(expected[].rule) all its rules must be healthy.
        type: str
      rule:
        description: Exact name of an alert or of a recorded series. All rules of this name must be healthy.
        type: str
      type:
        description: Only rules of this type are meant.
        type: str
        choices: [alerting, recording]
      file:
        description:
          - Shell pattern for the path of the rule file as Prometheus sees it, such as V(*/monitoring-argocd-*.yaml).
        type: str
  expected_groups:
    description: Names of rule groups, a short form of O(expected) with only O(expected[].group).
    type: list
    elements: str
  all_healthy:
    description: Every rule of every loaded group must be healthy, with one check for each group.
    type: bool
    default: false
  require_evaluated:
    description:
      - Whether to wait for rules that are loaded and not due yet. Groups can have intervals of minutes; O(wait_timeout)
        has to be longer.
      - With V(false) their checks are pending, with V(null) for RV(checks[].ok).
    type: bool
    default: false
seealso:
  - module: argolab.observability.prometheus_targets
  - module: argolab.observability.prometheus_query
"""

EXAMPLES = r"""
- name: Wait until both Argo CD alerts are loaded, through the API server
  argolab.observability.prometheus_rules:
    kubeconfig: build/kubeconfig.yaml
    context: k3d-argolab
    expected:
      - {group: argocd, rule: ArgoAppMissing, type: alerting}
      - {group: argocd, rule: ArgoAppNotSynced, type: alerting}

- name: Every rule of every group works, and these groups are among them
  argolab.observability.prometheus_rules:
    url: http://127.0.0.1:8080
    host_header: prometheus.example.it
    all_healthy: true
    require_evaluated: true
    wait_timeout: 240
    expected_groups:
      - argocd
      - alertmanager.rules
"""

RETURN = r"""
checks:
  description: One entry for each expectation, and for each group with O(all_healthy); also returned by a failure.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the check.
      type: str
      sample: rule ArgoAppMissing in group argocd (alerting)
    ok:
      description: Whether the expectation held at the last poll; null where a rule is loaded and not due yet.
      type: bool
    expected:
      description: What was expected.
      type: str
      sample: loaded and healthy
    observed:
      description: What was seen.
      type: str
      sample: 0 healthy, 1 in error of 1 rule
    detail:
      description: The rules' errors, the likeliest cause and names that were probably meant. Empty where all is well.
      type: str
msg:
  description: The number of passed and pending checks, or the diagnosis.
  returned: always
  type: str
  sample: 3 checks passed.
groups:
  description: The rule groups that were looked at, as of the last answer.
  returned: when Prometheus could be asked
  type: list
  elements: dict
  contains:
    group:
      description: Name of the group.
      type: str
    file:
      description: Path of the rule file as Prometheus sees it.
      type: str
    interval:
      description: Seconds between two evaluations.
      type: float
    rules:
      description: Number of rules that were looked at.
      type: int
    healthy:
      description: Number of rules whose last evaluation succeeded.
      type: int
    errors:
      description: Number of rules whose last evaluation failed.
      type: int
    pending:
      description: Number of rules that were not evaluated yet.
      type: int
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
from ansible_collections.argolab.observability.plugins.module_utils.parts.prometheus_rules import PART


def main() -> None:
    run_part(PART)


if __name__ == "__main__":
    main()
