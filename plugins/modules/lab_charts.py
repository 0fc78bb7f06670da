#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: lab_charts
short_description: Complete chart sources with CRDs and image versions of a build
version_added: 0.1.0
author: argolab.observability contributors (@argolab)
description:
  - Copies charts into a folder of the cache, puts the CustomResourceDefinitions that built programs bring along into
    their subchart C(crds), and writes the versions of the images into their C(files/versions.yaml).
  - The folder's name is a digest of everything that goes into it. One that exists is complete and is left alone.
  - CRDs lose the descriptions in their schemas, which nothing but C(kubectl explain) reads and which the API server
    keeps in memory.
options:
  source:
    description: Folder that holds one folder for each chart.
    type: path
    required: true
  cache:
    description: Folder to put the completed charts in.
    type: path
    required: true
  charts:
    description: Charts to complete.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the chart and of its folder.
        type: str
        required: true
      versions:
        description: Image tag of each program that the chart's C(files/versions.yaml) names.
        type: dict
        default: {}
      crds:
        description: Folders with CustomResourceDefinitions.
        type: list
        elements: path
        default: []
extends_documentation_fragment:
  - argolab.observability.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
seealso:
  - module: argolab.observability.package_builds
"""

EXAMPLES = r"""
- name: Complete the chart of Argo CD
  argolab.observability.lab_charts:
    source: roles/package_artifacts/files/charts
    cache: ~/.cache/argolab.observability
    charts:
      - name: argo-cd
        versions: {argocd: v3.5.7, redis: 8.0.2}
        crds: [~/.cache/argolab.observability/programs/argocd/data/manifests/crds]
"""

RETURN = r"""
path:
  description: Folder that holds the completed charts, each in a folder of its own.
  returned: success
  type: str
  sample: /home/user/.cache/argolab.observability/charts/0f3a5c7d9e1b
"""

from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.lab_charts import Chart, complete


def main() -> None:
    module = checked_module(
        argument_spec={
            "source": {"type": "path", "required": True},
            "cache": {"type": "path", "required": True},
            "charts": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "versions": {"type": "dict", "default": {}},
                    "crds": {"type": "list", "elements": "path", "default": []},
                },
            },
        },
        limits={"charts": {"options": {"name": {"form": "kube_name"}}}},
    )
    params = module.params
    charts = [Chart(item["name"], item["versions"], tuple(item["crds"])) for item in params["charts"]]
    try:
        path, changed = complete(params["source"], params["cache"], charts, dry_run=module.check_mode)
    except (ArgolabError, OSError) as error:
        module.fail_json(msg=f"The lab charts can not be completed: {error}")
    module.exit_json(changed=changed, path=path)


if __name__ == "__main__":
    main()
