#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: declared_objects
short_description: Have a list of Kubernetes objects as declared
version_added: 0.1.0
author: argolab.observability contributors (@argolab)
description:
  - Looks up every declared field in the cluster. What is missing is created, what differs is set back in just the
    fields that differ, nothing else is touched. Looking costs one request for each kind and namespace.
  - Unlike M(kubernetes.core.k8s) with a list, it shows in diff mode every field that differs, and in check mode it
    copes with a kind, a namespace or a cluster that would have been made before.
  - It needs no Python library C(kubernetes) unless the kubeconfig does.
options:
  definitions:
    description: The objects, each with C(apiVersion), C(kind) and C(metadata.name), in the order of their creation.
    type: list
    elements: dict
    required: true
  namespace:
    description: Namespace of objects that name none.
    type: str
    default: default
extends_documentation_fragment:
  - argolab.observability.kube_access
  - argolab.observability.kube_access.outage
  - argolab.observability.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Values of Secrets are hidden.
  idempotent:
    support: full
seealso:
  - module: argolab.observability.helm_drift
  - module: kubernetes.core.k8s
"""

EXAMPLES = r"""
- name: Have a ConfigMap
  argolab.observability.declared_objects:
    kubeconfig: build/kubeconfig/argolab.yaml
    namespace: monitoring
    definitions:
      - apiVersion: v1
        kind: ConfigMap
        metadata: {name: greeting}
        data: {text: hello}
"""

RETURN = r"""
drift:
  description: What was, or in check mode would be, created or set back.
  returned: success
  type: list
  elements: dict
  contains:
    object: {description: "Kind, namespace and name.", type: str, sample: ConfigMap monitoring/greeting}
    action: {description: V(create) or V(patch)., type: str}
    fields:
      description: Each declared field that differed, with both sides. Values of Secrets are hidden.
      type: list
      elements: str
uncertain:
  description: Whether something could not be looked at because it would have been made before. Only in check mode.
  returned: success
  type: bool
  sample: false
"""

from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.cluster_access import kube_from_params
from ansible_collections.argolab.observability.plugins.module_utils.declared_objects import diff_of, have
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KUBE_ARGUMENT_SPEC
from ansible_collections.argolab.observability.plugins.module_utils.kube_outage import OUTAGE_ARGUMENT_SPEC


def main() -> None:
    module = checked_module(
        argument_spec={
            **KUBE_ARGUMENT_SPEC,
            **OUTAGE_ARGUMENT_SPEC,
            "definitions": {"type": "list", "elements": "dict", "required": True},
            "namespace": {"type": "str", "default": "default"},
        },
    )
    params = module.params
    try:
        client = kube_from_params(params, absent_ok=module.check_mode)
        drift, uncertain = have(client, params["definitions"], params["namespace"], module.check_mode)
    except ArgolabError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(drift),
        drift=[item.as_dict() for item in drift],
        uncertain=uncertain,
        diff=diff_of(drift),
    )


if __name__ == "__main__":
    main()
