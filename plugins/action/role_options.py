# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuses what an argument specification cannot: names that the role does not know, values that cannot be."""

from __future__ import annotations

import contextlib
import difflib
import os
from collections.abc import Iterable, Mapping
from typing import Any, Dict, List, Optional

from ansible.errors import AnsibleActionFail, AnsibleUndefinedVariable
from ansible.plugins.action import ActionBase
from ansible_collections.argolab.observability.plugins.module_utils.limits import option_problems


def unknown_names(names: Iterable[str], role: str, options: Iterable[str], facts: Iterable[str]) -> List[str]:
    """Variables that begin with the role's name and are neither options nor facts of it, with the nearest option."""
    prefix = f"{role}_"
    ends = {option[len(prefix) :]: option for option in options}
    known = {*ends.values(), *facts}
    found = []
    for name in sorted({str(name) for name in names if str(name).startswith(prefix)} - known):
        # What they all begin with would make everything look alike.
        close = difflib.get_close_matches(name[len(prefix) :], list(ends), n=1, cutoff=0.6)
        found.append(f"{name} (did you mean {ends[close[0]]}?)" if close else name)
    return found


class ActionModule(ActionBase):
    """See the module of the same name for the documentation."""

    TRANSFERS_FILES = False
    _VALID_ARGS = frozenset(("limits", "facts", "refusals"))

    def _values(self, names: Iterable[str], variables: Mapping[str, Any]) -> Dict[str, Any]:
        """The options as they stand. At a removal, what only a provider knows may not be there, and is not needed."""
        values = {}
        for name in names:
            with contextlib.suppress(AnsibleUndefinedVariable, KeyError):
                values[name] = self._templar.template(variables[name])
        return values

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        result: Dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        role, folder = variables.get("role_name"), variables.get("role_path")
        if not role or not folder:
            raise AnsibleActionFail("role_options checks the options of the role that it is a task of; here is none.")
        role = str(role).rpartition(".")[2]
        specs = self._loader.load_from_file(os.path.join(str(folder), "meta", "argument_specs.yml"))
        spec: Mapping[str, Any] = specs["argument_specs"]["main"]["options"]
        arguments = self._task.args
        problems = [
            f"{name} is not an option of role {role}."
            for name in unknown_names(variables, role, spec, arguments.get("facts") or [])
        ]
        problems += option_problems(self._values(spec, variables), spec, arguments.get("limits") or {})
        problems += [
            str(refusal["message"]) for refusal in arguments.get("refusals") or [] if refusal["when"] and not problems
        ]
        if problems:
            result.update(failed=True, msg=" ".join([*problems, f"See roles/{role}/README.md."]))
        return result
