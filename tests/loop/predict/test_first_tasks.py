"""Which tasks of a large group come first, and that they are handed over before the others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import StudioUnreachable
from backend.loop.predict import first_tasks as module
from backend.loop.predict.first_tasks import FIRST_TASKS, LARGE_GROUP, first_tasks
from model_registry import TaskRecord
from tests.loop.house import House


def tasks(count: int) -> list[TaskRecord]:
    return [TaskRecord(number, 1, "clip", {}) for number in range(1, count + 1)]


def test_a_group_that_is_done_soon_has_no_first_tasks() -> None:
    assert first_tasks([], {}) == []
    assert first_tasks(tasks(LARGE_GROUP - 1), {}) == []


def test_half_of_them_are_the_next_ones_and_the_others_lie_all_over_the_group() -> None:
    found = [task.id for task in first_tasks(tasks(10_000), {})]
    assert found[: FIRST_TASKS // 2] == list(range(1, FIRST_TASKS // 2 + 1))
    assert found[-1] > 9_000
    assert max(b - a for a, b in zip(found[FIRST_TASKS // 2 :], found[FIRST_TASKS // 2 + 1 :], strict=False)) <= 500


def test_once_something_was_published_the_lowest_scores_are_among_them() -> None:
    scores = {number: 1 - number / 1000 for number in range(1, 1000)}
    found = {task.id for task in first_tasks(tasks(1000), scores)}
    assert {999, 998, 997} <= found
    assert {1, 2, 3} <= found


@given(count=st.integers(LARGE_GROUP, 900), scored=st.sets(st.integers(1, 900)))
def test_they_are_few_and_in_the_order_of_the_group(count: int, scored: set[int]) -> None:
    group = tasks(count)[::-1]
    found = first_tasks(group, dict.fromkeys(scored, 0.5))
    assert FIRST_TASKS // 2 <= len(found) <= FIRST_TASKS
    assert found == [task for task in group if task in found]


@pytest.fixture
def house(tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """Thirty tasks, which are many here; the last one is labelled, nothing trained yet."""
    monkeypatch.setattr(module, "FIRST_TASKS", 4)
    monkeypatch.setattr(module, "LARGE_GROUP", 24)
    house = House(tmp_path)
    house.add_project()
    for task in range(1, 31):
        house.add_task(task)
    house.label(30)
    yield house
    house.registry.close()


def test_the_first_tasks_are_there_while_the_others_are_predicted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: list[list[int]] = []
    hand_over = house.studio.import_predictions

    def note(project: int, items: Any) -> Any:
        handed.append(sorted(item["task"] for item in items))
        return hand_over(project, items)

    monkeypatch.setattr(house.studio, "import_predictions", note)
    house.work()
    assert handed[0][:2] == [1, 2]
    assert len(handed[0]) == 4
    assert sorted(handed[0] + handed[1]) == list(range(1, 30))
    assert {len(one) for one in house.shown().values()} == {1}


def test_a_run_that_is_cut_off_between_the_two_is_done_again_and_doubles_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_over, calls = house.studio.import_predictions, list[int]()

    def once(project: int, items: Any) -> Any:
        calls.append(len(items))
        if len(calls) == 2:
            raise StudioUnreachable("cut off")
        return hand_over(project, items)

    monkeypatch.setattr(house.studio, "import_predictions", once)
    house.work(1)
    assert len(house.shown()) == 4
    group = house.registry.groups.get(1, "clip")
    assert group
    assert group.state(house.now) == "failed"
    house.now += 4000
    house.work()
    assert sorted(house.shown()) == list(range(1, 30))
    assert {len(one) for one in house.shown().values()} == {1}
