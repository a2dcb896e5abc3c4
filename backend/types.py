"""The frozen data objects that rooms hand each other. No behaviour beyond what follows from the data.

Boxes are `(x0, y0, x1, y1)` in pixels of the original image: x to the right, y down, the left-top corner inclusive and
the right-bottom corner exclusive, as floats. Scores and weights lie in [0, 1].
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
    IMPORTED = "imported"
    """A micro-model of another backend, which somebody imported for this group."""
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
    boxes_from: str | None = None
    """Of a pose control: the rectangle control whose regions its keypoints hang on (`parentID`), if there is one."""
    any_number: bool | None = None
    """Of a pose control, `model_points`: whether a frame may hold any number of points of a label (`many`) or at most one
    (`one`); None leaves it to what people draw."""
    counted: bool = False
    """Of a pose control: its points are any number of each label, as `any_number` or the labels of a group told."""
    multiple: bool = False
    """Whether a frame (of a classification control) or a region (of the others) may have several of the labels."""
    media: Media = Media.IMAGE
    frame_rate: str = ""
    """Of a video: `framerate` as its `Video` tag has it, a number or a data field such as `$fps`; empty: none is given."""
    visible_when: tuple[Condition, ...] = ()
    """All of these must hold, else the editor hides the control, and drops what it holds when it is submitted."""
    value_list: bool = False
    """Whether a task holds several images (`valueList`), each a frame, in a list in `media_field`."""
    masks_from: str | None = None
    """Of masks that nobody needs to draw: the rectangle control whose boxes get them (`model_masks_from`)."""
    drawn_with: str | None = None
    """Of the boxes around skeletons, which nobody draws: the name of the control tag that draws the skeletons."""
    linked_to: tuple[str, ...] = ()
    """Of a skeleton: for each label the one that a line leads from; empty: it is where the lines begin."""
    attribute_of: tuple["Control", ...] = ()
    """Of classes of each region (`perRegion`): the controls whose regions they are said of; else empty."""
    only_of: tuple[str, ...] = ()
    """The labels of those regions (`whenLabelValue`); empty: all."""
    left_alone: tuple[str, ...] = ()
    """The `model_skip`ped labels: what is drawn with them is none of ours, and no mistake."""

    @property
    def hangs_on(self) -> tuple[str, ...]:
        """The names of the controls in whose regions it is looked for; empty: in the whole frame."""
        return (self.boxes_from,) if self.boxes_from else tuple(one.from_name for one in self.attribute_of)


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
    angle: float = 0.0
    """Degrees by which the box is turned clockwise about its centre, in (-45, 45]: width is the side nearer to level."""

    @property
    def corners(self) -> tuple[tuple[float, float], ...]:
        """Of the box as it is turned, clockwise from the left-top one."""
        x0, y0, x1, y1 = self.box
        if not self.angle:
            return (x0, y0), (x1, y0), (x1, y1), (x0, y1)
        x, y, turn = (x0 + x1) / 2, (y0 + y1) / 2, math.radians(self.angle)
        across = (x1 - x0) / 2 * math.cos(turn), (x1 - x0) / 2 * math.sin(turn)
        along = (y0 - y1) / 2 * math.sin(turn), (y1 - y0) / 2 * math.cos(turn)
        signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
        return tuple((x + a * across[0] + b * along[0], y + a * across[1] + b * along[1]) for a, b in signs)

    @property
    def bounds(self) -> Box:
        """The smallest upright box around the box as it is turned."""
        if not self.angle:
            return self.box
        columns, rows = zip(*self.corners, strict=True)
        return min(columns), min(rows), max(columns), max(rows)

    def upright(self) -> "Instance":
        """The same with its bounds for a box that is not turned."""
        return replace(self, box=self.bounds, angle=0.0) if self.angle else self


def quarter_turned(box: Box, angle: float, quarters: int) -> tuple[Box, float]:
    """The same turned box, told by an angle of so many times 90 degrees more."""
    if quarters % 2:
        (x0, y0, x1, y1), half = box, ((box[2] - box[0]) / 2, (box[3] - box[1]) / 2)
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        box = x - half[1], y - half[0], x + half[1], y + half[0]
    return box, angle + 90 * quarters


def level(box: Box, angle: float) -> tuple[Box, float]:
    """The same turned box, told by an angle in (-45, 45] degrees, as that of an `Instance`."""
    return quarter_turned(box, angle, -math.ceil(angle / 90 - 0.5))


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
class Prompt:
    """What somebody drew with smart tools to point at one object; pixels of the original image."""

    box: Box | None = None
    """Around the object, roughly."""
    outline: Mask | None = None
    """Roughly the object: an ellipse, a polygon."""
    stroke: Mask | None = None
    """On the object, and seldom all of it: what a brush painted."""
    inside: tuple[tuple[float, float], ...] = ()
    """(x, y) of clicks on the object."""
    outside: tuple[tuple[float, float], ...] = ()
    """(x, y) of clicks beside it."""


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
