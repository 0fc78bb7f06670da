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

from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.argolab.observability.plugins.module_utils import helm_chart, helm_state
from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.cluster_access import kube_from_params
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.helm_release import ReleaseDrift, release_secrets
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import (
    KUBE_ARGUMENT_SPEC,
    KubeClient,
    KubeError,
)
from ansible_collections.argolab.observability.plugins.module_utils.kube_outage import OUTAGE_ARGUMENT_SPEC
from ansible_collections.argolab.observability.plugins.module_utils.release_ready import read_release


def missing_apis(client: KubeClient, wanted: list[str]) -> list[str]:
    """Those of the wanted group/version/Kind that the cluster does not serve."""
    served: dict[str, set[str]] = {}
    for entry in wanted:
        group_version, _slash, kind = entry.rpartition("/")
        if group_version not in served:
            try:
                answer = client.get(f"/apis/{group_version}")
                served[group_version] = {str(item.get("kind")) for item in answer.get("resources") or []}
            except KubeError as error:
                if error.status != 404:
                    raise
                served[group_version] = set()
    return [entry for entry in wanted if entry.rpartition("/")[2] not in served[entry.rpartition("/")[0]]]


def plan(module: AnsibleModule, client: KubeClient) -> dict[str, Any]:
    params = module.params
    name, namespace = params["release_name"], params["release_namespace"]
    missing = missing_apis(client, params["required_apis"])
    if missing and not module.check_mode:
        raise DefiniteError(f"the cluster does not know {', '.join(missing)}. {params['required_apis_hint']}")
    deployed, dead = helm_state.current_revisions(release_secrets(client, name, namespace))
    running = helm_state.still_running(dead, params["pending_patience"], datetime.now(timezone.utc))
    if running:
        raise DefiniteError(
            f"revision {running.number} of release {name} is {running.status}: another helm is at work, or was cut off "
            f"less than {params['pending_patience']} seconds ago. Wait for it, or remove it with: "
            f"kubectl delete secret -n {namespace} {running.secret}"
        )
    source = helm_chart.ChartSource(params["chart_ref"], params["chart_version"], params["chart_repo_url"])
    wanted = "" if deployed and source.matches(deployed.chart) else chart_name(module, source)
    found = helm_state.reasons(deployed, dead, wanted, params["values"])
    if found and not wanted:
        chart_name(module, source)
    before = dict(deployed.values or {}) if deployed else {}
    return {
        "needed": bool(found),
        "reasons": found + [f"{entry} is missing and would be installed first" for entry in missing],
        "installed": deployed is not None,
        "dead": [item.secret for item in dead],
        "settled": not found and deployed is not None and is_settled(client, deployed.manifest, name, namespace),
        "reachable": True,
        "diff": {"before": before, "after": params["values"]} if found else {},
    }


def is_settled(client: KubeClient, manifest: str, name: str, namespace: str) -> bool:
    """Look once. What cannot be looked at is not settled, and the module whose matter it is says why."""
    try:
        if ReleaseDrift(client, manifest, namespace).find():
            return False
        return all(check.ok for check in read_release(client, name, namespace))
    except ArgolabError:
        return False


def chart_name(module: AnsibleModule, source: helm_chart.ChartSource) -> str:
    """Name and version of the wanted chart, which has to exist and to know the values."""

    def run(arguments: list[str]) -> tuple[int, str, str]:
        helm = module.params["binary_path"] or module.get_bin_path("helm", required=True)
        code, output, error = module.run_command([helm, *arguments])
        return code, output, error

    chart = helm_chart.show_chart(run, source)
    helm_state.check_top_level(module.params["values"], helm_chart.show_values(run, source), chart)
    return f"{chart.get('name')}-{chart.get('version')}"


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
            "pending_patience": {"type": "int", "default": 600},
            "binary_path": {"type": "path"},
        },
        limits={
            "chart_version": {"form": "version"},
            "chart_repo_url": {"form": "url"},
            "required_apis": {"form": "api_kind"},
            "pending_patience": {"minimum": 0},
        },
    )
    title = f"Release {module.params['release_name']} was left as it is"
    try:
        result = plan(module, kube_from_params(module.params, absent_ok=module.check_mode))
    except ArgolabError as error:
        no_cluster = (
            isinstance(error, KubeError) and error.status == 0 or "does not exist; create the cluster" in str(error)
        )
        if not (module.check_mode and no_cluster):
            module.fail_json(msg=f"{title}: {error}")
            return
        why = f"there is no cluster yet: {error}"
        result = {"needed": True, "reasons": [why], "installed": False, "dead": []}
        result.update(settled=False, reachable=False)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
