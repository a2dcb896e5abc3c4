import pytest
import torch
from torch import Tensor

from backend.learning.segmentation.head import SegmentationHead

HEAD = SegmentationHead(labels=1, width=8, detail=4)


def drawn() -> Tensor:
    masks = torch.zeros(1, 1, 32, 32)
    masks[..., 8:24, 8:24] = 1
    return masks


def loss(wrong: tuple[int, int] | None, sure: Tensor | None = None) -> float:
    """Of logits that are right and certain everywhere but at `wrong`."""
    masks = drawn()
    logits = (masks - 0.5) * 40
    if wrong is not None:
        logits[..., wrong[0], wrong[1]] *= -1
    return float(HEAD.loss(logits, masks, torch.ones_like(masks) if sure is None else sure))


def test_right_and_certain_costs_nothing() -> None:
    assert loss(None) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("near", [(9, 12), (8, 12), (6, 12), (12, 7), (12, 25), (25, 25)])
@pytest.mark.parametrize("far", [(10, 12), (5, 12), (26, 12), (16, 16)])
def test_errors_near_an_outline_cost_more(near: tuple[int, int], far: tuple[int, int]) -> None:
    assert loss(near) > 2 * loss(far) > 0


def test_what_is_not_sure_costs_nothing() -> None:
    sure = torch.ones(1, 1, 32, 32)
    sure[..., 16, 16] = 0
    assert loss((16, 16), sure) == pytest.approx(0, abs=1e-3)
