"""Masks as data sets keep them: run lengths as COCO counts them, and polygons.

A pixel in column i and row j is the square from (i, j) to (i + 1, j + 1). Runs go down the columns, the first one
outside.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from backend.errors import DataSetError
from backend.pixel_edges import Ring, bounding_box, bridge_holes, parts
from backend.types import Mask


def runs_of(mask: Mask) -> list[int]:
    """Lengths of runs, outside and inside by turns, of a mask (height, width) column by column."""
    flat = mask.reshape(-1, order="F")
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    ends = np.concatenate([[0], edges, [flat.size]])
    runs: list[int] = np.diff(ends).tolist() if flat.size else []
    return [0, *runs] if flat.size and flat[0] else runs


def from_runs(runs: Sequence[int], height: int, width: int) -> Mask:
    """The mask of run lengths; raises DataSetError where they do not fill it."""
    lengths = np.asarray(runs, np.int64)
    if (lengths < 0).any() or lengths.sum() != height * width:
        raise DataSetError(
            f"A mask's runs are {int(lengths.sum())} pixels. Expected {height * width}, of an image of {width} x {height}."
        )
    inside = np.arange(len(lengths)) % 2 == 1
    return np.repeat(inside, lengths).reshape((height, width), order="F")


def from_coco(segmentation: Any, height: int, width: int) -> Mask:
    """The mask of a COCO annotation's `segmentation`: polygons, or run lengths as numbers or packed into a text.

    Raises DataSetError for what is none of these.
    """
    if isinstance(segmentation, list):
        rings = segmentation if segmentation and isinstance(segmentation[0], list) else [segmentation]
        return filled((np.asarray(ring, np.float64).reshape(-1, 2) for ring in rings), height, width)
    counts = segmentation.get("counts") if isinstance(segmentation, dict) else None
    if isinstance(counts, list):
        return from_runs(counts, height, width)
    if isinstance(counts, str):
        return from_runs(_unpacked(counts), height, width)
    raise DataSetError(f"A segmentation is {str(segmentation)[:80]!r}. Expected polygons, or size and counts.")


def outlines(mask: Mask) -> list[Ring]:
    """Polygons along the edges of a mask's pixels, one for each part; a hole is joined to its part by a slit."""
    box = bounding_box(mask)
    if box is None:
        return []
    x0, y0, x1, y1 = (int(side) for side in box)
    corner = (x0, y0)
    return [
        bridge_holes(part.outer / 2 + corner, [hole / 2 + corner for hole in part.holes])
        for part in parts(mask[y0:y1, x0:x1], every_node=False)
    ]


def filled(rings: Iterable[Ring], height: int, width: int) -> Mask:
    """The pixels (height, width) whose centres lie in any of the polygons, of each by the even-odd rule."""
    mask = np.zeros((height, width), np.bool_)
    for ring in rings:
        crossings = np.zeros((height, width + 1), np.int32)
        for (ax, ay), (bx, by) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            (x0, y0), (x1, y1) = ((ax, ay), (bx, by)) if ay < by else ((bx, by), (ax, ay))
            first, last = (int(np.clip(np.ceil(y - 0.5), 0, height)) for y in (y0, y1))
            if first < last:
                rows = np.arange(first, last)
                x = x0 + (rows + 0.5 - y0) / (y1 - y0) * (x1 - x0)
                np.add.at(crossings, (rows, np.clip(np.ceil(x - 0.5), 0, width).astype(np.int64)), 1)
        mask |= np.cumsum(crossings, axis=1)[:, :width] % 2 == 1
    return mask


def _unpacked(counts: str) -> list[int]:
    """Run lengths as pycocotools packs them into a text: five bits a character, from the fourth run on the difference from
    the run two before (`rleFrString` of cocoapi's maskApi.c)."""
    runs, value, shift = list[int](), 0, 0
    for character in counts.encode():
        bits = character - 48
        value |= (bits & 0x1F) << shift
        shift += 5
        if not bits & 0x20:
            value -= (1 << shift) if bits & 0x10 else 0
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value = shift = 0
    return runs
