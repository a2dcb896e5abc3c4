"""What the tests run in processes of their own."""

import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from typing import Any

from model_registry import LabelRecord, Lease, TaskRecord, open_registry

_START: list[Barrier] = []


def in_processes(work: Callable[..., Any], *arguments: tuple[Any, ...]) -> list[Any]:
    """Calls `work` with each of the arguments, each in its own process, all at the same moment."""
    context = get_context("spawn")
    start = context.Barrier(len(arguments))
    with ProcessPoolExecutor(len(arguments), context, initializer=_wait_for, initargs=(start,)) as pool:
        return [future.result(60) for future in [pool.submit(_together, work, a) for a in arguments]]


def _wait_for(start: Barrier) -> None:
    _START.append(start)


def _together(work: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    _START[0].wait(30)
    return work(*arguments)


def open_and_count(url: str, artifacts: str, task: int) -> int:
    with open_registry(url, artifacts) as registry:
        registry.tasks.upsert(1, [TaskRecord(task, 1, "a", {})], "r")
        return len(registry.tasks.ids(1))


def race_for_leases(url: str, artifacts: str, owner: str, groups: list[str]) -> list[str]:
    with open_registry(url, artifacts) as registry:
        return [group for group in groups if registry.leases.take(Lease(1, group, owner), 60)]


def record_labels(url: str, artifacts: str, first: int, count: int) -> int:
    """Each label in a transaction of its own; returns how often the group changed."""
    changed = 0
    with open_registry(url, artifacts) as registry:
        for id in range(first, first + count):
            task = TaskRecord(id, 1, "a", {})
            labels = [LabelRecord(id, 1, id, [{"value": id}], updated_at=1.0)]
            changed += len(registry.record_event(1, [task], labels, "r", None))
    return changed


def begin_and_hang(url: str, artifacts: str) -> None:
    """A worker that is killed in the middle of a training: prints when it is there."""
    registry = open_registry(url, artifacts)
    assert registry.leases.take(Lease(1, "a", "dead"), 0.05)
    begin(registry, owner="dead")
    print("training", flush=True)
    sys.stdin.read()


def begin(
    registry: Any, control: str = "boxes", owner: str = "me", group: str = "a", project: int = 1, **changes: Any
) -> Any:
    """A version in state training."""
    values = {
        "label_revision": 1,
        "labels": 5,
        "fingerprint": "f",
        "recipe": {"steps": 3},
        "previous": None,
        "start": "backbone",
    }
    return registry.versions.begin(Lease(project, group, owner), control, "detection", **values | changes)
