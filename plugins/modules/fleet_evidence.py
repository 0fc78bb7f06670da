#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_evidence
short_description: Gather the evidence of many clusters into one page
version_added: 0.1.0
author:
  - argolab.observability contributors (@argolab)
description:
  - Takes what M(argolab.observability.evidence) returned for each of many clusters and writes C(index.html) for people,
    C(evidence.json) for programs and C(junit.xml) for CI, each about all of them.
  - The page has the verdict on each cluster first, then each reason once with the clusters that it concerns, then the
    checks of every cluster, which can be filtered by cluster. Plots are on the clusters' own pages, to which it links.
  - Every host of O(hosts) is in it. One of which there is no evidence has failed, whatever the reason.
  - The verdict is V(failed) when a cluster failed, else V(incomplete) when one is incomplete or there is none, else
    V(passed). The module itself does not fail when the verdict is bad, so that what comes after it can still run.
extends_documentation_fragment:
  - argolab.observability.attributes
notes:
  - The files are a record of one run, not a state, so writing them is not reported as a change.
  - The page has room for 6,000 checks, and for 40 of each cluster where there are many; those that did not pass come
    first, and it says what is left out. C(evidence.json) has all of them.
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
  hosts:
    description: Every host that was to be verified, such as V(ansible_play_hosts_all).
    type: list
    elements: str
    required: true
  clusters:
    description: RV(argolab.observability.evidence#module:fleet_entry) of each host that has one.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the host.
        type: str
        required: true
      evidence:
        description: Its evidence. One that is not as that module makes it counts as none, and is told so.
        type: dict
        required: true
      page:
        description: Path of its own page. Where the file exists, the page of all clusters links to it.
        type: str
        default: ""
  next:
    description: The command to type for a host without evidence. C({host}) in it becomes the name of the host.
    type: str
    default: ""
  path:
    description: Folder to write to. Without it nothing is written.
    type: path
seealso:
  - module: argolab.observability.evidence
"""

EXAMPLES = r"""
- name: Write down what was seen of all clusters
  argolab.observability.fleet_evidence:
    path: build/evidence
    hosts: "{{ ansible_play_hosts_all }}"
    clusters: >-
      {{ ansible_play_hosts_all | map('extract', hostvars) | selectattr('seen', 'defined')
         | map(attribute='seen') | selectattr('fleet_entry', 'defined') | map(attribute='fleet_entry') }}
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
verdict:
  description: V(passed), V(failed) or V(incomplete).
  returned: always
  type: str
  sample: failed
verdicts:
  description: Number of clusters by verdict (V(passed), V(incomplete), V(failed), V(total)).
  returned: always
  type: dict
  sample: {passed: 1, incomplete: 0, failed: 1, total: 2}
counts:
  description: Number of checks of all clusters by outcome.
  returned: always
  type: dict
  sample: {passed: 276, failed: 1, pending: 4, skipped: 8, total: 289}
line:
  description: The verdict in one line.
  returned: always
  type: str
  sample: "Verification of 2 clusters failed: 1 failed, 1 passed."
summary:
  description: Which clusters failed, why, and what to type next, for people.
  returned: always
  type: str
  sample: "Verification of 2 clusters failed: 1 failed, 1 passed."
absent:
  description: Hosts of which there was no evidence.
  returned: always
  type: list
  elements: str
  sample: [torino]
artifacts:
  description: For each host of RV(absent), what RV(argolab.observability.evidence#module:artifact) is for the others.
  returned: always
  type: dict
  sample: {torino: {verdict: failed, passed: 0, failed: 1, skipped: 0, pending: 0, failures: [], files: {}}}
files:
  description: Paths of what was written, the page first. Empty without O(path) and in check mode.
  returned: always
  type: list
  elements: str
  sample: [build/fleet/index.html, build/fleet/evidence.json, build/fleet/junit.xml]
"""

import os
import urllib.parse

from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.evidence_fleet import (
    artifacts,
    fleet_line,
    fleet_summary,
    merge,
)
from ansible_collections.argolab.observability.plugins.module_utils.evidence_fleet_page import fleet_page
from ansible_collections.argolab.observability.plugins.module_utils.evidence_junit import fleet_junit
from ansible_collections.argolab.observability.plugins.module_utils.written_files import now, write_evidence

CLUSTER = {
    "name": {"type": "str", "required": True},
    "evidence": {"type": "dict", "required": True},
    "page": {"type": "str", "default": ""},
}


def address(page: str, folder: str) -> str:
    """Where the cluster's own page is, as a link in a page of the folder; empty where there is none."""
    if not page or not os.path.isfile(page):
        return ""
    return urllib.parse.quote(os.path.relpath(os.path.abspath(page), os.path.abspath(folder)))


def main() -> None:
    module = checked_module(
        argument_spec={
            "hosts": {"type": "list", "elements": "str", "required": True},
            "clusters": {"type": "list", "elements": "dict", "default": [], "options": CLUSTER},
            "next": {"type": "str", "default": ""},
            "path": {"type": "path"},
        },
        limits={
            "hosts": {"form": "word"},
            "clusters": {"options": {"name": {"form": "word"}, "evidence": {"empty_ok": True}}},
        },
    )
    params = module.params
    fleet, absent = merge(params["hosts"], params["clusters"], now(), params["next"])
    files: list[str] = []
    if params["path"] and not module.check_mode:
        pages = {one["name"]: address(one["page"], params["path"]) for one in params["clusters"]}
        files = write_evidence(module, params["path"], fleet, fleet_page(fleet, pages), fleet_junit(fleet))
    module.exit_json(
        changed=False,
        verdict=fleet["verdict"],
        verdicts=fleet["verdicts"],
        counts=fleet["counts"],
        line=fleet_line(fleet),
        summary=fleet_summary(fleet, files[0] if files else ""),
        absent=absent,
        artifacts=artifacts(fleet, absent),
        files=files,
    )


if __name__ == "__main__":
    main()
