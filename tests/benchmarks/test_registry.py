"""How long the registry's lookups and writes take with 100,000 groups: figures to read, ratios to hold.

Run with `pytest tests/benchmarks/test_registry.py -s`; `model_registry/README.md` has the figures.
"""

import random
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from model_registry import LabelRecord, Registry, TaskRecord, open_registry
from model_registry.tables import groups, projects, versions

GROUPS = 100_000
pytestmark = pytest.mark.slow


def fill(registry: Registry, count: int) -> None:
    """So many groups, each with one serving and one superseded version."""
    zero = dict.fromkeys(("wanted", "trained", "published", "trained_labels", "attempts"), 1)
    group = {"project": 1, "rule": "r", "forced": False} | zero
    version = {"project": 1, "control": "boxes", "head": "detection", "start": "backbone", "label_revision": 1}
    version |= {"labels": 5, "fingerprint": "f", "metrics": {"f1": 0.9}, "recipe": {"steps": 160}, "created_at": 0.0}
    version |= {"rolled_back": False, "artifact_uri": "u", "artifact_sha256": "0" * 64, "artifact_nbytes": 1}
    with registry._database.writing() as connection:
        connection.execute(projects.insert(), {"id": 1, "config": "", "settings": {}, "generation": 0})
        for first in range(0, count, 10_000):
            names = [f"clip-{number}.mp4" for number in range(first, min(first + 10_000, count))]
            connection.execute(groups.insert(), [group | {"name": name} for name in names])
            for number, state in ((1, "superseded"), (2, "serving")):
                rows = [version | {"group": name, "number": number, "state": state} for name in names]
                connection.execute(versions.insert(), rows)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Registry, str]]:
    folder = tmp_path_factory.mktemp("large")
    url = f"sqlite:///{folder}/registry.db"
    with open_registry(url, str(folder / "artifacts")) as registry:
        fill(registry, GROUPS)
        yield registry, url


def milliseconds(call: Callable[[int], object], times: int) -> dict[str, float]:
    """Percentiles of a call's duration; the first calls, which fill caches, are left out."""
    for index in range(20):
        call(index)
    taken, worked = [], []
    for index in range(times):
        start, start_cpu = time.perf_counter(), time.thread_time()
        call(index)
        taken.append(1000 * (time.perf_counter() - start))
        worked.append(1000 * (time.thread_time() - start_cpu))
    figures = {f"p{p}": round(float(np.percentile(taken, p)), 2) for p in (50, 99)}
    # What it takes of a processor: the same on a machine that does other things meanwhile.
    return figures | {"p99 cpu": round(float(np.percentile(worked, 99)), 2)}


def test_serving_does_not_grow_with_the_number_of_groups(large: tuple[Registry, str], tmp_path: Path) -> None:
    pick = random.Random(0)
    with open_registry(f"sqlite:///{tmp_path}/small.db", str(tmp_path)) as small:
        fill(small, 100)
        few = milliseconds(lambda _: small.versions.serving(1, f"clip-{pick.randrange(100)}.mp4"), 2000)
    many = milliseconds(lambda _: large[0].versions.serving(1, f"clip-{pick.randrange(GROUPS)}.mp4"), 2000)
    print(f"\nversions.serving, ms: 100 groups {few}, {GROUPS} groups {many}")
    assert many["p50"] < 3 * few["p50"]


def test_pending_does_not_read_idle_groups(large: tuple[Registry, str]) -> None:
    registry, _ = large
    start = time.perf_counter()
    assert len(registry.groups.all(1)) >= GROUPS
    everything = 1000 * (time.perf_counter() - start)
    pending = milliseconds(lambda _: registry.groups.pending(0.0), 200)
    print(f"\ngroups.all {everything:.0f} ms, groups.pending {pending} ms")
    assert pending["p50"] < everything / 10


def write_until(url: str, artifacts: str, stop: "object") -> None:
    """Another process that writes all the time."""
    with open_registry(url, artifacts) as registry:
        index = 0
        while not stop.is_set():  # type: ignore[attr-defined]
            index += 1
            registry.record_event(2, [TaskRecord(-index, 2, "other", {})], [label(-index, 2)], "r", None)


def label(id: int, project: int = 1) -> LabelRecord:
    return LabelRecord(id, project, id, [{"type": "rectanglelabels", "value": {"x": 1.5}}] * 5, updated_at=1.0)


def test_recording_while_another_process_writes(large: tuple[Registry, str], tmp_path: Path) -> None:
    registry, url = large
    ids = iter(range(1, 10_000))

    def record(_: int) -> None:
        id = next(ids)
        registry.record_event(1, [TaskRecord(id, 1, f"clip-{id}.mp4", {"image": "x"})], [label(id)], "r", None)

    alone = milliseconds(record, 500)
    context = get_context("spawn")
    stop = context.Event()
    writer = context.Process(target=write_until, args=(url, str(tmp_path), stop))
    writer.start()
    try:
        while not registry.tasks.ids(2):
            assert writer.is_alive()
        contended = milliseconds(record, 500)
    finally:
        stop.set()
        writer.join(30)
    print(f"\nrecord_event, ms: alone {alone}, while another process writes without a pause {contended}")
    assert writer.exitcode == 0
    assert len(registry.labels.known(1)) == 2 * 520
