"""kill -9 of the worker, the server, or both, at random moments, many times over; nothing may be lost or doubled.

    nice python tests/benchmarks/kills.py [--rounds 300] [--seed 1] [--folder DIR]

Server, worker, queue and registry are the real ones, as processes; Label Studio is one in memory, over HTTP; networks
are stood in for, so that a training takes a third of a second. Every kill is proven: the process is gone before the
next step. After each ten rounds, and at the end, all must be as people left it.
"""

import argparse
import json
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from backend.demo.backend_server import BackendServer  # noqa: E402
from model_registry import open_registry  # noqa: E402
from tests.benchmarks.label_studio import LabelStudio  # noqa: E402
from tests.loop.house import CONFIG, box_of  # noqa: E402
from tests.processes import kill, worker_beside  # noqa: E402

TASKS, GROUPS = 60, 4
SECRET = "a secret for this run"
ENV = {
    "MICRO_MODELS_QUIET_SECONDS": "0.1",
    # Short, so that what a killed worker held is free again soon.
    "MICRO_MODELS_LEASE_SECONDS": "2",
    "MICRO_MODELS_SWEEP_SECONDS": "5",
    "MICRO_MODELS_HOST": "127.0.0.1",
    "UNTRAINED_SECONDS": "0.3",
    "OMP_NUM_THREADS": "1",
}
SETTLE_SECONDS = 180.0
VICTIMS = ("worker", "server", "both")


