# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release needs to find before it is installed: Secrets, certificates, issuers, nodes."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Mapping, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.certificates import pair_fault, read_pem
from ansible_collections.argolab.observability.plugins.module_utils.checks import count_text, listing, nearest
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.explained import ExplainedCheck, skipped
from ansible_collections.argolab.observability.plugins.module_utils.issued_certificates import CERT_MANAGER, conditions
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient, KubeError
from ansible_collections.argolab.observability.plugins.module_utils.selectors import labels_of, name_of

Object = Mapping[str, Any]

ISSUERS = {"ClusterIssuer": "clusterissuers", "Issuer": "issuers"}
UNKNOWN = {"Certificate": "certificates", **ISSUERS}
NO_CLUSTER = "there is no cluster yet, so this was not looked at"


def read_secret(kube: KubeClient, namespace: str, name: str) -> Object | None:
    """A Secret, or None where there is none."""
    try:
        return kube.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
    except KubeError as error:
        if error.status == 404:
            return None
        raise


def value_of(secret: Object, key: str) -> str:
    """One value of a Secret as text; what is no text is no PEM either."""
    try:
        return base64.b64decode((secret.get("data") or {}).get(key) or "", validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return ""


def secret_check(wanted: Mapping[str, Any], found: Object | None, others: Sequence[str] = ()) -> ExplainedCheck:
    """A Secret is there, with keys that are not empty and with its labels."""
    namespace, name = wanted["namespace"], wanted["name"]
    keys = list(wanted.get("keys") or [])
    label = f"Secret {namespace}/{name}"
    literals = "".join(f" --from-literal={key}=..." for key in keys)
    create = f"kubectl -n {namespace} create secret generic {name}{literals}"
    expected = f"with {listing(keys)}" if keys else "there"
    why = str(wanted.get("why") or "")
    if found is None:
        near = nearest(name, others)
        detail = f"{why}; " if why else ""
        detail += "it does not exist" + (f"; did you mean {near}?" if near else "")
        return ExplainedCheck(label, False, expected, "absent", detail, "secret_absent", create)
    data = found.get("data") or {}
    missing = [key for key in keys if not data.get(key)]
    if missing:
        detail = (f"{why}; " if why else "") + f"it has no {listing(missing)}; its keys are {listing(data)}"
        observed = f"without {listing(missing)}"
        return ExplainedCheck(label, False, expected, observed, detail, "secret_key_absent", create)
    labels = {key: value for key, value in (wanted.get("labels") or {}).items() if labels_of(found).get(key) != value}
    if labels:
        text = " ".join(f"{key}={value}" for key, value in sorted(labels.items()))
        return ExplainedCheck(
            label, False, f"{expected}, labelled {text}", "without the label",
            f"{why + '; ' if why else ''}without it, its readers do not see the Secret", "secret_label_absent",
            f"kubectl -n {namespace} label secret {name} --overwrite {text}",
        )  # fmt: skip
    return ExplainedCheck(label, True, expected, "there")


def certificate_check(wanted: Mapping[str, Any], secret: Object | None = None) -> ExplainedCheck:
    """A certificate serves its names: from two files, or from a Secret of type kubernetes.io/tls that was read."""
    names = list(wanted["names"])
    where = wanted.get("certificate") or f"in Secret {wanted.get('namespace')}/{wanted.get('secret')}"
    label, expected = f"certificate {where}", f"good for {listing(names)}"
    ca_path, ca_data = str(wanted.get("ca") or ""), ""
    openssl = f"openssl x509 -noout -text -in {wanted['certificate']}" if wanted.get("certificate") else (
        f"kubectl -n {wanted.get('namespace')} get secret {wanted.get('secret')} "
        "-o jsonpath='{.data.tls\\.crt}' | base64 -d | openssl x509 -noout -text"
    )  # fmt: skip
    try:
        if wanted.get("certificate"):
            certificate = read_pem(wanted["certificate"], "the certificate")
            key = read_pem(wanted["key"], "the key")
        else:
            certificate, key = value_of(secret or {}, "tls.crt"), value_of(secret or {}, "tls.key")
            ca_data = "" if ca_path else value_of(secret or {}, "ca.crt")
        if ca_path:
            read_pem(ca_path, "the CA")
        fault = pair_fault(certificate, key, names, ca_path, ca_data, int(wanted.get("minimum_days") or 0))
    except ArgolabError as error:
        return ExplainedCheck(label, False, expected, "unreadable", str(error), "unreadable", "")
    if fault:
        return ExplainedCheck(label, False, expected, fault.cause.replace("_", " "), fault.text, fault.cause, openssl)
    return ExplainedCheck(label, True, expected, "good")


def issuer_label(wanted: Mapping[str, Any]) -> str:
    """An Issuer is one of its namespace."""
    kind, name = wanted["kind"], wanted["name"]
    return f"{kind} {name}" if kind == "ClusterIssuer" else f"{kind} {wanted['namespace']}/{name}"


def issuer_check(kube: KubeClient, wanted: Mapping[str, Any]) -> ExplainedCheck:
    """cert-manager is there, and the issuer is and is ready."""
    kind, name = wanted["kind"], wanted["name"]
    label, expected = issuer_label(wanted), "Ready"
    folder = CERT_MANAGER if kind == "ClusterIssuer" else f"{CERT_MANAGER}/namespaces/{wanted['namespace']}"
    get = f"kubectl get {kind.lower()} {name}" + ("" if kind == "ClusterIssuer" else f" -n {wanted['namespace']}")
    try:
        served = {str(item.get("kind")) for item in kube.get(CERT_MANAGER).get("resources") or []}
    except KubeError as error:
        if error.status != 404:
            raise
        served = set()
    if not {"Certificate", kind} <= served:
        unknown = [item for item in ("Certificate", kind) if item not in served]
        kinds = listing([f"{UNKNOWN[item]}.cert-manager.io" for item in unknown])
        detail = f"the cluster does not know {kinds}: cert-manager is not installed, or not all of its CRDs"
        command = "kubectl get crd -o name | grep cert-manager"
        return ExplainedCheck(label, False, expected, "no cert-manager", detail, "cert_manager_absent", command)
    items = {name_of(item): item for item in kube.list(f"{folder}/{ISSUERS[kind]}")}
    if name not in items:
        near = nearest(name, items)
        where = "" if kind == "ClusterIssuer" else f" in namespace {wanted['namespace']}"
        detail = f"there is none of this name{where}; those that exist: {listing(items)}" + (
            f"; did you mean {near}?" if near else ""
        )
        command = f"kubectl get {kind.lower()} -A"
        return ExplainedCheck(label, False, expected, "absent", detail, "issuer_absent", command)
    ready = conditions(items[name]).get("Ready") or {}
    if ready.get("status") != "True":
        detail = str(ready.get("message") or "cert-manager has not looked at it yet")
        return ExplainedCheck(label, False, expected, "not Ready", detail, "issuer_not_ready", f"{get} -o yaml")
    return ExplainedCheck(label, True, expected, "Ready")


def node_check(wanted: Mapping[str, Any], nodes: Sequence[Object]) -> ExplainedCheck:
    """There are enough nodes that take pods. One that is only better with more of them is skipped, never failed."""
    free = [node for node in nodes if _takes_pods(node)]
    minimum = int(wanted["minimum"])
    label, expected = f"nodes for {wanted['what']}", f"{count_text(minimum, 'node')} or more"
    observed = count_text(len(free), "node")
    if len(free) >= minimum:
        return ExplainedCheck(label, True, expected, observed)
    detail = str(wanted.get("why") or "each pod of it is to have a node of its own")
    if wanted.get("required", True):
        return ExplainedCheck(label, False, expected, observed, detail, "too_few_nodes", "kubectl get nodes")
    return skipped(label, expected, f"{observed}: {detail}")


def _takes_pods(node: Object) -> bool:
    spec = node.get("spec") or {}
    if spec.get("unschedulable"):
        return False
    return not any(taint.get("effect") in ("NoSchedule", "NoExecute") for taint in spec.get("taints") or [])


def input_checks(kube: KubeClient | None, wanted: Mapping[str, Any]) -> list[ExplainedCheck]:
    """All of them, in the order secrets, certificates, issuers, nodes.

    :param kube: None where there is no cluster: only files are looked at then, and the rest is reported as skipped.
    """
    checks: list[ExplainedCheck] = []
    for item in wanted["secrets"]:
        label = f"Secret {item['namespace']}/{item['name']}"
        if kube is None:
            checks.append(skipped(label, "there", NO_CLUSTER))
            continue
        found = read_secret(kube, item["namespace"], item["name"])
        others: list[str] = []
        if found is None:
            others = [name_of(other) for other in kube.list(f"/api/v1/namespaces/{item['namespace']}/secrets")]
        checks.append(secret_check(item, found, others))
    for item in wanted["certificates"]:
        if item.get("certificate"):
            checks.append(certificate_check(item))
            continue
        label = f"certificate in Secret {item['namespace']}/{item['secret']}"
        if kube is None:
            checks.append(skipped(label, "good", NO_CLUSTER))
            continue
        secret = read_secret(kube, item["namespace"], item["secret"])
        need = {"namespace": item["namespace"], "name": item["secret"], "keys": ["tls.crt", "tls.key"]}
        there = secret_check(need, secret)
        checks.append(certificate_check(item, secret) if there.ok else there)
    for item in wanted["issuers"]:
        label = issuer_label(item)
        checks.append(skipped(label, "Ready", NO_CLUSTER) if kube is None else issuer_check(kube, item))
    nodes: Sequence[Object] = kube.list("/api/v1/nodes") if kube and wanted["nodes"] else ()
    for item in wanted["nodes"]:
        label = f"nodes for {item['what']}"
        checks.append(
            skipped(label, f"{item['minimum']} or more", NO_CLUSTER) if kube is None else node_check(item, nodes)
        )
    return checks


def refusal(failed: Sequence[ExplainedCheck]) -> str:
    """One message for everything that is missing or wrong: what, why, and what to type next."""
    lines = ["Nothing was changed, for what the release needs is not there."]
    for check in failed:
        lines.append(f"- {check.name}: expected {check.expected}, seen {check.observed}. {check.detail}.")
        if check.next:
            lines.append(f"  Next: {check.next}")
    return "\n".join(lines)
