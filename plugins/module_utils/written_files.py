# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a module, written whole or not at all; those of an evidence among them."""

from __future__ import annotations

import datetime
import json
import os
import tempfile
from typing import Any, Dict, List, Mapping

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.argolab.observability.plugins.module_utils.evidence import PAGE


def now() -> str:
    """The time as evidence has it, in UTC."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_evidence(
    module: AnsibleModule, folder: str, document: Mapping[str, Any], page: str, junit: str
) -> List[str]:
    """Write the page, the document and what CI reads, and return their paths, the page first."""
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    return write_files(module, folder, {PAGE: page, "evidence.json": text, "junit.xml": junit})


def write_files(module: AnsibleModule, folder: str, contents: Dict[str, str]) -> List[str]:
    """Write files into a folder, each whole or not at all, and return their paths; ends the module where that fails."""
    written = []
    try:
        os.makedirs(folder, exist_ok=True)
        for name, content in contents.items():
            handle, temporary = tempfile.mkstemp(dir=module.tmpdir)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(content)
            os.chmod(temporary, 0o644)
            module.atomic_move(temporary, os.path.join(folder, name))
            written.append(os.path.join(folder, name))
    except OSError as error:
        module.fail_json(msg=f"evidence cannot be written to {folder}: {error.strerror or error}", unwritten=folder)
    return written
