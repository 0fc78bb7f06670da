#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: k3d_cluster_info
short_description: Tell which k3d clusters there are, and how they are
version_added: 0.1.0
author: argolab.observability contributors (@argolab)
description:
  - Lists the k3d clusters of a Docker engine with their nodes, ports and addresses.
  - Looks at the state of each container, since k3d counts nodes as running that are paused, that end again and again,
    or whose load balancer never started.
options:
  name:
    description: Name of one cluster. Without it all are listed.
    type: str
seealso:
  - module: argolab.observability.k3d_cluster
extends_documentation_fragment:
  - argolab.observability.k3d
  - argolab.observability.attributes
  - argolab.observability.attributes.read_only
"""

EXAMPLES = r"""
- name: Look at all clusters of this machine
  argolab.observability.k3d_cluster_info:
  register: found

- name: Say which of them are not well
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.problems | join('; ') }}"
  loop: "{{ found.clusters | selectattr('state', 'eq', 'degraded') }}"
"""

RETURN = r"""
clusters:
  description: The clusters, by name. No tokens, and none of the variables that nodes were given.
  type: list
  elements: dict
  returned: always
  contains:
    name: {description: Name., type: str, sample: argolab}
    state:
      description:
        - V(running), all its containers do. V(stopped), none does. V(degraded), some do not, or no server is left.
      type: str
      sample: degraded
    problems:
      description: One sentence for each thing that is wrong.
      type: list
      elements: str
      sample: ["k3d-argolab-server-0 is paused: start the cluster"]
    context: {description: Name of its context in a kubeconfig., type: str, sample: k3d-argolab}
    api_server: {description: Address of the API server for this host., type: str, sample: "https://127.0.0.1:6443"}
    network: {description: Docker network., type: str, sample: k3d-argolab}
    subnet: {description: Address range of it., type: str, sample: 172.29.0.0/16}
    ports:
      description: Published ports but the API server's.
      type: list
      elements: str
      sample: ["127.0.0.1:8080->80/tcp"]
    nodes:
      description: Nodes with name, role, state, ip and image_id.
      type: list
      elements: dict
"""

from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.k3d_cli import K3d
from ansible_collections.argolab.observability.plugins.module_utils.k3d_facts import cluster_facts
from ansible_collections.argolab.observability.plugins.module_utils.k3d_reader import Reader, engine_from_params


def main() -> None:
    module = checked_module(
        argument_spec={
            "name": {"type": "str"},
            "k3d_binary": {"type": "path", "default": "k3d"},
            "docker_host": {"type": "str"},
        },
        limits={"name": {"form": "cluster_name"}},
    )
    name = module.params["name"]
    try:
        engine = engine_from_params(module.params)
        clusters = Reader(K3d(module.params["k3d_binary"], engine.docker_host), engine).clusters(name)
    except ArgolabError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, clusters=[cluster_facts(one) for one in sorted(clusters, key=lambda one: one.name)])


if __name__ == "__main__":
    main()
