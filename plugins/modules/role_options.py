#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: role_options
short_description: Refuse options of a role that are misspelt or impossible
version_added: 0.1.0
author: argolab.observability contributors (@argolab)
description:
  - An argument specification checks the types of the options that it lists. It says nothing about a variable whose name
    is mistyped, which is then silently ignored, or about a port of 70000.
  - To be used as the first task of a role. It reads the role's C(meta/argument_specs.yml), and fails with one message
    that names everything that is wrong, what was expected, and the nearest option where a name is not known.
  - A text, a path, a list or a mapping that is empty is refused unless that is its default, or C(empty_ok) is set.
  - It runs on the controller only.
options:
  limits:
    description:
      - By option, a mapping with any of C(form), C(minimum), C(above), C(maximum), C(empty_ok) and C(options), the same
        for suboptions. The forms are those of C(plugins/module_utils/limits.py).
    type: dict
    default: {}
  facts:
    description: Names that begin like the role's options and are facts that it sets.
    type: list
    elements: str
    default: []
  refusals:
    description: Options that do not go together. Looked at only where nothing else is wrong.
    type: list
    elements: dict
    default: []
    suboptions:
      when: {description: Whether they do not., type: bool, required: true}
      message: {description: "What is wrong, what was expected, and what to set.", type: str, required: true}
extends_documentation_fragment:
  - argolab.observability.attributes
  - argolab.observability.attributes.read_only
seealso:
  - module: ansible.builtin.validate_argument_spec
"""

EXAMPLES = r"""
- name: The role's options are spelled right and possible
  argolab.observability.role_options:
    limits:
      demo_port: {minimum: 1, maximum: 65535}
      demo_url: {form: url}
      demo_labels: {empty_ok: true}
    facts: [demo_address]
    refusals:
      - when: "{{ demo_port == 443 and demo_url is match('http:') }}"
        message: demo_port is 443 and demo_url is no https:// address; set one of them.
"""

RETURN = r"""
"""
