import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from backend.learning.detection.plan import plan
from backend.learning.detection.recipe import DetectionRecipe
from backend.learning.detection.refinement import CROP_SIDE, refinement_state
from backend.learning.detection.refinement_training import crop_around, drawn_objects, take_pyramid
from backend.learning.network.pyramid import Pyramid
from tests.learning.cases import CASES
from tests.learning.synthetic import clip

BOXES = CASES["boxes"]


@given(st.integers(0, 2**32), st.floats(4, 60), st.floats(4, 60))
def test_the_box_moves_along_with_its_crop(seed: int, width: float, height: float) -> None:
    """What is bright in the picture is bright in the crop."""
    image = torch.zeros(3, 100, 120, dtype=torch.uint8)
    box = np.array([30, 20, 30 + round(width), 20 + round(height)], np.float64)
    image[:, 20 : int(box[3]), 30 : int(box[2])] = 255
    crop, found = crop_around(image, box, np.random.default_rng(seed))
    assert crop.shape == (3, CROP_SIDE, CROP_SIDE)
    x, y = ((found[:2] + found[2:]) / 2).astype(int)
    assert 0 < x < CROP_SIDE
    assert 0 < y < CROP_SIDE
    assert crop[:, y, x].mean() > 0.5
    assert (found[2:] > found[:2]).all()


def test_only_drawn_boxes_with_sides_and_a_known_label_are_learnt() -> None:
    [frame] = clip(1).frames
    [disc] = frame.instances
    odd = [
        dataclasses.replace(disc, accepted=True),
        dataclasses.replace(disc, label="unicorn"),
        dataclasses.replace(disc, box=(5.0, 5.0, 5.0, 9.0)),
    ]
    config = plan([frame], ("disc",), DetectionRecipe())
    device = torch.device("cpu")
    [(image, box)] = drawn_objects([dataclasses.replace(frame, instances=(disc, *odd))], config, device)
    assert image.shape == (3, 120, 160)
    assert tuple(box) == disc.box
    assert drawn_objects([dataclasses.replace(frame, instances=tuple(odd))], config, device) == []


def test_its_pyramid_begins_as_the_networks_without_the_background() -> None:
    torch.manual_seed(0)
    own, trained = Pyramid((4, 5, 6), 8), Pyramid((7, 8, 9), 8)
    take_pyramid(own, trained)
    features = [torch.rand(1, n, 32 // s, 32 // s) for n, s in zip((4, 5, 6), (1, 2, 4), strict=True)]
    silent = [torch.cat([one, torch.zeros(1, 3, *one.shape[2:])], 1) for one in features]
    assert torch.allclose(own(features), trained(silent), atol=1e-6)


@pytest.mark.parametrize("off", ["switch", "accepted"])
def test_nothing_is_learnt_where_it_is_off_or_nobody_drew_a_box(off: str) -> None:
    recipe, labeled = BOXES.quick, BOXES.split()[0]
    if off == "switch":
        recipe = dataclasses.replace(recipe, refinement=False)
    else:
        labeled = [
            dataclasses.replace(one, instances=tuple(dataclasses.replace(i, accepted=True) for i in one.instances))
            for one in labeled
        ]
    assert not refinement_state(BOXES.trained(recipe, labeled=labeled, unlabeled=()).weights)
