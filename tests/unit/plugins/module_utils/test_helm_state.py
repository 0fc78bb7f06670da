# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import gzip
import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils import helm_state
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=timezone.utc)


def secret(
    number: int, status: str, values: dict[str, Any] | None = None, chart: str = "10.1.1", age: float = 3600
) -> dict[str, Any]:
    release = {
        "version": number,
        "config": values,
        "chart": {"metadata": {"name": "argo-cd", "version": chart, "appVersion": "v3"}},
        "info": {"status": status, "last_deployed": (NOW - timedelta(seconds=age)).isoformat()},
    }
    packed = base64.b64encode(gzip.compress(json.dumps(release).encode()))
    return {
        "metadata": {
            "name": f"sh.helm.release.v1.argocd.v{number}",
            "labels": {"version": str(number), "status": status},
        },
        "data": {"release": base64.b64encode(packed).decode()},
    }


def test_the_newest_deployed_revision_counts() -> None:
    revisions = [secret(9, "superseded"), secret(10, "deployed", {"a": 1}), secret(2, "superseded")]
    deployed, dead = helm_state.current_revisions(revisions)
    assert deployed is not None
    assert (deployed.number, deployed.chart, deployed.values, dead) == (10, "argo-cd-10.1.1", {"a": 1}, [])


def test_what_was_cut_off_after_it_is_dead() -> None:
    deployed, dead = helm_state.current_revisions(
        [secret(1, "deployed"), secret(2, "failed"), secret(3, "pending-upgrade")]
    )
    assert deployed is not None and deployed.number == 1
    assert [item.secret for item in dead] == ["sh.helm.release.v1.argocd.v3", "sh.helm.release.v1.argocd.v2"]
    assert helm_state.reasons(deployed, dead, "argo-cd-10.1.1", {})[:2] == [
        "revision 3 is pending-upgrade",
        "revision 2 is failed",
    ]


def test_a_removed_release_is_not_installed() -> None:
    deployed, dead = helm_state.current_revisions([secret(1, "uninstalled")])
    assert (deployed, dead) == (None, [])
    assert helm_state.reasons(None, [], "argo-cd-10.1.1", {}) == ["the release is not installed"]


@pytest.mark.parametrize(("age", "running"), [(30, True), (601, False)])
def test_a_young_pending_revision_may_be_another_helm(age: float, running: bool) -> None:
    _deployed, dead = helm_state.current_revisions([secret(1, "pending-install", age=age)])
    assert (helm_state.still_running(dead, 600, NOW) is not None) == running
    _deployed, failed = helm_state.current_revisions([secret(1, "failed", age=1)])
    assert helm_state.still_running(failed, 600, NOW) is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-01T14:00:00.123456789+02:00",
        "2026-05-01T12:00:00Z",
        "2026-05-01T12:00:00.5Z",
        "2026-05-01T07:00:00-05:00",
    ],
)
def test_time_stamps_of_helm(text: str) -> None:
    found = helm_state.parse_time(text)
    assert found is not None and found.replace(microsecond=0) == NOW


def test_equal_values_and_chart_need_nothing() -> None:
    values = {"server": {"metrics": {"enabled": True}}, "list": [{"a": 1}], "empty": {}}
    deployed, _dead = helm_state.current_revisions([secret(1, "deployed", values)])
    assert helm_state.reasons(deployed, [], "argo-cd-10.1.1", json.loads(json.dumps(values))) == []


def test_differences_are_named_by_their_path() -> None:
    current = {"server": {"port": 80, "gone": 1}, "same": [1], "kept": {}}
    wanted = {"server": {"port": 443}, "same": [1], "new": {}, "kept": {}}
    assert helm_state.value_changes(current, wanted) == ["new", "server.gone", "server.port"]
    deployed, _dead = helm_state.current_revisions([secret(1, "deployed", current)])
    assert helm_state.reasons(deployed, [], "argo-cd-10.2.0", current) == [
        "chart argo-cd-10.1.1 is deployed, argo-cd-10.2.0 is wanted"
    ]


def test_a_value_that_is_explicitly_null_is_a_difference() -> None:
    assert helm_state.value_changes({}, {"a": None}) == ["a"]


@pytest.mark.parametrize(
    "data", ["", "%%%", base64.b64encode(b"not json").decode(), base64.b64encode(base64.b64encode(b"[]")).decode()]
)
def test_a_broken_release_is_said_to_be_broken(data: str) -> None:
    with pytest.raises(DefiniteError, match="Helm keeps in the cluster"):
        helm_state.decode_release(data)


def test_first_keys_have_to_be_the_charts() -> None:
    chart = {"name": "stack", "version": "1", "dependencies": [{"name": "grafana"}, {"name": "x", "alias": "exporter"}]}
    helm_state.check_top_level(["global", "grafana", "exporter", "server"], {"server": {}}, chart)
    with pytest.raises(DefiniteError, match="the values hold sever, .* did you mean server?"):
        helm_state.check_top_level(["sever"], {"server": {}}, chart)
