"""A trained classification micro-model: the frames of its group as vectors, and how to compare others with them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from backend.errors import WeightsUnusable
from backend.learning.classification import features
from backend.learning.classification.averaging import Group, Member, answers
from backend.learning.classification.kernels import Likeness, standardized
from backend.learning.fitting.training_input import EnclosingBoxes
from backend.learning.network.backbone import Backbone
from backend.learning.network.config import fields_of, to_metadata
from backend.learning.network.device import fastest, find_device
from backend.learning.network.micro_model import nbytes_of
from backend.learning.score import frame_score
from backend.types import Frame, Head, Instance, LabeledFrame, Prediction, Weights

FORMAT = "2"
"""Rises when older artifacts can't be read any more."""
TOGETHER = 400
"""Frames that are compared at once: bounds memory and time."""
LIKELY = 0.5
"""Probability from which one of several labels is shown."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Blueprint:
    """What is known of a group besides its frames."""

    labels: tuple[str, ...]
    """The label set, in the config's order."""
    backbone: str
    size: tuple[int, int]
    """Height and width that frames are scaled to, pixels."""
    single: bool
    """Whether each frame has exactly one class; else each label is there or not."""
    members: tuple[Member, ...]
    """Ways of comparing frames, with their votes."""

    def to_metadata(self) -> dict[str, str]:
        """As strings, for the artifact."""
        return to_metadata(Head.CLASSIFICATION, FORMAT, self)

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> "Blueprint":
        """Raises WeightsUnusable where the artifact is of another head or format."""
        fields = fields_of(metadata, Head.CLASSIFICATION, FORMAT)
        members = [Member(Likeness(**one.pop("likeness")), **one) for one in fields.pop("members")]
        return cls(members=tuple(members), **fields)


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """The frames of the group that were there in training, labelled ones first."""

    tasks: NDArray[np.int64]
    """(frames,)."""
    orders: NDArray[np.float64]
    """(frames,) NaN where there is none."""
    targets: NDArray[np.uint8]
    """(labelled, classes) 1 where the frame has the class; a class behind those of the labels is "none of them"."""
    blocks: Mapping[str, Floats]
    """(frames, n) each."""
    usual: features.Usual


@dataclass(frozen=True, slots=True, eq=False)
class ClassificationModel:
    """Tells one group's classes apart. Immutable: may be used from several threads at once."""

    backbone: Backbone
    blueprint: Blueprint
    known: Known
    device: torch.device

    @property
    def nbytes(self) -> int:
        """Memory that weights and known frames take, bytes."""
        usual = self.known.usual
        own = [*self.known.blocks.values(), usual.fine.mean, usual.coarse.mean]
        return sum(array.nbytes for array in own) + nbytes_of(self.backbone)

    @property
    def labels(self) -> tuple[str, ...]:
        """The label set, in the config's order."""
        return self.blueprint.labels

    def predict(
        self,
        frames: Iterable[Frame],
        labeled: Sequence[LabeledFrame] = (),
        enclosing_boxes: EnclosingBoxes | None = None,
    ) -> list[Prediction]:
        """One prediction a frame, in order. Frames are streamed; their neighbours in time help where `order` is given.

        The labelled frames that count are those of the training; `labeled` is not looked at.
        """
        source, out = iter(frames), list[Prediction]()
        while chunk := list(islice((self._seen(frame) for frame in source), TOGETHER)):
            out += self._together(chunk)
        return out

    def _seen(self, frame: Frame) -> tuple[Frame, dict[str, Floats]]:
        """The frame without its pixels, and its vectors."""
        maps = features.look(self.backbone, features.scaled(frame, self.blueprint.size), self.device)
        bare = Frame(frame.task, np.zeros((1, 1, 3), np.uint8), frame.width, frame.height, frame.order)
        return bare, features.vectors(maps, self.known.usual)

    def _together(self, chunk: Sequence[tuple[Frame, dict[str, Floats]]]) -> list[Prediction]:
        new = {name: np.concatenate([seen[name] for _, seen in chunk]) for name in features.BLOCKS}
        tasks = np.array([frame.task for frame, _ in chunk])
        orders = np.array([np.nan if frame.order is None else frame.order for frame, _ in chunk])
        chances = answers(group_of(self.known, self.blueprint.single, tasks, orders, new), self.blueprint.members)
        return [self._prediction(frame, row) for (frame, _), row in zip(chunk, chances[-len(chunk) :], strict=True)]

    def _prediction(self, frame: Frame, chances: NDArray[np.float64]) -> Prediction:
        box = (0.0, 0.0, float(frame.width), float(frame.height))
        if self.blueprint.single:
            best = int(chances.argmax())
            shown, score = [best] if best < len(self.labels) else [], frame_score([chances[best]])
        else:
            shown = [int(i) for i in np.flatnonzero(chances >= LIKELY)]
            score = frame_score(chances[shown], np.delete(chances, shown))
        instances = tuple(Instance(self.labels[i], box, min(max(float(chances[i]), 0.0), 1.0)) for i in shown)
        return Prediction(frame.task, instances, score)


