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
seealso:
  - module: argolab.observability.cluster_checks
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
counts:
  description: Number of checks by outcome (V(passed), V(failed), V(pending), V(skipped), V(total)).
  returned: always
  type: dict
summary:
  description: What failed, why, and what to type next, for people.
  returned: always
  type: str
line:
  description: The verdict in one line.
  returned: always
  type: str
failures:
  description: Every failed check with its group.
  returned: always
  type: list
  elements: dict
plot_problems:
  description: Why files of O(plots) could not be used, one sentence each. Empty without O(path) and in check mode.
  returned: always
  type: list
  elements: str
files:
  description: Paths of what was written, the page first. Empty without O(path) and in check mode.
  returned: always
  type: list
  elements: str
"""

import datetime
import json
import os
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.evidence import (
    PAGE,
    gather,
    summary,
    summary_line,
)
from ansible_collections.argolab.observability.plugins.module_utils.evidence_junit import junit
from ansible_collections.argolab.observability.plugins.module_utils.evidence_page import page
from ansible_collections.argolab.observability.plugins.module_utils.evidence_plots import plotting_library, read_plots


def write(module: AnsibleModule, folder: str, contents: dict[str, str]) -> list[str]:
    """Write the files, each whole or not at all."""
    written = []
    try:
        os.makedirs(folder, exist_ok=True)
        for name, content in contents.items():
            handle, temporary = tempfile.mkstemp(dir=module.tmpdir)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(content)
            os.chmod(temporary, 0o644)
            module.atomic_move(temporary, os.path.join(folder, name))
            written.append(os.path.join(folder, name))
    except OSError as error:
        module.fail_json(msg=f"evidence cannot be written to {folder}: {error.strerror or error}")
    return written


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
                },
            },
            "cluster": {"type": "dict", "default": {}},
            "path": {"type": "path"},
            "plots": {"type": "list", "elements": "path", "default": []},
        },
        limits={
            "groups": {"options": {"kind": {"form": "word"}, "result": {"empty_ok": True}}},
            "plots": {"empty_ok": True},
        },
    )
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    evidence = gather(module.params["groups"], module.params["cluster"], now)
    files: list[str] = []
    problems: list[str] = []
    if module.params["path"] and not module.check_mode:
        dashboards, problems = read_plots(module.params["plots"])
        for problem in problems:
            module.warn(problem)
        contents = {
            PAGE: page(evidence, dashboards, problems, plotting_library() if dashboards else None),
            "evidence.json": json.dumps(evidence, indent=1, ensure_ascii=False) + "\n",
            "junit.xml": junit(evidence),
        }
        files = write(module, module.params["path"], contents)
    module.exit_json(
        changed=False,
        verdict=evidence["verdict"],
        counts=evidence["counts"],
        summary=summary(evidence, files[0] if files else ""),
        line=summary_line(evidence),
        failures=evidence["failures"],
        plot_problems=problems,
        files=files,
    )


if __name__ == "__main__":
    main()
