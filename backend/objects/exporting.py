"""Exporting: a micro-model as ONNX, which runs without torch and without this package."""

import json
from pathlib import Path

from backend.objects.micro_model import MicroModel

WORDS = {
    "image": "`image`, one picture of any size as (height, width, 3) uint8 RGB",
    "boxes": "`boxes` (n, 4), x0, y0, x1, y1 in pixels",
    "angles": "`angles` (n,), degrees by which the boxes are turned clockwise about their middles",
    "masks": "`masks` (n, height, width) bool",
    "points": "`points` (n, 2), x, y in pixels",
    "keypoints": "`keypoints` (n, k, 2), x, y in pixels of the k points in the order of `labels`",
    "keypoint_scores": "`keypoint_scores` (n, k), 0 of a point that is not to be shown",
    "scores": "`scores` (n,) in [0, 1]",
    "labels": "`labels` (n,), numbers into the JSON list `labels` of the file's metadata",
}
"""What goes in and comes out."""


def export(model: MicroModel, path: str | Path) -> str:
    """Write one file that takes a picture and gives what the model says of it as a frame by itself; what goes in and comes out,
    in words. `card` in the file's metadata says where the model comes from, `left_out`, a JSON list, what it does not do.

    Raises TrainingError where the package onnx is missing, WeightsUnusable where the weights make no micro-model.
    """
    from backend.learning.detection.refinement import refinement_state
    from backend.learning.exporting.onnx_file import export as write

    about = {
        "labels": json.dumps(model.labels),
        "head": str(model.head),
        "card": json.dumps(dict(model.card.as_json())),
    }
    if refinement_state(model.weights):
        about["left_out"] = json.dumps(["refinement of boxes"])
    taken, given = write(model.weights, Path(path), about | {"digest": model.digest})
    return f"takes {' and '.join(map(WORDS.__getitem__, taken))}. It gives {'; '.join(map(WORDS.__getitem__, given))}."
