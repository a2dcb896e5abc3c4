"""Chains: what a model finds is handed on to steps that look closer."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from backend.errors import CompositionError
from backend.instances import Instances
from backend.objects.frames import InputFrame
from backend.objects.model import Answer, Model
from backend.objects.value import Value
from backend.types import Head

STEPS = "points.inside(), mood.crops(), track()"


class Step(Value):
    """What a chain does to each frame's objects: `points.inside()`, `mood.crops()`, `track()`, or several in a row."""

    @abstractmethod
    def handed_on(self, frames: Sequence[InputFrame], before: Sequence[Answer]) -> list[Answer]:
        """The answers with what this step adds: the same objects, one for one."""

    @property
    def steps(self) -> "tuple[Step, ...]":
        """What is done one after the other."""
        return (self,)

    def __rshift__(self, other: "Step") -> "Step":
        """This step, then the other."""
        if not isinstance(other, Step):
            raise CompositionError(f"Found {other!r} behind the step {self.title}. Expected another step: {STEPS}.")
        return Steps((*self.steps, *other.steps))


@dataclass(frozen=True, eq=False, repr=False)
class Steps(Step):
    """Steps one after the other."""

    kind = "steps"

    each: tuple[Step, ...]

    @classmethod
    def restored(cls, settings: Mapping[str, Any], parts: Sequence[Any]) -> Self:
        """See `Value.restored`."""
        return cls(tuple(parts))

    @property
    def parts(self) -> tuple[Step, ...]:
        """The steps."""
        return self.each

    @property
    def steps(self) -> tuple[Step, ...]:
        """See `Step.steps`."""
        return self.each

    @property
    def title(self) -> str:
        """See `Value.title`."""
        return " >> ".join(one.title for one in self.each)

    def handed_on(self, frames: Sequence[InputFrame], before: Sequence[Answer]) -> list[Answer]:
        """See `Step.handed_on`."""
        found = list(before)
        for step in self.each:
            found = step.handed_on(frames, found)
        return found


@dataclass(frozen=True, eq=False, repr=False)
class Chain(Model):
    """A model, and steps that look closer at what it finds."""

    kind = "chain"

    first: Model
    step: Step

    @classmethod
    def restored(cls, settings: Mapping[str, Any], parts: Sequence[Any]) -> Self:
        """See `Value.restored`."""
        first, *steps = parts
        return cls(first, steps[0] if len(steps) == 1 else Steps(tuple(steps)))

    @property
    def parts(self) -> tuple[Value, ...]:
        """The model and its steps, in order."""
        return (self.first, *self.step.steps)

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the objects."""
        return self.first.labels

    @property
    def heads(self) -> frozenset[Head]:
        """Of the objects."""
        return self.first.heads

    @property
    def title(self) -> str:
        """See `Value.title`."""
        return " >> ".join(one.title for one in self.parts)

    def answers(self, frames: Sequence[InputFrame], inside: Sequence[Instances] | None = None) -> list[Answer]:
        """See `Model.answers`."""
        return self.step.handed_on(frames, self.first.answers(frames))


def chained(model: Model, step: Step) -> Chain:
    """`model >> step`; raises CompositionError where they do not fit."""
    if not isinstance(step, Step):
        about = f"{step.title} looks at whole frames" if isinstance(step, Model) else "that is no step"
        raise CompositionError(
            f"Found {step!r} behind >>: {about}. Expected a step: {STEPS}. What stands side by side is joined by |."
        )
    if model.heads == {Head.CLASSIFICATION}:
        raise CompositionError(
            f"Found {step.title} behind {model.title}, which says the class of whole frames. Expected a model that finds "
            "objects before it: boxes >> mood.crops()."
        )
    if model.hangs_on_boxes and model.heads:
        raise CompositionError(
            f"Found {model.title} at the beginning of a chain, but its points are looked for in boxes. Expected a model of "
            f"the boxes before it: boxes >> points.inside() >> {step.title}."
        )
    if isinstance(model, Chain):
        return Chain(model.first, Steps((*model.step.steps, *step.steps)))
    return Chain(model, step)


def looked_at(found: Sequence[Answer]) -> list[Instances]:
    """The objects of answers."""
    return [one.found for one in found]
