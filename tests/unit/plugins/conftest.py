# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No check is made whose cause nobody explains."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# How fast examples are made is the machine's affair; how many are, is not.
settings.register_profile("argolab", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("argolab")

PAGE = Path(__file__).resolve().parents[3] / "docs" / "troubleshooting.md"


@pytest.fixture(autouse=True, scope="session")
def every_cause_is_explained() -> Iterator[None]:
    """What tests/docs/test_causes.py cannot read from the source is seen here, while the modules run."""
    # pytest-ansible makes the collection importable after this file was read.
    from ansible_collections.argolab.observability.plugins.module_utils.explained import ExplainedCheck

    known = {"", *re.findall(r"^### `(\w+)`$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)}
    original = ExplainedCheck.__init__

    def checked(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        maker = sys._getframe(1).f_code.co_filename
        ours = "module_utils" in maker and "tests" not in Path(maker).parts
        assert not ours or self.cause in known, f"{self.cause} has no heading in docs/troubleshooting.md"

    ExplainedCheck.__init__ = checked
    yield
    ExplainedCheck.__init__ = original
