"""What the registry knows, as frozen data: nothing in here touches a database.

Times are seconds since the epoch, as floats, from the clock that the registry was opened with.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

GroupState = Literal["idle", "queued", "training", "publishing", "failed"]
Phase = Literal["training", "publishing"]
SILENT_SECONDS = 60.0
"""A worker that gave no sign of life for so long is gone: six of its beats, in case the registry is slow or away."""
FATAL = 2
"""Workers that end in a row while they are at work on the same labels of a group, before it is set aside: one may have
other reasons."""


TITLE = "project_title"
"""The setting of a project that holds its title at the source."""
STOPPED = "stopped"
"""The setting of a project of which nothing is trained or published until it is lifted; it says why."""


@dataclass(frozen=True, slots=True)
class ProjectRecord:
    """One project whose labels are kept here."""

    id: int
    config: str = ""
    """The labeling config as last seen; opaque to the registry."""
    settings: dict[str, Any] = field(default_factory=dict)
    generation: int = 0
    """Rises with every promotion and every way back, so that a reader sees that predictions are outdated."""
    synced_at: float | None = None
    missing_since: float | None = None
    """When its source first said that it has no such project, without a break since; None: it has."""
    gone_since: float | None = None
    """The same, once that was said again long after: the project is left alone, and nothing of it is deleted."""

    stopped: str | None = None
    """Why nothing of the project is trained or published (its setting `STOPPED`); None where it goes on."""

    @property
    def title(self) -> str:
        """What people call it: its title at the source, with its number where that is not known."""
        return str(self.settings.get(TITLE) or f"Project {self.id}")

    @property
    def gone(self) -> bool:
        """Whether its source has said for long that it has no such project."""
        return self.gone_since is not None


class TaskLike(Protocol):
    """What `tasks.upsert` needs of a task; a `TaskRecord` will do."""

    @property
    def id(self) -> int:
        """Of the task, unique within its project."""
        ...

    @property
    def group(self) -> str:
        """Name of the group that it belongs to."""
        ...

    @property
    def data(self) -> Mapping[str, Any]:
        """The fields of the task, as JSON."""
        ...


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """One task and the group that it belongs to."""

    id: int
    project: int
    group: str
    data: dict[str, Any]
    problem: str | None = None
    """Why this task cannot be used, in words for a person; cleared when its data change."""


@dataclass(frozen=True, slots=True)
class LabelRecord:
    """One submitted annotation of a task. Its content is `task`, `result` and `skipped`; the rest only describes it."""

    id: int
    project: int
    task: int
    result: list[dict[str, Any]]
    skipped: bool = False
    updated_at: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)
    """Opaque: author, parent prediction, ground truth... A change of it alone asks for no training."""


class GroupKind(StrEnum):
    """What a group stands for."""

    TASKS = "tasks"
    """The tasks that share a micro-model: a clip, a patient, a camera."""
    PROJECT = "project"
    """The project as a whole: its idle jobs and its project model. It has no task, there is one at most, and it comes after
    all groups of tasks."""


PROJECT_GROUP = " all groups"
"""Name that the group of kind PROJECT has as a key. No task's group can be told from it by its name alone: ask its kind."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker's claim to a group: what it writes about the group is written only while it holds that."""

    project: int
    group: str
    """Name of the group."""
    owner: str
    """Name of the worker: any string that no two workers share."""


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """Where one group stands: which revision of its labels is wanted, trained on, published."""

    project: int
    name: str
    rule: str
    """Which grouping rule chose this group."""
    tasks: int = 0
    labelled: int = 0
    """Tasks with at least one live label that is not skipped."""
    wanted: int = 0
    """Revision of the labels: rises by 1 with each transaction that changes a label of the group."""
    trained: int = 0
    """Revision that the last finished training has seen."""
    published: int = 0
    """Revision of `trained` whose predictions are out."""
    trained_labels: int = 0
    phase: str | None = None
    progress: float | None = None
    seconds_left: float | None = None
    reason: str | None = None
    """Why the last try failed; where none did, the remark of the last training."""
    remark: str | None = None
    """What the last training has to say to the reader; told again once a failure is over."""
    failed_revision: int | None = None
    attempts: int = 0
    """Failures in a row at `failed_revision`."""
    first_due: float | None = None
    """When the first label that is not trained on arrived."""
    due_at: float | None = None
    """Not to be worked on before; None: at once; infinity: not before its labels change or somebody forces it."""
    forced: bool = False
    lease_owner: str | None = None
    lease_until: float | None = None
    doubt: float | None = None
    """1 - score of the group's published predictions, on average; None where nothing was published yet."""
    work: str | None = None
    """What the worker that holds the group does with it, in words; None while it does nothing that could end it."""
    deaths: int = 0
    """Workers that ended in a row while they were at work on the revision `died_at`."""
    died_at: int | None = None
    kind: GroupKind = GroupKind.TASKS

    def leased(self, now: float) -> bool:
        """Whether a worker holds the group at this moment."""
        return self.lease_owner is not None and self.lease_until is not None and self.lease_until > now

    def lease(self, owner: str) -> Lease:
        """The claim of this worker to the group, whether it holds it or not."""
        return Lease(self.project, self.name, owner)

    def is_aside(self, now: float) -> bool:
        """Whether the group is set aside because it has ended workers."""
        return (
            self.deaths >= FATAL
            and self.failed_revision == self.wanted
            and self.due_at is not None
            and self.due_at > now
        )

    def state(self, now: float) -> GroupState:
        """The one word that a person sees."""
        if self.leased(now) and self.phase is not None:
            return "publishing" if self.phase == "publishing" else "training"
        if self.failed_revision == self.wanted:
            return "failed"
        if self.wanted != self.trained or self.published != self.trained or self.forced:
            return "queued"
        return "idle"


