"""The inbox on both engines: what was accepted is there, in order, until it is recorded or refused."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import InboxError
from model_registry import Inbox, Registry, inbox, open_registry
from tests.engines import own_schema, postgres_at_hand
from tests.model_registry.workers import in_processes

ODD = ["", "{}", "\u2028 'ä' \U0001f407", "x" * 3_000_000, '"\\u0000\\ud800"']


@pytest.fixture
def box(registry: Registry) -> Inbox:
    empty(registry.inbox)
    return registry.inbox


@pytest.fixture
def sqlite_box(sqlite_template: Path, tmp_path: Path) -> Iterator[Inbox]:
    with open_registry(f"sqlite:///{tmp_path}/registry.db", str(tmp_path / "artifacts")) as registry:
        yield registry.inbox


def empty(box: Inbox) -> None:
    """Tests share the tables of one PostgreSQL schema."""
    with box._database.writing() as connection:
        connection.execute(inbox.events.delete())


def texts(box: Inbox) -> list[str]:
    return [arrival.event for arrival in box.take()]


def append_some(url: str, artifacts: str, project: int, count: int) -> int:
    with open_registry(url, artifacts) as registry:
        for number in range(count):
            registry.inbox.append(project, str(number))
    return count


def test_nothing(box: Inbox) -> None:
    assert box.take() == box.refused() == []
    assert box.waiting() == 0
    box.done([])
    box.done([5])
    box.refuse(5, "none such")
    assert box.refused() == []


def test_events_come_out_as_they_went_in_and_in_their_order(box: Inbox) -> None:
    for text in ODD:
        box.append(2**40, text, vouched=text == "{}")
    assert texts(box) == ODD
    assert [a.vouched for a in box.take()] == [text == "{}" for text in ODD]
    assert {a.project for a in box.take()} == {2**40}
    assert {a.received_at for a in box.take()} == {1000.0}


def test_what_is_not_done_is_taken_again(box: Inbox) -> None:
    for number in range(5):
        box.append(1, str(number))
    box.done([arrival.id for arrival in box.take(2)])
    assert texts(box) == ["2", "3", "4"]
    assert box.waiting() == 3


def test_a_batch_is_bounded_by_its_bytes_and_takes_a_single_large_event(
    box: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "BATCH_BYTES", 100)
    for size in (200, 60, 40, 1):
        box.append(1, "x" * size)
    sizes = []
    while batch := box.take():
        sizes.append([len(arrival.event) for arrival in batch])
        box.done([arrival.id for arrival in batch])
    assert sizes == [[200], [60, 40], [1]]


def test_a_refused_event_is_set_aside_with_its_reason_and_waits_no_more(box: Inbox) -> None:
    for text in ("good", "bad", "good too"):
        box.append(7, text)
    ids = [arrival.id for arrival in box.take()]
    box.refuse(ids[1], "ValueError: it is bad")
    assert texts(box) == ["good", "good too"]
    box.done(ids)
    assert box.waiting() == 0
    assert [(one.id, one.project, one.refused) for one in box.refused()] == [(ids[1], 7, "ValueError: it is bad")]


def test_refused_events_do_not_pile_up(box: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "KEPT_REFUSED", 2)
    for text in "abc":
        box.append(1, text)
    for arrival in box.take():
        box.refuse(arrival.id, arrival.event)
    assert [one.refused for one in box.refused()] == ["b", "c"]


@pytest.mark.parametrize(("name", "most"), [("MOST_EVENTS", 3), ("MOST_BYTES", 30)])
def test_a_full_inbox_says_so_and_has_room_again_later(
    box: Inbox, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    monkeypatch.setattr(inbox, name, most)
    monkeypatch.setattr(inbox, "COUNT_SECONDS", -1.0)
    for _ in range(3):
        box.append(1, "ten letter")
    with pytest.raises(InboxError, match="full"):
        box.append(1, "ten letter")
    box.done([box.take(1)[0].id])
    box.append(1, "ten letter")
    assert box.waiting() == 3


def test_one_records_at_a_time(box: Inbox) -> None:
    with box.recorder() as first, box.recorder() as second:
        assert (first, second) == (True, False)
        box.append(1, "nobody waits for who records")
    with box.recorder() as again:
        assert again


def test_registries_in_two_schemas_of_one_database_record_at_the_same_time(tmp_path: Path) -> None:
    with (
        postgres_at_hand() as server,
        own_schema(server) as one,
        own_schema(server) as other,
        open_registry(one, str(tmp_path)) as first,
        open_registry(other, str(tmp_path)) as second,
    ):
        with first.inbox.recorder() as mine, second.inbox.recorder() as theirs:
            assert (mine, theirs) == (True, True)
            second.inbox.append(1, "of the second")
        assert first.inbox.waiting() == 0


def test_an_event_is_accepted_while_the_registry_is_locked(box: Inbox, registry: Registry, url: str) -> None:
    if not url.startswith("sqlite"):
        pytest.skip("PostgreSQL's writers do not wait for each other")
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        box.append(1, "here")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            sqlite3.connect(url.removeprefix("sqlite:///"), timeout=0).execute("BEGIN IMMEDIATE")
    assert texts(box) == ["here"]


@pytest.mark.slow
def test_processes_append_at_once_and_nothing_is_lost(box: Inbox, url: str, tmp_path: Path) -> None:
    counts = in_processes(append_some, *((url, str(tmp_path / "artifacts"), project, 50) for project in (1, 2, 3)))
    assert counts == [50, 50, 50]
    taken = box.take(1000)
    for project in (1, 2, 3):
        assert [a.event for a in taken if a.project == project] == [str(n) for n in range(50)]


def test_who_appends_is_killed_and_the_event_is_there(url: str, tmp_path: Path, box: Inbox) -> None:
    code = """
