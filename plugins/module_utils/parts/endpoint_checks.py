# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and what answers behind them, as M(endpoint_checks) sees them."""

from __future__ import annotations

from ansible_collections.argolab.observability.plugins.module_utils.endpoint_checks import (
    endpoint_check,
    name_checks,
    read_hosts,
)
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.explained import poll_of
from ansible_collections.argolab.observability.plugins.module_utils.part import Look, Params, Part
from ansible_collections.argolab.observability.plugins.module_utils.waiter import Poll

ENDPOINT_SPEC = {
    "name": {"type": "str", "required": True},
    "url": {"type": "str"},
    "path": {"type": "str", "default": "/"},
    "host": {"type": "str"},
    "status": {"type": "list", "elements": "int", "default": [200]},
    "contains": {"type": "str", "default": ""},
    "validate_certs": {"type": "bool", "default": True},
}


def look(params: Params) -> Look:
    if not params["endpoints"] and not params["names"] and not params["skipped_endpoints"]:
        raise DefiniteError("endpoints and names are both empty, so nothing would be checked; give one of them.")

    def poll() -> Poll:
        checks = [
            endpoint_check(item, params["request_timeout"], params["url"], params["skipped_endpoints"])
            for item in params["endpoints"]
        ]
        if params["names"]:
            content = read_hosts(params["hosts_path"])
            checks += name_checks(params["names"], content, params["hosts_path"], params["addresses"], params["repair"])
        return poll_of(checks)

    return Look(poll)


PART = Part(
    title="Not every name leads to something that answers",
    what="names",
    spec={
        "endpoints": {"type": "list", "elements": "dict", "default": [], "options": ENDPOINT_SPEC},
        "url": {"type": "str", "default": ""},
        "skipped_endpoints": {"type": "dict", "default": {}},
        "names": {"type": "list", "elements": "str", "default": []},
        "addresses": {"type": "list", "elements": "str", "default": []},
        "hosts_path": {"type": "path", "default": "/etc/hosts"},
        "repair": {"type": "str", "default": ""},
        "request_timeout": {"type": "float", "default": 5.0},
    },
    limits={
        "endpoints": {"options": {"name": {"form": "word"}, "status": {"minimum": 100, "maximum": 599}}},
        "url": {"form": "url"},
        "names": {"form": "host_name"},
        "addresses": {"form": "word"},
    },
    look=look,
)
