"""Config of a segmentation micro-model: what is needed besides the weights to build it again."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from backend.learning.geometry.levels import FULL_RANGE, Levels
from backend.learning.geometry.scaling import Scale, to_usual, usual_area
from backend.learning.network.backbone import Backbone
from backend.learning.network.config import fields_of, to_metadata
from backend.learning.network.pyramid import Pyramid
from backend.learning.segmentation.head import SegmentationHead, SegmentationNetwork
from backend.learning.segmentation.masks import Sizes, masks_of, sizes_of
from backend.learning.segmentation.recipe import SegmentationRecipe
from backend.types import Head, LabeledFrame, Mask

ARTIFACT_FORMAT = "1"
"""Rises when older artifacts can't be read any more."""


@dataclass(frozen=True, slots=True)
class SegmentationConfig:
    """The shape of one micro-model and the rules of its answers."""

    labels: tuple[str, ...]
    backbone: str
    frozen: tuple[str, ...]
    width: int
    """Channels of the pyramid."""
    detail: int
    """Channels at stride 2."""
    factor: float
    """Scaled pixels per original pixel, in a frame of the usual size."""
    pixels: int
    """Most pixels of a scaled frame."""
    sizes: tuple[Sizes, ...]
    """Of each label's masks."""
    area: float = 0.0
    """Pixels of a frame of the usual size; see `Scale`."""
    levels: Levels = FULL_RANGE
    """What becomes black and white of a frame; see `Scale`."""
    counts: tuple[tuple[int, ...], ...] = ()
    """For each label whether each labelled frame has it, 1 or 0; of older artifacts nothing."""
    linking: bool = True
    presence_prior: bool = True
    distractor_suppression: bool = True
    own_outlines: bool = True
    """These four as in the recipe."""

    @property
    def scale(self) -> Scale:
        """How frames are scaled."""
        return Scale(self.factor, self.pixels, self.area, self.levels)

    def build(self) -> SegmentationNetwork:
        """The network with the backbone's weights, and the rest fresh."""
        backbone = Backbone(self.backbone)
        backbone.freeze(self.frozen)
        head = SegmentationHead(len(self.labels), self.width, self.detail)
        return SegmentationNetwork(backbone, Pyramid(backbone.channels, self.width), head)

    def to_metadata(self) -> dict[str, str]:
        """As strings, for the artifact."""
        return to_metadata(Head.SEGMENTATION, ARTIFACT_FORMAT, self)

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> "SegmentationConfig":
        """Raises TrainingError where the artifact is of another head or format."""
        fields = fields_of(metadata, Head.SEGMENTATION, ARTIFACT_FORMAT)
        return cls(sizes=tuple(Sizes(**one) for one in fields.pop("sizes")), **fields)


def plan(labeled: Sequence[LabeledFrame], labels: tuple[str, ...], recipe: SegmentationRecipe) -> SegmentationConfig:
    """The shape of the network and the rules of its answers, as the labels suggest them."""
    scale = _scale(labeled, labels, recipe)
    drawn = [{instance.label for instance in one.instances} for one in labeled]
    return SegmentationConfig(
        labels=labels,
        backbone=recipe.backbone,
        frozen=recipe.frozen,
        width=recipe.width,
        detail=recipe.detail,
        factor=scale.factor,
        pixels=scale.pixels,
        area=scale.area,
        counts=tuple(tuple(int(label in one) for one in drawn) for label in labels),
        linking=recipe.linking,
        presence_prior=recipe.presence_prior,
        distractor_suppression=recipe.distractor_suppression,
        own_outlines=recipe.own_outlines,
        sizes=tuple(sizes_of(labeled, label) for label in labels),
    )


def _scale(labeled: Sequence[LabeledFrame], labels: tuple[str, ...], recipe: SegmentationRecipe) -> Scale:
    """Frames come to about `frame_pixels`, to more where what they hold would be too thin."""
    pixels = usual_area(labeled)
    factor = min(math.sqrt(recipe.frame_pixels / pixels), recipe.largest_scale)
    thick = [
        t * to_usual(pixels, one.frame.width, one.frame.height)
        for one in labeled
        for mask in masks_of(one, labels)
        if (t := _thickness(mask)) > 0
    ]
    if thick:
        wanted = min(recipe.thickness / float(np.percentile(thick, 20)), recipe.largest_scale)
        factor = min(max(factor, wanted), max(factor, math.sqrt(recipe.most_pixels / pixels)))
    return Scale(factor, max(round(pixels * factor**2 * 1.02), recipe.frame_pixels), pixels)


def _thickness(mask: Mask) -> float:
    """Of a typical structure, pixels; 0 of an empty mask."""
    if not mask.any():
        return 0.0
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))
    # Of a bar of thickness t the mean depth is about t / 4, of a disc less.
    return 4 * float(depth[depth > 0].mean())
