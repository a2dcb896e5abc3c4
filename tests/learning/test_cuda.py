"""What a GPU must do as a processor does; skipped, and said so, where there is none."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from backend.learning import methods
from backend.learning.detection.recipe import DetectionRecipe
from backend.types import Head, LabeledFrame
from tests.learning import synthetic
from tests.learning.classification import classes
from tests.learning.classification.test_training import QUICK as CLASSIFICATION
from tests.learning.pose.synthetic import NAMES, herd
from tests.learning.pose.test_training import SHORT as POSE
from tests.learning.segmentation.masked import masked_clip
from tests.learning.segmentation.test_training import SHORT as SEGMENTATION

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")

DETECTION = DetectionRecipe(steps=60, warm_steps=20, pseudo_steps=20)

CASES: dict[Head, tuple[Callable[[], list[LabeledFrame]], tuple[str, ...], Any, float]] = {
    Head.DETECTION: (lambda: list(synthetic.clip(16).frames), ("disc",), DETECTION, 0.8),
    Head.SEGMENTATION: (lambda: list(masked_clip(12).frames), ("disc",), SEGMENTATION, 0.7),
    Head.POSE: (lambda: herd(12), NAMES, POSE, 0.5),
    Head.CLASSIFICATION: (lambda: classes.clip(24), classes.LABELS, CLASSIFICATION, 0.8),
}
"""Frames, labels, recipe and the least quality of each head."""


@pytest.mark.parametrize("head", Head)
def test_a_head_learns_on_it_and_its_weights_say_the_same_on_a_processor(head: Head) -> None:
    make, labels, recipe, least = CASES[head]
    frames = make()
    labeled, others = frames[::3], [one for at, one in enumerate(frames) if at % 3]
    unseen = [one.frame for one in others]
    trained = methods.train(labeled, unseen, labels, recipe, start=None, device="cuda", seed=0, progress=lambda _: None)
    assert all(np.isfinite(array).all() for array in trained.weights.arrays.values() if array.dtype.kind == "f")
    quality = {}
    for device in ("cuda", "cpu"):
        found = methods.predict(methods.load(trained.weights, device), unseen, labeled)
        quality[device] = methods.evaluate(head, found, others).score or 0.0
    assert quality["cuda"] >= least, quality
    assert abs(quality["cuda"] - quality["cpu"]) <= 0.05, quality
    again = methods.train(
        labeled, unseen, labels, recipe, start=trained.weights, device="cuda", seed=1, progress=lambda _: None
    )
    assert all(np.isfinite(value) for value in again.metrics.values())
