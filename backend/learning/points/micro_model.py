"""A trained micro-model of points: one of boxes, of which the middles are shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from backend.learning.detection import micro_model as detection
from backend.learning.detection.micro_model import DetectionModel
from backend.learning.fitting.training_input import EnclosingBoxes
from backend.learning.points.boxes import boxes_to_points, points_to_boxes
from backend.types import Frame, Head, LabeledFrame, Prediction, Weights

FORMAT_PREFIX = "points of "
"""Before the format of detection's artifact that it is."""
BOX_SIDE_KEY = "side"
"""Key of the metadata that holds the side of the box around a point, as a share of the frame's diagonal."""


@dataclass(frozen=True, slots=True, eq=False)
class PointsModel:
    """Sees one group's points. Immutable: may be used from several threads at once."""

    boxes: DetectionModel
    side: float
    """Of the box around a point, as a share of the frame's diagonal."""

    @property
    def nbytes(self) -> int:
        """Memory that its own weights take, bytes."""
        return self.boxes.nbytes

    @property
    def labels(self) -> tuple[str, ...]:
        """The label set, in the config's order."""
        return self.boxes.labels

    def predict(
        self,
        frames: Iterable[Frame],
        labeled: Sequence[LabeledFrame] = (),
        enclosing_boxes: EnclosingBoxes | None = None,
    ) -> list[Prediction]:
        """One prediction a frame, in order; see `DetectionModel.predict`. Each instance has one point."""
        return [
            boxes_to_points(one)
            for one in self.boxes.predict(frames, [points_to_boxes(one, self.side) for one in labeled])
        ]


def as_points(weights: Weights, side: float) -> Weights:
    """A detection's artifact as one of points."""
    own = {"head": Head.POSE.value, "format": FORMAT_PREFIX + weights.metadata["format"], BOX_SIDE_KEY: repr(side)}
    return replace(weights, metadata={**weights.metadata, **own})


def as_boxes(weights: Weights) -> Weights:
    """An artifact of points as the detection's that it is."""
    format_ = weights.metadata.get("format", "none").removeprefix(FORMAT_PREFIX)
    return replace(weights, metadata={**weights.metadata, "head": Head.DETECTION.value, "format": format_})


def side_of(weights: Weights) -> float:
    """Of the box around a point, as a share of the frame's diagonal."""
    return float(weights.metadata[BOX_SIDE_KEY])


def load(weights: Weights, device: str = "auto") -> PointsModel:
    """The micro-model of an artifact; raises TrainingError where the weights are of another version."""
    return PointsModel(detection.load(as_boxes(weights), device), side_of(weights))
