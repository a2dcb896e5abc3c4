"""Abstain: the model that says nothing of any frame."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from backend.instances import Instances
from backend.objects.frames import InputFrame
from backend.objects.model import Answer, Model
from backend.types import Head


@dataclass(frozen=True, eq=False, repr=False)
class Abstain(Model):
    """Neutral in `|`, and what `by_group` and `by_time` ask where no other model speaks."""

    kind = "abstain"

    @classmethod
    def restored(cls, settings: Mapping[str, Any], parts: Sequence[Any]) -> Self:
        """See `Value.restored`."""
        return cls()

    @property
    def labels(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def heads(self) -> frozenset[Head]:
        """None."""
        return frozenset()

    @property
    def hangs_on_boxes(self) -> bool:
        """It also finds nothing in boxes."""
        return True

    @property
    def title(self) -> str:
        """See `Value.title`."""
        return "abstain"

    def answers(self, frames: Sequence[InputFrame], inside: Sequence[Instances] | None = None) -> list[Answer]:
        """Nothing, or the objects that came in as they are."""
        return [Answer(found, 0.0) for found in inside or [Instances()] * len(frames)]


abstain = Abstain()
"""Says nothing of any frame."""
