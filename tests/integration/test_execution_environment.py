# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The execution environment: what ansible-builder makes of its definition, carried out on a root file system."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.argolab.observability.plugins.module_utils import debian_root, dockerd

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "argolab.observability"
BIN = Path(sys.executable).parent
DEFINITION = ROOT / "execution-environment.yml"
# A bare Debian with apt, as its container images are.
BASE = debian_root.DebianRoot("trixie", ["apt"])

IMPORT_ALL = """
import importlib, pathlib, sys
sys.path.insert(0, "/usr/share/ansible/collections")
top = pathlib.Path("/usr/share/ansible/collections/ansible_collections/argolab/observability/plugins")
names = [path.relative_to(top).with_suffix("").as_posix().replace("/", ".") for path in sorted(top.rglob("*.py"))]
for name in names:
    importlib.import_module("ansible_collections.argolab.observability.plugins." + name)
import kubernetes.client, plotly.offline, yaml
assert plotly.offline.get_plotlyjs()
print(len(names))
"""


@functools.lru_cache(maxsize=1)
def definition() -> dict[str, Any]:
    return yaml.safe_load(DEFINITION.read_text(encoding="utf-8"))


def run(*words: str | Path, **options: Any) -> str:
    env = {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
    }
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False, env=env, **options
    )
    assert done.returncode == 0, f"{words}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def kubernetes_core(folder: Path, wanted: str) -> Path:
    """An archive of kubernetes.core, as Galaxy gives it, out of the package `ansible` of an environment at hand."""
    pattern = "lib/python3.*/site-packages/ansible_collections/kubernetes/core"
    places = [place for venv in sorted(CACHE.glob("venv-*")) for place in venv.glob(pattern)]
    places += list(BIN.parent.glob(pattern))
    info = {place: json.loads((place / "MANIFEST.json").read_text())["collection_info"] for place in places}
    found = next((place for place in places if info[place]["version"] == wanted), places[-1])
    source = folder / "kubernetes.core"
    shutil.copytree(found, source, ignore=shutil.ignore_patterns("MANIFEST.json", "FILES.json", "__pycache__"))
    about = {key: value for key, value in info[found].items() if value not in (None, "")}
    (source / "galaxy.yml").write_text(yaml.safe_dump(about), encoding="utf-8")
    run(BIN / "ansible-galaxy", "collection", "build", "--output-path", folder, source)
    return next(folder.glob("kubernetes-core-*.tar.gz"))


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `ansible-builder create` makes. Galaxy is not asked, so that kubernetes.core is an archive, too."""
    folder = tmp_path_factory.mktemp("definition")
    run(BIN / "ansible-galaxy", "collection", "build", "--output-path", folder / "build", cwd=ROOT)
    changed = json.loads(json.dumps(definition()))
    first = changed["dependencies"]["galaxy"]["collections"][0]
    archive = kubernetes_core(folder, first["version"])
    changed["dependencies"]["galaxy"]["collections"][0] = {"name": f"archives/{archive.name}", "type": "file"}
    changed["additional_build_files"].append({"src": archive.name, "dest": "archives"})
    (folder / DEFINITION.name).write_text(yaml.safe_dump(changed, sort_keys=False), encoding="utf-8")
    run(
        BIN / "ansible-builder",
        "create",
        "-f",
        folder / DEFINITION.name,
        "-c",
        folder / "context",
        "--output-filename",
        "Containerfile",
    )
    return folder / "context"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: Any) -> None:
        pass


def program(pattern: str) -> Path:
    found = sorted((CACHE / "programs").glob(pattern))
    if not found:
        pytest.skip(f"the programs of the lab are not built here ({pattern} is missing): make lab")
    return found[-1]


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The programs that the lab built, in the layout of the upstream releases: the role's options that lead there."""
    defaults = yaml.safe_load((ROOT / "roles/cli_tools/defaults/main.yml").read_text(encoding="utf-8"))
    folder = tmp_path_factory.mktemp("releases")
    version = {name: defaults[f"cli_tools_{name}_version"] for name in ("k3d", "helm", "kubectl")}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as archive:
        archive.add(program("helm-*/helm"), "linux-amd64/helm")
    files = {
        f"k3d/{version['k3d']}/k3d-linux-amd64": program("k3d-*/k3d").read_bytes(),
        f"helm/helm-{version['helm']}-linux-amd64.tar.gz": packed.getvalue(),
        f"kubectl/{version['kubectl']}/bin/linux/amd64/kubectl": program("kubernetes-*/kubectl").read_bytes(),
    }
    sums = {path: f"{hashlib.sha256(content).hexdigest()}" for path, content in files.items()}
    k3d, helm, kubectl = files
    text = {
        k3d.replace("k3d-linux-amd64", "checksums.txt"): f"{sums[k3d]}  _dist/k3d-linux-amd64\n",
        f"{helm}.sha256sum": f"{sums[helm]}  {Path(helm).name}\n",
        f"{kubectl}.sha256": sums[kubectl],
    }
    for path, content in {**files, **{path: value.encode() for path, value in text.items()}}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    yield {f"cli_tools_{name}_url": f"{url}/{name}" for name in version}
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Debian's base image, with this machine's way to the package registries."""
    if os.geteuid() != 0:
        pytest.skip("a root file system is made and entered, which needs root")
    for name in ("mmdebstrap", "unshare", "chroot"):
        if shutil.which(name, path=dockerd.PATH) is None:
            pytest.skip(f"a root file system is made and entered, which needs {name}")
    archive = debian_root.build_root(BASE, str(CACHE / "test"))
    folder = tmp_path_factory.mktemp("base") / debian_root.root_key(BASE)
    folder.mkdir()
    run("tar", "-C", folder, "--extract", "--file", archive)
    listing = run(BIN / "pip", "config", "list")
    settings = dict(
        re.findall(r"^(?:global|install|:env:)\.(index-url|extra-index-url|cert|timeout)='(.*)'$", listing, re.M)
    )
    if Path(settings.get("cert", "")).is_file():
        shutil.copy(settings["cert"], folder / "etc" / "machine-authorities.crt")
        settings["cert"] = "/etc/machine-authorities.crt"
    lines = "".join(f"{key} = {value}\n" for key, value in settings.items())
    # Bytecode would take longer to write than it saves here.
    (folder / "etc" / "pip.conf").write_text(f"[global]\n{lines}[install]\nno-compile = true\n", encoding="utf-8")
    return folder


def carry_out(
    context: Path, base: Path, work: Path, arguments: dict[str, str], commands: dict[str, list[str]]
) -> dict[str, Any]:
    job = {"context": context, "root": base, "work": work, "cache": CACHE / "test" / "containerfile"}
    Path(job["cache"]).mkdir(parents=True, exist_ok=True)
    told = {**{key: str(value) for key, value in job.items()}, "arguments": arguments, "commands": commands}
    script = ROOT / "tests" / "integration" / "files" / "containerfile.py"
    done = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", sys.executable, str(script)],
        input=json.dumps(told), capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    print(done.stderr)
    assert done.returncode == 0, done.stderr[-6000:]
    made: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return made


@pytest.fixture(scope="module")
def image(
    context: Path, base: Path, releases: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Answers of commands in the image that the Containerfile makes, each as its user through its entry point."""
    collection = "/usr/share/ansible/collections/ansible_collections/argolab/observability"
    modules = [f"argolab.observability.{path.stem}" for path in sorted((ROOT / "plugins/modules").glob("*.py"))]
    tools = json.dumps({"artifact_source_effective": "upstream", "lab_cache_dir": "/tmp/cache", **releases})
    values = {"lab_build_dir": "/tmp/build", "artifact_source": "upstream"}
    unreachable = "kind=Pod host=http://127.0.0.1:1 api_key=none"
    role = ["ansible.builtin.include_role", "-a", "name=argolab.observability.cli_tools"]
    commands = {
        "documentation": ["ansible-doc", "--json", *modules],
        "imports": ["python3", "-c", IMPORT_ALL],
        "values": [
            "ansible-playbook", "-i", f"{collection}/inventory/existing", "-e", json.dumps(values),
            "argolab.observability.values",
        ],
        "written": ["find", "/tmp/build", "-name", "*.yaml"],
        "kubernetes": ["ansible", "localhost", "-m", "kubernetes.core.k8s_info", "-a", unreachable],
        "helm": ["helm", "version", "--short"],
        "kubectl": ["kubectl", "version", "--client"],
        "k3d": ["k3d", "version"],
        "tools again": [
            "ansible", "localhost", "-m", *role, "-e", tools,
        ],
        "runner": ["ansible-runner", "--version"],
        "core": ["ansible", "--version"],
        "packages": ["python3", "-m", "pip", "list", "--format=json"],
        "whoami": ["id", "-u"],
    }  # fmt: skip
    arguments = {"CLI_TOOLS": json.dumps(releases)}
    return carry_out(context, base, tmp_path_factory.mktemp("work"), arguments, commands)


