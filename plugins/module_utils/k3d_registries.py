# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries of a k3d cluster: its own, those that it uses, and the registries.yaml of its nodes. Pure."""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, Optional, Tuple

from ansible_collections.argolab.observability.plugins.module_utils.k3d_spec import Registry, Spec


def _texts(values: Iterable[Any]) -> str:
    return ", ".join(str(value) for value in sorted(values)) or "none"


def registry_differences(
    spec: Spec, own: Optional[Registry], config: Optional[Mapping[str, Any]]
) -> List[Tuple[str, str, str]]:
    """Compare a declaration with the registry of a cluster's own and a node's registries.yaml.

    :param config: None where there is no node that has one.
    :return: what differs, the declared and the real side of it.
    """
    found: List[Tuple[str, str, str]] = []
    declared, real = spec.registry, own
    if declared is None or real is None:
        if declared is not real:
            found.append(("registry", str(declared or "none"), str(real or "none")))
    elif (declared.name, declared.remote_url) != (real.name, real.remote_url) or (
        declared.port and (declared.address, declared.port) != (real.address, real.port)
    ):
        found.append(("registry", str(declared), str(real)))
    elif (declared.username, declared.password) != (real.username, real.password):
        found.append(("registry", "other credentials", "those of its creation"))
    if config is None:
        return found
    used, mirrors = used_and_mirrors(own, config)
    wanted_used = declared_as_used(spec)
    if used != wanted_used:
        found.append(("registries used", _texts(wanted_used), _texts(used)))
    wanted = spec.registries_config
    if mirrors_of(wanted) != mirrors:
        found.append(("mirrors in registries.config", _shown(mirrors_of(wanted)), _shown(mirrors)))
    configs = [_meaningful(side.get("configs")) or {} for side in (wanted, config)]
    if configs[0] != configs[1]:
        # They hold passwords: which registries are meant is all that can be said.
        names = [f"those for {_texts(side)}" for side in configs]
        found.append(("configs in registries.config", names[0], names[1]))
    return found


def _meaningful(value: Any) -> Any:
    """Drop what says nothing: k3d writes out empty texts, false and null for what was left out."""
    if not isinstance(value, Mapping):
        return value
    found = {str(key): _meaningful(item) for key, item in value.items()}
    return {key: item for key, item in found.items() if item not in ("", None, False, {}, [])}


def mirrors_of(config: Mapping[str, Any]) -> Dict[str, str]:
    """Describe the mirrors of a registries.yaml by the name of what they mirror."""
    found = {}
    for name, mirror in (_meaningful(config.get("mirrors")) or {}).items():
        rewrites = "".join(f", {old} as {new}" for old, new in sorted((mirror.get("rewrite") or {}).items()))
        found[name] = ", ".join(map(str, mirror.get("endpoint") or [])) + rewrites
    return found


def declared_as_used(spec: Spec) -> FrozenSet[str]:
    return frozenset(text.rpartition("//")[2].partition(":")[0] for text in spec.registries_used)


def used_and_mirrors(own: Optional[Registry], config: Mapping[str, Any]) -> Tuple[FrozenSet[str], Dict[str, str]]:
    """Tell the mirrors that k3d wrote for registries (C(NAME:PORT) at C(http://NAME:PORT)) from the declared ones."""
    used, rest = set(), {}
    for name, text in mirrors_of(config).items():
        host = name.partition(":")[0]
        if text.startswith(f"http://{host}:"):
            used.add(host)
        elif not own or name != own.remote_url:
            rest[name] = text
    return frozenset(used - ({own.name} if own else set())), rest


def _shown(mirrors: Mapping[str, str]) -> str:
    return "; ".join(f"{name} at {mirrors[name]}" for name in sorted(mirrors)) or "none"
