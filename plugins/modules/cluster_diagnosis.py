#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_diagnosis
short_description: Say why something is not observable
version_added: 0.1.0
author:
  - argolab.observability contributors (@argolab)
description:
  - Looks once, without waiting, at every part of a verification, and at what an engineer would look at next. These
    are pods that are not ready with the end of their logs, warnings, the states of Helm releases, rollouts that hang,
    and volume claims that are not bound.
  - It is a report, so it does not fail because something is broken. It fails where it could not look at all, and says
    why by name. That is the case where the API server does not answer, the credentials are refused, or the kubeconfig
    is unusable.
  - However little was built, each situation is named, such as a namespace that is absent or kinds whose CRDs are
    missing. What may not be read is reported as skipped, with the right that is missing.
  - Logs and events are shown without what looks like a password, a token or a key.
extends_documentation_fragment:
  - argolab.observability.kube_access
  - argolab.observability.cluster
  - argolab.observability.cluster.prometheus
  - argolab.observability.attributes
  - argolab.observability.attributes.read_only
options:
  parts:
    description:
      - The parts of a verification, with the suboptions of O(argolab.observability.verify#module:parts). Each is
        looked at once.
    type: list
    elements: dict
    default: []
    suboptions:
      module:
        description: Name of a checking module of this collection without the collection's name.
        type: str
        required: true
      kind:
        description: Short name of this part in the result, by default O(parts[].module).
        type: str
      title:
        description: Name for people.
        type: str
      options:
        description: Options of that module.
        type: dict
        default: {}
      skip:
        description: Why this part is not checked here.
        type: str
        default: ""
  namespaces:
    description: Namespaces whose pods, workloads, volume claims and warnings are looked at.
    type: list
    elements: str
    default: [monitoring, argocd]
  releases:
    description:
      - Helm releases whose state is looked at, as V(NAMESPACE/NAME).
      - That takes the right to list Secrets; only their labels are asked for, and without it they are skipped.
    type: list
    elements: str
    default: []
  log_lines:
    description: How many of the last lines of a log are shown, of five pods at most. V(0) reads no log.
    type: int
    default: 10
  event_minutes:
    description: Age in minutes of the oldest warning that is shown.
    type: int
    default: 60
seealso:
  - module: argolab.observability.verify
  - module: argolab.observability.evidence
"""

EXAMPLES = r"""
- name: Say why something is not observable
  argolab.observability.cluster_diagnosis:
    kubeconfig: "{{ cluster_kubeconfig }}"
    context: "{{ cluster_context }}"
    releases: [monitoring/kube-stack-prometheus, argocd/argocd]
    parts:
      - module: scrape_coverage
      - module: prometheus_rules
        options:
          all_healthy: true
  register: diagnosis

- name: Show it
  ansible.builtin.debug:
    msg: "{{ diagnosis.report }}"
"""

RETURN = r"""
checks:
  description: What was looked at beyond the parts, failures first and those that explain most at their head.
  returned: when the options were possible
  type: list
  elements: dict
  contains:
    name: {type: str, description: What was checked.}
    ok: {type: bool, description: The outcome. Null means that it is only told or was skipped.}
    expected: {type: str, description: What should be.}
    observed: {type: str, description: What is.}
    detail: {type: str, description: The reason where it is not as expected.}
    cause: {type: str, description: "Short name of the reason, for programs."}
    next: {type: str, description: The command to type next.}
    subject: {type: str, description: What the check is about where other modules have checks about the same thing.}
groups:
  description: These checks and one entry for each part, as M(argolab.observability.evidence) takes them.
  returned: when the options were possible
  type: list
  elements: dict
  contains:
    kind: {type: str, description: Short name of the part.}
    title: {type: str, description: Name for people.}
    result: {type: dict, description: "What the module of that part returns, its C(checks) among it."}
    skip: {type: str, description: Why it was not checked.}
looked:
  description: Whether it could look at all.
  returned: when the options were possible
  type: bool
  sample: true
likeliest:
  description: The failure that probably explains the others, with its name, cause and next command. Empty for none.
  returned: when the options were possible
  type: dict
  sample: {name: node lab-server-0, cause: node_not_ready, next: kubectl describe node lab-server-0}
report:
  description: What is broken, the likeliest cause and the next command, one line each.
  returned: when the options were possible
  type: list
  elements: str
  sample:
    - "Verification failed: 41 checks passed, 3 failed."
    - "Broken: pod argocd/argocd-server-7885fd5497-j4xr5, Deployment argocd/argocd-server"
    - "Likeliest cause: crash loop, pod argocd/argocd-server-7885fd5497-j4xr5 is CrashLoopBackOff: ..."
    - "Next: kubectl logs argocd-server-7885fd5497-j4xr5 -n argocd -c server --previous"
"""

from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.checks import as_dicts
from ansible_collections.argolab.observability.plugins.module_utils.cluster_access import (
    CLUSTER_PROMETHEUS_ARGUMENT_SPEC,
    kube_from_params,
)
from ansible_collections.argolab.observability.plugins.module_utils.cluster_diagnosis import likeliest
from ansible_collections.argolab.observability.plugins.module_utils.diagnosis_reader import (
    DiagnosisReader,
    Wanted,
    ordered,
    report,
    unreachable,
)
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.evidence import gather, summary_line
from ansible_collections.argolab.observability.plugins.module_utils.many_parts import (
    PART_LIMITS,
    PART_OPTIONS,
    read_parts,
    run_parts,
    secrets_of_parts,
)
from ansible_collections.argolab.observability.plugins.module_utils.parts.all_parts import PARTS
from ansible_collections.argolab.observability.plugins.module_utils.waiter import Waiting

ONCE = Waiting(0.0, 1.0, 1)


def main() -> None:
    module = checked_module(
        {
            **CLUSTER_PROMETHEUS_ARGUMENT_SPEC,
            "parts": {"type": "list", "elements": "dict", "default": [], "options": PART_OPTIONS},
            "namespaces": {"type": "list", "elements": "str", "default": ["monitoring", "argocd"]},
            "releases": {"type": "list", "elements": "str", "default": []},
            "log_lines": {"type": "int", "default": 10},
            "event_minutes": {"type": "int", "default": 60},
        },
        limits={
            "parts": {"empty_ok": True, **PART_LIMITS},
            "namespaces": {"form": "namespace"},
            "releases": {"form": "namespaced_name"},
            "log_lines": {"minimum": 0, "maximum": 50},
            "event_minutes": {"minimum": 1, "maximum": 1440},
        },
    )
    params = module.params
    module.no_log_values.update(secrets_of_parts(params))
    shared = {name: params[name] for name in CLUSTER_PROMETHEUS_ARGUMENT_SPEC}
    try:
        parts = read_parts(params["parts"], shared, PARTS) if params["parts"] else []
    except DefiniteError as error:
        module.fail_json(msg=str(error))
        return
    wanted = Wanted(params["namespaces"], params["releases"], params["log_lines"], params["event_minutes"])
    groups = []
    try:
        checks, looked = DiagnosisReader(kube_from_params(params), wanted).look(), True
        groups = run_parts(parts, ONCE, params["request_timeout"], module.check_mode)
    except ArgolabError as error:
        checks, looked = [unreachable(error)], False
    checks = ordered(checks)
    groups = [{"kind": "diagnosis", "title": "Diagnosis", "result": {"checks": as_dicts(checks)}}, *groups]
    seen = gather(groups, {"context": params["context"] or ""}, "")
    lines = report(summary_line(seen), seen["failures"])
    result = {
        "changed": False,
        "checks": as_dicts(checks),
        "groups": groups,
        "looked": looked,
        "likeliest": dict(likeliest(seen["failures"])),
        "report": lines,
    }
    if looked:
        module.exit_json(**result)
    module.fail_json(msg="\n".join(lines), **result)


if __name__ == "__main__":
    main()
