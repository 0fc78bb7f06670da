# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which a drill makes and removes things, whoever stops it; the real programs are those of the lab."""

from __future__ import annotations

from typing import Any, Callable, cast

import pytest
from ansible_collections.argolab.observability.plugins.module_utils import alert_drill, drill_removal
from ansible_collections.argolab.observability.plugins.module_utils.alert_drill import AlertDrill, Interrupted, Plan
from ansible_collections.argolab.observability.plugins.module_utils.alertmanager_api import WebhookCounts
from ansible_collections.argolab.observability.plugins.module_utils.drill_cluster import DrillCluster
from ansible_collections.argolab.observability.plugins.module_utils.drill_objects import ALERT, MARK
from ansible_collections.argolab.observability.plugins.module_utils.drill_stages import rendered_summary
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeError

SELECTORS = {
    "ruleSelector": {"matchLabels": {"release": "x"}},
    "ruleNamespaceSelector": {},
    "alertmanagerConfigSelector": {},
    "alertmanagerConfigNamespaceSelector": {},
}
OWNERS = [{"metadata": {"name": "m", "namespace": "monitoring"}, "spec": SELECTORS}]
LOUD = {"name": "oncall", "webhook_configs": [{"url": "<secret>"}]}


class World(DrillCluster):
    """A cluster, its Prometheus and its Alertmanager, in which everything arrives at once."""

    raw = "kubectl get --raw /x"

    def __init__(self, default: dict[str, Any]) -> None:
        self.default = default
        self.objects: dict[str, dict[str, Any]] = {}
        self.log: list[str] = []
        self.known = ["http://alertmanager"]
        self.state = "firing"
        self.status: dict[str, Any] = {"state": "active"}
        self.routes: list[dict[str, Any]] = []
        self.at_poll: Callable[[], None] = lambda: None

    def readable(self, path: str, params: Any = None) -> list[Any]:
        return OWNERS if path.endswith(("prometheuses", "alertmanagers")) else []

    def receiver_image(self) -> str:
        return "debian"

    def create(self, obj: dict[str, Any]) -> dict[str, Any]:
        self.log.append(f"create {obj['kind']}")
        self.objects[obj["kind"]] = obj
        return {"metadata": {**obj["metadata"], "uid": "uid"}}

    def left(self, namespace: str, identifier: str = "") -> list[Any]:
        order = ("PrometheusRule", "AlertmanagerConfig", "Service", "Job")
        return [self.objects[kind] for kind in order if kind in self.objects]

    def remove(self, objects: list[Any]) -> None:
        for obj in objects:
            self.log.append(f"remove {obj['kind']}")
            self.objects.pop(obj["kind"], None)

    def pods(self, drill: Any) -> list[Any]:
        return []

    def events(self, drill: Any) -> list[Any]:
        return []

    def alert(self) -> dict[str, Any]:
        rule = self.objects["PrometheusRule"]["spec"]["groups"][0]["rules"][0]
        name = self.objects["PrometheusRule"]["metadata"]["name"]
        receivers = [{"name": f"monitoring/{name}/drill"}]
        return {"labels": {**rule["labels"], "alertname": ALERT}, "status": self.status, "receivers": receivers}

    def received(self, drill: Any) -> list[Any] | None:
        if "PrometheusRule" not in self.objects:
            return []
        alert = {**self.alert(), "status": "firing", "annotations": {"summary": rendered_summary()}}
        return [{"alerts": [alert]}]

    # What is asked of Prometheus.

    def alertmanagers(self) -> list[str]:
        return self.known

    def rules(self, **_filters: Any) -> list[Any]:
        self.at_poll()
        if "PrometheusRule" not in self.objects:
            return []
        rule = self.objects["PrometheusRule"]["spec"]["groups"][0]["rules"][0]
        loaded = {"name": ALERT, "labels": rule["labels"], "alerts": [{"state": self.state}]}
        return [{"name": "g", "file": "f", "rules": [loaded]}]

    # What is asked of Alertmanager.

    def config(self) -> dict[str, Any]:
        routes = list(self.routes)
        receivers = [self.default]
        if "AlertmanagerConfig" in self.objects:
            name = f"monitoring/{self.objects['AlertmanagerConfig']['metadata']['name']}/drill"
            identifier = name.split("-")[2].partition("/")[0]
            routes.insert(0, {"receiver": name, "matchers": [f'{MARK}="{identifier}"'], "continue": True})
            receivers.append({"name": name, "webhook_configs": [{}]})
        return {"route": {"receiver": self.default["name"], "routes": routes}, "receivers": receivers}

    def alerts(self, label: str, value: str) -> list[Any]:
        return [self.alert()] if "PrometheusRule" in self.objects and self.state == "firing" else []

    def silence(self, identifier: str) -> dict[str, Any]:
        return {"comment": "weekend"}

    def webhook_counts(self, receiver: str) -> WebhookCounts:
        return WebhookCounts()

    def end(self, alerts: list[Any]) -> bool:
        return True

    def get_status(self) -> dict[str, Any]:
        return {"config": {}}


def drill_in(world: World, **options: Any) -> AlertDrill:
    plan = Plan("monitoring", **{"wait_timeout": 0.5, "removal_timeout": 0.3, "poll_interval": 0.01, **options})
    alertmanager = cast(Any, world)
    return AlertDrill(world, alertmanager, Talker(world), plan)


