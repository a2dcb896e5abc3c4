"""What a worker takes up next, by the registry alone."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.loop import group_work
from backend.loop.versions import train_now
from backend.types import Control, Progress
from model_registry import Lease
from model_registry.records import PROJECT_GROUP
from tests.loop.house import House, teach


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path, training="manual")
    made.add_project()
    for number, video in enumerate("abc", 1):
        made.add_task(number, video=video)
    yield made
    made.registry.close()


def turns(house: House, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The groups that the worker takes up, in order."""
    taken: list[str] = []
    original = house.worker.run_group
    monkeypatch.setattr(house.worker, "run_group", lambda p, name: (taken.append(name), original(p, name))[1])
    return taken


def test_one_word_works_off_all_groups_that_wait(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for task in (2, 1, 3):
        house.label(task)
    taken = turns(house, monkeypatch)
    house.worker.run_due()
    assert taken == ["b", "a", "c"]
    assert house.registry.groups.pending(house.now) == []


def test_what_a_person_ordered_comes_before_any_number_of_events(
    house: House, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for task in (1, 2, 3):
        house.label(task)
    train_now(house.services, 1, "c")
    taken = turns(house, monkeypatch)
    house.worker.run_due()
    assert taken[0] == "c"
    assert house.registry.versions.serving(1, "c")


def test_an_order_that_comes_while_it_works_is_next(house: House, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for task in (1, 2, 3):
        house.label(task)
    taken = turns(house, monkeypatch)
    watched = house.worker.run_group

    def order(project: int, name: str) -> None:
        watched(project, name)
        if len(taken) == 1:
            train_now(house.services, 1, "c")

    monkeypatch.setattr(house.worker, "run_group", order)
    house.worker.run_due()
    assert taken[:2] == ["a", "c"]


def test_nothing_due_ends_the_look_at_once(house: House) -> None:
    house.worker.run_due()
    assert house.studio.calls == []


def test_a_group_that_is_due_soon_is_waited_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.label(1)
    house.registry.groups.postpone(1, ["a"], quiet=2, patience=60)
    pauses: list[float] = []

    def wait(seconds: float | None = None) -> bool:
        assert seconds is not None
        pauses.append(seconds)
        house.now += seconds
        return False

    monkeypatch.setattr(house.stop, "wait", wait)
    taken = turns(house, monkeypatch)
    house.worker.run_due()
    assert taken == ["a"]
    assert sum(pauses) == pytest.approx(2, abs=0.1)
    assert max(pauses) <= group_work.LOOK_SECONDS, "a more urgent one may come meanwhile"


def test_a_group_that_is_due_later_is_left_to_the_look_round(house: House) -> None:
    house.label(1)
    house.registry.groups.postpone(1, ["a"], quiet=60, patience=600)
    house.worker.run_due()
    assert house.registry.groups.pending(house.now + 61)[0].name == "a"


def test_who_is_idle_is_told_that_there_is_more(house: House) -> None:
    for task in (1, 2):
        house.label(task)
    house.queue.groups.clear()
    house.worker.run_due()
    assert house.queue.groups, "another worker takes the next one"


def test_what_is_for_the_whole_project_waits_for_a_group_that_is_due_soon(
    house: House, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_now(house.services, 1, "a")
    house.label(1)
    house.worker.run_group(1, "a")
    house.registry.groups.request_project_jobs(1)
    house.label(2)
    house.registry.groups.postpone(1, ["b"], quiet=1, patience=60)
    monkeypatch.setattr(house.stop, "wait", lambda seconds: setattr(house, "now", house.now + seconds))
    taken = turns(house, monkeypatch)
    house.worker.run_due()
    assert taken.index("b") < taken.index(PROJECT_GROUP)
    assert taken.count(PROJECT_GROUP) == 1


def test_a_worker_that_stops_takes_no_more(house: House) -> None:
    house.label(1)
    house.stop.cancel("the worker stops")
    house.worker.run_due()
    assert [g.name for g in house.registry.groups.pending(house.now)] == ["a"]


def test_a_group_that_another_worker_holds_is_passed_over(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for task in (1, 2):
        house.label(task)
    assert house.registry.leases.take(Lease(1, "a", "other"), 60)
    taken = turns(house, monkeypatch)
    threading.Thread(target=house.worker.run_due).run()
    assert taken == ["b"]


def test_a_group_in_which_nothing_is_left_gives_way_to_one_that_waits(
    house: House, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.learning import methods

    house.settings.training = "auto"
    house.label(1)
    house.add_task(4, video="b")
    begun: list[int] = []

    def train(control: Control, given: Any, recipe: object) -> Any:
        begun.append(given.labeled[0].frame.task)
        if len(begun) == 1:
            house.label(2)
            house.now += 1
            given.progress(Progress(0.1, 9.0))
            given.cancel.check()
        return teach(control, given, recipe)

    monkeypatch.setattr(methods, "train", train)
    house.worker.run_due()
    assert begun[:3] == [1, 2, 1], "and then the project's own"
    assert [v.state.value for v in house.registry.versions.history(1, "a")] == ["serving", "interrupted"]
    assert all(group.state(house.now) == "idle" for group in house.registry.groups.all(1) if group.tasks)