def test_builder_makes_of_the_definition_what_it_says(context: Path) -> None:
    text = (context / "Containerfile").read_text(encoding="utf-8")
    dependencies = definition()["dependencies"]
    refs = f"{dependencies['ansible_core']['package_pip']} {dependencies['ansible_runner']['package_pip']}"
    assert f'ARG EE_BASE_IMAGE="{definition()["images"]["base_image"]["name"]}"' in text
    assert f'ARG ANSIBLE_INSTALL_REFS="{refs}"' in text
    assert "name=argolab.observability.cli_tools" in text
    assert (context / "_build/requirements.txt").read_text().split() == dependencies["python"]
    wanted = yaml.safe_load((context / "_build/requirements.yml").read_text())["collections"]
    assert all((context / "_build" / one["name"]).is_file() for one in wanted)


def test_builder_finds_what_the_collections_ask_for(context: Path, tmp_path: Path) -> None:
    """What `ansible-builder introspect` collects from the installed archives."""
    archives = sorted((context / "_build" / "archives").glob("*.tar.gz"))
    run(BIN / "ansible-galaxy", "collection", "install", "--offline", "--no-deps", "-p", tmp_path, *archives)
    run(
        BIN / "ansible-builder",
        "introspect",
        "--write-pip",
        tmp_path / "pip",
        "--write-bindep",
        tmp_path / "bindep",
        tmp_path,
    )
    python = re.findall(r"^([\w-]+)\S*\s+# from collection argolab", (tmp_path / "pip").read_text(), re.MULTILINE)
    system = re.findall(r"^(\S+).*# from collection argolab", (tmp_path / "bindep").read_text(), re.MULTILINE)
    assert python == ["kubernetes", "plotly"]  # PyYAML is left out: ansible-core brings it
    assert system == ["ca-certificates"]


