"""Overfitting a pose micro-model to the labelled frames of one group: the loop."""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from backend.errors import TrainingError
from backend.learning.augmentation import recolour
from backend.learning.blueprint import find_device
from backend.learning.micro_model import fastest
from backend.learning.pose.blueprint import Blueprint
from backend.learning.pose.micro_model import NO_PARENTS, Parents, PoseModel
from backend.learning.pose.network import PoseNetwork
from backend.learning.pose.plan import plan, usable
from backend.learning.pose.recipe import PoseRecipe
from backend.learning.pose.sample import Sample, arrays_of, random_view, sample_of, targets_of
from backend.learning.pose.scene import Scene, crop_of, scene_of
from backend.learning.pose.second_hand import second_hand
from backend.learning.pose.warm_start import warm
from backend.learning.scaling import to_batch, to_tensor
from backend.learning.training import Clock, Tell, Trained, countdown, follow
from backend.types import Frame, LabeledFrame, Weights


def train(
    labeled: Sequence[LabeledFrame],
    unlabeled: Sequence[Frame],
    labels: tuple[str, ...],
    recipe: PoseRecipe,
    *,
    start: Weights | None = None,
    device: str = "auto",
    seed: int = 0,
    progress: Tell = lambda _: None,
    clock: Clock = time.monotonic,
    parents: Parents = NO_PARENTS,
) -> Trained:
    """Train on `labeled`; `unlabeled` frames of the group, decoded when indexed, are learned from where that is safe.

    `start` are weights of an earlier version; `parents` the boxes of unlabelled frames, where keypoints hang on boxes.
    What `progress` raises passes through.
    """
    if not labeled or not labels:
        raise TrainingError(f"Found {len(labeled)} labelled frames and {len(labels)} keypoints; one of each is needed.")
    began = clock()
    place = find_device(device)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        labeled = [usable(one, labels) for one in labeled]
        blueprint, arrays = warm(plan(labeled, labels, recipe), start)
        samples, scenes = materials(labeled, blueprint, place)
        network = blueprint.build().to(place)
        prepare(network, samples, scenes)
        network.take_state(arrays)
        steps = recipe.warm_steps if arrays else recipe.steps
        later = recipe.pseudo_steps if len(unlabeled) and (parents or not blueprint.parented) else 0
        told = countdown(progress, clock, steps + later)
        loss = fit(network, samples, scenes, blueprint, recipe, steps, rng, told)
        if later:
            model = PoseModel(network.settled(fastest(place)), blueprint, place)
            more, wide = second_hand(model, labeled, unlabeled, parents, recipe, lambda: told(steps - 1))
            samples, scenes = [*samples, *more], [*scenes, *wide]
            loss = fit(network, samples, scenes, blueprint, recipe, later, rng, lambda i: told(i + steps))
    metrics = {"loss": loss, "steps": float(steps + later), "warm": float(bool(arrays))}
    return Trained(Weights(network.own_state(), blueprint.to_metadata()), metrics, clock() - began)


def materials(
    labeled: Sequence[LabeledFrame], blueprint: Blueprint, device: torch.device
) -> tuple[list[Sample], list[Scene]]:
    """What to learn from: each object, and each whole frame where objects must be located."""
    index = {label: i for i, label in enumerate(blueprint.labels)}
    samples, scenes = [], []
    for one in labeled:
        image, factor = to_tensor(one.frame, blueprint.fine)
        objects = []
        for instance in one.instances:
            if bool(instance.label) == blueprint.parented:
                points, present = arrays_of(instance.keypoints, index)
                sample = sample_of(image.to(device), factor, instance.box, points, present, blueprint)
                samples.append(replace(sample, weight=one.weight))
                objects.append(points[present])
        if not blueprint.parented:
            scenes.append(replace(scene_of(one.frame, objects, blueprint, device), weight=one.weight))
    return samples, scenes


def prepare(network: PoseNetwork, samples: Sequence[Sample], scenes: Sequence[Scene]) -> None:
    """Fit the fresh projections to the features of some of the frames."""
    network.backbone.settle(fastest(next(network.parameters()).device))
    images = [s.image for s in samples[:4]] or [s.image for s in scenes[:4]]
    with torch.no_grad():
        if images:
            network.pyramid.standardize([f.float() for f in network.features(to_batch(images), 1.0)])


def fit(
    network: PoseNetwork,
    samples: Sequence[Sample],
    scenes: Sequence[Scene],
    blueprint: Blueprint,
    recipe: PoseRecipe,
    steps: int,
    rng: np.random.Generator,
    told: Callable[[int], None],
) -> float:
    """The loop. Leaves the running average of the weights in the network; returns the last loss."""
    groups, rates = _groups(network, recipe)
    optimizer = torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=steps, pct_start=0.3)
    average = copy.deepcopy(network).eval().requires_grad_(False)
    loss = torch.zeros(())
    for step in range(steps):
        loss = loss_of(network, samples, scenes, blueprint, recipe, rng)
        if not torch.isfinite(loss):
            raise TrainingError(f"The loss became {loss.item()} at step {step}: lower the recipe's learning rates.")
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimizer.step()
        schedule.step()
        follow(average, network, recipe.average if step else 0.0)
        told(step)
    follow(network, average, 0.0)
    return loss.item()


def loss_of(
    network: PoseNetwork,
    samples: Sequence[Sample],
    scenes: Sequence[Scene],
    blueprint: Blueprint,
    recipe: PoseRecipe,
    rng: np.random.Generator,
) -> Tensor:
    """Of one step's random crops."""
    device = next(network.parameters()).device
    loss = torch.zeros((), device=device)
    if samples:
        chosen = [samples[i] for i in _drawn([s.weight for s in samples], recipe.batch, rng)]
        views = [random_view(one, blueprint, rng) for one in chosen]
        images = [recolour(view.cut(one.image), rng) for one, (view, _) in zip(chosen, views, strict=True)]
        logits = network.see(torch.stack(images).contiguous(memory_format=torch.channels_last))
        loss = loss + network.points.loss(logits, targets_of(chosen, views, blueprint, device))
    if scenes:
        wide = [scenes[i] for i in _drawn([s.weight for s in scenes], recipe.coarse_batch, rng)]
        crops = [crop_of(one, blueprint, recipe.coarse_crop, rng) for one in wide]
        images = [crop.image for crop in crops]
        output = network(torch.stack(images).contiguous(memory_format=torch.channels_last))
        loss = loss + network.head.loss(output, crops)
    return loss


def _drawn(weights: Sequence[float], count: int, rng: np.random.Generator) -> list[int]:
    share = np.array(weights, float)
    return [int(i) for i in rng.choice(len(share), count, p=share / share.sum())]


def _groups(network: PoseNetwork, recipe: PoseRecipe) -> tuple[list[dict[str, Any]], list[float]]:
    backbone = [p for p in network.backbone.parameters() if p.requires_grad]
    fresh = [p for name, p in network.named_parameters() if not name.startswith("backbone.")]
    return [{"params": backbone}, {"params": fresh}], [recipe.backbone_rate, recipe.learning_rate]
