# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether cert-manager has issued its Certificates, and in its own words why not."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.checks import listing, nearest
from ansible_collections.argolab.observability.plugins.module_utils.explained import ExplainedCheck
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient, KubeError
from ansible_collections.argolab.observability.plugins.module_utils.selectors import name_of

Object = Mapping[str, Any]

CERT_MANAGER = "/apis/cert-manager.io/v1"
# On a request: the Certificate that it is for, and which of its attempts it is.
OF, REVISION = "cert-manager.io/certificate-name", "cert-manager.io/certificate-revision"


def issued_checks(kube: KubeClient, wanted: Sequence[Mapping[str, Any]]) -> list[ExplainedCheck]:
    """One for each Certificate, given by C(namespace) and C(name)."""
    checks = []
    for namespace in dict.fromkeys(str(item["namespace"]) for item in wanted):
        names = [str(item["name"]) for item in wanted if item["namespace"] == namespace]
        try:
            found = {name_of(item): item for item in kube.list(f"{CERT_MANAGER}/namespaces/{namespace}/certificates")}
        except KubeError as error:
            if error.status != 404:
                raise
            checks += [unknown_kind(namespace, name) for name in names]
            continue
        requests: Sequence[Object] = ()
        if any(name in found and not _ready(found[name]) for name in names):
            requests = kube.list(f"{CERT_MANAGER}/namespaces/{namespace}/certificaterequests")
        checks += [issued_check(namespace, name, found, requests) for name in names]
    return checks


def unknown_kind(namespace: str, name: str) -> ExplainedCheck:
    """The check where the cluster does not know Certificates."""
    detail = "the cluster does not know certificates.cert-manager.io: cert-manager is not installed"
    return ExplainedCheck(
        _label(namespace, name), False, "Ready", "no cert-manager", detail, "cert_manager_absent",
        "kubectl get crd certificates.cert-manager.io",
    )  # fmt: skip


def issued_check(
    namespace: str, name: str, certificates: Mapping[str, Object], requests: Sequence[Object] = ()
) -> ExplainedCheck:
    """A Certificate is Ready.

    :param certificates: those of the namespace by name.
    :param requests: its CertificateRequests, the newest of which knows best why there is no certificate.
    """
    label, expected = _label(namespace, name), "Ready"
    found = certificates.get(name)
    if found is None:
        near = nearest(name, certificates)
        hint = f"; did you mean {near}?" if near else ""
        detail = f"there is no Certificate of this name; those that exist: {listing(sorted(certificates))}{hint}"
        command = f"kubectl get certificates -n {namespace}"
        return ExplainedCheck(label, False, expected, "absent", detail, "certificate_absent", command)
    if _ready(found):
        return ExplainedCheck(label, True, expected, "Ready")
    said = [_words(found, "Ready"), _words(found, "Issuing")]
    own = [item for item in requests if _annotation(item, OF) == name]
    newest = max(own, key=_attempt, default=None)
    if newest is not None:
        reason = _words(newest, "Denied") or _words(newest, "Ready")
        said += [f"{name_of(newest)}: {reason}"] if reason else []
    detail = "; ".join(dict.fromkeys(words for words in said if words))
    if not detail:
        detail = "cert-manager has not looked at it yet; is its controller running?"
    command = f"kubectl describe certificate {name} -n {namespace}"
    return ExplainedCheck(label, False, expected, "not Ready", detail, "certificate_not_ready", command)


def _label(namespace: str, name: str) -> str:
    return f"Certificate {namespace}/{name}"


def conditions(item: Object) -> dict[str, Object]:
    """Those of an object of cert-manager's, by type."""
    status = item.get("status") or {}
    return {str(entry.get("type")): entry for entry in status.get("conditions") or [] if isinstance(entry, Mapping)}


def _ready(certificate: Object) -> bool:
    """Ready, and not by a judgement of what it was before it was changed."""
    ready = conditions(certificate).get("Ready") or {}
    generation = (certificate.get("metadata") or {}).get("generation") or 0
    seen = ready.get("observedGeneration")
    return ready.get("status") == "True" and (seen is None or int(seen) >= int(generation))


def _words(item: Object, kind: str) -> str:
    """Reason and message of a condition."""
    entry = conditions(item).get(kind) or {}
    message = " ".join(str(entry.get("message") or "").split())
    return ": ".join(words for words in (str(entry.get("reason") or ""), message) if words)


def _annotation(item: Object, name: str) -> str:
    return str(((item.get("metadata") or {}).get("annotations") or {}).get(name) or "")


def _attempt(request: Object) -> tuple[int, str]:
    text = _annotation(request, REVISION)
    return int(text) if text.isdigit() else 0, str((request.get("metadata") or {}).get("creationTimestamp") or "")
