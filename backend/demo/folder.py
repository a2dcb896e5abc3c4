"""A folder of labelled frames as a data set: `frames/`, `labels.json`, and of segmentation masks as pictures.

`labels.json` has the task (a head's name), width, height, classes, of pose also keypoints, and the frames in the order
of time: file and index, and of detection and pose `objects` (label, box in pixels, perhaps an id that goes through all
frames; keypoints as x, y, visible), of segmentation `mask` (a picture beside the file: 0 is background, i the i-th
class), of classification `class`.
"""

import json
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from backend.demo.data_set import DataSet, DemoFrame
from backend.demo.hand_labels import frame_class
from backend.errors import DemoError
from backend.pixel_edges import bounding_box
from backend.types import Head, Instance, Keypoint

Described = Mapping[str, Any]
NEEDED = ("task", "width", "height", "classes", "frames")
EXPECTED = f"Expected a folder with frames/ and a labels.json: {', '.join(NEEDED)}."


def from_folder(folder: Path) -> DataSet:
    """The data set of a folder; DemoError that says what it should be."""
    described = read_labels(folder / "labels.json")
    head, entries = Head(described["task"]), described["frames"]
    numbers = [int(entry["index"]) for entry in entries]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        numbers = list(range(len(entries)))  # several clips in one folder: their numbers say nothing of the order
    several = head is Head.POSE and max((len(entry["objects"]) for entry in entries), default=0) > 1
    frames = []
    for number, entry in zip(numbers, entries, strict=True):
        path = folder / "frames" / entry["file"]
        if not path.is_file():
            raise DemoError(f"{folder / 'labels.json'} names {entry['file']}, but there is no {path}.")
        frames.append(DemoFrame(path, number, _truth(entry, described, folder, several)))
    return DataSet(
        name=folder.resolve().name,
        width=int(described["width"]),
        height=int(described["height"]),
        classes=tuple(described["keypoints" if head is Head.POSE else "classes"]),
        frames=tuple(frames),
        source=described.get("source", ""),
        head=head,
        objects=tuple(described["classes"]) if several else (),
    )


def read_labels(path: Path) -> dict[str, Any]:
    """The content of a `labels.json`; DemoError that says what it should be."""
    try:
        described: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        missing = [key for key in NEEDED if key not in described]
    except (OSError, ValueError) as error:
        raise DemoError(f"{path} cannot be read ({error}). {EXPECTED}") from None
    if missing:
        raise DemoError(f"{path} lacks {', '.join(missing)}. {EXPECTED}")
    if described["task"] not in list(Head):
        raise DemoError(f"{path} is of the task {described['task']!r}. Expected one of: {', '.join(Head)}.")
    return described


def _truth(entry: Described, described: Described, folder: Path, several: bool) -> tuple[Instance, ...]:
    """Everything in one frame."""
    size = int(described["width"]), int(described["height"])
    readers: dict[Head, Callable[[], list[Instance]]] = {
        Head.DETECTION: lambda: [Instance(one["label"], _box(one), region_id=_id(one)) for one in entry["objects"]],
        Head.POSE: lambda: [_pose(one, described["keypoints"], several) for one in entry["objects"]],
        Head.SEGMENTATION: lambda: _masks(folder / entry["mask"], described["classes"]) if entry.get("mask") else [],
        Head.CLASSIFICATION: lambda: [frame_class(entry["class"], size)] if entry.get("class") else [],
    }
    return tuple(readers[Head(described["task"])]())


def _box(one: Described) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = map(float, one["box"])
    return x0, y0, x1, y1


def _id(one: Described) -> str | None:
    """Of the same object in all frames, where the folder follows it."""
    return str(one["id"]) if "id" in one else None


def _pose(one: Described, names: list[str], several: bool) -> Instance:
    """One object; its label counts only where there are several, which need a box around each."""
    placed = zip(names, one["keypoints"], strict=True)
    points = tuple(Keypoint(name, float(x), float(y)) for name, (x, y, visible) in placed if visible > 0)
    return Instance(
        one["label"] if several else "", _box(one), region_id=_id(one) if several else None, keypoints=points
    )


def _masks(path: Path, classes: list[str]) -> list[Instance]:
    """One instance for each class that has a pixel in the picture; of a single class any value but 0 is one."""
    with Image.open(path) as picture:
        index = np.array(picture)
    index = index[..., 0] if index.ndim == 3 else index
    masks = [(name, index > 0 if len(classes) == 1 else index == n) for n, name in enumerate(classes, start=1)]
    return [Instance(name, box, mask=mask) for name, mask in masks if (box := bounding_box(mask)) is not None]
