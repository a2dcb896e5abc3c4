"""Whatever is sent, the answer is one: no 5xx, no traceback, no memory that stays, and others are served meanwhile.

Bodies and addresses that hypothesis makes, what schemathesis makes of /openapi.json, and broken requests over real sockets: some
8,000 calls, the same ones each time; `make promises` makes ten times as many new ones.
"""

import asyncio
import contextlib
import gc
import logging
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any
from urllib.parse import unquote

import pytest
import schemathesis
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from starlette.types import ASGIApp, Message

from backend.web.app import create_app
from tests.loop.house import CONFIG, House
from tests.web import fuzzing
from tests.web.fuzzing import Call
from tests.web.test_connections import Served

pytestmark = pytest.mark.slow
CALLS_PER_EXAMPLE = 40
"""Calls in all, at least, for each example of the profile."""
QUIET = settings(suppress_health_check=list(HealthCheck), database=None)
OURS = ((b"host", b"localhost"), (b"sec-fetch-site", b"same-origin"))


class Fuzzed:
    """An application that is called without a server, and what came out."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.app: ASGIApp = create_app(house.services)
        self.answers: Counter[int] = Counter()
        self.loop = asyncio.new_event_loop()

    def __call__(self, *calls: Call) -> list[int]:
        return self.loop.run_until_complete(self._all(calls))

    async def _all(self, calls: tuple[Call, ...]) -> list[int]:
        return [await self._one(call) for call in calls]

    async def _one(self, call: Call) -> int:
        path, _, query = call.path.partition("?")
        kind = [(b"content-type", call.kind.encode("latin-1"))] if call.kind else []
        scope: dict[str, Any] = {
            "type": "http", "http_version": "1.1", "method": call.method, "path": unquoted(path), "raw_path": path.encode(),
            "query_string": query.encode(), "root_path": "", "scheme": "http", "server": ("localhost", 80),
            "headers": [*OURS, *kind, (b"content-length", str(len(call.body)).encode())],
        }  # fmt: skip
        said: list[Message] = []
        bodies = [call.body]

        async def receive() -> Message:
            return {"type": "http.request", "body": bodies.pop() if bodies else b"", "more_body": False}

        async def send(message: Message) -> None:
            said.append(message)

        await self.app(scope, receive, send)
        status = int(said[0]["status"])
        self.answers[status] += 1
        assert status < 500, (status, call, said[1:])
        return status


def unquoted(path: str) -> str:
    """As the server does it."""
    return unquote(path)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    house = House(tmp_path_factory.mktemp("house"))
    house.add_project()
    for task in range(1, 7):
        house.add_task(task)
    house.label(1)
    fuzzed = Fuzzed(house)
    with structlog.testing.capture_logs() as logs:
        yield fuzzed
    fuzzed.loop.close()
    house.registry.close()
    assert [line for line in logs if line["log_level"] in ("error", "critical") or line.get("exc_info")] == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.sampled_from(fuzzing.JUNK),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
IDS = st.integers(1, 8) | JSON
DATA = st.dictionaries(st.sampled_from(["image", "video", "frame", "x"]), JSON, max_size=3)
TASKS = st.lists(st.fixed_dictionaries({"id": IDS, "data": DATA | JSON}), max_size=3) | JSON
PROJECTS = st.sampled_from([1, "1.1795", {"id": 1, "label_config": CONFIG}]) | JSON
ROWS = st.fixed_dictionaries(
    {
        "id": IDS,
        "task": IDS,
        "result": st.lists(JSON, max_size=3) | JSON,
        "updated_at": st.just("2026-11-29T00:00:00Z") | JSON,
    }
)
SETUP = st.fixed_dictionaries({"project": PROJECTS, "schema": st.just(CONFIG) | JSON, "extra_params": JSON})
PREDICT = st.fixed_dictionaries({"project": PROJECTS, "tasks": TASKS, "label_config": JSON, "params": JSON})
WEBHOOK = st.fixed_dictionaries(
    {
        "action": st.sampled_from(fuzzing.ACTIONS),
        "project": PROJECTS,
        "annotation": ROWS | JSON,
        "task": TASKS,
        "tasks": TASKS,
        "annotations": st.lists(ROWS, max_size=3) | JSON,
    }
)
BODIES = (
    st.tuples(st.just("/setup"), SETUP)
    | st.tuples(st.just("/predict"), PREDICT)
    | st.tuples(st.just("/webhook"), WEBHOOK)
)


def test_bodies_and_what_broken_bytes_make_of_them(fuzzed: Fuzzed) -> None:
    @given(BODIES, st.integers(0, 2**32))
    @settings(QUIET)
    def send(sent: tuple[str, Any], seed: int) -> None:
        path, value = sent
        raw, random = fuzzing.dumps(value), Random(seed)
        fuzzed(
            *(Call("POST", path, fuzzing.break_bytes(raw, random) if n else raw, "application/json") for n in range(30))
        )

    send()


def test_addresses_and_methods(fuzzed: Fuzzed) -> None:
    @given(
        st.lists(st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=8), max_size=5),
        st.integers(0, 2**32),
    )
    @settings(QUIET)
    def send(parts: list[str], seed: int) -> None:
        random = Random(seed)
        fuzzed(
            *(Call(method, "/" + "/".join(parts).replace("#", "")) for method in ("GET", "POST", "HEAD", "OPTIONS")),
            *(Call(random.choice(fuzzing.METHODS), fuzzing.address(random)) for _ in range(6)),
        )

    send()


def test_what_the_description_of_the_protocol_allows(fuzzed: Fuzzed) -> None:
    api = schemathesis.openapi.from_asgi("/openapi.json", create_app(fuzzed.house.services))
    api = api.exclude(path="/ready")  # it answers 503 by design

    @given(case=api.as_strategy())
    @settings(QUIET)
    def call(case: schemathesis.Case) -> None:
        answer = case.call_and_validate(checks=[not_a_server_error])
        fuzzed.answers[answer.status_code] += 1

    call()


def test_memory_stays_flat(fuzzed: Fuzzed) -> None:
    """The same few thousand requests again leave nothing behind: what grows with use is in the registry, on disk."""

    def batch() -> int:
        random = Random(7)
        fuzzed(*(fuzzing.call(random) for _ in range(800)))
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        batch()
        first, second = batch(), batch()
    finally:
        tracemalloc.stop()
    assert second - first < 2_000_000, (first, second)


def test_over_sockets_while_others_ask(fuzzed: Fuzzed, caplog: pytest.LogCaptureFixture) -> None:
    with Served(fuzzed.house) as served, caplog.at_level(logging.WARNING), asking(served) as seconds:
        threads = [threading.Thread(target=sender, args=(served, seed, fuzzed.answers)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not [line for line in caplog.records if line.exc_info or "Traceback" in line.getMessage()]
    assert seconds, "nobody was served meanwhile"
    print(f"/health meanwhile: {len(seconds)} answers, p99 {sorted(seconds)[int(len(seconds) * 0.99)]:.3f} s")


def sender(served: Served, seed: int, answers: Counter[int], calls: int = 400) -> None:
    """Sends requests, each with its own connection, and notes what was answered."""
    random = Random(seed)
    for _ in range(calls):
        answer = served.say(on_the_wire(fuzzing.call(random), random))
        status = int(answer.split(b" ")[1]) if answer else 0
        answers[status] += 1


def on_the_wire(call: Call, random: Random) -> bytes:
    """The request, now and then with a bent head; a body that is too short for its length would only be waited for."""
    head = (
        f"{call.method} {call.path} HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\n"
    )
    kind = f"Content-Type: {call.kind}\r\n" if call.kind else ""
    raw = (head + kind + f"Content-Length: {len(call.body)}\r\n").encode("latin-1", "replace")
    if random.random() < 0.1:
        raw = fuzzing.break_bytes(raw, random).rstrip() + b"\r\n"
    return raw + b"\r\n" + call.body


@contextlib.contextmanager
def asking(served: Served) -> Iterator[list[float]]:
    """The seconds that /health took meanwhile."""
    seconds: list[float] = []
    done = threading.Event()

    def ask() -> None:
        while not done.wait(0.02):
            started = time.perf_counter()
            if served.is_well():
                seconds.append(time.perf_counter() - started)

    thread = threading.Thread(target=ask)
    thread.start()
    yield seconds
    done.set()
    thread.join()


def test_that_was_enough(fuzzed: Fuzzed) -> None:
    enough = CALLS_PER_EXAMPLE * settings().max_examples
    assert fuzzed.answers.total() >= enough, fuzzed.answers
    assert not [status for status in fuzzed.answers if status >= 500]
    assert fuzzed.answers[200] > enough / 20, "it must get past the door, or nothing was tried"
    assert {400, 413, 415, 422} <= set(fuzzed.answers)
