# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the rights of verify-rbac.yaml away one by one, and looks: what nobody misses does not belong into it.

Each right has to be missed by the verification or the diagnosis, of the lab as it is or of one that is broken; one to
get may also be there for a command that a failure names. Writes the results, and exits with 1 for a right that is
not missed.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import io
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.testing import patch_module_args

ROOT = Path(__file__).resolve().parents[3]
MANIFESTS = [ROOT / "docs" / "manifests" / f"{name}.yaml" for name in ("verify-rbac", "verify-rbac-profiles")]
MODULES = "ansible_collections.argolab.observability.plugins.modules"
ACCOUNT = "argolab-verify"
REFUSED = re.compile(r"\b403\b|forbidden|may not be|cannot (?:get|list)|not looked at", re.IGNORECASE)
# What the roles give the modules, from their own variables.
PLAY = """
- hosts: clusters
  gather_facts: false
  tasks:
    - ansible.builtin.import_role: {name: argolab.observability.existing_cluster, tasks_from: facts}
    - ansible.builtin.import_role: {name: argolab.observability.verification, tasks_from: preflight}
    - ansible.builtin.import_role: {name: argolab.observability.diagnosis, tasks_from: preflight}
    - ansible.builtin.copy:
        dest: FOLDER/arguments.json
        mode: "0600"
        content: "{{ {'cluster_diagnosis': diagnosis} | to_json }}"
      vars:
        # It also looks at all parts of the verification.
        diagnosis:
          prometheus_namespace: "{{ verification_prometheus_namespace }}"
          prometheus_service: "{{ verification_prometheus_service }}"
          # without pools, as who does not know them asks
          parts: "{{ _verification_parts + [{'module': 'scrape_coverage', 'kind': 'everything'}] }}"
          namespaces: "{{ diagnosis_namespaces }}"
          releases: "{{ diagnosis_releases }}"
"""
# Commands that a failure names: the file that has them, and their text.
WORKLOAD = ("cluster_checks.py", "kubectl describe {kind.lower()} {name} -n {namespace}")
MONITOR = ("operator_verdict.py", "describe(link.pool.resource")
COMMANDS = {
    "nodes": ("cluster_checks.py", "kubectl describe node {name_of(node)}"),
    "pods": ("cluster_checks.py", "kubectl describe pod {name_of("),
    "daemonsets": WORKLOAD, "deployments": WORKLOAD, "statefulsets": WORKLOAD,
    "ingresses": ("cluster_checks.py", "kubectl describe ingress {name_of("),
    "networkpolicies": ("scrape_failures.py", 'describe("networkpolicy"'),
    "servicemonitors": MONITOR, "podmonitors": MONITOR,
    "prometheusrules": ("rule_chain.py", "kubectl get prometheusrule {name_of(rule)}"),
    "prometheuses": ("rule_chain.py", "kubectl get prometheus {name_of("),
    "applications": ("argocd.py", "kubectl describe applications.argoproj.io {"),
    "persistentvolumeclaims": ("cluster_diagnosis.py", "kubectl describe pvc {name}"),
}  # fmt: skip
# A port that has another name, a rule that the operator refuses, a Grafana without endpoints, and a pod that ends.
BROKEN = (
    ("service", "argocd", "argocd-server-metrics", "/spec/ports/0/name", "broken"),
    (
        "prometheusrule", "monitoring", "argocd-application-controller", "/spec/groups/0/rules/0/expr",
        'absent(argocd_app_info) + "text"',
    ),
    ("service", "monitoring", "kube-stack-prometheus-grafana", "/spec/selector", {"app": "nobody"}),
)  # fmt: skip
CRASHING = "rights-crashing"


