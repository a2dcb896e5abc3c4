"""Training what refines boxes, on crops around the labelled ones that are as far off as candidates are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from backend.learning.detection.augmentation import ASPECT_DEVIATION
from backend.learning.detection.config import DetectionConfig
from backend.learning.detection.head import DetectionNetwork
from backend.learning.detection.recipe import DetectionRecipe
from backend.learning.detection.refinement import CROP_SIDE, Refiner, named, whole, zoom_of
from backend.learning.fitting.loop import fit
from backend.learning.fitting.recipe import FEWEST_STEPS
from backend.learning.fitting.session import Session
from backend.learning.fitting.training_input import SAMPLED_FRAMES, evenly_spread
from backend.learning.geometry.colour import recolour
from backend.learning.geometry.crop import View, turned
from backend.learning.network.pyramid import Pyramid
from backend.types import LabeledFrame, State

Array = NDArray[np.float64]

MAX_CENTRE_SHIFT = 0.2
"""Limit of the random error of a candidate's centre, as a share of its sides."""
MAX_SIZE_FACTOR = 1.35
"""Limit of the random error of its size, as a factor."""
STEP_COST = 0.45
"""Time of one of its steps, in steps of the training before it: 0.41 to 0.49 on three groups, whatever they show."""


def refinement(
    network: DetectionNetwork,
    config: DetectionConfig,
    labeled: Sequence[LabeledFrame],
    recipe: DetectionRecipe,
    under_way: Session,
) -> State:
    """Tensors of what refines the boxes of a trained network, for its artifact; none where there are no `refinement_steps`."""
    steps = refinement_steps(config, labeled, recipe)
    if not steps:
        return {}
    objects = drawn_objects(labeled, config, network.device)
    refiner = Refiner.on(network.inference_copy().backbone, config.width).to(network.device)
    take_pyramid(refiner.pyramid, network.pyramid)
    task = RefinementTask(refiner, objects, recipe.refinement_batch, under_way.rng)
    fit(task, recipe, steps, under_way.countdown(steps))
    return named(refiner.own_state())


def refinement_steps(config: DetectionConfig, labeled: Sequence[LabeledFrame], recipe: DetectionRecipe) -> int:
    """Steps of its training; 0 where it is off, where boxes are turned, or where nobody drew a box."""
    if not recipe.refinement or config.turned or not any(drawn_boxes(one, config) for one in sampled(labeled)):
        return 0
    return max(FEWEST_STEPS, round(recipe.steps * recipe.refinement_share))


def sampled(labeled: Sequence[LabeledFrame]) -> list[LabeledFrame]:
    """The frames that it learns from."""
    return [labeled[at] for at in evenly_spread(len(labeled), SAMPLED_FRAMES)]


def drawn_boxes(labeled: LabeledFrame, config: DetectionConfig) -> list[Array]:
    """The corners of each box with an area and a known label that a person drew in a frame."""
    drawn = [i for i in labeled.instances if i.label in config.labels and not i.accepted]
    boxes = [np.array(i.box) for i in drawn]
    return [box for box in boxes if (box[2:] > box[:2]).all()]


def drawn_objects(
    labeled: Sequence[LabeledFrame], config: DetectionConfig, device: torch.device
) -> list[tuple[Tensor, Array]]:
    """The whole picture, (3, h, w) uint8, and the corners in its pixels of each box that a person drew, in some of the frames."""
    found = list[tuple[Tensor, Array]]()
    for one in sampled(labeled):
        if boxes := drawn_boxes(one, config):
            image, factor = whole(one.frame, config.levels)
            image = image.to(device)
            found += [(image, box * factor) for box in boxes]
    return found


@torch.no_grad()
def take_pyramid(own: Pyramid, trained: Pyramid) -> None:
    """Begin as the trained one, without what it is told of the background."""
    before = dict(trained.named_parameters())
    for name, parameter in own.named_parameters():
        parameter.copy_(before[name][:, : parameter.shape[1]] if parameter.ndim > 1 else before[name])


@dataclass(frozen=True, slots=True, eq=False)
class RefinementTask:
    """Training on crops around labelled boxes."""

    network: Refiner
    objects: Sequence[tuple[Tensor, Array]]
    """Picture and box of each."""
    batch: int
    rng: np.random.Generator

    def loss(self, step: int, steps: int, average: nn.Module) -> Tensor:
        """Of one step's crops."""
        chosen = [self.objects[i] for i in self.rng.integers(len(self.objects), size=self.batch)]
        crops, boxes = zip(*(crop_around(image, box, self.rng) for image, box in chosen), strict=True)
        images = torch.stack(crops).contiguous(memory_format=torch.channels_last)
        wanted = torch.from_numpy(np.array(boxes, np.float32)).to(images.device)
        return self.network.head.loss(self.network(images), wanted)


def crop_around(image: Tensor, box: Array, rng: np.random.Generator) -> tuple[Tensor, Array]:
    """A crop as of a candidate that is somewhat wrong, mirrored, stretched and recoloured; and the box (4,) in it."""
    sides = box[2:] - box[:2]
    middle = (box[:2] + box[2:]) / 2 + rng.uniform(-MAX_CENTRE_SHIFT, MAX_CENTRE_SHIFT, 2) * sides
    halves = sides / 2 * np.exp(rng.uniform(-1, 1, 2) * np.log(MAX_SIZE_FACTOR))
    zoom = zoom_of(np.concatenate([middle - halves, middle + halves]))
    mirrored, stretch = bool(rng.random() < 0.5), float(np.exp(rng.normal(0, ASPECT_DEVIATION)))
    view = View(middle, turned(zoom, 0.0, mirrored, stretch), CROP_SIDE)
    ends = view.to_crop(box.reshape(2, 2))
    return recolour(view.cut(image), rng), np.concatenate([ends.min(0), ends.max(0)])
