# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exceptions that the collection's own code raises; a module turns any of them into one failure."""

from __future__ import annotations


class ArgolabError(Exception):
    """Something failed for a reason that the message states completely."""


class TransientError(ArgolabError):
    """It may work when tried again: refused, timed out, 5xx, not there yet."""


class DefiniteError(ArgolabError):
    """Trying again will not help: bad input, refused credentials, a name that cannot exist."""
