"""Against real sockets: a server that drips."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpcore
import httpx
import pytest

from backend.cancel import CancelSource
from backend.errors import StudioUnreachable, TrainingInterrupted
from backend.studio import patience, transport
from backend.studio.client import Studio
from backend.studio.patience import Patience, during

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"


@contextmanager
def dripping(content: bytes, seconds: float, at_once: int = 0) -> Iterator[tuple[str, list[int]]]:
    """(address of a server that sends `at_once` bytes, then one each so many seconds, how many it sent to each client)."""
    sent: list[int] = []
    over = threading.Event()

    def serve(client: socket.socket, number: int) -> None:
        with client:
            client.recv(65536)
            try:
                client.sendall(content[:at_once])
                sent[number] = at_once
                for n in range(at_once, len(content)):
                    if over.wait(seconds):
                        return
                    client.sendall(content[n : n + 1])
                    sent[number] += 1
            except OSError:
                return  # nobody waits for more

    def accept() -> None:
        while not over.is_set():
            try:
                client, _ = listening.accept()
            except OSError:
                return
            sent.append(0)
            threading.Thread(target=serve, args=(client, len(sent) - 1), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}", sent
        finally:
            over.set()


def get(url: str, waiting: Patience) -> bytes:
    with httpx.Client(transport=patience.transport(), timeout=30) as client, during(waiting):
        return client.get(url).content


@pytest.mark.parametrize("at_once", [0, 20, len(HEAD), len(HEAD) + 500], ids=["nothing", "head", "body", "half a body"])
def test_a_drip_ends_where_patience_does(at_once: int) -> None:
    with dripping(HEAD + bytes(1000), 0.02, at_once) as (url, sent):
        waiting = Patience(seconds=100, grace=0.3, floor=1e6)
        with pytest.raises(httpx.ReadTimeout):
            get(url, waiting)
        assert waiting.left <= 0
        assert at_once < sent[0] < len(HEAD) + 1000


def test_all_time_together_is_bounded_however_many_bytes_come() -> None:
    with dripping(HEAD + bytes(1000), 0.01, len(HEAD)) as (url, _):
        waiting = Patience(seconds=0.4, grace=0.3, floor=1)
        with pytest.raises(httpx.ReadTimeout):
            get(url, waiting)
        assert waiting.received > len(HEAD)


def test_an_answer_in_time_comes_whole() -> None:
    with dripping(HEAD + bytes(1000), 0, len(HEAD) + 990) as (url, _):
        assert get(url, Patience(seconds=60, grace=60, floor=1)) == bytes(1000)


@pytest.mark.parametrize("at_once", [0, len(HEAD) + 5])
def test_whoever_stops_waiting_is_let_go(at_once: int) -> None:
    with dripping(HEAD + bytes(1000), 60, at_once) as (url, sent):
        stop = CancelSource()
        threading.Timer(0.1, stop.cancel, ["the worker stops"]).start()
        with pytest.raises(TrainingInterrupted):
            get(url, Patience(seconds=600, grace=600, floor=1, cancel=stop))
        assert sent[0] == at_once


def test_a_dripping_page_of_the_api_is_label_studio_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "GRACE_SECONDS", 0.3)
    page = b'{"tasks": [' + b" " * 1000
    with dripping(HEAD + page, 0.02, len(HEAD)) as (url, sent):
        studio = Studio(url, "key")
        for ask in (lambda: list(studio.tasks(1)), studio.whoami, lambda: studio.project(1)):
            with pytest.raises(StudioUnreachable, match="No answer from Label Studio"):
                ask()
        assert len(sent) >= 3
        assert all(len(HEAD) < n < len(HEAD + page) for n in sent)
        studio.close()


def test_a_server_that_never_answers_is_not_asked_four_times_its_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "GRACE_SECONDS", 0.3)
    with dripping(HEAD, 60) as (url, sent):
        studio = Studio(url, "key")
        with pytest.raises(StudioUnreachable):
            studio.whoami()
        assert len(sent) == 1
        studio.close()


def test_the_outer_patience_holds() -> None:
    outer, inner = Patience(1, 1, 1), Patience(2, 2, 2)
    with during(outer) as first, during(inner) as second:
        assert first is second is outer
    with during(inner) as alone:
        assert alone is inner
    assert not patience.is_over()


def test_a_pause_ends_with_patience_and_begins_a_new_try(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    waiting = Patience(seconds=10, grace=1, floor=1)
    with during(waiting):
        patience.pause(3)
        assert waiting.left == 1
        patience.pause(100)
        assert patience.is_over()
    assert sum(slept) == pytest.approx(10)
    patience.pause(100)
    assert sum(slept) == pytest.approx(110)


@pytest.mark.parametrize("size", [0, 1])
def test_each_stretch_must_bring_its_bytes(size: int) -> None:
    now = [0.0]

    def read(bytes_: int) -> Callable[[float], bytes]:
        def take(seconds: float) -> bytes:
            now[0] += 0.5
            return bytes(bytes_)

        return take

    waiting = Patience(seconds=1000, grace=10, floor=10, clock=lambda: now[0])
    for _ in range(100):
        waiting.read(read(10), None)  # twice the floor
    assert waiting.left > 0

    def drip() -> None:
        for _ in range(100):
            waiting.read(read(size), None)

    with pytest.raises(httpcore.ReadTimeout, match="bytes in"):
        drip()
    assert waiting.left <= 0
