"""A machine of everything that may happen in `tests.loop.world`; in the end `World.check` says what must hold."""

import copy
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from backend.errors import RegistryError
from backend.loop.versions import pin, rollback, train_now, unpin
from tests.loop.lying import LIES, Lie
from tests.loop.world import DAY, GROUPS, PROJECTS, World, moment

FATES = ("arrives", "is lost", "arrives, and again later")
"""Of a webhook; which of those on their way it is, makes the order."""


class Promises(RuleBasedStateMachine):
    """See the module. `make` gives a world on an empty registry."""

    make: Callable[[], World]
    happened: Counter[str]
    """What happened in all runs."""

    def __init__(self) -> None:
        super().__init__()
        self.world = type(self).make()

    @initialize()
    def begin(self) -> None:
        """Two projects; in the first one somebody has begun, it was learnt, and there is a way back."""
        world = self.world
        for project, group in ((1, "a"), (1, "a"), (1, "a"), (1, "b"), (2, "a")):
            world.add_task(project, group)
        for task in self.tasks()[:2]:
            world.annotate(task, again=False, skipped=False, late=0.0)
            self.all_webhooks_arrive()
            world.work()
        assert len(world.house.registry.versions.history(1, "a")) == 2

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
        fates=st.lists(st.sampled_from(FATES), min_size=1, max_size=4), places=st.lists(st.integers(0, 2), min_size=4)
    )
    def webhooks(self, fates: list[str], places: list[int]) -> None:
        post = self.world.post
        for fate, place in zip(fates, places, strict=False):
            if not post:
                return
            event = post[place % len(post)]
            if fate != "arrives, and again later":
                post.remove(event)
            if fate != "is lost":
                self.world.deliver(*event)
            self.world.happened[f"a webhook {fate}"] += 1

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
        self.world.happened["a foreign project interferes"] += 1

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
        place=st.sampled_from(((1, "a"), (1, "a"), (1, "b"), (2, "a"))),
        order=st.sampled_from((train_now, rollback, pin, unpin)),
    )  # fmt: skip
    def somebody_orders(self, place: tuple[int, str], order: Callable[..., object]) -> None:
        with suppress(RegistryError):  # there is nothing to go back to, or to pin
            order(self.world.house.services, *place)
            self.world.happened["somebody orders"] += 1
