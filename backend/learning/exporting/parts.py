"""Connected parts of masks, for graphs: which pixels hang together, in a number of steps that grows slowly with their size.

FastSV (Zhang, Azad and Buluç, Parallel algorithms for finding connected components using linear algebra, 2020): each pixel
points to one of its part, and all pointers are shortened at once until nothing changes.
"""

import torch
from torch import Tensor


def part_of(masks: Tensor) -> Tensor:
    """(n, h, w) bool -> (n * h * w + 1,) a number of each pixel's part, 4-connected, below n * h * w; that number itself of
    pixels of none, and at the end.

    To be scripted (`torch.jit.script`), since it is a loop.
    """
    n, h, w = masks.shape
    count = n * h * w
    inside = torch.cat([masks.reshape(-1), torch.zeros([1], dtype=torch.bool)])
    none = torch.full([count + 1], count, dtype=torch.int64)
    up, side = torch.full([n, 1, w], count, dtype=torch.int64), torch.full([n, h, 1], count, dtype=torch.int64)
    part = torch.where(inside, torch.arange(count + 1), none)
    changed = True
    while changed:
        further = part[part]
        at = further[:-1].reshape(n, h, w)
        rows = torch.minimum(torch.cat([up, at[:, :-1]], 1), torch.cat([at[:, 1:], up], 1))
        columns = torch.minimum(torch.cat([side, at[:, :, :-1]], 2), torch.cat([at[:, :, 1:], side], 2))
        least = torch.minimum(torch.minimum(rows, columns), at).reshape(-1)
        least = torch.where(inside, torch.cat([least, none[:1]]), none)
        hooked = none.scatter_reduce(0, part, least, "amin").to(torch.int64)  # the exporter loses the type
        shorter = torch.minimum(torch.minimum(hooked, least), further)
        changed = bool((part != shorter).any())
        part = shorter
    return part
