#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dashboard_panels
short_description: Check that every panel of Grafana dashboards has data, and say why where one has none
version_added: 0.1.0
author:
  - argolab.observability contributors (@argolab)
description:
  - Reads dashboards, fills in their variables as Grafana does when somebody opens them, and asks Prometheus every
    query. Each panel then has data, is empty, or is in error. No Grafana is needed for that.
  - A panel has data where one of its queries gives a number that is not NaN. It is in error where Prometheus refuses
    one. Otherwise it is empty, which fails unless O(allowed_empty) names it.
  - Panels that ask nothing of Prometheus are skipped, with the reason, and count neither as passed nor as failed. Those
    are texts, expressions of Grafana, other data sources, and library panels whose queries only Grafana has.
  - Causes are C(metric_absent), C(labels_match_nothing), C(variable_empty), C(no_traffic), C(too_few_samples),
    C(nothing_left), C(not_due), C(query_error), C(variable_error), C(dashboard_unreadable), C(dashboard_absent),
    C(no_panels), C(no_dashboards), C(could_not_check), and C(unknown) where the reason for an empty panel could not be
    found out.
notes:
  - With O(config_maps), O(kubeconfig) is needed for these. Prometheus is reached by it as well unless O(url) is given.
  - Needs the verb C(list) on ConfigMaps for O(config_maps).
  - A look at all queries may take up to 30 seconds, also where O(wait_timeout) is shorter.
extends_documentation_fragment:
  - argolab.observability.prometheus_access
  - argolab.observability.kube_access
  - argolab.observability.waiting
  - argolab.observability.attributes
  - argolab.observability.attributes.read_only
options:
  files:
    description: Paths of dashboards as JSON, on the host that the module runs on. V(*) and V(**) stand for names.
    type: list
    elements: str
    default: []
  config_maps:
    description:
      - Dashboards in ConfigMaps, every key of each, as the sidecar of Grafana's chart finds them.
      - An empty mapping takes those that the charts make, in all namespaces.
    type: dict
    suboptions:
      label:
        description: The label that such a ConfigMap has.
        type: str
        default: grafana_dashboard
      label_value:
        description: Its value. An empty one means any.
        type: str
        default: "1"
      namespaces:
        description: Where to look. Without any, everywhere.
        type: list
        elements: str
        default: []
  grafana:
    description: Dashboards that a Grafana has, by its HTTP API, with its data sources where the login may list them.
    type: dict
    suboptions:
      url:
        description: Base URL of Grafana.
        type: str
        required: true
      host_header:
        description: Name to ask for where the URL holds an address.
        type: str
      username:
        description: User for basic authentication.
        type: str
      password:
        description: Password for basic authentication.
        type: str
      token:
        description: Token of a service account, instead of a user.
        type: str
      ca_path:
        description: File with the CA certificates (PEM) to trust instead of the system's.
        type: path
      validate_certs:
        description: Whether the server's certificate is verified.
        type: bool
        default: true
      folders:
        description: Titles or uids of folders, or patterns for them. Without any, all.
        type: list
        elements: str
        default: []
      uids:
        description: Uids of dashboards that have to be there. Without any, all.
        type: list
        elements: str
        default: []
  allowed_empty:
    description: Panels that may be empty. One that matches no panel is named in RV(hints).
    type: list
    elements: dict
    default: []
    suboptions:
      dashboard:
        description: Uid or title of the dashboard, or a pattern such as V(Kubernetes / *).
        type: str
        default: "*"
      panel:
        description: Id or title of the panel, or a pattern.
        type: str
        required: true
      reason:
        description: Why, for the report.
        type: str
  event_metrics:
    description:
      - Shell patterns for metrics that have no series before something has happened, such as V(argocd_git_*).
      - A panel of which every query asks for one that does not exist yet is neither passed nor failed, and is not
        waited for. Whether they should exist by now is for M(argolab.observability.argocd_metrics) to say.
    type: list
    elements: str
    default: []
  range:
    description: The time that the dashboards show, up to now, such as V(15m). At most 120 points of it are asked for.
    type: str
    default: 15m
  scrape_interval:
    description:
      - What C($__rate_interval) is made from, C(timeInterval) of Grafana's data source.
      - By default what O(grafana) says, else the C(scrape_interval) of Prometheus's own configuration, else V(15s).
    type: str
  plots_path:
    description:
      - File to write what the panels showed to, as JSON for M(argolab.observability.evidence). Not in check mode.
      - Where nothing could be looked at, the file of an earlier run is removed.
    type: path
seealso:
  - module: argolab.observability.prometheus_query
  - module: argolab.observability.scrape_coverage
"""

EXAMPLES = r"""
- name: Every dashboard of the cluster shows something
  argolab.observability.dashboard_panels:
    kubeconfig: "{{ cluster_kubeconfig }}"
    config_maps: {}
    wait_timeout: 60

- name: My own dashboards do, before anybody imports them
  argolab.observability.dashboard_panels:
    files: [dashboards/*.json]
    url: http://prometheus.example.it
    allowed_empty:
      - dashboard: My service
        panel: Errors by cause
        reason: there are none on a healthy system
"""

RETURN = r"""
checks:
  description: One for each panel, and one for each dashboard or variable that is broken; also returned on failure.
  returned: always
  type: list
  elements: dict
  contains:
    name: {type: str, description: The panel and its dashboard.}
    ok: {type: bool, description: "Whether it has data. Null means skipped, or empty and allowed to be."}
    expected: {type: str, description: What should be.}
    observed: {type: str, description: "Number of series, V(no data), V(error) or V(skipped)."}
    detail: {type: str, description: "The queries with their variables filled in, and why they give nothing."}
    cause: {type: str, description: "Short name of the reason, for programs."}
    next: {type: str, description: The command to type next.}
    subject: {type: str, description: "Uid of the dashboard and id of the panel, such as V(LCAgc9rWz/32)."}
dashboards:
  description: For each dashboard its uid, title and source, the numbers of its panels by outcome, and its variables.
  returned: when dashboards could be looked at
  type: list
  elements: dict
  sample:
    - uid: LCAgc9rWz
      title: ArgoCD
      source: monitoring/cm-argocd-dashboard argocd.json
      panels: 35
      queries: 43
      data: 31
      empty: 0
      allowed: 4
      error: 0
      skipped: 0
      variables: []
hints:
  description: What is odd and no failure, such as allowances that are about no panel.
  returned: when dashboards could be looked at
  type: list
  elements: str
  sample: []
range:
  description: Start and end (seconds since 1970), step and scrape interval (seconds) of what was asked.
  returned: when dashboards could be looked at
  type: dict
  sample: {start: 1782474300, end: 1782475200, step: 15, scrape_interval: 30}
plots_path:
  description: The file that was written.
  returned: when it was
  type: str
  sample: build/evidence/plots.json
access:
  description: Which Prometheus was asked, and with which context.
  returned: when anything could be checked
  type: str
  sample: Prometheus at service monitoring/prometheus-operated:9090 through the API server https://127.0.0.1:6443
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
waited:
  description: Seconds from the first look to the last.
  returned: when anything could be checked
  type: float
  sample: 0.4
"""

from ansible_collections.argolab.observability.plugins.module_utils.part import run_part
from ansible_collections.argolab.observability.plugins.module_utils.parts.dashboard_panels import PART


def main() -> None:
    run_part(PART)


if __name__ == "__main__":
    main()
