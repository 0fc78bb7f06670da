# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence as JUnit XML, which CI systems show and keep."""

from __future__ import annotations

import re
from typing import Any, List, Mapping, Sequence, Set
from xml.etree import ElementTree

# XML 1.0 has no other characters, not even escaped. The last two of every plane are allowed and never wanted.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(evidence: Mapping[str, Any]) -> str:
    """One test suite for each group, one test case for each check.

    Only groups know a time, that of their waiting; a case has taken none of its own. Names are unique within a suite,
    because CI systems know a test by its class and name and would merge two of the same.
    """
    root = _counted("testsuites", "argolab.observability", evidence["counts"], _waited(evidence["groups"]))
    root.extend([_suite(group, str(evidence["generated"])) for group in evidence["groups"]])
    return _text(root)


def fleet_junit(fleet: Mapping[str, Any]) -> str:
    """One test suite for each cluster, in it one for each group. Classes carry the cluster, as names have to differ."""
    waited = sum(_waited(cluster["evidence"]["groups"]) for cluster in fleet["clusters"])
    root = _counted("testsuites", "argolab.observability", fleet["counts"], waited)
    for cluster in fleet["clusters"]:
        seen, name = cluster["evidence"], xml_text(cluster["name"])
        suite = _counted("testsuite", name, seen["counts"], _waited(seen["groups"]))
        suite.set("timestamp", xml_text(str(seen["generated"]).rstrip("Z")))
        suite.extend([_suite(group, str(seen["generated"]), f"{name}.") for group in seen["groups"]])
        root.append(suite)
    return _text(root)


def _counted(tag: str, name: str, counts: Mapping[str, int], waited: float) -> ElementTree.Element:
    return ElementTree.Element(
        tag,
        name=name,
        tests=str(counts["total"]),
        failures=str(counts["failed"]),
        errors="0",
        skipped=str(counts["pending"] + counts["skipped"]),
        time=_seconds(waited),
    )


def _waited(groups: Sequence[Mapping[str, Any]]) -> float:
    return float(sum(group["waited"] or 0 for group in groups))


def _text(root: ElementTree.Element) -> str:
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def xml_text(text: str) -> str:
    """The same with a question mark for each character that XML 1.0 forbids."""
    return _NOT_XML.sub("?", text)


def _suite(group: Mapping[str, Any], generated: str, prefix: str = "") -> ElementTree.Element:
    states = [entry["state"] for entry in group["checks"]]
    kind = xml_text(group["kind"])
    suite = ElementTree.Element(
        "testsuite",
        name=kind,
        # Consumers read a time without a zone, which means UTC.
        timestamp=xml_text(generated.rstrip("Z")),
        tests=str(len(states)),
        failures=str(states.count("failed")),
        errors="0",
        skipped=str(states.count("pending") + states.count("skipped")),
        time=_seconds(group["waited"]),
    )
    for name, entry in zip(_unique([xml_text(entry["name"]) for entry in group["checks"]]), group["checks"]):
        case = ElementTree.SubElement(suite, "testcase", classname=f"{prefix}{kind}", name=name, time=_seconds(0))
        said = xml_text(f"expected {entry['expected']}, seen {entry['observed']}")
        if entry["state"] == "failed":
            failure = ElementTree.SubElement(case, "failure", message=said, type=xml_text(entry["cause"] or "failed"))
            lines = [said]
            lines += [f"Why: {entry['detail']}"] if entry["detail"] else []
            lines += [f"Next: {entry['next']}"] if entry["next"] else []
            failure.text = xml_text("\n".join(lines))
        elif entry["state"] != "passed":
            ElementTree.SubElement(case, "skipped", message=xml_text(f"{entry['state']}: {entry['detail'] or said}"))
    return suite


def _unique(names: List[str]) -> List[str]:
    taken: Set[str] = set()
    unique = []
    for name in names:
        candidate, number = name, 1
        while candidate in taken:
            number += 1
            candidate = f"{name} ({number})"
        taken.add(candidate)
        unique.append(candidate)
    return unique


def _seconds(value: Any) -> str:
    return f"{float(value or 0):.3f}"
