"""Template matching: where a frame looks most like the labelled things, by normalised cross correlation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from skimage.feature import peak_local_max
from torchvision.ops import batched_nms

from backend.learning import methods
from backend.types import Frame, Head, Instance, LabeledFrame, Prediction
from tests.benchmarks.baselines.baseline import Baseline, Given
from tests.benchmarks.baselines.moving import hung, moved

SIDE = 320
"""Longest side of the frames that are searched, pixels."""
MOST_TEMPLATES = 5
"""Of each label, spread evenly over what was drawn with it."""
MOST_PEAKS = 60
"""Of one template in one frame."""
LIMITS = np.arange(0.3, 0.96, 0.05)
"""Correlations from which a match may be shown; the labelled frames, matched with each other's templates, say which."""
MAX_OVERLAP = 0.3
"""IoU of two matches of which the worse one goes."""


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """One labelled thing."""

    task: int
    """Of the frame that it was drawn in."""
    instance: Instance
    at: tuple[int, int]
    """x and y of the left-top pixel of the scaled frame."""
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """A place that looks like a template."""

    instance: Instance
    """As it was drawn, with the correlation as its score."""
    x: float
    """Pixels that it is to the right of where it was drawn."""
    y: float

    @property
    def box(self) -> NDArray[np.float64]:
        """Where it is."""
        return np.array(self.instance.box) + np.array([self.x, self.y, self.x, self.y])


def predict(given: Given) -> list[Prediction]:
    """See Baseline."""
    names = sorted({instance.label for one in given.labeled for instance in one.instances})
    templates = [one for name in names for one in _templates(given.labeled, name)]
    known = [_matches(one.frame, [t for t in templates if t.task != one.frame.task]) for one in given.labeled]

    def right(limit: float) -> float:
        found = [_shown(one.frame, own, limit) for one, own in zip(given.labeled, known, strict=True)]
        return methods.evaluate(given.head, found, given.labeled).score or 0.0

    limit = max(LIMITS.tolist(), key=right)
    return hung(given, [_shown(frame, _matches(frame, templates), limit) for frame in given.frames])


def _templates(labeled: Sequence[LabeledFrame], name: str) -> list[Template]:
    found = list[Template]()
    for one in labeled:
        grey, scale = _grey(one.frame)
        for instance in (i for i in one.instances if i.label == name):
            x0, y0, x1, y1 = (max(round(edge * scale), 0) for edge in instance.box)
            pixels = grey[y0:y1, x0:x1]
            if min(pixels.shape[:2]) >= 2:
                found.append(Template(one.frame.task, instance, (x0, y0), pixels))
    places = np.linspace(0, len(found) - 1, min(MOST_TEMPLATES, len(found))).round()
    return [found[int(place)] for place in places]


def _grey(frame: Frame) -> tuple[NDArray[np.uint8], float]:
    """Scaled, and its pixels per pixel of the frame."""
    scale = min(SIDE / max(frame.width, frame.height), 1.0)
    size = max(round(frame.width * scale), 1), max(round(frame.height * scale), 1)
    grey = cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def _matches(frame: Frame, templates: Sequence[Template]) -> list[Match]:
    """Of those that overlap only the best one."""
    found, (grey, scale) = list[Match](), _grey(frame)
    for template in templates:
        if any(a < b for a, b in zip(grey.shape, template.pixels.shape, strict=True)):
            continue
        alike = np.nan_to_num(cv2.matchTemplate(grey, template.pixels, cv2.TM_CCOEFF_NORMED), posinf=0.0)
        apart = max(min(template.pixels.shape[:2]) // 2, 1)
        peaks = peak_local_max(
            alike, min_distance=apart, threshold_abs=LIMITS[0], exclude_border=False, num_peaks=MOST_PEAKS
        )
        for y, x in peaks.tolist():
            instance = replace(template.instance, score=min(float(alike[y, x]), 1.0))
            found.append(Match(instance, (x - template.at[0]) / scale, (y - template.at[1]) / scale))
    return _without_overlaps(found)


def _without_overlaps(matches: Sequence[Match]) -> list[Match]:
    if not matches:
        return []
    names = sorted({one.instance.label for one in matches})
    boxes = torch.from_numpy(np.array([one.box for one in matches]))
    scores = torch.tensor([one.instance.score for one in matches], dtype=boxes.dtype)
    labels = torch.tensor([names.index(one.instance.label) for one in matches])
    return [matches[i] for i in batched_nms(boxes, scores, labels, MAX_OVERLAP).tolist()]


def _shown(frame: Frame, matches: Sequence[Match], limit: float) -> Prediction:
    """Those that are alike enough; the frame's score is that of the worst of them."""
    kept = [one for one in matches if one.instance.score >= limit]
    instances = tuple(moved(one.instance, one.x, one.y) for one in kept)
    return Prediction(frame.task, instances, min((one.score for one in instances), default=0.0))


BASELINE = Baseline("template matching", frozenset({Head.DETECTION, Head.SEGMENTATION, Head.POSE}), predict)
