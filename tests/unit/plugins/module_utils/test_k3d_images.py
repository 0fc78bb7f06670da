# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names and versions of images, what nodes say of them, and what a run makes of it on an engine played here."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils import k3d_images
from ansible_collections.argolab.observability.plugins.module_utils.docker_engine import Executed
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.k3d_cli import Answer
from ansible_collections.argolab.observability.plugins.module_utils.k3d_images import ImageRunner, Wanted
from ansible_collections.argolab.observability.plugins.module_utils.k3d_state import Cluster, Node

CONFIG, MANIFEST, INDEX, OTHER = (f"sha256:{letter * 64}" for letter in "abcd")
NAME = "docker.io/argolab/x:1"
SERVER, AGENT = "k3d-lab-server-0", "k3d-lab-agent-0"
ABSENT = Executed(126, 'OCI runtime exec failed: exec: "crictl": executable file not found in $PATH: unknown\r\n', "")

# As printed by ctr 1.7.24 in a node, after k3d image import -m direct.
CTR = f"""\
REF                                TYPE                                                 DIGEST            SIZE      PLATFORMS   LABELS
{NAME}              application/vnd.docker.distribution.manifest.v2+json {MANIFEST} 11.3 KiB  linux/amd64 io.cri-containerd.image=managed
registry.k8s.io/pause:3.10.2       application/vnd.oci.image.manifest.v1+json           {OTHER} 268.2 MiB linux/amd64 io.cri-containerd.image=managed
{CONFIG} application/vnd.docker.distribution.manifest.v2+json {MANIFEST} 11.3 KiB  linux/amd64 io.cri-containerd.image=managed
"""  # noqa: E501


def crictl(*names: str, config: str = CONFIG, digests: Any = ()) -> str:
    """As printed by crictl 1.34."""
    image = {"id": config, "repoTags": list(names), "repoDigests": digests, "size": "11555", "pinned": False}
    return json.dumps({"images": [image]})


def wanted(name: str = NAME, *digests: str) -> Wanted:
    return Wanted("argolab/x:1", name, "argolab/x:1", digests[0] if digests else "", frozenset(digests))


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1", "docker.io/library/nginx:1"),
        ("library/nginx:1", "docker.io/library/nginx:1"),
        ("docker.io/nginx:1", "docker.io/library/nginx:1"),
        ("index.docker.io/library/nginx:1", "docker.io/library/nginx:1"),
        ("argolab/x:1", NAME),
        ("docker.io/argolab/x:1", NAME),
        ("localhost/x", "localhost/x:latest"),
        ("registry:5000/x", "registry:5000/x:latest"),
        ("registry:5000/a/b:2", "registry:5000/a/b:2"),
        ("quay.io/a/b:2", "quay.io/a/b:2"),
        (f"quay.io/a/b@{INDEX}", f"quay.io/a/b@{INDEX}"),
    ],
)
def test_canonical_names(reference: str, expected: str) -> None:
    assert k3d_images.canonical(reference) == expected
    assert k3d_images.canonical(expected) == expected


def test_each_image_once_and_none_by_digest() -> None:
    names = k3d_images.by_canonical_name(["x:1", "docker.io/library/x:1", "y"])
    assert names == {"docker.io/library/x:1": "x:1", "docker.io/library/y:latest": "y"}
    with pytest.raises(DefiniteError, match=r"images has x:1@sha256:c+: k3d imports by tag only.*such as x:1$"):
        k3d_images.by_canonical_name([f"x:1@{INDEX}"])


def test_what_the_engine_says() -> None:
    inspected = {"Id": CONFIG, "RepoTags": ["other:2", "argolab/x:1"], "RepoDigests": [f"argolab/x@{INDEX}"]}
    found = k3d_images.on_engine("docker.io/argolab/x:1", NAME, inspected)
    # k3d looks for the very tag of the engine
    assert found == Wanted("docker.io/argolab/x:1", NAME, "argolab/x:1", CONFIG, frozenset({CONFIG, INDEX}))
    assert found.version == "a" * 12
    assert k3d_images.on_engine("x", NAME, {"Id": CONFIG, "RepoTags": None}).tag == NAME
    assert k3d_images.on_engine("x", NAME, None) == Wanted("x", NAME, NAME, "", frozenset())


