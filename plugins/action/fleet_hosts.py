# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at the variables of every host of a play, with the defaults of the roles, before any of them does anything."""

from __future__ import annotations

import contextlib
import os
from typing import Any, Dict, List, Mapping, Optional

from ansible.errors import AnsibleActionFail, AnsibleUndefinedVariable
from ansible.plugins.action import ActionBase
from ansible_collections.argolab.observability.plugins.module_utils.fleet_clashes import (
    OPTIONS,
    claims_of,
    clashes,
    fleet_folder_problems,
)

ROLES = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "roles")
# The roles whose options are looked at.
READ = ("argo_cd", "container_engine", "hosts_entries", "k3d_cluster", "kube_prometheus_stack", "verification")


class ActionModule(ActionBase):
    """See the module of the same name for the documentation."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _VALID_ARGS = frozenset(("hosts", "build", "names"))

    def _defaults(self) -> Dict[str, Any]:
        found: Dict[str, Any] = {}
        for kind in ("defaults", "vars"):
            for role in READ:
                path = os.path.join(ROLES, role, kind, "main.yml")
                if os.path.exists(path):
                    found.update(self._loader.load_from_file(path, cache="none", trusted_as_template=True) or {})
        return found

    def _values(self, variables: Mapping[str, Any]) -> Dict[str, Any]:
        """The options of one host. What cannot be known before the run, such as a fact, is left out."""
        templar = self._templar.copy_with_new_env(available_variables=variables)
        values = {"inventory_hostname": variables.get("inventory_hostname")}
        for name in OPTIONS:
            with contextlib.suppress(AnsibleUndefinedVariable, KeyError):
                values[name] = templar.template(variables[name])
        return values

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        result: Dict[str, Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(
            argument_spec={
                "hosts": {"type": "list", "elements": "str", "required": True},
                "build": {"type": "bool", "default": True},
                "names": {"type": "bool", "default": True},
            }
        )
        hostvars = (task_vars or {})["hostvars"]
        defaults = self._defaults()
        hosts: Dict[str, Dict[str, Any]] = {}
        for name in options["hosts"]:
            if name not in hostvars:
                raise AnsibleActionFail(f"{name} is no host of the inventory; expected names of its hosts.")
            hosts[name] = self._values({**defaults, **hostvars.raw_get(name)})
        found = clashes(
            {name: claims_of(values, options["build"], options["names"]) for name, values in hosts.items()}
        )
        for name, problems in fleet_folder_problems(hosts).items():
            found.setdefault(name, []).extend(problems)
        told: Dict[str, List[str]] = {name: found[name] for name in options["hosts"] if name in found}
        result.update(changed=False, clashes=told)
        return result
