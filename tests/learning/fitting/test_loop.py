from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from backend.cancel import NEVER
from backend.errors import TrainingError, TrainingInterrupted
from backend.learning.fitting.loop import fit, follow, overfit
from backend.learning.fitting.recipe import FEWEST_STEPS, FittedRecipe
from backend.learning.fitting.session import Session
from backend.types import Progress, Start

RECIPE = FittedRecipe(crop=16, steps=40, warm_steps=10, sibling_share=0.5)


class Line(nn.Module):
    """As much of a network as the loop touches: a frozen and a trained part of a backbone, and the rest."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
        nn.init.ones_(self.backbone[0].weight)  # near 0 it would hide x from the trained layers
        self.backbone[0].requires_grad_(False)
        self.head = nn.Linear(1, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.backbone(x))
        return out


@dataclass
class LineTask:
    """y = 2 x + 1."""

    network: Line
    bias: float = 1.0
    spoiled: int = -1
    events: list[str] = field(default_factory=list)

    def loss(self, step: int, steps: int, average: Line) -> Tensor:
        assert average is not self.network
        self.events.append(f"{step}/{steps}")
        x = torch.linspace(-1, 1, 8)[:, None]
        loss = (self.network(x) - 2 * x - self.bias).square().mean()
        return loss * float("nan") if step == self.spoiled else loss


@pytest.fixture
def task() -> LineTask:
    torch.manual_seed(0)
    return LineTask(Line())


def _session(told: list[Progress]) -> Session:
    return Session(torch.device("cpu"), np.random.default_rng(0), told.append, NEVER, lambda: 0.0, 0.0)


def test_learns_and_leaves_frozen_layers_alone(task: LineTask) -> None:
    before = [p.clone() for p in task.network.backbone[0].parameters()]
    first = task.loss(0, 1, Line()).item()
    fast = replace(RECIPE, learning_rate=0.05, backbone_rate=0.05)
    assert fit(task, fast, 400, lambda _: None) < 0.3 * first  # type: ignore[arg-type]
    assert all(torch.equal(a, b) for a, b in zip(before, task.network.backbone[0].parameters(), strict=True))


@pytest.mark.parametrize(("start", "steps"), [("backbone", 40), ("project", 40), ("sibling", 20), ("serving", 10)])
def test_the_groups_own_start_needs_fewer_steps(task: LineTask, start: str, steps: int) -> None:
    told: list[Progress] = []
    metrics = overfit(task, RECIPE, _session(told), start=Start(start))  # type: ignore[arg-type]
    assert (metrics["steps"], metrics["warm"]) == (steps, float(start != "backbone"))
    assert [one.done for one in told] == pytest.approx(np.arange(1, steps + 1) / steps)


def test_a_loss_that_is_no_number_ends_the_training(task: LineTask) -> None:
    task.spoiled = 3
    with pytest.raises(TrainingError, match="nan at step 3: lower the recipe's learning rates"):
        fit(task, RECIPE, 10, lambda _: None)  # type: ignore[arg-type]


def test_what_progress_raises_passes_through(task: LineTask) -> None:
    def interrupt(step: int) -> None:
        raise TrainingInterrupted("newer labels came")

    with pytest.raises(TrainingInterrupted, match="newer labels"):
        fit(task, RECIPE, 10, interrupt)  # type: ignore[arg-type]
    assert task.events == ["0/10"]


def test_the_average_follows_slowly_and_takes_over_at_zero() -> None:
    average, network = nn.Linear(1, 1), nn.Linear(1, 1)
    nn.init.zeros_(average.weight)
    nn.init.ones_(network.weight)
    follow(average, network, 0.75)
    assert average.weight.item() == 0.25
    follow(average, network, 0.0)
    assert average.weight.item() == 1.0


@pytest.mark.parametrize("start", Start)
def test_the_least_effort_leaves_room_for_the_schedule(task: LineTask, start: Start) -> None:
    least = replace(RECIPE, sibling_share=0.7).with_effort(0.001)
    metrics = overfit(task, least, _session([]), start=start)  # type: ignore[arg-type]
    assert metrics["steps"] >= FEWEST_STEPS
