# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a job template as AWX runs it: by ansible-runner, in a private data folder with what AWX 24.6.1 puts there.

That is a copy of the project without its .git, the inventory as a script that prints JSON, the variables of the
template with the survey's answers, and the credential's files and variables as the injectors of its type make them.
Nothing of this machine's environment goes with it.
"""

from __future__ import annotations

import base64
import functools
import json
import os
import shutil
import stat
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from jinja2 import sandbox

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent
IDENT = "7"
# The user of a container's job is nobody special. It may read what the tests' own environment is made of, and write
# only what is its own.
NOBODY = 65534


class Unsafe(str):
    """A text that Ansible must not take for a template."""


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text)))


def unsafe(value: Any) -> Any:
    """As AWX writes what does not come from the template itself: answers of a survey, variables of a credential."""
    if isinstance(value, str):
        return Unsafe(value)
    if isinstance(value, dict):
        return {unsafe(key): unsafe(item) for key, item in value.items()}
    return [unsafe(item) for item in value] if isinstance(value, list) else value


def templates() -> dict[str, dict[str, Any]]:
    """The job templates by name."""
    content = yaml.safe_load((ROOT / "awx" / "job_templates.yml").read_text(encoding="utf-8"))
    return {item["name"]: item for item in content}


def credential_types() -> dict[str, dict[str, Any]]:
    content = yaml.safe_load((ROOT / "awx" / "credential_types.yml").read_text(encoding="utf-8"))
    return {item["name"]: item for item in content}


def make_project(folder: Path) -> Path:
    """A plain clone of the checkout; what is not committed yet is part of what is tested."""
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(folder)], check=True, timeout=120)
    changed = subprocess.run(
        ["git", "ls-files", "-z", "--modified", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True, timeout=60,
    ).stdout  # fmt: skip
    for name in filter(None, changed.split("\0")):
        source, target = ROOT / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
        else:
            target.unlink(missing_ok=True)
    return folder


@dataclass
class Outcome:
    """What a job left.

    :param artifacts: what C(set_stats) set, as AWX shows it.
    """

    status: str
    stdout: str
    events: list[dict[str, Any]]
    folder: Path
    seconds: float

    @functools.cached_property
    def artifacts(self) -> dict[str, Any]:
        for event in self.events:
            if event.get("event") == "playbook_on_stats":
                return dict(event["event_data"].get("artifact_data") or {})
        return {}

    @property
    def text(self) -> str:
        """The output with single spaces: Ansible breaks long lines where it likes."""
        return " ".join(self.stdout.split())

    @property
    def evidence(self) -> dict[str, Any]:
        """The artifact of the only host."""
        found = self.artifacts.get("argolab_evidence") or {}
        return dict(next(iter(found.values()), {}))

    def changed(self) -> int:
        """How many tasks changed something, by the recap."""
        for event in self.events:
            if event.get("event") == "playbook_on_stats":
                return sum((event["event_data"].get("changed") or {}).values())
        return -1

    def failures(self) -> str:
        """Messages of the tasks that failed."""
        return "\n".join(
            str((event["event_data"].get("res") or {}).get("msg"))
            for event in self.events
            if event.get("event") == "runner_on_failed"
        )

    def spilled(self, *secrets: str) -> list[str]:
        """Files outside env/ in which a secret is, plain or in base64."""
        wanted = [
            form for secret in secrets for form in (secret.encode(), base64.b64encode(secret.encode()).rstrip(b"="))
        ]
        return [
            str(path.relative_to(self.folder))
            for path in self.folder.rglob("*")
            if path.is_file() and not path.is_symlink() and path.relative_to(self.folder).parts[0] != "env"
            and any(secret in path.read_bytes() for secret in wanted)
        ]  # fmt: skip


@dataclass
class Controller:
    """Starts jobs; each has its own private data folder below C(folder).

    :param path: the job's search path; helm and kubectl are on it where an execution environment would bring them.
    :param variables: variables of the inventory's group, as somebody sets them in AWX for his clusters.
    """

    folder: Path
    path: str = f"{BIN}:/usr/bin:/bin"
    variables: dict[str, Any] = field(default_factory=dict)
    credential: str = ""
    inputs: dict[str, str] = field(default_factory=dict)
    jobs: int = 0

    @functools.cached_property
    def project(self) -> Path:
        return make_project(self.folder / "project")

    @functools.cached_property
    def inventory(self) -> dict[str, Any]:
        """What AWX holds after it has read inventory/existing from the project: expressions stay as they are."""
        done = subprocess.run(
            [str(BIN / "ansible-inventory"), "-i", "inventory/existing", "--list", "--export"],
            cwd=self.project, env=self._environment(self.folder), capture_output=True, text=True, check=True,
            timeout=60,
        )  # fmt: skip
        found: dict[str, Any] = json.loads(done.stdout)
        found.pop("_meta", None)
        hosts = found["clusters"].setdefault("hosts", [])
        found["clusters"].setdefault("vars", {}).update(self.variables)
        known = json.loads(done.stdout).get("_meta", {}).get("hostvars", {})
        number = {
            name: {"remote_tower_enabled": "true", "remote_tower_id": index} for index, name in enumerate(hosts, 1)
        }
        found["_meta"] = {"hostvars": {name: {**known.get(name, {}), **number[name]} for name in hosts}}
        return found

    def _environment(self, home: Path) -> dict[str, str]:
        # The user of a container has a home by the password file as well, nobody has none.
        tmp = f"{home}/.ansible/tmp"
        return {
            "PATH": self.path,
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_REMOTE_TEMP": tmp,
        }

    def run(
        self,
        name: str,
        answers: dict[str, Any] | None = None,
        *,
        credential: str | None = None,
        inputs: dict[str, str] | None = None,
        extra: dict[str, Any] | None = None,
        limits: bool = True,
        timeout: float = 600,
    ) -> Outcome:
        """Launch a template.

        :param answers: answers of the survey; the others are its defaults.
        :param extra: more variables of the template.
        :param limits: refuse answers that AWX itself refuses; V(False) is how somebody gets them in by the API.
        """
        template = templates()[name]
        self.jobs += 1
        private = self.folder / f"job-{self.jobs}"
        home = self.folder / f"home-{self.jobs}"
        for path in (private, private / "env", private / "inventory", home):
            path.mkdir(mode=0o700)
        shutil.copytree(self.project, private / "project", symlinks=True, ignore=shutil.ignore_patterns(".git"))
        script = private / "inventory" / "hosts"
        script.write_text(f"#! /usr/bin/env python3\n# -*- coding: utf-8 -*-\nprint({json.dumps(self.inventory)!r})\n")
        script.chmod(0o700)
        survey = survey_answers(template, answers or {}) if limits else dict(answers or {})
        variables = {**(template.get("extra_vars") or {}), **(extra or {}), **unsafe(survey)}
        meta = {f"{prefix}_job_id": int(IDENT) for prefix in ("awx", "tower")}
        self._write(private / "env" / "extravars", {**variables, **meta})
        arguments = ["-u", "root", *self._inject(private, credential or self.credential, inputs or self.inputs)]
        for option, key in (("-t", "job_tags"), ("--skip-tags", "skip_tags")):
            if template.get(key):
                arguments += [option, str(template[key])]
        (private / "env" / "cmdline").write_text(" ".join(arguments))
        self._write(private / "env" / "envvars", self._job_environment(private))
        self._write(private / "env" / "settings", {"suppress_ansible_output": True, "job_timeout": int(timeout)})
        self._own(private, home)
        return self._launch(private, home, template["playbook"], timeout)

    @staticmethod
    def _write(path: Path, content: Any) -> None:
        path.write_text(yaml.dump(content, Dumper=_Dumper, sort_keys=False))
        path.chmod(0o600)

    def _job_environment(self, private: Path) -> dict[str, str]:
        """What AWX sets; it looks into the project's ansible.cfg, and puts its own folders around what that says."""
        collections = "~/.ansible/collections:/usr/share/ansible/collections"
        return {
            "JOB_ID": IDENT, "INVENTORY_ID": "1", "ANSIBLE_FORCE_COLOR": "False", "ANSIBLE_HOST_KEY_CHECKING": "False",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True", "ANSIBLE_PARAMIKO_RECORD_HOST_KEYS": "False",
            "ANSIBLE_RETRY_FILES_ENABLED": "False", "MAX_EVENT_RES": "700000", "PROJECT_REVISION": "0" * 40,
            "ANSIBLE_COLLECTIONS_PATH": f"{private}/requirements_collections:.collections:{collections}",
            "ANSIBLE_ROLES_PATH": f"{private}/requirements_roles:roles:~/.ansible/roles:/usr/share/ansible/roles",
        }  # fmt: skip

    def _inject(self, private: Path, credential: str, inputs: dict[str, str]) -> list[str]:
        """The files and variables of a credential, made as AWX makes them; returns arguments of ansible-playbook."""
        if not credential:
            return []
        injectors = credential_types()[credential]["injectors"]
        environment = sandbox.ImmutableSandboxedEnvironment()

        class Namespace:
            filename: Any

        tower = Namespace()
        values = {"tower": tower, **{key: value for key, value in inputs.items() if value}}
        for label, template in (injectors.get("file") or {}).items():
            path = private / "env" / f"tmp{label.replace('.', '-')}"
            path.write_text(environment.from_string(template).render(**values))
            path.chmod(stat.S_IRUSR | stat.S_IWUSR)
            assert "." not in label, "only the Prometheus type has several files, and no job template uses it"
            tower.filename = str(path)
        variables = {
            key: environment.from_string(template).render(**values)
            for key, template in (injectors.get("extra_vars") or {}).items()
        }
        path = private / "env" / "tmpvariables"
        self._write(path, unsafe(variables))
        return ["-e", f"@{path}"]

    def _own(self, *folders: Path) -> None:
        if os.geteuid() != 0:
            return
        for folder in folders:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)

    def _launch(self, private: Path, home: Path, playbook: str, timeout: float) -> Outcome:
        runner = [str(BIN / "ansible-runner"), "run", str(private), "--playbook", playbook, "--ident", IDENT, "--quiet"]
        if os.geteuid() == 0:
            read = "-all,+dac_read_search"
            runner = [
                "/usr/bin/setpriv", "--securebits=+no_setuid_fixup", f"--reuid={NOBODY}", f"--regid={NOBODY}",
                "--clear-groups", f"--inh-caps={read}", f"--ambient-caps={read}", f"--bounding-set={read}", *runner,
            ]  # fmt: skip
        started = time.monotonic()
        done = subprocess.run(
            runner, cwd=private, env=self._environment(home), capture_output=True, text=True, check=False,
            timeout=timeout + 60,
        )  # fmt: skip
        left = private / "artifacts" / IDENT
        if not (left / "status").is_file():
            raise AssertionError(f"ansible-runner started no job: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        events = [json.loads(path.read_text()) for path in (left / "job_events").glob("*.json")]
        return Outcome(
            status=(left / "status").read_text().strip(),
            stdout=(left / "stdout").read_text(),
            events=sorted(events, key=lambda event: int(event["counter"])),
            folder=private,
            seconds=time.monotonic() - started,
        )


def survey_answers(template: dict[str, Any], answers: dict[str, Any]) -> dict[str, Any]:
    """What a survey gives a job: its defaults, and answers that it lets through.

    :raises ValueError: as AWX refuses to launch.
    """
    found: dict[str, Any] = {}
    questions = (template.get("survey_spec") or {}).get("spec") or [] if template.get("survey_enabled") else []
    for question in questions:
        name, kind = question["variable"], question["type"]
        value = answers.get(name, question.get("default"))
        if value is None or value == "":
            continue
        size = len(value) if kind in ("text", "textarea", "password") else value
        if kind in ("integer", "float", "text", "textarea", "password") and not (
            question.get("min", size) <= size <= question.get("max", size)
        ):
            raise ValueError(f"{name} is {value}; the survey takes {question.get('min')} to {question.get('max')}")
        if kind == "multiplechoice" and value not in question["choices"]:
            raise ValueError(f"{name} is {value}; the survey takes {question['choices']}")
        found[name] = value
    unknown = set(answers) - {question["variable"] for question in questions}
    if unknown:
        raise ValueError(f"the survey of {template['name']} does not ask for {sorted(unknown)}")
    return found


def kubeconfig_inputs(kubeconfig: Path, context: str) -> dict[str, str]:
    """Inputs of the type with a kubeconfig."""
    return {"kubeconfig": kubeconfig.read_text(encoding="utf-8"), "context": context}
