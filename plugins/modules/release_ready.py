#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_ready
short_description: Wait until everything that a Helm release runs is ready
version_added: 0.1.0
author: argolab.observability contributors (@argolab)
description:
  - Waits for the Deployments, StatefulSets and DaemonSets of a release, and for its C(Prometheus) and C(Alertmanager)
    objects, whose StatefulSets the Prometheus operator makes and Helm does not wait for.
  - A C(Prometheus) or C(Alertmanager) is ready when the operator has reconciled its present generation and says that
    it is available.
  - The failure names the pod that does not come up and the reason.
options:
  release_name:
    description: Name of the release.
    type: str
    required: true
  release_namespace:
    description: Namespace of the release.
    type: str
    required: true
  labels:
    description:
      - Only workloads, and C(Prometheus) and C(Alertmanager) objects, with these labels. Empty for all of the release.
    type: dict
    default: {}
extends_documentation_fragment:
  - argolab.observability.kube_access
  - argolab.observability.attributes
  - argolab.observability.attributes.read_only
  - argolab.observability.waiting
seealso:
  - module: kubernetes.core.helm
  - module: argolab.observability.cluster_checks
"""

EXAMPLES = r"""
- name: Prometheus and Alertmanager really run
  argolab.observability.release_ready:
    kubeconfig: build/kubeconfig/argolab.yaml
    release_name: kube-stack-prometheus
    release_namespace: monitoring
    wait_timeout: 300
"""

RETURN = r"""
checks:
  description: What was checked, in order; also returned on failure.
  returned: always
  type: list
  elements: dict
  contains:
    name: {type: str, description: What was checked.}
    ok: {type: bool, description: The outcome.}
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
attempts:
  description: How often it was looked at.
  returned: when anything could be checked
  type: int
  sample: 1
"""

from ansible_collections.argolab.observability.plugins.module_utils.part import run_part
from ansible_collections.argolab.observability.plugins.module_utils.parts.release_ready import PART


def main() -> None:
    run_part(PART)


if __name__ == "__main__":
    main()
