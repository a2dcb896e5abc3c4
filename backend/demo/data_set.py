"""The frames of one group with the boxes that are known: five to submit, the others to measure against."""

import json
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from backend.demo.clip import installed_clip
from backend.errors import DemoError
from backend.studio.video import write_frames
from backend.types import Instance


@dataclass(frozen=True, slots=True)
class DemoFrame:
    """One image file of the group."""

    path: Path
    number: int
    """Of the frame in its video; rises along the group."""
    truth: tuple[Instance, ...] | None
    """Every object in the frame; None where nobody has looked."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """One group: its frames in the order of time."""

    name: str
    width: int
    """Of every frame, in pixels."""
    height: int
    classes: tuple[str, ...]
    frames: tuple[DemoFrame, ...]
    source: str = ""

    def labelled(self, count: int) -> tuple[int, ...]:
        """Positions of the frames that the demo's person labels: spread evenly, the ends left out."""
        if count < 1 or count >= len(self.frames):
            raise DemoError(f"{count} of {len(self.frames)} frames are to be labelled. Expected 1 to all but one.")
        spread = np.linspace(0, len(self.frames) - 1, count + 2).round()[1:-1]
        positions = tuple(dict.fromkeys(int(position) for position in spread))
        if unknown := [position for position in positions if self.frames[position].truth is None]:
            raise DemoError(f"{self.name} has no boxes for the frames at {unknown}, which are to be labelled.")
        return positions

    def evaluation(self, labelled: tuple[int, ...]) -> tuple[int, ...]:
        """Positions of the frames whose boxes are known and were not submitted."""
        return tuple(
            position
            for position, frame in enumerate(self.frames)
            if frame.truth is not None and position not in labelled
        )


def big_buck_bunny(folder: Path) -> DataSet:
    """The clip's frames, decoded into `folder`, with the boxes that lie beside this file."""
    described = json.loads((files("backend.demo") / "big_buck_bunny.json").read_text(encoding="utf-8"))
    paths = list(write_frames(installed_clip(described["distribution"], described["clip"]), folder).values())
    if len(paths) != described["frame_count"]:
        raise DemoError(
            f"{described['clip']} has {len(paths)} frames; its boxes are of a clip of {described['frame_count']}. "
            f"Install the release of {described['distribution']} that pyproject.toml names."
        )
    truth = {entry["index"]: instances(entry) for entry in described["frames"]}
    return described_set(described, [DemoFrame(path, n, truth.get(n)) for n, path in enumerate(paths)])


def from_folder(folder: Path) -> DataSet:
    """A folder with `labels.json` and `frames/`, each frame with all of its boxes (`objects`)."""
    described = read_labels(folder / "labels.json")
    entries = described["frames"]
    numbers = [int(entry["index"]) for entry in entries]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        numbers = list(range(len(entries)))  # several clips in one folder: their numbers say nothing of the order
    frames = []
    for number, entry in zip(numbers, entries, strict=True):
        path = folder / "frames" / entry["file"]
        if not path.is_file():
            raise DemoError(f"{folder / 'labels.json'} names {entry['file']}, but there is no {path}.")
        frames.append(DemoFrame(path, number, instances(entry)))
    return described_set({"name": folder.resolve().name, **described}, frames)


def read_labels(path: Path) -> dict[str, Any]:
    """The content of a `labels.json` of detection; DemoError that says what it should be."""
    expected = "Expected a folder with frames/ and a labels.json: task 'detection', width, height, classes, frames."
    try:
        described: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        missing = [key for key in ("task", "width", "height", "classes", "frames") if key not in described]
    except (OSError, ValueError) as error:
        raise DemoError(f"{path} cannot be read ({error}). {expected}") from None
    if missing:
        raise DemoError(f"{path} lacks {', '.join(missing)}. {expected}")
    if described["task"] != "detection":
        raise DemoError(f"{path} is of the task {described['task']!r}, which the demo cannot show. {expected}")
    return described


def described_set(described: dict[str, Any], frames: list[DemoFrame]) -> DataSet:
    """A data set from what a `labels.json` says of all its frames."""
    return DataSet(
        name=described["name"],
        width=int(described["width"]),
        height=int(described["height"]),
        classes=tuple(described["classes"]),
        frames=tuple(frames),
        source=described.get("source", ""),
    )


def instances(entry: dict[str, Any]) -> tuple[Instance, ...]:
    """The objects of one frame of a `labels.json`."""
    found = []
    for item in entry["objects"]:
        x0, y0, x1, y1 = map(float, item["box"])
        found.append(Instance(item["label"], (x0, y0, x1, y1)))
    return tuple(found)
