# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write container images without an image builder: deterministic layers, and a folder in the OCI image layout.

The folder also holds the C(manifest.json) of C(docker save), so that one archive of it serves containerd and every
Docker engine. Layers are not compressed: they never leave the machine.
"""

from __future__ import annotations

import copy
import hashlib
import io
import json
import os
import tarfile
from typing import Any, BinaryIO, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Set

MEDIA_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
MEDIA_CONFIG = "application/vnd.oci.image.config.v1+json"
MEDIA_LAYER = "application/vnd.oci.image.layer.v1.tar"
MEDIA_INDEX = "application/vnd.oci.image.index.v1+json"
_CHUNK = 1 << 20


class Entry(NamedTuple):
    """One thing in a layer: a file from disk (C(source)), a small file (C(content)), a link, or a folder."""

    path: str
    source: Optional[str] = None
    content: Optional[bytes] = None
    link: Optional[str] = None
    mode: int = 0o644
    uid: int = 0
    gid: int = 0


class Blob(NamedTuple):
    """A blob of the layout, by what a descriptor says of it."""

    digest: str
    size: int
    media_type: str

    def descriptor(self, **more: Any) -> Dict[str, Any]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size, **more}


class Image(NamedTuple):
    """An image to write: all its names, its layers from the bottom up, and the C(config) part of its configuration."""

    names: Sequence[str]
    layers: Sequence[Blob]
    config: Mapping[str, Any]


class _Hashing:
    """A file that knows the digest and the size of what was written to it."""

    def __init__(self, handle: BinaryIO) -> None:
        self._handle = handle
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        self.size += len(data)
        return self._handle.write(data)

    def tell(self) -> int:
        return self.size

    @property
    def digest(self) -> str:
        return "sha256:" + self._hash.hexdigest()


def normal(path: str) -> str:
    """A path as layers name it: relative, without a dot in front."""
    return os.path.normpath(path).lstrip("/")


def with_parents(entries: Iterable[Entry], known: Set[str]) -> List[Entry]:
    """Add the folders that neither the layers below nor the entries name; an unpacker would choose their modes."""
    result: List[Entry] = []
    seen = set(known)
    for entry in sorted((item._replace(path=normal(item.path)) for item in entries), key=lambda item: item.path):
        parts = entry.path.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            parent = "/".join(parts[:depth])
            if parent not in seen:
                seen.add(parent)
                result.append(Entry(parent, mode=0o755))
        if entry.path not in seen or entry.source or entry.content is not None or entry.link:
            seen.add(entry.path)
            result.append(entry)
    return result


def write_layer(entries: Iterable[Entry], handle: BinaryIO) -> Blob:
    """Write entries as a tar archive whose bytes depend on nothing but the entries."""
    target = _Hashing(handle)
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
        for entry in entries:
            info = tarfile.TarInfo(entry.path)
            info.mode, info.uid, info.gid, info.mtime = entry.mode, entry.uid, entry.gid, 0
            if entry.link is not None:
                info.type, info.linkname = tarfile.SYMTYPE, entry.link
                archive.addfile(info)
            elif entry.source is not None:
                info.size = os.path.getsize(entry.source)
                with open(entry.source, "rb") as source:
                    archive.addfile(info, source)
            elif entry.content is not None:
                info.size = len(entry.content)
                archive.addfile(info, io.BytesIO(entry.content))
            else:
                info.type = tarfile.DIRTYPE
                archive.addfile(info)
    return Blob(target.digest, target.size, MEDIA_LAYER)


def layer_paths(path: str) -> Set[str]:
    """The paths of everything in a layer."""
    with tarfile.open(path) as archive:
        return {normal(member.name) for member in archive}


def layer_file(path: str, name: str) -> bytes:
    """The content of one file of a layer."""
    with tarfile.open(path) as archive:
        for member in archive:
            if normal(member.name) == normal(name):
                source = archive.extractfile(member)
                if source is not None:
                    return source.read()
    raise KeyError(f"{name} is no file of {path}")


class Layout:
    """A folder in the OCI image layout that images are added to."""

    def __init__(self, folder: str, architecture: str = "amd64") -> None:
        self.folder = folder
        self.architecture = architecture
        self._manifests: List[Dict[str, Any]] = []
        self._saved: List[Dict[str, Any]] = []
        os.makedirs(os.path.join(folder, "blobs", "sha256"), exist_ok=True)

    def path(self, digest: str) -> str:
        return os.path.join(self.folder, "blobs", *digest.split(":", 1))

    def add_layer(self, entries: Iterable[Entry], known: Set[str]) -> Blob:
        """Write one layer on top of layers that hold the known paths."""
        pending = os.path.join(self.folder, "blobs", f".layer{len(self._manifests)}.tmp")
        with open(pending, "wb") as handle:
            blob = write_layer(with_parents(entries, known), handle)
        os.replace(pending, self.path(blob.digest))
        return blob

    def add_file(self, path: str, digest: Optional[str] = None) -> Blob:
        """Take an archive that exists as a layer; it is linked where that is possible, not copied."""
        if digest is None:
            hashing = hashlib.sha256()
            with open(path, "rb") as handle:
                for chunk in iter(lambda: handle.read(_CHUNK), b""):
                    hashing.update(chunk)
            digest = "sha256:" + hashing.hexdigest()
        target = self.path(digest)
        if not os.path.exists(target):
            os.link(path, target)
        return Blob(digest, os.path.getsize(path), MEDIA_LAYER)

    def _add_json(self, value: Mapping[str, Any], media_type: str) -> Blob:
        data = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
        blob = Blob("sha256:" + hashlib.sha256(data).hexdigest(), len(data), media_type)
        with open(self.path(blob.digest), "wb") as handle:
            handle.write(data)
        return blob

    def add_image(self, image: Image) -> List[str]:
        """Add an image under all its names and return its ids: the digests of its configuration and of its manifest."""
        config = self._add_json(
            {
                "architecture": self.architecture,
                "os": "linux",
                "config": copy.deepcopy(dict(image.config)),
                "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in image.layers]},
                "history": [{"created_by": "argolab.observability"} for _layer in image.layers],
            },
            MEDIA_CONFIG,
        )
        manifest = self._add_json(
            {
                "schemaVersion": 2,
                "mediaType": MEDIA_MANIFEST,
                "config": config.descriptor(),
                "layers": [layer.descriptor() for layer in image.layers],
            },
            MEDIA_MANIFEST,
        )
        for name in image.names:
            annotations = {
                "io.containerd.image.name": name,
                "org.opencontainers.image.ref.name": name.rsplit(":", 1)[-1],
            }
            platform = {"architecture": self.architecture, "os": "linux"}
            self._manifests.append(manifest.descriptor(annotations=annotations, platform=platform))
        self._saved.append(
            {
                "Config": "/".join(("blobs", *config.digest.split(":", 1))),
                "RepoTags": list(image.names),
                "Layers": ["/".join(("blobs", *layer.digest.split(":", 1))) for layer in image.layers],
            }
        )
        # An engine that keeps images in containerd knows an image by the second one.
        return [config.digest, manifest.digest]

    def finish(self) -> None:
        """Write the files that make the folder a layout."""
        documents = {
            "oci-layout": {"imageLayoutVersion": "1.0.0"},
            "index.json": {"schemaVersion": 2, "mediaType": MEDIA_INDEX, "manifests": self._manifests},
            "manifest.json": self._saved,
        }
        for name, document in documents.items():
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as handle:
                json.dump(document, handle, sort_keys=True)


def archive_chunks(folder: str, size: int = _CHUNK) -> Iterator[bytes]:
    """A layout as one tar archive, chunk by chunk, so that it can be sent without being written."""
    paths = sorted(
        os.path.relpath(os.path.join(parent, name), folder)
        for parent, _folders, names in os.walk(folder)
        for name in names
    )
    for path in paths:
        info = tarfile.TarInfo(path)
        full = os.path.join(folder, path)
        info.size, info.mode = os.path.getsize(full), 0o644
        yield info.tobuf(tarfile.PAX_FORMAT)
        with open(full, "rb") as source:
            while True:
                chunk = source.read(size)
                if not chunk:
                    break
                yield chunk
        yield b"\0" * (-info.size % tarfile.BLOCKSIZE)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)
