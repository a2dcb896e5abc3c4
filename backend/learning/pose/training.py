"""Overfitting a pose micro-model to the labelled frames of one group."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from backend.learning.fitting.initialization import start_of
from backend.learning.fitting.loop import init_network, overfit
from backend.learning.fitting.session import session
from backend.learning.fitting.trained import Trained
from backend.learning.fitting.training_input import TrainingInput
from backend.learning.geometry.colour import recolour
from backend.learning.geometry.scaling import to_tensor
from backend.learning.pose.config import PoseConfig
from backend.learning.pose.initialization import warm
from backend.learning.pose.network import PoseNetwork
from backend.learning.pose.plan import plan, usable
from backend.learning.pose.recipe import PoseRecipe
from backend.learning.pose.sample import Sample, arrays_of, random_view, sample_of, targets_of
from backend.learning.pose.scene import Scene, crop_of, scene_of
from backend.types import LabeledFrame, Weights

Material = TypeVar("Material", Sample, Scene)


def train(given: TrainingInput, recipe: PoseRecipe) -> Trained:
    """Train on the labelled frames."""
    start = given.start
    with session(given, kind="keypoints") as under_way:
        labeled = [usable(one, given.labels) for one in given.labeled]
        config, arrays = warm(plan(labeled, given.labels, recipe), start)
        samples, scenes = materials(labeled, config, under_way.device)
        images = [one.image for one in samples] or [one.image for one in scenes]
        network = init_network(config, images, arrays, under_way.device)
        task = PoseTask(network, config, recipe, under_way.rng, samples, scenes)
        metrics = overfit(task, recipe, under_way, start=start_of(start, arrays))
        return under_way.trained(Weights(network.own_state(), config.to_metadata()), metrics)


@dataclass(frozen=True, slots=True, eq=False)
class PoseTask:
    """Training on crops around objects to find keypoints in, and on crops of whole frames where objects must be located."""

    network: PoseNetwork
    config: PoseConfig
    recipe: PoseRecipe
    rng: np.random.Generator
    samples: Sequence[Sample]
    scenes: Sequence[Scene]

    def loss(self, step: int, steps: int, average: PoseNetwork) -> Tensor:
        """Of one step's crops, of both kinds."""
        loss = torch.zeros((), device=self.network.device)
        if self.samples:
            loss = loss + self._of_points()
        if self.scenes:
            loss = loss + self._of_places()
        return loss

    def _of_points(self) -> Tensor:
        chosen = _drawn(self.samples, self.recipe.batch, self.rng)
        views = [random_view(one, self.config, self.rng) for one in chosen]
        images = [recolour(view.cut(one.image), self.rng) for one, (view, _) in zip(chosen, views, strict=True)]
        logits = self.network.see(torch.stack(images).contiguous(memory_format=torch.channels_last))
        return self.network.points.loss(logits, targets_of(chosen, views, self.config, self.network.device))

    def _of_places(self) -> Tensor:
        chosen = _drawn(self.scenes, self.recipe.coarse_batch, self.rng)
        crops = [crop_of(one, self.config, self.recipe.coarse_crop, self.rng) for one in chosen]
        output = self.network(torch.stack([one.image for one in crops]).contiguous(memory_format=torch.channels_last))
        return self.network.head.loss(output, crops)


def materials(
    labeled: Sequence[LabeledFrame], config: PoseConfig, device: torch.device
) -> tuple[list[Sample], list[Scene]]:
    """What to learn from: each object, and each whole frame where objects must be located."""
    index = {label: i for i, label in enumerate(config.labels)}
    samples, scenes = [], []
    for one in labeled:
        image, factor = to_tensor(one.frame, config.fine)
        objects = []
        for instance in one.instances:
            if bool(instance.label) == config.parented:
                points, present = arrays_of(instance.keypoints, index)
                sample = sample_of(image.to(device), factor, instance.box, points, present, config)
                samples.append(replace(sample, weight=one.weight))
                objects.append(points[present])
        if not config.parented:
            scenes.append(replace(scene_of(one.frame, objects, config, device), weight=one.weight))
    return samples, scenes


def _drawn(materials: Sequence[Material], count: int, rng: np.random.Generator) -> list[Material]:
    """Each is drawn as often as its weight says."""
    weights = np.array([one.weight for one in materials], float)
    return [materials[int(i)] for i in rng.choice(len(weights), count, p=weights / weights.sum())]