def test_what_crictl_says() -> None:
    held = k3d_images.parse_crictl(crictl(NAME, "docker.io/argolab/y:1", digests=[f"docker.io/argolab/x@{INDEX}"]))
    assert held == {NAME: {CONFIG, INDEX}, "docker.io/argolab/y:1": {CONFIG, INDEX}}
    assert k3d_images.parse_crictl(crictl(NAME, digests=None)) == {NAME: {CONFIG}}
    # an image that lost its name to another
    assert k3d_images.parse_crictl(crictl()) == {}
    assert k3d_images.parse_crictl('{"images": null}') == {}
    for broken in ("", "null", "[]", "{}", '{"images": [1]}', '{"images": [{}]}'):
        with pytest.raises(ValueError):
            k3d_images.parse_crictl(broken)


def test_what_ctr_says() -> None:
    held = k3d_images.parse_ctr(CTR)
    assert held == {NAME: {MANIFEST, CONFIG}, "registry.k8s.io/pause:3.10.2": {OTHER}}
    assert k3d_images.parse_ctr("REF TYPE DIGEST SIZE PLATFORMS LABELS\n") == k3d_images.parse_ctr("") == {}


def test_what_a_manifest_says() -> None:
    assert k3d_images.parse_manifest(json.dumps({"config": {"digest": CONFIG}, "layers": []})) == {CONFIG}
    assert k3d_images.parse_manifest(json.dumps({"manifests": [{"digest": MANIFEST}, {"digest": OTHER}]})) == {
        MANIFEST,
        OTHER,
    }
    # the configuration itself has a part named config
    for broken in ("", "[]", "{}", '{"config": {"Env": []}}', "ctr: content digest not found"):
        with pytest.raises(ValueError):
            k3d_images.parse_manifest(broken)


def test_versions_are_compared_not_names() -> None:
    held = k3d_images.parse_ctr(CTR)
    assert k3d_images.has(held, wanted(NAME, CONFIG))
    assert k3d_images.has(held, wanted(NAME, MANIFEST, INDEX))
    assert not k3d_images.has(held, wanted(NAME, OTHER))
    assert not k3d_images.has(held, wanted(NAME))
    assert not k3d_images.has(held, wanted("docker.io/argolab/y:1", CONFIG))
    assert k3d_images.state(held, wanted(NAME, CONFIG)) == "a" * 12
    assert k3d_images.state(held, wanted(NAME, OTHER)) == f"another version ({'a' * 12}, {'b' * 12})"
    assert k3d_images.state(held, wanted("docker.io/argolab/y:1", CONFIG)) == "absent"
    nodes = {SERVER: held, AGENT: {}}
    assert k3d_images.lacking([wanted(NAME, CONFIG)], nodes) == [(wanted(NAME, CONFIG), AGENT)]
    assert k3d_images.described([wanted(NAME, CONFIG)], nodes) == (
        f"argolab/x:1 in {SERVER}: {'a' * 12}\nargolab/x:1 in {AGENT}: absent\n"
    )
    full = {SERVER: held, AGENT: held}
    assert k3d_images.described([wanted(NAME, CONFIG)], full) == k3d_images.described_goal(
        [wanted(NAME, CONFIG)], [SERVER, AGENT]
    )


