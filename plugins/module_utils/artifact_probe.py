# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask registries whether they can be reached, all at once and only briefly."""

from __future__ import annotations

import threading
import time
import urllib.error
from typing import Callable, Dict, Mapping, Optional, Sequence, Tuple
from urllib.parse import urlsplit

from ansible.module_utils.urls import open_url

Probe = Callable[[str, float], Optional[str]]


def probe(url: str, timeout: float) -> Optional[str]:
    """Why an address does not answer; None if it does."""
    try:
        with open_url(url, method="HEAD", timeout=timeout, http_agent="argolab.observability"):
            return None
    except urllib.error.HTTPError as error:
        return None if error.code < 500 else f"HTTP {error.code}"
    except urllib.error.URLError as error:
        return str(getattr(error.reason, "strerror", None) or error.reason)
    except (OSError, ValueError) as error:
        return str(error)


def probe_all(urls: Sequence[str], timeout: float, ask: Probe = probe) -> Dict[str, Optional[str]]:
    """What each address answers; one that takes longer than the timeout, name resolution included, does not answer."""
    answers: Dict[str, Optional[str]] = dict.fromkeys(urls, f"no answer in {timeout:g} s")
    deadline = time.monotonic() + timeout

    def one(url: str) -> None:
        answers[url] = ask(url, timeout)

    threads = [threading.Thread(target=one, args=(url,), daemon=True) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return dict(answers)


def decide(source: str, answers: Mapping[str, Optional[str]]) -> Tuple[str, str]:
    """The source to use, and why."""
    if source != "auto":
        return source, f"artifact_source is {source}"
    silent = {urlsplit(url).netloc or url: why for url, why in answers.items() if why is not None}
    if not silent:
        return "upstream", f"all {len(answers)} registries that were asked answer"
    reasons = "; ".join(f"{name} does not answer ({why})" for name, why in sorted(silent.items()))
    return "packages", f"{reasons}. Set artifact_source to choose otherwise"
