"""Crops: a chain's step that gives each object the class of its crop as an attribute."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from backend.errors import CompositionError
from backend.instances import Instances
from backend.learning.attributes.crops import crop
from backend.objects.chain import Step
from backend.objects.frames import InputFrame
from backend.objects.model import Answer, Model
from backend.objects.union import answers_of
from backend.types import Head


@dataclass(frozen=True, eq=False, repr=False)
class Crops(Step):
    """What a model of classes says of each box's crop: the attribute `name` is the class, and `name score` its score.

    Where an object has several classes they are one attribute, joined by ", ", with the lowest of their scores.
    """

    kind = "crops"

    model: Model
    name: str

    def __post_init__(self) -> None:
        if self.model.heads - {Head.CLASSIFICATION}:
            raise CompositionError(
                f"Found {self.model!r} to look at crops. Expected a micro-model of classes, trained on crops such as these."
            )

    @classmethod
    def restored(cls, settings: Mapping[str, Any], parts: Sequence[Any]) -> Self:
        """See `Value.restored`."""
        [model] = parts
        return cls(model, str(settings["name"]))

    @property
    def parts(self) -> tuple[Model, ...]:
        """The model."""
        return (self.model,)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The attribute's name."""
        return {"name": self.name}

    @property
    def title(self) -> str:
        """See `Value.title`."""
        return f"{self.model.title}.crops({self.name!r})"

    def handed_on(self, frames: Sequence[InputFrame], before: Sequence[Answer]) -> list[Answer]:
        """See `Step.handed_on`."""
        return [self._one(frame, answer) for frame, answer in zip(frames, before, strict=True)]

    def _one(self, frame: InputFrame, answer: Answer) -> Answer:
        said = self._said(frame, answer.found)
        attributes = [
            {**known, **attribute_of(self.name, one.found)}
            for known, one in zip(answer.found.attributes, said, strict=True)
        ]
        score = min([answer.score, *(one.score for one in said)])
        return Answer(answer.found.with_columns(attributes=attributes), score)

    def _said(self, frame: InputFrame, objects: Instances) -> list[Answer]:
        """What the model says of each object: one that learnt regions knows by itself where to look."""
        if self.model.hangs_on_boxes:
            each = [objects[n : n + 1] for n in range(len(objects))]
            return answers_of(self.model, [frame] * len(each), each)
        crops = (crop(frame.frame, box) for box in objects.xyxy)
        return answers_of(self.model, [InputFrame(one, frame.number, frame.places) for one in crops])


def attribute_of(name: str, classes: Instances) -> dict[str, Any]:
    """One object's classes as its attribute of this name; nothing where it has none."""
    if not len(classes):
        return {}
    return {name: ", ".join(classes.label.tolist()), f"{name} score": float(classes.score.min())}
