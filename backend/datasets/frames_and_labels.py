"""Data sets as two lists: the frames, and what is in each. For whoever has no project: scripts, notebooks."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from backend import types
from backend.datasets.formats import format_of, read
from backend.datasets.item import Item, Names, Picture, Planned
from backend.datasets.pictures import ArrayPicture, FilePicture, size_of
from backend.datasets.write import write
from backend.errors import DataSetError
from backend.instances import Instances

AnyFrame = Path | str | types.Image | PillowImage.Image
"""An image file, (height, width, 3) uint8 RGB, or a picture of Pillow's."""


def load(name: str, path: Path | str, images: Path | str | None = None) -> tuple[list[Path], list[Instances]]:
    """(frames, what is in each) of a data set of a format, as `coco`; of frames that only have classes, these.

    Frames are image files that lie where `path` or `images` says. Raises DataSetError where it cannot be read, and where
    the picture of a frame is not there.
    """
    frames, labels = list[Path](), list[Instances]()
    for item in read(name, Path(path), None if images is None else Path(images)):
        if not isinstance(item.picture, FilePicture):
            raise DataSetError(
                f"The picture of {item.path or item.name!r} is not there. Say where it is with `images`."
            )
        frames.append(item.picture.path)
        labels.append(item.objects if len(item.objects) or not len(item.classes) else item.classes)
    return frames, labels


def save(
    name: str, out: Path | str, frames: Iterable[AnyFrame], labels: Iterable[Instances], group: str = "frames"
) -> int:
    """Write frames, with what is in each, as a data set of a format into a new folder; how many they were.

    For formats of classes, labels are classes of whole frames. Both may be generators: memory holds one frame. Raises
    DataSetError, also where there are not as many of one as of the other.
    """
    format_, count = format_of(name), 0
    for step in write(format_, Path(out), _planned(frames, labels, group, format_.needs == "classes"), Names(), {}, {}):
        count = step.frames
    return count


def _planned(frames: Iterable[AnyFrame], labels: Iterable[Instances], group: str, classes: bool) -> Iterator[Planned]:
    try:
        for number, (frame, found) in enumerate(zip(frames, labels, strict=True)):
            picture, (width, height), name = _picture(frame, number)
            objects, of_frame = (Instances(), found) if classes else (found, Instances())
            item = Item(group, name, width, height, objects, of_frame, number, picture=picture)
            yield Planned(group, name, lambda item=item: item)  # type: ignore[misc]
    except ValueError as error:
        raise DataSetError(f"Frames and labels do not fit each other ({error}). Expected one of each.") from None


def _picture(frame: AnyFrame, number: int) -> tuple[Picture, tuple[int, int], str]:
    if isinstance(frame, str | Path):
        path = Path(frame)
        return FilePicture.of(path), size_of(path), f"{number:06d} {path.stem}"
    image = np.asarray(frame.convert("RGB") if isinstance(frame, PillowImage.Image) else frame)
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise DataSetError(f"A frame is {image.dtype} of shape {image.shape}. Expected uint8 of (height, width, 3).")
    return ArrayPicture(lambda: image), (image.shape[1], image.shape[0]), f"{number:06d}"
