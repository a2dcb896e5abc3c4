"""Classification on the features of the frozen backbone: what k nearest neighbours and logistic regression have in common."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from backend.learning.classification.features import scaled, size_for
from backend.learning.network.backbone import DEFAULT_BACKBONE, Backbone
from backend.types import Frame, Instance, Prediction
from tests.benchmarks.baselines.baseline import Given

SIDE = 224
"""Of scaled frames, as the backbone was trained on, pixels."""
PARTS = (1, 4)
"""Rows and columns that the features are averaged in: over the whole frame, or where in the frame counts as well."""

Floats = NDArray[np.float32]


def classified(given: Given, classifiers: Sequence[Callable[[], Any]]) -> list[Prediction]:
    """By the classifier, and the number of parts, that classify the labelled frames best when each is left out once."""
    names = [one.instances[0].label for one in given.labeled]
    frames = [*(one.frame for one in given.labeled), *given.frames]
    seen = _features(frames)
    known = {parts: rows[: len(names)] for parts, rows in seen.items()}
    models = [(parts, make_pipeline(StandardScaler(), make())) for parts in PARTS for make in classifiers]
    right = [cross_val_score(model, known[parts], names, cv=LeaveOneOut()).mean() for parts, model in models]
    parts, model = models[int(np.argmax(right))]
    chances = model.fit(known[parts], names).predict_proba(seen[parts][len(names) :])
    best = [(model.classes_[row.argmax()], float(row.max())) for row in chances]
    return [_prediction(frame, *one) for frame, one in zip(frames[len(names) :], best, strict=True)]


@torch.inference_mode()
def _features(frames: Sequence[Frame]) -> dict[int, Floats]:
    """{parts: (frames, n)} of the maps of strides 8 and 16."""
    backbone, size = Backbone(DEFAULT_BACKBONE), size_for(frames, SIDE)
    found: dict[int, list[Floats]] = {parts: [] for parts in PARTS}
    for frame in frames:
        _, *maps = backbone(scaled(frame, size)[None])
        for parts, rows in found.items():
            pooled = [torch.nn.functional.adaptive_avg_pool2d(one, parts).flatten() for one in maps]
            rows.append(torch.cat(pooled).numpy())
    return {parts: np.stack(rows) for parts, rows in found.items()}


def _prediction(frame: Frame, label: str, chance: float) -> Prediction:
    whole = (0.0, 0.0, float(frame.width), float(frame.height))
    return Prediction(frame.task, (Instance(label, whole, chance),), chance)
