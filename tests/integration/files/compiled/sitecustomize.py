# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On PYTHONPATH, this spares each module that Ansible runs half of its time.

A module brings what it imports of ansible.module_utils along as source, and compiles it anew each time. The same code
is installed, and compiled already.
"""

from __future__ import annotations

import contextlib

with contextlib.suppress(ImportError):
    import ansible.module_utils.basic
    import ansible.module_utils.urls  # noqa: F401
