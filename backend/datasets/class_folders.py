"""Pictures in folders that are named by their class, as torchvision's `ImageFolder` and YOLO's classification read them.

A frame with several classes lies in the folder of each, one without a class in none.
"""

from collections.abc import Iterator
from pathlib import Path

from backend.datasets.file_names import FileNames
from backend.datasets.format import Format, Items, NameOf
from backend.datasets.item import TRAIN, Item, Names, flat_name
from backend.datasets.pictures import ENDINGS, FilePicture, size_of
from backend.errors import DataSetError
from backend.instances import Instances

FOLDER = "classes"
"""Where names of classes are told apart: these are folders, not files."""


def _pictures(always_split: bool) -> NameOf:
    def pictures(item: Item, names: FileNames) -> list[str]:
        split = item.split or (TRAIN if always_split else "")
        classes = [names.of(label, within=FOLDER) for label in dict.fromkeys(item.classes.label.tolist())]
        name = names.of(item.group, item.name)
        return ["/".join([*([split] if split else []), class_, name]) for class_ in classes]

    return pictures


def write(items: Items, names: Names, out: Path) -> Iterator[Path]:
    """The pictures say it all; a folder for a class that no frame has would be read as one."""
    yield from ()


def read(path: Path, images: Path | None) -> Iterator[Item]:
    """The frames of a folder with a folder for each class, or with such folders in `train/` and `val/` (`test/`)."""
    root = images or path
    # A class may be called `train` too: then there are pictures in its folder.
    splits = [name for name in ("train", "val", "test") if (root / name).is_dir() and not _has_pictures(root / name)]
    count = 0
    for split in splits or [""]:
        for folder in sorted(p for p in (root / split).iterdir() if p.is_dir()):
            for picture in sorted(p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS):
                width, height = size_of(picture)
                yield Item(
                    group="", name=flat_name(picture.name), width=width, height=height, number=count, split=split,
                    classes=Instances([(0.0, 0.0, float(width), float(height))], [folder.name]),
                    picture=FilePicture(picture, picture.suffix.lower()), path=picture.relative_to(root).as_posix(),
                )  # fmt: skip
                count += 1
    if not count:
        raise DataSetError(f"{root} holds no pictures in folders. Expected a folder for each class.")


def _has_pictures(folder: Path) -> bool:
    return any(path.suffix.lower() in ENDINGS for path in folder.iterdir())


CLASS_FOLDERS = Format(
    "folders", "a folder of pictures for each class of frames", _pictures(False), write, read, needs="classes"
)
YOLO_CLASSIFY = Format(
    "yolo-classify", "YOLO: the same in train/ and val/", _pictures(True), write, read, needs="classes"
)
