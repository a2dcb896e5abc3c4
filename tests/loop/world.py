"""A world in which anything may go wrong, and what must hold once it has stopped going wrong.

People label in Label Studio, whatever the backend does. Their webhooks come late, twice, in any order, or never. Label
Studio's API lies: an empty list, half of it, "404", yesterday's state. Processes die between any two of their effects,
clocks jump. Afterwards Label Studio answers honestly for a while, and the promises of the design hold: see `check`.
"""

import copy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backend.cancel import CancelSource
from backend.errors import StudioMissing, StudioUnreachable
from backend.loop.data.projects import setup
from backend.loop.events.sweep import Reconciler, sweep_project
from backend.loop.group_work import GroupWorker
from model_registry import Registry
from tests.loop.house import CONFIG, House, box_of, picture
from tests.loop.lying import Fuse, Killed, Studio

PROJECTS = (1, 2)
GROUPS = ("a", "b")
PICTURES = 12
"""Tasks share them."""
DAY = 86_400.0
QUIET_DAYS = 2
"""For how long Label Studio answers honestly before the promises must hold: what is confirmed a day later is by then."""
TURNS = 40
"""Looks for work that a day takes at most: more means that work never ends."""


class Pause(CancelSource):
    """A worker's stop, which is never pressed; who waits for it sees the clock move instead."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self._house = house

    def wait(self, seconds: float) -> bool:
        self._house.now += seconds
        return False


class World:
    """Label Studio, its people and the post; and a backend that can be killed."""

    def __init__(self, folder: Path, happened: Counter[str], **settings: Any) -> None:
        settings = {"proposals": False, "lease_seconds": 60, "sweep_seconds": 300} | settings
        self.house = House(folder, **settings)
        self.happened = happened
        self.studio = Studio()
        self.studio.happened = happened
        self.fuse = self.studio.fuse = Fuse()
        self.house.studio = self.studio
        self.post: list[tuple[str, int, dict[str, Any]]] = []
        """Webhooks on their way: (action, project, what else)."""
        self.number = 0
        """Of the worker's process."""
        self.latest = self.house.now
        _light(self.house.registry, self.fuse)
        for number in range(PICTURES):
            (self.house.media / f"{number}.png").write_bytes(picture(number))
        self.restart()
        for project in PROJECTS:
            self.house.add_project(project)
            setup(self.house.services, project, CONFIG, None)

    def restart(self, notice: bool = False) -> None:
        """A new process; with `notice` somebody has told the registry that the one before is dead."""
        self.fuse.dead, self.fuse.left = False, None
        if notice:
            self.house.registry.leases.release_owner(f"worker {self.number}")
        self.house.queue.groups.clear()
        self.house.queue.projects.clear()
        self.number += 1
        self.house.worker = GroupWorker(self.house.services, f"worker {self.number}", Pause(self.house))
        self.look = Reconciler(self.house.services)

    # -- people in Label Studio
    def add_task(self, project: int, group: str) -> None:
        number = next(self.studio.ids)
        path = self.house.media / f"{number % PICTURES}.png"
        data = {"image": f"/data/local-files/?d={path.name}", "frame": number, "video": group}
        self.studio.rows[number] = {"id": number, "project": project, "data": data, "annotations": []}
        self.send("TASKS_CREATED", project, tasks=[{"id": number, "data": data}])

    def remove_task(self, task: int) -> None:
        row = self.studio.rows.pop(task)
        for number in [n for n, item in self.studio.predictions.items() if item["task"] == task]:
            del self.studio.predictions[number]
        self.send("TASKS_DELETED", row["project"], tasks=[{"id": task}])

    def annotate(self, task: int, again: bool, skipped: bool, late: float) -> None:
        """Submit an annotation, or change the last one; Label Studio's clock is `late` seconds off."""
        row = self.studio.rows[task]
        again = again and bool(row["annotations"])
        number = row["annotations"][-1]["id"] if again else next(self.studio.ids)
        result = box_of(task % PICTURES, region=f"r{number}")
        result[0]["value"]["width"] += (next(self.studio.ids) % 50) / 100
        annotation = {
            "id": number, "task": task, "result": [] if skipped else result, "was_cancelled": skipped,
            "updated_at": moment(self.house.clock() + late), "ground_truth": False,
        }  # fmt: skip
        row["annotations"] = [a for a in row["annotations"] if a["id"] != number] + [annotation]
        action = "ANNOTATION_UPDATED" if again else "ANNOTATION_CREATED"
        there = {"id": task, "data": row["data"]}
        self.send(action, row["project"], annotation=copy.deepcopy(annotation), task=there)

    def unannotate(self, task: int) -> None:
        row = self.studio.rows[task]
        gone = row["annotations"].pop()
        self.send("ANNOTATIONS_DELETED", row["project"], annotations=[{"id": gone["id"]}])

    def send(self, action: str, project: int, **payload: Any) -> None:
        self.post.append((action, project, payload))

    # -- the backend
    def deliver(self, action: str, project: int, payload: Mapping[str, Any]) -> None:
        self.house.send(action, project, **copy.deepcopy(payload))

    def sweep(self, project: int) -> None:
        with suppress(StudioMissing, StudioUnreachable):  # the queue's consumer logs it
            sweep_project(self.house.services, project)

    def work(self, turns: int = TURNS) -> bool:
        """Hear words, look around, until there is nothing to do; False where there still is."""
        queue = self.house.queue
        for _ in range(turns):
            self.look()
            words, projects = list(dict.fromkeys(queue.groups)), list(dict.fromkeys(queue.projects))
            queue.groups.clear()
            queue.projects.clear()
            if not words and not projects:
                return True
            for project in projects:
                self.sweep(project)
            for project, group in words:
                self.house.worker.run_group(project, group)
        return False

    def dies(self, what: Callable[[], object], after: int, done: bool) -> None:
        """Do something, and be killed at one of its effects; where it has not so many, at its end."""
        self.fuse.left, self.fuse.done = after, done
        try:
            what()
        except Killed:
            assert self.fuse.dead
            self.happened[f"killed {'after' if done else 'in mid'} effect"] += 1

    def settle(self) -> None:
        """Some quiet days, on which Label Studio is honest and nobody dies."""
        self.studio.lie = ""
        for _ in range(QUIET_DAYS):
            self.latest = self.house.now = max(self.latest, self.house.now) + DAY
            assert self.work(), f"the work never ends: {self.house.registry.groups.pending(self.house.now)}"

    def check(self) -> None:
        """What the design promises."""
        registry, studio = self.house.registry, self.studio
        for project in PROJECTS:
            rows = {number: row for number, row in studio.rows.items() if row["project"] == project}
            drawn = {a["id"]: a for row in rows.values() for a in row["annotations"]}
            assert registry.tasks.ids(project) == set(rows), "the registry's tasks are not Label Studio's"
            assert set(registry.labels.known(project)) == set(drawn), "the registry's labels are not Label Studio's"
            for group in GROUPS:
                mine = {number for number, row in rows.items() if row["data"]["video"] == group}
                self._check_group(project, group, mine, drawn)
        foreign = [item["task"] for item in studio.predictions.values() if item["task"] not in studio.rows]
        assert not foreign, "predictions of tasks that there are not"
        doubled = {task: n for task, n in Counter(i["task"] for i in studio.predictions.values()).items() if n > 1}
        assert not doubled, f"tasks with more than one prediction: {doubled}"

    def _check_group(self, project: int, group: str, mine: set[int], drawn: Mapping[int, dict[str, Any]]) -> None:
        registry, record = self.house.registry, self.house.registry.groups.get(project, group)
        if record is None:
            assert not mine
            return
        counted = {n: a for n, a in drawn.items() if a["task"] in mine and not a["was_cancelled"]}
        known = {label.id: label for label in registry.labels.of_group(project, group)}
        assert {n: label.result for n, label in known.items()} == {n: a["result"] for n, a in counted.items()}
        assert record.state(self.house.now) == "idle", record
        assert record.trained_labels == len(known) or not counted, f"not learnt: {record}"
        serving = registry.versions.serving(project, group)
        for version in serving.values():
            assert version.artifact is not None
            registry.artifacts.read(version.artifact)
        states = [version.state for version in registry.versions.history(project, group)]
        assert "training" not in states
        if not counted and not serving:
            return
        assert serving, f"labels, and no version serves: {states}"
        self.happened["labels learnt"] += len(counted)
        self.happened["versions superseded"] += states.count("superseded")
        bare = mine - {a["task"] for a in counted.values()}
        shown = {item["task"] for item in self.studio.predictions.values()}
        assert bare <= shown, f"tasks without a prediction: {bare - shown}"

    def close(self) -> None:
        self.house.registry.close()


def moment(seconds: float) -> str:
    """As Label Studio writes a time."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _light(registry: Registry, fuse: Fuse) -> None:
    """Have every write transaction of a registry burn the fuse."""
    database = registry._database
    writing = database.writing

    @contextmanager
    def burning() -> Iterator[Any]:
        with fuse.effect() as cut, writing() as connection:
            yield connection
            cut()  # rolled back, as the engine does for a connection that is gone

    database.writing = burning  # type: ignore[method-assign]
