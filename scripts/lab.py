# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What site.yml wrote about the lab it built: build/lab.json, described in CONTRIBUTING.md."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEFAULT_FILE = Path(__file__).resolve().parent.parent / "build" / "lab.json"


class LabError(Exception):
    """There is no lab that could be used; the message says what to type next."""


@dataclass
class Lab:
    cluster: str
    provider: str
    kubeconfig: Path
    context: str
    kubectl: str
    helm: str
    docker_host: str
    namespaces: dict[str, str]
    releases: dict[str, str]
    charts: dict[str, dict[str, Any]] = field(default_factory=dict)
    k3d: str = ""

    def kubectl_command(self) -> list[str]:
        return [self.kubectl, "--kubeconfig", str(self.kubeconfig), "--context", self.context]


def read_lab(path: Path = DEFAULT_FILE) -> Lab:
    """Read the file and check what it points to, so that the first error is the telling one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        lab = Lab(
            cluster=found["cluster"],
            provider=found.get("provider", "k3d"),
            kubeconfig=Path(found["kubeconfig"]),
            context=found["context"],
            kubectl=found.get("kubectl") or "kubectl",
            helm=found.get("helm") or "helm",
            docker_host=found.get("docker_host") or "",
            namespaces={"monitoring": "monitoring", "argocd": "argocd", **found.get("namespaces", {})},
            releases={"monitoring": "kube-stack-prometheus", "argocd": "argocd", **found.get("releases", {})},
            charts=found.get("charts", {}),
            k3d=found.get("k3d") or "",
        )
    except FileNotFoundError:
        raise LabError(f"{path} is not there: no lab was built from this checkout. Build one: make lab") from None
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise LabError(f"{path} cannot be read as the description of a lab ({error!r}). Repeat: make lab") from None
    if not lab.kubeconfig.is_file():
        raise LabError(f"the kubeconfig {lab.kubeconfig}, named in {path}, is not there. Build the lab anew: make lab")
    return lab
