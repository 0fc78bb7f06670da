# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Helm release deployed, as M(release_ready) sees it."""

from __future__ import annotations

from ansible_collections.argolab.observability.plugins.module_utils.explained import poll_of
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import (
    KUBE_ARGUMENT_SPEC,
    KubeClient,
)
from ansible_collections.argolab.observability.plugins.module_utils.part import Look, Params, Part
from ansible_collections.argolab.observability.plugins.module_utils.release_ready import read_release


def look(params: Params) -> Look:
    kube = KubeClient(params["kubeconfig"], params["context"])
    release, namespace = params["release_name"], params["release_namespace"]
    return Look(lambda: poll_of(read_release(kube, release, namespace, params["labels"])), limit=kube.limit)


PART = Part(
    title="The release is not ready",
    what="the release",
    spec={
        **KUBE_ARGUMENT_SPEC,
        "release_name": {"type": "str", "required": True},
        "release_namespace": {"type": "str", "required": True},
        "labels": {"type": "dict", "default": {}},
    },
    limits={"labels": {"empty_ok": True}},
    look=look,
)
