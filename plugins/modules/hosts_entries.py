#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: hosts_entries
short_description: Give host names the address of an ingress, in a marked block of a hosts file
version_added: 0.1.0
author:
  - argolab.observability contributors (@argolab)
description:
  - Chooses one of the given ingress endpoints and writes the names with its address into a block of the hosts file.
  - Everything outside of the block stays byte for byte, and removing the block gives back the bytes that were there.
  - M(ansible.builtin.blockinfile) does not serve here. In a file with C(CRLF) line ends it writes lines with C(LF),
    it leaves behind the newline that it added to a last line without one, and it does not look whether another line
    already claims a name.
  - The file is replaced by a rename. Where that is impossible (a bind-mounted hosts file, as containers have), the same
    inode is written.
notes:
  - To write V(/etc/hosts) needs root; use C(become). Without the right to write nothing is changed, and the message
    holds the lines to add by hand.
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode) and return changed status prediction without modifying the target.
  diff_mode:
    support: full
    description: Returns the file before and after.
  idempotent:
    support: full
    description: A second run with the same options changes nothing.
options:
  state:
    description: Whether the names are there.
    type: str
    choices: [present, absent]
    default: present
  path:
    description: Hosts file. A symbolic link is followed.
    type: path
    default: /etc/hosts
  marker:
    description: Word that marks the block. Blocks with different markers do not touch each other.
    type: str
    default: argolab.observability
  names:
    description: Host names. Needed with O(state=present).
    type: list
    elements: str
    default: []
  strategy:
    description:
      - Which endpoint the names lead to.
      - V(ingress) is the address of the Ingress, V(loadbalancer) a port published on this host.
      - V(auto) takes the Ingress's address where this host reaches it, else the load balancer.
    type: str
    choices: [auto, ingress, loadbalancer]
    default: auto
  endpoints:
    description: Ingress endpoints to choose from; the cluster provider's fact C(cluster_ingress_endpoints).
    type: list
    elements: dict
    default: []
    suboptions:
      strategy:
        description: Kind of endpoint.
        type: str
        choices: [ingress, loadbalancer]
        required: true
      address:
        description: IP address. Empty where it is not known yet.
        type: str
      http_port:
        description: Port for HTTP.
        type: int
        default: 80
      https_port:
        description: Port for HTTPS.
        type: int
        default: 443
      reachable:
        description:
          - Whether this host reaches it. Where this is left out, O(strategy=auto) asks over HTTP, 2 seconds at most.
        type: bool
      detail:
        description: What was found when it was probed; quoted in messages.
        type: str
seealso:
  - module: argolab.observability.cluster_ready
  - module: ansible.builtin.blockinfile
"""

EXAMPLES = r"""
- name: Names lead to the ingress
  argolab.observability.hosts_entries:
    names: [prometheus.example.it, grafana.example.it]
    endpoints: "{{ cluster_ingress_endpoints }}"
  become: true

- name: Names are gone
  argolab.observability.hosts_entries:
    state: absent
  become: true
"""

RETURN = r"""
chosen:
  description: The endpoint that the names lead to; empty with O(state=absent), and in check mode while none is known.
  returned: success
  type: dict
  sample:
    strategy: ingress
    address: 172.29.0.3
    http_port: 80
    https_port: 443
    reason: this host reaches it on port 80
    problem: ""
path:
  description: The file behind O(path), with symbolic links resolved.
  returned: when the file exists
  type: str
  sample: /etc/hosts
written:
  description: How the file was written, V(renamed) or V(in_place).
  returned: when changed, not in check mode
  type: str
  sample: renamed
