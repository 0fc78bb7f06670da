#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rule_lint
short_description: Find wrong expressions, annotations that print raw text, and selectors without series in rules
version_added: 0.1.0
author: argolab.observability contributors (@argolab)
description:
  - Most of what is wrong with a rule shows only when its alert fires, or never, because it cannot fire. This looks at
    every PrometheusRule of the cluster, whether Prometheus has loaded it or not.
  - Expressions and templates are checked with promtool where there is one. Without it, or beside it, Prometheus itself
    parses the expressions, and gives their syntax trees; no parser of the collection's own is involved.
  - Causes are C(expression_invalid), C(annotation_invalid), C(rule_invalid), C(raw_template_text) (an annotation that
    prints template code, because it was escaped once too often or stands outside of braces), C(label_not_kept) (an
    annotation prints a label that the expression drops, or that only the rule adds), C(no_series) (a selector matches
    nothing, with the label that leads nowhere), C(no_rules).
  - C(no_series_now) is said and fails nothing. It is a selector that matches nothing because of a label that does not
    say where series come from, such as a status that nothing has at the moment, a metric without series that a
    target announces, or one that another rule records. Matchers that exclude, such as C(status!="ok"), are not held
    against a selector.
  - What is in C(absent()) or behind C(unless) may have no series, and of the sides of an C(or) one may.
extends_documentation_fragment:
  - argolab.observability.kube_access
  - argolab.observability.cluster
  - argolab.observability.cluster.prometheus
  - argolab.observability.attributes
  - argolab.observability.attributes.read_only
  - argolab.observability.waiting
options:
  namespaces:
    description: Namespaces whose PrometheusRules are looked at. Without any, all.
    type: list
    elements: str
    default: []
  parts:
    description:
      - What is looked at. V(promtool) and V(expressions) overlap where there is a promtool.
      - V(expressions), V(labels) and V(series) need the syntax trees of Prometheus 3.0 or later, and are skipped, with
        the reason, where it is older.
    type: list
    elements: str
    choices: [promtool, expressions, templates, labels, series]
    default: [promtool, expressions, templates, labels, series]
  promtool_path:
    description: The program. Without it the one in E(PATH), or the one that was built for the lab.
    type: path
  allowed_missing:
    description:
      - Shell patterns for names of metrics that may have no series, such as V(etcd_*). C(ALERTS) may always.
    type: list
    elements: str
    default: []
  series_required:
    description:
      - Shell patterns for PrometheusRules, as V(NAMESPACE/NAME), in which a selector without series is a failure. In
        the others, all of them with an empty list, it is said and fails nothing. A stack like kube-prometheus-stack
        brings rules about much that a cluster does not have, such as volumes, quotas or disk arrays.
    type: list
    elements: str
    default: ["*"]
notes:
  - Templates are read only as far as something is certainly wrong. What a label holds at the time is not known before.
seealso:
  - module: argolab.observability.rule_coverage
  - module: argolab.observability.prometheus_rules
"""

EXAMPLES = r"""
- name: No rule of the platform leads nowhere
  argolab.observability.rule_lint:
    kubeconfig: "{{ cluster_kubeconfig }}"
    namespaces: [monitoring]
    series_required: [monitoring/argocd-*]
    wait_timeout: 0
"""

RETURN = r"""
checks:
  description: One for each PrometheusRule without a finding, else one for each rule and cause; also on failure.
  returned: always
  type: list
  elements: dict
  contains:
    name: {type: str, description: What was checked.}
    ok: {type: bool, description: The outcome. Null means skipped.}
    expected: {type: str, description: What should be.}
    observed: {type: str, description: What is.}
    detail: {type: str, description: The findings.}
    cause: {type: str, description: "Short name of the reason, for programs."}
    next: {type: str, description: The command to type next.}
    subject: {type: str, description: "Namespace and name of the PrometheusRule."}
findings:
  description: Each finding by itself.
  returned: when anything could be checked
  type: list
  elements: dict
  contains:
    object: {type: str, description: "Namespace and name of the PrometheusRule."}
    group: {type: str, description: Name of the rule group.}
    rule: {type: str, description: Name of the alert or of the recorded series.}
    cause: {type: str, description: Short name of the reason.}
    text: {type: str, description: What is wrong.}
rules:
  description: Number of rules that were looked at.
  returned: when anything could be checked
  type: int
  sample: 142
promtool:
  description: The program that was used. Empty where there is none.
  returned: when anything could be checked
  type: str
  sample: /cache/programs/promtool-v3.16.0-0f3a5c7d9e1b/promtool
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
from ansible_collections.argolab.observability.plugins.module_utils.parts.rule_lint import PART


def main() -> None:
    run_part(PART)


if __name__ == "__main__":
    main()
