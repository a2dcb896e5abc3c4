"""The last row of a head in closed form: the linear answer that a few labelled frames ask for.

Ridge regression around a shared row, through which gradients reach the features: they learn to be such that the row
fitted to some frames of a clip is right on the others (Bertinetto et al., Meta-learning with differentiable closed-form
solvers, ICLR 2019).
"""

import torch
from torch import Tensor

STIFF = 0.03
"""How strongly rows are held at the shared one, in mean squares of a feature: fewer frames, less trust in them."""


def rows(features: Tensor, wanted: Tensor, weight: Tensor, shared: Tensor) -> Tensor:
    """Features (n, c), wanted logits (n, k), weights (n,) of the cells, shared rows (k, c + 1), bias last -> (k, c + 1)."""
    x = with_one(features)
    share = (weight / weight.sum().clamp_min(1e-6))[:, None]
    gram = x.T @ (x * share)
    left = wanted - x @ shared.T
    ridge = STIFF * gram.diagonal()[:-1].mean() * torch.eye(len(gram), device=x.device)
    change = torch.linalg.solve(gram + ridge, x.T @ (left * share))
    fitted: Tensor = shared + change.T
    return fitted


def with_one(features: Tensor) -> Tensor:
    """(n, c) -> (n, c + 1): the last column carries the bias."""
    return torch.cat([features, torch.ones_like(features[:, :1])], 1)


def cells(maps: Tensor) -> Tensor:
    """(batch, c, h, w) -> (batch * h * w, c)."""
    return maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1])


def crossed(maps: Tensor, wanted: Tensor, weight: Tensor, shared: Tensor) -> Tensor:
    """Logits (batch, k, h, w) of each half of the frames by the rows that the other half asks for.

    Maps (batch, c, h, w), wanted logits (batch, k, h, w), weights (batch, h, w), shared rows (k, c + 1).
    """
    half = len(maps) // 2
    first, second = slice(0, half), slice(half, None)
    out = []
    for asked, answered in ((second, first), (first, second)):
        fitted = rows(cells(maps[asked]), cells(wanted[asked]), weight[asked].flatten(), shared)
        logits = with_one(cells(maps[answered])) @ fitted.T
        shape = maps[answered].shape
        out.append(logits.view(shape[0], shape[2], shape[3], -1).permute(0, 3, 1, 2))
    return torch.cat(out)


def balanced(positive: Tensor, share: float) -> Tensor:
    """Weights in which what is `positive`, in [0, 1], has `share` of the total, the rest the rest."""
    return positive * share / positive.sum().clamp_min(1e-6) + (1 - positive) * (1 - share) / (
        1 - positive
    ).sum().clamp_min(1e-6)
