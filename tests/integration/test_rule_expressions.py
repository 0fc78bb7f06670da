# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real Prometheus says about expressions is what rule_coverage shows."""

from __future__ import annotations

from typing import Any, cast

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_access import (
    ACCESS_ARGUMENT_SPEC,
    client_from_params,
)
from ansible_collections.argolab.observability.plugins.module_utils.rule_reader import RuleReader

DEFAULTS = {name: option.get("default") for name, option in ACCESS_ARGUMENT_SPEC.items()}


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("absent(argocd_app_info) == 1", ()),
        ("rate(up)", ("parse error", "range vector", "rate(up)")),
        ("sum(up) by", ("parse error",)),
        ("no_such_function(up)", ("parse error", "no_such_function")),
    ],
)
def test_the_parsers_own_words(prometheus: Any, expression: str, words: tuple[str, ...]) -> None:
    client = client_from_params({**DEFAULTS, "url": prometheus.url})
    reader = RuleReader(cast(KubeClient, None), client)
    said = reader._complaint(expression)
    assert bool(said) == bool(words)
    for word in words:
        assert word in said
