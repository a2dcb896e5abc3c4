"""What a graph says of a picture, as the instances that our own micro-models give, and how far the two are apart."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from backend.types import Image, Instance, Keypoint

SAME_OBJECT = 4.0
"""Pixels up to which two boxes show one object; what differs by more is shown by one of the two alone."""


class Session:
    """A graph under onnxruntime, on one thread."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.about: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        self.inputs = [one.name for one in self._session.get_inputs()]
        self.outputs = [one.name for one in self._session.get_outputs()]

    def __call__(self, image: Image, boxes: Sequence[Instance] | None = None) -> list[Instance]:
        """What it says of (height, width, 3) uint8 RGB; of points in boxes, with these."""
        given: dict[str, Any] = {"image": image}
        if "boxes" in self.inputs:
            given["boxes"] = np.array([one.box for one in boxes or ()], np.float32).reshape(-1, 4)
        found = dict(zip(self.outputs, self._session.run(self.outputs, given), strict=True))
        return [self._instance(found, n, image, boxes) for n in range(len(found["scores"]))]

    def _instance(self, found: dict[str, Any], n: int, image: Image, boxes: Sequence[Instance] | None) -> Instance:
        names, score = json.loads(self.about["labels"]), float(found["scores"][n])
        label = names[found["labels"][n]] if "labels" in found else boxes[n].label if boxes else ""
        x, y = found["points"][n] if "points" in found else (0.0, 0.0)
        whole = np.array([x, y, x, y]) if "points" in found else np.array([0, 0, image.shape[1], image.shape[0]])
        box = found["boxes"][n] if "boxes" in found else boxes[n].box if boxes else whole
        points = (Keypoint(label, float(x), float(y), score),) if "points" in found else ()
        if "keypoints" in found:
            rows = zip(names, found["keypoints"][n], found["keypoint_scores"][n], strict=True)
            points = tuple(Keypoint(k, float(p[0]), float(p[1]), float(s)) for k, p, s in rows if s > 0)
        return Instance(
            label, tuple(map(float, box)), score, mask=found["masks"][n] if "masks" in found else None,
            keypoints=points, angle=float(found["angles"][n]) if "angles" in found else 0.0,
        )  # type: ignore[arg-type]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Difference:
    """Of two answers about one frame."""

    pixels: NDArray[np.float64]
    """Of each object that both show, the farthest that a corner or a point of it lies from the other's."""
    scores: NDArray[np.float64]
    overlaps: NDArray[np.float64]
    """Of masks, the intersection over union of the two."""
    only_here: int = 0
    only_there: int = 0
    """Objects, points and labels that one of them shows alone."""


def difference(here: Sequence[Instance], there: Sequence[Instance]) -> Difference:
    """Of what is shown here and there; objects are paired by label and place."""
    apart = np.array([[_apart(a, b) for b in there] for a in here]).reshape(len(here), len(there))
    pairs = [(i, j) for i, j in zip(*linear_sum_assignment(apart), strict=True) if apart[i, j] <= SAME_OBJECT]
    masks = [(here[i].mask, there[j].mask) for i, j in pairs]
    names = [({k.label for k in here[i].keypoints}, {k.label for k in there[j].keypoints}) for i, j in pairs]
    scores = [max(abs(here[i].score - there[j].score), *_points(here[i], there[j])[1], 0) for i, j in pairs]
    return Difference(
        np.array([apart[i, j] for i, j in pairs]),
        np.array(scores),
        np.array([(a & b).sum() / (a | b).sum() for a, b in masks if a is not None and b is not None]),
        len(here) - len(pairs) + sum(len(a - b) for a, b in names),
        len(there) - len(pairs) + sum(len(b - a) for a, b in names),
    )


def _apart(a: Instance, b: Instance) -> float:
    """Pixels: between points where both have some, else between corners; of masks, whose corners hang on single pixels, none
    where they overlap."""
    if a.label != b.label:
        return 1e6
    if a.mask is not None and b.mask is not None:
        return 0.0 if (a.mask & b.mask).any() else 1e6
    return max(_points(a, b)[0] or [float(np.abs(np.subtract(a.corners, b.corners)).max())])


def _points(a: Instance, b: Instance) -> tuple[list[float], list[float]]:
    """How far the points are apart that both show, and their scores."""
    own = {k.label: k for k in b.keypoints}
    both = [(k, own[k.label]) for k in a.keypoints if k.label in own]
    return [float(np.hypot(k.x - o.x, k.y - o.y)) for k, o in both], [abs(k.score - o.score) for k, o in both]
