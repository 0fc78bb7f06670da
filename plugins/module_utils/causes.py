# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a cause is explained: each has a heading of its name on one page of the documentation."""

from __future__ import annotations

import os
import re
from typing import Mapping, Optional

# As it is in a checkout and in an installed collection, relative to its top folder.
PAGE = "docs/troubleshooting.md"
# Where the page is published: a site, a forge, a wiki. The collection knows no such place by itself.
VARIABLE = "ARGOLAB_TROUBLESHOOTING_URL"

_CAUSE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
# What ends an address in a terminal or a page, or would be a second anchor.
_NO_ADDRESS = re.compile(r"[\s\x00-\x1f\x7f#<>\"'`\\]")


def page_of(environ: Mapping[str, str]) -> str:
    """The page to refer to: what the variable says where that is an address or a path, else the collection's own."""
    said = environ.get(VARIABLE, "").strip()
    return said if said and not _NO_ADDRESS.search(said) else PAGE


def reference(cause: str, environ: Optional[Mapping[str, str]] = None) -> str:
    """V(docs/troubleshooting.md#no_endpoints); empty for what is no name of a cause.

    :param environ: the environment, by default that of the process.
    """
    if not _CAUSE.fullmatch(cause):
        return ""
    return f"{page_of(os.environ if environ is None else environ)}#{cause}"


def is_link(text: str) -> bool:
    """Whether a browser can follow it from anywhere."""
    return text.startswith(("https://", "http://"))
