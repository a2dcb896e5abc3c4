"""The hand-made labels of the clip, read as the instances of each head."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backend.pixel_edges import Ring, bounding_box
from backend.studio.regions.mask import fill
from backend.studio.regions.region import Size
from backend.types import Head, Instance, Keypoint, Mask

Described = Mapping[str, Any]
"""The content of a `labels.json`, or of one of its frames or objects."""


def labels_of(described: Described, head: Head) -> tuple[str, ...]:
    """The labels that a head tells apart."""
    names = {Head.POSE: "keypoints", Head.CLASSIFICATION: "frame_classes"}
    return tuple(described[names.get(head, "classes")])


def truth_of_frames(described: Described, head: Head) -> dict[int, tuple[Instance, ...]]:
    """{number of the frame: everything in it}, for the frames that somebody has looked at."""
    size = int(described["width"]), int(described["height"])
    if head is Head.CLASSIFICATION:
        return {
            number: (frame_class(label, size),)
            for label, first, last in described["classes_of_frames"]
            for number in range(first, last + 1)
        }
    return {
        entry["index"]: tuple(instance_of(item, head, size) for item in entry["objects"])
        for entry in described["frames"]
    }


def frame_class(label: str, size: Size) -> Instance:
    """A class of a whole frame of this size."""
    return Instance(label, (0.0, 0.0, float(size[0]), float(size[1])))


def instance_of(item: Described, head: Head, size: Size) -> Instance:
    """One object, with what the head learns: its mask, its points, or its box alone."""
    x0, y0, x1, y1 = map(float, item["box"])
    match head:
        case Head.SEGMENTATION:
            mask = mask_of(item["outline"], size)
            return Instance(item["label"], bounding_box(mask) or (x0, y0, x1, y1), mask=mask)
        case Head.POSE:
            points = tuple(Keypoint(name, float(x), float(y)) for name, (x, y) in item["keypoints"].items())
            return Instance("", (x0, y0, x1, y1), keypoints=points)
    return Instance(item["label"], (x0, y0, x1, y1))


def mask_of(outline: Sequence[Sequence[Sequence[float]]], size: Size) -> Mask:
    """The pixels inside any of the polygons, in an image of this size."""
    mask: Mask = np.zeros((size[1], size[0]), np.bool_)
    for polygon in outline:
        ring: Ring = np.asarray(polygon, np.float64)
        mask |= fill(ring, size)
    return mask
