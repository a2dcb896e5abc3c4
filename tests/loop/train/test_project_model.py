from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import TrainingError
from backend.learning import methods
from backend.learning.fitting.training_input import TrainingInput
from backend.loop.data.project_news import baselines, project_models
from backend.loop.pages.status import project_status
from backend.loop.train.project_model import MAX_FRAMES, PER_GROUP, shared_out
from backend.loop.worker import preemption
from backend.types import Control, Progress
from model_registry import VersionRecord
from model_registry.records import PROJECT_GROUP
from tests.loop.house import House, teach
from tests.loop.train.test_initialization import TWIN, add_clip, dark, serving


@pytest.fixture
def house(quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """Two groups that look different, with two labels each."""
    monkeypatch.setattr(preemption, "LOOK_SECONDS", 0.0)
    made = House(tmp_path)
    made.add_project()
    add_clip(made, "a", 1, label=2)
    for task in range(51, 55):
        made.add_task(task, video="night", image=dark(5))
    for task in (51, 52):
        made.label(task, [])
    return made


def parent(house: House) -> VersionRecord:
    return house.registry.versions.serving(1, PROJECT_GROUP)["label"]


def history(house: House) -> list[VersionRecord]:
    return house.registry.versions.history(1, PROJECT_GROUP)


def is_parents(unlabeled: Any) -> bool:
    return unlabeled == ()


@given(
    st.dictionaries(st.text(max_size=3), st.lists(st.integers(0, 99), unique=True), max_size=12),
    st.integers(1, 5),
    st.integers(0, 20),
)
def test_labels_are_shared_out_fairly(labelled: dict[str, list[int]], each: int, most: int) -> None:
    chosen = shared_out(labelled, each, most)
    sizes = [len(tasks) for tasks in chosen.values()]
    total = sum(min(each, len(tasks)) for tasks in labelled.values())
    assert sum(sizes) == min(most, total)
    for name, tasks in chosen.items():
        assert set(tasks) <= set(labelled[name])
        assert len(set(tasks)) == len(tasks) <= each
        wanted = min(each, len(labelled[name]))
        assert len(tasks) in (wanted, min(wanted, max(sizes)), min(wanted, max(sizes) - 1))


def test_the_bounds_hold_for_a_large_project() -> None:
    chosen = shared_out({f"g{n:04}": range(1000) for n in range(1000)}, PER_GROUP, MAX_FRAMES)
    assert sum(map(len, chosen.values())) == len(chosen) == MAX_FRAMES
    assert min(chosen) < "g0020"
    assert max(chosen) > "g0980"


def test_it_is_trained_over_all_labelled_groups_and_is_no_group_itself(house: House) -> None:
    house.work()
    one = parent(house)
    assert (one.labels, one.start, one.metrics["available"]) == (4, "backbone", 4)
    assert set(one.metrics["groups"]) == {"a", "night"}
    told = project_status(house.services, 1)
    assert told["project_model"] == "v1"
    assert [g["group"] for g in told["groups"]] == ["a", "night"]
    assert [g["state"] for g in told["groups"]] == ["idle", "idle"]
    assert sum(g["trained_labels"] for g in told["groups"]) == 4
    [a, _] = told["groups"]
    assert (a["project_score"], a["project_score_held_out"]) == (1.0, False)
    assert house.registry.groups.pending(house.now) == []
    assert house.registry.listing.groups(1)[1] == 2
    assert house.registry.listing.counts(1)[1].states == {"idle": 2}


def test_not_again_before_enough_labels_came_and_then_judged_on_what_it_had_never_seen(house: House) -> None:
    house.work()
    house.label(3)
    house.work()
    assert parent(house).number == 1
    house.label(4)
    house.work()
    assert (parent(house).number, parent(house).start, parent(house).labels) == (2, "serving", 6)
    groups = parent(house).metrics["groups"]
    assert (groups["a"]["unseen"]["frames"], groups["night"]["unseen"]) == (2, None)
    found = baselines(project_models(house.services, 1))
    assert (found["a"].held_out, found["a"].frames) == (True, 2)
    assert "night" not in found, "frames that hold nothing tell nothing of it"


def test_groups_without_a_label_have_it(house: House) -> None:
    house.work()
    for task in range(101, 104):
        house.add_task(task, video="dusk", image=dark(30))
    house.work()
    dusk = next(g for g in project_status(house.services, 1)["groups"] if g["group"] == "dusk")
    assert dusk["proposed_by"] == "the project model v1"
    house.label(101, [])
    house.work()
    assert (serving(house, "dusk").start, serving(house, "dusk").previous) == ("project", parent(house).id)


def test_a_labelled_group_does_not_wait_for_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[str] = []

    def train(control: Control, given: TrainingInput, recipe: object) -> Any:
        if is_parents(given.unlabeled) and not trained:
            trained.append("parent begins")
            house.label(3)
            given.progress(Progress(0.1, 9.0))
            given.cancel.check()
            pytest.fail("went on")
        trained.append("parent" if is_parents(given.unlabeled) else "group")
        return teach(control, given, recipe)

    house.worker.run_group(1, "night")
    monkeypatch.setattr(methods, "train", train)
    house.worker.run_group(1, PROJECT_GROUP)
    assert [str(v.state) for v in history(house)] == ["interrupted"]
    house.work()
    assert trained == ["parent begins", "group", "parent"]
    assert [str(v.state) for v in history(house)] == ["serving", "interrupted"]


def test_a_poisoned_one_stops_no_group(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(control: Control, given: TrainingInput, recipe: object) -> Any:
        if is_parents(given.unlabeled):
            raise TrainingError("The loss became nan")
        return teach(control, given, recipe)

    monkeypatch.setattr(methods, "train", train)
    house.work()
    common = house.registry.groups.get(1, PROJECT_GROUP)
    assert common is not None
    assert (common.state(house.now), common.reason) == ("failed", "label: The loss became nan")
    house.label(3)
    add_clip(house, "b", 1 + TWIN)
    told = project_status(house.services, 1)
    assert [(g["state"], g["trained_labels"]) for g in told["groups"]] == [("idle", 3), ("idle", 0), ("idle", 2)]
    assert told["groups"][1]["proposed_by"] == "a v2"
    assert told["project_model"] is None


def test_not_where_training_is_manual(quick: None, tmp_path: Path) -> None:
    house = House(tmp_path, training="manual")
    house.add_project()
    add_clip(house, "a", 1, label=1)
    add_clip(house, "b", 1 + TWIN, label=1)
    for name in ("a", "b"):
        house.registry.groups.force(1, name)
    house.work()
    assert {g["trained_labels"] for g in project_status(house.services, 1)["groups"]} == {1}
    assert history(house) == []


def test_memory_bounds_the_frames(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.settings.frame_cache_mb = 0
    house.work()
    assert history(house) == []
