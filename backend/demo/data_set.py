"""The frames of one group with the truth that is known: five labels to submit, the others to measure against."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from backend.demo.clip import installed_clip
from backend.demo.hand_labels import labels_of, truth_of_frames
from backend.errors import DemoError
from backend.studio.video import write_frames
from backend.types import Head, Instance


@dataclass(frozen=True, slots=True)
class DemoFrame:
    """One image file of the group."""

    path: Path
    number: int
    """Of the frame in its video; rises along the group."""
    truth: tuple[Instance, ...] | None
    """Every object in the frame, or its class; None where nobody has looked."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """One group: its frames in the order of time."""

    name: str
    width: int
    """Of every frame, in pixels."""
    height: int
    classes: tuple[str, ...]
    """What the head tells apart: classes of objects or of frames, or names of points."""
    frames: tuple[DemoFrame, ...]
    source: str = ""
    head: Head = Head.DETECTION
    objects: tuple[str, ...] = ()
    """Of points of several objects: the classes of the objects, each of which has a box around it."""

    def labelled(self, count: int) -> tuple[int, ...]:
        """Positions of the frames that the demo's person labels: spread evenly, the ends left out.

        Of a classification so many of each class, since a class that was never shown cannot be learnt.
        """
        stretches: list[Sequence[int]] = [range(len(self.frames))]
        if self.head is Head.CLASSIFICATION:
            stretches = [self._of_class(label) for label in self.classes]
        positions = tuple(sorted({position for stretch in stretches for position in self._inside(stretch, count)}))
        if unknown := [position for position in positions if self.frames[position].truth is None]:
            raise DemoError(f"{self.name} has no labels for the frames at {unknown}, which are to be labelled.")
        return positions

    def _inside(self, positions: Sequence[int], count: int) -> list[int]:
        if count < 1 or count >= len(positions):
            raise DemoError(f"{count} of {len(positions)} frames are to be labelled. Expected 1 to all but one.")
        return [positions[int(place)] for place in np.linspace(0, len(positions) - 1, count + 2).round()[1:-1]]

    def _of_class(self, label: str) -> list[int]:
        shown = [{instance.label for instance in frame.truth or ()} for frame in self.frames]
        return [position for position, labels in enumerate(shown) if label in labels]

    def evaluation(self, labelled: tuple[int, ...]) -> tuple[int, ...]:
        """Positions of the frames whose truth is known and was not submitted."""
        return tuple(
            position
            for position, frame in enumerate(self.frames)
            if frame.truth is not None and position not in labelled
        )


def big_buck_bunny(folder: Path, head: Head = Head.DETECTION) -> DataSet:
    """The clip's frames, decoded into `folder`, with what a head needs of the labels that lie beside this file."""
    described = json.loads((files("backend.demo") / "big_buck_bunny.json").read_text(encoding="utf-8"))
    paths = list(write_frames(installed_clip(described["distribution"], described["clip"]), folder).values())
    if len(paths) != described["frame_count"]:
        raise DemoError(
            f"{described['clip']} has {len(paths)} frames; its labels are of a clip of {described['frame_count']}. "
            f"Install the release of {described['distribution']} that pyproject.toml names."
        )
    truth = truth_of_frames(described, head)
    return described_set(described, [DemoFrame(path, n, truth.get(n)) for n, path in enumerate(paths)], head)


def described_set(described: dict[str, Any], frames: list[DemoFrame], head: Head = Head.DETECTION) -> DataSet:
    """A data set from what a `labels.json` says of all its frames."""
    return DataSet(
        name=described["name"],
        width=int(described["width"]),
        height=int(described["height"]),
        classes=labels_of(described, head),
        frames=tuple(frames),
        source=described.get("source", ""),
        head=head,
    )
