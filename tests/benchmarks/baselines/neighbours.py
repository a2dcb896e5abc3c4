"""k nearest neighbours on the features of the frozen backbone."""

from functools import partial

from sklearn.neighbors import KNeighborsClassifier

from backend.types import Head, Prediction
from tests.benchmarks.baselines.baseline import Baseline, Given
from tests.benchmarks.baselines.frozen import classified

NEIGHBOURS = (1, 3)
"""Numbers of neighbours that are tried; nearer ones count more."""


def predict(given: Given) -> list[Prediction]:
    """See Baseline."""
    counts = [n for n in NEIGHBOURS if n < len(given.labeled)]
    return classified(given, [partial(KNeighborsClassifier, n_neighbors=n, weights="distance") for n in counts])


BASELINE = Baseline("k-NN", frozenset({Head.CLASSIFICATION}), predict)
