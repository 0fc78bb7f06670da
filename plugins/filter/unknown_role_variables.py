# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter that finds the variables of a role's namespace that the role does not know."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Any

from ansible.errors import AnsibleFilterError


def unknown_role_variables(
    names: Iterable[str], role: str, known: Iterable[str], extra: Iterable[str] | None = None
) -> list[dict[str, str]]:
    """Return the names that begin with the role's name and are none of its options."""
    if isinstance(names, (str, bytes)) or not isinstance(names, Iterable):
        raise AnsibleFilterError(
            "unknown_role_variables needs a list of variable names (or a mapping that has them as keys)."
        )
    if not isinstance(role, str) or not role:
        raise AnsibleFilterError("unknown_role_variables needs the name of the role as its first argument.")
    options = sorted({str(name) for name in known})
    allowed = {*options, *(str(name) for name in extra or ())}
    prefix = f"{role}_"
    unknown = sorted({str(name) for name in names if str(name).startswith(prefix)} - allowed)
    return [_entry(name, _nearest(name, options, prefix)) for name in unknown]


def _entry(name: str, nearest: str) -> dict[str, str]:
    hint = f"{name} (did you mean {nearest}?)" if nearest else name
    return {"name": name, "nearest": nearest, "hint": hint}


def _nearest(name: str, options: list[str], prefix: str) -> str:
    """The option most like this name; the prefix they share would make everything look alike, so it is left out."""
    ends = {option[len(prefix) :]: option for option in options if option.startswith(prefix)}
    close = difflib.get_close_matches(name[len(prefix) :], list(ends), n=1, cutoff=0.6)
    return ends[close[0]] if close else ""


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"unknown_role_variables": unknown_role_variables}