"""

import os
import re
from dataclasses import asdict
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils import hosts_file
from ansible_collections.argolab.observability.plugins.module_utils.checked_module import checked_module
from ansible_collections.argolab.observability.plugins.module_utils.hosts_file import HostsFileError
from ansible_collections.argolab.observability.plugins.module_utils.limits import PORT

ENDPOINT = {
    "strategy": {"type": "str", "choices": ["ingress", "loadbalancer"], "required": True},
    "address": {"type": "str"},
    "http_port": {"type": "int", "default": 80},
    "https_port": {"type": "int", "default": 443},
    "reachable": {"type": "bool"},
    "detail": {"type": "str"},
}
ARGUMENT_SPEC = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "path": {"type": "path", "default": "/etc/hosts"},
    "marker": {"type": "str", "default": "argolab.observability"},
    "names": {"type": "list", "elements": "str", "default": []},
    "strategy": {"type": "str", "choices": ["auto", "ingress", "loadbalancer"], "default": "auto"},
    "endpoints": {"type": "list", "elements": "dict", "default": [], "options": ENDPOINT},
}
LIMITS: dict[str, Any] = {
    "marker": {"form": "marker"},
    # An address that is not known yet is no mistake, and a probe may have nothing to tell.
    "endpoints": {
        "options": {"address": {"empty_ok": True}, "detail": {"empty_ok": True}, "http_port": PORT, "https_port": PORT}
    },
}


def present(params: dict[str, Any], content: bytes, check_mode: bool, result: dict[str, Any]) -> bytes:
    """The content with the names in it."""
    names, marker = hosts_file.check_names(params["names"]), params["marker"]
    taken = hosts_file.claims(content, marker, names)
    if taken:
        lines = "; ".join(f"line {number} already gives {name}: {text!r}" for number, name, text in taken)
        raise HostsFileError(
            f"{params['path']}: {lines}. Nothing was changed. "
            "Take the names out of there, or leave them out of this list."
        )
    try:
        choice = hosts_file.choose_endpoint(params["strategy"], params["endpoints"], hosts_file.probe_http)
    except HostsFileError as exc:
        if not check_mode:
            raise
        # The cluster that will answer may not be there yet.
        result["hints"] = [f"Check mode: the names would be written once an endpoint is there. {exc}"]
        result["changed"] = True
        return content
    if choice.problem:
        result["hints"] = [f"{choice.strategy} {choice.address} was asked for, but: {choice.problem}."]
    result["chosen"] = asdict(choice)
    return hosts_file.with_block(content, marker, choice.address, names)


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Bring the file into the state that is asked for."""
    result: dict[str, Any] = {"changed": False, "chosen": {}}
    if not re.fullmatch(r"[A-Za-z0-9._-]+", params["marker"]):
        raise HostsFileError(
            f"marker {params['marker']!r} must be one word of letters, digits, dots, hyphens and underscores."
        )
    if params["state"] == "absent" and not os.path.lexists(params["path"]):
        return result
    path = result["path"] = hosts_file.resolve(params["path"])
    old = hosts_file.read(path)
    if params["state"] == "present":
        new = present(params, old, check_mode, result)
    else:
        new = hosts_file.without_block(old, params["marker"])
    if new == old:
        return result
    result["changed"] = True
    header = params["path"]
    result["diff"] = {
        "before": hosts_file.readable(old),
        "after": hosts_file.readable(new),
        "before_header": header,
        "after_header": header,
    }
    problem = hosts_file.why_not_writable(path)
    if problem:
        raise HostsFileError(
            hosts_file.by_hand(params["path"], problem, params["marker"], params["names"], result["chosen"])
        )
    if not check_mode:
        result["written"] = hosts_file.replace_content(path, old, new)
    return result


def main() -> None:
    """Entry point."""
    module = checked_module(ARGUMENT_SPEC, LIMITS)
    try:
        result = run(module.params, module.check_mode)
    except HostsFileError as exc:
        module.fail_json(msg=str(exc))
    except OSError as exc:
        module.fail_json(msg=f"{module.params['path']} could not be written, it is as it was: {exc.strerror or exc}.")
    for warning in result.pop("hints", []):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