class Lab:
    """An engine, a k3d and nodes with crictl or ctr, as a run asks them."""

    def __init__(self) -> None:
        self.docker_host = "unix:///played"
        self.store: dict[str, str] = {"argolab/x:1": CONFIG, "nginx:1": INDEX}
        self.registry: dict[str, str] = {}
        self.nodes: dict[str, dict[str, str]] = {SERVER: {}, AGENT: {}}
        self.states: dict[str, str] = {}
        self.programs = {"ctr"}
        self.answer = Answer(0, "INFO[0001] Successfully imported 1 image(s) into 1 cluster(s)\n", "")
        self.imports: list[list[str]] = []
        self.limits: list[float] = []
        # what the first tries end in, without an image in any node
        self.failures: list[Answer | ArgolabError] = []
        self.executed: list[str] = []
        self.deaf: set[str] = set()
        self.late = 0
        self.manifests: dict[str, str] = {}

    # the engine
    def image(self, name: str) -> dict[str, Any] | None:
        for tag, digest in self.store.items():
            if k3d_images.canonical(tag) == name:
                return {"Id": digest, "RepoTags": [tag], "RepoDigests": []}
        return None

    def pull(self, name: str, timeout: float) -> None:
        if name not in self.registry:
            raise ArgolabError("pull access denied")
        self.store[name] = self.registry[name]

    def exec(self, node: str, command: tuple[str, ...], timeout: float = 60) -> Executed:
        self.executed.append(command[0])
        if command[0] not in self.programs:
            return ABSENT
        if "content" in command:
            return Executed(0, self.manifests.get(command[-1], ""), "")
        held = {} if self.late > 0 else self.nodes[node]
        self.late -= 1
        if command[0] == "crictl":
            images = [{"id": digest, "repoTags": [name], "repoDigests": []} for name, digest in held.items()]
            return Executed(0, json.dumps({"images": images}), "level=warning")
        rows = [f"{name} type {digest} 1 MiB linux/amd64 -" for name, digest in held.items()]
        return Executed(0, "\n".join(["REF TYPE DIGEST SIZE PLATFORMS LABELS", *rows]), "")

    # k3d
    def cluster(self, name: str) -> Cluster | None:
        if name != "lab":
            return None
        roles = {SERVER: "server", AGENT: "agent", "k3d-lab-serverlb": "loadbalancer"}
        nodes = tuple(Node(node, role, self.states.get(node, "running"), "", "") for node, role in roles.items())
        return Cluster("lab", "k3d-lab", "", nodes, "", None, frozenset())

    def import_images(self, name: str, images: list[str], timeout: float) -> Answer:
        self.imports.append(images)
        self.limits.append(timeout)
        if self.failures:
            failure = self.failures.pop(0)
            if isinstance(failure, ArgolabError):
                raise failure
            return failure
        for node, held in self.nodes.items():
            if node not in self.deaf:
                held.update({k3d_images.canonical(tag): self.store[tag] for tag in images})
        return self.answer


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Lab:
    made = Lab()
    monkeypatch.setattr(k3d_images, "engine_from_params", lambda _params: made)
    monkeypatch.setattr(k3d_images, "K3d", lambda _binary, _docker_host: made)
    monkeypatch.setattr(k3d_images, "Reader", lambda _k3d, _engine: made)
    monkeypatch.setattr(k3d_images, "SETTLE_SECONDS", 0.05)
    monkeypatch.setattr(k3d_images, "POLL_SECONDS", 0.01)
    return made


Run = Callable[..., "tuple[dict[str, Any], list[str]]"]


@pytest.fixture
def run(lab: Lab) -> Run:
    def run(check: bool = False, **changes: Any) -> tuple[dict[str, Any], list[str]]:
        params = {"name": "lab", "images": ["argolab/x:1"], "pull": True, "k3d_binary": "/bin/true"}
        runner = ImageRunner({**params, "docker_host": None, "timeout": 60, **changes}, check)
        result = runner.run()
        assert ("diff" in result) == result["changed"] == bool(result["actions"])
        return result, runner.notes

    return run


