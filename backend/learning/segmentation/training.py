"""Overfitting a segmentation micro-model to the labelled frames of one group: the loop."""

import copy
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from backend.errors import TrainingError
from backend.learning.blueprint import find_device
from backend.learning.heads.segmentation import SegmentationNetwork
from backend.learning.micro_model import fastest
from backend.learning.pseudo_labels import choose
from backend.learning.scaling import to_batch, to_tensor
from backend.learning.segmentation.augmentation import Picture, Viewing, may_mirror, views
from backend.learning.segmentation.blueprint import SegmentationBlueprint, plan
from backend.learning.segmentation.micro_model import SegmentationModel, scaled_masks, settled
from backend.learning.segmentation.recipe import SegmentationRecipe
from backend.learning.segmentation.warm_start import warm
from backend.learning.training import Clock, Tell, Trained, follow
from backend.types import Frame, LabeledFrame, Progress, Weights

SURE = 2.0
"""Log odds, either way, from which a pixel of an unlabelled frame is learned from."""


def train(
    labeled: Sequence[LabeledFrame],
    unlabeled: Sequence[Frame],
    labels: tuple[str, ...],
    recipe: SegmentationRecipe,
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
        pictures = [picture(one, blueprint, place) for one in labeled]
        network = prepared(blueprint, pictures, place)
        network.take_state(arrays)
        steps = recipe.warm_steps if arrays else recipe.steps
        later = recipe.pseudo_steps if len(unlabeled) else 0
        told = _told(progress, clock, steps + later)
        loss = fit(network, pictures, labels, recipe, steps, rng, told)
        if later:
            model = SegmentationModel(settled(network, place), blueprint, place)
            more = second_hand(model, labeled, unlabeled, recipe, lambda: told(steps - 1))
            loss = fit(network, [*pictures, *more], labels, recipe, later, rng, lambda i: told(i + steps))
    metrics = {"loss": loss, "steps": float(steps + later), "warm": float(bool(arrays))}
    return Trained(Weights(network.own_state(), blueprint.to_metadata()), metrics, clock() - began)


def fit(
    network: SegmentationNetwork,
    pictures: Sequence[Picture],
    labels: Sequence[str],
    recipe: SegmentationRecipe,
    steps: int,
    rng: np.random.Generator,
    told: Callable[[int], None],
) -> float:
    """The loop. Leaves the running average of the weights in the network; returns the last loss."""
    groups, rates = _groups(network, recipe)
    optimizer = torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=steps, pct_start=0.25)
    average = copy.deepcopy(network).eval().requires_grad_(False)
    how = Viewing(recipe.batch, recipe.crop, recipe.object_share, may_mirror(labels))
    loss = torch.zeros(())
    for step in range(steps):
        batch = views(pictures, how, rng)
        loss = network.head.loss(network(batch.images), batch.masks, batch.sure)
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


def picture(labeled: LabeledFrame, blueprint: SegmentationBlueprint, device: torch.device) -> Picture:
    """The frame scaled, with the masks of known labels."""
    pixels, _ = to_tensor(labeled.frame, blueprint.scale)
    covered = scaled_masks(labeled, blueprint.labels, (pixels.shape[1], pixels.shape[2]))
    drawn = (covered * 255).round().to(torch.uint8)
    return Picture(pixels.to(device), drawn.to(device), weight=labeled.weight)


def prepared(
    blueprint: SegmentationBlueprint, pictures: Sequence[Picture], device: torch.device
) -> SegmentationNetwork:
    """The network, its fresh projections fitted to the features of some of the frames."""
    network = blueprint.build().to(device)
    network.backbone.settle(fastest(device))
    with torch.no_grad():
        images = to_batch([p.image for p in pictures[:4]])
        network.pyramid.standardize([f.float() for f in network.backbone(images)])
    return network


def second_hand(
    model: SegmentationModel,
    labeled: Sequence[LabeledFrame],
    unlabeled: Sequence[Frame],
    recipe: SegmentationRecipe,
    alive: Callable[[], None],
) -> list[Picture]:
    """Unlabelled frames with what the network and time agree on; `recipe.pseudo_share` of the weight is theirs."""
    chosen = choose(unlabeled, labeled, recipe.pseudo_frames)
    weight = recipe.pseudo_share / (1 - recipe.pseudo_share) * sum(one.weight for one in labeled) / len(chosen)
    pictures = []
    for look, odds in model.see((unlabeled[i] for i in chosen), labeled):
        alive()
        agreed = torch.from_numpy(odds)
        masks = (torch.sigmoid(agreed) * 255).round().to(torch.uint8)
        sure = (agreed.abs() >= SURE).to(torch.uint8) * 255
        pictures.append(Picture(look.pixels.to(model.device), masks.to(model.device), sure.to(model.device), weight))
    return pictures


def _groups(network: SegmentationNetwork, recipe: SegmentationRecipe) -> tuple[list[dict[str, Any]], list[float]]:
    backbone = [p for p in network.backbone.parameters() if p.requires_grad]
    fresh = [*network.pyramid.parameters(), *network.head.parameters()]
    return [{"params": backbone}, {"params": fresh}], [recipe.backbone_rate, recipe.learning_rate]


def _told(progress: Tell, clock: Clock, steps: int) -> Callable[[int], None]:
    began = clock()

    def told(step: int) -> None:
        done = (step + 1) / steps
        progress(Progress(done, (clock() - began) * (1 - done) / done))

    return told
