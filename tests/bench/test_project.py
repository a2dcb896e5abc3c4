from pathlib import Path
from typing import Any

import pytest

from backend.bench import methods as bench_methods
from backend.bench.methods import MICRO
from backend.bench.project import Project
from backend.bench.replay import Replay
from backend.bench.scenario import scenario_of
from backend.demo.folder import from_folder
from backend.errors import FigureError
from backend.learning import methods
from backend.learning.fitting.trained import Trained
from backend.learning.fitting.training_input import TrainingInput
from backend.settings import Settings
from backend.types import Control
from tests.bench.made import folder_of_squares
from tests.loop.house import teach

pytestmark = pytest.mark.usefixtures("quick")


def opened(tmp_path: Path, seed: int = 0) -> tuple[Project, Replay]:
    data_set = from_folder(folder_of_squares(tmp_path / f"squares {seed}", 12))
    scenario = scenario_of([data_set])
    settings = Settings(label_studio_url="http://nowhere.test", label_studio_api_key="key", device="cpu")  # type: ignore[arg-type]
    project = Project([data_set], scenario, settings, tmp_path / f"data {seed}", seed=seed, together=False)
    return project, Replay(data_set, scenario, [bench_methods.Trained(MICRO, project, 0)], seed, True)


def test_without_labels_nothing_is_trained_or_shown(tmp_path: Path) -> None:
    project, _ = opened(tmp_path)
    with project:
        assert project.work() == 0
        assert project.predictions(project.tasks[0]) == {}


def test_actions_are_those_that_the_product_counts_itself(tmp_path: Path) -> None:
    """Label Studio's address and key in the environment change nothing: nobody is called."""
    project, replay = opened(tmp_path)
    with project:
        replay.begin(2)
        (first,) = replay.measured()
        assert (first.actions, first.left, first.labels, first.quality) == (2, 0, 12, 1.0)
        assert first.seconds > 0
        replay.go_on(4)
        (second,) = replay.measured()
        assert (second.frames, second.actions, second.efficiency) == (6, 2, pytest.approx(1 - 2 / 12))
        reviews = project.reviews()
        assert sum(review.actions for review in reviews) == second.actions
        assert [review.shown for review in reviews] == [False] * 2 + [True] * 4
        assert [review.round for review in reviews] == [0] * 2 + [1] * 4


def test_each_round_begins_anew_and_no_two_trainings_have_the_same_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts: list[tuple[int, bool]] = []

    def noted(control: Control, given: TrainingInput, recipe: object) -> Trained:
        starts.append((given.seed, given.start is not None))
        return teach(control, given, recipe)

    monkeypatch.setattr(methods, "train", noted)
    for seed in (0, 1):
        project, replay = opened(tmp_path, seed)
        with project:
            replay.begin(2)
            replay.measured()
            replay.go_on(2)
            replay.measured()
    assert [warm for _, warm in starts] == [False] * 4
    assert len({seed for seed, _ in starts}) == 4


def test_a_training_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("no memory left")

    monkeypatch.setattr(methods, "train", broken)
    project, replay = opened(tmp_path)
    with project:
        replay.begin(2)
        with pytest.raises(FigureError, match=r"'squares 0' could not be trained: .*no memory left"):
            replay.measured()
