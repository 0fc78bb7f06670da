#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_hosts
short_description: Find hosts of an inventory that would get in each other's way
version_added: 0.1.0
author: argolab.observability contributors (@argolab)
description:
  - Where each host of an inventory is a cluster, two of them can claim the same thing - a port, a folder, a line of the
    hosts file, or be the same cluster by mistake. This finds out from the variables of all hosts and the defaults of
    the roles, before anything is changed.
  - Ports, folders, subnets and names count as the same only on one machine, and subnets and k3d's names only in one
    Docker engine. A cluster is the same if kubeconfig and context are, and clashes if a namespace of Argo CD or of
    monitoring is the same as well. One cluster behind two kubeconfigs is not noticed.
  - It asks nothing of any cluster, and does not fail; what to do with RV(clashes) is for the playbook to say.
  - It runs on the controller only, and needs no connection to any host.
options:
  hosts:
    description: The hosts to look at, such as V(ansible_play_hosts_all).
    type: list
    elements: str
    required: true
  build:
    description: Whether clusters are made or changed. Without it only folders for evidence can clash.
    type: bool
    default: true
  names:
    description: Whether names are written into hosts files.
    type: bool
    default: true
extends_documentation_fragment:
  - argolab.observability.attributes
  - argolab.observability.attributes.read_only
seealso:
  - module: argolab.observability.fleet_evidence
"""

EXAMPLES = r"""
- name: See which clusters would get in each other's way
  argolab.observability.fleet_hosts:
    hosts: "{{ ansible_play_hosts_all }}"
  register: seen
  run_once: true

- name: No other cluster is in the way of this one
  ansible.builtin.fail:
    msg: "{{ seen.clashes[inventory_hostname] | join(' ') }}"
  when: inventory_hostname in seen.clashes
"""

RETURN = r"""
clashes:
  description: By host, what it would share with which others, what was expected, and what to set.
  returned: always
  type: dict
  sample:
    a: ["a and b have the same k3d_cluster_name lab; expected one of its own for each. Set it for one of them."]
    b: ["a and b have the same k3d_cluster_name lab; expected one of its own for each. Set it for one of them."]
"""