@pytest.mark.parametrize("programs", [{"ctr"}, {"crictl"}, {"crictl", "ctr"}])
def test_imported_once_where_it_is_missing(lab: Lab, run: Run, programs: set[str]) -> None:
    lab.programs = programs
    lab.nodes[AGENT][NAME] = CONFIG
    expected = [f"import argolab/x:1 into {SERVER}", f"import nginx:1 into {SERVER}", f"import nginx:1 into {AGENT}"]
    images = ["argolab/x:1", "nginx:1"]
    predicted, notes = run(True, images=images)
    assert predicted["actions"] == expected and not lab.imports and not notes
    assert predicted["images"] == [{"name": "argolab/x:1", "nodes": [AGENT]}, {"name": "nginx:1", "nodes": []}]
    real = run(images=images)[0]
    assert real["actions"] == expected and lab.imports == [images] and real["diff"] == predicted["diff"]
    assert real["images"] == [{"name": name, "nodes": [SERVER, AGENT]} for name in images]
    for check in (True, False):
        same = run(check, images=images)[0]
        assert not same["changed"] and same["images"] == real["images"]
    # built anew under the same name: only that one again
    lab.store["argolab/x:1"] = OTHER
    again = run(images=images)[0]
    assert again["actions"] == [f"import argolab/x:1 into {SERVER}", f"import argolab/x:1 into {AGENT}"]
    assert f"argolab/x:1 in {SERVER}: another version ({'a' * 12})" in again["diff"]["before"]
    assert lab.imports == [images, ["argolab/x:1"]]


def test_crictl_is_enough_where_it_tells(lab: Lab, run: Run) -> None:
    lab.programs = {"crictl", "ctr"}
    lab.nodes = {SERVER: {NAME: CONFIG}, AGENT: {NAME: CONFIG}}
    run()
    assert lab.executed == ["crictl", "crictl"]


def test_a_version_that_only_its_manifest_tells(lab: Lab, run: Run) -> None:
    """As after the second import under one name: containerd has no line for the digest of the configuration."""
    lab.nodes = {SERVER: {NAME: MANIFEST}, AGENT: {NAME: INDEX}}
    lab.manifests = {MANIFEST: json.dumps({"config": {"digest": CONFIG}}), INDEX: "ctr: not found"}
    result = run(True)[0]
    assert result["actions"] == [f"import argolab/x:1 into {AGENT}"]
    assert result["images"] == [{"name": "argolab/x:1", "nodes": [SERVER]}]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(0, "", "ERRO[0000] failed to import images in node 'x'\n"), "failed to import images in node 'x'"),
        (Answer(0, "INFO[0001] Imported\nINFO[0002] Done\n", ""), "INFO[0001] Imported | INFO[0002] Done"),
        (Answer(1, "", ""), "exit code 1 and said: nothing"),
    ],
)
def test_what_a_node_lacks_after_the_import_is_named(lab: Lab, run: Run, answer: Answer, said: str) -> None:
    lab.answer, lab.deaf = answer, {AGENT}
    with pytest.raises(ArgolabError) as caught:
        run()
    assert f"argolab/x:1 ({'a' * 12}) in node {AGENT}: absent" in str(caught.value)
    assert f"k3d ended with exit code {answer.code} and said: " in str(caught.value)
    assert said in str(caught.value) and SERVER not in str(caught.value)
    # what ended well is not tried again
    assert len(lab.imports) == (3 if answer.code else 1)
    lab.nodes[AGENT][NAME] = OTHER
    with pytest.raises(ArgolabError, match=f"in node {AGENT}: another version"):
        run()


def test_what_the_nodes_have_counts_and_not_what_k3d_says(lab: Lab, run: Run) -> None:
    lab.answer = Answer(1, "", "ERRO[0000] something else\n")
    assert run()[0]["changed"]


HANGS = ArgolabError("k3d image import argolab/x:1 did not end within 15 s")
BREAKS = Answer(1, "", "ERRO[0000] failed to copy read stream\n")


@pytest.mark.parametrize("failures", [[HANGS], [BREAKS], [BREAKS, BREAKS], [HANGS, BREAKS]])
def test_tried_again_after_k3d_lost_a_node(lab: Lab, run: Run, failures: list[Answer | ArgolabError]) -> None:
    lab.failures = list(failures)
    assert run()[0]["images"] == [{"name": "argolab/x:1", "nodes": [SERVER, AGENT]}]
    assert len(lab.imports) == len(failures) + 1
    # most of the time is left for the others
    assert lab.limits[0] == 15 and 55 < lab.limits[1] < 60


