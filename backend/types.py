"""The frozen data objects that rooms hand each other. No behaviour beyond what follows from the data.

Boxes are `(x0, y0, x1, y1)` in pixels of the original image: x to the right, y down, the left-top corner inclusive and
the right-bottom corner exclusive, as floats. Scores and weights lie in [0, 1].
"""

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
    """Of a classification control: whether a frame may have several of the labels."""


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
    mask: Mask | None = field(default=None, compare=False)
    keypoints: tuple[Keypoint, ...] = ()


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
    """A frame with everything that a person drew in it; no instance means that there is none."""

    frame: Frame
    instances: tuple[Instance, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one micro-model says about one frame."""

    task: int
    instances: tuple[Instance, ...]
    score: float
    """How probable it is that a person would leave the frame as it is: low means worth a look."""


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
