"""Track: a chain's step that tells which objects of a film are the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from backend.instances import NO_TRACK, Instances
from backend.objects.chain import Step
from backend.objects.frames import InputFrame
from backend.objects.model import Answer

if TYPE_CHECKING:
    from backend.learning.tracking.detections import Ints
    from backend.learning.tracking.graph import Prior


@dataclass(frozen=True, eq=False, repr=False)
class Track(Step):
    """Gives the objects of each label the numbers of their tracks, by the product's one tracker; their boxes stay.

    What flickers up once belongs to no track. Frames without an order in time are no film: each object is a track there.
    """

    kind = "track"

    @classmethod
    def restored(cls, settings: Mapping[str, Any], parts: Sequence[Any]) -> Self:
        """See `Value.restored`."""
        return cls()

    @property
    def title(self) -> str:
        """See `Value.title`."""
        return "track()"

    def handed_on(self, frames: Sequence[InputFrame], before: Sequence[Answer]) -> list[Answer]:
        """See `Step.handed_on`."""
        orders = [one.frame.order for one in frames]
        found = [one.found for one in before]
        placed = [order for order in orders if order is not None]
        tracks = _linked(placed, found) if len(placed) == len(orders) > 1 else [np.arange(len(one)) for one in found]
        numbered = zip(before, tracks, strict=True)
        return [Answer(one.found.with_columns(track=own), one.score) for one, own in numbered]


def track() -> Track:
    """The step that follows objects through a film: `boxes >> track()`."""
    return Track()


def _linked(orders: Sequence[float], found: Sequence[Instances]) -> "list[Ints]":
    """For each frame the track of each object."""
    from backend.learning.tracking.detections import NO_CANDIDATE, Detections
    from backend.learning.tracking.tracker import Tracker

    tracks: list[Ints] = [np.full(len(one), NO_TRACK) for one in found]
    number = 0
    for label in sorted({str(name) for one in found for name in one.label}):
        own = [np.flatnonzero(one.label == label) for one in found]
        seen = [
            Detections(order, one.xyxy[mine], one.score[mine])
            for order, one, mine in zip(orders, found, own, strict=True)
        ]
        for linked in Tracker().link(seen, (), _nothing_known):
            places = [(t, c) for t, c in zip(linked.frames, linked.candidates, strict=True) if c != NO_CANDIDATE]
            if len(places) > 1:
                for t, candidate in places:
                    tracks[t][own[t][candidate]] = number
                number += 1
    return tracks


def _nothing_known(orders: Sequence[float]) -> "Prior":
    """That an object more is as likely as not."""
    return [[0.0]] * len(orders)
