import numpy as np
import pytest
import torch

from backend.learning.pose.head import PEAKS_PER_KEYPOINT, PoseHead, Targets, peaks, probabilities


def _head() -> PoseHead:
    torch.manual_seed(0)
    return PoseHead(3, 8)


def _targets(present: bool = True, weight: float = 1.0) -> Targets:
    points = torch.tensor([[[10.0, 20.0], [33.0, 41.0], [50.0, 13.0]]])
    return Targets(points, torch.full((1, 3), present), torch.full((1, 3), weight))


def test_nothing_to_learn_costs_nothing() -> None:
    head = _head()
    loss = head.loss(head(torch.zeros(1, 8, 16, 16)), _targets(weight=0.0))
    assert loss.item() == 0
    loss.backward()


def test_probabilities_and_not_visible_are_one() -> None:
    heat = probabilities(torch.randn(2, 3, 8, 8))
    assert (heat.sum((2, 3)) < 1).all()
    assert probabilities(torch.full((1, 1, 8, 8), -20.0)).sum().item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("present", [True, False])
def test_a_trained_output_says_where_or_that_it_is_not(present: bool) -> None:
    head, logits = _head(), torch.zeros(1, 3, 16, 16, requires_grad=True)
    optimizer = torch.optim.Adam([logits], 0.5)
    for _ in range(60):
        loss = head.loss(logits, _targets(present))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    places, scores = peaks(probabilities(logits.detach())[0])
    assert places.shape == (3, PEAKS_PER_KEYPOINT, 2)
    if present:
        assert places[:, 0] == pytest.approx(_targets().points[0].numpy(), abs=0.8)
        assert (scores[:, 0] > 0.7).all()
    else:
        assert (scores[:, 0] < 0.2).all()


def test_peaks_come_best_first_and_an_empty_map_has_none() -> None:
    heat = torch.zeros(2, 12, 12)
    heat[0, 3, 4], heat[0, 9, 9] = 0.3, 0.6
    places, scores = peaks(heat)
    assert places[0, 0] == pytest.approx([38, 38], abs=0.01)
    assert places[0, 1] == pytest.approx([18, 14], abs=0.01)
    assert scores[0, :3] == pytest.approx([0.6, 0.3, 0.0], abs=0.01)
    assert (scores[1] == 0).all()
    assert np.isfinite(places).all()
