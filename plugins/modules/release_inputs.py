#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: release_inputs
short_description: Check that what a release needs is there before it is installed
version_added: 0.1.0
author: argolab.observability contributors (@argolab)
description:
  - Looks for the Secrets, certificates, issuers of cert-manager and nodes that a Helm release is told to use, and says
    of each what is wrong. Helm itself installs such a release, and its pods then wait for ever.
  - Of a certificate it is found out as a client would, by a TLS handshake in memory, whether the key belongs to it,
    whether the CA issued it, whether it has expired, and whether it covers the names.
  - Causes are C(secret_absent), C(secret_key_absent), C(secret_label_absent), C(key_mismatch), C(key_encrypted),
    C(no_certificate), C(no_key), C(certificate_expired), C(certificate_expires), C(certificate_not_yet_valid),
    C(certificate_untrusted), C(certificate_wrong_name), C(certificate_weak), C(certificate_refused), C(unusable),
    C(unreadable), C(cert_manager_absent), C(issuer_absent), C(issuer_not_ready), C(too_few_nodes).
options:
  secrets:
    description: Secrets that have to exist.
    type: list
    elements: dict
    default: []
    suboptions:
      namespace: {description: Namespace of the Secret., type: str, required: true}
      name: {description: Name of the Secret., type: str, required: true}
      keys:
        description: Keys that it has to have, with values that are not empty.
        type: list
        elements: str
        default: []
      labels: {description: Labels that it has to have., type: dict, default: {}}
      why: {description: "Which option asks for it, for the message.", type: str, default: ""}
  certificates:
    description:
      - Certificates that have to serve some names, each from O(certificates[].certificate) and O(certificates[].key),
        or from O(certificates[].secret).
    type: list
    elements: dict
    default: []
    suboptions:
      names: {description: Host names that it has to cover., type: list, elements: str, required: true}
      certificate:
        description: File with the certificate, and behind it those of intermediate authorities.
        type: path
      key: {description: File with its key., type: path}
      ca:
        description: >-
          File with the authorities that clients trust. Without it C(ca.crt) of O(certificates[].secret), and without
          that the authorities of the system.
        type: path
      secret: {description: Secret of type C(kubernetes.io/tls)., type: str}
      namespace:
        description: Namespace of O(certificates[].secret).
        type: str
      minimum_days: {description: Days for which it has to be good., type: int, default: 0}
  issuers:
    description: Issuers of cert-manager that have to be ready.
    type: list
    elements: dict
    default: []
    suboptions:
      kind: {description: Kind of the issuer., type: str, choices: [ClusterIssuer, Issuer], default: ClusterIssuer}
      name: {description: Name of the issuer., type: str, required: true}
      namespace: {description: Namespace of an V(Issuer)., type: str, default: ""}
  nodes:
    description: How many nodes that take pods there have to be.
    type: list
    elements: dict
    default: []
    suboptions:
      what: {description: "What needs them, for the message.", type: str, required: true}
      minimum: {description: Number of nodes., type: int, required: true}
      required: {description: Whether fewer are a failure. Otherwise it is only said., type: bool, default: true}
      why: {description: What follows from fewer., type: str, default: ""}
  request_timeout:
    description: Seconds for one request, from the connection to the last byte of the answer.
    type: float
    default: 10.0
extends_documentation_fragment:
  - argolab.observability.kube_access
  - argolab.observability.kube_access.outage
  - argolab.observability.attributes
  - argolab.observability.attributes.read_only
notes:
  - In check mode a cluster that does not exist yet is no failure. What would be looked for in it is reported as
    skipped.
seealso:
  - module: argolab.observability.helm_release_plan
"""

EXAMPLES = r"""
- name: What the release is told to use is there
  argolab.observability.release_inputs:
    kubeconfig: build/kubeconfig
    context: k3d-argolab
    secrets:
      - namespace: monitoring
        name: grafana-login
        keys: [admin-user, admin-password]
        why: kube_prometheus_stack_grafana_admin_secret_create is false
    certificates:
      - names: [prometheus.example.it, grafana.example.it]
        certificate: tls/lab.crt
        key: tls/lab.key
        ca: tls/ca.crt
    nodes:
      - {what: three Redis servers, minimum: 3}
"""

RETURN = r"""
checks:
  description: What was checked, in order; also returned on failure.
  returned: always
  type: list
  elements: dict
  contains:
    name: {type: str, description: What was checked.}
    ok: {type: bool, description: The outcome. Null means skipped.}
    expected: {type: str, description: What should be.}
    observed: {type: str, description: What is.}
    detail: {type: str, description: The reason where it is not as expected.}
    cause: {type: str, description: "Short name of the reason, for programs."}
    next: {type: str, description: The command to type next.}
    subject: {type: str, description: Not used by this module.}
