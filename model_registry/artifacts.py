"""Artifacts: the weights of versions as safetensors files. A name is visible only once its whole content is there."""

import hashlib
import json
import os
import re
import struct
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import fsspec
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from backend.errors import ArtifactError
from backend.types import Weights
from model_registry.records import ArtifactRef

_NAME = re.compile(r"[0-9a-f]{2}/[0-9a-f]{32}\.safetensors")
_ASIDE = ".part"
PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between the tries to store weights that took a minute to train: a store is seldom away for longer."""


class Artifacts:
    """A folder of weights, on this machine or wherever fsspec reaches, e.g. `s3://bucket/artifacts`."""

    def __init__(self, url: str, clock: Callable[[], float], sleep: Callable[[float], object] = time.sleep) -> None:
        self._sleep = sleep
        self._files, self._root = fsspec.core.url_to_fs(url)
        self._local = "file" in self._files.protocol
        self._clock = clock
        if self._local:
            Path(self._root).mkdir(mode=0o700, parents=True, exist_ok=True)

    def write(self, weights: Weights) -> ArtifactRef:
        """Stores the weights under a new name; raises ArtifactError when the store stays away."""
        # In C order, which is how a file holds them; `ascontiguousarray` would give a scalar a dimension.
        arrays = {name: np.asarray(array, order="C") for name, array in weights.arrays.items()}
        # safetensors 0.8 writes an unreadable header for metadata that are there but empty.
        content = save(arrays, dict(weights.metadata) or None)
        name = uuid.uuid4().hex
        uri = f"{name[:2]}/{name}.safetensors"
        if self._local:
            _write_local(Path(self._root, uri), content)
        else:
            self._write_away(uri, content)
        return ArtifactRef(uri, hashlib.sha256(content).hexdigest(), len(content))

    def read(self, ref: ArtifactRef) -> Weights:
        """The weights; raises ArtifactError when they are missing or not those that were written."""
        if not _NAME.fullmatch(ref.uri):
            raise ArtifactError(f"{ref.uri!r} is not the name of an artifact; expected ab/<32 hex digits>.safetensors.")
        try:
            content: bytes = self._files.cat_file(self._path(ref.uri))
        except Exception as error:  # every kind of store has errors of its own
            raise ArtifactError(
                f"Artifact {ref.uri} cannot be read from {self._root}: {error}. "
                "If the store answers, restore the file, roll the group back or train it again."
            ) from error
        found = hashlib.sha256(content).hexdigest()
        if found != ref.sha256:
            raise ArtifactError(
                f"Artifact {ref.uri} has {len(content)} bytes with hash {found}, expected {ref.nbytes} bytes with hash "
                f"{ref.sha256}: it was damaged or replaced. Roll the group back or train it again."
            )
        try:
            return Weights(load(content), _metadata(content))
        except (SafetensorError, KeyError) as error:
            raise ArtifactError(
                f"Artifact {ref.uri} is no safetensors file that this version reads: {error}"
            ) from error

    def _write_away(self, uri: str, content: bytes) -> None:
        """Object stores show an object once it is complete; a store that is away is asked again."""
        for pause in (*PAUSES, None):
            try:
                self._files.pipe_file(self._path(uri), content)
                return
            except Exception as error:  # every kind of store has errors of its own
                if pause is None:
                    raise ArtifactError(
                        f"The weights cannot be stored in {self._root}: {error}. Expected a folder or bucket that "
                        "takes them: check MICRO_MODELS_ARTIFACTS_URL, its credentials and that it answers."
                    ) from error
                self._sleep(pause)

    def collect(self, keep: set[str], older_than_seconds: float) -> int:
        """Removes what is not in `keep`, and what killed writers left aside; returns how many files.

        The age protects an artifact that is written already and promoted in a moment: `keep` does not know it yet.
        """
        limit = self._clock() - older_than_seconds
        removed = 0
        for path, uri in self._names():
            if uri in keep:
                continue
            with suppress(FileNotFoundError):  # another collector was faster
                if self._files.modified(path).timestamp() < limit:
                    self._files.rm_file(path)
                    removed += 1
        return removed

    def remove(self, uris: Iterable[str]) -> int:
        """Removes these artifacts; returns how many were there. One that cannot be removed is left to `collect`."""
        removed = 0
        for uri in uris:
            with suppress(Exception):  # every kind of store has errors of its own
                if _NAME.fullmatch(uri):
                    self._files.rm_file(self._path(uri))
                    removed += 1
        return removed

    def _names(self) -> Iterator[tuple[str, str]]:
        """Path and URI of every file that is ours; anything else in the folder is not touched."""
        self._files.invalidate_cache()
        for path in self._files.find(self._root):
            uri = "/".join(path.split("/")[-2:])
            if _NAME.fullmatch(uri.removesuffix(_ASIDE)):
                yield path, uri

    def _path(self, uri: str) -> str:
        return f"{self._root.rstrip('/')}/{uri}"


def _write_local(path: Path, content: bytes) -> None:
    """Written aside, flushed to the disk, renamed: after a power cut the name has all of it or does not exist."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    aside = path.with_name(path.name + _ASIDE)
    with aside.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _metadata(content: bytes) -> dict[str, str]:
    """The strings in the header: 8 bytes of its length, little-endian, then JSON."""
    (length,) = struct.unpack("<Q", content[:8])
    header: dict[str, dict[str, str]] = json.loads(content[8 : 8 + length])
    return header.get("__metadata__", {})
