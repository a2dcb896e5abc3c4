"""Two workers on Redis, PostgreSQL and S3, each of which fails while they work. Label Studio and the trainings are
stand-ins, so that this takes seconds; `tests/end_to_end/test_faults.py` does the same with real processes."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import fsspec
import pytest
import redis

from backend.errors import StudioUnreachable
from backend.jobs.complaints import Complaints
from backend.jobs.queue import Handlers, HueyQueue, redis_storage
from backend.jobs.worker import work
from backend.learning import methods
from backend.learning.fitting.training_input import TrainingInput
from backend.loop import group_work
from backend.loop.events.sweep import Reconciler, sweep_project
from backend.loop.group_work import GroupWorker
from backend.loop.services import Services, make_services
from backend.types import Control, Progress
from model_registry import Registry, VersionRecord, open_registry
from tests.engines import S3_ACCOUNT, PostgresServer, RedisServer, S3Server
from tests.loop.house import House, teach
from tests.proxy import Proxy

TRAINING_SECONDS = 1.5
LEASE_SECONDS = 2.0


class Engines:
    """The three engines, all of them ours; S3 behind a proxy that can fail."""

    def __init__(self, stack: ExitStack) -> None:
        self.redis = stack.enter_context(RedisServer())
        self.postgres = stack.enter_context(PostgresServer())
        self.s3 = stack.enter_context(Proxy(stack.enter_context(S3Server()).address))


class SharedHouse(House):
    """A house whose workers are two threads, each with a registry and a queue of its own."""

    def __init__(self, folder: Path, engines: Engines) -> None:
        super().__init__(
            folder, lease_seconds=LEASE_SECONDS, database_url=engines.postgres.url, sweep_seconds=3600,
            queue_url=engines.redis.url, artifacts_url=f"s3://artifacts/{folder.name}",
        )  # fmt: skip
        self.services = self._services(self.registry)
        self._registries = [self.registry]
        self._threads = [threading.Thread(target=self._work, args=(f"worker-{n}",)) for n in range(2)]

    def clock(self) -> float:
        return time.time()

    def __enter__(self) -> "SharedHouse":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.cancel("the worker stops")
        for thread in self._threads:
            thread.join(30)
        for registry in self._registries:
            registry.close()

    def _services(self, registry: Registry, queue: HueyQueue | None = None) -> Services:
        queue = queue or HueyQueue(redis_storage(self.settings.queue_url))
        return make_services(self.settings, registry, queue, registry.clock, lambda *_: self.studio)  # type: ignore[arg-type, return-value]

    def _work(self, name: str) -> None:
        registry = open_registry(self.settings.database, self.settings.artifacts)
        self._registries.append(registry)
        handlers = Handlers(lambda: worker.run_due(), lambda number: sweep_project(services, number))
        queue = HueyQueue(redis_storage(self.settings.queue_url), handlers)
        services = self._services(registry, queue)
        worker = GroupWorker(services, name, self.stop)
        work(queue, self.stop, Reconciler(services), 0.5, Complaints())


def slow_teach(control: Control, given: TrainingInput, recipe: object) -> Any:
    """A training that takes a while and tells how far it is."""
    until = time.monotonic() + TRAINING_SECONDS
    while time.monotonic() < until:
        given.progress(Progress(0.6, 1.0))
        given.cancel.check()
        time.sleep(0.1)
    return teach(control, given, recipe)


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    with ExitStack() as stack:
        yield Engines(stack)


@pytest.fixture
def house(engines: Engines, quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SharedHouse]:
    monkeypatch.setattr(methods, "train", slow_teach)
    monkeypatch.setattr(group_work, "RETRY_SECONDS", 1.0)
    monkeypatch.setattr(fsspec.config, "conf", {"s3": {"endpoint_url": engines.s3.url, "skip_instance_cache": True}})
    for name, value in S3_ACCOUNT.items():
        monkeypatch.setenv(name, value)
    with SharedHouse(tmp_path, engines) as made:
        made.registry.projects.delete(1)
        made.add_project()
        for task in range(1, 7):
            made.add_task(task)
        yield made
        engines.s3.play("")
        engines.s3.failed = 0


def until(look: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    give_up = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < give_up, f"not in {seconds} s: {what}"
        time.sleep(0.05)
    return found


def training(house: SharedHouse) -> VersionRecord:
    """The version that is being trained now."""
    states = lambda: [v for v in house.registry.versions.history(1, "clip") if v.state == "training"]  # noqa: E731
    [version] = until(states, "a training")
    return version


def settle(house: SharedHouse, labels: int) -> list[VersionRecord]:
    """All learnt and published: the versions, newest first."""

    def idle() -> bool:
        group = house.registry.groups.get(1, "clip")
        return bool(group and group.state(house.registry.clock()) == "idle" and group.trained_labels == labels)

    until(idle, f"{labels} labels learnt: {house.registry.groups.get(1, 'clip')}")
    assert {task for task, shown in house.shown().items() if len(shown) == 1} >= set(range(labels + 1, 7))
    return house.registry.versions.history(1, "clip")


def test_one_training_for_each_change_whoever_hears_of_it(house: SharedHouse) -> None:
    for task in (1, 2, 3):
        house.label(task)
        for _ in range(20):
            house.services.queue.enqueue_group(1, "clip")
        settle(house, task)
    history = settle(house, 3)
    assert {v.state for v in history} <= {"serving", "superseded", "rejected"}
    assert len({v.label_revision for v in history}) == len(history) == 3


def test_redis_emptied_and_restarted(house: SharedHouse, engines: Engines) -> None:
    mark = redis.Redis.from_url(engines.redis.url)
    mark.set("mark", "here")
    engines.redis.stop()
    started = time.monotonic()
    house.label(1)
    assert time.monotonic() - started < 3
    engines.redis.start()
    assert mark.get("mark") is None
    assert len(settle(house, 1)) == 1


def test_postgres_restarted_in_mid_training(house: SharedHouse, engines: Engines) -> None:
    house.label(1)
    began = training(house)
    engines.postgres.stop()
    time.sleep(1)  # longer than a worker's pause between two reports: it meets the fault
    engines.postgres.start()
    back = house.registry.clock()
    assert settle(house, 1)[0].state == "serving"
    cut = house.registry.versions.get(began.id)
    assert cut is not None
    assert cut.finished_at is not None
    assert cut.finished_at > back - 1, "the training had ended before PostgreSQL was stopped"


def test_a_store_that_is_away_costs_no_training(house: SharedHouse, engines: Engines) -> None:
    engines.s3.play("500")
    house.label(1)
    version = training(house)
    until(lambda: engines.s3.failed > 1, "the weights to be refused, and tried again")
    still = house.registry.versions.get(version.id)
    assert still is not None
    assert still.state == "training"
    engines.s3.play("")
    assert [(v.id, v.state) for v in settle(house, 1)] == [(version.id, "serving")]


def test_label_studio_away_while_it_is_published(house: SharedHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise StudioUnreachable("down")

    with monkeypatch.context() as patch:
        patch.setattr(house.studio, "import_predictions", away)
        house.label(1)
        until(lambda: (g := house.registry.groups.get(1, "clip")) and g.attempts > 0, "the failure to be noted")
    assert len(settle(house, 1)) == 1