@dataclass
class Run:
    """A backend that is killed, and the people who label meanwhile."""

    studio: LabelStudio
    folder: Path
    dice: random.Random
    kills: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0
    """Seconds until all was well again."""

    def __post_init__(self) -> None:
        self.studio.projects[1] = {"id": 1, "title": "P1", "label_config": CONFIG, "model_version": "micro-models"}
        for number in range(1, TASKS + 1):
            data = {"image": f"/data/upload/1/{number}.png", "video": f"clip{number % GROUPS}", "frame": number}
            self.studio.tasks[number] = {"id": number, "project": 1, "data": data, "annotations": []}
        folder = self.folder / "data"
        folder.mkdir()
        with open_registry(f"sqlite:///{folder / 'registry.db'}", str(folder / "artifacts")) as registry:
            registry.projects.configure(1, CONFIG, {"webhook_secret": SECRET})
        self.server = BackendServer(folder, self.studio.url, "key", extra_env=ENV)
        path = [str(ROOT / "tests" / "benchmarks" / "untrained"), str(ROOT)]
        self.server.child.env["PYTHONPATH"] = ":".join(path)
        self.http = httpx.Client(base_url=self.server.url, timeout=2, trust_env=False)

    # -- what people do
    def label(self) -> None:
        """Somebody submits, redraws or deletes an annotation; whether the backend hears of it, Label Studio does not
        care."""
        task = self.studio.tasks[self.dice.randint(1, TASKS)]
        old = task["annotations"]
        if old and self.dice.random() < 0.25:
            with self.studio.lock:
                task["annotations"] = []
            self.tell("ANNOTATIONS_DELETED", annotations=[{"id": old[0]["id"]}])
            return
        result = box_of(task["id"])
        result[0]["value"]["width"] *= self.dice.uniform(0.95, 1.05)
        row = {
            "id": old[0]["id"] if old else self.studio.new_id(), "task": task["id"], "result": result,
            "was_cancelled": False, "ground_truth": False, "updated_at": datetime.now(UTC).isoformat(),
        }  # fmt: skip
        with self.studio.lock:
            task["annotations"] = [row]
        there = {key: task[key] for key in ("id", "data")}
        self.tell("ANNOTATION_UPDATED" if old else "ANNOTATION_CREATED", annotation=row, task=there)

    def tell(self, action: str, **payload: Any) -> None:
        """A webhook, as Label Studio sends it: once."""
        body = {"action": action, "project": {"id": 1, "label_config": CONFIG}, **payload}
        try:
            said = self.http.post("/webhook", json=body, headers={"X-Micro-Models-Secret": SECRET})
            self.events["taken" if said.status_code == 200 else f"answered {said.status_code}"] += 1
        except httpx.HTTPError:
            self.events["lost"] += 1

    # -- what is done to the backend
    def round(self, victim: str) -> None:
        """Some labels; at some moment of what follows from them, a kill; labels while nobody listens; a restart."""
        for _ in range(self.dice.randint(1, 3)):
            self.label()
        self.wait_for_work()
        time.sleep(self.dice.uniform(0, 0.6))
        if victim in ("server", "both"):
            self.kill_server(with_worker=victim == "both")
        else:
            self.kill_worker()

    def wait_for_work(self) -> None:
        """Until something is under way; where all was done before anybody looked, the moment is as good."""
        give_up = time.monotonic() + 5
        while time.monotonic() < give_up and not any(state in ("training", "publishing") for state in self.states()):
            time.sleep(0.05)

    def kill_worker(self) -> None:
        """The server starts another one."""
        worker = self.worker()
        kill(worker)
        self.kills["worker"] += 1
        if self.dice.random() < 0.5:
            self.label()
        assert self.worker().pid != worker.pid

    def kill_server(self, with_worker: bool) -> None:
        """Somebody starts it again; the worker ends by itself where it was not killed too."""
        worker, process = (self.worker() if with_worker else None), self.server.child.process
        assert process is not None
        kill(psutil.Process(process.pid))
        assert process.wait() == -9
        self.kills["server"] += 1
        if worker is not None:
            kill(worker)
            self.kills["worker"] += 1
        if self.dice.random() < 0.5:
            self.label()
        self.server.start()

    def worker(self) -> psutil.Process:
        """The server's worker, which may be about to start."""
        process = self.server.child.process
        assert process is not None
        give_up = time.monotonic() + 60
        while (found := worker_beside(process.pid)) is None:
            assert time.monotonic() < give_up, f"no worker beside {process.pid}. {self.server.child.log_tail()}"
            time.sleep(0.05)
        return found

    # -- what must hold
    def states(self) -> list[str]:
        """Of the groups, as the registry has them."""
        return [phase for (phase,) in self.ask("select phase from groups")]

    def ask(self, query: str) -> list[Any]:
        """Rows of the registry."""
        path = self.server.folder / "registry.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as registry:
            return registry.execute(query).fetchall()

    def settle(self) -> None:
        """Wait until all is well; AssertionError with what is not."""
        began = time.monotonic()
        while wrong := self.problems():
            said = f"{wrong} {self.server.child.log_tail()}"
            assert time.monotonic() - began < SETTLE_SECONDS, said
            time.sleep(0.3)
        self.longest = max(self.longest, time.monotonic() - began)

    def problems(self) -> list[str]:
        """What is lost, doubled or half done."""
        with self.studio.lock:
            drawn = {a["id"]: a["result"] for task in self.studio.tasks.values() for a in task["annotations"]}
            labelled = {number for number, task in self.studio.tasks.items() if task["annotations"]}
            predicted = Counter(one["task"] for one in self.studio.predictions.values())
        live = self.ask("select id, result from labels where deleted_at is null")
        known = {id_: json.loads(result) for id_, result in live}
        groups = self.ask("select name, wanted, trained, published, trained_labels from groups where name like 'clip%'")
        learnt = {name: count for name, _, _, _, count in groups}
        want = Counter(self.studio.tasks[number]["data"]["video"] for number in labelled)
        serving = self.ask("select \"group\", control from versions where state = 'serving'")
        alone = {n for n in set(self.studio.tasks) - labelled if want[self.studio.tasks[n]["data"]["video"]]}
        checks = {
            "labels that differ from Label Studio's": {i for i in drawn | known if drawn.get(i) != known.get(i)},
            "groups with work left": [group for group in groups if len(set(group[1:4])) > 1],
            "labels learnt of those there are": {n: (learnt.get(n), want[n]) for n in want if want[n] != learnt.get(n)},
            "tasks with two predictions": [task for task, count in predicted.items() if count > 1],
            "tasks without a prediction": sorted(alone - set(predicted)),
            "versions left in training": self.ask("select id from versions where state = 'training'"),
            "micro-models that serve twice": [one for one, count in Counter(serving).items() if count > 1],
            "requests that Label Studio does not know": dict(self.studio.unknown),
        }
        return [f"{what}: {found}" for what, found in checks.items() if found]


def main() -> None:
    """Kill, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    began = time.monotonic()
    with LabelStudio() as studio, tempfile.TemporaryDirectory(prefix="kills-", dir=chosen.folder) as folder:
        run = Run(studio, Path(folder), random.Random(chosen.seed))
        run.server.start()
        try:
            for number in range(chosen.rounds):
                run.round(VICTIMS[number % len(VICTIMS)])
                if number % 10 == 9 or number == chosen.rounds - 1:
                    run.settle()
                    print(
                        f"{number + 1} rounds, {time.monotonic() - began:.0f} s: killed {dict(run.kills)}, events "
                        f"{dict(run.events)}, {len(studio.predictions)} predictions, {dict(studio.calls)} requests; "
                        f"all well after {run.longest:.1f} s at most",
                        flush=True,
                    )
        finally:
            run.server.stop()


if __name__ == "__main__":
    main()
