#!/usr/bin/env python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the documentation site: the Markdown pages of the tree, and a reference made from modules and roles.

    scripts/bootstrap --dev python scripts/build_docs.py

writes build/site/index.html, which opens without a network. The pages keep their places, so that a link between two
files is right in a checkout, on a forge and in the site. A warning is an error; so is a link or anchor that leads
nowhere, and a page that docs/site/navigation.yml does not name.
"""

from __future__ import annotations

import argparse
import html.parser
import os
import posixpath
import re
import shutil
import subprocess
import sys
import urllib.parse
import zlib
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ROOT / "docs" / "site"
COLLECTION = "argolab.observability"
REFERENCE = "reference"
# What the generated reference says of ansible-core: label, page, title.
CORE = (
    ("common_return_values", "reference_appendices/common_return_values.html", "Return Values"),
    ("ansible_configuration_settings", "reference_appendices/config.html", "Ansible Configuration Settings"),
    *(
        (f"{kind}_plugins", f"plugins/{kind}.html", f"{kind} plugins")
        for kind in ("action", "callback", "filter", "lookup")
    ),
)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?\)")

DRAWING = re.compile(r"!\[([^\]]*)\]\((\S+\.svg)\)")


class Problem(Exception):
    """The site cannot be built; the message says what to do."""


def pages() -> list[Path]:
    """Every Markdown page that belongs to the site, relative to the root."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
    found += [path for path in (ROOT / "docs").rglob("*.md") if SETTINGS not in path.parents]
    found += ROOT.glob("roles/*/README.md")
    return sorted(path.relative_to(ROOT) for path in found if path.exists())


def navigation(known: list[Path], declared: list[dict[str, object]]) -> str:
    """The tables of contents of the first page.

    :raises Problem: A page is named nowhere, or nowhere to be found.
    """
    lines, named, absent = [], set(), []
    for section in declared:
        lines += ["```{toctree}", ":hidden:", f":caption: {section['title']}", ":maxdepth: 1", ""]
        for entry in section["pages"]:  # type: ignore[attr-defined]
            title, _arrow, pattern = entry.rstrip(">").rpartition(" <")
            matching = [path for path in known if path.match(pattern)] if "*" in pattern else [Path(pattern)]
            for path in matching:
                if path in known or pattern.startswith(f"{REFERENCE}/"):
                    target = f"/{path.with_suffix('')}"
                    lines.append(f"{title} <{target}>" if title else target)
                    named.add(path)
                else:
                    absent.append(str(path))
        lines += ["```", ""]
    unnamed = [str(path) for path in known if path not in named]
    if unnamed or absent:
        raise Problem(
            "docs/site/navigation.yml "
            + " and ".join(
                f"{verb} {', '.join(names)}"
                for verb, names in (("does not name", unnamed), ("names what is not there:", absent))
                if names
            )
        )
    return "\n".join(lines)


