import dataclasses

import numpy as np
import pytest
import torch

from backend.learning import methods
from backend.learning.detection.config import DetectionConfig
from backend.learning.detection.ensemble import member_state, with_member, without_member
from backend.learning.detection.micro_model import load
from backend.learning.detection.plan import plan
from backend.learning.detection.recipe import DetectionRecipe
from backend.types import Weights
from tests.learning.synthetic import clip

FRAME = clip(2).frames[0].frame


def _config(**changes: object) -> DetectionConfig:
    return dataclasses.replace(plan(clip(2).frames, ("disc",), DetectionRecipe()), **changes)  # type: ignore[arg-type]


def _untrained(config: DetectionConfig, seed: int) -> Weights:
    torch.manual_seed(seed)
    network = config.build()
    network.prepare(())
    torch.nn.init.normal_(network.head.sides.weight, std=0.01)
    return Weights(network.own_state(), config.to_metadata())


def _output(weights: Weights) -> tuple[torch.Tensor, torch.Tensor]:
    """Heatmap logits, and the boxes in pixels of the scaled frame."""
    model = load(weights, "cpu")
    with torch.inference_mode():
        out = model.network(torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    return out[:, :1].float(), model.network.head.boxes(out)


def test_two_answer_as_their_mean() -> None:
    one, other = _untrained(_config(), 1), _untrained(_config(), 2)
    together, _ = _output(with_member(one, other))
    assert torch.allclose(together, (_output(one)[0] + _output(other)[0]) / 2, atol=1e-4)
    assert not torch.allclose(together, _output(one)[0], atol=1e-4)


def test_the_member_keeps_the_size_of_its_boxes_where_objects_have_grown() -> None:
    small, large = _untrained(_config(size=(20.0, 30.0)), 1), _untrained(_config(size=(40.0, 45.0)), 1)
    large = dataclasses.replace(large, arrays=small.arrays)
    kept = with_member(large, small)
    moved = Weights(member_state(kept), kept.metadata)
    assert torch.allclose(_output(moved)[1], _output(small)[1], atol=1.0)
    assert not torch.allclose(_output(large)[1], _output(small)[1], atol=1.0)


def test_the_member_of_the_member_is_left() -> None:
    one, two, three = (_untrained(_config(), seed) for seed in (1, 2, 3))
    third = with_member(three, with_member(two, one))
    assert third.arrays.keys() == with_member(three, two).arrays.keys()
    assert np.array_equal(member_state(third)["head.heat.weight"], two.arrays["head.heat.weight"])
    assert without_member(third).arrays.keys() == three.arrays.keys()
    assert sum(array.nbytes for array in third.arrays.values()) < 4e6


@pytest.mark.parametrize("changes", [{"labels": ("square",)}, {"factor": 9.0}, {"width": 32}, {"frozen": ()}])
def test_alone_where_they_do_not_look_at_frames_alike(changes: dict[str, object]) -> None:
    one, other = _untrained(_config(), 1), _untrained(_config(**changes), 2)
    assert with_member(one, other) is one


def test_alone_where_the_other_is_of_an_older_format() -> None:
    one = _untrained(_config(), 1)
    assert with_member(one, Weights(one.arrays, {**one.metadata, "format": "0"})) is one


def test_other_heads_and_first_versions_serve_alone() -> None:
    one = _untrained(_config(), 1)
    assert methods.ensemble(one, None) is one
    masks = Weights(one.arrays, {**one.metadata, "head": "segmentation"})
    assert methods.ensemble(one, masks) is one
    assert methods.ensemble(masks, one) is masks


def test_predictions_come_from_both() -> None:
    both = with_member(_untrained(_config(score_floor=0.0), 1), _untrained(_config(), 2))
    model = methods.load(both, "cpu")
    assert model.nbytes > 1.9 * methods.load(without_member(both), "cpu").nbytes
    assert len(model.predict([FRAME])) == 1
