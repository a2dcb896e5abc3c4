"""Signs of life of workers."""

from model_registry import Registry, WorkerRecord
from model_registry.records import SILENT_SECONDS
from model_registry.workers import FORGET_SECONDS
from tests.model_registry.conftest import Clock


def only(registry: Registry) -> WorkerRecord:
    [record] = registry.workers.all()
    return record


def test_a_sign_of_life_tells_what_it_is_at(registry: Registry, clock: Clock) -> None:
    registry.workers.seen("a", 990.0, "group clip of project 1", "the reconciler: locked")
    assert only(registry) == WorkerRecord("a", 990.0, 1000.0, None, "the reconciler: locked", "group clip of project 1")
    assert only(registry).alive(clock.now)
    clock.now += 10
    registry.workers.seen("a", 990.0)
    assert (only(registry).last_error, only(registry).doing, only(registry).seen_at) == (None, None, 1010.0)


def test_who_is_silent_for_long_is_gone(registry: Registry, clock: Clock) -> None:
    registry.workers.seen("a", 990.0)
    clock.now += SILENT_SECONDS + 1
    assert not only(registry).alive(clock.now)
    assert only(registry).gone_since == 1000.0


def test_one_that_never_comes_up_is_gone_since_it_began(registry: Registry, clock: Clock) -> None:
    registry.workers.starting("a")
    assert only(registry).starting(clock.now)
    assert not only(registry).alive(clock.now)
    for error in ("no torch", "no torch at all"):
        clock.now += 5
        registry.workers.ended("a", error)
    assert not only(registry).starting(clock.now)
    assert only(registry).ended_at == 1005.0
    assert (only(registry).gone_since, only(registry).last_error) == (1000.0, "no torch at all")


def test_the_next_sign_of_life_clears_the_end_and_the_error(registry: Registry, clock: Clock) -> None:
    registry.workers.seen("a", 990.0)
    registry.workers.ended("a", "killed by SIGKILL")
    registry.workers.seen("a", 1000.0)
    assert only(registry) == WorkerRecord("a", 1000.0, 1000.0)
    registry.workers.ended("a")
    assert (only(registry).ended_at, only(registry).last_error) == (1000.0, None)


def test_a_new_server_knows_nothing_of_the_worker_before(registry: Registry, clock: Clock) -> None:
    registry.workers.seen("a", 990.0)
    registry.workers.ended("a", "broken")
    clock.now += 5
    registry.workers.starting("a")
    assert only(registry) == WorkerRecord("a", 1005.0)


def test_the_long_gone_are_forgotten_once_another_one_works(registry: Registry, clock: Clock) -> None:
    registry.workers.seen("a", 990.0)
    clock.now += FORGET_SECONDS + 1
    assert only(registry).name == "a"
    registry.workers.seen("b", clock.now)
    assert only(registry).name == "b"


def test_the_end_of_an_unknown_one_is_no_news(registry: Registry) -> None:
    registry.workers.ended("nobody", "x")
    assert registry.workers.all() == []
