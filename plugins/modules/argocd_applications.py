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
started:
  description: Time of the first look, in seconds since 1970.
  returned: when anything could be checked
  type: int
attempts:
  description: How often it was looked at.
  returned: when anything could be checked
  type: int
applications:
  description: Every Application of the cluster with its status.
  returned: when the cluster answered
  type: list
  elements: dict
"""

from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.argocd import (
    API,
    AppState,
    expectation_checks,
    metric_checks,
)
from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.checks import as_dicts
from ansible_collections.argolab.observability.plugins.module_utils.cluster_access import (
    CLUSTER_PROMETHEUS_ARGUMENT_SPEC,
    kube_from_params,
    prometheus_from_params,
)
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.explained import (
    PROMETHEUS_SILENT,
    ExplainedCheck,
    conclude,
    no_answer,
    poll_of,
)
from ansible_collections.argolab.observability.plugins.module_utils.waiter import WAIT_ARGUMENT_SPEC, Poll

HEALTH = ["Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown"]

WHAT = "Applications"


def main() -> None:
    module = checked_module(
        argument_spec={
            **CLUSTER_PROMETHEUS_ARGUMENT_SPEC,
            **WAIT_ARGUMENT_SPEC,
            "applications": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "namespace": {"type": "str", "default": "argocd"},
                    "sync_status": {"type": "str", "default": "Synced", "choices": ["Synced", "OutOfSync", "Unknown"]},
                    "health_status": {"type": "str", "default": "Healthy", "choices": HEALTH},
                },
            },
            "metric": {"type": "bool", "default": True},
            "metric_selector": {"type": "str", "default": ""},
        },
        limits={"applications": {"options": {"name": {"form": "kube_name"}, "namespace": {"form": "namespace"}}}},
    )
    params = module.params
    title = "Applications are not as they should be"
    try:
        kube = kube_from_params(params)
        prometheus = prometheus_from_params(kube, params)
    except ArgolabError as error:
        module.fail_json(msg=f"{title}: {error}", checks=as_dicts([no_answer(WHAT, str(error))]))
        return

    def poll() -> Poll:
        states = [AppState.of(item) for item in kube.list(f"{API}/applications")]
        checks = expectation_checks(states, params["applications"])
        error = ""
        if params["metric"]:
            try:
                answer = prometheus.query(f"argocd_app_info{{{params['metric_selector']}}}")
                checks += metric_checks(states, [sample.labels for sample in answer.samples])
            except ArgolabError as failure:
                # What the API server said is worth showing although Prometheus does not answer.
                error = str(failure)
                checks.append(
                    ExplainedCheck("argocd_app_info", False, "an answer", PROMETHEUS_SILENT, error, "prometheus_silent")
                )
        return poll_of(checks, states, error)

    def extra(states: Any) -> dict[str, Any]:
        return {
            "applications": [
                {"name": item.name, "namespace": item.namespace, **item.as_dict()} for item in states or []
            ]
        }

    conclude(module, title, WHAT, poll, extra)


if __name__ == "__main__":
    main()
