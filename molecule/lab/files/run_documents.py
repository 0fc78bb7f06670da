# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Type the commands of the documents, as they stand there, in a lab that runs.

tests/docs/commands.yml says which of them are meant and what their words in capitals stand for.
Each command is one outcome in the file of results.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "docs"))

import documents

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "argolab.observability"
# Those that change something, or take more than a look, are run one after the other.
ALONE = re.compile(r"(?:make|ansible-playbook|argocd|jq|scripts/)")


class Lab:
    """The environment in which somebody would type."""

    def __init__(self, lab: dict[str, Any], inventory: str, work: Path, build_dir: str) -> None:
        self.inventory = inventory
        self.build_dir = build_dir
        self.namespaces: list[str] = []
        bin_dir = work / "bin"
        bin_dir.mkdir(parents=True, exist_ok=True)
        for name in ("kubectl", "helm", "k3d"):
            (bin_dir / name).unlink(missing_ok=True)
            if lab.get(name):
                (bin_dir / name).symlink_to(lab[name])
        self._argocd(bin_dir)
        # A copy, since argocd --core takes its namespace from the context.
        kubeconfig = work / "kubeconfig"
        shutil.copy(lab["kubeconfig"], kubeconfig)
        kubeconfig.chmod(0o600)
        self.env = {
            **os.environ,
            "PATH": f"{bin_dir}{os.pathsep}{os.environ['PATH']}",
            "KUBECONFIG": str(kubeconfig),
            "ARGOCD_OPTS": "--core",
            # What a reader would have set before.
            "GRAFANA_PASSWORD": "of-the-documents",
            "ARGOCD_PASSWORD": "of-the-documents",
            "XDG_CONFIG_HOME": str(work / "config"),
        }
        if lab.get("docker_host"):
            self.env["DOCKER_HOST"] = lab["docker_host"]
        self.run(f"kubectl config set-context {lab['context']} --namespace=argocd")
        endpoint = next((one for one in lab.get("endpoints", []) if one.get("reachable")), None)
        self.values = documents.placeholders()
        if endpoint:
            self.values["ADDRESS"] = f"{endpoint['address']}:{endpoint['http_port']}"
        self.values["HOST"] = f"argocd.{lab.get('domain', 'example.it')}"
        self.values["NODE"] = self.ask("kubectl get nodes -o jsonpath='{.items[0].metadata.name}'")
        self.values["POD"] = self.ask(
            "kubectl -n argocd get pods -l app.kubernetes.io/name=argocd-server -o jsonpath='{.items[0].metadata.name}'"
        )

    @staticmethod
    def _argocd(bin_dir: Path) -> None:
        """Argo CD's command line is the program that the images have, under another name."""
        found = shutil.which("argocd") or next(map(str, sorted(CACHE.glob("programs/argocd-*/cmd"))), None)
        program = Path(found) if found else None
        if program and program.is_dir():
            program = next((path for path in program.iterdir() if path.is_file()), None)
        (bin_dir / "argocd").unlink(missing_ok=True)
        if program:
            (bin_dir / "argocd").symlink_to(program)

    def run(self, command: str, timeout: float = 300) -> tuple[int, str]:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command], env=self.env, cwd=ROOT, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    def ask(self, command: str) -> str:
        code, said = self.run(command)
        if code or not said.strip():
            raise SystemExit(f"{command}: {said.strip() or 'nothing'}")
        return said.strip()

    def typed(self, command: str, values: dict[str, str]) -> str:
        """The command for this lab: with its inventory, where the documents mean that of the checkout."""
        command = documents.filled(command, {**self.values, **values})
        if self.build_dir:
            command = re.sub(r"(?<![\w/])(?:\$PWD/)?build/", f"{self.build_dir}/", command)
        more = f"-i {self.inventory}"
        made = re.fullmatch(r'make (\w+)(?: ARGS="(.*)")?', command)
        if made and self.inventory:
            return f'make {made[1]} ARGS="{f"{made[2]} " if made[2] else ""}{more}"'
        if command.startswith("ansible-playbook ") and self.inventory:
            return f"scripts/bootstrap {command} {more}"
        return command

    def in_a_namespace(self, text: str) -> str:
        """The objects in a namespace that there is: a dry run makes none, and does not look further without one."""
        if not self.namespaces:
            self.namespaces = self.ask("kubectl get namespaces -o jsonpath='{.items[*].metadata.name}'").split()
        kept = "|".join(map(re.escape, self.namespaces))
        return re.sub(rf"(\bnamespace:) (?!(?:{kept})\b)[\w-]+", r"\1 default", text)

    def has(self, command: str) -> bool:
        word = command.split()[0]
        return "/" in word or word == "export" or shutil.which(word, path=self.env["PATH"]) is not None


