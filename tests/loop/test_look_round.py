"""The look-round of a worker: it leaves word for what the registry says is left to do, and not more than is heard."""

from pathlib import Path

import pytest

from backend.loop.sweep import WORDS_AT_ONCE, LookRound
from tests.loop.house import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path, sweep_seconds=100)
    made.add_project()
    return made


def quiet(house: House) -> None:
    """Nobody has left word since."""
    house.queue.groups.clear()
    house.queue.projects.clear()


def test_nothing_to_do(house: House) -> None:
    house.add_task(1)
    quiet(house)
    LookRound(house.services)()
    assert house.queue.groups == []
    assert house.queue.projects == [1]


def test_lost_words_are_left_again(house: House) -> None:
    house.add_task(1)
    house.label(1)
    quiet(house)  # as when Redis came back empty
    LookRound(house.services)()
    assert house.queue.groups == [(1, "clip")]


def test_no_more_words_than_are_heard(house: House) -> None:
    for task in range(1, WORDS_AT_ONCE + 6):
        house.add_task(task, video=f"clip {task}")
        house.label(task)
    quiet(house)
    look = LookRound(house.services)
    look()
    look()
    assert len(house.queue.groups) == len(set(house.queue.groups)) == WORDS_AT_ONCE
    assert (1, "clip 1") in house.queue.groups  # who waits longest
    del house.queue.groups[:10]
    look()
    assert len(house.queue.groups) == WORDS_AT_ONCE


def test_a_project_that_another_worker_has_just_swept_is_left_alone(house: House) -> None:
    house.add_task(1)
    quiet(house)
    mine, other = LookRound(house.services), LookRound(house.services)
    mine()
    other()  # each once at its start: nobody knows what came while no worker ran
    assert house.queue.projects == [1, 1]
    house.now += 90
    house.registry.projects.mark_synced(1, house.now)
    house.now += 20
    mine()
    assert house.queue.projects == [1, 1]
    house.now += 100
    mine()
    assert house.queue.projects == [1, 1, 1]
