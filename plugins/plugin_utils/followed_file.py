# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A text file that another process adds lines to."""

from __future__ import annotations


class FollowedFile:
    """Gives every complete line once."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._offset = 0

    def new_lines(self) -> list[str]:
        """The lines that were completed since the last call."""
        with open(self.path, "rb") as handle:
            handle.seek(self._offset)
            data = handle.read()
        end = data.rfind(b"\n") + 1
        self._offset += end
        return data[:end].decode("utf-8", "replace").splitlines()