class Lab:
    def __init__(self, kubectl: str, kubeconfig: str, context: str) -> None:
        self.command = [kubectl, "--kubeconfig", kubeconfig, "--context", context]
        self.cluster = yaml.safe_load(Path(kubeconfig).read_text())["clusters"][0]["cluster"]
        self.items = [item for path in MANIFESTS for item in yaml.safe_load(path.read_text())["items"]]

    def run(self, *arguments: str, content: Any = None) -> str:
        done = subprocess.run(
            [*self.command, *arguments], input=None if content is None else json.dumps(content), check=False,
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def account(self) -> dict[str, Any]:
        """The account with all that both manifests grant, as a kubeconfig."""
        self.run("apply", "-f", "-", content={"apiVersion": "v1", "kind": "List", "items": self.items})
        data: dict[str, str] = {}
        deadline = time.monotonic() + 30
        while "token" not in data:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the Secret {ACCOUNT}-token got no token within 30 s")
            found = json.loads(self.run("-n", ACCOUNT, "get", "secret", f"{ACCOUNT}-token", "-o", "json"))
            data = found.get("data") or {}
        return {
            "apiVersion": "v1", "kind": "Config",
            "clusters": [{"name": "lab", "cluster": self.cluster}],
            "users": [{"name": "viewer", "user": {"token": base64.b64decode(data["token"]).decode()}}],
            "contexts": [{"name": "rights", "context": {"cluster": "lab", "user": "viewer"}}],
        }  # fmt: skip

    def forget(self) -> None:
        items = [item for item in self.items if item["kind"] != "Namespace"]
        content = {"apiVersion": "v1", "kind": "List", "items": items}
        self.run("delete", "--ignore-not-found", "-f", "-", content=content)
        self.run("delete", "namespace", ACCOUNT, "--ignore-not-found", "--wait=false")

    def grant(self, role: dict[str, Any], rights: list[Any]) -> None:
        """These rights are all that the Role has."""
        rules = [
            {
                "apiGroups": [right.group], "resources": [right.resource], "verbs": [right.verb],
                **({"resourceNames": [right.name]} if right.name else {}),
            }
            for right in rights
        ]  # fmt: skip
        namespace = role["metadata"].get("namespace")
        where = ["-n", namespace] if namespace else []
        patch = json.dumps({"rules": rules})
        self.run(*where, "patch", role["kind"], role["metadata"]["name"], "--type=merge", "-p", patch)

    @contextmanager
    def broken(self) -> Iterator[None]:
        before = [self.value(kind, space, name, path) for kind, space, name, path, _value in BROKEN]
        image = self.run(
            "-n", "monitoring", "get", "daemonset", "-o", "jsonpath={.items[0].spec.template.spec.containers[0].image}"
        )
        pod = {
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": CRASHING, "namespace": "argocd", "labels": {"app": CRASHING}},
            "spec": {
                "terminationGracePeriodSeconds": 1, "securityContext": {
                    "runAsNonRoot": True, "runAsUser": 999, "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "crash", "image": image, "command": ["/bin/sh", "-c", "exit 3"],
                        "securityContext": {
                            "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]},
                        },
                    }
                ],
            },
        }  # fmt: skip
        try:
            for kind, space, name, path, value in BROKEN:
                self.replace(kind, space, name, path, value)
            self.run("apply", "-f", "-", content=pod)
            deadline = time.monotonic() + 60
            while "CrashLoopBackOff" not in self.run("-n", "argocd", "get", "pod", CRASHING, "-o", "json"):
                if time.monotonic() > deadline:
                    break
                time.sleep(1)
            yield
        finally:
            self.run("-n", "argocd", "delete", "pod", CRASHING, "--ignore-not-found", "--wait=false")
            for (kind, space, name, path, _value), old in zip(BROKEN, before):
                self.replace(kind, space, name, path, old)

    def value(self, kind: str, namespace: str, name: str, path: str) -> Any:
        found = json.loads(self.run("-n", namespace, "get", kind, name, "-o", "json"))
        for step in path.strip("/").split("/"):
            found = found[int(step)] if isinstance(found, list) else found[step]
        return found

    def replace(self, kind: str, namespace: str, name: str, path: str, value: Any) -> None:
        patch = json.dumps([{"op": "replace", "path": path, "value": value}])
        self.run("-n", namespace, "patch", kind, name, "--type=json", "-p", patch)


def arguments(folder: Path, given: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """What the roles give to the modules that look, for an administrator."""
    (folder / "play.yml").write_text(PLAY.replace("FOLDER", str(folder)))
    inventories = [part for path in given.inventory for part in ("-i", str(ROOT / "inventory" / path))]
    variables = {
        "existing_cluster_kubeconfig": given.kubeconfig, "existing_cluster_context": given.context,
        "lab_build_dir": str(folder), **json.loads(given.variables),
    }  # fmt: skip
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")), str(folder / "play.yml"), *inventories,
            "-e", json.dumps(variables),
        ],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    found: dict[str, dict[str, Any]] = json.loads((folder / "arguments.json").read_text())
    return {"cluster_ready": {"check_parts": False, "wait_timeout": 0}, **found}


