"""A copy of the labelled frame that is nearest in time."""

from backend.bench.baselines import nearest
from backend.types import Head, Prediction
from tests.benchmarks.baselines.baseline import Baseline, Given
from tests.benchmarks.baselines.moving import hung
from tests.benchmarks.baselines.propagation import copied


def predict(given: Given) -> list[Prediction]:
    """See Baseline."""
    return hung(given, copied(given, nearest))


BASELINE = Baseline("nearest frame", frozenset(Head), predict)
