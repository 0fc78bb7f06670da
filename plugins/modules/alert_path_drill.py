#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: alert_path_drill
short_description: Send an alert of one's own through Prometheus and Alertmanager to a receiver, and remove it
version_added: 0.1.0
author: argolab.observability contributors (@argolab)
description:
  - Makes a temporary PrometheusRule, and watches it being loaded, firing in Prometheus, arriving in Alertmanager with
    its labels, and being delivered to a webhook. Then everything is removed. Each stage is a check with the seconds
    that it took; one that is not passed names the cause and what to type next.
  - The webhook runs in a temporary Pod and is read through the API server's proxy, and a temporary AlertmanagerConfig
    leads to it. So a kubeconfig is all that is needed, and no route of others is touched.
  - Before anything is made, the routes of Alertmanager are evaluated. Where they would send the drill's alert to
    anybody else, the drill is refused unless O(notify_others) allows it. The route is there before the rule, unless the
    alert would tell nobody without it, and stays until the alert has ended.
  - All objects belong to a Job with a deadline, at which Kubernetes removes them by itself. So nothing remains where
    the module is killed. The rule's expression ends by itself as well.
  - Causes are C(prometheus_does_not_select), C(alertmanager_config_not_selected), C(no_alertmanager),
    C(others_would_be_notified), C(receiver_image_unavailable), C(receiver_does_not_start), C(receiver_refused),
    C(receiver_not_scheduled), C(receiver_does_not_answer), C(route_not_loaded), C(operator_rejected),
    C(not_loaded_yet), C(rule_removed), C(rule_unloaded), C(rule_in_error), C(not_evaluated), C(alert_not_sent),
    C(labels_changed), C(silenced), C(inhibited), C(muted), C(no_route), C(webhook_failed), C(not_delivered),
    C(not_resolved), C(alert_still_active), C(still_there), C(still_loaded), C(could_not_remove), C(could_not_make),
    C(could_not_check).
extends_documentation_fragment:
  - argolab.observability.kube_access
  - argolab.observability.cluster
  - argolab.observability.cluster.prometheus
  - argolab.observability.attributes
options:
  state:
    description:
      - V(drilled) runs a drill. V(absent) removes what interrupted drills have left in O(namespace), and what a running
        one has made.
    type: str
    choices: [drilled, absent]
    default: drilled
  until:
    description:
      - The last stage. Only with V(delivered) a receiver and an AlertmanagerConfig are made. The others need neither,
        and leave the alert to the routes that are there.
    type: str
    choices: [loaded, firing, in_alertmanager, delivered]
    default: delivered
  namespace:
    description:
      - Namespace of the temporary objects, which has to exist. The alert has it as its label C(namespace), which
        Alertmanager's matcher strategy demands.
    type: str
    default: monitoring
  labels:
    description: More labels of the alert. Without any it has C(severity=none). C(namespace) is always O(namespace).
    type: dict
    default: {}
  object_labels:
    description:
      - Labels of the PrometheusRule and the AlertmanagerConfig. Without it those that the selectors of Prometheus and
        Alertmanager demand.
    type: dict
  receiver_image:
    description:
      - Image of the receiver; any that has C(perl), as every image on Debian or Ubuntu does. Without it the image of an
        Argo CD that runs in this cluster, which the nodes have already, else C(docker.io/library/debian:stable-slim).
    type: str
  receiver_url:
    description:
      - Webhook of your own that is sent the alert instead; no Pod is made. Whether it was delivered is then taken from
        Alertmanager's counters.
    type: str
  fire_for:
    description: Seconds for which the alert fires once it was loaded.
    type: int
    default: 60
  notify_others:
    description: Whether other receivers may be sent the drill's alert.
    type: bool
    default: false
  wait_timeout:
    description: Seconds for all stages up to O(until). A change takes one to two minutes to arrive in Prometheus.
    type: int
    default: 300
  removal_timeout:
    description: Seconds for the removal, once the alert has ended. Also for O(state=absent).
    type: int
    default: 240
  poll_interval:
    description: Seconds between two looks.
    type: float
    default: 2.0
  alertmanager_namespace:
    description: Namespace of the Service in front of Alertmanager.
    type: str
    default: monitoring
  alertmanager_service:
    description: Service in front of Alertmanager as V(NAME:PORT), asked through the API server's proxy.
    type: str
    default: alertmanager-operated:9093
  alertmanager_path_prefix:
    description: Path below which Alertmanager serves, its C(routePrefix).
    type: str
    default: ""
  progress_file:
    description: File that the progress lines are appended to. Set by the action plugin of the same name.
    type: path
