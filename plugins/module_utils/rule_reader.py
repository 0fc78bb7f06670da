# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read PrometheusRule objects and loaded groups, and compare them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.checks import listing, nearest
from ansible_collections.argolab.observability.plugins.module_utils.cluster_reader import MONITORING
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.explained import (
    PROMETHEUS_SILENT,
    ExplainedCheck,
    poll_of,
)
from ansible_collections.argolab.observability.plugins.module_utils.expression_reader import ExpressionReader
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient, KubeError
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import PrometheusClient
from ansible_collections.argolab.observability.plugins.module_utils.rule_chain import rule_object_checks
from ansible_collections.argolab.observability.plugins.module_utils.selectors import full_name
from ansible_collections.argolab.observability.plugins.module_utils.waiter import Poll


def read_rules(kube: KubeClient, namespaces: Iterable[str]) -> list[dict[str, Any]]:
    """The PrometheusRules of these namespaces, of all where none is named."""
    paths = [f"{MONITORING}/namespaces/{name}/prometheusrules" for name in namespaces]
    return [item for path in paths or [f"{MONITORING}/prometheusrules"] for item in kube.list(path)]


class RuleReader:
    """Looks at the rules again each time poll() is called."""

    def __init__(
        self,
        kube: KubeClient,
        prometheus: PrometheusClient,
        namespaces: Iterable[str] = (),
        required: Iterable[str] = (),
    ) -> None:
        self._kube = kube
        self._prometheus = prometheus
        self._namespaces = list(namespaces)
        self._required = list(required)
        self._complaints: dict[str, str] = {}
        self._expressions = ExpressionReader(prometheus)

    def poll(self) -> Poll:
        """One look: a check per PrometheusRule."""
        rules = read_rules(self._kube, self._namespaces)
        absent = self._absent(rules)
        try:
            groups = self._prometheus.rules()
        except ArgolabError as failure:
            error = str(failure)
            silent = ExplainedCheck(
                "PrometheusRules", False, "loaded", PROMETHEUS_SILENT, error, "prometheus_silent",
                "kubectl get pods -A -l app.kubernetes.io/name=prometheus",
            )  # fmt: skip
            return poll_of([silent, *absent], None, error)
        checks = rule_object_checks(
            rules,
            groups,
            prometheuses=self._kube.list(f"{MONITORING}/prometheuses"),
            namespaces=self._kube.list("/api/v1/namespaces"),
            events=self._events(),
            complaint=self._complaint,
            same=self._same,
        )
        return poll_of(checks + absent)

    def _absent(self, rules: list[dict[str, Any]]) -> list[ExplainedCheck]:
        names = [full_name(rule) for rule in rules]
        checks = []
        for name in self._required:
            if name in names:
                continue
            close = nearest(name, names)
            hint = f"the nearest name is {close}" if close else f"there are: {listing(names, 5)}"
            checks.append(
                ExplainedCheck(
                    f"PrometheusRule {name}", False, "loaded", "no such object", hint, "rule_absent",
                    f"kubectl get prometheusrules -n {name.partition('/')[0]}",
                )
            )  # fmt: skip
        return checks

    def _events(self) -> list[dict[str, Any]]:
        try:
            return self._kube.list("/api/v1/events", {"fieldSelector": "involvedObject.kind=PrometheusRule"})
        except KubeError as error:
            if error.status == 403:  # events only explain; without the right to read them the comparison still holds
                return []
            raise

    def _same(self, one: str, other: str) -> bool | None:
        """Whether Prometheus understands both expressions alike; V(None) where it cannot tell."""
        try:
            return self._expressions.same(one, other)
        except ArgolabError:
            return None

    def _complaint(self, expression: str) -> str:
        """The parser's complaint. Prometheus is the one that has to understand it, so it is asked itself."""
        if expression not in self._complaints:
            try:
                # Parsed and type-checked as it stands, evaluated at the epoch, where there is nothing to compute.
                self._prometheus.query(expression, at=0.0)
                self._complaints[expression] = ""
            except DefiniteError as error:
                said = re.search(r"(?:\d+:\d+: )?parse error.*", str(error), re.DOTALL)
                self._complaints[expression] = f"{expression.strip()!r}: {said[0].rstrip('.')}" if said else ""
            except ArgolabError:
                return ""
        return self._complaints[expression]
