"""Greedy choice without a loop over what is chosen from: the best first, without what is near a better one that stays."""

import torch
from torch import Tensor

MAX_DUPLICATE_CHAIN = 16
"""Most of them that hang on each other in a row; of longer chains the end may be chosen wrongly."""


def without_nearby(near: Tensor) -> Tensor:
    """(n,) bool of n, the best first, of which `near` (n, n) says which are too near to each other.

    Whether the k-th in a chain stays is right after k steps, and does not change any more.
    """
    place = torch.cumsum(torch.ones_like(near.float().sum(1)), 0)
    worse = near.float() * (place[:, None] < place)
    kept = torch.ones_like(place)
    for _ in range(MAX_DUPLICATE_CHAIN):
        kept = ((worse * kept[:, None]).sum(0) == 0).float()
    return kept > 0
