"""Image files to arrays, as a browser would show them."""

import math
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from backend import types
from backend.errors import MediaError

FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
"""What browsers show in an <img>, and TIFF. Pillow's other readers (PostScript...) stay closed to foreign files."""
MOST_PIXELS = 80_000_000
"""Larger images are refused before they are decoded: 240 MB as RGB, more than any camera of a video delivers."""
BEHIND = (255, 255, 255)
"""Colour behind transparent pixels, that of Label Studio's canvas."""

_TURNED = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT,),
    3: (Image.Transpose.ROTATE_180,),
    4: (Image.Transpose.FLIP_TOP_BOTTOM,),
    5: (Image.Transpose.TRANSPOSE,),
    6: (Image.Transpose.ROTATE_270,),
    7: (Image.Transpose.TRANSVERSE,),
    8: (Image.Transpose.ROTATE_90,),
}
"""EXIF orientation to the turn that puts the image upright."""


def read(path: Path, max_side: int | None = None) -> tuple[types.Image, tuple[int, int]]:
    """The image as (height, width, 3) uint8 RGB and the original (width, height), both as Label Studio shows it.

    Upright by its EXIF orientation, transparency on white, shrunk so that no side is longer than `max_side` pixels.
    Raises MediaError for everything that is not a whole image of a sensible size.
    """
    try:
        return _read(path, max_side)
    except MediaError:
        raise
    except FileNotFoundError:
        raise MediaError(
            f"{path.name} is not there any more. Expected an image file; it will be fetched again."
        ) from None
    except Exception as error:
        # Pillow raises errors of a dozen kinds for damaged files.
        raise MediaError(
            f"{path.name} cannot be decoded ({type(error).__name__}: {error}). Expected a whole image file "
            f"({', '.join(FORMATS)}). Upload it again or delete the task."
        ) from error


def _read(path: Path, max_side: int | None) -> tuple[types.Image, tuple[int, int]]:
    Image.init()
    with Image.open(path, formats=[name for name in FORMATS if name in Image.OPEN]) as image:
        width, height = image.size
        if width * height > MOST_PIXELS:
            raise MediaError(
                f"{path.name} has {width} x {height} pixels, expected at most {MOST_PIXELS // 1_000_000} million. "
                "Shrink it and upload it again."
            )
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        shrunk = _shrunk_size(image.size, max_side)
        image.draft("RGB", shrunk)  # lets the JPEG decoder skip what shrinking would throw away
        rgb = _rgb(image)
    if rgb.size != shrunk:
        rgb = rgb.resize(shrunk, Image.Resampling.BOX if rgb.width >= 2 * shrunk[0] else Image.Resampling.BILINEAR)
    for turn in _TURNED.get(orientation, ()):
        rgb = rgb.transpose(turn)
    original = (height, width) if orientation in (5, 6, 7, 8) else (width, height)
    return np.array(rgb, dtype=np.uint8), original


def _shrunk_size(size: tuple[int, int], max_side: int | None) -> tuple[int, int]:
    scale = 1.0 if max_side is None else min(1.0, max_side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _rgb(image: Image.Image) -> Image.Image:
    """Eight bits a channel, without transparency."""
    if image.mode.startswith("I") or image.mode == "F":
        return _from_deep(image)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        flat = Image.new("RGBA", rgba.size, (*BEHIND, 255))
        flat.alpha_composite(rgba)
        return flat.convert("RGB")
    return image.convert("RGB")


def _from_deep(image: Image.Image) -> Image.Image:
    """Grey of 16 or more bits: 16 bits by their upper byte as browsers do, anything else stretched over its range."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 65535 and image.mode != "F":
        grey = np.floor(values / 256)
    else:
        grey = (
            (values - low) * (255 / (high - low)) if math.isfinite(high - low) and high > low else np.zeros_like(values)
        )
    return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
