"""Data sets in and out: the formats of `backend.datasets`, by name."""

from collections.abc import Iterable
from pathlib import Path

from backend.instances import Instances
from backend.objects.frames import AnyFrame


def read(format: str, path: str | Path, images: str | Path | None = None) -> tuple[list[Path], list[Instances]]:
    """(image files, what is in each) of a data set, as `read("coco", "annotations.json", images="images/")`.

    Raises DataSetError where it cannot be read, with the names of the formats where there is none of this one.
    """
    from backend.datasets.frames_and_labels import load

    return load(format, path, images)


def write(
    format: str, out: str | Path, frames: Iterable[AnyFrame], labels: Iterable[Instances], group: str = "frames"
) -> int:
    """Write frames with what is in each into a new folder; how many they were. Both may be generators.

    Raises DataSetError, also where there are not as many of one as of the other.
    """
    from backend.datasets.frames_and_labels import save
    from backend.types import Frame

    return save(format, out, (one.image if isinstance(one, Frame) else one for one in frames), labels, group)
