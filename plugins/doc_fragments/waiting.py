# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    """How long a module waits for what it expects."""

    DOCUMENTATION = r"""
options:
  wait_timeout:
    description:
      - Seconds to wait until the expectation holds. V(0) looks once.
      - What may heal is retried until then, such as a refused connection, a 5xx answer, or a name that is not loaded
        yet. What cannot heal, such as refused credentials, a failed TLS handshake or an answer that is not the
        expected server's, fails at once.
      - The module returns at most the time of one request later.
    type: int
    default: 120
  poll_interval:
    description: Seconds between two polls, greater than V(0).
    type: float
    default: 2.0
  stable_polls:
    description:
      - Number of polls in a row for which the expectation has to hold, against things that come and go.
      - They have to fit into O(wait_timeout), or the options are refused.
    type: int
    default: 1
"""
