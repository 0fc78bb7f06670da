#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: argocd_applications
short_description: Check Applications of Argo CD, and that Prometheus knows the same of them
version_added: 0.1.0
author:
  - argolab.observability contributors (@argolab)
description:
  - Checks that Applications have the sync and health status that they should have. The failure names the resources
    that are
    out of sync or unhealthy and the conditions that Argo CD reports.
  - Compares the status of every Application with the series C(argocd_app_info), which dashboards and alerts are made
    from.
    After a change this takes until the next scrape, so it is worth waiting one scrape interval.
  - Causes are C(application_absent), C(application_out_of_sync), C(application_unhealthy), C(metric_disagrees),
    C(metric_absent), C(metric_stale).
extends_documentation_fragment:
  - argolab.observability.kube_access
  - argolab.observability.cluster
  - argolab.observability.cluster.prometheus
  - argolab.observability.attributes
  - argolab.observability.attributes.read_only
  - argolab.observability.waiting
options:
  applications:
    description: Applications with the status that they should have.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the Application.
        type: str
        required: true
      namespace:
        description: Namespace of the Application.
        type: str
        default: argocd
      sync_status:
        description: Sync status that it should have.
        type: str
        choices: [Synced, OutOfSync, Unknown]
        default: Synced
      health_status:
        description: Health status that it should have.
        type: str
        choices: [Healthy, Progressing, Degraded, Suspended, Missing, Unknown]
        default: Healthy
  metric:
    description: Whether C(argocd_app_info) is compared with the status of every Application.
    type: bool
    default: true
  metric_selector:
    description:
      - Label matchers inside the braces of C(argocd_app_info{}), where several Argo CDs are scraped by one Prometheus.
    type: str
    default: ""
seealso:
  - module: argolab.observability.argocd_sync
"""

EXAMPLES = r"""
- name: The guestbook is deployed, and Prometheus knows
  argolab.observability.argocd_applications:
    kubeconfig: "{{ cluster_kubeconfig }}"
    applications:
      - name: guestbook
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
applications:
  description: Every Application of the cluster with its status.
  returned: when the cluster answered
  type: list
  elements: dict
  sample:
    - name: guestbook
      namespace: argocd
      sync_status: Synced
      health_status: Healthy
      revision: a9aea1b7798c17688cf566eb976698bcc906e5d6
      operation_phase: Succeeded
      operation_message: successfully synced (all tasks run)
      operation_started_at: "2026-11-26T18:11:34Z"
      conditions: []
"""

from ansible_collections.argolab.observability.plugins.module_utils.part import run_part
from ansible_collections.argolab.observability.plugins.module_utils.parts.argocd_applications import PART


def main() -> None:
    run_part(PART)


if __name__ == "__main__":
    main()