import sys
from model_registry import open_registry
registry = open_registry(sys.argv[1], sys.argv[2])
registry.inbox.append(3, "kept")
print("accepted", flush=True)
sys.stdin.read()
"""
    command = [sys.executable, "-c", code, url, str(tmp_path / "artifacts")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        assert child.stdout.readline() == "accepted\n"
        os.kill(child.pid, signal.SIGKILL)
        assert child.wait(10) == -signal.SIGKILL
    assert texts(box) == ["kept"]


def test_who_records_is_killed_and_another_takes_over(url: str, tmp_path: Path, box: Inbox) -> None:
    code = """
import sys
from model_registry import open_registry
registry = open_registry(sys.argv[1], sys.argv[2])
with registry.inbox.recorder() as alone:
    print(alone, len(registry.inbox.take()), flush=True)
    sys.stdin.read()
"""
    box.append(3, "kept")
    command = [sys.executable, "-c", code, url, str(tmp_path / "artifacts")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        assert child.stdout.readline() == "True 1\n"
        with box.recorder() as alone:
            assert not alone
        os.kill(child.pid, signal.SIGKILL)
        assert child.wait(10) == -signal.SIGKILL
    assert free_again(box)
    assert texts(box) == ["kept"]


def free_again(box: Inbox) -> bool:
    """PostgreSQL notices in a moment that a client is gone."""
    for _ in range(200):
        with box.recorder() as alone:
            if alone:
                return True
        threading.Event().wait(0.05)
    return False


def test_the_file_is_private(sqlite_box: Inbox, tmp_path: Path) -> None:
    sqlite_box.append(1, "secret")
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("registry.inbox.db*") if "-" in path.name}
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize("what", [b"no database at all " * 500, b"SQLite format 3\0" + bytes(range(256)) * 30])
def test_a_damaged_file_is_set_aside_when_it_is_opened(sqlite_box: Inbox, tmp_path: Path, what: bytes) -> None:
    sqlite_box.close()
    (tmp_path / "registry.inbox.db").write_bytes(what)
    with open_registry(f"sqlite:///{tmp_path}/registry.db", str(tmp_path / "artifacts")) as registry:
        registry.inbox.append(1, "goes on")
        assert texts(registry.inbox) == ["goes on"]
    [aside] = list(tmp_path.glob("registry.inbox.db.damaged-*"))
    assert aside.read_bytes() == what


def test_a_file_that_is_damaged_while_it_is_used_is_set_aside(sqlite_box: Inbox, tmp_path: Path) -> None:
    sqlite_box.append(1, "before")
    file = tmp_path / "registry.inbox.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.write_bytes(b"\xff" * file.stat().st_size)
    with pytest.raises(sqlite3.DatabaseError, match="not a database"), closing(sqlite3.connect(file)) as connection:
        connection.execute("SELECT 1 FROM inbox_events")
    sqlite_box._database.engine.dispose()  # a connection may go on with what it has read
    sqlite_box.append(1, "after")
    assert texts(sqlite_box) == ["after"]
    assert len(list(tmp_path.glob("registry.inbox.db.damaged-*"))) == 1


def test_another_process_goes_on_with_the_new_file(sqlite_box: Inbox, tmp_path: Path) -> None:
    with open_registry(f"sqlite:///{tmp_path}/registry.db", str(tmp_path / "artifacts")) as other:
        other.inbox.append(1, "before")
        with closing(sqlite3.connect(tmp_path / "registry.inbox.db")) as connection:
            connection.execute("DROP TABLE inbox_events")
            connection.commit()
        with (
            pytest.raises(sqlite3.OperationalError, match="no such table"),
            closing(sqlite3.connect(tmp_path / "registry.inbox.db")) as connection,
        ):
            connection.execute("SELECT 1 FROM inbox_events")
        sqlite_box.append(1, "after")
        assert texts(other.inbox) == ["after"]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 3)),
        st.tuples(st.just("take"), st.integers(1, 4)),
        st.tuples(st.just("record"), st.integers(1, 4)),
        st.tuples(st.just("refuse"), st.integers(0, 3)),
    ),
    max_size=30,
)


@pytest.fixture(scope="module")
def lasting_box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inbox]:
    """One for all examples; each begins by emptying it."""
    folder = tmp_path_factory.mktemp("inbox")
    with open_registry(f"sqlite:///{folder}/r.db", str(folder / "a")) as registry:
        yield registry.inbox


@given(steps=STEPS)
def test_no_event_is_lost_and_the_order_is_kept(lasting_box: Inbox, steps: list[tuple[str, int]]) -> None:
    """Against a list: whatever is appended, taken, recorded and refused in whatever order."""
    empty(lasting_box)
    waiting: list[tuple[int, str]] = []
    recorded: list[int] = []
    refused = 0
    for number, (step, value) in enumerate(steps):
        if step == "append":
            lasting_box.append(value, str(number))
            waiting.append((value, str(number)))
        elif step == "take":
            assert [(a.project, a.event) for a in lasting_box.take(value)] == waiting[:value]
        elif step == "record":
            lasting_box.done([a.id for a in lasting_box.take(value)])
            recorded += [int(text) for _, text in waiting[:value]]
            del waiting[:value]
        elif value < len(waiting):
            lasting_box.refuse(lasting_box.take()[value].id, "why")
            del waiting[value]
            refused += 1
    assert [(a.project, a.event) for a in lasting_box.take(1000)] == waiting
    assert lasting_box.waiting() == len(waiting)
    assert len(lasting_box.refused()) == refused
    assert recorded == sorted(recorded)
