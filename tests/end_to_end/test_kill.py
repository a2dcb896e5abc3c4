"""kill -9 of the worker, the server, or both, at random moments: no label is lost, nothing is doubled or half done."""

import json
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from backend.demo.annotator import Annotator
from tests.end_to_end.clips import moving_square
from tests.end_to_end.conftest import BackendFactory
from tests.end_to_end.work import Work, until
from tests.processes import is_alive, kill, worker_beside

pytestmark = [pytest.mark.slow, pytest.mark.label_studio]

KILLS = 8
SEED = 20_261_123
LEASE_SECONDS = "3"
"""Short, so that what a killed worker held is free again soon."""


def worker_of(work: Work) -> psutil.Process:
    """The worker beside the server; the server may be about to start it."""
    return until(
        lambda: worker_beside(work.backend.child.pid), lambda: f"a worker; {work.backend.child.log_tail()}", 60
    )


def kill_worker(work: Work, meanwhile: Callable[[], None]) -> list[psutil.Process]:
    """The server starts another by itself."""
    worker = worker_of(work)
    kill(worker)
    meanwhile()
    assert worker_of(work) != worker
    return [worker]


def kill_server(work: Work, meanwhile: Callable[[], None]) -> list[psutil.Process]:
    """The worker notices and ends by itself; the user starts the server again."""
    worker, server = worker_of(work), end_server(work)
    meanwhile()
    work.backend.start()
    until(lambda: not is_alive(worker), "the end of a worker without a server", 120)
    return [server]


def kill_both(work: Work, meanwhile: Callable[[], None]) -> list[psutil.Process]:
    """As when the machine loses power."""
    worker, server = worker_of(work), end_server(work)
    kill(worker)
    meanwhile()
    work.backend.start()
    return [server, worker]


def end_server(work: Work) -> psutil.Process:
    """Kill the server, and take note of its end."""
    process = work.backend.child.process
    assert process is not None
    server = psutil.Process(process.pid)
    kill(server)
    assert process.wait() == -signal.SIGKILL
    return server


VICTIMS = {kill_worker: 1, kill_server: 1, kill_both: 2}
"""How many processes each of them ends."""


def test_every_label_survives_every_kill(person: Annotator, backend: BackendFactory, tmp_path: Path) -> None:
    dice = random.Random(SEED)
    env = {
        "MICRO_MODELS_LEASE_SECONDS": LEASE_SECONDS,
        "MICRO_MODELS_QUIET_SECONDS": "0.2",
        "MICRO_MODELS_EFFORT": "0.05",
    }
    server = backend(folder=tmp_path / "data", **env)
    work = Work(person, server, moving_square(tmp_path / "frames", frames=20, name="killed"))
    work.connect_plainly()
    work.fill()
    unlabelled = list(range(len(work.tasks)))
    dice.shuffle(unlabelled)
    work.label(*sorted(unlabelled.pop() for _ in range(3)))
    work.wait()
    strikes = [list(VICTIMS)[number % len(VICTIMS)] for number in range(KILLS)]
    killed: Counter[psutil.Process] = Counter()
    for number, strike in enumerate(strikes):
        give_work(work, unlabelled, dice)
        wait_for_the_moment(work, dice)
        # Half the time somebody labels while the backend is away, so that no event ever tells of it.
        lost = (lambda: give_work(work, unlabelled, dice)) if dice.random() < 0.5 else (lambda: None)
        killed.update(strike(work, lost))
        if number % 4 == 3:
            settle(work, tmp_path / "data")
    settle(work, tmp_path / "data")
    # Each of them another process, and none lives.
    assert list(killed.values()) == [1] * sum(VICTIMS[strike] for strike in strikes)
    assert not [process for process in killed if is_alive(process)]


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


def wait_for_the_moment(work: Work, dice: random.Random) -> None:
    """Until some random share of the training is done; one time in three until it publishes, which is short."""
    publishing = dice.random() < 1 / 3
    share = 2.0 if publishing else dice.random()
    until(lambda: any(group["state"] != "idle" for group in groups(work)), "something to do", 120)
    until(lambda: all(reached(group, share) for group in groups(work) or [{"state": "away"}]), "the moment to kill")
    time.sleep(dice.uniform(0, 0.4) if publishing else 0)


def reached(group: dict[str, Any], share: float) -> bool:
    """Whether a group has trained so far, or is past its training."""
    if group["state"] == "training":
        return (group["progress"] or 0.0) >= share
    return group["state"] in ("publishing", "idle")


def groups(work: Work) -> list[dict[str, Any]]:
    """What the backend says of its groups; none while it is away."""
    found: list[dict[str, Any]] = work.status()["groups"]
    return found


def settle(work: Work, folder: Path) -> None:
    """Wait until everything is as it must be. An idle backend may not know yet what it missed while it was away."""
    until(lambda: not problems(work, folder), lambda: f"{problems(work, folder)} {work.backend.child.log_tail()}")


def problems(work: Work, folder: Path) -> list[str]:
    """What is lost, doubled or half done; empty when all is well."""
    (group,) = groups(work) or [{"state": "away", "labelled": 0, "trained_labels": 0}]
    if group["state"] != "idle":
        return [f"not idle: {group}"]
    found = []
    if not group["labelled"] == group["trained_labels"] == len(work.labelled):
        found.append(f"of {len(work.labelled)} labels: {group}")
    try:
        work.check_one_prediction_each()
    except AssertionError as error:
        found.append(str(error))
    return found + registry_problems(work, folder)


def registry_problems(work: Work, folder: Path) -> list[str]:
    """The same of what the registry holds: its labels are those of Label Studio, and its versions are whole."""
    drawn = {
        annotation["id"]: annotation["result"]
        for task in work.studio.tasks(work.project)
        for annotation in task["annotations"]
    }
    with closing(sqlite3.connect(f"file:{folder / 'registry.db'}?mode=ro", uri=True)) as registry:
        known = dict(registry.execute("select id, result from labels where deleted_at is null").fetchall())
        states = [state for (state,) in registry.execute("select state from versions").fetchall()]
        newest = registry.execute("select max(label_revision) from versions where artifact_uri is not null").fetchone()
        revisions = registry.execute("select wanted, trained, published from groups").fetchall()
    found = []
    if {number: json.loads(result) for number, result in known.items()} != drawn:
        found.append("the registry's labels are not those of Label Studio")
    if "training" in states or states.count("serving") != 1:
        found.append(f"an idle group has versions in the states {states}")
    if set(revisions) != {newest * 3}:
        found.append(f"wanted, trained, published are {revisions}; the newest version learnt {newest}")
    return found
