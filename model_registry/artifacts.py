"""Artifacts: the weights of versions as safetensors files. A name is visible only once its whole content is there."""

import hashlib
import json
import os
import re
import struct
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from backend.errors import ArtifactDamaged, ArtifactError, StorageError
from backend.types import Weights
from model_registry.records import ArtifactRef

_NAME = re.compile(r"[0-9a-f]{2}/[0-9a-f]{32}\.safetensors")
_ASIDE = ".part"
PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between the tries to store weights that took a minute to train: a store is seldom away for longer."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of the store."""

    uri: str
    """As in an ArtifactRef; of what a killed writer left aside with a further ending."""
    nbytes: int
    modified: float
    """Seconds since the epoch."""


class Artifacts:
    """A folder of weights, on this machine or wherever fsspec reaches, e.g. `s3://bucket/artifacts`."""

    def __init__(self, url: str, clock: Callable[[], float], sleep: Callable[[float], object] = time.sleep) -> None:
        self._sleep = sleep
        self._files, self._root = fsspec.core.url_to_fs(url)
        self._local = "file" in self._files.protocol
        self._clock = clock
        if self._local:
            try:
                Path(self._root).mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise self._not_written(error) from None

    def write(self, weights: Weights) -> ArtifactRef:
        """Stores the weights under a new name; raises ArtifactError when the store stays away."""
        # In C order, which is how a file holds them; `ascontiguousarray` would give a scalar a dimension.
        arrays = {name: np.asarray(array, order="C") for name, array in weights.arrays.items()}
        # safetensors 0.8 writes an unreadable header for metadata that are there but empty.
        content = save(arrays, dict(weights.metadata) or None)
        name = uuid.uuid4().hex
        uri = f"{name[:2]}/{name}.safetensors"
        self._store(uri, content)
        return ArtifactRef(uri, hashlib.sha256(content).hexdigest(), len(content))

    def read(self, ref: ArtifactRef) -> Weights:
        """The weights; raises ArtifactDamaged when they are missing or not those that were written, ArtifactError when the
        store does not answer."""
        content = self.content(ref)
        try:
            return Weights(load(content), _metadata(content))
        except (SafetensorError, LookupError, ValueError, TypeError, AttributeError, struct.error) as error:
            raise ArtifactDamaged(
                f"Artifact {ref.uri} is no safetensors file that this version reads: {error}"
            ) from error

    def content(self, ref: ArtifactRef) -> bytes:
        """The file, verified; raises as `read`. What is wrong is read again once: the way may have damaged it."""
        if not _NAME.fullmatch(ref.uri):
            raise ArtifactDamaged(
                f"{ref.uri!r} is not the name of an artifact; expected ab/<32 hex digits>.safetensors."
            )
        content, found = b"", ""
        for _ in range(2):
            content = self._fetch(ref)
            found = hashlib.sha256(content).hexdigest()
            if found == ref.sha256:
                return content
        raise ArtifactDamaged(
            f"Artifact {ref.uri} has {len(content)} bytes with hash {found}, expected {ref.nbytes} bytes with hash "
            f"{ref.sha256}: it was damaged or replaced. Roll the group back or train it again."
        )

    def put(self, ref: ArtifactRef, content: bytes) -> None:
        """Stores a file under the name that it had elsewhere; raises ArtifactError when the store stays away."""
        if not _NAME.fullmatch(ref.uri) or hashlib.sha256(content).hexdigest() != ref.sha256:
            raise ArtifactDamaged(f"What is to be stored as {ref.uri!r} is not the artifact of that name.")
        self._store(ref.uri, content)

    def files(self) -> Iterator[StoredFile]:
        """Every file of the store that is ours, also what killed writers left aside; raises ArtifactError when the store
        does not answer."""
        try:
            self._files.invalidate_cache()
            found: dict[str, dict[str, Any]] = self._files.find(self._root, detail=True)
        except Exception as error:  # every kind of store has errors of its own
            raise ArtifactError(f"The artifacts in {self._root} cannot be listed: {error}.") from error
        for path, info in sorted(found.items()):
            uri = "/".join(path.split("/")[-2:])
            if _NAME.fullmatch(uri.removesuffix(_ASIDE)):
                yield StoredFile(uri, int(info.get("size") or 0), self._modified(path, info))

    def remove(self, uri: str) -> bool:
        """Removes a file; False where another one was faster. Raises ArtifactError when the store does not let it go."""
        try:
            self._files.rm_file(self._path(uri))
        except FileNotFoundError:
            return False
        except Exception as error:  # every kind of store has errors of its own
            raise ArtifactError(f"Artifact {uri} cannot be removed from {self._root}: {error}.") from error
        return True

    def _fetch(self, ref: ArtifactRef) -> bytes:
        try:
            content: bytes = self._files.cat_file(self._path(ref.uri))
        except FileNotFoundError as error:
            if not self._is_there():
                raise ArtifactError(
                    f"The artifacts' folder or bucket {self._root} is not there. Expected the one in which artifact "
                    f"{ref.uri} was stored: mount it, or check MICRO_MODELS_ARTIFACTS_URL."
                ) from error
            raise ArtifactDamaged(
                f"Artifact {ref.uri} cannot be read: it is missing from {self._root}. "
                "Restore the file, roll the group back or train it again."
            ) from error
        except Exception as error:  # every kind of store has errors of its own
            raise ArtifactError(
                f"Artifact {ref.uri} cannot be read from {self._root}: {error}. It is tried again; check that the store "
                "answers and that this user may read it."
            ) from error
        return content

    def _is_there(self) -> bool:
        """Whether the folder or the bucket is there: without it nothing is known of what it holds."""
        if self._local:
            return Path(self._root).is_dir()
        bucket = self._root.strip("/").split("/")[0]
        try:
            self._files.invalidate_cache()
            return not bucket or self._root.startswith("/") or bool(self._files.exists(bucket))
        except Exception:  # away, or closed to us
            return False

    def _modified(self, path: str, info: Mapping[str, Any]) -> float:
        """When a file was written; stores name it differently."""
        for key in ("mtime", "LastModified", "last_modified", "updated", "created"):
            value = info.get(key)
            if isinstance(value, datetime):
                return value.timestamp()
            if isinstance(value, (int, float)):
                return float(value)
        return float(self._files.modified(path).timestamp())

    def _store(self, uri: str, content: bytes) -> None:
        if not self._local:
            self._write_away(uri, content)
            return
        try:
            _write_local(Path(self._root, uri), content)
        except OSError as error:
            raise self._not_written(error) from error

    def _write_away(self, uri: str, content: bytes) -> None:
        """Object stores show an object once it is complete; a store that is away is asked again."""
        for pause in (*PAUSES, None):
            try:
                self._files.pipe_file(self._path(uri), content)
                return
            except Exception as error:  # every kind of store has errors of its own
                if pause is None:
                    raise self._refused(error) from error
                self._sleep(pause)

    def _not_written(self, error: OSError) -> StorageError:
        return StorageError(
            f"The weights cannot be stored in {self._root}: {error.strerror}. Expected a folder that this user may write "
            "to, with room; once it has that, the training is done again by itself."
        )

    def _refused(self, error: Exception) -> ArtifactError:
        return ArtifactError(
            f"The weights cannot be stored in {self._root}: {error}. Expected a folder or bucket that takes them: check "
            "MICRO_MODELS_ARTIFACTS_URL, its room and credentials, and that it answers."
        )

    def collect(self, keep: set[str], older_than_seconds: float) -> int:
        """Removes what is not in `keep`, and what killed writers left aside; returns how many files.

        The age protects an artifact that is written already and promoted in a moment: `keep` does not know it yet.
        """
        limit = self._clock() - older_than_seconds
        return sum(self.remove(file.uri) for file in self.files() if file.uri not in keep and file.modified < limit)

    def _path(self, uri: str) -> str:
        return f"{self._root.rstrip('/')}/{uri}"


def _write_local(path: Path, content: bytes) -> None:
    """Written aside, flushed to the disk, renamed: after a power cut the name has all of it or does not exist."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    aside = path.with_name(path.name + _ASIDE)
    try:
        with aside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)  # half of it would only fill the disk further
        raise
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
