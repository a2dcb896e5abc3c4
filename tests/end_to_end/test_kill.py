"""kill -9 of the worker, the server, or both, at random moments: no label is lost, nothing is doubled or half done."""

import json
import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from backend.demo.annotator import Annotator
from backend.demo.backend_server import BackendServer
from tests.end_to_end.clips import moving_square
from tests.end_to_end.conftest import BackendFactory
from tests.end_to_end.work import Work, until

pytestmark = [pytest.mark.slow, pytest.mark.label_studio]

KILLS = 20
SEED = 20_261_123
LEASE_SECONDS = "3"
"""Short, so that what a killed worker held is free again soon."""


def worker_of(server: BackendServer) -> int | None:
    """Process id of the worker beside a server."""
    with suppress(OSError):
        for child in Path(f"/proc/{server.child.pid}/task/{server.child.pid}/children").read_text().split():
            if b"worker" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
    return None


def kill(pid: int | None) -> None:
    """kill -9; a process that has ended already is fine."""
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def kill_worker(work: Work, meanwhile: Callable[[], None]) -> None:
    """The server starts another by itself."""
    kill(worker_of(work.backend))
    meanwhile()


def kill_server(work: Work, meanwhile: Callable[[], None]) -> None:
    """The worker notices and ends by itself; the user starts the server again."""
    kill(work.backend.child.pid)
    work.backend.child.stop()
    meanwhile()
    work.backend.start()


def kill_both(work: Work, meanwhile: Callable[[], None]) -> None:
    """As when the machine loses power."""
    worker = worker_of(work.backend)
    kill(work.backend.child.pid)
    kill(worker)
    work.backend.child.stop()
    meanwhile()
    work.backend.start()


VICTIMS = (kill_worker, kill_server, kill_both)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the worker in /proc")
def test_every_label_survives_every_kill(person: Annotator, backend: BackendFactory, tmp_path: Path) -> None:
    dice = random.Random(SEED)
    env = {"MICRO_MODELS_LEASE_SECONDS": LEASE_SECONDS, "MICRO_MODELS_QUIET_SECONDS": "0.2"}
    server = backend(folder=tmp_path / "data", **env)
    work = Work(person, server, moving_square(tmp_path / "frames", frames=40, name="killed"))
    work.connect_plainly()
    work.fill()
    unlabelled = list(range(len(work.tasks)))
    dice.shuffle(unlabelled)
    work.label(*sorted(unlabelled.pop() for _ in range(3)))
    work.wait()
    span = measure_round(work, unlabelled.pop())
    for number in range(KILLS):
        give_work(work, unlabelled, dice)
        wait_for_the_moment(work, dice, span)
        # Half the time somebody labels while the backend is away, so that no event ever tells of it.
        lost = (lambda: give_work(work, unlabelled, dice)) if dice.random() < 0.5 else (lambda: None)
        VICTIMS[number % len(VICTIMS)](work, lost)
        if number % 4 == 3:
            work.wait()
            check(work, tmp_path / "data")
    work.wait()
    check(work, tmp_path / "data")


def give_work(work: Work, unlabelled: list[int], dice: random.Random) -> None:
    """Something new to learn: one more frame labelled, or the box of a labelled one drawn again a little wider."""
    if unlabelled and dice.random() < 0.4:
        work.label(unlabelled.pop())
        return
    task = work.tasks[dice.choice(sorted(work.labelled))]
    (annotation,) = work.studio.http.json("GET", f"api/tasks/{task}/annotations/")
    result = annotation["result"]
    result[0]["value"]["width"] = result[0]["value"]["width"] + dice.choice([-1, 1]) * dice.uniform(0.1, 0.5)
    work.studio.http.json("PATCH", f"api/annotations/{annotation['id']}/", json={"result": result})


def wait_for_the_moment(work: Work, dice: random.Random, span: float) -> None:
    """Until some random moment of the work; every third time until it publishes, which is short."""
    if dice.random() < 1 / 3:
        with suppress(AssertionError):  # missed it: any moment will do
            until(lambda: "publishing" in states(work), "publishing", span * 2)
        time.sleep(dice.uniform(0, 0.3))
    else:
        with suppress(AssertionError):
            until(lambda: states(work) & {"training", "publishing"}, "work", 20)
        time.sleep(dice.uniform(0, span))


def states(work: Work) -> set[str]:
    """What the groups are doing."""
    return {group["state"] for group in work.status()["groups"]}


def measure_round(work: Work, position: int) -> float:
    """Seconds from a label to its predictions, undisturbed: the span to kill in."""
    started = time.monotonic()
    work.label(position)
    work.wait()
    return time.monotonic() - started


def check(work: Work, folder: Path) -> None:
    """What must hold whenever the backend is idle."""
    (group,) = work.status()["groups"]
    assert group["labelled"] == group["trained_labels"] == len(work.labelled)
    work.check_one_prediction_each()
    drawn = {
        annotation["id"]: annotation["result"]
        for task in work.studio.tasks(work.project)
        for annotation in task["annotations"]
    }
    with closing(sqlite3.connect(f"file:{folder / 'registry.db'}?mode=ro", uri=True)) as registry:
        known = dict(registry.execute("select id, result from labels where deleted_at is null").fetchall())
        half = registry.execute("select count(*) from versions where state = 'training'").fetchone()[0]
        serving = registry.execute("select count(*) from versions where state = 'serving'").fetchone()[0]
        newest = registry.execute("select max(label_revision) from versions where artifact_uri is not null").fetchone()
        revisions = registry.execute("select wanted, trained, published from groups").fetchall()
    assert {id_: json.loads(result) for id_, result in known.items()} == drawn, "the registry's labels are not current"
    assert half == 0, f"{half} versions are still in state training although the backend is idle"
    assert serving == 1
    assert set(revisions) == {newest * 3}, "the newest version was not trained on, and published from, all labels"
