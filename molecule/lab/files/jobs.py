#!/usr/bin/env python
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the job templates on a real cluster as AWX does, with exactly the rights of docs/manifests, the failing ones too.

    jobs.py --kubeconfig FILE --context NAME --kubectl PATH --variables JSON --results FILE [--steps NAME,NAME]

C(--kubeconfig) is an administrator's: it makes the accounts, breaks something and heals it. Jobs get a token each, and
nothing else.
Prints nothing but what failed; the results are a list of name, outcome, reason and seconds.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

import awx_jobs

KUBECONFIG, ACCOUNT = "Argolab cluster (kubeconfig)", "Argolab cluster (service account)"
CANARY = f"c4n4ry{secrets.token_hex(8)}"
BROKEN = "jobs-broken"
# Which rights are taken away, and the words that name what is missing then.
RIGHTS = {
    "create customresourcedefinitions.apiextensions.k8s.io": ("ClusterRole", "", "apiextensions.k8s.io"),
    "patch deployments.apps in namespace monitoring": ("Role", "monitoring", "apps"),
}


class Cluster:
    """What an administrator does before and after the jobs."""

    def __init__(self, kubectl: str, kubeconfig: Path, context: str) -> None:
        self.command = [kubectl, "--kubeconfig", str(kubeconfig), "--context", context]
        self.cluster = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]

    def run(self, *arguments: str, content: Any = None, check: bool = True) -> str:
        done = subprocess.run(
            [*self.command, *arguments], input=None if content is None else json.dumps(content), check=False,
            capture_output=True, text=True, timeout=180,
        )  # fmt: skip
        if check and done.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def account(self, name: str) -> dict[str, str]:
        """Inputs of the credential type with a service account, made from a manifest's."""
        self.run("apply", "-f", str(ROOT / "docs" / "manifests" / f"{name.partition('-')[2]}-rbac.yaml"))
        deadline = time.monotonic() + 30
        while True:
            data = json.loads(self.run("-n", name, "get", "secret", f"{name}-token", "-o", "json")).get("data") or {}
            if "token" in data or time.monotonic() > deadline:
                break
            time.sleep(0.5)
        return {
            "server": self.cluster["server"],
            "token": base64.b64decode(data["token"]).decode(),
            "ca": data["ca.crt"],
        }

    def forget(self, name: str) -> None:
        """Take the rights back; the namespaces of the lab, which the manifest also holds, stay."""
        content = yaml.safe_load((ROOT / "docs" / "manifests" / f"{name.partition('-')[2]}-rbac.yaml").read_text())
        content["items"] = [item for item in content["items"] if item["kind"] != "Namespace"]
        self.run("delete", "--ignore-not-found", "-f", "-", content=content)
        self.run("delete", "namespace", name, "--ignore-not-found", "--wait=false")

    def image(self) -> str:
        """One that the node has, with a shell in it."""
        return self.run(
            "-n", "monitoring", "get", "daemonset", "-o", "jsonpath={.items[0].spec.template.spec.containers[0].image}"
        )


