# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done so that a Helm release is as wanted. Nothing is changed."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Callable, List, Mapping, Sequence, Tuple

from ansible_collections.argolab.observability.plugins.module_utils import helm_chart, helm_state
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.helm_release import (
    ReleaseDrift,
    release_secrets,
    secrets_to_write,
)
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient, KubeError
from ansible_collections.argolab.observability.plugins.module_utils.release_ready import read_release

# Arguments of helm in; exit status, output and errors out.
Helm = Callable[[List[str]], Tuple[int, str, str]]


def missing_apis(client: KubeClient, wanted: Sequence[str]) -> list[str]:
    """Those of the wanted group/version/Kind that the cluster does not serve."""
    served: dict[str, set[str]] = {}
    for entry in wanted:
        group_version, _slash, kind = entry.rpartition("/")
        if group_version not in served:
            try:
                answer = client.get(f"/apis/{group_version}")
                served[group_version] = {str(item.get("kind")) for item in answer.get("resources") or []}
            except KubeError as error:
                if error.status != 404:
                    raise
                served[group_version] = set()
    return [entry for entry in wanted if entry.rpartition("/")[2] not in served[entry.rpartition("/")[0]]]


def plan(params: Mapping[str, Any], client: KubeClient, helm: Helm, predict: bool) -> dict[str, Any]:
    """What M(argolab.observability.helm_release_plan) returns.

    :param predict: take APIs that the cluster lacks for something that would be installed first.
    """
    name, namespace = params["release_name"], params["release_namespace"]
    missing = missing_apis(client, params["required_apis"])
    if missing and not predict:
        raise DefiniteError(f"the cluster does not know {', '.join(missing)}. {params['required_apis_hint']}")
    deployed, dead = helm_state.current_revisions(release_secrets(client, name, namespace))
    running = helm_state.still_running(dead, params["pending_patience"], datetime.now(timezone.utc))
    if running:
        raise DefiniteError(
            f"revision {running.number} of release {name} is {running.status}: another helm is at work, or was cut off "
            f"less than {params['pending_patience']} seconds ago. Wait for it, or remove it with: "
            f"kubectl delete secret -n {namespace} {running.secret}"
        )
    source = helm_chart.ChartSource(params["chart_ref"], params["chart_version"], params["chart_repo_url"])
    wanted = "" if deployed and source.matches(deployed.chart) else chart_name(helm, source, params["values"])
    found = helm_state.reasons(deployed, dead, wanted, params["values"])
    if found and not wanted:
        chart_name(helm, source, params["values"])
    before = dict(deployed.values or {}) if deployed else {}
    return {
        "needed": bool(found),
        "reasons": found + [f"{entry} is missing and would be installed first" for entry in missing],
        "installed": deployed is not None,
        "dead": [item.secret for item in dead],
        "secrets_to_write": secrets_to_write(client, namespace, params["secrets"]),
        "settled": not found and deployed is not None and is_settled(client, deployed.manifest, name, namespace),
        "reachable": True,
        "diff": {"before": before, "after": params["values"]} if found else {},
    }


def no_cluster_yet(params: Mapping[str, Any], error: ArgolabError) -> dict[str, Any]:
    """What would have to be done in a cluster that would be created first."""
    return {
        "needed": True,
        "reasons": [f"there is no cluster yet: {error}"],
        "installed": False,
        "dead": [],
        "secrets_to_write": [item["name"] for item in params["secrets"]],
        "settled": False,
        "reachable": False,
    }


def is_settled(client: KubeClient, manifest: str, name: str, namespace: str) -> bool:
    """Look once. What cannot be looked at is not settled, and the module whose matter it is says why."""
    try:
        if ReleaseDrift(client, manifest, namespace).find():
            return False
        return all(check.ok for check in read_release(client, name, namespace))
    except ArgolabError:
        return False


def chart_name(helm: Helm, source: helm_chart.ChartSource, values: Mapping[str, Any]) -> str:
    """Name and version of the wanted chart, which has to exist and to know the values."""
    chart = helm_chart.show_chart(helm, source)
    helm_state.check_top_level(values, helm_chart.show_values(helm, source), chart)
    return f"{chart.get('name')}-{chart.get('version')}"
