"""What is known of each task: the label of a person, or a prediction; and where each of its regions comes from."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from backend.instances import ACCEPTED, DRAWN, MENDED, PREDICTED
from backend.loop.data.project_news import named
from backend.loop.data.training_set import newest_labels
from backend.loop.review.compare import changed_regions
from backend.loop.review.reviewing import shown_for
from backend.loop.services import Services
from model_registry import LabelRecord, LedgerEntry, TaskRecord, VersionRecord

AT_ONCE = 100
"""Tasks whose labels and predictions are read at once: masks of ten thousand would not fit into memory."""


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of one task."""

    task: TaskRecord
    label: LabelRecord | None = None
    """The annotation that is learnt from."""
    entry: LedgerEntry | None = None
    """The prediction: of a labelled task the one that was shown to the person, if any."""
    changed: dict[tuple[str, str], bool] = field(default_factory=dict)
    """{(control, region id): whether a person changed it} of the label's regions that were predicted."""

    others: tuple[LabelRecord, ...] = ()
    """Further annotations of the task, which are not learnt from."""
    later: LedgerEntry | None = None
    """Of a labelled task the prediction that was published since: of a whole video it goes on from what was drawn."""

    @property
    def result(self) -> list[dict[str, object]]:
        """Label Studio's result."""
        found = self.label or self.entry
        return found.result if found else []

    @property
    def stamp(self) -> str:
        """Another one where what is known is another."""
        if self.label is not None:
            since = f", prediction of {self.later.published_at}" if self.later else ""
            return f"label {self.label.id} of {self.label.updated_at}{since}"
        return f"prediction of {self.entry.published_at}" if self.entry else ""

    def origin(self, control: str, region: str) -> str:
        """Where a region of a control comes from."""
        if self.label is None:
            return PREDICTED
        changed = self.changed.get((control, region))
        return DRAWN if changed is None else MENDED if changed else ACCEPTED


def sources(services: Services, tasks: Sequence[TaskRecord], least: float | None) -> Iterator[Source]:
    """Of some tasks of one project, those that are labelled, and the others whose prediction scores at least so much."""
    for start in range(0, len(tasks), AT_ONCE):
        yield from _some(services, tasks[start : start + AT_ONCE], least)


def _some(services: Services, tasks: Sequence[TaskRecord], least: float | None) -> Iterator[Source]:
    registry, project = services.registry, tasks[0].project
    every = registry.labels.of_tasks(project, (task.id for task in tasks))
    labels = newest_labels(every)
    others = defaultdict[int, list[LabelRecord]](list)
    for one in every:
        if one is not labels[one.task]:
            others[one.task].append(one)
    kept = registry.ledger.kept(project, labels)
    entries = registry.ledger.latest(project, [task.id for task in tasks]) if least is not None else {}
    for task in tasks:
        label, entry = labels.get(task.id), entries.get(task.id)
        if label is not None:
            shown = shown_for(label, kept.get(task.id, ()))
            changed = changed_regions(shown.result, label.result) if shown else {}
            later = entry if entry is not None and entry.published_at > label.updated_at else None
            yield Source(task, label, shown, changed, tuple(others[task.id]), later)
        elif entry is not None and least is not None and entry.score >= least:
            yield Source(task, None, entry)


class VersionNames:
    """Names of the versions behind regions, as people know them."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: dict[int, VersionRecord | None] = {}

    def of(self, source: Source, control: str, origin: str) -> str:
        """`label v4`, or `label of clip 2 v4` where another group's said it; empty for what a person drew."""
        id_ = source.entry.versions.get(control) if source.entry else None
        if id_ is None or origin == DRAWN:
            return ""
        if id_ not in self._known:
            self._known[id_] = self._services.registry.versions.get(id_)
        version = self._known[id_]
        if version is None:
            return f"{control}, version {id_}"
        own = version.group == source.task.group
        return f"{control} v{version.number}" if own else f"{control} of {named(version)}"
