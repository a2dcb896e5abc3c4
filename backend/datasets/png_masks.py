"""Masks as PNG: `images/`, and for each picture one of the same name in `masks/`, with `labels.txt`.

A pixel of value 0 is background, of value i the i-th line of `labels.txt`; the palette is for people. Where objects lie
over each other the later one is seen; two that touch, of one label, are one. An object without a mask fills its box.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from backend.datasets.format import Format, Items, flat_pictures
from backend.datasets.item import Item, Names, flat_name
from backend.datasets.pictures import ENDINGS, FilePicture
from backend.errors import DataSetError
from backend.instances import Instances
from backend.pixel_edges import bounding_box

MAX_LABELS = 255
"""Labels that a pixel of eight bits tells from the background."""
LABELS = "labels.txt"


def mask_of(path: str) -> str:
    """The PNG that belongs to a picture, by the picture's path."""
    return "masks" + path.removeprefix("images").rpartition(".")[0] + ".png"


def write(items: Items, names: Names, out: Path) -> Iterator[Path]:
    """See `Format.write`."""
    if len(names.labels) > MAX_LABELS:
        raise DataSetError(f"The data set has {len(names.labels)} labels. Expected {MAX_LABELS} at most for PNG masks.")
    numbers = {name: number for number, name in enumerate(names.labels, start=1)}
    for item in items():
        if item.path:
            path = out / mask_of(item.path)
            path.parent.mkdir(parents=True, exist_ok=True)
            picture = Image.fromarray(_index(item, numbers))
            picture.putpalette(palette())
            picture.save(path)
            yield path
    path = out / LABELS
    path.write_text("".join(f"{' '.join(name.split())}\n" for name in names.labels), encoding="utf-8")
    yield path


def palette() -> list[int]:
    """256 colours that differ from their neighbours, as PASCAL VOC has them."""
    bits = [[(n >> (3 * place + channel)) & 1 for place in range(3)] for n in range(256) for channel in range(3)]
    return [sum(bit << (7 - place) for place, bit in enumerate(row)) for row in bits]


def _index(item: Item, numbers: dict[str, int]) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    index = np.zeros((item.height, item.width), np.uint8)
    for row, label in enumerate(item.objects.label.tolist()):
        mask = item.objects.mask[row]
        if mask.any():
            index[mask] = numbers[label]
        else:
            x0, y0, x1, y1 = (max(round(side), 0) for side in item.objects.xyxy[row].tolist())
            index[y0:y1, x0:x1] = numbers[label]
    return index


def read(path: Path, images: Path | None) -> Iterator[Item]:
    """The frames of a folder with `images/`, `masks/` and `labels.txt`; one object for each label of a frame."""
    masks = path / "masks"
    try:
        labels = (path / LABELS).read_text(encoding="utf-8").split("\n")[:-1]
    except OSError as error:
        raise DataSetError(f"{path} cannot be read ({error}). Expected images/, masks/ and {LABELS}.") from None
    if not masks.is_dir():
        raise DataSetError(f"{path} has no masks/. Expected images/, masks/ and {LABELS}.")
    where = images or path / "images"
    pictures = {p.relative_to(where).with_suffix("").as_posix(): p for p in where.rglob("*") if p.suffix in ENDINGS}
    for number, file in enumerate(sorted(masks.rglob("*.png"))):
        name = file.relative_to(masks).with_suffix("").as_posix()
        objects, (height, width) = _objects(file, labels)
        picture = pictures.get(name)
        yield Item(
            group="", name=flat_name(file.name), width=width, height=height, objects=objects, number=number,
            split=name.partition("/")[0] if name.startswith(("train/", "val/")) else "",
            picture=FilePicture(picture, picture.suffix) if picture else None,
            path=picture.relative_to(where).as_posix() if picture else "",
        )  # fmt: skip


def _objects(file: Path, labels: Sequence[str]) -> tuple[Instances, tuple[int, int]]:
    with Image.open(file) as picture:
        index = np.array(picture)
    if index.ndim != 2:
        raise DataSetError(f"{file} has {index.ndim} dimensions. Expected a picture with one number a pixel.")
    numbers = [int(n) for n in np.unique(index) if n]
    if numbers and numbers[-1] > len(labels):
        raise DataSetError(f"{file} has the value {numbers[-1]}. Expected 0 to {len(labels)}, the labels of {LABELS}.")
    masks = np.array([index == n for n in numbers], np.bool_).reshape(-1, *index.shape)
    boxes = [bounding_box(mask) for mask in masks]
    shape = (int(index.shape[0]), int(index.shape[1]))
    return Instances([box for box in boxes if box], [labels[n - 1] for n in numbers], mask=masks), shape


PNG_MASKS = Format(
    "masks", "PNG masks: one picture of class numbers a frame", flat_pictures, write, read, lambda path: [mask_of(path)]
)
