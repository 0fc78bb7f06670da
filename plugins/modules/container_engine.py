#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: container_engine
short_description: Find a Docker engine that answers, or run one with folders of its own
version_added: 0.1.0
author: argolab.observability contributors (@argolab)
description:
  - With O(state=found) looks for a Docker engine that answers and changes nothing.
  - With O(state=started) uses an engine that answers as it is. Where none does, starts C(dockerd) with a data
    folder, socket,
    pid file and log of its own, and returns when it answers.
  - With O(state=absent) ends only the engine that this module started, and removes what that one made - containers,
    data,
    network devices, firewall rules, folders - and sets C(net.ipv4.ip_forward) back to what it was.
  - Where the capability bounding set of this process is short, as in CI sandboxes, O(runtime_wrapper) is made the
    engine's
    default runtime, so that privileged containers start.
options:
  state:
    description: What to achieve.
    type: str
    choices: [found, started, absent]
    default: found
  docker_host:
    description:
      - Address of the engine to use, C(unix:///path) or C(tcp://host:port). No other engine is looked for then, and
        none is started.
      - Without it, E(DOCKER_HOST), the engine started by this module, the current context of the docker program, and
        the usual
        sockets are asked, in this order.
    type: str
  state_dir:
    description: Folder for the configuration, log and record of an engine started here. It is removed with
      O(state=absent).
    type: path
    default: /var/lib/argolab
  data_dir:
    description: Folder for images and containers of an engine started here. It is removed with O(state=absent).
    type: path
    default: /var/lib/argolab/docker
  run_dir:
    description: Folder for the socket and pid file of an engine started here. It is removed with O(state=absent).
    type: path
    default: /run/argolab
  runtime_wrapper:
    description: Text of the program that becomes the default runtime where the bounding set is short.
    type: str
  packages:
    description: Debian packages that an engine started here needs; those missing are returned in RV(missing_packages).
    type: list
    elements: str
    default: []
  minimum_disk_gib:
    description: Free disk space in GiB that must be there before an engine is started.
    type: float
    default: 8
  minimum_memory_gib:
    description: Available memory in GiB that must be there before an engine is started.
    type: float
    default: 3
  timeout:
    description: Seconds to wait for a started engine to answer.
    type: int
    default: 60
  keep_used:
    description:
      - With O(state=absent), keep the engine while it has containers, and say whose. Another cluster may use it.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
  diff_mode:
    support: full
    description: Returns details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
  idempotent:
    support: full
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates
      no change.
seealso:
  - module: argolab.observability.k3d_cluster
"""

EXAMPLES = r"""
- name: Know whether a Docker engine answers
  argolab.observability.container_engine:

- name: Have a Docker engine
  argolab.observability.container_engine:
    state: started
    runtime_wrapper: "{{ lookup('ansible.builtin.file', 'argolab-runc') }}"

- name: Remove the engine that was started here
  argolab.observability.container_engine:
    state: absent
"""

RETURN = r"""
docker_host:
  description: Address of the engine that answers; empty where none does.
  type: str
  returned: always
  sample: unix:///run/argolab/docker.sock
own:
  description: Whether that engine was started by this module.
  type: bool
  returned: always
  sample: true
tried:
  description: Why the places that were asked do not answer.
  type: list
  elements: str
  returned: always
  sample: ["/var/run/docker.sock does not exist: no Docker engine listens there"]
missing_packages:
  description: Those of O(packages) that are not installed, where no engine answers.
  type: list
  elements: str
  returned: always
  sample: [docker.io]
blocker:
  description: Why no engine can be started on this host; empty where one answers or can be started.
  type: str
  returned: always
  sample: ""
runtime_wrapper:
  description: Whether the runtime wrapper was set up with this start.
  type: bool
  returned: when an engine was started
  sample: false
"""

from ansible_collections.argolab.observability.plugins.module_utils import engine_runner
from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError


def main() -> None:
    module = checked_module(
        argument_spec={
            "state": {"type": "str", "choices": ["found", "started", "absent"], "default": "found"},
            "docker_host": {"type": "str"},
            "state_dir": {"type": "path", "default": "/var/lib/argolab"},
            "data_dir": {"type": "path", "default": "/var/lib/argolab/docker"},
            "run_dir": {"type": "path", "default": "/run/argolab"},
            "runtime_wrapper": {"type": "str"},
            "packages": {"type": "list", "elements": "str", "default": []},
            "minimum_disk_gib": {"type": "float", "default": 8},
            "minimum_memory_gib": {"type": "float", "default": 3},
            "timeout": {"type": "int", "default": 60},
            "keep_used": {"type": "bool", "default": False},
        },
        limits={"packages": {"form": "debian_name"}},
    )
    try:
        result, warnings = engine_runner.run(module.params, module.check_mode)
    except ArgolabError as error:
        module.fail_json(msg=str(error))
    for warning in warnings:
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
