"""The server's connections, over real sockets: whoever says little or too much goes, and others are served meanwhile."""

import contextlib
import resource
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn

from backend.web import bodies, connections
from backend.web.app import create_app
from backend.web.connections import BACKLOG, PatientProtocol
from tests.loop.house import House

HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /webhook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


class Served:
    """The application behind a real server, in a thread."""

    def __init__(self, house: House) -> None:
        self.house = house
        house.registry.projects.seen(1)
        config = uvicorn.Config(
            create_app(house.services), port=0, http=PatientProtocol, ws="none", backlog=BACKLOG, log_level="warning"
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run)

    def __enter__(self) -> "Served":
        self.thread.start()
        until(lambda: self.server.started)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join()

    def connect(self, say: bytes = b"") -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        made.sendall(say)
        return made

    def say(self, text: bytes) -> bytes:
        """All that is answered until the connection ends."""
        with self.connect(text) as made:
            return everything(made)

    def is_well(self) -> bool:
        return httpx.get(f"http://127.0.0.1:{self.port}/health", timeout=20, trust_env=False).status_code == 200


def everything(made: socket.socket) -> bytes:
    heard = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := made.recv(65536):
            heard += chunk
    return heard


def until(holds: Any, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    house = House(tmp_path_factory.mktemp("house"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "HEAD_SECONDS", 0.3)
        patch.setattr(bodies, "PATIENCE", 0.3)
        patch.setattr(connections, "PIECE_SECONDS", 0.15)
        with Served(house) as served:
            yield served
    house.registry.close()


@pytest.mark.parametrize("head", [b"", b"G", b"GET / HTTP/1.1\r\n", POST, HEALTH[:-2]])
def test_a_request_that_is_never_finished_ends(served: Served, head: bytes) -> None:
    assert served.say(head) == b""


@pytest.mark.parametrize("path", [b"/webhook", b"/setup", b"/health", b"/nowhere", b"/projects/1/actions"])
@pytest.mark.parametrize("length", [b"Content-Length: 100\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"])
@pytest.mark.parametrize("body", [b"", b"{"])
def test_a_body_that_does_not_come_ends_without_an_answer(
    served: Served, path: bytes, length: bytes, body: bytes
) -> None:
    assert served.say(POST.replace(b"/webhook", path) + length + body) == b""


def test_a_body_that_drips_is_answered_and_ends(served: Served) -> None:
    with served.connect(POST + b"Content-Length: 1000\r\n\r\n") as made, dripping(made, b" "):
        answer = everything(made)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"connection: close" in answer.lower()


@contextlib.contextmanager
def dripping(made: socket.socket, drop: bytes) -> Iterator[None]:
    """Something is said now and then, less than a piece's patience apart."""
    ended = threading.Event()

    def drip() -> None:
        with contextlib.suppress(OSError):
            while not ended.wait(0.05):
                made.sendall(drop)

    thread = threading.Thread(target=drip)
    thread.start()
    yield
    ended.set()
    thread.join()


def test_a_refused_body_is_not_waited_for_by_who_asks_before_sending_it(served: Served) -> None:
    answer = served.say(POST.replace(b"webhook", b"health") + b"Content-Length: 100\r\nExpect: 100-continue\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 405")


def test_a_head_that_drips_ends(served: Served) -> None:
    with served.connect() as made, dripping(made, b"x"):
        assert everything(made) == b""


def test_a_second_request_that_is_never_finished_ends(served: Served) -> None:
    answer = served.say(HEALTH + b"GET / HT")
    assert answer.startswith(b"HTTP/1.1 200")


def test_many_who_say_half_are_not_in_the_way(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 50)
    monkeypatch.setattr(connections, "HEAD_SECONDS", 60)
    monkeypatch.setattr(connections, "PIECE_SECONDS", 60)
    monkeypatch.setattr(bodies, "PATIENCE", 60)
    halves = [b"GET / HT", POST + b"Content-Length: 100\r\n\r\n{"]
    open_now = served.server.server_state.connections
    with contextlib.ExitStack() as stack:
        made = [stack.enter_context(served.connect(halves[n % 2])) for n in range(150)]
        assert served.is_well()
        until(lambda: len(open_now) <= 50)
        for one in made[:100]:
            assert everything(one) == b"", "those that waited longest made room"
        assert len(open_now) >= 40, "the others are still waited for"
    until(lambda: not open_now)


def test_who_waits_for_an_answer_is_not_sent_away(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request takes longer than the patience with its head; another comes on the same connection afterwards."""
    go, projects = threading.Event(), served.house.registry.projects
    slow = projects.secrets

    def secrets() -> dict[int, str]:
        go.wait(20)
        return slow()

    monkeypatch.setattr(projects, "secrets", secrets)
    with served.connect(POST + b"Content-Length: 2\r\n\r\n{}") as made:
        time.sleep(3 * connections.HEAD_SECONDS)
        go.set()
        made.sendall(HEALTH[:-2] + b"Connection: close\r\n\r\n")
        first, second = everything(made).split(b"HTTP/1.1 ")[1:]
    assert first.startswith(b"403")
    assert second.startswith(b"200")


def test_an_answer_that_nobody_fetches_does_not_keep_the_connection(served: Served) -> None:
    asked = b"GET /static/dashboard.css HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.socket() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        made.connect(("127.0.0.1", served.port))
        with contextlib.suppress(OSError):
            made.settimeout(1)
            for _ in range(2000):
                made.sendall(asked)
        until(lambda: not served.server.server_state.connections)
    assert served.is_well()


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"GET /health HTTP/1.0\r\n\r\n", b"200"),
        (b"GET /health HTTP/1.0\r\nHost: evil.example\r\n\r\n", b"421"),
        (b"GET http://evil.example/status?project=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET http://localhost/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", b"421"),
        (b"GET /health HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", b"400"),
        (b"GET /health HTTP/1.1\r\nHost: [::1]:9090\r\nConnection: close\r\n\r\n", b"200"),
        (b"GET /health HTTP/1.1\r\nHost: localhost.:9090\r\nConnection: close\r\n\r\n", b"200"),
        (b"GET /health HTTP/1.1\r\nHost: evil.example.:9090\r\nConnection: close\r\n\r\n", b"421"),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 200_000 + b"\r\n\r\n", b"400"),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 30_000 + b"\r\n", b"400"),
        (b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"400"),
        (POST + b"Content-Length: x\r\n\r\n{}", b"400"),
        (POST + b"Content-Length: -1\r\n\r\n{}", b"400"),
        (POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", b"400"),
        (POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", b"400"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n", b"400"),
        (POST + b"Transfer-Encoding: gzip\r\n\r\n{}", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"404"),
        (b"GET /%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"400"),
        (b"GET /projects/1?search=%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"400"),
        (b"GET /projects/1%2fgroups%2fclip HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET /..%2f..%2fetc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET /static/..%2f..%2fapp.py HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"404"),
        (b"HEAD /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"405"),
        (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n\r\n", b"200"),
    ],
    ids=lambda value: value[:40].decode("latin-1") if len(value) > 3 else value.decode(),
)  # fmt: skip
def test_odd_requests(served: Served, text: bytes, status: bytes) -> None:
    answer = served.say(text)
    assert answer.split(b" ")[1] == status
    assert served.is_well()


def test_several_requests_at_once_on_one_connection(served: Served) -> None:
    answer = served.say(HEALTH * 20 + HEALTH[:-2] + b"Connection: close\r\n\r\n")
    assert answer.count(b'"status":"UP"') == 21


def test_a_body_that_was_refused_does_not_become_the_next_request(served: Served) -> None:
    hidden = b"GET /status?project=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    head = b"POST /setup HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(
        hidden
    )
    answer = served.say(head + hidden)
    assert answer.count(b"HTTP/1.1") == 1
    assert answer.startswith(b"HTTP/1.1 415")


def test_nothing_of_a_refused_giant_is_kept_and_its_sender_reads_why(served: Served) -> None:
    before = peak()
    with served.connect(POST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n") as made:
        for _ in range(200):
            made.sendall(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
        made.sendall(b"0\r\n\r\n")
        assert everything(made).startswith(b"HTTP/1.1 413")
    assert peak() - before < 5 * bodies.MOST_STRANGER
    assert served.is_well()


def peak() -> int:
    """Most memory that this process ever had, bytes."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
