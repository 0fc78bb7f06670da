#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: k3d_cluster
short_description: Keep a k3d cluster as it was declared
version_added: 0.1.0
author: argolab.observability contributors (@argolab)
description:
  - Creates a k3d cluster, starts or stops one, or removes it with its network, volume and kubeconfig.
  - Compares the declared with the real, option by option. Repairs in place what k3d can - stopped and paused nodes,
    load balancer ports that are missing, the number of agents. The rest fails naming both sides, unless
    O(recreate=on_drift).
  - Says before anything is made which port is taken and by which process, which image is absent, and what else would
    make k3d fail half way. After a failed creation nothing of the cluster is left.
  - Does not touch the user's default kubeconfig.
options:
  name:
    description: Name of the cluster, at most 32 lower-case letters, digits and hyphens.
    type: str
    required: true
  state:
    description:
      - V(present) is there as declared, and runs. V(absent) is gone without leftovers.
      - V(started) and V(stopped) take an existing cluster as it is, and compare nothing.
    type: str
    choices: [present, absent, started, stopped]
    default: present
  servers:
    description: Number of server nodes.
    type: int
    default: 1
  agents:
    description:
      - Number of agent nodes. Agents are added and deleted in place, the last ones first, without draining them.
      - k3d copies variables and volumes to an agent that it adds; where others are declared for it, the cluster has to
        be made anew.
    type: int
    default: 0
  image:
    description: Node image. Without it k3d chooses one, and the image is not compared.
    type: str
  api_port:
    description: Port of this host, or address and port, for the API server. Without an address it is bound to
      127.0.0.1.
    type: str
    default: 127.0.0.1:6443
  api_host:
    description: Name that clients reach the API server by, for the kubeconfig and the certificate. Without it they are
      given the address of O(api_port).
    type: str
  loadbalancer:
    description: Whether there is a load balancer in front of the nodes. Without one O(ports) can only be published by
      nodes, with filters such as C(server:0:direct).
    type: bool
    default: true
  ports:
    description:
      - Ports to publish, as k3d writes them (C([ADDRESS:]HOSTPORT:CONTAINERPORT[/PROTOCOL][@NODEFILTER])), or as a
        mapping with
        C(port) and C(node_filters). The node filter is C(loadbalancer) where none is given, the address C(0.0.0.0).
    type: list
    elements: raw
    default: []
  network:
    description: Docker network to join. Without it the cluster gets one of its own, named k3d- and the cluster's name.
    type: str
  subnet:
    description: Address range of the cluster's own network, such as V(172.29.0.0/16); with one, addresses survive a
      restart.
    type: str
  loadbalancer_image:
    description: Image of the load balancer. Without it k3d chooses one.
    type: str
  tools_image:
    description: Image of the tools container. Without it k3d chooses one.
    type: str
  token:
    description: Token with which nodes join. Without it k3d makes one. It is never returned or shown.
    type: str
  kubeconfig:
    description: File to write the cluster's kubeconfig to, with mode 0600. It is removed with the cluster.
    type: path
  api_check:
    description: Whether to wait for the API server to say that it is ready, and to ask it on each run. Needed to remove
      the Node objects of agents that are deleted.
    type: bool
    default: true
  recreate:
    description: What to do with a cluster that differs in what cannot be repaired in place. V(on_drift) loses all
      that is in it.
    type: str
    choices: [never, on_drift]
    default: never
  minimum_disk_gib:
    description: Free disk space in GiB of the Docker engine below which no cluster is created.
    type: float
    default: 5
  minimum_memory_gib:
    description: Available memory in GiB below which no cluster is created.
    type: float
    default: 1
  minimum_inotify_instances:
    description: Free inotify instances of the kernel below which no cluster is created. Without it 22 for each server
      and 9 for each agent, as many as were counted on running nodes; V(0) leaves the check out.
    type: int
  timeout:
    description: Seconds for each of creating, starting, stopping, and waiting for the API server.
    type: int
    default: 180
notes:
  - A node filter names nodes, C(server:0), C(agent:0,2), C(agent:0-2), C(server:*), C(loadbalancer) or several of them
    with semicolons. What has none is for all servers and agents; for O(ports) it is the load balancer.
  - The load balancer is made anew to add a port, with an outage of a second.
  - Compared are servers and agents, not what the load balancer was given by O(env), O(volumes) or O(runtime_labels).
seealso:
  - module: argolab.observability.k3d_cluster_info
extends_documentation_fragment:
  - argolab.observability.k3d
  - argolab.observability.k3d.nodes
  - argolab.observability.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Have the cluster of the tutorial
  argolab.observability.k3d_cluster:
    name: argolab
    api_port: "6443"
    ports: ["8080:80@loadbalancer", "8443:443@loadbalancer"]
    kubeconfig: "{{ playbook_dir }}/build/kubeconfig"

- name: Have three servers and two agents, with a cache for Docker Hub
  argolab.observability.k3d_cluster:
    name: team
    servers: 3
    agents: 2
    api_port: 127.0.0.1:6550
    subnet: 172.30.0.0/16
    ports: ["127.0.0.1:9080:80"]
    k3s_args: ["--kubelet-arg=sync-frequency=5s"]
    registries:
      create:
        port: 5005
        proxy:
          remote_url: https://registry-1.docker.io

- name: Let it rest over night
  argolab.observability.k3d_cluster:
    name: team
    state: stopped

- name: Remove it
  argolab.observability.k3d_cluster:
    name: argolab
    state: absent
    kubeconfig: "{{ playbook_dir }}/build/kubeconfig"
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be.
  type: list
  elements: str
  returned: always
  sample: ["create argolab", "write /srv/build/kubeconfig"]
cluster:
  description: The cluster as it is now; empty where there is none.
  type: dict
  returned: always
  contains:
    name: {description: Name., type: str}
    state: {description: "V(running), V(stopped) or V(degraded).", type: str}
    problems: {description: What is wrong with it., type: list, elements: str}
    kubeconfig: {description: The file of O(kubeconfig)., type: str}
    context: {description: Name of the context in it., type: str}
    api_server: {description: Address of the API server for this host., type: str}
    network: {description: Docker network., type: str}
    subnet: {description: Address range of it., type: str}
    ports: {description: Published ports but the API server's., type: list, elements: str}
    nodes: {description: "Nodes with name, role, state, ip and image_id.", type: list, elements: dict}
"""

from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.k3d_options import (
    K3D_CLUSTER_LIMITS,
    K3D_CLUSTER_SPEC,
)
from ansible_collections.argolab.observability.plugins.module_utils.k3d_runner import Runner, predicted_without_asking


def main() -> None:
    module = checked_module(argument_spec=K3D_CLUSTER_SPEC, limits=K3D_CLUSTER_LIMITS)
    try:
        guess = predicted_without_asking(module.params) if module.check_mode else None
        result = guess or Runner(module.params, module.check_mode).run()
    except ArgolabError as error:
        module.fail_json(msg=str(error))
    if guess:
        module.warn(guess.pop("note"))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
