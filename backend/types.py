"""The frozen data objects that rooms hand each other. No behaviour beyond what follows from the data.

Boxes are `(x0, y0, x1, y1)` in pixels of the original image: x to the right, y down, the left-top corner inclusive and
the right-bottom corner exclusive, as floats. Scores and weights lie in [0, 1].
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]
Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]
"""(height, width) of the original image."""


class Head(StrEnum):
    """What a control tag asks for."""

    DETECTION = "detection"
    SEGMENTATION = "segmentation"
    POSE = "pose"
    CLASSIFICATION = "classification"


class Start(StrEnum):
    """What a training starts from; the best that is at hand is taken, in this order."""

    SERVING = "serving"
    """The group's own serving version."""
    SIBLING = "sibling"
    """The serving version of a group that looks alike."""
    PROJECT = "project"
    """The one network over all labelled groups of the project."""
    BACKBONE = "backbone"
    """The pretrained feature network alone."""


class Media(StrEnum):
    """What a control tag is drawn on: one image a task, or one whole video."""

    IMAGE = "image"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Condition:
    """When the editor shows a control tag: a choice is made, or is not."""

    control: str
    """Name of the `Choices` that is asked; empty: any of them."""
    choices: tuple[str, ...] = ()
    """One of these; empty: any choice."""
    selected: bool = True
    """Whether it must be chosen, or must not."""


@dataclass(frozen=True, slots=True)
class Control:
    """One control tag of a labeling config that a micro-model can serve."""

    from_name: str
    to_name: str
    tag: str
    """As written in the XML, e.g. `RectangleLabels`."""
    head: Head
    labels: tuple[str, ...]
    """The label set, in the config's order; `model_skip`ped labels are left out."""
    media_field: str
    """The key of `task.data` that holds the media, from `value="$image"`."""
    score_threshold: float | None = None
    """`model_score_threshold`: regions below it are not shown; None leaves the choice to the micro-model."""
    labels_from: str | None = None
    """For `Rectangle` + `Labels`: the name of the `Labels` tag that carries the label of each region."""
    parent: str | None = None
    """Of a pose control: the rectangle control whose regions its keypoints hang on (`parentID`), if there is one."""
    multiple: bool = False
    """Whether a frame (of a classification control) or a region (of the others) may have several of the labels."""
    media: Media = Media.IMAGE
    frame_rate: str = ""
    """Of a video: `framerate` as its `Video` tag has it, a number or a data field such as `$fps`; empty: none is given."""
    visible_when: tuple[Condition, ...] = ()
    """All of these must hold, else the editor hides the control, and drops what it holds when it is submitted."""


@dataclass(frozen=True, slots=True)
class Keypoint:
    """One named point of an object, in pixels of the original image; points that are not visible are left out."""

    label: str
    x: float
    y: float
    score: float = 1.0
    region_id: str | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """One object in one frame, drawn by a person (`score` 1) or predicted.

    What more than the box it has depends on the head: segmentation a `mask`, pose `keypoints`; a class of the whole
    frame is an instance whose box is the frame.
    """

    label: str
    """Of the object; of a pose without a rectangle around it: empty."""
    box: Box
    """Around the object; around its mask or keypoints where nobody drew a box."""
    score: float = 1.0
    region_id: str | None = None
    accepted: bool = field(default=False, compare=False)
    """Predicted, and left as it was by the person who submitted the frame: it is there, but nobody drew its outline."""
    mask: Mask | None = field(default=None, compare=False)
    keypoints: tuple[Keypoint, ...] = ()
    track: int | None = field(default=None, compare=False)
    """Number of the object that is followed through the frames of a film; None: it is not."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The decoded image of one task."""

    task: int
    image: Image
    """(height, width, 3) uint8, RGB; may be smaller than the original, never larger."""
    width: int
    """Of the original image, in pixels."""
    height: int
    order: float | None = None
    """Position in time within the group; None where the frames have no order."""


@dataclass(frozen=True, slots=True, eq=False)
class LabeledFrame:
    """A frame with what a person drew in it."""

    frame: Frame
    instances: tuple[Instance, ...]
    weight: float = 1.0
    complete: bool = True
    """Everything is drawn: no instance means that there is none."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one micro-model says about one frame."""

    task: int
    instances: tuple[Instance, ...]
    score: float
    """How probable it is that a person would leave the frame as it is: low means worth a look."""


@dataclass(frozen=True, slots=True)
class VideoSize:
    """How large a video is, in space and in time."""

    width: int
    """Of every frame as a player shows it, pixels."""
    height: int
    frames: int
    rate: float
    """Frames a second."""


@dataclass(frozen=True, slots=True)
class Keyframe:
    """Where an object of a video is in one frame; between two keyframes the box moves in a straight line."""

    frame: int
    """Number in the video, counted from 1 as Label Studio does."""
    box: Box
    enabled: bool = True
    """False: this is the last frame of a lifespan; the object is not shown again before the next keyframe."""


@dataclass(frozen=True, slots=True)
class Track:
    """One object through a video, drawn by a person (`score` 1) or predicted.

    After its last keyframe an object stays where it is to the end of the video, unless that keyframe ends its lifespan.
    A class of a range of frames is a track whose box is the frame.
    """

    label: str
    keyframes: tuple[Keyframe, ...]
    """By frame, each frame once."""
    score: float = 1.0
    region_id: str | None = None

    def lifespans(self, frames: int) -> list[tuple[int, int]]:
        """(first, last) frame of each stretch in which the object is seen, in a video of so many frames."""
        found: list[tuple[int, int]] = []
        start: int | None = None
        for one in self.keyframes:
            start = one.frame if start is None else start
            if not one.enabled:
                found.append((start, one.frame))
                start = None
        return [*found, (start, frames)] if start is not None else found

    def box_at(self, frame: int) -> Box | None:
        """Where the object is shown in a frame; None where it is not."""
        after = bisect_left(self.keyframes, frame, key=lambda one: one.frame)
        if after < len(self.keyframes) and self.keyframes[after].frame == frame:
            return self.keyframes[after].box
        if after == 0 or not self.keyframes[after - 1].enabled:
            return None
        before = self.keyframes[after - 1]
        if after == len(self.keyframes):
            return before.box
        share = (frame - before.frame) / (self.keyframes[after].frame - before.frame)
        x0, y0, x1, y1 = (a + share * (b - a) for a, b in zip(before.box, self.keyframes[after].box, strict=True))
        return x0, y0, x1, y1


@dataclass(frozen=True, slots=True)
class VideoPrediction:
    """What one micro-model says about one whole video."""

    task: int
    size: VideoSize
    tracks: tuple[Track, ...]
    score: float
    """Mean over the frames that were looked at of how probable it is that a person would leave the frame as it is."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a training stands."""

    done: float
    """Share of the work, in [0, 1]."""
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class Metrics:
    """Detection quality at IoU 0.5 over a set of frames; None where the figure does not exist (0 / 0)."""

    frames: int
    recall: float | None
    precision: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class Quality:
    """One figure for how good predictions are, in [0, 1], higher is better; None where it does not exist."""

    measure: str
    """What the score is, in words: each head has its own."""
    frames: int
    score: float | None


State = Mapping[str, NDArray[Any]]
"""Named weight arrays of a micro-model, without those of the unchanged backbone."""


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """What an artifact holds: arrays, and the strings needed to build the network again."""

    arrays: State
    metadata: Mapping[str, str] = field(default_factory=dict)
