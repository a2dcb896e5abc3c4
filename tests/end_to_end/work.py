"""One project under test: what a person does in it, and what can be seen of it from outside."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from backend.demo.annotator import Annotator, rectangle_config
from backend.demo.backend_server import BackendServer
from backend.demo.data_set import DataSet
from backend.demo.watching import snapshot
from backend.studio.labeling_config import parse
from backend.studio.tags import for_control
from backend.types import Instance

PATIENCE_SECONDS = 900.0
"""For a training on two cores that other work uses too."""

T = TypeVar("T")


def until(look: Callable[[], T | None], what: Callable[[], str] | str, seconds: float = PATIENCE_SECONDS) -> T:
    """The first true value of `look`; AssertionError when there is none in time."""
    give_up = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < give_up, f"not in {seconds:.0f} s: {what if isinstance(what, str) else what()}"
        time.sleep(0.2)
    return found


class Work:
    """A project of a data set's frames, connected to a backend."""

    def __init__(self, person: Annotator, backend: BackendServer, data_set: DataSet) -> None:
        self.person = person
        self.studio = person.studio
        self.backend = backend
        self.data_set = data_set
        config = rectangle_config(data_set.classes)
        self.control = parse(config).require()[0]
        self.project = person.create_project(data_set.name, config)
        self.labelled: set[int] = set()
        self.tasks: list[int] = []

    def fill(self) -> None:
        """Import the frames."""
        self.tasks = self.person.upload(self.project, self.data_set)

    def connect_plainly(self) -> None:
        """Connect the backend as the Model page does, without `micro-models connect`."""
        self.studio.connect_backend(self.project, self.backend.url, "micro-models")

    def drawn(self, position: int) -> list[dict[str, Any]]:
        """The true boxes of a frame as a person would draw them."""
        size = (self.data_set.width, self.data_set.height)
        result = for_control(self.control).write(self.data_set.frames[position].truth or (), self.control, size)
        return [{key: region[key] for key in region if key != "score"} for region in result]

    def label(self, *positions: int) -> None:
        """Submit the true boxes of these frames."""
        for position in positions:
            self.person.submit(self.tasks[position], self.drawn(position))
            self.labelled.add(position)

    def status(self) -> dict[str, Any]:
        """What the backend says; nothing while it is away."""
        try:
            return self.backend.status(self.project)
        except (httpx.TransportError, httpx.HTTPStatusError) as error:
            return {"groups": [], "error": repr(error)}

    def wait(self, labels: int | None = None, seconds: float = PATIENCE_SECONDS) -> None:
        """Until all labels are trained on and published, by the backend's own word."""
        count = len(self.labelled) if labels is None else labels

        def explain() -> str:
            return f"{count} labels learnt; status {self.status()}; {self.backend.child.log_tail()}"

        until(lambda: snapshot(self.status()).done(count), explain, seconds)

    def predictions(self) -> dict[int, list[dict[str, Any]]]:
        """All predictions in Label Studio by position in the data set, oldest first."""
        by_task = self.person.predictions(self.project)
        return {position: by_task.get(task, []) for position, task in enumerate(self.tasks)}

    def shown(self, position: int) -> tuple[Instance, ...]:
        """The boxes of a frame's newest prediction."""
        return for_control(self.control).read(self.predictions()[position][-1]["result"], self.control).instances

    def model_version(self) -> str:
        """Which predictions Label Studio shows in this project."""
        return str(self.studio.project(self.project)["model_version"])

    def check_one_prediction_each(self) -> None:
        """Every frame without a label has exactly one prediction, of the version that Label Studio shows."""
        version = self.model_version()
        others = {p: found for p, found in self.predictions().items() if p not in self.labelled}
        wrong = {p: [f["model_version"] for f in found] for p, found in others.items() if len(found) != 1}
        assert not wrong, f"frames without exactly one prediction: {wrong}"
        assert {found[0]["model_version"] for found in others.values()} == {version}
