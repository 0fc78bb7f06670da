# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What options hold that Ansible must not repeat in results, where it repeats the options."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import is_inline, load_kubeconfig
from ansible_collections.argolab.observability.plugins.module_utils.url_secrets import secrets_in_url

SECRET_KEYS = ("token", "password", "client-key-data", "access-token", "id-token", "refresh-token")


def secrets_in(kubeconfig: Any) -> set[str]:
    """What an inline kubeconfig, or options with one, hold that no result may repeat."""
    found: set[str] = set()
    stack = [_content(kubeconfig, found)]
    while stack:
        item = stack.pop()
        if isinstance(item, Mapping):
            found |= {value for key, value in item.items() if key in SECRET_KEYS and isinstance(value, str) and value}
            for key, value in item.items():
                if str(key).endswith("url") and isinstance(value, str):
                    found |= secrets_in_url(value)
            stack += [_content(value, found) if key == "kubeconfig" else value for key, value in item.items()]
        elif isinstance(item, list):
            stack += item
    return found


def _content(kubeconfig: Any, found: set[str]) -> Any:
    """A kubeconfig that was given as text, as the mapping that it is."""
    if not is_inline(kubeconfig):
        return kubeconfig
    try:
        return load_kubeconfig(kubeconfig)[0]
    except ArgolabError:
        # what cannot be read may still hold a key, on any of its lines
        found |= {line.strip() for line in str(kubeconfig).splitlines() if line.strip()}
    return None
