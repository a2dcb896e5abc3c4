"""Overfitting a pose micro-model to the labelled frames of one group: the loop."""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from backend.errors import TrainingError
from backend.learning import augmentation
from backend.learning.blueprint import find_device
from backend.learning.heads.base import Crop
from backend.learning.micro_model import fastest
from backend.learning.pose.blueprint import Blueprint
from backend.learning.pose.micro_model import Found, PoseModel
from backend.learning.pose.network import PoseNetwork
from backend.learning.pose.recipe import PoseRecipe
from backend.learning.pose.sample import (
    Sample,
    arrays_of,
    diagonal,
    hull,
    random_view,
    sample_of,
    targets_of,
)
from backend.learning.pose.skeleton import turn_of
from backend.learning.pose.symmetry import partners
from backend.learning.pose.view import Points, View, turned
from backend.learning.pseudo_labels import choose
from backend.learning.scaling import scale_for, to_batch, to_tensor
from backend.learning.training import Clock, Tell, Trained, _told, follow
from backend.types import Frame, Instance, LabeledFrame, Weights

SURE = 0.5
"""Confidence from which a predicted keypoint is learned from."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A whole frame, scaled down, with the points of its objects."""

    image: Tensor
    objects: tuple[Points, ...]
    """(n, 2) present points of each, in pixels of the image."""
    weight: float = 1.0
    exact: bool = True


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
    parents: Any = None,
) -> Trained:
    """Train on `labeled`; `unlabeled` frames of the group, decoded when indexed, are learned from where that is safe.

    `start` are weights of an earlier version. What `progress` raises passes through.
    """
    if not labeled or not labels:
        raise TrainingError(f"Found {len(labeled)} labelled frames and {len(labels)} keypoints; one of each is needed.")
    began = clock()
    place = find_device(device)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        labeled = [usable(one, labels) for one in labeled]
        blueprint = plan(labeled, labels, recipe)
        samples, scenes = materials(labeled, blueprint, place)
        network = blueprint.build().to(place)
        prepare(network, samples, scenes)
        steps = recipe.steps
        later = recipe.pseudo_steps if len(unlabeled) else 0
        told = _told(progress, clock, steps + later)
        loss = fit(network, samples, scenes, blueprint, recipe, steps, rng, told)
        if later:
            more, wide = second_hand(network, blueprint, labeled, unlabeled, recipe, parents, lambda: told(steps - 1))
            loss = fit(network, [*samples, *more], [*scenes, *wide], blueprint, recipe, later, rng, lambda i: told(i + steps))
    metrics = {"loss": loss, "steps": float(steps + later), "warm": 0.0}
    return Trained(Weights(network.own_state(), blueprint.to_metadata()), metrics, clock() - began)


def usable(labeled: LabeledFrame, labels: tuple[str, ...]) -> LabeledFrame:
    """Without instances that have no keypoint; the box of one without rectangle is that of its keypoints."""
    index = {label: i for i, label in enumerate(labels)}
    kept = []
    for one in labeled.instances:
        points, present = arrays_of(one.keypoints, index)
        if present.any():
            empty = one.box[2] <= one.box[0] or one.box[3] <= one.box[1]
            kept.append(replace(one, box=hull(points[present])) if not one.label or empty else one)
    return replace(labeled, instances=tuple(kept))


def plan(labeled: Sequence[LabeledFrame], labels: tuple[str, ...], recipe: PoseRecipe) -> Blueprint:
    """The shape of the network and the rules of its answers, as the labels suggest them."""
    parented = any(i.label for f in labeled for i in f.instances)
    index = {label: i for i, label in enumerate(labels)}
    drawn = [i for f in labeled for i in f.instances if bool(i.label) == parented]
    wide = [max(diagonal(i.box), 8.0) for i in drawn] or [64.0]
    coarse = scale_for(labeled, recipe.coarse_side, 1.0, recipe.coarse_pixels)
    sides = [np.median([i.box[2 + a] - i.box[a] for i in drawn]) if drawn else 64.0 for a in (0, 1)]
    return Blueprint(
        labels=labels,
        partners=partners(labels),
        parented=parented,
        backbone=recipe.backbone,
        frozen=recipe.frozen,
        width=recipe.width,
        crop=recipe.crop,
        margin=recipe.margin if parented else recipe.hull_margin,
        diagonals=(min(wide), float(np.median(wide)), max(wide)),
        coarse_factor=coarse.factor,
        coarse_pixels=coarse.pixels,
        size=(max(float(sides[0]) * coarse.factor, 4.0), max(float(sides[1]) * coarse.factor, 4.0)),
        counts=tuple(len(f.instances) for f in labeled),
        turn=turn_of([arrays_of(i.keypoints, index) for i in drawn]),
        views=recipe.views,
        thresholds=(recipe.score_threshold,) * len(labels),
    )


def materials(
    labeled: Sequence[LabeledFrame], blueprint: Blueprint, device: torch.device
) -> tuple[list[Sample], list[Scene]]:
    """What to learn from: each object, and each whole frame where objects must be located."""
    index = {label: i for i, label in enumerate(blueprint.labels)}
    samples, scenes = [], []
    for one in labeled:
        image, factor = to_tensor(one.frame, blueprint.fine)
        objects = [i for i in one.instances if bool(i.label) == blueprint.parented]
        for instance in objects:
            points, present = arrays_of(instance.keypoints, index)
            sample = sample_of(image.to(device), factor, instance.box, points, present, blueprint)
            samples.append(replace(sample, weight=one.weight))
        if not blueprint.parented:
            scenes.append(scene_of(one.frame, [i.keypoints for i in objects], blueprint, device, one.weight))
    return samples, scenes


