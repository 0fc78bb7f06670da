# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.argolab.observability.plugins.plugin_utils.progress import ProgressAction


class ActionModule(ProgressAction):
    """Shows the progress lines of the module of the same name while it runs."""
