import dataclasses

import numpy as np
import pytest

from backend.errors import TrainingError
from backend.learning.detection.config import DetectionConfig
from backend.learning.detection.initialization import warm
from backend.learning.detection.plan import plan
from backend.learning.detection.recipe import DetectionRecipe
from backend.types import Weights
from tests.learning.synthetic import clip

ROWS = {"head.heat.weight": np.array([[1.0], [3.0]]), "head.heat.bias": np.array([0.0, 2.0])}


def _plan(*labels: str) -> DetectionConfig:
    return plan(clip(2).frames, labels, DetectionRecipe())


def test_a_config_comes_back_as_it_was() -> None:
    planned = _plan("disc", "square")
    assert DetectionConfig.from_metadata(planned.to_metadata()) == planned


@pytest.mark.parametrize("metadata", [{}, {"format": "0"}, {"format": "1"}])
def test_other_metadata_is_refused(metadata: dict[str, str]) -> None:
    with pytest.raises(TrainingError, match="train this group again"):
        DetectionConfig.from_metadata(metadata)


def test_no_start() -> None:
    assert warm(_plan("disc"), None) == (_plan("disc"), {})


def test_labels_keep_their_rows_and_new_ones_begin_as_the_mean() -> None:
    start = Weights(ROWS, _plan("disc", "square").to_metadata())
    _, arrays = warm(_plan("square", "star"), start)
    assert arrays["head.heat.weight"].tolist() == [[3.0], [2.0]]
    assert arrays["head.heat.bias"].tolist() == [2.0, 1.0]


def test_a_start_of_another_shape_is_left_out() -> None:
    planned = _plan("disc")
    other = dataclasses.replace(planned, width=planned.width * 2)
    assert warm(planned, Weights(ROWS, other.to_metadata())) == (planned, {})


def test_the_scale_is_kept_where_it_is_near() -> None:
    planned = _plan("disc")
    near, far = (dataclasses.replace(planned, factor=planned.factor * by) for by in (1.2, 2.0))
    assert warm(planned, Weights(ROWS, near.to_metadata()))[0].factor == near.factor
    assert warm(planned, Weights(ROWS, far.to_metadata()))[0].factor == planned.factor
