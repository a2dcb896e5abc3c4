"""Crops: a chain's step that gives each object the class of its crop as an attribute."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from backend.errors import CompositionError
from backend.instances import Instances
from backend.objects.chain import Step
from backend.objects.frames import InputFrame
from backend.objects.model import Answer, Model
from backend.objects.union import answers_of
from backend.types import Frame, Head


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
        given = [InputFrame(crop(frame.frame, box), frame.number, frame.places) for box in answer.found.xyxy]
        said = answers_of(self.model, given)
        attributes = [
            {**known, **self._attribute(one.found)} for known, one in zip(answer.found.attributes, said, strict=True)
        ]
        score = min([answer.score, *(one.score for one in said)])
        return Answer(answer.found.with_columns(attributes=attributes), score)

    def _attribute(self, classes: Instances) -> dict[str, Any]:
        if not len(classes):
            return {}
        names = ", ".join(classes.label.tolist())
        return {self.name: names, f"{self.name} score": float(classes.score.min())}


def crop(frame: Frame, box: Sequence[float]) -> Frame:
    """What is seen in a box (x0, y0, x1, y1) of a frame, pixels of the original; at least a pixel, and within the frame."""
    height, width = frame.image.shape[:2]
    sx, sy = width / frame.width, height / frame.height
    x0, y0 = min(max(int(np.floor(box[0] * sx)), 0), width - 1), min(max(int(np.floor(box[1] * sy)), 0), height - 1)
    x1, y1 = min(max(int(np.ceil(box[2] * sx)), x0 + 1), width), min(max(int(np.ceil(box[3] * sy)), y0 + 1), height)
    image = np.ascontiguousarray(frame.image[y0:y1, x0:x1])
    return Frame(frame.task, image, max(round((x1 - x0) / sx), 1), max(round((y1 - y0) / sy), 1))
