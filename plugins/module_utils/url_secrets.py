# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a URL must not be seen."""

from __future__ import annotations


def secrets_in_url(url: str) -> set[str]:
    """The parts of a URL in which people put secrets, whether or not the module then takes such a URL.

    They are hidden as wholes: a short password alone would also be hidden where it is a part of other words.
    """
    rest = url.partition("://")[2]
    # A login that holds a slash or a hash is no valid one, and people write it all the same.
    login, query = rest.rpartition("@")[0], rest.partition("?")[2]
    return {part for part in (login, query) if part}
