# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    """The k3d program and its Docker engine, and what the nodes of a cluster are given."""

    DOCUMENTATION = r"""
requirements:
  - k3d 5.8 or later
  - a Docker engine
options:
  k3d_binary:
    description: Path of the k3d program.
    type: path
    default: k3d
  docker_host:
    description: Address of the Docker engine. Without it E(DOCKER_HOST), the docker program's context and the usual
      sockets are tried.
    type: str
"""

    # settled at the creation of a node; K3D_CLUSTER_SPEC in module_utils/k3d_options.py has the same
    NODES = r"""
options:
  volumes:
    description: Mounts for the nodes, C(SOURCE:TARGET[:ro][@NODEFILTER]).
    type: list
    elements: str
    default: []
  env:
    description: Environment variables of the nodes, C(NAME=VALUE[@NODEFILTER]).
    type: list
    elements: str
    default: []
  k3s_args:
    description: Arguments for k3s, such as C(--kubelet-arg=sync-frequency=5s@server:*).
    type: list
    elements: str
    default: []
  tls_sans:
    description: More names and addresses for the certificate of the API server.
    type: list
    elements: str
    default: []
  node_labels:
    description: Kubernetes labels of the nodes, C(KEY=VALUE[@NODEFILTER]).
    type: list
    elements: str
    default: []
  runtime_labels:
    description: Labels of the containers, C(KEY=VALUE[@NODEFILTER]).
    type: list
    elements: str
    default: []
  runtime_ulimits:
    description: Limits of the containers, C(NAME=SOFT[:HARD]).
    type: list
    elements: str
    default: []
  host_aliases:
    description: Names for addresses, C(ADDRESS:NAME[,NAME]), in the nodes and in the cluster's DNS.
    type: list
    elements: str
    default: []
  servers_memory:
    description: Memory limit of each server node, such as V(4g).
    type: str
  agents_memory:
    description: Memory limit of each agent node, such as V(2g).
    type: str
  registries:
    description: Registries that the nodes pull from.
    type: dict
    default: {}
    suboptions:
      create:
        description: A registry of the cluster's own, removed with it.
        type: dict
        suboptions:
          name:
            description: Name of its container, and host name for the nodes. Without it k3d- and the cluster's name and
              -registry.
            type: str
          host:
            description: Address of this host that it is published on.
            type: str
            default: 0.0.0.0
          port:
            description: Port of this host that it is published on. Without it any free one.
            type: int
          image:
            description: Image of the registry.
            type: str
            default: docker.io/library/registry:2
          volumes:
            description: Mounts for it, C(SOURCE:TARGET). Not compared.
            type: list
            elements: str
            default: []
          proxy:
            description: Makes it a pull-through cache.
            type: dict
            suboptions:
              remote_url:
                description: The registry that it passes requests on to, such as V(https://registry-1.docker.io).
                type: str
                required: true
              username:
                description: User name there.
                type: str
              password:
                description: Password there.
                type: str
      use:
        description: Registries of k3d that exist already, as C(NAME[:PORT]).
        type: list
        elements: str
        default: []
      config:
        description: The C(mirrors) and C(configs) of a registries.yaml, as k3s takes them.
        type: dict
        default: {}
"""
