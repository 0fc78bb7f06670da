# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On PYTHONPATH, this spares each module that Ansible runs half of its time.

A module brings what it imports of ansible.module_utils along as source, and compiles it anew each time. The same code
is installed, and compiled already.
"""

from __future__ import annotations

import contextlib
import importlib

with contextlib.suppress(ImportError):
    for name in ("basic", "urls"):
        importlib.import_module(f"ansible.module_utils.{name}")
