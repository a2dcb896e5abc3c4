"""From the inbox into the registry: each event costs itself alone, and what cannot be written now waits."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import model_registry.database
from backend.errors import InboxError
from backend.loop.events import draining
from backend.loop.events.draining import Recorder, drain, receive, settle
from backend.loop.events.sweep import sweep_project
from model_registry import inbox, open_registry
from tests.engines import own_schema, postgres_at_hand
from tests.loop.house import CONFIG, House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    made.add_project()
    for task in range(1, 6):
        made.add_task(task)
    yield made
    made.registry.close()


def event(
    house: House, task: int, number: int, action: str = "ANNOTATION_CREATED", at: float = 0, **more: Any
) -> dict[str, Any]:
    at = at or number
    row = {
        "id": number, "task": task, "result": [{"n": number}], "was_cancelled": False,
        "updated_at": f"2026-01-01T00:00:{at:02}Z", **more,
    }  # fmt: skip
    data = house.studio.rows[task]["data"] if task in house.studio.rows else {}
    return {
        "action": action,
        "project": {"id": 1, "label_config": CONFIG},
        "annotation": row,
        "task": {"id": task, "data": data},
    }


def labels(house: House) -> set[int]:
    return set(house.registry.labels.known(1))


def wait(until: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_an_event_is_kept_first_and_recorded_then(house: House) -> None:
    assert receive(house.services, event(house, 1, 10)) == "received"
    assert labels(house) == set()
    assert drain(house.services)
    assert labels(house) == {10}
    assert house.registry.inbox.waiting() == 0
    assert (1, "clip") in house.queue.groups


def test_what_is_no_event_is_not_kept(house: House) -> None:
    assert receive(house.services, {"action": "LABEL_LINK_CREATED", "project": 1}) == "ignored"
    assert house.registry.inbox.waiting() == 0


def test_a_burst_is_few_transactions_and_one_revision(house: House) -> None:
    for number in range(10, 60):
        receive(house.services, event(house, 1 + number % 5, number))
    before = house.registry.groups.get(1, "clip")
    with counted(house) as begun:
        assert drain(house.services)
    after = house.registry.groups.get(1, "clip")
    assert labels(house) == set(range(10, 60))
    assert before
    assert after
    assert after.wanted == before.wanted + 1
    assert len(begun) <= 2


class counted:
    """Counts the write transactions of a house's registry."""

    def __init__(self, house: House) -> None:
        self._engine, self._begun = house.registry._database.engine, list[object]()

    def __enter__(self) -> list[object]:
        from sqlalchemy import event as events

        events.listen(self._engine, "begin", self._note)
        return self._begun

    def __exit__(self, *_: object) -> None:
        from sqlalchemy import event as events

        events.remove(self._engine, "begin", self._note)

    def _note(self, connection: Any) -> None:
        if connection.get_execution_options().get("writes"):
            self._begun.append(connection)


def test_events_twice_and_out_of_order_end_in_the_newest(house: House) -> None:
    house.now = 1767225660.0  # the events are of the past: one of the time to come counts as now
    newest = event(house, 1, 10, "ANNOTATION_UPDATED", at=30)
    for payload in (newest, event(house, 1, 10, at=20), newest, event(house, 1, 10, at=20)):
        receive(house.services, payload)
    drain(house.services)
    [label] = house.registry.labels.of_group(1, "clip")
    assert label.updated_at == 1767225630.0


def test_a_label_that_was_deleted_stays_so_whatever_comes_late(house: House) -> None:
    receive(house.services, event(house, 1, 10))
    receive(house.services, {"action": "ANNOTATIONS_DELETED", "project": 1, "annotations": [{"id": 10}]})
    receive(house.services, event(house, 1, 10))
    drain(house.services)
    assert labels(house) == set()


def test_five_thousand_annotations_in_one_event_hold_the_lock_in_portions(house: House) -> None:
    rows = [event(house, 1 + n % 5, 100 + n, at=1)["annotation"] for n in range(5000)]
    tasks = [{"id": task, "data": house.studio.rows[task]["data"]} for task in range(1, 6)]
    receive(house.services, {"action": "ANNOTATIONS_CREATED", "project": 1, "annotations": rows, "tasks": tasks})
    with counted(house) as begun:
        drain(house.services)
    assert labels(house) == set(range(100, 5100))
    assert len(begun) >= 25


def poisoned(monkeypatch: pytest.MonkeyPatch, bad: int) -> list[int]:
    """Recording this label fails, whatever it is recorded with; returns how often that happened."""
    met: list[int] = []
    original = model_registry.registry.record_labels

    def record(connection: Any, project: int, seen: Any, *rest: Any, **more: Any) -> Any:
        seen = list(seen)
        if any(label.id == bad for label in seen):
            met.append(bad)
            raise ValueError(f"label {bad} cannot be stored")
        return original(connection, project, seen, *rest, **more)

    monkeypatch.setattr("model_registry.registry.record_labels", record)
    return met


