"""Training the parent: one made-up clip a step, and what is needed to go on after a stop."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from backend.errors import TrainingError
from backend.learning.fitting import STEEPEST, follow
from backend.learning.parent.clips import Asked, Clip, clip
from backend.learning.parent.lesson import Losses, losses
from backend.learning.parent.network import ParentNetwork, build
from backend.learning.parent.recipe import ParentRecipe
from backend.types import Image, State

ASKED = (Asked.BOXES, Asked.MASKS, Asked.STRUCTURE, Asked.POINTS)
"""In the order of the recipe's shares."""
KEPT = 16
"""Clips in memory."""
LOOKED_AT = 2
"""Clips that fresh projections are fitted to."""
APART = 5
"""Clips between the visits to one."""
MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What AdamW remembers of each weight."""

Tell = Callable[[dict[str, float]], None]
"""Is told the mean losses since it was told last."""


@dataclass(frozen=True, eq=False)
class Maker(Dataset[Clip]):
    """Makes clips by their numbers, in a process of its own."""

    recipe: ParentRecipe
    photos: Sequence[Image]

    def __getitem__(self, index: int) -> Clip:
        return made(self.recipe, index, self.photos)


@dataclass(slots=True, eq=False)
class Course:
    """A parent in the making."""

    recipe: ParentRecipe
    network: ParentNetwork
    average: ParentNetwork
    optimizer: torch.optim.AdamW
    done: int = 0
    """Steps."""
    seconds: float = 0.0
    """That they took."""


def begin(recipe: ParentRecipe, photos: Sequence[Image], device: torch.device) -> Course:
    """From the bare backbone."""
    average = build(recipe).to(device)  # the first one in a process reads the backbone, which draws random numbers
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        network = build(recipe).to(device)
    shots = [shot for index in range(LOOKED_AT) for shot in made(recipe, index, photos).shots]
    network.prepare([torch.from_numpy(shot.image).permute(2, 0, 1).to(device) for shot in shots[:: recipe.frames // 2]])
    average.prepare([])
    follow(average, network, 0.0)
    optimizer = torch.optim.AdamW(_groups(network, recipe), weight_decay=recipe.weight_decay)
    return Course(recipe, network, average, optimizer)


def train(
    course: Course,
    photos: Sequence[Image],
    until: Callable[[], bool],
    tell: Tell,
    *,
    every: int = 100,
    makers: int = 0,
) -> None:
    """Go on until the recipe's steps are done, or `until` says so; `tell` is called `every` so many steps.

    Clips are made by so many other processes, the makers; 0: by this one, which suits a machine without a GPU.
    """
    recipe, network = course.recipe, course.network
    clips = iter(_clips(course, photos, makers))
    heard = list[Losses]()
    while course.done < recipe.steps and not until():
        for group in course.optimizer.param_groups:
            group["lr"] = group["peak"] * rate(course.done, recipe)
        rng = np.random.default_rng([recipe.seed, 2, course.done])
        found = losses(network, next(clips), rng)
        _step(network, course.optimizer, sum(found.values(), torch.zeros((), device=network.device)))
        course.done += 1
        follow(course.average, network, min(recipe.average, course.done / (course.done + 10)))
        heard.append({name: loss.detach() for name, loss in found.items()})
        if course.done % every == 0:
            tell(_mean(heard))
            heard.clear()


def _clips(course: Course, photos: Sequence[Image], makers: int) -> Iterable[Clip]:
    """Of the steps that are left."""
    recipe = course.recipe
    numbers = [visited(step, recipe.visits) for step in range(course.done, recipe.steps)]
    if not makers:
        return map(lru_cache(maxsize=KEPT)(partial(made, recipe, photos=photos)), numbers)
    return DataLoader(  # spawned, since the threads of OpenCV do not survive a fork
        Maker(recipe, photos),
        batch_size=None,
        sampler=numbers,
        num_workers=makers,
        multiprocessing_context="spawn",
        worker_init_fn=_on_one_core,
    )


def _on_one_core(_: int) -> None:
    cv2.setNumThreads(1)


@torch.no_grad()
def examine(course: Course, photos: Sequence[Image], count: int) -> dict[str, float]:
    """Mean losses of the average network on `count` clips of another seed."""
    other, rng = replace(course.recipe, seed=course.recipe.seed + 1), np.random.default_rng(course.recipe.seed)
    return _mean([losses(course.average, made(other, index, photos), rng) for index in range(count)])


def _mean(heard: Sequence[Losses]) -> dict[str, float]:
    names = sorted({name for found in heard for name in found})
    return {name: float(np.mean([found[name].item() for found in heard if name in found])) for name in names}


def made(recipe: ParentRecipe, index: int, photos: Sequence[Image]) -> Clip:
    """The clip of this number."""
    rng = np.random.default_rng([recipe.seed, 1, index])
    asked = ASKED[rng.choice(len(ASKED), p=recipe.shares)]
    side = recipe.object_side if asked is Asked.POINTS else recipe.side
    return clip(rng, asked, recipe.frames, side, photos)


def visited(step: int, visits: int) -> int:
    """The number of the clip of a step: each is used `visits` times, with others between."""
    return max(step // visits - APART * (step % visits), 0)


def rate(step: int, recipe: ParentRecipe) -> float:
    """Share of the peak of the learning rates."""
    rising = min(1.0, (step + 1) / recipe.rise)
    return rising * (0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * min(step / recipe.steps, 1.0))))


def save(course: Course, path: Path) -> None:
    """Written aside and renamed, so that a stop leaves the one before."""
    arrays = {
        f"{which}:{name}": array
        for which, network in (("now", course.network), ("average", course.average))
        for name, array in _trained(network).items()
    }
    for name, parameter in course.network.named_parameters():
        for moment, value in course.optimizer.state.get(parameter, {}).items():
            arrays[f"{moment}:{name}"] = value.detach().cpu().contiguous().numpy()
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".part")
    save_file(arrays, aside, {"done": str(course.done), "seconds": str(course.seconds)})
    aside.replace(path)


def resume(course: Course, path: Path) -> None:
    """Go on from what `save` wrote."""
    with safe_open(path, "numpy") as file:
        noted = file.metadata() or {}
    course.done, course.seconds = int(noted.get("done", 0)), float(noted.get("seconds", 0))
    arrays = load_file(path)
    for which, network in (("now", course.network), ("average", course.average)):
        network.take_state({name.removeprefix(f"{which}:"): a for name, a in arrays.items() if name.startswith(which)})
    for name, parameter in course.network.named_parameters():
        if f"{MOMENTS[0]}:{name}" in arrays:
            remembered = {moment: torch.from_numpy(arrays[f"{moment}:{name}"]) for moment in MOMENTS}
            course.optimizer.state[parameter] = {
                moment: value.to(parameter.device) if value.ndim else value for moment, value in remembered.items()
            }


def _trained(network: ParentNetwork) -> State:
    frozen = tuple(f"backbone.body.{prefix}" for prefix in network.backbone.frozen)
    kept = {name: p for name, p in network.named_parameters() if not name.startswith(frozen)}
    return {name: p.detach().cpu().contiguous().numpy() for name, p in kept.items()}


def _groups(network: ParentNetwork, recipe: ParentRecipe) -> list[dict[str, Any]]:
    backbone = [p for p in network.backbone.parameters() if p.requires_grad]
    fresh = [p for name, p in network.named_parameters() if not name.startswith("backbone.")]
    peaks = ((backbone, recipe.backbone_rate), (fresh, recipe.learning_rate))
    return [{"params": params, "peak": peak} for params, peak in peaks if params]


def _step(network: ParentNetwork, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    if not torch.isfinite(loss):
        raise TrainingError(f"The loss became {loss.item()}: lower the learning rates of the parent's recipe.")
    optimizer.zero_grad()
    torch.autograd.backward(loss)
    nn.utils.clip_grad_norm_(network.parameters(), STEEPEST)
    optimizer.step()
