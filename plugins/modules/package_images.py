#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: package_images
short_description: Make container images from built programs and bring them to where they run
version_added: 0.1.0
author: argolab.observability contributors (@argolab)
description:
  - Writes images that share one Debian root, without an image builder. O(engine_images) are loaded into the Docker
    engine. O(workload_images) are imported once into a template of containerd's folder, by a container of the first
    engine image.
  - In each of O(node_stores), a copy of that template is made for one node of a cluster; its layers are hard links.
  - What the cache and the engine already have is not made again.
options:
  state:
    description:
      - V(present) makes the images, loads them and fills O(node_stores).
      - V(absent) removes O(node_stores) and the images of O(engine_images) from the engine; the cache stays.
    type: str
    choices: [present, absent]
    default: present
  cache_dir:
    description: Folder that keeps the images, below C(images).
    type: path
    required: true
  root:
    description: Archive of the Debian root.
    type: path
  programs:
    description: Folder of each build by name.
    type: dict
    default: {}
  files_dir:
    description: Folder of the files that images name.
    type: path
  engine_images:
    description:
      - Images for the Docker engine; the first one is the node image. Each has C(names), and may have C(programs),
        C(files), C(links), C(folders), C(accounts) and C(config).
    type: list
    elements: dict
    default: []
  workload_images:
    description: Images for the node's containerd, described as in O(engine_images).
    type: list
    elements: dict
    default: []
  node_stores:
    description:
      - Folders that nodes of a cluster mount as C(/var/lib/containerd). They must be on the same file system as
        O(cache_dir).
    type: list
    elements: path
    default: []
  docker_host:
    description: Address of the Docker engine.
    type: str
    required: true
  progress_file:
    description: File that the progress lines are appended to.
    type: path
attributes:
  check_mode:
    support: full
    description: Says what would be made.
  diff_mode:
    support: none
    description: There is nothing to compare.
  idempotent:
    support: full
    description: Nothing is done where everything is in its place.
seealso:
  - module: argolab.observability.package_builds
"""

EXAMPLES = r"""
- name: Bring the images to the engine and to the node of the cluster
  argolab.observability.package_images:
    cache_dir: "{{ lab_cache_dir }}"
    root: "{{ builds.root }}"
    programs: "{{ builds.programs }}"
    files_dir: "{{ role_path }}/files"
    engine_images:
      - names: [argolab/node:v1.37.2]
        programs: {kubernetes/kubelet: /usr/bin/kubelet}
        files: {node/k3s: /usr/bin/k3s}
        config: {Entrypoint: [/bin/k3s]}
    workload_images:
      - names: [quay.io/prometheus/prometheus:v3.16.0]
        programs: {prometheus/prometheus: /usr/bin/prometheus}
        config: {Entrypoint: [/bin/prometheus], User: "65534"}
    node_stores: ["{{ lab_cache_dir }}/clusters/argolab/server-0"]
    docker_host: unix:///var/run/docker.sock
"""

RETURN = r"""
steps:
  description: What was done, or would be done in check mode.
  type: list
  elements: str
  returned: success
  sample: [write 3 images for the engine]
images:
  description: Names of the workload images.
  type: list
  elements: str
  returned: when O(state=present)
  sample: ["quay.io/prometheus/prometheus:v3.16.0"]
in_use_by:
  description: Containers that use one of O(node_stores), which is then left as it is.
  type: list
  elements: str
  returned: success
  sample: [k3d-argolab-server-0]
"""

from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.image_plan import ImagePlan
from ansible_collections.argolab.observability.plugins.module_utils.package_options import IMAGE_OPTIONS


def main() -> None:
    module = checked_module(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "cache_dir": {"type": "path", "required": True},
            "root": {"type": "path"},
            "programs": {"type": "dict", "default": {}},
            **IMAGE_OPTIONS,
            "progress_file": {"type": "path"},
        },
        required_if=[("state", "present", ["root", "files_dir"])],
    )
    try:
        plan = ImagePlan(module.params)
        if module.params["state"] == "absent":
            steps = plan.remove(module.check_mode)
            module.exit_json(changed=bool(steps), steps=steps, in_use_by=[])
        steps = plan.make(module.check_mode)
        module.exit_json(changed=bool(steps), steps=steps, images=plan.workload_names(), in_use_by=plan.in_use_by)
    except (ArgolabError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
