from collections.abc import Mapping

import numpy as np
import pytest

from backend.errors import TrainingError
from backend.learning.fitting.initialization import earlier, resize_classifier, similar_scale, start_of
from backend.types import Weights


def _read(metadata: Mapping[str, str]) -> str:
    if "blueprint" not in metadata:
        raise TrainingError("another format")
    return metadata["blueprint"]


def test_no_start_and_one_of_an_older_format() -> None:
    assert earlier(_read, None) is None
    assert earlier(_read, Weights({}, {"format": "0"})) is None
    assert earlier(_read, Weights({}, {"blueprint": "b"})) == "b"


def test_known_labels_keep_their_rows_and_new_ones_are_the_mean() -> None:
    known = np.array([[1.0, 10.0], [3.0, 30.0]])
    assert resize_classifier(known, ("a", "b"), ("b", "new", "a")).tolist() == [[3, 30], [2, 20], [1, 10]]
    assert resize_classifier(known[:, 0], ("a", "b"), ("new",)).tolist() == [2.0]


def test_several_rows_of_a_label_stay_together() -> None:
    known = np.arange(4.0)
    assert resize_classifier(known, ("a", "b"), ("b", "a", "new"), each=2).tolist() == [2, 3, 0, 1, 1, 2]


@pytest.mark.parametrize(("ratio", "same"), [(1.0, True), (1.29, True), (1 / 1.29, True), (1.31, False), (0.5, False)])
def test_near_scales_are_near_both_ways(ratio: float, same: bool) -> None:
    assert similar_scale(ratio, 1.0) is similar_scale(1.0, ratio) is same


def test_a_start_that_does_not_fit_is_none_and_one_without_a_kind_is_the_groups_own() -> None:
    array = {"w": np.zeros(1)}
    assert start_of(None, {}) == start_of(Weights(array, {"start": "sibling"}), {}) == "backbone"
    assert start_of(Weights(array, {}), array) == "serving"
    assert start_of(Weights(array, {"start": "project"}), array) == "project"
