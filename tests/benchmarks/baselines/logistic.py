"""Logistic regression on the features of the frozen backbone."""

from functools import partial

from sklearn.linear_model import LogisticRegression

from backend.types import Head, Prediction
from tests.benchmarks.baselines.baseline import Baseline, Given
from tests.benchmarks.baselines.frozen import classified

STRENGTHS = (0.001, 0.1)
"""Inverse regularisation (C of scikit-learn) that are tried."""


def predict(given: Given) -> list[Prediction]:
    """See Baseline."""
    return classified(given, [partial(LogisticRegression, C=c, max_iter=500) for c in STRENGTHS])


BASELINE = Baseline("logistic regression", frozenset({Head.CLASSIFICATION}), predict)
