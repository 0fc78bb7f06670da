# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An evidence written down, and what a module returns of it."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.argolab.observability.plugins.module_utils.evidence import artifact, summary, summary_line
from ansible_collections.argolab.observability.plugins.module_utils.evidence_junit import junit
from ansible_collections.argolab.observability.plugins.module_utils.evidence_page import page
from ansible_collections.argolab.observability.plugins.module_utils.evidence_plots import plotting_library, read_plots
from ansible_collections.argolab.observability.plugins.module_utils.written_files import write_evidence

# What a module takes that writes an evidence down.
RECORD_OPTIONS: Mapping[str, Any] = {
    "cluster": {"type": "dict", "default": {}},
    "path": {"type": "path"},
    "plots": {"type": "list", "elements": "path", "default": []},
    "fleet_name": {"type": "str"},
}
RECORD_LIMITS: Mapping[str, Any] = {"plots": {"empty_ok": True}, "fleet_name": {"form": "word"}}


def record(module: AnsibleModule, evidence: Mapping[str, Any], options: Mapping[str, Any]) -> Dict[str, Any]:
    """Write the evidence, and return its values of the result of M(argolab.observability.evidence).

    In check mode and without a path nothing is written. Ends the module where that cannot be done.

    :param options: those of V(RECORD_OPTIONS).
    """
    files: List[str] = []
    problems: List[str] = []
    if options["path"] and not module.check_mode:
        dashboards, problems = read_plots(options["plots"])
        for problem in problems:
            module.warn(problem)
        shown = page(evidence, dashboards, problems, plotting_library() if dashboards else None)
        files = write_evidence(module, options["path"], evidence, shown, junit(evidence))
    name = options["fleet_name"]
    entry = {"fleet_entry": {"name": name, "evidence": evidence, "page": files[0] if files else ""}} if name else {}
    return {
        "verdict": evidence["verdict"],
        "counts": evidence["counts"],
        "summary": summary(evidence, files[0] if files else ""),
        "line": summary_line(evidence),
        "failures": evidence["failures"],
        "plot_problems": problems,
        "files": files,
        "artifact": artifact(evidence, files),
        **entry,
    }
