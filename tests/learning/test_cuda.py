"""What a GPU must do as a processor does; skipped, and said so, where there is none."""

import dataclasses

import numpy as np
import pytest
import torch

from backend.learning import methods
from backend.learning.detection.recipe import DetectionRecipe
from tests.learning.cases import CASES, Case

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")

LEAST = {"boxes": 0.8, "masks": 0.7, "points": 0.5, "points in boxes": 0.5, "classes": 0.8}
"""Quality of each case; a GPU computes in half precision."""
RECIPES = {"boxes": DetectionRecipe(steps=60, warm_steps=20)}
"""Where a case's short one does not do."""


@pytest.mark.parametrize("name", CASES)
def test_a_method_learns_on_it_and_its_weights_say_the_same_on_a_processor(name: str) -> None:
    case: Case = CASES[name]
    given, recipe = case.given(16, 3, device="cuda"), RECIPES.get(name, case.short)
    labeled, others = case.split(16, 3)
    trained = case.method.train(given, recipe)
    assert all(np.isfinite(array).all() for array in trained.weights.arrays.values() if array.dtype.kind == "f")
    quality = {}
    for device in ("cuda", "cpu"):
        model = methods.load(trained.weights, device)
        found = model.predict([one.frame for one in others], labeled, case.boxes(others))
        quality[device] = methods.evaluate(case.method.head, found, others).score or 0.0
    assert quality["cuda"] >= LEAST[name], quality
    assert abs(quality["cuda"] - quality["cpu"]) <= 0.05, quality
    again = case.method.train(dataclasses.replace(given, start=trained.weights, seed=1), recipe)
    assert all(np.isfinite(value) for value in again.metrics.values())
