# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML as fast as this Python can read it: with libyaml where PyYAML was built with it, which is ten times as fast."""

from __future__ import annotations

from typing import Any


def safe_loader() -> Any:
    """The class of the fastest loader that makes nothing but plain types."""
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml(text: str) -> Any:
    """The one document in a text; only plain types.

    :raises yaml.YAMLError: it is not valid YAML.
    """
    import yaml

    return yaml.load(text, Loader=safe_loader())
