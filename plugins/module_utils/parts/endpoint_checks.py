# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and what answers behind them, as M(endpoint_checks) sees them."""

from __future__ import annotations

from ansible_collections.argolab.observability.plugins.module_utils.cluster_access import kube_from_params
from ansible_collections.argolab.observability.plugins.module_utils.cluster_checks import ingress_addresses
from ansible_collections.argolab.observability.plugins.module_utils.endpoint_checks import (
    certificate_check,
    endpoint_check,
    name_checks,
    read_hosts,
)
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.explained import ExplainedCheck, poll_of
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import (
    KUBE_ARGUMENT_SPEC,
    KubeClient,
)
from ansible_collections.argolab.observability.plugins.module_utils.limits import PORT
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
    asked = not params["url"] and params["kubeconfig"] is not None
    kube = kube_from_params(params) if asked else None

    def poll() -> Poll:
        url = _ingress_url(kube, params) if kube else params["url"]
        checks = [
            endpoint_check(item, params["request_timeout"], url, params["skipped_endpoints"], params["ca_path"])
            for item in params["endpoints"]
        ]
        if params["certificate_days"]:
            checks += _certificates(params, url)
        if params["names"]:
            content = read_hosts(params["hosts_path"])
            checks += name_checks(params["names"], content, params["hosts_path"], params["addresses"], params["repair"])
        return poll_of(checks)

    return Look(poll)


def _certificates(params: Params, url: str) -> list[ExplainedCheck]:
    """One check for each name, however many of its paths are asked for."""
    asked = {
        (item["host"] or item["name"], item["url"] or url): item
        for item in reversed(params["endpoints"])
        if item["name"] not in params["skipped_endpoints"]
    }
    days, timeout = params["certificate_days"], params["request_timeout"]
    found = [certificate_check(item, days, timeout, url, params["ca_path"]) for item in reversed(list(asked.values()))]
    return [check for check in found if check]


def _ingress_url(kube: KubeClient, params: Params) -> str:
    """The address that the controller wrote into the Ingresses of the names; empty before it has."""
    ingresses = kube.list("/apis/networking.k8s.io/v1/ingresses")
    found = ingress_addresses(ingresses, [item["host"] or item["name"] for item in params["endpoints"]])
    port = params["ingress_port"] or (443 if params["ingress_scheme"] == "https" else 80)
    return f"{params['ingress_scheme']}://{found[0]}:{port}" if found else ""


PART = Part(
    title="Not every name leads to something that answers",
    what="names",
    spec={
        **KUBE_ARGUMENT_SPEC,
        "endpoints": {"type": "list", "elements": "dict", "default": [], "options": ENDPOINT_SPEC},
        "url": {"type": "str", "default": ""},
        "ingress_scheme": {"type": "str", "choices": ["http", "https"], "default": "http"},
        "ingress_port": {"type": "int"},
        "ca_path": {"type": "path"},
        "certificate_days": {"type": "int", "default": 0},
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
        "ingress_port": PORT,
        "certificate_days": {"minimum": 0},
        "names": {"form": "host_name"},
        "addresses": {"form": "word"},
    },
    look=look,
)
