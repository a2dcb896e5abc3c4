"""Fitting a network to the labelled frames of one group, by gradient steps: the loop of all heads that learn so."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from backend.errors import TrainingError
from backend.learning.fitting.recipe import FittedRecipe, steps_after
from backend.learning.fitting.session import Session
from backend.learning.network.micro_model import ModelConfig
from backend.learning.network.network import Network
from backend.learning.network.threads import at_best_threads
from backend.types import Start

MAX_GRADIENT_NORM = 10.0
"""Norm that gradients are cut to: one odd crop must not undo the steps before it."""


Net = TypeVar("Net", bound=Network[Any])


class TrainingTask(Protocol[Net]):
    """What a head brings to the loop: its network, and the loss that is minimized."""

    @property
    def network(self) -> Net:
        """The one that is trained."""
        ...

    def loss(self, step: int, steps: int, average: Net) -> Tensor:
        """Of the random crops of one of the steps; `average` is the network with the average of its weights so far."""
        ...


def init_network(
    config: ModelConfig[Net], images: Sequence[Tensor], arrays: Mapping[str, NDArray[Any]], device: torch.device
) -> Net:
    """The network to train on images (3, h, w) uint8; `arrays` are those of its start, none: the backbone's."""
    network = config.build().to(device)
    network.prepare(images)
    network.take_state(arrays)
    return network


def overfit(task: TrainingTask[Net], recipe: FittedRecipe, session: Session, *, start: Start) -> dict[str, float]:
    """All steps on labelled frames. Returns the metrics of the training."""
    steps = steps_after(recipe, start)
    loss = fit(task, recipe, steps, session.countdown(steps))
    return {"loss": loss, "steps": float(steps), "warm": float(start is not Start.BACKBONE)}


def fit(task: TrainingTask[Net], recipe: FittedRecipe, steps: int, report: Callable[[int], None]) -> float:
    """All steps. Leaves the running average of the weights in the network; returns the last loss."""
    network = task.network
    groups, rates = _groups(network, recipe)
    optimizer = torch.optim.AdamW(groups, weight_decay=recipe.weight_decay, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=steps, pct_start=recipe.rise)
    average = copy.deepcopy(network).eval().requires_grad_(False)
    loss = torch.zeros(())
    for step in at_best_threads(range(steps)):
        loss = task.loss(step, steps, average)
        if not torch.isfinite(loss):
            raise TrainingError(f"The loss became {loss.item()} at step {step}: lower the recipe's learning rates.")
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(network.parameters(), MAX_GRADIENT_NORM)
        optimizer.step()
        schedule.step()
        follow(average, network, recipe.average if step else 0.0)
        report(step)
    follow(network, average, 0.0)
    return loss.item()


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move `average` toward the weights of `network`; decay 0 takes them over."""
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - decay)


def _groups(network: Network[Any], recipe: FittedRecipe) -> tuple[list[dict[str, Any]], list[float]]:
    backbone = [p for p in network.backbone.parameters() if p.requires_grad]
    fresh = [p for name, p in network.named_parameters() if not name.startswith("backbone.")]
    return [{"params": backbone}, {"params": fresh}], [recipe.backbone_rate, recipe.learning_rate]
