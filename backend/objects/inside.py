"""Inside: a chain's step that finds the points of each object in its box."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from backend.errors import CompositionError
from backend.instances import Instances
from backend.objects.chain import Step, looked_at
from backend.objects.frames import InputFrame
from backend.objects.model import Answer, Model
from backend.objects.union import answers_of
from backend.types import Head


@dataclass(frozen=True, eq=False, repr=False)
class Inside(Step):
    """The points that a model finds in each of the boxes, which keep their place, label, score and order."""

    kind = "inside"

    model: Model

    def __post_init__(self) -> None:
        if not self.model.hangs_on_boxes or Head.POSE not in self.model.heads:
            raise CompositionError(
                f"Found {self.model!r} to look inside boxes. Expected a pose micro-model that was trained on frames with a "
                "rectangle around each object's points. Models of whole frames stand side by side: a | b."
            )

    @classmethod
    def restored(cls, settings: Mapping[str, Any], parts: Sequence[Any]) -> Self:
        """See `Value.restored`."""
        return cls(*parts)

    @property
    def parts(self) -> tuple[Model, ...]:
        """The model."""
        return (self.model,)

    @property
    def title(self) -> str:
        """See `Value.title`."""
        return f"{self.model.title}.inside()"

    def handed_on(self, frames: Sequence[InputFrame], before: Sequence[Answer]) -> list[Answer]:
        """See `Step.handed_on`."""
        found = answers_of(self.model, frames, looked_at(before))
        return [
            Answer(with_points(a.found, b.found), min(a.score, b.score)) for a, b in zip(before, found, strict=True)
        ]


def with_points(objects: Instances, found: Instances) -> Instances:
    """The objects with these points beside their own; of one name the new one counts."""
    old = [n for n, name in enumerate(objects.keypoint_names) if name not in found.keypoint_names]
    columns = {
        name: np.concatenate([getattr(objects, name)[:, old], getattr(found, name)], axis=1)
        for name in ("keypoints", "keypoint_score", "visibility")
    }
    names = [*(objects.keypoint_names[n] for n in old), *found.keypoint_names]
    return objects.with_columns(**columns, keypoint_names=names)
