#!/usr/bin/python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: endpoint_checks
short_description: Check that names lead to the ingress and that something answers behind it
version_added: 0.1.0
author:
  - argolab.observability contributors (@argolab)
description:
  - Asks each address over HTTP with the C(Host) header of the name, so that neither DNS nor the hosts file is needed,
    and
    looks at status and content. Redirects are followed on the same server only.
  - Looks whether names have an entry in the hosts file, with one of the addresses of the ingress.
  - Of names that are served with TLS it looks whether the certificate is trusted and how long it is still good.
  - Causes are C(no_answer), C(wrong_status), C(open_to_strangers), C(wrong_content), C(hosts_entry_absent),
    C(hosts_entry_wrong), and of certificates C(certificate_expired), C(certificate_expires),
    C(certificate_not_yet_valid), C(certificate_untrusted), C(certificate_wrong_name), C(certificate_weak),
    C(certificate_refused).
extends_documentation_fragment:
  - argolab.observability.kube_access
  - argolab.observability.attributes
  - argolab.observability.attributes.read_only
  - argolab.observability.waiting
options:
  endpoints:
    description: What has to answer.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What it is called in results; also the name asked for where O(endpoints[].host) is not given.
        type: str
        required: true
      url:
        description: Scheme, address and port, such as V(http://127.0.0.1:8080), where it is not O(url).
        type: str
      path:
        description: Path to ask for.
        type: str
        default: /
      host:
        description: Name for the C(Host) header, and for TLS with V(https). By default O(endpoints[].name).
        type: str
      status:
        description: Statuses that are good.
        type: list
        elements: int
        default: [200]
      contains:
        description: Text that the answer has to contain.
        type: str
        default: ""
      validate_certs:
        description: Whether the certificate is checked where the URL is V(https).
        type: bool
        default: true
  url:
    description:
      - Scheme, address and port of the ingress, for all O(endpoints) that have no own.
      - Without it, and with O(kubeconfig), the address is the one that the ingress controller wrote into the Ingresses
        of the names.
    type: str
    default: ""
  ingress_scheme:
    description: Whether that address is asked in plain or with TLS.
    type: str
    choices: [http, https]
    default: http
  ingress_port:
    description: Port of that address. By default V(80), or V(443) where O(ingress_scheme=https).
    type: int
  ca_path:
    description: File with the authorities that are trusted instead of the system's.
    type: path
  certificate_days:
    description:
      - For how many days the certificates of the names have to be good. V(0) does not look at them beyond what each
        request needs.
    type: int
    default: 0
  skipped_endpoints:
    description: Why some of O(endpoints) are not to be checked, by name. They are then reported as skipped.
    type: dict
    default: {}
  names:
    description: Names that have to be in the hosts file.
    type: list
    elements: str
    default: []
  addresses:
    description: Addresses of which the names have to have one. Without any, every address is good.
    type: list
    elements: str
    default: []
  hosts_path:
    description: The hosts file.
    type: path
    default: /etc/hosts
  repair:
    description: Command to name where an entry is absent or wrong.
    type: str
    default: ""
  request_timeout:
    description: Seconds for one request, from the connection to the last byte of the answer.
    type: float
    default: 5.0
seealso:
  - module: argolab.observability.hosts_entries
"""

EXAMPLES = r"""
- name: Prometheus answers through the ingress, and its name leads there
  argolab.observability.endpoint_checks:
    url: http://127.0.0.1:8080
    endpoints:
      - name: prometheus.example.it
        path: /-/ready
    names: [prometheus.example.it]
    addresses: [127.0.0.1]
    wait_timeout: 30
"""

RETURN = r"""
checks:
  description: What was checked, in order; also returned on failure.
  returned: always
  type: list
  elements: dict
  contains:
    name: {type: str, description: What was checked.}
    ok: {type: bool, description: The outcome. Null means pending or skipped.}
    expected: {type: str, description: What should be.}
    observed: {type: str, description: What is.}
    detail: {type: str, description: The reason where it is not as expected.}
    cause: {type: str, description: "Short name of the reason, for programs."}
    next: {type: str, description: The command to type next.}
    subject: {type: str, description: What the check is about where other modules have checks about the same thing.}
waited:
  description: Seconds until the result was certain.
  returned: when anything could be checked
  type: float
  sample: 0.4
attempts:
  description: How often it was looked at.
  returned: when anything could be checked
  type: int
  sample: 1
"""

from ansible_collections.argolab.observability.plugins.module_utils.part import run_part
from ansible_collections.argolab.observability.plugins.module_utils.parts.endpoint_checks import PART


def main() -> None:
    run_part(PART)


if __name__ == "__main__":
    main()
