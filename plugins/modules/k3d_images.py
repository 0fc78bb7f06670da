#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: k3d_images
short_description: Have images of the Docker engine in the nodes of a k3d cluster
version_added: 0.1.0
author: argolab.observability contributors (@argolab)
description:
  - Imports images into all server and agent nodes of a cluster, with C(k3d image import), where a node does not have
    them in the very version that the Docker engine has. Versions are compared by digest, so that an image that was
    built anew under the same name is imported again.
  - Looks into each node afterwards, because k3d can log an error and still end well. A node that does not have an image
    then is a failure that names both and what k3d said.
  - An image that the Docker engine does not have is pulled first, without credentials.
  - Nothing is removed, neither from the engine nor from the nodes.
requirements:
  - C(ctr) or C(crictl) in the nodes, as k3s has them, with C(k8s.io) as the namespace that C(ctr) uses by itself
options:
  name:
    description: Name of the cluster. It has to be there, with all its nodes running; see
      M(argolab.observability.k3d_cluster).
    type: str
    required: true
  images:
    description:
      - Images by name and tag, C(latest) where they have none. A short name means the same as with Docker, V(nginx:1)
        that is V(docker.io/library/nginx:1).
      - Names with a digest are refused, because k3d finds images by tag only.
    type: list
    elements: str
    required: true
  pull:
    description: Whether to pull an image that the Docker engine does not have. Without it that is an error, before
      anything is imported. What the engine has is never pulled again.
    type: bool
    default: true
  timeout:
    description: Seconds for each pull, and for the import of all images together. k3d at times never ends, so its first
      try gets a quarter of them.
    type: int
    default: 300
extends_documentation_fragment:
  - argolab.observability.k3d
  - argolab.observability.attributes
attributes:
  check_mode:
    support: full
    details: What an earlier task of the same play would provide - k3d, the engine, the cluster, a running node, an
      image - is a warning there in place of an error, and the import is predicted.
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: argolab.observability.k3d_cluster
  - module: argolab.observability.k3d_cluster_info
"""

EXAMPLES = r"""
- name: Have an image that was built on this machine in all nodes
  argolab.observability.k3d_images:
    name: argolab
    images: ["example/shop:dev"]
    pull: false

- name: Spare the nodes some pulls
  argolab.observability.k3d_images:
    name: argolab
    images:
      - nginx:1.29
      - quay.io/argoproj/argocd:v3.4.4
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be.
  type: list
  elements: str
  returned: success
  sample: ["pull nginx:1.29", "import nginx:1.29 into k3d-argolab-server-0"]
images:
  description: The images, each once.
  type: list
  elements: dict
  returned: success
  contains:
    name: {description: Name as given in O(images)., type: str, sample: "nginx:1.29"}
    nodes:
      description: Nodes that have it in the version of the Docker engine; in check mode those that have it already.
      type: list
      elements: str
      sample: [k3d-argolab-server-0]
"""

from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.k3d_images import K3D_IMAGES_LIMITS, ImageRunner


def main() -> None:
    module = checked_module(
        argument_spec={
            "name": {"type": "str", "required": True},
            "images": {"type": "list", "elements": "str", "required": True},
            "pull": {"type": "bool", "default": True},
            "k3d_binary": {"type": "path", "default": "k3d"},
            "docker_host": {"type": "str"},
            "timeout": {"type": "int", "default": 300},
        },
        limits=K3D_IMAGES_LIMITS,
    )
    try:
        runner = ImageRunner(module.params, module.check_mode)
        result = runner.run()
    except ArgolabError as error:
        module.fail_json(msg=str(error))
    for note in runner.notes:
        module.warn(note)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
