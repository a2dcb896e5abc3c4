"""A real server that is killed right after it has answered a webhook: what it accepted is there after its restart."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.demo.child import free_port
from tests.loop.house import CONFIG

LABELS = 30


class Server:
    """`micro-models serve` without a worker."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.url = folder, ""
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MICRO_MODELS_")}
        env = kept | {"PORT": str(port), "MICRO_MODELS_HOST": "127.0.0.1", "MICRO_MODELS_DATA_DIR": str(self.folder)}
        self.process = subprocess.Popen([sys.executable, "-m", "backend", "serve", "--no-worker"], env=env)
        wait(self.is_up, "the server to answer")

    def is_up(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=2, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        assert self.process
        os.kill(self.process.pid, signal.SIGKILL)
        assert self.process.wait(20) == -signal.SIGKILL
        assert not self.is_up()

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)

    def connect(self) -> None:
        """As Label Studio does when somebody adds the model."""
        body = {"project": "1.1", "schema": CONFIG}
        httpx.post(f"{self.url}/setup", json=body, timeout=20, trust_env=False).raise_for_status()

    def webhook(self, action: str, **payload: Any) -> httpx.Response:
        body = {"action": action, "project": {"id": 1, "label_config": CONFIG}, **payload}
        return httpx.post(f"{self.url}/webhook", json=body, timeout=20, trust_env=False)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path / "data")
    made.start()
    yield made
    made.stop()


def wait(until: Any, what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, f"not in {seconds} s: {what}"
        time.sleep(0.05)


def rows(file: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        return [row[0] for row in connection.execute(query)]


def labels(server: Server) -> list[int]:
    return sorted(rows(server.folder / "registry.db", "SELECT id FROM labels"))


def annotation(number: int) -> dict[str, Any]:
    row = {"id": number, "task": 1, "result": [], "was_cancelled": False, "updated_at": "2026-01-01T00:00:00Z"}
    return {"annotation": row, "task": {"id": 1, "data": {"video": "clip"}}}


def test_what_was_accepted_survives_the_kill_of_the_server(server: Server) -> None:
    registry = server.folder / "registry.db"
    server.connect()
    assert server.webhook("TASKS_CREATED", tasks=[{"id": 1, "data": {"video": "clip"}}]).status_code == 200
    wait(lambda: rows(registry, "SELECT id FROM tasks") == [1], "the task to be recorded")
    with closing(sqlite3.connect(registry, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # so that nothing of it is recorded before the kill
        for number in range(1, LABELS + 1):
            assert server.webhook("ANNOTATION_CREATED", **annotation(number)).json() == {"status": "received"}
        server.kill()
    assert labels(server) == []
    inbox = server.folder / "registry.inbox.db"
    assert len(rows(inbox, "SELECT id FROM inbox_events")) == LABELS
    server.start()
    wait(lambda: labels(server) == list(range(1, LABELS + 1)), "the labels to be recorded")
    wait(lambda: rows(inbox, "SELECT id FROM inbox_events") == [], "the inbox to be empty")
