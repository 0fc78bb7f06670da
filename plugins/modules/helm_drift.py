#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_drift
short_description: Put back what was changed by hand in the objects of a Helm release
version_added: 0.1.0
author: argolab.observability contributors (@argolab)
description:
  - Reads the manifest of a deployed release and looks up every field that it declares in the cluster.
    What was deleted is created again, what was changed is set back, nothing else is touched.
  - Helm does not do this. It compares its last manifest with the next one, so a release whose values did not change is
    left alone, and for custom resources (ServiceMonitor, PrometheusRule) a manual change survives even an upgrade.
  - Hooks and the objects of a chart's C(crds/) folder are not part of a release's manifest and are not looked at.
options:
  release_name:
    description: Name of the release.
    type: str
    required: true
  release_namespace:
    description: Namespace of the release.
    type: str
    required: true
extends_documentation_fragment:
  - argolab.observability.kube_access
  - argolab.observability.kube_access.outage
  - argolab.observability.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: kubernetes.core.helm
  - module: argolab.observability.declared_objects
"""

EXAMPLES = r"""
- name: Set back what was changed by hand
  argolab.observability.helm_drift:
    kubeconfig: build/kubeconfig/argolab.yaml
    context: k3d-argolab
    release_name: argocd
    release_namespace: argocd
"""

RETURN = r"""
drift:
  description: What was, or in check mode would be, put back.
  returned: always
  type: list
  elements: dict
  contains:
    object:
      description: Kind, namespace and name.
      type: str
      sample: ServiceMonitor argocd/argocd-repo-server
    action:
      description: V(create) or V(patch).
      type: str
    fields:
      description: Each declared field that differed, with both sides. Values of Secrets are hidden.
      type: list
      elements: str
compared:
  description: Number of objects that were compared.
  returned: always
  type: int
  sample: 41
"""

from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.cluster_access import kube_from_params
from ansible_collections.argolab.observability.plugins.module_utils.declared_objects import diff_of
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.helm_release import (
    ReleaseDrift,
    deployed_manifest,
)
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KUBE_ARGUMENT_SPEC
from ansible_collections.argolab.observability.plugins.module_utils.kube_outage import OUTAGE_ARGUMENT_SPEC


def main() -> None:
    module = checked_module(
        argument_spec={
            **KUBE_ARGUMENT_SPEC,
            **OUTAGE_ARGUMENT_SPEC,
            "release_name": {"type": "str", "required": True},
            "release_namespace": {"type": "str", "required": True},
        },
    )
    params = module.params
    name, namespace = params["release_name"], params["release_namespace"]
    try:
        client = kube_from_params(params)
        release = ReleaseDrift(client, deployed_manifest(client, name, namespace), namespace)
        drift = release.find()
        if not module.check_mode:
            release.repair(drift)
    except ArgolabError as exc:
        module.fail_json(msg=f"Release {name} could not be compared with the cluster: {exc}")
    module.exit_json(
        changed=bool(drift),
        compared=release.compared,
        drift=[item.as_dict() for item in drift],
        diff=diff_of(drift),
    )


if __name__ == "__main__":
    main()
