"""What is suggested, in which order; and the scores that are published for it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.errors import RegistryError
from backend.loop.predict.suggest import FIRST_FRAMES, look_ahead, suggestions
from tests.loop.house import EyeForColour, House


@pytest.fixture
def house(tmp_path: Path, quick: None) -> Iterator[House]:
    house = House(tmp_path)
    house.add_project()
    for task in range(1, 13):
        house.add_task(task)
    yield house
    house.registry.close()


def test_an_empty_project(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.add_project()
    house.send("PROJECT_UPDATED")
    assert suggestions(house.services, 1, 20) == []
    with pytest.raises(RegistryError, match="no group 'no such group' in project 1; there are: none"):
        suggestions(house.services, 1, 20, "no such group")
    house.registry.close()


def test_before_any_label_the_frames_differ(house: House) -> None:
    found = suggestions(house.services, 1, 20)
    assert len(found) == FIRST_FRAMES
    assert [one.priority for one in found] == [1.0, 0.8, 0.6, 0.4, pytest.approx(0.2)]
    assert [one.task for one in found[1:3]] == [1, 12], "the ends of the group's time, after its middle"
    assert found[0].score is None
    assert found[0].url == f"http://studio.test/projects/1/data?task={found[0].task}"


def test_frames_are_looked_at_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from backend.learning.network import features

    look_ahead(house.services, 1)
    monkeypatch.setattr(features, "vectors", lambda *_: pytest.fail("all were looked at before"))
    look_ahead(house.services, 1)
    assert len(suggestions(house.services, 1, 20)) == FIRST_FRAMES


def test_a_frame_that_cannot_be_read_is_looked_past(house: House) -> None:
    house.add_task(20, image=b"no image")
    look_ahead(house.services, 1)
    assert len(suggestions(house.services, 1, 3)) == 3


def test_then_the_least_certain_come_first(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    certain = EyeForColour.predict

    def unsure(self: EyeForColour, frames: Any, labeled: Any = (), parents: Any = None) -> Any:
        from dataclasses import replace

        return [replace(p, score=0.1 * (p.task % 10)) for p in certain(self, frames, labeled, parents)]

    monkeypatch.setattr(EyeForColour, "predict", unsure)
    house.label(5)
    house.work()
    found = suggestions(house.services, 1, 20)
    assert len(found) == 11
    assert found[0].task == 10, "its score is the lowest by far"
    scores = [one.score for one in found]
    assert scores == sorted(scores)
    assert len(set(scores)) == 11
    shown = {task: items[0]["score"] for task, items in house.shown().items()}
    assert shown == {one.task: one.score for one in found}
    assert len(suggestions(house.services, 1, 4)) == 4
    uncalibrated_score = house.registry.ledger.latest(1, [3])[3].uncalibrated_score
    assert uncalibrated_score == pytest.approx(0.3)


def test_reviews_move_the_scores_of_the_next_publication(house: House) -> None:
    """The micro-model is sure of itself, and wrong: its next scores are lower, its raw ones are what they were."""
    house.label(5)
    house.work()
    before = house.registry.ledger.latest(1, [12])[12]
    for task in (1, 2, 3, 4):
        house.label(task, [], parent_prediction=1)
    house.work()
    after = house.registry.ledger.latest(1, [12])[12]
    assert before.uncalibrated_score == after.uncalibrated_score == pytest.approx(0.9)
    assert after.score < before.score - 0.1


def test_a_group_in_doubt_comes_before_one_that_is_sure(house: House) -> None:
    for task in range(21, 24):
        house.add_task(task, video="other")
    house.label(5)
    house.work()
    found = suggestions(house.services, 1, 50)
    assert [one.group for one in found[:3]] == ["other"] * 3, "nothing is predicted there yet"
    assert {one.group for one in suggestions(house.services, 1, 50, "clip")} == {"clip"}


def test_labelled_frames_are_not_suggested(house: House) -> None:
    for task in range(1, 13):
        house.label(task)
    house.work()
    assert suggestions(house.services, 1, 20) == []


def test_an_unknown_project_is_told_and_leaves_no_trace(house: House) -> None:
    for ask in (lambda: suggestions(house.services, 99, 20), lambda: look_ahead(house.services, 99)):
        with pytest.raises(RegistryError, match="connected are: 1"):
            ask()
    assert [p.id for p in house.registry.projects.all()] == [1]
