# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether workloads that somebody promised are there with their replicas, on objects that were already read."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.checks import count_text, nearest
from ansible_collections.argolab.observability.plugins.module_utils.explained import ExplainedCheck, skipped
from ansible_collections.argolab.observability.plugins.module_utils.selectors import name_of, namespace_of

Object = Mapping[str, Any]


def promised_check(wanted: Mapping[str, Any], workloads: Sequence[Object]) -> ExplainedCheck:
    """A workload is there, is to have so many replicas, and has them.

    :param wanted: C(kind), C(namespace), C(name), C(replicas), and C(skip), why its absence is no failure.
    :param workloads: those of the namespace, each with its kind.
    """
    kind, namespace, name = str(wanted["kind"]), str(wanted["namespace"]), str(wanted["name"])
    minimum = int(wanted["replicas"])
    label, expected = f"replicas of {kind} {namespace}/{name}", f"{count_text(minimum, 'pod')} or more, ready"
    here = {name_of(item): item for item in workloads if item.get("kind") == kind and namespace_of(item) == namespace}
    found = here.get(name)
    if found is None:
        if wanted.get("skip"):
            return skipped(label, expected, str(wanted["skip"]))
        near = nearest(name, here)
        detail = f"namespace {namespace} has no {kind} of this name" + (f"; did you mean {near}?" if near else "")
        command = f"kubectl get {kind.lower()}s -n {namespace}"
        return ExplainedCheck(label, False, expected, "absent", detail, "workload_absent", command)
    replicas = (found.get("spec") or {}).get("replicas")
    desired = 1 if replicas is None else int(replicas)
    ready = int((found.get("status") or {}).get("readyReplicas") or 0)
    observed = f"{ready} of {desired} ready"
    if ready >= minimum:
        return ExplainedCheck(label, True, expected, observed)
    detail = "its pods are not ready" if desired >= minimum else f"it is to have {count_text(desired, 'pod')}"
    command = f"kubectl describe {kind.lower()} {name} -n {namespace}"
    return ExplainedCheck(label, False, expected, observed, detail, "too_few_replicas", command)
