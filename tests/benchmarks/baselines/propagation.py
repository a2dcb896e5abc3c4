"""From labelled frames to the others by time alone: by what is drawn nearest to them, or frame by frame, both ways."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from backend.bench.baselines import Labelled
from backend.types import Frame, Instance, LabeledFrame, Prediction
from tests.benchmarks.baselines.baseline import Given

Copy = Callable[[Labelled, float], Sequence[Instance]]
"""What is in a frame by what was drawn, and when."""
Carry = Callable[[LabeledFrame, Iterator[Frame]], Iterator[tuple[Instance, ...]]]
"""Follows what was drawn through frames that lead away from it in time, and says what is in each."""


def copied(given: Given, copy: Copy) -> list[Prediction]:
    """Nobody says which object of one frame is which of another."""
    labelled = {
        time_of(one.frame): [replace(instance, region_id=None) for instance in one.instances] for one in given.labeled
    }
    return [
        Prediction(frame.task, tuple(copy(labelled, time)), nearness(min(abs(time - other) for other in labelled)))
        for frame in given.frames
        for time in [time_of(frame)]
    ]


def propagated(given: Given, carry: Carry) -> list[Prediction]:
    """Every frame is reached from the labelled frame that is nearest in time, of two from the earlier one."""
    times = [time_of(frame) for frame in given.frames]
    found = dict[int, Prediction]()
    for labeled in given.labeled:
        start = time_of(labeled.frame)
        own = [i for i, time in enumerate(times) if nearest_to(given.labeled, time) is labeled]
        later = sorted((i for i in own if times[i] >= start), key=times.__getitem__)
        earlier = sorted((i for i in own if times[i] < start), key=times.__getitem__, reverse=True)
        for way in (later, earlier):
            for i, instances in zip(way, carry(labeled, (given.frames[i] for i in way)), strict=True):
                found[i] = Prediction(given.frames[i].task, instances, nearness(abs(times[i] - start)))
    return [found[i] for i in range(len(times))]


def nearest_to(labeled: Sequence[LabeledFrame], time: float) -> LabeledFrame:
    """Of two the earlier one."""
    return min(labeled, key=lambda one: (abs(time_of(one.frame) - time), time_of(one.frame)))


def nearness(apart: float) -> float:
    """A frame's score by its distance in time from a labelled one, in (0, 1]."""
    return 1 / (1 + apart)


def time_of(frame: Frame) -> float:
    """Where a frame lies in time; where nobody knows, its number."""
    return float(frame.task) if frame.order is None else frame.order
