"""The formats there are, by name."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from backend.datasets.class_folders import CLASS_FOLDERS, YOLO_CLASSIFY
from backend.datasets.coco import COCO, COCO_POLYGONS
from backend.datasets.cvat import CVAT
from backend.datasets.deeplabcut import DEEPLABCUT
from backend.datasets.format import Format
from backend.datasets.item import Item
from backend.datasets.mot import MOT
from backend.datasets.png_masks import PNG_MASKS
from backend.datasets.sleap import SLEAP
from backend.datasets.yolo import YOLO, YOLO_POSE, YOLO_SEGMENT
from backend.errors import DataSetError

FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        one.name: one
        for one in (
            COCO, COCO_POLYGONS, YOLO, YOLO_SEGMENT, YOLO_POSE, YOLO_CLASSIFY, PNG_MASKS, CLASS_FOLDERS, MOT, CVAT,
            DEEPLABCUT, SLEAP,
        )
    }
)  # fmt: skip


def format_of(name: str) -> Format:
    """The format of a name; DataSetError with the names there are."""
    if name not in FORMATS:
        raise DataSetError(f"There is no format {name!r}. Expected one of: {', '.join(FORMATS)}.")
    return FORMATS[name]


def read(name: str, path: Path, images: Path | None = None) -> Iterator[Item]:
    """The frames of a data set of a format, one after the other; `images` is where its pictures lie, if elsewhere.

    Raises DataSetError where it cannot be read.
    """
    if not path.exists():
        raise DataSetError(f"{path} is not there. Expected a data set of the format {name}.")
    yield from format_of(name).read(path, images)


def guess(path: Path) -> str:
    """The name of the format of a folder or file, from what lies there; DataSetError where it is none that is known."""
    ending = {".json": "coco", ".xml": "cvat", ".slp": "sleap", ".csv": "deeplabcut", ".yaml": "yolo"}.get(path.suffix)
    if path.is_file() and ending:
        return ending
    for name, pattern in SIGNS:
        if path.is_dir() and next(path.glob(pattern), None) is not None:
            return name
    signs = ", ".join(f"{pattern} ({name})" for name, pattern in SIGNS)
    raise DataSetError(f"{path} is of no format that is known. Expected one of: {signs}.")


SIGNS = (
    ("yolo", "data.yaml"),
    ("masks", "masks"),
    ("mot", "**/seqinfo.ini"),
    ("deeplabcut", "**/CollectedData*.csv"),
    ("sleap", "*.slp"),
    ("coco", "*.json"),
    ("cvat", "*.xml"),
    ("folders", "*/*.[jp][pn]g"),
    ("folders", "train/*/*.[jp][pn]g"),
)
"""What lies in a folder of a format; the first that is there says which it is."""