def drawing(path: Path, words: str) -> str:
    """A drawing inside the page, without colours of its own: in the site it follows the page's, light or dark."""
    if not path.is_file():
        raise Problem(f"there is no {path}")
    svg = re.sub(r"<style>.*?</style>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return f'```{{raw}} html\n<figure class="drawing" aria-label="{words}">{svg}</figure>\n```'


def lay_out(source: Path) -> None:
    """Copy the pages and what they link to, and write the first page."""
    known = pages()
    copied: set[tuple[Path, Path]] = set()
    for page in known:
        text = (ROOT / page).read_text(encoding="utf-8")

        def changed(match: re.Match[str], page: Path = page) -> str:
            target = Path(posixpath.normpath(posixpath.join(page.parent.as_posix(), match[1])))
            module = re.fullmatch(r"plugins/modules/(\w+)\.py", target.as_posix())
            if module:
                return f"](/{REFERENCE}/{module[1]}_module.rst)"
            if (ROOT / target).is_dir():
                # A folder is no page; its name stays as text.
                return "]{.folder}"
            if target not in known:
                copied.add((page, target))
            return match[0]

        # As console, Pygments takes a line without a prompt for output, and greys it.
        text = text.replace("```console\n", "```bash\n")
        for match in list(DRAWING.finditer(text)):
            text = text.replace(match[0], drawing((ROOT / page).parent / match[2], match[1]))
        place = source / page
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(LINK.sub(changed, text), encoding="utf-8")
    for page, target in sorted(copied):
        if not (ROOT / target).is_file():
            raise Problem(f"{page} links to {target}, which is not there")
        (source / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / target, source / target)
    declared = yaml.safe_load((SETTINGS / "navigation.yml").read_text(encoding="utf-8"))
    first = (SETTINGS / "index.md").read_text(encoding="utf-8")
    (source / "index.md").write_text(f"{first}\n{navigation(known, declared)}", encoding="utf-8")


def core_inventory(path: Path) -> None:
    """What intersphinx would fetch, only with what is needed."""
    lines = ("Sphinx inventory version 2", "Project: ansible-core", "Version: ", "The rest is compressed with zlib.")
    head = "".join(f"# {line}\n" for line in lines)
    entries = [f"{label} std:label -1 {page}#{label.replace('_', '-')} {title}\n" for label, page, title in CORE]
    entries += [
        f"ansible_collections.{fqcn}_module std:label -1 collections/{fqcn.replace('.', '/')}_module.html {fqcn}\n"
        for fqcn in foreign_modules()
    ]
    path.write_bytes(head.encode() + zlib.compress("".join(entries).encode()))


def foreign_modules() -> list[str]:
    """Modules of other collections that the documentation of this one names."""
    texts = [path.read_text(encoding="utf-8") for path in ROOT.glob("plugins/modules/*.py")]
    texts += [path.read_text(encoding="utf-8") for path in ROOT.glob("plugins/doc_fragments/*.py")]
    texts += [path.read_text(encoding="utf-8") for path in ROOT.glob("roles/*/meta/argument_specs.yml")]
    return sorted(
        {name for text in texts for name in re.findall(r"\b((?:ansible|kubernetes|community)\.\w+\.\w+)", text)}
    )


def run(argv: list[str], env: dict[str, str], what: str) -> None:
    done = subprocess.run(
        argv, env=env, cwd=ROOT, text=True, capture_output=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise Problem(f"{what} failed:\n{(done.stdout + done.stderr).strip()[-6000:]}")


class Anchors(html.parser.HTMLParser):
    """The links and the anchors of one page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif value and (name == "href" or (name == "src" and tag != "source")):
                self.links.add(value)


def broken_links(site: Path) -> Iterator[str]:
    """Every link of every page that leads to no file or no anchor, and everything that a page would fetch."""
    parsed: dict[Path, Anchors] = {}
    for path in site.rglob("*.html"):
        parsed[path] = Anchors()
        parsed[path].feed(path.read_text(encoding="utf-8"))
    for path, page in sorted(parsed.items()):
        for link in sorted(page.links):
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
            anchor = urllib.parse.unquote(parts.fragment)
            if not target.is_file():
                yield f"{path.relative_to(site)}: {link} leads nowhere"
            elif anchor and target in parsed and anchor not in parsed[target].anchors:
                yield f"{path.relative_to(site)}: {link} has no such anchor"


def fetched(site: Path) -> Iterator[str]:
    """What a browser would ask other hosts for when it shows a page."""
    for path in sorted(site.rglob("*.html")):
        for tag in re.findall(r"<(?:link|script|img|iframe|source)\b[^>]*>", path.read_text(encoding="utf-8")):
            if re.search(r"""(?:href|src)=["']?(?:https?:)?//""", tag) and 'rel="canonical"' not in tag:
                yield f"{path.relative_to(site)}: {tag}"
    for path in sorted(site.rglob("*.css")):
        if re.search(r"url\(['\"]?(?:https?:)?//|@import", path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(site)} loads from elsewhere"


def build(target: Path) -> int:
    """Build the site into a folder; returns the number of its pages.

    :raises Problem: Something is wrong in the documentation.
    """
    work = target.parent / f"{target.name}.work"
    source = work / "source"
    shutil.rmtree(work, ignore_errors=True)
    source.mkdir(parents=True)
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    inventory = work / "core.inv"
    core_inventory(inventory)
    env = {**os.environ, "ARGOLAB_DOCS_VERSION": str(version), "ARGOLAB_CORE_INVENTORY": str(inventory)}
    env.setdefault("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".collections"))
    lay_out(source)
    programs = Path(sys.executable).parent
    # antsibull-docs wants a folder that nobody else may write to.
    (source / REFERENCE).mkdir(mode=0o755)
    run(
        [str(programs / "antsibull-docs"), "--config-file", str(SETTINGS / "antsibull-docs.cfg"), "collection"]
        + ["--fail-on-error", "--use-current", "--squash-hierarchy", "--dest-dir", str(source / REFERENCE), COLLECTION],
        env,
        "the reference (antsibull-docs)",
    )
    for page in (source / REFERENCE).glob("*.rst"):
        # The theme has the contents of a page beside it.
        text = re.sub(r"^\.\. contents::\n(?: +:.*\n)*", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
        page.write_text(text, encoding="utf-8")
    built = work / "html"
    run(
        [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", "-j", "2", "-c", str(SETTINGS)]
        + ["-d", str(work / "doctrees"), str(source), str(built)],
        env,
        "the site (sphinx)",
    )
    wrong = [*broken_links(built), *fetched(built)]
    if wrong:
        raise Problem("links that are wrong:\n" + "\n".join(wrong[:50]))
    shutil.rmtree(target, ignore_errors=True)
    built.rename(target)
    shutil.rmtree(work)
    return len(list(target.rglob("*.html")))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="scripts/build_docs.py", description="Build the documentation site.")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "site", help="folder of the site")
    options = parser.parse_args(argv)
    try:
        count = build(options.output.resolve())
    except Problem as problem:
        print(f"build_docs: {problem}", file=sys.stderr)
        return 1
    print(f"{count} pages: {options.output}/index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
