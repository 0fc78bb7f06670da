#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_rights
short_description: Check that an account has the rights of manifests before they are needed
version_added: 0.1.0
author:
  - argolab.observability contributors (@argolab)
description:
  - Asks the API server whether the account of O(context) has every right that the Roles and ClusterRoles of manifests
    grant, names those that it lacks, and says which manifest grants them. A build that lacks one would otherwise end
    half way.
  - It does not look at Roles or bindings, so however the account came by its rights, they count.
  - Whoever is logged in may ask this about himself (ClusterRole C(system:basic-user)).
extends_documentation_fragment:
  - argolab.observability.kube_access
  - argolab.observability.kube_access.outage
  - argolab.observability.cluster
  - argolab.observability.attributes
  - argolab.observability.attributes.read_only
options:
  manifests:
    description: What grants the rights that are needed.
    type: list
    elements: dict
    required: true
    suboptions:
      content:
        description:
          - The content of a manifest, a C(List) that holds the Roles and ClusterRoles among other objects. What other
            objects it holds, and whom it binds, does not count.
        type: dict
        required: true
      roles:
        description:
          - Names of the Roles and ClusterRoles whose rights are needed, a Role also as V(NAMESPACE/NAME). Empty means
            all.
        type: list
        elements: str
        default: []
      remedy:
        description: The command that grants the rights, which is named where one of them is missing.
        type: str
        default: kubectl apply -f MANIFEST
seealso:
  - module: argolab.observability.cluster_ready
"""

EXAMPLES = r"""
- name: The account may do what a build does
  argolab.observability.cluster_rights:
    kubeconfig: "{{ cluster_kubeconfig }}"
    context: "{{ cluster_context }}"
    manifests:
      - content: "{{ lookup('ansible.builtin.file', 'docs/manifests/build-rbac.yaml') | from_yaml }}"
        roles: [argolab-build]
        remedy: kubectl apply -f docs/manifests/build-rbac.yaml
      - content: "{{ lookup('ansible.builtin.file', 'docs/manifests/build-rbac-profiles.yaml') | from_yaml }}"
        roles: [argolab-build-policies, argocd/argolab-build-budgets]
        remedy: kubectl apply -f docs/manifests/build-rbac-profiles.yaml
"""

RETURN = r"""
checks:
  description: One for the whole cluster and one for each namespace; also returned on failure.
  returned: when the API server answered
  type: list
  elements: dict
  contains:
    name: {type: str, description: What was checked.}
    ok: {type: bool, description: The outcome.}
    expected: {type: str, description: How many rights are needed.}
    observed: {type: str, description: How many of them there are.}
    detail: {type: str, description: Those that are missing.}
    cause: {type: str, description: V(right_missing) where one is missing.}
    next: {type: str, description: "The command to type next, or several with C(&&) between them."}
    subject: {type: str, description: What the check is about.}
missing:
  description: Every right that is missing, as C(kubectl auth can-i) takes it, with its namespace.
  returned: when the API server answered
  type: list
  elements: str
  sample: ["create customresourcedefinitions.apiextensions.k8s.io", "patch deployments.apps in namespace monitoring"]
"""

from typing import Any, Mapping

from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.checks import as_dicts, count_text, failure_message
from ansible_collections.argolab.observability.plugins.module_utils.cluster_access import (
    CLUSTER_ARGUMENT_SPEC,
    kube_from_params,
)
from ansible_collections.argolab.observability.plugins.module_utils.cluster_rights import (
    missing_rights,
    remedies,
    rights_checks,
    wanted_rights,
)
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.kube_outage import OUTAGE_ARGUMENT_SPEC
from ansible_collections.argolab.observability.plugins.module_utils.option_secrets import secrets_in

MANIFEST: Mapping[str, Any] = {
    "content": {"type": "dict", "required": True},
    "roles": {"type": "list", "elements": "str", "default": []},
    "remedy": {"type": "str", "default": "kubectl apply -f MANIFEST"},
}


def main() -> None:
    module = checked_module(
        {
            **CLUSTER_ARGUMENT_SPEC,
            **OUTAGE_ARGUMENT_SPEC,
            "manifests": {"type": "list", "elements": "dict", "required": True, "options": MANIFEST},
        },
        limits={"manifests": {"options": {"roles": {"form": "role_name"}, "remedy": {"form": "text"}}}},
    )
    params = module.params
    module.no_log_values.update(secrets_in(params["kubeconfig"]))
    try:
        wanted = wanted_rights(params["manifests"])
        client = kube_from_params(params)
        missing = missing_rights(client, list(wanted))
    except ArgolabError as error:
        module.fail_json(msg=f"Whether the account has the rights that are needed is not known: {error}")
        return
    checks = rights_checks(wanted, missing)
    texts = [f"{right}{f' in namespace {right.namespace}' if right.namespace else ''}" for right in missing]
    result = {"changed": False, "checks": as_dicts(checks), "missing": texts}
    if not missing:
        module.exit_json(**result, msg=f"{count_text(len(wanted), 'right')} are there.")
    who = f"{client.description[:1].upper()}{client.description[1:]}"
    title = (
        f"{who}: the account lacks {count_text(len(missing), 'right')}"
        f" of {len(wanted)}. Nothing was changed. Grant what is missing: {remedies(wanted, missing)}"
    )
    module.fail_json(**result, msg=failure_message(title, checks))


if __name__ == "__main__":
    main()
