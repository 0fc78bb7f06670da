#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rule_coverage
short_description: Compare PrometheusRule objects with the rules that Prometheus has loaded
version_added: 0.1.0
author:
  - argolab.observability contributors (@argolab)
description:
  - The operator leaves out a PrometheusRule with one wrong expression as a whole, and says so only in an event and in
    its log.
    In Prometheus its groups are then simply not there.
  - Checks for each PrometheusRule that all its groups are loaded, with all their rules. Where they are not,
    Prometheus itself
    is asked to parse each expression, so that the wrong one is named with the parser's own words; and the operator's
    event
    or status condition is shown.
  - Where they are, each rule is compared with what Prometheus has loaded, by C(expr), C(for), C(keep_firing_for),
    C(labels) and C(annotations). Expressions that are only written differently are the same. A Prometheus before 3.0
    does not tell; there, expressions that are written differently are not held against it.
  - Causes are C(rule_expression_invalid), C(operator_rejected), C(prometheus_does_not_select), C(not_loaded_yet),
    C(rule_differs), C(rule_absent).
extends_documentation_fragment:
  - argolab.observability.kube_access
  - argolab.observability.cluster
  - argolab.observability.cluster.prometheus
  - argolab.observability.attributes
  - argolab.observability.attributes.read_only
  - argolab.observability.waiting
options:
  namespaces:
    description: Namespaces whose PrometheusRules are compared. Without any, all.
    type: list
    elements: str
    default: []
  required:
    description: PrometheusRules that have to exist, as V(NAMESPACE/NAME).
    type: list
    elements: str
    default: []
seealso:
  - module: argolab.observability.prometheus_rules
  - module: argolab.observability.scrape_coverage
"""

EXAMPLES = r"""
- name: Every PrometheusRule of the namespace is loaded as it is
  argolab.observability.rule_coverage:
    kubeconfig: "{{ cluster_kubeconfig }}"
    namespaces: [monitoring]
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
"""

from ansible_collections.argolab.observability.plugins.module_utils.part import run_part
from ansible_collections.argolab.observability.plugins.module_utils.parts.rule_coverage import PART


def main() -> None:
    run_part(PART)


if __name__ == "__main__":
    main()
