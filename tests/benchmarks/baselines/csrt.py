"""The CSRT tracker (Lukezic et al. 2017) from the nearest labelled frame, both ways in time.

It is in opencv-contrib alone, which installs itself over the files of opencv-python-headless: both in one environment break
each other as soon as one is removed or updated. So it lies in a folder of its own, and only this measurement sees it:

    pip install --no-deps --target CONTRIB opencv-contrib-python-headless==VERSION_OF_OPENCV_HERE
    PYTHONPATH=CONTRIB:. python -m tests.benchmarks.compare ...
"""

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np

from backend.types import Box, Frame, Head, Instance, LabeledFrame, Prediction
from tests.benchmarks.baselines.baseline import Baseline, Given
from tests.benchmarks.baselines.propagation import propagated


def predict(given: Given) -> list[Prediction]:
    """See Baseline."""
    return propagated(given, _carry)


def _carry(labeled: LabeledFrame, frames: Iterator[Frame]) -> Iterator[tuple[Instance, ...]]:
    new_tracker = cv2.TrackerCSRT.create  # type: ignore[attr-defined]
    trackers = [new_tracker() for _ in labeled.instances]
    for tracker, instance in zip(trackers, labeled.instances, strict=True):
        tracker.init(np.ascontiguousarray(labeled.frame.image[..., ::-1]), _whole(instance.box, labeled.frame))
    for frame in frames:
        image, shown = np.ascontiguousarray(frame.image[..., ::-1]), list[Instance]()
        for tracker, instance in zip(trackers, labeled.instances, strict=True):
            found, (x, y, width, height) = tracker.update(image)
            if found:
                shown.append(replace(instance, box=(x, y, x + width, y + height), region_id=None))
        yield tuple(shown)


def _whole(box: Box, frame: Frame) -> tuple[int, int, int, int]:
    """x, y, width, height inside of the frame; at least two pixels wide and high."""
    x0, y0 = min(max(round(box[0]), 0), frame.width - 2), min(max(round(box[1]), 0), frame.height - 2)
    x1, y1 = min(round(box[2]), frame.width), min(round(box[3]), frame.height)
    return x0, y0, max(x1 - x0, 2), max(y1 - y0, 2)


BASELINE = Baseline("CSRT", frozenset({Head.DETECTION}), predict, installed=lambda: hasattr(cv2, "TrackerCSRT"))
