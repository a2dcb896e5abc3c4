"""Exporting: a micro-model as ONNX, which runs without torch and without this package."""

import json
from pathlib import Path

from backend.objects.micro_model import MicroModel


def export(model: MicroModel, path: str | Path) -> None:
    """Write one file that takes `image`, (height, width, 3) uint8 RGB of any size, and gives what the model says of it.

    Of detection: `boxes` (n, 4) in pixels, `scores` (n,), and `labels` (n,), numbers into the JSON list `labels` of the
    file's metadata, whose `card` says where the model comes from, and `left_out`, a JSON list, what it does not do here.
    Raises TrainingError where its head cannot be exported.
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
    write(model.weights, Path(path), about | {"digest": model.digest})
