"""Routing: which of several models a frame is for, by where it comes from or when it is."""

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from backend.errors import CompositionError
from backend.instances import Instances
from backend.objects.abstain import abstain
from backend.objects.frames import InputFrame
from backend.objects.model import Answer, Model
from backend.objects.union import answers_of, apart_of, labels_of
from backend.types import Head


@dataclass(frozen=True, eq=False, repr=False)
class _Routed(Model):
    """Models of which one is asked about each frame; frames for the same one are neighbours for it."""

    @property
    @abstractmethod
    def parts(self) -> tuple[Model, ...]:
        """The models."""

    @abstractmethod
    def place(self, frame: InputFrame) -> int:
        """Which of the parts is asked; -1: none."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Those of all, in their order."""
        return labels_of(self.parts)

    @property
    def heads(self) -> frozenset[Head]:
        """Those of all."""
        return frozenset[Head]().union(*(one.heads for one in self.parts))

    @property
    def hangs_on_boxes(self) -> bool:
        """Whether all do."""
        return all(one.hangs_on_boxes for one in self.parts)

    def answers(self, frames: Sequence[InputFrame], inside: Sequence[Instances] | None = None) -> list[Answer]:
        """See `Model.answers`."""
        asked = defaultdict[int, list[int]](list)
        for n, frame in enumerate(frames):
            asked[self.place(frame)].append(n)
        found = dict[int, Answer]()
        for place, own in asked.items():
            model = self.parts[place] if place >= 0 else abstain
            some = answers_of(model, [frames[n] for n in own], inside and [inside[n] for n in own])
            if inside is None:
                some = [apart_of(one, place, len(self.parts)) for one in some]
            found |= dict(zip(own, some, strict=True))
        return [found[n] for n in range(len(frames))]


@dataclass(frozen=True, eq=False, repr=False)
class ByGroup(_Routed):
    """Each model speaks for its own group, and `otherwise` for all others."""

    kind = "by_group"

    groups: tuple[str, ...]
    models: tuple[Model, ...]
    otherwise: Model

    @classmethod
    def restored(cls, settings: Mapping[str, Any], parts: Sequence[Any]) -> Self:
        """See `Value.restored`."""
        *models, otherwise = parts
        return cls(tuple(map(str, settings["groups"])), tuple(models), otherwise)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The groups."""
        return {"groups": list(self.groups)}

    @property
    def parts(self) -> tuple[Model, ...]:
        """The models, the one for all other groups last."""
        return (*self.models, self.otherwise)

    @property
    def title(self) -> str:
        """See `Value.title`."""
        each = ", ".join(f"{g!r}: {m.title}" for g, m in zip(self.groups, self.models, strict=True))
        return f"by_group({{{each}}}, otherwise={self.otherwise.title})"

    def place(self, frame: InputFrame) -> int:
        """The group of the first of the frame's places that is one."""
        return next((self.groups.index(place) for place in frame.places if place in self.groups), len(self.groups))


@dataclass(frozen=True, eq=False, repr=False)
class ByTime(_Routed):
    """Each model speaks for a span of a film's frames, and nobody in between."""

    kind = "by_time"

    spans: tuple[tuple[int, int | None], ...]
    """(first, end) frame of each, from 0, the end exclusive; None: to the end. In order of time."""
    models: tuple[Model, ...]

    @classmethod
    def restored(cls, settings: Mapping[str, Any], parts: Sequence[Any]) -> Self:
        """See `Value.restored`."""
        return cls(tuple((int(a), None if b is None else int(b)) for a, b in settings["spans"]), tuple(parts))

    @property
    def settings(self) -> Mapping[str, Any]:
        """The spans."""
        return {"spans": [list(span) for span in self.spans]}

    @property
    def parts(self) -> tuple[Model, ...]:
        """The models, in order of time."""
        return self.models

    @property
    def title(self) -> str:
        """See `Value.title`."""
        each = ", ".join(f"{span}: {model.title}" for span, model in zip(self.spans, self.models, strict=True))
        return f"by_time({{{each}}})"

    def place(self, frame: InputFrame) -> int:
        """The span that the frame's number lies in; none where it has no number."""
        number = frame.number
        spans = enumerate(self.spans if number is not None else ())
        return next((n for n, (a, b) in spans if number is not None and a <= number and (b is None or number < b)), -1)


def by_group(models: Mapping[str, Model], otherwise: Model = abstain) -> Model:
    """A model that asks the one of each frame's group, and `otherwise` about the frames of all others.

    A frame's group is what the call says (`model(frame, group="scene 12")`), else the first of its file's name, with or
    without ending, and of the folders around it that is called like one of the groups. Raises CompositionError.
    """
    if not models:
        raise CompositionError("Found no group. Expected {group: model} with one at least.")
    _check(list(models.values()))
    return ByGroup(tuple(models), tuple(models.values()), otherwise)


def by_time(models: Mapping[tuple[int, int | None], Model]) -> Model:
    """A model that asks one after the other in the course of a film: {(first frame, end): model}, from 0, the end exclusive,
    None for the film's end. Of other frames nothing is said. Raises CompositionError where spans overlap or are empty.
    """
    spans = sorted(models, key=lambda span: span[0])
    _check([models[span] for span in spans])
    ends = [0, *(float("inf") if end is None else end for _, end in spans)]
    for (start, end), before in zip(spans, ends, strict=False):
        if start < before or (end is not None and end <= start):
            raise CompositionError(
                f"Found the span {(start, end)} after frame {before:g}. Expected spans (first, end) from frame 0 on that hold a "
                "frame at least, with the end exclusive, and do not overlap."
            )
    if not spans:
        raise CompositionError("Found no span. Expected {(first frame, end): model} with one at least.")
    return ByTime(tuple((start, end) for start, end in spans), tuple(models[span] for span in spans))


def _check(models: Sequence[Model]) -> None:
    for one in models:
        if not isinstance(one, Model):
            raise CompositionError(f"Found {one!r} in place of a model. Expected a micro-model or a composition.")