def _number(text: str) -> list[int]:
    return [int(part) for part in text.split(".")]


def test_pins_are_those_of_the_lab() -> None:
    """requirements.txt decides what is tested; the definition may name nothing else."""
    lab = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    pins = dict(re.findall(r'^([\w-]+)==([\w.]+)(?:; python_version >= "3.12")?$', lab, re.M))
    dependencies = definition()["dependencies"]
    named = [dependencies["ansible_core"]["package_pip"], *dependencies["python"]]
    assert named == [f"{one.split('==')[0]}=={pins[one.split('==')[0]]}" for one in named]
    asked = re.findall(r"^([\w-]+)>=([\d.]+)$", (ROOT / "meta/ee-requirements.txt").read_text(), re.MULTILINE)
    assert {name for name, _version in asked} == {one.split("==")[0] for one in dependencies["python"]}
    assert not [name for name, least in asked if _number(pins[name]) < _number(least)]
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    archive = f"argolab-observability-{galaxy['version']}.tar.gz"
    assert dependencies["galaxy"]["collections"][1]["name"] == f"archives/{archive}"
    assert definition()["additional_build_files"] == [{"src": f"build/{archive}", "dest": "archives"}]
    assert set(galaxy["dependencies"]) == {"kubernetes.core"}


def test_programs_have_one_source_of_versions() -> None:
    """The definition runs the role; a version of helm, kubectl or k3d of its own would be a second one."""
    text = DEFINITION.read_text(encoding="utf-8")
    defaults = yaml.safe_load((ROOT / "roles/cli_tools/defaults/main.yml").read_text(encoding="utf-8"))
    versions = [value.lstrip("v") for key, value in defaults.items() if key.endswith("_version")]
    assert len(versions) == 3
    assert not [version for version in versions if version in text]
    assert "name=argolab.observability.cli_tools" in text


def answer(image: dict[str, Any], name: str) -> str:
    got = image["answers"][name]
    assert got["code"] == 0, got["output"][-3000:]
    return str(got["output"])


def test_image_has_the_documentation_of_every_module(image: dict[str, Any]) -> None:
    listed = json.loads(answer(image, "documentation"))
    assert {name.rsplit(".", 1)[-1] for name in listed} == {
        path.stem for path in (ROOT / "plugins/modules").glob("*.py")
    }


def test_image_imports_every_plugin(image: dict[str, Any]) -> None:
    assert int(answer(image, "imports").splitlines()[-1]) == len(list((ROOT / "plugins").rglob("*.py")))


def test_image_runs_a_playbook_of_the_collection(image: dict[str, Any]) -> None:
    assert re.search(r"failed=0", answer(image, "values"))
    assert answer(image, "written").split()


def test_image_has_the_library_of_kubernetes_core(image: dict[str, Any]) -> None:
    """It fails to connect, which is as far as a module without its Python library does not come."""
    got = image["answers"]["kubernetes"]
    assert got["code"] != 0
    assert "Failed to import" not in got["output"]
    assert re.search(r"Connection refused|Max retries", got["output"]), got["output"]


@pytest.mark.parametrize(
    ("name", "shown"), [("helm", r"^v\d"), ("kubectl", r"Client Version: v\d"), ("k3d", r"k3d version")]
)
def test_image_has_the_programs(image: dict[str, Any], name: str, shown: str) -> None:
    assert re.search(shown, answer(image, name), re.MULTILINE)


def test_jobs_find_the_programs_of_the_image(image: dict[str, Any]) -> None:
    """The role, run by a user who may not write there, has nothing to do."""
    assert '"changed": true' not in answer(image, "tools again")
    assert image["env"]["ARGOLAB_BIN_DIR"] == "/opt/argolab/bin"


def test_image_has_the_pinned_versions(image: dict[str, Any]) -> None:
    dependencies = definition()["dependencies"]
    wanted = [
        dependencies["ansible_core"]["package_pip"],
        dependencies["ansible_runner"]["package_pip"],
        *dependencies["python"],
    ]
    have = {one["name"].lower(): one["version"] for one in json.loads(answer(image, "packages"))}
    assert {one: have.get(one.split("==")[0].lower()) for one in wanted} == {one: one.split("==")[1] for one in wanted}
    assert answer(image, "core").startswith(f"ansible [core {have['ansible-core']}]")
    assert answer(image, "runner").strip().endswith(have["ansible-runner"])


def test_image_runs_as_no_root(image: dict[str, Any]) -> None:
    assert answer(image, "whoami").strip() == "1000"
