"""The first round: a project of the frames, the labels, the training, the predictions, what they are worth."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image
from rich.console import Console

from backend.demo.annotator import Annotator
from backend.demo.backend_server import BackendServer
from backend.demo.cases import CASES
from backend.demo.contact_sheet import Tile, draw_sheet, spread
from backend.demo.data_set import DataSet
from backend.demo.label_studio_server import LabelStudioServer
from backend.demo.measuring import Figures, measure, predicted_instances
from backend.demo.watching import Watch, show_training
from backend.errors import DemoError
from backend.studio.client import Studio
from backend.studio.labeling_config import parse
from backend.studio.tags import for_control
from backend.types import Instance

SHEET_FRAMES = 20
"""Four rows: enough to judge by eye, and every frame of the clip whose outline is known."""
SHOWN_SECONDS = 60.0
"""How long predictions may take to show up in Label Studio once the backend says that it has published them."""


class FirstRound:
    """One project on a running Label Studio and backend, from nothing to measured predictions."""

    def __init__(
        self, data_set: DataSet, labels: int, studio: LabelStudioServer, backend: BackendServer, console: Console
    ) -> None:
        self.data_set = data_set
        self.labelled = data_set.labelled(labels)
        self.studio = studio
        self.backend = backend
        self.console = console
        self.person = Annotator(Studio(studio.url, studio.token))
        self.case = CASES[data_set.head]
        self.config = self.case.config(data_set.classes)
        self.control = parse(self.config).require()[0]
        self.project = 0
        self.tasks: list[int] = []

    def run(self, folder: Path, ready: Callable[[int], None] = lambda project: None) -> Figures:
        """The whole round; the figures and the contact sheet are also written into `folder`. `ready` hears the project's
        number before anything is labelled: whoever watches can look on from then."""
        try:
            self.create()
            ready(self.project)
            last_label = self.submit()
            self.wait()
            newest = self.read()
            seconds = time.monotonic() - last_label
            predicted = self.predicted(newest)
            figures = measure(self.data_set, self.labelled, predicted, seconds, self.case.scores)
        finally:
            self.person.studio.close()
        figures.write(folder / "figures.json")
        self.draw(predicted, figures).save(folder / "contact-sheet.png")
        return figures

    def create(self) -> None:
        """Make the project, connect the backend, import the frames."""
        self.project = self.person.create_project(f"{self.data_set.name} ({self.case.head}, demo)", self.config)
        self.backend.connect(self.project)
        with self.console.status("Importing the frames into Label Studio"):
            self.tasks = self.person.upload(self.project, self.data_set)
        self.console.print(f"Project {self.project}: {len(self.tasks)} tasks, one a frame; backend connected.")

    def submit(self) -> float:
        """Submit the labels as a person would; the moment of the last, by the monotonic clock."""
        regions = for_control(self.control)
        size = (self.data_set.width, self.data_set.height)
        moment = time.monotonic()
        for position in self.labelled:
            drawn = regions.write(self.data_set.frames[position].truth or (), self.control, size)
            # A score is the mark of a prediction: what a person draws has none.
            self.person.submit(
                self.tasks[position], [{key: region[key] for key in region if key != "score"} for region in drawn]
            )
            moment = time.monotonic()
        numbers = ", ".join(str(self.data_set.frames[position].number) for position in self.labelled)
        self.console.print(f"Submitted {len(self.labelled)} labels (frames {numbers}). Training:")
        return moment

    def wait(self) -> None:
        """Until the backend says that all labels are trained on and published."""
        watch = Watch(lambda: self.backend.status(self.project), self._check_alive)
        show_training(watch, len(self.labelled), self.console)

    def read(self) -> dict[int, dict[str, Any]]:
        """The newest prediction of each task, once Label Studio shows one for every other frame."""
        others = self.awaited()
        give_up = time.monotonic() + SHOWN_SECONDS
        while True:
            newest = {task: found[-1] for task, found in self.person.predictions(self.project).items()}
            if others <= newest.keys():
                return newest
            if time.monotonic() > give_up:
                missing = len(others - newest.keys())
                raise DemoError(f"{missing} of {len(others)} frames have no prediction in Label Studio. See the logs.")
            self._check_alive()
            time.sleep(0.5)

    def awaited(self) -> set[int]:
        """The tasks that Label Studio shall show a prediction of."""
        return {task for position, task in enumerate(self.tasks) if position not in self.labelled}

    def predicted(self, newest: Mapping[int, Mapping[str, Any]]) -> dict[int, tuple[Instance, ...]]:
        """Position in the group -> what Label Studio shows there; `newest` is each task's newest prediction."""
        return predicted_instances(newest, self.tasks, self.control)

    def draw(self, predicted: dict[int, tuple[Instance, ...]], figures: Figures) -> Image.Image:
        """The contact sheet: the labelled frames and an even choice of those whose truth is known."""
        evaluated = spread(self.data_set.evaluation(self.labelled), max(SHEET_FRAMES - len(self.labelled), 2))
        tiles = [
            Tile(
                path=(frame := self.data_set.frames[position]).path,
                caption=f"frame {frame.number}",
                truth=frame.truth or (),
                predicted=() if position in self.labelled else predicted.get(position, ()),
                labelled=position in self.labelled,
            )
            for position in sorted({*evaluated, *self.labelled})
        ]
        return draw_sheet(
            tiles, f"{self.data_set.name}, {self.case.head}: {figures.labels} labels, {figures.seconds:.0f} s"
        )

    def _check_alive(self) -> None:
        self.studio.child.check_alive()
        self.backend.child.check_alive()
