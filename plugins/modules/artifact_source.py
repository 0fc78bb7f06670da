#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: artifact_source
short_description: Decide whether artifacts come from their upstream registries or from package registries
version_added: 0.1.0
author: argolab.observability contributors (@argolab)
description:
  - With O(source=auto) asks each address once, all at once, and decides for V(upstream) only if all of them answer.
    Any HTTP status below 500 is an answer, for registries refuse anonymous callers.
  - Changes nothing.
options:
  source:
    description: What was asked for; V(auto) leaves the decision to this module.
    type: str
    choices: [auto, upstream, packages]
    default: auto
  urls:
    description: Addresses to ask with O(source=auto).
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds that all of them together have for their answers.
    type: float
    default: 3
extends_documentation_fragment:
  - argolab.observability.attributes
  - argolab.observability.attributes.read_only
seealso:
  - module: argolab.observability.package_builds
"""

EXAMPLES = r"""
- name: Decide where images come from
  argolab.observability.artifact_source:
    source: auto
    urls: [https://quay.io/v2/]
  register: artifacts
"""

RETURN = r"""
effective:
  description: The decision.
  type: str
  returned: success
  sample: packages
reason:
  description: Why, in one sentence.
  type: str
  returned: success
  sample: quay.io does not answer (no such host)
"""

from ansible_collections.argolab.observability.plugins.module_utils.artifact_probe import decide, probe_all
from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module


def main() -> None:
    module = checked_module(
        argument_spec={
            "source": {"type": "str", "choices": ["auto", "upstream", "packages"], "default": "auto"},
            "urls": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "float", "default": 3},
        },
        limits={"urls": {"form": "url"}},
    )
    source, urls = module.params["source"], module.params["urls"]
    if source == "auto" and not urls:
        module.fail_json(
            msg="source is auto and urls is empty: name at least one address to ask, or choose upstream or packages"
        )
    answers = probe_all(urls, module.params["timeout"]) if source == "auto" else {}
    effective, reason = decide(source, answers)
    module.exit_json(changed=False, effective=effective, reason=reason)


if __name__ == "__main__":
    main()
