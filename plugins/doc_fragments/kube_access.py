# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    """How a module reaches a Kubernetes API server."""

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of a kubeconfig file, or its content as a mapping or as text.
      - V(in-cluster) uses the service account of the pod that the module runs in.
      - The user's default file and E(KUBECONFIG) are never read, so that no other cluster is used by accident.
      - Client certificates, tokens, token files, basic authentication, C(proxy-url), C(tls-server-name) and
        C(insecure-skip-tls-verify) are supported as they are. Exec plugins and auth providers need the Python library
        C(kubernetes) on the host that runs the module.
    type: raw
  context:
    description:
      - Name of the context in O(kubeconfig).
      - Without it the file's C(current-context) is used, and the result says which one that was.
        A file without one is refused, with a list of its contexts.
    type: str
"""

    OUTAGE = r"""
options:
  outage_timeout:
    description:
      - Seconds for which an API server that refuses connections, does not answer in time, breaks off or answers 408,
        429 or 5xx is asked again, all requests of the module together. V(0) asks once.
      - What waiting cannot mend, such as a refused login, an unknown context or a certificate that is not trusted,
        fails at once.
      - A module that takes a cluster that does not answer in check mode for one that is not there yet asks once there.
    type: int
    default: 60
"""
