"""The look-round of a worker: it leaves word for what the registry says is left to do, and not more than is heard."""

from pathlib import Path

import pytest

from backend.loop.events.draining import receive
from backend.loop.events.sweep import ORDER_SECONDS, Reconciler
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
    Reconciler(house.services)()
    assert house.queue.groups == []
    assert house.queue.projects == [1]


def test_lost_words_are_left_again(house: House) -> None:
    house.add_task(1)
    house.label(1)
    quiet(house)  # as when Redis came back empty
    Reconciler(house.services)()
    assert house.queue.groups == [(1, "clip")]


def test_one_word_is_enough_for_any_number_of_groups(house: House) -> None:
    for task in (1, 2, 3):
        house.add_task(task, video=f"clip {task}")
        house.label(task)
    quiet(house)
    Reconciler(house.services)()
    assert house.queue.groups == [(1, "clip 1")]  # who waits longest


def test_what_lies_in_the_inbox_is_recorded(house: House) -> None:
    receive(house.services, {"action": "TASK_CREATED", "project": 1, "tasks": [{"id": 5, "data": {"video": "new"}}]})
    assert house.registry.tasks.ids(1) == set()
    Reconciler(house.services)()
    assert house.registry.tasks.ids(1) == {5}
    assert house.registry.inbox.waiting() == 0


def test_an_order_of_which_the_word_was_lost_is_sent_for_again(house: House) -> None:
    house.add_task(1)
    look = Reconciler(house.services)
    look()
    house.send("START_TRAINING")
    quiet(house)
    look()
    assert house.queue.projects == [], "not at once: it may only be slow"
    house.now += ORDER_SECONDS
    look()
    assert house.queue.projects == [1]


def test_a_project_that_another_worker_has_just_swept_is_left_alone(house: House) -> None:
    house.add_task(1)
    quiet(house)
    mine, other = Reconciler(house.services), Reconciler(house.services)
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
