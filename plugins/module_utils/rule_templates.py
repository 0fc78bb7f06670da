# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an annotation of an alert would print that nobody wants to read: raw template text, nothing, an error.

Go's template language as Prometheus extends it (its documentation, under template reference). Texts and comments in an
action are left alone; only what is certainly wrong is named.
"""

from __future__ import annotations

import re
from typing import Iterable, Mapping, NamedTuple

_WORDS = {
    "keywords": "if else end range with define template block break continue nil true false",
    "built in": "and or not len index slice print printf println html js urlquery call eq ne lt le gt ge",
    "queries": "query first label value strvalue sortByLabel graphLink tableLink pathPrefix externalURL",
    "texts": "args reReplaceAll safeHtml match title toUpper toLower stripPort stripDomain urlQueryEscape tmpl",
    "numbers": "humanize humanize1024 humanizeDuration humanizePercentage humanizeTimestamp",
    "times": "parseDuration toTime toDuration now",
}
FUNCTIONS = frozenset(word for words in _WORDS.values() for word in words.split())
# What Prometheus puts in front of every template.
VARIABLES = frozenset(("labels", "externalLabels", "externalURL", "value"))

_TEXT = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`|\'(?:[^\'\\\n]|\\.)*\'')
_ACTION = re.compile(
    r'\{\{-?\s*(?P<comment>/\*.*?\*/)\s*-?\}\}|\{\{-?(?P<inner>(?:"(?:[^"\\\n]|\\.)*"|`[^`]*`|\'(?:[^\'\\\n]|\\.)*\'|(?!\}\}).)*?)\}\}',
    re.DOTALL,
)
_OUTSIDE = re.compile(r"\$(labels|value|externalLabels)\b")
_JINJA = re.compile(r"\{%-?\s*(raw|endraw|if|for|endif|endfor|set)\b.*?%\}")
_LABEL = re.compile(r'\$labels\.([A-Za-z_]\w*)|index\s+\$labels\s+"([^"]+)"')
_CONDITION = re.compile(r"^\s*(?:else\s+)?(?:if|with)\b|\b(?:and|or|not)\b")


class Template(NamedTuple):
    """One template, taken apart.

    :param problems: what is certainly wrong with it: a cause and a phrase each.
    :param labels: labels that it prints, those in conditions excepted.
    """

    problems: tuple[tuple[str, str], ...]
    labels: tuple[str, ...]


def read_template(text: str) -> Template:
    """Take a template apart; never raises, whatever the text is."""
    problems: list[tuple[str, str]] = []
    labels: list[str] = []
    tested: set[str] = set()
    known = set(VARIABLES)
    depth = 0
    actions = list(_ACTION.finditer(text))
    for action in actions:
        inner = action["inner"]
        if inner is None:
            continue
        inner = inner[:-1] if inner.endswith(" -") else inner
        for quoted in _TEXT.findall(inner):
            if "{{" in quoted or "}}" in quoted:
                shown = _shown(action[0])
                problems.append(("raw_template_text", f"{shown} prints braces: escaped once more than was undone"))
        bare = _TEXT.sub('""', inner)
        found = [one or other for one, other in _LABEL.findall(inner)]
        if _CONDITION.search(bare):
            tested.update(found)
        else:
            labels += found
        known.update(re.findall(r"\$([A-Za-z_]\w*)\s*(?=[,:]|\s*:=)", bare))
        problems += _unknown(bare, known)
        word = bare.split()[0] if bare.split() else ""
        depth += word in ("if", "range", "with", "define", "block")
        depth -= word == "end"
        if not bare.strip():
            problems.append(("annotation_invalid", f"{_shown(action[0])} is empty"))
    rest = _ACTION.sub("\0", text)
    if "{{" in rest:
        problems.append(("annotation_invalid", f"{_shown(rest[rest.index('{{') :])} is never closed"))
    elif depth:
        word = "ends more than it begins" if depth < 0 else "has an if, range or with without an end"
        problems.append(("annotation_invalid", f"it {word}"))
    # A pair of braces too many prints itself; in JSON, for one, braces that belong together are meant.
    if "}}" in rest and rest.count("{") < rest.count("}"):
        problems.append(("raw_template_text", "}} without a beginning is printed as it is"))
    for match in _JINJA.finditer(rest):
        problems.append(("raw_template_text", f"{_shown(match[0])} is printed as it is: Prometheus knows no Jinja"))
    for match in _OUTSIDE.finditer(rest):
        problems.append(("raw_template_text", f"${match[1]} stands outside of {{{{ }}}} and is printed as it is"))
    return Template(
        tuple(dict.fromkeys(problems)), tuple(label for label in dict.fromkeys(labels) if label not in tested)
    )


def _unknown(bare: str, known: Iterable[str]) -> list[tuple[str, str]]:
    found = []
    for name in re.findall(r"\$([A-Za-z_]\w*)", bare):
        if name not in known:
            found.append(("annotation_invalid", f"there is no variable ${name}"))
    for match in re.finditer(r"(?<![\w.$\"])[A-Za-z_]\w*", bare):
        if match[0] not in FUNCTIONS:
            found.append(("annotation_invalid", f"there is no function {match[0]}"))
    return found


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:57]}..."


def templates_of(rule: Mapping[str, object]) -> dict[str, str]:
    """The templates of an alert: its annotations, and the values of its labels, which are templates as well."""
    found = {}
    for part, noun in (("annotations", "annotation"), ("labels", "label")):
        values = rule.get(part)
        if isinstance(values, Mapping):
            found.update({f"{noun} {name}": str(value) for name, value in values.items()})
    return found
