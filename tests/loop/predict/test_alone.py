"""One odd thing costs itself alone: a frame, a label, a group, a name, an answer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.errors import StudioUnreachable
from backend.learning import methods
from backend.loop.data import training_set
from backend.loop.pages.status import project_status
from backend.loop.predict import transfer
from backend.loop.predict.alone import predict_each
from backend.loop.review import reviewing
from backend.loop.train import project_model
from backend.types import Frame, Instance, Prediction
from model_registry.records import PROJECT_GROUP
from tests.loop.house import House, square_of
from tests.untrained import EyeForColour


def frames(*tasks: int) -> list[Frame]:
    return [Frame(task, np.zeros((4, 4, 3), np.uint8), 4, 4, float(task)) for task in tasks]


@dataclass(frozen=True)
class Picky:
    """A micro-model that chokes on some tasks' frames."""

    chokes_on: frozenset[int] = frozenset()
    with_: Exception = ValueError("a frame of one pixel")  # noqa: RUF009
    nbytes: int = 1

    def predict(self, frames: Sequence[Frame], labeled: object = (), parents: object = None) -> list[Prediction]:
        if {frame.task for frame in frames} & self.chokes_on:
            raise self.with_
        return [Prediction(frame.task, (), 0.9) for frame in frames]


def test_a_frame_that_a_micro_model_chokes_on() -> None:
    found, odd = predict_each(Picky(frozenset({2})), frames(1, 2, 3), (), None)
    assert [one.task for one in found] == [1, 3]
    assert odd == {2: "cannot be predicted: ValueError: a frame of one pixel"}


def test_where_no_frame_can_be_predicted_it_is_not_the_frames() -> None:
    with pytest.raises(ValueError, match="one pixel"):
        predict_each(Picky(frozenset({1, 2})), frames(1, 2), (), None)
    assert predict_each(Picky(), [], (), None) == ([], {})


def test_what_is_not_of_a_frame_is_not_asked_again() -> None:
    with pytest.raises(StudioUnreachable):
        predict_each(Picky(frozenset({1}), StudioUnreachable("away")), frames(1, 2), (), None)


@pytest.fixture
def house(tmp_path: Path, quick: None) -> House:
    house = House(tmp_path, proposals=False)
    house.add_project()
    for task in range(1, 7):
        house.add_task(task)
    return house


def group(house: House, name: str = "clip") -> dict[str, Any]:
    return {g["group"]: g for g in project_status(house.services, 1)["groups"]}[name]


