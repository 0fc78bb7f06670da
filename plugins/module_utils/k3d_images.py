# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of a Docker engine in the nodes of a k3d cluster: what is wanted, what is there, what is imported.

The same version is recognised by digest, never by name alone: a name may have been given to something else since.
An engine names an image by the digest of its configuration, or of its manifest where it keeps images in containerd. A
node tells both, so that one digest in common is enough.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.argolab.observability.plugins.module_utils.docker_engine import DockerEngine, socket_path
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.k3d_cli import Answer, K3d
from ansible_collections.argolab.observability.plugins.module_utils.k3d_reader import Reader, engine_from_params
from ansible_collections.argolab.observability.plugins.module_utils.k3d_runner import program_exists
from ansible_collections.argolab.observability.plugins.module_utils.k3d_state import RUNNING, Cluster
from ansible_collections.argolab.observability.plugins.module_utils.limits import Limit

K3D_IMAGES_LIMITS: Dict[str, Limit] = {"name": {"form": "cluster_name"}, "images": {"form": "image"}}

# The images of a node: the canonical name of each, and the digests by which its version is known.
Held = Dict[str, FrozenSet[str]]

# crictl tells the digest of the configuration; k3s has both programs, the lab's own node image only ctr.
CRICTL = ("crictl", "images", "-o", "json")
CTR = ("ctr", "-n", "k8s.io", "images", "ls")
CTR_CONTENT = ("ctr", "-n", "k8s.io", "content", "get")
# containerd tells the kubelet's part of it about an imported image a moment later.
SETTLE_SECONDS = 5.0
POLL_SECONDS = 0.25
TRIES = 3
# Of the time for an import, what the first try may take.
FIRST_TRY = 0.25
NO_DIGESTS: FrozenSet[str] = frozenset()


class Wanted(NamedTuple):
    """An image that all nodes are to have.

    :param given: its name as the caller wrote it.
    :param name: its canonical name, by which a node knows it.
    :param tag: its name on the engine, which is what k3d looks for.
    :param image_id: what the engine calls its version; empty where it does not have it yet.
    :param digests: all digests by which that version is known.
    """

    given: str
    name: str
    tag: str
    image_id: str = ""
    digests: FrozenSet[str] = NO_DIGESTS

    @property
    def version(self) -> str:
        return _short([self.image_id]) if self.image_id else "the version that is pulled"


# --- names and versions ------------------------------------------------------------------------------------------


def canonical(reference: str) -> str:
    """Return the name by which containerd knows what Docker may call by a shorter one."""
    name, at, digest = reference.partition("@")
    domain, slash, path = name.partition("/")
    if not slash or not ("." in domain or ":" in domain or domain == "localhost"):
        domain, path = "docker.io", name
    if domain == "index.docker.io":
        domain = "docker.io"
    if domain == "docker.io" and "/" not in path:
        path = f"library/{path}"
    if ":" not in path and not at:
        path += ":latest"
    return f"{domain}/{path}{at}{digest}"


def by_canonical_name(references: Iterable[str]) -> Dict[str, str]:
    """Each image once: its canonical name, and how it was written first."""
    found: Dict[str, str] = {}
    for reference in references:
        if "@" in reference:
            raise DefiniteError(
                f"images has {reference}: k3d imports by tag only, expected NAME:TAG, such as {reference.split('@')[0]}"
            )
        found.setdefault(canonical(reference), reference)
    return found


def on_engine(given: str, name: str, inspected: Optional[Mapping[str, Any]]) -> Wanted:
    """Read what the engine says of an image; None where it does not have it."""
    if inspected is None:
        return Wanted(given, name, name)
    tag = next((tag for tag in inspected.get("RepoTags") or [] if canonical(tag) == name), name)
    image_id = str(inspected["Id"])
    return Wanted(given, name, tag, image_id, _digests([image_id, *(inspected.get("RepoDigests") or [])]))


def _digests(names: Iterable[str]) -> FrozenSet[str]:
    """Take the digests out of names, with or without what comes before their @."""
    digests = (str(name).rpartition("@")[2] for name in names)
    return frozenset(digest for digest in digests if digest.startswith("sha256:"))


def _short(digests: Iterable[str]) -> str:
    return ", ".join(sorted(digest.replace("sha256:", "")[:12] for digest in digests))


# --- what a node has ---------------------------------------------------------------------------------------------


def parse_crictl(text: str) -> Held:
    """Read C(crictl images -o json); ValueError where it is none."""
    found: Held = {}
    try:
        for image in json.loads(text)["images"] or []:
            digests = _digests([image["id"], *(image.get("repoDigests") or [])])
            found.update({str(name): digests for name in image.get("repoTags") or []})
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a list of images: {error!r}") from error
    return found


def parse_ctr(text: str) -> Held:
    """Read C(ctr images ls), whose columns are REF, TYPE, DIGEST and more.

    DIGEST is that of the manifest. The kubelet's part of containerd names an image by the digest of its configuration
    as well, in a line of its own with the same DIGEST; but not one that took the name of another.
    """
    rows = [line.split() for line in text.splitlines()]
    targets = {row[0]: row[2] for row in rows if len(row) > 2 and row[2].startswith("sha256:")}
    return {
        name: frozenset(
            {target} | {other for other, same in targets.items() if same == target and other.startswith("sha256:")}
        )
        for name, target in targets.items()
        if not name.startswith("sha256:")
    }


