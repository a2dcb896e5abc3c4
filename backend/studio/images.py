"""Image files to arrays, as a browser would show them."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend import types
from backend.cancel import NEVER, CancelToken
from backend.errors import DamagedMedia, MediaError, MicroModelsError
from backend.studio.exif import orientation
from backend.studio.room import MemoryBudget

FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
"""What browsers show in an <img>, and TIFF. Pillow's other readers (PostScript...) stay closed to foreign files."""
IN_PART = ("JPEG", "MPO", "PNG", "GIF", "BMP")
"""Formats of which browsers show a damaged file as far as it goes; of the others they show nothing."""
MOST_PIXELS = 80_000_000
"""Larger images are refused before they are decoded: 240 MB as RGB, more than any camera of a video delivers."""
BEHIND = (255, 255, 255)
"""Colour behind transparent pixels and where a file ends too early, that of Label Studio's canvas."""
STRIP = 1_000_000
"""Pixels that are converted at once where numpy does it."""
END_OF_JPEG = b"\xff\xd9"

BYTES = {"1": 2, "L": 1, "P": 5, "I;16": 3, "I;16B": 3, "I": 5, "F": 5, "RGB": 4, "RGBA": 8, "CMYK": 8, "LA": 12}
"""Of memory for a pixel at the most, with the copies that are made of it, by Pillow's mode; see `_cost`."""
MOST_BYTES = 12
"""For a pixel of any other mode."""
CODED = {"WEBP": 8, "AVIF": 8}
"""Bytes for a pixel that a format's decoder holds besides."""
COEFFICIENTS = 6
"""Bytes for each pixel of a progressive JPEG, whose parts are gathered in full size before the first one is seen."""

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


