# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which limit a scrape has hit, its value, and where it is set.

Prometheus names the kind of limit in the error of the scrape. Where it comes from follows the operator: the monitor's
own value applies unless Prometheus enforces a smaller one; without one, Prometheus's default for all monitors does, and
after it the enforced one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.scrape_objects import Link
from ansible_collections.argolab.observability.plugins.module_utils.selectors import full_name

# What Prometheus writes, and the field that sets it.
LIMITS = (
    (r"body size limit exceeded", "bodySizeLimit"),
    (r"target_limit exceeded", "targetLimit"),
    (r"label_limit exceeded", "labelLimit"),
    (r"label_name_length_limit exceeded", "labelNameLengthLimit"),
    (r"label_value_length_limit exceeded", "labelValueLengthLimit"),
    (r"bucket limit exceeded", "nativeHistogramBucketLimit"),
    (r"sample limit exceeded", "sampleLimit"),
)
UNITS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}


def limit_of(error: str) -> str:
    """The field whose limit this error of a scrape is about; empty for other errors."""
    return next((name for pattern, name in LIMITS if re.search(pattern, error)), "")


def limit_text(name: str, link: Link) -> str:
    """The limit with its value and where it is set."""
    value, where = _source(name, link)
    return f"{name} is {value}, {where}" if value else f"{name} is set by the configuration that Prometheus has loaded"


def limit_command(name: str, link: Link) -> str:
    """The command that shows the limit where it is set."""
    if "Prometheus" in _source(name, link)[1] and link.prometheus is not None:
        namespace, _slash, own = full_name(link.prometheus).partition("/")
        return f"kubectl -n {namespace} get prometheus {own} -o yaml"
    return link.yaml


def _source(name: str, link: Link) -> tuple[str, str]:
    spec: Mapping[str, Any] = (link.prometheus or {}).get("spec") or {}
    prometheus = f"Prometheus {full_name(link.prometheus)}" if link.prometheus is not None else "Prometheus"
    enforced_name = f"enforced{name[0].upper()}{name[1:]}"
    own, enforced, usual = link.spec.get(name), spec.get(enforced_name), spec.get(name)
    if _size(own) and not (_size(enforced) and _size(enforced) < _size(own)):
        return str(own), f"set by {link.title}"
    # Of the body's size alone the enforced value comes before the default, whichever is smaller.
    default_applies = not _size(enforced) or (name != "bodySizeLimit" and _size(usual) <= _size(enforced))
    if not _size(own) and _size(usual) and default_applies:
        return str(usual), f"set for every monitor by {name} of {prometheus}"
    if _size(enforced):
        return str(enforced), f"enforced by {enforced_name} of {prometheus}"
    return "", ""


def _size(value: Any) -> float:
    """A number of anything, or bytes with a unit; 0 means no limit."""
    if isinstance(value, bool) or value is None:
        return 0
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([KMGTPE]?)i?B?", str(value).strip())
    return float(match[1]) * 1024.0 ** UNITS[match[2]] if match else 0