def parse_manifest(text: str) -> FrozenSet[str]:
    """Read the digest of the configuration out of a manifest, or those of the manifests out of an index."""
    try:
        content = json.loads(text)
        parts = [content["config"]] if "config" in content else content["manifests"]
        return _digests(part["digest"] for part in parts)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a manifest: {error!r}") from error


def merged(one: Held, other: Held) -> Held:
    return {name: one.get(name, NO_DIGESTS) | other.get(name, NO_DIGESTS) for name in {**one, **other}}


def has(held: Held, image: Wanted) -> bool:
    """Whether a node has this very version."""
    return bool(held.get(image.name, NO_DIGESTS) & image.digests)


def lacking(images: Sequence[Wanted], nodes: Mapping[str, Held]) -> List[Tuple[Wanted, str]]:
    return [(image, node) for image in images for node, held in nodes.items() if not has(held, image)]


def state(held: Held, image: Wanted) -> str:
    """Say in words what a node has of an image."""
    if has(held, image):
        return image.version
    if image.name not in held:
        return "absent"
    return f"{'another' if image.image_id else 'some'} version ({_short(held[image.name])})"


def described(images: Sequence[Wanted], nodes: Mapping[str, Held]) -> str:
    """Describe the nodes for a diff, one line for each image in each of them."""
    found = [f"{image.given} in {node}: {state(held, image)}" for image in images for node, held in nodes.items()]
    return "\n".join(found) + "\n"


def described_goal(images: Sequence[Wanted], nodes: Iterable[str]) -> str:
    """Describe nodes that have all, in the form of C(described)."""
    names = list(nodes)
    return "\n".join(f"{image.given} in {node}: {image.version}" for image in images for node in names) + "\n"


# --- the work ----------------------------------------------------------------------------------------------------


def last_words(answer: Answer) -> str:
    return answer.problems or " | ".join(line.strip() for line in answer.out.splitlines()[-3:]) or "nothing"


def why_not_usable(name: str, cluster: Optional[Cluster]) -> str:
    """Say why nothing can be imported into a cluster, and what to do about it; empty where it can."""
    nodes = cluster.of_role("server") + cluster.of_role("agent") if cluster else []
    if not nodes:
        return f"there is no cluster {name}: create it with the module k3d_cluster, or correct the name"
    down = [f"{node.name} is {node.state}" for node in nodes if node.state != RUNNING]
    if down:
        return (
            f"images can be imported only while all nodes run, and {', '.join(down)}: start what is down with the "
            f"module k3d_cluster (name {name}, state present) or with k3d cluster start {name}"
        )
    return ""


def not_there_yet(params: Mapping[str, Any]) -> List[str]:
    """Of the programs that a run asks, those that earlier tasks of the same play may still have to provide."""
    path = socket_path(params["docker_host"] or "")
    found = [] if program_exists(params["k3d_binary"]) else [f"k3d is not yet at {params['k3d_binary']}"]
    if path is not None and not os.path.exists(path):
        found.append(f"Docker does not yet listen on {path}")
    return found


