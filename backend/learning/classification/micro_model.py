"""A trained classification micro-model: mean and deviation of its group's features, and one linear layer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from backend.errors import WeightsUnusable
from backend.learning.classification import features
from backend.learning.classification.features import MAP_STRIDES, GroupStatistics
from backend.learning.classification.ridge import Linear, probabilities
from backend.learning.fitting.training_input import EnclosingBoxes
from backend.learning.network.backbone import Backbone
from backend.learning.network.config import fields_of, to_metadata
from backend.learning.network.device import find_device
from backend.learning.network.micro_model import nbytes_of
from backend.learning.score import frame_score
from backend.types import Frame, Head, Instance, LabeledFrame, Prediction, State, Weights

ARTIFACT_FORMAT = "3"
"""Rises when older artifacts can't be read any more."""
SHOWN_MIN_PROBABILITY = 0.5
"""Probability from which one of several labels is shown."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassificationConfig:
    """What is known of a group besides the arrays."""

    labels: tuple[str, ...]
    """The label set, in the labeling config's order."""
    backbone: str
    size: tuple[int, int]
    """Height and width that frames are scaled to, pixels."""
    single: bool
    """Whether each frame has exactly one class; else each label is there or not."""

    def to_metadata(self) -> dict[str, str]:
        """As strings, for the artifact."""
        return to_metadata(Head.CLASSIFICATION, ARTIFACT_FORMAT, self)

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> "ClassificationConfig":
        """Raises WeightsUnusable where the artifact is of another head or format."""
        return cls(**fields_of(metadata, Head.CLASSIFICATION, ARTIFACT_FORMAT))


class Config(Protocol):
    """What the artifact of a micro-model of classes says besides its arrays."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The label set, in the labeling config's order."""
        ...

    def to_metadata(self) -> dict[str, str]:
        """As strings."""
        ...


OwnConfig = TypeVar("OwnConfig", bound=Config)


@dataclass(frozen=True, slots=True, eq=False)
class RidgeModel(Generic[OwnConfig]):
    """One regression from what the frozen backbone sees to classes. Immutable: may be used from several threads at once."""

    backbone: Backbone
    config: OwnConfig
    group_statistics: tuple[GroupStatistics, ...]
    """For each stride."""
    linear: Linear
    """From what is seen, and then from what else is known of it; a class behind those of the labels is "none of them"."""
    device: torch.device

    @property
    def nbytes(self) -> int:
        """Memory that its own weights take, bytes."""
        statistics = sum(one.mean.nbytes for one in self.group_statistics)
        return statistics + self.linear.weights.nbytes + nbytes_of(self.backbone)

    @property
    def labels(self) -> tuple[str, ...]:
        """The label set, in the labeling config's order."""
        return self.config.labels


class ClassificationModel(RidgeModel[ClassificationConfig]):
    """Tells one group's classes of whole frames apart."""

    def predict(
        self,
        frames: Iterable[Frame],
        labeled: Sequence[LabeledFrame] = (),
        enclosing_boxes: EnclosingBoxes | None = None,
    ) -> list[Prediction]:
        """One prediction a frame, in order, each by itself: neither `labeled` nor the other frames are looked at."""
        return [self._prediction(frame, self._chances(frame)) for frame in frames]

    def _chances(self, frame: Frame) -> NDArray[np.float64]:
        """(classes,)."""
        maps = features.feature_maps(self.backbone, features.scaled(frame, self.config.size), self.device)
        odds = self.linear.odds(features.vectors(maps, self.group_statistics).astype(np.float64))
        return np.asarray(probabilities(odds, self.config.single)[0])

    def _prediction(self, frame: Frame, chances: NDArray[np.float64]) -> Prediction:
        box = (0.0, 0.0, float(frame.width), float(frame.height))
        shown = shown_of(chances, self.labels, self.config.single)
        sure, rejected = ([chances.max()], ()) if self.config.single else (chances[shown], np.delete(chances, shown))
        score = frame_score(sure, rejected)
        instances = tuple(Instance(self.labels[i], box, float(chances[i])) for i in shown)
        return Prediction(frame.task, instances, score)


def shown_of(chances: NDArray[np.float64], labels: Sequence[str], single: bool) -> list[int]:
    """Which labels are shown: the most probable, unless that is none of them; of several all that are likely."""
    if not single:
        return [int(i) for i in np.flatnonzero(chances >= SHOWN_MIN_PROBABILITY)]
    best = int(chances.argmax())
    return [best] if best < len(labels) else []


def to_weights(config: Config, group_statistics: Sequence[GroupStatistics], linear: Linear) -> Weights:
    """What an artifact holds."""
    arrays = {"weights": linear.weights.astype(np.float32), "bias": linear.bias.astype(np.float32)}
    for stride, one in zip(MAP_STRIDES, group_statistics, strict=True):
        arrays |= {f"usual.{stride}.mean": one.mean.astype(np.float16), f"usual.{stride}.spread": one.spread}
    return Weights(arrays, config.to_metadata())


def load(weights: Weights, device: str = "auto") -> ClassificationModel:
    """The micro-model of an artifact; raises WeightsUnusable where the weights are of another version or do not fit together."""
    config, place = ClassificationConfig.from_metadata(weights.metadata), find_device(device)
    group_statistics, linear = read_weights(weights.arrays, config.labels, config.size)
    return ClassificationModel(features.frozen(config.backbone, place), config, group_statistics, linear, place)


def read_weights(
    arrays: State, labels: Sequence[str], size: tuple[int, int], more: int = 0
) -> tuple[tuple[GroupStatistics, ...], Linear]:
    """What `to_weights` wrote, with `more` numbers behind those of what is seen; raises WeightsUnusable."""
    try:
        group_statistics = tuple(
            GroupStatistics(arrays[f"usual.{stride}.mean"].astype(np.float32), arrays[f"usual.{stride}.spread"])
            for stride in MAP_STRIDES
        )
        linear = Linear(arrays["weights"].astype(np.float64), arrays["bias"].astype(np.float64))
    except KeyError as error:
        raise WeightsUnusable(f"The weights lack {error}: train this group again.") from None
    _check_shapes(labels, size, more, group_statistics, linear)
    return group_statistics, linear


def _check_shapes(
    labels: Sequence[str],
    size: tuple[int, int],
    more: int,
    group_statistics: Sequence[GroupStatistics],
    linear: Linear,
) -> None:
    """Raises WeightsUnusable unless a frame of this size could be told."""
    height, width = size
    found = [(*one.mean.shape, *one.spread.shape) for one in group_statistics]
    expected = [
        (channels, height // stride, width // stride, channels)
        for stride, channels in zip(MAP_STRIDES, (len(one.spread) for one in group_statistics), strict=True)
    ]
    named, length = len(labels), sum(features.widths(group_statistics)) + more
    layers = [((length, classes), (classes,)) for classes in (named, named + 1)]
    if found != expected or not named or (linear.weights.shape, linear.bias.shape) not in layers:
        raise WeightsUnusable(
            f"The weights hold maps of {found} and a layer of {linear.weights.shape} and {linear.bias.shape}; expected "
            f"{expected}, and {length} numbers for each of {named} classes: train this group again."
        )
