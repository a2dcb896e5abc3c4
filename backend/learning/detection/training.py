"""Overfitting a detection micro-model to the labelled frames of one group."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from backend.learning.detection.augmentation import BoxSample, Shares, crops
from backend.learning.detection.candidates import DRAWN_BOX_WEIGHT
from backend.learning.detection.config import DetectionConfig
from backend.learning.detection.ensemble import without_member
from backend.learning.detection.head import BACKGROUND_TENSOR, DetectionNetwork
from backend.learning.detection.initialization import warm
from backend.learning.detection.plan import plan
from backend.learning.detection.recipe import DetectionRecipe
from backend.learning.detection.refinement import without_refinement
from backend.learning.detection.refinement_training import STEP_COST, refinement, refinement_steps
from backend.learning.detection.rotation import turns_of
from backend.learning.fitting.initialization import start_of
from backend.learning.fitting.loop import init_network, overfit
from backend.learning.fitting.recipe import steps_after
from backend.learning.fitting.session import session
from backend.learning.fitting.trained import Trained
from backend.learning.fitting.training_input import TrainingInput
from backend.learning.geometry.background import Background, find_background, with_difference
from backend.learning.geometry.boxes import ious
from backend.learning.geometry.levels import find_levels
from backend.learning.geometry.rotation import upright
from backend.learning.geometry.scaling import to_batch, to_tensor
from backend.types import LabeledFrame, Weights

MAX_MINED_FRAMES = 12
"""Labelled frames at most that are searched for false positives at once: bounds the time."""
MINING_MIN_SCORE = 0.08
"""Score from which a candidate on the background counts as a false positive."""
MINING_MAX_IOU = 0.3
"""IoU with an object from which a candidate is a bad box rather than a false positive."""
MAX_MINED_PER_FRAME = 12
"""False positives kept of a frame, those of the highest scores."""


def train(given: TrainingInput, recipe: DetectionRecipe) -> Trained:
    """Train on the labelled frames; the unlabelled ones tell the background and the levels."""
    start = given.start and without_refinement(without_member(given.start))
    with session(given) as under_way:
        planned, background = planned_with_background(given, recipe)
        config, arrays = warm(planned, start)
        kind, seen = start_of(start, arrays), {} if background is None else {BACKGROUND_TENSOR: background}
        look = PictureMaker(config, background, under_way.device, recipe.inexact_box_weight)
        pictures = [look.picture(frame) for frame in given.labeled]
        network = init_network(config, [one.image for one in pictures], {**arrays, **seen}, under_way.device)
        straight = [upright(one) for one in given.labeled]
        steps, later = steps_after(recipe, kind), STEP_COST * refinement_steps(config, straight, recipe)
        first, second = under_way.parts(steps / (steps + later))
        metrics = overfit(DetectionTask(network, recipe, under_way.rng, pictures), recipe, first, start=kind)
        refined = refinement(network, config, straight, recipe, second)
        return under_way.trained(Weights({**network.own_state(), **refined}, config.to_metadata()), metrics)


def planned_with_background(given: TrainingInput, recipe: DetectionRecipe) -> tuple[DetectionConfig, Background | None]:
    """The config as labels and frames suggest it, and the background where the camera stands still."""
    planned = plan(given.labeled, given.labels, recipe)
    if recipe.levels:
        planned = replace(planned, levels=find_levels(given.sample()))
    background = find_background(given.sample(), planned.scale) if recipe.background else None
    shape = None if background is None else (background.shape[1], background.shape[2])
    return replace(planned, background=shape), background


@dataclass(slots=True, eq=False)
class DetectionTask:
    """Training on crops, many of them around objects and around hard negatives."""

    network: DetectionNetwork
    recipe: DetectionRecipe
    rng: np.random.Generator
    pictures: Sequence[BoxSample]
    """Of the labelled frames; from a third of the steps on with the false positives that were found in them."""

    def loss(self, step: int, steps: int, average: DetectionNetwork) -> Tensor:
        """Of one step's crops; twice the average network is asked what it takes for objects."""
        if self.recipe.mining and step in (steps // 3, 2 * steps // 3):
            self.pictures = mine(average, self.pictures, self.rng)
        shares = Shares(self.recipe.object_share, self.recipe.hard_share, self.angles)
        batch = crops(self.pictures, self.recipe.batch, self.recipe.crop, shares, self.rng)
        images = torch.stack([crop.image for crop in batch]).contiguous(memory_format=torch.channels_last)
        return self.network.head.loss(self.network(images), batch)

    @property
    def angles(self) -> tuple[float, ...]:
        """Of the drawn boxes, radians; none where all are upright."""
        turns = [one.turns for one in self.pictures if one.turns is not None]
        return tuple(map(float, np.concatenate(turns)[:, 2])) if turns else ()


@dataclass(frozen=True, slots=True, eq=False)
class PictureMaker:
    """Labelled frames as crops are cut from them."""

    config: DetectionConfig
    background: Background | None
    device: torch.device
    inexact: float
    """Weight of the sides of boxes that were accepted."""

    def picture(self, labeled: LabeledFrame) -> BoxSample:
        """The frame scaled, with the boxes of known labels that have an area."""
        pixels, factor = to_tensor(labeled.frame, self.config.scale)
        if self.background is not None:
            pixels = with_difference(pixels, torch.from_numpy(self.background))
        turned, labels = self.config.turned, self.config.labels
        drawn = (labeled if turned else upright(labeled)).instances
        known = [i for i in drawn if i.label in labels and i.box[2] > i.box[0] and i.box[3] > i.box[1]]
        return BoxSample(
            image=pixels.to(self.device),
            boxes=np.array([i.bounds for i in known], np.float32).reshape(-1, 4) * factor,
            classes=np.array([labels.index(i.label) for i in known], np.int64),
            outlines=np.array([self.inexact if i.accepted else DRAWN_BOX_WEIGHT for i in known], np.float32),
            hard=np.zeros((0, 2), np.float32),
            weight=labeled.weight,
            turns=turns_of(known, factor) if turned else None,
        )


def mine(network: DetectionNetwork, pictures: Sequence[BoxSample], rng: np.random.Generator) -> list[BoxSample]:
    """Hard example mining: the pictures, some of them with the centres of the network's false positives."""
    mined = list(pictures)
    for index in map(int, rng.permutation(len(pictures))[:MAX_MINED_FRAMES]):
        one = pictures[index]
        with torch.inference_mode():
            [found] = network.head.decode(network(to_batch([one.image])))
        wrong = found.boxes[
            (found.scores >= MINING_MIN_SCORE) & (ious(found.boxes, one.boxes).max(1, initial=0) < MINING_MAX_IOU)
        ]
        mined[index] = replace(one, hard=(wrong[:MAX_MINED_PER_FRAME, :2] + wrong[:MAX_MINED_PER_FRAME, 2:]) / 2)
    return mined


def select_frames_for_mining(labeled: Sequence[LabeledFrame], most: int) -> list[LabeledFrame]:
    """At most so many of the labelled frames, to look for false positives in: half of them those with the fewest
    objects, where whatever is seen is a false positive; the others spread over the rest."""
    order = sorted(range(len(labeled)), key=lambda i: len(labeled[i].instances))
    bare, rest = order[: most // 2], sorted(order[most // 2 :])
    spread = rest[:: -(-len(rest) // (most - len(bare)))] if rest else []
    return [labeled[i] for i in sorted([*bare, *spread])]
