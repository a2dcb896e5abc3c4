from collections.abc import Callable

import numpy as np
import pytest
import torch

from backend.errors import TrainingError
from backend.learning.fitting.session import Session, session
from backend.learning.fitting.training_input import TrainingInput
from backend.types import Progress, Weights
from tests.learning.synthetic import clip


class Clock:
    """Ten seconds pass between two looks."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 10
        return self.now


@pytest.mark.parametrize(
    ("frames", "labels", "found"), [(0, ("a",), "0 labelled frames and 1"), (1, (), "0 keypoints")]
)
def test_nothing_to_learn_from(frames: int, labels: tuple[str, ...], found: str) -> None:
    given = TrainingInput(labeled=clip(1).frames[:frames], labels=labels)
    with pytest.raises(TrainingError, match=found), session(given, kind="keypoints"):
        pass


def _given(seed: int, tell: Callable[[Progress], None] = lambda _: None) -> TrainingInput:
    frames = clip(1).frames
    return TrainingInput(labeled=frames, labels=("a",), device="cpu", seed=seed, progress=tell, clock=Clock())


def _session(seed: int, told: list[Progress]) -> Session:
    with session(_given(seed, told.append)) as under_way:
        return under_way


def test_the_seed_rules_and_the_process_is_left_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    drawn = []
    for seed in (1, 1, 2):
        with session(_given(seed)) as under_way:
            drawn.append((float(torch.rand(())), under_way.rng.random()))
    assert drawn[0] == drawn[1] != drawn[2]
    assert torch.equal(torch.get_rng_state(), before)


def test_seconds_left_follow_from_the_pace() -> None:
    told: list[Progress] = []
    tell = _session(0, told).countdown(4)
    for step in range(4):
        tell(step)
    assert told == [Progress(0.25, 30.0), Progress(0.5, 20.0), Progress(0.75, 10.0), Progress(1.0, 0.0)]


def test_two_parts_tell_how_far_the_whole_is() -> None:
    told: list[Progress] = []
    parts = _session(0, told).parts(0.75)
    for part, steps in zip(parts, (3, 1), strict=True):
        tell = part.countdown(steps)
        for step in range(steps):
            tell(step)
    assert [progress.done for progress in told] == [0.25, 0.5, 0.75, 1.0]
    # Three quarters took 70 s, since the clock is looked at twice a step, and once as each part begins.
    assert [progress.seconds_left for progress in told][2:] == [pytest.approx(70 / 3), 0.0]


def test_the_end_says_how_long_it_took() -> None:
    trained = _session(0, []).trained(Weights({"w": np.zeros(1)}), {"loss": 1.0})
    assert (trained.seconds, trained.metrics) == (10.0, {"loss": 1.0})
