# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site is built from the documents, and what would be wrong in it is found."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_docs", ROOT / "scripts" / "build_docs.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["build_docs"] = module
    spec.loader.exec_module(module)
    return module


build_docs = load()


def test_the_site_is_built() -> None:
    """Warnings are errors. It stays in build/site, where people and the tests with a browser look for it."""
    site = ROOT / "build" / "site"
    count = build_docs.build(site)
    modules = list(ROOT.glob("plugins/modules/*.py"))
    assert count > len(modules) + len(build_docs.pages())
    for module in modules:
        assert (site / "reference" / f"{module.stem}_module.html").is_file()
    for role in ROOT.glob("roles/*/meta/argument_specs.yml"):
        assert (site / "reference" / f"{role.parent.parent.name}_role.html").is_file()
    assert 'id="no_endpoints"' in (site / "docs" / "troubleshooting.html").read_text(encoding="utf-8")
    assert "<svg" in (site / "docs" / "architecture.html").read_text(encoding="utf-8")


def test_a_page_that_is_named_nowhere_is_refused() -> None:
    declared = [{"title": "One", "pages": ["docs/a.md"]}]
    assert "/docs/a\n" in build_docs.navigation([Path("docs/a.md")], declared)
    with pytest.raises(build_docs.Problem, match=r"does not name docs/b\.md"):
        build_docs.navigation([Path("docs/a.md"), Path("docs/b.md")], declared)
    with pytest.raises(build_docs.Problem, match=r"names what is not there: docs/a\.md"):
        build_docs.navigation([], declared)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "a.html").write_text(
        '<a href="b.html#here">b</a><h1 id="top">A</h1><a href="https://example.com/x">out</a>'
    )
    (tmp_path / "b.html").write_text('<h1 id="here">B</h1><img src="c.png">')
    (tmp_path / "c.png").write_bytes(b"")
    return tmp_path


def test_links_that_are_right_pass(site: Path) -> None:
    assert list(build_docs.broken_links(site)) == []
    assert list(build_docs.fetched(site)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('<a href="b.html#there">', "no such anchor"),
        ('<a href="#bottom">', "no such anchor"),
        ('<a href="d.html">', "leads nowhere"),
        ('<img src="d.png">', "leads nowhere"),
    ],
)
def test_links_that_are_wrong_are_named(site: Path, text: str, found: str) -> None:
    (site / "a.html").write_text(text)
    assert [one.split(": ", 1)[1] for one in build_docs.broken_links(site)][0].endswith(found)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.html", '<script src="https://cdn.example.com/x.js"></script>'),
        ("x.html", '<link rel="stylesheet" href="//fonts.example.com/x.css">'),
        ("x.css", "@font-face { src: url(https://fonts.example.com/x.woff2) }"),
    ],
)
def test_what_would_be_fetched_is_named(site: Path, name: str, text: str) -> None:
    (site / name).write_text(text)
    assert list(build_docs.fetched(site))


def test_a_link_to_nothing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "README.md").write_text("[gone](docs/gone.yml)")
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(build_docs, "ROOT", tmp_path)
    with pytest.raises(build_docs.Problem, match=r"README\.md links to docs/gone\.yml"):
        build_docs.lay_out(tmp_path / "source")
