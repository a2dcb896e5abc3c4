"""The graphs there are: what each method's micro-models become, and what goes in and comes out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import nn

from backend.errors import WeightsUnusable
from backend.learning import methods
from backend.learning.classification.method import METHOD as RIDGE
from backend.learning.detection.config import DetectionConfig
from backend.learning.detection.method import METHOD as DETECTION
from backend.learning.exporting.boxes import PictureToBoxes
from backend.learning.exporting.classes import PictureToClasses
from backend.learning.exporting.keypoints import BoxesToKeypoints, PictureToKeypoints
from backend.learning.exporting.masks import PictureToMasks
from backend.learning.exporting.points import PictureToPoints
from backend.learning.points.method import METHOD as POINTS
from backend.learning.pose.config import PoseConfig
from backend.learning.pose.method import METHOD as POSE
from backend.learning.segmentation.method import METHOD as SEGMENTATION
from backend.types import Weights

Axes = Mapping[int, str]
"""{axis: name of its length, which a picture decides}."""
OBJECTS: Axes = {0: "objects"}


@dataclass(frozen=True, slots=True)
class Graph:
    """How the micro-models of one method are exported."""

    build: Callable[[Weights], nn.Module]
    outputs: Mapping[str, Axes]
    boxed: bool = False
    """Whether the boxes of the objects are a second input."""


KEYPOINTS = {"keypoints": OBJECTS, "keypoint_scores": OBJECTS}
LABELLED = {"scores": OBJECTS, "labels": OBJECTS}
UPRIGHT = Graph(PictureToBoxes, {"boxes": OBJECTS, **LABELLED})
TURNED = Graph(PictureToBoxes, {**UPRIGHT.outputs, "angles": OBJECTS})
COUNTED = Graph(PictureToPoints, {"points": OBJECTS, **LABELLED})
MASKS = Graph(PictureToMasks, {"masks": {0: "objects", 1: "height", 2: "width"}, "boxes": OBJECTS, **LABELLED})
ALONE = Graph(PictureToKeypoints, {**KEYPOINTS, "boxes": OBJECTS, "scores": OBJECTS})
IN_BOXES = Graph(BoxesToKeypoints, {**KEYPOINTS, "scores": OBJECTS}, boxed=True)
CLASSES = Graph(PictureToClasses, LABELLED)


def graph_of(weights: Weights) -> Graph:
    """The graph that a micro-model becomes; raises WeightsUnusable where no method here made it, or its method has none."""
    method = methods.method_of(weights)
    if method is DETECTION:
        return TURNED if DetectionConfig.from_metadata(weights.metadata).turned else UPRIGHT
    if method is POSE:
        return IN_BOXES if PoseConfig.from_metadata(weights.metadata).parented else ALONE
    graph = {POINTS.name: COUNTED, SEGMENTATION.name: MASKS, RIDGE.name: CLASSES}.get(method.name)
    if graph is None:
        raise WeightsUnusable(
            f"Found weights of the method {method.name}, which has no ONNX graph; --format safetensors writes them."
        )
    return graph
