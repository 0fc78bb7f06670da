#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: argocd_sync
short_description: Sync an Application of Argo CD and wait until it is Synced and Healthy
version_added: 0.1.0
author:
  - argolab.observability contributors (@argolab)
description:
  - Waits until Argo CD has compared the Application with its repository, starts a sync through the C(operation) field
    where it is
    not Synced, and waits for the end, all in one call. Neither Argo CD's command line nor a login is needed.
  - An operation that somebody else started is waited for first. A comparison that failed because the repository was not
    reachable is asked for again.
  - The failure says what Argo CD says, down to the resources that could not be applied or are not healthy.
extends_documentation_fragment:
  - argolab.observability.kube_access
  - argolab.observability.cluster
  - argolab.observability.attributes
attributes:
  check_mode:
    support: full
    details:
      - Judges by the status as it is, without a refresh. An Application that does not exist would be synced.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name:
    description: Name of the Application.
    type: str
    required: true
  namespace:
    description: Namespace of the Application.
    type: str
    default: argocd
  definitions:
    description:
      - Objects to have in the cluster before, such as the Application itself and what it comes from, as
        M(argolab.observability.declared_objects) takes them. Those that name no namespace go to O(namespace).
      - In check mode, where Argo CD, a namespace or the cluster would have been made before, a sync is predicted.
    type: list
    elements: dict
    default: []
  revision:
    description:
      - Commit that has to be deployed. Where another one is, the Application is synced to this one.
      - Without it, what the Application's own C(targetRevision) says.
    type: str
  refresh:
    description:
      - Whether Argo CD compares again first. The status can be up to three minutes old.
      - V(hard) also forgets the manifests that it has in its cache.
    type: str
    choices: [none, normal, hard]
    default: none
  prune:
    description: Whether the sync deletes resources that are no longer in the repository.
    type: bool
    default: false
  wait_health:
    description: Whether it also waits for the health status V(Healthy).
    type: bool
    default: true
  username:
    description: Who started the sync, as Argo CD's history shows it.
    type: str
    default: ansible
  wait_timeout:
    description: Seconds until it gives up, for everything together.
    type: int
    default: 120
  poll_interval:
    description: Seconds between two looks.
    type: float
    default: 0.5
seealso:
  - module: argolab.observability.argocd_applications
"""

EXAMPLES = r"""
- name: The guestbook is deployed
  argolab.observability.argocd_sync:
    kubeconfig: "{{ cluster_kubeconfig }}"
    name: guestbook
    revision: 0d521c6e049889134f3122eb32d7ed342f43ca0d
    definitions:
      - apiVersion: argoproj.io/v1alpha1
        kind: Application
        metadata: {name: guestbook, namespace: argocd}
        spec:
          project: default
          source:
            repoURL: https://github.com/argoproj/argocd-example-apps.git
            path: guestbook
            targetRevision: 0d521c6e049889134f3122eb32d7ed342f43ca0d
          destination: {server: "https://kubernetes.default.svc", namespace: default}
"""

RETURN = r"""
before:
  description: Status that was seen first, once Argo CD had compared the Application with its repository.
  returned: when it was seen
  type: dict
  contains: &state
    sync_status: {type: str, description: Such as V(OutOfSync).}
    health_status: {type: str, description: Such as V(Missing).}
    revision: {type: str, description: The commit.}
    operation_phase: {type: str, description: Phase of the last operation.}
    operation_message: {type: str, description: What Argo CD says of it.}
    operation_started_at: {type: str, description: When it began.}
    conditions: {type: list, elements: str, description: Errors that Argo CD reports.}
after:
  description: Status that was seen last.
  returned: when it was seen
  type: dict
  contains: *state
drift:
  description: What of O(definitions) was, or in check mode would be, created or set back, as
    M(argolab.observability.declared_objects) returns it.
  returned: success
  type: list
  elements: dict
  sample: []
uncertain:
  description: Whether something could not be looked at because it would have been made before. Only in check mode.
  returned: success
  type: bool
  sample: false
"""

from typing import Sequence

from ansible_collections.argolab.observability.plugins.module_utils.argocd_sync import (
    Request,
    Syncer,
    SyncError,
    diff_of,
    summary,
)
from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.cluster_access import (
    CLUSTER_ARGUMENT_SPEC,
    kube_from_params,
)
from ansible_collections.argolab.observability.plugins.module_utils.declared_objects import Drift, have
from ansible_collections.argolab.observability.plugins.module_utils.declared_objects import diff_of as objects_diff
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError


def main() -> None:
    module = checked_module(
        argument_spec={
            **CLUSTER_ARGUMENT_SPEC,
            "name": {"type": "str", "required": True},
            "namespace": {"type": "str", "default": "argocd"},
            "definitions": {"type": "list", "elements": "dict", "default": []},
            "revision": {"type": "str"},
            "refresh": {"type": "str", "default": "none", "choices": ["none", "normal", "hard"]},
            "prune": {"type": "bool", "default": False},
            "wait_health": {"type": "bool", "default": True},
            "username": {"type": "str", "default": "ansible"},
            "wait_timeout": {"type": "int", "default": 120},
            "poll_interval": {"type": "float", "default": 0.5},
        },
        limits={
            "name": {"form": "kube_name"},
            "definitions": {"empty_ok": True},
            "revision": {"form": "word"},
            "username": {"form": "word"},
        },
    )
    params = module.params
    if params["wait_timeout"] < 0 or not params["poll_interval"] > 0:
        module.fail_json(msg="wait_timeout has to be 0 or more seconds, poll_interval more than 0.")
    keys = ("name", "namespace", "revision", "refresh", "prune", "username", "wait_health")
    request = Request(**{key: params[key] for key in keys})
    drift: Sequence[Drift] = []
    try:
        kube = kube_from_params(params)
        syncer = Syncer(kube, request, params["wait_timeout"], params["poll_interval"])
        with kube.patient(0 if module.check_mode else params["wait_timeout"]):
            drift, uncertain = have(kube, params["definitions"], params["namespace"], module.check_mode)
        outcome = syncer.check(uncertain) if module.check_mode else syncer.run()
    except SyncError as error:
        states = {"before": error.before, "after": error.after}
        seen = {key: state.as_dict() for key, state in states.items() if state is not None}
        module.fail_json(msg=str(error), changed=error.changed or bool(drift), **seen)
    except ArgolabError as error:
        module.fail_json(msg=f"Application {params['namespace']}/{params['name']}: {error}")
    diffs = ([objects_diff(drift)] if drift else []) + ([diff_of(outcome)] if outcome.changed else [])
    module.exit_json(
        changed=bool(diffs),
        before=outcome.before.as_dict(),
        after=outcome.after.as_dict(),
        msg=summary(outcome),
        drift=[item.as_dict() for item in drift],
        uncertain=uncertain,
        **({"diff": diffs} if diffs and module._diff else {}),
    )


if __name__ == "__main__":
    main()
