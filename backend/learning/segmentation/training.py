"""Overfitting a segmentation micro-model to the labelled frames of one group."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from backend.learning.fitting.initialization import start_of
from backend.learning.fitting.loop import init_network, overfit
from backend.learning.fitting.session import session
from backend.learning.fitting.trained import Trained
from backend.learning.fitting.training_input import TrainingInput
from backend.learning.geometry.levels import find_levels
from backend.learning.geometry.scaling import to_tensor
from backend.learning.segmentation.augmentation import MaskSample, Viewing, views
from backend.learning.segmentation.config import SegmentationConfig, plan
from backend.learning.segmentation.head import SegmentationNetwork
from backend.learning.segmentation.initialization import warm
from backend.learning.segmentation.micro_model import scaled_masks
from backend.learning.segmentation.recipe import SegmentationRecipe
from backend.types import LabeledFrame, Weights


def train(given: TrainingInput, recipe: SegmentationRecipe) -> Trained:
    """Train on the labelled frames; the unlabelled ones tell the levels."""
    with session(given) as under_way:
        planned = plan(given.labeled, given.labels, recipe)
        if recipe.levels:
            planned = replace(planned, levels=find_levels(given.sample()))
        config, arrays = warm(planned, given.start)
        pictures = [picture(one, config, under_way.device) for one in given.labeled]
        network = init_network(config, [one.image for one in pictures], arrays, under_way.device)
        task = SegmentationTask(network, recipe, under_way.rng, pictures)
        metrics = overfit(task, recipe, under_way, start=start_of(given.start, arrays))
        return under_way.trained(Weights(network.own_state(), config.to_metadata()), metrics)


@dataclass(frozen=True, slots=True, eq=False)
class SegmentationTask:
    """Views, many of them around labelled pixels."""

    network: SegmentationNetwork
    recipe: SegmentationRecipe
    rng: np.random.Generator
    pictures: Sequence[MaskSample]

    def loss(self, step: int, steps: int, average: SegmentationNetwork) -> Tensor:
        """Of one step's views."""
        how = Viewing(self.recipe.batch, self.recipe.crop, self.recipe.object_share)
        batch = views(self.pictures, how, self.rng)
        return self.network.head.loss(self.network(batch.images), batch.masks, batch.sure)


def picture(labeled: LabeledFrame, config: SegmentationConfig, device: torch.device) -> MaskSample:
    """The frame scaled, with the masks of known labels."""
    pixels, _ = to_tensor(labeled.frame, config.scale)
    covered = scaled_masks(labeled, config.labels, (pixels.shape[1], pixels.shape[2]))
    drawn = (covered * 255).round().to(torch.uint8)
    return MaskSample(pixels.to(device), drawn.to(device), weight=labeled.weight)
