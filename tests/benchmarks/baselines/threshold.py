"""Otsu's threshold and connected components; bright or dark, and how large, is what the labelled frames say."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.filters import threshold_otsu
from skimage.measure import label, regionprops

from backend.learning import methods
from backend.types import Frame, Head, Instance, Prediction
from tests.benchmarks.baselines.baseline import Baseline, Given

SMALLEST, LARGEST = 0.5, 2.0
"""Area that a component may have, in areas of the smallest and of the largest labelled thing."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Areas in pixels of what was drawn with one label: of its boxes, or of the connected parts of its masks."""

    label: str
    smallest: float
    typical: float
    largest: float


def predict(given: Given) -> list[Prediction]:
    """See Baseline."""
    sizes = list(_sizes(given))

    def shown(frames: Sequence[Frame], bright: bool) -> list[Prediction]:
        return [Prediction(f.task, _instances(f, given.head, sizes, bright), 1.0) for f in frames]

    labeled = [one.frame for one in given.labeled]
    right = {b: methods.evaluate(given.head, shown(labeled, b), given.labeled).score or 0.0 for b in (True, False)}
    return shown(given.frames, right[True] >= right[False])


def _sizes(given: Given) -> Iterator[Sizes]:
    for name in given.labels:
        own = [instance for one in given.labeled for instance in one.instances if instance.label == name]
        areas = [area for instance in own for area in _areas(instance)]
        if areas:
            yield Sizes(name, SMALLEST * min(areas), float(np.median(areas)), LARGEST * max(areas))


def _areas(instance: Instance) -> list[float]:
    if instance.mask is not None:
        return [float(part.area) for part in regionprops(label(instance.mask))]
    x0, y0, x1, y1 = instance.box
    return [(x1 - x0) * (y1 - y0)]


def _instances(frame: Frame, head: Head, sizes: Sequence[Sizes], bright: bool) -> tuple[Instance, ...]:
    grey = np.asarray(cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY), np.uint8)
    limit = threshold_otsu(grey)
    parts = label(grey > limit if bright else grey <= limit)
    masks, boxes = dict[str, NDArray[np.bool_]](), list[Instance]()
    for part in regionprops(parts):
        y0, x0, y1, x1 = part.bbox
        area = part.area if head is Head.SEGMENTATION else part.area_bbox
        fitting = [one for one in sizes if one.smallest <= area <= one.largest]
        if fitting:
            name = min(fitting, key=lambda one: abs(np.log(area / one.typical))).label
            boxes.append(Instance(name, (float(x0), float(y0), float(x1), float(y1))))
            masks.setdefault(name, np.zeros(grey.shape, bool))[part.slice] |= part.image
    if head is Head.DETECTION:
        return tuple(boxes)
    whole = (0.0, 0.0, float(frame.width), float(frame.height))
    return tuple(Instance(name, whole, mask=mask) for name, mask in masks.items())


BASELINE = Baseline("Otsu + components", frozenset({Head.DETECTION, Head.SEGMENTATION}), predict)