class Talker:
    """Alertmanager's side of the world, whose status is another thing than that of the alert."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __getattr__(self, name: str) -> Any:
        return self._world.get_status if name == "status" else getattr(self._world, name)


@pytest.fixture(params=[{"name": "null"}, LOUD], ids=["silent", "loud"])
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_drill, "HURRY", 0.1)
    monkeypatch.setattr(alert_drill, "SETTLE", 0.0)


def test_all_the_way_and_nothing_is_left(world: World) -> None:
    drill = drill_in(world)
    assert drill.preflight()

    def end_once_delivered() -> None:
        if "delivered" in drill._seen:
            world.state = "inactive"

    world.at_poll = end_once_delivered
    drill.run()
    assert [check.ok for check in drill.result_checks()] == [True] * 8
    assert world.objects == {}
    assert world.log[0] == "create Job"
    # The leash first, the rule last; on the way back the rule first, the route's leash last.
    assert world.log[3] == "create PrometheusRule"
    assert world.log[4:] == ["remove PrometheusRule", "remove AlertmanagerConfig", "remove Service", "remove Job"]
    assert drill.drill.rule_labels == {"release": "x"}


def test_without_its_route_nothing_fires_where_somebody_would_be_told() -> None:
    world = World(LOUD)
    world.received = lambda drill: None
    drill = drill_in(world)
    assert drill.preflight()
    drill.run()
    assert "create PrometheusRule" not in world.log
    assert world.objects == {}
    assert {check.cause for check in drill.result_checks() if check.ok is False} == {"receiver_does_not_answer"}


def test_a_drill_that_would_tell_others_is_refused_before_anything_is_made() -> None:
    world = World(LOUD)
    world.routes = [{"receiver": "oncall", "matchers": ['namespace="monitoring"']}]
    drill = drill_in(world)
    assert not drill.preflight()
    assert drill.checks["quiet"].cause == "others_would_be_notified"
    assert world.log == []
    assert drill_in(world, notify_others=True).preflight()


@pytest.mark.parametrize("until", ["loaded", "firing", "in_alertmanager"])
def test_without_a_route_the_default_receiver_counts(until: str) -> None:
    assert not drill_in(World(LOUD), until=until).preflight()
    assert drill_in(World({"name": "null"}), until=until).preflight()


def test_what_cannot_succeed_makes_nothing(world: World) -> None:
    unselected = drill_in(world, object_labels={"release": "other"})
    assert not unselected.preflight()
    assert unselected.checks["loaded"].cause == "prometheus_does_not_select"
    world.known = []
    alone = drill_in(world)
    assert not alone.preflight()
    assert alone.checks["in_alertmanager"].cause == "no_alertmanager"
    assert world.log == []


def test_a_silence_ends_the_drill_at_once(world: World) -> None:
    world.status = {"state": "suppressed", "silencedBy": ["s1"]}
    drill = drill_in(world, wait_timeout=60)
    assert drill.preflight()

    def end() -> None:
        if "delivered" in drill.checks:
            world.state = "inactive"

    world.at_poll = end
    drill.run()
    assert drill.checks["delivered"].cause == "silenced"
    assert "weekend" in drill.checks["delivered"].detail
    assert world.objects == {}


def interrupt(world: World, drill: AlertDrill, stage: str) -> None:
    def raise_once() -> None:
        if stage in drill._seen and not world.log.count("remove PrometheusRule"):
            world.at_poll = lambda: None
            raise Interrupted("SIGTERM")

    world.at_poll = raise_once
    assert drill.preflight()
    with pytest.raises(Interrupted):
        drill.run()


def test_an_interrupted_drill_leaves_the_route_only_where_the_alert_would_tell_somebody(world: World) -> None:
    drill = drill_in(world)
    interrupt(world, drill, "firing")
    assert "PrometheusRule" not in world.objects
    if world.default == LOUD:
        assert sorted(world.objects) == ["AlertmanagerConfig", "Job", "Service"]
        assert "Kubernetes removes what is left at" in drill.checks["removed"].detail
        assert len(drill.left) == 3
    else:
        assert world.objects == {}
        assert drill.left == []


def test_after_the_time_in_which_the_rule_may_arrive_the_route_goes_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drill_removal, "ARRIVAL", 0.05)
    world = World(LOUD)
    drill = drill_in(world)
    interrupt(world, drill, "firing")
    assert world.objects == {}


@pytest.mark.parametrize("kind", ["Job", "AlertmanagerConfig"])
def test_what_cannot_be_made_is_said_and_the_rest_removed(world: World, kind: str) -> None:
    create = world.create

    def lost(obj: dict[str, Any]) -> dict[str, Any]:
        made = create(obj)
        if obj["kind"] == kind:
            raise KubeError(403, "forbidden", definite=True)
        return made

    world.create = lost
    drill = drill_in(world)
    assert drill.preflight()
    drill.run()
    assert drill.checks["ready"].cause == "could_not_make"
    assert "forbidden" in drill.checks["ready"].detail
    assert "create PrometheusRule" not in world.log
    assert world.objects == {}


@pytest.mark.parametrize("status", [0, 500])
def test_a_rule_whose_creation_failed_is_made_again(status: int) -> None:
    world = World(LOUD)
    create, failures = world.create, [KubeError(409, "it exists", definite=False), KubeError(status, "busy", False)]

    def flaky(obj: dict[str, Any]) -> dict[str, Any]:
        if obj["kind"] != "PrometheusRule":
            return create(obj)
        failure = failures.pop()
        if failure.status == status:
            create(obj)
        raise failure

    world.create = flaky
    drill = drill_in(world)
    assert drill.preflight()

    def end() -> None:
        world.state = "inactive" if "delivered" in drill._seen else "firing"

    world.at_poll = end
    drill.run()
    assert drill.ok
    assert failures == []
    assert world.objects == {}
