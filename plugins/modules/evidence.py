#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: evidence
short_description: Gather the checks of many modules into one verdict and write it down
version_added: 0.1.0
author:
  - argolab.observability contributors (@argolab)
description:
  - Takes the results of the checking modules, also of those that failed, and writes
    C(index.html) for people, C(evidence.json) for programs and C(junit.xml) for CI.
  - The page needs nothing beside it and no network. It has the verdict, what failed with the reason and the next
    command, and every check in tables that sort and filter.
  - With O(plots) the page also shows the panels of dashboards, drawn by plotly.js. That comes from the Python package
    C(plotly) on the host where the module runs; without it the panels are listed without plots.
  - The verdict is V(failed) when any check failed or could not be made, V(incomplete) when a part gave no check at
    all, else
    V(passed). Pending and skipped checks are counted and named, and never count as passed.
  - The module itself does not fail when the verdict is bad, so that what comes after it can still run.
extends_documentation_fragment:
  - argolab.observability.attributes
notes:
  - The files are a record of one run, not a state, so writing them is not reported as a change.
attributes:
  check_mode:
    support: full
    details:
      - Gives the verdict and writes no file.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  groups:
    description: What was checked, in order.
    type: list
    elements: dict
    required: true
    suboptions:
      kind:
        description: Short name, for programs.
        type: str
        required: true
      title:
        description: Name for people.
        type: str
        required: true
      result:
        description: What the checking module returned.
        type: dict
      skip:
        description: Why it was not checked.
        type: str
        default: ""
      failure:
        description: Why the run ended before this was checked. It is recorded as one failed check.
        type: dict
        suboptions:
          task:
            description: What failed, as the run names it.
            type: str
            required: true
          reason:
            description: Why, the most important line first.
            type: str
            required: true
          next: {description: The command to type next., type: str, default: ""}
          cause:
            description: Short name of the cause, for programs.
            type: str
            default: task_failed
  cluster:
    description: Facts of the cluster to record.
    type: dict
    default: {}
  path:
    description: Folder to write to. Without it nothing is written.
    type: path
  plots:
    description:
      - Files with the series of dashboards, as M(argolab.observability.dashboard_panels) writes them.
      - They are shown and have no part in the verdict. One that is absent or cannot be read is a warning, and the page
        says so.
    type: list
    elements: path
    default: []
  fleet_name:
    description:
      - Name of this cluster among several, such as V(inventory_hostname).
      - With it RV(fleet_entry) is returned, which M(argolab.observability.fleet_evidence) gathers.
    type: str
seealso:
  - module: argolab.observability.cluster_checks
  - module: argolab.observability.fleet_evidence
"""

EXAMPLES = r"""
- name: Write down what was seen
  argolab.observability.evidence:
    path: "{{ lab_build_dir }}/evidence"
    groups:
      - kind: targets
        title: Scrape targets
        result: "{{ targets }}"
      - kind: rules
        title: Rules
        result: "{{ rules }}"
    plots:
      - "{{ lab_build_dir }}/evidence/plots.json"
"""

RETURN = r"""
verdict:
  description: V(passed), V(failed) or V(incomplete).
  returned: always
  type: str
  sample: passed
counts:
  description: Number of checks by outcome (V(passed), V(failed), V(pending), V(skipped), V(total)).
  returned: always
  type: dict
  sample: {passed: 276, failed: 0, pending: 4, skipped: 8, total: 288}
summary:
  description: What failed, why, and what to type next, for people.
  returned: always
  type: str
  sample: "Verification passed: 276 checks passed, 4 pending, 8 skipped."
line:
  description: The verdict in one line.
  returned: always
  type: str
  sample: "Verification passed: 276 checks passed, 4 pending, 8 skipped."
failures:
  description: Every failed check with its group.
  returned: always
  type: list
  elements: dict
  sample: []
plot_problems:
  description: Why files of O(plots) could not be used, one sentence each. Empty without O(path) and in check mode.
  returned: always
  type: list
  elements: str
  sample: []
files:
  description: Paths of what was written, the page first. Empty without O(path) and in check mode.
  returned: always
  type: list
  elements: str
  sample: [build/evidence/index.html, build/evidence/evidence.json, build/evidence/junit.xml]
artifact:
  description:
    - The result in short, to be kept as an artifact of a job with M(ansible.builtin.set_stats).
    - C(verdict); the number of checks as C(passed), C(failed), C(skipped), C(pending); at most 20 C(failures) with
      C(name), C(cause), C(observed), C(next); C(files) with the paths as C(html), C(json), C(junit).
  returned: always
  type: dict
  sample: {verdict: passed, passed: 276, failed: 0, skipped: 8, pending: 4, failures: [], files: {}}
unwritten:
  description: The folder of O(path), where it could not be written, which is then why the module failed.
  returned: when it could not be written
  type: str
  sample: build/evidence
fleet_entry:
  description: C(name), C(evidence) (the content of C(evidence.json)) and C(page), the path of the page or empty.
  returned: with O(fleet_name)
  type: dict
  sample: {name: milano, evidence: {verdict: passed}, page: build/evidence/index.html}
"""

from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.evidence import gather
from ansible_collections.argolab.observability.plugins.module_utils.evidence_record import (
    RECORD_LIMITS,
    RECORD_OPTIONS,
    record,
)
from ansible_collections.argolab.observability.plugins.module_utils.written_files import now

FAILURE = {
    "task": {"type": "str", "required": True},
    "reason": {"type": "str", "required": True},
    "next": {"type": "str", "default": ""},
    "cause": {"type": "str", "default": "task_failed"},
}


def main() -> None:
    module = checked_module(
        argument_spec={
            "groups": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "kind": {"type": "str", "required": True},
                    "title": {"type": "str", "required": True},
                    "result": {"type": "dict"},
                    "skip": {"type": "str", "default": ""},
                    "failure": {"type": "dict", "options": FAILURE},
                },
            },
            **RECORD_OPTIONS,
        },
        limits={
            "groups": {
                "options": {
                    "kind": {"form": "word"},
                    "result": {"empty_ok": True},
                    "failure": {"options": {"cause": {"form": "word"}}},
                }
            },
            **RECORD_LIMITS,
        },
    )
    evidence = gather(module.params["groups"], module.params["cluster"], now())
    module.exit_json(changed=False, **record(module, evidence, module.params))


if __name__ == "__main__":
    main()
