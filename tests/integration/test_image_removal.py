# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the engine's images go when a cluster goes, on a real Docker engine."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import k3d_support
import pytest
import standin_images
from ansible_collections.argolab.observability.plugins.module_utils.image_plan import ImagePlan
from ansible_collections.argolab.observability.plugins.module_utils.image_store import ImageEngine

NODE, TOOLS = (f"argolab.test/removal-{part}:standin" for part in ("node", "tools"))
NEIGHBOUR = "argolab-removal-neighbour"


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageEngine]:
    if not os.path.exists(standin_images.BUSYBOX):
        pytest.skip("the stand-in images need a static busybox (Debian's busybox-static)")
    with k3d_support.engine(tmp_path_factory) as docker_host:
        engine = ImageEngine(docker_host)
        standin_images.load(docker_host, {name: ({"etc/content": name}, []) for name in (NODE, TOOLS)})
        yield engine
        engine.remove_container(NEIGHBOUR)
        for name in filter(engine.image_id, (NODE, TOOLS)):
            engine.request("DELETE", f"/images/{name}?force=1")


def test_images_stay_together_while_a_cluster_runs_on_one_of_them(engine: ImageEngine, tmp_path: Path) -> None:
    """The neighbour's k3d needs the image of its tools again, which none of its containers has in between."""
    options = {"engine_images": [{"names": [NODE]}, {"names": [TOOLS]}], "workload_images": [], "node_stores": []}
    plan = ImagePlan({**options, "cache_dir": str(tmp_path), "docker_host": engine.docker_host})
    body = json.dumps({"Image": NODE, "Cmd": ["true"]})
    engine.send(f"/containers/create?name={NEIGHBOUR}", body, "application/json")
    assert plan.remove(check_mode=False) == []
    assert engine.image_id(NODE) and engine.image_id(TOOLS)

    engine.remove_container(NEIGHBOUR)
    gone = [f"remove image {name} from the engine" for name in (NODE, TOOLS)]
    assert plan.remove(check_mode=True) == gone
    assert engine.image_id(NODE) and engine.image_id(TOOLS)
    assert plan.remove(check_mode=False) == gone
    assert not engine.image_id(NODE) and not engine.image_id(TOOLS)
    assert plan.remove(check_mode=False) == []
