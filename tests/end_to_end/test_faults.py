"""Machines, engines and Label Studio fail while the backend works on two servers and two workers: nothing is lost.

The wall clocks of the two workers are ten minutes fast and slow in all of these tests.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
import redis

from backend.demo.annotator import Annotator
from backend.demo.data_set import DataSet
from backend.demo.label_studio_server import LabelStudioServer
from backend.jobs.queue import HueyQueue, redis_storage
from model_registry import Registry, VersionRecord, open_registry
from tests.end_to_end.clips import moving_square
from tests.end_to_end.scaled import ScaledBackend, shared_settings
from tests.end_to_end.work import Work, until
from tests.engines import PostgresServer, RedisServer, S3Server
from tests.processes import kill
from tests.proxy import Proxy

pytestmark = [pytest.mark.slow, pytest.mark.label_studio]

GROUP = "square"
FRAMES = 14
SKEWS = (600.0, -600.0)
SETTINGS = {
    "MICRO_MODELS_EFFORT": "0.1",
    "MICRO_MODELS_QUIET_SECONDS": "0.2",
    # Short, so that a dead worker's group is free again soon; far below the clocks' difference.
    "MICRO_MODELS_LEASE_SECONDS": "3",
    # An event that came to a dead server is found by this.
    "MICRO_MODELS_SWEEP_SECONDS": "10",
}


@dataclass
class House:
    """All that a test may break."""

    redis: RedisServer
    postgres: PostgresServer
    s3: Proxy
    label_studio: Proxy
    backend: ScaledBackend
    registry: Registry


@pytest.fixture(scope="module")
def house(label_studio: LabelStudioServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("scaled")
    with ExitStack() as stack:
        redis, postgres = stack.enter_context(RedisServer()), stack.enter_context(PostgresServer())
        s3 = stack.enter_context(Proxy(stack.enter_context(S3Server()).address))
        studio = stack.enter_context(Proxy(("127.0.0.1", urlsplit(label_studio.url).port or 80)))
        env = SETTINGS | shared_settings(redis.url, postgres.url, s3.url)
        backend = ScaledBackend(folder, studio.url, label_studio.token, env, servers=2, workers=2)
        for worker, skew in zip(backend.workers, SKEWS, strict=True):
            worker.env |= {"SKEW_SECONDS": str(skew), "PYTHONPATH": str(Path(__file__).with_name("skewed"))}
        stack.enter_context(backend)
        registry = stack.enter_context(open_registry(postgres.url, str(folder / "none")))
        yield House(redis, postgres, s3, studio, backend, registry)


@pytest.fixture(scope="module")
def square(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    return moving_square(tmp_path_factory.mktemp("clip") / "frames", FRAMES, GROUP)


@pytest.fixture
def work(house: House, person: Annotator, square: DataSet) -> Iterator[Work]:
    """A new project; whatever the test broke works again afterwards."""
    made = Work(person, house.backend, square)  # type: ignore[arg-type]
    made.connect_plainly()
    made.fill()
    yield made
    for proxy in (house.s3, house.label_studio):
        proxy.play("")
        proxy.failed = 0
    for process in house.backend.workers:
        if not process.alive:
            process.start()
    for server in house.backend.servers:
        if not server.child.alive:
            server.start()


def settle(work: Work, house: House, since: int = 0) -> list[VersionRecord]:
    """All labels learnt, one prediction each; returns the versions, newest first, from the one with the id `since` on."""
    work.wait(seconds=240)
    work.check_one_prediction_each()
    history = house.registry.versions.history(work.project, GROUP)
    assert [v.state for v in history].count("serving") == 1
    assert not [v for v in history if v.state == "training"]
    return [version for version in history if version.id >= since]


def training(work: Work, house: House) -> VersionRecord:
    """The version that is being trained now, on all labels and for the newest revision. On a busy machine the first label
    may have started one alone, or one that read both labels before the second was counted; both start again, which
    tells nothing of what the tests are about: they look at the versions from this one on."""

    def look() -> VersionRecord | None:
        group = house.registry.groups.get(work.project, GROUP)
        newest = house.registry.versions.history(work.project, GROUP)[:1]
        right = group and newest and newest[0].state == "training" and newest[0].labels == len(work.labelled)
        return newest[0] if right and newest[0].label_revision == group.wanted else None

    return until(look, lambda: f"a training; {work.status()} {house.backend.child.log_tail()}", 300)


def holder(work: Work, house: House) -> int:
    """Process id of the worker that has the group."""
    group = house.registry.groups.get(work.project, GROUP)
    assert group
    assert group.lease_owner
    return int(group.lease_owner.split(":")[1])


def test_the_workers_clocks_are_wrong(house: House) -> None:
    for worker, skew in zip(house.backend.workers, SKEWS, strict=True):
        ask = [sys.executable, "-c", "import time; print(time.time())"]
        told = subprocess.run(ask, env=worker.env, capture_output=True, text=True, check=True).stdout
        assert float(told) - time.time() == pytest.approx(skew, abs=60)


def test_a_promotion_is_served_by_all_servers(work: Work, house: House) -> None:
    work.label(2, 7)
    newest = settle(work, house)[0]
    data = next(iter(work.studio.tasks(work.project)))["data"]
    asked = {"project": f"{work.project}.1", "tasks": [{"id": 10**9, "data": data}], "params": {}}
    for server in house.backend.servers:
        status = server.status(work.project)["groups"][0]
        assert (status["state"], status["version"], status["trained_labels"]) == ("idle", f"v{newest.number}", 2)
        # A task that no ledger knows: the server itself loads the micro-model from the store.
        answer = httpx.post(f"{server.url}/predict", json=asked, timeout=60, trust_env=False).json()
        assert answer["results"][0]["model_version"] == "micro-models"


def test_a_worker_killed_in_mid_training(work: Work, house: House) -> None:
    work.label(1, 6, 11)
    killed = training(work, house)
    victim = holder(work, house)
    kill(psutil.Process(victim))
    # The other one, not a new one: nobody starts the dead one again.
    again, left = settle(work, house, since=killed.id)
    assert [w.pid for w in house.backend.workers if not w.alive] == [victim]
    assert (left.id, left.state, left.reason) == (killed.id, "interrupted", "the worker ended before it finished")
    assert (again.state, again.labels) == ("serving", len(work.labelled))


def test_redis_restarted_and_emptied(work: Work, house: House) -> None:
    mark = redis.Redis.from_url(house.redis.url)
    mark.set("mark", "here")
    house.redis.stop()
    try:
        started = time.monotonic()
        work.label(3, 9)
        assert time.monotonic() - started < 10  # the annotator is not kept waiting
    finally:
        house.redis.start()
    assert mark.get("mark") is None
    settle(work, house)


def test_postgres_restarted_in_mid_training(work: Work, house: House) -> None:
    work.label(3, 9)
    began = training(work, house)
    house.postgres.stop()
    time.sleep(2)  # longer than a worker's pause between two reports: it meets the fault
    house.postgres.start()
    back = house.registry.clock()
    settle(work, house)
    cut = house.registry.versions.get(began.id)
    assert cut is not None
    assert cut.finished_at is not None
    assert cut.finished_at > back - 2, "the training had ended before PostgreSQL was stopped"
    assert all(worker.alive for worker in house.backend.workers)


def test_s3_answers_500_for_a_while(work: Work, house: House) -> None:
    house.s3.play("500")
    work.label(3, 9)
    version = training(work, house)
    until(lambda: house.s3.failed > 1, "the weights to be refused, and tried again", 300)
    waiting = house.registry.versions.get(version.id)
    assert waiting is not None
    assert waiting.state == "training", waiting.reason
    house.s3.play("")
    history = settle(work, house, since=version.id)
    assert [(v.id, v.state) for v in history] == [(version.id, "serving")]  # the training was not lost


def test_label_studio_down_for_a_while(work: Work, house: House) -> None:
    work.label(3, 9)
    began = training(work, house)
    house.label_studio.play("silent")
    until(lambda: house.label_studio.failed, "somebody to meet a silent Label Studio", 300)
    until(lambda: [g for g in work.status()["groups"] if g["state"] == "failed"], "the failure to be told", 300)
    for server in house.backend.servers:
        assert httpx.get(f"{server.url}/health", timeout=2, trust_env=False).status_code == 200
    house.label_studio.play("")
    # A training that lacked frames is made up for; one that ended is published again, not trained again.
    assert [v.state for v in settle(work, house, since=began.id) if v.state not in ("failed", "interrupted")] == [
        "serving"
    ]


def test_two_workers_race_for_one_group(work: Work, house: House) -> None:
    queue = HueyQueue(redis_storage(house.redis.url))
    for round in range(3):
        work.label(2 + 4 * round)
        for _ in range(20):
            queue.enqueue_group(work.project, GROUP)
        work.wait(seconds=240)
    history = settle(work, house)
    assert all(v.state in ("serving", "superseded", "rejected") for v in history)
    revisions = [v.label_revision for v in history]
    assert len(revisions) == len(set(revisions)), "two workers trained the same labels"


def test_a_server_killed_under_load(work: Work, house: House) -> None:
    stop, outcomes = threading.Event(), list[tuple[float, bool]]()

    def ask() -> None:
        while not stop.is_set():
            outcomes.append((time.monotonic(), answered(house.backend.url)))
            time.sleep(0.02)

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    try:
        work.label(2, 5)
        killed = time.monotonic()
        kill(psutil.Process(house.backend.servers[0].child.pid))
        work.label(8, 11)
        settle(work, house)
        patience = time.monotonic() + 60  # a busy machine answers slowly
        while len(outcomes) <= 100 and time.monotonic() < patience:
            time.sleep(0.05)
    finally:
        stop.set()
        for asker in askers:
            asker.join(30)
    lost = [moment for moment, ok in outcomes if not ok]
    assert len(outcomes) > 100
    assert any(moment < killed for moment, _ in outcomes)
    assert len(lost) <= len(askers)  # what the dead server had in hand
    assert all(abs(moment - killed) < 5 for moment in lost)


def answered(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=10, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def test_work_goes_on(house: House) -> None:
    """None of the tests above ended a server or worker that it did not kill."""
    processes: list[Any] = [*house.backend.workers, *(server.child for server in house.backend.servers)]
    assert [p.name for p in processes if not p.alive] == []
