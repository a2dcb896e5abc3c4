"""A case for each method, and for each way in which regions may hang: frames made from nothing, and recipes for them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from backend.learning.attributes.method import METHOD as ATTRIBUTES
from backend.learning.attributes.recipe import AttributeRecipe
from backend.learning.classification.method import METHOD as CLASSIFICATION
from backend.learning.classification.recipe import ClassificationRecipe
from backend.learning.detection.method import METHOD as DETECTION
from backend.learning.detection.recipe import DetectionRecipe
from backend.learning.fitting.trained import Trained
from backend.learning.fitting.training_input import EnclosingBoxes, TrainingInput
from backend.learning.method import Method
from backend.learning.points.method import METHOD as POINTS
from backend.learning.points.recipe import PointsRecipe
from backend.learning.pose.method import METHOD as POSE
from backend.learning.pose.recipe import PoseRecipe
from backend.learning.segmentation.method import METHOD as SEGMENTATION
from backend.learning.segmentation.recipe import SegmentationRecipe
from backend.types import Frame, LabeledFrame
from tests.learning import synthetic
from tests.learning.attributes import crowd
from tests.learning.classification import classes
from tests.learning.points.scattered import scattered
from tests.learning.pose.synthetic import NAMES, herd
from tests.learning.segmentation.masked import masked_clip


@dataclass(frozen=True, kw_only=True)
class Case:
    method: Method[Any]
    labels: tuple[str, ...]
    clip: Callable[[int], Sequence[LabeledFrame]]
    """So many labelled frames."""
    quick: Any
    """A recipe that learns nothing, in no time."""
    short: Any
    """A recipe that learns the clip."""
    least: float
    """Quality that it reaches."""
    random: bool = True
    """Whether the seed matters."""
    boxed: bool = False
    """Whether its regions hang on boxes."""

    def given(self, count: int = 4, every: int = 2, **changes: Any) -> TrainingInput:
        """Each second frame of a clip is labelled."""
        labeled, others = self.split(count, every)
        values: dict[str, Any] = {
            "labeled": labeled, "unlabeled": [one.frame for one in others], "labels": self.labels, "device": "cpu",
        }  # fmt: skip
        return TrainingInput(**{**values, **changes})

    def split(self, count: int = 4, every: int = 2) -> tuple[list[LabeledFrame], list[LabeledFrame]]:
        """(labelled frames, others)."""
        frames = self.clip(count)
        return list(frames[::every]), [one for at, one in enumerate(frames) if at % every]

    def trained(self, recipe: Any = None, **changes: Any) -> Trained:
        """By the quick recipe, unless another is named."""
        return self.method.train(self.given(**changes), recipe or self.quick)

    def boxes(self, frames: Sequence[LabeledFrame]) -> EnclosingBoxes | None:
        """Those of these frames, where regions hang on boxes."""
        return {one.frame.task: one.instances for one in frames} if self.boxed else None


class Counting(list[Frame]):
    """Counts how often frames are decoded."""

    decoded = 0

    def __getitem__(self, index: object) -> Frame:  # type: ignore[override]
        self.decoded += 1
        return super().__getitem__(index)  # type: ignore[index]


QUICK_POSE = PoseRecipe(crop=64, coarse_crop=64, steps=3, warm_steps=2, batch=2, views=2)
SHORT_POSE = PoseRecipe(crop=96, coarse_crop=96, steps=120, warm_steps=30)

CASES = {
    "boxes": Case(
        method=DETECTION, labels=synthetic.LABELS, clip=lambda count: synthetic.clip(count).frames, least=0.85,
        quick=DetectionRecipe(steps=3, warm_steps=2, batch=2, crop=96, frame_pixels=20_000),
        short=DetectionRecipe(steps=40, warm_steps=12, batch=4, crop=128, frame_pixels=80_000),
    ),
    "counted points": Case(
        method=POINTS, labels=synthetic.LABELS, clip=scattered, least=0.85,
        quick=PointsRecipe(steps=3, warm_steps=2, batch=2, crop=96, frame_pixels=20_000),
        short=PointsRecipe(steps=40, warm_steps=12, batch=4, crop=128, frame_pixels=80_000),
    ),
    "masks": Case(
        method=SEGMENTATION, labels=synthetic.LABELS, clip=lambda count: masked_clip(count).frames, least=0.8,
        quick=SegmentationRecipe(steps=3, warm_steps=2, batch=2, crop=64, frame_pixels=10_000, width=16),
        short=SegmentationRecipe(steps=60, warm_steps=20, batch=3, crop=128, frame_pixels=40_000),
    ),
    "points": Case(method=POSE, labels=NAMES, clip=herd, quick=QUICK_POSE, short=SHORT_POSE, least=0.9),
    "points in boxes": Case(
        method=POSE, labels=NAMES, clip=lambda count: herd(count, boxed=True), quick=QUICK_POSE, short=SHORT_POSE,
        least=0.9, boxed=True,
    ),
    "classes": Case(
        method=CLASSIFICATION, labels=classes.LABELS, clip=classes.clip, quick=ClassificationRecipe(side=64),
        short=ClassificationRecipe(side=64), least=0.9, random=False,
    ),
    "classes of regions": Case(
        method=ATTRIBUTES, labels=crowd.LABELS, clip=crowd.crowd, quick=AttributeRecipe(side=64),
        short=AttributeRecipe(side=64), least=0.9, random=False, boxed=True,
    ),
}  # fmt: skip