def read(
    path: Path,
    max_side: int | None = None,
    *,
    budget: MemoryBudget | None = None,
    remark: Callable[[str], object] = lambda _: None,
    cancel: CancelToken = NEVER,
) -> tuple[types.Image, tuple[int, int]]:
    """The image as (height, width, 3) uint8 RGB and the original (width, height), both as Label Studio shows it.

    Upright as browsers turn it, transparency on white, shrunk so that no side is longer than `max_side` pixels. A file
    that is cut short is read as far as browsers show it, and `remark` is told. Decoding waits for its memory in `budget`,
    and what `cancel` raises ends the wait.
    Raises MediaError for an image of no sensible size, DamagedMedia for what is none.
    """
    try:
        return _read(path, max_side, budget or MemoryBudget(0), remark, cancel)
    except MicroModelsError:  # ours, or what `cancel` raises
        raise
    except FileNotFoundError:
        raise MediaError(
            f"{path.name} is not there any more. Expected an image file; it will be fetched again."
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise MediaError(f"{path.name} is too large ({error}). Shrink it and upload it again.") from error
    except Exception as error:
        # Pillow raises errors of a dozen kinds for damaged files.
        raise DamagedMedia(
            f"{path.name} cannot be decoded ({type(error).__name__}: {error}). Expected a whole image file "
            f"({', '.join(FORMATS)}). Upload it again or delete the task."
        ) from error


def _read(
    path: Path, max_side: int | None, budget: MemoryBudget, remark: Callable[[str], object], cancel: CancelToken
) -> tuple[types.Image, tuple[int, int]]:
    Image.init()
    with _open(path) as image:
        width, height = image.size
        if width * height > MOST_PIXELS:
            raise MediaError(
                f"{path.name} has {width} x {height} pixels, expected at most {MOST_PIXELS // 1_000_000} million. "
                "Shrink it and upload it again."
            )
        turn = orientation(image)
        shrunk = _shrunk_size(image.size, max_side)
        image.draft("RGB", shrunk)  # lets the JPEG decoder skip what shrinking would throw away
        with budget.reserve(_cost(image, width * height), cancel):
            try:
                image.load()
                rgb = _flat(image, shrunk)
            except Exception as error:
                if image.format not in IN_PART:
                    raise
                rgb = _partial(path, shrunk, error)
                remark(
                    f"the picture's file is damaged ({error}). It is read as far as browsers show it; upload it again."
                )
    for step in _TURNED.get(turn, ()):
        rgb = rgb.transpose(step)
    return np.array(rgb, dtype=np.uint8), ((height, width) if turn in (5, 6, 7, 8) else (width, height))


def _open(source: Path | BinaryIO) -> Image.Image:
    return Image.open(source, formats=[name for name in FORMATS if name in Image.OPEN])


def _cost(image: Image.Image, pixels: int) -> int:
    """Bytes of memory that decoding takes at the most; `pixels` are those of the whole image, not of a draft."""
    each = BYTES.get(image.mode, MOST_BYTES) + CODED.get(image.format or "", 0)
    return image.width * image.height * each + pixels * COEFFICIENTS * _is_progressive(image)


def _is_progressive(image: Image.Image) -> bool:
    return bool(image.info.get("progressive"))


def _shrunk_size(size: tuple[int, int], max_side: int | None) -> tuple[int, int]:
    scale = 1.0 if max_side is None else min(1.0, max_side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _flat(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """In this size, eight bits a channel, without transparency; shrunk before it is copied."""
    if image.mode.startswith("I") or image.mode == "F":
        image = _from_deep(image)
    elif image.has_transparency_data:
        image = image if image.mode == "RGBA" else image.convert("RGBA")
    elif image.mode not in ("L", "RGB"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    if image.size != size:
        image = image.resize(size, Image.Resampling.BOX if image.width >= 2 * size[0] else Image.Resampling.BILINEAR)
    if image.mode == "RGBA":
        flat = Image.new("RGBA", image.size, (*BEHIND, 255))
        flat.alpha_composite(image)
        image = flat
    return image.convert("RGB")


def _from_deep(image: Image.Image) -> Image.Image:
    """Grey of 16 or more bits: 16 bits by their upper byte as browsers do, anything else stretched over its range."""
    grey = np.empty((image.height, image.width), np.uint8)
    if image.mode.startswith("I;16"):
        for rows, part in _strips(image):
            grey[rows] = part >> 8
        return Image.fromarray(grey)
    parts = (_finite(part) for _, part in _strips(image))
    ranges = [(float(part.min()), float(part.max())) for part in parts]
    low, high = min(least for least, _ in ranges), max(most for _, most in ranges)
    upper = low >= 0 and high <= 65535 and image.mode != "F"
    scale = 255 / (high - low) if np.isfinite(high - low) and high > low else 0.0
    for rows, part in _strips(image):
        grey[rows] = np.floor(_finite(part) / 256) if upper else (_finite(part) - low) * scale
    return Image.fromarray(grey)


def _strips(image: Image.Image) -> Iterator[tuple[slice, NDArray[Any]]]:
    """(some rows, their values) from the top to the bottom: copies of all at once would take gigabytes."""
    step = max(1, STRIP // image.width)
    for top in range(0, image.height, step):
        rows = slice(top, min(top + step, image.height))
        yield rows, np.asarray(image.crop((0, rows.start, image.width, rows.stop)))


def _finite(values: NDArray[Any]) -> NDArray[np.float64]:
    """What is no number counts as 0."""
    return np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)


def _partial(path: Path, size: tuple[int, int], error: Exception) -> Image.Image:
    """As much of a damaged file as a browser shows, the rest white. Raises `error` where that is nothing."""
    with _open(path) as image:
        progressive = _is_progressive(image)
    if progressive:  # it is whole, but coarse
        with _open(BytesIO(path.read_bytes() + END_OF_JPEG)) as image:
            image.draft("RGB", size)
            return _flat(image, size)
    decoded, one = _filled(path, size, 0), _filled(path, size, 1)
    if decoded is None or one is None:
        raise error
    # What was decoded is the same over any ground.
    missing = np.asarray(decoded) != np.asarray(one)
    missing = missing if missing.ndim == 2 else missing.any(2)
    there = np.flatnonzero(~missing.any(1))
    if not len(there):
        raise error
    rgb = np.array(_flat(decoded, decoded.size))
    # Interlaced rows that did not come are like those above them; behind the last, or before the first, is nothing.
    above = there[np.maximum(np.searchsorted(there, np.arange(len(rgb)), side="right") - 1, 0)]
    rgb = rgb[above]
    rgb[: there[0]] = BEHIND
    rgb[there[-1] + 1 :] = BEHIND
    return _flat(Image.fromarray(rgb), size)


def _filled(path: Path, size: tuple[int, int], ground: int) -> Image.Image | None:
    """As much of the image as decodes, over a ground of this value; None where not even its decoder starts."""
    with _open(path) as image:
        image.draft("RGB", size)
        with suppress(Exception):  # whatever Pillow raises where the file is damaged
            image.load_prepare()  # type: ignore[attr-defined]
            bands = len(image.getbands())
            image.im.paste(ground if bands == 1 else (ground,) * bands, (0, 0, *image.size))
            image.load()
        image.tile = []  # type: ignore[attr-defined]
    return image if getattr(image, "_im", None) is not None else None
