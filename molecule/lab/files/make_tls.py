# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a CA of one's own (ca.crt) and a certificate of it for some names (lab.crt, lab.key) into a folder.

Usage: make_tls.py FOLDER NAME...
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tests" / "unit" / "plugins"))

from tls_files import Authority


def main() -> None:
    folder = Path(sys.argv[1])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    authority = Authority(folder)
    certificate, key = authority.issue(*sys.argv[2:])
    for path, name in ((authority.path, "ca.crt"), (certificate, "lab.crt"), (key, "lab.key")):
        Path(path).rename(folder / name)


if __name__ == "__main__":
    main()
