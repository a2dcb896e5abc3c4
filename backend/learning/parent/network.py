"""The network that is pretrained: one backbone and pyramid under the heads of all micro-models."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.learning.backbone import Backbone
from backend.learning.heads.detection import DetectionHead
from backend.learning.heads.pose import PoseHead
from backend.learning.heads.segmentation import SegmentationHead
from backend.learning.parent.recipe import ParentRecipe
from backend.learning.pose.network import PoseNetwork
from backend.types import Head, State

HEAD = "head."
"""Of each head's own network; in the parent, detection's."""
PARTS = {Head.DETECTION: HEAD, Head.SEGMENTATION: "masks.", Head.POSE: "points."}
"""Beginnings of the names of the heads' tensors in the parent. Pose locates objects with detection's."""
LATERALS = "pyramid.laterals."


class ParentNetwork(PoseNetwork):
    """A pose network, whose locator is detection's head, with segmentation's besides; each with one row."""

    def __init__(self, backbone: Backbone, recipe: ParentRecipe) -> None:
        boxes = DetectionHead(1, recipe.width, (40.0, 40.0), floor=0.03, most=100, overlap=0.55)
        super().__init__(backbone, recipe.width, boxes, PoseHead(1, recipe.width))
        self.masks = SegmentationHead(1, recipe.width, recipe.detail)


def build(recipe: ParentRecipe) -> ParentNetwork:
    """With the backbone's weights, and all else fresh."""
    backbone = Backbone(recipe.backbone)
    backbone.freeze(recipe.frozen)
    return ParentNetwork(backbone, recipe)


def state_for(head: Head, arrays: Mapping[str, NDArray[Any]]) -> State:
    """What a head's own network takes over, by its names: of the parent's arrays. Empty where the parent lacks the head."""
    own = PARTS.get(head)
    if own is None or not any(name.startswith(own) for name in arrays):
        return {}
    others = tuple(part for part in PARTS.values() if part != own and not (head is Head.POSE and part == HEAD))
    kept = {name: array for name, array in arrays.items() if not name.startswith(others)}
    if head is Head.POSE:
        return kept
    return {name.replace(own, HEAD, 1): _unmarked(name, array) for name, array in kept.items()}


def _unmarked(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """Without the channel that marks the middle of a pose's crop."""
    return np.ascontiguousarray(array[:, :-1]) if name.startswith(LATERALS) and name.endswith("weight") else array
