"""Ways to have predictions on the frames that are not labelled yet: micro-models, and what they are measured against."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from backend.bench.baselines import Labelled, interpolated, nearest
from backend.bench.project import Project
from backend.bench.scenario import Scenario
from backend.demo.data_set import DataSet
from backend.types import Head, Instance

MICRO, POOLED, INTERPOLATED, NEAREST = "micro-model", "one for all", "interpolation", "nearest frame"


@dataclass(frozen=True, slots=True)
class Shown:
    """What an annotator sees in one frame."""

    result: list[dict[str, Any]]
    score: float
    """The lowest is handed out first."""


class Method(Protocol):
    """One way to predict the frames of one data set; frames are known by their position in it."""

    @property
    def name(self) -> str:
        """In tables and pictures."""
        ...

    def submit(self, position: int, result: list[dict[str, Any]]) -> None:
        """An annotation of one frame."""
        ...

    def work(self) -> float:
        """Learn from what was submitted; seconds that it took."""
        ...

    def shown(self) -> Mapping[int, Shown]:
        """{position: prediction} of the frames without an annotation that have one."""
        ...


class Trained:
    """Micro-models, of a group of its own or of a project where all is one group."""

    def __init__(self, name: str, project: Project, number: int) -> None:
        self.name = name
        self._project, self._tasks = project, project.tasks[number]
        self._open = set(range(len(self._tasks)))

    def submit(self, position: int, result: list[dict[str, Any]]) -> None:
        """See Method."""
        task = self._tasks[position]
        self._project.submit(task, result, self._project.predictions([task]).get(task))
        self._open.discard(position)

    def work(self) -> float:
        """See Method; where data sets share a project, the first to ask waits for all."""
        return self._project.work()

    def shown(self) -> Mapping[int, Shown]:
        """See Method."""
        known = self._project.predictions([self._tasks[position] for position in sorted(self._open)])
        entries = {position: known.get(self._tasks[position]) for position in sorted(self._open)}
        return {position: Shown(e.result, e.score) for position, e in entries.items() if e is not None}


class Copied:
    """What follows from the labels of the labelled frames; those are as they truly are, as a careful person has them."""

    def __init__(
        self, name: str, copy: Callable[[Labelled, float], Sequence[Instance]], data_set: DataSet, scenario: Scenario
    ) -> None:
        self.name = name
        self._copy, self._frames, self._scenario = copy, data_set.frames, scenario
        self._labelled: dict[float, Sequence[Instance]] = {}

    def submit(self, position: int, result: list[dict[str, Any]]) -> None:
        """See Method."""
        self._labelled[self._frames[position].number] = self._frames[position].truth or ()

    def work(self) -> float:
        """See Method."""
        return 0.0

    def shown(self) -> Mapping[int, Shown]:
        """See Method."""
        return {
            position: Shown(self._scenario.write(self._copy(self._labelled, frame.number)), 0.0)
            for position, frame in enumerate(self._frames)
            if frame.number not in self._labelled
        }


def baselines(data_set: DataSet, scenario: Scenario) -> list[Method]:
    """The methods without a model that make sense for a data set."""
    found: list[Method] = [Copied(NEAREST, nearest, data_set, scenario)]
    if data_set.head in (Head.DETECTION, Head.POSE):
        found.insert(0, Copied(INTERPOLATED, interpolated, data_set, scenario))
    return found
