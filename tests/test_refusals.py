"""What the machine refuses is one clear line and exit code 1: no traceback, nothing half-written, no worker left."""

import errno
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from backend import __main__ as command_line
from backend import process
from backend.jobs.supervisor import Supervisor
from model_registry import database
from tests.disk import small_disk


class Console:
    """The command line as somebody types it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def refuses(self, *words: str) -> str:
        """Run a command that cannot succeed; what it says."""
        self._monkeypatch.setattr("sys.argv", ["micro-models", *words])
        with pytest.raises(SystemExit) as stop:
            command_line.main()
        said = self._capsys.readouterr().err
        assert stop.value.code == 1
        assert said.startswith("Error: ")
        assert said.count("\n") == 1, said
        assert "Traceback" not in said
        return said

    def runs(self, *words: str) -> str:
        """Run a command that succeeds; what it says."""
        self._monkeypatch.setattr("sys.argv", ["micro-models", *words])
        with pytest.raises(SystemExit) as stop:
            command_line.main()
        assert stop.value.code == 0
        return self._capsys.readouterr().out


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder that the commands use; not there yet."""
    monkeypatch.setenv("MICRO_MODELS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(process, "configure_logging", lambda settings: None)
    return tmp_path / "data"


@pytest.fixture
def console(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Console:
    return Console(monkeypatch, capsys)


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> list[Supervisor]:
    """The workers that were started."""
    started: list[Supervisor] = []
    monkeypatch.setattr(Supervisor, "start", lambda self: started.append(self))
    return started


def test_a_data_folder_that_is_a_file(console: Console, data: Path) -> None:
    data.write_text("mine")
    assert "it is a file" in console.refuses("status")
    assert data.read_text() == "mine"


def test_a_data_folder_below_a_file(console: Console, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data.write_text("mine")
    monkeypatch.setenv("MICRO_MODELS_DATA_DIR", str(data / "deeper"))
    assert "Not a directory" in console.refuses("status")


def test_a_data_folder_whose_parent_is_missing_is_made(
    console: Console, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MICRO_MODELS_DATA_DIR", str(data / "a" / "b"))
    console.runs("status")
    assert (data / "a" / "b" / "registry.db").is_file()


def test_a_link_that_leads_to_itself(console: Console, data: Path) -> None:
    data.symlink_to(data)
    assert "MICRO_MODELS_DATA_DIR" in console.refuses("status")


def test_a_data_folder_that_is_read_only(console: Console, data: Path) -> None:
    with small_disk(data) as disk:
        disk.lock("ro")
        assert "may not write to it" in console.refuses("status")
        disk.lock("rw")
        console.runs("status")


def test_a_full_disk(console: Console, data: Path) -> None:
    with small_disk(data) as disk:
        disk.fill()
        assert "room" in console.refuses("status")
        disk.empty()
        console.runs("status")


def test_a_damaged_registry(console: Console, data: Path) -> None:
    data.mkdir()
    (data / "registry.db").write_bytes(b"garbage" * 1000)
    for words in (["status"], ["serve"], ["worker"], ["train", "--project", "1"]):
        assert "micro-models restore DIR" in console.refuses(*words)
    assert (data / "registry.db").read_bytes() == b"garbage" * 1000


def test_a_locked_registry(console: Console, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    console.runs("status")
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(data / "registry.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "locked by another process" in console.refuses("status")
        other.execute("ROLLBACK")
    console.runs("status")


@contextmanager
def listening() -> Iterator[int]:
    """A port that something else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


def test_a_port_that_is_taken_starts_no_worker(
    console: Console, workers: list[Supervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MICRO_MODELS_HOST", "127.0.0.1")
    with listening() as port:
        said = console.refuses("serve", "--port", str(port))
    assert f"127.0.0.1:{port}: something else listens there" in said
    assert "--port" in said
    assert workers == []


@pytest.mark.parametrize("port", ["0", "-1", "65536", "99999999999999999999"])
def test_a_port_out_of_range(console: Console, workers: list[Supervisor], port: str) -> None:
    assert ("equal to 1" if int(port) < 1 else "equal to 65535") in console.refuses("serve", "--port", port)
    assert workers == []


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host", "a" * 80, "::99999"])
def test_an_address_that_is_not_this_machines(
    console: Console, workers: list[Supervisor], monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("MICRO_MODELS_HOST", host)
    assert f"Cannot listen on {host}" in console.refuses("serve", "--port", "8521").replace("\n", " ")
    assert workers == []


@pytest.mark.parametrize(
    ("number", "said"), [(errno.ENOSPC, "No space left"), (errno.EROFS, "Read-only"), (errno.EACCES, "denied")]
)
def test_any_other_refusal_of_the_system(
    console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, said: str
) -> None:
    import os

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number), "explain.png")

    monkeypatch.setattr("backend.explain.explain.explain", refuse)
    found = console.refuses("explain")
    assert said in found
    assert "explain.png" in found


def test_a_reader_that_has_seen_enough_is_no_error(
    console: Console, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse: Callable[..., None] = lambda *_: (_ for _ in ()).throw(BrokenPipeError())  # noqa: E731
    monkeypatch.setattr("backend.explain.explain.explain", refuse)
    monkeypatch.setattr("sys.argv", ["micro-models", "explain"])
    monkeypatch.setattr("sys.stdout", None)
    with pytest.raises(SystemExit):
        command_line.main()
    assert capsys.readouterr().err == ""
