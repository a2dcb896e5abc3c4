"""A clip with several objects of a label, each with a point in its middle."""

from collections.abc import Sequence
from dataclasses import replace

from backend.types import Instance, Keypoint, LabeledFrame
from tests.learning.synthetic import clip


def scattered(count: int) -> Sequence[LabeledFrame]:
    frames = clip(count, discs=2, squares=2).frames
    return [replace(one, instances=tuple(map(pointed, one.instances))) for one in frames]


def pointed(one: Instance) -> Instance:
    x, y = (one.box[0] + one.box[2]) / 2, (one.box[1] + one.box[3]) / 2
    return Instance(one.label, (x, y, x + 1, y + 1), keypoints=(Keypoint(one.label, x, y),))
