# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of a drill to one result, also where it is interrupted."""

from __future__ import annotations

import re
import signal
import time
from typing import TYPE_CHECKING, Any, Mapping

from ansible_collections.argolab.observability.plugins.module_utils.alert_drill import (
    AlertDrill,
    Interrupted,
    Plan,
)
from ansible_collections.argolab.observability.plugins.module_utils.alertmanager_api import AlertmanagerClient
from ansible_collections.argolab.observability.plugins.module_utils.checks import as_dicts, failure_message
from ansible_collections.argolab.observability.plugins.module_utils.cluster_access import (
    kube_from_params,
    prometheus_from_params,
)
from ansible_collections.argolab.observability.plugins.module_utils.drill_cluster import DrillCluster, titles
from ansible_collections.argolab.observability.plugins.module_utils.drill_objects import MARK
from ansible_collections.argolab.observability.plugins.module_utils.drill_removal import Removal, leftovers
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.explained import no_answer
from ansible_collections.argolab.observability.plugins.module_utils.option_secrets import secrets_in

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

TITLE = "The alert did not go all the way"
WHAT = "the alert path"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
DRILL_ARGUMENT_SPEC: dict[str, Any] = {
    "namespace": {"type": "str", "default": "monitoring"},
    "labels": {"type": "dict", "default": {}},
    "object_labels": {"type": "dict"},
    "receiver_image": {"type": "str"},
    # the address of a webhook often holds its password
    "receiver_url": {"type": "str", "no_log": True},
    "fire_for": {"type": "int", "default": 60},
    "notify_others": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 300},
    "removal_timeout": {"type": "int", "default": 240},
    "poll_interval": {"type": "float", "default": 2.0},
    "alertmanager_namespace": {"type": "str", "default": "monitoring"},
    "alertmanager_service": {"type": "str", "default": "alertmanager-operated:9093"},
    "alertmanager_path_prefix": {"type": "str", "default": ""},
    "progress_file": {"type": "path"},
}
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def label_problem(labels: Mapping[str, Any]) -> str:
    """What is wrong with the alert's labels; empty when nothing is."""
    for name in labels:
        if not _LABEL.fullmatch(str(name)) or str(name).startswith("__"):
            return f"labels has {name!r}; expected names of labels in Prometheus, such as team."
        if name in ("alertname", "namespace", MARK):
            return f"labels has {name}, which the drill sets itself; leave it out."
    return ""


class DrillModule:
    """Runs one drill, or removes what others left, and ends the module."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self._params = module.params
        self._started = time.time()
        module.no_log_values.update(secrets_in(module.params.get("kubeconfig")))

    def run(self) -> None:
        problem = label_problem(self._params["labels"])
        if problem:
            self._module.fail_json(msg=problem)
        try:
            kube = kube_from_params(self._params)
            prometheus = prometheus_from_params(kube, self._params)
            alertmanager = AlertmanagerClient(
                kube,
                self._params["alertmanager_namespace"],
                self._params["alertmanager_service"],
                self._params["alertmanager_path_prefix"],
            )
            cluster = DrillCluster(kube)
            if self._params["state"] == "absent":
                self._absent(cluster, Removal(cluster, prometheus, alertmanager, self._params["poll_interval"]))
                return
            drill = AlertDrill(cluster, prometheus, alertmanager, self._plan(), self._report)
            self._module.no_log_values.update({drill.drill.token} - {""})
            self._drill(drill)
        except ArgolabError as error:
            self._module.fail_json(
                msg=f"{TITLE}: {error}",
                changed=False,
                removed=[],
                left=[],
                checks=as_dicts([no_answer(WHAT, str(error))]),
            )

    def _plan(self) -> Plan:
        params = self._params
        return Plan(
            namespace=params["namespace"],
            until=params["until"],
            fire_for=params["fire_for"],
            labels={str(name): str(value) for name, value in params["labels"].items()},
            object_labels=params["object_labels"],
            receiver_image=params["receiver_image"] or "",
            receiver_url=params["receiver_url"] or "",
            notify_others=params["notify_others"],
            wait_timeout=params["wait_timeout"],
            removal_timeout=params["removal_timeout"],
            poll_interval=params["poll_interval"],
            prometheus_namespace=params["prometheus_namespace"],
            alertmanager_namespace=params["alertmanager_namespace"],
        )

    def _drill(self, drill: AlertDrill) -> None:
        ready = drill.preflight()
        if not ready or self._module.check_mode:
            self._end(drill, "nothing was made")
            return
        for number in SIGNALS:
            signal.signal(number, _interrupt)
        try:
            drill.run()
        except (KeyboardInterrupt, Interrupted) as signalled:
            word = str(signalled) or "SIGINT"
            removal = drill.checks.get("removed")
            left = "nothing is left"
            if removal and removal.ok is False:
                left = f"{removal.observed}: {removal.detail.rstrip('.')}"
            self._end(drill, f"interrupted by {word}", f"The drill was interrupted by {word}; {left}.")
            return
        self._end(drill)

    def _end(self, drill: AlertDrill, why: str = "an earlier stage was not passed", interrupted: str = "") -> None:
        checks = drill.result_checks(why)
        result = {
            "changed": bool(drill.removed_before or drill.left),
            "checks": as_dicts(checks),
            "drill": drill.drill.identifier,
            "timeline": drill.timeline,
            "objects": titles(drill.drill.objects()),
            "notification": drill.notification,
            "removed": drill.removed_before,
            "left": drill.left,
            "expires": drill.drill.expires,
            "started": int(self._started),
            "waited": round(drill.elapsed, 1),
        }
        if self._module.check_mode:
            result["diff"] = {"before": "", "after": _text(drill.drill.objects())}
        if drill.ok and not interrupted:
            self._module.exit_json(**result)
        self._module.fail_json(msg=interrupted or failure_message(TITLE, checks), **result)

    def _absent(self, cluster: DrillCluster, removal: Removal) -> None:
        found = leftovers(cluster, self._params["namespace"])
        names = [name for objects in found.values() for name in titles(objects)]
        left: list[str] = []
        problems = []
        end = time.monotonic() + self._params["removal_timeout"]
        for identifier in [] if self._module.check_mode else found:
            remaining, problem = removal.remove(self._params["namespace"], identifier, end)
            left += remaining
            problems += [f"{problem.observed}: {problem.detail}."] if problem else []
        result = {"changed": bool(names), "removed": [name for name in names if name not in left], "left": left}
        diff = {"before": "".join(f"{name}\n" for name in names), "after": "".join(f"{name}\n" for name in left)}
        if problems:
            self._module.fail_json(msg=" ".join(problems), checks=[], diff=diff, **result)
        self._module.exit_json(checks=[], diff=diff, **result)

    def _report(self, line: str) -> None:
        path = self._params["progress_file"]
        if path:
            with open(path, "a", encoding="utf-8") as handle:
                handle.write(f"{time.time() - self._started:.0f} s: {line}\n")


def _interrupt(number: int, _frame: Any) -> None:
    # The removal that follows must not be interrupted in its turn; it is bounded.
    for other in SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    raise Interrupted(signal.Signals(number).name)


def _text(objects: list[dict[str, Any]]) -> str:
    import yaml

    return str(yaml.safe_dump_all(objects, sort_keys=False, width=160))
