"""ONNX: a micro-model's graph as a file that runs anywhere."""

import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from backend.errors import TrainingError
from backend.learning.exporting.graphs import graph_of
from backend.types import Weights

ONNX_OPSET = 18
"""Of ONNX: what runtimes of 2023 know."""
TRACED_SHAPE = 96, 128, 3
"""Shape of the picture that the graph is traced with; it takes any."""
TRACED_BOXES = (16.0, 16.0, 80.0, 80.0), (40.0, 20.0, 110.0, 70.0)
"""Of its objects, where points are looked for in boxes."""


def export(weights: Weights, path: Path, metadata: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Write the graph, with these strings in the file. Its input `image` is (height, width, 3) uint8 RGB of any size; of points
    in boxes `boxes` is another one, (n, 4) float32 pixels. Returns the names of the inputs and of the outputs.

    Raises TrainingError where the package onnx is missing, WeightsUnusable where the weights make no micro-model.
    """
    try:
        import onnx
    except ImportError:
        raise TrainingError("onnx is not installed. Run `pip install 'micro-models[onnx]'`.") from None
    graph = graph_of(weights)
    axes = {"image": {0: "height", 1: "width"}} | {name: dict(own) for name, own in graph.outputs.items()}
    names, outputs = ["image"], list(graph.outputs)
    sample: tuple[Tensor, ...] = (torch.zeros(TRACED_SHAPE, dtype=torch.uint8),)
    if graph.boxed:
        names.append("boxes")
        axes["boxes"], sample = {0: "objects"}, (*sample, torch.tensor(TRACED_BOXES))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer, about sizes that it takes for constants; tests run other sizes
        torch.onnx.export(
            graph.build(weights).eval(), sample, str(path), input_names=names, output_names=outputs,
            dynamic_axes=axes, opset_version=ONNX_OPSET, dynamo=False,
        )  # fmt: skip
    model = onnx.load(path)
    _share_constants(model.graph)
    onnx.helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return names, outputs


def _share_constants(graph: Any) -> None:
    """Keep equal numbers once: the tracer writes a network's weights down at each of its calls."""
    names, renamed, kept = dict[bytes, str](), dict[str, str](), []
    for node in graph.node:
        if node.op_type != "Constant":
            kept.append(node)
            continue
        [name], content = node.output, b"".join(one.SerializeToString() for one in node.attribute)
        renamed[name] = names.setdefault(content, name)
        if renamed[name] == name:
            kept.append(node)
    outputs = {one.name for one in graph.output}
    if outputs & {name for name, other in renamed.items() if name != other}:
        return  # an output keeps its name
    _rename_inputs(kept, renamed)
    del graph.node[:]
    graph.node.extend(kept)


def _rename_inputs(nodes: Iterable[Any], names: Mapping[str, str]) -> None:
    """In nodes and in the bodies of their loops."""
    for node in nodes:
        node.input[:] = [names.get(name, name) for name in node.input]
        for attribute in node.attribute:
            _rename_inputs(attribute.g.node, names)
