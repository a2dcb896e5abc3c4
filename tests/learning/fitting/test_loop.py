from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from backend.cancel import NEVER, CancelToken
from backend.errors import TrainingError, TrainingInterrupted
from backend.learning.fitting.loop import fit, follow, overfit, overfit_twice
from backend.learning.fitting.recipe import TwoStageRecipe
from backend.learning.fitting.session import Session
from backend.types import Progress, Start

RECIPE = TwoStageRecipe(
    crop=16, steps=40, warm_steps=10, pseudo_steps=20, pseudo_frames=3, pseudo_share=0.5, sibling_share=0.5
)


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
class Lesson:
    """y = 2 x + 1; from the second stage on something else is said to be so."""

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

    def widen(self, cancel: CancelToken) -> None:
        self.events.append("widen")
        cancel.check()
        self.bias = 1.1


@pytest.fixture
def lesson() -> Lesson:
    torch.manual_seed(0)
    return Lesson(Line())


def _session(told: list[Progress]) -> Session:
    return Session(torch.device("cpu"), np.random.default_rng(0), told.append, NEVER, lambda: 0.0, 0.0)


def test_learns_and_leaves_frozen_layers_alone(lesson: Lesson) -> None:
    before = [p.clone() for p in lesson.network.backbone[0].parameters()]
    first = lesson.loss(0, 1, Line()).item()
    fast = replace(RECIPE, learning_rate=0.05, backbone_rate=0.05)
    assert fit(lesson, fast, 400, lambda _: None) < 0.3 * first  # type: ignore[arg-type]
    assert all(torch.equal(a, b) for a, b in zip(before, lesson.network.backbone[0].parameters(), strict=True))


@pytest.mark.parametrize(("start", "steps"), [("backbone", 40), ("project", 40), ("sibling", 20), ("serving", 10)])
def test_the_groups_own_start_needs_fewer_steps(lesson: Lesson, start: str, steps: int) -> None:
    told: list[Progress] = []
    metrics = overfit(lesson, RECIPE, _session(told), start=Start(start))  # type: ignore[arg-type]
    assert (metrics["steps"], metrics["warm"]) == (steps, float(start != "backbone"))
    assert "widen" not in lesson.events
    assert [one.done for one in told] == pytest.approx(np.arange(1, steps + 1) / steps)


def test_unlabelled_frames_come_in_between_two_stages(lesson: Lesson) -> None:
    told: list[Progress] = []
    metrics = overfit_twice(lesson, RECIPE, _session(told), start=Start.SERVING, wide=True)  # type: ignore[arg-type]
    assert metrics["steps"] == 30
    assert lesson.events.index("widen") == 10
    assert lesson.events[9:12] == ["9/10", "widen", "0/20"]
    done = [one.done for one in told]
    assert done == sorted(done)
    assert done[-1] == 1.0


def test_a_loss_that_is_no_number_ends_the_training(lesson: Lesson) -> None:
    lesson.spoiled = 3
    with pytest.raises(TrainingError, match="nan at step 3: lower the recipe's learning rates"):
        fit(lesson, RECIPE, 10, lambda _: None)  # type: ignore[arg-type]


def test_what_progress_raises_passes_through(lesson: Lesson) -> None:
    def interrupt(step: int) -> None:
        raise TrainingInterrupted("newer labels came")

    with pytest.raises(TrainingInterrupted, match="newer labels"):
        fit(lesson, RECIPE, 10, interrupt)  # type: ignore[arg-type]
    assert lesson.events == ["0/10"]


def test_the_average_follows_slowly_and_takes_over_at_zero() -> None:
    average, network = nn.Linear(1, 1), nn.Linear(1, 1)
    nn.init.zeros_(average.weight)
    nn.init.ones_(network.weight)
    follow(average, network, 0.75)
    assert average.weight.item() == 0.25
    follow(average, network, 0.0)
    assert average.weight.item() == 1.0
