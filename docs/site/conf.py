# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx's settings for the site; scripts/build_docs.py lays out its sources and runs it."""

from __future__ import annotations

import os
from pathlib import Path

from docutils import nodes

SITE = Path(__file__).resolve().parent

project = "argolab.observability"
author = "argolab.observability contributors"
project_copyright = f"2026, {author}"
version = release = os.environ["ARGOLAB_DOCS_VERSION"]

extensions = ["myst_parser", "sphinx.ext.intersphinx", "sphinx_antsibull_ext"]
root_doc = "index"
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
suppress_warnings: list[str] = []
nitpicky = True
default_role = "any"

# The anchors of headings are those that a forge gives to the same files.
myst_heading_anchors = 4

# Pages of ansible-core that the reference names; the inventory is written by the build, so nothing is fetched.
intersphinx_mapping = {
    "ansible": ("https://docs.ansible.com/projects/ansible/latest/", os.environ["ARGOLAB_CORE_INVENTORY"])
}
intersphinx_timeout = 1

html_theme = "furo"
html_title = f"argolab.observability {release}"
html_short_title = project
html_static_path = [str(SITE / "static")]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_use_index = False
html_theme_options = {"navigation_with_keys": True}
highlight_language = "yaml+jinja"
antsibull_ext_color_scheme = "default"


def anchors_of_forges(_app, doctree):
    """Give each heading the anchor that a forge gives it, so that one reference is right in both: #no_endpoints."""
    for section in doctree.findall(nodes.section):
        slug = section.get("slug")
        if slug and slug not in section["ids"]:
            section["ids"].insert(0, slug)


def setup(app):
    # Before the contents of the page are collected.
    app.connect("doctree-read", anchors_of_forges, priority=1)