class Jobs:
    def __init__(self, cluster: Cluster, controller: awx_jobs.Controller) -> None:
        self.cluster, self.controller = cluster, controller
        self.build = cluster.account("argolab-build")
        self.viewer = cluster.account("argolab-verify")

    def run(self, name: str, answers: dict[str, Any] | None = None, **more: Any) -> awx_jobs.Outcome:
        settings: dict[str, Any] = {"credential": ACCOUNT, "inputs": self.build, **more}
        job = self.controller.run(name, answers, **settings)
        spilled = job.spilled(self.build["token"], self.viewer["token"], CANARY)
        assert not spilled, f"a secret is in {spilled}"
        assert "Traceback" not in job.stdout, job.stdout
        return job

    def good(self, name: str, answers: dict[str, Any] | None = None, **more: Any) -> awx_jobs.Outcome:
        job = self.run(name, answers, **more)
        assert job.status == "successful", f"{job.failures()}\n{job.stdout[-3000:]}"
        return job

    def bad(self, name: str, answers: dict[str, Any] | None = None, **more: Any) -> awx_jobs.Outcome:
        job = self.run(name, answers, **more)
        assert job.status == "failed", job.stdout[-3000:]
        return job

    def builds(self) -> None:
        """Builds where something is missing, and then nothing: as the first job on a cluster, and as the second."""
        job = self.good("Argolab build", self.answers())
        assert "Verified: passed" in job.text, job.stdout[-3000:]

    def built(self) -> None:
        """A build of what is there already changes nothing."""
        job = self.good("Argolab build", self.answers())
        assert job.changed() == 0, job.stdout

    def answers(self) -> dict[str, Any]:
        return {"artifact_source": self.controller.variables["artifact_source"]}

    def verify(self) -> None:
        """With the rights to look and no more, and a kubeconfig."""
        job = self.good("Argolab verify", credential=KUBECONFIG, inputs=self.kubeconfig())
        assert job.evidence["verdict"] == "passed" and job.evidence["failures"] == [], job.artifacts
        for path in job.evidence["files"].values():
            assert Path(path).is_file(), path

    def kubeconfig(self) -> dict[str, str]:
        return {"kubeconfig": yaml.safe_dump(kubeconfig_of(self.viewer)), "context": "awx"}

    def dashboards(self) -> None:
        assert self.good("Argolab dashboards").changed() == 0

    def drill(self) -> None:
        self.good("Argolab drill", {"alert_drill_fire_for": 10})

    def diagnose(self) -> None:
        job = self.good("Argolab diagnose")
        assert job.evidence["verdict"] == "passed", job.artifacts
        assert "Nothing is broken that could be looked at" in job.text

    def broken(self) -> None:
        """A pod that crashes, with a password in its log: the check fails, the report succeeds, nobody sees it."""
        self.cluster.run("apply", "-f", "-", content=crashing(self.cluster.image()))
        try:
            self.until_it_crashed()
            verify = self.bad("Argolab verify", {"verification_wait_timeout": 0})
            assert BROKEN in verify.failures() and verify.evidence["verdict"] == "failed", verify.stdout[-3000:]
            job = self.good("Argolab diagnose")
        finally:
            self.cluster.run("delete", "deployment", BROKEN, "-n", "argocd", "--ignore-not-found")
        failures = {item["cause"]: item for item in job.evidence["failures"]}
        assert job.evidence["verdict"] == "failed" and "crash_loop" in failures, job.artifacts
        assert failures["crash_loop"]["next"].startswith(f"kubectl logs {BROKEN}-"), failures
        assert f"Likeliest cause: crash loop, pod argocd/{BROKEN}-" in job.text and "password=***" in job.text, (
            job.stdout[-3000:]
        )

    def until_it_crashed(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            seen = self.cluster.run(
                "-n", "argocd", "get", "pods", "-l", f"app={BROKEN}",
                "-o", "jsonpath={.items[*].status.containerStatuses[*].state.waiting.reason}",
            )  # fmt: skip
            if "CrashLoopBackOff" in seen:
                return
            time.sleep(1)
        raise AssertionError("the pod that was to crash did not, within two minutes")

    def silent(self) -> None:
        """A Prometheus that is gone."""
        name = self.cluster.run("-n", "monitoring", "get", "prometheus", "-o", "jsonpath={.items[0].metadata.name}")
        self.scale(name, 0)
        try:
            deadline = time.monotonic() + 90
            while self.cluster.run("-n", "monitoring", "get", "pods", "-l", f"prometheus={name}", "-o", "name"):
                assert time.monotonic() < deadline, "Prometheus did not go away within 90 seconds"
                time.sleep(1)
            verify = self.bad("Argolab verify", {"verification_wait_timeout": 0})
            job = self.good("Argolab diagnose")
        finally:
            self.scale(name, 1)
        assert "prometheus" in verify.failures().lower(), verify.failures()
        causes = [item["cause"] for item in job.evidence["failures"]]
        assert "scaled_to_zero" in causes, causes
        assert "Likeliest cause: scaled to zero" in job.text, job.stdout[-3000:]
        deadline = time.monotonic() + 180
        while "true true" not in self.cluster.run(
            "-n",
            "monitoring",
            "get",
            "pods",
            "-l",
            f"prometheus={name}",
            "-o",
            "jsonpath={.items[*].status.containerStatuses[*].ready}",
        ):
            assert time.monotonic() < deadline, "Prometheus did not come back within three minutes"
            time.sleep(1)

    def scale(self, name: str, replicas: int) -> None:
        patch = json.dumps({"spec": {"replicas": replicas}})
        self.cluster.run("-n", "monitoring", "patch", "prometheus", name, "--type=merge", "-p", patch)

    def rights(self) -> None:
        """A right that is missing is named before a build changes anything, and a part that may not look says so."""
        for words, (kind, namespace, group) in RIGHTS.items():
            where = ["-n", namespace] if namespace else []
            role = json.loads(self.cluster.run(*where, "get", kind, "argolab-build", "-o", "json"))
            rules = [rule for rule in role["rules"] if rule["apiGroups"] != [group]]
            self.cluster.run(*where, "patch", kind, "argolab-build", "--type=merge", "-p", json.dumps({"rules": rules}))
            try:
                job = self.bad("Argolab build", self.answers())
            finally:
                self.cluster.account("argolab-build")
            assert words.partition(" in namespace")[0] in job.text and job.changed() == 0, job.stdout[-3000:]
            assert "kubectl apply -f docs/manifests/build-rbac.yaml" in job.text
        self.cluster.run("delete", "rolebinding", "argolab-verify", "-n", "monitoring")
        try:
            job = self.bad("Argolab verify", {"verification_wait_timeout": 0}, inputs=self.viewer)
        finally:
            self.cluster.account("argolab-verify")
        assert 'cannot get resource "services/proxy"' in job.text, job.stdout[-3000:]

    def refused(self) -> None:
        """A token that is no longer good."""
        job = self.bad("Argolab verify", inputs={**self.build, "token": f"{self.build['token'][:-8]}AAAAAAAA"})
        assert "(401)" in job.failures(), job.failures()

    def teardown(self) -> None:
        """What was built goes, and a second time nothing is left to go."""
        assert self.good("Argolab teardown").changed() > 0
        assert self.good("Argolab teardown").changed() == 0
        job = self.good("Argolab diagnose")
        causes = [item["cause"] for item in job.evidence["failures"]]
        assert job.evidence["verdict"] == "failed" and "release_absent" in causes, causes


def kubeconfig_of(account: dict[str, str]) -> dict[str, Any]:
    cluster = {"server": account["server"], "certificate-authority-data": account["ca"]}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "lab", "cluster": cluster}],
        "users": [{"name": "viewer", "user": {"token": account["token"]}}],
        "contexts": [{"name": "awx", "context": {"cluster": "lab", "user": "viewer"}}],
    }


