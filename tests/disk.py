"""Disks that are full or read-only, for real."""

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from io import RawIOBase
from pathlib import Path

import pytest


class SmallDisk:
    """A disk of a few MB, to fill and to empty."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self, but: int = 0) -> None:
        """Leave `but` bytes free; proves that there is no more."""
        with self._ballast.open("wb", buffering=0) as file:
            with pytest.raises(OSError, match="No space left on device"):
                _pour(file)
            file.truncate(max(0, file.tell() // 4096 * 4096 - but))

    def empty(self) -> None:
        """There is room again."""
        self._ballast.unlink()

    def lock(self, how: str) -> None:
        """`ro`: nothing can be written any more; `rw`: it can."""
        subprocess.run(["mount", "-o", f"remount,{how}", self.folder], check=True)


def _pour(file: RawIOBase) -> None:
    while True:
        file.write(bytes(4096))


@contextmanager
def small_disk(folder: Path, megabytes: int = 4) -> Iterator[SmallDisk]:
    """A disk mounted at `folder`; skips the test where this user may not mount."""
    folder.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("only root may mount a disk")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def short_files(nbytes: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes: the system refuses the write, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (nbytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