class VersionState(StrEnum):
    """What became of one training."""

    TRAINING = "training"
    SERVING = "serving"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"
    INTERRUPTED = "interrupted"
    """Given up on purpose, or cut off with its worker: nothing is wrong, it is trained again."""
    FAILED = "failed"
    IMPORTED = "imported"
    """It was not trained here: the start of the next training, brought from another registry. It never serves."""
    DAMAGED = "damaged"
    """It served, until its weights were found missing or unusable."""

    @classmethod
    def _missing_(cls, value: object) -> "VersionState":
        """A word that nobody knows costs the version that has it, not the page that lists it."""
        return cls.FAILED


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """One worker, or the place of the one beside a server: its successor after a death has the same name."""

    name: str
    started_at: float
    """When its process began."""
    seen_at: float | None = None
    """Its last sign of life; None where it has not given any."""
    ended_at: float | None = None
    """When it was known to be gone; None while nobody knows of that."""
    last_error: str | None = None
    """What went wrong with it last, in words; None once that is over."""
    doing: str | None = None
    """What it was at when it was seen last; None: nothing."""

    def alive(self, now: float) -> bool:
        """Whether it works: it gave a sign of life not long ago, and nobody saw it end."""
        return self.seen_at is not None and self.ended_at is None and now - self.seen_at < SILENT_SECONDS

    def starting(self, now: float) -> bool:
        """Whether it has just begun, and may give its first sign of life in a moment."""
        return self.seen_at is None and self.ended_at is None and now - self.started_at < SILENT_SECONDS

    @property
    def gone_since(self) -> float:
        """Since when it is not there, if it is not; of one that never gave a sign of life, since it began."""
        return self.started_at if self.seen_at is None else self.ended_at or self.seen_at


@dataclass(frozen=True, slots=True)
class ArtifactRef:
    """Where weights are, and what they must be."""

    uri: str
    """Relative to the artifact store, so that the store may be moved or mounted elsewhere."""
    sha256: str
    nbytes: int


@dataclass(frozen=True, slots=True)
class Space:
    """What weights take in the artifact store."""

    artifacts: int
    nbytes: int


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One training result of a micro-model (project, group, control)."""

    id: int
    project: int
    group: str
    control: str
    head: str
    number: int
    """1, 2, ... within the micro-model."""
    state: VersionState
    previous: int | None
    """Id of the version that served before; of the first one, of another group's that the training started from."""
    start: str
    """What the training started from, in a word: backbone, serving, sibling...; of what was imported also where that is from."""
    label_revision: int
    labels: int
    fingerprint: str
    """Of the labeling config's part that makes a trained model stale."""
    metrics: dict[str, Any]
    recipe: dict[str, Any]
    artifact: ArtifactRef | None
    reason: str | None
    seconds: float | None
    created_at: float
    finished_at: float | None
    kind: GroupKind = GroupKind.TASKS
    """Of its group: a version of kind PROJECT is the project model."""
