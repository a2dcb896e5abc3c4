"""What was drawn in the nearest labelled frame, carried along dense optical flow (DIS, Kroeger et al. 2016), frame by frame."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.types import Box, Frame, Head, Instance, LabeledFrame, Prediction
from tests.benchmarks.baselines.baseline import Baseline, Given
from tests.benchmarks.baselines.moving import hung
from tests.benchmarks.baselines.propagation import propagated

SIDE = 320
"""Longest side of the frames that flow is found in, pixels: a quarter of the pixels take a quarter of the time."""
GRID = 12
"""Rows and columns of places in a box by which it is moved and scaled."""
Flow = NDArray[np.float32]
"""(height, width, 2) pixels to the right and down."""


def predict(given: Given) -> list[Prediction]:
    """See Baseline."""
    return hung(given, propagated(given, _carry))


def _carry(labeled: LabeledFrame, frames: Iterator[Frame]) -> Iterator[tuple[Instance, ...]]:
    finder: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    instances, before = labeled.instances, _grey(labeled.frame)
    for frame in frames:
        now = _grey(frame)
        there, back = _flow(finder, before, now, frame), _flow(finder, now, before, frame)
        instances = tuple(_carried(one, there, back) for one in instances)
        before = now
        yield tuple(one for one in instances if one.mask is None or one.mask.any())


def _flow(finder: Any, here: NDArray[np.uint8], there: NDArray[np.uint8], frame: Frame) -> Flow:
    """Of a frame's pixels."""
    scale = np.array([frame.width / here.shape[1], frame.height / here.shape[0]], np.float32)
    return np.asarray(cv2.resize(finder.calc(here, there, None), (frame.width, frame.height)) * scale, np.float32)


def _carried(instance: Instance, there: Flow, back: Flow) -> Instance:
    mask = instance.mask
    if mask is not None:
        y, x = np.indices(mask.shape, np.float32)
        moved = cv2.remap(mask.astype(np.uint8), x + back[..., 0], y + back[..., 1], cv2.INTER_NEAREST)
        mask = np.asarray(moved > 0)
    points = []
    for point in instance.keypoints:
        x, y = _at(there, np.array([[point.x, point.y]]))[0].tolist()
        points.append(replace(point, x=point.x + x, y=point.y + y, region_id=None))
    box = _box(instance.box, there)
    return replace(instance, box=box, mask=mask, keypoints=tuple(points), region_id=None)


def _box(box: Box, flow: Flow) -> Box:
    """Moved and scaled as most places in it are (RANSAC)."""
    x0, y0, x1, y1 = box
    x, y = np.meshgrid(np.linspace(x0, x1, GRID + 2)[1:-1], np.linspace(y0, y1, GRID + 2)[1:-1])
    places = np.stack([x.ravel(), y.ravel()], 1)
    turn, _ = cv2.estimateAffinePartial2D(places, places + _at(flow, places))
    if turn is None:
        return box
    scale = float(np.hypot(turn[0, 0], turn[1, 0]))
    centre = turn @ ((x0 + x1) / 2, (y0 + y1) / 2, 1.0)
    half = scale * (x1 - x0) / 2, scale * (y1 - y0) / 2
    return (
        float(centre[0] - half[0]),
        float(centre[1] - half[1]),
        float(centre[0] + half[0]),
        float(centre[1] + half[1]),
    )


def _at(flow: Flow, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 2) flow at places (n, 2), x and y; outside of the frame that of its edge."""
    columns, rows = places.round().astype(int).T
    return np.asarray(flow[rows.clip(0, flow.shape[0] - 1), columns.clip(0, flow.shape[1] - 1)], np.float64)


def _grey(frame: Frame) -> NDArray[np.uint8]:
    scale = min(SIDE / max(frame.width, frame.height), 1.0)
    size = max(round(frame.width * scale), 16), max(round(frame.height * scale), 16)
    grey = cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


BASELINE = Baseline("optical flow", frozenset({Head.DETECTION, Head.SEGMENTATION, Head.POSE}), predict)
