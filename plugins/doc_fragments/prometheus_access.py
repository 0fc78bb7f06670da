# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    """How a module reaches Prometheus; to be used together with C(kube_access)."""

    DOCUMENTATION = r"""
notes:
  - Prometheus is reached by O(url), or with O(kubeconfig) through the API server's proxy to O(service), which needs
    neither DNS nor an ingress, only the RBAC verb C(get) on C(services/proxy). Give one of both.
  - Where neither is given, the environment of the module is asked, as a credential of AWX sets it.
    E(ARGOLAB_PROMETHEUS_URL) stands for O(url), and likewise E(ARGOLAB_PROMETHEUS_HOST_HEADER),
    E(ARGOLAB_PROMETHEUS_TLS_SERVER_NAME), E(ARGOLAB_PROMETHEUS_CA_PATH), E(ARGOLAB_PROMETHEUS_CLIENT_CERT),
    E(ARGOLAB_PROMETHEUS_CLIENT_KEY), E(ARGOLAB_PROMETHEUS_USERNAME), E(ARGOLAB_PROMETHEUS_PASSWORD) and
    E(ARGOLAB_PROMETHEUS_BEARER_TOKEN) for the options of these names. An option that is given wins.
options:
  url:
    description:
      - Base URL of Prometheus, with its path prefix where it has one, such as V(https://prometheus.example.it/prometheus).
      - A user name or password in it is refused, because URLs are shown in results.
      - Redirects are followed on the same server only.
      - The proxy that E(HTTP_PROXY) or E(HTTPS_PROXY) names is used unless E(NO_PROXY) excludes the host. Loopback
        addresses never go through it.
    type: str
  host_header:
    description:
      - Name to ask for where O(url) holds an address, as in V(prometheus.example.it) for an ingress that no DNS knows.
      - With TLS it is also the name sent as SNI and looked for in the server's certificate.
    type: str
  tls_server_name:
    description:
      - Name to send as SNI and to look for in the server's certificate, where it is neither that of O(url) nor
        O(host_header). Needs an C(https) O(url).
    type: str
  ca_path:
    description: File with the CA certificates (PEM) to trust instead of the system's. Needs an C(https) O(url).
    type: path
  client_cert:
    description: File with the client certificate (PEM), optionally with its key. Needs an C(https) O(url).
    type: path
  client_key:
    description: File with the unencrypted key (PEM) of O(client_cert).
    type: path
  username:
    description: User for basic authentication. Only with O(password), not with O(bearer_token).
    type: str
  password:
    description: Password for basic authentication.
    type: str
  bearer_token:
    description: Token for bearer authentication.
    type: str
  validate_certs:
    description: Whether the server's certificate is verified. Only for O(url); a kubeconfig has its own setting.
    type: bool
    default: true
  request_timeout:
    description: Seconds for each whole request, from the connection to the last byte of the answer.
    type: float
    default: 10.0
  namespace:
    description: Namespace of the Service. Only with O(kubeconfig).
    type: str
    default: monitoring
  service:
    description:
      - Service and port (number or name) as V(name:port), or V(https:name:port) where Prometheus speaks TLS.
        Only with O(kubeconfig).
    type: str
    default: prometheus-operated:9090
  path_prefix:
    description:
      - Path prefix (C(routePrefix)) of Prometheus behind O(service), such as V(/prometheus). Only with O(kubeconfig).
    type: str
    default: ""
"""
