# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server of our own that minds the labels that are asked for, as the real one does."""

from __future__ import annotations

from typing import Any

from ansible_collections.argolab.observability.tests.unit.plugins.fake_cluster import FakeCluster


class SelectingCluster(FakeCluster):
    """A small cluster whose lists can be narrowed by a selector of plain terms: a key, or a key and its value."""

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        status, content = super().answer(method, path, query, body)
        selector = query.get("labelSelector", [""])[0]
        if status == 200 and selector and isinstance(content, dict) and "items" in content:
            content = {**content, "items": [item for item in content["items"] if selected(item, selector)]}
        return status, content


def selected(item: dict[str, Any], selector: str) -> bool:
    labels = item["metadata"].get("labels") or {}
    terms = (term.partition("=") for term in selector.split(","))
    return all(key in labels and (not equals or labels[key] == value) for key, equals, value in terms)
