"""Boxes and points in straight lines between labelled frames, as Label Studio moves them between keyframes."""

from backend.bench.baselines import interpolated
from backend.types import Head, Prediction
from tests.benchmarks.baselines.baseline import Baseline, Given
from tests.benchmarks.baselines.moving import hung
from tests.benchmarks.baselines.propagation import copied


def predict(given: Given) -> list[Prediction]:
    """See Baseline."""
    return hung(given, copied(given, interpolated))


BASELINE = Baseline("interpolation", frozenset({Head.DETECTION, Head.POSE}), predict)
