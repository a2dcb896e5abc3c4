"""ONNX: a micro-model's graph as a file that runs anywhere."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from backend.errors import TrainingError
from backend.learning.exporting.boxes import PictureToBoxes
from backend.types import Head, Weights

ONNX_OPSET = 18
"""Of ONNX: what runtimes of 2023 know."""
TRACED_SHAPE = 96, 128, 3
"""Shape of the picture that the graph is traced with; it takes any."""


@dataclass(frozen=True, slots=True)
class ExportedGraph:
    """How one head is exported."""

    build: Callable[[Weights], nn.Module]
    outputs: Mapping[str, int | None]
    """{name: the axis with one row an object, or None}."""


EXPORTED_GRAPHS = {Head.DETECTION: ExportedGraph(PictureToBoxes, {"boxes": 0, "scores": 0, "labels": 0})}


def export(weights: Weights, path: Path, metadata: Mapping[str, str]) -> None:
    """Write the graph with one input `image`, (height, width, 3) uint8 RGB of any size, and these strings in the file.

    Raises TrainingError where the head cannot be exported, or the package onnx is missing.
    """
    try:
        import onnx
    except ImportError:
        raise TrainingError("onnx is not installed. Run `pip install 'micro-models[onnx]'`.") from None
    head = weights.metadata.get("head")
    if head not in EXPORTED_GRAPHS:
        raise TrainingError(
            f"Found a micro-model of {head}. Those of {', '.join(EXPORTED_GRAPHS)} can be exported as ONNX."
        )
    graph = EXPORTED_GRAPHS[Head(head)]
    axes = {"image": {0: "height", 1: "width"}}
    axes |= {name: {axis: "objects"} for name, axis in graph.outputs.items() if axis is not None}
    sample: Tensor = torch.zeros(TRACED_SHAPE, dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer, about sizes that it takes for constants; tests run other sizes
        torch.onnx.export(
            graph.build(weights).eval(), (sample,), str(path), input_names=["image"],
            output_names=list(graph.outputs), dynamic_axes=axes, opset_version=ONNX_OPSET, dynamo=False,
        )  # fmt: skip
    model = onnx.load(path)
    onnx.helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model)
    onnx.save(model, path)
