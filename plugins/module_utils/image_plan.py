# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All steps of the module M(argolab.observability.package_images): what is to be done, and doing it."""

from __future__ import annotations

import json
import os
import shutil
from typing import Any, Dict, List, Mapping, Tuple

from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError
from ansible_collections.argolab.observability.plugins.module_utils.image_specs import (
    ImageSpec,
    images_key,
    write_images,
)
from ansible_collections.argolab.observability.plugins.module_utils.image_store import (
    ImageEngine,
    clone_is_fresh,
    clone_template,
    fill_template,
)
from ansible_collections.argolab.observability.plugins.module_utils.oci_layout import archive_chunks


class ImagePlan:
    """The images of one set of options.

    C(images/engine-KEY) is a layout with a file C(ids.json); C(images/store-KEY) is a template of containerd's folder.
    """

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._params = params
        self._folder = os.path.join(params["cache_dir"], "images")
        self._engine_specs = [ImageSpec.from_options(options) for options in params["engine_images"]]
        self._workload_specs = [ImageSpec.from_options(options) for options in params["workload_images"]]
        self._engine = ImageEngine(params["docker_host"])
        self._stores: List[str] = params["node_stores"]
        self.in_use_by: List[str] = []

    def report(self, line: str) -> None:
        path = self._params["progress_file"]
        if path:
            with open(path, "a", encoding="utf-8") as handle:
                handle.write(f"{line}\n")

    def workload_names(self) -> List[str]:
        return sorted(name for spec in self._workload_specs for name in spec.names)

    def _key(self, specs: List[ImageSpec]) -> str:
        missing = {name.split("/")[0] for spec in specs for name in spec.programs} - set(self._params["programs"])
        if missing:
            raise ArgolabError(f"images name builds that are not in programs: {', '.join(sorted(missing))}")
        root = os.path.basename(self._params["root"])
        return images_key(specs, root, self._params["programs"], self._params["files_dir"])

    def _paths(self) -> Tuple[str, str]:
        engine = os.path.join(self._folder, f"engine-{self._key(self._engine_specs)}")
        # How the template is filled is decided by the node image too, but what is in it is not.
        return engine, os.path.join(self._folder, f"store-{self._key(self._workload_specs)}")

    def _write(self, specs: List[ImageSpec], folder: str) -> Dict[str, List[str]]:
        params = self._params
        pending = f"{folder}.tmp{os.getpid()}"
        shutil.rmtree(pending, ignore_errors=True)
        rest = f" and {len(specs) - 3} more images" if len(specs) > 3 else ""
        self.report(f"writing {', '.join(spec.names[0] for spec in specs[:3])}{rest}")
        try:
            ids = write_images(pending, specs, params["root"], params["programs"], params["files_dir"])
            with open(os.path.join(pending, "ids.json"), "w", encoding="utf-8") as handle:
                json.dump(ids, handle)
            os.rename(pending, folder)
        finally:
            shutil.rmtree(pending, ignore_errors=True)
        return ids

    def _unloaded(self, layout: str) -> bool:
        with open(os.path.join(layout, "ids.json"), encoding="utf-8") as handle:
            ids = json.load(handle)
        return any(self._engine.image_id(name) not in known for name, known in ids.items())

    def _load(self, layout: str) -> None:
        before = {self._engine.image_id(spec.names[0]) for spec in self._engine_specs}
        self._engine.load(archive_chunks(layout))
        after = {self._engine.image_id(spec.names[0]) for spec in self._engine_specs}
        for number in filter(None, before - after):
            try:
                self._engine.request("DELETE", f"/images/{number}")
            except ArgolabError:
                # A cluster still runs on it.
                continue

    def _drop_older(self, keep: Tuple[str, str]) -> None:
        # Clones of an older template keep its layers through their own links.
        for name in os.listdir(self._folder):
            path = os.path.join(self._folder, name)
            if name.startswith(("engine-", "store-", "workload-")) and path not in keep:
                shutil.rmtree(path, ignore_errors=True)

    def make(self, check_mode: bool) -> List[str]:
        """Do what is missing and return one sentence for each thing done."""
        engine, store = self._paths()
        steps = []
        if not os.path.isdir(engine):
            steps.append(f"write {len(self._engine_specs)} images for the engine")
            if not check_mode:
                os.makedirs(self._folder, exist_ok=True)
                self._write(self._engine_specs, engine)
        if not os.path.isdir(engine) or self._unloaded(engine):
            steps.append(f"load {', '.join(spec.names[0] for spec in self._engine_specs)} into the engine")
            if not check_mode:
                self.report(steps[-1])
                self._load(engine)
        if not os.path.isdir(store):
            steps.append(f"write {len(self._workload_specs)} workload images and import them into a template")
            if not check_mode:
                layout = store.replace("store-", "workload-")
                self._write(self._workload_specs, layout)
                self.report("importing the workload images into a template of containerd's folder")
                fill_template(self._engine, self._engine_specs[0].names[0], layout, store)
                shutil.rmtree(layout, ignore_errors=True)
        if steps and not check_mode:
            self._drop_older((engine, store))
        for folder in self._stores:
            users = self._engine.users_of(folder) if os.path.isdir(folder) else []
            self.in_use_by += users
            if not users and not clone_is_fresh(store, folder):
                steps.append(f"copy the template to {folder}")
                if not check_mode:
                    clone_template(store, folder)
        return steps

    def remove(self, check_mode: bool) -> List[str]:
        """Remove the nodes' folders and the engine's images; return one sentence for each thing done."""
        steps = []
        try:
            self._engine.ping()
            answers = True
        except ArgolabError:
            # Without an engine no container uses a folder, and there are no images to remove.
            answers = False
        for folder in filter(os.path.isdir, self._stores):
            users = self._engine.users_of(folder) if answers else []
            if users:
                raise ArgolabError(f"{folder} is in use by {', '.join(users)}: delete the cluster first")
            steps.append(f"remove {folder}")
            if not check_mode:
                shutil.rmtree(folder)
                # The folders that were only there to hold this one; the cache stays.
                for parent in (os.path.dirname(folder), os.path.dirname(os.path.dirname(folder))):
                    if parent != self._params["cache_dir"] and not os.listdir(parent):
                        os.rmdir(parent)
        images = {spec.names[0]: self._engine.image_id(spec.names[0]) for spec in self._engine_specs} if answers else {}
        used = {str(container.get("ImageID")) for container in self._engine.containers()} if answers else set()
        if used.intersection(filter(None, images.values())):
            # Another cluster runs on them, and would miss those that only k3d's own short-lived containers have.
            return steps
        for name, number in images.items():
            if number:
                steps.append(f"remove image {name} from the engine")
                if not check_mode:
                    self._engine.request("DELETE", f"/images/{name}")
        return steps