def crashing(image: str) -> dict[str, Any]:
    command = ["/bin/sh", "-c", f"echo connecting with password={CANARY}; exit 3"]
    container = {"name": "crash", "image": image, "imagePullPolicy": "IfNotPresent", "command": command}
    # without a probe it would be ready for the moment that it runs
    container["readinessProbe"] = {"exec": {"command": ["/bin/false"]}}
    template = {
        "metadata": {"labels": {"app": BROKEN}},
        "spec": {"automountServiceAccountToken": False, "terminationGracePeriodSeconds": 1, "containers": [container]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": BROKEN, "namespace": "argocd"},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": BROKEN}}, "template": template},
    }


# In this order. The lab's scenario has no time for all of them: it leaves out `silent`, `builds` and `teardown`.
STEPS = {
    "builds": "the first build, by an account with the rights of build-rbac.yaml",
    "built": "a build that has nothing to do",
    "verify": "the verification, by an account with the rights of verify-rbac.yaml",
    "dashboards": "the dashboards",
    "drill": "the drill",
    "diagnose": "the diagnosis of a healthy cluster",
    "broken": "a pod that crashes, found and explained without its password",
    "silent": "a Prometheus that is gone, found and explained",
    "rights": "a right that is missing, named",
    "refused": "a token that is refused",
    "teardown": "the removal, twice, and the diagnosis of what is not there",
}
LAB = ("built", "verify", "dashboards", "drill", "diagnose", "broken", "rights", "refused")


def tried(name: str, step: Callable[[], None]) -> dict[str, Any]:
    started = time.monotonic()
    outcome, reason = "passed", ""
    try:
        step()
    except (AssertionError, subprocess.SubprocessError, OSError, KeyError) as error:
        outcome, reason = "failed", f"{type(error).__name__}: {error}"[-3000:]
        print(f"{name}: {reason}", file=sys.stderr)
    return {
        "name": f"job: {name}",
        "outcome": outcome,
        "reason": reason,
        "seconds": round(time.monotonic() - started, 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the job templates on a real cluster as AWX does.")
    for option in ("kubeconfig", "context", "kubectl", "variables", "results"):
        parser.add_argument(f"--{option}", required=True)
    parser.add_argument("--steps", default=",".join(LAB), help=f"of {', '.join(STEPS)}")
    parser.add_argument("--path", default="", help="folder with helm and kubectl, as an execution environment has it")
    given = parser.parse_args()
    wanted = given.steps.split(",")
    if set(wanted) - set(STEPS):
        parser.error(f"--steps names {sorted(set(wanted) - set(STEPS))}; expected some of {', '.join(STEPS)}")
    folder = Path(tempfile.mkdtemp(prefix="argolab-jobs-"))
    folder.chmod(0o755)
    path = f"{given.path}:{awx_jobs.Controller.path}" if given.path else awx_jobs.Controller.path
    cluster = Cluster(given.kubectl, Path(given.kubeconfig), given.context)
    results: list[dict[str, Any]] = []
    try:
        jobs = Jobs(cluster, awx_jobs.Controller(folder, path, json.loads(given.variables)))
        results += [tried(STEPS[name], getattr(jobs, name)) for name in wanted]
    finally:
        for name in ("argolab-build", "argolab-verify"):
            cluster.forget(name)
        if not os.environ.get("ARGOLAB_KEEP_JOBS"):
            shutil.rmtree(folder, ignore_errors=True)
        Path(given.results).write_text(json.dumps(results, indent=1) + "\n")
    return 0 if all(item["outcome"] == "passed" for item in results) else 1


if __name__ == "__main__":
    sys.exit(main())
