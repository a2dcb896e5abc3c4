"""Pictures of frames: files that are copied as they are, and arrays that become files."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image as PillowImage

from backend import types
from backend.errors import DataSetError

SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "BMP": ".bmp", "WEBP": ".webp", "TIFF": ".tiff"}
"""Formats that every library for training reads, and the endings by which they know them."""
KINDS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF")
"""What is read (MPO by the reader of JPEG): Pillow's other readers (PostScript...) stay closed to foreign files."""
ENDINGS = frozenset({*SUFFIXES.values(), ".jpeg", ".tif", ".gif"})


@dataclass(frozen=True, slots=True)
class FilePicture:
    """An image file, upright as it is."""

    path: Path
    suffix: str

    @classmethod
    def of(cls, path: Path) -> "FilePicture":
        """Of a file of a kind in `SUFFIXES`; raises DataSetError for another."""
        return cls(path, suffix_of(path))

    def write(self, path: Path) -> None:
        """See `Picture.write`."""
        shutil.copyfile(self.path, path)


@dataclass(frozen=True, slots=True, eq=False)
class ArrayPicture:
    """Pixels, read when they are written; a PNG, which loses nothing."""

    read: Callable[[], types.Image]
    """(height, width, 3) uint8 RGB."""
    suffix: str = ".png"

    def write(self, path: Path) -> None:
        """See `Picture.write`."""
        PillowImage.fromarray(self.read()).save(path)


def suffix_of(path: Path) -> str:
    """The ending that fits a file's content; DataSetError where no library for training reads it."""
    kind = kind_of(path)
    if kind not in SUFFIXES:
        raise DataSetError(f"{path.name} is of the format {kind}. Expected one of: {', '.join(SUFFIXES)}.")
    return SUFFIXES[kind]


def kind_of(path: Path) -> str:
    """Pillow's name for a file's format; DataSetError where it is no image."""
    try:
        with PillowImage.open(path, formats=KINDS) as image:
            return str(image.format)
    except OSError as error:
        raise DataSetError(f"{path} is no image that can be read ({error}).") from None


def size_of(path: Path) -> tuple[int, int]:
    """(width, height) in pixels of an image file as it lies there, from its head alone."""
    try:
        with PillowImage.open(path, formats=KINDS) as image:
            return image.size
    except OSError as error:
        raise DataSetError(f"{path} is no image that can be read ({error}).") from None
