#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_release_plan
short_description: Say whether and why a Helm release has to be changed
version_added: 0.1.0
author: argolab.observability contributors (@argolab)
description:
  - Compares the deployed revision of a release with the wanted chart and values. Nothing is changed.
  - Everything that can be known beforehand is refused here, with one message, so that nothing is half done.
    That is a chart that does not exist, values that the chart does not know, APIs that the cluster lacks, another Helm
    run that is still at work.
  - Revisions that a Helm run left behind failed or pending are named in RV(dead). Helm refuses to work on a release
    with a pending one, and M(kubernetes.core.helm) takes a failed one for deployed.
options:
  release_name:
    description: Name of the release.
    type: str
    required: true
  release_namespace:
    description: Namespace of the release.
    type: str
    required: true
  chart_ref:
    description: Folder, archive, name in O(chart_repo_url), or V(oci://) reference.
    type: str
    required: true
  chart_version:
    description: Version of the chart; empty for the newest, or the one in the folder.
    type: str
    default: ""
  chart_repo_url:
    description: Address of the chart repository; empty for none.
    type: str
    default: ""
  values:
    description: The values that the release is to have.
    type: dict
    default: {}
  required_apis:
    description: Kinds that the cluster has to know, as V(group/version/Kind).
    type: list
    elements: str
    default: []
  required_apis_hint:
    description: What to do when one of O(required_apis) is missing.
    type: str
    default: ""
  secrets:
    description:
      - Secrets in O(release_namespace) that are not the chart's and have to be there before it, such as one with a
        login.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the Secret.
        type: str
        required: true
      data:
        description: Values that it has to hold, as text. Empty where any content will do.
        type: dict
        default: {}
  pending_patience:
    description: Seconds for which a pending revision is taken for another Helm run at work.
    type: int
    default: 600
  binary_path:
    description: The helm program. By default the one on the search path. Only needed where a chart is not in a folder.
    type: path
extends_documentation_fragment:
  - argolab.observability.kube_access
  - argolab.observability.kube_access.outage
  - argolab.observability.attributes
attributes:
  check_mode:
    support: full
    details: A cluster that is not there yet is no failure then; see RV(reachable).
  diff_mode:
    support: full
    details: Shows the values that would change.
  idempotent:
    support: full
    details: The module never reports a change.
seealso:
  - module: kubernetes.core.helm
  - module: argolab.observability.helm_drift
"""

EXAMPLES = r"""
- name: Find out what has to be done
  argolab.observability.helm_release_plan:
    kubeconfig: build/kubeconfig/argolab.yaml
    release_name: argocd
    release_namespace: argocd
    chart_ref: argo-cd
    chart_version: 10.1.1
    chart_repo_url: https://argoproj.github.io/argo-helm
    values: {global: {domain: argocd.example.it}}
    required_apis: [monitoring.coreos.com/v1/ServiceMonitor]
  register: plan
"""

RETURN = r"""
needed:
  description: Whether the release has to be installed or upgraded.
  returned: success
  type: bool
  sample: true
reasons:
  description: Why.
  returned: success
  type: list
  elements: str
  sample: ["chart argo-cd-10.1.3 is deployed, argo-cd-10.1.4 is wanted"]
installed:
  description: Whether a revision is deployed now.
  returned: success
  type: bool
  sample: true
dead:
  description: Names of the Secrets of revisions that failed or were cut off after the deployed one.
  returned: success
  type: list
  elements: str
  sample: [sh.helm.release.v1.argocd.v3]
secrets_to_write:
  description: Names of those of O(secrets) that do not exist, or hold something else.
  returned: success
  type: list
  elements: str
  sample: []
settled:
  description:
    - Whether nothing is left to do at all. The release is as wanted, no object of it differs from its manifest, and
      everything that it runs is ready. Then M(argolab.observability.helm_drift) and
      M(argolab.observability.release_ready) would find nothing.
  returned: success
  type: bool
  sample: false
reachable:
  description: Whether there is a cluster to change. Only in check mode this can be V(false).
  returned: success
  type: bool
  sample: true
"""

from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.cluster_access import kube_from_params
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KUBE_ARGUMENT_SPEC, KubeError
from ansible_collections.argolab.observability.plugins.module_utils.kube_outage import OUTAGE_ARGUMENT_SPEC
from ansible_collections.argolab.observability.plugins.module_utils.release_plan import no_cluster_yet, plan


def main() -> None:
    module = checked_module(
        argument_spec={
            **KUBE_ARGUMENT_SPEC,
            **OUTAGE_ARGUMENT_SPEC,
            "release_name": {"type": "str", "required": True},
            "release_namespace": {"type": "str", "required": True},
            "chart_ref": {"type": "str", "required": True},
            "chart_version": {"type": "str", "default": ""},
            "chart_repo_url": {"type": "str", "default": ""},
            "values": {"type": "dict", "default": {}},
            "required_apis": {"type": "list", "elements": "str", "default": []},
            "required_apis_hint": {"type": "str", "default": ""},
            "secrets": {
                "type": "list",
                "elements": "dict",
                "default": [],
                # names may be seen; what is not to be seen is in data
                "no_log": False,
                "options": {
                    "name": {"type": "str", "required": True},
                    "data": {"type": "dict", "default": {}, "no_log": True},
                },
            },
            "pending_patience": {"type": "int", "default": 600},
            "binary_path": {"type": "path"},
        },
        limits={
            "chart_version": {"form": "version"},
            "chart_repo_url": {"form": "url"},
            "required_apis": {"form": "api_kind"},
            "secrets": {"options": {"name": {"form": "kube_name"}, "data": {"empty_ok": True}}},
            "pending_patience": {"minimum": 0},
        },
    )
    params = module.params

    def helm(arguments: list[str]) -> tuple[int, str, str]:
        program = params["binary_path"] or module.get_bin_path("helm", required=True)
        code, output, error = module.run_command([program, *arguments])
        return code, output, error

    try:
        result = plan(params, kube_from_params(params, absent_ok=module.check_mode), helm, module.check_mode)
    except ArgolabError as error:
        no_cluster = (
            isinstance(error, KubeError) and error.status == 0 or "does not exist; create the cluster" in str(error)
        )
        if not (module.check_mode and no_cluster):
            module.fail_json(msg=f"Release {params['release_name']} was left as it is: {error}")
            return
        result = no_cluster_yet(params, error)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
