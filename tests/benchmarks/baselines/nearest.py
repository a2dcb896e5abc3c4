"""A copy of the labelled frame that is nearest in time."""

from backend.bench.baselines import nearest
from backend.types import Head, Prediction
from tests.benchmarks.baselines.baseline import Baseline, Given
from tests.benchmarks.baselines.moving import hung
from tests.benchmarks.baselines.propagation import nearest_to, nearness, time_of


def predict(given: Given) -> list[Prediction]:
    """See Baseline."""
    labelled = {time_of(one.frame): one.instances for one in given.labeled}
    found = list[Prediction]()
    for frame in given.frames:
        time = time_of(frame)
        apart = abs(time_of(nearest_to(given.labeled, time).frame) - time)
        found.append(Prediction(frame.task, tuple(nearest(labelled, time)), nearness(apart)))
    return hung(given, found)


BASELINE = Baseline("nearest frame", frozenset(Head), predict)