def test_a_poisonous_event_costs_itself_alone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.add_project(2)
    met = poisoned(monkeypatch, 12)
    for number in range(10, 15):
        receive(house.services, event(house, 1, number))
    receive(house.services, {"action": "TASK_CREATED", "project": 2, "tasks": [{"id": 9, "data": {}}]})
    assert drain(house.services)
    assert met, "the poison was never met"
    assert labels(house) == {10, 11, 13, 14}
    assert house.registry.tasks.ids(2) == {9}
    [refusal] = house.registry.inbox.refused()
    assert (refusal.project, refusal.refused) == (1, "ValueError: label 12 cannot be stored")
    assert 1 in house.queue.projects, "the sweep repairs what can be repaired"


def test_a_row_that_is_no_json_costs_itself_alone(house: House) -> None:
    receive(house.services, event(house, 1, 10))
    house.registry.inbox.append(1, '{"action": "ANNOTATION_CREA')
    receive(house.services, event(house, 1, 11))
    assert drain(house.services)
    assert labels(house) == {10, 11}
    assert "JSONDecodeError" in house.registry.inbox.refused()[0].refused


def test_a_locked_registry_refuses_nothing_and_loses_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_registry.database, "BUSY_SECONDS", 0.1)
    file = house.settings.folder / "registry.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        receive(house.services, event(house, 1, 10))
        assert time.monotonic() - started < 5
        with pytest.raises(Exception, match="locked"):
            drain(house.services)
    assert house.registry.inbox.refused() == []
    assert drain(house.services)
    assert labels(house) == {10}


def test_the_recorder_goes_on_when_the_registry_does(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_registry.database, "BUSY_SECONDS", 0.1)
    monkeypatch.setattr(draining, "AGAIN_SECONDS", 0.05)
    told = threading.Event()
    monkeypatch.setattr(draining.log, "error", lambda *_, **__: told.set(), raising=False)
    receive(house.services, event(house, 1, 10))
    recorder = Recorder(house.services)
    with closing(sqlite3.connect(house.settings.folder / "registry.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        recorder.start()
        assert told.wait(20), "the lock was never met"
        assert labels(house) == set()
    try:
        wait(lambda: labels(house) == {10})
        receive(house.services, event(house, 1, 11))
        wait(lambda: labels(house) == {10, 11})
    finally:
        recorder.stop()


def test_what_cannot_be_kept_is_asked_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "MOST_EVENTS", 0)
    with pytest.raises(InboxError, match="full"):
        receive(house.services, event(house, 1, 10))
    assert house.queue.projects[-1] == 1


def test_a_sweep_records_first_what_came_before_it(house: House) -> None:
    house.studio.rows[1]["annotations"] = [event(house, 1, 10, at=30)["annotation"]]
    receive(house.services, event(house, 1, 10, at=20))
    receive(house.services, {"action": "ANNOTATION_DELETED", "project": 1, "annotation": {"id": 10}})
    sweep_project(house.services, 1)
    assert house.registry.inbox.waiting() == 0
    assert labels(house) == {10}, "Label Studio was asked after it had told of the deletion, and lists it"


def test_settling_waits_for_another_who_records(house: House) -> None:
    receive(house.services, event(house, 1, 10))
    begun, go = threading.Event(), threading.Event()

    def other() -> None:
        with house.registry.inbox.recorder() as alone:
            assert alone
            begun.set()
            go.wait(20)
        drain(house.services)

    thread = threading.Thread(target=other)
    thread.start()
    assert begun.wait(20)
    assert not drain(house.services)
    waiter = threading.Thread(target=settle, args=(house.services,))
    waiter.start()
    waiter.join(0.3)
    assert waiter.is_alive()
    go.set()
    waiter.join(20)
    thread.join(20)
    assert not waiter.is_alive()
    assert labels(house) == {10}


def test_several_servers_share_a_postgresql_and_nothing_is_lost_or_reordered(tmp_path: Path) -> None:
    """Each accepts and each would record; one at a time does."""
    with postgres_at_hand() as postgres, own_schema(postgres) as schema:
        house = House(tmp_path, database_url=schema)
        others = [open_registry(schema, house.settings.artifacts, house.clock) for _ in range(2)]
        servers = [house.services, *(replace(house.services, registry=other) for other in others)]
        recorders = [Recorder(server) for server in servers]
        try:
            house.add_project()
            for task in range(1, 6):
                house.add_task(task)
            for recorder in recorders:
                recorder.start()
            for version in range(1, 31):  # the same five labels again and again, at one server after the other
                for number in range(1, 6):
                    payload = event(house, number, 100 + number, at=version)
                    payload["annotation"]["result"] = [{"version": version}]
                    receive(servers[(version + number) % 3], payload)
            wait(lambda: house.registry.inbox.waiting() == 0)
        finally:
            for recorder in recorders:
                recorder.stop()
        found = house.registry.labels.of_group(1, "clip")
        assert [label.result for label in found] == [[{"version": 30}]] * 5
        assert house.registry.inbox.refused() == []
        for registry in (*others, house.registry):
            registry.close()


def test_an_order_comes_after_the_labels_before_it(house: House) -> None:
    receive(house.services, event(house, 1, 10))
    receive(house.services, {"action": "START_TRAINING", "project": {"id": 1, "label_config": CONFIG}})
    drain(house.services)
    project = house.registry.projects.get(1)
    assert project
    assert project.settings["training_requested"] is True
    assert labels(house) == {10}