def group_of(
    known: Known,
    single: bool,
    tasks: NDArray[np.int64] | None = None,
    orders: NDArray[np.float64] | None = None,
    blocks: Mapping[str, Floats] | None = None,
) -> Group:
    """The known frames, and further ones behind them; an unlabelled known frame that comes again counts once."""
    count = len(known.targets)
    kept = np.ones(len(known.tasks), bool)
    if tasks is not None:
        kept[count:] = ~np.isin(known.tasks[count:], tasks)
    together = {}
    for name in features.BLOCKS:
        own = known.blocks[name].astype(np.float64)
        mean, deviation = own.mean(0), own.std(0) + 1e-3
        rows = own[kept] if blocks is None else np.concatenate([own[kept], blocks[name]])
        together[name] = standardized(rows, mean, deviation)
    placed = known.orders[kept] if orders is None else np.concatenate([known.orders[kept], orders])
    return Group(together, placed, known.targets.astype(np.float64), single)


def to_weights(blueprint: Blueprint, known: Known) -> Weights:
    """What an artifact holds."""
    arrays: dict[str, NDArray[Any]] = {f"block.{name}": v.astype(np.float16) for name, v in known.blocks.items()}
    arrays |= {"tasks": known.tasks, "orders": known.orders, "targets": known.targets}
    for name, typical in (("fine", known.usual.fine), ("coarse", known.usual.coarse)):
        arrays |= {f"usual.{name}.mean": typical.mean.astype(np.float16), f"usual.{name}.spread": typical.spread}
    return Weights(arrays, blueprint.to_metadata())


def load(weights: Weights, device: str = "auto") -> ClassificationModel:
    """The micro-model of an artifact; raises WeightsUnusable where the weights are of another version or do not fit together."""
    blueprint, arrays, place = Blueprint.from_metadata(weights.metadata), weights.arrays, find_device(device)
    try:
        typical = {
            name: features.Typical(arrays[f"usual.{name}.mean"].astype(np.float32), arrays[f"usual.{name}.spread"])
            for name in ("fine", "coarse")
        }
        blocks = {name: arrays[f"block.{name}"].astype(np.float32) for name in features.BLOCKS}
        known = Known(arrays["tasks"], arrays["orders"], arrays["targets"], blocks, features.Usual(**typical))
    except KeyError as error:
        raise WeightsUnusable(f"The weights lack {error}: train this group again.") from None
    _check_shapes(blueprint, known)
    return ClassificationModel(frozen(blueprint.backbone, place), blueprint, known, place)


def _check_shapes(blueprint: Blueprint, known: Known) -> None:
    """Raises WeightsUnusable unless a frame could be compared with the known ones."""
    frames, (labelled, classes) = len(known.tasks), known.targets.shape
    fine, coarse = (
        np.zeros((1, *typical.mean.shape), np.float16) for typical in (known.usual.fine, known.usual.coarse)
    )
    widths = {name: rows.shape[1] for name, rows in features.vectors(features.Maps(fine, coarse), known.usual).items()}
    shapes = {name: known.blocks[name].shape for name in features.BLOCKS}
    expected = {name: (frames, widths[name]) for name in features.BLOCKS}
    named = len(blueprint.labels)
    if (
        shapes != expected
        or known.orders.shape != (frames,)
        or not 0 < labelled <= frames
        or classes not in (named, named + 1)
        or not blueprint.members
    ):
        raise WeightsUnusable(
            f"The weights know {frames} frames, {labelled} of them labelled with {classes} classes, as vectors of "
            f"{shapes}; expected {expected} and {named} classes: train this group again."
        )


def for_other_group(weights: Weights) -> Weights:
    """The weights for use in another group: when its own frames were tells nothing there."""
    return replace(weights, arrays={**weights.arrays, "orders": np.full_like(weights.arrays["orders"], np.nan)})


def frozen(name: str, device: torch.device) -> Backbone:
    """The backbone as it is, in the fastest number format."""
    backbone = Backbone(name).to(device)
    backbone.freeze(("",))
    backbone.settle(fastest(device))
    return backbone
