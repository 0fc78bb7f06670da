#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: verify
short_description: Run many checking modules as one, with one deadline
version_added: 0.1.0
author:
  - argolab.observability contributors (@argolab)
description:
  - Each part is what a checking module of this collection does, with that module's options. All parts are looked at;
    those that do not hold yet are looked at again, until all hold or O(wait_timeout) is over. So they share the time,
    one failure hides no other, and what would be a task each costs the start of one.
  - All options of all parts are checked before anything is asked of anybody.
extends_documentation_fragment:
  - argolab.observability.kube_access
  - argolab.observability.cluster
  - argolab.observability.cluster.prometheus
  - argolab.observability.attributes
  - argolab.observability.attributes.read_only
  - argolab.observability.waiting
options:
  parts:
    description: What to check, in order.
    type: list
    elements: dict
    required: true
    suboptions:
      module:
        description:
          - Name of a checking module of this collection without the collection's name, such as V(scrape_coverage).
          - One that does not exist is refused with a list of those that do.
        type: str
        required: true
      kind:
        description: Short name of this part in the result, by default O(parts[].module). No two parts may share one.
        type: str
      title:
        description: Name for people.
        type: str
      options:
        description:
          - Options of that module. The access to the cluster and to Prometheus is that of O(kubeconfig), O(context),
            O(prometheus_namespace), O(prometheus_service), O(prometheus_path_prefix) and O(request_timeout) unless the
            part has its own. The options of waiting are this module's.
        type: dict
        default: {}
      skip:
        description: Why this part is not checked here. It is reported as skipped, which is no pass.
        type: str
        default: ""
  evidence:
    description:
      - Write down what was seen, as M(argolab.observability.evidence) does. The result then has the values of that
        module, such as RV(verdict) and C(files), and no RV(groups), which are in the file.
      - Secrets of the options are in no file.
    type: dict
    suboptions:
      path:
        description: Folder to write to. Without it nothing is written.
        type: path
      cluster:
        description: Facts of the cluster to record, together with what the parts learned of it.
        type: dict
        default: {}
      plots:
        description: Files with the series of dashboards, as a part of M(argolab.observability.dashboard_panels) writes.
        type: list
        elements: path
        default: []
      fleet_name:
        description: Name of this cluster among several; see O(argolab.observability.evidence#module:fleet_name).
        type: str
seealso:
  - module: argolab.observability.evidence
  - module: argolab.observability.scrape_coverage
  - module: argolab.observability.prometheus_targets
  - module: argolab.observability.prometheus_rules
"""

EXAMPLES = r"""
- name: Targets and rules are as they should be, and it is written down
  argolab.observability.verify:
    kubeconfig: "{{ cluster_kubeconfig }}"
    parts:
      - module: scrape_coverage
        title: From monitor to target
      - module: prometheus_rules
        title: Rules
        options:
          all_healthy: true
    evidence:
      path: "{{ lab_build_dir }}/evidence"
"""

RETURN = r"""
groups:
  description: One entry for each part, as M(argolab.observability.evidence) takes them; also returned on failure.
  returned: when the options were possible, without O(evidence)
  type: list
  elements: dict
  contains:
    kind: {type: str, description: Short name of the part.}
    title: {type: str, description: Name for people.}
    result: {type: dict, description: "What the module of that part returns, its C(checks) among it."}
    skip: {type: str, description: Why it was not checked.}
counts:
  description: Number of checks by outcome (V(passed), V(failed), V(pending), V(skipped), V(total)).
  returned: when the options were possible
  type: dict
  sample: {failed: 0, passed: 104, pending: 0, skipped: 2, total: 106}
waited:
  description: Seconds from the first look to the last.
  returned: when the options were possible
  type: float
  sample: 0.4
verdict:
  description:
    - V(passed), V(failed) or V(incomplete). With it come C(summary), C(line), C(failures), C(plot_problems), C(files),
      C(artifact) and C(fleet_entry), as M(argolab.observability.evidence) returns them.
  returned: with O(evidence), when the options were possible
  type: str
  sample: passed
unwritten:
  description: The folder of O(evidence.path), where it could not be written, which is then why the module failed.
  returned: with O(evidence), when it could not be written
  type: str
  sample: build/evidence
"""

import time

from ansible.module_utils.common.parameters import remove_values
from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.cluster_access import (
    CLUSTER_PROMETHEUS_ARGUMENT_SPEC,
)
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.evidence import cluster_seen, gather, summary
from ansible_collections.argolab.observability.plugins.module_utils.evidence_record import (
    RECORD_LIMITS,
    RECORD_OPTIONS,
    record,
)
from ansible_collections.argolab.observability.plugins.module_utils.many_parts import (
    PART_LIMITS,
    PART_OPTIONS,
    read_parts,
    run_parts,
    secrets_of_parts,
)
from ansible_collections.argolab.observability.plugins.module_utils.parts.all_parts import PARTS
from ansible_collections.argolab.observability.plugins.module_utils.waiter import (
    WAIT_ARGUMENT_SPEC,
    waiting_from_params,
)
from ansible_collections.argolab.observability.plugins.module_utils.written_files import now


def main() -> None:
    module = checked_module(
        {
            **CLUSTER_PROMETHEUS_ARGUMENT_SPEC,
            **WAIT_ARGUMENT_SPEC,
            "parts": {"type": "list", "elements": "dict", "required": True, "options": PART_OPTIONS},
            "evidence": {"type": "dict", "options": RECORD_OPTIONS},
        },
        limits={"parts": PART_LIMITS, "evidence": {"empty_ok": True, "options": RECORD_LIMITS}},
    )
    params = module.params
    module.no_log_values.update(secrets_of_parts(params))
    try:
        waiting = waiting_from_params(params)
        shared = {name: params[name] for name in CLUSTER_PROMETHEUS_ARGUMENT_SPEC}
        wanted = read_parts(params["parts"], shared, PARTS)
    except ArgolabError as error:
        module.fail_json(msg=str(error))
        return
    started = time.monotonic()
    groups = run_parts(wanted, waiting, params["request_timeout"], module.check_mode)
    options = params["evidence"]
    known = {"context": params["context"] or "", **(options["cluster"] if options else {})}
    # What is written has no secret either: Ansible hides them in the result only.
    seen = remove_values(gather(groups, {**known, **cluster_seen(groups)}, now()), module.no_log_values)
    result = {
        "changed": False,
        "counts": seen["counts"],
        "waited": round(time.monotonic() - started, 3),
        "msg": summary(seen),
        **(record(module, seen, options) if options else {"groups": groups}),
    }
    if seen["verdict"] == "passed":
        module.exit_json(**result)
    module.fail_json(**result)


if __name__ == "__main__":
    main()
