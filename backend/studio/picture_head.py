"""Image headers: a file's kind, its size as browsers show it, and whether they turn it, without decoding."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from backend.errors import DamagedMedia, MediaError
from backend.studio.exif import orientation
from backend.studio.images import FORMATS, MOST_PIXELS


@dataclass(frozen=True, slots=True)
class PictureHead:
    """Of one file."""

    format: str
    """Pillow's name."""
    width: int
    """Upright, in pixels."""
    height: int
    is_turned: bool
    """Its pixels lie otherwise than browsers show them."""


def head_of(path: Path) -> PictureHead:
    """Reads no pixel. Raises DamagedMedia for what is no image, MediaError for one of no sensible size."""
    Image.init()
    try:
        with Image.open(path, formats=[name for name in FORMATS if name in Image.OPEN]) as image:
            width, height = image.size
            turn, kind = orientation(image), str(image.format)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise MediaError(f"{path.name} is too large ({error}). Shrink it and upload it again.") from error
    except Exception as error:  # Pillow raises errors of a dozen kinds for damaged files
        raise DamagedMedia(f"{path.name} cannot be read ({error}). Expected an image file.") from error
    if width * height > MOST_PIXELS:
        raise MediaError(f"{path.name} has {width} x {height} pixels, expected at most {MOST_PIXELS}. Shrink it.")
    size = (height, width) if turn in (5, 6, 7, 8) else (width, height)
    return PictureHead(kind, *size, turn != 1)
