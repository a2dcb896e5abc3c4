"""Union: all that several models say of a frame."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from backend.errors import MicroModelsError
from backend.instances import NO_TRACK, Instances, concatenate
from backend.objects.abstain import Abstain, abstain
from backend.objects.frames import InputFrame
from backend.objects.model import Answer, Model, models_in
from backend.types import Head


@dataclass(frozen=True, eq=False, repr=False)
class Union(Model):
    """Two models or more that speak side by side. Where one fails the others are kept, and a warning says why.

    Where two have a label in common both are heard: `only` says whose it is.
    """

    kind = "union"

    models: tuple[Model, ...]

    @classmethod
    def restored(cls, settings: Mapping[str, Any], parts: Sequence[Any]) -> Self:
        """See `Value.restored`."""
        return cls(tuple(parts))

    @property
    def parts(self) -> tuple[Model, ...]:
        """The models."""
        return self.models

    @property
    def labels(self) -> tuple[str, ...]:
        """Those of all, in their order."""
        return labels_of(self.models)

    @property
    def heads(self) -> frozenset[Head]:
        """Those of all."""
        return frozenset[Head]().union(*(one.heads for one in self.models))

    @property
    def title(self) -> str:
        """See `Value.title`."""
        return " | ".join(one.title for one in self.models)

    def answers(self, frames: Sequence[InputFrame], inside: Sequence[Instances] | None = None) -> list[Answer]:
        """See `Model.answers`."""
        each = [answers_of(one, frames) for one in self.models]
        apart = [[apart_of(answer, n, len(each)) for answer in own] for n, own in enumerate(each)]
        return [_together(answers) for answers in zip(*apart, strict=True)]


def united(models: Sequence[Model]) -> Model:
    """`a | b | ...`, without those that say nothing or are there already."""
    each = [part for one in models for part in _flat(one)]
    different = list(dict.fromkeys(each))
    if len(different) < 2:
        return different[0] if different else abstain
    return Union(tuple(different))


def labels_of(models: Sequence[Model]) -> tuple[str, ...]:
    """The labels of several models, each once."""
    return tuple(dict.fromkeys(label for one in models for label in one.labels))


def answers_of(model: Model, frames: Sequence[InputFrame], inside: Sequence[Instances] | None = None) -> list[Answer]:
    """What a part says; where it fails it abstains, and a warning says why."""
    try:
        return model.answers(frames, inside)
    except MicroModelsError as error:
        warnings.warn(f"{model.title} says nothing: {error}", stacklevel=2)
        return abstain.answers(frames, inside)


def _flat(model: Model) -> Iterator[Model]:
    if isinstance(model, Union):
        yield from models_in(model)
    elif not isinstance(model, Abstain):
        yield model


def apart_of(answer: Answer, part: int, parts: int) -> Answer:
    """An answer of one of several parts, with tracks that no other part has."""
    track = answer.found.track
    numbers = np.where(track == NO_TRACK, NO_TRACK, track * parts + part)
    return Answer(answer.found.with_columns(track=numbers), answer.score)


def _together(answers: Sequence[Answer]) -> Answer:
    """One wrong part is work for a person, so the frame's score is that of the least certain one."""
    return Answer(concatenate(one.found for one in answers), min(one.score for one in answers))
