"""Boxes and points in straight lines between labelled frames, as Label Studio moves them between keyframes."""

from dataclasses import replace

from backend.bench.baselines import interpolated
from backend.types import Head, Prediction
from tests.benchmarks.baselines.baseline import Baseline, Given
from tests.benchmarks.baselines.moving import hung
from tests.benchmarks.baselines.propagation import nearest_to, nearness, time_of


def predict(given: Given) -> list[Prediction]:
    """See Baseline. Nobody says which object of one task is which of another: those whose centres are nearest are the same."""
    labelled = {
        time_of(one.frame): [replace(instance, region_id=None) for instance in one.instances] for one in given.labeled
    }
    found = list[Prediction]()
    for frame in given.frames:
        time = time_of(frame)
        apart = abs(time_of(nearest_to(given.labeled, time).frame) - time)
        found.append(Prediction(frame.task, tuple(interpolated(labelled, time)), nearness(apart)))
    return hung(given, found)


BASELINE = Baseline("interpolation", frozenset({Head.DETECTION, Head.POSE}), predict)