def looked(module: str, params: dict[str, Any]) -> dict[str, tuple[Any, str]]:
    """The outcome and the text of each check of a module, and what else it says."""
    output = io.StringIO()
    with contextlib.suppress(SystemExit), patch_module_args(params), contextlib.redirect_stdout(output):
        import_module(f"{MODULES}.{module}").main()
    result = json.loads(output.getvalue().strip().splitlines()[-1])
    groups = [(group["kind"], group.get("result") or {}) for group in result.get("groups") or []] or [("", result)]
    seen: dict[str, tuple[Any, str]] = {"result": (not result.get("failed"), str(result.get("msg")))}
    for kind, found in groups:
        seen[f"{kind}: message"] = (not found.get("failed"), str(found.get("msg", "")))
        for check in found.get("checks") or []:
            seen[f"{kind}: {check['name']}"] = (check["ok"], f"{check.get('observed')} {check.get('detail')}")
    if module == "cluster_ready":
        seen["facts"] = (result.get("ingress_class"), str(result.get("ingress_endpoints")))
    return seen


def missed(before: dict[str, tuple[Any, str]], now: dict[str, tuple[Any, str]]) -> str:
    """The first thing that tells of a refusal, and did not before. Outcomes alone change by themselves, too."""
    for name, (outcome, text) in now.items():
        if REFUSED.search(text) and not REFUSED.search(before.get(name, (None, ""))[1]):
            return f"{name}: {outcome}, {text}"
    return ""


def named(right: Any) -> str:
    """The command of a failure that takes this right to get, as it stands in the source."""
    name, text = COMMANDS.get(right.resource, ("", "")) if right.verb == "get" else ("", "")
    if not name or text not in (ROOT / "plugins" / "module_utils" / name).read_text():
        return ""
    return f"{name}: {text}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("kubeconfig", "context", "kubectl", "results"):
        parser.add_argument(f"--{option}", required=True)
    parser.add_argument("--variables", default="{}", help="as JSON, such as those that the lab was built with")
    parser.add_argument("--inventory", action="append", default=[], help="such as existing and hardened")
    parser.add_argument("--only", default="", help="pattern of the rights that are taken away, such as secrets|nodes")
    given = parser.parse_args()
    rights_of = import_module("ansible_collections.argolab.observability.plugins.module_utils.cluster_rights")
    access = import_module("ansible_collections.argolab.observability.plugins.module_utils.kube_access")
    lab = Lab(given.kubectl, given.kubeconfig, given.context)
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="argolab-rights-") as folder:
        asked = arguments(Path(folder), given)
        try:
            account = lab.account()
            viewer = Path(folder) / "viewer"
            viewer.touch(mode=0o600)
            viewer.write_text(yaml.safe_dump(account))
            params = {module: {**one, "kubeconfig": str(viewer), "context": "rights"} for module, one in asked.items()}
            client = access.KubeClient(account, "rights")
            roles = [item for item in lab.items if item["kind"] in ("Role", "ClusterRole")]
            left = [
                (role, right)
                for role in roles
                for right in rights_of.rights_in({"items": [role]})
                # the lab has no cert-manager, so nothing of it is asked for
                if right.group != "cert-manager.io" and re.search(given.only, str(right))
            ]
            for scene, made in (("as it is", contextlib.nullcontext()), ("broken", lab.broken())):
                if not left:
                    break
                with made:
                    time.sleep(0 if scene == "as it is" else 20)
                    before = {module: looked(module, one) for module, one in params.items()}
                    for role, right in list(left):
                        own = rights_of.rights_in({"items": [role]})
                        lab.grant(role, [other for other in own if other != right])
                        deadline = time.monotonic() + 10
                        while not rights_of.missing_rights(client, [right]) and time.monotonic() < deadline:
                            time.sleep(0.1)
                        said = ""
                        for module, one in params.items():
                            said = said or missed(before[module], looked(module, one))
                        lab.grant(role, own)
                        while rights_of.missing_rights(client, [right]) and time.monotonic() < deadline:
                            time.sleep(0.1)
                        if said:
                            left.remove((role, right))
                            note(results, role, right, "missed", f"lab {scene}: {said}")
            for role, right in left:
                command = named(right)
                note(results, role, right, "named" if command else "superfluous", command)
        finally:
            lab.forget()
            Path(given.results).write_text(json.dumps(results, indent=1) + "\n")
    superfluous = [item["right"] for item in results if item["outcome"] == "superfluous"]
    print(f"{len(results)} rights, of which nothing needs {len(superfluous)}: {', '.join(superfluous) or 'none'}")
    return 1 if superfluous else 0


def note(results: list[dict[str, Any]], role: dict[str, Any], right: Any, outcome: str, why: str) -> None:
    place = f" in namespace {right.namespace}" if right.namespace else ""
    print(f"{outcome:12}{right}{place}: {why[:200]}", flush=True)
    results.append(
        {"role": role["metadata"]["name"], "right": f"{right}{place}", "outcome": outcome, "why": why[:600]}
    )


if __name__ == "__main__":
    sys.exit(main())
