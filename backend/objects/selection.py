"""Selections: what a model says of some labels, or with some score at least."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from backend.errors import CompositionError
from backend.instances import ABSENT, Instances
from backend.objects.frames import InputFrame
from backend.objects.model import Answer, Model
from backend.types import Head


@dataclass(frozen=True, eq=False, repr=False)
class _Selection(Model):
    """What a model says, less some of it. The score of the frame stays."""

    model: Model

    @property
    def parts(self) -> tuple[Model, ...]:
        """The model."""
        return (self.model,)

    @property
    def labels(self) -> tuple[str, ...]:
        """See `Model.labels`."""
        return self.model.labels

    @property
    def heads(self) -> frozenset[Head]:
        """See `Model.heads`."""
        return self.model.heads

    @property
    def hangs_on_boxes(self) -> bool:
        """See `Model.hangs_on_boxes`."""
        return self.model.hangs_on_boxes

    def answers(self, frames: Sequence[InputFrame], inside: Sequence[Instances] | None = None) -> list[Answer]:
        """See `Model.answers`."""
        found = self.model.answers(frames, inside)
        return [Answer(self._kept(one.found, inside is not None), one.score) for one in found]

    def _kept(self, found: Instances, whole: bool) -> Instances:
        """What is left of a frame's objects; `whole`: they stay, and only their points may go."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False, repr=False)
class Only(_Selection):
    """What a model says of some of its labels."""

    kind = "only"

    chosen: tuple[str, ...]

    @classmethod
    def restored(cls, settings: Mapping[str, Any], parts: Sequence[Any]) -> Self:
        """See `Value.restored`."""
        [model] = parts
        return cls(model, tuple(map(str, settings["labels"])))

    @property
    def settings(self) -> Mapping[str, Any]:
        """The labels."""
        return {"labels": list(self.chosen)}

    @property
    def labels(self) -> tuple[str, ...]:
        """See `Model.labels`."""
        return self.chosen

    @property
    def title(self) -> str:
        """See `Value.title`."""
        return f"{self.model.title}.only({', '.join(map(repr, self.chosen))})"

    def _kept(self, found: Instances, whole: bool) -> Instances:
        names = [n for n, name in enumerate(found.keypoint_names) if name in self.chosen]
        named = np.isin(found.label, self.chosen) if self.chosen else np.zeros(len(found), bool)
        if names:  # points are labels too: an object that has none of them, and no label that is wanted, goes
            found = found.with_columns(
                keypoints=found.keypoints[:, names],
                keypoint_score=found.keypoint_score[:, names],
                visibility=found.visibility[:, names],
                keypoint_names=[found.keypoint_names[n] for n in names],
            )
            named = named | ((found.visibility != ABSENT).any(1) & (found.label == ""))
        return found if whole else found[named]


@dataclass(frozen=True, eq=False, repr=False)
class Above(_Selection):
    """What a model says with some score at least."""

    kind = "above"

    least: float

    @classmethod
    def restored(cls, settings: Mapping[str, Any], parts: Sequence[Any]) -> Self:
        """See `Value.restored`."""
        [model] = parts
        return cls(model, float(settings["score"]))

    @property
    def settings(self) -> Mapping[str, Any]:
        """The score."""
        return {"score": self.least}

    @property
    def title(self) -> str:
        """See `Value.title`."""
        return f"{self.model.title}.above({self.least:g})"

    def _kept(self, found: Instances, whole: bool) -> Instances:
        if found.keypoint_names:
            low = found.keypoint_score < self.least
            found = found.with_columns(
                keypoints=np.where(low[..., None], np.nan, found.keypoints),
                keypoint_score=np.where(low, 0.0, found.keypoint_score),
                visibility=np.where(low, ABSENT, found.visibility),
            )
        return found if whole else found[found.score >= self.least]


def selected(model: Model, labels: Sequence[str]) -> Model:
    """`model.only(*labels)`; the model itself where these are all it has. Raises CompositionError."""
    unknown = [label for label in labels if label not in model.labels]
    if unknown or not labels:
        raise CompositionError(
            f"Found {', '.join(map(repr, unknown)) or 'no label'} in only(). Expected some of the labels of {model.title}: "
            f"{', '.join(map(repr, model.labels)) or 'it has none'}."
        )
    chosen = tuple(label for label in model.labels if label in labels)
    if chosen == model.labels:
        return model
    return Only(model.model if isinstance(model, Only) else model, chosen)


def above(model: Model, score: float) -> Model:
    """`model.above(score)`; of two scores the higher one counts. Raises CompositionError."""
    if not 0 <= score <= 1:
        raise CompositionError(f"Found the score {score}. Expected one in [0, 1].")
    if isinstance(model, Above):
        return Above(model.model, max(score, model.least))
    return Above(model, float(score))