class ImageRunner:
    """One run on one cluster.

    In check mode, what an earlier task of the same play would have provided is a note in place of an error.
    """

    def __init__(self, params: Mapping[str, Any], check_mode: bool) -> None:
        self.params = params
        self.check_mode = check_mode
        self.name: str = params["name"]
        self.timeout: int = params["timeout"]
        self.given = by_canonical_name(params["images"])
        self.actions: List[str] = []
        self.notes: List[str] = []

    def run(self) -> Dict[str, Any]:
        missing = not_there_yet(self.params) if self.check_mode else []
        if missing:
            self.notes.append(f"Predicted without asking k3d: {' and '.join(missing)}.")
            return self._guessed([Wanted(given, name, name) for name, given in self.given.items()])
        engine = engine_from_params(self.params)
        k3d = K3d(self.params["k3d_binary"], engine.docker_host)
        cluster = Reader(k3d, engine).cluster(self.name)
        self._refuse(why_not_usable(self.name, cluster))
        images = self._provided(engine)
        if cluster is None or self.notes:
            return self._guessed(images)
        nodes = [node.name for node in cluster.of_role("server") + cluster.of_role("agent")]
        before = {node: look(engine, node, images) for node in nodes}
        after = before
        todo = lacking(images, before)
        self.actions += [f"import {image.given} into {node}" for image, node in todo]
        if todo and not self.check_mode:
            # k3d imports into every node of the cluster; those that have the image already notice nothing.
            tags = list(dict.fromkeys(image.tag for image, _node in todo))
            after = self._imported(engine, k3d, images, nodes, tags)
        result = self._result(images, after)
        if self.actions:
            result["diff"] = {"before": described(images, before), "after": described_goal(images, nodes)}
        return result

    def _refuse(self, problem: str) -> None:
        if problem and not self.check_mode:
            raise DefiniteError(problem)
        if problem:
            self.notes.append(f"Predicted without looking: {problem}.")

    def _provided(self, engine: DockerEngine) -> List[Wanted]:
        """Return the images, after pulling those that the engine does not have."""
        images = [on_engine(given, name, engine.image(name)) for name, given in self.given.items()]
        absent = [image for image in images if not image.image_id]
        if absent and not self.params["pull"]:
            names = ", ".join(image.given for image in absent)
            self._refuse(f"not on the Docker engine: {names}. Build or load them, or have them pulled by pull: true")
        elif absent:
            self.actions += [f"pull {image.given}" for image in absent]
            if not self.check_mode:
                return [image if image.image_id else self._pulled(engine, image) for image in images]
        return images

    def _pulled(self, engine: DockerEngine, image: Wanted) -> Wanted:
        try:
            engine.pull(image.name, self.timeout)
        except ArgolabError as error:
            raise DefiniteError(
                f"image {image.given} is not on the Docker engine and cannot be pulled ({error}). Build or load it, or "
                "correct its name"
            ) from error
        pulled = on_engine(image.given, image.name, engine.image(image.name))
        if not pulled.image_id:
            raise ArgolabError(f"Docker reported that {image.given} was pulled, but it is not on the engine")
        return pulled

    def _imported(
        self, engine: DockerEngine, k3d: K3d, images: Sequence[Wanted], nodes: Sequence[str], tags: Sequence[str]
    ) -> Dict[str, Held]:
        """Import, and return what the nodes have then: that is what counts, whatever k3d says of it.

        k3d may take ctr in a node for ended before it has begun, and lets go of it. It fails then, or waits for ever on
        other nodes, whose data stops as well (k3d-io/k3d#1020, k3d-io/k3d#900). So it is tried again.
        """
        end = time.monotonic() + self.timeout
        limit = self.timeout * FIRST_TRY
        for left in range(TRIES - 1, -1, -1):
            answer: Optional[Answer] = None
            try:
                answer = k3d.import_images(self.name, tags, limit)
                outcome = f"k3d ended with exit code {answer.code} and said: {last_words(answer)}"
            except DefiniteError:
                raise
            except ArgolabError as error:
                outcome = str(error)
            after = self._settled(engine, images, nodes)
            missing = lacking(images, after)
            limit = end - time.monotonic()
            if not missing or not left or limit < 1 or (answer is not None and answer.code == 0):
                break
        if missing:
            wrong = "; ".join(
                f"{image.given} ({image.version}) in node {node}: {state(after[node], image)}"
                for image, node in missing
            )
            raise ArgolabError(
                f"after the import into cluster {self.name} its nodes do not have what they should: {wrong}. {outcome}"
            )
        return after

    def _settled(self, engine: DockerEngine, images: Sequence[Wanted], nodes: Sequence[str]) -> Dict[str, Held]:
        """Look into the nodes until they have all, or had the time for it."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            after = {node: look(engine, node, images) for node in nodes}
            if not lacking(images, after) or time.monotonic() > deadline:
                return after
            time.sleep(POLL_SECONDS)

    def _guessed(self, images: Sequence[Wanted]) -> Dict[str, Any]:
        """What would be done, as far as that can be told without looking into the nodes."""
        where = f"the nodes of {self.name}"
        self.actions += [f"import {image.given} into {where}" for image in images]
        before = "".join(f"{image.given} in {where}: not known\n" for image in images)
        diff = {"before": before, "after": described_goal(images, [where])}
        return {**self._result(images, {}), "diff": diff}

    def _result(self, images: Sequence[Wanted], nodes: Mapping[str, Held]) -> Dict[str, Any]:
        return {
            "changed": bool(self.actions),
            "actions": self.actions,
            "images": [
                {"name": image.given, "nodes": [node for node, held in nodes.items() if has(held, image)]}
                for image in images
            ],
        }


def look(engine: DockerEngine, node: str, images: Sequence[Wanted]) -> Held:
    """Return the images of a node, asking no more than it takes to recognise those that are wanted."""
    problems: List[str] = []
    held: Held = {}
    for command, parse in ((CRICTL, parse_crictl), (CTR, parse_ctr)):
        answer = engine.exec(node, command)
        try:
            if answer.code:
                raise ValueError((answer.err or answer.out).strip()[-300:] or f"exit code {answer.code}")
            held = merged(held, parse(answer.out))
        except ValueError as error:
            problems.append(f"{command[0]}: {error}")
        # Where an engine keeps its images in containerd, only ctr tells the digest by which it names them.
        if not lacking(images, {node: held}):
            return held
    if len(problems) == 2:
        raise ArgolabError(
            f"what images node {node} has cannot be told ({'; '.join(problems)}). Is its containerd running? See "
            f"docker logs {node}"
        )
    for image, _node in lacking(images, {node: held}):
        for digest in sorted(held.get(image.name, NO_DIGESTS)) if image.image_id else ():
            answer = engine.exec(node, (*CTR_CONTENT, digest))
            with contextlib.suppress(ValueError):
                held[image.name] |= parse_manifest(answer.out)
    return held
