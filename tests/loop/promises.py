"""A machine of everything that may happen to a project, and what must hold once it has stopped happening.

People label in Label Studio, whatever the backend does. Their webhooks come late, twice, in any order, or never. Label
Studio's API lies: an empty list, half of it, "404", yesterday's state. Processes die between any two of their effects,
clocks jump. Afterwards Label Studio answers honestly for a while, and the promises of the design hold: see `check`.
"""

import copy
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any, Literal

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from backend.errors import RegistryError, StudioMissing, StudioUnreachable
from backend.loop.group_work import GroupWorker
from backend.loop.projects import setup
from backend.loop.sweep import LookRound, sweep_project
from backend.loop.versions import pin, rollback, train_now, unpin
from backend.studio.task_list import TaskList
from model_registry import Registry
from tests.loop.house import CONFIG, FakeStudio, House, box_of, picture

PROJECTS = (1, 2)
GROUPS = ("a", "b")
PICTURES = 12
"""Tasks share them."""
DAY = 86_400.0
Lie = Literal["", "empty", "half", "missing", "away", "old"]
LIES: tuple[Lie, ...] = ("empty", "half", "missing", "away", "old")
QUIET_DAYS = 4
"""For how long Label Studio answers honestly before the promises must hold: what is confirmed a day later is by then."""
TURNS = 40
"""Looks for work that a day takes at most: more means that work never ends."""


class Killed(BaseException):
    """The process is gone: nothing catches this."""


class Fuse:
    """Ends the process at one of its next effects on the world: a write transaction, or a write to Label Studio."""

    def __init__(self) -> None:
        self.left: int | None = None
        """Effects that still happen."""
        self.done = True
        """Whether the last effect happens, or is cut in the middle."""
        self.dead = False

    @contextmanager
    def effect(self) -> Iterator[Callable[[], None]]:
        """One effect; its body calls what is yielded where it would be cut."""
        if self.dead:
            raise Killed
        strikes = self.left == 0
        self.left = None if self.left is None or strikes else self.left - 1

        def cut() -> None:
            if strikes and not self.done:
                self.dead = True
                raise Killed

        yield cut
        if strikes:
            self.dead = True
            raise Killed


