"""Labelled frames of any format that we read, as data sets of the demo and the benchmark: one for each of their groups."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from backend.datasets import Item, guess, read
from backend.datasets.pictures import FilePicture
from backend.demo.data_set import DataSet, DemoFrame
from backend.demo.folder import from_folder
from backend.errors import DataSetError, DemoError
from backend.types import Head, Instance

MIN_FRAMES = 2
"""Frames of a group: one to label, and one to measure on; smaller groups are left out."""


def load_sets(path: Path) -> list[DataSet]:
    """The data sets of a folder with `labels.json`, or of a folder or file of a format of `backend.datasets`.

    Raises DemoError that says what it should be.
    """
    if (path / "labels.json").is_file():
        return [from_folder(path)]
    try:
        name = guess(path)
        groups = defaultdict[str, list[Item]](list)
        for item in read(name, path):
            groups[item.group].append(item)
        large = {group: items for group, items in groups.items() if len(items) >= MIN_FRAMES}
        if not large:
            raise DemoError(f"{path} has no group of {MIN_FRAMES} frames: one to label, and one to measure on.")
        return [_data_set(group or path.resolve().stem, items, name) for group, items in large.items()]
    except DataSetError as error:
        raise DemoError(f"{error} Else expected a folder with frames/ and a labels.json.") from None


def load_set(path: Path) -> DataSet:
    """The one with the most frames."""
    return max(load_sets(path), key=lambda one: len(one.frames))


def head_of(items: Iterable[Item]) -> Head:
    """What is to be learnt from frames: points where there are any, else masks, boxes, classes of frames."""
    there = {kind for item in items for kind in _kinds(item)}
    for head in (Head.POSE, Head.SEGMENTATION, Head.DETECTION, Head.CLASSIFICATION):
        if head in there:
            return head
    raise DemoError("Nothing is labelled in any frame. Expected boxes, masks, points or classes.")


def _kinds(item: Item) -> list[Head]:
    kinds = [Head.CLASSIFICATION] if len(item.classes) else []
    if len(item.objects):
        kinds.append(Head.DETECTION)
        kinds += [Head.SEGMENTATION] if item.objects.mask.any() else []
        kinds += [Head.POSE] if item.objects.visibility.any() else []
    return kinds


def _data_set(name: str, items: Sequence[Item], source: str) -> DataSet:
    """One group. Raises DemoError where its frames cannot be used."""
    head = head_of(items)
    sizes = Counter((item.width, item.height) for item in items)
    if len(sizes) > 1:
        told = ", ".join(f"{count} of {w} x {h}" for (w, h), count in sizes.most_common(3))
        raise DemoError(f"The frames of {name} differ in size: {told} pixels. Expected one size.")
    several = head is Head.POSE and max(len(item.objects) for item in items) > 1
    frames = [
        DemoFrame(_file(item), number, _truth(item, head, several))
        for number, item in enumerate(sorted(items, key=lambda item: item.number))
    ]
    [(width, height)] = sizes
    labels = dict.fromkeys(one.label for frame in frames for one in frame.truth or ())
    points = tuple(dict.fromkeys(point for item in items for point in item.objects.keypoint_names))
    return DataSet(
        name, width, height, points if head is Head.POSE else tuple(labels), tuple(frames), f"Read as {source}.",
        head, tuple(labels) if several else (),
    )  # fmt: skip


def _file(item: Item) -> Path:
    if not isinstance(item.picture, FilePicture):
        raise DemoError(
            f"The picture of frame {item.name!r} of {item.group!r} is not there. Expected it beside its labels."
        )
    return item.picture.path


def _truth(item: Item, head: Head, several: bool) -> tuple[Instance, ...]:
    if head is Head.CLASSIFICATION:
        return item.classes[:1].single()
    if head is Head.SEGMENTATION:
        return _masks(item)
    boxes = item.objects.single()
    if head is Head.POSE:
        return tuple(Instance(one.label if several else "", one.box, keypoints=one.keypoints) for one in boxes)
    return tuple(Instance(one.label, one.box, region_id=one.region_id) for one in boxes)


def _masks(item: Item) -> tuple[Instance, ...]:
    """One mask for each label: a brush has no more."""
    found = []
    for label in dict.fromkeys(item.objects.label.tolist()):
        mask = item.objects.mask[item.objects.label == label].any(0)
        if mask.any():
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            box = float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
            found.append(Instance(label, box, mask=mask))
    return tuple(found)
