# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An AnsibleModule whose options are possible, or that has failed with one message that names all that are not."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.argolab.observability.plugins.module_utils.limits import Limit, option_problems
from ansible_collections.argolab.observability.plugins.module_utils.url_secrets import secrets_in_url

# Options that mean the same in every module that has them.
COMMON_LIMITS: Dict[str, Limit] = {
    "docker_host": {"form": "docker_address"},
    "minimum_disk_gib": {"minimum": 0},
    "minimum_memory_gib": {"minimum": 0},
    "namespace": {"form": "namespace"},
    "outage_timeout": {"minimum": 0},
    "path_prefix": {"form": "path_prefix"},
    "poll_interval": {"above": 0},
    "prometheus_namespace": {"form": "namespace"},
    "prometheus_path_prefix": {"form": "path_prefix"},
    "prometheus_service": {"form": "service_port"},
    "release_name": {"form": "kube_name"},
    "release_namespace": {"form": "namespace"},
    "request_timeout": {"above": 0},
    "service": {"form": "service_port"},
    "stable_polls": {"minimum": 1},
    "timeout": {"above": 0},
    "wait_timeout": {"minimum": 0},
}


def checked_module(
    argument_spec: Mapping[str, Any], limits: Optional[Mapping[str, Limit]] = None, **settings: Any
) -> AnsibleModule:
    """Read the options and refuse impossible ones, before the module does anything.

    :param limits: those of this module's own options, over V(COMMON_LIMITS).
    :param settings: further arguments of AnsibleModule; check mode is supported unless they say otherwise.
    """
    module = AnsibleModule(argument_spec=dict(argument_spec), **{"supports_check_mode": True, **settings})
    # Before anything can end the module: Ansible repeats the options of one that ends.
    for name, value in module.params.items():
        if name.endswith("url") and isinstance(value, str):
            module.no_log_values.update(secrets_in_url(value))
    common = {name: limit for name, limit in COMMON_LIMITS.items() if name in argument_spec}
    problems = option_problems(module.params, argument_spec, {**common, **(limits or {})})
    if problems:
        module.fail_json(msg=" ".join(problems))
    return module
