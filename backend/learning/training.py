"""Overfitting a micro-model to the labelled frames of one group: the loop."""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from backend.errors import TrainingError
from backend.learning.augmentation import Picture, Shares, crops
from backend.learning.blueprint import Blueprint, find_device
from backend.learning.decision import decide
from backend.learning.evaluation import ious
from backend.learning.micro_model import MicroModel, fastest
from backend.learning.mistakes import find
from backend.learning.network import Network
from backend.learning.pseudo_labels import choose, picture_of
from backend.learning.recipes import Recipe
from backend.learning.scaling import scale_for, to_batch, to_tensor
from backend.learning.warm_start import warm
from backend.types import Frame, Head, LabeledFrame, Progress, Weights

MINED = 12
"""Labelled frames at most that are searched for mistakes at once: bounds the time."""
MISTAKEN = 0.08
"""Score from which background counts as mistaken for an object."""
NEAR = 0.3
"""IoU with an object from which a candidate is a bad box rather than a mistake."""
MOST_WRONG = 12
"""Mistakes kept of a frame, the worst ones."""

Clock = Callable[[], float]
Tell = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What a training leaves."""

    weights: Weights
    metrics: dict[str, float]
    seconds: float


def train(
    labeled: Sequence[LabeledFrame],
    unlabeled: Sequence[Frame],
    labels: tuple[str, ...],
    recipe: Recipe,
    *,
    start: Weights | None = None,
    device: str = "auto",
    seed: int = 0,
    progress: Tell = lambda _: None,
    clock: Clock = time.monotonic,
) -> Trained:
    """Train on `labeled`; `unlabeled` frames of the group, decoded when indexed, are learned from where that is safe.

    `start` are weights of an earlier version. What `progress` raises passes through.
    """
    if not labeled or not labels:
        raise TrainingError(f"Found {len(labeled)} labelled frames and {len(labels)} labels; one of each is needed.")
    began = clock()
    place = find_device(device)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        blueprint, arrays = warm(plan(labeled, labels, recipe), start)
        pictures = [picture(frame, blueprint, place) for frame in labeled]
        network = blueprint.build().to(place)
        prepare(network, pictures)
        network.take_state(arrays)
        steps = recipe.warm_steps if arrays else recipe.steps
        later = recipe.pseudo_steps if len(unlabeled) else 0
        seconds_left = countdown(progress, clock, steps + later)
        loss = fit(network, pictures, recipe, steps, rng, seconds_left)
        if later:
            more = second_hand(network, blueprint, labeled, unlabeled, recipe, lambda: seconds_left(steps - 1))
            loss = fit(network, [*pictures, *more], recipe, later, rng, lambda i: seconds_left(i + steps))
        blueprint = learn_mistakes(network, blueprint, labeled, place)
    seconds = clock() - began
    metrics = {"loss": loss, "steps": float(steps + later), "warm": float(bool(arrays))}
    return Trained(Weights(network.own_state(), blueprint.to_metadata()), metrics, seconds)


def fit(
    network: Network,
    pictures: Sequence[Picture],
    recipe: Recipe,
    steps: int,
    rng: np.random.Generator,
    told: Callable[[int], None],
) -> float:
    """The loop. Leaves the running average of the weights in the network; returns the last loss."""
    groups, rates = _groups(network, recipe)
    optimizer = torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=steps, pct_start=0.25)
    average = copy.deepcopy(network).eval().requires_grad_(False)
    shares = Shares(recipe.object_share, recipe.hard_share)
    loss = torch.zeros(())
    for step in range(steps):
        if step in (steps // 3, 2 * steps // 3):
            pictures = mine(average, pictures, rng)
        batch = crops(pictures, recipe.batch, recipe.crop, shares, rng)
        images = torch.stack([crop.image for crop in batch]).contiguous(memory_format=torch.channels_last)
        loss = network.head.loss(network(images), batch)
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


@torch.no_grad()
def follow(average: Network, network: Network, decay: float) -> None:
    """Move `average` toward the weights of `network`; decay 0 takes them over."""
    for mean, now in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(now, 1 - decay)


def plan(labeled: Sequence[LabeledFrame], labels: tuple[str, ...], recipe: Recipe) -> Blueprint:
    """The shape of the network and the rules of its answers, as the labels suggest them."""
    scale = scale_for(labeled, recipe.object_side, recipe.largest_scale, recipe.frame_pixels)
    counts = [[sum(i.label == label for i in f.instances) for f in labeled] for label in labels]
    sides = [
        [
            (i.box[2 + axis] - i.box[axis]) * scale.of(f.frame.width, f.frame.height)
            for f in labeled
            for i in f.instances
        ]
        for axis in (0, 1)
    ]
    return Blueprint(
        head=Head.DETECTION,
        labels=labels,
        backbone=recipe.backbone,
        frozen=recipe.frozen,
        width=recipe.width,
        size=(_typical(sides[0], recipe), _typical(sides[1], recipe)),
        factor=scale.factor,
        pixels=scale.pixels,
        counts=tuple(tuple(c) for c in counts),
        score_floor=recipe.score_floor,
        score_threshold=recipe.score_threshold,
        overlap=recipe.overlap,
        most_candidates=recipe.most_candidates,
    )


def _typical(sides: Sequence[float], recipe: Recipe) -> float:
    return max(float(np.median(sides)), 2.0) if sides else recipe.object_side


def picture(labeled: LabeledFrame, blueprint: Blueprint, device: torch.device) -> Picture:
    """The frame scaled, with the boxes of known labels that have an area."""
    pixels, factor = to_tensor(labeled.frame, blueprint.scale)
    known = [
        i for i in labeled.instances if i.label in blueprint.labels and i.box[2] > i.box[0] and i.box[3] > i.box[1]
    ]
    return Picture(
        image=pixels.to(device),
        boxes=np.array([i.box for i in known], np.float32).reshape(-1, 4) * factor,
        classes=np.array([blueprint.labels.index(i.label) for i in known], np.int64),
        ignored=np.zeros((0, 4), np.float32),
        hard=np.zeros((0, 2), np.float32),
        weight=labeled.weight,
    )


def prepare(network: Network, pictures: Sequence[Picture]) -> None:
    """Fit the fresh projections to the features of some of the frames."""
    network.backbone.settle(fastest(next(network.parameters()).device))
    with torch.no_grad():
        images = to_batch([p.image for p in pictures[:4]])
        network.pyramid.standardize([f.float() for f in network.backbone(images)])


def mine(network: Network, pictures: Sequence[Picture], rng: np.random.Generator) -> list[Picture]:
    """The pictures, some of the labelled ones with the places that are wrongly taken for objects."""
    exact = [i for i, one in enumerate(pictures) if one.exact]
    chosen = rng.permutation(exact)[:MINED]
    mined = list(pictures)
    for index in map(int, chosen):
        one = pictures[index]
        with torch.inference_mode():
            [found] = network.head.decode(network(to_batch([one.image])))
        wrong = found.boxes[(found.scores >= MISTAKEN) & (ious(found.boxes, one.boxes).max(1, initial=0) < NEAR)]
        mined[index] = replace(one, hard=(wrong[:MOST_WRONG, :2] + wrong[:MOST_WRONG, 2:]) / 2)
    return mined


def second_hand(
    network: Network,
    blueprint: Blueprint,
    labeled: Sequence[LabeledFrame],
    unlabeled: Sequence[Frame],
    recipe: Recipe,
    alive: Callable[[], None],
) -> list[Picture]:
    """Unlabelled frames with what the network and time agree on; `recipe.pseudo_share` of the weight is theirs."""
    device = next(network.parameters()).device
    model = MicroModel(network.settled(fastest(device)), learn_mistakes(network, blueprint, labeled, device), device)
    seen, scaled = [], []
    for index in choose(unlabeled, labeled, recipe.pseudo_frames):
        alive()
        one, pixels, factor = model.look(unlabeled[index])
        seen.append(one)
        scaled.append((pixels, factor))
    weight = recipe.pseudo_share / (1 - recipe.pseudo_share) * sum(f.weight for f in labeled) / max(len(seen), 1)
    return [
        picture_of(decided, pixels, factor, weight)
        for decided, (pixels, factor) in zip(decide(seen, labeled, model.blueprint), scaled, strict=True)
    ]


def learn_mistakes(
    network: Network, blueprint: Blueprint, labeled: Sequence[LabeledFrame], device: torch.device
) -> Blueprint:
    """The blueprint, with the places of the labelled frames that fool the network as it is now."""
    model = MicroModel(network.settled(fastest(device)), blueprint, device)
    frames = labeled[:: max(len(labeled) // MINED, 1)]
    seen = list(model.see(one.frame for one in frames))
    drawn = [np.array([i.box for i in one.instances], np.float32).reshape(-1, 4) for one in frames]
    return replace(blueprint, mistakes=find([one.candidates for one in seen], drawn, [one.size for one in seen]))


def _groups(network: Network, recipe: Recipe) -> tuple[list[dict[str, Any]], list[float]]:
    backbone = [p for p in network.backbone.parameters() if p.requires_grad]
    fresh = [*network.pyramid.parameters(), *network.head.parameters()]
    return [{"params": backbone}, {"params": fresh}], [recipe.backbone_rate, recipe.learning_rate]


def countdown(progress: Tell, clock: Clock, steps: int) -> Callable[[int], None]:
    """What tells `progress` after each of so many steps how far the work is."""
    began = clock()

    def told(step: int) -> None:
        done = (step + 1) / steps
        progress(Progress(done, (clock() - began) * (1 - done) / done))

    return told
