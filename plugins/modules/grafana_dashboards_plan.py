#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: grafana_dashboards_plan
short_description: Check Grafana dashboards and work out the ConfigMaps that carry them
version_added: 0.1.0
author:
  - argolab.observability contributors (@argolab)
description:
  - Reads dashboards from files, URLs and inline definitions, checks all of them, and returns the objects for
    M(kubernetes.core.k8s) to apply and those that an earlier list left in the cluster.
  - Anything wrong fails with one message that names the dashboard. Checked are the source, the JSON, uid and title, the
    size that a ConfigMap holds, and uids, ConfigMaps and file names that two dashboards would share.
extends_documentation_fragment:
  - argolab.observability.kube_access
  - argolab.observability.kube_access.outage
  - argolab.observability.attributes
attributes:
  check_mode:
    support: full
    details:
      - Nothing is ever changed. In check mode objects whose cluster or namespace does not exist yet are returned as
        RV(pending), with C(changed) set, since nothing else can predict them.
  diff_mode:
    support: none
    details: M(kubernetes.core.k8s) shows what differs.
  idempotent:
    support: full
options:
  dashboards:
    description: Dashboards, each from exactly one of file, url and definition.
    type: list
    elements: dict
    default: []
    suboptions:
      file:
        description: JSON file on the host that the module runs on, absolute or below O(base_dir).
        type: str
      url: {description: Address of a JSON file., type: str}
      definition: {description: "The dashboard itself, as a mapping or as JSON text.", type: raw}
      name: {description: Name of the ConfigMap. Made from the dashboard's uid where it is left out., type: str}
      namespace: {description: "Namespace of the ConfigMap, by default O(namespace).", type: str}
      folder: {description: "Folder in Grafana, as the annotation O(folder_annotation).", type: str}
  application:
    description:
      - An Application of Argo CD that delivers the dashboards from git, in place of O(dashboards).
    type: dict
    suboptions:
      name:
        description: Name of the Application.
        type: str
        required: true
      namespace:
        description: Namespace of the Application.
        type: str
        default: argocd
      project:
        description: Project of the Application.
        type: str
        default: default
      repo_url:
        description: Git repository.
        type: str
        required: true
      path:
        description: Folder in the repository that holds the ConfigMaps, or what renders them.
        type: str
        required: true
      revision:
        description: Commit, tag or branch.
        type: str
        required: true
      destination_namespace:
        description: Namespace for what the repository gives no namespace, by default O(namespace).
        type: str
      destination_server:
        description: Cluster that gets the ConfigMaps.
        type: str
        default: https://kubernetes.default.svc
  namespace:
    description: Namespace for ConfigMaps that name none.
    type: str
    default: monitoring
  label:
    description: Label by which Grafana's sidecar finds its dashboards.
    type: str
    default: grafana_dashboard
  label_value:
    description: Value of O(label).
    type: str
    default: "1"
  folder_annotation:
    description: Annotation that tells the sidecar the folder.
    type: str
    default: k8s-sidecar-target-directory
  set_name:
    description: Name of this set of dashboards. Only objects of the same set are ever found to be stale.
    type: str
    default: default
  base_dir:
    description: Folder that relative files start from.
    type: path
    default: "."
  timeout:
    description: Seconds to wait for a URL.
    type: int
    default: 20
seealso:
  - module: argolab.observability.grafana_dashboards_info
"""

EXAMPLES = r"""
- name: Two dashboards
  argolab.observability.grafana_dashboards_plan:
    kubeconfig: build/kubeconfig
    dashboards:
      - file: dashboards/api.json
      - url: https://raw.githubusercontent.com/argoproj/argo-cd/v3.5.7/examples/dashboard.json
        name: cm-argocd-dashboard
        folder: Argo CD
  register: plan
"""

RETURN = r"""
definitions:
  description: Objects to apply, those that are not in the cluster as they should be.
  returned: success
  type: list
  elements: dict
  sample: [{apiVersion: v1, kind: ConfigMap, metadata: {name: dashboard-api, namespace: monitoring}, data: {}}]
pending:
  description: Objects that cannot be applied yet, in check mode only.
  returned: success
  type: list
  elements: dict
  sample: []
current:
  description: Names of the objects that are in the cluster as they should be.
  returned: success
  type: list
  elements: str
  sample: [dashboard-api]
stale:
  description: Objects of this set that are no longer wanted, by C(apiVersion), C(kind) and C(metadata).
  returned: success
  type: list
  elements: dict
  sample: [{apiVersion: v1, kind: ConfigMap, metadata: {name: dashboard-old, namespace: monitoring}}]
dashboards:
  description: What was found in each dashboard, with C(uid), C(title), C(name), C(namespace) and C(folder).
  returned: success
  type: list
  elements: dict
  sample: [{uid: api, title: API, name: dashboard-api, namespace: monitoring, folder: ""}]
"""

from typing import Any
from urllib.error import HTTPError, URLError

from ansible_collections.argolab.observability.plugins.module_utils import dashboards, kube_access, kube_outage
from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.cluster_access import kube_from_params
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_options import DASHBOARDS_LIMITS
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError

DASHBOARD = {
    **{key: {"type": "str"} for key in ("file", "url", "name", "namespace", "folder")},
    "definition": {"type": "raw"},
}
APPLICATION = {
    **{key: {"type": "str", "required": True} for key in ("name", "repo_url", "path", "revision")},
    "namespace": {"type": "str", "default": "argocd"},
    "project": {"type": "str", "default": "default"},
    "destination_namespace": {"type": "str"},
    "destination_server": {"type": "str", "default": "https://kubernetes.default.svc"},
}
ARGUMENT_SPEC = {
    **kube_access.KUBE_ARGUMENT_SPEC,
    **kube_outage.OUTAGE_ARGUMENT_SPEC,
    "dashboards": {"type": "list", "elements": "dict", "default": [], "options": DASHBOARD},
    "application": {"type": "dict", "options": APPLICATION},
    "namespace": {"type": "str", "default": "monitoring"},
    "label": {"type": "str", "default": "grafana_dashboard"},
    "label_value": {"type": "str", "default": "1"},
    "folder_annotation": {"type": "str", "default": "k8s-sidecar-target-directory"},
    "set_name": {"type": "str", "default": "default"},
    "base_dir": {"type": "path", "default": "."},
    "timeout": {"type": "int", "default": 20},
}
SHOWN = ("uid", "title", "name", "namespace", "folder")
SETTINGS = ("label", "label_value", "namespace", "folder_annotation", "set_name", "base_dir")


def fetch(url: str, timeout: int) -> bytes:
    """The bytes behind a URL, no more than a ConfigMap could hold."""
    # half of what this module loads, for what most of its runs never do
    from ansible.module_utils.urls import open_url

    try:
        with open_url(url, timeout=timeout, http_agent="argolab.observability") as answer:
            return bytes(answer.read(dashboards.MAX_BYTES + 1))
    except HTTPError as exc:
        raise ArgolabError(f"answered {exc.code} {exc.reason}.") from None
    except (URLError, OSError, ValueError) as exc:
        raise ArgolabError(f"could not be fetched: {getattr(exc, 'reason', None) or exc}.") from None


def connect(params: dict[str, Any], check_mode: bool) -> kube_access.KubeClient | None:
    """The cluster, or None in check mode while there is none."""
    if check_mode and kube_access.is_missing_file(params["kubeconfig"]):
        return None
    client = kube_from_params(params, absent_ok=check_mode)
    try:
        client.get("/version")
    except kube_access.KubeError as exc:
        if check_mode and not exc.definite:
            return None
        raise
    return client


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Read, check and compare."""
    settings = dashboards.Settings(**{key: params[key] for key in SETTINGS})
    dashboards.check_settings(settings)
    found = dashboards.load(params["dashboards"], settings, lambda url: fetch(url, params["timeout"]))
    wanted = [one.config_map(settings) for one in found]
    if params["application"]:
        wanted = [dashboards.Application(**params["application"]).manifest(settings)]
    plan = dashboards.plan(wanted, settings, connect(params, check_mode), check_mode)
    return {
        "changed": bool(plan.pending),
        "definitions": plan.apply,
        "pending": plan.pending,
        "current": [one["metadata"]["name"] for one in plan.current],
        "stale": plan.stale,
        "dashboards": [{key: getattr(one, key) for key in SHOWN} for one in found],
        "hints": dashboards.hints(found),
    }


def main() -> None:
    """Entry point."""
    module = checked_module(ARGUMENT_SPEC, DASHBOARDS_LIMITS)
    try:
        result = run(module.params, module.check_mode)
    except ArgolabError as exc:
        module.fail_json(msg=str(exc))
    for warning in result.pop("hints"):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
