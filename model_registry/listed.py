"""Rows of lists for people, as frozen data."""

from dataclasses import dataclass, field

from model_registry.records import GroupRecord


@dataclass(frozen=True, slots=True)
class Serving:
    """A serving version, as much of it as a list shows."""

    control: str
    number: int
    score: float | None
    """Its predecessor's on frames that it had never seen."""


@dataclass(frozen=True, slots=True)
class Work:
    """What people did to reach the labels that there are, as far as it was reviewed."""

    actions: int = 0
    labels: int = 0
    reviewed: int = 0
    """Annotations made with a prediction in sight."""

    @property
    def efficiency(self) -> float | None:
        """1 - actions / labels; None where no prediction was reviewed, so that it says nothing of them."""
        return 1 - self.actions / self.labels if self.labels and self.reviewed else None


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group of a list."""

    record: GroupRecord
    serving: tuple[Serving, ...] = ()
    work: Work = Work()


@dataclass(frozen=True, slots=True)
class ProjectCounts:
    """How much there is in one project."""

    states: dict[str, int] = field(default_factory=dict)
    """Groups by state."""
    tasks: int = 0
    labelled: int = 0
    """Tasks with a label that counts."""
    problems: int = 0
    """Tasks that cannot be used."""
    work: Work = Work()

    @property
    def groups(self) -> int:
        """All groups that have a task."""
        return sum(self.states.values())