def scene_of(frame: Frame, objects: Any, blueprint: Blueprint, device: torch.device, weight: float = 1.0) -> Scene:
    """A whole frame to learn to locate objects in."""
    image, factor = to_tensor(frame, blueprint.coarse)
    index = {label: i for i, label in enumerate(blueprint.labels)}
    places = []
    for points in objects:
        all_, present = arrays_of(points, index)
        places.append(all_[present] * factor)
    return Scene(image.to(device), tuple(places), weight)


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
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=steps, pct_start=0.25)
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
        images = [augmentation._colour(view.cut(one.image), rng) for one, (view, _) in zip(chosen, views, strict=True)]
        logits = network.see(torch.stack(images).contiguous(memory_format=torch.channels_last))
        loss = loss + network.points.loss(logits, targets_of(chosen, views, blueprint, device))
    if scenes:
        wide = [scenes[i] for i in _drawn([s.weight for s in scenes], recipe.coarse_batch, rng)]
        crops = [coarse_crop(one, blueprint, recipe.coarse_crop, rng) for one in wide]
        images = [crop.image for crop in crops]
        output = network(torch.stack(images).contiguous(memory_format=torch.channels_last))
        loss = loss + network.head.loss(output, crops)
    return loss


def coarse_crop(scene: Scene, blueprint: Blueprint, side: int, rng: np.random.Generator) -> Crop:
    """A random crop of a whole frame, with the boxes around its objects' points."""
    size = np.array([scene.image.shape[2], scene.image.shape[1]], float)
    margin = np.minimum(size / 2, side * 0.4)
    centre = rng.uniform(margin, size - margin)
    if scene.objects and rng.random() < 0.5:
        centre = scene.objects[rng.integers(len(scene.objects))].mean(0) + rng.uniform(-0.4, 0.4, 2) * side
    mirror = bool(blueprint.mirrors and rng.random() < 0.5)
    zoom = float(np.exp(rng.uniform(np.log(0.75), np.log(1.33))))
    view = View(centre, turned(zoom, float(rng.uniform(-1, 1)) * blueprint.turn, mirror), side)
    boxes = np.array([hull(view.inward(points)) for points in scene.objects], np.float32).reshape(-1, 4)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = ((middle >= 0) & (middle < side)).all(1)
    image = augmentation._colour(view.cut(scene.image), rng)
    return Crop(image, boxes[inside], np.zeros(int(inside.sum()), np.int64), boxes[~inside], 1.0 if scene.exact else 0.3)


def second_hand(
    network: PoseNetwork,
    blueprint: Blueprint,
    labeled: Sequence[LabeledFrame],
    unlabeled: Sequence[Frame],
    recipe: PoseRecipe,
    parents: Any,
    alive: Callable[[], None],
) -> tuple[list[Sample], list[Scene]]:
    """Unlabelled frames with the keypoints that the network is sure of; `recipe.pseudo_share` of the weight is theirs."""
    device = next(network.parameters()).device
    model = PoseModel(network.settled(fastest(device)), blueprint, device)
    samples, scenes = [], []
    for i in choose(unlabeled, labeled, recipe.pseudo_frames):
        alive()
        frame = unlabeled[i]
        found = model.look(frame, (parents or {}).get(frame.task, ()))
        image, factor = to_tensor(frame, blueprint.fine)
        sure = [one for one in found if np.mean(one.scores >= SURE) >= 0.6]
        samples += [second_sample(one, image.to(device), factor, blueprint) for one in sure]
        if not blueprint.parented and sure and len(sure) == len(found):
            scenes.append(replace(scene_of(frame, [], blueprint, device), exact=False, objects=_scaled(sure, frame, blueprint)))
    total = recipe.pseudo_share / (1 - recipe.pseudo_share) * sum(f.weight for f in labeled)
    share = total * max(len(labeled) and sum(len(f.instances) for f in labeled) / len(labeled), 1) / max(len(samples), 1)
    return [replace(s, weight=share) for s in samples], [replace(s, weight=total / len(scenes)) for s in scenes]


def _scaled(found: Sequence[Found], frame: Frame, blueprint: Blueprint) -> tuple[Points, ...]:
    factor = blueprint.coarse.of(frame.width, frame.height)
    return tuple(one.points[one.scores >= SURE] * factor for one in found)


def second_sample(found: Found, image: Tensor, factor: float, blueprint: Blueprint) -> Sample:
    """What the network is sure of, as if a person had drawn it."""
    sure = found.scores >= SURE
    box = found.parent.box if blueprint.parented else hull(found.points[sure])
    sample = sample_of(image, factor, box, found.points, np.ones(len(sure), bool), blueprint)
    return replace(sample, trust=sure.astype(float))


def _drawn(weights: Sequence[float], count: int, rng: np.random.Generator) -> list[int]:
    share = np.array(weights, float)
    return [int(i) for i in rng.choice(len(share), count, p=share / share.sum())]


def _groups(network: PoseNetwork, recipe: PoseRecipe) -> tuple[list[dict[str, Any]], list[float]]:
    backbone = [p for p in network.backbone.parameters() if p.requires_grad]
    fresh = [p for name, p in network.named_parameters() if not name.startswith("backbone.")]
    return [{"params": backbone}, {"params": fresh}], [recipe.backbone_rate, recipe.learning_rate]
