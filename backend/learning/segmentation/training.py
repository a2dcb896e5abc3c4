"""Overfitting a segmentation micro-model to the labelled frames of one group."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from backend.cancel import CancelToken
from backend.learning.fitting.initialization import kind_of
from backend.learning.fitting.loop import begun, overfit_twice
from backend.learning.fitting.session import session
from backend.learning.fitting.trained import Trained
from backend.learning.fitting.training_input import TrainingInput
from backend.learning.fitting.unlabeled import choose, weight_of
from backend.learning.geometry.scaling import to_tensor
from backend.learning.segmentation.augmentation import Picture, Viewing, views
from backend.learning.segmentation.config import SegmentationBlueprint, plan
from backend.learning.segmentation.head import SegmentationNetwork
from backend.learning.segmentation.initialization import warm
from backend.learning.segmentation.micro_model import SegmentationModel, scaled_masks
from backend.learning.segmentation.recipe import SegmentationRecipe
from backend.types import Frame, LabeledFrame, Weights

SURE = 2.0
"""Log odds, either way, from which a pixel of an unlabelled frame is learned from."""


def train(given: TrainingInput, recipe: SegmentationRecipe) -> Trained:
    """Train on the labelled frames, and on unlabelled ones where that is safe."""
    start, labeled, unlabeled = given.start, given.labeled, given.unlabeled
    with session(given) as under_way:
        blueprint, arrays = warm(plan(labeled, given.labels, recipe), start)
        pictures = [picture(one, blueprint, under_way.device) for one in labeled]
        network = begun(blueprint, [one.image for one in pictures], arrays, under_way.device)
        course = SegmentationCourse(network, blueprint, recipe, under_way.rng, labeled, unlabeled, pictures)
        metrics = overfit_twice(course, recipe, under_way, start=kind_of(start, arrays), wide=len(unlabeled) > 0)
        return under_way.trained(Weights(network.own_state(), blueprint.to_metadata()), metrics)


@dataclass(slots=True, eq=False)
class SegmentationCourse:
    """Views, many of them around labelled pixels."""

    network: SegmentationNetwork
    blueprint: SegmentationBlueprint
    recipe: SegmentationRecipe
    rng: np.random.Generator
    labeled: Sequence[LabeledFrame]
    unlabeled: Sequence[Frame]
    pictures: Sequence[Picture]

    def loss(self, step: int, steps: int, average: SegmentationNetwork) -> Tensor:
        """Of one step's views."""
        how = Viewing(self.recipe.batch, self.recipe.crop, self.recipe.object_share)
        batch = views(self.pictures, how, self.rng)
        return self.network.head.loss(self.network(batch.images), batch.masks, batch.sure)

    def widen(self, cancel: CancelToken) -> None:
        """Take in what the network and time agree on in unlabelled frames."""
        model = SegmentationModel(self.network.settled(), self.blueprint, self.network.device)
        more = second_hand(model, self.labeled, self.unlabeled, self.recipe, cancel)
        self.pictures = [*self.pictures, *more]


def picture(labeled: LabeledFrame, blueprint: SegmentationBlueprint, device: torch.device) -> Picture:
    """The frame scaled, with the masks of known labels."""
    pixels, _ = to_tensor(labeled.frame, blueprint.scale)
    covered = scaled_masks(labeled, blueprint.labels, (pixels.shape[1], pixels.shape[2]))
    drawn = (covered * 255).round().to(torch.uint8)
    return Picture(pixels.to(device), drawn.to(device), weight=labeled.weight)


def second_hand(
    model: SegmentationModel,
    labeled: Sequence[LabeledFrame],
    unlabeled: Sequence[Frame],
    recipe: SegmentationRecipe,
    cancel: CancelToken,
) -> list[Picture]:
    """Unlabelled frames with what the network and time agree on; `recipe.pseudo_share` of the weight is theirs."""
    chosen = choose(unlabeled, labeled, recipe.pseudo_frames)
    weight = weight_of(recipe.pseudo_share, sum(one.weight for one in labeled), len(chosen))
    pictures = []
    for look, odds in model.see((unlabeled[i] for i in chosen), labeled):
        cancel.check()
        agreed = torch.from_numpy(odds)
        masks = (torch.sigmoid(agreed) * 255).round().to(torch.uint8)
        sure = (agreed.abs() >= SURE).to(torch.uint8) * 255
        pictures.append(Picture(look.pixels.to(model.device), masks.to(model.device), sure.to(model.device), weight))
    return pictures
