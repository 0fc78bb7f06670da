# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real dockerd, started and removed in namespaces of its own, so that no other engine is touched."""

from __future__ import annotations

import namespaces
import pytest
from ansible_collections.argolab.observability.plugins.module_utils import dockerd


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_nothing_is_left_of_the_engine(way: str) -> None:
    seen = namespaces.run("engine_round_trip.py", way)
    assert seen["changed"] == [True, False]
    assert seen["runtime_wrapper"] == dockerd.bounding_set_is_short()
    assert seen["container"] == "running"
    running = seen["running"]
    assert "docker0" in running["links"] and any(name.startswith("br-") for name in running["links"])
    assert running["processes"] and running["mounts"] and running["ip_forward"] == "1"
    assert seen["removed"] == [True, False]
    assert seen["container_process_left"] is False
    assert seen["after"] == {**seen["before"], "ip_forward": "0"}
