import pytest
import torch

from backend.learning.parent.rows import balanced, cells, crossed, rows


def test_rows_answer_what_is_linear() -> None:
    torch.manual_seed(0)
    x, row = torch.randn(500, 8), torch.randn(2, 8)
    fitted = rows(x, x @ row.T + 1.5, torch.ones(500), torch.zeros(2, 9))
    assert torch.allclose(fitted[:, :-1], row, atol=0.15)
    assert torch.allclose(fitted[:, -1], torch.full((2,), 1.5), atol=0.15)


def test_rows_stay_at_the_shared_one_where_it_is_right() -> None:
    x, shared = torch.randn(50, 4), torch.randn(1, 5)
    wanted = torch.cat([x, torch.ones(50, 1)], 1) @ shared.T
    assert torch.allclose(rows(x, wanted, torch.ones(50), shared), shared, atol=1e-4)


def test_gradients_reach_the_features() -> None:
    x = torch.randn(4, 3, 5, 5, requires_grad=True)
    wanted = torch.randn(4, 2, 5, 5)
    crossed(x, wanted, torch.ones(4, 5, 5), torch.zeros(2, 4)).square().sum().backward()
    assert x.grad is not None
    assert float(x.grad.abs().min(0).values.sum()) > 0


def test_each_half_is_answered_by_the_other() -> None:
    maps = torch.randn(2, 3, 4, 4)
    wanted = torch.stack([torch.full((1, 4, 4), 3.0), torch.full((1, 4, 4), -3.0)])
    out = crossed(maps, wanted, torch.ones(2, 4, 4), torch.zeros(1, 4))
    assert out.shape == (2, 1, 4, 4)
    assert out[0].mean() < -2
    assert out[1].mean() > 2


def test_cells_keep_their_order() -> None:
    assert cells(torch.arange(8.0).view(1, 2, 2, 2)).tolist() == [[0, 4], [1, 5], [2, 6], [3, 7]]


@pytest.mark.parametrize("positive", [torch.zeros(10), torch.ones(10), torch.tensor([1.0] + [0.0] * 9)])
def test_balance(positive: torch.Tensor) -> None:
    weight = balanced(positive, 0.3)
    assert torch.isfinite(weight).all()
    assert float(weight.sum()) == pytest.approx(0.3 * bool(positive.any()) + 0.7 * bool((positive < 1).any()), abs=1e-4)