notes:
  description: What is no failure and still worth knowing, such as fewer nodes than there are replicas.
  returned: success
  type: list
  elements: str
  sample: ["nodes for 2 replicas of Prometheus: 1 node: each pod of it is to have a node of its own"]
"""

from typing import Any, Mapping

from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.checks import as_dicts
from ansible_collections.argolab.observability.plugins.module_utils.cluster_access import kube_from_params
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import (
    KUBE_ARGUMENT_SPEC,
    KubeClient,
    KubeError,
    is_missing_file,
)
from ansible_collections.argolab.observability.plugins.module_utils.kube_outage import OUTAGE_ARGUMENT_SPEC
from ansible_collections.argolab.observability.plugins.module_utils.release_inputs import (
    NO_CLUSTER,
    input_checks,
    refusal,
)

SECRET: Mapping[str, Any] = {
    "namespace": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "labels": {"type": "dict", "default": {}},
    "why": {"type": "str", "default": ""},
}
CERTIFICATE: Mapping[str, Any] = {
    "names": {"type": "list", "elements": "str", "required": True},
    "certificate": {"type": "path"},
    "key": {"type": "path", "no_log": False},
    "ca": {"type": "path"},
    "secret": {"type": "str", "no_log": False},
    "namespace": {"type": "str"},
    "minimum_days": {"type": "int", "default": 0},
}
ISSUER: Mapping[str, Any] = {
    "kind": {"type": "str", "choices": ["ClusterIssuer", "Issuer"], "default": "ClusterIssuer"},
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "default": ""},
}
NODES: Mapping[str, Any] = {
    "what": {"type": "str", "required": True},
    "minimum": {"type": "int", "required": True},
    "required": {"type": "bool", "default": True},
    "why": {"type": "str", "default": ""},
}


def client(params: Mapping[str, Any], check_mode: bool) -> KubeClient | None:
    """The cluster, or None where there is none yet and none is needed."""
    if check_mode and is_missing_file(params["kubeconfig"]):
        return None
    kube = kube_from_params(params, absent_ok=check_mode)
    try:
        kube.get("/version")
    except KubeError as error:
        if check_mode and error.status == 0:
            return None
        raise
    return kube


def need(params: Mapping[str, Any]) -> None:
    for index, item in enumerate(params["certificates"]):
        where, files = f"certificates[{index}]", bool(item["certificate"] and item["key"])
        if bool(item["certificate"]) != bool(item["key"]) or files == bool(item["secret"] and item["namespace"]):
            raise DefiniteError(
                f"{where} needs either certificate and key, two files, or secret and namespace; give one of the two."
            )


def main() -> None:
    module = checked_module(
        argument_spec={
            **KUBE_ARGUMENT_SPEC,
            **OUTAGE_ARGUMENT_SPEC,
            "secrets": {"type": "list", "elements": "dict", "default": [], "options": SECRET, "no_log": False},
            "certificates": {"type": "list", "elements": "dict", "default": [], "options": CERTIFICATE},
            "issuers": {"type": "list", "elements": "dict", "default": [], "options": ISSUER},
            "nodes": {"type": "list", "elements": "dict", "default": [], "options": NODES},
            "request_timeout": {"type": "float", "default": 10.0},
        },
        limits={
            "secrets": {"options": {"namespace": {"form": "namespace"}, "name": {"form": "kube_name"}}},
            "certificates": {
                "options": {
                    "names": {"form": "subject_name"}, "secret": {"form": "kube_name"},
                    "namespace": {"form": "namespace"}, "minimum_days": {"minimum": 0},
                }
            },
            "issuers": {"options": {"name": {"form": "kube_name"}, "namespace": {"form": "namespace"}}},
            "nodes": {"options": {"minimum": {"minimum": 1}}},
        },
    )  # fmt: skip
    try:
        need(module.params)
        checks = input_checks(client(module.params, module.check_mode), module.params)
    except ArgolabError as error:
        module.fail_json(msg=f"What the release needs could not be looked at: {error}", checks=[])
        return
    failed = [check for check in checks if check.ok is False]
    if failed:
        module.fail_json(msg=refusal(failed), checks=as_dicts(checks))
    notes = [f"{check.name}: {check.detail}" for check in checks if check.ok is None and check.detail != NO_CLUSTER]
    module.exit_json(changed=False, checks=as_dicts(checks), notes=notes)


if __name__ == "__main__":
    main()
