"""A trained micro-model of attributes: what crops of its group usually show, and one linear layer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.learning.attributes.crops import PLACE_WIDTH, crop, place, regions_of
from backend.learning.classification import features
from backend.learning.classification.micro_model import RidgeModel, read_weights, shown_of
from backend.learning.classification.ridge import probabilities
from backend.learning.fitting.training_input import EnclosingBoxes
from backend.learning.network.config import fields_of, to_metadata
from backend.learning.network.device import find_device
from backend.learning.score import frame_score
from backend.types import Box, Frame, Head, Instance, LabeledFrame, Prediction, Weights

FORMAT = "crops 1"
"""Another one when older artifacts can't be read any more."""


@dataclass(frozen=True, slots=True, eq=False)
class AttributeConfig:
    """What is known of a group besides the arrays."""

    labels: tuple[str, ...]
    """The label set, in the labeling config's order."""
    backbone: str
    size: tuple[int, int]
    """Height and width that crops are scaled to, pixels."""
    single: bool
    """Whether each region has exactly one class; else each label is there or not."""
    margin: float
    """What a crop shows around its box, on each side, as a share of the box's own."""
    parented: bool = True
    """It looks at regions that it is given."""

    def to_metadata(self) -> dict[str, str]:
        """As strings, for the artifact."""
        return to_metadata(Head.CLASSIFICATION, FORMAT, self)

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> "AttributeConfig":
        """Raises WeightsUnusable where the artifact is of another head or format."""
        return cls(**fields_of(metadata, Head.CLASSIFICATION, FORMAT))


class AttributeModel(RidgeModel[AttributeConfig]):
    """Tells the classes of one group's regions apart, from what a crop shows and then where it lies."""

    def predict(
        self,
        frames: Iterable[Frame],
        labeled: Sequence[LabeledFrame] = (),
        enclosing_boxes: EnclosingBoxes | None = None,
    ) -> list[Prediction]:
        """One prediction a frame, in order, each by itself: the classes of its enclosing boxes, with their ids."""
        return [self._prediction(frame, (enclosing_boxes or {}).get(frame.task, ())) for frame in frames]

    def _prediction(self, frame: Frame, boxes: Sequence[Instance]) -> Prediction:
        said, rejected, found = list[float](), list[float](), list[Instance]()
        for one, _ in regions_of(boxes):
            chances = self._chances(frame, one.box)
            shown = shown_of(chances, self.labels, self.config.single)
            found += [
                replace(one, label=self.labels[i], score=float(chances[i]), mask=None, keypoints=()) for i in shown
            ]
            said += [float(chances[i]) for i in shown]
            rejected += [] if self.config.single else np.delete(chances, shown).tolist()
        return Prediction(frame.task, tuple(found), frame_score(said, rejected))

    def _chances(self, frame: Frame, box: Box) -> NDArray[np.float64]:
        """(classes,)."""
        seen = features.scaled(crop(frame, box, self.config.margin), self.config.size)
        vectors = features.vectors(features.feature_maps(self.backbone, seen, self.device), self.group_statistics)
        both = np.concatenate([vectors.astype(np.float64), place(frame, box)[None]], 1)
        return np.asarray(probabilities(self.linear.odds(both), self.config.single)[0])


def load(weights: Weights, device: str = "auto") -> AttributeModel:
    """The micro-model of an artifact; raises WeightsUnusable where the weights are of another version or do not fit together."""
    config, where = AttributeConfig.from_metadata(weights.metadata), find_device(device)
    statistics, linear = read_weights(weights.arrays, config.labels, config.size, PLACE_WIDTH)
    return AttributeModel(features.frozen(config.backbone, where), config, statistics, linear, where)
