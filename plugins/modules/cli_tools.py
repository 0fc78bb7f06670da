#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: cli_tools
short_description: Have command-line programs at pinned versions in a folder of their own
version_added: 0.1.0
author: argolab.observability contributors (@argolab)
description:
  - Downloads programs, or takes them out of downloaded archives, after verifying the published sha256; or links to
    programs
    that are on this host already.
  - A program that is already right is not downloaded again. One with a wrong checksum leaves nothing behind.
options:
  bin_dir:
    description: Folder for the programs.
    type: path
    required: true
  tools:
    description: The programs. In addresses C({os}), C({arch}) and C({version}) are filled in.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: File name of the program in O(bin_dir).
        type: str
        required: true
      version:
        description: Version, for the place holder.
        type: str
      url:
        description: Address of the program or archive.
        type: str
      checksum_url:
        description: Address of a file with its sha256, alone or in lines with file names, which may be in a folder
          as in k3d's.
        type: str
      member:
        description: Path of the program in the archive, where O(tools[].url) is one.
        type: str
      link:
        description: Path of a program on this host to link to, instead of a download.
        type: path
  timeout:
    description: Seconds without any data after which a download is given up.
    type: int
    default: 300
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
  - module: argolab.observability.package_builds
  - module: ansible.builtin.get_url
"""

EXAMPLES = r"""
- name: Have k3d
  argolab.observability.cli_tools:
    bin_dir: /opt/argolab/bin
    tools:
      - name: k3d
        version: v5.8.3
        url: "https://github.com/k3d-io/k3d/releases/download/{version}/k3d-{os}-{arch}"
        checksum_url: "https://github.com/k3d-io/k3d/releases/download/{version}/checksums.txt"
"""

RETURN = r"""
paths:
  description: Path of each program by its name.
  type: dict
  returned: success
  sample: {"k3d": "/opt/argolab/bin/k3d"}
"""

from ansible_collections.argolab.observability.plugins.module_utils import downloads
from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError


def main() -> None:
    tool = {
        "name": {"type": "str", "required": True},
        "version": {"type": "str"},
        "url": {"type": "str"},
        "checksum_url": {"type": "str"},
        "member": {"type": "str"},
        "link": {"type": "path"},
    }
    module = checked_module(
        argument_spec={
            "bin_dir": {"type": "path", "required": True},
            "tools": {"type": "list", "elements": "dict", "required": True, "options": tool},
            "timeout": {"type": "int", "default": 300},
        },
    )
    try:
        result = downloads.run(module.params, module.check_mode)
    except (ArgolabError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