def test_the_others_of_its_group_are_published(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def predict(self: EyeForColour, frames: Sequence[Frame], *_: object) -> list[Prediction]:
        if any(frame.task == 5 for frame in frames):
            raise RuntimeError("no kernel for this size")
        return [Prediction(frame.task, (), 0.9) for frame in frames]

    monkeypatch.setattr(EyeForColour, "predict", predict)
    house.label(1)
    house.work()
    assert set(house.shown()) == {2, 3, 4, 6}
    assert group(house)["state"] == "idle"
    problem = house.registry.listing.problems(1, "clip", 9)
    assert [(task.id, task.problem) for task in problem] == [
        (5, "cannot be predicted: RuntimeError: no kernel for this size")
    ]


def test_numbers_that_are_none_are_not_shown(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def predict(self: EyeForColour, frames: Sequence[Frame], *_: object) -> list[Prediction]:
        x0, y0, x1, y1 = map(float, square_of(1))
        good, bad = Instance("square", (x0, y0, x1, y1), 0.9), Instance("square", (x0, math.nan, x1, y1), 0.9)
        return [Prediction(f.task, (good, bad), math.nan if f.task == 3 else 0.9) for f in frames]

    monkeypatch.setattr(EyeForColour, "predict", predict)
    house.label(1)
    house.work()
    assert group(house)["state"] == "idle"
    shown = {task: items[0] for task, items in house.shown().items()}
    assert {len(item["result"]) for item in shown.values()} == {1}
    assert all(math.isfinite(item["score"]) for item in shown.values())
    assert min(shown, key=lambda task: shown[task]["score"]) == 3


def test_a_label_that_cannot_be_compared(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.label(1)
    house.work()
    compare, odd = reviewing.compare, house.label(2)

    def chokes(shown: Any, result: Any, *hidden: Any) -> Any:
        if result and result[0]["id"] == "r2":
            raise KeyError("frame")
        return compare(shown, result, *hidden)

    monkeypatch.setattr(reviewing, "compare", chokes)
    house.label(3)
    reviewing.review_pending(house.services, 1)
    assert house.registry.reviews.pending(1, 9) == []
    made = {one.annotation: one.labels for one in house.registry.reviews.summaries(1)}
    assert made.pop(odd) == 0
    assert list(made.values()) == [1, 1]
    house.work()
    assert (group(house)["state"], group(house)["trained_labels"]) == ("idle", 3)


def test_a_label_that_cannot_be_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    real = training_set.tags.for_control

    @dataclass(frozen=True)
    class Chokes:
        inner: Any

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

        def read(self, result: Any, *rest: Any) -> Any:
            if result[0]["id"] == "r2":
                raise RecursionError("deep")
            return self.inner.read(result, *rest)

    monkeypatch.setattr(training_set.tags, "for_control", lambda control: Chokes(real(control)))
    house.label(1)
    house.label(2)
    house.work()
    state = group(house)
    assert (state["state"], state["trained_labels"], state["version"]) == ("idle", 1, "v1")
    assert "task 2: its annotation cannot be read (RecursionError: deep)" in state["reason"]


def test_a_group_for_which_no_proposal_can_be_made(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_model, "FEWEST_GROUPS", 99)
    house = House(tmp_path)
    house.add_project()
    for number, name in enumerate("abc"):
        for task in range(1, 4):
            house.add_task(10 * number + task, video=name)
    made = transfer._Transfer._predict

    def chokes(self: Any, record: Any, *rest: Any) -> None:
        if record.name == "b":
            raise ZeroDivisionError
        made(self, record, *rest)

    monkeypatch.setattr(transfer._Transfer, "_predict", chokes)
    house.label(1)
    house.work()
    assert {21, 22, 23} <= set(house.shown())
    common = house.registry.groups.get(1, PROJECT_GROUP)
    assert common is not None
    assert "proposals for b" in str(common.reason)


def test_proposals_are_tried_again_where_all_media_were_away(tmp_path: Path, quick: None) -> None:
    house = House(tmp_path)
    house.add_project()
    house.add_task(1, video="a")
    house.add_task(2, video="a")
    for task in (11, 12):
        house.add_task(task, video="b", image=b"")
    house.label(1)
    house.work()
    assert {task.id for task in house.registry.listing.problems(1, "b", 9)} == {11, 12}
    for task in (11, 12):
        (house.media / f"{task}.png").write_bytes((house.media / "1.png").read_bytes())
    house.add_task(3, video="a")  # news
    house.work()
    assert {11, 12} <= set(house.shown())


def test_a_control_whose_parent_cannot_be_trained(tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(tmp_path, proposals=False)
    house.add_project()
    for task, name in ((1, "a"), (2, "b")):
        house.add_task(task, video=name)
        house.label(task)
    train = methods.train

    def chokes(control: Any, given: Any, recipe: Any) -> Any:
        if len(given.labeled) > 1:
            raise ArithmeticError("overflow")
        return train(control, given, recipe)

    monkeypatch.setattr(methods, "train", chokes)
    house.work()
    common = house.registry.groups.get(1, PROJECT_GROUP)
    assert common is not None
    assert common.reason == "label: overflow"
    assert {group(house, name)["state"] for name in "ab"} == {"idle"}


@pytest.mark.parametrize("name", ["a\0b", "half \ud83d pair", "story " * 2000, "\0", pytest.param(10**5000, id="long")])
def test_a_name_that_no_engine_stores(house: House, name: object) -> None:
    house.add_task(8, video=name)  # type: ignore[arg-type]
    others = [{"id": task, "data": {"video": of, "frame": task}} for task, of in ((9, "clip"), (10, name))]
    house.send("TASKS_CREATED", tasks=others)
    assert house.registry.tasks.ids(1) >= {8, 9, 10}
    [eight, ten] = [house.registry.tasks.get(1, task) for task in (8, 10)]
    assert eight is not None
    assert ten is not None
    assert eight.group == ten.group
    before = house.registry.groups.get(1, eight.group)
    house.send("TASKS_CREATED", tasks=[{"id": 8, "data": house.studio.rows[8]["data"]}])
    assert house.registry.groups.get(1, eight.group) == before
    house.label(8)
    house.work()
    assert group(house, eight.group)["trained_labels"] == 1


def test_an_order_beyond_all_numbers(house: House) -> None:
    house.add_task(8, frame=10**400)
    house.label(1)
    house.work()
    assert 8 in house.shown()