attributes:
  check_mode:
    support: full
    details: Reads what decides about the drill, says what would be made, makes nothing.
  diff_mode:
    support: full
    details: Shows the temporary objects in check mode, and what V(absent) removes.
  idempotent:
    support: full
    details: A drill that leaves the cluster as it was reports no change.
seealso:
  - module: argolab.observability.rule_coverage
  - module: argolab.observability.rule_lint
"""

EXAMPLES = r"""
- name: An alert reaches a receiver
  argolab.observability.alert_path_drill:
    kubeconfig: "{{ cluster_kubeconfig }}"

- name: Remove what an interrupted drill has left
  argolab.observability.alert_path_drill:
    kubeconfig: "{{ cluster_kubeconfig }}"
    state: absent
"""

RETURN = r"""
checks:
  description: One for each stage, in order; also returned on failure.
  returned: always
  type: list
  elements: dict
  contains:
    name: {type: str, description: The stage.}
    ok: {type: bool, description: The outcome. Null means not reached.}
    expected: {type: str, description: What should be.}
    observed: {type: str, description: "What is, and after how many seconds."}
    detail: {type: str, description: The reason where it is not as expected.}
    cause: {type: str, description: "Short name of the reason, for programs."}
    next: {type: str, description: The command to type next.}
    subject: {type: str, description: Short name of the stage.}
drill:
  description: Name of the drill, the value of the alert's label C(argolab_drill).
  returned: with O(state=drilled)
  type: str
  sample: abc12345
timeline:
  description: Seconds from the start until each stage was seen.
  returned: with O(state=drilled)
  type: dict
  sample: {ready: 31.2, loaded: 64.0, firing: 68.1, in_alertmanager: 68.2, delivered: 68.3, resolved: 129.0}
objects:
  description: Objects that are, or in check mode would be, made for the time of the drill.
  returned: with O(state=drilled)
  type: list
  elements: str
  sample: ["PrometheusRule monitoring/argolab-drill-abc12345"]
notification:
  description: Labels and annotations that the receiver was sent.
  returned: with O(state=drilled)
  type: dict
  sample: {labels: {alertname: ArgolabDrill, argolab_drill: abc12345}, annotations: {}}
removed:
  description: Objects of earlier drills that were, or in check mode would be, removed.
  returned: always
  type: list
  elements: str
  sample: []
left:
  description: Objects that could not be removed yet. Kubernetes removes them at RV(expires).
  returned: always
  type: list
  elements: str
  sample: []
expires:
  description: Time at which everything of this drill has ended.
  returned: with O(state=drilled)
  type: str
  sample: "2026-06-26T12:10:00Z"
started:
  description: Time of the start, in seconds since 1970.
  returned: with O(state=drilled)
  type: int
  sample: 1782475200
waited:
  description: Seconds for everything.
  returned: with O(state=drilled)
  type: float
  sample: 131.4
"""

from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.cluster_access import (
    CLUSTER_PROMETHEUS_ARGUMENT_SPEC,
)
from ansible_collections.argolab.observability.plugins.module_utils.drill_module import DRILL_ARGUMENT_SPEC, DrillModule
from ansible_collections.argolab.observability.plugins.module_utils.drill_stages import UNTIL


def main() -> None:
    module = checked_module(
        argument_spec={
            **CLUSTER_PROMETHEUS_ARGUMENT_SPEC,
            **DRILL_ARGUMENT_SPEC,
            "state": {"type": "str", "choices": ["drilled", "absent"], "default": "drilled"},
            "until": {"type": "str", "choices": list(UNTIL), "default": "delivered"},
        },
        limits={
            "receiver_image": {"form": "image"},
            "receiver_url": {"form": "url"},
            "fire_for": {"minimum": 10, "maximum": 600},
            "removal_timeout": {"minimum": 1},
            "alertmanager_namespace": {"form": "namespace"},
            "alertmanager_service": {"form": "service_port"},
            "alertmanager_path_prefix": {"form": "path_prefix"},
            "object_labels": {"empty_ok": True},
        },
        mutually_exclusive=[("receiver_image", "receiver_url")],
    )
    DrillModule(module).run()


if __name__ == "__main__":
    main()
