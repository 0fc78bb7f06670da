# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option O(programs): what is built of Go modules, and how."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  programs:
    description: The programs to build.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: Name of the build., type: str, required: true}
      module: {description: Path of the Go module., type: str, required: true}
      version: {description: Version of the module., type: str, required: true}
      sum:
        description: Checksum of the module as the Go checksum database has it. Needed without O(programs[].sources).
        type: str
      packages: {description: Main packages to build., type: list, elements: str, required: true}
      ldflags: {description: Flags for the linker., type: str}
      tags: {description: Build tags., type: list, elements: str}
      replace:
        description:
          - Module path, or prefix ending in a slash, to the published version that stands in for a local replace line.
        type: dict
      minimums:
        description:
          - Module path to the version that it is built with where the program's own C(go.mod) requires less.
          - Programs that have the libraries they share at one version share what is compiled of them.
        type: dict
      substitutes:
        description: Packages that are left out, each for one file that compiles in its place.
        type: list
        elements: dict
        suboptions:
          module: {description: "Module of the package, a dependency. Without it, O(programs[].module).", type: str}
          package: {description: Folder of the package in its module., type: str, required: true}
          content: {description: The Go file., type: str, required: true}
      edits:
        description: Texts of the module that are changed before it is built.
        type: list
        elements: dict
        suboptions:
          file: {description: File of the module., type: str, required: true}
          before: {description: Text that is in it exactly once., type: str, required: true}
          after: {description: "Text in its place. Without it, none.", type: str, default: ""}
      placeholders: {description: Files to embed that the published module lacks., type: list, elements: str}
      generate:
        description: Programs that are run in the module before it is built, to write what it does not publish.
        type: list
        elements: dict
        suboptions:
          module: {description: Path of the generator's Go module., type: str, required: true}
          version: {description: Version of that module., type: str, required: true}
          sum: {description: Checksum of that module., type: str, required: true}
          package: {description: Its main package., type: str, required: true}
          arguments: {description: What it is called with., type: list, elements: str, default: []}
      cgo:
        description:
          - Whether the program has C in it. A C compiler and the C library's static files must be there then; the
            program is linked statically, so that it runs on any root.
        type: bool
      sources:
        description:
          - Content of the files of a program that is no published module, by name. It may use Go's own library only.
        type: dict
      plugin_config: {description: "Lines of C(plugin.cfg), for CoreDNS.", type: list, elements: str}
      data:
        description: Files, folders or shell patterns of the module to keep beside the programs.
        type: list
        elements: str
      cpu_seconds: {description: "CPU seconds of a cold build, for the order and the time left.", type: float}
"""