def outcome(lab: Lab, command: str, entry: dict[str, Any]) -> dict[str, Any]:
    started = time.monotonic()
    result = {"name": f"documents: {command}", "outcome": "passed", "reason": "", "seconds": 0.0}
    if not lab.has(command):
        return {**result, "outcome": "skipped", "reason": f"{command.split()[0]} is not on this machine"}
    typed = " ".join(filter(None, [lab.typed(command, entry.get("with") or {}), entry.get("more")]))
    try:
        code, said = lab.run(typed)
    except subprocess.TimeoutExpired:
        code, said = -1, "did not end within five minutes"
    if code not in entry.get("rc", [0]):
        result.update(outcome="failed", reason=f"{typed}: exit code {code}: {said.strip()[-600:]}")
    elif "No resources found" in said and not entry.get("empty"):
        result.update(outcome="failed", reason=f"{typed}: nothing is there: {said.strip()[-200:]}")
    if entry.get("after"):
        lab.run(lab.typed(entry["after"], entry.get("with") or {}))
    return {**result, "seconds": round(time.monotonic() - started, 1)}


def manifests() -> list[tuple[str, str]]:
    """Every object that the documents show, and those that lie beside them."""
    found = [
        (str(path.relative_to(ROOT)), path.read_text()) for path in sorted((ROOT / "docs" / "manifests").glob("*.yaml"))
    ]
    for document in documents.documents():
        for block in documents.blocks(document):
            if documents.kind_of(block) in ("manifest", "kustomization"):
                found.append((f"{document.relative_to(ROOT)}, line {block.line}", block.text))
    return found


def accepted(lab: Lab, name: str, text: str, work: Path) -> dict[str, Any]:
    """Whether the API server would take it."""
    folder = work / re.sub(r"[^a-z0-9]+", "-", name.lower())
    folder.mkdir(exist_ok=True)
    if "configMapGenerator" in text:
        (folder / "kustomization.yaml").write_text(text)
        for file in re.findall(r"[\w-]+\.json", text):
            (folder / file).write_text("{}")
        command = f"kubectl kustomize {folder} | kubectl apply --dry-run=server -f -"
    else:
        (folder / "objects.yaml").write_text(lab.in_a_namespace(documents.filled(text, lab.values)))
        command = f"kubectl apply --dry-run=server -f {folder}"
    code, said = lab.run(command)
    reason = said.strip()[-600:] if code else ""
    return {"name": f"documents: {name}", "outcome": "failed" if code else "passed", "reason": reason, "seconds": 0.0}


def main() -> int:
    parser = argparse.ArgumentParser(description="Type the commands of the documents in a lab that runs.")
    parser.add_argument("--lab", type=Path, default=ROOT / "build" / "lab.json", help="lab.json of the lab")
    parser.add_argument("--inventory", default="", help="inventory of the lab, where it is not that of the checkout")
    parser.add_argument("--build-dir", default="", help="what stands for build/, where the lab has another")
    parser.add_argument(
        "--work", type=Path, default=ROOT / "build" / "documents", help="folder for what is needed meanwhile"
    )
    parser.add_argument("--results", type=Path, help="file for the outcomes")
    parser.add_argument("--only", default="", help="regular expression: only these commands")
    options = parser.parse_args()
    started = time.monotonic()
    lab = Lab(json.loads(options.lab.read_text()), options.inventory, options.work, options.build_dir)
    wanted = [
        (command, entry)
        for command in documents.all_commands()
        if (entry := documents.entry_of(command)) and entry["run_by"] == "lab" and re.search(options.only, command)
    ]
    results = []
    with ThreadPoolExecutor(4) as pool:
        looks = [pair for pair in wanted if not ALONE.match(pair[0])]
        results += pool.map(lambda pair: outcome(lab, *pair), looks)
        if not options.only:
            results += pool.map(lambda pair: accepted(lab, *pair, options.work), manifests())
    results += [outcome(lab, *pair) for pair in wanted if ALONE.match(pair[0])]
    if options.results:
        options.results.parent.mkdir(parents=True, exist_ok=True)
        options.results.write_text(json.dumps(results, indent=2) + "\n")
    for one in results:
        if one["outcome"] != "passed":
            print(f"{one['outcome']}: {one['name']}: {one['reason']}")
    failed = sum(one["outcome"] == "failed" for one in results)
    print(f"{len(results)} commands and manifests, {failed} failed, {time.monotonic() - started:.0f} s")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
