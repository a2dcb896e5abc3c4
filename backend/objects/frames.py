"""Frames from whatever people have: files, Pillow's images, arrays, folders, films."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Union

import numpy as np

from backend import types
from backend.errors import MediaError
from backend.types import Frame

if TYPE_CHECKING:
    from av import VideoFrame
    from PIL.Image import Image as PillowImage

AnyFrame = Union[str, Path, "PillowImage", types.Image, Frame]
"""An image file, a picture of Pillow's, (height, width, 3) uint8 RGB, or a `Frame`."""
AnyFrames = str | Path | Iterable[AnyFrame]
"""Frames, or a folder of image files."""

MAX_SIDE = 2048
"""Pixels of the longer side, to which larger pictures are scaled down when they are decoded, as the server does."""


@dataclass(frozen=True, slots=True, eq=False)
class InputFrame:
    """One frame, and what is known of where it comes from."""

    frame: Frame
    number: int | None = None
    """In its film or list, from 0."""
    places: tuple[str, ...] = ()
    """Names of the groups that it may belong to, the likeliest first: what the caller says, its file, the folders around."""


def input_frame(frame: AnyFrame, number: int | None = None, group: str | None = None) -> InputFrame:
    """A frame decoded, without a place in time; raises MediaError."""
    places = (group,) if group is not None else ()
    if isinstance(frame, str | Path):
        path = Path(frame)
        return InputFrame(_read(path), number, places or places_of(path))
    if isinstance(frame, Frame):
        return InputFrame(frame, number, places)
    image = np.asarray(frame if isinstance(frame, np.ndarray) else frame.convert("RGB"))
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise MediaError(
            f"A frame is {image.dtype} of shape {image.shape}. Expected uint8 RGB of shape (height, width, 3), a picture of "
            "Pillow's, or the path of an image file."
        )
    return InputFrame(Frame(number or 0, image, image.shape[1], image.shape[0]), number, places)


def each_of(frames: AnyFrames) -> Iterable[AnyFrame]:
    """The frames of a folder, by name, or those that are given; raises MediaError where the folder holds none."""
    return images_in(frames) if isinstance(frames, str | Path) else frames


def images_in(folder: str | Path) -> list[Path]:
    """The image files of a folder, in order of their names; raises MediaError where there is none.

    >>> images_in("no such folder")
    Traceback (most recent call last):
        ...
    backend.errors.MediaError: no such folder holds no image. Expected a folder of files such as .jpg or .png.
    """
    from backend.datasets.pictures import ENDINGS

    path = Path(folder)
    found = sorted(one for one in path.glob("*") if one.suffix.lower() in ENDINGS) if path.is_dir() else []
    if not found:
        raise MediaError(f"{folder} holds no image. Expected a folder of files such as .jpg or .png.")
    return found


def places_of(path: Path) -> tuple[str, ...]:
    """Names by which a file's group may be called: its own, with and without ending, then those of its folders."""
    return tuple(dict.fromkeys((path.name, path.stem, *(folder.name for folder in path.absolute().parents))))


def film_frames(path: Path) -> Iterator[InputFrame]:
    """The frames of a video file as players show them, one at a time, each with its place in time; raises MediaError."""
    import av

    places = places_of(path)
    try:
        with av.open(str(path.absolute()), container_options={"protocol_whitelist": "file"}) as container:
            container.streams.video[0].thread_type = "AUTO"
            for number, picture in enumerate(container.decode(video=0)):
                yield InputFrame(_upright(picture, number), number, places)
    except (av.FFmpegError, IndexError, OSError) as error:
        raise MediaError(f"{path} cannot be played ({error}). Expected a video file that FFmpeg reads.") from error


def _upright(picture: "VideoFrame", number: int) -> Frame:
    """Turned as players turn it, which is by right angles only."""
    width, height = picture.width, picture.height
    share = min(1.0, MAX_SIDE / max(width, height))
    image = picture.to_ndarray(format="rgb24", width=max(1, round(width * share)), height=max(1, round(height * share)))
    turns = picture.rotation // 90 % 4 if picture.rotation % 90 == 0 else 0
    if turns % 2:
        width, height = height, width
    return Frame(number, np.ascontiguousarray(np.rot90(image, turns), np.uint8), width, height, float(number))


def _read(path: Path) -> Frame:
    from PIL import Image, ImageOps

    from backend.datasets.pictures import KINDS

    try:
        with Image.open(path, formats=KINDS) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise MediaError(
            f"{path} is no image that can be read ({error}). Expected a file such as .jpg or .png."
        ) from None
    width, height = upright.size
    if max(width, height) > MAX_SIDE:
        upright.thumbnail((MAX_SIDE, MAX_SIDE))
    return Frame(0, np.asarray(upright), width, height)