def test_not_tried_for_ever(lab: Lab, run: Run) -> None:
    lab.failures = [BREAKS] * 9
    with pytest.raises(ArgolabError, match="k3d ended with exit code 1 and said: failed to copy read stream"):
        run()
    assert len(lab.imports) == 3
    lab.failures, lab.imports = [HANGS] * 9, []
    with pytest.raises(ArgolabError, match=f"in node {AGENT}: absent. k3d image import argolab/x:1 did not end within"):
        run(timeout=1)
    assert len(lab.imports) == 1
    lab.failures, lab.imports = [DefiniteError("there is no k3d")], []
    with pytest.raises(DefiniteError, match="there is no k3d"):
        run()
    assert len(lab.imports) == 1


def test_the_kubelet_is_given_a_moment(lab: Lab, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(k3d_images, "SETTLE_SECONDS", 30)
    lab.late = 6
    assert run()[0]["images"] == [{"name": "argolab/x:1", "nodes": [SERVER, AGENT]}]


def test_pulled_where_the_engine_lacks_it(lab: Lab, run: Run) -> None:
    lab.registry["quay.io/a/b:2"] = OTHER
    actions = ["pull quay.io/a/b:2", *(f"import quay.io/a/b:2 into {node}" for node in (SERVER, AGENT))]
    predicted = run(True, images=["quay.io/a/b:2"])[0]
    assert predicted["actions"] == actions and "the version that is pulled" in predicted["diff"]["after"]
    assert "quay.io/a/b:2" not in lab.store
    assert run(images=["quay.io/a/b:2"])[0]["actions"] == actions
    assert run(images=["quay.io/a/b:2"])[0]["actions"] == []


def test_an_image_that_cannot_be_had(lab: Lab, run: Run) -> None:
    with pytest.raises(DefiniteError, match=r"image a/b:1 is not .* cannot be pulled \(pull access denied\)"):
        run(images=["argolab/x:1", "a/b:1"])
    with pytest.raises(DefiniteError, match="not on the Docker engine: a/b:1, c:2. Build or load them"):
        run(images=["argolab/x:1", "a/b:1", "c:2"], pull=False)
    assert not lab.imports
    predicted, notes = run(True, images=["a/b:1"], pull=False)
    assert predicted["actions"] == ["import a/b:1 into the nodes of lab"] and "not on the Docker engine" in notes[0]


def test_a_cluster_that_cannot_be_asked(lab: Lab, run: Run) -> None:
    with pytest.raises(DefiniteError, match="there is no cluster other: create it with the module k3d_cluster"):
        run(name="other")
    predicted, notes = run(True, name="other")
    assert predicted["actions"] == ["import argolab/x:1 into the nodes of other"]
    assert notes == [
        "Predicted without looking: there is no cluster other: create it with the module k3d_cluster, or correct the "
        "name."
    ]
    # a load balancer that is down is in nobody's way
    lab.states = {"k3d-lab-serverlb": "exited"}
    run()
    lab.states = {AGENT: "paused", SERVER: "exited"}
    with pytest.raises(DefiniteError, match=f"{SERVER} is exited, {AGENT} is paused: start what is down"):
        run()
    assert "k3d cluster start lab" in run(True)[1][0]


def test_check_mode_before_anything_is_set_up(run: Run) -> None:
    predicted, notes = run(True, k3d_binary="/nowhere/k3d", docker_host="unix:///nowhere.sock")
    assert predicted["changed"] and predicted["images"] == [{"name": "argolab/x:1", "nodes": []}]
    assert "k3d is not yet at /nowhere/k3d and Docker does not yet listen on /nowhere.sock" in notes[0]


def test_a_node_that_tells_nothing(lab: Lab, run: Run) -> None:
    lab.programs = set()
    with pytest.raises(ArgolabError, match=f"node {SERVER} has cannot be told .*crictl: OCI.*ctr: OCI.*docker logs"):
        run()
