"""The segment-anything checkpoint that the settings name, as a file on this machine."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import fsspec

from backend.errors import CheckpointError
from backend.settings import Settings

PUBLISHED = "https://dl.fbaipublicfiles.com/segment_anything/sam_vit_b_01ec64.pth"
"""What `vit_b` stands for, 375 MB, under the Apache licence 2.0."""
PUBLISHED_SHA256 = "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912"
BLOCK = 1 << 20


def checkpoint_here(settings: Settings) -> Path | None:
    """The file, where it is on this machine already; None where none is named, or it was not fetched yet."""
    place = _place(settings)
    return place if place is not None and place.is_file() else None


def fetched_checkpoint(settings: Settings) -> Path | None:
    """The file, fetched where it is not here yet; None where none is named. Raises CheckpointError where it cannot be had."""
    place, source = _place(settings), settings.sam_checkpoint.strip()
    if place is None or place.is_file():
        return place
    if "://" not in source and source != "vit_b":
        raise CheckpointError(
            f"MICRO_MODELS_SAM_CHECKPOINT is {source!r}, and there is no such file. Expected a file, a URL, or vit_b."
        )
    try:
        _fetch(PUBLISHED if source == "vit_b" else source, place, PUBLISHED_SHA256 if source == "vit_b" else None)
    except CheckpointError:
        raise
    except Exception as error:  # fsspec raises what its many stores raise
        raise CheckpointError(
            f"The checkpoint {source} cannot be fetched ({type(error).__name__}: {str(error)[:200]}). Allow the download, or "
            "put the file on this machine and name it with MICRO_MODELS_SAM_CHECKPOINT."
        ) from error
    return place


def _place(settings: Settings) -> Path | None:
    source = settings.sam_checkpoint.strip()
    if not source:
        return None
    if source == "vit_b":
        return settings.folder / "sam" / PUBLISHED.rsplit("/", 1)[-1]
    if "://" not in source:
        return Path(source).expanduser()
    return settings.folder / "sam" / f"{hashlib.sha256(source.encode()).hexdigest()[:16]}.pth"


def _fetch(source: str, place: Path, sha256: str | None) -> None:
    """Write it aside, look at its hash, and rename it."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=place.parent, suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file, fsspec.open(source, "rb") as remote:
            shutil.copyfileobj(remote, file, BLOCK)
        with part.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if sha256 is not None and found != sha256:
            raise CheckpointError(
                f"What {source} holds has the SHA-256 {found}, expected {sha256}: it is not kept. Fetch it by hand and name "
                "the file with MICRO_MODELS_SAM_CHECKPOINT, if you trust it."
            )
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)
