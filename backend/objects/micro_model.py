"""Micro-model: the weights of one (project, group, control) as a frozen value that can be called."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from backend.errors import CompositionError, WeightsUnusable
from backend.instances import NO_TRACK, PREDICTED, Instances
from backend.objects.card import Card
from backend.objects.frames import InputFrame
from backend.objects.model import Answer, Model
from backend.types import Head, Instance, Prediction, Weights

if TYPE_CHECKING:
    from pathlib import Path

    from backend.learning.fitting.training_input import EnclosingBoxes
    from backend.learning.method import MicroModel as Loaded


@dataclass(frozen=True, eq=False, repr=False)
class MicroModel(Model):
    """Arrays, the strings that say how to ask them, and a card. The network is made at the first call, and kept.

    Raises WeightsUnusable where the weights do not say what they are. May be used from several threads at once.
    """

    kind = "micro_model"

    weights: Weights
    card: Card = field(default_factory=Card)

    def __post_init__(self) -> None:
        arrays = {name: _frozen(array) for name, array in sorted(self.weights.arrays.items())}
        metadata = dict(sorted(self.weights.metadata.items()))
        object.__setattr__(self, "weights", Weights(MappingProxyType(arrays), MappingProxyType(metadata)))
        _ = self.heads, self.labels

    @classmethod
    def restored(cls, settings: Mapping[str, Any], parts: Sequence[Any]) -> Self:
        """See `Value.restored`; of a file its parts are its weights."""
        [weights] = parts
        return cls(weights, Card.of(settings))

    def __reduce__(self) -> tuple[Any, ...]:
        """For copies and other processes: without the network, which is made there anew."""
        return type(self), (Weights(dict(self.weights.arrays), dict(self.weights.metadata)), self.card)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Its card."""
        return self.card.as_json()

    @cached_property
    def digest(self) -> str:
        """See `Value.digest`: of arrays, strings and card."""
        found = hashlib.sha256(
            json.dumps([self.kind, dict(self.weights.metadata), self.settings], sort_keys=True).encode()
        )
        for name, array in self.weights.arrays.items():
            found.update(json.dumps([name, str(array.dtype), array.shape]).encode())
            found.update(array.tobytes())
        return found.hexdigest()

    @cached_property
    def blueprint(self) -> Mapping[str, Any]:
        """What its method wrote down to build it again, as JSON; every method's has `labels`."""
        try:
            found = json.loads(self.weights.metadata["blueprint"])
            return MappingProxyType({"labels": (), **found})
        except (KeyError, ValueError, TypeError) as error:
            raise WeightsUnusable(
                f"The weights do not say what they are ({type(error).__name__}: {error}). Expected those of a micro-model, "
                "with its blueprint: train this group again."
            ) from None

    @property
    def labels(self) -> tuple[str, ...]:
        """See `Model.labels`."""
        return tuple(map(str, self.blueprint["labels"]))

    @cached_property
    def heads(self) -> frozenset[Head]:
        """See `Model.heads`."""
        try:
            return frozenset({Head(self.weights.metadata["head"])})
        except (KeyError, ValueError):
            raise WeightsUnusable(
                f"The weights are of head {self.weights.metadata.get('head')!r}. Expected one of: {', '.join(Head)}."
            ) from None

    @property
    def head(self) -> Head:
        """What it finds."""
        [found] = self.heads
        return found

    @property
    def hangs_on_boxes(self) -> bool:
        """See `Model.hangs_on_boxes`."""
        return bool(self.blueprint.get("parented"))

    @property
    def nbytes(self) -> int:
        """Of its arrays, without the backbone that all share."""
        return sum(array.nbytes for array in self.weights.arrays.values())

    @property
    def title(self) -> str:
        """See `Value.title`."""
        return self.card.title

    def answers(self, frames: Sequence[InputFrame], inside: Sequence[Instances] | None = None) -> list[Answer]:
        """See `Model.answers`."""
        if self.hangs_on_boxes and inside is None:
            raise CompositionError(
                f"{self.title} finds points in boxes, and was given none. Chain it behind a model of these boxes: "
                "boxes >> points.inside()."
            )
        boxes = None if inside is None else {n: one.single() for n, one in enumerate(inside)}
        return [Answer(self.instances(one.instances), one.score) for one in self.predictions(frames, boxes)]

    def predictions(self, frames: Sequence[InputFrame], boxes: "EnclosingBoxes | None") -> list[Prediction]:
        """What it says of each frame, known by its position, as its method says it; with {position: boxes} of these."""
        given = [replace(one.frame, task=n) for n, one in enumerate(frames)]
        if any(one.order is None for one in given):  # each by itself: a batch says what single calls say
            found = [self._loaded.predict([one], (), boxes)[0] for one in given]
        else:
            found = self._loaded.predict(given, (), boxes)
        return [one if np.isfinite(one.score) else replace(one, score=0.0) for one in found]

    def instances(self, some: Sequence[Instance]) -> Instances:
        """What it said of one frame, as the one result class."""
        points = self.labels if self.head is Head.POSE else ()
        tracks = [NO_TRACK if one.track is None else one.track for one in some]
        about = [{"angle": one.angle} if one.angle else {} for one in some]
        columns = {"track": tracks, "attributes": about, "version": [self.title] * len(some)}
        return Instances.of(some, points, origin=[PREDICTED] * len(some), **columns)

    def export(self, path: "str | Path") -> None:
        """Write it as ONNX, which runs without torch and without this package; see `exporting.export`."""
        from backend.objects.exporting import export

        export(self, path)

    @cached_property
    def _loaded(self) -> "Loaded":
        return load(self.weights)

    def __repr__(self) -> str:
        about, card, labels = [], self.card, len(self.labels)
        about.append(f"{labels} label{'' if labels == 1 else 's'}")
        if card.labelled:
            about.append(f"{card.labelled} labelled frame{'' if card.labelled == 1 else 's'}")
        if card.score is not None:
            about.append(f"{card.measure.split(' at ')[0] or 'score'} {card.score:.2f} held out")
        about.append(f"{self.nbytes / 1e6:.1f} MB")
        return f"<MicroModel {self.head} {self.title}: {', '.join(about)}>"


def load(weights: Weights) -> "Loaded":
    """The network of weights; the first one takes torch along. Raises WeightsUnusable and TrainingError."""
    from backend.learning import methods

    return methods.load(weights)


def _frozen(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A copy that nobody else holds, and nobody can write to; itself where it is one already."""
    if array.flags.owndata and array.flags.c_contiguous and not array.flags.writeable:
        return array
    copy = np.array(array, order="C")
    copy.flags.writeable = False
    return copy