class Studio(FakeStudio):
    """A Label Studio that may lie, and whose caller may die."""

    lie: Lie = ""
    fuse: Fuse
    snapshot: Mapping[int, dict[str, Any]] = {}

    def listed(self) -> list[dict[str, Any]]:
        rows = sorted(self._seen.values(), key=lambda row: int(row["id"]))
        return copy.deepcopy(self._part(rows))

    def lists_project(self, project: int) -> bool:
        self._answers()
        return super().lists_project(project)

    def project(self, project: int) -> dict[str, Any]:
        self._answers()
        return super().project(project)

    def backends(self, project: int) -> list[dict[str, Any]]:
        self._answers()
        return super().backends(project)

    def tasks(self, project: int) -> TaskList:
        self._answers()
        return super().tasks(project)

    def existing_tasks(self, project: int, tasks: Iterable[int]) -> set[int]:
        self._answers()
        return super().existing_tasks(project, tasks)

    def has_task(self, project: int, task: int) -> bool:
        self._answers()
        return task in self._seen and self._seen[task]["project"] == project

    def has_annotation(self, project: int, annotation: int) -> bool:
        self._answers()
        mine = [row for row in self._seen.values() if row["project"] == project]
        return any(one["id"] == annotation for row in mine for one in row["annotations"])

    def has_prediction(self, project: int, task: int, model_version: str) -> bool:
        self._answers()
        return super().has_prediction(project, task, model_version)

    def predictions_of(self, project: int, tasks: Sequence[int], model_version: str) -> dict[int, list[int]]:
        self._answers()
        found = super().predictions_of(project, tasks, model_version)
        return {task: found[task] for task in self._part(sorted(found))}

    def import_predictions(self, project: int, items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        self._answers()
        there = [item for item in items if item["task"] in self.rows]
        with self.fuse.effect() as cut:
            cut()
            super().import_predictions(project, there)
        return [item for item in items if item["task"] not in self.rows]

    def update_predictions(self, items: Mapping[int, Mapping[str, Any]]) -> list[int]:
        self._answers()
        there = {number: item for number, item in items.items() if number in self.predictions}
        with self.fuse.effect() as cut:
            cut()
            super().update_predictions(there)
        return [number for number in items if number not in there]

    @property
    def _seen(self) -> Mapping[int, dict[str, Any]]:
        return self.snapshot if self.lie == "old" else self.rows

    def _answers(self) -> None:
        if self.fuse.dead:
            raise Killed
        if self.lie == "missing":
            raise StudioMissing("404 of whatever sits there")
        if self.lie == "away":
            raise StudioUnreachable("no answer")

    def _part(self, rows: list[Any]) -> list[Any]:
        return rows[: {"empty": 0, "half": len(rows) // 2}.get(self.lie, len(rows))]


class Pause(Event):
    """A worker's stop, which is never pressed; who waits for it sees the clock move instead."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self._house = house

    def wait(self, timeout: float | None = None) -> bool:
        self._house.now += timeout or 0.0
        return False


class World:
    """Label Studio, its people and the post; and a backend that can be killed."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        settings = {"proposals": False, "lease_seconds": 60, "sweep_seconds": 300} | settings
        self.house = House(folder, **settings)
        self.studio = Studio()
        self.fuse = self.studio.fuse = Fuse()
        self.house.studio = self.studio
        self.post: list[tuple[str, int, dict[str, Any]]] = []
        """Webhooks on their way: (action, project, what else)."""
        self.owners = itertools.count()
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
            self.house.registry.leases.release_owner(f"worker-{next(self.owners)}")
        self.house.queue.groups.clear()
        self.house.queue.projects.clear()
        self.owners = itertools.count(next(self.owners) + 1)
        self.house.worker = GroupWorker(self.house.services, self._owner(), Pause(self.house))
        self.look = LookRound(self.house.services)

    def _owner(self) -> str:
        self.owner = f"worker-{next(self.owners)}"
        return self.owner

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
                self.house.worker.look_at(project, group)
        return False

    def dies(self, what: Callable[[], object], after: int, done: bool) -> None:
        """Do something, and be killed at one of its effects; where it has not so many, at its end."""
        self.fuse.left, self.fuse.done = after, done
        try:
            what()
        except Killed:
            assert self.fuse.dead

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
        bare = mine - {a["task"] for a in counted.values()}
        shown = {item["task"] for item in self.studio.predictions.values()}
        assert bare <= shown, f"tasks without a prediction: {bare - shown}"

    def close(self) -> None:
        self.house.registry.close()


def moment(seconds: float) -> str:
    """As Label Studio writes a time."""
    from datetime import UTC, datetime

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


class Promises(RuleBasedStateMachine):
    """See the module. `make` gives a world on an empty registry."""

    make: Callable[[], World]

    def __init__(self) -> None:
        super().__init__()
        self.world = type(self).make()
        self.dice = random.Random(0)

    @initialize()
    def begin(self) -> None:
        for project, group in ((1, "a"), (1, "a"), (1, "b"), (2, "a")):
            self.world.add_task(project, group)

    def teardown(self) -> None:
        try:
            if self.world.fuse.dead:
                self.world.restart()
            self.world.settle()
            self.world.check()
        finally:
            self.world.close()

    # -- people
    def tasks(self, labelled: bool = False) -> list[int]:
        return [n for n, row in sorted(self.world.studio.rows.items()) if row["annotations"] or not labelled]

    @rule(project=st.sampled_from(PROJECTS), group=st.sampled_from(GROUPS))
    def a_task_is_added(self, project: int, group: str) -> None:
        self.world.add_task(project, group)

    @precondition(lambda self: self.tasks())
    @rule(data=st.data())
    def a_task_is_removed(self, data: st.DataObject) -> None:
        self.world.remove_task(data.draw(st.sampled_from(self.tasks())))

    @precondition(lambda self: self.tasks())
    @rule(
        data=st.data(), again=st.booleans(), skipped=st.sampled_from((False, False, False, True)),
        late=st.sampled_from((0.0, 0.0, 0.0, -7200.0, 7200.0, 20 * 365 * DAY)),
    )  # fmt: skip
    def somebody_annotates(self, data: st.DataObject, again: bool, skipped: bool, late: float) -> None:
        self.world.annotate(data.draw(st.sampled_from(self.tasks())), again, skipped, late)

    @precondition(lambda self: self.tasks(labelled=True))
    @rule(data=st.data())
    def an_annotation_is_deleted(self, data: st.DataObject) -> None:
        self.world.unannotate(data.draw(st.sampled_from(self.tasks(labelled=True))))

    # -- the post
    @precondition(lambda self: self.world.post)
    @rule(
        data=st.data(), fate=st.sampled_from(("arrives", "arrives", "arrives", "is lost", "arrives, and again later"))
    )
    def a_webhook(self, data: st.DataObject, fate: str) -> None:
        event = data.draw(st.sampled_from(self.world.post[:3]))
        if fate != "arrives, and again later":
            self.world.post.remove(event)
        if fate != "is lost":
            self.world.deliver(*event)

    @precondition(lambda self: self.world.post)
    @rule()
    def all_webhooks_arrive(self) -> None:
        for event in self.world.post:
            self.world.deliver(*event)
        self.world.post.clear()

    @precondition(lambda self: self.world.post)
    @rule(after=st.integers(0, 1), done=st.booleans(), data=st.data())
    def the_server_dies_at_a_webhook(self, after: int, done: bool, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from(self.world.post[:3]))
        self.world.post.remove(event)
        self.world.dies(lambda: self.world.deliver(*event), after, done)
        self.world.restart()

    @precondition(lambda self: self.tasks(labelled=True))
    @rule(
        data=st.data(), years=st.sampled_from((0, 73)), kind=st.sampled_from(("label", "deletion", "task", "no task"))
    )
    def a_foreign_project_names_what_is_not_its(self, data: st.DataObject, years: int, kind: str) -> None:
        row = self.world.studio.rows[data.draw(st.sampled_from(self.tasks(labelled=True)))]
        owner, number = row["project"], row["annotations"][-1]["id"]
        other = next(project for project in PROJECTS if project != owner)
        forged = {
            "id": number, "task": row["id"], "result": [], "was_cancelled": False,
            "updated_at": moment(self.world.house.clock() + years * 365 * DAY),
        }  # fmt: skip
        before = self.known(owner)
        match kind:
            case "label":
                there = {"id": row["id"], "data": row["data"] | {"video": "b"}}
                self.world.deliver("ANNOTATION_UPDATED", other, {"annotation": forged, "task": there})
            case "deletion":
                self.world.deliver("ANNOTATIONS_DELETED", other, {"annotations": [{"id": number}]})
            case "task":
                self.world.deliver("TASKS_CREATED", other, {"tasks": [{"id": row["id"], "data": {"image": "x"}}]})
            case "no task":
                self.world.deliver("TASKS_DELETED", other, {"tasks": [{"id": row["id"]}]})
        assert self.known(owner) == before, "an event of one project changed another"

    def known(self, project: int) -> object:
        registry = self.world.house.registry
        labels = [registry.labels.of_group(project, group) for group in GROUPS]
        return labels, [registry.tasks.of_group(project, group) for group in GROUPS]

    # -- the backend
    @rule()
    def the_worker_works(self) -> None:
        self.world.work(2)

    @rule(after=st.integers(0, 12), done=st.booleans(), notice=st.booleans())
    def the_worker_dies(self, after: int, done: bool, notice: bool) -> None:
        self.world.dies(lambda: self.world.work(2), after, done)
        self.world.restart(notice)

    @rule(project=st.sampled_from(PROJECTS), lie=st.sampled_from(("", *LIES)))
    def a_sweep(self, project: int, lie: Lie) -> None:
        self.world.studio.lie = lie
        self.world.sweep(project)
        self.world.studio.lie = ""

    @rule(project=st.sampled_from(PROJECTS), after=st.integers(0, 4), done=st.booleans())
    def a_sweep_that_dies(self, project: int, after: int, done: bool) -> None:
        self.world.dies(lambda: self.world.sweep(project), after, done)
        self.world.restart()

    @rule(lie=st.sampled_from(LIES))
    def the_worker_works_while_label_studio_lies(self, lie: Lie) -> None:
        self.world.studio.lie = lie
        self.world.work(2)
        self.world.studio.lie = ""

    @rule()
    def label_studio_is_backed_up(self) -> None:
        self.world.studio.snapshot = copy.deepcopy(self.world.studio.rows)

    @rule(seconds=st.sampled_from((1.0, 30.0, 400.0, 5000.0, -5000.0, 2 * DAY)))
    def the_clock_moves(self, seconds: float) -> None:
        self.world.latest = max(self.world.latest, self.world.house.now)
        self.world.house.now = max(100.0, self.world.house.now + seconds)

    @rule(
        project=st.sampled_from(PROJECTS), group=st.sampled_from(GROUPS),
        order=st.sampled_from((train_now, rollback, pin, unpin)),
    )  # fmt: skip
    def somebody_orders(self, project: int, group: str, order: Callable[..., object]) -> None:
        with suppress(RegistryError):  # there is nothing to go back to, or to pin
            order(self.world.house.services, project, group)
