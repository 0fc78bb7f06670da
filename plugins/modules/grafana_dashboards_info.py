#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: grafana_dashboards_info
short_description: Prove that Grafana really has the dashboards of the cluster, and name what was lost in silence
version_added: 0.1.0
author: argolab.observability contributors (@argolab)
description:
  - Grafana's sidecar makes files of ConfigMaps and Secrets with a label, and Grafana loads the files. Neither says
    where a dashboard got lost. This module compares what the objects hold with what Grafana has, by its API, in content
    and folder, and names the cause.
  - How the sidecar and Grafana's provider are set is read from the pods behind O(grafana_service).
  - 'Causes of a dashboard: C(wrong_label_key), C(wrong_label_value), C(namespace_not_searched), C(kind_not_watched),
    C(config_map_absent), C(not_json_name), C(invalid_json), C(no_title), C(no_uid), C(illegal_uid), C(same_file),
    C(duplicate_uid), C(duplicate_title), C(provider_stopped) by duplicates among others, C(folder_outside),
    C(folder_hidden), C(folder_ignored), C(wrong_folder), C(title_taken), C(content_differs), C(not_loaded), and
    C(url_key), whose content is not known and which is neither passed nor failed.'
  - 'Causes of the way there: C(reload_refused), C(login_refused), C(grafana_silent), C(no_workload), C(no_sidecar),
    C(no_provider), C(datasource_absent), C(datasource_unhealthy), C(unhealthy).'
  - A dashboard that a newer Grafana rewrote counts as the same when title and queries are.
notes:
  - Without O(grafana), Grafana is reached through the API server's proxy, which removes the C(Authorization) header
    of what it has authenticated. With O(admin_secret) the module therefore logs in for a session, which needs the verb
    C(create) on C(services/proxy), and ends it; without, it sees what Grafana shows to strangers.
extends_documentation_fragment:
  - argolab.observability.attributes
  - argolab.observability.attributes.read_only
  - argolab.observability.cluster
  - argolab.observability.kube_access
  - argolab.observability.waiting
options:
  grafana:
    description: Grafana by its own address instead of the API server's proxy.
    type: dict
    suboptions:
      url: {description: "Base URL, such as V(http://grafana.example.it).", type: str, required: true}
      host_header: {description: Name to ask for where the URL holds an address., type: str}
      username: {description: User for basic authentication., type: str}
      password: {description: Its password., type: str}
      token: {description: "Token of a service account, instead of a user.", type: str}
      ca_path: {description: File with the CA certificates to trust., type: path}
      validate_certs: {description: Whether the server's certificate is verified., type: bool, default: true}
  grafana_namespace:
    description: Namespace of Grafana.
    type: str
    default: monitoring
  grafana_service:
    description: Service in front of Grafana as V(NAME:PORT).
    type: str
    default: kube-stack-prometheus-grafana:80
  admin_secret:
    description: Secret in O(grafana_namespace) with the login to use where O(grafana) brings none. It is never shown.
    type: str
  admin_user_key:
    description: Key of the user in O(admin_secret).
    type: str
    default: admin-user
  admin_password_key:
    description: Key of the password in O(admin_secret).
    type: str
    default: admin-password
  required:
    description: ConfigMaps with dashboards that have to exist, as V(NAMESPACE/NAME), whatever their labels are.
    type: list
    elements: str
    default: []
  ignored:
    description: Objects that are not looked at, as V(NAMESPACE/NAME), such as those of another Grafana.
    type: list
    elements: str
    default: []
  datasources:
    description: Uids of data sources that have to be there, and healthy in Grafana's own opinion.
    type: list
    elements: str
    default: [prometheus]
  skip:
    description: Reason why nothing is looked at, such as that Grafana is off. Its one check is then skipped.
    type: str
    default: ""
seealso:
  - module: argolab.observability.grafana_dashboards_plan
"""

EXAMPLES = r"""
- name: Grafana has every dashboard of the cluster
  argolab.observability.grafana_dashboards_info:
    kubeconfig: "{{ cluster_kubeconfig }}"
    admin_secret: kube-stack-prometheus-grafana-admin
    required: [monitoring/cm-argocd-dashboard]

- name: The same through the ingress
  argolab.observability.grafana_dashboards_info:
    kubeconfig: "{{ cluster_kubeconfig }}"
    grafana: {url: "http://172.29.0.3", host_header: grafana.example.it}
    admin_secret: kube-stack-prometheus-grafana-admin
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
    subject: {type: str, description: The uid of a dashboard.}
dashboards:
  description: Every key of an object with dashboards, and what Grafana has of it.
  returned: when anything could be checked
  type: list
  elements: dict
  sample:
    - source: monitoring/cm-argocd-dashboard cm-argocd-dashboard.json
      file: /tmp/dashboards/cm-argocd-dashboard.json
      uid: LCAgc9rWz
      title: ArgoCD
      present: true
      folder: General
      url: /d/LCAgc9rWz/argocd
datasources:
  description: The data sources of O(datasources).
  returned: when anything could be checked
  type: list
  elements: dict
  sample:
    - uid: prometheus
      name: Prometheus
      type: prometheus
      url: http://prometheus-operated:9090/
      present: true
      healthy: true
      message: Successfully queried the Prometheus API.
version:
  description: Version of Grafana; empty where it is hidden from strangers.
  returned: when anything could be checked
  type: str
  sample: "13.2.0"
access:
  description: How Grafana was reached.
  returned: when it could be
  type: str
  sample: Grafana at service monitoring/kube-stack-prometheus-grafana:80 through the proxy of https://127.0.0.1:6443
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
from ansible_collections.argolab.observability.plugins.module_utils.parts.grafana_dashboards_info import PART


def main() -> None:
    run_part(PART)


if __name__ == "__main__":
    main()
